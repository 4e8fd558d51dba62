//! Which statements have to run besides those that changed: several may bind one name, and one may need another.

use std::collections::{BTreeMap, BTreeSet};

use relive_syntax::{Pairing, Unit, UnitKind};

/// The new units to execute, besides those that changed: a name may be bound by several, and one may need another, also
/// one of `again`, which are to be executed for other reasons.
pub(crate) fn reruns(
    old: &[Unit],
    new: &[Unit],
    pairing: &Pairing,
    again: &BTreeMap<u64, String>,
) -> BTreeSet<usize> {
    let mut rerun = changed_chains(old, new, pairing);
    rerun.extend((0..new.len()).filter(|&index| again.contains_key(&new[index].id)));
    let is_executed = |index: usize| match pairing.old_of_new[index] {
        None => !matches!(new[index].kind, UnitKind::Inert | UnitKind::MainGuard),
        Some(was) => new[index].kind != UnitKind::MainGuard && !is_in_place(&old[was], &new[index]),
    };
    let executed = (0..new.len()).filter(|&index| is_executed(index));
    let mut waiting: Vec<usize> = executed.chain(rerun.iter().copied()).collect();
    let mut seen = BTreeSet::new();
    while let Some(index) = waiting.pop() {
        if seen.insert(index) {
            let needed = needed_with(new, index);
            rerun.extend(&needed);
            waiting.extend(needed);
        }
    }
    rerun
}

/// The units to execute so that one is executed as it was: itself, and those that it needs.
pub(crate) fn needed_for(units: &[Unit], index: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![index];
    while let Some(index) = waiting.pop() {
        if found.insert(index) {
            waiting.extend(needed_with(units, index));
        }
    }
    found
}

/// Whether one version becomes the other without executing the statement: its name stays bound to the same object.
fn is_in_place(old: &Unit, new: &Unit) -> bool {
    let is_same_definition = match (&old.function, &new.function, &old.class, &new.class) {
        (Some(before), Some(after), _, _) => before.decorators == after.decorators,
        (_, _, Some(_), Some(_)) => true,
        _ => false,
    };
    old.differs_only_in_deferred(new) || is_same_definition && old.binds == new.binds
}

/// The units to execute with one: those below it that bind or store into what it binds, those above on which its own
/// effect rests, and both for a name that it reads and that is deleted below it.
fn needed_with(new: &[Unit], index: usize) -> Vec<usize> {
    let unit = &new[index];
    let mut needed = Vec::new();
    for name in &unit.binds {
        let below = index + 1..new.len();
        needed.extend(below.filter(|&other| new[other].binds(name) || new[other].touches(name)));
        if rests_on_former(unit, name) {
            needed.extend((0..index).rev().find(|&other| new[other].binds(name)));
        }
    }
    for path in unit.reads.now.paths.keys() {
        let name = path.split('.').next().unwrap_or(path);
        let binders: Vec<usize> = (0..new.len())
            .filter(|&other| new[other].binds(name))
            .collect();
        let is_temporary = binders.first().is_some_and(|&first| first < index)
            && binders
                .last()
                .is_some_and(|&last| last > index && new[last].is_deletion);
        if is_temporary {
            needed.extend(binders);
        }
    }
    needed
}

/// The units from which on a name bound by several must be bound again, because one of them was edited, added, removed
/// or moved.
fn changed_chains(old: &[Unit], new: &[Unit], pairing: &Pairing) -> BTreeSet<usize> {
    let mut rerun = BTreeSet::new();
    let mut chains: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, unit) in old.iter().enumerate() {
        for name in &unit.binds {
            chains.entry(name).or_default().0.push(index);
        }
    }
    for (index, unit) in new.iter().enumerate() {
        for name in &unit.binds {
            chains.entry(name).or_default().1.push(index);
        }
    }
    for (before, after) in chains.values() {
        if after.is_empty() || before.len() < 2 && after.len() < 2 {
            continue;
        }
        let is_same = |position: usize| {
            let (Some(&was), Some(&is)) = (before.get(position), after.get(position)) else {
                return false;
            };
            pairing.old_of_new[is] == Some(was) && is_in_place(&old[was], &new[is])
        };
        let length = before.len().max(after.len());
        if let Some(first) = (0..length).find(|&position| !is_same(position)) {
            rerun.insert(after[first.min(after.len() - 1)]);
        }
    }
    rerun
}

/// Names that several statements of a scope bind, before and after the edit.
#[derive(Default)]
pub(crate) struct Repeated {
    pub(crate) before: BTreeSet<String>,
    pub(crate) after: BTreeSet<String>,
}

impl Repeated {
    pub(crate) fn of(old: &[Unit], new: &[Unit]) -> Self {
        Self {
            before: bound_repeatedly(old),
            after: bound_repeatedly(new),
        }
    }

    pub(crate) fn either(&self, name: &String) -> bool {
        self.before.contains(name) || self.after.contains(name)
    }
}

/// Names that several statements of a scope bind.
fn bound_repeatedly(units: &[Unit]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let names = units.iter().flat_map(|unit| &unit.binds);
    names
        .filter(|name| !seen.insert(name.as_str()))
        .cloned()
        .collect()
}

/// Names that other statements bind than before, or in another order, in view of those that read them.
pub(crate) struct Shifted<'u> {
    before: BTreeMap<&'u str, Vec<Binder>>,
    after: BTreeMap<&'u str, Vec<Binder>>,
    /// Whether statements have changed places, so that each name is to be looked at.
    is_reordered: bool,
}

/// A statement that binds a name.
#[derive(Clone, Copy, PartialEq)]
struct Binder {
    index: usize,
    unit: u64,
    is_sure: bool,
}

impl<'u> Shifted<'u> {
    pub(crate) fn of(old: &'u [Unit], new: &'u [Unit], pairing: &Pairing) -> Self {
        let is_in_place = |index: usize| {
            let (old, new) = (&old[index], &new[index]);
            pairing.old_of_new[index] == Some(index) && old.id == new.id && old.binds == new.binds
        };
        if old.len() == new.len() && (0..new.len()).all(is_in_place) {
            return Self {
                before: BTreeMap::new(),
                after: BTreeMap::new(),
                is_reordered: false,
            };
        }
        let partners: Vec<usize> = pairing.old_of_new.iter().flatten().copied().collect();
        let mut shifted = Self {
            before: binders(old),
            after: binders(new),
            is_reordered: partners.windows(2).any(|pair| pair[0] > pair[1]),
        };
        if !shifted.is_reordered {
            let (before, after) = (&shifted.before, &shifted.after);
            let ids = |binders: Option<&Vec<Binder>>| -> Vec<u64> {
                let binders = binders.map_or(&[][..], |found| found);
                binders.iter().map(|binder| binder.unit).collect()
            };
            let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
            let same: Vec<&str> = names
                .into_iter()
                .filter(|name| {
                    let (was, is) = (ids(before.get(name)), ids(after.get(name)));
                    was == is || was.len() < 2 && is.len() < 2
                })
                .collect();
            for name in same {
                shifted.before.remove(name);
                shifted.after.remove(name);
            }
        }
        shifted
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// Whether a name means what other statements have bound than before to one that stood at `was` and stands at `is`.
    pub(crate) fn moves(&self, name: &str, was: usize, is: usize) -> bool {
        fn in_view(binders: Option<&Vec<Binder>>, below: usize) -> Vec<u64> {
            let mut found = Vec::new();
            for binder in binders.into_iter().flatten().rev() {
                if binder.index < below {
                    found.push(binder.unit);
                    if binder.is_sure {
                        break;
                    }
                }
            }
            found
        }
        // What one statement has bound and another binds now the host compares, once both are executed.
        let by_one = |binders: Option<&Vec<Binder>>, below: usize| match binders.map(Vec::as_slice)
        {
            Some([binder]) => binder.is_sure && binder.index < below,
            _ => false,
        };
        let (before, after) = (self.before.get(name), self.after.get(name));
        !(by_one(before, was) && by_one(after, is)) && in_view(before, was) != in_view(after, is)
    }
}

fn binders(units: &[Unit]) -> BTreeMap<&str, Vec<Binder>> {
    let mut found: BTreeMap<&str, Vec<Binder>> = BTreeMap::new();
    for (index, unit) in units.iter().enumerate() {
        for name in &unit.binds {
            found.entry(name).or_default().push(Binder {
                index,
                unit: unit.id,
                is_sure: !unit.maybe.contains(name),
            });
        }
    }
    found
}

/// Whether a statement's effect on `name` depends on what the name was bound to before it.
fn rests_on_former(unit: &Unit, name: &str) -> bool {
    unit.maybe.contains(name)
        || unit.reads.now.paths.keys().any(|path| {
            path == name
                || path
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('.'))
        })
}
