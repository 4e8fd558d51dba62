//! What a Python interpreter can do for a session.

use relive_plan::{Facts, FactsQuery, Item, Plan};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A Python interpreter, as a session needs it: coarse, and serialisable, so that it may be at the other end of a socket.
pub trait Host {
    /// Say what is live.
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError>;

    /// Compile the plan's excerpts, changing nothing. The compiled plan is what [`Host::apply`] applies next.
    fn compile(&mut self, plan: &Plan) -> Result<(), HostError>;

    /// Carry out the plan that was compiled last: all of its steps, or none.
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

/// Why a host did not do what it was asked. Nothing has changed then.
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
