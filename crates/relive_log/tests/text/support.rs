//! Outlines and changes for the cases.

use std::fmt::Write;

use relive_log::{
    Change, ChangeKind, Draft, Operation, Outcome, Status, Via, text_hash, unified_diff,
};
use relive_syntax::Outline;

/// Outline a text that must be Python.
pub(crate) fn parse(text: &str) -> Outline {
    Outline::parse(text.into())
        .unwrap_or_else(|error| panic!("line {}: {}\n{text}", error.line, error.message))
}

/// The text without the indentation of its first line, so that a case can be indented as the test is.
///
/// A first line that is empty is dropped; a last one of blanks only ends the text with a line end.
pub(crate) fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let indentation = &first[..first.len() - first.trim_start().len()];
    let lines = text.split('\n').map(|line| {
        line.strip_prefix(indentation)
            .unwrap_or_else(|| line.trim_start_matches(' '))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A draft as a change that stands in a log and is pending.
pub(crate) fn pending(number: u64, draft: Draft) -> Change {
    let kind = match draft {
        Draft::Patch {
            operation,
            target,
            after,
            old,
            new,
        } => ChangeKind::Patch {
            operation,
            target,
            after,
            pre: old.as_deref().map(text_hash),
            post: new.as_deref().map(text_hash),
            old,
            new,
        },
        Draft::State {
            target,
            effect,
            text,
        } => ChangeKind::State {
            target,
            effect,
            text,
        },
        Draft::Undo { of, .. } | Draft::Skip { of, .. } | Draft::Unskip { of, .. } => {
            ChangeKind::Undo { of }
        }
    };
    Change {
        number,
        tx: number,
        at: String::new(),
        session: "7f3c".to_owned(),
        via: Via::Patch,
        cause: None,
        within: None,
        kind,
        status: Status::Pending,
        outcome: Outcome::Applied,
        why: String::new(),
        left_off: Vec::new(),
    }
}

/// Drafts as changes that are pending, numbered from `first` on.
pub(crate) fn all_pending(first: u64, drafts: Vec<Draft>) -> Vec<Change> {
    (first..)
        .zip(drafts)
        .map(|(number, draft)| pending(number, draft))
        .collect()
}

/// Drafts, one on each line, with the first lines of their texts.
pub(crate) fn list(drafts: &[Draft]) -> String {
    let mut out = String::new();
    for draft in drafts {
        let Draft::Patch {
            operation,
            target,
            after,
            old,
            new,
        } = draft
        else {
            let _ = writeln!(out, "{draft:?}");
            continue;
        };
        let _ = match operation {
            Operation::Add => write!(
                out,
                "add {target} after {}",
                after.as_deref().unwrap_or("-")
            ),
            Operation::Replace => write!(out, "replace {target}"),
            Operation::Remove => write!(out, "remove {target}"),
        };
        for (sign, text) in [('-', old), ('+', new)] {
            for line in text.iter().flat_map(|text| text.lines()) {
                let _ = write!(out, "\n    {sign}{line}");
            }
        }
        out.push('\n');
    }
    out
}

/// What a reviewer sees; blanks at line ends left out, since they would not survive in a case.
pub(crate) fn reviewed(before: &str, after: &str) -> String {
    let shown = unified_diff(before, after);
    let lines: Vec<&str> = shown.split('\n').map(str::trim_end).collect();
    lines.join("\n")
}
