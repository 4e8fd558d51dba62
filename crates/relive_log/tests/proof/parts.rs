//! A change of several modules whose parts are written and whose whole is refused.

use std::path::Path;

use relive_log::{Cause, Log, Via, read};

use crate::world::{World, append, assign};

/// The part in `bank.py` was written, the session's log could not be, and the process died before `bank.py.log` said that
/// its part was refused. The next transaction of the session got the number that the part names, and made it count.
#[test]
fn a_part_of_a_change_that_was_refused_does_not_count_because_of_the_next_one() {
    let world = World::new();
    let mut bank = world.open();
    let own = world.rim.home.session_log("9be1");
    let mut session = Log::open(&world.rim, &own, "9be1", "3.13.0").unwrap();
    append(&mut session, &[assign("x", 1)]);

    let within = Cause {
        session: "9be1".to_owned(),
        tx: session.next_tx(),
    };
    let part = [assign("LIMIT", 2)];
    bank.append(&part, Via::Patch, Some(&within), Some(&within))
        .unwrap();
    // Here the session's log is refused; nothing of that is in a log.
    session.give_up_tx();
    let next = append(&mut session, &[assign("x", 2)]);
    assert_eq!(next.tx, within.tx + 1);
    assert_eq!(append(&mut session, &[assign("x", 3)]).tx, next.tx + 1);
    world.disk.kill();

    assert!(!world.read().transactions[0].is_committed);
    let session = read(&world.rim, Path::new(&own)).unwrap();
    assert_eq!(session.problems, Vec::<String>::new());
    let numbers: Vec<u64> = session.transactions.iter().map(|found| found.tx).collect();
    assert_eq!(numbers, [1, 3, 4]);
}

/// The same where the session's log has no record yet.
#[test]
fn the_first_number_of_a_log_can_be_given_up_too() {
    let world = World::new();
    let mut log = world.open();
    log.give_up_tx();
    assert_eq!(append(&mut log, &[assign("LIMIT", 2)]).tx, 2);
    drop(log);
    assert_eq!(append(&mut world.open(), &[assign("LIMIT", 3)]).tx, 3);
}
