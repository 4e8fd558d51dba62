//! Source text to an [`Outline`], and two outlines to a [`Diff`].
//!
//! The only crate that names ruff. It reads text and returns data: no file, no interpreter, no clock.
//! What runs is never generated here; an [`excerpt`](Outline::excerpt) is the file's own text with lines left out,
//! for CPython to compile.

#![forbid(unsafe_code)]

mod assignment;
mod cell;
mod decode;
mod diff;
mod edited;
mod encode;
mod excerpt;
mod hash;
mod layout;
mod mutators;
mod names;
mod outline;
mod quoted;
mod rebase;

pub use assignment::{Assignment, assignment};
pub use cell::{CellEffect, CellKind, CellStatement, Changed, How, Step, cell};
pub use decode::{DecodeError, decode};
pub use diff::{Pairing, diff};
pub use encode::{EncodeError, encode};
pub use hash::TreeHash;
pub use layout::{Piece, shown_at};
pub use mutators::MUTATORS;
pub use names::{Moment, Reads, Use};
pub use outline::{
    ClassParts, FunctionParts, ImportedName, Lines, Outline, Statement, SyntaxError, Unit, UnitKind,
};
pub use quoted::lines_in_strings;
pub use rebase::rebased;
