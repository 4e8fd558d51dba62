//! Whether this process may write at all.

use super::{AppendError, Log, State};

impl Log {
    /// Refuse in a fork's child, and after the end.
    pub(super) fn check_state(&mut self) -> Result<(), AppendError> {
        if self.state == State::Open && self.rim.storage.process() != self.owner {
            self.after_fork_in_child();
        }
        let log = self.read.log.clone();
        match self.state {
            State::Open => Ok(()),
            State::Closed => Err(AppendError::Closed { log }),
            State::Forked => Err(AppendError::Forked {
                log,
                owner: self.owner,
            }),
        }
    }
}
