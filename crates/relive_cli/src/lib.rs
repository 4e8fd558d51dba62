//! Arguments, exit codes and messages of the `relive` command. The only crate that prints.
//!
//! It runs no Python: whoever calls [`main`] brings a [`Runner`] for that.

#![forbid(unsafe_code)]

mod acts;
mod arguments;
mod diff;
mod git;
mod log;
mod needs;
pub mod picker;
mod sessions;
mod shown;
#[cfg(test)]
mod tests;
mod time;
mod words;

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};
use jiff::tz::TimeZone;
use relive_log::{Change, Home, ResolveError, Rim, resolve};
use relive_socket::{Places, find};

use arguments::{Arguments, Command, LogCommand, RecoverOptions, SessionOptions};
pub use arguments::{Hold, Mode, Program, ReplRequest, Replay, RunRequest};
use log::World;
pub use picker::{Choice, has_terminal, pick};

/// The answer is no.
const NO: u8 = 1;

/// The command was used wrongly.
const USAGE: u8 = 2;

/// The command refuses for safety.
const REFUSED: u8 = 3;

/// Why nothing can be done with a log.
const NO_HOME: &str =
    "neither RELIVE_HOME nor HOME is set; set RELIVE_HOME to a directory of your own";

/// Runs Python programs.
pub trait Runner {
    /// What a program may end with, other than by coming to its end.
    type Error;

    /// The name of the command.
    const NAME: &'static str = "relive";

    /// Whether it can run programs; if not, it is never asked to.
    const CAN_RUN: bool = true;

    /// Run a program live, until it comes to its end.
    fn run(&mut self, request: RunRequest) -> Result<(), Self::Error>;

    /// Show a prompt, until it is left.
    fn repl(&mut self, request: ReplRequest) -> Result<(), Self::Error>;
}

/// Runs no programs: for logs and running sessions alone.
#[derive(Clone, Copy, Debug)]
pub struct WithoutPython;

impl Runner for WithoutPython {
    type Error = Infallible;

    const NAME: &'static str = "relive-recovery";

    const CAN_RUN: bool = false;

    fn run(&mut self, _: RunRequest) -> Result<(), Infallible> {
        Ok(())
    }

    fn repl(&mut self, _: ReplRequest) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Do what the arguments say, the first being the command's own name, and return the exit code.
pub fn main<R: Runner>(mut arguments: Vec<OsString>, runner: &mut R) -> Result<u8, R::Error> {
    if arguments.get(1).is_some_and(|first| first == "-i") {
        // `relive -i SCRIPT` is short for `relive repl -i SCRIPT`.
        arguments.insert(1, "repl".into());
    }
    let command = command::<R>();
    let parsed = command.clone().try_get_matches_from(arguments);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return Ok(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match arguments.command {
        Command::Run(_) | Command::Repl(_) if !R::CAN_RUN => {
            complain(
                "programs are run with the `relive` of the Python package: pip install relive",
            );
            Ok(USAGE)
        }
        Command::Run(options) => match options.request() {
            Ok(request) => runner.run(request).map(|()| 0),
            Err(problem) => {
                complain(&problem);
                Ok(USAGE)
            }
        },
        Command::Repl(options) => match options.request() {
            Ok(request) => runner.repl(request).map(|()| 0),
            Err(problem) => {
                complain(&problem);
                Ok(USAGE)
            }
        },
        Command::Status(options) => {
            Ok(tell(&options, sessions::status_text, sessions::status_json))
        }
        Command::Stale(options) => Ok(tell(&options, sessions::stale_text, sessions::stale_json)),
        Command::Restart { function, options } => Ok(acts::ask(
            "restart",
            function.into_iter().collect(),
            &options,
        )),
        Command::Held { words, options } => Ok(acts::ask("held", words, &options)),
        Command::Log(command) => Ok(log_command::<R>(command)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), R::NAME, &mut script);
            print(&script);
            Ok(0)
        }
    }
}

/// Changes as `relive log` lists them: one line each, escaped. Without `has_all`, only those that are pending or that
/// somebody has to decide about.
#[must_use]
pub fn list_changes(changes: &[Change], has_all: bool) -> String {
    log::listed(changes, has_all, &TimeZone::system())
}

/// One change as `relive show` shows it, escaped. `source` is the text of its source file.
#[must_use]
pub fn show_change(change: &Change, file: &str, source: Option<&str>) -> String {
    log::in_full(change, file, source, &TimeZone::system())
}

/// The command line, with what works.
fn command<R: Runner>() -> clap::Command {
    let command = Arguments::command().name(R::NAME).bin_name(R::NAME);
    if R::CAN_RUN {
        command
    } else {
        let hidden = |command: clap::Command| command.hide(true);
        command
            .mut_subcommand("run", hidden)
            .mut_subcommand("repl", hidden)
    }
}

/// Do something with a change log.
fn log_command<R: Runner>(command: LogCommand) -> u8 {
    let variable = |name: &str| std::env::var_os(name);
    let Some(home) = Home::from_environment(variable) else {
        complain(NO_HOME);
        return NO;
    };
    let is_plain = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let mut world = World {
        rim: Rim::real(home),
        name: R::NAME,
        session: log::new_session(),
        directory: directory(),
        places: Places::from_environment(variable),
        zone: TimeZone::system(),
        has_colour: !is_plain && std::io::stdout().is_terminal(),
        user: &mut log::Terminal,
        out: &mut std::io::stdout(),
        err: &mut std::io::stderr(),
    };
    log::run(command, &mut world)
}

/// A change with the keys of the public interface: those of `relive log FILE --json`.
#[must_use]
pub fn change_document(change: &Change) -> serde_json::Value {
    serde_json::json!(log::DocumentChange::of(change))
}

/// What the log of a source file says: the document of `relive log FILE --json --all`, and the exit code of
/// `--verify`; or why it cannot be read.
pub fn log_document(file: &Path) -> Result<(String, u8), String> {
    let (opened, _) = quietly(|world| world.open(file))?;
    let opened = opened.map_err(|stop| stop.problem)?;
    let document = serde_json::to_string(&opened.document(opened.changes.iter()))
        .map_err(|error| error.to_string())?;
    Ok((document, opened.health.verdict()))
}

/// Do what `relive undo FILE N` does, or say why it cannot be done.
pub fn undo_change(file: &Path, number: u64) -> Result<(), String> {
    let file = file.to_owned();
    let (code, told) = quietly(|world| log::run(LogCommand::Undo { file, number }, world))?;
    match code {
        0 => Ok(()),
        _ => Err(told.trim_start_matches("relive: ").trim_end().to_owned()),
    }
}

/// Do what `relive recover FILE --merge N` does, or say why it cannot be done.
pub fn merge_change(file: &Path, number: u64) -> Result<(), String> {
    let options = RecoverOptions::merging(file.to_owned(), number);
    let (code, told) = quietly(|world| log::run(LogCommand::Recover(options), world))?;
    match code {
        0 => Ok(()),
        _ => Err(told.trim_start_matches("relive: ").trim_end().to_owned()),
    }
}

/// The text of a definition with both versions between conflict markers, escaped, where a change that is in conflict with
/// its source and the source have changed the same lines.
pub fn merge_conflict(file: &Path, number: u64) -> Result<Option<String>, String> {
    let (found, _) = quietly(|world| {
        let opened = world.open(file)?;
        let outline = opened.expect_outline()?;
        Ok::<_, log::Stop>(resolve(&opened.changes, number, &outline))
    })?;
    Ok(match found.map_err(|stop| stop.problem)? {
        Err(ResolveError::Overlap { marked, .. }) => {
            let lines = diff::whole(diff::Sign::Same, &marked);
            Some(
                lines
                    .iter()
                    .map(|line| format!("{}\n", line.text))
                    .collect(),
            )
        }
        _ => None,
    })
}

/// What a user has decided about the changes of a log, by their numbers.
pub struct Decided {
    /// Those that are replayed.
    pub on: Vec<u64>,
    /// Those that are left off.
    pub off: Vec<u64>,
    /// Those that are merged with their source.
    pub merged: Vec<u64>,
}

/// Have the user decide in the terminal which changes of a log are replayed. None if nothing was decided.
pub fn decide_changes(file: &Path) -> Result<Option<Decided>, String> {
    let (found, told) = quietly(|world| world.open(file))?;
    let opened = found.map_err(|stop| format!("{told}{}", stop.problem))?;
    let title = format!(
        "{} has changes in its log that are not in the file",
        opened.file
    );
    let choice = picker::pick(
        &title,
        &opened.changes,
        opened.outline(),
        opened.problems(),
        false,
    );
    match choice.map_err(|error| format!("cannot ask in this terminal: {error}"))? {
        Choice::Replay { on, off, merged } => Ok(Some(Decided { on, off, merged })),
        Choice::Without => {
            let off = opened.changes.iter().filter(|change| words::is_replayed(change));
            Ok(Some(Decided {
                on: Vec::new(),
                off: off.map(|change| change.number).collect(),
                merged: Vec::new(),
            }))
        }
        Choice::SetAside => Err(
            "the log of a module that is live is not set aside; `relive recover` does that when the session has ended"
                .to_owned(),
        ),
        Choice::Bisect | Choice::Quit => Ok(None),
    }
}

/// What to tell the user of a log that was just created beside its source: that git would see it, and what to do.
/// None if it would not, and if that was told before of the repository.
#[must_use]
pub fn offer_exclusion(log: &Path) -> Option<String> {
    let home = Home::from_environment(|name| std::env::var_os(name))?;
    let source = log.with_extension("");
    let typed = log::quoted(source.strip_prefix(directory()).unwrap_or(&source));
    git::offer(&home, log, &format!("`relive log {typed} --exclude`"))
}

/// Do something with a log and print nothing. Returns what would have been complained of as well.
fn quietly<T>(action: impl FnOnce(&mut World<'_>) -> T) -> Result<(T, String), String> {
    let variable = |name: &str| std::env::var_os(name);
    let home = Home::from_environment(variable).ok_or(NO_HOME)?;
    let mut told = Vec::new();
    let done = action(&mut World {
        rim: Rim::real(home),
        name: "relive",
        session: log::new_session(),
        directory: directory(),
        places: Places::from_environment(variable),
        zone: TimeZone::UTC,
        has_colour: false,
        user: &mut log::Terminal,
        out: &mut std::io::sink(),
        err: &mut told,
    });
    Ok((done, String::from_utf8_lossy(&told).into_owned()))
}

fn directory() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// Tell of the sessions of the working directory, in one form or the other.
fn tell(
    options: &SessionOptions,
    text: fn(&[relive_socket::Found]) -> String,
    json: fn(&[relive_socket::Found]) -> serde_json::Value,
) -> u8 {
    let directory = directory();
    let found = find(
        &Places::from_environment(|name| std::env::var_os(name)),
        &directory,
    );
    if options.json {
        print(format!("{}\n", json(&found)).as_bytes());
    } else {
        print(text(&found).as_bytes());
    }
    for problem in sessions::problems(&found, &directory) {
        complain(&problem);
    }
    if sessions::is_any_running(&found) {
        0
    } else {
        NO
    }
}

/// A path as one would type it in this directory.
fn brief(path: &str, directory: &Path) -> String {
    let rest = Path::new(path).strip_prefix(directory);
    rest.map_or_else(|_| path.to_owned(), |rest| rest.display().to_string())
}

fn print(text: &[u8]) {
    // Nobody is left to tell if the reader has gone.
    let _ = std::io::stdout().write_all(text);
}

fn complain(problem: &str) {
    let _ = writeln!(std::io::stderr(), "relive: {problem}");
}
