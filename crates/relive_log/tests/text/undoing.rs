//! Any change can be undone, and what stands against it is named.

use expect_test::{Expect, expect};
use relive_log::{Draft, Effect, Log, Operation, Via, history, undo};

use crate::support::{list, parse};
use crate::world::World;

/// Undo a change, log that, and tell what the module says then; or why it cannot be.
fn undone(world: &World, log: &mut Log, number: u64) -> String {
    // Who asks need not have looked at the source.
    let changes = history(log.read());
    match undo(&changes, number, &parse(&world.source())) {
        Ok(drafts) => {
            world.make(log, &drafts, Via::Undo);
            let told = drafts.iter().map(|draft| match draft {
                Draft::Undo { of, .. } => format!("undo {of}\n"),
                _ => list(std::slice::from_ref(draft)),
            });
            format!("{}==\n{}", told.collect::<String>(), world.live(log))
        }
        Err(error) => format!("{error}\n"),
    }
}

fn check(world: &World, log: &mut Log, number: u64, expected: Expect) {
    expected.assert_eq(&undone(world, log, number));
}

#[test]
fn any_change_can_be_undone_not_only_the_last() {
    let world = World::new("f = 1\ng = 1\n");
    let mut log = world.open();
    let first = world.edit(&mut log, "f = 2\ng = 1\n")[0];
    world.edit(&mut log, "f = 2\ng = 2\n");
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        undo 2
        ==
        f = 1
        g = 2
    "#]],
    );
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        change 2 does not count anyway: undone by 8
    "#]],
    );
    check(
        &world,
        &mut log,
        8,
        expect![[r#"
        undo 8
        ==
        f = 2
        g = 2
    "#]],
    );
}

#[test]
fn a_later_change_of_the_same_definition_is_named() {
    let world = World::new("f = 1\nclass A:\n    x = 1\n");
    let mut log = world.open();
    let first = world.edit(&mut log, "f = 2\nclass A:\n    x = 1\n")[0];
    world.edit(&mut log, "f = 3\nclass A:\n    x = 1\n");
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        change 2 of f cannot be undone alone, since change 5 of f came after it; undo 5 first, or write f as it should be
    "#]],
    );
    check(
        &world,
        &mut log,
        5,
        expect![[r#"
        undo 5
        ==
        f = 2
        class A:
            x = 1
    "#]],
    );
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        undo 2
        ==
        f = 1
        class A:
            x = 1
    "#]],
    );
}

/// A process without the first change made the second of the same old text. Undoing the first ended both.
#[test]
fn what_another_process_made_of_the_same_text_stays() {
    let world = World::new("f = 1\ng = 1\n");
    let mut log = world.open();
    let same = [Draft::Patch {
        operation: Operation::Replace,
        target: "f".to_owned(),
        after: None,
        old: Some("f = 1\n".to_owned()),
        new: Some("f = 2\n".to_owned()),
    }];
    world.make(&mut log, &same, Via::Patch);
    world.make(&mut log, &same, Via::Patch);
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        undo 2
        ==
        f = 2
        g = 1
    "#]],
    );
    check(
        &world,
        &mut log,
        5,
        expect![[r#"
        undo 5
        ==
        f = 1
        g = 1
    "#]],
    );
}

#[test]
fn a_class_that_was_added_goes_after_what_was_changed_in_it() {
    let world = World::new("x = 1\n");
    let mut log = world.open();
    let class = world.patch(&mut log, "", "class A:\n    y = 1\n")[0];
    let member = world.patch(&mut log, "A", "y = 2\n")[0];
    check(
        &world,
        &mut log,
        class,
        expect![[r#"
        change 2 of A cannot be undone alone, since change 5 of A.y came after it; undo 5 first, or write A as it should be
    "#]],
    );
    undone(&world, &mut log, member);
    check(
        &world,
        &mut log,
        class,
        expect![[r#"
        undo 2
        ==
        x = 1
    "#]],
    );
}

#[test]
fn what_the_editor_saved_is_changed_back() {
    let world = World::new("def f():\n    return 1\n\n\ndef g(): pass\n\n\ndef h(): pass\n");
    let mut log = world.open();
    let saved = world.save(
        &mut log,
        "def f():\n    return 2\n\n\ndef h(): pass\n\n\ndef i(): pass\n",
    );
    check(
        &world,
        &mut log,
        saved[0],
        expect![[r#"
        add g after i
            +def g(): pass
        ==
        def f():
            return 2


        def h(): pass


        def i(): pass


        def g(): pass
    "#]],
    );
    check(
        &world,
        &mut log,
        saved[1],
        expect![[r#"
        replace f
            -def f():
            -    return 2
            +def f():
            +    return 1
        ==
        def f():
            return 1


        def h(): pass


        def i(): pass


        def g(): pass
    "#]],
    );
    check(
        &world,
        &mut log,
        saved[2],
        expect![[r#"
        remove i
            -def i(): pass
        ==
        def f():
            return 1


        def h(): pass


        def g(): pass
    "#]],
    );
}

#[test]
fn what_was_folded_is_changed_back_and_that_can_be_undone() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let first = world.edit(&mut log, "f = 2\n")[0];
    world.state(&mut log, "CACHE", Effect::Call, "CACHE.clear()");
    world.fold(&mut log);
    assert_eq!(world.source(), "f = 2\n");
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        replace f
            -f = 2
            +f = 1
        ==
        f = 1
    "#]],
    );
    let back = world.changes(&log).last().unwrap().number;
    check(
        &world,
        &mut log,
        back,
        expect![[r#"
        undo 10
        ==
        f = 2
    "#]],
    );
}

#[test]
fn an_editor_that_went_on_without_telling_is_a_conflict() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let saved = world.save(&mut log, "f = 2\n")[0];
    world.disk.put(crate::world::SOURCE, b"f = 7\n");
    check(
        &world,
        &mut log,
        saved,
        expect![[r#"
        change 2 of f cannot be undone, since the source says something else by now; write f as it should be
    "#]],
    );
}

#[test]
fn a_later_change_of_other_lines_stays() {
    let world = World::new("def f():\n    a = 1\n    b = 1\n    c = 1\n    return a, b, c\n");
    let mut log = world.open();
    let first = world.edit(
        &mut log,
        "def f():\n    a = 2\n    b = 1\n    c = 1\n    return a, b, c\n",
    )[0];
    world.edit(
        &mut log,
        "def f():\n    a = 2\n    b = 1\n    c = 3\n    return a, b, c\n",
    );
    check(
        &world,
        &mut log,
        first,
        expect![[r#"
        undo 2
        replace f
            -def f():
            -    a = 2
            -    b = 1
            -    c = 3
            -    return a, b, c
            +def f():
            +    a = 1
            +    b = 1
            +    c = 3
            +    return a, b, c
        ==
        def f():
            a = 1
            b = 1
            c = 3
            return a, b, c
    "#]],
    );
    assert!(
        !world.told(&log).contains("conflict"),
        "{}",
        world.told(&log)
    );
}

#[test]
fn what_is_no_change_and_what_does_not_count_is_told() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let state = world.state(&mut log, "X", Effect::Assign, "X = 1");
    check(
        &world,
        &mut log,
        99,
        expect![[r#"
        there is no change 99
    "#]],
    );
    check(
        &world,
        &mut log,
        1,
        expect![[r#"
        1 is the beginning of a session, not a change; undo the changes one by one
    "#]],
    );
    check(
        &world,
        &mut log,
        state,
        expect![[r#"
        undo 2
        ==
        f = 1
    "#]],
    );
}

/// It was called the third one, so that two others were looked for.
#[test]
fn what_was_removed_is_added_as_the_next_of_its_name() {
    let three = "def f(): return 1\ndef f(): return 2\ndef f(): return 3\n";
    let world = World::new(three);
    let mut log = world.open();
    let last = world.edit(&mut log, "x = 1\n")[0];
    world.save(&mut log, "x = 1\n");
    let made = undo(&world.changes(&log), last, &parse("x = 1\n")).unwrap();
    world.make(&mut log, &made, Via::Undo);
    assert!(
        world.live(&log).contains("return 3"),
        "{}",
        world.live(&log)
    );
    world.edit(&mut log, "x = 1\n");
    assert_eq!(world.live(&log), "x = 1\n", "{}", world.told(&log));
}

/// It came back below the rest of the body, and was none.
#[test]
fn a_docstring_that_was_removed_comes_back_as_one() {
    let world = World::new("class A:\n    'text'\n    a = 1\n");
    let mut log = world.open();
    let removed = world.edit(&mut log, "class A:\n    a = 1\n")[0];
    world.save(&mut log, "class A:\n    a = 1\n");
    let source = parse(&world.source());
    let made = undo(&world.changes(&log), removed, &source).unwrap();
    world.make(&mut log, &made, Via::Undo);
    assert_eq!(world.live(&log), "class A:\n    'text'\n\n    a = 1\n");
}
