//! Two versions of a text that were made of one, as one.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// `one` with what leads from `base` to `other`. None where both changed the same lines, or lines that touch.
pub(crate) fn three_way(base: &str, one: &str, other: &str) -> Option<String> {
    let mut text = String::new();
    for part in parts(base, one, other) {
        match part {
            Part::Same(lines) | Part::One(lines) | Part::Other(lines) => text += &lines,
            Part::Both { .. } => return None,
        }
    }
    Some(text)
}

/// What the three texts are called in a text with conflict markers.
pub(crate) struct Names<'a> {
    pub(crate) base: &'a str,
    pub(crate) one: &'a str,
    pub(crate) other: &'a str,
}

/// The same, where what both have changed to the same is changed once. As an error: all of it, with the markers of git
/// around what each of the three says where both have changed it. Each text ends with a line end.
pub(crate) fn merged(
    base: &str,
    one: &str,
    other: &str,
    names: &Names<'_>,
) -> Result<String, String> {
    let mut text = String::new();
    let mut has_conflict = false;
    for part in parts(base, one, other) {
        match part {
            Part::Same(lines) | Part::One(lines) | Part::Other(lines) => text += &lines,
            Part::Both { one, other, .. } if one == other => text += &one,
            Part::Both { base, one, other } => {
                has_conflict = true;
                let marked = [
                    ("<<<<<<<", names.one, one),
                    ("|||||||", names.base, base),
                    ("=======", "", other),
                    (">>>>>>>", names.other, String::new()),
                ];
                for (mark, name, lines) in marked {
                    text += format!("{mark} {name}").trim_end();
                    text.push('\n');
                    text += &lines;
                }
            }
        }
    }
    if has_conflict { Err(text) } else { Ok(text) }
}

/// A stretch of the texts.
enum Part {
    /// Nobody has changed it.
    Same(String),
    /// The one version has changed it.
    One(String),
    /// The other version has.
    Other(String),
    /// Both have.
    Both {
        base: String,
        one: String,
        other: String,
    },
}

fn parts(base: &str, one: &str, other: &str) -> Vec<Part> {
    let base_lines: Vec<&str> = base.split_inclusive('\n').collect();
    let (ones, others) = (hunks(base, one), hunks(base, other));
    let mut parts = Vec::new();
    let mut next = 0;
    for region in regions(&ones, &others) {
        parts.push(Part::Same(base_lines[next..region.start].concat()));
        next = region.end;
        let version = |hunks: &[Replacement<'_>]| -> Option<String> {
            let mut own = hunks.iter().filter(|hunk| is_in(hunk, &region)).peekable();
            own.peek()?;
            let mut at = region.start;
            let mut text = String::new();
            for hunk in own {
                text += &base_lines[at..hunk.before.start].concat();
                text += &hunk.after.concat();
                at = hunk.before.end;
            }
            Some(text + &base_lines[at..region.end].concat())
        };
        parts.push(match (version(&ones), version(&others)) {
            (Some(one), Some(other)) => Part::Both {
                base: base_lines[region.clone()].concat(),
                one,
                other,
            },
            (Some(one), None) => Part::One(one),
            (None, Some(other)) => Part::Other(other),
            (None, None) => Part::Same(base_lines[region].concat()),
        });
    }
    parts.push(Part::Same(base_lines[next..].concat()));
    parts
}

fn is_in(hunk: &Replacement<'_>, region: &Range<usize>) -> bool {
    region.start <= hunk.before.start && hunk.before.end <= region.end
}

/// The stretches of the base that versions have changed: changes that overlap or touch are in one.
fn regions(ones: &[Replacement<'_>], others: &[Replacement<'_>]) -> Vec<Range<usize>> {
    let all = ones.iter().chain(others);
    let mut all: Vec<Range<usize>> = all.map(|hunk| hunk.before.clone()).collect();
    all.sort_by_key(|range| (range.start, range.end));
    let mut regions: Vec<Range<usize>> = Vec::new();
    for range in all {
        match regions.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => regions.push(range),
        }
    }
    regions
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
