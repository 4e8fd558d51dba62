//! What is listed and shown.

use super::*;

#[test]
fn a_log_is_listed_with_what_to_do_next() {
    let place = evening();
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
    place.check(&["log", "bank.py.log", "--all"], expect![[r#"
         1  2026-11-21 02:00:11  session  7f3c41
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        15  2026-11-21 02:06:11  session  7f3c41
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        20  2026-11-21 02:09:11  session  7f3c41
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        change 21 is left off unless `relive recover bank.py` says otherwise
        a conflict is kept and not replayed: `relive show bank.py 5` shows it, `relive recover bank.py --merge 5` merges it with what bank.py says now, `relive undo bank.py 5` gives it up
        3 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 11` takes the last one back
        exit 0
    "#]]);
    place.check(&["log", "bank.py", "--json"], expect![[r#"
        {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"pending","outcome":"applied"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"conflict","outcome":"applied","why":"the source has another version of rate than the one that was changed"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"pending","outcome":"applied"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"pending","outcome":"applied"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"omitted","outcome":"unfinished","why":"was being applied when the process died"}]}
        exit 0
    "#]]);
    place.check(&["log", "bank.py", "--json", "--all"], expect![[r#"
        {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[{"n":1,"txn":0,"at":"2026-11-21T02:00:11.123Z","session":"7f3c41","kind":"session","target":"7f3c41","text":"","status":"folded","outcome":"applied"},{"n":2,"txn":1,"at":"2026-11-21T02:01:11.123Z","session":"7f3c41","kind":"define","target":"Account.deposit","text":"    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n","status":"pending","outcome":"applied"},{"n":5,"txn":2,"at":"2026-11-21T02:02:11.123Z","session":"7f3c41","kind":"define","target":"rate","text":"def rate():\n    return 3\n","status":"conflict","outcome":"applied","why":"the source has another version of rate than the one that was changed"},{"n":8,"txn":3,"at":"2026-11-21T02:03:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS[\"daily\"] = 500\n","status":"pending","outcome":"applied"},{"n":11,"txn":4,"at":"2026-11-21T02:04:11.123Z","session":"7f3c41","kind":"define","target":"fee","text":"def fee():\n    return 1\n","status":"pending","outcome":"applied"},{"n":15,"txn":0,"at":"2026-11-21T02:06:11.123Z","session":"7f3c41","kind":"session","target":"7f3c41","text":"","status":"folded","outcome":"applied"},{"n":16,"txn":5,"at":"2026-11-21T02:07:11.123Z","session":"7f3c41","kind":"eval","target":"LIMITS","text":"LIMITS.clear(1)\n","status":"omitted","outcome":"raised","why":"it failed: TypeError: clear() takes no arguments (1 given)"},{"n":20,"txn":0,"at":"2026-11-21T02:09:11.123Z","session":"7f3c41","kind":"session","target":"7f3c41","text":"","status":"folded","outcome":"applied"},{"n":21,"txn":6,"at":"2026-11-21T02:10:11.123Z","session":"7f3c41","kind":"define","target":"crash","text":"def crash():\n    boom()\n","status":"omitted","outcome":"unfinished","why":"was being applied when the process died"}]}
        exit 0
    "#]]);
    place.check(
        &["log", "bank.py", "--verify"],
        expect![[r#"
        bank.py.log: intact, 23 records
        exit 0
    "#]],
    );
}

#[test]
fn one_change_is_shown_where_it_stands() {
    let place = evening();
    place.check(
        &["show", "bank.py", "2"],
        expect![[r#"
        change 2: define Account.deposit
        2026-11-21 02:01:11, session 7f3c41, made by relive.patch
        pending: clean
        --- bank.py
        +++ bank.py
        @@ -4,2 +4,3 @@
             def deposit(self, n):
        +        if n < 0: raise ValueError(n)
                 self.balance += n
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "5"],
        expect![[r#"
            change 5: define rate
            2026-11-21 02:02:11, session 7f3c41, made by relive.patch
            conflict: the source has another version of rate than the one that was changed
            --- bank.py
            +++ bank.py
            @@ -1,2 +1,2 @@
             def rate():
            -    return 1
            +    return 3
            bank.py has now, from line 7:
            @@ -7,2 +7,2 @@
             def rate():
            -    return 1
            +    return 2
            exit 0
        "#]],
    );
    place.check(
        &["show", "bank.py", "8"],
        expect![[r#"
        change 8: eval LIMITS
        2026-11-21 02:03:11, session 7f3c41, made by relive.patch
        pending: clean
         LIMITS["daily"] = 500
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "11"],
        expect![[r#"
        change 11: define fee
        2026-11-21 02:04:11, session 7f3c41, made by relive.patch
        pending: clean
        --- /dev/null
        +++ bank.py
        @@ -0,0 +1,2 @@
        +def fee():
        +    return 1
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "16"],
        expect![[r#"
        change 16: eval LIMITS
        2026-11-21 02:07:11, session 7f3c41, typed at a prompt
        omitted: it failed: TypeError: clear() takes no arguments (1 given)
         LIMITS.clear(1)
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "3"],
        expect![[r#"
        ! relive: bank.py.log has no change 3; `relive log --all bank.py` lists what it has
        exit 1
    "#]],
    );
    place.log(&[
        remove("rate", "def rate():\n    return 2\n"),
        Draft::Undo {
            of: 2,
            why: String::new(),
        },
    ]);
    place.check(
        &["show", "bank.py", "24"],
        expect![[r#"
            change 24: remove rate
            2026-11-21 02:12:11, session 7f3c41, made by relive.patch
            pending: clean
            --- bank.py
            +++ /dev/null
            @@ -7,2 +6,0 @@
            -def rate():
            -    return 2
            exit 0
        "#]],
    );
    place.check(
        &["show", "bank.py", "27"],
        expect![[r#"
            change 27: undo 2
            2026-11-21 02:13:11, session 7f3c41, made by an undo
            takes change 2 back
            exit 0
        "#]],
    );
}

#[test]
fn no_log_is_no_change_and_no_source_is_a_mistake() {
    let place = Place::bank();
    place.check(
        &["log", "bank.py"],
        expect![[r#"
        bank.py: no changes logged
        exit 0
    "#]],
    );
    place.check(
        &["log", "bank.py", "--json"],
        expect![[r#"
            {"file":"bank.py","log":"bank.py.log","intact":true,"tail":"clean","changes":[]}
            exit 0
        "#]],
    );
    place.check(
        &["log", "bank.py", "--verify"],
        expect![[r#"
        bank.py: no changes logged
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "1"],
        expect![[r#"
        ! relive: bank.py.log has no change 1; `relive log --all bank.py` lists what it has
        exit 1
    "#]],
    );
    place.check(
        &["recover", "bank.py"],
        expect![[r#"
        bank.py: nothing to replay
        exit 0
    "#]],
    );
    place.check(
        &["recover", "bank.py", "--all"],
        expect![[r#"
        bank.py: nothing to replay
        exit 0
    "#]],
    );
    place.check(
        &["undo", "bank.py", "1"],
        expect![[r#"
        ! relive: bank.py.log has no change 1; `relive log --all bank.py` lists what it has
        exit 1
    "#]],
    );
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
            bank.py: nothing to fold
            exit 0
        "#]],
    );
    place.check(
        &["trust", "bank.py"],
        expect![[r#"
        bank.py.log: nothing to allow
        exit 0
    "#]],
    );
    place.check(
        &["log", "bnak.py"],
        expect![[r#"
        ! relive: bnak.py: there is no such file, and no log of it
        exit 1
    "#]],
    );
    place.check(
        &["log", "bnak.py", "--json"],
        expect![[r#"
        ! relive: bnak.py: there is no such file, and no log of it
        exit 1
    "#]],
    );
    assert_eq!(
        fs::read_dir(place.path("")).unwrap().count(),
        1,
        "nothing is created by looking"
    );
}

#[test]
fn a_source_that_is_gone_leaves_its_history() {
    let place = Place::bank();
    place.log(&[deposit(), add("fee", "def fee():\n    return 1\n")]);
    fs::remove_file(place.path("bank.py")).unwrap();
    place.check(&["log", "bank.py"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit  conflict: the source file is not there
        5  2026-11-21 02:02:11  define   fee              conflict: the source file is not there
        a conflict is kept and not replayed: `relive show bank.py 2` shows it, `relive undo bank.py 2` gives it up
        exit 0
    "#]]);
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
            ! relive: DIR/bank.py is not there; put it back, or write the changes into another file yourself
            exit 1
        "#]],
    );
}

#[test]
fn a_source_that_does_not_parse_is_said_to_be_so() {
    let place = Place::bank();
    place.log(&[deposit()]);
    place.write("bank.py", "def f(:\n");
    place.check(&["log", "bank.py"], expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit
        1 pending change: `relive fold bank.py` writes it into the source, `relive undo bank.py 2` takes the last one back
        ! relive: bank.py:1: Expected a parameter or the end of the parameter list; what the log says is not compared with it
        exit 0
    "#]]);
    place.check(&["undo", "bank.py", "2"], expect![[r#"
        ! relive: bank.py:1: Expected a parameter or the end of the parameter list; what the log says is not compared with it
        ! relive: bank.py is not Python as it stands; correct it first
        exit 1
    "#]]);
    place.check(&["fold", "bank.py"], expect![[r#"
        ! relive: bank.py:1: Expected a parameter or the end of the parameter list; what the log says is not compared with it
        ! relive: DIR/bank.py:1: Expected a parameter or the end of the parameter list; mend that and fold again
        exit 1
    "#]]);
    assert_eq!(place.text("bank.py"), "def f(:\n");
}

#[test]
fn odd_names_are_no_obstacle() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let mut text = String::new();
    for name in [
        &b"my bank.py"[..],
        b"line\nbreak.py",
        b"\xff\xfe.py",
        b"-x.py",
        b"it's.py",
        b"\x1b[2J.py",
    ] {
        let name = Path::new(std::ffi::OsStr::from_bytes(name));
        fs::write(place.path(name), BANK).unwrap();
        let mut log = Log::open(&place.rim(), &place.path(name), "7f3c41", "-").unwrap();
        let committed = log.append(&[deposit()], Via::Patch, None, None).unwrap();
        log.done(committed.tx, 0.1);
        log.close();
        let words: Vec<OsString> = ["relive", "log", "--", ""].map(OsString::from).into();
        let words = [&words[..3], &[name.into()]].concat();
        text += &place.run_words(words);
    }
    expect![[r#"
        2  2026-11-21 02:01:11  define   Account.deposit
        1 pending change: `relive fold 'my bank.py'` writes it into the source, `relive undo 'my bank.py' 2` takes the last one back
        exit 0
        2  2026-11-21 02:04:11  define   Account.deposit
        1 pending change: `relive fold FILE` writes it into the source, `relive undo FILE 2` takes the last one back
        exit 0
        2  2026-11-21 02:07:11  define   Account.deposit
        1 pending change: `relive fold FILE` writes it into the source, `relive undo FILE 2` takes the last one back
        exit 0
        2  2026-11-21 02:10:11  define   Account.deposit
        1 pending change: `relive fold ./-x.py` writes it into the source, `relive undo ./-x.py 2` takes the last one back
        exit 0
        2  2026-11-21 02:13:11  define   Account.deposit
        1 pending change: `relive fold 'it'\''s.py'` writes it into the source, `relive undo 'it'\''s.py' 2` takes the last one back
        exit 0
        2  2026-11-21 02:16:11  define   Account.deposit
        1 pending change: `relive fold FILE` writes it into the source, `relive undo FILE 2` takes the last one back
        exit 0
    "#]].assert_eq(&text);
    place.check(
        &["fold", "my bank.py"],
        expect![[r#"
            change 2 written into my bank.py
            exit 0
        "#]],
    );
}

#[test]
fn wrong_usage_is_refused() {
    let refused = |words: &[&str]| {
        let error = Arguments::try_parse_from([&["relive"], words].concat()).unwrap_err();
        assert!(error.use_stderr());
        error.to_string()
    };
    expect![[r#"
        error: invalid value '4-1' for '--only <NUMBERS>': numbers and ranges with commas between them, such as 1-4,6

        For more information, try '--help'.
    "#]].assert_eq(&refused(&["recover", "bank.py", "--only", "4-1"]));
    expect![[r#"
        error: the argument '--all' cannot be used with '--none'

        Usage: relive recover --all <FILE>

        For more information, try '--help'.
    "#]]
    .assert_eq(&refused(&["recover", "bank.py", "--all", "--none"]));
    expect![[r#"
        error: invalid value 'first' for '<N>': invalid digit found in string

        For more information, try '--help'.
    "#]]
    .assert_eq(&refused(&["show", "bank.py", "first"]));
    expect![[r#"
        error: the following required arguments were not provided:
          <FILE>

        Usage: relive log <FILE>

        For more information, try '--help'.
    "#]]
    .assert_eq(&refused(&["log"]));
}

#[test]
fn the_log_of_a_prompt_has_no_source() {
    let place = Place::new();
    let path = place
        .home
        .path()
        .canonicalize()
        .unwrap()
        .join("sessions/7f3c41.log");
    let mut log = Log::open(&place.rim(), &path, "7f3c41", "3.13.0").unwrap();
    for text in [
        "import math\n",
        "x = 1\n",
        "for i in range(3):\n    print(i)\n",
    ] {
        let committed = log.append(&[state(text)], Via::Repl, None, None).unwrap();
        log.done(committed.tx, 0.1);
    }
    log.append(&[state("os.abort()\n")], Via::Repl, None, None)
        .unwrap();
    drop(log);
    let path = path.to_str().unwrap();
    place.check(&["log", path], expect![[r#"
         2  2026-11-21 02:01:11  eval     import math
         5  2026-11-21 02:02:11  eval     x = 1
         8  2026-11-21 02:03:11  eval     for i in range(3): …  it calls something: what that does is done once more
        11  2026-11-21 02:04:11  eval     os.abort()            was being applied when the process died
        change 11 is left off unless `relive recover HOME/sessions/7f3c41.log` says otherwise
        3 pending changes: `relive recover HOME/sessions/7f3c41.log` says what the next start replays, `relive undo HOME/sessions/7f3c41.log 8` takes the last one back
        exit 0
    "#]]);
    place.check(
        &["show", path, "8"],
        expect![[r#"
        change 8: eval for
        2026-11-21 02:03:11, session 7f3c41, typed at a prompt
        pending: it calls something: what that does is done once more
         for i in range(3):
             print(i)
        exit 0
    "#]],
    );
    place.check(
        &["recover", path, "--all"],
        expect![[r#"
         2  2026-11-21 02:01:11  eval     import math
         5  2026-11-21 02:02:11  eval     x = 1
         8  2026-11-21 02:03:11  eval     for i in range(3): …
        11  2026-11-21 02:04:11  eval     os.abort()
        the next start replays changes 2, 5, 8, 11
        exit 0
    "#]],
    );
    place.check(&["undo", path, "5"], expect![[r#"
        change 5 (eval x = 1) is taken back; `relive undo HOME/sessions/7f3c41.log 22` brings it back
        exit 0
    "#]]);
    place.check(
        &["fold", path],
        expect![[r#"
            ! relive: HOME/sessions/7f3c41.log is the log of a prompt: there is no source file to write it into
            exit 1
        "#]],
    );
}

#[test]
fn all_that_is_left_off_is_named() {
    let place = Place::bank();
    for name in ["fee", "tax", "crash"] {
        place.log_and_die(add(name, &format!("def {name}():\n    boom()\n")));
    }
    place.check(
        &["log", "bank.py"],
        expect![[r#"
            2  2026-11-21 02:01:11  define   fee    was being applied when the process died
            5  2026-11-21 02:03:11  define   tax    was being applied when the process died
            8  2026-11-21 02:05:11  define   crash  was being applied when the process died
            changes 2, 5, 8 are left off unless `relive recover bank.py` says otherwise
            exit 0
        "#]],
    );
}

#[test]
fn the_directory_itself_has_a_name() {
    Place::bank().check(
        &["log", "."],
        expect![[r#"
        ! relive: . is no regular file
        exit 6
    "#]],
    );
}
