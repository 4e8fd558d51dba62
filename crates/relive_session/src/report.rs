//! What an update tells its user.

use relive_plan::Item;
use serde::{Deserialize, Serialize};

/// What one update did; its JSON form is part of the public interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The session's version number after the update.
    pub version: u64,
    /// From first sight of the edit to live.
    pub seconds: f64,
    /// What is live now.
    pub applied: Vec<Item>,
    /// What still holds what an older version computed.
    pub stale: Vec<Item>,
    /// What could not be applied; the old code still runs.
    pub refused: Vec<Item>,
    /// Changes of the log that no longer fit the source.
    pub conflicts: Vec<Item>,
}

impl Report {
    pub(crate) fn absorb(&mut self, other: Self) {
        self.applied.extend(other.applied);
        self.stale.extend(other.stale);
        self.refused.extend(other.refused);
        self.conflicts.extend(other.conflicts);
    }
}
