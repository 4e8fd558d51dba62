//! What a session at a prompt left when it died.

mod crash;
mod fate;
mod statements;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use relive_log::{
    AppendError, Cause, ChangeKind, Draft, Entry, Log, ReadLog, Rim, Status, Via, read,
};

use crate::log::{LogError, ModuleChange};
use crate::session::Session;

pub(crate) use crash::{Crash, crash};
pub use fate::Fate;
pub use statements::LeftStatement;
use statements::{came_back_in, statements};

/// What sessions at prompts left that died in one directory, or with the names of one script.
pub struct LeftBehind {
    /// The last of them.
    pub session: String,
    /// How it died, as far as that is known.
    pub died: Option<String>,
    /// The machine was restarted since it began.
    pub is_of_another_boot: bool,
    /// What was typed and is not back, oldest first, with what is to be done about it.
    pub statements: Vec<LeftStatement>,
    /// Whether somebody should decide: of some statement nobody has, or nobody was told that the session died.
    pub is_new: bool,
    /// Their logs, locked.
    logs: Vec<DeadLog>,
}

/// The log of a session that died.
struct DeadLog {
    session: String,
    log: Log,
}

impl LeftBehind {
    /// Look for what died where this process is, whose session is `session`. None if there is nothing left of it.
    #[must_use]
    pub fn find(rim: &Rim, session: &str, python: &str) -> Option<Self> {
        let names = rim.storage.list(&rim.home.sessions()).ok()?;
        let paths = names.iter().filter(|name| {
            let name = name.to_string_lossy();
            name.ends_with(".log")
        });
        let mut dead = Vec::new();
        let mut over = Vec::new();
        for path in paths.map(|name| rim.home.sessions().join(name)) {
            let Ok(found) = read(rim, &path) else {
                continue;
            };
            let is_here = found
                .header
                .as_ref()
                .is_some_and(|header| header.source == rim.process.about.as_os_str());
            let owner = owner_of(&found);
            if owner == session {
                continue;
            }
            if is_over(&found, &owner) {
                over.push((began(&found), owner, found.source.clone()));
                continue;
            }
            if !is_here {
                continue;
            }
            // Who can lock it is not the one that writes it.
            if let Ok(log) = Log::open(rim, &path, session, python) {
                let dead_log = DeadLog {
                    session: owner,
                    log,
                };
                dead.push((began(&found), dead_log));
            }
        }
        forget(rim, over);
        dead.sort_by(|one, other| one.0.cmp(&other.0));
        let mut logs: Vec<DeadLog> = dead.into_iter().map(|(_, log)| log).collect();
        let crashes: Vec<Option<Crash>> = logs.iter().map(|log| crash(rim, &log.session)).collect();
        let mut statements = statements(&logs, &crashes, session);
        give_up(&mut logs, &mut statements);
        let is_new = |index: usize| {
            let mut own = statements.iter().filter(|one| one.places[0].log == index);
            let is_untold = || !has_decisions(logs[index].log.read());
            own.clone().any(|one| !one.is_decided) || own.next().is_none() && is_untold()
        };
        let new = (0..logs.len()).rev().find(|&index| is_new(index));
        let told = new.or(logs.len().checked_sub(1))?;
        if new.is_none() && statements.is_empty() {
            return None;
        }
        let died = crashes[told].as_ref();
        let is_of_another_boot = is_of_another_boot(rim, logs[told].log.read());
        Some(Self {
            session: logs[told].session.clone(),
            died: died.map(|crash| crash.headline().to_owned()),
            is_of_another_boot,
            statements,
            is_new: new.is_some(),
            logs,
        })
    }

    /// The transactions of which somebody should decide whether they come back.
    #[must_use]
    pub fn origins(&self) -> BTreeSet<Cause> {
        let open = self.statements.iter().filter(|one| !one.is_decided);
        open.flat_map(|one| one.origins.clone()).collect()
    }

    /// The source files that the sessions have changed.
    #[must_use]
    pub fn files(&self) -> BTreeSet<PathBuf> {
        let logs = self.logs.iter();
        let files = logs.flat_map(|log| notes(log.log.read(), CHANGES));
        files.map(PathBuf::from).collect()
    }

    /// Remember that statements are back in a session, or that they are left off and why. What is left off stays
    /// available; a session of which nothing is left is over.
    pub fn settle(
        &mut self,
        session: &str,
        back: &[u64],
        off: &[(u64, String)],
    ) -> Result<(), AppendError> {
        let why = came_back_in(session);
        let mut drafts: Vec<Vec<Draft>> = self.logs.iter().map(|_| Vec::new()).collect();
        for statement in &self.statements {
            let number = statement.change.number;
            if back.contains(&number) {
                for place in statement.places.iter().filter(|place| !place.is_here) {
                    drafts[place.log].push(Draft::Undo {
                        of: place.number,
                        why: why.clone(),
                    });
                }
            } else if let Some((_, why)) = off.iter().find(|(off, _)| *off == number) {
                let place = statement.places[0];
                drafts[place.log].push(Draft::Skip {
                    of: place.number,
                    why: why.clone(),
                });
            }
        }
        self.statements
            .retain(|statement| !back.contains(&statement.change.number));
        for (index, (dead, drafts)) in self.logs.iter_mut().zip(&drafts).enumerate() {
            if !drafts.is_empty() {
                let committed = dead.log.append(drafts, Via::Replay, None, None)?;
                dead.log.done(committed.tx, 0.0);
            }
            let mut places = self.statements.iter().flat_map(|one| &one.places);
            if !places.any(|place| place.log == index) {
                dead.log.end_session(&dead.session);
            }
        }
        Ok(())
    }
}

impl Session {
    /// Have what cells of dead sessions did to modules not count any more, since the cells are left off: `files` are
    /// those that they may have changed. What cannot be written down is told as a notice by the log.
    pub fn leave_off(
        &mut self,
        left: &BTreeMap<Cause, String>,
        files: &BTreeSet<PathBuf>,
    ) -> Result<(), LogError> {
        for file in files {
            if !self.log.is_there(file) {
                continue;
            }
            let changes = self.log.read(file)?.changes;
            let mut drafts = Vec::new();
            let mut numbers = BTreeSet::new();
            for change in &changes {
                let is_change = matches!(
                    change.kind,
                    ChangeKind::Patch { .. } | ChangeKind::State { .. }
                );
                let why = change.cause.as_ref().and_then(|cause| left.get(cause));
                if let Some(why) = why
                    && is_change
                    && change.status == Status::Pending
                {
                    numbers.insert(change.number);
                    drafts.push(Draft::Skip {
                        of: change.number,
                        why: why.clone(),
                    });
                }
            }
            if drafts.is_empty() {
                continue;
            }
            self.append_done(ModuleChange {
                file: file.clone(),
                drafts,
                via: Via::Replay,
                cause: None,
            })?;
            for module in self.modules.values_mut().filter(|one| one.file == *file) {
                let changes = module.changes.iter_mut();
                for change in changes.filter(|change| numbers.contains(&change.number)) {
                    change.status = Status::Omitted;
                }
            }
        }
        Ok(())
    }
}

/// So many sessions of a place that died are kept with what was left off of them.
const DEAD: usize = 20;

/// So many logs of sessions that are over are kept.
const OVER: usize = 100;

/// What was left off of sessions that died long before others is given up.
fn give_up(logs: &mut [DeadLog], statements: &mut Vec<LeftStatement>) {
    for index in 0..logs.len().saturating_sub(DEAD) {
        let is_of = |one: &LeftStatement| one.places.iter().any(|place| place.log == index);
        let mut own = statements.iter().filter(|one| is_of(one));
        if own.all(|one| one.is_decided) && has_decisions(logs[index].log.read()) {
            statements.retain(|one| !is_of(one));
            let dead = &mut logs[index];
            dead.log.end_session(&dead.session);
        }
    }
}

/// Remove the oldest logs of sessions that are over: when each began, its session and where it stands. What they changed in
/// modules stands in the logs of these by itself.
fn forget(rim: &Rim, mut over: Vec<(String, String, PathBuf)>) {
    over.sort();
    let count = over.len().saturating_sub(OVER);
    for (_, session, log) in over.drain(..count) {
        // What cannot be removed now can be at the next start.
        if rim.storage.remove(&log).is_ok() {
            drop(rim.storage.remove(&rim.home.anchor(&log)));
            drop(rim.storage.remove(&rim.home.crash(&session)));
        }
    }
}

/// Beginnings of the notes of a session's log: which source files it has changed, and on which lines of its cell each
/// statement of a transaction stands. See `docs/log-format.md`.
pub(crate) const CHANGES: &str = "changes ";
pub(crate) const LINES: &str = "lines ";

/// What the notes of a log say that begin so.
fn notes<'a>(log: &'a ReadLog, beginning: &str) -> impl Iterator<Item = &'a OsStr> {
    log.records
        .iter()
        .filter_map(move |record| match &record.entry {
            Entry::Note(note) => {
                let text = note.text.as_bytes().strip_prefix(beginning.as_bytes());
                text.map(OsStr::from_bytes)
            }
            _ => None,
        })
}

fn has_decisions(log: &ReadLog) -> bool {
    let mut records = log.records.iter();
    records.any(|record| matches!(record.entry, Entry::Undo(_) | Entry::Skip(_)))
}

/// The session whose log it is: others only write down in it what they bring back.
fn owner_of(log: &ReadLog) -> String {
    let mut sessions = log.records.iter().filter_map(|record| match &record.entry {
        Entry::Session(start) => Some(start.session.clone()),
        _ => None,
    });
    sessions.next().unwrap_or_default()
}

pub(crate) fn session_of(log: &ReadLog) -> String {
    let session = log
        .records
        .iter()
        .rev()
        .find_map(|record| match &record.entry {
            Entry::Session(start) => Some(start.session.clone()),
            _ => None,
        });
    session.unwrap_or_default()
}

fn began(log: &ReadLog) -> String {
    let start = log.records.iter().find_map(|record| match &record.entry {
        Entry::Session(start) => Some(start.at.clone()),
        _ => None,
    });
    start.unwrap_or_default()
}

/// Whether this machine was restarted since the session of a log began.
fn is_of_another_boot(rim: &Rim, log: &ReadLog) -> bool {
    let first = log.records.iter().find_map(|record| match &record.entry {
        Entry::Session(start) => Some(start),
        _ => None,
    });
    first.is_some_and(|start| start.host == rim.process.host && start.boot != rim.process.boot)
}

fn is_over(log: &ReadLog, owner: &str) -> bool {
    let mut records = log.records.iter();
    records.any(|record| matches!(&record.entry, Entry::Close(close) if close.session == owner))
}
