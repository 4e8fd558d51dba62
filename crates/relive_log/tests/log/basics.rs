//! A log from its first change to its close.

use std::path::Path;

use expect_test::expect;
use relive_log::{
    Cause, Entry, Failure, Fate, Home, Log, Outcome, Progress, Rim, Signed, Status, Storage, Tail,
    Via, history, read, read_all,
};

use crate::world::{LOG, SOURCE, World, append, assign, kinds, state};

#[test]
fn a_log_is_made_by_the_first_change_and_says_all_that_happened() {
    let world = World::new();
    let mut log = world.open();
    assert_eq!(log.read().tail, Tail::Missing);
    assert!(world.disk.get(LOG).is_none());

    let first = append(
        &mut log,
        &[assign("LIMIT", 2), state("LIMITS[\"daily\"] = 500")],
    );
    assert_eq!((first.tx, first.numbers.as_slice()), (1, [2, 3].as_slice()));
    log.done(1, 0.44);
    let second = append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!((second.tx, second.numbers.as_slice()), (2, [6].as_slice()));
    log.fail(2, Failure::Raised, "ZeroDivisionError: division by zero");
    append(&mut log, &[]);
    log.close();

    expect![[r#"
        @relive-log 0 v=1 id=aff44fec9beae13c source=bank.py base=b3:6865543fec025402 enc=utf-8 eol=lf py=3.13.0 relive=0.1.0 prev=00000000000000000000000000000000 sum=ea515de5dfbfffcf57117aa2be62965a
        @session 1 id=9be1 at=2026-08-25T00:00:00.001Z pid=1 host=kiwi boot=c2f1 by=ada src=b3:6865543fec025402 prev=ea515de5dfbfffcf57117aa2be62965a sum=805ffef53c2f6b9c563c3f02ea66a8b2
        @patch 2 tx=1 at=2026-08-25T00:00:00.002Z op=replace target=LIMIT pre=04b01f048b53e64a post=a6de368d3f01b32c via=repl
        -LIMIT = 1
        +LIMIT = 2
        @. 2 n=2 prev=805ffef53c2f6b9c563c3f02ea66a8b2 sum=77d90d40aa08a3c93d190be8582bbdab
        @state 3 tx=1 at=2026-08-25T00:00:00.002Z target=LIMITS effect=assign via=repl
        |LIMITS["daily"] = 500
        @. 3 n=1- prev=77d90d40aa08a3c93d190be8582bbdab sum=67ca1a9e9c6faf01077a10ba42dbad80
        @commit 4 tx=1 recs=2 mac=a0bb563faf70b2aa02cd5b0f3714ed6e prev=67ca1a9e9c6faf01077a10ba42dbad80 sum=da2c27161b14fcec38e5a9e726be4798
        @done 5 tx=1 ms=0.4 prev=da2c27161b14fcec38e5a9e726be4798 sum=a4db8fc2956aff78f7cd53f769b8fa88
        @patch 6 tx=2 at=2026-08-25T00:00:00.003Z op=replace target=LIMIT pre=a6de368d3f01b32c post=96768fdc403b49ea via=repl
        -LIMIT = 2
        +LIMIT = 3
        @. 6 n=2 prev=a4db8fc2956aff78f7cd53f769b8fa88 sum=3dad1d7c80abe1454222192508b9d751
        @commit 7 tx=2 recs=1 mac=af3ee9506f48964c910fab57bfbfc568 prev=3dad1d7c80abe1454222192508b9d751 sum=cff86d0f38d95f1c6d3bcfc87951b849
        @fail 8 tx=2 kind=raised why="ZeroDivisionError: division by zero" prev=cff86d0f38d95f1c6d3bcfc87951b849 sum=6484ff2df871d680425960b07c126702
        @commit 9 tx=3 recs=0 mac=53d660cee828568659e50fcb60c45b8a prev=6484ff2df871d680425960b07c126702 sum=2bd27b1829bb2989691aaf9799f0eab2
        @close 10 id=9be1 at=2026-08-25T00:00:00.005Z prev=2bd27b1829bb2989691aaf9799f0eab2 sum=17b01bb57125b684bbdcff7b8ce84132
    "#]]
    .assert_eq(&world.log_text());
    let found = world.read();
    assert_eq!(found.tail, Tail::Clean);
    assert_eq!(found.records, log.read().records);
    assert_eq!(found.transactions, log.read().transactions);
    assert!(found.problems.is_empty());
    let fates: Vec<_> = found
        .transactions
        .iter()
        .map(|transaction| transaction.fate)
        .collect();
    assert_eq!(
        fates,
        [Fate::Done, Fate::Failed(Failure::Raised), Fate::InFlight]
    );
    assert!(
        found
            .transactions
            .iter()
            .all(|transaction| transaction.signed == Signed::Mine)
    );
}

#[test]
fn the_next_session_goes_on_where_the_last_one_ended() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    drop(log);
    let mut log = Log::open(&world.rim, Path::new(SOURCE), "77aa", "-").unwrap();
    assert_eq!(log.read().transactions.len(), 1);
    append(&mut log, &[assign("LIMIT", 3)]);
    let found = world.read();
    assert_eq!(
        kinds(&found),
        "0:header 1:session 2:patch 3:commit 4:session 5:patch 6:commit"
    );
    assert_eq!(found.transactions[1].session, "77aa");
}

#[test]
fn a_fold_that_leaves_nothing_pending_begins_a_new_log_that_goes_on_counting() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.done(1, 1.0);
    let begin = log
        .begin_fold("b3:0000000000000000", "b3:0000000000000001", &[2])
        .unwrap();
    log.end_fold(begin).unwrap();
    log.begin_anew().unwrap();
    assert_eq!(kinds(log.read()), "7:header");
    let committed = append(&mut log, &[assign("LIMIT", 3)]);
    assert_eq!((committed.tx, committed.numbers), (8, vec![9]));

    let logs = read_all(&world.rim, Path::new(LOG)).unwrap();
    assert_eq!(logs.len(), 2);
    assert_eq!(
        kinds(&logs[0]),
        "0:header 1:session 2:patch 3:commit 4:done 5:fold-begin 6:fold-end"
    );
    assert_eq!(kinds(&logs[1]), "7:header 8:session 9:patch 10:commit");
    assert_eq!(logs[0].tail, Tail::Clean);
    assert_eq!(logs[1].transactions[0].signed, Signed::Mine);
}

#[test]
fn a_log_that_was_removed_after_a_fold_goes_on_behind_the_one_that_the_fold_has_left() {
    let world = World::new();
    let mut log = world.open();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.begin_anew().unwrap();
    let last = append(&mut log, &[assign("LIMIT", 3)]).numbers[0];
    drop(log);
    world.disk.remove(Path::new(LOG)).unwrap();

    let mut log = world.open();
    let committed = append(&mut log, &[assign("LIMIT", 4)]);
    assert!(committed.numbers[0] > last, "{committed:?}");
    let logs = read_all(&world.rim, Path::new(SOURCE)).unwrap();
    let changes: Vec<usize> = logs.iter().map(|log| log.transactions.len()).collect();
    assert_eq!(changes, [1, 1]);
    assert_eq!(
        logs[1].header.as_ref().unwrap().id,
        logs[0].header.as_ref().unwrap().id
    );
    assert!(logs.iter().all(|log| log.problems.is_empty()), "{logs:?}");
    assert_eq!(world.disk.get("/desk/bank.py.log.2"), None);
}

#[test]
fn a_fold_that_is_killed_between_two_calls_leaves_a_log_that_goes_on() {
    for call in 0..60 {
        let world = World::new();
        let mut log = world.open();
        append(&mut log, &[assign("LIMIT", 2)]);
        log.done(1, 0.1);
        world.disk.fail_from(call, std::io::ErrorKind::Other);
        let result = log.begin_anew();
        world.disk.heal();
        // It is the process that was killed for one half of the cases, the machine for the other.
        if call % 2 == 0 {
            world.disk.kill();
        } else {
            world.disk.crash(call);
        }
        drop(log);
        let mut log = world.open();
        let committed = append(&mut log, &[assign("LIMIT", 3)]);
        log.done(committed.tx, 0.1);
        let logs = read_all(&world.rim, Path::new(SOURCE)).unwrap();
        assert!(
            logs.iter().all(|log| log.tail == Tail::Clean),
            "call {call}: {logs:?}"
        );
        let signed = logs.iter().flat_map(|log| &log.transactions);
        let signed: Vec<Signed> = signed.map(|transaction| transaction.signed).collect();
        assert_eq!(signed, [Signed::Mine; 2], "call {call}");
        let mut numbers = logs
            .iter()
            .flat_map(|log| &log.records)
            .map(|record| record.seq);
        assert!(
            numbers.by_ref().is_sorted_by(|one, other| one < other),
            "call {call}"
        );
        if result.is_ok() {
            assert_eq!(logs.len(), 2, "call {call}");
        }
    }
}

#[test]
fn a_part_of_a_change_of_several_modules_counts_when_the_whole_does() {
    let world = World::new();
    let whole = Cause {
        session: "9be1".to_owned(),
        tx: 1,
    };
    let mut module = world.open();
    let part = module
        .append(
            &[assign("LIMIT", 2)],
            Via::Patch,
            Some(&whole),
            Some(&whole),
        )
        .unwrap();
    assert!(!world.read().transactions[0].is_committed);

    let path = world.rim.home.session_log("9be1");
    let mut session = Log::open(&world.rim, &path, "9be1", "3.13.0").unwrap();
    append(&mut session, &[state("bank.LIMIT = 2")]);
    assert!(world.read().transactions[0].is_committed);
    module.done(part.tx, 0.1);
    assert!(module.read().transactions[0].is_committed);
}

#[test]
fn a_real_disk_keeps_what_a_disk_in_memory_keeps() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("bank.py");
    std::fs::write(&source, "LIMIT = 1\n").unwrap();
    let rim = Rim::real(Home::at(directory.path().join("home")));
    let mut log = Log::open(&rim, &source, "9be1", "3.13.0").unwrap();
    let committed = append(&mut log, &[assign("LIMIT", 2)]);
    log.done(committed.tx, 0.1);
    log.close();
    let found = read(&rim, &source).unwrap();
    assert_eq!(found.tail, Tail::Clean);
    assert_eq!(
        kinds(&found),
        "0:header 1:session 2:patch 3:commit 4:done 5:close"
    );
    assert_eq!(found.transactions[0].signed, Signed::Mine);
    let Entry::Patch(patch) = &found.records[2].entry else {
        panic!()
    };
    assert_eq!(patch.old_text().as_deref(), Some("LIMIT = 1\n"));
    assert_eq!(patch.new_text().as_deref(), Some("LIMIT = 2\n"));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(log.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_state_directory_is_where_the_environment_says() {
    let home = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        let home = Home::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.into())
        });
        home.map(|home| home.root().to_owned())
    };
    let path = |path: &str| Some(Path::new(path).to_owned());
    let user = ("HOME", "/home/ada");
    if cfg!(target_os = "macos") {
        assert_eq!(
            home(&[user]),
            path("/home/ada/Library/Application Support/relive")
        );
    } else {
        assert_eq!(home(&[user]), path("/home/ada/.local/state/relive"));
        assert_eq!(home(&[user, ("XDG_STATE_HOME", "/s")]), path("/s/relive"));
        // As its specification has it, a relative path is no path.
        let relative = home(&[user, ("XDG_STATE_HOME", "s")]);
        assert_eq!(relative, path("/home/ada/.local/state/relive"));
    }
    assert_eq!(home(&[user, ("RELIVE_HOME", "/r")]), path("/r"));
    assert!(home(&[("RELIVE_HOME", "r")]).unwrap().is_absolute());
    assert_eq!(home(&[]), None);
}

/// What stood behind the statement that raised was taken for executed, since a cell has one record of its end.
#[test]
fn a_transaction_that_raised_says_how_far_it_came() {
    let world = World::new();
    let mut log = world.open();
    append(
        &mut log,
        &[state("LIMITS = 1"), state("LIMITS[0]"), state("LIMITS = 3")],
    );
    let progress = Progress {
        done: 1,
        raised: Some(3),
    };
    log.raised(1, "TypeError: no subscripts", progress);
    log.close();
    let told = history(&world.read())
        .into_iter()
        .filter(|change| change.tx == 1);
    let told: Vec<_> = told.map(|change| (change.outcome, change.status)).collect();
    assert_eq!(
        told,
        [
            (Outcome::Applied, Status::Pending),
            (Outcome::Raised, Status::Omitted),
            (Outcome::Refused, Status::Omitted),
        ]
    );
}
