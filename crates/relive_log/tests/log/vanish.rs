//! Logs that others remove, rename, write to or hold.

use std::path::Path;

use relive_log::{AppendError, Log, OpenError, Storage, Tail, Via};

use crate::world::{LOG, SOURCE, World, append, assign};

fn prepared() -> (World, Log) {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.done(1, 0.1);
    append(&mut log, &[assign("RATE", 5)]);
    log.done(2, 0.1);
    (world, log)
}

/// The log has the two changes of `prepared`, and a third one.
fn check_whole(world: &World, log: &mut Log) {
    let committed = append(log, &[assign("LIMIT", 3)]);
    assert_eq!(committed.tx, 3);
    let found = world.read();
    assert_eq!(found.tail, Tail::Clean, "{}", world.log_text());
    assert_eq!(found.transactions.len(), 3);
    assert_eq!(found.records, log.read().records);
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    append(log, &[assign("LIMIT", 4)]);
    assert_eq!(world.read().transactions.len(), 4);
}

#[test]
fn a_removed_log_is_written_anew_with_all_changes_by_the_next_one() {
    let (world, mut log) = prepared();
    world.disk.remove(Path::new(LOG)).unwrap();
    check_whole(&world, &mut log);
    let notices = log.notices();
    assert!(
        notices[0].contains("written anew with all 2 changes"),
        "{notices:?}"
    );
}

#[test]
fn a_renamed_log_is_written_anew_and_the_renamed_one_left_alone() {
    let (world, mut log) = prepared();
    world
        .disk
        .rename(Path::new(LOG), Path::new("/desk/old.log"))
        .unwrap();
    let before = world.disk.get("/desk/old.log").unwrap();
    check_whole(&world, &mut log);
    assert_eq!(world.disk.get("/desk/old.log").unwrap(), before);
}

#[test]
fn an_emptied_or_shortened_log_gets_back_what_it_lacks() {
    for cut in [0, 1, 100, 400, 700, 900] {
        let (world, mut log) = prepared();
        let bytes = world.disk.get(LOG).unwrap();
        world.disk.put(LOG, &bytes[..cut.min(bytes.len() - 1)]);
        check_whole(&world, &mut log);
    }
}

#[test]
fn lines_of_another_tool_are_kept_and_the_log_is_written_anew() {
    for stray in ["hello\n", "@done 9 tx=2 ms=0.1\n", "-", "\n", "\0\0\0x"] {
        let (world, mut log) = prepared();
        let mut bytes = world.disk.get(LOG).unwrap();
        bytes.extend_from_slice(stray.as_bytes());
        world.disk.put(LOG, &bytes);
        check_whole(&world, &mut log);
        assert_eq!(
            world.disk.get("/desk/bank.py.log.1").unwrap(),
            bytes,
            "{stray:?}"
        );
    }
}

#[test]
fn a_copy_put_in_its_place_is_taken_and_another_log_is_not() {
    // As `git stash` and some editors do.
    let (world, mut log) = prepared();
    let bytes = world.disk.get(LOG).unwrap();
    world.disk.remove(Path::new(LOG)).unwrap();
    world.disk.put(LOG, &bytes);
    check_whole(&world, &mut log);
    assert_eq!(world.disk.get("/desk/bank.py.log.1"), None);

    let (world, mut log) = prepared();
    let other = World::new();
    // Another id: the generator of a fresh disk would give the same one.
    other.disk.random(&mut [0; 8]).unwrap();
    let mut other_log = other.open();
    append(&mut other_log, &[assign("LIMIT", 9)]);
    let foreign = other.disk.get(LOG).unwrap();
    world.disk.remove(Path::new(LOG)).unwrap();
    world.disk.put(LOG, &foreign);
    check_whole(&world, &mut log);
    assert_eq!(world.disk.get("/desk/bank.py.log.1").unwrap(), foreign);
}

#[test]
fn a_log_that_was_renamed_and_copied_back_goes_on_under_its_name() {
    // As tools do that rotate logs.
    let (world, mut log) = prepared();
    let bytes = world.disk.get(LOG).unwrap();
    world
        .disk
        .rename(Path::new(LOG), Path::new("/desk/old.log"))
        .unwrap();
    world.disk.put(LOG, &bytes);
    check_whole(&world, &mut log);
    assert_eq!(world.disk.get("/desk/old.log").unwrap(), bytes);
}

#[test]
fn a_log_whose_line_ends_are_converted_while_it_is_open_goes_on() {
    let (world, mut log) = prepared();
    let converted = world.log_text().replace('\n', "\r\n");
    world.disk.put(LOG, converted.as_bytes());
    check_whole(&world, &mut log);
    assert!(world.log_text().starts_with(&converted));
}

#[test]
fn what_another_tool_writes_at_the_very_moment_is_kept_and_the_change_is_made_all_the_same() {
    let (world, mut log) = prepared();
    let before = world.log_text();
    world.disk.intrude(LOG, b"2026-08-25 INFO started\n");
    check_whole(&world, &mut log);
    let kept = String::from_utf8(world.disk.get("/desk/bank.py.log.1").unwrap()).unwrap();
    assert!(
        kept.starts_with(&(before + "2026-08-25 INFO started\n")),
        "{kept}"
    );

    // Also when the change is the first one.
    let world = World::new();
    let mut log = world.open();
    world.disk.intrude(LOG, b"2026-08-25 INFO started\n");
    append(&mut log, &[assign("LIMIT", 2)]);
    let found = world.read();
    assert_eq!(
        (found.transactions.len(), &found.records),
        (1, &log.read().records)
    );
}

#[test]
fn what_is_no_log_in_its_place_is_left_alone() {
    let (world, mut log) = prepared();
    world.disk.remove(Path::new(LOG)).unwrap();
    world.disk.put(LOG, b"nohup: ignoring input\n");
    let committed = append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!(committed.tx, 3);
    assert_eq!(world.disk.get(LOG).unwrap(), b"nohup: ignoring input\n");
    let found = world.read();
    assert_eq!(found.transactions.len(), 3);
    assert!(found.log.starts_with("/home/relive/logs"));
    assert!(log.notices()[0].contains("nohup"));
}

#[test]
fn a_second_writer_is_told_who_has_the_log() {
    let (world, mut log) = prepared();
    let error = Log::open(&world.rim, Path::new(SOURCE), "77aa", "-")
        .err()
        .unwrap();
    assert!(matches!(error, OpenError::InUse { .. }));
    let words = error.to_string();
    assert!(words.contains("number 1 on kiwi, session 9be1"), "{words}");
    log.close();
    Log::open(&world.rim, Path::new(SOURCE), "77aa", "-").unwrap();
}

#[test]
fn of_two_that_begin_a_log_at_once_one_writes_and_the_other_goes_on_when_it_is_gone() {
    let world = World::new();
    let mut first = world.open();
    let mut second = Log::open(&world.rim, Path::new(SOURCE), "77aa", "-").unwrap();
    append(&mut first, &[assign("LIMIT", 2)]);
    let error = second
        .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
        .unwrap_err();
    assert!(
        matches!(error, AppendError::Open(OpenError::InUse { .. })),
        "{error}"
    );
    first.close();
    let committed = append(&mut second, &[assign("LIMIT", 3)]);
    assert_eq!(committed.tx, 2);
    assert_eq!(world.read().tail, Tail::Clean);
    assert_eq!(second.read().transactions.len(), 2);
}

#[test]
fn the_child_of_a_fork_cannot_write_and_the_parent_can() {
    let (world, mut log) = prepared();
    let before = world.disk.get(LOG).unwrap();
    world.disk.set_process(2);
    log.done(2, 0.5);
    let error = log
        .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
        .unwrap_err();
    assert!(
        matches!(error, AppendError::Forked { owner: 1, .. }),
        "{error}"
    );
    assert_eq!(world.disk.get(LOG).unwrap(), before);
    world.disk.set_process(1);
    // What the child has closed is closed in the child alone; here it is the same object.
    let error = log
        .append(&[assign("LIMIT", 3)], Via::Repl, None, None)
        .unwrap_err();
    assert!(matches!(error, AppendError::Forked { .. }));
}

#[test]
fn a_change_that_is_too_large_is_refused_by_its_name() {
    let (world, mut log) = prepared();
    let before = world.disk.get(LOG).unwrap();
    let mut draft = assign("LIMIT", 3);
    if let relive_log::Draft::Patch { new: Some(new), .. } = &mut draft {
        new.push_str(&"# a long story\n".repeat(80_000));
    }
    let error = log.append(&[draft], Via::Repl, None, None).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the text of LIMIT has more than 1 MiB"),
        "{error}"
    );
    assert_eq!(world.disk.get(LOG).unwrap(), before);
    append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!(world.read().tail, Tail::Clean);
}

#[test]
fn a_large_log_is_told_of_once() {
    let world = World::new();
    let mut log = world.open();
    let mut draft = assign("LIMIT", 3);
    if let relive_log::Draft::Patch { new: Some(new), .. } = &mut draft {
        new.push_str(&"# a long story\n".repeat(40_000));
    }
    for _ in 0..18 {
        append(&mut log, std::slice::from_ref(&draft));
    }
    let notices = log.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("fold"), "{notices:?}");
    drop(log);
    assert_eq!(world.open().notices().len(), 1);
}
