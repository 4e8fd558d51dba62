//! Changes as text: which there are between two texts, how they are merged, undone and folded.
//!
//! Cases are texts and what comes out; `UPDATE_EXPECT=1 cargo test` writes what comes out now.
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the real disk is tested as well"
)]

mod support;
mod world;

mod folding;
mod guarding;
mod hashes;
mod judging;
mod lives;
mod merging;
mod random;
mod resolving;
mod reviews;
mod splicing;
mod undoing;
