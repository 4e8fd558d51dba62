//! The contract of both backends, and what only inotify has.
//!
//! Nothing here waits: what a finished system call has done to a file, the next drain must say.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod backend;
#[cfg(target_os = "linux")]
mod linux;
mod many;
mod random;
mod ways;
