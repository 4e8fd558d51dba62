//! A change in conflict with its source is merged with it, or it is said why not.

use expect_test::{Expect, expect};
use relive_log::{Log, ResolveError, Via, history, resolve};

use crate::support::{list, parse};
use crate::world::World;

const RATE: &str = "\
def rate(kind):
    if kind == 'new':
        return 1

    tax = 2

    return tax
";

/// A module whose function was changed at run time, and then in the file.
fn conflict(patched: &str, saved: &str) -> (World, Log) {
    let world = World::new(RATE);
    let mut log = world.open();
    world.edit(&mut log, patched);
    world.save(&mut log, saved);
    (world, log)
}

/// Merge a change, log that, and tell what the module says then; or why it cannot be merged.
fn resolved(world: &World, log: &mut Log, number: u64) -> String {
    let before = world.source();
    let changes = history(log.read());
    let text = match resolve(&changes, number, &parse(&before)) {
        Ok(resolved) => {
            world.make(log, &resolved.drafts, Via::Undo);
            let told = list(&resolved.drafts);
            format!("{:?}\n{told}==\n{}", resolved.superseded, world.live(log))
        }
        Err(ResolveError::Overlap { marked, .. }) => marked,
        Err(error) => format!("{error}\n"),
    };
    assert_eq!(world.source(), before, "the source is nobody's to write");
    text
}

fn check(world: &World, log: &mut Log, number: u64, expected: Expect) {
    expected.assert_eq(&resolved(world, log, number));
}

#[test]
fn what_the_two_changed_in_other_lines_comes_together() {
    let patched = RATE.replace("return 1", "return 10");
    let saved = RATE.replace("tax = 2", "tax = 20");
    let (world, mut log) = conflict(&patched, &saved);
    expect![[r#"
        2 rate: conflict (the source has another version of rate than the one that was changed)
        5 rate: in source (it was saved)
    "#]]
    .assert_eq(&world.told(&log));
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        [2]
        Undo { of: 2, why: "merged with what the source says" }
        replace rate
            -def rate(kind):
            -    if kind == 'new':
            -        return 1
            -
            -    tax = 20
            -
            -    return tax
            +def rate(kind):
            +    if kind == 'new':
            +        return 10
            +
            +    tax = 20
            +
            +    return tax
        ==
        def rate(kind):
            if kind == 'new':
                return 10

            tax = 20

            return tax
    "#]],
    );
    // It is a change like any other from here on.
    expect![[r#"
        2 rate: undone (undone by 8)
        5 rate: in source (it was saved)
        8 undo 2: folded (merged with what the source says)
        9 rate: pending (clean)
    "#]]
    .assert_eq(&world.told(&log));
    world.fold(&mut log);
    assert_eq!(
        world.source(),
        RATE.replace("return 1", "return 10")
            .replace("tax = 2", "tax = 20")
    );
}

#[test]
fn what_touches_the_same_lines_is_shown() {
    let patched = RATE.replace("tax = 2", "tax = 3");
    let saved = RATE.replace("tax = 2", "tax = 20");
    let (world, mut log) = conflict(&patched, &saved);
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        def rate(kind):
            if kind == 'new':
                return 1

        <<<<<<< the source
            tax = 20
        ||||||| before change 2
            tax = 2
        =======
            tax = 3
        >>>>>>> change 2

            return tax
    "#]],
    );
    // The same in both is no conflict.
    let (world, mut log) = conflict(
        &patched.replace("return 1", "return 10"),
        &RATE
            .replace("tax = 2", "tax = 3")
            .replace("return tax", "return -tax"),
    );
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        [2]
        Undo { of: 2, why: "merged with what the source says" }
        replace rate
            -def rate(kind):
            -    if kind == 'new':
            -        return 1
            -
            -    tax = 3
            -
            -    return -tax
            +def rate(kind):
            +    if kind == 'new':
            +        return 10
            +
            +    tax = 3
            +
            +    return -tax
        ==
        def rate(kind):
            if kind == 'new':
                return 10

            tax = 3

            return -tax
    "#]],
    );
}

#[test]
fn a_change_of_a_change_has_both() {
    let first = RATE.replace("return 1", "return 10");
    let (world, mut log) = conflict(&first, RATE);
    let second = first.replace("return tax", "return -tax");
    let last = world.edit(&mut log, &second)[0];
    world.save(&mut log, &RATE.replace("tax = 2", "tax = 20"));
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        change 7 of rate came after change 2, and is in conflict too; merge 7 first
    "#]],
    );
    check(
        &world,
        &mut log,
        last,
        expect![[r#"
            [2, 7]
            Undo { of: 2, why: "merged with what the source says" }
            Undo { of: 7, why: "merged with what the source says" }
            replace rate
                -def rate(kind):
                -    if kind == 'new':
                -        return 1
                -
                -    tax = 20
                -
                -    return tax
                +def rate(kind):
                +    if kind == 'new':
                +        return 10
                +
                +    tax = 20
                +
                +    return -tax
            ==
            def rate(kind):
                if kind == 'new':
                    return 10

                tax = 20

                return -tax
        "#]],
    );
}

#[test]
fn what_cannot_be_merged_is_named() {
    let patched = RATE.replace("tax = 2", "tax = 3");
    let (world, mut log) = conflict(&patched, "X = 1\n");
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        change 2 of rate cannot be merged: the source has removed it; write rate as it should be, or undo change 2
    "#]],
    );
    check(
        &world,
        &mut log,
        99,
        expect![[r#"
        there is no change 99
    "#]],
    );
    let (world, mut log) = conflict("", &patched);
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        change 2 of rate cannot be merged: it removes what has changed in the source since; write rate as it should be, or undo change 2
    "#]],
    );
    let (world, mut log) = conflict(&format!("{RATE}X = 1\n"), &format!("{RATE}X = 2\n"));
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        <<<<<<< the source
        X = 2
        ||||||| before change 2
        =======
        X = 1
        >>>>>>> change 2
    "#]],
    );
    let (world, mut log) = conflict(&patched, RATE);
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
        change 2 is not in conflict with the source: clean
    "#]],
    );
}

#[test]
fn a_method_is_merged_where_it_stands() {
    let source =
        "class Rate:\n    def of(self):\n        a = 1\n\n        b = 2\n\n        return a + b";
    let world = World::new(source);
    let mut log = world.open();
    world.edit(&mut log, &source.replace("a = 1", "a = 10"));
    world.save(&mut log, &source.replace("return a + b", "return a - b"));
    check(
        &world,
        &mut log,
        2,
        expect![[r#"
            [2]
            Undo { of: 2, why: "merged with what the source says" }
            replace Rate.of
                -    def of(self):
                -        a = 1
                -
                -        b = 2
                -
                -        return a - b
                +    def of(self):
                +        a = 10
                +
                +        b = 2
                +
                +        return a - b
            ==
            class Rate:
                def of(self):
                    a = 10

                    b = 2

                    return a - b
        "#]],
    );
}
