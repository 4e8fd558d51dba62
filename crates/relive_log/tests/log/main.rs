//! The lower half: bytes, files, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the real disk is tested as well"
)]

mod basics;
mod codec;
mod crash;
mod damage;
mod failure;
mod fixtures;
mod others;
mod processes;
mod vanish;
mod world;
