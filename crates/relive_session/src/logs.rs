//! The logs of a session: one beside each source file that changes, and its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use relive_log::{
    Cause, Change, ChangeKind, Draft, Failure, FileKind, Folded, Guard, Log, OpenError, OtherPart,
    ReadLog, Replay, Rim, Signed, Status, SyncMode, Tail, Via, decisions, fold_but_for,
    history_of_all, other_parts, read, read_all, recover_fold, set_aside, trust,
};

use crate::log::{Appended, ChangeLog, LogError, LogOutcome, LoggedChanges, ModuleChange};
use crate::recovery::{CHANGES, crash, session_of};

/// Change logs on a file system.
pub struct Logs {
    rim: Rim,
    /// By which all logs know the session.
    session: String,
    python: String,
    sync: SyncMode,
    open: HashMap<PathBuf, Opened>,
    /// Notes of what is being replayed, by source.
    guards: HashMap<PathBuf, Guard>,
    /// What is typed stands here, and what belongs to several modules.
    own: PathBuf,
    notices: Vec<String>,
    created: Vec<PathBuf>,
    /// The files that cells of this session have changed, and whether its log says so.
    changed: BTreeMap<PathBuf, bool>,
    /// Sources of installed packages of which it was said that nothing of them is replayed.
    told_installed: BTreeSet<PathBuf>,
}

/// Whether a path leads into a directory of installed packages: no import replays changes of what is in it.
#[must_use]
pub fn is_installed(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "site-packages" || part.as_os_str() == "dist-packages")
}

enum Opened {
    Ours(Box<Log>),
    /// Another process writes it, and so what is saved.
    Theirs(String),
}

impl Logs {
    /// Logs that are opened when they are needed.
    #[must_use]
    pub fn new(rim: Rim, session: String, python: String, sync: SyncMode) -> Self {
        let own = rim.home.session_log(&session);
        Self {
            rim,
            session,
            python,
            sync,
            open: HashMap::new(),
            guards: HashMap::new(),
            own,
            notices: Vec::new(),
            created: Vec::new(),
            told_installed: BTreeSet::new(),
            changed: BTreeMap::new(),
        }
    }

    fn guard(&mut self, source: &Path, log: &ReadLog) -> &Guard {
        let id = log.header.as_ref().map_or("", |header| &header.id);
        if !self.guards.get(source).is_some_and(Guard::is_begun) {
            let guard = Guard::of(&self.rim, id);
            self.guards.insert(source.to_owned(), guard);
        }
        &self.guards[source]
    }

    /// Tell if the guard of a source could not do something; without it a start is only not known to have died.
    fn guarded(
        &mut self,
        source: &Path,
        consequence: &str,
        act: impl FnOnce(&mut Guard) -> std::io::Result<()>,
    ) {
        if let Some(guard) = self.guards.get_mut(source)
            && let Err(error) = act(guard)
        {
            self.notices.push(format!("{consequence}: {error}"));
        }
    }

    fn log(&mut self, source: &Path) -> Result<&mut Opened, LogError> {
        // Whoever wrote it may have ended.
        if !matches!(self.open.get(source), Some(Opened::Ours(_))) {
            let opened = match Log::open(&self.rim, source, &self.session, &self.python) {
                Ok(mut log) => {
                    log.set_sync(self.sync);
                    if source != self.own {
                        self.finish_fold(&mut log);
                    }
                    Opened::Ours(Box::new(log))
                }
                Err(error @ OpenError::InUse { .. }) => Opened::Theirs(error.to_string()),
                Err(error) => return Err(LogError(error.to_string())),
            };
            self.open.insert(source.to_owned(), opened);
        }
        self.open
            .get_mut(source)
            .ok_or_else(|| LogError("the log was closed".to_owned()))
    }

    /// A process that died in the middle of a fold has left something to do, or to tell.
    fn finish_fold(&mut self, log: &mut Log) {
        match recover_fold(&self.rim, log) {
            Ok(notices) => self.notices.extend(notices),
            Err(error) => self.notices.push(error.to_string()),
        }
    }

    fn ours(&mut self, source: &Path) -> Result<&mut Log, LogError> {
        match self.log(source)? {
            Opened::Ours(log) => Ok(log),
            Opened::Theirs(why) => Err(LogError(why.clone())),
        }
    }

    fn append_to(
        &mut self,
        change: &ModuleChange,
        within: Option<&Cause>,
        others: &[PathBuf],
        appended: &mut Appended,
    ) -> Result<(), LogError> {
        let source = &change.file;
        if change.via == Via::Editor && matches!(self.log(source)?, Opened::Theirs(_)) {
            appended.numbers.push(Vec::new());
            return Ok(());
        }
        let log = self.ours(source)?;
        let is_new = log.read().records.is_empty();
        let cause = change.cause.as_ref().or(within);
        let written = log.append_part(&change.drafts, change.via, cause, within, others);
        let notices = log.notices();
        let is_beside = log.path().parent() == log.source().parent() && log.path() != log.source();
        let path = (is_new && is_beside).then(|| log.path().to_owned());
        self.notices.extend(notices);
        let committed = written.map_err(|error| LogError(error.to_string()))?;
        self.created.extend(path);
        if matches!(change.via, Via::Patch | Via::Repl)
            && is_installed(source)
            && self.told_installed.insert(source.clone())
        {
            self.notices.push(format!(
                "{} is an installed package's: what changes in it is logged, but no import replays it",
                source.display()
            ));
        }
        appended.transactions.push((source.clone(), committed.tx));
        appended.numbers.push(committed.numbers);
        if cause.is_some_and(|cause| cause.session == self.session) {
            self.changed.entry(source.clone()).or_default();
        }
        Ok(())
    }

    /// Say in the session's own log which files its cells have changed, so that what of them does not come back after a
    /// crash is known to not count there either.
    fn note_changed(&mut self) {
        // A log that is not there yet has no notes.
        let has_begun = match self.open.get(&self.own) {
            Some(Opened::Ours(log)) => !log.read().records.is_empty(),
            _ => false,
        };
        if !has_begun {
            return;
        }
        let mut new = Vec::new();
        for (file, is_noted) in &mut self.changed {
            if !std::mem::replace(is_noted, true) {
                let mut note = OsString::from(CHANGES);
                note.push(file);
                new.push(note);
            }
        }
        for text in new {
            self.note(&text);
        }
    }

    /// Append changes of several modules, which belong together: they count when the session's own log says so, which is
    /// said last. `cell`: what was typed to make them.
    fn append_joint(
        &mut self,
        modules: &[ModuleChange],
        cell: &ModuleChange,
        appended: &mut Appended,
    ) -> Result<(), LogError> {
        let within = Cause {
            session: self.session.clone(),
            tx: self.ours(&cell.file)?.next_tx(),
        };
        let result = self
            .sources(modules)
            .and_then(|sources| {
                (0..modules.len()).try_for_each(|index| {
                    let mut others = sources.clone();
                    others.remove(index);
                    self.append_to(&modules[index], Some(&within), &others, appended)
                })
            })
            .and_then(|()| match self.append_own(cell, appended)? {
                own if own == within => Ok(()),
                // It goes on with other numbers.
                _ => Err(LogError(
                    "the session's log had to be begun anew; make the change again".to_owned(),
                )),
            });
        if result.is_err() {
            // The parts that are written name it, also if that they were refused cannot be written any more.
            self.ours(&cell.file)?.give_up_tx();
        }
        result
    }

    /// The files of changes as their logs know them.
    fn sources(&mut self, changes: &[ModuleChange]) -> Result<Vec<PathBuf>, LogError> {
        let mut sources = Vec::new();
        for change in changes {
            sources.push(self.ours(&change.file)?.source().to_owned());
        }
        Ok(sources)
    }

    /// Append what was typed, and then what it changes in one module, which counts by itself: it is not to depend on how
    /// long the session's log is kept.
    fn append_caused(
        &mut self,
        module: Option<&ModuleChange>,
        cell: &ModuleChange,
        appended: &mut Appended,
    ) -> Result<(), LogError> {
        let typed = self.append_own(cell, appended)?;
        let Some(module) = module else {
            return Ok(());
        };
        let caused = ModuleChange {
            cause: Some(module.cause.clone().unwrap_or(typed)),
            ..module.clone()
        };
        self.append_to(&caused, None, &[], appended)?;
        // Numbers of modules come first.
        appended.numbers.rotate_left(1);
        Ok(())
    }

    /// Append to the session's own log.
    fn append_own(
        &mut self,
        cell: &ModuleChange,
        appended: &mut Appended,
    ) -> Result<Cause, LogError> {
        self.append_to(cell, None, &[], appended)?;
        let own = Cause {
            session: self.session.clone(),
            tx: appended.transactions.last().map_or(0, |(_, tx)| *tx),
        };
        appended.cause = Some(own.clone());
        Ok(own)
    }

    fn cell(&self, drafts: &[Draft], replayed: Option<&Cause>) -> ModuleChange {
        ModuleChange {
            file: self.own.clone(),
            drafts: drafts.to_vec(),
            via: match replayed {
                Some(_) => Via::Replay,
                None => Via::Repl,
            },
            cause: replayed.cloned(),
        }
    }

    /// What was appended does not count if the rest could not be.
    fn or_refused(
        &mut self,
        appended: Appended,
        result: Result<(), LogError>,
    ) -> Result<Appended, LogError> {
        if let Err(error) = &result {
            self.outcome(&appended, LogOutcome::Refused(&error.0));
        }
        result.map(|()| appended)
    }
}

impl ChangeLog for Logs {
    fn append(&mut self, changes: &[ModuleChange]) -> Result<Appended, LogError> {
        let mut appended = Appended::default();
        let is_saved = |change: &ModuleChange| change.via == Via::Editor;
        let result = if changes.len() > 1 && !changes.iter().all(is_saved) {
            let cell = self.cell(&[], None);
            self.append_joint(changes, &cell, &mut appended)
        } else {
            let mut changes = changes.iter();
            changes.try_for_each(|change| self.append_to(change, None, &[], &mut appended))
        };
        self.note_changed();
        self.or_refused(appended, result)
    }

    fn append_cell(
        &mut self,
        drafts: &[Draft],
        modules: &[ModuleChange],
        replayed: Option<&Cause>,
    ) -> Result<Appended, LogError> {
        let mut appended = Appended::default();
        let cell = self.cell(drafts, replayed);
        let result = match modules {
            [] => self.append_caused(None, &cell, &mut appended),
            [module] => self.append_caused(Some(module), &cell, &mut appended),
            modules => self.append_joint(modules, &cell, &mut appended),
        };
        self.note_changed();
        self.or_refused(appended, result)
    }

    fn outcome(&mut self, appended: &Appended, outcome: LogOutcome<'_>) {
        let mut module = 0;
        for (source, tx) in &appended.transactions {
            let Some(Opened::Ours(log)) = self.open.get_mut(source) else {
                continue;
            };
            match outcome {
                LogOutcome::Applied { milliseconds } => log.done(*tx, milliseconds),
                LogOutcome::Raised(why) => log.fail(*tx, Failure::Raised, why),
                LogOutcome::RaisedIn { why, progress } => {
                    // That of the session's own log comes last, wherever its transaction stands.
                    let (own, modules) = progress.split_last().unzip();
                    let known = if *source == self.own {
                        own
                    } else {
                        module += 1;
                        modules.and_then(|modules| modules.get(module - 1))
                    };
                    match known {
                        Some(progress) => log.raised(*tx, why, *progress),
                        None => log.fail(*tx, Failure::Raised, why),
                    }
                }
                LogOutcome::Refused(why) => log.fail(*tx, Failure::Refused, why),
            }
        }
    }

    fn note(&mut self, text: &OsStr) {
        if let Some(Opened::Ours(log)) = self.open.get_mut(&self.own) {
            log.note(text);
        }
    }

    fn read(&mut self, source: &Path) -> Result<LoggedChanges, LogError> {
        let read = read_all(&self.rim, source).map_err(|error| LogError(error.to_string()))?;
        let Some(last) = read.last() else {
            return Ok(LoggedChanges::default());
        };
        let died = crash(&self.rim, &session_of(last));
        let guard = self.guard(source, last);
        let (caution, findings) = (guard.caution(), guard.findings());
        let changes = history_of_all(&read, Some(&self.session));
        let ran = changes.iter().filter(|change| match &change.kind {
            ChangeKind::Patch { target, .. } => {
                died.as_ref().is_some_and(|crash| crash.ran(target))
            }
            _ => false,
        });
        Ok(LoggedChanges {
            log: last.log.clone(),
            session: self.session.clone(),
            ran: ran.map(|change| change.number).collect(),
            parted: parted(&self.rim, &read, &changes),
            changes,
            decided: decisions(&read)
                .into_iter()
                .filter_map(|(number, is_on)| is_on.then_some(number))
                .collect(),
            caution,
            findings,
            untrusted: untrusted(last),
            has_died: has_died(&self.rim, last),
            problems: problems(&self.rim, last),
            warnings: died.into_iter().map(|crash| crash.told()).collect(),
        })
    }

    fn fold(
        &mut self,
        source: &Path,
        left_off: &BTreeSet<u64>,
        is_dry: bool,
    ) -> Result<Folded, LogError> {
        let rim = self.rim.clone();
        let log = self.ours(source)?;
        fold_but_for(&rim, log, source, left_off, is_dry)
            .map_err(|error| LogError(error.to_string()))
    }

    fn other_parts(&self, source: &Path, within: &Cause) -> Result<Vec<OtherPart>, LogError> {
        let read = read_all(&self.rim, source).map_err(|error| LogError(error.to_string()))?;
        Ok(other_parts(&self.rim, &read, within))
    }

    fn claim(&mut self, source: &Path) -> Result<(), LogError> {
        self.ours(source).map(drop)
    }

    fn release(&mut self, source: &Path) {
        if let Some(Opened::Ours(mut log)) = self.open.remove(source) {
            log.close();
        }
    }

    fn source_of(&self, log: &Path) -> Option<PathBuf> {
        let is_it = |opened: &Opened| matches!(opened, Opened::Ours(ours) if ours.path() == log);
        let found = self.open.iter().find(|(_, opened)| is_it(opened));
        found.map(|(source, _)| source.clone())
    }

    fn begins(&mut self, mut replay: Replay) {
        let source = replay.file.clone();
        replay.session.clone_from(&self.session);
        let others = self.guards.iter().filter(|(file, _)| **file != source);
        replay.depth = others.filter(|(_, guard)| guard.is_begun()).count();
        let consequence = "if this replay dies, the next start will not know of what";
        self.guarded(&source, consequence, |guard| guard.begin(&replay));
    }

    fn replays(&mut self, source: &Path, number: u64) {
        let consequence = "if this replay dies, the next start will not know of what";
        self.guarded(source, consequence, |guard| guard.replaying(number));
    }

    fn ends(&mut self, source: &Path) {
        self.guarded(source, TAKEN_FOR_DEAD, Guard::end);
        self.guards.remove(source);
    }

    fn has_replayed(&mut self, source: &Path) {
        self.guarded(source, TAKEN_FOR_DEAD, Guard::replayed);
        self.guards.remove(source);
    }

    fn found(&mut self, source: &Path) {
        if let Some(guard) = self.guards.get_mut(source) {
            guard.found();
        }
    }

    fn adopt(&mut self, source: &Path) -> Result<(), LogError> {
        let read = read(&self.rim, source).map_err(|error| LogError(error.to_string()))?;
        match untrusted(&read) {
            (_, 0) => {
                let adopted = trust(&self.rim, &read);
                adopted
                    .map(drop)
                    .map_err(|error| LogError(error.to_string()))
            }
            _ => Err(LogError("somebody else has written to it".to_owned())),
        }
    }

    fn is_there(&self, source: &Path) -> bool {
        // Asked at each import: a look at three names, without reading anything. A process may have died when it had put
        // a log away and not begun the next one.
        let storage = &self.rim.storage;
        let is_beside = [".log", ".log.1"].iter().any(|suffix| {
            let mut beside = source.as_os_str().to_owned();
            beside.push(suffix);
            storage.status(Path::new(&beside)).is_ok()
        });
        let is_elsewhere = || {
            let elsewhere = self.rim.home.root().join("logs");
            storage.status(&elsewhere).is_ok()
                && read(&self.rim, source).is_ok_and(|read| read.tail != Tail::Missing)
        };
        is_beside || is_elsewhere()
    }

    fn set_aside(&mut self, source: &Path) -> Result<Option<PathBuf>, LogError> {
        self.open.remove(source);
        let read = read(&self.rim, source).map_err(|error| LogError(error.to_string()))?;
        let kept = set_aside(&self.rim, &read);
        kept.map(Some).map_err(|error| LogError(error.to_string()))
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    fn sync(&self) -> SyncMode {
        self.sync
    }

    fn created(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.created)
    }

    fn close(&mut self) {
        for (_, mut guard) in self.guards.drain() {
            // It ends as programs do: that is no death.
            let _ = guard.survived();
        }
        for (_, opened) in self.open.drain() {
            if let Opened::Ours(mut log) = opened {
                log.close();
            }
        }
    }

    fn forked(&mut self) {
        // The notes are the parent's.
        self.guards.clear();
        for opened in self.open.values_mut() {
            if let Opened::Ours(log) = opened {
                log.after_fork_in_child();
            }
        }
    }
}

const TAKEN_FOR_DEAD: &str = "the next start will take this one for one that died";

/// How many transactions this user wrote for a source in another place, and how many nobody is known to have written.
fn untrusted(log: &ReadLog) -> (usize, usize) {
    let count = |wanted| {
        let all = log.transactions.iter();
        all.filter(|one| one.signed == wanted).count()
    };
    (count(Signed::Moved), count(Signed::No))
}

/// Whether the last session that wrote a log ended without a word.
fn has_died(rim: &Rim, log: &ReadLog) -> bool {
    let last = log.unclosed();
    last.is_some_and(|start| !rim.process.is_running(start))
}

/// What pending changes lack that they are one with.
fn parted(rim: &Rim, logs: &[ReadLog], changes: &[Change]) -> BTreeMap<u64, String> {
    let mut parted = BTreeMap::new();
    let pending = changes.iter().filter(|one| one.status == Status::Pending);
    for (change, within) in pending.filter_map(|one| Some((one, one.within.as_ref()?))) {
        let parts = other_parts(rim, logs, within);
        let missing: Vec<String> = parts.iter().filter_map(OtherPart::missing).collect();
        if !missing.is_empty() {
            parted.insert(change.number, missing.join(", and "));
        }
    }
    parted
}

/// What is wrong with a log, a sentence each.
fn problems(rim: &Rim, log: &ReadLog) -> Vec<String> {
    // A file of its name that is something else is nobody's fault, and a log in the state directory was told of.
    let is_file = || {
        let status = rim.storage.status(&log.log);
        status.is_ok_and(|status| status.kind == FileKind::Regular)
    };
    let is_foreign = matches!(log.tail, Tail::Foreign { .. }) && is_file();
    if is_foreign || log.log.parent() != log.source.parent() {
        return Vec::new();
    }
    let mut problems: Vec<&String> = log.problems.iter().chain(&log.distrust).collect();
    problems.dedup();
    let name = log.log.file_name().unwrap_or_default().to_string_lossy();
    let told = problems
        .into_iter()
        .map(|problem| format!("{name}: {problem}"));
    told.collect()
}
