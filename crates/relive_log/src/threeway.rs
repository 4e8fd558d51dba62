//! Two versions of a text that were made of one, as one.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// `one` with what leads from `base` to `other`. None where both changed the same lines, or lines that touch.
pub(crate) fn three_way(base: &str, one: &str, other: &str) -> Option<String> {
    let base_lines: Vec<&str> = base.split_inclusive('\n').collect();
    let mine = hunks(base, one);
    let theirs = hunks(base, other);
    let touch = |a: &Range<usize>, b: &Range<usize>| a.start <= b.end && b.start <= a.end;
    let is_free = |hunk: &Replacement<'_>| !mine.iter().any(|own| touch(&own.before, &hunk.before));
    if !theirs.iter().all(is_free) {
        return None;
    }
    let mut all: Vec<Replacement<'_>> = mine.into_iter().chain(theirs).collect();
    all.sort_by_key(|hunk| hunk.before.start);
    let mut text = String::new();
    let mut next = 0;
    for hunk in all {
        text.extend(base_lines[next..hunk.before.start].iter().copied());
        text.extend(hunk.after);
        next = hunk.before.end;
    }
    text.extend(base_lines[next..].iter().copied());
    Some(text)
}

/// Lines of one text that became lines of another.
struct Replacement<'a> {
    before: Range<usize>,
    after: Vec<&'a str>,
}

fn hunks<'a>(before: &str, after: &'a str) -> Vec<Replacement<'a>> {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines: Vec<&str> = after.split_inclusive('\n').collect();
    let replacement = |hunk: imara_diff::Hunk| Replacement {
        before: hunk.before.start as usize..hunk.before.end as usize,
        after: lines[hunk.after.start as usize..hunk.after.end as usize].to_vec(),
    };
    diff.hunks().map(replacement).collect()
}
