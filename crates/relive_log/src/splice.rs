//! Definitions and statements put into a text, where they belong.

use relive_syntax::{Lines, Outline, Unit, UnitKind, assignment};

use crate::change::Draft;
use crate::drafts::{drafts, drafts_of, with_comments};
use crate::merge::{Step, first_place, last_place};
use crate::record::Operation;
use crate::target::{self, DOCSTRING, MAIN, Name};
use crate::text::{exact, indentation};
use crate::tree::{NoScope, Node, Scope, Tree, block_header};

/// Why definitions cannot be put into a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// There is no such class.
    #[error("there is no class {class}")]
    NoClass {
        /// Its qualified name.
        class: String,
    },
    /// It is something else, or stands on one line.
    #[error("{class} is not a class whose body has lines of its own")]
    NoBlock {
        /// Its qualified name.
        class: String,
    },
    /// One of them does not stand for itself.
    #[error("line {line}: this statement cannot be put elsewhere by itself")]
    NoStatement {
        /// Where in the patch.
        line: u32,
    },
    /// What comes out is not Python.
    #[error("the module would not be Python any more: {message} (line {line})")]
    Syntax {
        /// What is wrong, in words.
        message: String,
        /// Where in the module's new text.
        line: u32,
    },
}

/// The text of a module with the definitions and statements of `patch` in it, in the module or in the class `scope`.
///
/// What has the name of something there replaces it; anything else is added at the end, above
/// `if __name__ == "__main__":`, but imports below the imports. A statement without a name that is there is not added
/// again.
pub fn splice(live: &Outline, scope: &[String], patch: &Outline) -> Result<String, SpliceError> {
    if let Some(live) = live.as_written() {
        return splice(&live, scope, patch);
    }
    let class = || scope.join(".");
    let mut units: &[Unit] = &live.units;
    for (depth, name) in scope.iter().enumerate() {
        let target = target::name(
            (depth > 0).then(|| scope[..depth].join(".")).as_deref(),
            name,
            1,
        );
        let found = target::find(live, &target);
        let found = found.ok_or_else(|| SpliceError::NoClass { class: class() })?;
        if let Some(opened) = opened(live, found) {
            let text = splice(&parsed(&opened)?, scope, patch)?;
            return told_anew(live, text);
        }
        units = match &found.class {
            Some(class) => &class.body,
            None => return Err(SpliceError::NoBlock { class: class() }),
        };
    }
    let places = places(live, units, patch);
    let names: Vec<Name<'_>> = scope.iter().map(|key| Name { key, ordinal: 1 }).collect();
    let mut tree = Tree::of(live);
    let class = |reason| match reason {
        NoScope::Missing => SpliceError::NoClass { class: class() },
        NoScope::NoBlock => SpliceError::NoBlock { class: class() },
    };
    let changes = changes(live, units, scope, patch, &places);
    for draft in &changes {
        if let Some(step) = Step::of_draft(draft) {
            let made = step.make(&mut tree, &[]);
            made.map_err(|_| SpliceError::NoStatement { line: 1 })?;
        }
    }
    tree.scope(&names).map_err(class)?;
    for (number, unit) in patch.units.iter().enumerate() {
        let is_behind = match places[number] {
            Place::At(_) => continue,
            Place::Behind => true,
            Place::New => false,
        };
        let scope = tree.scope(&names).map_err(class)?;
        let text = with_comments(patch, unit, &live.text);
        let node = Node::of_text(text, &scope.indentation, None);
        let mut node = node.ok_or(SpliceError::NoStatement {
            line: unit.lines.first,
        })?;
        node.name_it(&target::key_in(patch, unit));
        let namesake = scope.all_of(&target::key_in(patch, unit)).pop();
        let elder = namesake.filter(|_| is_behind);
        let index = match (elder, unit.kind) {
            (Some(elder), _) => elder + 1,
            (None, UnitKind::Docstring) => 0,
            // What binds the name below the imports would have the last word.
            (None, UnitKind::Import) if scope.is_module && namesake.is_none() => {
                place_of_import(scope, &node)
            }
            _ => last_place(scope, &node),
        };
        let style = tree.style(&names, index);
        let scope = tree.scope(&names).map_err(class)?;
        let index = scope.insert(index, node, style, None);
        tree.settle(&names, index);
    }
    told_anew(live, tree.into_text().0)
}

/// The text as its changes make it, which are what is logged.
fn told_anew(live: &Outline, mut text: String) -> Result<String, SpliceError> {
    // Where names repeat, the changes may be told in another way than they were made here.
    for _ in 0..MOST_ROUNDS {
        let outline = parsed(&text)?;
        let merged = made(live, &drafts(live, &outline));
        if merged == text {
            break;
        }
        text = merged;
    }
    parsed(&text)?;
    Ok(text)
}

/// The text with the body of a class that says nothing on its header's line (`class A: pass`) on a line of its own.
fn opened(live: &Outline, unit: &Unit) -> Option<String> {
    unit.class.as_ref()?;
    let text = live.lines(unit.lines);
    let header = text.trim_end();
    let header = header
        .strip_suffix("pass")
        .or_else(|| header.strip_suffix("..."))?;
    let header = header.trim_end().strip_suffix(':')?;
    if block_header(live, unit).is_some() {
        return None;
    }
    let (above, below) = live.text.split_at(
        live.text.len()
            - live
                .lines(Lines {
                    first: unit.lines.first,
                    last: u32::MAX,
                })
                .len(),
    );
    let below = &below[text.len()..];
    Some(format!(
        "{above}{header}:\n{}    pass\n{below}",
        indentation(text)
    ))
}

/// How often a text is told anew, before it is taken as it is.
const MOST_ROUNDS: usize = 4;

fn parsed(text: &str) -> Result<Outline, SpliceError> {
    Outline::parse(text.into()).map_err(|error| SpliceError::Syntax {
        message: error.message,
        line: error.line,
    })
}

fn made(live: &Outline, drafts: &[Draft]) -> String {
    let mut tree = Tree::of(live);
    for step in drafts.iter().filter_map(Step::of_draft) {
        // A change of an outline that is there can be made in it.
        let _ = step.make(&mut tree, &[]);
    }
    tree.into_text().0
}

/// What changes of the units that are there.
fn changes(
    live: &Outline,
    units: &[Unit],
    scope: &[String],
    patch: &Outline,
    places: &[Place],
) -> Vec<Draft> {
    let scope = (!scope.is_empty()).then(|| scope.join("."));
    let keys = target::keys(live, units);
    let mut drafts = Vec::new();
    for (unit, place) in patch.units.iter().zip(places) {
        if let Place::At(index) = *place {
            let (key, ordinal) = &keys[index];
            let target = target::name(scope.as_deref(), key, *ordinal);
            let there = &units[index];
            let text = patch.lines(unit.lines);
            match with_value(live.lines(there.lines), text) {
                Some(new) => drafts.push(Draft::Patch {
                    operation: Operation::Replace,
                    target,
                    after: None,
                    old: Some(live.lines(there.lines).to_owned()),
                    new: Some(new),
                }),
                None => drafts.extend(drafts_of((live, there), (patch, unit), target)),
            }
        }
    }
    drafts
}

/// An assignment with the value of another one: its annotation and the comment behind it stay, where the other has none.
fn with_value(there: &str, text: &str) -> Option<String> {
    let line = exact(text);
    let typed = assignment(&line)?;
    let is_bare = !line.contains(['\n', '#'])
        && line[..typed.value.start].trim_end() == format!("{} =", typed.name);
    let own = assignment(there.trim_start_matches([' ', '\t']))?;
    let cut = indentation(there).len();
    let value = own.value.start + cut..own.value.end + cut;
    (is_bare && own.name == typed.name).then(|| {
        format!(
            "{}{}{}",
            &there[..value.start],
            &line[typed.value],
            &there[value.end..]
        )
    })
}

/// Where a unit of a patch goes.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the place of the unit of this index.
    At(usize),
    /// Behind the last one that has its name.
    Behind,
    /// Where such things are added.
    New,
}

fn places(live: &Outline, units: &[Unit], patch: &Outline) -> Vec<Place> {
    let keys: Vec<String> = units
        .iter()
        .map(|unit| target::key_in(live, unit))
        .collect();
    let mut is_taken = vec![false; units.len()];
    let mut places = vec![Place::New; patch.units.len()];
    let patch_keys: Vec<String> = patch
        .units
        .iter()
        .map(|unit| target::key_in(patch, unit))
        .collect();
    // What is of the same kind is looked for first, so that nothing else takes its place.
    for is_same_kind in [true, false] {
        for (number, unit) in patch.units.iter().enumerate() {
            let key = &patch_keys[number];
            let is_free = |&index: &usize| {
                keys[index] == *key
                    && !is_taken[index]
                    && (!is_same_kind || units[index].kind == unit.kind)
            };
            let free: Vec<usize> = (0..units.len()).filter(is_free).collect();
            if matches!(places[number], Place::At(_)) {
                continue;
            }
            let is_repeated = patch_keys.iter().filter(|other| *other == key).count() > 1;
            if let Some(index) = partner(live, units, &free, patch, unit, key, is_repeated) {
                is_taken[index] = true;
                places[number] = Place::At(index);
            } else if goes_on(patch, unit) {
                places[number] = Place::Behind;
            }
        }
    }
    places
}

/// Which of the units that share a unit's name it replaces.
fn partner(
    live: &Outline,
    units: &[Unit],
    free: &[usize],
    patch: &Outline,
    unit: &Unit,
    key: &str,
    is_repeated: bool,
) -> Option<usize> {
    let mut free_ones = free.iter().copied();
    if key == DOCSTRING || key == MAIN {
        return free_ones.next();
    }
    if let Some(same) = free_ones
        .clone()
        .find(|&index| units[index].whole == unit.whole)
    {
        return Some(same);
    }
    if unit.binds.is_empty() || unit.is_deletion || reads_itself(unit) {
        return None;
    }
    let decorators = |unit: &Unit| unit.function.as_ref().map(|parts| parts.decorators);
    let alike =
        |&index: &usize| unit.function.is_some() && decorators(&units[index]) == decorators(unit);
    let found = match decorators(unit) {
        // Of several plain ones the last one is what the name means.
        Some(_) if !is_decorated(unit) && !is_repeated => free_ones.clone().rfind(alike),
        _ => free_ones.clone().find(alike),
    };
    if found.is_some() {
        return found;
    }
    if goes_on(patch, unit) {
        return None;
    }
    let is_definition = matches!(unit.kind, UnitKind::Function | UnitKind::Class);
    let is_plain = |&index: &usize| {
        let there = &units[index];
        // A branch may say when a name is bound to what, which one statement cannot.
        let is_branch = is_compound(live, there) && !is_compound(patch, unit);
        let is_shadowed = there.kind == UnitKind::Import && unit.kind != UnitKind::Import;
        there.maybe.is_empty()
            && !there.is_deletion
            && !reads_itself(there)
            && !goes_on(live, there)
            && !is_shadowed
            && !is_branch
    };
    if is_repeated {
        free_ones.find(is_plain)
    } else if is_definition {
        free_ones.rfind(is_plain)
    } else {
        // What stands below it would have the last word.
        free_ones.next_back().filter(is_plain)
    }
}

fn is_decorated(unit: &Unit) -> bool {
    let parts = unit.function.as_ref();
    parts.is_some_and(|parts| parts.decorator_lines.is_some())
}

/// Whether it is a statement with statements in it.
fn is_compound(outline: &Outline, unit: &Unit) -> bool {
    let text = outline.lines(unit.lines).trim_start();
    let words = ["if", "try", "for", "while", "with", "match", "async"];
    let word = text.split(|c: char| !c.is_alphanumeric()).next();
    unit.kind == UnitKind::Statement && word.is_some_and(|word| words.contains(&word))
}

/// Whether it goes on with what has its name: `@x.setter`.
fn goes_on(outline: &Outline, unit: &Unit) -> bool {
    let [name] = &*unit.binds else {
        return false;
    };
    let text = outline.lines(unit.lines).trim_start();
    let decorator = text.strip_prefix('@').map(str::trim_start);
    unit.function.is_some()
        && decorator
            .and_then(|text| text.strip_prefix(name.as_str()))
            .is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a statement takes the value of a name that it binds.
fn reads_itself(unit: &Unit) -> bool {
    let head = |path: &String| path.split('.').next().unwrap_or_default().to_owned();
    unit.function.is_none()
        && unit.class.is_none()
        && unit
            .reads
            .now
            .paths
            .keys()
            .any(|path| unit.binds(&head(path)))
}

/// Below the imports at the beginning.
fn place_of_import(scope: &Scope<'_>, node: &Node<'_>) -> usize {
    let first = first_place(scope, node);
    if node.text().starts_with("from __future__ ") {
        return first;
    }
    let is_import = |index: usize| scope.nodes[index].kind == UnitKind::Import;
    let count = scope.nodes.len();
    first + (first..count).take_while(|&index| is_import(index)).count()
}
