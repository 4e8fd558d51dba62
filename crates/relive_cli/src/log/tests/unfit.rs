//! Logs that are somebody else's, torn, damaged, newer, or none.

use super::*;

#[test]
fn what_somebody_else_wrote_is_shown_and_not_replayed() {
    let place = planted();
    place.check(
        &["log", "bank.py"],
        expect![[r#"
             2  2026-11-21 02:01:11  define   Account.deposit        untrusted: your relive did not write it
             5  2026-11-21 02:02:11  define   rate                   untrusted: your relive did not write it
             8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: your relive did not write it
            11  2026-11-21 02:04:11  define   fee                    untrusted: your relive did not write it
            16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: your relive did not write it
            21  2026-11-21 02:10:11  define   crash                  untrusted: your relive did not write it
            what is untrusted is not replayed before `relive trust bank.py`
            exit 0
        "#]],
    );
    place.check(&["recover", "bank.py", "--all"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit        untrusted: your relive did not write it
         5  2026-11-21 02:02:11  define   rate                   untrusted: your relive did not write it
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: your relive did not write it
        11  2026-11-21 02:04:11  define   fee                    untrusted: your relive did not write it
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: your relive did not write it
        21  2026-11-21 02:10:11  define   crash                  untrusted: your relive did not write it
        the next start replays nothing
        ! relive: changes 2, 5, 8, 11, 16, 21 are untrusted: `relive trust bank.py` shows them and asks
        exit 3
    "#]]);
    place.check(
        &["recover", "bank.py", "--only", "2"],
        expect![[r#"
        ! relive: change 2 is untrusted: `relive trust bank.py` shows it and asks
        exit 3
    "#]],
    );
    place.check(
        &["undo", "bank.py", "2"],
        expect![[r#"
            ! relive: change 2 is untrusted: `relive trust bank.py` shows it and asks
            exit 3
        "#]],
    );
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        ! relive: bank.py.log is untrusted: `relive trust bank.py` shows what it says and asks
        exit 3
    "#]],
    );
    assert_eq!(place.text("bank.py"), BANK);
}

#[test]
fn trust_shows_all_of_it_and_asks() {
    let mut place = planted();
    place.check(&["trust", "bank.py"], expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n

        change 5: define rate
        2026-11-21 02:02:11, session 7f3c41, made by relive.patch
        +def rate():
        +    return 3

        change 8: eval LIMITS
        2026-11-21 02:03:11, session 7f3c41, made by relive.patch
         LIMITS["daily"] = 500

        change 11: define fee
        2026-11-21 02:04:11, session 7f3c41, made by relive.patch
        +def fee():
        +    return 1

        change 16: eval LIMITS
        2026-11-21 02:07:11, session 7f3c41, typed at a prompt
         LIMITS.clear(1)

        change 21: define crash
        2026-11-21 02:10:11, session 7f3c41, made by relive.patch
        +def crash():
        +    boom()

        ! relive: 6 transactions would run as code of yours; that can only be allowed in a terminal, where it is seen
        exit 3
    "#]]);
    place.user = Some(Answers {
        agrees: false,
        choice: Choice::Quit,
    });
    place.check(
        &["trust", "bank.py"],
        expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n

        change 5: define rate
        2026-11-21 02:02:11, session 7f3c41, made by relive.patch
        +def rate():
        +    return 3

        change 8: eval LIMITS
        2026-11-21 02:03:11, session 7f3c41, made by relive.patch
         LIMITS["daily"] = 500

        change 11: define fee
        2026-11-21 02:04:11, session 7f3c41, made by relive.patch
        +def fee():
        +    return 1

        change 16: eval LIMITS
        2026-11-21 02:07:11, session 7f3c41, typed at a prompt
         LIMITS.clear(1)

        change 21: define crash
        2026-11-21 02:10:11, session 7f3c41, made by relive.patch
        +def crash():
        +    boom()

        asked: Allow these 6 transactions of bank.py.log? Their code will run as yours with bank.py.
        ! relive: nothing was allowed
        exit 3
    "#]],
    );
    place.user = Some(Answers {
        agrees: true,
        choice: Choice::Quit,
    });
    place.check(
        &["trust", "bank.py"],
        expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n

        change 5: define rate
        2026-11-21 02:02:11, session 7f3c41, made by relive.patch
        +def rate():
        +    return 3

        change 8: eval LIMITS
        2026-11-21 02:03:11, session 7f3c41, made by relive.patch
         LIMITS["daily"] = 500

        change 11: define fee
        2026-11-21 02:04:11, session 7f3c41, made by relive.patch
        +def fee():
        +    return 1

        change 16: eval LIMITS
        2026-11-21 02:07:11, session 7f3c41, typed at a prompt
         LIMITS.clear(1)

        change 21: define crash
        2026-11-21 02:10:11, session 7f3c41, made by relive.patch
        +def crash():
        +    boom()

        6 transactions allowed; `relive log bank.py` lists the changes
        asked: Allow these 6 transactions of bank.py.log? Their code will run as yours with bank.py.
        exit 0
    "#]],
    );
    place.check(&["log", "bank.py"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        change 21 is left off unless `relive recover bank.py` says otherwise
        a conflict is kept and not replayed: `relive show bank.py 5` shows it, `relive recover bank.py --merge 5` merges it with what bank.py says now, `relive undo bank.py 5` gives it up
        3 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 11` takes the last one back
        exit 0
    "#]]);
    place.check(
        &["trust", "bank.py"],
        expect![[r#"
        bank.py.log: nothing to allow
        exit 0
    "#]],
    );
}

/// Every command that reads a log, on one that it can do nothing with.
fn all_commands(place: &Place, file: &str) -> String {
    let mut text = String::new();
    for words in [
        &["log"][..],
        &["log", "--json"],
        &["log", "--verify"],
        &["show", "2"],
        &["recover", "--all"],
        &["undo", "2"],
        &["fold"],
        &["trust"],
    ] {
        let words: Vec<&str> = [&words[..1], &[file], &words[1..]].concat();
        text += &format!("$ relive {}\n{}", words.join(" "), place.run(&words));
    }
    text
}

#[test]
fn a_torn_end_is_told_and_repaired() {
    let place = evening();
    let text = place.text("bank.py.log") + "@patch 23 tx=7 at=2026-11-21T02";
    place.write("bank.py.log", &text);
    place.check(&["log", "bank.py", "--verify"], expect![[r#"
        bank.py.log: the last 31 bytes are an unfinished record, from a write that was cut off; 23 records before them are intact. The next change cuts them off and keeps them in bank.py.log.torn
        exit 1
    "#]]);
    place.check(&["log", "bank.py"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        change 21 is left off unless `relive recover bank.py` says otherwise
        a conflict is kept and not replayed: `relive show bank.py 5` shows it, `relive recover bank.py --merge 5` merges it with what bank.py says now, `relive undo bank.py 5` gives it up
        3 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 11` takes the last one back
        exit 0
    "#]]);
    place.check(&["log", "bank.py", "--json"], expect![[r#"
        {"file":"bank.py","log":"bank.py.log","intact":false,"tail":"torn","changes":[{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"pending","outcome":"applied"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"conflict","outcome":"applied","why":"the source has another version of rate than the one that was changed"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"pending","outcome":"applied"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"pending","outcome":"applied"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"omitted","outcome":"unfinished","why":"was being applied when the process died"}]}
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
        ! relive: DIR/bank.py.log had a torn tail of 31 bytes, which a crash has left; it is kept in DIR/bank.py.log.torn
        exit 0
    "#]]);
    place.check(
        &["log", "bank.py", "--verify"],
        expect![[r#"
        bank.py.log: intact, 32 records
        exit 0
    "#]],
    );
}

/// Each import replayed what is in front of the damage, and only `log --all` told of it: nothing could take it back.
#[test]
fn what_stands_in_front_of_damage_is_listed_undone_and_folded_like_the_rest() {
    let behind_damage = || {
        let place = Place::bank();
        place.log(&[
            deposit(),
            rate(2, 3),
            add("fee", "def fee():\n    return 1\n"),
        ]);
        let text = place.text("bank.py.log");
        let text = text.replace("+def fee():", "+def pay():");
        place.write("bank.py.log", &text);
        place.log(&[add("late", "def late():\n    return 1\n")]);
        place
    };
    let place = behind_damage();
    place.check(&["log", "bank.py"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate
        14  2026-11-21 02:06:11  define   late
        3 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 14` takes the last one back
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]]);
    let all = place.run(&["log", "--all", "bank.py"]);
    let counted = |text: &str| {
        text.lines()
            .find(|line| line.contains("pending"))
            .map(str::to_owned)
    };
    assert_eq!(counted(&all), counted(&place.run(&["log", "bank.py"])));
    place.check(
        &["recover", "bank.py", "--drop-last", "2"],
        expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate             left off: you said so
        14  2026-11-21 02:06:11  define   late             left off: you said so
        the next start replays change 2, leaves off changes 5, 14
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
    place.check(
        &["recover", "bank.py", "--all"],
        expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate
        14  2026-11-21 02:06:11  define   late
        the next start replays changes 2, 5, 14
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
    place.check(
        &["undo", "bank.py", "2"],
        expect![[r#"
        change 2 (define Account.deposit) is taken back; `relive undo bank.py 32` brings it back
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        changes 5, 14 written into bank.py
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
    place.check(
        &["log", "bank.py"],
        expect![[r#"
            bank.py: nothing is pending; `relive log --all bank.py` lists what was
            exit 0
        "#]],
    );
    expect![[r#"
        LIMITS = {}

        class Account:
            def deposit(self, n):
                self.balance += n

        def rate():
            return 3

        def late():
            return 1
    "#]]
    .assert_eq(&place.text("bank.py"));
    // What another user wrote is allowed in one go, too.
    let mut place = behind_damage();
    fs::write(place.home.path().join("key"), [7; 32]).unwrap();
    place.user = Some(Answers {
        agrees: true,
        choice: Choice::Quit,
    });
    place.check(
        &["trust", "bank.py"],
        expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n

        change 5: define rate
        2026-11-21 02:02:11, session 7f3c41, made by relive.patch
        +def rate():
        +    return 3

        change 14: define late
        2026-11-21 02:06:11, session 7f3c41, made by relive.patch
        +def late():
        +    return 1

        3 transactions allowed; `relive log bank.py` lists the changes
        asked: Allow these 3 transactions of bank.py.log? Their code will run as yours with bank.py.
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        changes 2, 5, 14 written into bank.py
        ! relive: bank.py.log.1: line 17: its sum is wrong
        exit 0
    "#]],
    );
}

#[test]
fn a_damaged_log_is_left_alone() {
    let place = evening();
    let text = place
        .text("bank.py.log")
        .replacen("raise ValueError", "raise KeyError", 1);
    place.write("bank.py.log", &text);
    expect![[r#"
        $ relive log bank.py
        bank.py: nothing is pending; `relive log --all bank.py` lists what was
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 4
        $ relive log bank.py --json
        {"file":"bank.py","log":"bank.py.log","intact":false,"tail":"damaged","changes":[],"problems":["bank.py.log: line 3: its sum is wrong","bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy"]}
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 4
        $ relive log bank.py --verify
        bank.py.log: damaged at line 3; 2 records above it are intact
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 4
        $ relive show bank.py 2
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: bank.py.log has no change 2; `relive log --all bank.py` lists what it has
        exit 4
        $ relive recover bank.py --all
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was decided: bank.py.log is damaged: it stays as it is, and the next change begins a new log
        exit 4
        $ relive undo bank.py 2
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was undone: bank.py.log is damaged: it stays as it is, and the next change begins a new log
        exit 4
        $ relive fold bank.py
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was folded: bank.py.log is damaged: it stays as it is, and the next change begins a new log
        exit 4
        $ relive trust bank.py
        ! relive: bank.py.log: line 3: its sum is wrong
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was allowed: bank.py.log is damaged: it stays as it is, and the next change begins a new log
        exit 4
    "#]].assert_eq(&all_commands(&place, "bank.py"));
    assert_eq!(place.text("bank.py.log"), text);
}

#[test]
fn a_newer_log_is_left_alone() {
    let place = evening();
    let mut header = relive_log::read(&place.rim(), &place.path("bank.py"))
        .unwrap()
        .records
        .swap_remove(0);
    let Entry::Header(said) = &mut header.entry else {
        panic!("{header:?}");
    };
    said.version = 2;
    let (line, _) = codec::encode(&header, codec::Sum::ZERO);
    let text = place.text("bank.py.log");
    let (_, rest) = text.split_once('\n').unwrap();
    let text = String::from_utf8(line).unwrap() + rest;
    place.write("bank.py.log", &text);
    expect![[r#"
        $ relive log bank.py
        bank.py: no changes to list
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 5
        $ relive log bank.py --json
        {"file":"bank.py","log":"bank.py.log","intact":false,"tail":"newer","changes":[],"problems":["bank.py.log: it is of version 2, and this relive knows version 1","bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy"]}
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 5
        $ relive log bank.py --verify
        bank.py.log: of version 2 of the format, which needs a newer relive
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        exit 5
        $ relive show bank.py 2
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: bank.py.log has no change 2; `relive log --all bank.py` lists what it has
        exit 5
        $ relive recover bank.py --all
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was decided: bank.py.log needs a newer relive
        exit 5
        $ relive undo bank.py 2
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was undone: bank.py.log needs a newer relive
        exit 5
        $ relive fold bank.py
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was folded: bank.py.log needs a newer relive
        exit 5
        $ relive trust bank.py
        ! relive: bank.py.log: it is of version 2, and this relive knows version 1
        ! relive: bank.py.log: record 22 was written, and is not there any more: the log was cut back, or replaced by an older copy
        ! relive: nothing was allowed: bank.py.log needs a newer relive
        exit 5
    "#]].assert_eq(&all_commands(&place, "bank.py"));
    assert_eq!(place.text("bank.py.log"), text);
}

#[test]
fn what_is_no_log_is_left_alone() {
    let place = Place::bank();
    place.write("bank.py.log", "INFO:root:started\n");
    expect![[r#"
        $ relive log bank.py
        bank.py: no changes to list
        ! relive: bank.py.log: its first line is `INFO:root:started`
        exit 6
        $ relive log bank.py --json
        {"file":"bank.py","log":"bank.py.log","intact":false,"tail":"foreign","changes":[],"problems":["bank.py.log: its first line is `INFO:root:started`"]}
        ! relive: bank.py.log: its first line is `INFO:root:started`
        exit 6
        $ relive log bank.py --verify
        bank.py.log: no change log of relive
        ! relive: bank.py.log: its first line is `INFO:root:started`
        exit 6
        $ relive show bank.py 2
        ! relive: bank.py.log: its first line is `INFO:root:started`
        ! relive: bank.py.log has no change 2; `relive log --all bank.py` lists what it has
        exit 6
        $ relive recover bank.py --all
        ! relive: bank.py.log: its first line is `INFO:root:started`
        ! relive: nothing was decided: bank.py.log is no change log, and stays as it is
        exit 6
        $ relive undo bank.py 2
        ! relive: bank.py.log: its first line is `INFO:root:started`
        ! relive: nothing was undone: bank.py.log is no change log, and stays as it is
        exit 6
        $ relive fold bank.py
        ! relive: bank.py.log: its first line is `INFO:root:started`
        ! relive: nothing was folded: bank.py.log is no change log, and stays as it is
        exit 6
        $ relive trust bank.py
        ! relive: bank.py.log: its first line is `INFO:root:started`
        ! relive: nothing was allowed: bank.py.log is no change log, and stays as it is
        exit 6
    "#]].assert_eq(&all_commands(&place, "bank.py"));
    assert_eq!(place.text("bank.py.log"), "INFO:root:started\n");
    let verify = |place: &Place| place.run(&["log", "bank.py.log", "--verify"]);
    fs::remove_file(place.path("bank.py.log")).unwrap();
    fs::create_dir(place.path("bank.py.log")).unwrap();
    expect![[r#"
        bank.py.log: no change log of relive
        ! relive: bank.py.log: it is a directory
        exit 6
    "#]]
    .assert_eq(&verify(&place));
    fs::remove_dir(place.path("bank.py.log")).unwrap();
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        place.path("bank.py.log"),
        rustix::fs::Mode::RUSR,
    )
    .unwrap();
    expect![[r#"
        bank.py.log: no change log of relive
        ! relive: bank.py.log: it is a pipe, a socket or a device
        exit 6
    "#]]
    .assert_eq(&verify(&place));
    fs::remove_file(place.path("bank.py.log")).unwrap();
    std::os::unix::fs::symlink(place.path("bank.py"), place.path("bank.py.log")).unwrap();
    expect![[r#"
        bank.py.log: no change log of relive
        ! relive: bank.py.log: it is a symbolic link
        exit 6
    "#]]
    .assert_eq(&verify(&place));
    fs::remove_file(place.path("bank.py.log")).unwrap();
    let huge = fs::File::create(place.path("bank.py.log")).unwrap();
    huge.set_len(10 << 30).unwrap();
    expect![[r#"
        bank.py.log: no change log of relive
        ! relive: bank.py.log: it has 10 GB, and a change log has at most 1 GiB
        exit 6
    "#]]
    .assert_eq(&verify(&place));
}

#[test]
fn a_log_that_others_can_write_is_not_trusted() {
    let place = evening();
    fs::set_permissions(place.path("bank.py.log"), fs::Permissions::from_mode(0o666)).unwrap();
    place.check(
        &["log", "bank.py"],
        expect![[r#"
             2  2026-11-21 02:01:11  define   Account.deposit        untrusted: its log is not safe (other users may write to it)
             5  2026-11-21 02:02:11  define   rate                   untrusted: its log is not safe (other users may write to it)
             8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: its log is not safe (other users may write to it)
            11  2026-11-21 02:04:11  define   fee                    untrusted: its log is not safe (other users may write to it)
            16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: its log is not safe (other users may write to it)
            21  2026-11-21 02:10:11  define   crash                  untrusted: its log is not safe (other users may write to it)
            what is untrusted is not replayed before `relive trust bank.py`
            ! relive: bank.py.log: other users may write to it
            exit 0
        "#]],
    );
    place.check(&["recover", "bank.py", "--all"], expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit        untrusted: its log is not safe (other users may write to it)
         5  2026-11-21 02:02:11  define   rate                   untrusted: its log is not safe (other users may write to it)
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: its log is not safe (other users may write to it)
        11  2026-11-21 02:04:11  define   fee                    untrusted: its log is not safe (other users may write to it)
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: its log is not safe (other users may write to it)
        21  2026-11-21 02:10:11  define   crash                  untrusted: its log is not safe (other users may write to it)
        the next start replays nothing
        ! relive: bank.py.log: other users may write to it
        ! relive: changes 2, 5, 8, 11, 16, 21 are untrusted: `relive trust bank.py` shows them and asks
        exit 3
    "#]]);
    place.check(
        &["log", "bank.py", "--verify"],
        expect![[r#"
        bank.py.log: intact, 23 records
        ! relive: bank.py.log: other users may write to it
        exit 0
    "#]],
    );
}

#[test]
fn what_belongs_to_another_user_is_left_alone() {
    let mut place = evening();
    let before = place.text("bank.py.log");
    let owner = place.rim().process.user;
    place.uid = Some(owner + 1);
    expect![[r#"
        $ relive log bank.py
         2  2026-11-21 02:01:11  define   Account.deposit        untrusted: its log is not safe (it belongs to another user (number UID))
         5  2026-11-21 02:02:11  define   rate                   untrusted: its log is not safe (it belongs to another user (number UID))
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: its log is not safe (it belongs to another user (number UID))
        11  2026-11-21 02:04:11  define   fee                    untrusted: its log is not safe (it belongs to another user (number UID))
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: its log is not safe (it belongs to another user (number UID))
        21  2026-11-21 02:10:11  define   crash                  untrusted: its log is not safe (it belongs to another user (number UID))
        what is untrusted is not replayed before `relive trust bank.py`
        ! relive: bank.py.log: it belongs to another user (number UID)
        exit 0
        $ relive log bank.py --json
        {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"untrusted","outcome":"applied","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"untrusted","outcome":"applied","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"untrusted","outcome":"applied","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"untrusted","outcome":"applied","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"},{"n":16,"txn":5,"at":"2026-11-21T02:07:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS.clear(1)\n","status":"untrusted","outcome":"raised","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"untrusted","outcome":"unfinished","why":"its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it"}],"problems":["bank.py.log: it belongs to another user (number UID)"]}
        ! relive: bank.py.log: it belongs to another user (number UID)
        exit 0
        $ relive log bank.py --verify
        bank.py.log: intact, 23 records
        ! relive: bank.py.log: it belongs to another user (number UID)
        exit 0
        $ relive show bank.py 2
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        untrusted: its log is not safe (it belongs to another user (number UID)): mend that, or look at it, and `relive trust` allows it
        --- bank.py
        +++ bank.py
        @@ -4,2 +4,3 @@
             def deposit(self, n):
        +        if n < 0: raise ValueError(n)
                 self.balance += n
        ! relive: bank.py.log: it belongs to another user (number UID)
        exit 0
        $ relive recover bank.py --all
         2  2026-11-21 02:01:11  define   Account.deposit        untrusted: its log is not safe (it belongs to another user (number UID))
         5  2026-11-21 02:02:11  define   rate                   untrusted: its log is not safe (it belongs to another user (number UID))
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500  untrusted: its log is not safe (it belongs to another user (number UID))
        11  2026-11-21 02:04:11  define   fee                    untrusted: its log is not safe (it belongs to another user (number UID))
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        untrusted: its log is not safe (it belongs to another user (number UID))
        21  2026-11-21 02:10:11  define   crash                  untrusted: its log is not safe (it belongs to another user (number UID))
        the next start replays nothing
        ! relive: bank.py.log: it belongs to another user (number UID)
        ! relive: changes 2, 5, 8, 11, 16, 21 are untrusted: `relive trust bank.py` shows them and asks
        exit 3
        $ relive undo bank.py 2
        ! relive: bank.py.log: it belongs to another user (number UID)
        ! relive: change 2 is untrusted: `relive trust bank.py` shows it and asks
        exit 3
        $ relive fold bank.py
        ! relive: bank.py.log: it belongs to another user (number UID)
        ! relive: bank.py.log is untrusted: `relive trust bank.py` shows what it says and asks
        exit 3
        $ relive trust bank.py
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n

        change 5: define rate
        2026-11-21 02:02:11, session 7f3c41, made by relive.patch
        +def rate():
        +    return 3

        change 8: eval LIMITS
        2026-11-21 02:03:11, session 7f3c41, made by relive.patch
         LIMITS["daily"] = 500

        change 11: define fee
        2026-11-21 02:04:11, session 7f3c41, made by relive.patch
        +def fee():
        +    return 1

        change 16: eval LIMITS
        2026-11-21 02:07:11, session 7f3c41, typed at a prompt
         LIMITS.clear(1)

        change 21: define crash
        2026-11-21 02:10:11, session 7f3c41, made by relive.patch
        +def crash():
        +    boom()

        ! relive: bank.py.log: it belongs to another user (number UID)
        ! relive: 6 transactions would run as code of yours; that can only be allowed in a terminal, where it is seen
        exit 3
    "#]].assert_eq(&all_commands(&place, "bank.py").replace(&format!("(number {owner})"), "(number UID)"));
    assert_eq!(place.text("bank.py.log"), before);
    assert_eq!(place.text("bank.py"), BANK);
}

#[test]
fn a_log_that_cannot_stand_beside_its_source_is_found_all_the_same() {
    let place = Place::bank();
    place.write("bank.py.log", "INFO:root:started\n");
    place.log(&[deposit()]);
    place.check(&["log", "bank.py"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit
        1 pending change: `relive fold bank.py` writes it into the source, `relive undo bank.py 2` takes the last one back
        ! relive: HOME/logs/HASH-bank.py.log: DIR/bank.py.log is no change log: its first line is `INFO:root:started`; it is left alone, and the log is kept in HOME/logs/HASH-bank.py.log
        exit 0
    "#]]);
    place.check(&["log", "bank.py.log", "--verify"], expect![[r#"
        HOME/logs/HASH-bank.py.log: intact, 6 records
        ! relive: HOME/logs/HASH-bank.py.log: DIR/bank.py.log is no change log: its first line is `INFO:root:started`; it is left alone, and the log is kept in HOME/logs/HASH-bank.py.log
        exit 0
    "#]]);
    place.check(&["recover", "bank.py", "--none"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit  left off: you said so
        the next start replays nothing, leaves off change 2
        ! relive: HOME/logs/HASH-bank.py.log: DIR/bank.py.log is no change log: its first line is `INFO:root:started`; it is left alone, and the log is kept in HOME/logs/HASH-bank.py.log
        exit 0
    "#]]);
    place.check(&["recover", "bank.py", "--all"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit
        the next start replays change 2
        ! relive: HOME/logs/HASH-bank.py.log: DIR/bank.py.log is no change log: its first line is `INFO:root:started`; it is left alone, and the log is kept in HOME/logs/HASH-bank.py.log
        exit 0
    "#]]);
    place.check(&["fold", "bank.py"], expect![[r#"
        change 2 written into bank.py
        ! relive: HOME/logs/HASH-bank.py.log: DIR/bank.py.log is no change log: its first line is `INFO:root:started`; it is left alone, and the log is kept in HOME/logs/HASH-bank.py.log
        exit 0
    "#]]);
    assert!(place.text("bank.py").contains("raise ValueError"));
    assert_eq!(place.text("bank.py.log"), "INFO:root:started\n");
}

#[test]
fn a_log_that_was_moved_is_taken_over_after_a_question() {
    let mut place = Place::bank();
    place.log(&[deposit()]);
    fs::create_dir(place.path("new")).unwrap();
    for name in ["bank.py", "bank.py.log"] {
        fs::rename(place.path(name), place.path("new").join(name)).unwrap();
    }
    place.check(
        &["log", "new/bank.py"],
        expect![[r#"
            2  2026-11-21 02:01:11  define   Account.deposit  untrusted: you wrote it for a source in another place
            what is untrusted is not replayed before `relive trust new/bank.py`
            exit 0
        "#]],
    );
    place.check(&["recover", "new/bank.py", "--all"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit  untrusted: you wrote it for a source in another place
        the next start replays nothing
        ! relive: change 2 is untrusted: `relive trust new/bank.py` shows it and asks
        exit 3
    "#]]);
    place.user = Some(Answers {
        agrees: true,
        choice: Choice::Quit,
    });
    place.check(&["trust", "new/bank.py"], expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        +    def deposit(self, n):
        +        if n < 0: raise ValueError(n)
        +        self.balance += n
        you wrote this for a source in another place

        1 transaction allowed; `relive log new/bank.py` lists the changes
        asked: Allow this 1 transaction of new/bank.py.log? Its code will run as yours with new/bank.py.
        exit 0
    "#]]);
    place.check(
        &["fold", "new/bank.py"],
        expect![[r#"
        change 2 written into new/bank.py
        exit 0
    "#]],
    );
}

#[test]
fn a_log_that_is_gone_is_missed() {
    let place = Place::bank();
    place.log(&[deposit()]);
    fs::remove_file(place.path("bank.py.log")).unwrap();
    place.check(
        &["log", "bank.py"],
        expect![[r#"
        bank.py: no changes logged
        ! relive: bank.py.log: a log was here, up to record 3, and is gone
        exit 0
    "#]],
    );
}

#[test]
fn what_is_no_source_file_is_said_to_be_none() {
    let place = Place::new();
    fs::create_dir(place.path("src")).unwrap();
    place.check(
        &["log", "src"],
        expect![[r#"
            ! relive: src is no regular file
            exit 6
        "#]],
    );
    place.check(
        &["fold", "src"],
        expect![[r#"
            ! relive: src is no regular file
            exit 6
        "#]],
    );
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        place.path("pipe.py"),
        rustix::fs::Mode::RWXU,
    )
    .unwrap();
    place.check(
        &["log", "pipe.py"],
        expect![[r#"
            ! relive: pipe.py is no regular file
            exit 6
        "#]],
    );
    place.check(
        &["fold", "pipe.py"],
        expect![[r#"
            ! relive: pipe.py is no regular file
            exit 6
        "#]],
    );
    let huge = fs::File::create(place.path("huge.py")).unwrap();
    huge.set_len(10 << 30).unwrap();
    place.check(
        &["log", "huge.py"],
        expect![[r#"
            huge.py: no changes logged
            exit 0
        "#]],
    );
}
