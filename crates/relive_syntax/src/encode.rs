//! Text to bytes, in the encoding that a source file declares.

use encoding_rs::{Encoding, UTF_8};

use crate::decode::{cookie, is_latin_1};

/// Text cannot be written in the encoding of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// What is wrong, in words.
    pub message: String,
}

/// Encode some text of a source file as the file is encoded; line ends stay what they are, and no mark is put in front.
pub fn encode(text: &str, file: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let label = cookie(file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file));
    let refused = |label: &str, character: char| EncodeError {
        message: format!("{character:?} cannot be written in {label}, which the file declares"),
    };
    match label.as_deref() {
        None | Some("utf-8" | "utf8") => Ok(text.as_bytes().to_vec()),
        Some(label) if label.starts_with("utf-8-") => Ok(text.as_bytes().to_vec()),
        Some(label) if is_latin_1(label) => {
            let byte = |character| u8::try_from(character).map_err(|_| refused(label, character));
            text.chars().map(byte).collect()
        }
        Some(label @ ("ascii" | "us-ascii")) => match text.chars().find(|c| !c.is_ascii()) {
            Some(character) => Err(refused(label, character)),
            None => Ok(text.as_bytes().to_vec()),
        },
        Some(label) => {
            let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| EncodeError {
                message: format!("unknown encoding {label}"),
            })?;
            // What cannot be written so would become a character reference.
            let is_refused = |character: &char| encoding.encode(&character.to_string()).2;
            if encoding.output_encoding() != encoding && encoding != UTF_8 {
                return Err(EncodeError {
                    message: format!("nothing can be written in {label}"),
                });
            }
            match text.chars().find(is_refused) {
                Some(character) => Err(refused(label, character)),
                None => Ok(encoding.encode(text).0.into_owned()),
            }
        }
    }
}
