//! A session over files in memory and interpreters that are none.
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod arbitrary;
mod changes;
mod files;
mod model;
mod python;
mod random;
mod story;

mod disk;
mod edits;
mod failures;
mod groups;
mod log;
mod modes;
mod occasions;
mod recovery;
mod remote;
mod staleness;
