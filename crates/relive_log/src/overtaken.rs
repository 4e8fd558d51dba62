//! State that was changed by hand before what it belongs to was defined anew.
//!
//! A replay puts definitions into their places, and executes what changes state after them. So a statement must not be
//! executed that the program itself had left behind.

use std::collections::HashMap;

use relive_syntax::{CellKind, Outline, Step, TreeHash, cell};

use crate::change::{Change, ChangeKind, Status};
use crate::record::Cause;

/// Why a statement is left off whose effect was replaced.
const OVERTAKEN: &str = "what it set was defined anew later, by change ";

/// Whether a statement is left off since what it set was defined anew after it.
#[must_use]
pub fn is_overtaken(change: &Change) -> bool {
    change.status == Status::Omitted && change.why.starts_with(OVERTAKEN)
}

/// What was defined, and when.
struct Definition<'c> {
    number: u64,
    /// The way to it: `Account`, `fee`.
    path: Vec<&'c str>,
    /// What it was before, and what it is since.
    texts: [Option<&'c str>; 2],
    tx: u64,
    cause: Option<&'c Cause>,
}

impl<'c> Definition<'c> {
    /// What a patch defines by a change.
    fn of(patch: &'c Change, by: &'c Change) -> Option<Self> {
        let ChangeKind::Patch {
            target, old, new, ..
        } = &patch.kind
        else {
            return None;
        };
        Some(Self {
            number: by.number,
            tx: by.tx,
            cause: by.cause.as_ref(),
            path: target.split('.').map(without_count).collect(),
            texts: [old.as_deref(), new.as_deref()],
        })
    }

    /// Whether what stands at the end of a path is another one with it.
    fn replaces(&self, path: &[String]) -> bool {
        let mut steps = path.iter();
        let mut names = self.path.iter();
        names.all(|name| steps.next().is_some_and(|step| step == name))
            && (self.path.len() == path.len() || !self.is_kept())
            && self.is_anew()
    }

    /// Not only its layout is another: that is not executed.
    fn is_anew(&self) -> bool {
        let [old, new] = self.texts.map(|text| text.and_then(trees));
        old.is_none() || old != new
    }

    /// A function or class stays the object that it is, with what was set on it.
    fn is_kept(&self) -> bool {
        let mut texts = self.texts.iter().flatten();
        texts.any(|text| is_definition(text))
    }
}

/// The first statement after a patch that sets what the patch defines.
pub(crate) fn set_after<'c>(changes: &'c [Change], patch: &'c Change) -> Option<&'c Change> {
    let definition = Definition::of(patch, patch)?;
    let mut later = changes.iter().filter(|one| one.number > patch.number);
    later.find(|change| match &change.kind {
        ChangeKind::State { target, text, .. } if change.status == Status::Pending => {
            let is_its = without_count(target) == definition.path[0];
            is_its && paths(text).iter().any(|path| definition.replaces(path))
        }
        _ => false,
    })
}

/// Leave off the statements that change state which was defined anew after them, at run time or by a save.
pub(crate) fn note_overtaken(changes: &mut [Change]) {
    let mut overtaken = Vec::new();
    {
        let defined = definitions(changes);
        for (index, change) in changes.iter().enumerate() {
            if let Some(number) = overtaken_by(change, &defined) {
                overtaken.push((index, number));
            }
        }
    }
    for (index, number) in overtaken {
        changes[index].status = Status::Omitted;
        changes[index].why = format!("{OVERTAKEN}{number}");
    }
}

/// All definitions by the first name of their ways, in their order. What takes one back defines, too.
fn definitions(changes: &[Change]) -> HashMap<&str, Vec<Definition<'_>>> {
    let by_number: HashMap<u64, &Change> = changes.iter().map(|one| (one.number, one)).collect();
    let mut defined: HashMap<&str, Vec<Definition<'_>>> = HashMap::new();
    for change in changes {
        let patch = match &change.kind {
            ChangeKind::Undo { of } if change.status == Status::Folded => {
                by_number.get(of).copied()
            }
            ChangeKind::Patch { .. } => match change.status {
                Status::Omitted | Status::Untrusted | Status::Newer => None,
                _ => Some(change),
            },
            _ => None,
        };
        let Some(mut definition) = patch.and_then(|patch| Definition::of(patch, change)) else {
            continue;
        };
        if let ChangeKind::Undo { .. } = change.kind {
            definition.texts.reverse();
        }
        let same = defined.entry(definition.path[0]).or_default();
        let mut before = same.iter().rev();
        let before = before.find(|one| one.path == definition.path);
        // A save of what was live already defines nothing anew.
        if before.is_none_or(|before| before.texts[1] != definition.texts[1]) {
            same.push(definition);
        }
    }
    defined
}

/// The last definition of all that a statement sets, if each was defined anew after it.
fn overtaken_by(change: &Change, defined: &HashMap<&str, Vec<Definition<'_>>>) -> Option<u64> {
    let ChangeKind::State { target, text, .. } = &change.kind else {
        return None;
    };
    let is_last = |one: &Definition<'_>| one.number > change.number;
    let may_be = defined.get(without_count(target))?.last();
    // Few are: the others need not be parsed.
    if change.status != Status::Pending || !change.why.is_empty() || !may_be.is_some_and(is_last) {
        return None;
    }
    // What a cell states is logged before it runs, and so before what it patches, in whichever order it does that.
    let is_of_same_cell = |one: &Definition<'_>| {
        one.tx != change.tx && one.cause.is_some() && one.cause == change.cause.as_ref()
    };
    let mut by = None;
    for path in paths(text) {
        let same = defined.get(path[0].as_str())?.iter().rev();
        let mut same = same.take_while(|one| is_last(one));
        by = Some(
            same.find(|one| one.replaces(&path) && !is_of_same_cell(one))?
                .number,
        );
    }
    by
}

/// The ways to all that a statement sets: `Account`, `fee` for `Account.fee = 3`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for statement in cell(text).unwrap_or_default() {
        paths.extend(statement.binds.into_iter().map(|name| vec![name]));
        for changed in statement.changes {
            let attributes = changed.path.into_iter().map_while(|step| match step {
                Step::Attribute(name) => Some(name),
                Step::Subscript => None,
            });
            paths.push(std::iter::once(changed.root).chain(attributes).collect());
        }
    }
    paths
}

/// What a text says, whatever its layout; None if it is not Python.
fn trees(text: &str) -> Option<Vec<TreeHash>> {
    let outline = Outline::parse(text.into()).ok()?;
    Some(outline.units.iter().map(|unit| unit.whole).collect())
}

fn is_definition(text: &str) -> bool {
    let kinds = cell(text).unwrap_or_default();
    let mut kinds = kinds.iter().map(|statement| &statement.kind);
    kinds.any(|kind| matches!(kind, CellKind::Function { .. } | CellKind::Class { .. }))
}

/// `f` of `f#2`.
fn without_count(name: &str) -> &str {
    name.split('#').next().unwrap_or(name)
}
