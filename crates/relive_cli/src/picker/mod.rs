//! The list in a terminal from which a user picks the changes that are replayed.
//!
//! [`state`] is what the keys do, [`view`] how that looks, [`terminal`] the loop between them.

mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod view;

use std::io;

use relive_log::Change;
use relive_syntax::Outline;

use state::Picker;

/// What the user chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What is replayed; to be remembered.
    Replay {
        /// The numbers of those that are.
        on: Vec<u64>,
        /// The numbers of those that are left off.
        off: Vec<u64>,
        /// The numbers of those that are to be merged with what the source says now, and replayed then.
        merged: Vec<u64>,
    },
    /// Start without any of them, and remember that.
    Without,
    /// Put the whole log out of the way.
    SetAside,
    /// Find the change that crashes the program by trying.
    Bisect,
    /// Start without any of them, for now: nothing was decided, the next start asks again.
    Quit,
}

/// Ask in the terminal which of these changes are replayed. What was folded, undone or saved by an editor is not listed.
/// If there is nothing to decide, nothing is asked and nothing is replayed. `source` is what changes in conflict with it
/// can be merged with.
///
/// Fails where there is no terminal to ask in, or when it goes away; then nothing was decided.
/// Without `can_bisect` there is no program to try changes with, and no key for it.
pub fn pick(
    title: &str,
    changes: &[Change],
    source: Option<&Outline>,
    warnings: &[String],
    can_bisect: bool,
) -> io::Result<Choice> {
    let mut picker = Picker::new(title, changes, warnings, &jiff::Zoned::now());
    picker.source = source;
    if picker.is_idle() {
        return Ok(Choice::Replay {
            on: Vec::new(),
            off: Vec::new(),
            merged: Vec::new(),
        });
    }
    picker.has_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    picker.can_bisect = can_bisect;
    terminal::ask(&mut picker)
}

/// Whether there is a terminal to ask in.
#[must_use]
pub fn has_terminal() -> bool {
    terminal::is_there()
}
