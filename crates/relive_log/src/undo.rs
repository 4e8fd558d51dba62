//! Taking changes back, whichever of them it is.

use relive_syntax::Outline;

use crate::change::{Change, ChangeKind, Draft, Outcome, Status};
use crate::judge::judge;
use crate::merge::merge;
use crate::overtaken::set_after;
use crate::record::Operation;
use crate::target::{self, Path, class_of};
use crate::text::is_same;
use crate::threeway::three_way;
use crate::tree::block_header;

/// Why a change cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    /// There is no such change.
    #[error("there is no change {number}")]
    Unknown {
        /// The number that was asked for.
        number: u64,
    },
    /// It is something else.
    #[error("{number} is {what}, not a change; undo the changes one by one")]
    NoChange {
        /// The number that was asked for.
        number: u64,
        /// What it is, in words.
        what: &'static str,
    },
    /// It does not count anyway.
    #[error("change {number} does not count anyway: {why}")]
    NotLive {
        /// The number that was asked for.
        number: u64,
        /// Why not.
        why: String,
    },
    /// A later change was made of what it has made.
    #[error(
        "change {number} of {target} cannot be undone alone, since change {later} of {later_target} came after it; \
         undo {later} first, or write {target} as it should be"
    )]
    Later {
        /// The number that was asked for.
        number: u64,
        /// What it changed.
        target: String,
        /// The first later change.
        later: u64,
        /// What that changed.
        later_target: String,
    },
    /// The source says something else by now.
    #[error(
        "change {number} of {target} cannot be undone, since the source says something else by now; \
         write {target} as it should be"
    )]
    Edited {
        /// The number that was asked for.
        number: u64,
        /// What it changed.
        target: String,
    },
    /// What was there before is not known.
    #[error(
        "change {number} of {target} is in the source, and what was there before is not known; \
         write {target} as it should be"
    )]
    NoOldText {
        /// The number that was asked for.
        number: u64,
        /// What it changed.
        target: String,
    },
}

/// The changes that take one back, to be logged in one transaction via `undo`.
///
/// `changes` are all of a log. A change that only the log has counts no longer. What is in the source already is changed
/// back. Where later changes of the same definition touch other lines, theirs stay.
pub fn undo(changes: &[Change], number: u64, source: &Outline) -> Result<Vec<Draft>, UndoError> {
    // Whether a change is in the source decides what undoing it takes.
    let mut changes = changes.to_vec();
    judge(&mut changes, Some(source));
    undo_judged(&changes, number, source)
}

/// The changes that take several back, which are one. Those that do not count anyway stay as they are.
pub fn undo_together(
    changes: &[Change],
    numbers: &[u64],
    source: &Outline,
) -> Result<Vec<Draft>, UndoError> {
    let mut changes = changes.to_vec();
    judge(&mut changes, Some(source));
    let mut drafts = Vec::new();
    // A later one may rest on an earlier one.
    for number in numbers.iter().rev() {
        let index = changes.iter().position(|change| change.number == *number);
        let index = index.ok_or(UndoError::Unknown { number: *number })?;
        let is_barred = matches!(changes[index].status, Status::Untrusted | Status::Newer);
        match undo_judged(&changes, *number, source) {
            Err(UndoError::NotLive { .. }) if numbers.len() > 1 && !is_barred => {}
            made => drafts.extend(made?),
        }
        changes[index].status = Status::Undone;
    }
    Ok(drafts)
}

fn undo_judged(changes: &[Change], number: u64, source: &Outline) -> Result<Vec<Draft>, UndoError> {
    let change = changes
        .iter()
        .find(|change| change.number == number)
        .ok_or(UndoError::Unknown { number })?;
    let no_change = |what| Err(UndoError::NoChange { number, what });
    let undone = || Draft::Undo {
        of: number,
        why: String::new(),
    };
    let not_live = || {
        Err(UndoError::NotLive {
            number,
            why: change.why.clone(),
        })
    };
    match (&change.kind, change.status) {
        (ChangeKind::Session, _) => no_change("the beginning of a session"),
        (ChangeKind::Fold { .. }, _) => no_change("a fold"),
        (_, Status::Undone | Status::Untrusted | Status::Newer) => not_live(),
        (ChangeKind::Undo { of }, _) => {
            let original = changes.iter().find(|change| change.number == *of);
            if let Some(target) = original.and_then(target_of)
                && let Some(later) = later(changes, number, target)
            {
                return Err(later_error(number, target, later));
            }
            Ok(vec![undone()])
        }
        (_, Status::Omitted) if matches!(change.outcome, Outcome::Raised | Outcome::Refused) => {
            not_live()
        }
        (ChangeKind::State { target, .. }, Status::Folded) => Err(UndoError::NoOldText {
            number,
            target: target.clone(),
        }),
        (ChangeKind::State { .. }, _)
        | (ChangeKind::Patch { .. }, Status::Omitted | Status::Conflict) => Ok(vec![undone()]),
        (ChangeKind::Patch { target, .. }, _) if let Some(later) = set_after(changes, change) => {
            Err(later_error(number, target, later))
        }
        (ChangeKind::Patch { .. }, status) => Back::of(changes, change, source)
            .map_or_else(not_live, |back| back.make(status == Status::Pending)),
    }
}

fn target_of(change: &Change) -> Option<&str> {
    match &change.kind {
        ChangeKind::Patch { target, .. } => Some(target),
        _ => None,
    }
}

/// The first change after one that counts and changes what the target is, has in it, or is in.
fn later<'a>(changes: &'a [Change], number: u64, target: &str) -> Option<&'a Change> {
    let counts = |change: &&Change| {
        change.number > number
            && matches!(
                change.status,
                Status::Pending | Status::InSource | Status::Folded
            )
            && target_of(change).is_some_and(|other| overlaps(other, target))
    };
    changes.iter().find(counts)
}

fn overlaps(one: &str, other: &str) -> bool {
    let is_in = |mut inner: &str, outer: &str| loop {
        if inner == outer {
            return true;
        }
        match class_of(inner) {
            Some(class) => inner = class,
            None => return false,
        }
    };
    is_in(one, other) || is_in(other, one)
}

fn later_error(number: u64, target: &str, later: &Change) -> UndoError {
    UndoError::Later {
        number,
        target: target.to_owned(),
        later: later.number,
        later_target: target_of(later).unwrap_or(target).to_owned(),
    }
}

/// A change of a definition or statement on its way back.
struct Back<'a> {
    changes: &'a [Change],
    source: &'a Outline,
    number: u64,
    target: &'a str,
    after: Option<&'a str>,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

impl<'a> Back<'a> {
    fn of(changes: &'a [Change], change: &'a Change, source: &'a Outline) -> Option<Self> {
        match &change.kind {
            ChangeKind::Patch {
                target,
                after,
                old,
                new,
                ..
            } => Some(Self {
                changes,
                source,
                number: change.number,
                target,
                after: after.as_deref(),
                old: old.as_deref(),
                new: new.as_deref(),
            }),
            _ => None,
        }
    }

    fn make(&self, is_pending: bool) -> Result<Vec<Draft>, UndoError> {
        let later = later(self.changes, self.number, self.target);
        let undone = Draft::Undo {
            of: self.number,
            why: String::new(),
        };
        // A later one that was made of the same old text, by a process without this one, does not rest on it.
        let is_apart = later.is_some_and(|later| {
            matches!(
                (&later.kind, self.old),
                (ChangeKind::Patch { target, old: Some(made_of), .. }, Some(old))
                    if target == self.target
                        && is_same(made_of, old)
                        && self.new.is_none_or(|new| !is_same(made_of, new))
            )
        });
        if is_pending && (later.is_none() || is_apart) {
            return Ok(vec![undone]);
        }
        let live = merge(self.source, self.changes).text;
        let live = Outline::parse(live.as_str().into()).ok();
        let live = live.as_ref().unwrap_or(self.source);
        let now = target::find(live, self.target).map(|unit| live.lines(unit.lines));
        let is_as_made = match (now, self.new) {
            (Some(now), Some(new)) => is_same(now, new),
            (now, new) => now.is_none() && new.is_none(),
        };
        let mut drafts = Vec::new();
        if is_pending {
            drafts.push(undone);
        }
        let has_scope = class_of(self.target).is_none_or(|class| {
            let there = target::find(live, class);
            there.is_some_and(|class| block_header(live, class).is_some())
        });
        if is_as_made && has_scope && !is_pending {
            // What was added goes with the comments that came with it.
            let now = if self.old.is_none() { self.new } else { now };
            drafts.push(self.patch(now, self.old, live));
            return Ok(drafts);
        }
        let kept = now.zip(self.new).zip(self.old);
        if let Some(((now, new), old)) = kept
            && let Some(merged) = three_way(new, now, old)
            && is_one_statement(&merged)
        {
            drafts.push(self.patch(Some(now), Some(&merged), live));
            return Ok(drafts);
        }
        Err(match later {
            Some(later) => later_error(self.number, self.target, later),
            None => UndoError::Edited {
                number: self.number,
                target: self.target.to_owned(),
            },
        })
    }

    fn patch(&self, old: Option<&str>, new: Option<&str>, live: &Outline) -> Draft {
        let operation = match (old, new) {
            (None, _) => Operation::Add,
            (_, None) => Operation::Remove,
            _ => Operation::Replace,
        };
        let (target, after) = match operation {
            Operation::Add => (self.next(live), self.elder(live)),
            _ => (self.target.to_owned(), None),
        };
        Draft::Patch {
            operation,
            target,
            after,
            old: old.map(str::to_owned),
            new: new.map(str::to_owned),
        }
    }

    /// What a text that was removed is called when it is there again: the next of its name.
    fn next(&self, live: &Outline) -> String {
        let (scope, key) = (class_of(self.target), Path::parse(self.target).name.key);
        let mut ordinal = 1;
        while target::find(live, &target::name(scope, key, ordinal)).is_some() {
            ordinal += 1;
        }
        target::name(scope, key, ordinal)
    }

    /// What a text that was removed is put behind: where it was added once, or the last one of its scope.
    fn elder(&self, live: &Outline) -> Option<String> {
        if Path::parse(self.target).name.key == target::DOCSTRING {
            return None;
        }
        let added = self
            .changes
            .iter()
            .rev()
            .find_map(|change| match &change.kind {
                ChangeKind::Patch {
                    target,
                    after: Some(after),
                    ..
                } if target == self.target => Some(after.as_str()),
                _ => None,
            });
        if let Some(after) = self.after.or(added)
            && target::find(live, after).is_some()
        {
            return Some(after.to_owned());
        }
        let scope = class_of(self.target);
        let all = target::targets(live);
        let mut siblings = all.iter().map(|(target, _)| target.as_str());
        let is_sibling = |target: &&str| class_of(target) == scope && *target != target::MAIN;
        siblings.rfind(is_sibling).map(str::to_owned)
    }
}

pub(crate) fn is_one_statement(text: &str) -> bool {
    let text = crate::text::exact(text);
    Outline::parse(text.as_ref().into()).is_ok_and(|outline| outline.units.len() == 1)
}
