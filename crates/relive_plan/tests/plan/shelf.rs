//! What an edit removes, and a later one brings back.

use expect_test::expect;

use crate::scenario::Scenario;
use crate::text::all_units;

#[test]
fn a_file_half_written_and_back() {
    let whole = "
        import a
        X = []
        def f(): return X
        class C:
            x = 1
            def m(self): return 1
        Y = f()
        ";
    Scenario::of(whole)
        .edit(
            "import a\nX = []\n",
            expect![[r#"
            remove f (Function: removed)
            remove C (Class: removed)
            remove Y (Statement: removed)
        "#]],
        )
        .edit(
            whole,
            expect![[r#"
                restore f (Function: restored)
                restore C (Class: restored)
                restore Y (Statement: restored)
                class C at 4, stores []
            "#]],
        )
        .edit(whole, expect![]);
}

#[test]
fn an_empty_file_and_back() {
    Scenario::of("X = 1\n")
        .edit(
            "",
            expect![[r#"
        remove X (Statement: removed)
    "#]],
        )
        .edit(
            "X = 1\n",
            expect![[r#"
        restore X (Statement: restored)
    "#]],
        )
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
        );
}

#[test]
fn functions_come_back_as_themselves() {
    let scenario = || Scenario::of("X = 1\ndef f(): return 1\n").after("X = 1\n");
    scenario().edit(
        "X = 1\ndef f(): return 1\n",
        expect![[r#"
        restore f (Function: restored)
    "#]],
    );
    scenario().edit(
        "X = 1\ndef f(): return 2\n",
        expect![[r#"
        restore f (Function: restored)
        exchange f at 2 (Function: body changed)
    "#]],
    );
    scenario().edit(
        "X = 1\ndef f(a=1): return 2\n",
        expect![[r#"
        restore f (Function: restored)
        exchange f at 2 with signature (Function: signature changed)
    "#]],
    );
    scenario().edit(
        "# why\n\nX = 1\ndef f(): return 1\n",
        expect![[r#"
        restore f (Function: restored)
        move X by 2
        move f by 2
    "#]],
    );
    scenario().edit(
        "def f(): return 1\nX = 1\n",
        expect![[r#"
        restore f (Function: restored)
        move f by -1
        move X by 1
    "#]],
    );
}

#[test]
fn what_is_another_object_is_executed() {
    Scenario::of("def f(): return 1\n")
        .edit(
            "",
            expect![[r#"
        remove f (Function: removed)
    "#]],
        )
        .edit(
            "@a\ndef f(): return 1\n",
            expect![[r#"
        execute f at 1-2 (Function: added)
    "#]],
        );
    Scenario::of("X = 1\n")
        .edit(
            "",
            expect![[r#"
        remove X (Statement: removed)
    "#]],
        )
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: added)
    "#]],
        );
    Scenario::of("def f(): return 1\n")
        .edit(
            "",
            expect![[r#"
        remove f (Function: removed)
    "#]],
        )
        .edit(
            "f = 1\n",
            expect![[r#"
        execute f at 1 (Statement: added)
    "#]],
        );
    Scenario::of("class C: pass\n")
        .edit(
            "",
            expect![[r#"
        remove C (Class: removed)
    "#]],
        )
        .edit(
            "class C(B): pass\n",
            expect![[r#"
                execute C at 1 (Class: added)
                class C at 1, stores []
            "#]],
        );
}

#[test]
fn members_of_classes() {
    let before = "class C:\n    x = []\n    def m(self): return 1\n";
    Scenario::of(before)
        .edit(
            "class C:\n    x = []\n",
            expect![[r#"
            remove C.m (Method: removed)
        "#]],
        )
        .edit(
            before,
            expect![[r#"
            restore C.m (Method: restored)
        "#]],
        )
        .edit(
            "class C:\n    def m(self): return 1\n",
            expect![[r#"
            remove C.x (Attribute: removed)
            move C.m by -1
        "#]],
        )
        .edit(
            "class C:\n    x = []\n    def m(self): return 2\n",
            expect![[r#"
            restore C.x (Attribute: restored)
            exchange C.m at 3 (Method: body changed)
        "#]],
        );
}

#[test]
fn several_times() {
    Scenario::of("def f(): return 1\n")
        .edit(
            "",
            expect![[r#"
            remove f (Function: removed)
        "#]],
        )
        .edit(
            "def f(): return 2\n",
            expect![[r#"
            restore f (Function: restored)
            exchange f at 1 (Function: body changed)
        "#]],
        )
        .edit(
            "",
            expect![[r#"
            remove f (Function: removed)
        "#]],
        )
        .edit(
            "def f(): return 2\n",
            expect![[r#"
            restore f (Function: restored)
        "#]],
        )
        .edit(
            "def f(): return 3\n",
            expect![[r#"
            exchange f at 1 (Function: body changed)
        "#]],
        );
}

#[test]
fn the_last_of_a_name_comes_back() {
    Scenario::of("X = 1\n")
        .edit(
            "",
            expect![[r#"
            remove X (Statement: removed)
        "#]],
        )
        .edit(
            "X = 2\n",
            expect![[r#"
            execute X at 1 (Statement: added)
        "#]],
        )
        .edit(
            "",
            expect![[r#"
            remove X (Statement: removed)
        "#]],
        )
        .edit(
            "X = 2\n",
            expect![[r#"
            restore X (Statement: restored)
        "#]],
        );
}

#[test]
fn what_binds_nothing_is_not_kept() {
    Scenario::of("print(1)\n")
        .edit(
            "",
            expect![[r#"
        stale <line 1> at 1 (Statement: removed, but what it did is not undone)
    "#]],
        )
        .edit(
            "print(1)\n",
            expect![[r#"
        execute <line 1> at 1 (Statement: added)
    "#]],
        );
}

#[test]
fn docstrings() {
    Scenario::of("'doc'\n")
        .edit(
            "",
            expect![[r#"
        remove __doc__ (Statement: removed)
    "#]],
        )
        .edit(
            "'doc'\n",
            expect![[r#"
        execute <line 1> at 1 (Statement: added)
    "#]],
        );
}

/// The host knows code by the identities of units: a class that comes back must come back with those of its members.
#[test]
fn a_class_keeps_the_identity_of_its_members() {
    let text = "class C:\n    def m(self): return 1\n    class D:\n        def n(self): pass\n";
    let mut scenario = Scenario::of(text);
    let identities = |scenario: &mut Scenario| -> Vec<u64> {
        let (planned, _) = scenario.plan(&[("m", text)]);
        let units = all_units(&planned.modules[0].live);
        units.into_iter().map(|(_, unit)| unit.id).collect()
    };
    let before = identities(&mut scenario);
    scenario.apply(&[("m", "X = 1\n")]);
    assert_eq!(identities(&mut scenario), before);
}
