//! Excerpts: lines of the file left where they are, and everything else left out.

use expect_test::{Expect, expect};
use relive_syntax::{Lines, Outline, Unit};

use crate::support::{dedent, parse};

/// The excerpt that keeps the named units, `C.m` with the headers of its classes, with line numbers.
fn check(text: &str, keep: &[&str], expected: Expect) {
    let outline = parse(&dedent(text));
    expected.assert_eq(&numbered(&excerpt(&outline, keep, None)));
}

/// The same with the decorators of the first unit made the identity.
fn check_neutral(text: &str, keep: &[&str], expected: Expect) {
    let outline = parse(&dedent(text));
    let unit = find(&outline.units, keep[0]).last().copied().unwrap();
    let decorators = unit.function.as_ref().unwrap().decorator_lines;
    expected.assert_eq(&numbered(&excerpt(&outline, keep, decorators)));
}

fn excerpt(outline: &Outline, keep: &[&str], neutral: Option<Lines>) -> String {
    let mut lines = Vec::new();
    for path in keep {
        let found = find(&outline.units, path);
        let (unit, classes) = found.split_last().unwrap();
        lines.extend(
            classes
                .iter()
                .filter_map(|class| Some(class.class.as_ref()?.header_lines)),
        );
        lines.push(unit.lines);
    }
    let text = outline.excerpt(&lines, neutral);
    let parsed = Outline::parse(text.as_str().into());
    assert!(parsed.is_ok(), "{parsed:?}\n{text}");
    text
}

/// The units on the way to the last one of this path.
fn find<'a>(mut units: &'a [Unit], path: &str) -> Vec<&'a Unit> {
    let mut found = Vec::new();
    for name in path.split('.') {
        let unit = units
            .iter()
            .rfind(|unit| unit.binds.iter().any(|bound| bound == name));
        let unit = unit.unwrap_or_else(|| panic!("no unit {path}"));
        units = unit.class.as_ref().map_or(&[], |class| &class.body);
        found.push(unit);
    }
    found
}

fn numbered(text: &str) -> String {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| format!("{} {line}\n", index + 1))
        .collect()
}

const MODULE: &str = "
    '''doc'''
    import os
    from m import f as g

    # about X
    X = 1

    @a
    # why
    @b(
        1,
    )

    def h(x=X):
        # inside

        return x

    class C(
        Base,
    ):
        # about the class

        '''doc'''
        x = 1

        @property
        def p(self): return 1

        class D(E):

            y = 2
            @c
            def m(self):
                pass
    Z = '''
    text
    '''";

#[test]
fn one_unit() {
    check(
        MODULE,
        &["X"],
        expect![[r#"
        6 X = 1
        7 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["h"],
        expect![[r#"
        8 @a
        9 # why
        10 @b(
        11     1,
        12 )
        14 def h(x=X):
        15     # inside
        17     return x
        18 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        24     '''doc'''
        25     x = 1
        27     @property
        28     def p(self): return 1
        30     class D(E):
        32         y = 2
        33         @c
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["Z"],
        expect![[r#"
        36 Z = '''
        37 text
        38 '''
        39 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["os"],
        expect![[r#"
        2 import os
        3 if 0: import g, os
    "#]],
    );
}

#[test]
fn several_units_in_any_order() {
    check(
        MODULE,
        &["Z", "X"],
        expect![[r#"
        6 X = 1
        36 Z = '''
        37 text
        38 '''
        39 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C.D.m", "X", "C.x"],
        expect![[r#"
        6 X = 1
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        25     x = 1
        30     class D(E):
        33         @c
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["X", "X"],
        expect![[r#"
        6 X = 1
        7 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C", "C.x"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        24     '''doc'''
        25     x = 1
        27     @property
        28     def p(self): return 1
        30     class D(E):
        32         y = 2
        33         @c
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
}

#[test]
fn members_of_classes() {
    check(
        MODULE,
        &["C.x"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        25     x = 1
        26 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C.p"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        27     @property
        28     def p(self): return 1
        29 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C.D"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        30     class D(E):
        32         y = 2
        33         @c
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C.D.y"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        30     class D(E):
        32         y = 2
        33 if 0: import g, os
    "#]],
    );
    check(
        MODULE,
        &["C.D.m"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        30     class D(E):
        33         @c
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
}

#[test]
fn neutral_decorators() {
    check_neutral(
        MODULE,
        &["h"],
        expect![[r#"
        8 @(lambda function: function)
        14 def h(x=X):
        15     # inside
        17     return x
        18 if 0: import g, os
    "#]],
    );
    check_neutral(
        MODULE,
        &["C.p"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        27     @(lambda function: function)
        28     def p(self): return 1
        29 if 0: import g, os
    "#]],
    );
    check_neutral(
        MODULE,
        &["C.D.m"],
        expect![[r#"
        19 class C(
        20     Base,
        21 ):
        22     # about the class
        30     class D(E):
        33         @(lambda function: function)
        34         def m(self):
        35             pass
        36 if 0: import g, os
    "#]],
    );
    check_neutral(
        "@a\n@b\n@c\ndef f(): pass",
        &["f"],
        expect![[r#"
        1 @(lambda function: function)
        4 def f(): pass
    "#]],
    );
    check_neutral(
        "class C:\n\t@a(\n\t\t1)\n\tdef f(self): pass",
        &["C.f"],
        expect![[r#"
        1 class C:
        2 	@(lambda function: function)
        4 	def f(self): pass
    "#]],
    );
    check_neutral(
        "def f(): pass",
        &["f"],
        expect![[r#"
        1 def f(): pass
    "#]],
    );
    // Those of other units stay.
    check_neutral(
        "@a\ndef f(): pass\n@b\ndef g(): pass",
        &["f", "g"],
        expect![[r#"
        1 @(lambda function: function)
        2 def f(): pass
        3 @b
        4 def g(): pass
    "#]],
    );
}

#[test]
fn one_line_classes() {
    check(
        "X = 1\nclass C: x = 1; y = 2\n",
        &["C.x"],
        expect![[r#"
        2 class C: x = 1; y = 2
    "#]],
    );
    check(
        "class C(\n    A): x = 1\n",
        &["C.x"],
        expect![[r#"
        1 class C(
        2     A): x = 1
    "#]],
    );
    check(
        "class C(A\n): x = 1; y = '''\n'''; z = 3\n",
        &["C.z"],
        expect![[r#"
        1 class C(A
        2 ): x = 1; y = '''
        3 '''; z = 3
    "#]],
    );
    check(
        "class C:\n    class D: x = 1\n    y = 2\n",
        &["C.D.x"],
        expect![[r#"
        1 class C:
        2     class D: x = 1
    "#]],
    );
}

#[test]
fn layout() {
    check(
        "\n\nX = 1",
        &["X"],
        expect![[r#"
        2 X = 1
    "#]],
    );
    check(
        "X = 1\n\x0c\ndef f():\n    pass\n\x0c\nY = 2",
        &["Y"],
        expect![[r#"
        6 Y = 2
    "#]],
    );
    check(
        "X = 1; Y = 2; Z = 3",
        &["Y"],
        expect![[r#"
        1 X = 1; Y = 2; Z = 3
    "#]],
    );
    check(
        "def f():\n\tif x:\n\t\treturn 1\nX = 1",
        &["f"],
        expect![[r#"
        1 def f():
        2 	if x:
        3 		return 1
    "#]],
    );
    check(
        "X = [\n  1,\n\n  # two\n  2]\nY = 1",
        &["X"],
        expect![[r#"
        1 X = [
        2   1,
        4   # two
        5   2]
    "#]],
    );
    check(
        "if a:\n    X = 1\n# c\nelse:\n    X = 2\nY = 1",
        &["X"],
        expect![[r#"
        1 if a:
        2     X = 1
        3 # c
        4 else:
        5     X = 2
    "#]],
    );
    check(
        "def f():\n    pass\n    # end\n\n# below\nX = 1",
        &["f"],
        expect![[r#"
        1 def f():
        2     pass
    "#]],
    );
}

#[test]
fn imported_names_are_declared_in_a_line_that_never_runs() {
    check(
        "X = 1",
        &["X"],
        expect![[r#"
        1 X = 1
    "#]],
    );
    check(
        "import a.b, c as d\nfrom m import e\nX = 1",
        &["X"],
        expect![[r#"
        3 X = 1
        4 if 0: import a, d, e
    "#]],
    );
    check(
        "from m import *\nX = 1",
        &["X"],
        expect![[r#"
        2 X = 1
    "#]],
    );
    check(
        "from __future__ import annotations\nX = 1",
        &["X"],
        expect![[r#"
        2 X = 1
    "#]],
    );
    check(
        "try:\n    import a\nexcept ImportError:\n    a = None\nX = 1",
        &["X"],
        expect![[r#"
        5 X = 1
        6 if 0: import a
    "#]],
    );
    check(
        "def f():\n    import a\nX = 1",
        &["X"],
        expect![[r#"
        3 X = 1
    "#]],
    );
}

#[test]
fn nothing_kept() {
    let outline = parse("import m\nX = 1");
    assert_eq!(outline.excerpt(&[], None), "if 0: import m\n");
    assert_eq!(parse("X = 1").excerpt(&[], None), "");
}

/// Ranges that overlap are kept once.
#[test]
fn overlapping_ranges() {
    let outline = parse("a = 1\nb = 2\nc = 3\nd = 4\n");
    let lines = |first, last| Lines { first, last };
    assert_eq!(
        outline.excerpt(&[lines(1, 2), lines(2, 3)], None),
        "a = 1\nb = 2\nc = 3\n"
    );
    assert_eq!(
        outline.excerpt(&[lines(2, 2), lines(1, 3)], None),
        "a = 1\nb = 2\nc = 3\n"
    );
    assert_eq!(
        outline.excerpt(&[lines(4, 4), lines(1, 1)], None),
        "a = 1\n\n\nd = 4\n"
    );
    assert_eq!(outline.excerpt(&[lines(3, 9)], None), "\n\nc = 3\nd = 4\n");
}

#[test]
fn text_of_lines() {
    let outline = parse("a = 1\n\nb = 2");
    let text = |first, last| outline.lines(Lines { first, last });
    assert_eq!(text(1, 1), "a = 1\n");
    assert_eq!(text(1, 3), "a = 1\n\nb = 2");
    assert_eq!(text(2, 2), "\n");
    assert_eq!(text(3, 9), "b = 2");
    assert_eq!(outline.line_count(), 3);
    assert_eq!(parse("").line_count(), 1);
    assert_eq!(parse("a = 1\n").line_count(), 2);
}
