//! The other end of the socket: whoever wants to know of running sessions.

use std::fs;
use std::io::{self, BufReader, ErrorKind};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use relive_session::line;
use serde::de::DeserializeOwned;

use crate::message::{Act, Live, LogRequest, Refusal, Request, Running, Told};
use crate::place::{Places, pid_of, prefix, with_address};

/// How long a session may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each of all sessions may take to say whether it is concerned.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// A session that was looked for.
#[derive(Debug)]
pub enum Found {
    /// It answers.
    Running(Box<Running>),
    /// Its process does not answer, or not intelligibly.
    Silent {
        /// The process.
        pid: u32,
        /// What went wrong.
        problem: io::Error,
    },
}

/// All sessions that were started in this directory, by process number.
///
/// The sockets of dead ones are removed.
#[must_use]
pub fn find(places: &Places, directory: &Path) -> Vec<Found> {
    let prefix = prefix(directory);
    let mut found = Vec::new();
    for place in places.all() {
        for name in names(place) {
            let Some(pid) = pid_of(&name).filter(|_| name.starts_with(&prefix)) else {
                continue;
            };
            match ask(place, &name, &Request::Status, PATIENCE) {
                Ok(running) => found.push((pid, Found::Running(Box::new(running)))),
                Err(problem) if is_dead(&problem) => remove(place, &name),
                Err(problem) => found.push((pid, Found::Silent { pid, problem })),
            }
        }
    }
    found.sort_by_key(|(pid, _)| *pid);
    found.into_iter().map(|(_, session)| session).collect()
}

/// Ask the session of one process, wherever it was started, to do something to a log; none if it has no socket.
pub fn tell(places: &Places, pid: u32, request: LogRequest) -> io::Result<Option<Told>> {
    ask_process(places, pid, &Request::Log(request))
}

/// Ask the session of one process, wherever it was started, to do something with its calls; none if it has no socket.
pub fn act(places: &Places, pid: u32, act: Act) -> io::Result<Option<Told>> {
    ask_process(places, pid, &Request::Act(act))
}

fn ask_process(places: &Places, pid: u32, request: &Request) -> io::Result<Option<Told>> {
    for place in places.all() {
        for name in names(place) {
            if pid_of(&name) == Some(pid) {
                match ask(place, &name, request, PATIENCE) {
                    Ok(told) => return Ok(Some(told)),
                    Err(problem) if is_dead(&problem) => remove(place, &name),
                    Err(problem) => return Err(problem),
                }
            }
        }
    }
    Ok(None)
}

/// The other processes of this user in which a source file is that of a live module, wherever they were started.
#[must_use]
pub fn live(places: &Places, source: &Path) -> Vec<u32> {
    let request = Request::Live {
        source: source.as_os_str().to_owned(),
    };
    let mut found = Vec::new();
    for place in places.all() {
        for name in names(place) {
            let Some(pid) = pid_of(&name).filter(|pid| *pid != std::process::id()) else {
                continue;
            };
            match ask::<Live>(place, &name, &request, SHORT_PATIENCE) {
                Ok(Live { is_live: true }) => found.push(pid),
                Err(problem) if is_dead(&problem) => remove(place, &name),
                // Who does not answer, or is of another version, cannot be told anything either.
                Ok(_) | Err(_) => {}
            }
        }
    }
    found.sort_unstable();
    found
}

/// Remove the sockets on which nobody listens any more.
pub(crate) fn forget_dead(place: &Path) {
    for name in names(place) {
        if let Err(problem) = with_address(place, &name, |address| UnixStream::connect(address))
            && is_dead(&problem)
        {
            remove(place, &name);
        }
    }
}

fn names(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| !name.starts_with('.') && name.ends_with(".sock"))
        .collect()
}

fn is_dead(problem: &io::Error) -> bool {
    problem.kind() == ErrorKind::ConnectionRefused
}

fn remove(place: &Path, name: &str) {
    let _ = fs::remove_file(place.join(name));
}

fn ask<A: DeserializeOwned>(
    place: &Path,
    name: &str,
    request: &Request,
    patience: Duration,
) -> io::Result<A> {
    let mut stream = with_address(place, name, |address| UnixStream::connect(address))?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    line::write(&mut stream, request)?;
    let answer = line::read(&mut BufReader::new(stream))?.ok_or(ErrorKind::UnexpectedEof)?;
    serde_json::from_slice(&answer).map_err(|error| {
        match serde_json::from_slice::<Refusal>(&answer) {
            Ok(refusal) => io::Error::other(refusal.error),
            Err(_) => error.into(),
        }
    })
}
