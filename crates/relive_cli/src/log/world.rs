//! What the commands find in the world: the log and its source, the terminal, running sessions.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use relive_log::{Change, Committed, Draft, Log, OpenError, Rim, Via};
use relive_socket::{LogAction, LogRequest, Places};
use relive_syntax::Outline;
use serde::Serialize;

use super::opened::Opened;
use crate::diff::{Line, Sign};
use crate::picker::Choice;
use crate::shown::{brief, path};
use crate::{NO, REFUSED};

/// What the commands need.
pub(crate) struct World<'a> {
    pub(crate) rim: Rim,
    /// The name of this command.
    pub(crate) name: &'static str,
    /// The session that decisions are logged for.
    pub(crate) session: String,
    /// The working directory.
    pub(crate) directory: PathBuf,
    /// Where running sessions listen.
    pub(crate) places: Places,
    pub(crate) zone: TimeZone,
    /// Diffs are in colour.
    pub(crate) has_colour: bool,
    pub(crate) user: &'a mut dyn User,
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
}

/// Whoever sits at the terminal.
pub(crate) trait User {
    /// Whether there is anybody to ask.
    fn is_there(&self) -> bool;
    /// Whether whoever is asked sees what is printed.
    fn reads(&self) -> bool;
    /// Answers yes to a question.
    fn agrees(&mut self, question: &str) -> io::Result<bool>;
    /// Picks the changes to replay.
    fn picks(
        &mut self,
        title: &str,
        changes: &[Change],
        source: Option<&Outline>,
        warnings: &[String],
    ) -> io::Result<Choice>;
}

/// Why a command ends early.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) code: u8,
    pub(crate) problem: String,
}

impl Stop {
    pub(crate) fn no(problem: impl Into<String>) -> Self {
        Self {
            code: NO,
            problem: problem.into(),
        }
    }

    pub(crate) fn refused(problem: impl Into<String>) -> Self {
        Self {
            code: REFUSED,
            problem: problem.into(),
        }
    }
}

/// Who may write a log.
pub(crate) enum Lock {
    /// This command.
    Here(Box<Log>),
    /// Running sessions.
    There(Sessions),
}

/// Running sessions that a log concerns.
pub(crate) struct Sessions {
    /// Their processes; the one that writes the log is the first.
    pids: Vec<u32>,
    /// Why this command does not write it.
    pub(crate) problem: String,
}

impl World<'_> {
    /// Open the log for writing, or say which running sessions have it, or have its module: what is done to its changes
    /// is to be live there at once.
    pub(crate) fn lock(&mut self, opened: &Opened) -> Result<Lock, Stop> {
        let source = &opened.read.source;
        let live = match opened.is_session() {
            true => Vec::new(),
            false => relive_socket::live(&self.places, source),
        };
        match Log::open(&self.rim, source, &self.session, "-") {
            Ok(_) if !live.is_empty() => Ok(Lock::There(Sessions {
                problem: format!("{} is live in process {}", opened.file, live[0]),
                pids: live,
            })),
            Ok(mut log) => {
                let notices = log.notices();
                // What is wrong has been told.
                if opened.problems().is_empty() {
                    for notice in notices {
                        self.complain(&brief(&notice));
                    }
                }
                Ok(Lock::Here(Box::new(log)))
            }
            Err(error @ OpenError::InUse { .. }) => {
                let mut pids: Vec<u32> = opened.writer().into_iter().collect();
                pids.extend(live.iter().filter(|pid| opened.writer() != Some(**pid)));
                Ok(Lock::There(Sessions {
                    pids,
                    problem: brief(&error.to_string()),
                }))
            }
            Err(error) => Err(Stop::no(brief(&error.to_string()))),
        }
    }

    /// Write into the log.
    pub(crate) fn append(&mut self, log: &mut Log, drafts: &[Draft]) -> Result<Committed, Stop> {
        let committed = log
            .append(drafts, Via::Undo, None, None)
            .map_err(|error| Stop::no(brief(&error.to_string())))?;
        // Nothing is live here that it would have to be applied to.
        log.done(committed.tx, 0.0);
        for notice in log.notices() {
            self.complain(&brief(&notice));
        }
        Ok(committed)
    }

    /// Have the session do it that has the log, and say what it says.
    pub(crate) fn forward(
        &mut self,
        opened: &Opened,
        sessions: &Sessions,
        action: LogAction,
    ) -> Result<u8, Stop> {
        let told = self.pass_on(opened, sessions, action)?;
        self.print(&told);
        Ok(0)
    }

    /// Have the session do it that has the log; what it says then.
    pub(crate) fn pass_on(
        &mut self,
        opened: &Opened,
        sessions: &Sessions,
        action: LogAction,
    ) -> Result<String, Stop> {
        let problem = &sessions.problem;
        let Some((pid, others)) = sessions.pids.split_first() else {
            return Err(Stop::no(problem.clone()));
        };
        match relive_socket::tell(&self.places, *pid, request(opened, action)) {
            Ok(Some(told)) if told.code == 0 => {
                for other in others {
                    self.complain(&format!(
                        "{} is live in process {other}, too, which goes on with what it has",
                        opened.file
                    ));
                }
                Ok(told.text)
            }
            Ok(Some(told)) => {
                let text = told.text.trim_end();
                let between = if text.contains('\n') { '\n' } else { ' ' };
                Err(Stop {
                    code: told.code,
                    problem: format!("process {pid}:{between}{text}"),
                })
            }
            Ok(None) => Err(Stop::no(problem.clone())),
            Err(silence) => Err(Stop::no(format!(
                "{problem} (it does not answer: {silence})"
            ))),
        }
    }

    /// Tell the sessions that the log concerns.
    pub(crate) fn tell_sessions(&mut self, opened: &Opened, action: &LogAction) {
        let mut pids: BTreeSet<u32> = opened.writer().into_iter().collect();
        pids.extend(relive_socket::live(&self.places, &opened.read.source));
        for pid in pids {
            let request = request(opened, action.clone());
            if let Ok(Some(told)) = relive_socket::tell(&self.places, pid, request) {
                self.complain(&format!("process {pid}: {}", told.text.trim_end()));
            }
        }
    }

    /// Give the log another name, and those that it continues.
    pub(crate) fn set_aside(&self, log: &Log) -> Result<PathBuf, Stop> {
        relive_log::set_aside(&self.rim, log.read()).map_err(|error| {
            Stop::no(format!(
                "{} cannot be set aside: {error}",
                self.brief(log.path())
            ))
        })
    }

    /// A path as one would type it in the working directory; escaped.
    pub(crate) fn brief(&self, full: &Path) -> String {
        path(self.relative(full))
    }

    pub(crate) fn relative(&self, full: &Path) -> PathBuf {
        match full.strip_prefix(&self.directory) {
            Ok(empty) if empty.as_os_str().is_empty() => PathBuf::from("."),
            Ok(relative) => relative.to_owned(),
            Err(_) => full.to_owned(),
        }
    }

    pub(crate) fn print(&mut self, text: &str) {
        // Nobody is left to tell if the reader has gone.
        let _ = self.out.write_all(text.as_bytes());
    }

    /// Print a document, on one line.
    pub(crate) fn print_json(&mut self, document: &impl Serialize) -> Result<(), Stop> {
        let text = serde_json::to_string(document).map_err(|error| Stop::no(error.to_string()))?;
        self.print(&format!("{text}\n"));
        Ok(())
    }

    /// Print a diff.
    pub(crate) fn print_lines(&mut self, lines: &[Line]) {
        let mut text = String::new();
        for line in lines {
            let colour = match line.sign {
                _ if !self.has_colour => "",
                Sign::Head => "\x1b[1m",
                Sign::Hunk | Sign::Remark => "\x1b[36m",
                Sign::Old => "\x1b[31m",
                Sign::New => "\x1b[32m",
                Sign::Same => "",
            };
            let end = if colour.is_empty() { "" } else { "\x1b[m" };
            text += &format!("{colour}{}{}{end}\n", line.sign.prefix(), line.text);
        }
        self.print(&text);
    }

    pub(crate) fn complain(&mut self, problem: &str) {
        let _ = writeln!(self.err, "relive: {problem}");
    }
}

fn request(opened: &Opened, action: LogAction) -> LogRequest {
    LogRequest {
        log: opened.read.log.clone().into_os_string(),
        source: opened.read.source.clone().into_os_string(),
        action,
    }
}

/// A number for what this command writes, as sessions have one.
pub(crate) fn new_session() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("{number:016x}")[..6].to_owned()
}
