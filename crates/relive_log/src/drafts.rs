//! The changes that lead from one text of a module to another.

use std::borrow::Cow;
use std::collections::HashMap;

use relive_syntax::{Outline, Pairing, Unit, diff};

use crate::change::Draft;
use crate::record::Operation;
use crate::target;
use crate::text::{PASS, exact, indentation, is_comment, is_same};
use crate::tree::block_header;

/// The changes of single definitions and statements that lead from one outline to another, to be made in this order.
///
/// A class whose header is the same is compared statement by statement. What stands between units, their order, and
/// `pass` in the body of a class are no change. A target is named as it is once the changes before it are made, and an addition that repeats a name is
/// called the next of it, wherever it stands.
#[must_use]
pub fn drafts(old: &Outline, new: &Outline) -> Vec<Draft> {
    let written = [old.as_written(), new.as_written()];
    let [old, new] = [
        written[0].as_ref().unwrap_or(old),
        written[1].as_ref().unwrap_or(new),
    ];
    let mut comparison = Comparison {
        old,
        new,
        drafts: Vec::new(),
    };
    comparison.scope(&old.units, &new.units, None);
    comparison.drafts
}

/// The changes that make of one unit another one of its name.
pub(crate) fn drafts_of(
    old: (&Outline, &Unit),
    new: (&Outline, &Unit),
    target: String,
) -> Vec<Draft> {
    let mut comparison = Comparison {
        old: old.0,
        new: new.0,
        drafts: Vec::new(),
    };
    if !comparison.is_same(old.1, new.1) {
        comparison.pair(old.1, new.1, target);
    }
    comparison.drafts
}

/// Beyond this many comparisons, units of one name are paired by their order alone.
const LONGEST_ALIGNMENT: usize = 20_000_000;

struct Comparison<'a> {
    old: &'a Outline,
    new: &'a Outline,
    drafts: Vec<Draft>,
}

/// A unit of the scope as it is after some of the changes.
struct Entry {
    key: String,
    old: Option<usize>,
    new: Option<usize>,
}

impl Comparison<'_> {
    fn scope(&mut self, old: &[Unit], new: &[Unit], scope: Option<&str>) {
        let key_of = |outline, units: &[Unit]| -> Vec<String> {
            units
                .iter()
                .map(|unit| target::key_in(outline, unit))
                .collect()
        };
        let (old_keys, new_keys) = (key_of(self.old, old), key_of(self.new, new));
        let pairing = paired(old, &old_keys, new, &new_keys);
        let entry = |(index, key): (usize, &String)| Entry {
            key: key.clone(),
            old: Some(index),
            new: pairing.new_of_old[index],
        };
        let mut now: Vec<Entry> = old_keys.iter().enumerate().map(entry).collect();

        for place in (0..now.len()).rev() {
            if now[place].new.is_none()
                && let Some(index) = now[place].old
            {
                let target = name_at(&now, place, scope);
                let text = with_comments(self.old, &old[index], &self.new.text);
                self.patch(target, Some(text), None, None);
                now.remove(place);
            }
        }
        for place in 0..now.len() {
            if let (Some(before), Some(after)) = (now[place].old, now[place].new)
                && !self.is_same(&old[before], &new[after])
            {
                self.pair(&old[before], &new[after], name_at(&now, place, scope));
            }
        }
        // Where the elder sibling stands; most units stand behind it.
        let mut behind: Option<usize> = None;
        for (index, unit) in new.iter().enumerate() {
            let is_it = |entry: &Entry| entry.new == Some(index);
            let next = behind.map_or(0, |elder| elder + 1);
            let place = match now.get(next) {
                Some(entry) if is_it(entry) => Some(next),
                _ => now.iter().position(is_it),
            };
            if place.is_none() {
                let after = behind.map(|place| name_at(&now, place, scope));
                let key = new_keys[index].clone();
                let ordinal = 1 + now.iter().filter(|entry| entry.key == key).count();
                let target = target::name(scope, &key, ordinal);
                self.patch(
                    target,
                    None,
                    Some(with_comments(self.new, unit, &self.old.text)),
                    after,
                );
                let entry = Entry {
                    key,
                    old: None,
                    new: Some(index),
                };
                now.insert(next, entry);
            }
            behind = Some(place.unwrap_or(next));
        }
    }

    fn is_same(&self, old: &Unit, new: &Unit) -> bool {
        is_same(self.old.lines(old.lines), self.new.lines(new.lines))
    }

    /// Units that are not the same.
    fn pair(&mut self, old: &Unit, new: &Unit, target: String) {
        let (before, after) = (self.old.lines(old.lines), self.new.lines(new.lines));
        let header = |outline: &Outline, unit| {
            let text = outline.lines(block_header(outline, unit)?);
            Some(exact(text).into_owned())
        };
        if let (Some(old_class), Some(new_class)) = (&old.class, &new.class)
            && let Some(old_header) = header(self.old, old)
            && header(self.new, new) == Some(old_header)
        {
            let old = saying(self.old, &old_class.body);
            let new = saying(self.new, &new_class.body);
            self.scope(&old, &new, Some(&target));
            return;
        }
        self.patch(target, Some(before), Some(after), None);
    }

    fn patch(
        &mut self,
        target: String,
        old: Option<&str>,
        new: Option<&str>,
        after: Option<String>,
    ) {
        let operation = match (old, new) {
            (None, _) => Operation::Add,
            (_, None) => Operation::Remove,
            _ => Operation::Replace,
        };
        self.drafts.push(Draft::Patch {
            operation,
            target,
            after,
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        });
    }
}

/// The statements of the body of a class but for `pass`, which says nothing.
fn saying<'u>(outline: &Outline, body: &'u [Unit]) -> Cow<'u, [Unit]> {
    let is_said = |unit: &&Unit| outline.lines(unit.lines).trim() != PASS;
    match body.iter().all(|unit| is_said(&unit)) {
        true => Cow::Borrowed(body),
        false => Cow::Owned(body.iter().filter(is_said).cloned().collect()),
    }
}

fn name_at(now: &[Entry], place: usize, scope: Option<&str>) -> String {
    let key = &now[place].key;
    let before = now[..place].iter().filter(|entry| entry.key == *key);
    target::name(scope, key, before.count() + 1)
}

/// Which unit became which: as for a reload, but what has the same name goes on as the same thing, whatever it is.
fn paired(old: &[Unit], old_keys: &[String], new: &[Unit], new_keys: &[String]) -> Pairing {
    let mut pairing = diff(old, new);
    // A statement without a name is known by its first line.
    for (index, key) in new_keys.iter().enumerate() {
        if let Some(partner) = pairing.old_of_new[index]
            && old_keys[partner] != *key
        {
            pairing.old_of_new[index] = None;
            pairing.new_of_old[partner] = None;
        }
    }
    let mut old_of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, key) in old_keys.iter().enumerate() {
        old_of.entry(key).or_default().push(index);
    }
    let mut new_of: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, key) in new_keys.iter().enumerate() {
        new_of.entry(key).or_default().push(index);
    }
    for (key, new_group) in new_of {
        let Some(old_group) = old_of.get(key) else {
            continue;
        };
        if let ([old_one], [new_one]) = (&**old_group, &*new_group)
            && pairing.new_of_old[*old_one] == Some(*new_one)
        {
            continue;
        }
        for &index in &new_group {
            pairing.old_of_new[index] = None;
        }
        for &index in old_group {
            pairing.new_of_old[index] = None;
        }
        let is_equal = |before: usize, after: usize| old[before].whole == new[after].whole;
        let is_named = !key.starts_with('<');
        for (before, after) in aligned(&pairing, old_group, &new_group, is_equal, is_named) {
            pairing.old_of_new[after] = Some(before);
            pairing.new_of_old[before] = Some(after);
        }
    }
    pairing
}

/// Pair units of one name without crossing each other: as many equal ones as can be, then as many as can be, then such
/// that they stay where they are among the others.
fn aligned(
    pairing: &Pairing,
    old: &[usize],
    new: &[usize],
    is_equal: impl Fn(usize, usize) -> bool,
    is_named: bool,
) -> Vec<(usize, usize)> {
    let is_short = old.len() * new.len() * pairing.old_of_new.len() < LONGEST_ALIGNMENT;
    let is_unchanged = old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(&before, &after)| is_equal(before, after));
    if is_unchanged || !is_short {
        return old.iter().copied().zip(new.iter().copied()).collect();
    }
    // The best score of what is left from a place on in both, and whether the two there are paired for it.
    type Score = (usize, usize, isize);
    let width = new.len() + 1;
    let mut best: Vec<(Score, bool)> = vec![((0, 0, 0), false); (old.len() + 1) * width];
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            let (before, after) = (old[row], new[column]);
            let crossings = crossings(pairing, before, after);
            let is_equal = is_equal(before, after);
            let below = best[(row + 1) * width + column].0;
            let right = best[row * width + column + 1].0;
            let mut found = (below.max(right), false);
            // A statement without a name that changed and moved is another one.
            if is_equal || is_named || crossings == 0 {
                let rest = best[(row + 1) * width + column + 1].0;
                let paired = (
                    rest.0 + usize::from(is_equal),
                    rest.1 + 1,
                    rest.2.saturating_sub_unsigned(crossings),
                );
                if paired >= found.0 {
                    found = (paired, true);
                }
            }
            best[row * width + column] = found;
        }
    }
    let mut pairs = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < old.len() && column < new.len() {
        let (score, is_paired) = best[row * width + column];
        if is_paired {
            pairs.push((old[row], new[column]));
            row += 1;
            column += 1;
        } else if best[(row + 1) * width + column].0 == score {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// How many of the pairs that are known stand on the other side of a new one in one of the texts.
fn crossings(pairing: &Pairing, old: usize, new: usize) -> usize {
    let pairs = pairing.old_of_new.iter().enumerate();
    pairs
        .filter(|(index, partner)| partner.is_some_and(|partner| (partner < old) != (*index < new)))
        .count()
}

/// The text of what only one of two texts has, with the comments directly above it unless the other text has them.
pub(crate) fn with_comments<'a>(outline: &'a Outline, unit: &Unit, other: &str) -> &'a str {
    let text = outline.lines(unit.lines);
    let whole: &str = &outline.text;
    // By its place in the text and not by its lines, which may be shown elsewhere.
    let place = text.as_ptr().addr() - whole.as_ptr().addr();
    let indent = indentation(text);
    let mut start = place;
    while let Some(above) = whole[..start].strip_suffix('\n') {
        let first = above.rfind('\n').map_or(0, |end| end + 1);
        let line = &above[first..];
        let is_own = is_comment(line) && indentation(line) == indent;
        let is_file_head = line.starts_with("#!")
            || line.contains("coding") && above.matches('\n').nth(1).is_none();
        if !is_own || is_file_head {
            break;
        }
        start = first;
    }
    if start == place || holds(other, &whole[start..place]) {
        return text;
    }
    &whole[start..place + text.len()]
}

/// Whether lines stand in a text one after the other, however they are indented.
fn holds(text: &str, lines: &str) -> bool {
    let wanted: Vec<&str> = lines.lines().map(str::trim).collect();
    let there: Vec<&str> = text.lines().map(str::trim).collect();
    there.windows(wanted.len()).any(|window| window == wanted)
}
