//! The replay guard: a note of what is being replayed, so that a replay that dies does so once.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use relive_syntax::Lines;

use crate::change::Draft;
use crate::rim::Rim;
use crate::storage::{Access, File};
use crate::trust::read_small;

/// What a start has to mind that comes after others which died while they replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// Nothing.
    None,
    /// One start failed: what it was replaying is left off, the rest is offered.
    LeaveOffSuspects,
    /// Two starts failed: nothing is replayed unless the user says so.
    NothingByItself,
    /// Three or more starts failed: this one goes without the log.
    WithoutLog,
}

/// Why a change is left off of which a replay died, and with what the reason begins where more is known.
pub const DIED_REPLAYED: &str = "the process died when it was replayed";

/// Why a change is left off that raised when it was replayed; the exception follows.
pub const RAISED_REPLAYED: &str = "it raised when it was replayed";

/// In the reason of changes of which one is the culprit, nobody knows which.
pub(crate) const NOT_KNOWN: &str = "which of them it died of is not known";

/// What a start is about to replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// By which the session is known that replays.
    pub session: String,
    /// The source, as tracebacks name it.
    pub file: PathBuf,
    /// The numbers of the changes that are replayed together, as a part of the module's text.
    pub numbers: Vec<u64>,
    /// Where the lines of changes stand that tracebacks name.
    pub places: Vec<(Lines, u64)>,
    /// How many other modules are being replayed by the process, of whose import this one is a part.
    pub depth: usize,
    /// The module is the program itself. It may run for days, and be killed for any reason: that says nothing.
    pub is_program: bool,
}

/// A change that a start may have died of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its number.
    pub number: u64,
    /// Why it is left off.
    pub why: String,
    /// It was seen to be at work, or was replayed by itself: no other change is meant.
    pub is_certain: bool,
}

/// The starts that have begun to replay a log and have not got to the end.
///
/// Each has a note of its own, which it keeps locked and removes when all has gone well. So a note that nobody has locked
/// tells of a process that died. Notes need not survive a power loss.
pub struct Guard {
    rim: Rim,
    log_id: String,
    /// The starts that failed.
    failed: Vec<Note>,
    /// What has died and says nothing about the replay.
    spent: Vec<PathBuf>,
    /// That of this start; the lock lives as long as it is open.
    own: Option<(PathBuf, Box<dyn File>)>,
    is_program: bool,
}

impl Guard {
    /// The guard of a log, by the id in its header.
    #[must_use]
    pub fn of(rim: &Rim, log_id: &str) -> Self {
        let mut guard = Self {
            rim: rim.clone(),
            log_id: log_id.to_owned(),
            failed: Vec::new(),
            spent: Vec::new(),
            own: None,
            is_program: false,
        };
        let notes = notes(rim);
        for (path, note) in &notes {
            if !is_of(path, log_id) || is_held(rim, path) {
                continue;
            }
            // An import that was at another import has not died of its own changes, unless one of them is seen.
            let is_innermost = notes.iter().all(|(_, other)| {
                other.replay.session != note.replay.session
                    || other.replay.depth <= note.replay.depth
            });
            let mut note = note.clone();
            note.findings = note.blame(rim, is_innermost);
            if note.findings.is_empty() && !note.is_found {
                guard.spent.push(path.clone());
            } else {
                note.path.clone_from(path);
                guard.failed.push(note);
            }
        }
        guard
    }

    /// How many starts failed since the last one that did not.
    #[must_use]
    pub fn failed_starts(&self) -> usize {
        self.failed.len()
    }

    /// What this start has to mind.
    #[must_use]
    pub fn caution(&self) -> Caution {
        match self.failed.len() {
            0 => Caution::None,
            1 => Caution::LeaveOffSuspects,
            2 => Caution::NothingByItself,
            _ => Caution::WithoutLog,
        }
    }

    /// What starts died of, as far as nobody has found that out before.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for finding in self.failed.iter().flat_map(|note| &note.findings) {
            match findings
                .iter_mut()
                .find(|known| known.number == finding.number)
            {
                Some(known) if known.is_certain => {}
                Some(known) => known.clone_from(finding),
                None => findings.push(finding.clone()),
            }
        }
        findings.sort_by_key(|finding| finding.number);
        findings
    }

    /// The numbers of the changes that were being replayed when starts died, as far as nobody has found that out before.
    #[must_use]
    pub fn suspects(&self) -> Vec<u64> {
        let numbers = self.findings().into_iter().map(|finding| finding.number);
        numbers.collect()
    }

    /// The decisions that make the findings durable.
    #[must_use]
    pub fn skips(&self) -> Vec<Draft> {
        let skip = |finding: Finding| Draft::Skip {
            of: finding.number,
            why: finding.why,
        };
        self.findings().into_iter().map(skip).collect()
    }

    /// The findings stand in the log. That the starts failed still counts.
    pub fn found(&mut self) {
        for note in &mut self.failed {
            let opened = self.rim.storage.open(&note.path, Access::Write);
            // If it cannot be noted they are found once more, which does no harm.
            if !note.is_found && opened.is_ok_and(|mut file| file.append(b"found\n").is_ok()) {
                note.is_found = true;
                note.findings.clear();
            }
        }
    }

    /// Changes are about to be replayed, together, and then perhaps others one by one.
    pub fn begin(&mut self, replay: &Replay) -> io::Result<()> {
        self.end()?;
        let storage = &*self.rim.storage;
        let name = format!("{}.{}-{}", self.log_id, replay.session, storage.process());
        let path = self.rim.home.replays().join(&name);
        // A note that is not locked yet would be taken for that of a dead process.
        let unfinished = self.rim.home.replays().join(format!("new-{name}"));
        storage.create_directory(&self.rim.home.replays())?;
        forget(storage.remove(&unfinished))?;
        let mut file = storage.open(&unfinished, Access::CreateNew(0o600))?;
        file.lock()?;
        file.append(replay.written().as_bytes())?;
        storage.rename(&unfinished, &path)?;
        self.own = Some((path, file));
        self.is_program = replay.is_program;
        Ok(())
    }

    /// One more change is about to be replayed, by itself.
    pub fn replaying(&mut self, number: u64) -> io::Result<()> {
        match &mut self.own {
            Some((_, file)) => file.append(format!("replay {number}\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// Whether this start is replaying something.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.own.is_some()
    }

    /// The process ends in an orderly way. A program has gone well then; an import that has not come to its end has not.
    pub fn survived(&mut self) -> io::Result<()> {
        if self.is_program {
            self.replayed()
        } else {
            self.end()
        }
    }

    /// The process goes on, whatever has become of the replay.
    pub fn end(&mut self) -> io::Result<()> {
        match self.own.take() {
            // First the name: without the lock it would be the note of a dead process.
            Some((path, _locked)) => forget(self.rim.storage.remove(&path)),
            None => Ok(()),
        }
    }

    /// All is replayed, or decided anew: the starts that failed count no longer.
    pub fn replayed(&mut self) -> io::Result<()> {
        let mut result = self.end();
        let failed = self.failed.drain(..).map(|note| note.path);
        for path in failed.chain(self.spent.drain(..)) {
            result = result.and(forget(self.rim.storage.remove(&path)));
        }
        result
    }
}

fn forget(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn is_of(path: &Path, log_id: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let rest = name.strip_prefix(log_id);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Whether the process lives that wrote a note.
fn is_held(rim: &Rim, path: &Path) -> bool {
    let Ok(mut file) = rim.storage.open(path, Access::Write) else {
        // It has just ended well.
        return true;
    };
    if !file.lock().unwrap_or(false) {
        return true;
    }
    let (named, opened) = (rim.storage.status(path), file.status());
    // It may have ended well between the two calls above.
    match (named, opened) {
        (Ok(named), Ok(opened)) => named.identity != opened.identity,
        _ => true,
    }
}

/// A note of a start.
#[derive(Clone, Debug, Default)]
struct Note {
    path: PathBuf,
    replay: Replay,
    /// One more was replayed by itself at last.
    last: Option<u64>,
    /// What it tells stands in the log.
    is_found: bool,
    findings: Vec<Finding>,
}

/// The notes of all starts of this user.
fn notes(rim: &Rim) -> Vec<(PathBuf, Note)> {
    let directory = rim.home.replays();
    let mut names = rim.storage.list(&directory).unwrap_or_default();
    names.sort();
    let notes = names.iter().filter_map(|name| {
        let path = directory.join(name);
        let is_note = !name.to_string_lossy().starts_with("new-");
        let text = is_note.then(|| read_small(&*rim.storage, &path).ok())??;
        Some((path, Note::read(&String::from_utf8_lossy(&text))))
    });
    notes.collect()
}

impl Replay {
    fn written(&self) -> String {
        let numbers: Vec<String> = self.numbers.iter().map(u64::to_string).collect();
        let kind = if self.is_program { "program" } else { "import" };
        let mut text = format!(
            "{kind} {} {}\nfile {}\n",
            self.session,
            self.depth,
            in_traceback(&self.file)
        );
        for (lines, number) in &self.places {
            text.push_str(&format!("at {} {} {number}\n", lines.first, lines.last));
        }
        // Last, so that a note that is cut off names no change.
        text.push_str(&format!("replays {}\n", numbers.join(",")));
        text
    }
}

/// A path as faulthandler writes it: no more than 500 characters, all of them of ASCII.
fn in_traceback(path: &Path) -> String {
    let mut text = String::new();
    for character in path.to_string_lossy().chars().take(500) {
        match u32::from(character) {
            0x20..=0x7e => text.push(character),
            code @ ..=0xff => text.push_str(&format!("\\x{code:02x}")),
            code @ ..=0xffff => text.push_str(&format!("\\u{code:04x}")),
            code => text.push_str(&format!("\\U{code:08x}")),
        }
    }
    text
}

impl Note {
    fn read(text: &str) -> Self {
        let mut note = Self::default();
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "import" | "program" => {
                    let (session, depth) = rest.split_once(' ').unwrap_or((rest, "0"));
                    session.clone_into(&mut note.replay.session);
                    note.replay.depth = depth.parse().unwrap_or_default();
                    note.replay.is_program = word == "program";
                }
                "file" => note.replay.file = rest.into(),
                "at" => {
                    let mut numbers = rest.split(' ').filter_map(|number| number.parse().ok());
                    if let (Some(first), Some(last), Some(number)) =
                        (numbers.next(), numbers.next(), numbers.next())
                    {
                        let whole = |line: u64| u32::try_from(line).unwrap_or(u32::MAX);
                        let lines = Lines {
                            first: whole(first),
                            last: whole(last),
                        };
                        note.replay.places.push((lines, number));
                    }
                }
                "replays" => {
                    let numbers = rest.split(',').filter_map(|number| number.parse().ok());
                    note.replay.numbers = numbers.collect();
                }
                "replay" => note.last = rest.parse().ok().or(note.last),
                "found" => note.is_found = true,
                _ => {}
            }
        }
        note
    }

    /// What a dead process tells about its changes; nothing if it cannot have died of them.
    fn blame(&self, rim: &Rim, is_innermost: bool) -> Vec<Finding> {
        if self.is_found {
            return Vec::new();
        }
        let crash = Crash::read(rim, &self.replay.session);
        let how = crash.as_ref().map_or_else(String::new, Crash::how);
        let certain = |number: u64| {
            vec![Finding {
                number,
                why: format!("{DIED_REPLAYED}{how}"),
                is_certain: true,
            }]
        };
        if let Some(number) = self.last {
            return if is_innermost {
                certain(number)
            } else {
                Vec::new()
            };
        }
        let file = self.replay.file.to_string_lossy();
        let seen = crash
            .iter()
            .flat_map(|crash| &crash.calls)
            .find_map(|call| {
                let is_here = |lines: &Lines| lines.first <= call.line && call.line <= lines.last;
                let mut places = self.replay.places.iter();
                let place = places.find(|(lines, _)| call.file == file && is_here(lines));
                place.map(|(_, number)| *number)
            });
        if let Some(number) = seen {
            return certain(number);
        }
        if self.replay.is_program || !is_innermost {
            return Vec::new();
        }
        let numbers: BTreeSet<u64> = self.replay.numbers.iter().copied().collect();
        if let [number] = self.replay.numbers[..] {
            return certain(number);
        }
        let others = numbers.len().saturating_sub(1);
        let with = if others == 1 {
            "1 other"
        } else {
            &format!("{others} others")
        };
        let why = format!("{DIED_REPLAYED}, with {with}; {NOT_KNOWN}{how}");
        let suspected = numbers.into_iter().map(|number| Finding {
            number,
            why: why.clone(),
            is_certain: false,
        });
        suspected.collect()
    }
}

/// What faulthandler wrote of the thread in which a process died.
struct Crash {
    headline: String,
    calls: Vec<Call>,
}

struct Call {
    file: String,
    line: u32,
}

impl Crash {
    fn read(rim: &Rim, session: &str) -> Option<Self> {
        let bytes = read_small(&*rim.storage, &rim.home.crash(session)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let headline = text.lines().next()?.strip_prefix("Fatal Python error: ")?;
        let thread = text.find("Current thread").unwrap_or_default();
        let lines = text[thread..].lines().map(str::trim);
        let lines = lines.skip_while(|line| !line.starts_with("File \""));
        let calls = lines.map_while(|line| {
            let (file, rest) = line.strip_prefix("File \"")?.rsplit_once("\", line ")?;
            let (line, _) = rest.split_once(" in ")?;
            Some(Call {
                file: file.to_owned(),
                line: line.parse().ok()?,
            })
        });
        Some(Self {
            headline: headline.to_owned(),
            calls: calls.collect(),
        })
    }

    fn how(&self) -> String {
        format!(": {}", self.headline)
    }
}
