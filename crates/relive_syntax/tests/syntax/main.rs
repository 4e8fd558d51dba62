//! Source text to outlines, pairings, hashes and excerpts.
//!
//! Cases are one line of text and what comes out; `UPDATE_EXPECT=1 cargo test` writes what comes out now.
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod support;

mod classes;
mod decoding;
mod deep;
mod doubt;
mod edited;
mod errors;
mod excerpts;
mod hashes;
mod imports;
mod outlines;
mod pairing;
mod random;
mod reads;
mod shared_lines;
