//! Changes as the rest of relive knows them: to be logged, and logged.

use serde::{Deserialize, Serialize};

use crate::record::{Cause, Effect, Operation, TextHash, Via};

/// A change that is not in a log yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Draft {
    /// Of one definition or top-level statement.
    Patch {
        /// What is done.
        operation: Operation,
        /// What is changed: the qualified name of a definition (`Account.deposit`); the names that a statement binds,
        /// with commas between them (`LIMITS`, `a,b`); `<docstring>`, `<main>`; for any other statement the beginning
        /// of its first line between `<` and `>`. With an ordinal where it repeats in its scope (`f#2`).
        target: String,
        /// For an addition, the target that it stands behind in its scope; None: it stands first.
        after: Option<String>,
        /// The old text, as it stands in its file; None for an addition.
        old: Option<String>,
        /// The new text, as it stands in its file; None for a removal.
        new: Option<String>,
    },
    /// A statement that changes state.
    State {
        /// The name that its path starts at; `-` where it has none.
        target: String,
        /// What a replay may do.
        effect: Effect,
        /// The statement as typed.
        text: String,
    },
    /// A change counts no longer.
    Undo {
        /// Its number.
        of: u64,
        /// Why, in words; may be empty.
        why: String,
    },
    /// A change is left off at the replay.
    Skip {
        /// Its number.
        of: u64,
        /// Why, in words; may be empty.
        why: String,
    },
    /// A change is replayed, whatever was decided before.
    Unskip {
        /// Its number.
        of: u64,
        /// Why, in words; may be empty.
        why: String,
    },
}

/// A change that stands in a log, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number, by which users know it.
    pub number: u64,
    /// The transaction that it belongs to.
    pub tx: u64,
    /// When it was written, in UTC.
    pub at: String,
    /// The session that wrote it.
    pub session: String,
    /// How it came about.
    pub via: Via,
    /// What it is a consequence of.
    pub cause: Option<Cause>,
    /// The transaction of a session's log that it is a part of, with changes of other modules.
    pub within: Option<Cause>,
    /// What it changes.
    pub kind: ChangeKind,
    /// Whether it counts.
    pub status: Status,
    /// What became of it when it was made.
    pub outcome: Outcome,
    /// Why it has this status, in words for a user.
    pub why: String,
    /// The decisions to leave it off, and, with false, to take it up again: their numbers.
    pub left_off: Vec<(u64, bool)>,
}

/// What a change changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// One definition or top-level statement; see [`Draft::Patch`].
    Patch {
        /// What is done.
        operation: Operation,
        /// What is changed.
        target: String,
        /// For an addition, what it stands behind.
        after: Option<String>,
        /// The old text.
        old: Option<String>,
        /// The new text.
        new: Option<String>,
        /// The hash of the old text.
        pre: Option<TextHash>,
        /// The hash of the new text.
        post: Option<TextHash>,
    },
    /// A statement that changes state.
    State {
        /// The name that its path starts at.
        target: String,
        /// What a replay may do.
        effect: Effect,
        /// The statement as typed.
        text: String,
    },
    /// Another change counts no longer.
    Undo {
        /// Its number.
        of: u64,
    },
    /// Changes were written into the source.
    Fold {
        /// Their numbers.
        of: Vec<u64>,
    },
    /// A process began to write.
    Session,
}

/// Whether a change counts; the names are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not in the source yet.
    Pending,
    /// Written into the source by a fold.
    Folded,
    /// Taken back.
    Undone,
    /// Left off: by choice, because it failed, or because it was in flight when the process died.
    Omitted,
    /// The source says something else than what it was made for.
    Conflict,
    /// The source says so already.
    InSource,
    /// This user's relive did not write it.
    Untrusted,
    /// Of a kind that this version of relive does not know.
    Newer,
}

/// What became of a change when it was made; the names are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was applied.
    Applied,
    /// A statement of it raised; it was rolled back.
    Raised,
    /// It was refused.
    Refused,
    /// Written but never confirmed: the suspect after a crash.
    Unfinished,
}
