//! Edits of classes.

use expect_test::expect;

use crate::scenario::{Scenario, check};

#[test]
fn methods() {
    check(
        "class C:\n    def m(self): return 1\n",
        "class C:\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
    "#]],
    );
    check(
        "class C:\n    def m(self, x=1): pass\n",
        "class C:\n    def m(self, x=2): pass\n",
        expect![[r#"
        exchange C.m at 2 with signature (Method: signature changed)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class C:\n    def m(self): pass\n    def n(self): pass\n",
        expect![[r#"
        execute C.n at 3 (Method: added)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n    def n(self): pass\n",
        "class C:\n    def m(self): pass\n",
        expect![[r#"
        remove C.n (Method: removed)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class C:\n    def n(self): pass\n",
        expect![[r#"
        execute C.n at 2 (Method: added)
        remove C.m (Method: removed)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class C:\n    @staticmethod\n    def m(self): pass\n",
        expect![[r#"
        execute C.m at 2-3 (Method: decorators changed)
    "#]],
    );
    check(
        "class C:\n    @staticmethod\n    def m(x): return 1\n",
        "class C:\n    @staticmethod\n    def m(x): return 2\n",
        expect![[r#"
        exchange C.m at 2-3 (Method: body changed)
    "#]],
    );
    check(
        "class C:\n    @classmethod\n    def m(cls): pass\n",
        "class C:\n    def m(self): pass\n",
        expect![[r#"
        execute C.m at 2 (Method: decorators changed)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n    n = m\n",
        "class C:\n    def m(self): return 1\n    n = m\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
    "#]],
    );
    check(
        "class C:\n    m = lambda self: 1\n",
        "class C:\n    m = lambda self: 2\n",
        expect![[r#"
        exchange C.m at 2 (Attribute: body changed)
    "#]],
    );
}

#[test]
fn attributes() {
    check(
        "class C:\n    x = 1\n",
        "class C:\n    x = 2\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
    "#]],
    );
    check(
        "class C:\n    x = 1\n",
        "class C:\n    x = 1\n    y = 2\n",
        expect![[r#"
        execute C.y at 3 (Attribute: added)
    "#]],
    );
    check(
        "class C:\n    x = 1\n    y = 2\n",
        "class C:\n    y = 2\n",
        expect![[r#"
        remove C.x (Attribute: removed)
        move C.y by -1
    "#]],
    );
    check(
        "class C:\n    x = []\n    y = 1\n",
        "class C:\n    x = []\n    y = 2\n",
        expect![[r#"
        execute C.y at 3 (Attribute: changed)
    "#]],
    );
    check(
        "class C:\n    x: int = 1\n",
        "class C:\n    x: int = 2\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
        annotate C: x
    "#]],
    );
    check(
        "class C:\n    x: int\n",
        "class C:\n    x: str\n",
        expect![[r#"
        execute C.<line 2> at 2 (Statement: added)
        annotate C: x
    "#]],
    );
    check(
        "class C:\n    x: int\n",
        "class C:\n    pass\n",
        expect![[r#"
        annotate C: 
    "#]],
    );
    check(
        "class C:\n    x = 1\n",
        "class C:\n    x: int = 1\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
        annotate C: x
    "#]],
    );
    check(
        "class C:\n    x = 1\n    x += 1\n",
        "class C:\n    x = 2\n    x += 1\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
        execute C.x at 3 (Attribute: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "class C:\n    x = 1\n    y = x\n",
        "class C:\n    x = 2\n    y = x\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
        outdated C.y at 3 (Attribute: what it computed rests on x, which has changed)
    "#]],
    );
    check(
        "class C:\n    if A:\n        x = 1\n",
        "class C:\n    if A:\n        x = 2\n",
        expect![[r#"
            execute C.x at 2-3 without x (Attribute: changed)
        "#]],
    );
}

#[test]
fn properties() {
    let before = "
        class C:
            @property
            def p(self): return 1
            @p.setter
            def p(self, value): pass
        ";
    check(
        before,
        "
        class C:
            @property
            def p(self): return 2
            @p.setter
            def p(self, value): pass
        ",
        expect![[r#"
            exchange C.p at 2-3 (Method: body changed)
        "#]],
    );
    check(
        before,
        "
        class C:
            @property
            def p(self): return 1
            @p.setter
            def p(self, value): self.v = value
        ",
        expect![[r#"
            exchange C.p at 4-5 (Method: body changed)
            class C at 1, stores [v]
        "#]],
    );
    check(
        before,
        "
        class C:
            @property
            def p(self): return 1
        ",
        expect![[r#"
            execute C.p at 2-3 (Method: executed again: its name is bound more than once)
        "#]],
    );
    check(
        "
        class C:
            @property
            def p(self): return 1
        ",
        before,
        expect![[r#"
            execute C.p at 2-3 (Method: executed again: its name is bound more than once)
            execute C.p at 4-5 (Method: added)
        "#]],
    );
    check(
        before,
        "
        class C:
            @cached_property
            def p(self): return 1
            @p.setter
            def p(self, value): pass
        ",
        expect![[r#"
            execute C.p at 2-3 (Method: changed)
            execute C.p at 4-5 (Method: executed again: its name is bound more than once)
        "#]],
    );
    check(
        "
        class C:
            @property
            def p(self): return 1
        ",
        "
        class C:
            def p(self): return 1
        ",
        expect![[r#"
            execute C.p at 2 (Method: decorators changed)
        "#]],
    );
    check(
        "
        class C:
            def get(self): return 1
            p = property(get)
        ",
        "
        class C:
            def get(self): return 2
            p = property(get)
        ",
        expect![[r#"
            exchange C.get at 2 (Method: body changed)
        "#]],
    );
}

#[test]
fn docstrings() {
    check(
        "class C:\n    'one'\n    x = 1\n",
        "class C:\n    'two'\n    x = 1\n",
        expect![[r#"
        execute C.<line 2> at 2 (Statement: changed)
    "#]],
    );
    check(
        "class C:\n    x = 1\n",
        "class C:\n    'doc'\n    x = 1\n",
        expect![[r#"
        execute C.<line 2> at 2 (Statement: added)
        move C.x by 1
    "#]],
    );
    check(
        "class C:\n    'doc'\n    x = 1\n",
        "class C:\n    x = 1\n",
        expect![[r#"
        remove C.__doc__ (Statement: removed)
        move C.x by -1
    "#]],
    );
    check(
        "class C:\n    'doc'\n",
        "class C:\n    __doc__ = 'doc'\n",
        expect![[r#"
        execute C.__doc__ at 2 (Attribute: added)
    "#]],
    );
}

#[test]
fn headers_are_refused() {
    check(
        "class C: pass",
        "class C(A): pass",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    check(
        "class C(A): pass",
        "class C(B): pass",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    check(
        "class C: pass",
        "@a\nclass C: pass",
        expect![[r#"
            move C.<line 2> by 1
            refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
        "#]],
    );
    check(
        "class C: pass",
        "class C(metaclass=M): pass",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    check(
        "class C: pass",
        "class C[T]: pass",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    check(
        "class C(A):\n    def m(self): return 1\n",
        "class C(B):\n    def m(self): return 2\n",
        expect![[r#"
            exchange C.m at 2 (Method: body changed)
            refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
        "#]],
    );
    check(
        "X = 1\nclass C(A): pass\n",
        "X = 2\n\nclass C(B): pass\n",
        expect![[r#"
            execute X at 1 (Statement: changed)
            class C at 3, stores []
            refused C at 3 (Class: its decorators, bases or keywords changed; restart to apply)
        "#]],
    );
    check(
        "class C(A): pass",
        "class C(\n    A,\n):\n    pass\n",
        expect![],
    );
}

#[test]
fn obstacles() {
    let scenario = || {
        Scenario::of("class C:\n    x = 1\n    def m(self): return 1\n")
            .obstacle("C", "it is an enumeration")
    };
    scenario().edit("class C:\n    x = 2\n    def m(self): return 1\n", expect![[r#"
        refused C at 1 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
    scenario().edit(
        "class C:\n    x = 1\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
    scenario().edit("class C:\n    x = 2\n    def m(self): return 2\n", expect![[r#"
        exchange C.m at 3 (Method: body changed)
        refused C at 1 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
    scenario().edit(
        "class C:\n    x = 1\n    def m(self, a=1): return 1\n",
        expect![[r#"
        exchange C.m at 3 with signature (Method: signature changed)
    "#]],
    );
    scenario().edit("class C:\n    x = 1\n", expect![[r#"
        refused C at 1 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
    scenario().edit("class C:\n    x = 1\n    def m(self): return 1\n    def n(self): pass\n", expect![[r#"
        refused C at 1 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
    scenario().edit(
        "class C:\n    # why\n    x = 1\n    def m(self): return 1\n",
        expect![[r#"
        move C.x by 1
        move C.m by 1
    "#]],
    );
    scenario().edit("Y = 1\nclass C:\n    x = 2\n    def m(self): return 2\nZ = 1\n", expect![[r#"
        execute Y at 1 (Statement: added)
        execute Z at 5 (Statement: added)
        exchange C.m at 4 (Method: body changed)
        move C.x by 1
        class C at 2, stores []
        refused C at 2 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
}

#[test]
fn only_plain_methods() {
    let scenario = || {
        Scenario::of("class C:\n    x: int = 1\n    def m(self): return 1\n")
            .only_methods("C", "it is a dataclass")
    };
    scenario().edit(
        "class C:\n    x: int = 1\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
    scenario().edit(
        "class C:\n    x: int = 1\n    def m(self): return 1\n    def n(self): pass\n",
        expect![[r#"
        execute C.n at 4 (Method: added)
    "#]],
    );
    scenario().edit(
        "class C:\n    x: int = 1\n",
        expect![[r#"
        remove C.m (Method: removed)
    "#]],
    );
    scenario().edit("class C:\n    x: int = 2\n    def m(self): return 1\n", expect![[r#"
        refused C at 1 (Class: it is a dataclass, so its body would have to run again, which is not done yet; restart to apply)
    "#]]);
    scenario().edit("class C:\n    x: int = 1\n    y: int = 2\n    def m(self): return 1\n", expect![[r#"
        move C.m by 1
        refused C at 1 (Class: it is a dataclass, so its body would have to run again, which is not done yet; restart to apply)
    "#]]);
    scenario().edit(
        "class C:\n    x: int = 1\n    @property\n    def m(self): return 1\n",
        expect![[r#"
        execute C.m at 3-4 (Method: decorators changed)
    "#]],
    );
    scenario().edit(
        "class C:\n    x: int = 1\n    def m(self, a=1): return 1\n",
        expect![[r#"
        exchange C.m at 3 with signature (Method: signature changed)
    "#]],
    );
}

#[test]
fn instances_of_an_old_init() {
    let scenario = |count| {
        Scenario::of("class C:\n    def __init__(self): self.x = 1\n    def m(self): pass\n")
            .instances("C", count)
    };
    scenario(3).edit(
        "class C:\n    def __init__(self): self.x = 2\n    def m(self): pass\n",
        expect![[r#"
        exchange C.__init__ at 2 (Method: body changed)
        stale C at 1 (Instance: 3 instances live, made by the old __init__)
    "#]],
    );
    scenario(1).edit(
        "class C:\n    def __init__(self, y=1): self.x = 1\n    def m(self): pass\n",
        expect![[r#"
        exchange C.__init__ at 2 with signature (Method: signature changed)
        stale C at 1 (Instance: 1 instance live, made by the old __init__)
    "#]],
    );
    scenario(0).edit(
        "class C:\n    def __init__(self): self.x = 2\n    def m(self): pass\n",
        expect![[r#"
        exchange C.__init__ at 2 (Method: body changed)
    "#]],
    );
    scenario(3).edit(
        "class C:\n    def __init__(self): self.x = 1\n    def m(self): return 1\n",
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
    scenario(3).edit("class C:\n    def __init__(self):\n        # why\n        self.x = 1\n    def m(self): pass\n", expect![[r#"
        exchange C.__init__ at 2-4
        move C.m by 2
    "#]]);
}

#[test]
fn nested() {
    let before = "
        class C:
            class D:
                x = 1
                def m(self): return 1
            y = 2
        ";
    check(
        before,
        "
        class C:
            class D:
                x = 1
                def m(self): return 2
            y = 2
        ",
        expect![[r#"
            exchange C.D.m at 4 (Method: body changed)
        "#]],
    );
    check(
        before,
        "
        class C:
            class D:
                x = 2
                def m(self): return 1
            y = 3
        ",
        expect![[r#"
            execute C.D.x at 3 (Attribute: changed)
            execute C.y at 5 (Attribute: changed)
        "#]],
    );
    check(
        before,
        "
        class C:
            y = 2
        ",
        expect![[r#"
            remove C.D (Class: removed)
            move C.y by -3
        "#]],
    );
    check(
        before,
        "
        class C:
            class D(Base):
                x = 2
                def m(self): return 1
            y = 3
        ",
        expect![[r#"
            execute C.D.x at 3 (Attribute: changed)
            execute C.y at 5 (Attribute: changed)
            refused C.D at 2 (Class: its decorators, bases or keywords changed; restart to apply)
        "#]],
    );
    Scenario::of(before).obstacle("C.D", "it has slots").edit("
        class C:
            class D:
                x = 2
                def m(self): return 1
            y = 3
        ", expect![[r#"
            execute C.y at 5 (Attribute: changed)
            refused C.D at 2 (Class: it has slots: its attributes cannot be changed one by one yet; restart to apply)
        "#]]);
    Scenario::of(before).obstacle("C", "it has slots").edit(
        "
        class C:
            class D:
                x = 1
                def m(self): return 2
            y = 2
        ",
        expect![[r#"
            exchange C.D.m at 4 (Method: body changed)
        "#]],
    );
}

#[test]
fn lines_and_stored_attributes() {
    check(
        "class C:\n    def m(self): pass\n",
        "X = 1\nclass C:\n    def m(self): pass\n",
        expect![[r#"
        execute X at 1 (Statement: added)
        move C by 1
        move C.m by 1
        class C at 2, stores []
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class C:\n    def m(self): self.x = 1\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
        class C at 1, stores [x]
    "#]],
    );
    check(
        "class C:\n    x = 1\n    class D:\n        def m(self): pass\n",
        "# why\n\nclass C:\n    # why\n    x = 1\n    class D:\n        def m(self): pass\n",
        expect![[r#"
            move C.x by 3
            move C.D by 3
            move C.D.m by 3
            class C at 3, stores []
            class C.D at 6, stores []
        "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class C:\n\n\n    def m(self): pass\n",
        expect![[r#"
        move C.m by 2
    "#]],
    );
}

#[test]
fn added_removed_renamed() {
    check(
        "",
        "class C:\n    x = 1\n    def m(self): pass\n    class D: pass\n",
        expect![[r#"
            execute C at 1 (Class: added)
            class C at 1, stores []
            class C.D at 4, stores []
        "#]],
    );
    check(
        "class C: pass\n",
        "",
        expect![[r#"
        remove C (Class: removed)
    "#]],
    );
    check(
        "class C:\n    def m(self): pass\n",
        "class D:\n    def m(self): pass\n",
        expect![[r#"
            execute D at 1 (Class: added)
            remove C (Class: removed)
            class D at 1, stores []
        "#]],
    );
    check(
        "class C: pass\nX = C()\n",
        "class C: pass\nclass D(C): pass\nX = C()\n",
        expect![[r#"
            execute D at 2 (Class: added)
            move X by 1
            class D at 2, stores []
        "#]],
    );
    check(
        "class C: x = 1",
        "class C: x = 2",
        expect![[r#"
        execute C.x at 1 (Attribute: changed)
    "#]],
    );
    check(
        "class C: x = 1; y = 2",
        "class C: x = 1; y = 3",
        expect![[r#"
        execute C.x at 1 (Attribute: changed)
    "#]],
    );
}

/// What only making a class anew could change is held back with what needs it; the rest of the class is changed.
#[test]
fn what_needs_a_part_that_is_refused() {
    let dataclass = |field: &str, used: &str| {
        format!(
            "class C:\n    x: int = 1\n{field}    def m(self): return self.{used}\n    def n(self): return {used:?}\n"
        )
    };
    Scenario::of(&dataclass("", "x"))
        .only_methods("C", "it is a dataclass")
        .edit(&dataclass("    y: int = 2\n", "y"), expect![[r#"
            move C.m by 1
            move C.n by 1
            refused C.m at 4 (Method: needs y, which the class does not have yet; restart to apply)
            refused C.n at 5 (Method: needs y, which the class does not have yet; restart to apply)
            refused C at 1 (Class: it is a dataclass, so its body would have to run again, which is not done yet; restart to apply)
        "#]])
        .edit(&dataclass("", "x"), expect![[r#"
            move C.m by -1
            move C.n by -1
        "#]]);
    let described = |doc: &str| format!("class C:\n{doc}    x: int = 1\n");
    let of = |doc: &str| Scenario::of(&described(doc)).only_methods("C", "it is a dataclass");
    of("    'old'\n").edit(
        &described("    'new'\n"),
        expect![[r#"
        execute C.<line 2> at 2 (Statement: changed)
    "#]],
    );
    of("    'old'\n").edit(&described(""), expect![[r#"
        move C.x by -1
        refused C at 1 (Class: it is a dataclass, so its body would have to run again, which is not done yet; restart to apply)
    "#]]);
    let slots = |slots: &str, used: &str| {
        format!(
            "class C:\n    __slots__ = {slots}\n    def m(self): self.{used} = 1\n    def n(self): return {used:?}.b\n"
        )
    };
    check(
        &slots("('a',)", "a"),
        &slots("('a', 'b')", "b"),
        expect![[r#"
        class C at 1, stores [b]
        refused C.m at 3 (Method: needs b, which the class does not have yet; restart to apply)
        refused C.n at 4 (Method: needs b, which the class does not have yet; restart to apply)
        refused C at 1 (Class: its __slots__ changed; restart to apply)
    "#]],
    );
    let derived = |base: &str, used: &str| {
        format!(
            "class C({base}):\n    def m(self): return self.{used}()\n    def n(self): return {used:?}\n"
        )
    };
    check(
        &derived("A", "m"),
        &derived("B", "b"),
        expect![[r#"
        refused C.m at 2 (Method: needs b, which the class does not have yet; restart to apply)
        refused C.n at 3 (Method: needs b, which the class does not have yet; restart to apply)
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    check(
        "class C: pass\n",
        "class C[T]:\n    def m(self) -> T: pass\n",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
}
