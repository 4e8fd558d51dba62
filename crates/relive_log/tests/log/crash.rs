//! Power losses: what was synced is there, and any part of the rest.

use std::path::Path;

use relive_log::memory::MemoryDisk;
use relive_log::{Draft, Entry, Log, ReadLog, Signed, Tail, Via};

use crate::world::{LOG, SOURCE, World, assign, rim};

/// Numbers that look random, the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What this process knows of a transaction.
#[derive(Debug)]
struct Acknowledged {
    tx: u64,
    values: Vec<u32>,
}

/// Values that a transaction of a log assigns.
fn values(log: &ReadLog, first: u64, last: u64) -> Vec<u32> {
    let records = log
        .records
        .iter()
        .filter(|record| (first..last).contains(&record.seq));
    let texts = records.filter_map(|record| match &record.entry {
        Entry::Patch(patch) => patch.new_text(),
        _ => None,
    });
    texts
        .map(|text| {
            text.lines()
                .next()
                .unwrap()
                .rsplit(' ')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

/// Long enough that some transactions go over several sectors.
fn draft(value: u32, lines: u64) -> Draft {
    let mut draft = assign("LIMIT", value);
    if let Draft::Patch { new: Some(new), .. } = &mut draft {
        for line in 0..lines {
            new.push_str(&format!("# why {line}, in some more words than that\n"));
        }
    }
    draft
}

/// What is there must be what was acknowledged, and at most `more` besides. False if the log is taken for damaged.
fn check(
    world: &World,
    found: &ReadLog,
    acknowledged: &[Acknowledged],
    more: usize,
    context: &str,
) -> bool {
    let transactions = &found.transactions;
    match &found.tail {
        Tail::Clean | Tail::Torn { .. } => {}
        Tail::Missing => assert!(acknowledged.is_empty(), "{context}: the log is gone"),
        // A hole of a single byte cannot be told from a byte that has lost its only bit.
        Tail::Damaged { .. } if has_tiny_hole(&world.disk.get(LOG).unwrap()) => {}
        tail => {
            let text = world.disk.get(LOG).unwrap();
            let text = String::from_utf8_lossy(&text).replace("\0\0", "");
            panic!("{context}: {tail:?}\n{text}");
        }
    }
    assert!(
        (acknowledged.len()..=acknowledged.len() + more).contains(&transactions.len()),
        "{context}: {} acknowledged, {} there, {:?}",
        acknowledged.len(),
        transactions.len(),
        found.tail
    );
    for (known, there) in acknowledged.iter().zip(transactions) {
        assert_eq!(known.tx, there.tx, "{context}");
        assert_eq!(
            known.values,
            values(found, there.first, there.last),
            "{context}"
        );
    }
    for there in transactions {
        assert_eq!(there.signed, Signed::Mine, "{context}");
    }
    !matches!(found.tail, Tail::Damaged { .. })
}

fn has_tiny_hole(bytes: &[u8]) -> bool {
    let is_hole = |index: usize| bytes.get(index) == Some(&0);
    (511..bytes.len())
        .step_by(512)
        .any(|last| is_hole(last) && !is_hole(last - 1) && !is_hole(last + 1))
}

/// A life of a machine: sessions that write transactions, killed or without power at any moment. False if a log was
/// taken for damaged.
fn live(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let world = World::new();
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut unacknowledged = Vec::new();
    let mut value = 1;
    for life in 0..3 {
        let world = World {
            disk: world.disk.clone(),
            rim: rim(&world.disk),
        };
        let context = format!("seed {seed}, life {life}");
        // The death comes at some call to the disk, or between two calls of ours.
        let calls = dice.below(60);
        if dice.below(3) > 0 {
            world.disk.fail_from(calls, std::io::ErrorKind::Other);
        }
        if let Ok(mut log) = Log::open(&world.rim, Path::new(SOURCE), "9be1", "-") {
            write(
                &mut log,
                &mut dice,
                &mut value,
                &mut acknowledged,
                &mut unacknowledged,
            );
        }
        die(&world.disk, &mut dice);
        // What was being written may be there, whole; so may what was in the life before, if nothing came after it.
        let found = world.read();
        if !check(
            &world,
            &found,
            &acknowledged,
            1 + unacknowledged.len(),
            &context,
        ) {
            return false;
        }
        // It may get lost until another is chained to it.
        let others = found.transactions.iter().skip(acknowledged.len());
        unacknowledged = others
            .map(|other| Acknowledged {
                tx: other.tx,
                values: values(&found, other.first, other.last),
            })
            .collect();
    }
    true
}

fn write(
    log: &mut Log,
    dice: &mut Dice,
    value: &mut u32,
    acknowledged: &mut Vec<Acknowledged>,
    unacknowledged: &mut Vec<Acknowledged>,
) {
    for _ in 0..1 + dice.below(4) {
        let mut drafts = Vec::new();
        let mut values = Vec::new();
        for _ in 0..1 + dice.below(3) {
            *value += 1;
            values.push(*value);
            let lines = [0, 0, 3, 20][dice.below(4) as usize];
            drafts.push(draft(*value, lines));
        }
        // After an error the process is as good as dead: a crash follows.
        let Ok(committed) = log.append(&drafts, Via::Repl, None, None) else {
            return;
        };
        acknowledged.append(unacknowledged);
        acknowledged.push(Acknowledged {
            tx: committed.tx,
            values,
        });
        if dice.below(4) > 0 {
            log.done(committed.tx, 0.1);
        }
    }
    if dice.below(3) == 0 {
        log.close();
    }
}

fn die(disk: &MemoryDisk, dice: &mut Dice) {
    if dice.below(4) == 0 {
        disk.kill();
        disk.heal();
    } else {
        disk.crash(dice.below(1 << 30));
    }
}

#[test]
fn no_acknowledged_change_is_lost_or_altered_and_none_is_there_by_half() {
    let seeds = std::env::var("RELIVE_CRASH_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    let seeds: u64 = seeds.unwrap_or(10_000);
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let damaged: usize = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let seeds = (thread..seeds).step_by(threads as usize);
                scope.spawn(move || seeds.filter(|seed| !live(*seed)).count())
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .sum()
    });
    assert!(
        damaged as u64 <= seeds / 2000 + 1,
        "{damaged} logs of {seeds} were taken for damaged"
    );
}

/// A log with two changes, then made unfit in some way.
fn unfit(spoil: fn(&World)) -> World {
    let world = World::new();
    let mut log = world.open();
    for value in 2..4 {
        let committed = log
            .append(&[assign("LIMIT", value)], Via::Repl, None, None)
            .unwrap();
        log.done(committed.tx, 0.1);
    }
    drop(log);
    spoil(&world);
    world
}

#[test]
fn a_repair_that_is_cut_off_at_any_call_is_made_again_and_no_byte_is_lost() {
    let tear = |world: &World| {
        let mut bytes = world.disk.get(LOG).unwrap();
        bytes.extend_from_slice(b"@patch 8 tx=3 at=");
        world.disk.put(LOG, &bytes);
    };
    let spoil = |world: &World| {
        let mut bytes = world.disk.get(LOG).unwrap();
        bytes.extend_from_slice(b"2026-08-25 INFO started\n");
        world.disk.put(LOG, &bytes);
    };
    type Spoil = fn(&World);
    let spoils: [(Spoil, &[u8]); 2] = [
        (tear, b"@patch 8 tx=3 at="),
        (spoil, b"2026-08-25 INFO started\n"),
    ];
    for (spoil, kept) in spoils {
        for call in 0..90 {
            let world = unfit(spoil);
            world.disk.fail_from(call, std::io::ErrorKind::Other);
            if let Ok(mut log) = Log::open(&world.rim, Path::new(SOURCE), "9be1", "-") {
                // It may work; what becomes of it then is the matter of another test.
                let _ = log.append(&[assign("LIMIT", 4)], Via::Repl, None, None);
            }
            if call % 3 == 0 {
                world.disk.kill();
                world.disk.heal();
            } else {
                world.disk.crash(call);
            }
            let world = World {
                disk: world.disk.clone(),
                rim: rim(&world.disk),
            };
            let mut log = world.open();
            log.append(&[assign("LIMIT", 5)], Via::Repl, None, None)
                .unwrap();
            let logs = relive_log::read_all(&world.rim, Path::new(SOURCE)).unwrap();
            assert_eq!(logs.last().unwrap().tail, Tail::Clean, "call {call}");
            let all: Vec<u32> = logs
                .iter()
                .flat_map(|log| {
                    let transactions = log.transactions.iter();
                    transactions.flat_map(|found| values(log, found.first, found.last))
                })
                .collect();
            assert!(
                all == [2, 3, 5] || all == [2, 3, 4, 5],
                "call {call}: {all:?}"
            );
            let is_kept = world.disk.files().iter().any(|path| {
                let bytes = world.disk.get(path).unwrap();
                bytes.windows(kept.len()).any(|window| window == kept)
            });
            assert!(is_kept, "call {call}");
        }
    }
}
