//! What is said: one JSON document a line, each request answered by one line.

use relive_session::Status;
use serde::{Deserialize, Serialize};

/// What a session is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub enum Request {
    /// How it stands; the answer is [`Running`].
    Status,
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
