//! Changes of several modules that are one: a transaction of a session's log, with a part in the log of each module. The
//! log of a part names the sources with the others.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::read::read_all;
use crate::reading::{ReadLog, Signed, Tail};
use crate::record::{Cause, Entry};
use crate::rim::Rim;

/// A part of a change of several modules that stands in the log of another source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherPart {
    /// The source.
    pub source: PathBuf,
    /// The way to it from the directory of the source with the part that names it.
    pub way: PathBuf,
    /// Why the part is not to be had, if it is not.
    pub lack: Option<Lack>,
}

impl OtherPart {
    /// What is missing of a change without it, in words, if it is.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        let lack = self.lack.as_ref()?;
        Some(format!("its part of {}, {lack}", self.way.display()))
    }
}

/// Why a part of a change is not to be had: words that follow the name of its source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// Nothing has it.
    #[error("whose log is gone")]
    Gone,
    /// It may have stood in what is damaged.
    #[error("whose log is damaged")]
    Damaged,
    /// Something else has the name of its log.
    #[error("whose log is no change log")]
    Foreign,
    /// It is shown, and not replayed.
    #[error("whose log needs a newer relive")]
    Newer,
    /// The same.
    #[error("whose log is untrusted")]
    Untrusted,
    /// The file system says no.
    #[error("whose log cannot be read: {0}")]
    Unreadable(String),
}

/// The other parts of a change that has one in these logs, which are those of one source.
pub fn other_parts<'a>(
    rim: &Rim,
    logs: impl IntoIterator<Item = &'a ReadLog>,
    within: &Cause,
) -> Vec<OtherPart> {
    let beginning = beginning(within);
    let mut parts: Vec<(PathBuf, PathBuf)> = Vec::new();
    for log in logs {
        let directory = log.source.parent().unwrap_or(&log.source);
        parts.extend(log.records.iter().filter_map(|record| match &record.entry {
            Entry::Note(note) => {
                let way = note.text.as_bytes().strip_prefix(beginning.as_bytes())?;
                let way = PathBuf::from(OsStr::from_bytes(way));
                Some((arrival(directory, &way), way))
            }
            _ => None,
        }));
    }
    parts.sort();
    parts.dedup();
    let part = |(source, way): (PathBuf, PathBuf)| OtherPart {
        lack: lack(rim, &source, within),
        source,
        way,
    };
    parts.into_iter().map(part).collect()
}

fn lack(rim: &Rim, source: &Path, within: &Cause) -> Option<Lack> {
    let logs = match read_all(rim, source) {
        Ok(logs) => logs,
        Err(error) => return Some(Lack::Unreadable(error.to_string())),
    };
    let is_newer = |log: &ReadLog| matches!(log.tail, Tail::Newer { .. });
    let parts = logs.iter().flat_map(|log| {
        let all = log.transactions.iter();
        all.map(move |transaction| (log, transaction))
    });
    let part = parts.into_iter().find(|(_, transaction)| {
        transaction.within.as_ref() == Some(within) && transaction.is_committed
    });
    match part {
        Some((log, part)) if is_newer(log) || !part.is_understood => Some(Lack::Newer),
        Some((_, part)) if part.signed == Signed::No => Some(Lack::Untrusted),
        Some(_) => None,
        None if logs.iter().any(is_newer) => Some(Lack::Newer),
        None => {
            let has = |is: fn(&Tail) -> bool| logs.iter().any(|log| is(&log.tail));
            Some(if has(|tail| matches!(tail, Tail::Damaged { .. })) {
                Lack::Damaged
            } else if has(|tail| matches!(tail, Tail::Foreign { .. })) {
                Lack::Foreign
            } else {
                Lack::Gone
            })
        }
    }
}

/// What a note says that stands in front of a part: which other source has one. See `docs/log-format.md`.
pub(crate) fn note(within: &Cause, source: &Path, other: &Path) -> OsString {
    let mut text = OsString::from(beginning(within));
    text.push(way(source.parent().unwrap_or(source), other));
    text
}

fn beginning(within: &Cause) -> String {
    format!("part {}/{} ", within.session, within.tx)
}

/// The way from a directory to a file: a project that is moved as a whole keeps it. Neither path has links in it.
fn way(directory: &Path, file: &Path) -> PathBuf {
    let common = directory
        .components()
        .zip(file.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = directory
        .components()
        .skip(common)
        .map(|_| Component::ParentDir);
    up.chain(file.components().skip(common)).collect()
}

/// Where a way leads from a directory.
fn arrival(directory: &Path, way: &Path) -> PathBuf {
    let mut path = directory.to_owned();
    for component in way.components() {
        if component == Component::ParentDir {
            path.pop();
        } else {
            path.push(component);
        }
    }
    path
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
            let has_failed =
                |change: &Change| matches!(change.outcome, Outcome::Raised | Outcome::Refused);
            let counting = parts.filter(|change| match change.status {
                Status::Undone => false,
                Status::Omitted => !has_failed(change),
                _ => true,
            });
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{arrival, way};

    /// A project that is moved keeps the ways in it.
    #[test]
    fn a_way_leads_from_one_source_to_another_wherever_both_are() {
        for (from, to, expected) in [
            ("/p", "/p/other.py", "other.py"),
            ("/p/a", "/p/b/other.py", "../b/other.py"),
            ("/p/a", "/other.py", "../../other.py"),
            ("/", "/p/other.py", "p/other.py"),
        ] {
            let way = way(Path::new(from), Path::new(to));
            assert_eq!(way, Path::new(expected));
            assert_eq!(arrival(Path::new(from), &way), Path::new(to));
        }
        assert_eq!(
            arrival(Path::new("/moved/a"), Path::new("../b/other.py")),
            Path::new("/moved/b/other.py")
        );
    }
}
