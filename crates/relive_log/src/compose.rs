//! Drafts to records.

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::change::Draft;
use crate::record::{Cause, Decision, DiffLine, Entry, Patch, StateChange, Via};
use crate::text::text_hash;

/// What all records of a transaction have in common.
pub(crate) struct Frame<'f> {
    pub(crate) tx: u64,
    pub(crate) at: &'f str,
    pub(crate) via: Via,
    pub(crate) cause: Option<&'f Cause>,
}

/// What a draft says in a log.
pub(crate) fn compose(draft: &Draft, frame: &Frame<'_>) -> Entry {
    let decision = |of: u64, why: &str| Decision {
        tx: frame.tx,
        at: frame.at.to_owned(),
        of,
        why: why.to_owned(),
    };
    match draft {
        Draft::Patch {
            operation,
            target,
            after,
            old,
            new,
        } => {
            let old = old.as_deref().map(with_plain_line_ends);
            let new = new.as_deref().map(with_plain_line_ends);
            let last = new.as_ref().or(old.as_ref());
            Entry::Patch(Patch {
                tx: frame.tx,
                at: frame.at.to_owned(),
                operation: *operation,
                target: target.clone(),
                after: after.clone(),
                pre: old.as_deref().map(text_hash),
                post: new.as_deref().map(text_hash),
                via: frame.via,
                cause: frame.cause.cloned(),
                lines: diff(
                    old.as_deref().unwrap_or_default(),
                    new.as_deref().unwrap_or_default(),
                ),
                is_ended: last.is_none_or(|text| text.is_empty() || text.ends_with('\n')),
            })
        }
        Draft::State {
            target,
            effect,
            text,
        } => Entry::State(StateChange {
            tx: frame.tx,
            at: frame.at.to_owned(),
            target: target.clone(),
            effect: *effect,
            via: frame.via,
            cause: frame.cause.cloned(),
            text: with_plain_line_ends(text),
        }),
        Draft::Undo { of, why } => Entry::Undo(decision(*of, why)),
        Draft::Skip { of, why } => Entry::Skip(decision(*of, why)),
        Draft::Unskip { of, why } => Entry::Unskip(decision(*of, why)),
    }
}

/// All three line ends of Python source become `\n`.
fn with_plain_line_ends(text: &str) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    }
}

/// All lines of both texts.
fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let old: Vec<&str> = lines(old);
    let new: Vec<&str> = lines(new);
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut out = Vec::with_capacity(old.len().max(new.len()));
    let mut at = 0;
    for hunk in diff.hunks() {
        let (before, after) = (hunk.before, hunk.after);
        let same = old[at..before.start as usize].iter();
        out.extend(same.map(|line| DiffLine::Same((*line).to_owned())));
        let removed = old[before.start as usize..before.end as usize].iter();
        out.extend(removed.map(|line| DiffLine::Old((*line).to_owned())));
        let added = new[after.start as usize..after.end as usize].iter();
        out.extend(added.map(|line| DiffLine::New((*line).to_owned())));
        at = before.end as usize;
    }
    out.extend(
        old[at..]
            .iter()
            .map(|line| DiffLine::Same((*line).to_owned())),
    );
    out
}

fn lines(text: &str) -> Vec<&str> {
    if text.is_empty() {
        return Vec::new();
    }
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .collect()
}

impl Patch {
    /// The old text; None for an addition.
    pub fn old_text(&self) -> Option<String> {
        self.pre?;
        Some(self.text(|line| match line {
            DiffLine::Same(text) | DiffLine::Old(text) => Some(text),
            DiffLine::New(_) => None,
        }))
    }

    /// The new text; None for a removal.
    pub fn new_text(&self) -> Option<String> {
        self.post?;
        Some(self.text(|line| match line {
            DiffLine::Same(text) | DiffLine::New(text) => Some(text),
            DiffLine::Old(_) => None,
        }))
    }

    fn text(&self, select: impl Fn(&DiffLine) -> Option<&String>) -> String {
        let mut text = String::new();
        for line in self.lines.iter().filter_map(select) {
            text.push_str(line);
            text.push('\n');
        }
        if !self.is_ended {
            text.pop();
        }
        text
    }
}
