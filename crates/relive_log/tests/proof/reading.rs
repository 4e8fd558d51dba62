//! Logs on which the reader was once wrong; `tests/log/test_reader.py` found them with a second reader.

use std::path::Path;

use relive_log::codec::{Sum, decode, encode};
use relive_log::{Commit, Entry, Record, Tail, read};

use crate::world::{LOG, World, append, assign, kinds};

/// A log with two transactions, in a world where nothing is known of it: an anchor would tell that something is gone, but
/// here the log itself has to.
fn two_changes() -> (World, Vec<u8>) {
    let first = World::new();
    let mut log = first.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    append(&mut log, &[assign("LIMIT", 3)]);
    (World::new(), first.disk.get(LOG).unwrap())
}

/// The log with a record behind it.
fn with(mut bytes: Vec<u8>, entry: Entry, seq: u64) -> Vec<u8> {
    let sum = Sum::parse(&bytes[bytes.len() - 33..bytes.len() - 1]).unwrap();
    let (record, _) = encode(&Record { seq, entry }, sum);
    bytes.extend_from_slice(&record);
    bytes
}

fn text_with(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = str::from_utf8(bytes).unwrap();
    let at = text.rfind(from).unwrap();
    format!("{}{to}{}", &text[..at], &text[at + from.len()..]).into_bytes()
}

/// One bit of the last commit's kind was wrong. An unknown kind may have lines of text, so the line passed for the
/// first one of a record that was cut off: the log was torn, and an acknowledged change was cut off by the repair.
#[test]
fn a_bit_lost_in_the_kind_of_the_last_record_is_damage() {
    let (world, bytes) = two_changes();
    world
        .disk
        .put(LOG, &text_with(&bytes, "@commit", "@commmt"));
    let read = world.read();
    assert!(matches!(read.tail, Tail::Damaged { .. }), "{:?}", read.tail);
    assert_eq!(read.transactions.len(), 1);
}

/// The commit said that there were two records where one was. The records in front of it stayed in the part that was
/// verified, though their transaction does not count, and the log went on behind them.
#[test]
fn what_stands_before_a_commit_that_is_wrong_is_not_verified() {
    let (world, bytes) = two_changes();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let (Entry::Commit(commit), seq) = decode(lines[lines.len() - 1])
        .map(|(record, ..)| (record.entry, record.seq))
        .unwrap()
    else {
        panic!("the last record is no commit");
    };
    let open = lines[..lines.len() - 1].concat();
    let wrong = Commit {
        records: 2,
        ..commit
    };
    world.disk.put(LOG, &with(open, Entry::Commit(wrong), seq));
    let read = world.read();
    assert!(matches!(read.tail, Tail::Damaged { .. }), "{:?}", read.tail);
    assert_eq!(kinds(&read), "0:header 1:session 2:patch 3:commit");
}

/// A string that was cut off ended in what looked like a sum, and a wrong one: the log was damaged, and never repaired.
#[test]
fn a_cut_string_that_ends_like_a_sum_is_torn() {
    let (world, bytes) = two_changes();
    let mut torn = bytes.clone();
    torn.extend_from_slice(b"@note 6 at=x text=\"it said sum=00112233445566778899aabbccddeeff");
    world.disk.put(LOG, &torn);
    assert!(matches!(world.read().tail, Tail::Torn { .. }));
}

/// A character that is cut off is fine at the end of a log, and nowhere else.
#[test]
fn half_a_character_inside_of_a_torn_tail_is_damage() {
    let (world, bytes) = two_changes();
    let mut torn = bytes.clone();
    torn.extend_from_slice(b"@patch 6 tx=3 at=x\n+\xc3");
    world.disk.put(LOG, &torn);
    assert!(matches!(world.read().tail, Tail::Torn { .. }));
    torn.extend_from_slice(b"\n+a");
    world.disk.put(LOG, &torn);
    assert!(matches!(world.read().tail, Tail::Damaged { .. }));
}

/// A header of a later version in the middle of a log was taken for a record of an unknown kind.
#[test]
fn a_second_header_is_damage_whatever_its_version() {
    let (world, bytes) = two_changes();
    let line = "@relive-log 6 v=2 shape=round prev=";
    let head = str::from_utf8(&bytes[bytes.len() - 33..bytes.len() - 1]).unwrap();
    let body = format!("{line}{head}");
    let sum = blake3::hash(body.as_bytes()).to_hex();
    let mut doubled = bytes.clone();
    doubled.extend_from_slice(format!("{body} sum={}\n", &sum[..32]).as_bytes());
    world.disk.put(LOG, &doubled);
    let read = read(&world.rim, Path::new(LOG)).unwrap();
    assert!(matches!(read.tail, Tail::Damaged { .. }), "{:?}", read.tail);
}
