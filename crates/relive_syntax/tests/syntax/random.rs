//! What holds for every module, on random ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use relive_syntax::{Lines, Outline, TreeHash, Unit, UnitKind, diff};

use crate::support::{all_units, parse};

/// A statement, with the statements of its body if it is a class.
#[derive(Clone, Debug)]
struct Block {
    text: &'static str,
    /// Names to put for `$` and `%` in the text.
    names: (&'static str, &'static str),
    body: Vec<Block>,
}

/// Lines that change no tree, to put before statements.
#[derive(Clone, Copy, Debug)]
enum Filler {
    Nothing,
    Empty,
    Comment,
    FormFeed,
}

const STATEMENTS: &[&str] = &[
    "$ = 1",
    "$ = %",
    "$ = 2; % = $",
    "$ += %",
    "$: int = %",
    "$: list[%]",
    "$, % = %, $",
    "$ = [\n    % for % in $\n\n    if %\n]",
    "$ = '''\ntext\n\n    '''",
    "$ = 1 + \\\n    %",
    "$ = f'{%!r:>{$}}'",
    "$ = lambda x, y=%: x + $",
    "$[%] = 1",
    "$.attribute = %",
    "del $",
    "$()",
    "%($, key=%)",
    "'text'",
    "pass",
    "import $",
    "import $.% as %",
    "from . import $, %",
    "from $ import (\n    % as $,\n)",
    "def $(): pass",
    "def $(a, b=%, *c: $) -> %:\n    '''doc'''\n\n    # inside\n    return a + %",
    "@%\ndef $(self):\n    return self.%",
    "@%.attribute(\n    1,\n)\n\n# why\nasync def $():\n    async with %: yield 1",
    "if $:\n    % = 1\n# why\nelse:\n    def %(): return $",
    "for $ in %:\n    %($)",
    "while $: %()",
    "try:\n    import $\nexcept ImportError as e:\n\n    $ = None",
    "with $ as %: pass",
    "match $:\n    case [%, *_]: pass\n    case _:\n        $ = 1",
    "if __name__ == '__main__':\n    $()",
    "assert $, %",
    "type $ = %",
];

const CLASSES: &[&str] = &[
    "class $:",
    "class $(%):",
    "class $(\n    %,\n):",
    "@%\nclass $(%, metaclass=$):  # why",
    "@%(\n    1\n)\n\nclass $:\n    # first\n",
];

/// What an edit may put anywhere.
const SNIPPETS: &[&str] = &[
    "",
    "\n",
    "\n\n",
    " ",
    "    ",
    "\t",
    "\x0c",
    "\\\n",
    "\\",
    "#",
    "# why\n",
    "'''",
    "\"",
    "(",
    ")",
    ";",
    "@",
    "@a\n",
    "else:\n    a\n",
    "    a\n",
    "a = 1\n",
    "\na = 1\n",
    "def a():\n    b\n",
    "\nclass a:\n    b = 1\n",
    "'doc'\n",
    "if a:\n",
    "from __future__ import annotations\n",
    "\u{feff}",
    "ä",
    "f'{",
    ":",
    "pass",
];

const NAMES: &[&str] = &["a", "b", "c", "ä"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

fn block() -> impl Strategy<Value = Block> {
    let leaf =
        (prop::sample::select(STATEMENTS), (name(), name())).prop_map(|(text, names)| Block {
            text,
            names,
            body: Vec::new(),
        });
    leaf.prop_recursive(3, 12, 4, |inner| {
        let header = prop::sample::select(CLASSES);
        (header, (name(), name()), prop::collection::vec(inner, 1..4))
            .prop_map(|(text, names, body)| Block { text, names, body })
    })
}

fn module() -> impl Strategy<Value = Vec<Block>> {
    prop::collection::vec(block(), 0..8)
}

fn fillers() -> impl Strategy<Value = Vec<Filler>> {
    use Filler::{Comment, Empty, FormFeed, Nothing};
    prop::collection::vec(
        prop::sample::select(&[Nothing, Empty, Comment, FormFeed][..]),
        40,
    )
}

/// The module's text; before each statement stands one of the fillers, as long as there are any.
fn render(blocks: &[Block], fillers: &[Filler]) -> String {
    let mut text = String::new();
    let mut fillers = fillers.iter();
    render_blocks(&mut text, blocks, "", &mut fillers);
    text
}

fn render_blocks<'f>(
    text: &mut String,
    blocks: &[Block],
    indent: &str,
    fillers: &mut impl Iterator<Item = &'f Filler>,
) {
    for block in blocks {
        match fillers.next() {
            None | Some(Filler::Nothing) => {}
            Some(Filler::Empty) => text.push_str("\n \n"),
            Some(Filler::Comment) => text.push_str(&format!("{indent}# $ why\n    # not\n")),
            Some(Filler::FormFeed) => text.push_str("\x0c\n"),
        }
        let own = block
            .text
            .replace('$', block.names.0)
            .replace('%', block.names.1);
        let mut in_string = false;
        for line in own.trim_end_matches('\n').split('\n') {
            let indent = if in_string || line.is_empty() {
                ""
            } else {
                indent
            };
            text.push_str(&format!("{indent}{line}\n"));
            in_string ^= line.matches("'''").count() % 2 == 1;
        }
        render_blocks(text, &block.body, &format!("{indent}    "), fillers);
    }
}

fn wholes(units: &[Unit]) -> Vec<TreeHash> {
    all_units(units).iter().map(|unit| unit.whole).collect()
}

fn sorted(mut wholes: Vec<TreeHash>) -> Vec<TreeHash> {
    wholes.sort_unstable();
    wholes
}

/// Units on the way to each unit, itself last.
fn paths(units: &[Unit]) -> Vec<Vec<&Unit>> {
    let mut found = Vec::new();
    for unit in units {
        found.push(vec![unit]);
        for mut path in paths(unit.class.as_ref().map_or(&[], |class| &class.body)) {
            path.insert(0, unit);
            found.push(path);
        }
    }
    found
}

fn assert_ordered(units: &[Unit], within: Lines) {
    let mut next = within.first;
    for unit in units {
        assert!(
            next <= unit.lines.first && unit.lines.first <= unit.lines.last,
            "{unit:?}"
        );
        assert!(unit.lines.last <= within.last, "{unit:?}");
        next = unit.lines.last + 1;
        if let Some(class) = &unit.class {
            assert_ordered(&class.body, unit.lines);
            assert!(unit.lines.contains(class.header_lines.first), "{unit:?}");
            assert!(unit.lines.contains(class.header_lines.last), "{unit:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn units_stand_in_order_on_lines_of_their_own(blocks in module(), fillers in fillers()) {
        let outline = parse(&render(&blocks, &fillers));
        assert_ordered(&outline.units, Lines { first: 1, last: outline.line_count() });
    }

    #[test]
    fn excerpts_keep_units_where_they_are(
        blocks in module(),
        fillers in fillers(),
        chosen in prop::collection::vec(any::<bool>(), 60),
    ) {
        let outline = parse(&render(&blocks, &fillers));
        let paths = paths(&outline.units);
        let chosen: Vec<_> = paths.iter().zip(&chosen).filter(|(_, chosen)| **chosen).collect();
        let mut keep = Vec::new();
        for (path, _) in &chosen {
            let (unit, classes) = path.split_last().unwrap();
            keep.extend(classes.iter().filter_map(|class| Some(class.class.as_ref()?.header_lines)));
            keep.push(unit.lines);
        }
        let text = outline.excerpt(&keep, None);
        let excerpt = parse(&text);
        let kept: BTreeMap<Lines, TreeHash> =
            all_units(&excerpt.units).iter().map(|unit| (unit.lines, unit.text)).collect();
        for (path, _) in &chosen {
            let unit = path.last().unwrap();
            prop_assert_eq!(outline.lines(unit.lines).trim_end(), excerpt.lines(unit.lines).trim_end());
            prop_assert!(kept.keys().any(|lines| lines.first == unit.lines.first), "{}\n{:?}", text, unit);
        }
        // Nothing else is left but the headers, and the line that declares the imported names.
        for line in 1..=outline.line_count() {
            if !keep.iter().any(|lines| lines.contains(line)) {
                let left = excerpt.lines(Lines { first: line, last: line });
                prop_assert!(left.trim().is_empty() || left.starts_with("if 0: import "), "{left}");
            }
        }
    }

    #[test]
    fn identities_are_unique(versions in prop::collection::vec(module(), 1..5)) {
        let mut last_id = 0;
        let mut old: Option<Outline> = None;
        for blocks in versions {
            let mut new = parse(&render(&blocks, &[]));
            new.inherit(old.as_ref(), &mut last_id);
            let ids: Vec<u64> = all_units(&new.units).iter().map(|unit| unit.id).collect();
            prop_assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
            prop_assert!(ids.iter().all(|id| (1..=last_id).contains(id)));
            old = Some(new);
        }
    }

    #[test]
    fn the_same_text_keeps_its_identities(blocks in module(), fillers in fillers()) {
        let mut last_id = 0;
        let mut old = parse(&render(&blocks, &[]));
        old.inherit(None, &mut last_id);
        let first = last_id;
        let mut new = parse(&render(&blocks, &fillers));
        new.inherit(Some(&old), &mut last_id);
        prop_assert_eq!(first, last_id);
        let ids = |outline: &Outline| -> Vec<u64> { all_units(&outline.units).iter().map(|unit| unit.id).collect() };
        prop_assert_eq!(ids(&old), ids(&new));
    }

    #[test]
    fn a_pairing_is_a_partial_matching(before in module(), after in module()) {
        let (old, new) = (parse(&render(&before, &[])), parse(&render(&after, &[])));
        let pairing = diff(&old.units, &new.units);
        prop_assert_eq!(pairing.old_of_new.len(), new.units.len());
        prop_assert_eq!(pairing.new_of_old.len(), old.units.len());
        for (index, partner) in pairing.old_of_new.iter().enumerate() {
            if let Some(partner) = *partner {
                prop_assert_eq!(pairing.new_of_old[partner], Some(index));
                prop_assert_eq!(old.units[partner].kind, new.units[index].kind);
                prop_assert_eq!(&old.units[partner].binds, &new.units[index].binds);
            }
        }
        for (index, partner) in pairing.new_of_old.iter().enumerate() {
            if let Some(partner) = *partner {
                prop_assert_eq!(pairing.old_of_new[partner], Some(index));
            }
        }
        // Nothing is left alone that could have had a partner.
        let identity = |unit: &Unit| (unit.kind, unit.binds.clone(), unit.binds.is_empty().then_some(unit.whole));
        let alone = |units: &[Unit], partners: &[Option<usize>]| -> BTreeSet<_> {
            units.iter().zip(partners).filter(|(_, partner)| partner.is_none()).map(|(unit, _)| identity(unit)).collect()
        };
        let old_alone = alone(&old.units, &pairing.new_of_old);
        let new_alone = alone(&new.units, &pairing.old_of_new);
        prop_assert!(old_alone.is_disjoint(&new_alone));
    }

    #[test]
    fn comments_and_empty_lines_are_no_change(blocks in module(), before in fillers(), after in fillers()) {
        let (old, new) = (parse(&render(&blocks, &before)), parse(&render(&blocks, &after)));
        prop_assert_eq!(wholes(&old.units), wholes(&new.units));
        let evaluated = |outline: &Outline| -> Vec<_> {
            all_units(&outline.units).iter().map(|unit| unit.evaluated).collect()
        };
        prop_assert_eq!(evaluated(&old), evaluated(&new));
        prop_assert!(diff(&old.units, &new.units).old_of_new.iter().all(Option::is_some));
    }

    #[test]
    fn order_is_no_change(blocks in module(), seed in any::<u64>()) {
        let mut shuffled = blocks.clone();
        let mut random = seed;
        for index in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (random >> 33) as usize % (index + 1));
        }
        // A text that comes first is a docstring, and elsewhere is none.
        let is_text = |block: &Block| block.text == "'text'";
        prop_assume!(!blocks.iter().any(is_text));
        let (old, new) = (parse(&render(&blocks, &[])), parse(&render(&shuffled, &[])));
        prop_assert_eq!(sorted(wholes(&old.units)), sorted(wholes(&new.units)));
        for (unit, partner) in new.units.iter().zip(diff(&old.units, &new.units).old_of_new) {
            prop_assert_eq!(partner.map(|index| old.units[index].whole), Some(unit.whole));
        }
    }

    /// Executing what differs is enough: equal trees everywhere else.
    #[test]
    fn equal_text_is_equal_in_every_hash(blocks in module()) {
        let text = render(&blocks, &[]);
        let (one, other) = (parse(&text), parse(&text));
        for (one, other) in all_units(&one.units).into_iter().zip(all_units(&other.units)) {
            prop_assert_eq!((one.text, one.whole, one.evaluated), (other.text, other.whole, other.evaluated));
            prop_assert_eq!(&one.reads, &other.reads);
        }
    }

    #[test]
    fn an_edited_text_is_outlined_as_any_other(
        blocks in module(),
        other in module(),
        fillers in fillers(),
        cut in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, prop::sample::select(SNIPPETS)), 1..4),
    ) {
        let mut text = render(&blocks, &fillers);
        let mut outline = parse(&text);
        let (start, end) = (cut.0.index(blocks.len() + 1), cut.1.index(blocks.len() + 1));
        let mut replaced = blocks.clone();
        replaced.splice(start.min(end)..start.max(end), other);
        let mut versions = vec![render(&replaced, &fillers)];
        for (place, length, snippet) in edits {
            let mut characters: Vec<char> = versions[versions.len() - 1].chars().collect();
            let start = place.index(characters.len() + 1);
            let end = (start + length).min(characters.len());
            characters.splice(start..end, snippet.chars());
            versions.push(characters.into_iter().collect());
        }
        for version in versions {
            let edited = outline.edited(version.as_str().into());
            prop_assert_eq!(&edited, &Outline::parse(version.as_str().into()), "{:?} to {:?}", text, version);
            if let Ok(edited) = edited {
                (outline, text) = (edited, version);
            }
        }
    }

    #[test]
    fn any_text_is_outlined_or_refused(text in "[ -~\n\t\x0cä]{0,60}") {
        let lines = u32::try_from(text.split('\n').count()).unwrap();
        match Outline::parse(text.as_str().into()) {
            Ok(outline) => assert_ordered(&outline.units, Lines { first: 1, last: lines }),
            Err(error) => prop_assert!((1..=lines).contains(&error.line), "{error:?}"),
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(text) = relive_syntax::decode(&bytes) {
            prop_assert!(!text.contains('\r'));
        }
    }
}

/// The statements of the random modules are of all kinds, or the properties above say less than they seem to.
#[test]
fn all_kinds_of_units_occur() {
    let blocks: Vec<Block> = STATEMENTS
        .iter()
        .map(|text| Block {
            text,
            names: ("a", "b"),
            body: Vec::new(),
        })
        .collect();
    let mut module = vec![blocks[17].clone()];
    module.extend(blocks.clone());
    module.push(Block {
        text: CLASSES[3],
        names: ("a", "b"),
        body: blocks,
    });
    let outline = parse(&render(&module, &[]));
    let kinds: BTreeSet<UnitKind> = all_units(&outline.units)
        .iter()
        .map(|unit| unit.kind)
        .collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}
