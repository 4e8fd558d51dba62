//! What a log says, as it was read.

use std::path::PathBuf;

use crate::codec::Sum;
use crate::record::{Cause, Entry, Failure, Header, Record, SessionStart};

/// A log that was read.
#[derive(Clone, Debug)]
pub struct ReadLog {
    /// The source file; for a session's log, the log itself.
    pub source: PathBuf,
    /// The log, whether it is there or not.
    pub log: PathBuf,
    /// Its first record.
    pub header: Option<Header>,
    /// All records of the verified part.
    pub records: Vec<Record>,
    /// The transactions in it whose commit is valid, in order.
    pub transactions: Vec<Transaction>,
    /// What stands behind the verified part.
    pub tail: Tail,
    /// Why it is damaged, foreign, newer, someone else's, cut back: a sentence each.
    pub problems: Vec<String>,
    /// Why nothing in it is taken for this user's own, whatever it says: someone else could have prepared it.
    pub distrust: Option<String>,
    /// The numbers and sums that a writer goes on from.
    pub(crate) end: End,
    /// The sums of the records.
    pub(crate) sums: Vec<Sum>,
}

impl ReadLog {
    /// The session that wrote to the log last, if it has not said that it ended.
    #[must_use]
    pub fn unclosed(&self) -> Option<&SessionStart> {
        let last = self
            .records
            .iter()
            .rev()
            .find_map(|record| match &record.entry {
                Entry::Session(start) => Some(Some(&**start)),
                Entry::Close(_) => Some(None),
                _ => None,
            });
        last.flatten()
    }
}

/// Where the verified part of a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Its size in bytes.
    pub(crate) verified: u64,
    /// The size of the file.
    pub(crate) size: u64,
    /// The number of the next record.
    pub(crate) next: u64,
    /// The sum of the last record.
    pub(crate) sum: Sum,
    /// A number higher than all that were found behind the verified part.
    pub(crate) beyond: u64,
    /// The last transaction, or the number of the header.
    pub(crate) tx: u64,
    /// What the first record is chained to.
    pub(crate) before: Sum,
    /// Up to where it was once synced for certain.
    pub(crate) proven: u64,
}

impl End {
    /// Of a log that is empty.
    pub(crate) const START: End = End {
        verified: 0,
        size: 0,
        next: 0,
        sum: Sum::ZERO,
        beyond: 0,
        tx: 0,
        before: Sum::ZERO,
        proven: 0,
    };
}

/// What stands behind the verified part of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// There is no log: no change was logged yet.
    Missing,
    /// Nothing.
    Clean,
    /// What a write leaves that was cut off.
    Torn {
        /// How many bytes.
        bytes: u64,
    },
    /// Something that no writer leaves.
    Damaged {
        /// The line where the verified part ends, counted from 1.
        line: u64,
        /// What is wrong there, in words.
        problem: String,
    },
    /// The log is of a newer version.
    Newer {
        /// Which one.
        version: u32,
    },
    /// This is no log.
    Foreign {
        /// What it is instead, in words.
        problem: String,
    },
}

/// A transaction whose commit is valid and chained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its number.
    pub tx: u64,
    /// The number of its first record.
    pub first: u64,
    /// The number of its commit.
    pub last: u64,
    /// Whether it counts: not if the transaction that it is a part of has no commit.
    pub is_committed: bool,
    /// Whether this version understands all of it.
    pub is_understood: bool,
    /// Whose it is.
    pub signed: Signed,
    /// What became of it.
    pub fate: Fate,
    /// The session that wrote it; empty if the log does not say.
    pub session: String,
    /// The transaction of a session's log without which it does not count.
    pub within: Option<Cause>,
    /// What its commit says about whose it is.
    pub(crate) mac: Option<Sum>,
    /// The hash of all that it says.
    pub(crate) digest: [u8; 32],
}

/// Whose a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// This user's relive wrote it.
    Mine,
    /// This user has seen it and said that it may run.
    Approved,
    /// This user's relive wrote it for a source in another place.
    Moved,
    /// Not known to be this user's.
    No,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was applied.
    Done,
    /// It was not.
    Failed(Failure),
    /// The process died before it could tell.
    InFlight,
}
