//! Values of keys: bare, or a JSON string in ASCII. Each value has one spelling.

/// Write a value that may not be UTF-8.
pub(super) fn write_value(out: &mut Vec<u8>, value: &[u8]) {
    if is_bare(value) {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for chunk in value.utf8_chunks() {
        for character in chunk.valid().chars() {
            write_character(out, character);
        }
        for byte in chunk.invalid() {
            write_unit(out, 0xdc00 + u16::from(*byte));
        }
    }
    out.push(b'"');
}

/// Whether a value is written without quotes.
fn is_bare(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| is_bare_byte(*byte))
}

/// Whether a byte may stand in a value without quotes.
pub(super) fn is_bare_byte(byte: u8) -> bool {
    BARE[usize::from(byte)]
}

/// For each byte whether it may. Most of a log's first lines is read through this table.
static BARE: [bool; 256] = {
    let mut bare = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        bare[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'.' | b'_' | b':' | b'/' | b'+' | b'<' | b'>' | b',' | b'-'
            );
        byte += 1;
    }
    bare
};

fn write_character(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' | '\\' => character,
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        ' '..='~' => {
            out.push(character as u8);
            return;
        }
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write_unit(out, *unit);
            }
            return;
        }
    };
    out.push(b'\\');
    out.push(short as u8);
}

fn write_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
}

/// What a value in quotes says; None if that is not its only spelling. `text` includes the quotes.
pub(super) fn read_quoted(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        value.extend_from_slice(&rest.as_bytes()[..at]);
        let letter = rest.as_bytes().get(at + 1)?;
        let mut length = 2;
        let character = match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = unit(&rest[at..])?;
                length = 6;
                match first {
                    0xd800..0xdc00 => {
                        let second = unit(rest.get(at + 6..)?)?;
                        length = 12;
                        char::decode_utf16([first, second]).next()?.ok()?
                    }
                    0xdc80..0xdd00 => {
                        value.push(first.to_be_bytes()[1]);
                        rest = &rest[at + 6..];
                        continue;
                    }
                    _ => char::from_u32(u32::from(first))?,
                }
            }
            _ => return None,
        };
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = &rest[at + length..];
    }
    value.extend_from_slice(rest.as_bytes());
    let mut again = Vec::with_capacity(text.len());
    write_value(&mut again, &value);
    (again == text.as_bytes()).then_some(value)
}

/// The number in `\uXXXX` at the beginning of a text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if digits.starts_with('+') {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}
