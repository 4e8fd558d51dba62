//! Two texts as a unified diff.

use std::fmt::Write;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

/// How many lines are shown around what differs.
const CONTEXT: u32 = 3;

/// The hunks that make `after` of `before`, without the names of the files; empty where the texts are the same.
#[must_use]
pub fn unified_diff(before: &str, after: &str) -> String {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let before: Vec<&str> = before.split_inclusive('\n').collect();
    let after: Vec<&str> = after.split_inclusive('\n').collect();
    let mut out = String::new();
    let mut together: Vec<Hunk> = Vec::new();
    for hunk in diff.hunks() {
        if let Some(last) = together.last()
            && hunk.before.start - last.before.end > 2 * CONTEXT
        {
            print(&mut out, &together, &before, &after);
            together.clear();
        }
        together.push(hunk);
    }
    print(&mut out, &together, &before, &after);
    out
}

fn print(out: &mut String, hunks: &[Hunk], before: &[&str], after: &[&str]) {
    let ([first, ..], [.., last]) = (hunks, hunks) else {
        return;
    };
    let above = CONTEXT.min(first.before.start);
    let count = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let below = CONTEXT.min(count - last.before.end);
    let old = first.before.start - above..last.before.end + below;
    let new = first.after.start - above..last.after.end + below;
    let _ = writeln!(out, "@@ -{} +{} @@", place(&old), place(&new));
    let mut next = old.start;
    for hunk in hunks {
        lines(out, ' ', before, next..hunk.before.start);
        lines(out, '-', before, hunk.before.clone());
        lines(out, '+', after, hunk.after.clone());
        next = hunk.before.end;
    }
    lines(out, ' ', before, next..old.end);
}

/// A range of lines as `diff -u` writes it: an empty one names the line before it.
fn place(range: &Range<u32>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        count => format!("{},{count}", range.start + 1),
    }
}

fn lines(out: &mut String, sign: char, lines: &[&str], range: Range<u32>) {
    for line in &lines[range.start as usize..range.end as usize] {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}
