//! Source text to an [`Outline`], and two outlines to a [`Diff`].
//!
//! The only crate that names ruff. It reads text and returns data: no file, no interpreter, no clock.
//! What runs is never generated here; an [`excerpt`](Outline::excerpt) is the file's own text with lines left out,
//! for CPython to compile.

#![forbid(unsafe_code)]

mod decode;
mod diff;
mod edited;
mod excerpt;
mod hash;
mod names;
mod outline;

pub use decode::{DecodeError, decode};
pub use diff::{Pairing, diff};
pub use hash::TreeHash;
pub use names::{Moment, Reads, Use};
pub use outline::{
    ClassParts, FunctionParts, ImportedName, Lines, Outline, Statement, SyntaxError, Unit, UnitKind,
};
