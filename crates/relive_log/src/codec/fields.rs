//! Keys and values of a line, taken one by one in their order.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::values::{is_bare_byte, read_quoted};
use super::{MAX_NUMBER, Sum};
use crate::record::{Cause, TextHash};

/// Why a line cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is no line of any version.
    Spelling(&'static str),
    /// Another version may understand it.
    Strange,
}

/// What is left of a line: ` key=value` again and again.
#[derive(Clone, Copy)]
pub(super) struct Fields<'l>(pub(super) &'l str);

impl<'l> Fields<'l> {
    /// The next key and its value, as written.
    pub(super) fn next(&mut self) -> Result<Option<(&'l str, &'l str)>, Wrong> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let bad = Wrong::Spelling("a key or its value is misspelled");
        let rest = self.0.strip_prefix(' ').ok_or(bad)?;
        let (key, rest) = rest.split_once('=').ok_or(bad)?;
        if !is_key(key) {
            return Err(bad);
        }
        let length = value_length(rest.as_bytes()).ok_or(bad)?;
        let (value, rest) = rest.split_at(length);
        if value.starts_with('"') && read_quoted(value).is_none() {
            return Err(bad);
        }
        self.0 = rest;
        Ok(Some((key, value)))
    }

    /// The value of a key as written, if it comes next.
    #[inline]
    fn written(&mut self, key: &str) -> Result<Option<&'l str>, Wrong> {
        let Some(rest) = self
            .0
            .strip_prefix(' ')
            .and_then(|rest| rest.strip_prefix(key))
        else {
            return Ok(None);
        };
        let Some(rest) = rest.strip_prefix('=') else {
            return Ok(None);
        };
        let length =
            value_length(rest.as_bytes()).ok_or(Wrong::Spelling("a value is misspelled"))?;
        let (value, rest) = rest.split_at(length);
        self.0 = rest;
        Ok(Some(value))
    }

    fn required(&mut self, key: &str) -> Result<&'l str, Wrong> {
        self.written(key)?.ok_or(Wrong::Strange)
    }

    pub(super) fn text(&mut self, key: &str) -> Result<String, Wrong> {
        text(self.required(key)?)
    }

    pub(super) fn optional_text(&mut self, key: &str) -> Result<Option<String>, Wrong> {
        self.written(key)?.map(text).transpose()
    }

    pub(super) fn name(&mut self, key: &str) -> Result<OsString, Wrong> {
        name(self.required(key)?)
    }

    pub(super) fn optional_name(&mut self, key: &str) -> Result<Option<OsString>, Wrong> {
        self.written(key)?.map(name).transpose()
    }

    pub(super) fn number(&mut self, key: &str) -> Result<u64, Wrong> {
        number(self.required(key)?).ok_or(Wrong::Spelling("a number is misspelled"))
    }

    pub(super) fn small(&mut self, key: &str) -> Result<u32, Wrong> {
        u32::try_from(self.number(key)?).map_err(|_| Wrong::Spelling("a number is too large"))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Result<T, Wrong> {
        let written = self.required(key)?;
        let found = words.iter().find(|(word, _)| *word == written);
        found.map(|(_, value)| *value).ok_or(Wrong::Strange)
    }

    /// Hexadecimal digits, from `least` to `most` of them.
    pub(super) fn digits(&mut self, key: &str, least: usize, most: usize) -> Result<String, Wrong> {
        let written = self.required(key)?;
        if !is_digits(written, least, most) {
            return Err(Wrong::Spelling("hexadecimal digits are misspelled"));
        }
        Ok(written.to_owned())
    }

    /// The hash of a file.
    pub(super) fn file_hash(&mut self, key: &str) -> Result<String, Wrong> {
        let written = self.required(key)?;
        let is_hash = written
            .strip_prefix("b3:")
            .is_some_and(|digits| is_digits(digits, 16, 16));
        if !is_hash && written != "-" {
            return Err(Wrong::Spelling("the hash of a file is misspelled"));
        }
        Ok(written.to_owned())
    }

    pub(super) fn text_hash(&mut self, key: &str) -> Result<Option<TextHash>, Wrong> {
        let Some(written) = self.written(key)? else {
            return Ok(None);
        };
        let hash = is_digits(written, 16, 16).then(|| u64::from_str_radix(written, 16));
        match hash {
            Some(Ok(hash)) => Ok(Some(TextHash(hash))),
            _ => Err(Wrong::Spelling("the hash of a text is misspelled")),
        }
    }

    pub(super) fn mac(&mut self) -> Result<Sum, Wrong> {
        let written = self.required("mac")?;
        Sum::parse(written.as_bytes()).ok_or(Wrong::Spelling("a mac is misspelled"))
    }

    /// A number with one decimal, as tenths.
    pub(super) fn tenths(&mut self, key: &str) -> Result<u64, Wrong> {
        let written = self.required(key)?.split_once('.');
        let tenths = written.and_then(|(whole, tenth)| match tenth.as_bytes() {
            [digit @ b'0'..=b'9'] => Some(number(whole)? * 10 + u64::from(digit - b'0')),
            _ => None,
        });
        tenths.ok_or(Wrong::Spelling("a number with a decimal is misspelled"))
    }

    pub(super) fn cause(&mut self, key: &str) -> Result<Option<Cause>, Wrong> {
        let Some(written) = self.written(key)? else {
            return Ok(None);
        };
        let bad = Wrong::Spelling("the transaction of a session is misspelled");
        let (session, tx) = written.split_once('/').ok_or(bad)?;
        if !is_digits(session, 4, 16) {
            return Err(bad);
        }
        Ok(Some(Cause {
            session: session.to_owned(),
            tx: number(tx).ok_or(bad)?,
        }))
    }

    /// Numbers with commas between them; `-`: none.
    pub(super) fn numbers(&mut self, key: &str) -> Result<Vec<u64>, Wrong> {
        let written = self.required(key)?;
        if written == "-" {
            return Ok(Vec::new());
        }
        let numbers: Option<Vec<u64>> = written.split(',').map(number).collect();
        numbers.ok_or(Wrong::Spelling("a list of numbers is misspelled"))
    }

    /// Nothing more but experiments.
    pub(super) fn end(mut self) -> Result<(), Wrong> {
        let mut seen = HashSet::new();
        while let Some((key, _)) = self.next()? {
            if !key.starts_with("x-") {
                return Err(Wrong::Strange);
            }
            if !seen.insert(key) {
                return Err(Wrong::Spelling("a key stands twice"));
            }
        }
        Ok(())
    }
}

fn text(written: &str) -> Result<String, Wrong> {
    if !written.starts_with('"') {
        return Ok(written.to_owned());
    }
    read_quoted(written)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Wrong::Spelling("a string is misspelled"))
}

fn name(written: &str) -> Result<OsString, Wrong> {
    if !written.starts_with('"') {
        return Ok(written.into());
    }
    read_quoted(written)
        .map(OsString::from_vec)
        .ok_or(Wrong::Spelling("a name is misspelled"))
}

/// A decimal number in its only spelling.
pub(super) fn number(written: &str) -> Option<u64> {
    let is_plain = matches!(written.len(), 1..=16) && (written == "0" || !written.starts_with('0'));
    if !is_plain {
        return None;
    }
    let mut number = 0;
    for byte in written.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    (number <= MAX_NUMBER).then_some(number)
}

fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text can be a key, or a kind.
pub(super) fn is_key(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// How long the value at the beginning of a text is.
fn value_length(text: &[u8]) -> Option<usize> {
    let length = if text.first() == Some(&b'"') {
        let mut at = 1;
        loop {
            at += memchr::memchr2(b'"', b'\\', &text[at..])?;
            if text[at] == b'"' {
                break at + 1;
            }
            at += 2;
            if at > text.len() {
                return None;
            }
        }
    } else {
        text.iter()
            .position(|byte| !is_bare_byte(*byte))
            .unwrap_or(text.len())
    };
    let is_whole = length > 0 && text.get(length).is_none_or(|next| *next == b' ');
    is_whole.then_some(length)
}
