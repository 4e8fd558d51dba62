//! The bytes of a source file to text, as CPython reads them (PEP 263).

use encoding_rs::{Encoding, UTF_8};

/// The file's bytes are not text in the encoding that it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What is wrong, in words.
    pub message: String,
}

/// Decode a source file: UTF-8 unless a coding cookie in its first two lines says otherwise; line ends become `\n`.
pub fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    let (bytes, has_mark) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let label = cookie(bytes);
    let text = match label.as_deref() {
        None | Some("utf-8" | "utf8") => utf8(bytes)?,
        Some(label) if label.starts_with("utf-8-") => utf8(bytes)?,
        Some(label) if has_mark => {
            return Err(DecodeError {
                message: format!(
                    "the file begins with a UTF-8 mark but declares the encoding {label}"
                ),
            });
        }
        // WHATWG's "latin1" and "ascii" are windows-1252; Python's are the first 256 and 128 code points.
        Some(label) if is_latin_1(label) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        Some("ascii" | "us-ascii") if !bytes.is_ascii() => {
            return Err(DecodeError {
                message: "the file is not valid ascii".to_owned(),
            });
        }
        Some(label) => {
            let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| DecodeError {
                message: format!("unknown encoding {label}"),
            })?;
            let (text, _, had_errors) = encoding.decode(bytes);
            if had_errors {
                return Err(DecodeError {
                    message: format!("the file is not valid {label}"),
                });
            }
            text.into_owned()
        }
    };
    Ok(if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    })
}

pub(crate) fn is_latin_1(label: &str) -> bool {
    matches!(label, "latin1" | "iso8859-1" | "l1")
        || ["latin-1", "iso-8859-1", "iso-latin-1"].iter().any(|name| {
            label
                .strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
}

fn utf8(bytes: &[u8]) -> Result<String, DecodeError> {
    let text = UTF_8
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or_else(|| DecodeError {
            message: "the file is not valid UTF-8 and declares no other encoding".to_owned(),
        })?;
    Ok(text.into_owned())
}

/// The encoding that a comment in the first two lines declares, in lower case, with `-` for `_`.
pub(crate) fn cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&byte| byte == b'\n').take(2) {
        let line = String::from_utf8_lossy(line);
        let trimmed = line.trim_start_matches([' ', '\t', '\x0c']);
        if let Some(comment) = trimmed.strip_prefix('#') {
            let declared = comment.match_indices("coding").find_map(|(at, word)| {
                let rest = comment[at + word.len()..].strip_prefix([':', '='])?;
                let label: String = rest
                    .trim_start_matches([' ', '\t'])
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                    .collect();
                (!label.is_empty()).then(|| label.to_ascii_lowercase().replace('_', "-"))
            });
            if declared.is_some() {
                return declared;
            }
        } else if !trimmed.trim_end_matches('\r').is_empty() {
            return None;
        }
    }
    None
}
