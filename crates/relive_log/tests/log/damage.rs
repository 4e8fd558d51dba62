//! Files that are not what was written: cut, flipped, filled with zeros, put together anew.

use std::path::Path;

use relive_log::{Entry, ReadLog, Signed, Tail, read};

use crate::world::{LOG, SOURCE, World, append, assign, kinds, state};

/// A log of some changes: bytes, and where its records begin.
fn fixture(world: &World) -> Vec<u8> {
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.done(1, 0.1);
    append(
        &mut log,
        &[assign("RATE", 9), state("LIMITS['é'] = \"\u{7}\"\n")],
    );
    log.done(2, 0.1);
    append(&mut log, &[state("LIMITS.clear()")]);
    drop(log);
    world.disk.get(LOG).unwrap()
}

/// Without the anchor, which would know better.
fn read_bytes(bytes: &[u8]) -> ReadLog {
    let world = World::new();
    world.disk.put(LOG, bytes);
    world.read()
}

fn line_starts(bytes: &[u8]) -> Vec<usize> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    std::iter::once(0)
        .chain(ends.map(|(index, _)| index + 1))
        .collect()
}

/// Where transactions end, and what is outside of them.
fn clean_ends(bytes: &[u8]) -> Vec<usize> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut ends = vec![];
    let mut at = 0;
    let mut is_open = false;
    for line in text.split_inclusive('\n') {
        at += line.len();
        is_open |= line.starts_with("@patch") || line.starts_with("@state");
        is_open &= !line.starts_with("@commit");
        if !is_open {
            ends.push(at);
        }
    }
    ends
}

#[test]
fn every_truncation_is_clean_or_torn_and_keeps_what_was_committed_before() {
    let world = World::new();
    let bytes = fixture(&world);
    let whole = read_bytes(&bytes);
    let ends = clean_ends(&bytes);
    for length in 0..bytes.len() {
        let found = read_bytes(&bytes[..length]);
        let verified = ends
            .iter()
            .rev()
            .find(|end| **end <= length)
            .copied()
            .unwrap_or(0);
        let expected = if verified == length && length > 0 {
            Tail::Clean
        } else {
            Tail::Torn {
                bytes: (length - verified) as u64,
            }
        };
        assert_eq!(found.tail, expected, "cut at {length}");
        assert_eq!(found.records[..], whole.records[..found.records.len()]);
        let committed = ends
            .iter()
            .filter(|end| **end <= length && bytes[..**end].ends_with(b"\n"));
        assert!(committed.count() >= found.transactions.len());
    }
}

#[test]
fn every_flipped_bit_is_damage_and_what_stands_before_it_is_not_lost() {
    let world = World::new();
    let bytes = fixture(&world);
    let whole = read_bytes(&bytes);
    let starts = line_starts(&bytes);
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1 << bit;
            let found = read_bytes(&flipped);
            assert!(
                matches!(found.tail, Tail::Damaged { .. }),
                "bit {bit} of byte {index}: {:?} {:?}",
                found.tail,
                String::from_utf8_lossy(
                    &flipped[starts[starts.partition_point(|start| *start <= index) - 1]..]
                )
                .lines()
                .next()
            );
            assert_eq!(found.records[..], whole.records[..found.records.len()]);
            assert!(!found.problems.is_empty());
        }
    }
}

#[test]
fn a_byte_that_lost_its_only_bit_is_no_hole_even_at_the_end_of_a_sector() {
    let found = (0..512).find_map(|length| {
        let world = World::new();
        let mut log = world.open();
        append(&mut log, &[state(&"x".repeat(length))]);
        let mut bytes = world.disk.get(LOG).unwrap();
        let commit = bytes
            .windows(8)
            .position(|window| window == b"@commit ")
            .unwrap();
        bytes[commit] = 0;
        (commit % 512 == 511).then(|| read_bytes(&bytes).tail)
    });
    assert!(matches!(found, Some(Tail::Damaged { .. })), "{found:?}");
}

#[test]
fn the_end_of_another_log_does_not_follow() {
    let (one, other) = (World::new(), World::new());
    for (world, first) in [(&one, 10), (&other, 20)] {
        let mut log = world.open();
        append(&mut log, &[assign("LIMIT", first)]);
        append(&mut log, &[assign("LIMIT", 30)]);
    }
    // Both begin with the same header and have the same numbers.
    let (one, other) = (one.log_text(), other.log_text());
    let last = |text: &str| text.rfind("@patch").unwrap();
    let joined = [&one[..last(&one)], &other[last(&other)..]].concat();
    let found = read_bytes(joined.as_bytes());
    let Tail::Damaged { problem, .. } = &found.tail else {
        panic!("{:?}", found.tail)
    };
    assert_eq!(problem, "record 4 does not follow the one before it");
    assert_eq!(found.transactions.len(), 1);
}

#[test]
fn a_torn_tail_is_kept_cut_off_and_told_of() {
    let world = World::new();
    let bytes = fixture(&world);
    let torn = &bytes[..bytes.len() - 40];
    let world = World::new();
    world.disk.put(LOG, torn);
    world.disk.put("/desk/bank.py.log.torn", b"of another day");
    let mut log = world.open();
    let notice = log.notices().join("\n");
    assert!(notice.contains("/desk/bank.py.log.torn.2"), "{notice}");
    let kept = world.disk.get("/desk/bank.py.log.torn.2").unwrap();
    let cut = torn.len() - kept.len();
    assert_eq!(kept, torn[cut..]);
    assert_eq!(world.disk.get(LOG).unwrap()[..cut], torn[..cut]);
    assert_eq!(
        world.disk.get("/desk/bank.py.log.torn").unwrap(),
        b"of another day"
    );
    append(&mut log, &[assign("LIMIT", 3)]);
    let found = world.read();
    assert_eq!(found.tail, Tail::Clean);
    let said = found.records.iter().find_map(|record| match &record.entry {
        Entry::Torn(torn) => Some((torn.bytes, torn.kept.clone())),
        _ => None,
    });
    assert_eq!(said, Some((kept.len() as u64, "bank.py.log.torn.2".into())));
}

#[test]
fn the_first_write_of_a_log_may_be_torn_as_well() {
    let world = World::new();
    let bytes = fixture(&world);
    for length in [0, 1, 11, 12, 14, 60, 170] {
        let world = World::new();
        world.disk.put(LOG, &bytes[..length]);
        let mut log = world.open();
        append(&mut log, &[assign("LIMIT", 3)]);
        let found = world.read();
        assert_eq!(found.tail, Tail::Clean);
        assert_eq!(found.transactions.len(), 1);
        let kept = world.disk.get("/desk/bank.py.log.torn").unwrap_or_default();
        assert_eq!(kept, bytes[..length]);
    }
}

#[test]
fn zeros_at_the_end_are_a_torn_tail() {
    let world = World::new();
    let bytes = fixture(&world);
    for (length, zeros) in [
        (bytes.len(), 1),
        (bytes.len(), 4096),
        (bytes.len() - 100, 5000),
        (0, 4096),
    ] {
        let mut grown = bytes[..length].to_vec();
        grown.resize(length + zeros, 0);
        let found = read_bytes(&grown);
        assert!(
            matches!(found.tail, Tail::Torn { .. }),
            "{length} {zeros}: {:?}",
            found.tail
        );
    }
}

#[test]
fn a_hole_in_what_was_synced_is_damage() {
    let world = World::new();
    let mut log = world.open();
    for value in 2..40 {
        let committed = append(&mut log, &[assign("LIMIT", value)]);
        log.done(committed.tx, 0.1);
    }
    let mut bytes = world.disk.get(LOG).unwrap();
    bytes[1024..1536].fill(0);
    let found = read_bytes(&bytes);
    assert!(
        matches!(found.tail, Tail::Damaged { .. }),
        "{:?}",
        found.tail
    );
    assert!(!found.transactions.is_empty());
}

#[test]
fn blocks_of_another_time_are_damage() {
    let world = World::new();
    let bytes = fixture(&world);
    let starts = line_starts(&bytes);
    for start in &starts[1..starts.len() - 1] {
        // The end of the file is what some other part of it was.
        let mut stale = bytes.clone();
        stale.extend_from_slice(&bytes[*start..]);
        let found = read_bytes(&stale);
        assert!(
            matches!(found.tail, Tail::Damaged { .. }),
            "{start}: {:?}",
            found.tail
        );
        assert_eq!(found.transactions.len(), 3);
    }
}

#[test]
fn records_deleted_doubled_and_exchanged_are_damage() {
    let world = World::new();
    let bytes = fixture(&world);
    let text = String::from_utf8(bytes).unwrap();
    let mut records: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match records.last_mut() {
            Some(last) if !line.starts_with('@') || line.starts_with("@. ") => last.push_str(line),
            _ => records.push(line.to_owned()),
        }
    }
    let count = records.len();
    for index in 0..count {
        let mut deleted = records.clone();
        deleted.remove(index);
        let mut doubled = records.clone();
        doubled.insert(index, records[index].clone());
        let mut exchanged = records.clone();
        exchanged.swap(index, (index + 1) % count);
        for (what, records) in [
            ("deleted", deleted),
            ("doubled", doubled),
            ("exchanged", exchanged),
        ] {
            if what == "deleted" && index + 1 == count {
                // That is a torn tail; the anchor knows better, see below.
                continue;
            }
            let found = read_bytes(records.concat().as_bytes());
            assert!(
                matches!(found.tail, Tail::Damaged { .. }),
                "{what} {index}: {:?}",
                found.tail
            );
            assert_ne!(found.problems, Vec::<String>::new());
        }
    }
}

#[test]
fn a_log_that_was_cut_back_or_is_an_older_copy_is_known_by_its_anchor() {
    let world = World::new();
    let bytes = fixture(&world);
    for end in clean_ends(&bytes) {
        if end == bytes.len() {
            continue;
        }
        world.disk.put(LOG, &bytes[..end]);
        let found = world.read();
        let Tail::Damaged { problem, .. } = &found.tail else {
            panic!("{:?}", found.tail)
        };
        assert!(problem.contains("cut back"), "{problem}");
    }
    // The same number of records, but not those.
    let other = World::new();
    let mut log = other.open();
    append(&mut log, &[assign("LIMIT", 4)]);
    world.disk.put(LOG, &other.disk.get(LOG).unwrap());
    assert_ne!(world.read().problems, Vec::<String>::new());
}

#[test]
fn a_damaged_log_is_left_alone_and_a_new_one_goes_on() {
    let world = World::new();
    let mut bytes = fixture(&world);
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    world.disk.put(LOG, &bytes);
    let mut log = world.open();
    assert!(log.notices().join("\n").contains("is damaged at line"));
    assert_eq!(world.disk.get(LOG).unwrap(), bytes);
    let before = log.read().transactions.len();
    assert!(before < 3);
    let committed = append(&mut log, &[assign("LIMIT", 7)]);
    assert_eq!(world.disk.get("/desk/bank.py.log.1").unwrap(), bytes);
    // No number means two changes.
    assert!(committed.numbers[0] > 12, "{committed:?}");
    let logs = relive_log::read_all(&world.rim, Path::new(SOURCE)).unwrap();
    assert_eq!(logs.len(), 2);
    assert!(matches!(logs[0].tail, Tail::Damaged { .. }));
    assert_eq!(logs[1].tail, Tail::Clean);
    assert_eq!(logs[1].transactions[0].signed, Signed::Mine);
}

#[test]
fn numbers_that_are_lost_with_their_records_are_not_given_again() {
    let world = World::new();
    let bytes = fixture(&world);
    let last = world.read().records.last().unwrap().seq;
    // What stood behind the first kilobyte is another program's.
    let spoiled = [&bytes[..1024], b"\n2026-08-25 INFO started\n".as_slice()].concat();
    world.disk.put(LOG, &spoiled);
    let mut log = world.open();
    let committed = append(&mut log, &[assign("LIMIT", 7)]);
    assert!(committed.numbers[0] > last, "{committed:?}, {last}");
    assert_eq!(world.read().problems, Vec::<String>::new());
}

#[test]
fn a_log_whose_line_ends_were_converted_is_read_and_goes_on() {
    let world = World::new();
    let bytes = fixture(&world);
    let before = world.read();
    let converted = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
    world.disk.put(LOG, converted.as_bytes());
    let found = world.read();
    assert_eq!(found.tail, Tail::Clean);
    assert_eq!(
        (&found.records, &found.transactions),
        (&before.records, &before.transactions)
    );
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 3)]);
    let found = world.read();
    assert_eq!(found.tail, Tail::Clean);
    assert!(
        found
            .transactions
            .iter()
            .all(|transaction| transaction.signed == Signed::Mine)
    );
}

#[test]
fn a_transaction_with_an_unknown_kind_is_not_understood_and_experiments_are_left_out() {
    let world = World::new();
    world
        .disk
        .put(LOG, include_bytes!("../fixtures/v1/newer-kinds.py.log"));
    let found = read(&world.rim, Path::new(SOURCE)).unwrap();
    assert_eq!(found.tail, Tail::Clean);
    let understood: Vec<bool> = found
        .transactions
        .iter()
        .map(|transaction| transaction.is_understood)
        .collect();
    assert_eq!(understood, [true, false, true], "{}", kinds(&found));
}
