//! Edits to plans, and what they leave out of date.
//!
//! Cases are two texts and the plan as text; `UPDATE_EXPECT=1 cargo test` writes what comes out now.
#![allow(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]

mod classes;
mod contact;
mod describe;
mod following;
mod functions;
mod inputs;
mod order;
mod outdated;
mod reload_cases;
mod rerun;
mod running;
mod scenario;
mod shelf;
mod sound;
mod statements;
mod text;
mod world;
