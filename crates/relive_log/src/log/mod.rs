//! A log that is written: changes made durable before they take effect.
//!
//! What is in memory is the truth for as long as the log is open: all records that were acknowledged, and those that
//! need not be durable. The file has the first some of them ([`Log::written`]); what it lacks goes into the next write.

mod batch;
mod begin;
mod error;
mod fork;
mod probe;
mod reconcile;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use begin::file_hash;
pub use error::{AppendError, OpenError};

use crate::change::Draft;
use crate::codec::Sum;
use crate::place::{Subject, old_logs, with_suffix};
use crate::reading::{Fate, ReadLog};
use crate::record::{
    Cause, Close, Done, Entry, Fail, Failure, FoldBegin, FoldEnd, Note, Progress, Torn, Via,
};
use crate::rim::Rim;
use crate::storage::File;
use crate::trust::Key;
use batch::Commitment;
use probe::Held;

/// A log larger than this is told of.
const LARGE: u64 = 8 << 20;

/// A log that is open for writing. As long as it lives, no other process can write it.
pub struct Log {
    rim: Rim,
    subject: Subject,
    session: String,
    python: String,
    read: ReadLog,
    /// How many of the records in memory the file has.
    written: usize,
    /// The file; None before the first change, and after an error.
    held: Option<Held>,
    state: State,
    /// The process that opened it.
    owner: u32,
    key: Option<Key>,
    anchor: Option<Box<dyn File>>,
    /// Whether the session record of this process is written.
    is_introduced: bool,
    /// A torn tail that was cut off and is to be told of in the log.
    torn: Option<Torn>,
    /// A transaction that was refused, but could not be cut off again; and the sum of its commit.
    refused: Option<(u64, Sum)>,
    notices: Vec<String>,
    is_large: bool,
    /// How many numbers of transactions were given up since the last one.
    given_up: u64,
    sync: SyncMode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Forked,
}

/// What a transaction survives once it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncMode {
    /// The end of the process, and a power loss.
    #[default]
    Full,
    /// The end of the process. What a power loss takes is told when the log is read next.
    Process,
}

/// A transaction that is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its number.
    pub tx: u64,
    /// The number of the change of each draft.
    pub numbers: Vec<u64>,
}

/// Put the log of a source out of the way with all logs that it continues, so that nothing of them is replayed any more:
/// `bank.py.log` becomes `bank.py.log.aside`, or whatever number behind that is free. Returns where it is kept.
pub fn set_aside(rim: &Rim, log: &ReadLog) -> io::Result<PathBuf> {
    let older = old_logs(rim, &log.log)?;
    let mut kept: Option<PathBuf> = None;
    // The next log would go on after what stays.
    for (_, path) in older {
        kept = Some(rename_aside(rim, &path)?);
    }
    match rename_aside(rim, &log.log) {
        Ok(path) => kept = Some(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && kept.is_some() => {}
        Err(error) => return Err(error),
    }
    // It is not missed.
    let _ = rim.storage.remove(&rim.home.anchor(&log.source));
    let directory = log.log.parent().unwrap_or(Path::new("/"));
    rim.storage.sync_directory(directory)?;
    kept.ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn rename_aside(rim: &Rim, log: &Path) -> io::Result<PathBuf> {
    for number in 1_u64.. {
        let suffix = match number {
            1 => ".aside".to_owned(),
            _ => format!(".aside.{number}"),
        };
        let kept = with_suffix(log, &suffix);
        match rim.storage.rename_new(log, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| kept),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

impl Log {
    /// Open the log of a source, or of a session (`$RELIVE_HOME/sessions/ID.log`), for a session that may write it.
    ///
    /// A torn tail is kept in a file of its own and cut off. A log that is not there yet is made by the first change.
    /// Where it cannot stand beside its source it is kept in the state directory; [`notices`](Log::notices) says so.
    pub fn open(rim: &Rim, source: &Path, session: &str, python: &str) -> Result<Log, OpenError> {
        let told = |error| {
            OpenError::Read(crate::read::ReadError {
                path: source.to_owned(),
                source: error,
            })
        };
        let subject = Subject::of(rim, source).map_err(told)?;
        let read = ReadLog::missing(&subject, &subject.beside);
        let mut log = Log {
            owner: rim.storage.process(),
            rim: rim.clone(),
            subject,
            session: session.to_owned(),
            python: python.to_owned(),
            read,
            written: 0,
            held: None,
            state: State::Open,
            key: None,
            anchor: None,
            is_introduced: false,
            torn: None,
            refused: None,
            notices: Vec::new(),
            is_large: false,
            given_up: 0,
            sync: SyncMode::Full,
        };
        log.find()?;
        Ok(log)
    }

    /// Have transactions survive this from now on. A fold is always synced: it is about the source.
    pub fn set_sync(&mut self, sync: SyncMode) {
        self.sync = sync;
    }

    /// Make a transaction durable: one write, one sync. Nothing of it is in the log if this fails.
    ///
    /// `within`: the transaction of a session's log without which this one does not count.
    pub fn append(
        &mut self,
        drafts: &[Draft],
        via: Via,
        cause: Option<&Cause>,
        within: Option<&Cause>,
    ) -> Result<Committed, AppendError> {
        self.append_part(drafts, via, cause, within, &[])
    }

    /// The same for a part of a change of several modules. `others`: the sources with the other parts.
    pub fn append_part(
        &mut self,
        drafts: &[Draft],
        via: Via,
        cause: Option<&Cause>,
        within: Option<&Cause>,
        others: &[PathBuf],
    ) -> Result<Committed, AppendError> {
        self.prepare()?;
        let batch = self.transaction(drafts, via, cause, within, others)?;
        self.write_durably(batch)
    }

    /// The number that the next transaction will have.
    #[must_use]
    pub fn next_tx(&self) -> u64 {
        // The first transaction of a log has the number behind its header's.
        let next = if self.read.records.is_empty() {
            1
        } else {
            self.read.end.tx + 1
        };
        next + self.given_up
    }

    /// Let no transaction have the number that would come next: one that was refused is named by it in other logs, and
    /// must not count because of another one.
    pub fn give_up_tx(&mut self) {
        self.given_up += 1;
    }

    /// The transaction was applied.
    pub fn done(&mut self, tx: u64, milliseconds: f64) {
        let tenths = if milliseconds.is_finite() {
            (milliseconds.min(1e12) * 10.0).round() as u64
        } else {
            0
        };
        let done = Done { tx, tenths };
        self.tell_fate(tx, Fate::Done, Entry::Done(done));
    }

    /// The transaction was not applied; nothing of it is live.
    pub fn fail(&mut self, tx: u64, failure: Failure, why: &str) {
        self.tell_failure(tx, failure, why, None);
    }

    /// A statement of the transaction raised; what stood in front of it stays as it is.
    pub fn raised(&mut self, tx: u64, why: &str, progress: Progress) {
        self.tell_failure(tx, Failure::Raised, why, Some(progress));
    }

    fn tell_failure(&mut self, tx: u64, failure: Failure, why: &str, progress: Option<Progress>) {
        let fail = Fail {
            tx,
            failure,
            why: shortened(why),
            progress,
        };
        self.tell_fate(tx, Fate::Failed(failure), Entry::Fail(fail));
    }

    /// Something worth knowing to a reader of the log.
    pub fn note(&mut self, text: &OsStr) {
        let at = self.rim.clock.now();
        self.add(Entry::Note(Note {
            at,
            text: text.to_owned(),
        }));
    }

    /// Changes are about to be written into the source; durable when this returns. `from`, `to`: see [`file_hash`].
    /// Returns the number that [`end_fold`](Log::end_fold) wants.
    pub fn begin_fold(
        &mut self,
        from: &str,
        to: &str,
        changes: &[u64],
    ) -> Result<u64, AppendError> {
        self.prepare()?;
        let mut batch = self.batch(Commitment::None)?;
        let begin = batch.next();
        batch.push(Entry::FoldBegin(Box::new(FoldBegin {
            at: self.rim.clock.now(),
            from: from.to_owned(),
            to: to.to_owned(),
            changes: changes.to_vec(),
        })))?;
        self.write_durably(batch)?;
        Ok(begin)
    }

    /// Changes were written into the source; durable when this returns.
    pub fn end_fold(&mut self, begin: u64) -> Result<(), AppendError> {
        self.prepare()?;
        let mut batch = self.batch(Commitment::None)?;
        batch.push(Entry::FoldEnd(FoldEnd { begin }))?;
        self.write_durably(batch)?;
        Ok(())
    }

    /// The session ended in an orderly way. Nothing can be written from now on.
    pub fn close(&mut self) {
        if self.state == State::Open && self.is_introduced {
            let at = self.rim.clock.now();
            self.add(Entry::Close(Close {
                session: self.session.clone(),
                at,
            }));
        }
        if self.state == State::Open {
            self.state = State::Closed;
        }
        self.held = None;
        self.anchor = None;
    }

    /// A session that died is over: what it left has come back elsewhere, or is given up.
    pub fn end_session(&mut self, session: &str) {
        let at = self.rim.clock.now();
        self.add(Entry::Close(Close {
            session: session.to_owned(),
            at,
        }));
    }

    /// What the log says, with all that was appended.
    pub fn read(&self) -> &ReadLog {
        &self.read
    }

    /// What the user has to be told, each once.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Where the log stands, or will.
    pub fn path(&self) -> &Path {
        &self.read.log
    }

    /// The source that it is about, without links in its path; for a session's log, the log itself.
    pub fn source(&self) -> &Path {
        &self.subject.source
    }

    /// The session that writes.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// To be called in the child of a fork: its copies of open files would keep the lock alive when the parent is gone.
    pub fn after_fork_in_child(&mut self) {
        self.state = State::Forked;
        self.held = None;
        self.anchor = None;
    }

    fn tell_fate(&mut self, tx: u64, fate: Fate, entry: Entry) {
        let transactions = &mut self.read.transactions;
        // One of a log that this one continues is told of nowhere.
        if let Ok(index) = transactions.binary_search_by_key(&tx, |transaction| transaction.tx) {
            transactions[index].fate = fate;
            // It would not have been applied if it did not count.
            transactions[index].is_committed |= fate == Fate::Done;
            self.add(entry);
        }
    }
}

/// Words that go into one line of a log.
fn shortened(words: &str) -> String {
    const MOST: usize = 4000;
    if words.len() <= MOST {
        return words.to_owned();
    }
    let end = words.floor_char_boundary(MOST);
    format!("{}…", &words[..end])
}
