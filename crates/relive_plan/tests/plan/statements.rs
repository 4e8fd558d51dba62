//! Edits of other statements.

use expect_test::expect;

use crate::scenario::{Scenario, check};

#[test]
fn assignments() {
    check(
        "X = 1",
        "X = 2",
        expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
    );
    check(
        "X = 1",
        "X = 1  # why",
        expect![[r#"
        exchange X at 1
    "#]],
    );
    check(
        "X = 1",
        "X = (1)",
        expect![[r#"
        exchange X at 1
    "#]],
    );
    check(
        "X = 1\nY = []\n",
        "X = 2\nY = []\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
    );
    check(
        "X = 1",
        "X: int = 1",
        expect![[r#"
        execute X at 1 (Statement: changed)
        annotate module: X
    "#]],
    );
    check(
        "a, b = 1, 2",
        "a, b = 1, 3",
        expect![[r#"
        execute a at 1 (Statement: changed)
    "#]],
    );
    check(
        "a, b = 1, 2",
        "a, c = 1, 2",
        expect![[r#"
        execute a at 1 (Statement: added)
        remove b (Statement: removed)
    "#]],
    );
    check(
        "a = b = 1",
        "a = b = 2",
        expect![[r#"
        execute a at 1 (Statement: changed)
    "#]],
    );
    check(
        "a = b = 1",
        "a = 1",
        expect![[r#"
        execute a at 1 (Statement: added)
        remove b (Statement: removed)
    "#]],
    );
    check(
        "",
        "X = 1",
        expect![[r#"
        execute X at 1 (Statement: added)
    "#]],
    );
    check(
        "X = 1",
        "",
        expect![[r#"
        remove X (Statement: removed)
    "#]],
    );
    check(
        "X = 1",
        "Y = 1",
        expect![[r#"
        execute Y at 1 (Statement: added)
        remove X (Statement: removed)
    "#]],
    );
    check(
        "a = 1; b = 2",
        "a = 1; b = 3",
        expect![[r#"
        execute a at 1 (Statement: changed)
    "#]],
    );
}

#[test]
fn chains() {
    check(
        "X = 1\nX += 2\n",
        "X = 2\nX += 2\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute X at 2 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nX += 2\n",
        "X = 1\nX += 3\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 2 (Statement: changed)
    "#]],
    );
    check(
        "X = 1\nX += 2\n",
        "X = 1\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\n",
        "X = 1\nX += 2\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 2 (Statement: added)
    "#]],
    );
    check(
        "X = 1\nX = 2\n",
        "X = 1\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nX = 2\n",
        "X = 2\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nX = 2\n",
        "X = 2\nX = 1\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 2 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nX = 2\nX += 1\n",
        "X = 5\nX = 2\nX += 1\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute X at 2 (Statement: executed again: its name is bound more than once)
        execute X at 3 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nif A:\n    X = 2\n",
        "X = 3\nif A:\n    X = 2\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute X at 2-3 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nif A:\n    X = 2\n",
        "X = 1\nif A:\n    X = 3\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 2-3 (Statement: changed)
    "#]],
    );
    check(
        "X = 1\nX = f(X)\nX = g(X)\n",
        "X = 1\nX = h(X)\nX = g(X)\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 2 (Statement: changed)
        execute X at 3 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nX = X.y\n",
        "X = 2\nX = X.y\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute X at 2 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nY = 1\nX += 1\n",
        "X = 1\nY = 2\nX += 1\n",
        expect![[r#"
        execute Y at 2 (Statement: changed)
    "#]],
    );
}

#[test]
fn deletions() {
    check(
        "X = 1\ndel X\n",
        "X = 2\ndel X\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute X at 2 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "X = 1\nY = 2\n",
        "X = 1\nY = 2\ndel X\n",
        expect![[r#"
        execute X at 1 (Statement: executed again: its name is bound more than once)
        execute X at 3 (Statement: added)
    "#]],
    );
    check(
        "for i in A: f(i)\ndel i\n",
        "for i in B: f(i)\ndel i\n",
        expect![[r#"
            execute i at 1 without i (Statement: changed)
            execute i at 2 (Statement: executed again: its name is bound more than once)
        "#]],
    );
}

#[test]
fn stores_into_objects() {
    check(
        "D = {}\nD['a'] = 1\n",
        "D = {'x': 0}\nD['a'] = 1\n",
        expect![[r#"
        execute D at 1 (Statement: changed)
        execute <line 2> at 2 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "D = {}\nD['a'] = 1\n",
        "D = {}\nD['a'] = 1\nD['b'] = 2\n",
        expect![[r#"
        execute <line 3> at 3 (Statement: added)
    "#]],
    );
    check(
        "D = {}\nD['a'] = 1\n",
        "D = {}\nD['a'] = 2\n",
        expect![[r#"
        execute <line 2> at 2 (Statement: added)
        stale <line 2> at 2 (Statement: removed, but what it did is not undone)
        stale D at 1 (Statement: removed, but what it did to this is not undone)
    "#]],
    );
    check(
        "D = {}\nD['a'] = 1\n",
        "D = {}\n",
        expect![[r#"
        stale <line 2> at 2 (Statement: removed, but what it did is not undone)
        stale D at 1 (Statement: removed, but what it did to this is not undone)
    "#]],
    );
    check(
        "D = {}\nD.x = 1\nD.y.z = 2\n",
        "D = []\nD.x = 1\nD.y.z = 2\n",
        expect![[r#"
        execute D at 1 (Statement: changed)
        execute <line 2> at 2 (Statement: executed again: its name is bound more than once)
        execute <line 3> at 3 (Statement: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "D = {}\nD.update(a=1)\n",
        "D = {'x': 0}\nD.update(a=1)\n",
        expect![[r#"
        execute D at 1 (Statement: changed)
        outdated D at 1 (Statement: what m:<line 2> has put into it is out of date)
        outdated <line 2> at 2 (Statement: what it computed rests on D.update (m.D), which has changed)
    "#]],
    );
    check(
        "E = {}\nD = {}\nD['a'] = 1\n",
        "E = {'x': 0}\nD = {}\nD['a'] = 1\n",
        expect![[r#"
        execute E at 1 (Statement: changed)
    "#]],
    );
}

#[test]
fn without_names() {
    check(
        "print(1)",
        "print(2)",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
        stale <line 1> at 1 (Statement: removed, but what it did is not undone)
    "#]],
    );
    check(
        "",
        "print(1)",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
    "#]],
    );
    check(
        "print(1)",
        "",
        expect![[r#"
        stale <line 1> at 1 (Statement: removed, but what it did is not undone)
    "#]],
    );
    check(
        "f()\ng()\n",
        "g()\nf()\n",
        expect![[r#"
        move <line 1> by -1
        move <line 2> by 1
    "#]],
    );
    check(
        "f()\nf()\n",
        "f()\n",
        expect![[r#"
        stale <line 2> at 2 (Statement: removed, but what it did is not undone)
    "#]],
    );
    check(
        "assert A",
        "assert B",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
        stale <line 1> at 1 (Statement: removed, but what it did is not undone)
    "#]],
    );
    check(
        "f(1)",
        "f( 1 )",
        expect![[r#"
        exchange <line 1> at 1
    "#]],
    );
}

#[test]
fn compound() {
    check(
        "for i in A:\n    x = i\n",
        "for i in A:\n    y = i\n",
        expect![[r#"
            execute i at 1-2 without i y (Statement: added)
            remove x (Statement: removed)
        "#]],
    );
    check(
        "with a as b: c = 1\n",
        "with a as b: c = 2\n",
        expect![[r#"
        execute b at 1 (Statement: changed)
    "#]],
    );
    check(
        "try:\n    import a\nexcept ImportError:\n    a = None\n",
        "try:\n    import a\nexcept ImportError:\n    a = 0\n",
        expect![[r#"
        execute a at 1-4 (Statement: changed)
    "#]],
    );
    check(
        "if A:\n    x = 1\n",
        "if A:\n    x = 1\nelse:\n    x = 2\n",
        expect![[r#"
        execute x at 1-4 (Statement: changed)
    "#]],
    );
    check(
        "while f(): x = 1\n",
        "while g(): x = 1\n",
        expect![[r#"
            execute x at 1 without x (Statement: changed)
        "#]],
    );
}

#[test]
fn annotations() {
    check(
        "X: int = 1",
        "X: str = 1",
        expect![[r#"
        execute X at 1 (Statement: changed)
        annotate module: X
    "#]],
    );
    check(
        "X: int = 1\nY: int = 2\n",
        "X: int = 1\n",
        expect![[r#"
        remove Y (Statement: removed)
        annotate module: X
    "#]],
    );
    check(
        "X: int",
        "X: str",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
        annotate module: X
    "#]],
    );
    check(
        "",
        "X: int",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
        annotate module: X
    "#]],
    );
    check(
        "X: int",
        "",
        expect![[r#"
        annotate module: 
    "#]],
    );
    check(
        "X: int = 1\nY = 1\n",
        "X: int = 1\nY = 2\n",
        expect![[r#"
        execute Y at 2 (Statement: changed)
    "#]],
    );
    check(
        "X: int = 1",
        "# why\nX: int = 1",
        expect![[r#"
        move X by 1
    "#]],
    );
}

#[test]
fn docstrings() {
    check(
        "'one'\nX = 1\n",
        "'two'\nX = 1\n",
        expect![[r#"
        execute <line 1> at 1 (Statement: changed)
    "#]],
    );
    check(
        "X = 1\n",
        "'doc'\nX = 1\n",
        expect![[r#"
        execute <line 1> at 1 (Statement: added)
        move X by 1
    "#]],
    );
    check(
        "'doc'\nX = 1\n",
        "X = 1\n",
        expect![[r#"
        remove __doc__ (Statement: removed)
        move X by -1
    "#]],
    );
    check(
        "'doc'\n",
        "__doc__ = 'doc'\n",
        expect![[r#"
        execute __doc__ at 1 (Statement: added)
    "#]],
    );
    check(
        "'doc'\n",
        "'''doc'''\n",
        expect![[r#"
        exchange <line 1> at 1
    "#]],
    );
}

#[test]
fn no_effect() {
    check("pass", "...", expect![]);
    check("", "pass\n'text'\n1\n", expect![]);
    check("X = 1\n'about X'\n", "X = 1\n'more about X'\n", expect![]);
    check("X = 1\npass\n", "X = 1\n", expect![]);
    check("", "# comment\n", expect![]);
}

#[test]
fn imports() {
    check(
        "",
        "import a",
        expect![[r#"
        execute a at 1 (Import: added)
    "#]],
    );
    check(
        "import a",
        "",
        expect![[r#"
        remove a (Import: removed)
    "#]],
    );
    check(
        "import a",
        "import b as a",
        expect![[r#"
        execute a at 1 (Import: changed)
    "#]],
    );
    check(
        "from a import x",
        "from a import x, y",
        expect![[r#"
        execute x at 1 (Import: added)
    "#]],
    );
    check(
        "from a import x, y",
        "from a import x",
        expect![[r#"
        execute x at 1 (Import: added)
        remove y (Import: removed)
    "#]],
    );
    check(
        "from a import x",
        "from b import x",
        expect![[r#"
        execute x at 1 (Import: changed)
    "#]],
    );
    check(
        "from a import x, y",
        "from a import (\n    x,\n    y,\n)\n",
        expect![[r#"
        exchange x at 1-4
    "#]],
    );
    check(
        "import a, b",
        "import a\nimport b\n",
        expect![[r#"
        execute a at 1 (Import: added)
        execute b at 2 (Import: added)
    "#]],
    );
    check(
        "import a\nX = 1\n",
        "X = 1\nimport a\n",
        expect![[r#"
        move X by -1
        move a by 1
    "#]],
    );
    check(
        "import a.b",
        "import a.b\nimport a.c\n",
        expect![[r#"
        execute a at 2 (Import: added)
        exchange a at 1
    "#]],
    );
    check(
        "",
        "from a import *",
        expect![[r#"
        execute <line 1> at 1 (Import: added)
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
}

#[test]
fn main_guard() {
    let guard = "if __name__ == '__main__':\n    main(1)\n";
    check(
        guard,
        "if __name__ == '__main__':\n    main(2)\n",
        expect![],
    );
    check("", guard, expect![]);
    check(guard, "", expect![]);
    check(
        guard,
        "X = 1\nif __name__ == '__main__':\n    main(1)\n",
        expect![[r#"
        execute X at 1 (Statement: added)
        move <line 2> by 1
    "#]],
    );
    check(
        "def main(): pass\nif __name__ == '__main__':\n    main()\n",
        "def main(): return 1\nif __name__ == '__main__':\n    main()\n",
        expect![[r#"
        exchange main at 1 (Function: body changed)
    "#]],
    );
    let script = || Scenario::default().module("__main__", guard);
    script().edit_all(&[("__main__", "if __name__ == '__main__':\n    main(2)\n")], expect![[r#"
        stale __main__:<line 1> at 1 (Statement: runs at the next start: an update never executes it)
    "#]]);
    script().edit_all(
        &[(
            "__main__",
            "# why\nif __name__ == '__main__':\n    main(1)\n",
        )],
        expect![[r#"
        move __main__:<line 2> by 1
    "#]],
    );
    script().edit_all(&[("__main__", "")], expect![]);
    Scenario::default().module("__main__", "").edit_all(&[("__main__", guard)], expect![[r#"
        stale __main__:<line 1> at 1 (Statement: runs at the next start: an update never executes it)
    "#]]);
}
