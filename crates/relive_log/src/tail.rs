//! What stands behind the verified part of a log: what a crash leaves, or something else.

use std::io;

use crate::codec::{MAX_NUMBER, is_beginning, is_hidden};
use crate::reading::Tail;
use crate::scan::MAX_LOG;
use crate::storage::File;

/// More than one write of ours has.
const MAX_HOLED: u64 = 66 << 20;

/// More than one record has, with line ends converted.
const MAX_PART: u64 = 2 << 20;

/// Holes are places that were never written, and disks write no less than this at a time.
const SECTOR: u64 = 512;

/// A hole shorter than this may as well be a byte that has lost a bit.
const MIN_HOLE: u64 = 2;

const MAGIC: &[u8] = b"@relive-log ";

/// Where in a file the verified part ends.
pub(crate) struct Place {
    /// Behind the last record that is right and no part of a transaction without its commit.
    pub(crate) verified: u64,
    /// Behind the last record that is right.
    pub(crate) stopped: u64,
    /// The end of the file.
    pub(crate) size: u64,
    /// The number of the record that should come next.
    pub(crate) seq: u64,
}

/// What a file is, if it does not begin like a log. `beginning`: as much of it as fits.
pub(crate) fn no_log(beginning: &[u8], file: &dyn File, size: u64) -> io::Result<Option<Tail>> {
    if size == 0 {
        return Ok(Some(Tail::Torn { bytes: 0 }));
    }
    if size > MAX_LOG {
        let problem = format!(
            "it has {}, and a change log has at most 1 GiB",
            amount(size)
        );
        return Ok(Some(Tail::Foreign { problem }));
    }
    if beginning.starts_with(MAGIC) {
        return Ok(None);
    }
    if beginning
        .strip_prefix(b"\xef\xbb\xbf")
        .is_some_and(|rest| rest.starts_with(MAGIC))
    {
        let problem = "a byte order mark was put in front of it".to_owned();
        return Ok(Some(Tail::Damaged { line: 1, problem }));
    }
    let hole = memchr::memchr(0, beginning);
    let text = &beginning[..hole.unwrap_or(beginning.len())];
    if MAGIC.starts_with(text) {
        let place = Place {
            verified: 0,
            stopped: 0,
            size,
            seq: 0,
        };
        if is_torn(file, &place, true)? {
            return Ok(Some(Tail::Torn { bytes: size }));
        }
    }
    if is_record(beginning) {
        let problem = "it does not begin with the header of a change log".to_owned();
        return Ok(Some(Tail::Damaged { line: 1, problem }));
    }
    if hole.is_none_or(|hole| hole > 0) {
        return Ok(Some(Tail::Foreign {
            problem: format!("its first line is {}", excerpt(beginning)),
        }));
    }
    Ok(Some(Tail::Foreign {
        problem: "it begins with bytes that are zero".to_owned(),
    }))
}

/// Whether the first line ends like that of a record.
fn is_record(beginning: &[u8]) -> bool {
    let line = beginning
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let digits = line
        .len()
        .checked_sub(32)
        .and_then(|at| line.split_at_checked(at));
    digits.is_some_and(|(head, digits)| {
        head.ends_with(b" sum=") && crate::codec::Sum::parse(digits).is_some()
    })
}

/// The first line of some bytes, so that it can be shown.
fn excerpt(bytes: &[u8]) -> String {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = String::from_utf8_lossy(&line[..line.len().min(240)]);
    let mut shown = String::from("`");
    for character in line.chars().take(60) {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.push_str(if line.chars().count() > 60 {
        "…`"
    } else {
        "`"
    });
    shown
}

/// A size in words.
pub(crate) fn amount(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} KB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000),
    }
}

/// Whether the tail is what a write leaves that was cut off by a crash.
pub(crate) fn is_torn(file: &dyn File, place: &Place, is_first: bool) -> io::Result<bool> {
    if place.size - place.verified > MAX_HOLED {
        return Ok(false);
    }
    let bytes = read_range(file, place.stopped, place.size)?;
    let hole = memchr::memchr(0, &bytes);
    let part = &bytes[..hole.unwrap_or(bytes.len())];
    if part.len() as u64 > MAX_PART {
        return Ok(false);
    }
    let seq = if is_first {
        header_number(part)
    } else {
        place.seq
    };
    if is_first && !(part.starts_with(MAGIC) || MAGIC.starts_with(part)) {
        return Ok(false);
    }
    if !is_beginning(part, seq) {
        return Ok(false);
    }
    let Some(hole) = hole else {
        return Ok(true);
    };
    Ok(are_holes(&bytes[hole..], place.stopped + hole as u64) && is_unsynced(&bytes[hole..]))
}

/// The number that the beginning of a header says; 0 where it does not say any.
fn header_number(part: &[u8]) -> u64 {
    let digits = part.strip_prefix(MAGIC).unwrap_or_default();
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    let number = str::from_utf8(&digits[..end])
        .ok()
        .and_then(|digits| digits.parse().ok());
    number.unwrap_or(0)
}

/// Whether all runs of zeros can be places that were never written. `start`: where in the file the bytes begin.
fn are_holes(bytes: &[u8], start: u64) -> bool {
    let end = start + bytes.len() as u64;
    let mut at = 0;
    while let Some(zero) = memchr::memchr(0, &bytes[at..]) {
        let first = at + zero;
        let length = bytes[first..].iter().position(|byte| *byte != 0);
        let length = length.unwrap_or(bytes.len() - first);
        let behind = start + (first + length) as u64;
        if behind != end && (!behind.is_multiple_of(SECTOR) || (length as u64) < MIN_HOLE) {
            return false;
        }
        at = first + length;
    }
    true
}

/// Whether what follows a hole can be the rest of one write that was never synced: at most one commit, at its end.
fn is_unsynced(bytes: &[u8]) -> bool {
    let mut has_commit = false;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let has_hole = memchr::memchr(0, line).is_some();
        if line.iter().all(|byte| *byte == 0) {
            continue;
        }
        if has_commit
            || line
                .iter()
                .any(|byte| matches!(byte, 1..=8 | 11..=12 | 14..=31 | 127))
        {
            return false;
        }
        if !has_hole {
            if !b"@ -+|\\".contains(&line[0]) {
                return false;
            }
            has_commit = line.starts_with(b"@commit ") && (line.ends_with(b"\n") || is_last);
        }
    }
    true
}

/// Which line of a file begins at an offset, counted from 1.
pub(crate) fn line_number(file: &dyn File, offset: u64) -> io::Result<u64> {
    let mut line = 1;
    for_each_part(file, 0, offset, |part| {
        line += memchr::memchr_iter(b'\n', part).count() as u64;
    })?;
    Ok(line)
}

/// One more than the highest number of a record behind the verified part, so that no number is given twice. Numbers
/// that cannot be true, because there are not that many lines, are left out.
pub(crate) fn highest_number(file: &dyn File, place: &Place) -> io::Result<u64> {
    let mut lines = 0;
    for_each_part(file, place.verified, place.size, |part| {
        lines += memchr::memchr_iter(b'\n', part).count() as u64;
    })?;
    let most = (place.seq + lines + 1000).min(MAX_NUMBER / 2);
    let mut highest = place.seq;
    let mut line_start = Vec::new();
    for_each_part(file, place.verified, place.size, |part| {
        for line in part.split_inclusive(|byte| *byte == b'\n') {
            if line_start.len() < 64 {
                line_start.extend_from_slice(&line[..line.len().min(64)]);
            }
            if line.ends_with(b"\n") {
                if let Some(number) = record_number(&line_start).filter(|number| *number < most) {
                    highest = highest.max(number + 1);
                }
                line_start.clear();
            }
        }
    })?;
    Ok(highest)
}

fn record_number(line: &[u8]) -> Option<u64> {
    let line = str::from_utf8(line.split(|byte| *byte == b' ').nth(1)?).ok()?;
    line.trim_end().parse().ok()
}

fn read_range(file: &dyn File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for_each_part(file, from, to, |part| bytes.extend_from_slice(part))?;
    Ok(bytes)
}

/// Read a range of a file in parts.
pub(crate) fn for_each_part(
    file: &dyn File,
    from: u64,
    to: u64,
    mut see: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; (to - from).min(1 << 20) as usize];
    let mut at = from;
    while at < to {
        let wanted = buffer.len().min((to - at) as usize);
        match file.read_at(at, &mut buffer[..wanted])? {
            0 => break,
            count => {
                see(&buffer[..count]);
                at += count as u64;
            }
        }
    }
    Ok(())
}
