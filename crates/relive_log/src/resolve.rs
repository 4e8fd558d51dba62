//! A change in conflict with its source, merged with what the source says.

use relive_syntax::Outline;

use crate::change::{Change, ChangeKind, Draft, Status};
use crate::judge::judge;
use crate::merge::merge;
use crate::record::{Operation, Via};
use crate::target;
use crate::text::{indentation, indented, is_same, without_comments_above};
use crate::threeway::{Names, merged};
use crate::undo::is_one_statement;

/// A change that was in conflict, as it would be made of what the source says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// What is to be logged for it, in one transaction.
    pub drafts: Vec<Draft>,
    /// The changes that count no longer then: the one that was asked for, and those that it was made of.
    pub superseded: Vec<u64>,
    /// What the source says now, with its pending changes.
    pub old: String,
    /// Both together.
    pub new: String,
}

/// Why a change cannot be merged with the source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is no such change.
    #[error("there is no change {number}")]
    Unknown {
        /// The number that was asked for.
        number: u64,
    },
    /// There is nothing to be merged.
    #[error("change {number} is not in conflict with the source: {why}")]
    NoConflict {
        /// The number that was asked for.
        number: u64,
        /// How it stands.
        why: String,
    },
    /// A later change of the same target is in conflict too.
    #[error(
        "change {later} of {target} came after change {number}, and is in conflict too; merge {later} first"
    )]
    Later {
        /// The number that was asked for.
        number: u64,
        /// What it changes.
        target: String,
        /// The last one in conflict.
        later: u64,
    },
    /// One of the two has removed what the other has changed.
    #[error(
        "change {number} of {target} cannot be merged: {why}; write {target} as it should be, or undo change {number}"
    )]
    OneSided {
        /// The number that was asked for.
        number: u64,
        /// What it changes.
        target: String,
        /// Who has removed it.
        why: &'static str,
    },
    /// Both have changed the same lines.
    #[error(
        "change {number} and the source have both changed the same lines of {target}; \
         write {target} as it should be into the source, then undo change {number}"
    )]
    Overlap {
        /// The number that was asked for.
        number: u64,
        /// What it changes.
        target: String,
        /// The text with both versions, between conflict markers.
        marked: String,
    },
    /// What comes out is not one definition or statement.
    #[error(
        "change {number} of {target} and what the source says would together be no Python; \
         write {target} as it should be, or undo change {number}"
    )]
    NoPython {
        /// The number that was asked for.
        number: u64,
        /// What it changes.
        target: String,
    },
}

/// Merge a change that is in conflict with the source: what leads from the text that it was made of to its own is done to
/// what the source says now. `changes` are all of a log. Nothing is written.
///
/// Of several such changes of one target, each made of the one before, the last one has them all.
pub fn resolve(
    changes: &[Change],
    number: u64,
    source: &Outline,
) -> Result<Resolved, ResolveError> {
    if let Some(source) = source.as_written() {
        return resolve(changes, number, &source);
    }
    let mut changes = changes.to_vec();
    judge(&mut changes, Some(source));
    let change = changes.iter().find(|change| change.number == number);
    let change = change.ok_or(ResolveError::Unknown { number })?;
    let Some(own) = Conflict::of(change) else {
        let why = match &*change.why {
            "" => "it is no change of a definition".to_owned(),
            why => why.to_owned(),
        };
        return Err(ResolveError::NoConflict { number, why });
    };
    let target = own.target.to_owned();
    let of_target = |change: &Change| Conflict::of(change).is_some_and(|one| one.target == target);
    let mut later = changes.iter().filter(|change| of_target(change));
    if let Some(last) = later.next_back().filter(|last| last.number > number) {
        let later = last.number;
        return Err(ResolveError::Later {
            number,
            target,
            later,
        });
    }
    // Those that it was made of are in conflict for the same reason.
    let mut superseded = vec![number];
    let mut base = own.old;
    for change in changes.iter().rev().filter(|change| change.number < number) {
        if let Some(earlier) = Conflict::of(change).filter(|one| one.target == target)
            && let (Some(old), Some(new)) = (base, earlier.new)
            && is_same(old, new)
        {
            superseded.push(change.number);
            base = earlier.old;
        }
    }
    let one_sided = |why| {
        let target = target.clone();
        Err(ResolveError::OneSided {
            number,
            target,
            why,
        })
    };
    let Some(new) = own.new else {
        return one_sided("it removes what has changed in the source since");
    };
    let live = merge(source, &changes).text;
    let live = Outline::parse(live.as_str().into()).ok();
    let live = live.as_ref().unwrap_or(source);
    let Some(now) = target::find(live, &target).map(|unit| live.lines(unit.lines)) else {
        return one_sided("the source has removed it");
    };
    // Each is indented as its place was.
    let place = now.split('\n').find(|line| !line.trim().is_empty());
    let place = indentation(place.unwrap_or_default());
    // What stands above a definition is in the source or nowhere.
    let lines = |text: &str| {
        let text = indented(without_comments_above(text), place).into_owned();
        if text.is_empty() || text.ends_with('\n') {
            text
        } else {
            text + "\n"
        }
    };
    let (base, now, new) = (lines(base.unwrap_or_default()), lines(now), lines(new));
    let (of_base, of_change) = (
        format!("before change {number}"),
        format!("change {number}"),
    );
    let names = Names {
        base: &of_base,
        one: "the source",
        other: &of_change,
    };
    let new = merged(&base, &now, &new, &names).map_err(|marked| ResolveError::Overlap {
        number,
        target: target.clone(),
        marked,
    })?;
    if !is_one_statement(&new) {
        return Err(ResolveError::NoPython { number, target });
    }
    superseded.sort_unstable();
    let undone = superseded.iter().map(|&of| Draft::Undo {
        of,
        why: "merged with what the source says".to_owned(),
    });
    let mut drafts: Vec<Draft> = undone.collect();
    if now != new {
        drafts.push(Draft::Patch {
            operation: Operation::Replace,
            target,
            after: None,
            old: Some(now.clone()),
            new: Some(new.clone()),
        });
    }
    Ok(Resolved {
        drafts,
        superseded,
        old: now,
        new,
    })
}

/// A change of a definition or statement for which the source says something else.
struct Conflict<'a> {
    target: &'a str,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

impl<'a> Conflict<'a> {
    fn of(change: &'a Change) -> Option<Self> {
        match &change.kind {
            ChangeKind::Patch {
                target, old, new, ..
            } if change.status == Status::Conflict && change.via != Via::Editor => Some(Self {
                target,
                old: old.as_deref(),
                new: new.as_deref(),
            }),
            _ => None,
        }
    }
}
