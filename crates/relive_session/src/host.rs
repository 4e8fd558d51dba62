//! What a Python interpreter can do for a session.

use relive_plan::{Facts, FactsQuery, Item, Plan};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A Python interpreter, as a session needs it: coarse, and serialisable, so that it may be at the other end of a stream
/// (see [`RemoteHost`](crate::RemoteHost)).
///
/// What is said here holds for the host on CPython, used directly or over a stream: `tests/host` sees to it.
pub trait Host {
    /// Say what is live, in the order in which it was asked, and change nothing.
    ///
    /// A module that is not loaded is no error: the facts say so.
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError>;

    /// Compile the plan's excerpts, executing and changing nothing.
    ///
    /// What was compiled before is forgotten, whatever comes of it.
    fn compile(&mut self, plan: &Plan) -> Result<(), HostError>;

    /// Carry out the plan that was compiled last: all of its steps in order, or none.
    ///
    /// A plan is applied once. One that is not the plan compiled last is [`HostError::Internal`].
    ///
    /// Functions and classes keep their identity, and code that only moved stays the same code object. Every name whose
    /// value is another one than before is reported, and every live object that keeps the old code or value.
    ///
    /// When a step raises, all that the steps have bound and exchanged is put back, and the host takes the next plan.
    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError>;
}

/// What applying a plan has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Names that now hold another value, as (module, name).
    pub rebound: Vec<(String, String)>,
    /// What could not follow: live objects that keep the old code or value.
    pub stale: Vec<Item>,
}

/// Why a host did not do what it was asked. Nothing has changed then, unless the connection to a remote host was lost
/// while it applied a plan: what became of that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum HostError {
    /// CPython does not compile the new text.
    #[error("{message}")]
    Syntax {
        /// Index of the module in the plan.
        module: usize,
        /// What CPython says.
        message: String,
        /// The line, counted from 1.
        line: u32,
    },
    /// A statement of the edit raised; what had been applied was undone.
    #[error("{message}")]
    Raised {
        /// Index of the step in the plan.
        step: usize,
        /// The exception in words.
        message: String,
        /// The line in the module's file, counted from 1.
        line: u32,
    },
    /// The host itself failed: a bug of relive, or a lost connection.
    #[error("{0}")]
    Internal(String),
}
