//! Payload lines: a prefix and a line of text, escaped only where a terminal or an editor might trip over it.

use std::borrow::Cow;

/// Write a payload line with its line end.
pub(super) fn write_payload(out: &mut Vec<u8>, prefix: u8, text: &str) {
    if may_hide(text.as_bytes()) && text.chars().any(is_hidden) {
        out.extend_from_slice(&[b'\\', prefix]);
        escape_into(out, text);
    } else {
        out.push(prefix);
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'\n');
}

/// The prefix and the text of a payload line without its line end; None if that is not its only spelling.
/// `may_hide`: whether the line may contain characters that must not stand in a log.
pub(super) fn read_payload(line: &str, may_hide: bool) -> Option<(u8, Cow<'_, str>)> {
    let prefix = *line.as_bytes().first()?;
    if prefix != b'\\' {
        let text = &line[1..];
        return (!may_hide || !text.chars().any(is_hidden))
            .then_some((prefix, Cow::Borrowed(text)));
    }
    let prefix = *line.as_bytes().get(1)?;
    let escaped = line.get(2..)?;
    let text = unescape(escaped)?;
    let mut again = Vec::with_capacity(escaped.len());
    escape_into(&mut again, &text);
    let is_only_spelling = again == escaped.as_bytes() && text.chars().any(is_hidden);
    (is_only_spelling && prefix != b'\\' && !text.contains('\n'))
        .then_some((prefix, Cow::Owned(text)))
}

/// Whether a character never stands in a log as it is: it is not seen, or changes how others are seen.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\n'..='\u{1f}' | '\x7f'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether bytes may contain a character that [`is_hidden`], line ends left out. Quick, and true too often.
pub(super) fn may_hide(bytes: &[u8]) -> bool {
    // Without a way out in the middle, this is done sixteen bytes at a time.
    bytes.iter().fold(false, |is_found, byte| {
        is_found | ((*byte < 0x20) & (*byte != b'\n') & (*byte != b'\t')) | (*byte >= 0x7f)
    })
}

/// As Python's codec `unicode_escape` has it.
fn escape_into(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        let code = u32::from(character);
        let escape = match character {
            '\\' => "\\\\".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            ' '..='~' => {
                out.push(character as u8);
                continue;
            }
            _ if code < 0x100 => format!("\\x{code:02x}"),
            _ if code < 0x10000 => format!("\\u{code:04x}"),
            _ => format!("\\U{code:08x}"),
        };
        out.extend_from_slice(escape.as_bytes());
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let digits = match rest.as_bytes().get(at + 1)? {
            b'\\' => {
                out.push('\\');
                0
            }
            b't' => {
                out.push('\t');
                0
            }
            b'n' => {
                out.push('\n');
                0
            }
            b'r' => {
                out.push('\r');
                0
            }
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => return None,
        };
        let code = rest.get(at + 2..at + 2 + digits)?;
        if digits > 0 {
            out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        }
        rest = &rest[at + 2 + digits..];
    }
    out.push_str(rest);
    Some(out)
}
