//! What is to be done about a statement that was typed in a session that died.

use std::collections::BTreeSet;

use relive_log::{Change, ChangeKind, Effect, Outcome, ReadLog, Status};

use super::crash::Crash;
use super::{LINES, notes};

/// What is to be done about a statement that was typed in a session that died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes back by policy: a definition, an import, an assignment without a call.
    Replayed,
    /// It calls something: the user is asked.
    Asked,
    /// It is left off, and comes back if somebody wants it.
    LeftOff {
        /// Why.
        why: String,
        /// Only if somebody names it, since the session died or the statement raised when it was executed.
        is_suspect: bool,
    },
}

/// What interrupts a statement at a prompt.
pub(super) const INTERRUPTED: &str = "KeyboardInterrupt";

/// What is to be done about the statements of a cell; None for each that is no statement, has never been executed, or
/// has done nothing.
pub(super) fn fates(
    cell: &[Change],
    log: &ReadLog,
    skipped: &BTreeSet<u64>,
    crash: Option<&Crash>,
) -> Vec<Option<Fate>> {
    let how = crash.map_or_else(String::new, |crash| format!(" ({})", crash.headline()));
    let running = running(cell, log, crash);
    let mut fates = Vec::new();
    for (index, change) in cell.iter().enumerate() {
        let is_statement = matches!(
            change.kind,
            ChangeKind::Patch { .. } | ChangeKind::State { .. }
        );
        let is_skipped = skipped.contains(&change.number);
        let left_off = |why: String, is_suspect: bool| Some(Fate::LeftOff { why, is_suspect });
        let may_be_running = |words: &str| {
            if index < running {
                by_effect(change)
            } else if index == running {
                left_off(words.to_owned(), true)
            } else {
                left_off(format!("stood behind what {words}"), true)
            }
        };
        let fate = match (change.outcome, change.status) {
            _ if !is_statement => None,
            // Its place is kept, and its number: the session that it came back in may have died too.
            (_, Status::Undone) => by_effect(change),
            (_, Status::Untrusted | Status::Newer | Status::Conflict) => {
                left_off(change.why.clone(), true)
            }
            (Outcome::Unfinished, _) => {
                may_be_running(&format!("was running when the session died{how}"))
            }
            (Outcome::Raised, _) if cell.len() > 1 && cell.iter().all(has_raised) => {
                // How far the cell came is not known.
                may_be_running("raised when it was typed")
            }
            (Outcome::Raised, _) => {
                let why = change.why.trim_start_matches("left off: ");
                let why = why.trim_start_matches("it failed: ").to_owned();
                let is_interrupted = why.contains(INTERRUPTED);
                let has_done_something = calls(change) || is_interrupted;
                let told = if is_skipped {
                    why
                } else {
                    format!("raised {why} when it was typed")
                };
                has_done_something.then(|| left_off(told, true)).flatten()
            }
            (Outcome::Refused, _) => None,
            (Outcome::Applied, Status::Omitted) if is_skipped => by_effect(change),
            (Outcome::Applied, Status::Pending | Status::InSource) => by_effect(change),
            _ => None,
        };
        fates.push(match fate {
            Some(Fate::Replayed | Fate::Asked) if is_skipped => {
                let why = change.why.trim_start_matches("left off: ");
                left_off(why.to_owned(), false)
            }
            fate => fate,
        });
    }
    fates
}

/// The statement of a cell that was running when the session died: at the line that is known, or the first that calls.
fn running(cell: &[Change], log: &ReadLog, crash: Option<&Crash>) -> usize {
    let first_call = |changes: &[Change]| changes.iter().position(calls).unwrap_or_default();
    let is_unfinished = |change: &Change| change.outcome == Outcome::Unfinished;
    let lines = if cell.iter().any(is_unfinished) {
        lines_of(log, cell)
    } else {
        Vec::new()
    };
    let Some(line) = crash
        .and_then(Crash::cell_line)
        .filter(|_| lines.len() == cell.len())
    else {
        return first_call(cell);
    };
    // Several may stand on the line.
    let end = lines.partition_point(|&first| first <= line).max(1);
    let first = lines.partition_point(|&other| other < lines[end - 1]);
    first + first_call(&cell[first..end])
}

fn has_raised(change: &Change) -> bool {
    change.outcome == Outcome::Raised
}

fn calls(change: &Change) -> bool {
    matches!(change.kind, ChangeKind::State { effect, .. } if effect != Effect::Assign)
}

fn by_effect(change: &Change) -> Option<Fate> {
    Some(if calls(change) {
        Fate::Asked
    } else {
        Fate::Replayed
    })
}

/// On which lines of their cell its statements stand, if the log says so.
fn lines_of(log: &ReadLog, cell: &[Change]) -> Vec<u32> {
    let Some(tx) = cell.first().map(|change| change.tx) else {
        return Vec::new();
    };
    let told = notes(log, LINES).find_map(|note| {
        let (number, lines) = note.to_str()?.split_once(' ')?;
        (number.parse() == Ok(tx)).then_some(lines)
    });
    let lines = told.unwrap_or_default().split(',');
    lines.filter_map(|line| line.parse().ok()).collect()
}
