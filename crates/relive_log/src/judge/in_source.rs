//! Which changes a source says already.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Patch;
use super::class::Class;
use super::said::Said;
use crate::target::{Path, class_of};
use crate::text::exact;

/// What the source says of changes.
#[derive(Default)]
pub(super) struct InSource {
    /// The numbers of those that are in it, each with that of the last one of its definition that is.
    pub(super) found: HashMap<u64, u64>,
    /// Those of classes that are not, whereas what was changed in the class later, without them, is.
    pub(super) overtaken: HashSet<u64>,
}

/// Of the changes of a definition those are in the source, down to the last one that says what the source says.
pub(super) fn in_source(
    patches: &[(u64, Patch<'_>)],
    versions: &Versions<'_>,
    said: &Said<'_>,
) -> InSource {
    // Classes before what is in them.
    let mut of_definition: BTreeMap<(usize, &str), Vec<&(u64, Patch<'_>)>> = BTreeMap::new();
    for patch in patches {
        let depth = Path::parse(patch.1.name).classes.len();
        let key = (depth, patch.1.name);
        of_definition.entry(key).or_default().push(patch);
    }
    let mut in_source = InSource::default();
    // For each class the changes that are still to be made of it: what follows the first is made of their outcome.
    let mut open: HashMap<&str, Vec<&(u64, Patch<'_>)>> = HashMap::new();
    // And the last one that is made: it says all that was changed in the class before.
    let mut closed: HashMap<&str, u64> = HashMap::new();
    for ((_, name), chain) in of_definition {
        let (mut limit, mut floor) = (u64::MAX, 0);
        let mut without = Vec::new();
        let mut class = class_of(name);
        while let Some(around) = class {
            if let Some(replaced) = open.get(around) {
                let first = replaced[0].0;
                let next = chain.iter().find(|(number, _)| *number > first);
                let is_without = next.is_some_and(|(number, next)| {
                    let last = replaced.iter().rfind(|(other, _)| other < number);
                    last.is_some_and(|(_, last)| !is_made_of(next, last, said))
                });
                if is_without {
                    without.push(first);
                } else {
                    limit = limit.min(first);
                }
            }
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
            let last = if index < superseded { floor } else { last };
            in_source.found.insert(*number, last);
        }
        if made_last.is_some() {
            closed.insert(name, last);
            let overtaken = without.into_iter().filter(|number| *number < last);
            in_source.overtaken.extend(overtaken);
        }
        if made < chain.len() {
            open.insert(name, chain[made..].to_vec());
        }
    }
    in_source
}

/// Whether a change in a class may have been made of what a change of the class made.
fn is_made_of(change: &Patch<'_>, replaced: &Patch<'_>, said: &Said<'_>) -> bool {
    let Patch { name, new, .. } = *replaced;
    let Some(class) = new.and_then(|new| Class::parse(new, name, said)) else {
        return false;
    };
    let mut members = class.members.iter();
    match members.find(|(member, _)| member == change.name) {
        Some((_, text)) => change.old.is_some_and(|old| exact(old) == text.as_str()),
        None => change.old.is_none() || class_of(change.name) != Some(name),
    }
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
