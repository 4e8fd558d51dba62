//! Copies of names in other modules, made by import statements.

use expect_test::expect;

use crate::scenario::Scenario;

#[test]
fn from_imports() {
    let scenario = || {
        Scenario::of("X = 1\ndef f(): return 1\n")
            .module("n", "from m import X, f\n")
            .held("X", "n.X")
            .held("f", "n.f")
    };
    scenario().edit(
        "X = 2\ndef f(): return 1\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        follow X in n.X
        follow X in n.X
    "#]],
    );
    scenario().edit(
        "X = 1\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 2 (Function: body changed)
    "#]],
    );
    scenario().edit(
        "X = 1\n@a\ndef f(): return 1\n",
        expect![[r#"
        execute f at 2-3 (Function: decorators changed)
        follow f in n.f
        follow f in n.f
    "#]],
    );
    scenario().edit(
        "def f(): return 1\n",
        expect![[r#"
        remove X (Statement: removed)
        follow X in n.X
        move f by -1
        outdated n:X at 1 (Import: imports m.X, which is gone)
    "#]],
    );
}

#[test]
fn under_another_name() {
    Scenario::of("X = 1\n")
        .module("n", "from m import X as Y\n")
        .held("X", "n.Y")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
        follow X in n.Y
        follow X in n.Y
    "#]],
        );
}

#[test]
fn what_was_not_imported_does_not_follow() {
    Scenario::of("X = 1\n")
        .module("n", "import m\nX = 1\n")
        .held("X", "n.X")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
        );
    Scenario::of("X = 1\n")
        .module("n", "from m import X\nY = X\n")
        .held("X", "n.X")
        .held("X", "n.Y")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
        follow X in n.X
        follow X in n.X
        outdated n:Y at 2 (Statement: what it computed rests on X, which has changed)
    "#]],
        );
    Scenario::of("X = 1\n")
        .module("n", "from o import X\n")
        .held("X", "n.X")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
        );
}

#[test]
fn through_other_modules() {
    Scenario::of("X = 1\n")
        .module("n", "from m import X\n")
        .module("o", "from n import X as Z\n")
        .held("X", "n.X")
        .held("X", "o.Z")
        .edit(
            "X = 2\n",
            expect![[r#"
            execute X at 1 (Statement: changed)
            follow X in n.X
            follow X in o.Z
            follow X in n.X
            follow X in o.Z
        "#]],
        );
}

#[test]
fn star_imports() {
    let scenario = || {
        Scenario::of("X = 1\n")
            .module("n", "from m import *\n")
            .held("X", "n.X")
    };
    scenario().edit(
        "X = 2\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        follow m.* in n
        follow X in n.X
        follow m.* in n
        follow X in n.X
    "#]],
    );
    scenario().edit(
        "X = 1\nY = 2\n",
        expect![[r#"
        execute Y at 2 (Statement: added)
        follow m.* in n
        follow m.* in n
    "#]],
    );
    scenario().edit(
        "",
        expect![[r#"
        remove X (Statement: removed)
        follow m.* in n
        follow X in n.X
    "#]],
    );
    scenario().edit(
        "X = 1\ndef f(): pass\n",
        expect![[r#"
        execute f at 2 (Function: added)
        follow m.* in n
        follow m.* in n
    "#]],
    );
    Scenario::of("X = 1\n")
        .module("n", "from m import *\n")
        .module("o", "from n import *\n")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
        follow m.* in n
        follow n.* in o
        follow m.* in n
        follow n.* in o
    "#]],
        );
}

#[test]
fn re_export_of_a_package() {
    Scenario::default()
        .package("p", "from .sub import f, K\n")
        .module("p.sub", "K = 1\ndef f(): return K\n")
        .module("m", "from p import K\nY = K\n")
        .held("p.sub.K", "p.K")
        .held("p.sub.K", "m.K")
        .edit_all(
            &[("p.sub", "K = 2\ndef f(): return K\n")],
            expect![[r#"
            execute p.sub:K at 1 (Statement: changed)
            follow p.sub:K in p.K
            follow p.sub:K in m.K
            follow p.sub:K in p.K
            follow p.sub:K in m.K
            outdated Y at 2 (Statement: what it computed rests on K, which has changed)
        "#]],
        );
}

#[test]
fn in_an_edited_importer() {
    Scenario::of("X = 1\n")
        .module("n", "from m import X\nY = X * 3\n")
        .held("X", "n.X")
        .edit_all(
            &[("m", "X = 2\n"), ("n", "from m import X\nY = X * 4\n")],
            expect![[r#"
            execute X at 1 (Statement: changed)
            follow X in n.X
            execute n:Y at 2 (Statement: changed)
            follow X in n.X
        "#]],
        );
}
