//! The state machine of a live session: observe → outline → diff → plan → compile → log → apply → report.
//!
//! A [`Session`] knows the text that each live module runs, sees what was saved since, and asks a [`Host`] to bring the
//! live modules up to date. It has no thread, names no interpreter, and prints nothing.

#![forbid(unsafe_code)]

mod again;
mod changes;
mod host;
pub mod line;
mod log;
mod logs;
mod module;
mod names;
mod prompt;
mod recovery;
mod remote;
mod replay;
mod report;
mod session;
mod sources;
mod status;
mod transaction;
mod waiting;

pub use changes::{ChangeRequest, PatchRequest};
pub use host::{Applied, Host, HostError};
pub use log::{Appended, ChangeLog, LogError, LogOutcome, LoggedChanges, ModuleChange, NoLog};
pub use logs::{Logs, is_installed};
pub use module::{Base, ModuleVersion};
pub use names::PromptNames;
pub use prompt::{Away, LoggedCell};
pub use recovery::{Fate, LeftBehind, LeftStatement};
pub use remote::{RemoteHost, serve};
pub use replay::Offer;
pub use report::Report;
pub use session::{Mode, Session};
pub use sources::{Disk, Sources};
pub use status::Status;
pub use waiting::{Occasion, Pending};
