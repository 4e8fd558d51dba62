//! Which unit of the old text is which of the new one, and the identities that follow from it.

use std::collections::BTreeSet;
use std::fmt::Write;

use expect_test::{Expect, expect};
use relive_syntax::{Outline, Unit, diff};

use crate::support::{all_units, dedent, parse, range};

/// One line for each pair, with the lines of the old unit and the new one; `-` where there is no partner.
fn check(before: &str, after: &str, expected: Expect) {
    let (old, new) = (parse(&dedent(before)), parse(&dedent(after)));
    let mut text = String::new();
    describe(&mut text, &old.units, &new.units, 0);
    expected.assert_eq(&text);
}

fn describe(text: &mut String, old: &[Unit], new: &[Unit], depth: usize) {
    let pairing = diff(old, new);
    let indent = depth * 2;
    for (unit, partner) in new.iter().zip(&pairing.old_of_new) {
        let partner = partner.map(|index| &old[index]);
        let change = match partner {
            None => " added",
            Some(old) if old.text == unit.text => "",
            Some(old) if old.whole == unit.whole => " layout",
            Some(old) if old.differs_only_in_deferred(unit) => " deferred",
            Some(_) => " changed",
        };
        let was = partner.map_or("-".to_owned(), |unit| range(unit.lines));
        let _ = writeln!(
            text,
            "{:indent$}{} → {}{change}",
            "",
            was,
            range(unit.lines)
        );
        if let Some((old, new)) = partner
            .and_then(|old| old.class.as_ref())
            .zip(unit.class.as_ref())
        {
            describe(text, &old.body, &new.body, depth + 1);
        }
    }
    for (unit, partner) in old.iter().zip(&pairing.new_of_old) {
        if partner.is_none() {
            let _ = writeln!(text, "{:indent$}{} → - removed", "", range(unit.lines));
        }
    }
}

#[test]
fn by_name() {
    check(
        "X = 1",
        "X = 2",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "X = 1",
        "Y = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "X = 1",
        "X: int = 1",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "X = 1",
        "X += 1",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "X = 1",
        "X = Y = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "def f(): return 1",
        "def f(): return 2",
        expect![[r#"
        1 → 1 deferred
    "#]],
    );
    check(
        "def f(): pass",
        "async def f(): pass",
        expect![[r#"
        1 → 1 deferred
    "#]],
    );
    check(
        "def f(): pass",
        "def g(): pass",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "import m",
        "import n as m",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "from m import a, b",
        "from m import b, a",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "for i in a: f(i)",
        "for i in b: f(i)",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
}

#[test]
fn other_kinds_are_other_units() {
    check(
        "def f(): pass",
        "class f: pass",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "def f(): pass",
        "f = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "f = lambda: 1",
        "def f(): return 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "import f",
        "f = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "'doc'\nX = 1",
        "X = 1\n'doc'",
        expect![[r#"
        2 → 1 layout
        - → 2 added
        1 → - removed
    "#]],
    );
}

#[test]
fn what_binds_nothing_is_known_by_its_text() {
    check(
        "print(1)",
        "print(1)  # why",
        expect![[r#"
        1 → 1 layout
    "#]],
    );
    check(
        "print(1)",
        "print(2)",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "print(1)\nprint(1)",
        "print(1)",
        expect![[r#"
        1 → 1 layout
        2 → - removed
    "#]],
    );
    check(
        "print(1)\nprint(2)",
        "print(2)\nprint(1)",
        expect![[r#"
        2 → 1 layout
        1 → 2 layout
    "#]],
    );
    check(
        "X[0] = 1",
        "X[0] = 2",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "from m import *",
        "from n import *",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "X: int",
        "X: str",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
}

#[test]
fn docstring_and_main_guard_are_one_of_a_kind() {
    check(
        "'one'",
        "'two'",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "'one'",
        "X = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
    check(
        "if __name__ == '__main__': a()",
        "if __name__ == '__main__': b()",
        expect![[r#"
        1 → 1 changed
    "#]],
    );
    check(
        "if __name__ == '__main__': X = 1",
        "if __name__ == '__main__': Y = 1",
        expect![[r#"
        - → 1 added
        1 → - removed
    "#]],
    );
}

#[test]
fn order() {
    check(
        "X = 1\nY = 2",
        "Y = 2\nX = 1",
        expect![[r#"
        2 → 1 layout
        1 → 2 layout
    "#]],
    );
    check(
        "def f(): pass\n\ndef g(): pass",
        "def g(): pass\n\ndef f(): pass",
        expect![[r#"
        3 → 1 layout
        1 → 3 layout
    "#]],
    );
    check(
        "X = 1\nY = 2",
        "W = 0\nX = 1\nY = 3",
        expect![[r#"
        - → 1 added
        1 → 2
        2 → 3 changed
    "#]],
    );
    check(
        "A = 1\nB = 2\nC = 3",
        "C = 3\nA = 1",
        expect![[r#"
        3 → 1 layout
        1 → 2 layout
        2 → - removed
    "#]],
    );
}

#[test]
fn several_units_of_one_name() {
    check(
        "X = 1\nX = 2",
        "X = 1\nX = 3",
        expect![[r#"
        1 → 1
        2 → 2 changed
    "#]],
    );
    check(
        "X = 1\nX = 2",
        "X = 2\nX = 1",
        expect![[r#"
        2 → 1 layout
        1 → 2 layout
    "#]],
    );
    check(
        "X = 1\nX = 2",
        "X = 2",
        expect![[r#"
        2 → 1
        1 → - removed
    "#]],
    );
    check(
        "X = 2",
        "X = 1\nX = 2",
        expect![[r#"
        - → 1 added
        1 → 2
    "#]],
    );
    check(
        "X = 1\nX = 2",
        "X = 3\nX = 4\nX = 5",
        expect![[r#"
        1 → 1 changed
        2 → 2 changed
        - → 3 added
    "#]],
    );
    check(
        "X = 1\nX = 1",
        "X = 1\nX = 2",
        expect![[r#"
        1 → 1
        2 → 2 changed
    "#]],
    );
    check(
        "
        class C:
            @property
            def p(self): return 1
            @p.setter
            def p(self, v): pass
        ",
        "
        class C:
            @property
            def p(self): return 1
            @p.setter
            def p(self, v): self.v = v
            @p.deleter
            def p(self): pass
        ",
        expect![[r#"
            1-5 → 1-7 changed
              2-3 → 2-3
              4-5 → 4-5 deferred
              - → 6-7 added
        "#]],
    );
    check(
        "
        @overload
        def f(a: int): ...
        @overload
        def f(a: str): ...
        def f(a): return a
        ",
        "
        @overload
        def f(a: str): ...
        def f(a): return a + a
        ",
        expect![[r#"
            3-4 → 1-2
            1-2 → 3 changed
            5 → - removed
        "#]],
    );
}

#[test]
fn layout_is_no_change() {
    check(
        "X = 1",
        "\n\n# why\nX = 1",
        expect![[r#"
        1 → 3
    "#]],
    );
    check(
        "X = [1, 2]",
        "X = [\n    1,\n    2,\n]\n",
        expect![[r#"
        1 → 1-4 layout
    "#]],
    );
    check(
        "def f():\n    return 1",
        "def f():\n\n    return 1",
        expect![[r#"
        1-2 → 1-3 layout
    "#]],
    );
    check(
        "class C:\n    x = 1\n    y = 2",
        "class C:\n    # why\n    x = 1\n\n    y = 2",
        expect![[r#"
        1-3 → 1-5 layout
          2 → 3
          3 → 5
    "#]],
    );
}

#[test]
fn members_of_classes() {
    check(
        "
        class C:
            a = 1
            def m(self): return 1
            def n(self): return 1
            class D:
                def m(self): return 1
        ",
        "
        class C(Base):
            '''doc'''
            def n(self): return 2
            a = 2
            class D:
                x = 1
                def m(self): return 2
        ",
        expect![[r#"
            1-6 → 1-7 changed
              - → 2 added
              4 → 3 deferred
              2 → 4 changed
              5-6 → 5-7 changed
                - → 6 added
                6 → 7 deferred
              3 → - removed
        "#]],
    );
}

#[test]
fn nothing_and_everything() {
    check("", "", expect![]);
    check(
        "",
        "X = 1",
        expect![[r#"
        - → 1 added
    "#]],
    );
    check(
        "X = 1",
        "",
        expect![[r#"
        1 → - removed
    "#]],
    );
    check("# comment", "# other", expect![]);
}

fn numbered(outline: &Outline) -> String {
    let units = all_units(&outline.units);
    let numbers = units.iter().map(|unit| {
        let name = unit.binds.first().map_or("_", |name| name.as_str());
        format!("{name}={}", unit.id)
    });
    numbers.collect::<Vec<_>>().join(" ")
}

/// The identities of a sequence of versions, one line for each.
fn check_identities(versions: &[&str], expected: Expect) {
    let mut last_id = 0;
    let mut old: Option<Outline> = None;
    let mut text = String::new();
    for version in versions {
        let mut new = parse(&dedent(version));
        new.inherit(old.as_ref(), &mut last_id);
        let ids: Vec<u64> = all_units(&new.units).iter().map(|unit| unit.id).collect();
        assert_eq!(
            ids.len(),
            ids.iter().collect::<BTreeSet<_>>().len(),
            "{ids:?} {version}"
        );
        assert!(
            ids.iter().all(|id| (1..=last_id).contains(id)),
            "{ids:?} {version}"
        );
        let _ = writeln!(text, "{}", numbered(&new));
        old = Some(new);
    }
    expected.assert_eq(&text);
}

#[test]
fn identities() {
    check_identities(
        &["X = 1", "X = 2", "Y = 0\nX = 2", "Y = 0", "X = 2\nY = 0"],
        expect![[r#"
        X=1
        X=1
        Y=2 X=1
        Y=2
        X=3 Y=2
    "#]],
    );
    check_identities(
        &["def f(): pass", "class f: pass", "def f(): pass"],
        expect![[r#"
        f=1
        f=2 _=3
        f=4
    "#]],
    );
    check_identities(
        &["X = 1\nX = 2", "X = 2\nX = 1", "X = 1"],
        expect![[r#"
        X=1 X=2
        X=2 X=1
        X=1
    "#]],
    );
    check_identities(
        &[
            "class C:\n    x = 1\n    def m(self): pass",
            "class C(B):\n    def m(self): return 1\n    x = 1",
            "class C(B):\n    def m(self): return 1\n    class x: pass",
            "class D(B):\n    def m(self): return 1",
        ],
        expect![[r#"
            C=1 x=2 m=3
            C=1 m=3 x=2
            C=1 m=3 x=4 _=5
            D=6 m=7
        "#]],
    );
    check_identities(
        &["", "X = 1", ""],
        expect![[r#"

        X=1

    "#]],
    );
}
