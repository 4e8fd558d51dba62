//! What is replayed, what is left off, and a replay that dies.

use std::collections::BTreeSet;

use expect_test::expect;
use relive_log::{
    Bisect, Caution, Choice, Draft, Effect, Guard, Policy, Replay, Via, choose, merge, select,
};

use crate::support::parse;
use crate::world::World;

fn offered(choice: &Choice) -> String {
    let lines = choice.offers.iter().map(|offer| {
        let mark = match (offer.is_chosen, offer.is_choosable) {
            (true, _) => 'x',
            (false, true) => ' ',
            (false, false) => '-',
        };
        let calls = if offer.has_calls { " calls" } else { "" };
        format!("[{mark}] {}{calls}: {}\n", offer.number, offer.why)
    });
    let mut text: String = lines.collect();
    if choice.is_question {
        text.push_str("?\n");
    }
    text
}

fn world() -> (World, relive_log::Log) {
    let world = World::new("f = 1\ng = 1\nh = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\ng = 1\nh = 1\n");
    world.edit(&mut log, "f = 2\ng = 2\nh = 1\n");
    world.edit(&mut log, "f = 2\ng = 2\nh = 2\n");
    world.state(&mut log, "CACHE", Effect::Call, "CACHE.clear()");
    let skip = Draft::Skip {
        of: 2,
        why: "slow".to_owned(),
    };
    world.make(&mut log, &[skip], Via::Repl);
    world
        .disk
        .put(crate::world::SOURCE, b"f = 1\ng = 1\nh = 9\n");
    (world, log)
}

#[test]
fn a_policy_decides_what_is_chosen_and_whether_the_user_is_asked() {
    let (world, log) = world();
    let changes = world.changes(&log);
    let choose = |policy| offered(&choose(&changes, policy, Caution::None, &[]));
    expect![[r#"
        [ ] 2: left off: slow
        [x] 5: clean
        [-] 8: the source has another version of h than the one that was changed
        [x] 11 calls: it calls something: what that does is done once more
        ?
    "#]]
    .assert_eq(&choose(Policy::Ask));
    expect![[r#"
        [ ] 2: left off: slow
        [x] 5: clean
        [-] 8: the source has another version of h than the one that was changed
        [x] 11 calls: it calls something: what that does is done once more
    "#]]
    .assert_eq(&choose(Policy::All));
    expect![[r#"
        [ ] 2: left off: slow
        [ ] 5: clean; nothing is replayed by policy
        [-] 8: the source has another version of h than the one that was changed
        [ ] 11 calls: it calls something: what that does is done once more; nothing is replayed by policy
    "#]]
    .assert_eq(&choose(Policy::None));
}

#[test]
fn what_was_left_off_by_choice_is_not_asked_for_again() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let number = world.edit(&mut log, "f = 2\n")[0];
    let asks = |log: &relive_log::Log| {
        choose(&world.changes(log), Policy::Ask, Caution::None, &[]).is_question
    };
    assert!(asks(&log));
    let skip = Draft::Skip {
        of: number,
        why: String::new(),
    };
    world.make(&mut log, &[skip], Via::Repl);
    assert!(!asks(&log));
    // In flight when the process died: off, and asked for.
    let draft = relive_log::drafts(&parse("f = 1\n"), &parse("f = 3\n"));
    log.append(&draft, Via::Patch, None, None).unwrap();
    let changes = relive_log::history(log.read());
    let choice = choose(&changes, Policy::Ask, Caution::None, &[]);
    expect![[r#"
        [ ] 2: left off by 5
        [ ] 8: was being applied when the process died
        ?
    "#]]
    .assert_eq(&offered(&choice));
}

#[test]
fn what_is_chosen_is_what_is_merged() {
    let (world, log) = world();
    let source = parse(&world.source());
    let mut changes = world.changes(&log);
    select(&mut changes, &BTreeSet::from([2]), Some(&source));
    assert_eq!(merge(&source, &changes).text, "f = 2\ng = 1\nh = 9\n");
    let mut changes = world.changes(&log);
    select(&mut changes, &BTreeSet::new(), Some(&source));
    assert_eq!(merge(&source, &changes).text, world.source());
}

fn replay(session: &str, numbers: &[u64]) -> Replay {
    Replay {
        session: session.to_owned(),
        numbers: numbers.to_vec(),
        ..Replay::default()
    }
}

#[test]
fn a_replay_that_dies_is_known_to_the_next_start_and_does_not_go_on_for_ever() {
    let (world, log) = world();
    let changes = world.changes(&log);
    let id = log.read().header.clone().unwrap().id;
    let guard = || Guard::of(&world.rim, &id);
    let choice = |guard: &Guard| choose(&changes, Policy::All, guard.caution(), &guard.findings());
    assert_eq!(guard().caution(), Caution::None);

    let mut first = guard();
    first.begin(&replay("aaaa", &[5])).unwrap();
    first.replaying(11).unwrap();
    // It is alive.
    assert_eq!(guard().caution(), Caution::None);
    drop(first);
    let mut second = guard();
    assert_eq!(
        (second.caution(), second.suspects()),
        (Caution::LeaveOffSuspects, vec![11])
    );
    expect![[r#"
        [ ] 2: left off: slow
        [x] 5: clean
        [-] 8: the source has another version of h than the one that was changed
        [ ] 11 calls: the process died when it was replayed
    "#]]
    .assert_eq(&offered(&choice(&second)));

    second.begin(&replay("bbbb", &[5])).unwrap();
    drop(second);
    let mut third = guard();
    assert_eq!(
        (third.caution(), third.suspects()),
        (Caution::NothingByItself, vec![5, 11])
    );
    let offer = choice(&third);
    assert!(offer.is_question && offer.chosen().is_empty());
    assert_eq!(third.skips().len(), 2);
    // Once that stands in the log, the starts still count.
    third.found();
    assert_eq!(
        (guard().caution(), guard().suspects()),
        (Caution::NothingByItself, vec![])
    );

    third.begin(&replay("cccc", &[2])).unwrap();
    drop(third);
    let mut fourth = guard();
    assert_eq!(fourth.caution(), Caution::WithoutLog);
    assert!(choice(&fourth).is_without_log && choice(&fourth).chosen().is_empty());

    fourth.replayed().unwrap();
    assert_eq!(
        (guard().caution(), guard().suspects()),
        (Caution::None, vec![])
    );
}

#[test]
fn an_exception_is_no_death() {
    let (world, log) = world();
    let id = log.read().header.clone().unwrap().id;
    let mut guard = Guard::of(&world.rim, &id);
    guard.begin(&replay("aaaa", &[5])).unwrap();
    guard.end().unwrap();
    drop(guard);
    assert_eq!(Guard::of(&world.rim, &id).caution(), Caution::None);
}

#[test]
fn the_stack_of_a_crash_names_the_culprit() {
    let (world, log) = world();
    let id = log.read().header.clone().unwrap().id;
    let crash = |session: &str, line: u32| {
        let path = world.rim.home.crash(session);
        world
            .rim
            .storage
            .create_directory(path.parent().unwrap())
            .unwrap();
        let text = format!(
            "Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  File \"/a\", line 1 in f\n\n\
             Current thread 0x2 (most recent call first):\n  File \"/ctypes.py\", line 41 in string_at\n  \
             File \"/b\\xe4nk.py\", line {line} in boom\n  File \"/s.py\", line 1 in <module>\n"
        );
        world.disk.put(path.to_str().unwrap(), text.as_bytes());
    };
    let begin = |session: &str, is_program: bool| {
        let line = |line| relive_syntax::Lines {
            first: line,
            last: line + 1,
        };
        let started = Replay {
            file: "/b\u{e4}nk.py".into(),
            places: vec![(line(20), 2), (line(26), 5)],
            is_program,
            ..replay(session, &[2, 5])
        };
        Guard::of(&world.rim, &id).begin(&started).unwrap();
    };
    let found = || {
        let mut guard = Guard::of(&world.rim, &id);
        let findings = guard.findings();
        guard.replayed().unwrap();
        let lines = findings
            .iter()
            .map(|one| format!("{}: {}\n", one.number, one.why));
        lines.collect::<String>()
    };
    begin("aaaa", false);
    crash("aaaa", 27);
    expect![[r#"
        5: the process died when it was replayed: Segmentation fault
    "#]]
    .assert_eq(&found());
    // In a line of the file: any may be the reason, if they were only being replayed.
    begin("bbbb", false);
    crash("bbbb", 3);
    expect![[r#"
        2: the process died when it was replayed, with 1 other; which of them it died of is not known: Segmentation fault
        5: the process died when it was replayed, with 1 other; which of them it died of is not known: Segmentation fault
    "#]]
    .assert_eq(&found());
    // A program that has run for days is killed for any reason.
    begin("cccc", true);
    assert_eq!(Guard::of(&world.rim, &id).caution(), Caution::None);
    assert_eq!(found(), "");
    begin("dddd", true);
    crash("dddd", 20);
    expect![[r#"
        2: the process died when it was replayed: Segmentation fault
    "#]]
    .assert_eq(&found());
}

#[test]
fn an_import_inside_of_an_import_takes_the_blame() {
    let (world, log) = world();
    let id = log.read().header.clone().unwrap().id;
    let outer = replay("aaaa", &[2, 5]);
    let inner = Replay {
        depth: 1,
        ..replay("aaaa", &[11])
    };
    Guard::of(&world.rim, &id).begin(&outer).unwrap();
    Guard::of(&world.rim, "0123456789abcdef")
        .begin(&inner)
        .unwrap();
    assert_eq!(Guard::of(&world.rim, &id).caution(), Caution::None);
    let inner = Guard::of(&world.rim, "0123456789abcdef");
    assert_eq!(inner.suspects(), [11]);
}

#[test]
fn a_guard_that_cannot_be_written_says_so() {
    let (world, log) = world();
    let id = log.read().header.clone().unwrap().id;
    let mut guard = Guard::of(&world.rim, &id);
    world.disk.fail_from(0, std::io::ErrorKind::StorageFull);
    assert!(guard.begin(&replay("aaaa", &[2])).is_err());
    world.disk.heal();
    assert_eq!(Guard::of(&world.rim, &id).caution(), Caution::None);
}

#[test]
fn the_culprit_of_sixteen_is_found_in_at_most_five_runs() {
    for count in 0..=16_u64 {
        // 0: none crashes.
        for culprit in 0..=count {
            let mut search = Bisect::among((1..=count).collect());
            let mut runs = 0;
            while let Some(prefix) = search.next() {
                let has_crashed = culprit > 0 && prefix.contains(&culprit);
                search.tell(has_crashed);
                runs += 1;
            }
            assert!(runs <= 5, "{runs} runs for {culprit} of {count}");
            assert_eq!(search.culprit(), (culprit > 0).then_some(culprit));
        }
    }
}
