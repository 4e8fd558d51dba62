//! The order of steps: what an old function needs is there before code is exchanged, what a new one needs no more goes
//! after.

use expect_test::expect;

use crate::scenario::{Scenario, check};

#[test]
fn statements_that_run_changed_code_come_after_the_exchange() {
    check(
        "def f(): return 1\nX = 1\n",
        "def f(): return 2\nX = f()\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
        execute X at 2 (Statement: changed)
    "#]],
    );
    check(
        "def f(): return 1\nX = 1\nY = 2\n",
        "def f(): return 2\nX = f()\nY = 3\n",
        expect![[r#"
        execute Y at 3 (Statement: changed)
        exchange f at 1 (Function: body changed)
        execute X at 2 (Statement: changed)
    "#]],
    );
    check(
        "def f(): return 1\ndef g(): return f()\nX = 1\n",
        "def f(): return 2\ndef g(): return f()\nX = g()\n",
        expect![[r#"
            exchange f at 1 (Function: body changed)
            execute X at 3 (Statement: changed)
        "#]],
    );
    check(
        "class C:\n    def __init__(self): pass\nX = 1\n",
        "class C:\n    def __init__(self): self.x = 1\nX = C()\n",
        expect![[r#"
            exchange C.__init__ at 2 (Method: body changed)
            execute X at 3 (Statement: changed)
            class C at 1, stores [x]
        "#]],
    );
}

#[test]
fn what_is_added_comes_before_what_uses_it() {
    check(
        "X = 1\n",
        "def f(): return 1\nX = f()\n",
        expect![[r#"
        execute f at 1 (Function: added)
        execute X at 2 (Statement: changed)
    "#]],
    );
    check(
        "def f(): return 1\n",
        "import a\ndef f(): return a.x\n",
        expect![[r#"
        execute a at 1 (Import: added)
        exchange f at 2 (Function: body changed)
    "#]],
    );
    check(
        "def f(): return 1\n",
        "Y = 1\ndef f(): return Y\n",
        expect![[r#"
        execute Y at 1 (Statement: added)
        exchange f at 2 (Function: body changed)
    "#]],
    );
    check(
        "def f(): return 1\n",
        "def f(): return g()\ndef g(): return 1\n",
        expect![[r#"
        execute g at 2 (Function: added)
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "X = 1\n",
        "Y = 2\nX = Y\n",
        expect![[r#"
        execute Y at 1 (Statement: added)
        execute X at 2 (Statement: changed)
    "#]],
    );
    check(
        "def f(): pass\n",
        "def a(f): return f\n@a\ndef f(): pass\n",
        expect![[r#"
        execute a at 1 (Function: added)
        execute f at 2-3 (Function: decorators changed)
    "#]],
    );
    check(
        "class C: pass\n",
        "class B: pass\nclass C:\n    x = B()\n",
        expect![[r#"
            execute B at 1 (Class: added)
            execute C.x at 3 (Attribute: added)
            class B at 1, stores []
            class C at 2, stores []
        "#]],
    );
}

#[test]
fn what_is_removed_goes_last() {
    check(
        "def f(): return g()\ndef g(): return 1\n",
        "def f(): return 1\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
        remove g (Function: removed)
    "#]],
    );
    check(
        "X = 1\nY = 2\ndef f(): return X\n",
        "Z = 3\ndef f(): return Z\n",
        expect![[r#"
        execute Z at 1 (Statement: added)
        exchange f at 2 (Function: body changed)
        remove X (Statement: removed)
        remove Y (Statement: removed)
    "#]],
    );
    check(
        "class C:\n    x = 1\n    def m(self): return self.x\n",
        "class C:\n    y = 1\n    def m(self): return self.y\n",
        expect![[r#"
        execute C.y at 2 (Attribute: added)
        exchange C.m at 3 (Method: body changed)
        remove C.x (Attribute: removed)
    "#]],
    );
}

#[test]
fn a_statement_waits_for_one_that_waits() {
    check(
        "def f(): return 1\nX = 1\nY = 1\nZ = 1\n",
        "def f(): return 2\nX = f()\nY = X + 1\nZ = 2\n",
        expect![[r#"
            execute Z at 4 (Statement: changed)
            exchange f at 1 (Function: body changed)
            execute X at 2 (Statement: changed)
            execute Y at 3 (Statement: changed)
        "#]],
    );
    check(
        "def f(): return 1\nD = {}\nD['a'] = 1\n",
        "def f(): return 2\nD = f()\nD['a'] = 1\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
        execute D at 2 (Statement: changed)
        execute <line 3> at 3 (Statement: executed again: its name is bound more than once)
    "#]],
    );
}

#[test]
fn all_phases() {
    check(
        "
        import a
        X: int = 1
        def f(): return X
        def g(): return 1
        class C:
            x = 1
            def m(self): return 1
            def n(self): return 1
        Y = f()
        ",
        "
        import b
        X: int = 2
        Z: str = 'z'
        def f(): return Z
        class C:
            x = 2
            def m(self): return 2
            def o(self): return 3
        Y = f() + 1
        ",
        expect![[r#"
            execute b at 1 (Import: added)
            execute X at 2 (Statement: changed)
            execute Z at 3 (Statement: added)
            execute C.x at 6 (Attribute: changed)
            execute C.o at 8 (Method: added)
            exchange f at 4 (Function: body changed)
            exchange C.m at 7 (Method: body changed)
            execute Y at 9 (Statement: changed)
            remove C.n (Method: removed)
            remove a (Import: removed)
            remove g (Function: removed)
            annotate module: X Z
        "#]],
    );
}

#[test]
fn modules_in_the_order_of_their_imports() {
    let scenario = || {
        Scenario::of("from a import f\nX = f()\n")
            .module("a", "from b import g\ndef f(): return g()\nY = 1\n")
            .module("b", "def g(): return 1\nZ = 1\n")
    };
    scenario().edit_all(
        &[
            ("m", "from a import f\nX = f() + 1\n"),
            ("a", "from b import g\ndef f(): return g()\nY = 2\n"),
            ("b", "def g(): return 1\nZ = 2\n"),
        ],
        expect![[r#"
            execute b:Z at 2 (Statement: changed)
            execute a:Y at 3 (Statement: changed)
            execute X at 2 (Statement: changed)
        "#]],
    );
    scenario().edit_all(
        &[
            ("b", "def g(): return 2\nZ = 2\n"),
            ("a", "from b import g\ndef f(): return g()\nY = f()\n"),
            ("m", "from a import f\nX = f() + 1\n"),
        ],
        expect![[r#"
            execute b:Z at 2 (Statement: changed)
            exchange b:g at 1 (Function: body changed)
            execute a:Y at 3 (Statement: changed)
            execute X at 2 (Statement: changed)
        "#]],
    );
    scenario().edit_all(
        &[
            ("b", "def h(): return 1\nZ = 1\n"),
            ("a", "from b import h\ndef f(): return h()\nY = 1\n"),
        ],
        expect![[r#"
            execute b:h at 1 (Function: added)
            execute a:h at 1 (Import: added)
            exchange a:f at 2 (Function: body changed)
            remove b:g (Function: removed)
            remove a:g (Import: removed)
            outdated X at 2 (Statement: what it computed rests on f, which has changed)
        "#]],
    );
}

#[test]
fn circular_imports() {
    Scenario::of("import a\ndef f(): return a.g()\nX = 1\n")
        .module(
            "a",
            "import m\ndef g(): return 1\ndef h(): return m.f()\nY = 1\n",
        )
        .edit_all(
            &[
                (
                    "a",
                    "import m\ndef g(): return 2\ndef h(): return m.f()\nY = 2\n",
                ),
                ("m", "import a\ndef f(): return a.g()\nX = 2\n"),
            ],
            expect![[r#"
                execute X at 3 (Statement: changed)
                execute a:Y at 4 (Statement: changed)
                exchange a:g at 2 (Function: body changed)
            "#]],
        );
}

#[test]
fn an_import_waits_for_what_it_imports() {
    Scenario::of("def f(): return 1\nclass Base:\n    x = f()\n")
        .module("n", "from m import Base\n")
        .edit_all(
            &[
                (
                    "m",
                    "def f(): return 2\nclass Base:\n    x = f()\nclass Derived(Base):\n    y = f()\n",
                ),
                ("n", "from m import Base, Derived\n"),
            ],
            expect![[r#"
                exchange f at 1 (Function: body changed)
                execute Derived at 4 (Class: added)
                execute n:Base at 1 (Import: added)
                class Derived at 4, stores []
                outdated Base.x at 3 (Attribute: what it computed rests on f, which has changed)
            "#]],
        );
}

#[test]
fn an_import_for_annotations_only_makes_no_circle() {
    let annotated = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from a import C\n";
    Scenario::of(&format!("{annotated}X = 1\n"))
        .module(
            "a",
            "import os\nimport sys\nfrom m import X\nclass C: pass\n",
        )
        .edit_all(
            &[
                ("m", &format!("{annotated}X = 1\nY = 1\n")),
                (
                    "a",
                    "import os\nimport sys\nfrom m import X, Y\nclass C: pass\n",
                ),
            ],
            expect![[r#"
                execute Y at 5 (Statement: added)
                execute a:X at 3 (Import: added)
            "#]],
        );
}
