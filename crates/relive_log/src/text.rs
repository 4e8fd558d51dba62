//! Texts of definitions: compared, hashed and indented.

use std::borrow::Cow;

use relive_syntax::lines_in_strings;

use crate::record::TextHash;

/// What stands in the body of a class that says nothing.
pub(crate) const PASS: &str = "pass";

/// The hash of a definition's text.
///
/// Of the text's lines, blanks at their ends removed; the blanks that begin all lines that are not empty removed;
/// empty lines at the end removed; joined by `\n`: the first 64 bits of the BLAKE3 of that, as UTF-8.
#[must_use]
pub fn text_hash(text: &str) -> TextHash {
    let text = with_plain_line_ends(text);
    let lines = || {
        let lines = text.split('\n');
        lines.map(|line| line.trim_end_matches([' ', '\t', '\x0c']))
    };
    let mut common: Option<&str> = None;
    for line in lines().filter(|line| !line.is_empty()) {
        let indentation = indentation(line);
        common = Some(common.map_or(indentation, |common| shared(common, indentation)));
    }
    let cut = common.map_or(0, str::len);
    let mut joined = String::with_capacity(text.len() + 1);
    for line in lines() {
        joined.push_str(line.get(cut..).unwrap_or_default());
        joined.push('\n');
    }
    let hash = blake3::hash(joined.trim_end_matches('\n').as_bytes());
    let first = hash.as_bytes().iter().take(8);
    TextHash(first.fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// All three line ends of Python source become `\n`.
pub(crate) fn with_plain_line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The blanks that a line begins with.
pub(crate) fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Whether a line holds nothing but blanks.
pub(crate) fn is_blank(line: &str) -> bool {
    line.trim_matches([' ', '\t']).is_empty()
}

/// Whether a line holds a comment and nothing else.
pub(crate) fn is_comment(line: &str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('#')
}

/// The text with the indentation of its first line replaced by another one, in all lines that are code.
///
/// Lines that go on with a string are kept as they are: their blanks are a part of its value.
pub(crate) fn indented<'a>(text: &'a str, to: &str) -> Cow<'a, str> {
    let first = text.split('\n').find(|line| !is_blank(line));
    let from = first.map_or("", indentation);
    if from == to {
        return Cow::Borrowed(text);
    }
    let kept = lines_in_strings(text);
    let mut out = String::with_capacity(text.len());
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let own = indentation(line);
        if kept.contains(&number) || own.len() == line.trim_end_matches('\n').len() {
            out.push_str(line);
        } else {
            // A line that goes on with a statement may be indented less than the statement.
            out.push_str(to);
            out.push_str(&line[shared(own, from).len()..]);
        }
    }
    Cow::Owned(out)
}

/// Whether two texts of a definition say the same, but for how far they are indented and for comments above them.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || exact(one) == exact(other)
}

/// The text of a definition without its indentation, and without comments above it.
pub(crate) fn exact(text: &str) -> Cow<'_, str> {
    let text = without_comments_above(text);
    let end = text.trim_end_matches('\n');
    indented(end, "")
}

/// The text from its first line of code on.
pub(crate) fn without_comments_above(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if !is_blank(line) && !is_comment(line) {
            break;
        }
        rest = after;
    }
    rest
}

fn shared<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
    &one[..same.count()]
}
