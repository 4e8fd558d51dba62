use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use clap::Parser;
use expect_test::{Expect, expect};
use jiff::tz::TimeZone;
use relive_log::{
    Change, Clock, Draft, Effect, Entry, Failure, Guard, Home, Log, Operation, Rim, Via, codec,
};
use relive_socket::{Places, Request, Server, Told};
use relive_syntax::Outline;
use rustix::event::{PollFd, Timespec, poll};
use tempfile::TempDir;

mod deciding;
mod listing;
mod unfit;
mod writing;

use super::{User, World};
use crate::arguments::{Arguments, Command};
use crate::picker::Choice;

/// A clock on which a minute passes whenever somebody looks.
struct Minutes(AtomicU64);

impl Clock for Minutes {
    fn now(&self) -> String {
        let minute = self.0.fetch_add(1, Ordering::Relaxed);
        format!(
            "2026-11-21T{:02}:{:02}:11.123Z",
            2 + minute / 60,
            minute % 60
        )
    }
}

/// A directory of a user with a state directory of its own.
struct Place {
    directory: TempDir,
    home: TempDir,
    clock: Arc<Minutes>,
    /// The process that writes.
    pid: u32,
    /// The number of the user.
    uid: Option<u32>,
    /// What the user at the terminal says; None: there is none.
    user: Option<Answers>,
}

#[derive(Clone)]
struct Answers {
    agrees: bool,
    choice: Choice,
}

/// The user, and what was asked.
struct Asked {
    answers: Option<Answers>,
    questions: Vec<String>,
}

impl User for Asked {
    fn is_there(&self) -> bool {
        self.answers.is_some()
    }

    fn reads(&self) -> bool {
        self.is_there()
    }

    fn agrees(&mut self, question: &str) -> io::Result<bool> {
        self.questions.push(question.to_owned());
        Ok(self.answers.as_ref().unwrap().agrees)
    }

    fn picks(
        &mut self,
        title: &str,
        changes: &[Change],
        _source: Option<&Outline>,
        warnings: &[String],
    ) -> io::Result<Choice> {
        let numbers: Vec<u64> = changes.iter().map(|change| change.number).collect();
        self.questions
            .push(format!("{title} {numbers:?} {warnings:?}"));
        Ok(self.answers.as_ref().unwrap().choice.clone())
    }
}

const BANK: &str = "\
LIMITS = {}

class Account:
    def deposit(self, n):
        self.balance += n

def rate():
    return 2
";

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            home: tempfile::tempdir().unwrap(),
            clock: Arc::new(Minutes(AtomicU64::new(0))),
            // No system has so many.
            pid: 99_999_999,
            uid: None,
            user: None,
        }
    }

    /// With a `bank.py`.
    fn bank() -> Self {
        let place = Self::new();
        place.write("bank.py", BANK);
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn rim(&self) -> Rim {
        let mut rim = Rim::real(Home::at(self.home.path()));
        rim.clock = self.clock.clone();
        rim.process.pid = self.pid;
        rim.process.user = self.uid.unwrap_or(rim.process.user);
        (rim.process.host, rim.process.boot) = ("kiwi".into(), "b007".into());
        rim
    }

    fn open(&self, source: &str) -> Log {
        Log::open(&self.rim(), &self.path(source), "7f3c41", "3.13.0").unwrap()
    }

    /// Log changes of `bank.py`, one transaction each, all of them applied.
    fn log(&self, drafts: &[Draft]) {
        let mut log = self.open("bank.py");
        for draft in drafts {
            let committed = log
                .append(std::slice::from_ref(draft), Via::Patch, None, None)
                .unwrap();
            log.done(committed.tx, 0.4);
        }
        log.close();
    }

    /// Log a change, and die before it is applied.
    fn log_and_die(&self, draft: Draft) {
        let mut log = self.open("bank.py");
        log.append(&[draft], Via::Patch, None, None).unwrap();
    }

    /// What a command prints, and its exit code.
    fn run(&self, words: &[&str]) -> String {
        let words = [&["relive"], words].concat();
        self.run_words(words.into_iter().map(OsString::from).collect())
    }

    fn run_words(&self, words: Vec<OsString>) -> String {
        let arguments = Arguments::try_parse_from(words).unwrap();
        let Command::Log(command) = arguments.command else {
            panic!("another command");
        };
        let home = self.home.path().as_os_str().to_owned();
        let mut user = Asked {
            answers: self.user.clone(),
            questions: Vec::new(),
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut world = World {
            rim: self.rim(),
            name: "relive",
            session: "c11000".into(),
            directory: self.path(""),
            places: Places::from_environment(move |name| {
                (name == "RELIVE_HOME").then(|| home.clone())
            }),
            zone: TimeZone::UTC,
            has_colour: false,
            user: &mut user,
            out: &mut out,
            err: &mut err,
        };
        let code = super::run(command, &mut world);
        let mut text = String::from_utf8(out).unwrap();
        for line in user.questions {
            text += &format!("asked: {line}\n");
        }
        for line in String::from_utf8(err).unwrap().lines() {
            text += &format!("! {line}\n");
        }
        text += &format!("exit {code}\n");
        // An empty line of a diff is a blank, which no editor keeps.
        text = text.replace("\n \n", "\n ·\n");
        let text = text
            .replace(self.path("").to_str().unwrap(), "DIR/")
            .replace(self.home.path().to_str().unwrap(), "HOME");
        without_hashes(&text)
    }

    fn check(&self, words: &[&str], expected: Expect) {
        expected.assert_eq(&self.run(words));
    }
}

/// Names in the state directory begin with a hash of where the source is.
fn without_hashes(text: &str) -> String {
    let mut parts = text.split("HOME/logs/");
    let mut shown = parts.next().unwrap().to_owned();
    for part in parts {
        shown += &format!("HOME/logs/HASH{}", &part[16..]);
    }
    shown
}

fn replace(target: &str, old: &str, new: &str) -> Draft {
    Draft::Patch {
        operation: Operation::Replace,
        target: target.into(),
        after: None,
        old: Some(old.into()),
        new: Some(new.into()),
    }
}

fn deposit() -> Draft {
    replace(
        "Account.deposit",
        "    def deposit(self, n):\n        self.balance += n\n",
        "    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n",
    )
}

fn rate(from: u32, to: u32) -> Draft {
    replace(
        "rate",
        &format!("def rate():\n    return {from}\n"),
        &format!("def rate():\n    return {to}\n"),
    )
}

fn add(target: &str, text: &str) -> Draft {
    Draft::Patch {
        operation: Operation::Add,
        target: target.into(),
        after: Some("rate".into()),
        old: None,
        new: Some(text.into()),
    }
}

fn remove(target: &str, text: &str) -> Draft {
    Draft::Patch {
        operation: Operation::Remove,
        target: target.into(),
        after: None,
        old: Some(text.into()),
        new: None,
    }
}

fn state(text: &str) -> Draft {
    Draft::State {
        target: text.split(['[', '.', ' ']).next().unwrap().into(),
        effect: if text.contains('(') {
            Effect::Call
        } else {
            Effect::Assign
        },
        text: text.into(),
    }
}

/// An evening's work: what is pending, in the source already, in conflict, undone, failed, and in flight.
fn evening() -> Place {
    let place = Place::bank();
    place.log(&[
        deposit(),
        rate(1, 3),
        state("LIMITS[\"daily\"] = 500\n"),
        add("fee", "def fee():\n    return 1\n"),
    ]);
    let mut log = place.open("bank.py");
    let failed = log
        .append(&[state("LIMITS.clear(1)\n")], Via::Repl, None, None)
        .unwrap();
    log.fail(
        failed.tx,
        Failure::Raised,
        "TypeError: clear() takes no arguments (1 given)",
    );
    log.close();
    place.log_and_die(add("crash", "def crash():\n    boom()\n"));
    place
}

/// The same log, in the hands of another user.
fn planted() -> Place {
    let place = evening();
    fs::write(place.home.path().join("key"), [7; 32]).unwrap();
    place
}
