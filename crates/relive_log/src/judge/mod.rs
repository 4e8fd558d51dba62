//! Pending changes against what the source says now.

//!
//! A definition has a name for life here ([`Lineages`]), so that each name has one history: what changes made of it, one
//! after the other. The source is somewhere in that history, or beside it.

mod class;
mod in_source;
mod said;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use relive_syntax::Outline;

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::history::{CHOSEN, IN_FLIGHT, OF_PROMPT};
use crate::lineage::{Lineages, is_counted};
use crate::merge::Step;
use crate::record::{Effect, Via};
use crate::text::exact;
use crate::tree::Tree;
use class::Class;
use in_source::{Versions, in_source};
use said::Said;

/// Say of each change that counts whether the source says so already, can take it, or says something else than what it
/// was made for. `source`: None where the source file is gone. Changes in the log of a prompt have no source, and are not
/// judged.
///
/// Of several changes of one target the first one's old text must be that of the source, or what the source says must
/// be the text of one of them. Changes that are left off count for this: what was made after them was made for what they said.
/// Those that were folded do not: the source said so once, and tells itself whether it still does.
/// Statements that change state are never in conflict; those that name things of the prompt are left off unless the user
/// has said otherwise. To be called again whenever the source or the changes are others.
pub fn judge(changes: &mut [Change], source: Option<&Outline>) {
    if let Some(source) = source.and_then(Outline::as_written) {
        return judge(changes, Some(&source));
    }
    for change in changes.iter_mut().filter(|change| is_counted(change)) {
        change.status = Status::Pending;
        let is_chosen = matches!(change.kind, ChangeKind::State { .. }) && change.why == CHOSEN;
        if change.why != IN_FLIGHT && !is_chosen {
            change.why.clear();
        }
    }
    match source {
        Some(source) => {
            if changes.iter().any(is_unfinished_fold) {
                with_said(changes, source, note_folds);
            }
            with_said(changes, source, weigh);
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
                Effect::Unknown => {
                    change.status = Status::Omitted;
                    OF_PROMPT
                }
            };
            why.clone_into(&mut change.why);
        }
    }
}

fn with_said(
    changes: &mut [Change],
    source: &Outline,
    each: impl FnOnce(&mut [Change], &Said<'_>),
) {
    let lineages = Lineages::of(changes, source);
    let judged = changes.to_vec();
    each(changes, &Said::of(&judged, source, &lineages));
}

fn is_unfinished_fold(change: &Change) -> bool {
    change.outcome == Outcome::Unfinished && matches!(change.kind, ChangeKind::Fold { .. })
}

/// What a patch says.
#[derive(Clone, Copy)]
struct Patch<'a> {
    /// What is changed, as it is called for life.
    name: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

fn patch<'a>(change: &'a Change, lineages: &'a Lineages) -> Option<Patch<'a>> {
    match &change.kind {
        ChangeKind::Patch {
            target, old, new, ..
        } if change.via != Via::Editor => Some(Patch {
            name: lineages.of_change(change.number, target),
            old: old.as_deref(),
            new: new.as_deref(),
        }),
        _ => None,
    }
}

/// A fold that was begun and not ended has happened if the source says all that it was to write.
fn note_folds(changes: &mut [Change], said: &Said<'_>) {
    let mut folded: BTreeMap<u64, u64> = BTreeMap::new();
    let mut happened = BTreeSet::new();
    let unfinished = changes.iter().filter_map(|fold| match &fold.kind {
        ChangeKind::Fold { of } if is_unfinished_fold(fold) && !of.is_empty() => {
            Some((fold.number, of))
        }
        _ => None,
    });
    for (number, of) in unfinished {
        let versions = Versions::of(patches(changes, said.lineages));
        let of: BTreeSet<u64> = of.iter().copied().collect();
        // What was written last of each definition.
        let mut last: HashMap<&str, (u64, Option<&str>)> = HashMap::new();
        let mut is_said = true;
        for change in changes.iter().filter(|change| of.contains(&change.number)) {
            if let Some(patch) = patch(change, said.lineages) {
                last.insert(patch.name, (change.number, patch.new));
            } else if let ChangeKind::State { target, text, .. } = &change.kind {
                is_said &= said.says(target, Some(text));
            }
        }
        let mut last = last.into_iter();
        if is_said && last.all(|(name, (number, text))| versions.is_said(said, name, text, number))
        {
            happened.insert(number);
            folded.extend(of.iter().map(|of| (*of, number)));
        }
    }
    for change in changes.iter_mut() {
        if let Some(fold) = folded.get(&change.number).filter(|_| is_counted(change)) {
            change.status = Status::Folded;
            change.why = format!("folded into the source by {fold}");
        } else if happened.contains(&change.number) {
            change.status = Status::Folded;
            "it was written, and the process died before it could say so"
                .clone_into(&mut change.why);
        }
    }
}

fn patches<'a>(
    changes: &'a [Change],
    lineages: &'a Lineages,
) -> impl Iterator<Item = (u64, Patch<'a>)> {
    changes
        .iter()
        .filter_map(|change| Some((change.number, patch(change, lineages)?)))
}

/// Make the changes, one after the other, and say what becomes of each.
fn weigh(changes: &mut [Change], said: &Said<'_>) {
    let mut verdicts = Vec::new();
    {
        let versions = Versions::of(patches(changes, said.lineages));
        let counted = changes
            .iter()
            .filter(|change| is_counted(change) && !said.lineages.is_unsure(change.number));
        let counted: Vec<_> = counted
            .filter_map(|change| Some((change.number, patch(change, said.lineages)?)))
            .collect();
        let in_source = in_source(&counted, &versions, said);
        let mut known = Known {
            said,
            versions: HashMap::new(),
            headers: HashMap::new(),
        };
        let mut tree = Tree::of(said.source);
        tree.name_for_life(said.lineages);
        // Those before a change, with what has become of them by now.
        let mut judged = changes.to_vec();
        for index in 0..changes.len() {
            let change = &changes[index];
            let Some(patch) = patch(change, said.lineages) else {
                continue;
            };
            let is_made_for = known.has(patch.name, patch.old);
            let verdict = if !is_counted(change) {
                let is_folded = change.status == Status::Folded;
                if !is_folded && (is_made_for || known.has(patch.name, patch.new)) {
                    known.add(&patch);
                }
                continue;
            } else if said.lineages.is_unsure(change.number) {
                let why = format!(
                    "which {} it was made for is not certain any more",
                    target(change)
                );
                (Status::Conflict, why)
            } else if let Some(last) = in_source.found.get(&change.number) {
                known.add(&patch);
                let why = if *last == change.number {
                    "already in the source".to_owned()
                } else {
                    format!("change {last} came after it, and is in the source")
                };
                (Status::InSource, why)
            } else if in_source.overtaken.contains(&change.number) {
                let target = target(change);
                let why = format!(
                    "what was changed in {target} after it, and without it, is in the source"
                );
                (Status::Conflict, why)
            } else if !is_made_for {
                (Status::Conflict, mismatch(change, &patch, said))
            } else {
                known.add(&patch);
                let step = Step::of(change, said.lineages);
                match step.map(|step| step.make(&mut tree, &judged[..index])) {
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

fn target(change: &Change) -> &str {
    match &change.kind {
        ChangeKind::Patch { target, .. } | ChangeKind::State { target, .. } => target,
        _ => "-",
    }
}

fn mismatch(change: &Change, patch: &Patch<'_>, said: &Said<'_>) -> String {
    let target = target(change);
    match (said.find(patch.name), patch.old) {
        (None, _) => format!("the source has no {target} any more"),
        (Some(_), None) => format!("the source has another {target} already"),
        (Some(_), Some(_)) => {
            format!("the source has another version of {target} than the one that was changed")
        }
    }
}

/// The texts that relive made, one out of the other, of what the source says now.
struct Known<'s> {
    said: &'s Said<'s>,
    versions: HashMap<String, BTreeSet<Option<String>>>,
    headers: HashMap<String, BTreeSet<String>>,
}

impl Known<'_> {
    /// Whether a text of a definition is one of them.
    fn has(&self, name: &str, text: Option<&str>) -> bool {
        let text = text.map(|text| exact(text).into_owned());
        let is_known = |versions: &BTreeSet<Option<String>>| versions.contains(&text);
        if self.versions.get(name).is_some_and(is_known) || self.said.says(name, text.as_deref()) {
            return true;
        }
        let Some(class) = text.and_then(|text| Class::parse(&text, name, self.said)) else {
            return false;
        };
        let there = self.said.find(name);
        let header = there.and_then(|unit| class.header_of(self.said.source, unit));
        let has_header = header.as_deref() == Some(&*class.header)
            || self
                .headers
                .get(name)
                .is_some_and(|headers| headers.contains(&class.header));
        let others: Vec<(String, Option<String>)> = match there {
            Some(unit) => class.members_with(self.said, unit).collect(),
            None => class.own_members().collect(),
        };
        has_header
            && others
                .iter()
                .all(|(member, text)| self.has(member, text.as_deref()))
    }

    fn add(&mut self, patch: &Patch<'_>) {
        let both = [patch.old, patch.new].map(|text| self.learn(patch.name, text));
        // What only one of two versions of a class has, the other one has not.
        for member in both.iter().flatten() {
            if !both.iter().all(|members| members.contains(member)) {
                self.note(member, None);
            }
        }
    }

    /// Take note of a text and, if it is a class, of what is in it; the names of that.
    fn learn(&mut self, name: &str, text: Option<&str>) -> BTreeSet<String> {
        self.note(name, text);
        let Some(class) = text.and_then(|text| Class::parse(text, name, self.said)) else {
            return BTreeSet::new();
        };
        for (member, text) in &class.members {
            self.learn(member, Some(text));
        }
        let headers = self.headers.entry(name.to_owned()).or_default();
        headers.insert(class.header);
        class.members.into_iter().map(|(name, _)| name).collect()
    }

    fn note(&mut self, name: &str, text: Option<&str>) {
        let text = text.map(|text| exact(text).into_owned());
        let versions = self.versions.entry(name.to_owned()).or_default();
        versions.insert(text);
    }
}
