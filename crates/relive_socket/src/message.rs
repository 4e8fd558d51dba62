//! What is said: one JSON document a line, each request answered by one line.

use std::ffi::OsString;

use relive_session::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a session is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Request {
    /// How it stands; the answer is [`Running`].
    Status,
    /// Whether a source file is that of a live module; the answer is [`Live`].
    Live {
        /// The file, as an absolute path without links.
        source: OsString,
    },
    /// To do something to a change log; the answer is [`Told`].
    Log(LogRequest),
    /// To do something with the calls that the program is executing; the answer is [`Told`].
    Act(Act),
}

/// What a session is to do with the calls that its program is executing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What to do: the name of the command.
    pub verb: String,
    /// What was typed after it.
    #[serde(default)]
    pub words: Vec<String>,
    /// In which thread, by its number.
    #[serde(default)]
    pub thread: Option<u64>,
}

/// What a session is to do to a change log that it writes, or of a module that is live in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRequest {
    /// The log, as an absolute path. Any bytes: a path need not be text.
    pub log: OsString,
    /// Its source file, likewise.
    #[serde(default)]
    pub source: OsString,
    /// What to do.
    pub action: LogAction,
}

/// What can be done to a change log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogAction {
    /// Take a change back.
    Undo {
        /// Its number.
        number: u64,
    },
    /// Merge a change with what the source says now.
    Merge {
        /// Its number.
        number: u64,
    },
    /// Write the pending changes into the source.
    Fold {
        /// Only show what that would do.
        is_dry: bool,
    },
    /// Look again at what the user has allowed to be replayed.
    Trust,
    /// Remember which changes are replayed.
    Decide {
        /// The numbers of those that are.
        on: Vec<u64>,
        /// The numbers of those that are left off.
        off: Vec<u64>,
    },
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What to tell the user: whole lines.
    pub text: String,
    /// The exit code of the command.
    pub code: u8,
    /// The same for programs; null where they read the text.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub document: Value,
}

/// An answer to any request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// To [`Request::Status`].
    Running(Box<Running>),
    /// To [`Request::Live`].
    Live(Live),
    /// To [`Request::Log`] and [`Request::Act`].
    Told(Told),
}

/// Whether a file is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// It is.
    pub is_live: bool,
}

/// A running session; its JSON form is part of the public interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process.
    pub pid: u32,
    /// What it runs: a script, `-m MODULE`, or empty for a prompt.
    pub program: String,
    /// The working directory in which the session was started.
    pub directory: String,
    /// The version of Python.
    pub python: String,
    /// The version of relive.
    pub relive: String,
    /// The directories whose modules are live.
    pub roots: Vec<String>,
    /// An update is going on; the rest is how the session stood before.
    pub is_updating: bool,
    /// How the session stands.
    #[serde(flatten)]
    pub status: Status,
}

/// The answer to what is no request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
}
