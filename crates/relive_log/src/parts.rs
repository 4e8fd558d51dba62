//! Changes of several modules that are one: a transaction of a session's log, with a part in the log of each module.

use std::path::PathBuf;

use crate::anchor;
use crate::change::{Change, ChangeKind, Status};
use crate::read::read_all;
use crate::record::Cause;
use crate::rim::Rim;

/// The sources in whose logs a transaction of a session's log has parts: of all logs that this user has written.
#[must_use]
pub fn sources_of(rim: &Rim, within: &Cause) -> Vec<PathBuf> {
    let has_part = |source: &PathBuf| {
        let logs = read_all(rim, source).unwrap_or_default();
        let mut transactions = logs.iter().flat_map(|log| &log.transactions);
        transactions.any(|transaction| transaction.within.as_ref() == Some(within))
    };
    let mut sources: Vec<PathBuf> = anchor::all_places(rim)
        .into_iter()
        .filter(|source| source.parent() != Some(&rim.home.sessions()))
        .filter(has_part)
        .collect();
    sources.sort();
    sources
}

/// A change, or its undo, with all that is one with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Together {
    /// The transaction of a session's log that all are parts of.
    pub within: Cause,
    /// They were taken back, and it is that which is meant.
    pub is_undo: bool,
}

impl Together {
    /// What a change of this number is one with, if it is a part of something.
    #[must_use]
    pub fn of(changes: &[Change], number: u64) -> Option<Self> {
        let find = |number: u64| changes.iter().find(|change| change.number == number);
        let change = find(number)?;
        let (change, is_undo) = match change.kind {
            ChangeKind::Undo { of } => (find(of)?, true),
            _ => (change, false),
        };
        Some(Self {
            within: change.within.clone()?,
            is_undo,
        })
    }

    /// The numbers of those in a log that count.
    #[must_use]
    pub fn numbers(&self, changes: &[Change]) -> Vec<u64> {
        let is_part = |change: &&Change| {
            change.within.as_ref() == Some(&self.within)
                && matches!(
                    change.kind,
                    ChangeKind::Patch { .. } | ChangeKind::State { .. }
                )
        };
        let parts = changes.iter().filter(is_part);
        if !self.is_undo {
            let counting = parts.filter(|change| change.status != Status::Undone);
            return counting.map(|change| change.number).collect();
        }
        let undo_of = |part: &Change| {
            let mut undos = changes.iter().rev().filter(
                |change| matches!(change.kind, ChangeKind::Undo { of } if of == part.number),
            );
            undos.find(|undo| undo.status != Status::Undone)
        };
        let undos = parts.filter_map(undo_of);
        undos.map(|undo| undo.number).collect()
    }
}
