//! The seam of the write-ahead change log: what the spine asks of it between compile and apply.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use relive_log::{
    Cause, Caution, Change, Draft, Finding, Folded, OtherPart, Progress, Replay, SyncMode, Via,
};
use thiserror::Error;

/// Where changes become durable before they take effect.
pub trait ChangeLog: Send {
    /// Make the changes durable: those of all modules, or none. An error means that they must not be applied.
    fn append(&mut self, changes: &[ModuleChange]) -> Result<Appended, LogError>;

    /// Make what is typed at a prompt durable, with what it changes in modules. `replayed`: the transaction of another
    /// session that it comes back from.
    fn append_cell(
        &mut self,
        drafts: &[Draft],
        modules: &[ModuleChange],
        replayed: Option<&Cause>,
    ) -> Result<Appended, LogError>;

    /// Note what became of changes.
    fn outcome(&mut self, appended: &Appended, outcome: LogOutcome<'_>);

    /// Note something in the session's own log.
    fn note(&mut self, _text: &OsStr) {}

    /// What the log of a source file says.
    fn read(&mut self, file: &Path) -> Result<LoggedChanges, LogError>;

    /// Write the pending changes of a source file into it but for those of these numbers, or say what that would do.
    fn fold(
        &mut self,
        file: &Path,
        left_off: &BTreeSet<u64>,
        is_dry: bool,
    ) -> Result<Folded, LogError>;

    /// Whether there is a log for a source file.
    fn is_there(&self, _file: &Path) -> bool {
        false
    }

    /// The other parts of a change of several modules that has one in the log of a source file.
    fn other_parts(&self, _file: &Path, _within: &Cause) -> Result<Vec<OtherPart>, LogError> {
        Ok(Vec::new())
    }

    /// Be the one that writes the log of a source file.
    fn claim(&mut self, _file: &Path) -> Result<(), LogError> {
        Ok(())
    }

    /// Let others write it.
    fn release(&mut self, _file: &Path) {}

    /// The source of a log that this session writes.
    fn source_of(&self, _log: &Path) -> Option<PathBuf> {
        None
    }

    /// Put the log of a source file out of the way. Returns where it is kept.
    fn set_aside(&mut self, _file: &Path) -> Result<Option<PathBuf>, LogError> {
        Ok(None)
    }

    /// Note that changes are about to be replayed together: if the process dies, the next one knows which. The caller
    /// leaves it to the log what session that is and how many others are being replayed.
    fn begins(&mut self, _replay: Replay) {}

    /// Note that one more is about to be replayed, by itself.
    fn replays(&mut self, _file: &Path, _number: u64) {}

    /// Note that the process goes on, whatever has become of the replay.
    fn ends(&mut self, _file: &Path) {}

    /// Note that it has survived the replay, and that all is well.
    fn has_replayed(&mut self, _file: &Path) {}

    /// Note that what earlier starts died of stands in the log.
    fn found(&mut self, _file: &Path) {}

    /// Let what this user wrote for a source in another place run here.
    fn adopt(&mut self, _file: &Path) -> Result<(), LogError> {
        Ok(())
    }

    /// What the user is to be told once.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// What an acknowledged change survives.
    fn sync(&self) -> SyncMode {
        SyncMode::Full
    }

    /// The logs that were created beside their sources since this was asked last.
    fn created(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// The session ends in an orderly way.
    fn close(&mut self) {}

    /// This process was forked from the session's: nothing may be written any more.
    fn forked(&mut self) {}
}

/// Changes of one module that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleChange {
    /// The module's source file.
    pub file: PathBuf,
    /// What changes.
    pub drafts: Vec<Draft>,
    /// How it came about.
    pub via: Via,
    /// What it is a consequence of.
    pub cause: Option<Cause>,
}

/// Changes that are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// The numbers of the drafts of each module; none for a module whose changes are not logged here.
    pub numbers: Vec<Vec<u64>>,
    /// Their transactions, by the log's source.
    pub transactions: Vec<(PathBuf, u64)>,
    /// That of the session's own log, for a cell: the cause of what the cell changes while it runs.
    pub cause: Option<Cause>,
}

/// What a log says.
#[derive(Clone, Debug)]
pub struct LoggedChanges {
    /// The log.
    pub log: PathBuf,
    /// By which it knows this session.
    pub session: String,
    /// All changes, oldest first.
    pub changes: Vec<Change>,
    /// The numbers of those that somebody has decided to replay.
    pub decided: BTreeSet<u64>,
    /// What starts that died while they replayed something call for.
    pub caution: Caution,
    /// What they died of, as far as that does not stand in the log.
    pub findings: Vec<Finding>,
    /// The transactions that this user wrote for a source in another place, and that nobody is known to have written.
    pub untrusted: (usize, usize),
    /// The last session that wrote it ended without a word.
    pub has_died: bool,
    /// The numbers of the changes whose definitions were running when the last session died.
    pub ran: BTreeSet<u64>,
    /// What pending changes lack that they are one with, by their numbers.
    pub parted: BTreeMap<u64, String>,
    /// What is wrong with the log, in sentences.
    pub problems: Vec<String>,
    /// What whoever decides about a replay should know.
    pub warnings: Vec<String>,
}

impl Default for LoggedChanges {
    fn default() -> Self {
        Self {
            log: PathBuf::new(),
            session: String::new(),
            changes: Vec::new(),
            decided: BTreeSet::new(),
            caution: Caution::None,
            findings: Vec::new(),
            untrusted: (0, 0),
            has_died: false,
            ran: BTreeSet::new(),
            parted: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// What became of changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogOutcome<'a> {
    /// They are live.
    Applied {
        /// How long that took.
        milliseconds: f64,
    },
    /// A statement raised; everything was put back.
    Raised(&'a str),
    /// A statement of a cell raised; what stood in front of it stays.
    RaisedIn {
        /// Why.
        why: &'a str,
        /// How far each of them came, in the order of their numbers.
        progress: &'a [Progress],
    },
    /// They were not applied for another reason.
    Refused(&'a str),
}

/// A change could not be made durable, or a log cannot be read: what happened and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct LogError(pub String);

/// A log that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl ChangeLog for NoLog {
    fn append(&mut self, changes: &[ModuleChange]) -> Result<Appended, LogError> {
        Ok(Appended {
            numbers: vec![Vec::new(); changes.len()],
            transactions: Vec::new(),
            cause: None,
        })
    }

    fn append_cell(
        &mut self,
        _drafts: &[Draft],
        modules: &[ModuleChange],
        _replayed: Option<&Cause>,
    ) -> Result<Appended, LogError> {
        self.append(modules)
    }

    fn outcome(&mut self, _appended: &Appended, _outcome: LogOutcome<'_>) {}

    fn read(&mut self, _file: &Path) -> Result<LoggedChanges, LogError> {
        Ok(LoggedChanges::default())
    }

    fn fold(
        &mut self,
        _file: &Path,
        _left_off: &BTreeSet<u64>,
        _is_dry: bool,
    ) -> Result<Folded, LogError> {
        Err(LogError("this session keeps no log".to_owned()))
    }
}
