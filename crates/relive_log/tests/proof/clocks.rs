//! Clocks jump, machines boot, and numbers of processes come again: nothing of that confuses a log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use relive_log::{Clock, Entry, Fate, Home, Log, Outcome, Process, Rim, history};

use crate::world::{SOURCE, World, append, assign, rim};

/// A clock that is set back by a day each time that it is looked at.
#[derive(Default)]
struct Backwards(AtomicU32);

impl Clock for Backwards {
    fn now(&self) -> String {
        let day = 28 - self.0.fetch_add(1, Ordering::Relaxed) % 28;
        format!("2026-02-{day:02}T10:11:02.114Z")
    }
}

#[test]
fn order_goes_by_number_when_the_clock_is_set_back() {
    let mut world = World::new();
    world.rim.clock = Arc::new(Backwards::default());
    let mut log = world.open();
    for value in 2..6 {
        let committed = append(&mut log, &[assign("LIMIT", value)]);
        log.done(committed.tx, 0.1);
    }
    drop(log);
    let changes = history(&world.read());
    let times: Vec<&str> = changes.iter().map(|change| change.at.as_str()).collect();
    let texts: Vec<String> = changes
        .iter()
        .filter_map(|change| match &change.kind {
            relive_log::ChangeKind::Patch { new, .. } => new.clone(),
            _ => None,
        })
        .collect();
    assert!(times.windows(2).any(|pair| pair[1] < pair[0]), "{times:?}");
    assert_eq!(
        texts,
        ["LIMIT = 2\n", "LIMIT = 3\n", "LIMIT = 4\n", "LIMIT = 5\n"]
    );
    // The next process goes on, whatever the time says.
    assert_eq!(append(&mut world.open(), &[assign("LIMIT", 6)]).tx, 5);
}

#[test]
fn a_process_after_a_reboot_with_the_same_number_is_another_one() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    world.disk.crash(1);
    drop(log);

    let rebooted = Rim {
        home: Home::at("/home/relive"),
        process: Process {
            boot: "d3a2".to_owned(),
            ..world.rim.process.clone()
        },
        ..rim(&world.disk)
    };
    let mut log = Log::open(&rebooted, Path::new(SOURCE), "77aa", "3.13.0").unwrap();
    let committed = append(&mut log, &[assign("LIMIT", 3)]);
    log.done(committed.tx, 0.1);
    drop(log);

    let read = world.read();
    let processes: Vec<(u32, &str, &str)> = read
        .records
        .iter()
        .filter_map(|record| match &record.entry {
            Entry::Session(start) => Some((start.pid, start.boot.as_str(), start.session.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(processes, [(1, "c2f1", "9be1"), (1, "d3a2", "77aa")]);
    // What was in flight when the machine went down is not taken for the new process's.
    let fates: Vec<Fate> = read.transactions.iter().map(|found| found.fate).collect();
    assert_eq!(fates, [Fate::InFlight, Fate::Done]);
    let outcomes: Vec<Outcome> = history(&read)
        .iter()
        .filter(|change| matches!(change.kind, relive_log::ChangeKind::Patch { .. }))
        .map(|change| change.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Unfinished, Outcome::Applied]);
}
