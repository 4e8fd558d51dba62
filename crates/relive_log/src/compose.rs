//! Drafts to records.

use imara_diff::{Algorithm, InternedInput};

use crate::change::Draft;
use crate::record::{Cause, Decision, Diff, DiffLine, Entry, Patch, StateChange, Via};
use crate::text::{text_hash, with_plain_line_ends};

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
            Entry::Patch(Box::new(Patch {
                tx: frame.tx,
                at: frame.at.to_owned(),
                operation: *operation,
                target: target.clone(),
                after: after.clone(),
                pre: old.as_deref().map(text_hash),
                post: new.as_deref().map(text_hash),
                via: frame.via,
                cause: frame.cause.cloned(),
                diff: diff(
                    old.as_deref().unwrap_or_default(),
                    new.as_deref().unwrap_or_default(),
                ),
                is_ended: last.is_none_or(|text| text.is_empty() || text.ends_with('\n')),
            }))
        }
        Draft::State {
            target,
            effect,
            text,
        } => Entry::State(Box::new(StateChange {
            tx: frame.tx,
            at: frame.at.to_owned(),
            target: target.clone(),
            effect: *effect,
            via: frame.via,
            cause: frame.cause.cloned(),
            text: with_plain_line_ends(text).into_owned(),
        })),
        Draft::Undo { of, why } => Entry::Undo(decision(*of, why)),
        Draft::Skip { of, why } => Entry::Skip(decision(*of, why)),
        Draft::Unskip { of, why } => Entry::Unskip(decision(*of, why)),
    }
}

/// All lines of both texts.
fn diff(old: &str, new: &str) -> Diff {
    let mut out = Diff::with_capacity(old.len() + new.len());
    let (old, new) = (lines(old), lines(new));
    let above = shared(old.iter(), new.iter());
    let below = shared(old[above..].iter().rev(), new[above..].iter().rev());
    let between = (
        &old[above..old.len() - below],
        &new[above..new.len() - below],
    );
    // One line became another one, as most edits go: there is nothing to search for.
    if let ([one], [other]) = between {
        out.extend(old[..above].iter().map(|line| DiffLine::Same(line)));
        out.extend([DiffLine::Old(one), DiffLine::New(other)]);
        out.extend(old[above + 1..].iter().map(|line| DiffLine::Same(line)));
        return out;
    }
    let mut input = InternedInput::default();
    input.update_before(old.iter().copied());
    input.update_after(new.iter().copied());
    let mut found = imara_diff::Diff::compute(Algorithm::Histogram, &input);
    found.postprocess_lines(&input);
    let mut at = 0;
    for hunk in found.hunks() {
        let before = hunk.before.start as usize..hunk.before.end as usize;
        let after = hunk.after.start as usize..hunk.after.end as usize;
        out.extend(
            old[at..before.start]
                .iter()
                .map(|line| DiffLine::Same(line)),
        );
        at = before.end;
        out.extend(old[before].iter().map(|line| DiffLine::Old(line)));
        out.extend(new[after].iter().map(|line| DiffLine::New(line)));
    }
    out.extend(old[at..].iter().map(|line| DiffLine::Same(line)));
    out
}

/// How many lines are the same, from the first on.
fn shared<'l>(
    one: impl Iterator<Item = &'l &'l str>,
    other: impl Iterator<Item = &'l &'l str>,
) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
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

    fn text(&self, select: impl for<'t> Fn(DiffLine<'t>) -> Option<&'t str>) -> String {
        let mut text = String::new();
        for line in self.diff.lines().filter_map(select) {
            text.push_str(line);
            text.push('\n');
        }
        if !self.is_ended {
            text.pop();
        }
        text
    }
}
