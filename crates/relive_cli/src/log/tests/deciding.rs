//! `relive recover`.

use super::*;

#[test]
fn without_a_terminal_recover_lists_and_decides_nothing() {
    let place = evening();
    let before = place.text("bank.py.log");
    place.check(&["recover", "bank.py"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        the next start replays nothing, asks about changes 2, 8, 11, leaves off change 21
        ! relive: nothing was decided; say what the next start replays with `relive recover bank.py --all`, --none, --drop-last N or --only 1-4,6
        exit 1
    "#]]);
    place.check(&["recover", "bank.py", "--json"], expect![[r#"
        {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"pending","outcome":"applied"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"conflict","outcome":"applied","why":"the source has another version of rate than the one that was changed"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"pending","outcome":"applied"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"pending","outcome":"applied"},{"n":16,"txn":5,"at":"2026-11-21T02:07:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS.clear(1)\n","status":"omitted","outcome":"raised","why":"it failed: TypeError: clear() takes no arguments (1 given)"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"omitted","outcome":"unfinished","why":"was being applied when the process died"}],"replay":[],"left_off":[21],"undecided":[2,8,11]}
        ! relive: nothing was decided; say what the next start replays with `relive recover bank.py --all`, --none, --drop-last N or --only 1-4,6
        exit 1
    "#]]);
    assert_eq!(place.text("bank.py.log"), before);
}

#[test]
fn decisions_are_remembered() {
    let place = evening();
    place.check(&["recover", "bank.py", "--drop-last", "1"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee                    left off: you said so
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  left off: you said so
        the next start replays changes 2, 8, leaves off changes 11, 21
        exit 0
    "#]]);
    place.check(&["recover", "bank.py", "--none"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit        left off: you said so
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  left off: you said so
        11  2026-11-21 02:04:11  define   fee                    left off: you said so
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  left off: you said so
        the next start replays nothing, leaves off changes 2, 8, 11, 21
        exit 0
    "#]]);
    place.check(&["recover", "bank.py", "--only", "2,11"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  left off: you said so
        11  2026-11-21 02:04:11  define   fee
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  left off: you said so
        the next start replays changes 2, 11, leaves off changes 8, 21
        exit 0
    "#]]);
    let before = place.text("bank.py.log");
    place.check(&["recover", "bank.py", "--only", "2,11"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  left off: you said so
        11  2026-11-21 02:04:11  define   fee
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  left off: you said so
        the next start replays changes 2, 11, leaves off changes 8, 21
        exit 0
    "#]]);
    assert_eq!(
        place.text("bank.py.log"),
        before,
        "what is decided already is not written again"
    );
    // Nothing is left to be decided.
    let settled = place.run(&["recover", "bank.py"]);
    assert!(
        settled.ends_with("leaves off changes 8, 21\nexit 0\n"),
        "{settled}"
    );
    place.check(&["recover", "bank.py", "--all", "--json"], expect![[r#"
        {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"pending","outcome":"applied"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"conflict","outcome":"applied","why":"the source has another version of rate than the one that was changed"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"pending","outcome":"applied"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"pending","outcome":"applied"},{"n":16,"txn":5,"at":"2026-11-21T02:07:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS.clear(1)\n","status":"omitted","outcome":"raised","why":"it failed: TypeError: clear() takes no arguments (1 given)"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"pending","outcome":"unfinished"}],"replay":[2,8,11,21],"left_off":[],"undecided":[]}
        exit 0
    "#]]);
    place.check(
        &["recover", "bank.py", "--only", "99"],
        expect![[r#"
        ! relive: bank.py.log has no change 99; `relive log --all bank.py` lists what it has
        exit 1
    "#]],
    );
    place.check(
        &["recover", "bank.py", "--only", "90-99"],
        expect![[r#"
        ! relive: none of the changes 90-99 can be replayed
        exit 1
    "#]],
    );
    place.check(&["recover", "bank.py", "--only", "5"], expect![[r#"
        ! relive: change 5 cannot be replayed: conflict: the source has another version of rate than the one that was changed
        exit 1
    "#]]);
}

fn dies(place: &Place, id: &str, number: u64) {
    let replay = relive_log::Replay {
        session: format!("aaa{number}"),
        numbers: vec![number],
        ..relive_log::Replay::default()
    };
    Guard::of(&place.rim(), id).begin(&replay).unwrap();
}

#[test]
fn what_killed_a_start_is_left_off_until_somebody_decides() {
    let place = Place::bank();
    place.log(&[deposit(), add("fee", "def fee():\n    return 1\n")]);
    let id = relive_log::read(&place.rim(), &place.path("bank.py"))
        .unwrap()
        .header
        .unwrap()
        .id;
    dies(&place, &id, 2);
    place.check(&["log", "bank.py"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit  left off: the process died when it was replayed
        5  2026-11-21 02:02:11  define   fee
        change 2 is left off unless `relive recover bank.py` says otherwise
        1 pending change: `relive fold bank.py` writes it into the source, `relive undo bank.py 5` takes the last one back
        exit 0
    "#]]);
    place.check(
        &["recover", "bank.py", "--drop-last", "0"],
        expect![[r#"
            2  2026-11-21 02:01:11  define   Account.deposit  left off: you said so
            5  2026-11-21 02:02:11  define   fee
            the next start replays change 5, leaves off change 2
            exit 0
        "#]],
    );
    assert_eq!(Guard::of(&place.rim(), &id).failed_starts(), 0);
    place.check(&["log", "bank.py"], expect![[r#"
        5  2026-11-21 02:02:11  define   fee
        1 pending change: `relive fold bank.py` writes it into the source, `relive undo bank.py 5` takes the last one back
        exit 0
    "#]]);
    dies(&place, &id, 5);
    place.check(
        &["recover", "bank.py", "--all"],
        expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit
        5  2026-11-21 02:02:11  define   fee
        the next start replays changes 2, 5
        exit 0
    "#]],
    );
}

#[test]
fn in_a_terminal_recover_asks() {
    let mut place = evening();
    let mut choose = |choice: Choice| {
        place.user = Some(Answers {
            agrees: false,
            choice,
        });
        place.run(&["recover", "bank.py"])
    };
    expect![[r#"
        asked: bank.py [1, 2, 5, 8, 11, 15, 16, 20, 21] []
        ! relive: nothing was decided
        exit 1
    "#]]
    .assert_eq(&choose(Choice::Quit));
    expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee                    left off: you said so
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        the next start replays changes 2, 8, leaves off changes 11, 21
        asked: bank.py [1, 2, 5, 8, 11, 15, 16, 20, 21] []
        exit 0
    "#]].assert_eq(&choose(Choice::Replay { on: vec![2, 8, 18], off: vec![11], merged: vec![] }));
    expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit        left off: you said so
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  left off: you said so
        11  2026-11-21 02:04:11  define   fee                    left off: you said so
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        21  2026-11-21 02:10:11  define   crash                  left off: you said so
        the next start replays nothing, leaves off changes 2, 8, 11, 21
        asked: bank.py [1, 2, 5, 8, 11, 15, 16, 20, 21, 23] []
        exit 0
    "#]].assert_eq(&choose(Choice::Without));
    expect![[r#"
        bank.py.log is bank.py.log.aside now, and the next change starts a new log
        asked: bank.py [1, 2, 5, 8, 11, 15, 16, 20, 21, 23, 31] []
        exit 0
    "#]]
    .assert_eq(&choose(Choice::SetAside));
    place.check(
        &["log", "bank.py"],
        expect![[r#"
        bank.py: no changes logged
        exit 0
    "#]],
    );
}

/// A function of several lines, changed in the log and in the file.
fn two_versions(logged: &str, saved: &str) -> Place {
    let place = Place::new();
    let (old, new) = logged.split_once(" -> ").unwrap();
    let fee = "def fee():\n    a = 1\n\n    b = 2\n\n    return a + b\n";
    place.write("bank.py", fee);
    place.log(&[replace("fee", fee, &fee.replace(old, new))]);
    let (old, new) = saved.split_once(" -> ").unwrap();
    place.write("bank.py", &fee.replace(old, new));
    place
}

#[test]
fn a_conflict_is_merged_with_the_source() {
    let place = two_versions("a = 1 -> a = 10", "a + b -> a - b");
    let before = place.text("bank.py");
    place.check(&["log", "bank.py"], expect![[r#"
        2  2026-11-21 02:01:11  define   fee  conflict: the source has another version of fee than the one that was changed
        a conflict is kept and not replayed: `relive show bank.py 2` shows it, `relive recover bank.py --merge 2` merges it with what bank.py says now, `relive undo bank.py 2` gives it up
        exit 0
    "#]]);
    place.check(
        &["recover", "bank.py", "--merge", "2"],
        expect![[r#"
        change 2 and what bank.py says now are change 8: `relive show bank.py 8` shows it
        8  2026-11-21 02:04:11  define   fee
        the next start replays change 8
        exit 0
    "#]],
    );
    assert_eq!(place.text("bank.py"), before);
    place.check(
        &["show", "bank.py", "7"],
        expect![[r#"
        change 7: undo 2
        2026-11-21 02:04:11, session c11000, made by an undo
        takes change 2 back
        exit 0
    "#]],
    );
    place.check(
        &["recover", "bank.py", "--merge", "2"],
        expect![[r#"
        ! relive: change 2 is not in conflict with the source: undone by 7
        exit 1
    "#]],
    );
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        change 8 written into bank.py
        exit 0
    "#]],
    );
    assert_eq!(place.text("bank.py"), before.replace("a = 1", "a = 10"));
}

#[test]
fn a_conflict_in_the_same_lines_is_shown_and_refused() {
    let place = two_versions("a = 1 -> a = 10", "a = 1 -> a = 100");
    let before = (place.text("bank.py"), place.text("bank.py.log"));
    place.check(&["recover", "bank.py", "--merge", "2"], expect![[r#"
         def fee():
         <<<<<<< the source
             a = 100
         ||||||| before change 2
             a = 1
         =======
             a = 10
         >>>>>>> change 2
         ·
             b = 2
         ·
             return a + b
        ! relive: change 2 and bank.py have both changed the same lines of fee, and nothing was merged; write fee into bank.py as it should be, then `relive undo bank.py 2`
        exit 1
    "#]]);
    place.check(
        &["recover", "bank.py", "--merge", "9"],
        expect![[r#"
        ! relive: bank.py.log has no change 9; `relive log --all bank.py` lists what it has
        exit 1
    "#]],
    );
    assert_eq!((place.text("bank.py"), place.text("bank.py.log")), before);
}

#[test]
fn in_a_terminal_a_conflict_can_be_merged() {
    let mut place = two_versions("a = 1 -> a = 10", "a + b -> a - b");
    place.user = Some(Answers {
        agrees: false,
        choice: Choice::Replay {
            on: vec![],
            off: vec![],
            merged: vec![2],
        },
    });
    place.check(
        &["recover", "bank.py"],
        expect![[r#"
        8  2026-11-21 02:04:11  define   fee
        the next start replays change 8
        asked: bank.py [1, 2] []
        exit 0
    "#]],
    );
}
