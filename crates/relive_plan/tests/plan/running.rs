//! Edits of a module whose top level is being executed: what it has not reached yet, it will execute itself.

use expect_test::{Expect, expect};

use crate::scenario::Scenario;

const BEFORE: &str = "
    X = 1
    def f(): return 1
    run(f)
    Y = 2
    def g(): return 1
    class C:
        x = 1
    ";

fn check(line: u32, after: &str, expected: Expect) {
    Scenario::of(BEFORE).running(line).edit(after, expected);
}

#[test]
fn statements_above_are_executed() {
    check(
        3,
        "
        X = 5
        def f(): return 1
        run(f)
        Y = 2
        def g(): return 1
        class C:
            x = 1
        ",
        expect![[r#"
            execute X at 1 (Statement: changed)
        "#]],
    );
}

#[test]
fn functions_above_are_exchanged() {
    check(
        3,
        "
        X = 1
        def f(): return 5
        run(f)
        Y = 2
        def g(): return 1
        class C:
            x = 1
        ",
        expect![[r#"
            exchange f at 2 (Function: body changed)
            outdated <line 3> at 3 (Statement: what it computed rests on f, which has changed)
        "#]],
    );
}

#[test]
fn statements_below_wait() {
    check(
        3,
        "
        X = 1
        def f(): return 1
        run(f)
        Y = 5
        def g(): return 1
        class C:
            x = 1
        Z = 5
        ",
        expect![[r#"
            stale Y at 4 (Statement: changed, but the module is still executing statements before it; runs at the next start)
            stale Z at 8 (Statement: added, but the module is still executing statements before it; runs at the next start)
        "#]],
    );
}

#[test]
fn statements_added_below_wait_and_above_do_not() {
    check(
        3,
        "
        import a
        X = 1
        def f(): return 1
        run(f)
        import b
        Y = 2
        def g(): return 1
        class C:
            x = 1
        ",
        expect![[r#"
            execute a at 1 (Import: added)
            move X by 1
            move f by 1
            move <line 4> by 1
            move Y by 2
            move g by 2
            move C by 2
            move C.x by 2
            class C at 8, stores []
            stale b at 5 (Import: added, but the module is still executing statements before it; runs at the next start)
        "#]],
    );
}

#[test]
fn in_the_last_statement() {
    check(
        6,
        "
        X = 2
        def f(): return 1
        run(f)
        Y = 5
        def g(): return 1
        class C:
            x = 1
        ",
        expect![[r#"
            execute X at 1 (Statement: changed)
            execute Y at 4 (Statement: changed)
        "#]],
    );
}

/// The module executes the definition below as it was compiled: an exchange would find no function yet.
#[test]
fn functions_below_are_not_there_yet() {
    check(
        3,
        "
        X = 1
        def f(): return 1
        run(f)
        Y = 2
        def g(): return 5
        class C:
            x = 1
        ",
        expect![[r#"
            stale g at 5 (Function: changed, but the module is still executing statements before it; runs at the next start)
        "#]],
    );
}

#[test]
fn what_replaces_the_running_statement_is_not_executed_inside_it() {
    check(
        3,
        "
        X = 1
        def f(): return 1
        run(f, 5)
        Y = 2
        def g(): return 1
        class C:
            x = 1
        ",
        expect![[r#"
            stale <line 3> at 3 (Statement: added, but the module is still executing statements before it; runs at the next start)
            stale <line 3> at 3 (Statement: removed, but what it did is not undone)
        "#]],
    );
}
