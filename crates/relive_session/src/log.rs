//! The seam of the write-ahead change log: what the spine asks of it between compile and apply.

use relive_plan::Plan;
use thiserror::Error;

/// Where changes become durable before they take effect.
pub trait ChangeLog {
    /// Make the change durable. An error means that it must not be applied.
    fn append(&mut self, plan: &Plan) -> Result<(), LogError>;

    /// Note what became of the change appended last.
    fn outcome(&mut self, was_applied: bool);
}

/// A change could not be made durable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the change log cannot be written: {0}")]
pub struct LogError(pub String);

/// A log that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLog;

impl ChangeLog for NoLog {
    fn append(&mut self, _plan: &Plan) -> Result<(), LogError> {
        Ok(())
    }

    fn outcome(&mut self, _was_applied: bool) {}
}
