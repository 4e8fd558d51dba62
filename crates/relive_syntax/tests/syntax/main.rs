//! Source text to outlines, pairings, hashes and excerpts.
//!
//! Cases are one line of text and what comes out; `UPDATE_EXPECT=1 cargo test` writes what comes out now.
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod support;

mod assignments;
mod cells;
mod classes;
mod decoding;
mod deep;
mod doubt;
mod edited;
mod encoding;
mod errors;
mod excerpts;
mod hashes;
mod imports;
mod outlines;
mod pairing;
mod quoted;
mod random;
mod reads;
mod rebased;
mod shared_lines;
