//! Records and how they are written down; `docs/log-format.md` draws it byte by byte.
//!
//! A record has exactly one spelling: what is decoded and encoded again is byte for byte the same.

mod decode;
mod encode;
mod fields;
mod payload;
mod values;

use std::fmt;

pub(crate) use decode::{Decoded, Found, decode_record, find_record, is_beginning};
pub(crate) use encode::{encode_into, write_commit_head};
pub use payload::is_hidden;

use crate::record::Record;

/// The most bytes that a record may have, line ends included.
pub const MAX_RECORD: usize = 1 << 20;

/// The largest number of a record: the largest that all readers of JSON agree on.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

pub(crate) type Hash = blake3::Hash;

/// The sum of a record: what the next one is chained to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sum(pub [u8; 16]);

impl Sum {
    /// What the first record of a log that continues no other is chained to.
    pub const ZERO: Sum = Sum([0; 16]);

    pub(crate) fn of(hash: &Hash) -> Sum {
        let mut sum = [0; 16];
        sum.copy_from_slice(&hash.as_bytes()[..16]);
        Sum(sum)
    }

    /// As 32 lowercase hexadecimal digits.
    pub(crate) fn digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 0xf)];
        }
        digits
    }

    /// From 32 lowercase hexadecimal digits.
    pub fn parse(digits: &[u8]) -> Option<Sum> {
        let digits: &[u8; 32] = digits.try_into().ok()?;
        let mut nibbles = [0; 32];
        // Without tables and without a way out in the middle, this is done sixteen digits at a time.
        let mut is_right = true;
        for (nibble, digit) in nibbles.iter_mut().zip(digits) {
            let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
            is_right &= (number < 10) | (letter < 6);
            *nibble = if number < 10 {
                number
            } else {
                letter.wrapping_add(10)
            };
        }
        let mut sum = [0; 16];
        for (byte, pair) in sum.iter_mut().zip(nibbles.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        is_right.then_some(Sum(sum))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sum({self})")
    }
}

/// A record as it stands in a log behind a record with the sum `prev`; and its own sum.
pub fn encode(record: &Record, prev: Sum) -> (Vec<u8>, Sum) {
    let mut out = Vec::new();
    let hash = encode_into(&mut out, record, prev);
    (out, Sum::of(&hash))
}

/// The record that stands in `bytes`, which must be all of it and nothing else, what it is chained to, and its sum.
/// The error says what is wrong, in words.
pub fn decode(bytes: &[u8]) -> Result<(Record, Sum, Sum), String> {
    match find_record(bytes) {
        Found::Record(length) if length == bytes.len() => {}
        Found::Record(_) => return Err("something stands behind the record".to_owned()),
        Found::Part => return Err("the record is not complete".to_owned()),
        Found::Bad(problem) => return Err(problem.to_owned()),
    }
    let decoded = decode_record(bytes)?;
    Ok((decoded.record, decoded.prev, Sum::of(&decoded.hash)))
}
