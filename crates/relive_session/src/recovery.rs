//! What a session at a prompt left when it died.

use std::collections::BTreeSet;
use std::path::Path;

use relive_log::{
    Cause, Change, ChangeKind, Effect, Entry, Log, Outcome, ReadLog, Rim, Status, history, read,
};

/// What sessions at prompts left that died in one directory, or with the names of one script.
pub struct LeftBehind {
    /// The last of them.
    pub session: String,
    /// How it died, as far as that is known.
    pub died: Option<String>,
    /// The machine was restarted since it began.
    pub is_of_another_boot: bool,
    /// What was typed, oldest first, with what is to be done about it.
    pub statements: Vec<LeftStatement>,
    /// Their logs, locked. They are closed once everything is back, or given up.
    logs: Vec<Log>,
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
}

/// What is to be done about a statement that was typed in a session that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes back by policy: a definition, an import, an assignment without a call.
    Replayed,
    /// It calls something: the user is asked.
    Asked,
    /// It is left off, for this reason.
    LeftOff(String),
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
    /// Look for what died where this process is. None if there is nothing to bring back.
    #[must_use]
    pub fn find(rim: &Rim, python: &str) -> Option<Self> {
        let names = rim.storage.list(&rim.home.sessions()).ok()?;
        let paths = names.iter().filter(|name| {
            let name = name.to_string_lossy();
            name.ends_with(".log")
        });
        let mut dead = Vec::new();
        for path in paths.map(|name| rim.home.sessions().join(name)) {
            let Ok(found) = read(rim, &path) else {
                continue;
            };
            let is_here = found
                .header
                .as_ref()
                .is_some_and(|header| header.source == rim.process.about.as_os_str());
            if !is_here || is_closed(&found) {
                continue;
            }
            // Who can lock it is not the one that writes it.
            let session = session_of(&found);
            if let Ok(log) = Log::open(rim, &path, &session, python) {
                dead.push((began(&found), session, log));
            }
        }
        dead.sort_by(|one, other| one.0.cmp(&other.0));
        let (_, session, log) = dead.last()?;
        let is_of_another_boot = is_of_another_boot(rim, log.read());
        let session = session.clone();
        let died = crash(rim, &session);
        let logs: Vec<Log> = dead.into_iter().map(|(_, _, log)| log).collect();
        let statements = statements(&logs, died.as_ref());
        Some(Self {
            session,
            died: died.map(|crash| crash.headline().to_owned()),
            is_of_another_boot,
            statements,
            logs,
        })
    }

    /// The transactions that the statements come from.
    #[must_use]
    pub fn origins(&self) -> BTreeSet<Cause> {
        let origins = self.statements.iter().map(|statement| &statement.origin);
        origins.cloned().collect()
    }

    /// Everything is back, or given up: the sessions are over.
    pub fn close(&mut self) {
        for mut log in self.logs.drain(..) {
            let session = session_of(log.read());
            log.end_session(&session);
        }
    }
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

/// Whether this machine was restarted since the last session of a log began.
fn is_of_another_boot(rim: &Rim, log: &ReadLog) -> bool {
    let mut last = log.records.iter().rev();
    let last = last.find_map(|record| match &record.entry {
        Entry::Session(start) => Some(start),
        _ => None,
    });
    last.is_some_and(|start| start.host == rim.process.host && start.boot != rim.process.boot)
}

fn is_closed(log: &ReadLog) -> bool {
    let last = log
        .records
        .iter()
        .rev()
        .find(|record| matches!(record.entry, Entry::Close(_) | Entry::Session(_)));
    last.is_some_and(|record| matches!(record.entry, Entry::Close(_)))
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

fn statements(logs: &[Log], died: Option<&Crash>) -> Vec<LeftStatement> {
    let mut statements: Vec<LeftStatement> = Vec::new();
    for (index, log) in logs.iter().enumerate() {
        let session = session_of(log.read());
        let changes = history(log.read());
        // How the last one died says nothing about those before.
        let died = died.filter(|_| index + 1 == logs.len());
        for change in &changes {
            let is_only = || changes.iter().filter(|other| other.tx == change.tx).count() == 1;
            // A cell that raised has done what stands above the statement that did.
            if change.outcome == Outcome::Raised && is_only() {
                continue;
            }
            let Some(fate) = fate(change, died) else {
                continue;
            };
            let statement = LeftStatement {
                origin: Cause {
                    session: session.clone(),
                    tx: change.tx,
                },
                change: change.clone(),
                fate,
            };
            // A recovery that died too had begun to bring them back: each keeps its place.
            let same = statements.iter_mut().find(|known| {
                statement.change.cause.as_ref() == Some(&known.origin)
                    && statement.text() == known.text()
            });
            match same {
                Some(known) => *known = statement,
                None => statements.push(statement),
            }
        }
    }
    for (number, statement) in (1..).zip(&mut statements) {
        statement.change.number = number;
    }
    statements
}

/// What is to be done about a change; None if it is no statement, or was taken back.
fn fate(change: &Change, died: Option<&Crash>) -> Option<Fate> {
    if !matches!(
        change.kind,
        ChangeKind::Patch { .. } | ChangeKind::State { .. }
    ) {
        return None;
    }
    let by_effect = match &change.kind {
        ChangeKind::State { effect, .. } if *effect != Effect::Assign => Fate::Asked,
        _ => Fate::Replayed,
    };
    match (change.outcome, change.status) {
        (Outcome::Unfinished, _) => {
            let how = died.map_or_else(String::new, |crash| format!(" ({})", crash.headline()));
            Some(Fate::LeftOff(format!(
                "was running when the session died{how}"
            )))
        }
        (_, Status::Undone) => None,
        (Outcome::Raised, _) | (_, Status::Pending | Status::InSource) => Some(by_effect),
        (_, Status::Untrusted | Status::Newer | Status::Conflict) => {
            Some(Fate::LeftOff(change.why.clone()))
        }
        _ => None,
    }
}
