//! What the change log promises, shown by those who did not write it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the real disk is tested as well"
)]

#[path = "../log/world.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod world;

mod clocks;
mod hostile;
mod mutations;
mod parts;
mod reading;
