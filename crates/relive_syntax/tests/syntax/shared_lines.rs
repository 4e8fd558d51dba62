//! Statements that share a line are one unit, so that a line belongs to one unit only.

use expect_test::{Expect, expect};

use crate::support::{dump, parse};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&dump(&parse(text).units));
}

#[test]
fn simple_statements() {
    check(
        "a = 1; b = a",
        expect![[r#"
        1 statement a b; now a
    "#]],
    );
    check(
        "a = 1; b = 2; c = 3\nd = 4",
        expect![[r#"
        1 statement a b c
        2 statement d
    "#]],
    );
    check(
        "a = 1;",
        expect![[r#"
        1 statement a
    "#]],
    );
    check(
        "import a; a.b()",
        expect![[r#"
        1 statement a; now a.b(); imports a
    "#]],
    );
    check(
        "pass; ...",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "pass; a = 1",
        expect![[r#"
        1 statement a
    "#]],
    );
    check(
        "a: int; b: str = c",
        expect![[r#"
        1 statement b; now c int str; annotates a b
    "#]],
    );
    check(
        "x[0] = 1; y.a += f(z)",
        expect![[r#"
            1 statement; now f() x y z(); touches x y.a
        "#]],
    );
    check(
        "f = lambda: a; g = f()",
        expect![[r#"
        1 statement f g; now f(); later a
    "#]],
    );
    check(
        "del a; a = 1",
        expect![[r#"
            1 statement a a; maybe a
        "#]],
    );
    check(
        "a = '''\n'''; b = '''\n'''; c = 1\nd = 1",
        expect![[r#"
        1-3 statement a b c
        4 statement d
    "#]],
    );
}

#[test]
fn bodies_on_the_line_of_their_header() {
    check(
        "if a: b = 1; c = 2",
        expect![[r#"
            1 statement b c; now a; maybe b c
        "#]],
    );
    check(
        "class C: a = 1; b = a",
        expect![[r#"
        1 class C; header 1
          1 statement a b; now a
    "#]],
    );
    check(
        "class C: a = 1; b = '''\n'''; c = 2",
        expect![[r#"
        1-2 class C; header 1
          1-2 statement a b c
    "#]],
    );
    check(
        "def f(): a; b; c",
        expect![[r#"
        1 function f; later a b c
    "#]],
    );
    check(
        "class C:\n    a = 1; b = 2\n    def m(self): pass; ...\n",
        expect![[r#"
        1-3 class C; header 1
          2 statement a b
          3 function m
    "#]],
    );
}

/// A line that goes on after a backslash is one line: half of it cannot be compiled.
#[test]
fn lines_joined_by_a_backslash() {
    check(
        "a = 1; \\\nb = 2\nc = 3",
        expect![[r#"
        1-2 statement a b
        3 statement c
    "#]],
    );
    check(
        "class C: a = 1; \\\n  b = 2\nc = 3",
        expect![[r#"
        1-2 class C; header 1
          1-2 statement a b
        3 statement c
    "#]],
    );
    check(
        "a = 1 + \\\n  2; b = 3; \\\n  c = 4\nd = 5",
        expect![[r#"
        1-3 statement a b c
        4 statement d
    "#]],
    );
    check(
        "a = 1; \\\n\nb = 2",
        expect![[r#"
        1 statement a
        3 statement b
    "#]],
    );
    check(
        "a = 1\n\\\nb = 2",
        expect![[r#"
        1 statement a
        3 statement b
    "#]],
    );
}

#[test]
fn units_never_share_a_line() {
    let texts = [
        "a = 1; b = 2; c = 3\nd = 4; e = 5",
        "a = '''\n'''; b = '''\n'''; c = 1; d = [\n]\ne = 1",
        "class C:\n    a = 1; b = '''\n'''; c = 2\n    d = 1\nx = 1; y = 2",
    ];
    for text in texts {
        let outline = parse(text);
        assert_apart(&outline.units);
    }
}

fn assert_apart(units: &[relive_syntax::Unit]) {
    for pair in units.windows(2) {
        assert!(pair[0].lines.last < pair[1].lines.first, "{pair:?}");
    }
    for class in units.iter().filter_map(|unit| unit.class.as_ref()) {
        assert_apart(&class.body);
    }
}

/// What one of the joined statements changes changes the unit.
#[test]
fn hashes() {
    let whole = |text: &str| parse(text).units[0].whole;
    let evaluated = |text: &str| parse(text).units[0].evaluated;
    assert_eq!(whole("a = 1; b = 2"), whole("a = 1 ; b = (2) # why"));
    assert_ne!(whole("a = 1; b = 2"), whole("a = 1; b = 3"));
    assert_ne!(whole("a = 1; b = 2"), whole("b = 2; a = 1"));
    assert_ne!(whole("a = 1; b = 2"), whole("a = 1"));
    assert_eq!(
        evaluated("f = lambda: 1; b = 2"),
        evaluated("f = lambda: 2; b = 2")
    );
    assert_ne!(
        evaluated("f = lambda: 1; b = 2"),
        evaluated("f = lambda: 1; b = 3")
    );
    let text = |text: &str| parse(text).units[0].text;
    assert_ne!(text("a = 1; b = 2"), text("a = 1;  b = 2"));
    assert_eq!(text("a = 1; b = 2\n"), text("\n\na = 1; b = 2\n"));
}
