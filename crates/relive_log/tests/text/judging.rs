//! What has become of changes, in the log and against the source.

use std::path::Path;

use expect_test::expect;
use relive_log::{
    Cause, Draft, Effect, Failure, Home, Log, Rim, Via, drafts, history, history_while, judge,
    read, undo,
};

use crate::support::parse;
use crate::world::{SOURCE, World, tell};

const BANK: &str = "\
LIMIT = 1


class Account:
    def deposit(self, n):
        self.n += n

    def close(self):
        pass


def main():
    pass
";

fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{text}");
    text.replace(from, to)
}

#[test]
fn changes_are_pending_until_the_source_says_them() {
    let world = World::new(BANK);
    let mut log = world.open();
    world.patch(&mut log, "", "LIMIT = 2\n");
    world.patch(
        &mut log,
        "Account",
        "def deposit(self, n):\n    self.n += 2 * n\n",
    );
    world.patch(&mut log, "", "def audit():\n    return 1\n");
    world.state(&mut log, "LIMIT", Effect::Assign, "LIMIT = 3");
    world.state(&mut log, "CACHE", Effect::Call, "CACHE.clear()");
    expect![[r#"
        2 LIMIT: pending (clean)
        5 Account.deposit: pending (clean)
        8 audit: pending (clean)
        11 `LIMIT = 3`: pending (clean)
        14 `CACHE.clear()`: pending (it calls something: what that does is done once more)
    "#]]
    .assert_eq(&world.told(&log));
    let live = world.live(&log);
    world.save(&mut log, &live);
    expect![[r#"
        2 LIMIT: in source (already in the source)
        5 Account.deposit: in source (already in the source)
        8 audit: in source (already in the source)
        11 `LIMIT = 3`: pending (clean)
        14 `CACHE.clear()`: pending (it calls something: what that does is done once more)
        17 LIMIT: in source (it was saved)
        18 Account.deposit: in source (it was saved)
        19 audit: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), live);
}

#[test]
fn a_source_that_says_something_else_is_a_conflict_for_that_definition_alone() {
    let world = World::new(BANK);
    let mut log = world.open();
    world.patch(&mut log, "", "LIMIT = 2\ndef audit(): pass\n");
    world.patch(
        &mut log,
        "Account",
        "def deposit(self, n):\n    self.n += 2 * n\n",
    );
    world.patch(&mut log, "", "def main(): return 1\n");
    let edited = with(BANK, "LIMIT = 1", "LIMIT = 5");
    let edited = with(&edited, "    def close(self):\n        pass\n", "");
    let edited = with(
        &edited,
        "def main():\n    pass\n",
        "def audit():\n    return 7\n",
    );
    world.save(&mut log, &edited);
    expect![[r#"
        2 LIMIT: conflict (the source has another version of LIMIT than the one that was changed)
        3 audit: conflict (the source has another audit already)
        6 Account.deposit: pending (clean)
        9 main: conflict (the source has no main any more)
        12 main: in source (it was saved)
        13 LIMIT: in source (it was saved)
        14 Account.close: in source (it was saved)
        15 audit: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(
        world.live(&log),
        with(&edited, "self.n += n", "self.n += 2 * n")
    );
}

#[test]
fn blanks_and_indentation_of_an_editor_are_no_conflict() {
    let world = World::new("class A:\n    def f(self):\n        return 1\n    \n        # end\n");
    let mut log = world.open();
    world.patch(&mut log, "A", "def f(self):\n    x = 1  \n\n    return x\n");
    world.save(
        &mut log,
        "class A:\n    def f(self):\n        return 1\n\n    x = 1\n",
    );
    assert!(
        world.told(&log).contains("2 A.f: pending (clean)"),
        "{}",
        world.told(&log)
    );
}

/// A saved version of the chain decides how far the source has come.
#[test]
fn a_chain_of_changes_goes_on_from_what_the_source_says() {
    let told = |saved: &str| {
        let world = World::new("f = 1\n");
        let mut log = world.open();
        for version in ["f = 2\n", "f = 3\n", "f = 4\n"] {
            world.edit(&mut log, version);
        }
        world.disk.put(SOURCE, saved.as_bytes());
        (world.told(&log), world.live(&log))
    };
    let (all, live) = told("f = 1\n");
    assert_eq!(live, "f = 4\n");
    expect![[r#"
        2 f: pending (clean)
        5 f: pending (clean)
        8 f: pending (clean)
    "#]]
    .assert_eq(&all);
    let (some, live) = told("f = 3\n");
    assert_eq!(live, "f = 4\n");
    expect![[r#"
        2 f: in source (change 5 came after it, and is in the source)
        5 f: in source (already in the source)
        8 f: pending (clean)
    "#]]
    .assert_eq(&some);
    let (none, live) = told("f = 4\n");
    assert_eq!(live, "f = 4\n");
    assert!(!none.contains("pending"), "{none}");
    let (other, live) = told("f = 9\n");
    assert_eq!(live, "f = 9\n");
    assert!(
        !other.contains("pending") && other.contains("conflict"),
        "{other}"
    );
    let (gone, live) = told("g = 1\n");
    assert_eq!(live, "g = 1\n");
    assert!(!gone.contains("pending"), "{gone}");
}

#[test]
fn leaving_off_a_change_is_no_conflict_for_a_later_one_of_the_same_definition() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let first = world.edit(&mut log, "f = 2\n")[0];
    world.edit(&mut log, "f = 3\n");
    let skip = Draft::Skip {
        of: first,
        why: "it hangs".to_owned(),
    };
    world.make(&mut log, &[skip], Via::Repl);
    expect![[r#"
        2 f: omitted (left off: it hangs)
        5 f: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), "f = 3\n");
    let unskip = Draft::Unskip {
        of: first,
        why: String::new(),
    };
    world.make(&mut log, &[unskip], Via::Repl);
    expect![[r#"
        2 f: pending (clean)
        5 f: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
}

#[test]
fn what_depends_on_a_class_that_is_left_off_is_a_conflict() {
    let world = World::new("x = 1\n");
    let mut log = world.open();
    let class = world.patch(&mut log, "", "class A:\n    def f(self): return 1\n")[0];
    world.patch(
        &mut log,
        "A",
        "def f(self): return 2\ndef g(self): return 3\n",
    );
    world.patch(&mut log, "", "x = 2\n");
    let live = "x = 2\n\n\nclass A:\n    def f(self): return 2\n\n    def g(self): return 3\n";
    assert_eq!(world.live(&log), live);
    let undo = Draft::Undo {
        of: class,
        why: String::new(),
    };
    world.make(&mut log, &[undo], Via::Undo);
    expect![[r#"
        2 A: undone (undone by 12)
        5 A.f: conflict (depends on change 2, which brings the class A and is left off)
        6 A.g: conflict (depends on change 2, which brings the class A and is left off)
        9 x: pending (clean)
        12 undo 2: folded ()
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), "x = 2\n");
}

#[test]
fn a_class_and_its_methods_may_change_one_after_the_other() {
    let world = World::new("class A:\n    def f(self): return 1\n\n    def g(self): return 1\n");
    let mut log = world.open();
    let method = world.patch(&mut log, "A", "def f(self): return 2\n")[0];
    world.edit(
        &mut log,
        "class A(Base):\n    def f(self): return 2\n\n    def g(self): return 1\n",
    );
    world.patch(&mut log, "A", "def f(self): return 3\n");
    expect![[r#"
        2 A.f: pending (clean)
        5 A: pending (clean)
        8 A.f: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    // The class was made for what the first change said, whether that counts or not.
    let skip = Draft::Skip {
        of: method,
        why: String::new(),
    };
    world.make(&mut log, &[skip], Via::Repl);
    assert!(
        !world.told(&log).contains("conflict"),
        "{}",
        world.told(&log)
    );
    let saved = "class A(Base):\n    def f(self): return 3\n\n    def g(self): return 1\n";
    world.disk.put(SOURCE, saved.as_bytes());
    expect![[r#"
        2 A.f: omitted (left off by 11)
        5 A: in source (already in the source)
        8 A.f: in source (already in the source)
    "#]]
    .assert_eq(&world.told(&log));
    // Another method that was edited meanwhile: the class as a whole is not what was changed.
    let edited = "class A:\n    def f(self): return 1\n\n    def g(self): return 9\n";
    world.disk.put(SOURCE, edited.as_bytes());
    expect![[r#"
        2 A.f: omitted (left off by 11)
        5 A: conflict (the source has another version of A than the one that was changed)
        8 A.f: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(
        world.live(&log),
        with(edited, "f(self): return 1", "f(self): return 3")
    );
}

#[test]
fn a_method_removed_from_a_class_that_a_change_brings_stays_removed() {
    let world = World::new("x = 1\n");
    let mut log = world.open();
    world.patch(
        &mut log,
        "",
        "class A:\n    y = 1\n    def f(self): return 1\n",
    );
    world.edit(&mut log, "x = 1\n\n\nclass A:\n    y = 1\n");
    assert_eq!(world.live(&log), "x = 1\n\n\nclass A:\n    y = 1\n");
    expect![[r#"
        2 A: pending (clean)
        5 A.f: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
}

#[test]
fn a_definition_removed_and_added_again_is_what_was_added() {
    let world = World::new("f = 1\ng = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "g = 1\n");
    world.edit(&mut log, "g = 1\nf = 2\n");
    assert_eq!(world.live(&log), "g = 1\nf = 2\n");
    world.edit(&mut log, "g = 1\n");
    assert_eq!(world.live(&log), "g = 1\n");
    world.disk.put(SOURCE, b"g = 1\n");
    assert!(
        !world.told(&log).contains("pending"),
        "{}",
        world.told(&log)
    );
}

#[test]
fn a_module_without_its_source_keeps_its_changes() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\n");
    world.state(&mut log, "X", Effect::Assign, "X = 1");
    let mut changes = history(log.read());
    judge(&mut changes, None);
    expect![[r#"
        2 f: conflict (the source file is not there)
        5 `X = 1`: pending (clean)
    "#]]
    .assert_eq(&tell(&changes));
    judge(&mut changes, Some(&parse("f = 1\n")));
    assert!(!tell(&changes).contains("conflict"));
}

#[test]
fn what_was_in_flight_when_the_process_died_is_left_off_and_may_be_taken_again() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let draft = drafts(&parse("f = 1\n"), &parse("f = 2\n"));
    let committed = log.append(&draft, Via::Patch, None, None).unwrap();
    assert!(
        tell(&history_while(log.read(), "9be1")).contains("2 f: pending (it is being applied)")
    );
    expect![[r#"
        2 f: omitted (was being applied when the process died)
    "#]]
    .assert_eq(&tell(&history(log.read())));
    drop(log);
    let mut log = Log::open(&world.rim, Path::new(SOURCE), "77aa", "-").unwrap();
    let unskip = Draft::Unskip {
        of: committed.numbers[0],
        why: String::new(),
    };
    log.append(&[unskip], Via::Repl, None, None).unwrap();
    assert_eq!(world.told(&log), "2 f: pending (clean)\n");
    assert_eq!(world.live(&log), "f = 2\n");
}

#[test]
fn what_failed_is_left_off_and_says_why() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let draft = drafts(&parse("f = 1\n"), &parse("f = g()\n"));
    let committed = log.append(&draft, Via::Patch, None, None).unwrap();
    log.fail(
        committed.tx,
        Failure::Raised,
        "NameError: name 'g' is not defined",
    );
    assert_eq!(
        world.told(&log),
        "2 f: omitted (it failed: NameError: name 'g' is not defined)\n"
    );
    assert_eq!(world.live(&log), "f = 1\n");
}

#[test]
fn an_undo_can_be_undone_and_that_as_well() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let mut number = world.edit(&mut log, "f = 2\n")[0];
    for expected in ["f = 1\n", "f = 2\n", "f = 1\n", "f = 2\n"] {
        let undo = Draft::Undo {
            of: number,
            why: String::new(),
        };
        number = world.make(&mut log, &[undo], Via::Undo)[0];
        assert_eq!(world.live(&log), expected);
    }
    expect![[r#"
        2 f: pending (clean)
        5 undo 2: undone (undone by 8)
        8 undo 5: folded ()
        11 undo 8: undone (undone by 14)
        14 undo 11: folded ()
    "#]]
    .assert_eq(&world.told(&log));
}

#[test]
fn a_change_of_several_modules_counts_once_the_session_says_so() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let path = world.rim.home.session_log("9be1");
    let mut session = Log::open(&world.rim, &path, "9be1", "-").unwrap();
    let cause = Cause {
        session: "9be1".to_owned(),
        tx: 1,
    };
    let draft = drafts(&parse("f = 1\n"), &parse("f = 2\n"));
    log.append(&draft, Via::Patch, Some(&cause), Some(&cause))
        .unwrap();
    let told = || tell(&history(&read(&world.rim, Path::new(SOURCE)).unwrap()));
    assert_eq!(
        told(),
        "2 f: omitted (it is a part of a transaction that was never completed)\n"
    );
    let committed = session.append(&[], Via::Patch, None, None).unwrap();
    assert_eq!(committed.tx, 1);
    assert_eq!(
        told(),
        "2 f: omitted (was being applied when the process died)\n"
    );
}

#[test]
fn what_another_user_wrote_does_not_count() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\n");
    drop(log);
    let stranger = Rim {
        home: Home::at("/home/stranger"),
        ..world.rim.clone()
    };
    let mut changes = history(&read(&stranger, Path::new(SOURCE)).unwrap());
    judge(&mut changes, Some(&parse("f = 1\n")));
    expect![[r#"
        2 f: untrusted (your relive did not write it: look at it, then `relive trust` allows it)
    "#]]
    .assert_eq(&tell(&changes));
}

/// `pass` that makes room for a method was a change of its own, and pending for ever once it was gone.
#[test]
fn a_body_that_says_nothing_is_filled_and_emptied_by_what_is_in_it() {
    let world = World::new("class A:\n    pass\n");
    let mut log = world.open();
    world.edit(&mut log, "class A:\n    x = 1\n");
    world.edit(&mut log, "class A:\n    pass\n");
    world.edit(&mut log, "class A:\n    y = 1\n");
    assert!(!world.told(&log).contains("<pass>"), "{}", world.told(&log));
    let live = world.live(&log);
    assert_eq!(live, "class A:\n    y = 1\n");
    world.save(&mut log, &live);
    assert!(!world.told(&log).contains("pending"));
    assert_eq!(world.live(&log), live);
}

/// A second `show()` was taken for the first one, and so for made.
#[test]
fn a_statement_added_once_more_is_pending_until_it_is_there_twice() {
    let world = World::new("show()\n");
    let mut log = world.open();
    world.edit(&mut log, "show()\nshow()\n");
    assert_eq!(world.told(&log), "2 <show()>#2: pending (clean)\n");
    assert_eq!(world.live(&log), "show()\nshow()\n");
    world.disk.put(SOURCE, b"show()\nshow()\n");
    assert_eq!(
        world.told(&log),
        "2 <show()>#2: in source (already in the source)\n"
    );
}

/// Which of two equal statements a source has lost is told by the save alone.
#[test]
fn one_of_two_equal_statements_is_removed_and_saved() {
    let world = World::new("show()\nx = 1\nshow()\n");
    let mut log = world.open();
    world.edit(&mut log, "x = 1\nshow()\n");
    assert_eq!(world.live(&log), "x = 1\nshow()\n");
    world.save(&mut log, "x = 1\nshow()\n");
    assert_eq!(world.live(&log), "x = 1\nshow()\n");
    assert!(!world.told(&log).contains("pending"));
}

/// What an editor put beside a change was replaced by it.
#[test]
fn another_definition_of_the_same_name_is_a_conflict_and_stays() {
    let world = World::new("def f(): return 1\n");
    let mut log = world.open();
    world.edit(&mut log, "def f(): return 1\ndef f(): return 2\n");
    let saved = "def f(): return 1\ndef f(): return 9\n";
    world.save(&mut log, saved);
    expect![[r#"
        2 f#2: conflict (the source has another f#2 already)
        5 f#2: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), saved);
}

/// Two classes whose places changes took from each other: the saved one was taken for the one that was removed.
#[test]
fn of_two_classes_one_becomes_the_other_and_is_saved() {
    let world = World::new("class A:\n    x = 1\nclass A(B):\n    x = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "class A:\n    x = 1\n");
    world.edit(&mut log, "class A(B):\n    x = 1\n");
    let live = world.live(&log);
    assert_eq!(live, "class A(B):\n    x = 1\n");
    world.save(&mut log, &live);
    assert_eq!(world.live(&log), live);
    assert!(
        !world.told(&log).contains("pending"),
        "{}",
        world.told(&log)
    );
}

/// Leaving off the first of two classes had the second one's change be taken for one of the first.
#[test]
fn a_class_is_removed_whose_namesake_is_left_off() {
    let world = World::new("x = 1\n");
    let mut log = world.open();
    let both = "x = 1\nclass B:\n    a = 1\nclass B:\n    b = 1\n";
    let first = world.edit(&mut log, both)[0];
    let skip = Draft::Skip {
        of: first,
        why: String::new(),
    };
    world.make(&mut log, &[skip], Via::Repl);
    world.edit(&mut log, "x = 1\n");
    assert_eq!(world.live(&log), "x = 1\n", "{}", world.told(&log));
}

/// They were exchanged once more.
#[test]
fn two_definitions_that_were_exchanged_for_each_other_are_saved_unseen() {
    let world = World::new("def f(): return 1\ndef f(): return 2\n");
    let mut log = world.open();
    world.edit(&mut log, "def f(): return 3\ndef f(): return 2\n");
    world.edit(&mut log, "def f(): return 3\ndef f(): return 1\n");
    world.edit(&mut log, "def f(): return 2\ndef f(): return 1\n");
    let live = world.live(&log);
    assert_eq!(live, "def f(): return 2\ndef f(): return 1\n");
    world.disk.put(SOURCE, live.as_bytes());
    assert_eq!(world.live(&log), live, "{}", world.told(&log));
}

/// A fold had written a class, and an editor removed it, whereas a change of it was pending. That stayed pending, since
/// the source said what the folded change had been made for: it brought the class back.
#[test]
fn a_change_of_what_was_folded_and_then_removed_from_the_source_is_a_conflict() {
    let world = World::new("");
    let mut log = world.open();
    world.patch(&mut log, "", "class Account:\n    rate = 1\n");
    world.fold(&mut log);
    world.patch(&mut log, "", "class Account(Base):\n    rate = 1\n");
    world.save(&mut log, "");
    expect![[r#"
        2 Account: folded (folded into the source by 5)
        5 fold [2]: folded ()
        9 Account: conflict (the source has no Account any more)
        12 Account: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), "");
    let folded = world.fold(&mut log);
    assert_eq!(folded.numbers, [0; 0]);
    assert_eq!(world.source(), "");
}

/// A class was replaced, and a conflict came of it. What was done in the class then, without the replacement, was saved:
/// the replacement was pending again, and would have come by itself.
#[test]
fn what_was_changed_in_a_class_without_its_replacement_leaves_that_in_conflict() {
    let source = "class Account:\n    rate = 1\n";
    let world = World::new(source);
    let mut log = world.open();
    world.edit(&mut log, "Account = None\n");
    world.save(&mut log, "class Account:\n    pass\n");
    world.edit(&mut log, source);
    let live = world.live(&log);
    assert_eq!(live, source);
    world.save(&mut log, &live);
    expect![[r#"
        2 Account: conflict (what was changed in Account after it, and without it, is in the source)
        5 Account.rate: in source (it was saved)
        8 Account.rate: in source (already in the source)
        11 Account.rate: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), live);
}

/// What was added to a class again and went with the class was counted as one of two when it was added once more, since
/// a change and a save had removed it: so the change of the class was a conflict.
#[test]
fn what_went_with_its_class_is_the_same_when_it_is_added_again() {
    let world = World::new("class Account:\n    setup()\n    rate = 1\n");
    let mut log = world.open();
    let number = world.edit(&mut log, "class Account:\n    rate = 1\n")[0];
    let live = world.live(&log);
    world.save(&mut log, &live);
    let undo_it = |log: &mut Log| {
        let drafts = undo(&world.changes(log), number, &parse(&world.source())).unwrap();
        world.make(log, &drafts, Via::Undo);
    };
    undo_it(&mut log);
    world.patch(&mut log, "", "class Account(Base):\n    audit()\n");
    undo_it(&mut log);
    expect![[r#"
        2 Account.<setup()>: in source (already in the source)
        5 Account.<setup()>: in source (it was saved)
        8 Account.<setup()>: pending (clean)
        11 Account: pending (clean)
        14 Account.<setup()>: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
}

/// A save put a class above an import of its name, and counted it as the second. A change in the class was taken for one of
/// what is not there: what it removed was said to be gone from the source already.
#[test]
fn a_change_in_a_class_that_a_save_put_before_its_namesake_is_never_taken_for_made() {
    let import = "class Bank:\n    from shop import Till\n";
    let class = "class Bank:\n    class Till:\n        rate = 1\n        open()\n    from shop import Till\n";
    let world = World::new(import);
    let mut log = world.open();
    world.save(&mut log, class);
    world.edit(&mut log, &class.replace("        open()\n", ""));
    expect![[r#"
        2 Bank.Till#2: in source (it was saved)
        5 Bank.Till.<open()>: conflict (which Bank.Till.<open()> it was made for is not certain any more)
    "#]].assert_eq(&world.told(&log));
}

/// What was left off went on to be missing when later changes were told apart: a statement that was added beside it took
/// its place.
#[test]
fn what_was_added_after_a_removal_was_left_off_stands_beside_what_is_there_again() {
    let world = World::new("import a\n\na = 1\n");
    let mut log = world.open();
    let number = world.edit(&mut log, "b = 1\n")[0];
    let why = String::new();
    world.make(&mut log, &[Draft::Skip { of: number, why }], Via::Repl);
    assert_eq!(world.live(&log), "b = 1\na = 1\n");
    world.edit(&mut log, "import a\n\na = 1\n");
    expect![[r#"
        2 a#2: omitted (left off by 7)
        3 a: pending (clean)
        4 b: in source (change 10 came after it, and is in the source)
        10 b: in source (already in the source)
        11 a#2: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log), "import a\n\na = 1\n");
}

/// An addition was taken for the addition, once more, of what had been removed. When that removal was then left off, one
/// `tick()` was there instead of two.
#[test]
fn what_was_added_after_a_removal_is_another_one_when_the_removal_is_left_off() {
    let world = World::new("tick()\n\nx = 1\n\ntick()\n");
    let mut log = world.open();
    let number = world.edit(&mut log, "tick()\n\nx = 1\n")[0];
    world.edit(&mut log, "tick()\n\nx = 1\n\ntick()\n");
    let why = String::new();
    world.make(&mut log, &[Draft::Skip { of: number, why }], Via::Repl);
    expect![[r#"
        2 <tick()>#2: omitted (left off by 8)
        5 <tick()>#2: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log).matches("tick()").count(), 3);
}

/// A fold was not known to have been written, and an editor wrote the same. The two were then taken for two times two
/// definitions, and what removed them was said to be pending, but removed nothing.
#[test]
fn a_save_says_what_a_fold_that_died_was_to_write() {
    for calls in 0..70 {
        let world = World::new("x = 1\n");
        let mut log = world.open();
        let new = "x = 1\n\na = 1\n\nclass a:\n    b = 1\n";
        world.edit(&mut log, new);
        world.make(&mut log, &[], Via::Repl);
        world.disk.fail_from(calls, std::io::ErrorKind::Interrupted);
        let _ = relive_log::fold(&world.rim, &mut log, Path::new(SOURCE), false);
        drop(log);
        world.disk.kill();
        world.disk.heal();
        let mut log = world.open();
        world.save(&mut log, new);
        world.edit(&mut log, "x = 1\n");
        let told = world.told(&log);
        assert_eq!(world.live(&log), "x = 1\n", "{calls}\n{told}");
    }
}

/// What a change had added was taken for what the source has: `the source has another a already`.
#[test]
fn only_what_the_source_has_is_another_definition_that_is_there_already() {
    let world = World::new("x = 1\n");
    let mut log = world.open();
    let twice = "x = 1\n\na = 1\na = 1\n";
    world.edit(&mut log, twice);
    let number = world.edit(&mut log, "x = 1\n")[0];
    world.edit(&mut log, twice);
    let why = String::new();
    world.make(&mut log, &[Draft::Skip { of: number, why }], Via::Repl);
    expect![[r#"
        2 a: in source (change 7 came after it, and is in the source)
        3 a#2: pending (clean)
        6 a#2: omitted (left off by 14)
        7 a: in source (already in the source)
        10 a: pending (clean)
        11 a#2: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    assert_eq!(world.live(&log).matches("a = 1").count(), 3);
    world.edit(&mut log, "x = 1\n");
    assert_eq!(world.live(&log), "x = 1\n");
}
