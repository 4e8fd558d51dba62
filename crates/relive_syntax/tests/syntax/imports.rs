//! What import statements bind and from where.

use expect_test::{Expect, expect};

use crate::support::{dedent, dump, parse};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&dump(&parse(&dedent(text)).units));
}

#[test]
fn forms() {
    check(
        "import m",
        expect![[r#"
        1 import m; imports m
    "#]],
    );
    check(
        "import a.b.c",
        expect![[r#"
        1 import a; imports a
    "#]],
    );
    check(
        "import m as n",
        expect![[r#"
        1 import n; imports m=n
    "#]],
    );
    check(
        "import a.b as c",
        expect![[r#"
        1 import c; imports a.b=c
    "#]],
    );
    check(
        "import a, b.c, d as e",
        expect![[r#"
        1 import a b e; imports a b d=e
    "#]],
    );
    check(
        "from m import x",
        expect![[r#"
        1 import x; imports m:x
    "#]],
    );
    check(
        "from m import x as y, z",
        expect![[r#"
        1 import y z; imports m:x=y m:z
    "#]],
    );
    check(
        "from a.b import (\n    x,\n    y,\n)\n",
        expect![[r#"
        1-4 import x y; imports a.b:x a.b:y
    "#]],
    );
    check(
        "from m import *",
        expect![[r#"
        1 import; imports m:*
    "#]],
    );
    check(
        "from . import x",
        expect![[r#"
        1 import x; imports .:x
    "#]],
    );
    check(
        "from .. import x as y",
        expect![[r#"
        1 import y; imports ..:x=y
    "#]],
    );
    check(
        "from .m import x",
        expect![[r#"
        1 import x; imports .m:x
    "#]],
    );
    check(
        "from ...a.b import *",
        expect![[r#"
        1 import; imports ...a.b:*
    "#]],
    );
}

#[test]
fn imports_inside_other_statements() {
    check(
        "try:\n    import a\nexcept ImportError:\n    import b as a\n",
        expect![[r#"
            1-4 statement a; now ImportError; imports a b=a
        "#]],
    );
    check(
        "if X:\n    from m import f\nelse:\n    def f(): pass\n",
        expect![[r#"
            1-4 statement f; now X; imports m:f
        "#]],
    );
    check(
        "with a:\n    import b\n",
        expect![[r#"
            1-2 statement b; now a(); imports b
        "#]],
    );
    check(
        "def f():\n    import m\n    from n import x\n    return m.a, x\n",
        expect![[r#"
            1-4 function f; later m:a n:x
        "#]],
    );
    check(
        "class C:\n    import m\n    from n import x\n",
        expect![[r#"
            1-3 class C; header 1
              2 import m; imports m
              3 import x; now n:x; imports n:x
        "#]],
    );
    check(
        "import a; from b import c",
        expect![[r#"
        1 statement a c; imports a b:c
    "#]],
    );
}

fn check_module(text: &str, future: &[&str], imported: &[&str]) {
    let outline = parse(text);
    assert_eq!(outline.future.iter().collect::<Vec<_>>(), future, "{text}");
    assert_eq!(
        outline.imported.iter().collect::<Vec<_>>(),
        imported,
        "{text}"
    );
}

#[test]
fn names_that_decide_how_calls_are_compiled() {
    check_module("X = 1", &[], &[]);
    check_module("import a.b\nimport c as d", &[], &["a", "d"]);
    check_module("from m import x as y, z", &[], &["y", "z"]);
    check_module("from m import *", &[], &[]);
    check_module(
        "if X:\n    try:\n        import a\n    finally:\n        import b",
        &[],
        &["a", "b"],
    );
    check_module("def f():\n    import a\nclass C:\n    import b", &[], &[]);
    check_module("from __future__ import annotations", &["annotations"], &[]);
    check_module(
        "from __future__ import annotations, generator_stop\nfrom __future__ import division as d",
        &["annotations", "division", "generator_stop"],
        &[],
    );
}
