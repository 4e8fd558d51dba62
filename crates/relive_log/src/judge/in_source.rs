//! Which changes a source says already.

use std::collections::{BTreeMap, HashMap};

use relive_syntax::Outline;

use super::class::{Class, PASS, group_of, says, units_of};
use super::{Patch, is_counted, patch};
use crate::change::Change;
use crate::target::{self, Path, class_of};
use crate::text::exact;
use crate::text::text_hash;

/// The numbers of the changes that are in the source, each with that of the last one of its target that is.
pub(super) fn in_source(changes: &[Change], source: &Outline) -> HashMap<u64, u64> {
    let versions = Versions::of(changes);
    let mut groups: BTreeMap<(usize, String), Vec<(u64, Patch<'_>)>> = BTreeMap::new();
    for change in changes.iter().filter(|change| is_counted(change)) {
        if let Some(patch) = patch(change) {
            // Classes before what is in them.
            let depth = Path::parse(patch.target).classes.len();
            let group = groups.entry((depth, group_of(patch.target))).or_default();
            group.push((change.number, patch));
        }
    }
    let mut found = HashMap::new();
    // For each class the first change that is still to be made of it: what follows it is made of its outcome.
    let mut open: HashMap<&str, u64> = HashMap::new();
    // And the last one that is made: it says all that was changed in the class before.
    let mut closed: HashMap<&str, u64> = HashMap::new();
    for ((_, group), patches) in &groups {
        let (mut limit, mut floor) = (u64::MAX, 0);
        let mut class = class_of(group);
        while let Some(around) = class {
            limit = limit.min(open.get(around).copied().unwrap_or(u64::MAX));
            floor = floor.max(closed.get(around).copied().unwrap_or(0));
            class = class_of(around);
        }
        let (superseded, patches) =
            patches.split_at(patches.partition_point(|(number, _)| *number < floor));
        found.extend(superseded.iter().map(|(number, _)| (*number, floor)));
        let mut chains: BTreeMap<&str, Vec<&(u64, Patch<'_>)>> = BTreeMap::new();
        let is_shifting = is_shifting(source, group, patches);
        for patch in patches {
            if has_another_ordinal(source, &patch.1) {
                found.insert(patch.0, patch.0);
                continue;
            }
            let chain = if is_shifting { group } else { patch.1.target };
            chains.entry(chain).or_default().push(patch);
        }
        for (target, chain) in chains {
            let before = &chain[..chain.partition_point(|(number, _)| *number < limit)];
            let said = if is_shifting {
                shifted(source, group, before)
            } else {
                let is_said = |(number, patch): &&(u64, Patch<'_>)| {
                    versions.is_said(source, target, patch.new, *number)
                        || is_empty_body(source, patch)
                };
                before.iter().rposition(is_said).map_or(0, |last| last + 1)
            };
            if let Some((last, patch)) = chain[..said].last() {
                closed.insert(patch.target, *last);
                found.extend(chain[..said].iter().map(|(number, _)| (*number, *last)));
            }
            for (number, patch) in &chain[said..] {
                let first = open.entry(patch.target).or_insert(*number);
                *first = (*first).min(*number);
            }
        }
    }
    found
}

/// Whether what was added as the second of its name is there as the first, because the other one is gone.
fn has_another_ordinal(source: &Outline, patch: &Patch<'_>) -> bool {
    let (None, Some(new)) = (patch.old, patch.new) else {
        return false;
    };
    let group = group_of(patch.target);
    if group == patch.target || target::find(source, patch.target).is_some() {
        return false;
    }
    let unit = target::find(source, &group);
    unit.is_some_and(|unit| text_hash(source.lines(unit.lines)) == text_hash(new))
}

/// Whether `pass` was removed and stays, since nothing else is there.
fn is_empty_body(source: &Outline, patch: &Patch<'_>) -> bool {
    let class = class_of(patch.target).and_then(|class| target::find(source, class));
    let body = class.and_then(|class| class.class.as_ref());
    patch.new.is_none()
        && patch.old.is_some_and(|old| exact(old) == PASS)
        && body.is_some_and(|class| class.body.len() == 1)
}

/// Whether changes of a name that repeats have given its units other ordinals.
fn is_shifting(source: &Outline, group: &str, patches: &[(u64, Patch<'_>)]) -> bool {
    let is_repeated = units_of(source, group).nth(1).is_some()
        || patches
            .iter()
            .any(|(_, patch)| Path::parse(patch.target).name.ordinal > 1);
    is_repeated
        && patches
            .iter()
            .any(|(_, patch)| patch.old.is_none() || patch.new.is_none())
}

/// How many of the changes of a name whose ordinals shift are in the source: so many that they can have led to what it
/// has of that name, and the others can start from it.
fn shifted(source: &Outline, group: &str, patches: &[&(u64, Patch<'_>)]) -> usize {
    let mut there: Vec<String> = units_of(source, group)
        .map(|unit| exact(source.lines(unit.lines)).into_owned())
        .collect();
    let exchange = |texts: &mut Vec<String>, from: Option<&str>, to: Option<&str>| {
        if let Some(from) = from.map(exact) {
            let same = texts.iter().position(|text| *text == from);
            // Other changes may have been made in a class.
            let Some(index) = same.or_else(|| {
                let class = Class::parse(&from, group)?;
                texts.iter().position(|text| {
                    Class::parse(text, group).is_some_and(|other| other.header == class.header)
                })
            }) else {
                return false;
            };
            texts.swap_remove(index);
        }
        texts.extend(to.map(|to| exact(to).into_owned()));
        true
    };
    // An addition is called the next of those that there are.
    let is_next = |texts: &[String], patch: &Patch<'_>| {
        patch.old.is_some() || Path::parse(patch.target).name.ordinal == texts.len() + 1
    };
    for count in 0..=patches.len() {
        let (made, rest) = patches.split_at(count);
        let mut before = there.clone();
        let mut after = there.clone();
        let fits = made.iter().rev().all(|(_, patch)| {
            exchange(&mut before, patch.new, patch.old) && is_next(&before, patch)
        }) && rest
            .iter()
            .all(|(_, patch)| is_next(&after, patch) && exchange(&mut after, patch.old, patch.new));
        if fits {
            after.sort_unstable();
            there.sort_unstable();
            // What would come to nothing has been made.
            return if after == there { patches.len() } else { count };
        }
    }
    0
}

/// What changes have made of each target.
pub(super) struct Versions<'a>(HashMap<&'a str, Vec<(u64, Option<&'a str>)>>);

impl<'a> Versions<'a> {
    pub(super) fn of(changes: &'a [Change]) -> Self {
        let mut versions: HashMap<&str, Vec<(u64, Option<&str>)>> = HashMap::new();
        for change in changes {
            if let Some(patch) = patch(change) {
                let of_target = versions.entry(patch.target).or_default();
                of_target.push((change.number, patch.new));
            }
        }
        Self(versions)
    }

    /// Whether a source says what a change made of a target. A class says so with any version of its statements that
    /// changes after this one made.
    pub(super) fn is_said(
        &self,
        source: &Outline,
        target: &str,
        text: Option<&str>,
        number: u64,
    ) -> bool {
        if says(source, target, text) {
            return true;
        }
        let (Some(unit), Some(text)) = (target::find(source, target), text) else {
            return false;
        };
        let Some(class) = Class::parse(text, target) else {
            return false;
        };
        let is_later = |member: &str| {
            self.0.get(member).is_some_and(|versions| {
                let mut versions = versions.iter();
                versions.any(|(later, text)| *later > number && says(source, member, *text))
            })
        };
        class.header_of(source, unit).as_deref() == Some(&*class.header)
            && class.members_with(source, unit).all(|(member, text)| {
                self.is_said(source, &member, text.as_deref(), number) || is_later(&member)
            })
    }
}
