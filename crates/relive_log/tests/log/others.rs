//! Files that others could have prepared, and files that are no logs: a clear sentence each, and nothing touched.

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;

use relive_log::memory::USER;
use relive_log::{
    Access, Disk, Draft, FileKind, Home, Log, OpenError, ReadLog, Rim, Signed, Storage, Tail, read,
    trust,
};

use crate::world::{LOG, SOURCE, World, append, assign, rim};

fn foreign(found: &ReadLog) -> &str {
    let Tail::Foreign { problem } = &found.tail else {
        panic!("{:?}", found.tail)
    };
    problem
}

/// A change is kept elsewhere, the user is told why, and what is there stays as it is.
fn check_left_alone(world: &World, why: &str) {
    let before = world.disk.get(LOG);
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    assert!(
        log.path().starts_with("/home/relive/logs"),
        "{:?}",
        log.path()
    );
    let notices = log.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains(why), "{notices:?}");
    assert_eq!(world.disk.get(LOG), before);
    assert_eq!(world.read().transactions.len(), 1);
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    for (kind, words) in [
        (FileKind::Directory, "it is a directory"),
        (FileKind::Link, "it is a symbolic link"),
        (FileKind::Other, "it is a pipe, a socket or a device"),
    ] {
        let world = World::new();
        world.disk.put_kind(LOG, kind);
        assert_eq!(foreign(&world.read()), words);
        check_left_alone(&world, words);
    }
}

#[test]
fn real_directories_pipes_and_links_are_told_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let rim = Rim::real(Home::at(directory.path().join("home")));
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("a.py.log")).unwrap();
    symlink("/etc/passwd", path("b.py.log")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("c.py.log"), mode).unwrap();
    let mut told = Vec::new();
    for name in ["a.py", "b.py", "c.py"] {
        fs::write(path(name), "X = 1\n").unwrap();
        told.push(foreign(&read(&rim, &path(name)).unwrap()).to_owned());
        let mut log = Log::open(&rim, &path(name), "9be1", "-").unwrap();
        append(&mut log, &[assign("X", 2)]);
        assert!(log.path().starts_with(path("home")));
    }
    assert_eq!(
        told,
        [
            "it is a directory",
            "it is a symbolic link",
            "it is a pipe, a socket or a device"
        ]
    );
    assert!(path("a.py.log").is_dir());
    assert!(path("b.py.log").is_symlink());
    assert!(
        fs::metadata(path("c.py.log"))
            .unwrap()
            .file_type()
            .is_fifo()
    );
}

#[test]
fn the_disk_follows_no_link_and_waits_for_no_pipe() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("file"), "").unwrap();
    symlink(path("file"), path("link")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("pipe"), mode).unwrap();
    for access in [Access::Read, Access::Write, Access::CreateNew(0o600)] {
        assert!(Disk.open(&path("link"), access).is_err());
    }
    let pipe = Disk.open(&path("pipe"), Access::Read).unwrap();
    assert_eq!(pipe.status().unwrap().kind, FileKind::Other);
    // Nor is another file put in the place of one that is there.
    assert!(Disk.rename_new(&path("file"), &path("pipe")).is_err());
    fs::write(path("other"), "other").unwrap();
    Disk.exchange(&path("file"), &path("other")).unwrap();
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "other");
}

#[test]
fn the_output_of_a_program_is_no_log() {
    let world = World::new();
    world
        .disk
        .put(LOG, b"nohup: ignoring input\n\x1b[31mboom\n");
    assert_eq!(
        foreign(&world.read()),
        "its first line is `nohup: ignoring input`"
    );
    check_left_alone(&world, "nohup: ignoring input");
    // What is shown of it cannot harm a terminal.
    world.disk.put(LOG, b"\x1b]0;gotcha\x07\xff\n");
    let world = World {
        rim: rim(&world.disk),
        ..world
    };
    let found = relive_log::read(&world.rim, Path::new("/desk/bank.py.log")).unwrap();
    assert!(
        found
            .problems
            .iter()
            .all(|problem| !problem.contains('\x1b')),
        "{:?}",
        found.problems
    );
}

#[test]
fn a_file_of_ten_gigabytes_is_no_log_and_is_not_read() {
    let world = World::new();
    world.disk.put(LOG, b"");
    world.disk.put_hollow(LOG, 10 << 30);
    assert_eq!(
        foreign(&world.read()),
        "it has 10 GB, and a change log has at most 1 GiB"
    );
    check_left_alone(&world, "it has 10 GB");
}

#[test]
fn a_large_file_of_zeros_is_no_log() {
    let world = World::new();
    world.disk.put(LOG, b"");
    world.disk.put_hollow(LOG, 100 << 20);
    assert_eq!(foreign(&world.read()), "it begins with bytes that are zero");
}

#[test]
fn a_line_of_ten_megabytes_is_damage() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    drop(log);
    let mut bytes = world.disk.get(LOG).unwrap();
    bytes.extend_from_slice(b"@note 4 at=now text=");
    bytes.resize(bytes.len() + 10_000_000, b'a');
    world.disk.put(LOG, &bytes);
    let found = world.read();
    let Tail::Damaged { problem, .. } = &found.tail else {
        panic!("{:?}", found.tail)
    };
    assert_eq!(problem, "a record is longer than 1 MiB");
    assert_eq!(found.transactions.len(), 1);
    // Nor is it the first line of a log.
    world.disk.put(LOG, &vec![b'a'; 10_000_000]);
    assert!(foreign(&world.read()).len() < 200);
}

#[test]
fn a_newer_log_is_read_as_far_as_it_is_understood_and_never_written() {
    let world = World::new();
    let bytes = include_bytes!("../fixtures/v1/newer.py.log");
    world.disk.put(LOG, bytes);
    let found = world.read();
    assert_eq!(found.tail, Tail::Newer { version: 2 });
    assert!(found.problems[0].contains("version 2"));
    let error = Log::open(&world.rim, Path::new(SOURCE), "9be1", "-")
        .err()
        .unwrap();
    assert!(matches!(error, OpenError::Newer { version: 2, .. }));
    assert!(error.to_string().contains("update relive"), "{error}");
    assert_eq!(world.disk.get(LOG).unwrap(), bytes);
}

#[test]
fn nothing_is_mine_in_a_log_that_someone_else_could_have_prepared() {
    type Spoil = fn(&World);
    let spoils: [(Spoil, &str); 5] = [
        (
            |world| world.disk.set_owner(LOG, USER + 1),
            "it belongs to another user (number 1001)",
        ),
        (
            |world| world.disk.set_extra_links(LOG, 1),
            "it has 2 names (hard links)",
        ),
        (
            |world| world.disk.set_mode(LOG, 0o620),
            "other users may write to it",
        ),
        (
            |world| world.disk.set_mode(LOG, 0o602),
            "other users may write to it",
        ),
        (
            |world| world.disk.set_mode("/desk", 0o1777),
            "it stands in a directory to which everybody may write",
        ),
    ];
    for (spoil, why) in spoils {
        let world = World::new();
        let mut log = world.open();
        append(&mut log, &[assign("LIMIT", 2)]);
        drop(log);
        assert_eq!(world.read().transactions[0].signed, Signed::Mine);
        spoil(&world);
        let found = world.read();
        assert_eq!(found.distrust.as_deref(), Some(why));
        assert_eq!(found.transactions[0].signed, Signed::No);
        assert!(found.problems.iter().any(|problem| problem == why));
        let before = world.disk.get(LOG);
        let mut log = world.open();
        append(&mut log, &[assign("LIMIT", 3)]);
        assert!(log.path().starts_with("/home/relive/logs"));
        assert!(log.notices()[0].contains(why));
        assert_eq!(world.disk.get(LOG), before);
        // What is in it does not come along, since it may not be ours.
        assert_eq!(log.read().transactions.len(), 1);
    }
}

#[test]
fn a_log_that_another_user_signed_is_shown_and_not_mine_until_it_is_approved() {
    let theirs = World::new();
    let mut log = theirs.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    append(&mut log, &[assign("LIMIT", 3)]);
    drop(log);

    let mine = World::new();
    // Another key: the generator of a fresh disk would give the same one.
    mine.disk.make_directory("/home/relive");
    mine.disk.put("/home/relive/key", &[7; 32]);
    mine.disk.put(LOG, &theirs.disk.get(LOG).unwrap());
    let shown = mine.read();
    assert!(
        shown
            .transactions
            .iter()
            .all(|transaction| transaction.signed == Signed::No)
    );

    // They add a change after it was shown: that one is not approved.
    let mut log = theirs.open();
    append(&mut log, &[assign("LIMIT", 4)]);
    drop(log);
    mine.disk.put(LOG, &theirs.disk.get(LOG).unwrap());
    assert_eq!(trust(&mine.rim, &shown).unwrap(), 2);
    let signed: Vec<Signed> = mine
        .read()
        .transactions
        .iter()
        .map(|transaction| transaction.signed)
        .collect();
    assert_eq!(signed, [Signed::Approved, Signed::Approved, Signed::No]);

    // The same change at the same place of another log is another one.
    let mut other = theirs.disk.get(LOG).unwrap();
    let at = other
        .windows(9)
        .position(|window| window == b"LIMIT = 3")
        .unwrap();
    other[at + 8] = b'9';
    mine.disk.put(LOG, &other);
    assert!(matches!(mine.read().tail, Tail::Damaged { .. }));
    // There is nothing left to approve in a log that is approved, or empty.
    assert!(trust(&mine.rim, &World::new().read()).is_err());
}

#[test]
fn without_a_key_nothing_is_mine_and_a_key_that_others_can_read_is_not_used() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    drop(log);
    let spoils: [fn(&World); 4] = [
        |world| world.disk.set_mode("/home/relive/key", 0o640),
        |world| world.disk.set_owner("/home/relive/key", USER + 1),
        |world| world.disk.put("/home/relive/key", b"short"),
        |world| world.disk.put("/home/relive/key", &[1; 33]),
    ];
    let key = world.disk.get("/home/relive/key").unwrap();
    for spoil in spoils {
        spoil(&world);
        assert_eq!(world.read().transactions[0].signed, Signed::No);
        let error = world
            .open()
            .append(&[assign("LIMIT", 3)], relive_log::Via::Repl, None, None);
        let words = error.unwrap_err().to_string();
        assert!(words.contains("/home/relive/key"), "{words}");
        world.disk.put("/home/relive/key", &key);
        world.disk.set_mode("/home/relive/key", 0o600);
        world.disk.set_owner("/home/relive/key", USER);
        assert_eq!(world.read().transactions[0].signed, Signed::Mine);
    }
}

#[test]
fn a_log_that_was_moved_with_its_source_is_mine_from_another_place() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    drop(log);
    world.disk.make_directory("/other");
    world
        .disk
        .put("/other/bank.py.log", &world.disk.get(LOG).unwrap());
    let found = read(&world.rim, Path::new("/other/bank.py")).unwrap();
    assert_eq!(found.transactions[0].signed, Signed::Moved);
    assert_eq!(trust(&world.rim, &found).unwrap(), 1);
    let found = read(&world.rim, Path::new("/other/bank.py")).unwrap();
    assert_eq!(found.transactions[0].signed, Signed::Approved);
    // What is written there from now on is mine there.
    let mut log = Log::open(&world.rim, Path::new("/other/bank.py"), "9be1", "-").unwrap();
    append(&mut log, &[assign("LIMIT", 3)]);
    let found = read(&world.rim, Path::new("/other/bank.py")).unwrap();
    assert_eq!(found.transactions[1].signed, Signed::Mine);
}

#[test]
fn a_symbolic_link_to_a_source_leads_to_the_log_of_the_source() {
    let directory = tempfile::tempdir().unwrap();
    let rim = Rim::real(Home::at(directory.path().join("home")));
    fs::create_dir(directory.path().join("real")).unwrap();
    let source = directory.path().join("real/bank.py");
    fs::write(&source, "X = 1\n").unwrap();
    let link = directory.path().join("bank.py");
    symlink(&source, &link).unwrap();
    let mut log = Log::open(&rim, &link, "9be1", "-").unwrap();
    append(&mut log, &[assign("X", 2)]);
    assert_eq!(read(&rim, &source).unwrap().transactions.len(), 1);
    assert_eq!(read(&rim, &link).unwrap().transactions.len(), 1);
    assert!(!directory.path().join("bank.py.log").exists());
}

#[test]
fn a_state_directory_behind_a_link_is_the_same_before_and_after_it_is_made() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("real")).unwrap();
    symlink(directory.path().join("real"), directory.path().join("link")).unwrap();
    let rim = Rim::real(Home::at(directory.path().join("link/state/relive")));
    let path = rim.home.session_log("9be1");
    let mut log = Log::open(&rim, &path, "9be1", "-").unwrap();
    append(&mut log, &[assign("X", 2)]);
    drop(log);
    let mut log = Log::open(&rim, &path, "9be1", "-").unwrap();
    append(&mut log, &[assign("X", 3)]);
    let found = read(&rim, &path).unwrap();
    let signed: Vec<Signed> = found
        .transactions
        .iter()
        .map(|transaction| transaction.signed)
        .collect();
    assert_eq!(signed, [Signed::Mine, Signed::Mine]);
}

#[test]
fn source_names_may_be_anything() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    let rim = Rim::real(Home::at(directory.path().join("home")));
    let names: [&[u8]; 7] = [
        b"a b.py",
        b"a\nb.py",
        b"\xff\xfe.py",
        b"-.py",
        b"\"'$(reboot)\\.py",
        b"\x1b[2J.py",
        "\u{202e}yp.py".as_bytes(),
    ];
    for name in names {
        let source = directory.path().join(OsStr::from_bytes(name));
        fs::write(&source, "X = 1\n").unwrap();
        let mut log = Log::open(&rim, &source, "9be1", "-").unwrap();
        append(&mut log, &[assign("X", 2)]);
        let found = read(&rim, &source).unwrap();
        assert_eq!(found.tail, Tail::Clean);
        assert_eq!(found.header.as_ref().unwrap().source.as_bytes(), name);
        assert_eq!(found.transactions[0].signed, Signed::Mine);
        assert_eq!(read(&rim, log.path()).unwrap().records, found.records);
        let text = fs::read(log.path()).unwrap();
        assert!(
            text.iter()
                .all(|byte| *byte == b'\n' || (b' '..=b'~').contains(byte))
        );
    }
}

#[test]
fn a_log_in_the_state_directory_is_found_by_its_own_path_too() {
    let world = World::new();
    world.disk.put(LOG, b"hello\n");
    let mut log = world.open();
    let draft = Draft::Skip {
        of: 1,
        why: "a reason".to_owned(),
    };
    append(&mut log, &[draft]);
    let found = read(&world.rim, log.path()).unwrap();
    assert_eq!(found.source, Path::new(SOURCE));
    assert_eq!(found.transactions[0].signed, Signed::Mine);
}
