//! Pending changes written into the source, so that a reviewer sees the diff that a careful person would have made.

mod bytes;
mod replace;
mod state;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use relive_syntax::{Outline, decode};

pub use replace::recover_fold;

use crate::change::{Change, ChangeKind, Status};
use crate::history::{IN_FLIGHT, history_of_open, is_left_off_by_itself};
use crate::judge::judge;
use crate::log::{AppendError, Log};
use crate::merge::merge;
use crate::read::{ReadError, read_older};
use crate::reading::ReadLog;
use crate::record::Via;
use crate::rim::Rim;
use crate::unified::unified_diff;
use replace::{Replacement, SourceFile};

/// What a fold has done, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// What became of the source, as a unified diff with its head; empty if nothing.
    pub diff: String,
    /// The changes that are in the source now.
    pub numbers: Vec<u64>,
    /// The changes that stay as they were, and why.
    pub left: Vec<(u64, String)>,
    /// What else the user should know.
    pub notices: Vec<String>,
}

/// Why nothing was folded. The source is what it was, and so are the changes.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// There is no source file.
    #[error("{} is not there; put it back, or write the changes into another file yourself", path.display())]
    Gone {
        /// The source.
        path: PathBuf,
    },
    /// It is a directory or the like.
    #[error("{} is no regular file", path.display())]
    NoFile {
        /// The source.
        path: PathBuf,
    },
    /// Its mode says that it is not to be written.
    #[error("{} is read-only; make it writable (chmod u+w) and fold again", path.display())]
    ReadOnly {
        /// The source.
        path: PathBuf,
    },
    /// Another user owns it: what is put in its place would be this user's.
    #[error("{} belongs to another user, who has to fold it", path.display())]
    Owner {
        /// The source.
        path: PathBuf,
    },
    /// It is not Python, or not yet.
    #[error("{}:{line}: {message}; mend that and fold again", path.display())]
    Syntax {
        /// The source.
        path: PathBuf,
        /// The line.
        line: u32,
        /// What is wrong, in words.
        message: String,
    },
    /// It cannot be read as text, or the changes cannot be written in its encoding.
    #[error("{}: {message}", path.display())]
    Encoding {
        /// The source.
        path: PathBuf,
        /// What is wrong, in words.
        message: String,
    },
    /// Somebody saved it in the meantime.
    #[error("{} was saved while it was folded, and is as it was saved; fold again", path.display())]
    Saved {
        /// The source.
        path: PathBuf,
    },
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// A log that it continues cannot be read.
    #[error("{0}; nothing was folded")]
    Older(#[from] ReadError),
    /// The system refuses.
    #[error("{} cannot be {what}: {source}; nothing was folded", path.display())]
    Io {
        /// What was tried: `read`, `written` ….
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Write the pending changes of a log, and of those that it continues, into its source, at one instant. Dry: only say
/// what that would do.
///
/// What stays pending, since it cannot be said in the source, is in [`Folded::left`]; if nothing does, the log ends, and
/// a new one goes on. When this returns an error, the source was not changed; when the process is killed at any time, it
/// is the old or the new one, and [`recover_fold`] puts the log in order.
pub fn fold(rim: &Rim, log: &mut Log, source: &Path, is_dry: bool) -> Result<Folded, FoldError> {
    fold_but_for(rim, log, source, &BTreeSet::new(), is_dry)
}

/// The same, but for the changes of these numbers: they are not live, and stay in the log.
pub fn fold_but_for(
    rim: &Rim,
    log: &mut Log,
    source: &Path,
    left_off: &BTreeSet<u64>,
    is_dry: bool,
) -> Result<Folded, FoldError> {
    let mut notices = Vec::new();
    if !is_dry {
        notices.extend(recover_fold(rim, log)?);
    }
    let file = SourceFile::read(rim, source)?;
    let path = file.path.clone();
    let text = decode(&file.bytes).map_err(|error| FoldError::Encoding {
        path: path.clone(),
        message: error.message,
    })?;
    let outline = Outline::parse(text.as_str().into()).map_err(|error| FoldError::Syntax {
        path: path.clone(),
        line: error.line,
        message: error.message,
    })?;
    let older = read_older(rim, log.read())?;
    let plan = Plan::of(&older, log, &outline, left_off);
    let merged = merge(&outline, &plan.changes);
    let is_conflict = |number: &u64| merged.conflicts.iter().any(|(other, _)| other == number);
    let mut left = plan.left;
    left.extend(merged.conflicts.iter().cloned());
    left.sort();
    let numbers: Vec<u64> = plan
        .folded
        .into_iter()
        .filter(|number| !is_conflict(number))
        .collect();
    let hunks = unified_diff(&text, &merged.text);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let diff = match &*hunks {
        "" => String::new(),
        hunks => format!("--- {name}\n+++ {name}\n{hunks}"),
    };
    let mut folded = Folded {
        diff,
        numbers,
        left,
        notices,
    };
    if is_dry || folded.numbers.is_empty() {
        return Ok(folded);
    }
    let bytes = bytes::compose(&file.bytes, &merged).map_err(|message| FoldError::Encoding {
        path: path.clone(),
        message,
    })?;
    if decode(&bytes).as_ref() != Ok(&merged.text) {
        let message = "the new text does not come out as it should in its encoding".to_owned();
        return Err(FoldError::Encoding { path, message });
    }
    let mut of = folded.numbers.clone();
    of.extend(&plan.in_source);
    of.sort_unstable();
    Replacement {
        rim,
        file: &file,
        bytes: &bytes,
    }
    .make(log, &of)
    .map(|notice| {
        let is_told = notice.is_none();
        folded.notices.extend(notice);
        if is_told {
            rotated(log, folded)
        } else {
            folded
        }
    })
}

/// End the log if nothing of it is pending any more.
fn rotated(log: &mut Log, mut folded: Folded) -> Folded {
    if folded.left.is_empty()
        && let Err(error) = log.begin_anew()
    {
        // All is folded; the log is only longer than it need be.
        folded
            .notices
            .push(format!("the log goes on as it is: {error}"));
    }
    folded
}

/// What is folded and what is not.
struct Plan {
    /// All changes; those that are to be merged are pending.
    changes: Vec<Change>,
    folded: Vec<u64>,
    /// Those that the source says already: the log has done with them, too.
    in_source: Vec<u64>,
    left: Vec<(u64, String)>,
}

impl Plan {
    fn of(older: &[ReadLog], log: &Log, source: &Outline, left_off: &BTreeSet<u64>) -> Self {
        let mut changes = history_of_open(older, log.read(), Some(log.session()));
        let mut left = Vec::new();
        for change in &mut changes {
            if left_off.contains(&change.number) && change.status == Status::Pending {
                change.status = Status::Omitted;
                left.push((change.number, "it is not live in this session".to_owned()));
            }
        }
        judge(&mut changes, Some(source));
        let mut plan = Self {
            changes,
            folded: Vec::new(),
            in_source: Vec::new(),
            left,
        };
        for index in 0..plan.changes.len() {
            plan.take(index, source);
        }
        plan
    }

    fn take(&mut self, index: usize, source: &Outline) {
        let change = &self.changes[index];
        let number = change.number;
        let is_state = matches!(change.kind, ChangeKind::State { .. });
        if !is_state && !matches!(change.kind, ChangeKind::Patch { .. })
            || change.via == Via::Editor
        {
            return;
        }
        match change.status {
            Status::Pending if change.why == IN_FLIGHT => {
                self.leave(index, IN_FLIGHT.to_owned());
            }
            Status::Pending if is_state => {
                let before = merge(source, &self.changes[..index]).text;
                let made = Outline::parse(before.as_str().into())
                    .map_err(|error| error.message)
                    .and_then(|live| state::as_patch(change, &live, &self.changes[..index]));
                match made {
                    Ok(kind) => {
                        self.changes[index].kind = kind;
                        self.folded.push(number);
                    }
                    Err(why) => self.leave(index, why),
                }
            }
            Status::Pending => self.folded.push(number),
            Status::InSource => self.in_source.push(number),
            Status::Conflict | Status::Untrusted | Status::Newer => {
                self.left.push((number, change.why.clone()));
            }
            // Nobody has decided against it: it must not go with the log.
            Status::Omitted if is_left_off_by_itself(change) => {
                self.leave(index, change.why.clone());
            }
            Status::Folded | Status::Undone | Status::Omitted => {}
        }
    }

    fn leave(&mut self, index: usize, why: String) {
        self.left.push((self.changes[index].number, why));
    }
}
