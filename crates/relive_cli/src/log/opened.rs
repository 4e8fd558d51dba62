//! A log that was read, beside its source.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use relive_log::{
    Cause, Change, ChangeKind, Finding, Guard, OtherPart, ReadError, ReadLog, Rim, Status, Tail,
};
use relive_syntax::Outline;

use super::list::{Document, DocumentChange};
use super::world::{Stop, World};
use crate::NO;
use crate::shown::brief;
use crate::words;

/// No source file is larger.
const SOURCE_LIMIT: u64 = 64 << 20;

/// A log that was read, with its source.
pub(crate) struct Opened {
    pub(crate) read: ReadLog,
    /// Those that it continues, the oldest first.
    pub(crate) older: Vec<ReadLog>,
    /// The changes of all of them.
    pub(crate) changes: Vec<Change>,
    /// What was decided about changes, by their numbers: whether they are replayed.
    pub(crate) decisions: BTreeMap<u64, bool>,
    pub(crate) health: Health,
    pub(crate) source: Source,
    /// The source file as one would type it here; escaped.
    pub(crate) file: String,
    /// The log; escaped.
    pub(crate) log: String,
    /// Both as they are.
    names: (PathBuf, PathBuf),
    /// The name of this command.
    name: &'static str,
    /// The source file as an argument of a command to type.
    typed: String,
    /// What is wrong, in sentences; escaped.
    problems: Vec<String>,
    /// What is wrong with logs that it continues and of which nothing is left to be done; likewise.
    settled: Vec<String>,
}

impl Opened {
    /// Tell what is wrong with the log.
    pub(crate) fn tell_problems(&self, world: &mut World<'_>) {
        for problem in &self.problems {
            world.complain(problem);
        }
    }

    /// The same of logs of which nothing is left to be done.
    pub(crate) fn tell_settled(&self, world: &mut World<'_>) {
        for problem in &self.settled {
            world.complain(problem);
        }
    }

    /// Add to what is wrong which pending changes lack something that they are one with.
    pub(crate) fn look_for_parts(&mut self, world: &World<'_>) {
        let pending = self
            .changes
            .iter()
            .filter(|change| words::is_replayed(change));
        let mut missing = Vec::new();
        for (change, within) in pending.filter_map(|one| Some((one, one.within.as_ref()?))) {
            let parts = self.other_parts(within, world);
            missing.extend(parts.iter().filter_map(OtherPart::missing).map(|what| {
                let what = brief(&what);
                format!("{}: change {} lacks {what}", self.log, change.number)
            }));
        }
        self.problems.extend(missing);
    }

    /// What other logs have of a change of several modules.
    pub(crate) fn other_parts(&self, within: &Cause, world: &World<'_>) -> Vec<OtherPart> {
        let logs = self.older.iter().chain([&self.read]);
        relive_log::other_parts(&world.rim, logs, within)
    }

    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The change of this number.
    pub(crate) fn change(&self, number: u64) -> Result<&Change, Stop> {
        let found = self.changes.iter().find(|change| change.number == number);
        found.ok_or_else(|| Stop {
            code: self.health.code().max(NO),
            problem: format!(
                "{} has no change {number}; {} lists what it has",
                self.log,
                self.hint("log --all FILE")
            ),
        })
    }

    /// Whether it is the log of a prompt, which has no source file.
    pub(crate) fn is_session(&self) -> bool {
        self.read.source == self.read.log
    }

    /// A command that writes goes on with a log that it may write.
    pub(crate) fn expect_writable(&self, instead: &str) -> Result<(), Stop> {
        let log = &self.log;
        let advice = match self.health {
            Health::Missing | Health::Clean | Health::Torn => return Ok(()),
            Health::Damaged => {
                format!("{log} is damaged: it stays as it is, and the next change begins a new log")
            }
            Health::Newer => format!("{log} needs a newer relive"),
            Health::Foreign => format!("{log} is no change log, and stays as it is"),
        };
        Err(Stop {
            code: self.health.code(),
            problem: format!("{instead}: {advice}"),
        })
    }

    /// The syntax of the source file; of one that is not there, of an empty one.
    pub(crate) fn expect_outline(&self) -> Result<Outline, Stop> {
        match &self.source {
            Source::Parsed(_, outline) => Ok(outline.clone()),
            Source::Missing => Outline::parse("".into()).map_err(|error| Stop::no(error.message)),
            Source::Unreadable(_) => Err(Stop::no(format!(
                "{} is not Python as it stands; correct it first",
                self.file
            ))),
        }
    }

    /// The syntax of the source file, if there is one that is Python.
    pub(crate) fn outline(&self) -> Option<&Outline> {
        match &self.source {
            Source::Parsed(_, outline) => Some(outline),
            Source::Missing | Source::Unreadable(_) => None,
        }
    }

    /// A command to type: the words, with the source file for `FILE`.
    pub(crate) fn hint(&self, words: &str) -> String {
        format!("`{} {}`", self.name, words.replace("FILE", &self.typed))
    }

    /// The process that wrote to the log last, if it has not said that it ended.
    pub(crate) fn writer(&self) -> Option<u32> {
        self.read.unclosed().map(|session| session.pid)
    }

    /// What may be done only when nothing is left of somebody else's.
    pub(crate) fn expect_trusted(&self) -> Result<(), Stop> {
        let is_untrusted =
            |change: &&Change| words::is_offered(change) && change.status == Status::Untrusted;
        if self.changes.iter().any(words::is_replayed) {
            return Ok(());
        }
        match self.changes.iter().filter(is_untrusted).count() {
            0 => Ok(()),
            _ => Err(Stop::refused(format!(
                "{} is untrusted: {} shows what it says and asks",
                self.log,
                self.hint("trust FILE")
            ))),
        }
    }

    /// What is said of a change that is somebody else's.
    pub(crate) fn untrusted(&self, number: u64) -> Stop {
        let trust = self.hint("trust FILE");
        Stop::refused(format!(
            "change {number} is untrusted: {trust} shows it and asks"
        ))
    }

    /// All of it, with the keys of the public interface.
    pub(crate) fn document<'a>(
        &'a self,
        changes: impl Iterator<Item = &'a Change>,
    ) -> Document<'a> {
        Document {
            file: self.names.0.clone(),
            log: self.names.1.clone(),
            intact: matches!(self.health, Health::Missing | Health::Clean),
            tail: self.health.tail(),
            changes: changes.map(DocumentChange::of).collect(),
            replay: None,
            left_off: None,
            undecided: None,
            problems: &self.problems,
        }
    }

    /// Whether it is intact, in a sentence.
    pub(crate) fn verdict(&self) -> String {
        let records = words::count(self.read.records.len(), "record");
        let log = &self.log;
        match &self.read.tail {
            Tail::Missing => format!("{}: no changes logged\n", self.file),
            Tail::Clean => format!("{log}: intact, {records}\n"),
            Tail::Torn { bytes } => format!(
                "{log}: the last {bytes} bytes are an unfinished record, from a write that was cut off; {records} before them are intact. \
                 The next change cuts them off and keeps them in {log}.torn\n"
            ),
            Tail::Damaged { line, .. } => {
                format!("{log}: damaged at line {line}; {records} above it are intact\n")
            }
            Tail::Newer { version } => {
                format!("{log}: of version {version} of the format, which needs a newer relive\n")
            }
            Tail::Foreign { .. } => format!("{log}: no change log of relive\n"),
        }
    }
}

/// The source file of a log.
pub(crate) enum Source {
    /// It is not there, or the log is that of a prompt.
    Missing,
    /// Its text.
    Parsed(String, Outline),
    /// It cannot be read, or is not Python; why, in words that follow its name.
    Unreadable(String),
}

impl Source {
    fn read(read: &ReadLog) -> Self {
        if read.source == read.log {
            return Self::Missing;
        }
        match source_text(&read.source) {
            Ok(None) => Self::Missing,
            Ok(Some(text)) => match Outline::parse(text.as_str().into()) {
                Ok(outline) => Self::Parsed(text, outline),
                Err(error) => {
                    Self::Unreadable(format!(":{}: {}", error.line, brief(&error.message)))
                }
            },
            Err(problem) => Self::Unreadable(format!(": {}", brief(&problem))),
        }
    }

    /// Its text, if it is Python.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Parsed(text, _) => Some(text),
            Self::Missing | Self::Unreadable(_) => None,
        }
    }
}

/// How a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Missing,
    Clean,
    Torn,
    Damaged,
    Newer,
    Foreign,
}

impl Health {
    fn of(tail: &Tail) -> Self {
        match tail {
            Tail::Missing => Self::Missing,
            Tail::Clean => Self::Clean,
            Tail::Torn { .. } => Self::Torn,
            Tail::Damaged { .. } => Self::Damaged,
            Tail::Newer { .. } => Self::Newer,
            Tail::Foreign { .. } => Self::Foreign,
        }
    }

    /// The exit code of a command that reads the log and has nothing else to complain of.
    pub(crate) fn code(self) -> u8 {
        match self {
            // What is torn is repaired when the log is written next.
            Self::Missing | Self::Clean | Self::Torn => 0,
            Self::Damaged => 4,
            Self::Newer => 5,
            Self::Foreign => 6,
        }
    }

    /// The exit code of `relive log --verify`.
    pub(crate) fn verdict(self) -> u8 {
        if self == Self::Torn { 1 } else { self.code() }
    }

    fn tail(self) -> &'static str {
        match self {
            Self::Missing | Self::Clean => "clean",
            Self::Torn => "torn",
            Self::Damaged => "damaged",
            Self::Newer => "newer",
            Self::Foreign => "foreign",
        }
    }
}

impl World<'_> {
    /// Read the log of a source file, or the log itself, with the changes of the logs that it continues: an import sees
    /// them all.
    pub(crate) fn open(&self, file: &Path) -> Result<Opened, Stop> {
        self.open_chain(file, |_| None)
    }

    /// The same, while a session may be applying what it has just logged.
    pub(crate) fn open_while(&self, file: &Path) -> Result<Opened, Stop> {
        self.open_chain(file, |current| running_session(&self.rim, current))
    }

    fn open_chain(
        &self,
        file: &Path,
        running: impl FnOnce(&ReadLog) -> Option<String>,
    ) -> Result<Opened, Stop> {
        let logs = relive_log::read_all(&self.rim, &self.directory.join(file));
        let mut logs = logs.map_err(|error| self.unreadable(&error))?;
        let running = logs.last().and_then(running);
        let changes = relive_log::history_of_all(&logs, running.as_deref());
        let decisions = relive_log::decisions(&logs);
        let Some(read) = logs.pop() else {
            return Err(Stop::no(format!("{} has no log", self.brief(file))));
        };
        self.opened(read, logs, changes, decisions)
    }

    /// The same without looking at what the changes are.
    pub(crate) fn open_bytes(&self, file: &Path) -> Result<Opened, Stop> {
        let read = relive_log::read(&self.rim, &self.directory.join(file));
        let read = read.map_err(|error| self.unreadable(&error))?;
        self.opened(read, Vec::new(), Vec::new(), BTreeMap::new())
    }

    fn opened(
        &self,
        read: ReadLog,
        older: Vec<ReadLog>,
        mut changes: Vec<Change>,
        decisions: BTreeMap<u64, bool>,
    ) -> Result<Opened, Stop> {
        let health = Health::of(&read.tail);
        let (file, log) = (self.brief(&read.source), self.brief(&read.log));
        if health == Health::Missing && older.is_empty() && !read.source.exists() {
            return Err(Stop::no(format!(
                "{file}: there is no such file, and no log of it"
            )));
        }
        let is_unfit = std::fs::metadata(&read.source).is_ok_and(|found| !found.is_file());
        if health == Health::Missing && is_unfit {
            return Err(Stop {
                code: Health::Foreign.code(),
                problem: format!("{file} is no regular file"),
            });
        }
        let mut problems = Vec::new();
        let mut settled = Vec::new();
        let is_waiting = |log: &ReadLog| {
            let mut offered = changes.iter().filter(|change| words::is_offered(change));
            offered.any(|change| log.transactions.iter().any(|one| one.tx == change.tx))
        };
        for one in older.iter().chain([&read]) {
            let log = self.brief(&one.log);
            let told = one
                .problems
                .iter()
                .map(|problem| format!("{log}: {}", brief(problem)));
            match one.log == read.log || is_waiting(one) {
                true => problems.extend(told),
                false => settled.extend(told),
            }
        }
        let source = if changes.is_empty() {
            Source::Missing
        } else {
            Source::read(&read)
        };
        match &source {
            // What is defined at a prompt stands in no file, and is in conflict with none.
            Source::Missing if read.source == read.log => {
                let typed = changes.clone();
                relive_log::judge(&mut changes, None);
                for (change, typed) in changes.iter_mut().zip(typed) {
                    if let ChangeKind::Patch { .. } = typed.kind {
                        *change = typed;
                    }
                }
            }
            Source::Missing => relive_log::judge(&mut changes, None),
            Source::Parsed(_, outline) => relive_log::judge(&mut changes, Some(outline)),
            Source::Unreadable(problem) => problems.push(format!(
                "{file}{problem}; what the log says is not compared with it"
            )),
        }
        if running_session(&self.rim, &read).is_none() {
            self.mark_suspects(&read, &mut changes);
        }
        Ok(Opened {
            name: self.name,
            typed: quoted(&self.relative(&read.source)),
            names: (self.relative(&read.source), self.relative(&read.log)),
            file,
            log,
            read,
            older,
            changes,
            decisions,
            health,
            source,
            problems,
            settled,
        })
    }

    /// The next start leaves off by itself what an earlier one was replaying when it died.
    fn mark_suspects(&self, read: &ReadLog, changes: &mut [Change]) {
        let Some(header) = &read.header else {
            return;
        };
        let findings = Guard::of(&self.rim, &header.id).findings();
        for change in changes
            .iter_mut()
            .filter(|change| words::is_replayed(change))
        {
            let mut findings = findings.iter();
            if let Some(finding) = findings.find(|finding| finding.number == change.number) {
                change.status = Status::Omitted;
                // As it will stand in the log.
                change.why = format!("left off: {}", finding.why);
            }
        }
    }

    /// What the replay guard knows, to be written down before anything is decided by what the log says.
    pub(crate) fn findings(&self, opened: &Opened) -> Vec<Finding> {
        let header = opened.read.header.as_ref();
        header.map_or_else(Vec::new, |header| {
            Guard::of(&self.rim, &header.id).findings()
        })
    }

    /// What the replay guard knows stands in the log.
    pub(crate) fn keep_findings(&self, opened: &Opened) {
        if let Some(header) = &opened.read.header {
            Guard::of(&self.rim, &header.id).found();
        }
    }

    /// What the replay guard knows is decided.
    pub(crate) fn forget_suspects(&self, opened: &Opened) {
        if let Some(header) = &opened.read.header {
            // If it stays, the next start asks about them once more.
            let _ = Guard::of(&self.rim, &header.id).replayed();
        }
    }

    fn unreadable(&self, error: &ReadError) -> Stop {
        Stop::no(format!(
            "{} cannot be read: {}",
            self.brief(&error.path),
            error.source
        ))
    }
}

/// The text of a source file; None if there is none.
fn source_text(file: &Path) -> Result<Option<String>, String> {
    // A pipe would be waited for.
    match std::fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(metadata) if !metadata.is_file() => return Err("no regular file".to_owned()),
        Ok(metadata) if metadata.len() > SOURCE_LIMIT => {
            return Err("too large for a source file".to_owned());
        }
        Ok(_) => {}
    }
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    let text = relive_syntax::decode(&bytes).map_err(|error| error.message)?;
    Ok(Some(text))
}

/// A path as a word of a shell; `FILE` where that cannot be shown.
pub(crate) fn quoted(file: &Path) -> String {
    let Some(text) = file.to_str().filter(|text| brief(text) == **text) else {
        return "FILE".to_owned();
    };
    let text = if text.starts_with('-') {
        format!("./{text}")
    } else {
        text.to_owned()
    };
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+:,@%".contains(character);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The session that is writing a log, if its process is alive.
fn running_session(rim: &Rim, read: &ReadLog) -> Option<String> {
    let session = read.unclosed()?;
    let is_here = session.host == rim.process.host;
    (is_here && rim.process.is_running(session)).then(|| session.session.clone())
}
