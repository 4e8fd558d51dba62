//! Executing again what an edit has left out of date.

use expect_test::{Expect, expect};

use crate::scenario::Scenario;

/// The plans that execute again what an edit of `m` leaves out of date, each on its own.
fn check(before: &str, after: &str, expected: Expect) {
    Scenario::of(before).rerun(after, expected);
}

#[test]
fn statements() {
    check(
        "A = 1\nB = A\n",
        "A = 2\nB = A\n",
        expect![[r#"
        execute B at 2 (Statement: executed again: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nB = A\nC = B\n",
        "A = 2\nB = A\nC = B\n",
        expect![[r#"
        execute B at 2 (Statement: executed again: what it computed rests on A, which has changed)
        execute C at 3 (Statement: executed again: what it computed rests on B, which has changed)
    "#]],
    );
    check(
        "A = 1\nprint(A)\n",
        "A = 2\nprint(A)\n",
        expect![[r#"
        execute <line 2> at 2 (Statement: executed again: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nif A:\n    B = 1\n",
        "A = 2\nif A:\n    B = 1\n",
        expect![[r#"
            execute B at 2-3 without B (Statement: executed again: what it computed rests on A, which has changed)
        "#]],
    );
    check("A = 1\nB = 1\n", "A = 2\nB = 1\n", expect![]);
}

#[test]
fn functions() {
    check(
        "A = 1\ndef f(x=A): return x\n",
        "A = 2\ndef f(x=A): return x\n",
        expect![[r#"
        exchange f at 2 with signature (Function: executed again: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\n@d\ndef f(x=A): return x\n",
        "A = 2\n@d\ndef f(x=A): return x\n",
        expect![[r#"
        exchange f at 2-3 with signature (Function: executed again: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
    check(
        "def d(f): return f\n@d\ndef f(): return 1\n",
        "def d(f): return 1\n@d\ndef f(): return 1\n",
        expect![[r#"
        execute f at 2-3 (Function: executed again: a default, annotation or decorator rests on d, which has changed)
    "#]],
    );
}

#[test]
fn members_of_classes() {
    check(
        "A = 1\nclass C:\n    x = A\n    y = x\n",
        "A = 2\nclass C:\n    x = A\n    y = x\n",
        expect![[r#"
        execute C.x at 3 (Attribute: executed again: what it computed rests on A, which has changed)
        execute C.y at 4 (Attribute: executed again: what it computed rests on x, which has changed)
    "#]],
    );
    check(
        "A = 1\nclass C:\n    def m(self, x=A): pass\n",
        "A = 2\nclass C:\n    def m(self, x=A): pass\n",
        expect![[r#"
        exchange C.m at 3 with signature (Method: executed again: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
}

#[test]
fn in_other_modules() {
    Scenario::of("A = 1\n")
        .module("n", "import m\nB = m.A\ndef f(x=m.A): return x\n")
        .module("o", "from n import B\n")
        .held("n.B", "o.B")
        .rerun("A = 2\n", expect![[r#"
            execute n:B at 2 (Statement: executed again: what it computed rests on m.A, which has changed)
            follow n:B in o.B
            exchange n:f at 3 with signature (Function: executed again: a default, annotation or decorator rests on m.A, which has changed)
            nothing for o:B
        "#]]);
}
