//! Pending changes against what the source says now.

mod class;
mod in_source;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use relive_syntax::Outline;

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::history::IN_FLIGHT;
use crate::merge::Step;
use crate::record::{Effect, Via};
use crate::target::{self, Path};
use crate::text::exact;
use crate::tree::Tree;
use class::{Class, group_of, says, units_of};
use in_source::{Versions, in_source};

/// Say of each change that counts whether the source says so already, can take it, or says something else than what it
/// was made for. `source`: None where the source file is gone. Changes in the log of a prompt have no source, and are not
/// judged.
///
/// Of several changes of one target the first one's old text must be that of the source, or what the source says must
/// be the text of one of them. Changes that are left off count for this: what was made after them was made for what they said.
/// Statements that change state are never in conflict. To be called again whenever the source or the changes are others.
pub fn judge(changes: &mut [Change], source: Option<&Outline>) {
    if let Some(source) = source.and_then(Outline::as_written) {
        return judge(changes, Some(&source));
    }
    for change in changes.iter_mut().filter(|change| is_counted(change)) {
        change.status = Status::Pending;
        if change.why != IN_FLIGHT {
            change.why.clear();
        }
    }
    match source {
        Some(source) => {
            note_folds(changes, source);
            let in_source = in_source(changes, source);
            weigh(changes, source, &in_source);
        }
        None => {
            for change in changes.iter_mut().filter(|change| is_counted(change)) {
                if matches!(change.kind, ChangeKind::Patch { .. }) {
                    change.status = Status::Conflict;
                    "the source file is not there".clone_into(&mut change.why);
                }
            }
        }
    }
    for change in changes.iter_mut() {
        if change.status == Status::Pending
            && change.why.is_empty()
            && let ChangeKind::State { effect, .. } = &change.kind
        {
            let why = match effect {
                Effect::Assign => "clean",
                Effect::Call => "it calls something: what that does is done once more",
                Effect::Unknown => "it may call something: what that does is done once more",
            };
            why.clone_into(&mut change.why);
        }
    }
}

/// Whether a change is to be merged unless the source speaks against it.
fn is_counted(change: &Change) -> bool {
    matches!(
        change.status,
        Status::Pending | Status::InSource | Status::Conflict
    ) && change.via != Via::Editor
        && matches!(
            change.kind,
            ChangeKind::Patch { .. } | ChangeKind::State { .. }
        )
}

/// What a patch says.
struct Patch<'a> {
    target: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

fn patch(change: &Change) -> Option<Patch<'_>> {
    match &change.kind {
        ChangeKind::Patch {
            target, old, new, ..
        } if change.via != Via::Editor => Some(Patch {
            target,
            old: old.as_deref(),
            new: new.as_deref(),
        }),
        _ => None,
    }
}

/// A fold that was begun and not ended has happened if the source says all that it was to write.
fn note_folds(changes: &mut [Change], source: &Outline) {
    let mut folded: BTreeMap<u64, u64> = BTreeMap::new();
    let mut happened = BTreeSet::new();
    for fold in changes.iter() {
        let ChangeKind::Fold { of } = &fold.kind else {
            continue;
        };
        if fold.outcome != Outcome::Unfinished || of.is_empty() {
            continue;
        }
        let is_last = |change: &&Change| {
            let target = patch(change).map(|patch| patch.target);
            target.is_none()
                || !changes.iter().any(|other| {
                    of.contains(&other.number)
                        && other.number > change.number
                        && patch(other).map(|patch| patch.target) == target
                })
        };
        let mut last = changes
            .iter()
            .filter(|change| of.contains(&change.number))
            .filter(is_last);
        let says_so = |change: &Change| match &change.kind {
            ChangeKind::Patch { target, new, .. } => {
                Versions::of(changes).is_said(source, target, new.as_deref(), change.number)
            }
            ChangeKind::State { target, text, .. } => says(source, target, Some(text.as_str())),
            _ => true,
        };
        if last.all(says_so) {
            happened.insert(fold.number);
            folded.extend(of.iter().map(|number| (*number, fold.number)));
        }
    }
    for change in changes.iter_mut() {
        if let Some(fold) = folded.get(&change.number).filter(|_| is_counted(change)) {
            change.status = Status::Folded;
            change.why = format!("folded into the source by {fold}");
        } else if happened.contains(&change.number) {
            change.status = Status::Folded;
            change.outcome = Outcome::Applied;
            "it was written, and the process died before it could say so"
                .clone_into(&mut change.why);
        }
    }
}

/// Make the changes, one after the other, and say what becomes of each.
fn weigh(changes: &mut [Change], source: &Outline, in_source: &HashMap<u64, u64>) {
    let mut known = Known {
        source,
        versions: HashMap::new(),
        headers: HashMap::new(),
    };
    let mut verdicts = Vec::new();
    {
        let mut tree = Tree::of(source);
        // Those before a change, with what has become of them by now.
        let mut judged = changes.to_vec();
        for index in 0..changes.len() {
            let change = &changes[index];
            let Some(patch) = patch(change) else {
                continue;
            };
            let is_made_for = known.has(patch.target, patch.old);
            let verdict = if !is_counted(change) {
                if is_made_for || known.has(patch.target, patch.new) {
                    known.add(&patch);
                }
                continue;
            } else if let Some(last) = in_source.get(&change.number) {
                known.add(&patch);
                let why = if *last == change.number {
                    "already in the source".to_owned()
                } else {
                    format!("change {last} came after it, and is in the source")
                };
                (Status::InSource, why)
            } else if !is_made_for {
                (Status::Conflict, mismatch(source, &patch))
            } else {
                known.add(&patch);
                match Step::of(change).map(|step| step.make(&mut tree, &judged[..index])) {
                    Some(Err(why)) => (Status::Conflict, why),
                    _ if change.why == IN_FLIGHT => (Status::Pending, IN_FLIGHT.to_owned()),
                    _ => (Status::Pending, "clean".to_owned()),
                }
            };
            judged[index].status = verdict.0;
            verdicts.push((index, verdict));
        }
    }
    for (index, (status, why)) in verdicts {
        changes[index].status = status;
        changes[index].why = why;
    }
}

fn mismatch(source: &Outline, patch: &Patch<'_>) -> String {
    let target = patch.target;
    match (target::find(source, target), patch.old) {
        (None, _) => format!("the source has no {target} any more"),
        (Some(_), None) => format!("the source has another {target} already"),
        (Some(_), Some(_)) => {
            format!("the source has another version of {target} than the one that was changed")
        }
    }
}

/// The texts that relive made, one out of the other, of what the source says now.
struct Known<'s> {
    source: &'s Outline,
    versions: HashMap<String, BTreeSet<Option<String>>>,
    headers: HashMap<String, BTreeSet<String>>,
}

impl Known<'_> {
    /// Whether a text of a target is one of them.
    fn has(&self, target: &str, text: Option<&str>) -> bool {
        let text = text.map(|text| exact(text).into_owned());
        if self.has_version(target, text.as_ref()) {
            return true;
        }
        let Some(class) = text.and_then(|text| Class::parse(&text, target)) else {
            return false;
        };
        let there = target::find(self.source, target);
        let header = there.and_then(|unit| class.header_of(self.source, unit));
        let has_header = header.as_deref() == Some(&*class.header)
            || self
                .headers
                .get(target)
                .is_some_and(|headers| headers.contains(&class.header));
        let others: Vec<(String, Option<String>)> = match there {
            Some(unit) => class.members_with(self.source, unit).collect(),
            None => class.own_members().collect(),
        };
        has_header
            && others
                .iter()
                .all(|(member, text)| self.has(member, text.as_deref()))
    }

    fn has_version(&self, target: &str, text: Option<&String>) -> bool {
        let is_known = |target: &str| {
            let versions = self.versions.get(target);
            versions.is_some_and(|versions| versions.contains(&text.cloned()))
        };
        if says(self.source, target, text.map(String::as_str)) || is_known(target) {
            return true;
        }
        // What repeats a name may have had another ordinal, and is no other thing of that name.
        let Some(text) = text else {
            return Path::parse(target).name.ordinal > 1;
        };
        let group = group_of(target);
        is_known(&group)
            || units_of(self.source, &group)
                .any(|unit| exact(self.source.lines(unit.lines)) == **text)
    }

    fn add(&mut self, patch: &Patch<'_>) {
        let both = [patch.old, patch.new].map(|text| self.learn(patch.target, text));
        // What only one of two versions of a class has, the other one has not.
        for member in both.iter().flatten() {
            if !both.iter().all(|members| members.contains(member)) {
                self.note(member, None);
            }
        }
    }

    /// Take note of a text and, if it is a class, of what is in it; the targets of that.
    fn learn(&mut self, target: &str, text: Option<&str>) -> BTreeSet<String> {
        self.note(target, text);
        let Some(class) = text.and_then(|text| Class::parse(text, target)) else {
            return BTreeSet::new();
        };
        for (member, text) in &class.members {
            self.learn(member, Some(text));
        }
        let headers = self.headers.entry(target.to_owned()).or_default();
        headers.insert(class.header);
        class.members.into_iter().map(|(name, _)| name).collect()
    }

    fn note(&mut self, target: &str, text: Option<&str>) {
        let text = text.map(|text| exact(text).into_owned());
        if Path::parse(target).name.ordinal > 1 && text.is_some() {
            let versions = self.versions.entry(group_of(target)).or_default();
            versions.insert(text.clone());
        }
        let versions = self.versions.entry(target.to_owned()).or_default();
        versions.insert(text);
    }
}
