//! The write-ahead change log that stands beside a source file: `bank.py.log`.
//!
//! Two halves. The lower one is about bytes: records and how they are written down ([`Record`], [`codec`]), a
//! transaction made durable ([`Log`]), a log opened, repaired or refused ([`Log::open`], [`read`]), and whose it is
//! ([`Signed`], [`trust`]). The upper one is about source text: which changes lead from one outline to another ([`drafts`]), a
//! source text with its pending changes merged ([`merge`]) or with definitions put into it ([`splice`]), what has become
//! of each change ([`history`]) and what the source says to it ([`judge`]), taking changes back ([`undo`]), writing them
//! into the file ([`fold`]), and what is replayed ([`choose`], [`Guard`]).
//!
//! It runs no Python, prints nothing, and reaches the disk and the clock through [`Storage`] and [`Clock`] alone.

#![forbid(unsafe_code)]

mod anchor;
mod change;
mod choice;
pub mod codec;
mod compose;
mod drafts;
mod fold;
mod guard;
mod history;
mod home;
mod judge;
mod lineage;
mod log;
mod merge;
mod overtaken;
mod parts;
mod place;
mod read;
mod reading;
mod record;
mod resolve;
mod rim;
mod scan;
mod spacing;
mod splice;
mod storage;
mod tail;
mod target;
mod text;
mod threeway;
mod tree;
mod trust;
mod undo;
mod unified;

pub use change::{Change, ChangeKind, Draft, Outcome, Status};
pub use choice::{Bisect, Choice, Offer, Policy, choose, select};
pub use drafts::drafts;
pub use fold::{FoldError, Folded, fold, fold_but_for, recover_fold};
pub use guard::{Caution, DIED_REPLAYED, Finding, Guard, RAISED_REPLAYED, Replay};
pub use history::{
    CHOSEN, decisions, history, history_of_all, history_while, is_left_off_by_choice,
    is_left_off_by_itself, is_of_prompt,
};
pub use home::Home;
pub use judge::judge;
pub use log::{AppendError, Committed, Log, OpenError, SyncMode, file_hash, set_aside};
pub use merge::{Merged, Origin, merge};
pub use overtaken::is_overtaken;
pub use parts::{Lack, OtherPart, Together, other_parts};
pub use read::{ReadError, read, read_all};
pub use reading::{Fate, ReadLog, Signed, Tail, Transaction};
pub use record::{
    Cause, Close, Commit, Decision, Diff, DiffLine, Done, Effect, Entry, Fail, Failure, FoldBegin,
    FoldEnd, Header, Note, Operation, Patch, Progress, Record, SessionStart, StateChange, TextHash,
    Torn, Unknown, Via,
};
pub use resolve::{ResolveError, Resolved, resolve};
pub use rim::{Process, Rim};
pub use splice::{SpliceError, splice};
pub use storage::memory;
pub use storage::{Access, Clock, Disk, File, FileKind, FileStatus, Storage, SystemClock};
pub use target::{find, targets};
pub use text::text_hash;
pub use trust::{TrustError, trust};
pub use undo::{UndoError, undo, undo_together};
pub use unified::unified_diff;
