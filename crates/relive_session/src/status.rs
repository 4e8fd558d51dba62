//! How a session stands, as it is told to other programs.

use relive_log::SyncMode;
use relive_plan::Item;
use serde::{Deserialize, Serialize};

use crate::module::ModuleVersion;
use crate::session::Mode;

/// How a session stands; its JSON form is part of the public interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The session's version number.
    pub version: u64,
    /// What happens to statements that an edit leaves out of date.
    pub mode: Mode,
    /// What a logged change survives.
    #[serde(default)]
    pub sync: SyncMode,
    /// The live modules, by name.
    pub modules: Vec<ModuleVersion>,
    /// Everything that is stale.
    pub stale: Vec<Item>,
    /// Saved edits that wait for the main thread, because they execute statements.
    pub waiting: Vec<Item>,
}
