//! A merged text as the bytes of its file: lines of the source as they are, new ones as the file is written.

use relive_syntax::encode;

use crate::merge::Merged;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of the new file; or what cannot be written, in words.
pub(super) fn compose(source: &[u8], merged: &Merged) -> Result<Vec<u8>, String> {
    let (mark, body) = match source.strip_prefix(MARK) {
        Some(body) => (MARK, body),
        None => (&b""[..], source),
    };
    let old = lines(body);
    let end = usual_end(&old);
    let new: Vec<&str> = merged.text.split_terminator('\n').collect();
    let mut bytes = mark.to_vec();
    for origin in &merged.origins {
        for line in origin.lines.first..=origin.lines.last {
            let index = (origin.first + line - origin.lines.first) as usize - 1;
            match (origin.change, old.get(index)) {
                (None, Some(old)) => {
                    bytes.extend_from_slice(old);
                    if line_end(old).is_empty() {
                        bytes.extend_from_slice(end);
                    }
                }
                _ => {
                    let text = new.get(line as usize - 1).copied().unwrap_or_default();
                    bytes.extend(encode(text, source).map_err(|error| error.message)?);
                    bytes.extend_from_slice(end);
                }
            }
        }
    }
    if !merged.text.ends_with('\n') {
        let ended = bytes.len() - line_end(&bytes).len();
        bytes.truncate(ended);
    }
    Ok(bytes)
}

/// The lines of a file, with their ends: `\n`, `\r\n` or `\r`.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'\r', b'\n', &bytes[at..]) {
        at += found + 1;
        if bytes[at - 1] == b'\r' && bytes.get(at) == Some(&b'\n') {
            at += 1;
        }
        lines.push(&bytes[start..at]);
        start = at;
    }
    if start < bytes.len() {
        lines.push(&bytes[start..]);
    }
    lines
}

fn line_end(line: &[u8]) -> &[u8] {
    match line {
        [.., b'\r', b'\n'] => &line[line.len() - 2..],
        [.., b'\r' | b'\n'] => &line[line.len() - 1..],
        _ => b"",
    }
}

/// How most lines end.
fn usual_end(lines: &[&[u8]]) -> &'static [u8] {
    let count = |end: &[u8]| lines.iter().filter(|line| line_end(line) == end).count();
    let ends: [&'static [u8]; 3] = [b"\r", b"\r\n", b"\n"];
    ends.into_iter()
        .max_by_key(|end| count(end))
        .unwrap_or(b"\n")
}
