//! Which changes a source says already.

use std::collections::{BTreeMap, HashMap};

use super::Patch;
use super::class::Class;
use super::said::Said;
use crate::target::{Path, class_of};

/// The numbers of the changes that are in the source, each with that of the last one of its definition that is.
///
/// Of the changes of a definition those are, down to the last one that says what the source says.
pub(super) fn in_source(
    patches: &[(u64, Patch<'_>)],
    versions: &Versions<'_>,
    said: &Said<'_>,
) -> HashMap<u64, u64> {
    // Classes before what is in them.
    let mut of_definition: BTreeMap<(usize, &str), Vec<&(u64, Patch<'_>)>> = BTreeMap::new();
    for patch in patches {
        let depth = Path::parse(patch.1.name).classes.len();
        let key = (depth, patch.1.name);
        of_definition.entry(key).or_default().push(patch);
    }
    let mut found = HashMap::new();
    // For each class the first change that is still to be made of it: what follows it is made of its outcome.
    let mut open: HashMap<&str, u64> = HashMap::new();
    // And the last one that is made: it says all that was changed in the class before.
    let mut closed: HashMap<&str, u64> = HashMap::new();
    for ((_, name), chain) in of_definition {
        let (mut limit, mut floor) = (u64::MAX, 0);
        let mut class = class_of(name);
        while let Some(around) = class {
            limit = limit.min(open.get(around).copied().unwrap_or(u64::MAX));
            floor = floor.max(closed.get(around).copied().unwrap_or(0));
            class = class_of(around);
        }
        let superseded = chain.partition_point(|(number, _)| *number < floor);
        let made_last = chain.iter().rposition(|(number, patch)| {
            (floor..limit).contains(number) && versions.is_said(said, name, patch.new, *number)
        });
        let made = made_last.map_or(superseded, |last| last + 1);
        let last = made_last.map_or(floor, |last| chain[last].0);
        for (index, (number, _)) in chain[..made].iter().enumerate() {
            found.insert(*number, if index < superseded { floor } else { last });
        }
        if made_last.is_some() {
            closed.insert(name, last);
        }
        if let Some((number, _)) = chain.get(made) {
            open.insert(name, *number);
        }
    }
    found
}

/// What changes have made of each definition.
pub(super) struct Versions<'a>(HashMap<&'a str, Vec<(u64, Option<&'a str>)>>);

impl<'a> Versions<'a> {
    pub(super) fn of(patches: impl Iterator<Item = (u64, Patch<'a>)>) -> Self {
        let mut versions: HashMap<&str, Vec<(u64, Option<&str>)>> = HashMap::new();
        for (number, patch) in patches {
            let of_name = versions.entry(patch.name).or_default();
            of_name.push((number, patch.new));
        }
        Self(versions)
    }

    /// Whether a source says what a change made of a definition. A class says so with any version of its statements that
    /// changes after this one made.
    pub(super) fn is_said(
        &self,
        said: &Said<'_>,
        name: &str,
        text: Option<&str>,
        number: u64,
    ) -> bool {
        if said.says(name, text) {
            return true;
        }
        let (Some(unit), Some(text)) = (said.find(name), text) else {
            return false;
        };
        let Some(class) = Class::parse(text, name, said) else {
            return false;
        };
        let is_later = |member: &str| {
            self.0.get(member).is_some_and(|versions| {
                let mut versions = versions.iter();
                versions.any(|(later, text)| *later > number && said.says(member, *text))
            })
        };
        class.header_of(said.source, unit).as_deref() == Some(&*class.header)
            && class.members_with(said, unit).all(|(member, text)| {
                self.is_said(said, &member, text.as_deref(), number) || is_later(&member)
            })
    }
}
