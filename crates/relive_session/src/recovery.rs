//! What a session at a prompt left when it died.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use relive_log::{
    AppendError, Cause, Change, ChangeKind, Draft, Effect, Entry, Log, Outcome, ReadLog, Rim,
    Status, Via, history, read,
};

use relive_syntax::cell;

use crate::log::{LogError, ModuleChange};
use crate::session::Session;

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

/// A statement that was typed.
#[derive(Clone, Debug)]
pub struct LeftStatement {
    /// What is known of it. Numbers are those of the list, counted from 1: several logs may be behind it.
    pub change: Change,
    /// By which it is known in its own log.
    pub origin: Cause,
    /// What is to be done about it.
    pub fate: Fate,
    /// Somebody has decided about it.
    pub is_decided: bool,
    /// Where it stands: in its own log, and in those of sessions before that it had come back from.
    places: Vec<Place>,
    /// It came to its end once.
    has_run: bool,
    /// The numbers of those before it that bind what it reads, and are not back either.
    pub needs: Vec<u64>,
}

/// A change of one of the logs, by its index and number.
#[derive(Clone, Copy, Debug)]
struct Place {
    log: usize,
    number: u64,
    is_undone: bool,
}

/// What is to be done about a statement that was typed in a session that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes back by policy: a definition, an import, an assignment without a call.
    Replayed,
    /// It calls something: the user is asked.
    Asked,
    /// It is left off, and comes back if somebody wants it.
    LeftOff {
        /// Why.
        why: String,
        /// Only if somebody names it, since the session died or the statement raised when it was executed.
        is_suspect: bool,
    },
}

impl LeftStatement {
    /// What to execute.
    #[must_use]
    pub fn text(&self) -> &str {
        text_of(&self.change)
    }
}

fn text_of(change: &Change) -> &str {
    match &change.kind {
        ChangeKind::Patch { new, .. } => new.as_deref().unwrap_or_default(),
        ChangeKind::State { text, .. } => text,
        _ => "",
    }
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
        let mut statements = statements(&logs, &crashes);
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
        open.map(|one| one.origin.clone()).collect()
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
        let why = format!("came back in session {session}");
        let mut drafts: Vec<Vec<Draft>> = self.logs.iter().map(|_| Vec::new()).collect();
        for statement in &self.statements {
            let number = statement.change.number;
            if back.contains(&number) {
                for place in statement.places.iter().filter(|place| !place.is_undone) {
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

/// What faulthandler wrote when a session died.
pub(crate) struct Crash(String);

impl Crash {
    /// `Fatal Python error: Segmentation fault` in words.
    pub(crate) fn headline(&self) -> &str {
        let line = self.0.lines().next().unwrap_or_default();
        line.trim_start_matches("Fatal Python error: ")
    }

    /// The calls of the thread that died, the innermost first: `bank.py", line 12 in deposit`. IPython has other threads.
    fn calls(&self) -> impl Iterator<Item = &str> {
        let thread = self.0.find("Current thread").unwrap_or_default();
        let lines = self.0[thread..].lines().map(str::trim);
        let calls = lines.skip_while(|line| !line.starts_with("File \""));
        calls.map_while(|line| line.strip_prefix("File \""))
    }

    /// The innermost call that Python knows of, as `bank.py:12 in deposit`.
    fn place(&self) -> Option<String> {
        let (file, rest) = self.calls().next()?.split_once("\", line ")?;
        let (number, function) = rest.split_once(" in ")?;
        let file = Path::new(file).file_name()?.to_string_lossy().into_owned();
        Some(format!("{file}:{number} in {function}"))
    }

    /// The line of the cell that was running.
    fn cell_line(&self) -> Option<u32> {
        let is_cell = |call: &&str| {
            let (file, _) = call.split_once("\", line ").unwrap_or_default();
            let is_typed = file.starts_with("<ipython-input-") || file.contains("/ipykernel_");
            call.ends_with(" in <module>") && (is_typed || file == "<stdin>")
        };
        let (_, rest) = self.calls().find(is_cell)?.split_once("\", line ")?;
        rest.split_once(" in ")?.0.parse().ok()
    }

    /// Whether a function was running when it died.
    pub(crate) fn ran(&self, target: &str) -> bool {
        let name = target.rsplit('.').next().unwrap_or(target);
        let is_it = |line: &str| {
            let function = line.rsplit_once(" in ").map(|(_, function)| function);
            function == Some(name)
        };
        self.calls().any(is_it)
    }

    /// What happened, in a sentence.
    pub(crate) fn told(&self) -> String {
        let place = self
            .place()
            .map_or_else(String::new, |place| format!(" at {place}"));
        format!("the last session died: {}{place}", self.headline())
    }
}

/// What faulthandler wrote when a session died, if it did.
pub(crate) fn crash(rim: &Rim, session: &str) -> Option<Crash> {
    let file = rim
        .storage
        .open(&rim.home.crash(session), relive_log::Access::Read)
        .ok()?;
    let mut buffer = vec![0; 64 * 1024];
    let size = file.read_at(0, &mut buffer).ok()?;
    let text = String::from_utf8_lossy(&buffer[..size]).into_owned();
    text.starts_with("Fatal Python error: ")
        .then_some(Crash(text))
}

fn statements(logs: &[DeadLog], crashes: &[Option<Crash>]) -> Vec<LeftStatement> {
    let mut statements: Vec<LeftStatement> = Vec::new();
    // Which of them a transaction has: a long session has many.
    let mut known_by: HashMap<Cause, Vec<usize>> = HashMap::new();
    for (index, (dead, crash)) in logs.iter().zip(crashes).enumerate() {
        let read = dead.log.read();
        let changes = history(read);
        let skipped = skipped(read);
        for cell in changes.chunk_by(|one, other| one.tx == other.tx) {
            let fates = fates(cell, read, &skipped, crash.as_ref());
            for (change, fate) in cell.iter().zip(fates) {
                let place = Place {
                    log: index,
                    number: change.number,
                    is_undone: change.status == Status::Undone,
                };
                let origin = Cause {
                    session: dead.session.clone(),
                    tx: change.tx,
                };
                // A session that died too had begun to bring them back: each keeps its place.
                let cause = change.cause.as_ref().and_then(|cause| known_by.get(cause));
                let same = cause.into_iter().flatten().copied().find(|&known| {
                    let known = &statements[known];
                    known.places[0].log != index
                        && change.cause.as_ref() == Some(&known.origin)
                        && text_of(change) == known.text()
                });
                let Some(same) = same else {
                    let Some(fate) = fate else {
                        continue;
                    };
                    known_by
                        .entry(origin.clone())
                        .or_default()
                        .push(statements.len());
                    statements.push(LeftStatement {
                        origin,
                        change: change.clone(),
                        fate,
                        is_decided: skipped.contains(&change.number),
                        places: vec![place],
                        has_run: change.outcome == Outcome::Applied,
                        needs: Vec::new(),
                    });
                    continue;
                };
                let known = &mut statements[same];
                match (change.outcome, fate) {
                    (Outcome::Applied | Outcome::Unfinished, Some(fate)) => {
                        known_by.entry(origin.clone()).or_default().push(same);
                        known.is_decided = skipped.contains(&change.number);
                        known.change = change.clone();
                        known.origin = origin;
                        known.fate = fate;
                        known.places.insert(0, place);
                        let has_ended = change.outcome == Outcome::Applied;
                        // It killed one start; who has decided about it then may have it back with the others.
                        if let Fate::LeftOff { is_suspect, .. } = &mut known.fate
                            && known.has_run
                            && known.is_decided
                        {
                            *is_suspect = false;
                        }
                        known.has_run |= has_ended;
                    }
                    // Who interrupted it meant the recovery.
                    _ if !known.is_decided && !change.why.contains(INTERRUPTED) => {
                        known.fate = Fate::LeftOff {
                            why: change.why.replace("it failed: ", "raised "),
                            is_suspect: false,
                        };
                    }
                    _ => {}
                }
            }
        }
    }
    for (number, statement) in (1..).zip(&mut statements) {
        statement.change.number = number;
        if let Fate::LeftOff { why, .. } = &statement.fate {
            statement.change.status = Status::Omitted;
            statement.change.why.clone_from(why);
        } else {
            statement.change.status = Status::Pending;
            statement.change.why.clear();
        }
    }
    note_needs(&mut statements);
    // Numbered before: what has come back takes no number from what was shown with it.
    statements.retain(|statement| !statement.places[0].is_undone);
    statements
}

/// What interrupts a statement at a prompt.
const INTERRUPTED: &str = "KeyboardInterrupt";

/// Find out which statements others need: of each name the last that bound it in the session that typed the other.
fn note_needs(statements: &mut [LeftStatement]) {
    let mut bound_by: HashMap<String, usize> = HashMap::new();
    for index in 0..statements.len() {
        let parsed = cell(statements[index].text()).unwrap_or_default();
        let typed_in = statements[index].places.last().map(|place| place.log);
        let needed = parsed.iter().flat_map(|one| &one.needs);
        let needed = needed.filter_map(|name| {
            let binder = &statements[*bound_by.get(name)?];
            let was_there = binder
                .places
                .iter()
                .any(|place| Some(place.log) == typed_in);
            let is_back = binder.places[0].is_undone;
            (was_there && !is_back).then_some(binder.change.number)
        });
        let needed: BTreeSet<u64> = needed.collect();
        statements[index].needs = needed.into_iter().collect();
        let binding = parsed.into_iter().filter(|one| !one.is_deletion);
        bound_by.extend(binding.flat_map(|one| one.binds).map(|name| (name, index)));
    }
}

/// The numbers of the changes that somebody has left off.
fn skipped(log: &ReadLog) -> BTreeSet<u64> {
    let skips = log.records.iter().filter_map(|record| match &record.entry {
        Entry::Skip(skip) => Some(skip.of),
        _ => None,
    });
    skips.collect()
}

/// What is to be done about the statements of a cell; None for each that is no statement, has never been executed, or
/// has done nothing.
fn fates(
    cell: &[Change],
    log: &ReadLog,
    skipped: &BTreeSet<u64>,
    crash: Option<&Crash>,
) -> Vec<Option<Fate>> {
    let how = crash.map_or_else(String::new, |crash| format!(" ({})", crash.headline()));
    let is_in_flight = cell
        .iter()
        .any(|change| change.outcome == Outcome::Unfinished);
    let lines = if is_in_flight {
        lines_of(log, cell)
    } else {
        Vec::new()
    };
    let crashed_on = crash
        .and_then(Crash::cell_line)
        .filter(|_| lines.len() == cell.len());
    // The statement that was running when the session died: at the line that is known, or the first that calls.
    let running = match crashed_on {
        // Several may stand on the line.
        Some(line) => {
            let end = lines.partition_point(|&first| first <= line).max(1);
            let first = lines.partition_point(|&other| other < lines[end - 1]);
            let on_line = &cell[first..end];
            first + on_line.iter().position(calls).unwrap_or_default()
        }
        None => cell.iter().position(calls).unwrap_or_default(),
    };
    let mut fates = Vec::new();
    for (index, change) in cell.iter().enumerate() {
        let is_statement = matches!(
            change.kind,
            ChangeKind::Patch { .. } | ChangeKind::State { .. }
        );
        let is_skipped = skipped.contains(&change.number);
        let left_off = |why: String, is_suspect: bool| Some(Fate::LeftOff { why, is_suspect });
        let may_be_running = |words: &str| {
            if index < running {
                by_effect(change)
            } else if index == running {
                left_off(words.to_owned(), true)
            } else {
                left_off(format!("stood behind what {words}"), true)
            }
        };
        let fate = match (change.outcome, change.status) {
            _ if !is_statement => None,
            // Its place is kept, and its number: the session that it came back in may have died too.
            (_, Status::Undone) => by_effect(change),
            (_, Status::Untrusted | Status::Newer | Status::Conflict) => {
                left_off(change.why.clone(), true)
            }
            (Outcome::Unfinished, _) => {
                may_be_running(&format!("was running when the session died{how}"))
            }
            (Outcome::Raised, _) if cell.len() > 1 && cell.iter().all(has_raised) => {
                // How far the cell came is not known.
                may_be_running("raised when it was typed")
            }
            (Outcome::Raised, _) => {
                let why = change.why.trim_start_matches("left off: ");
                let why = why.trim_start_matches("it failed: ").to_owned();
                let is_interrupted = why.contains(INTERRUPTED);
                let has_done_something = calls(change) || is_interrupted;
                let told = if is_skipped {
                    why
                } else {
                    format!("raised {why} when it was typed")
                };
                has_done_something.then(|| left_off(told, true)).flatten()
            }
            (Outcome::Refused, _) => None,
            (Outcome::Applied, Status::Omitted) if is_skipped => by_effect(change),
            (Outcome::Applied, Status::Pending | Status::InSource) => by_effect(change),
            _ => None,
        };
        fates.push(match fate {
            Some(Fate::Replayed | Fate::Asked) if is_skipped => {
                let why = change.why.trim_start_matches("left off: ");
                left_off(why.to_owned(), false)
            }
            fate => fate,
        });
    }
    fates
}

fn has_raised(change: &Change) -> bool {
    change.outcome == Outcome::Raised
}

fn calls(change: &Change) -> bool {
    matches!(change.kind, ChangeKind::State { effect, .. } if effect != Effect::Assign)
}

fn by_effect(change: &Change) -> Option<Fate> {
    Some(if calls(change) {
        Fate::Asked
    } else {
        Fate::Replayed
    })
}

/// On which lines of their cell its statements stand, if the log says so.
fn lines_of(log: &ReadLog, cell: &[Change]) -> Vec<u32> {
    let Some(tx) = cell.first().map(|change| change.tx) else {
        return Vec::new();
    };
    let told = notes(log, LINES).find_map(|note| {
        let (number, lines) = note.to_str()?.split_once(' ')?;
        (number.parse() == Ok(tx)).then_some(lines)
    });
    let lines = told.unwrap_or_default().split(',');
    lines.filter_map(|line| line.parse().ok()).collect()
}
