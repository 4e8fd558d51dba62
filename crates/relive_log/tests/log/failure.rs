//! Disks that refuse, fill up and fail.

use std::io::ErrorKind;

use relive_log::{AppendError, Failure, Fate, Log, SyncMode, Tail, Via};

use crate::world::{LOG, SOURCE, World, append, assign};

/// One transaction in the log, and a log open to write the second.
fn prepared() -> (World, Log) {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.done(1, 0.1);
    (world, log)
}

#[test]
fn whichever_call_fails_the_change_is_refused_and_the_next_one_works() {
    for is_first in [true, false] {
        for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
            let mut refused = 0;
            for call in 0.. {
                let (world, mut log) = if is_first {
                    let world = World::new();
                    let log = world.open();
                    (world, log)
                } else {
                    prepared()
                };
                let before = log.read().transactions.len();
                world.disk.fail_call(call, kind);
                let calls = world.disk.calls();
                let result = log.append(&[assign("LIMIT", 3)], Via::Repl, None, None);
                let used = world.disk.calls() - calls;
                world.disk.heal();
                if result.is_err() {
                    refused += 1;
                    assert_eq!(log.read().transactions.len(), before);
                    let found = world.read();
                    let live = found
                        .transactions
                        .iter()
                        .filter(|transaction| transaction.fate != Fate::InFlight);
                    assert!(live.count() <= before, "call {call}: {:?}", found.tail);
                }
                let committed = append(&mut log, &[assign("LIMIT", 4)]);
                log.done(committed.tx, 0.1);
                let found = world.read();
                assert_eq!(found.tail, Tail::Clean, "call {call}\n{}", world.log_text());
                assert_eq!(found.records, log.read().records);
                // What was refused is not there, or is marked.
                let applied = found
                    .transactions
                    .iter()
                    .filter(|found| found.fate == Fate::Done);
                let wanted = before + 1;
                assert_eq!(applied.count(), wanted, "call {call}\n{}", world.log_text());
                let unknown = found
                    .transactions
                    .iter()
                    .filter(|found| found.fate == Fate::InFlight);
                assert_eq!(unknown.count(), usize::from(result.is_ok()), "call {call}");
                // And a power loss now takes nothing of it.
                drop(log);
                world.disk.crash(call);
                let after = world.read();
                assert!(
                    after.transactions.len() >= wanted,
                    "call {call}: {:?}",
                    after.tail
                );
                if used < call {
                    break;
                }
            }
            // The write and the sync at least.
            assert!(refused >= 2, "{refused}");
        }
    }
}

#[test]
fn what_can_neither_be_synced_nor_cut_off_again_is_marked_as_refused() {
    let mut marked = 0;
    for call in 0..20 {
        let (world, mut log) = prepared();
        world.disk.fail_from(call, ErrorKind::Other);
        let refused = log
            .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
            .is_err();
        world.disk.heal();
        let was_written = world.read().transactions.len() == 2;
        append(&mut log, &[assign("LIMIT", 4)]);
        let found = world.read();
        assert_eq!(found.tail, Tail::Clean, "call {call}");
        assert_eq!(found.records, log.read().records);
        if refused && was_written {
            marked += 1;
            assert_eq!(
                found.transactions[1].fate,
                Fate::Failed(Failure::Refused),
                "call {call}"
            );
        }
        let in_flight = found
            .transactions
            .iter()
            .filter(|found| found.fate == Fate::InFlight);
        assert_eq!(in_flight.count(), 1 + usize::from(!refused), "call {call}");
    }
    assert!(marked > 0);
}

#[test]
fn a_full_disk_is_named_and_nothing_is_left_behind() {
    let (world, mut log) = prepared();
    let before = world.disk.get(LOG).unwrap();
    for room in [0, 1, 100, 250] {
        world.disk.set_room(room);
        let error = log
            .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
            .unwrap_err();
        assert!(matches!(error, AppendError::Full { .. }), "{error}");
        let words = error.to_string();
        assert!(
            words.contains("free some space") && words.contains(LOG),
            "{words}"
        );
        assert_eq!(world.disk.get(LOG).unwrap(), before);
        world.disk.heal();
    }
    append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!(world.read().transactions.len(), 2);
}

#[test]
fn a_first_change_that_fails_leaves_no_log() {
    let world = World::new();
    let mut log = world.open();
    world.disk.set_room(200);
    log.append(&[assign("LIMIT", 3)], Via::Repl, None, None)
        .unwrap_err();
    assert_eq!(world.disk.get(LOG), None);
    world.disk.heal();
    append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!(world.read().tail, Tail::Clean);
}

#[test]
fn what_a_failed_sync_may_have_lost_is_written_again_through_another_descriptor() {
    // The second call of the sync would say that all is well, and it is not.
    let (world, mut log) = (0..100)
        .find_map(|call| {
            let (world, mut log) = prepared();
            world.disk.fail_call(call, ErrorKind::Other);
            let error = log
                .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
                .err();
            world.disk.heal();
            let is_sync = error.is_some_and(|error| error.to_string().contains("synced"));
            is_sync.then_some((world, log))
        })
        .unwrap();
    let committed = append(&mut log, &[assign("LIMIT", 4)]);
    for seed in 0..50 {
        let other = world.disk.clone();
        other.crash(seed);
        let found = world.read();
        assert!(
            matches!(found.tail, Tail::Clean | Tail::Torn { .. }),
            "{:?}",
            found.tail
        );
        assert_eq!(found.transactions.last().unwrap().tx, committed.tx);
    }
}

#[test]
fn a_done_that_cannot_be_written_comes_with_the_next_change() {
    let (world, mut log) = prepared();
    let committed = append(&mut log, &[assign("LIMIT", 3)]);
    world.disk.set_room(10);
    log.done(committed.tx, 0.1);
    assert_eq!(world.read().transactions[1].fate, Fate::InFlight);
    assert_eq!(log.read().transactions[1].fate, Fate::Done);
    world.disk.heal();
    append(&mut log, &[assign("LIMIT", 4)]);
    let found = world.read();
    assert_eq!(found.transactions[1].fate, Fate::Done);
    assert_eq!(found.records, log.read().records);
}

#[test]
fn where_nothing_can_be_created_the_log_is_kept_in_the_state_directory() {
    let world = World::new();
    world.disk.set_read_only("/desk", true);
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    append(&mut log, &[assign("LIMIT", 3)]);
    assert!(log.path().starts_with("/home/relive/logs"));
    let notices = log.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains(SOURCE) && notices[0].contains("/home/relive/logs/"));
    assert_eq!(world.disk.get(LOG), None);
    assert_eq!(world.read().transactions.len(), 2);
    drop(log);
    // The next session finds it, even if there is room beside the source by then.
    world.disk.set_read_only("/desk", false);
    let mut log = world.open();
    assert_eq!(log.read().transactions.len(), 2);
    append(&mut log, &[assign("LIMIT", 4)]);
    assert_eq!(world.read().transactions.len(), 3);
}

#[test]
fn a_log_that_becomes_read_only_goes_on_elsewhere_with_all_that_it_has() {
    let (world, log) = prepared();
    drop(log);
    world.disk.set_read_only(LOG, true);
    world.disk.set_read_only("/desk", true);
    let before = world.disk.get(LOG).unwrap();
    let mut log = world.open();
    assert_eq!(log.read().transactions.len(), 1);
    append(&mut log, &[assign("LIMIT", 3)]);
    let found = world.read();
    assert!(found.log.starts_with("/home/relive"));
    assert_eq!(found.transactions.len(), 2);
    assert_eq!(found.tail, Tail::Clean);
    assert_eq!(world.disk.get(LOG).unwrap(), before);
}

#[test]
fn what_need_not_survive_a_power_loss_is_written_and_not_synced() {
    for sync in [SyncMode::Full, SyncMode::Process] {
        let world = World::new();
        let mut log = world.open();
        log.set_sync(sync);
        // The first change makes the user's key as well, which is synced.
        append(&mut log, &[assign("LIMIT", 2)]);
        log.done(1, 0.1);
        let before = world.disk.syncs();
        for value in 3..6 {
            let committed = append(&mut log, &[assign("LIMIT", value)]);
            log.done(committed.tx, 0.1);
        }
        let synced = if sync == SyncMode::Full { 3 } else { 0 };
        assert_eq!(world.disk.syncs() - before, synced, "{sync:?}");
        // A fold is about the source, and synced with all that is before it.
        log.begin_fold("b3:0123456789abcdef", "b3:fedcba9876543210", &[2])
            .unwrap();
        assert_eq!(world.disk.syncs() - before, synced + 1, "{sync:?}");
        // The process ends here.
        drop(log);
        assert_eq!(world.read().transactions.len(), 4);
        assert_eq!(world.read().tail, Tail::Clean);
    }
}
