//! The socket through which other programs talk to a running session: where it is, what is said, and both of its ends.
//!
//! Each session listens on a Unix socket in a directory that only its user may enter, under a name that begins with a
//! hash of the working directory in which it was started. What is said is one JSON document a line.
//!
//! **Invariant:** nothing here names an interpreter, has a thread, or waits on the server's end: [`Server::serve`] does
//! what can be done now and returns.

#![forbid(unsafe_code)]

mod client;
mod message;
mod place;
mod server;
#[cfg(test)]
mod tests;

pub use client::{Found, act, find, live, tell};
pub use message::{Act, Answer, Live, LogAction, LogRequest, Request, Running, Told};
pub use place::{Places, SocketError};
pub use server::Server;
