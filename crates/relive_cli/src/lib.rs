//! Arguments, exit codes and messages of the `relive` command. The only crate that prints.
//!
//! It runs no Python: whoever calls [`main`] brings a [`Runner`] for that.

#![forbid(unsafe_code)]

mod arguments;
mod sessions;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use relive_socket::{Places, find};

use arguments::{Arguments, Command, SessionOptions};
pub use arguments::{Mode, Program, RunRequest};

/// The answer is no.
const NO: u8 = 1;

/// The command was used wrongly.
const USAGE: u8 = 2;

/// Runs Python programs.
pub trait Runner {
    /// What a program may end with, other than by coming to its end.
    type Error;

    /// Run a program live, until it comes to its end.
    fn run(&mut self, request: RunRequest) -> Result<(), Self::Error>;
}

/// Do what the arguments say, the first being the command's own name, and return the exit code.
pub fn main<R: Runner>(arguments: Vec<OsString>, runner: &mut R) -> Result<u8, R::Error> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return Ok(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    match arguments.command {
        Command::Run(options) => match options.request() {
            Ok(request) => runner.run(request).map(|()| 0),
            Err(problem) => {
                complain(&problem);
                Ok(USAGE)
            }
        },
        Command::Status(options) => {
            Ok(tell(&options, sessions::status_text, sessions::status_json))
        }
        Command::Stale(options) => Ok(tell(&options, sessions::stale_text, sessions::stale_json)),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "relive", &mut script);
            print(&script);
            Ok(0)
        }
    }
}

/// Tell of the sessions of the working directory, in one form or the other.
fn tell(
    options: &SessionOptions,
    text: fn(&[relive_socket::Found]) -> String,
    json: fn(&[relive_socket::Found]) -> serde_json::Value,
) -> u8 {
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
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
