//! `relive undo` and `relive fold`, here and in a running session.

use std::task::Poll;

use super::*;

#[test]
fn an_undo_is_undone() {
    let place = evening();
    place.check(
        &["undo", "bank.py", "2"],
        expect![[r#"
        change 2 (define Account.deposit) is taken back; `relive undo bank.py 24` brings it back
        exit 0
    "#]],
    );
    place.check(&["log", "bank.py", "--all"], expect![[r#"
         1  2026-11-21 02:00:11  session  7f3c41
         2  2026-11-21 02:01:11  define   Account.deposit        undone by 24
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        15  2026-11-21 02:06:11  session  7f3c41
        16  2026-11-21 02:07:11  eval     LIMITS.clear(1)        it failed: TypeError: clear() takes no arguments (1 given)
        20  2026-11-21 02:09:11  session  7f3c41
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        23  2026-11-21 02:11:11  session  c11000
        24  2026-11-21 02:12:11  undo     of change 2
        change 21 is left off unless `relive recover bank.py` says otherwise
        a conflict is kept and not replayed: `relive show bank.py 5` shows it, `relive recover bank.py --merge 5` merges it with what bank.py says now, `relive undo bank.py 5` gives it up
        2 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 11` takes the last one back
        exit 0
    "#]]);
    place.check(
        &["undo", "bank.py", "2"],
        expect![[r#"
            ! relive: change 2 does not count anyway: undone by 24
            exit 1
        "#]],
    );
}

#[test]
fn a_fold_writes_what_is_pending() {
    let place = Place::bank();
    place.log(&[
        deposit(),
        add("fee", "def fee():\n    return 1\n"),
        rate(1, 3),
        state("LIMITS.clear()\n"),
    ]);
    place.check(
        &["fold", "bank.py", "--dry-run"],
        expect![[r#"
            --- bank.py
            +++ bank.py
            @@ -2,7 +2,11 @@
             ·
             class Account:
                 def deposit(self, n):
            +        if n < 0: raise ValueError(n)
                     self.balance += n
             ·
             def rate():
                 return 2
            +
            +def fee():
            +    return 1
            ! relive: change 8 stays in the log: the source has another version of rate than the one that was changed
            ! relive: change 11 stays in the log: only `NAME = value` can be written into the source
            ! relive: changes 2, 5 would be written into bank.py
            exit 1
        "#]],
    );
    assert_eq!(place.text("bank.py"), BANK);
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
            changes 2, 5 written into bank.py
            ! relive: change 8 stays in the log: the source has another version of rate than the one that was changed
            ! relive: change 11 stays in the log: only `NAME = value` can be written into the source
            exit 1
        "#]],
    );
    expect![[r#"
        LIMITS = {}

        class Account:
            def deposit(self, n):
                if n < 0: raise ValueError(n)
                self.balance += n

        def rate():
            return 2

        def fee():
            return 1
    "#]]
    .assert_eq(&place.text("bank.py"));
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
            bank.py: nothing to fold
            ! relive: change 8 stays in the log: the source has another version of rate than the one that was changed
            ! relive: change 11 stays in the log: only `NAME = value` can be written into the source
            exit 1
        "#]],
    );
    place.check(&["log", "bank.py"], expect![[r#"
         8  2026-11-21 02:03:11  define   rate            conflict: the source has another version of rate than the one that was changed
        11  2026-11-21 02:04:11  eval     LIMITS.clear()  it calls something: what that does is done once more
        a conflict is kept and not replayed: `relive show bank.py 8` shows it, `relive recover bank.py --merge 8` merges it with what bank.py says now, `relive undo bank.py 8` gives it up
        1 pending change: `relive recover bank.py` says what the next start replays, `relive undo bank.py 11` takes the last one back
        exit 0
    "#]]);
}

#[test]
fn history_goes_on_over_a_fold() {
    let place = Place::bank();
    place.log(&[deposit(), rate(2, 3)]);
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        changes 2, 5 written into bank.py
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
    place.check(
        &["log", "bank.py", "--all"],
        expect![[r#"
         1  2026-11-21 02:00:11  session  7f3c41
         2  2026-11-21 02:01:11  define   Account.deposit  folded into the source by 10
         5  2026-11-21 02:02:11  define   rate             folded into the source by 10
         9  2026-11-21 02:04:11  session  c11000
        10  2026-11-21 02:05:11  fold     of changes 2, 5
        exit 0
    "#]],
    );
    place.check(
        &["show", "bank.py", "2"],
        expect![[r#"
            change 2: define Account.deposit
            2026-11-21 02:01:11, session 7f3c41, made by relive.patch
            folded into the source by 10
            --- bank.py
            +++ bank.py
            @@ -4,2 +4,3 @@
                 def deposit(self, n):
            +        if n < 0: raise ValueError(n)
                     self.balance += n
            exit 0
        "#]],
    );
    place.check(&["undo", "bank.py", "2"], expect![[r#"
        change 2 (define Account.deposit) is taken back by change 14; `relive fold bank.py` writes that into bank.py
        exit 0
    "#]]);
    place.check(&["log", "bank.py"], expect![[r#"
        14  2026-11-21 02:07:11  define   Account.deposit
        1 pending change: `relive fold bank.py` writes it into the source, `relive undo bank.py 14` takes the last one back
        exit 0
    "#]]);
    place.check(
        &["fold", "bank.py"],
        expect![[r#"
        change 14 written into bank.py
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
    "#]]
    .assert_eq(&place.text("bank.py"));
}

/// A session that answers what it is asked, until it is dropped.
struct Session {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    fn start(place: &Place, code: u8) -> Self {
        let home = place.home.path().as_os_str().to_owned();
        let places = Places::from_environment(|name| (name == "RELIVE_HOME").then(|| home.clone()));
        let mut server = Server::open(&places, &place.path("")).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let tick = Timespec {
                    tv_sec: 0,
                    tv_nsec: 10_000_000,
                };
                let mut descriptors: Vec<PollFd<'_>> = server.descriptors().collect();
                poll(&mut descriptors, Some(&tick)).unwrap();
                server.serve(|_, request| {
                    let Request::Log(request) = request else {
                        panic!("{request:?}");
                    };
                    let log = request.log.to_str().unwrap();
                    Poll::Ready(Told {
                        text: format!("asked for {:?} of {log}\n", request.action),
                        code,
                        ..Told::default()
                    })
                });
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_running_session_is_asked_to_do_it() {
    let mut place = evening();
    // This very process writes the log.
    place.pid = std::process::id();
    let mut log = Log::open(&place.rim(), &place.path("bank.py"), "a11ce5", "3.13.0").unwrap();
    log.append(&[rate(2, 4)], Via::Repl, None, None).unwrap();
    let pid = std::process::id().to_string();
    let run = |words: &[&str]| place.run(words).replace(&pid, "PID");
    let session = Session::start(&place, 0);
    expect![[r#"
        asked for Undo { number: 2 } of DIR/bank.py.log
        exit 0
    "#]]
    .assert_eq(&run(&["undo", "bank.py", "2"]));
    expect![[r#"
        asked for Fold { is_dry: true } of DIR/bank.py.log
        exit 0
    "#]]
    .assert_eq(&run(&["fold", "bank.py", "--dry-run"]));
    expect![[r#"
        asked for Decide { on: [2, 8], off: [11, 21, 24] } of DIR/bank.py.log
        exit 0
    "#]]
    .assert_eq(&run(&["recover", "bank.py", "--drop-last", "1"]));
    let json = run(&["recover", "bank.py", "--drop-last", "1", "--json"]);
    assert!(json.starts_with("{\"file\":\"bank.py\""), "{json}");
    drop(session);
    let session = Session::start(&place, 3);
    expect![[r#"
        ! relive: process PID: asked for Fold { is_dry: false } of DIR/bank.py.log
        exit 3
    "#]]
    .assert_eq(&run(&["fold", "bank.py"]));
    drop(session);
    expect![[r#"
        ! relive: DIR/bank.py.log is written by another process (number PID on kiwi, session a11ce5); end that process, or make the change there
        exit 1
    "#]].assert_eq(&run(&["fold", "bank.py"]));
    expect![[r#"
         2  2026-11-21 02:01:11  define   Account.deposit
         5  2026-11-21 02:02:11  define   rate                   conflict: the source has another version of rate than the one that was changed
         8  2026-11-21 02:03:11  eval     LIMITS["daily"] = 500
        11  2026-11-21 02:04:11  define   fee
        21  2026-11-21 02:10:11  define   crash                  was being applied when the process died
        24  2026-11-21 02:12:11  define   rate                   it is being applied
        change 21 is left off unless `relive recover bank.py` says otherwise
        a conflict is kept and not replayed: `relive show bank.py 5` shows it, `relive recover bank.py --merge 5` merges it with what bank.py says now, `relive undo bank.py 5` gives it up
        4 pending changes: `relive fold bank.py` writes them into the source, `relive undo bank.py 24` takes the last one back
        exit 0
    "#]].assert_eq(&run(&["log", "bank.py"]));
}
