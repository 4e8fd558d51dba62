//! Edits of functions.

use expect_test::expect;

use crate::scenario::check;

#[test]
fn bodies() {
    check(
        "def f(): return 1",
        "def f(): return 2",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f(a): pass",
        "def f(b, *c): pass",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f(): pass",
        "async def f(): pass",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f(): return 1",
        "def f(): yield 1",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f():\n    '''doc'''\n",
        "def f():\n    '''other'''\n",
        expect![[r#"
        exchange f at 1-2 (Function: body changed)
    "#]],
    );
    check(
        "def f():\n    def g(): return 1\n    return g\n",
        "def f():\n    def g(): return 2\n    return g\n",
        expect![[r#"
        exchange f at 1-3 (Function: body changed)
    "#]],
    );
    check(
        "def f(x): return lambda: x",
        "def f(x): return lambda: x + 1",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "@a\n@b(1)\ndef f(): return 1",
        "@a\n@b(1)\ndef f(): return 2",
        expect![[r#"
        exchange f at 1-3 (Function: body changed)
    "#]],
    );
    check(
        "def f[T](x: T): return 1",
        "def f[T](x: T): return 2",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f(x=A) -> B: return 1",
        "def f(x=A) -> B: return 2",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
}

#[test]
fn layout() {
    check("def f(): return 1", "def f(): return 1", expect![]);
    check(
        "def f(): return 1",
        "# why\ndef f(): return 1",
        expect![[r#"
        move f by 1
    "#]],
    );
    check(
        "def f():\n    return 1\n",
        "def f():\n    # why\n    return 1\n",
        expect![[r#"
        exchange f at 1-3
    "#]],
    );
    check(
        "def f(): pass\n\nX = 1",
        "def f(): pass\nX = 1",
        expect![[r#"
        move X by -1
    "#]],
    );
    check(
        "def f(): pass\ndef g(): pass\n",
        "def g(): pass\ndef f(): pass\n",
        expect![[r#"
        move g by -1
        move f by 1
    "#]],
    );
    check(
        "def f():\n    pass\n\ndef g():\n    pass\n",
        "def f():\n    pass\n\n\n\ndef g():\n    pass\n",
        expect![[r#"
        move g by 2
    "#]],
    );
}

#[test]
fn signatures() {
    check(
        "def f(x=1): pass",
        "def f(x=2): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(x): pass",
        "def f(x=1): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(*, x=1): pass",
        "def f(*, y=1): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(x: int): pass",
        "def f(x: str): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(x): pass",
        "def f(x) -> int: pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(x=1): return x",
        "def f(x=2): return x + 1",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "@a\ndef f(x=1): pass",
        "@a\ndef f(x=2): pass",
        expect![[r#"
        exchange f at 1-2 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f[T](x: T): pass",
        "def f[T: int](x: T): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    check(
        "def f(x=lambda: 1): pass",
        "def f(x=lambda: 2): pass",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
}

#[test]
fn decorators() {
    check(
        "def f(): pass",
        "@a\ndef f(): pass",
        expect![[r#"
        execute f at 1-2 (Function: decorators changed)
    "#]],
    );
    check(
        "@a\ndef f(): pass",
        "def f(): pass",
        expect![[r#"
        execute f at 1 (Function: decorators changed)
    "#]],
    );
    check(
        "@a\ndef f(): return 1",
        "@b\ndef f(): return 2",
        expect![[r#"
        execute f at 1-2 (Function: decorators changed)
    "#]],
    );
    check(
        "@a(1)\ndef f(): pass",
        "@a(2)\ndef f(): pass",
        expect![[r#"
        execute f at 1-2 (Function: decorators changed)
    "#]],
    );
    check(
        "@a\n@b\ndef f(): pass",
        "@b\n@a\ndef f(): pass",
        expect![[r#"
        execute f at 1-3 (Function: decorators changed)
    "#]],
    );
    check(
        "@a\ndef f(): pass",
        "@a\n# why\ndef f(): pass",
        expect![[r#"
        exchange f at 1-3
    "#]],
    );
}

#[test]
fn added_and_removed() {
    check(
        "",
        "def f(): pass",
        expect![[r#"
        execute f at 1 (Function: added)
    "#]],
    );
    check(
        "def f(): pass",
        "",
        expect![[r#"
        remove f (Function: removed)
    "#]],
    );
    check(
        "def f(): pass",
        "def g(): pass",
        expect![[r#"
        execute g at 1 (Function: added)
        remove f (Function: removed)
    "#]],
    );
    check(
        "def f(): pass\ndef g(): return f()\n",
        "def g(): return 1\n",
        expect![[r#"
        exchange g at 1 (Function: body changed)
        remove f (Function: removed)
    "#]],
    );
    check(
        "X = 1\n",
        "def f(): return X\nX = 1\n",
        expect![[r#"
        execute f at 1 (Function: added)
        move X by 1
    "#]],
    );
}

#[test]
fn other_kinds() {
    check(
        "def f(): pass",
        "class f: pass",
        expect![[r#"
            execute f at 1 (Class: added)
            class f at 1, stores []
        "#]],
    );
    check(
        "class f: pass",
        "def f(): pass",
        expect![[r#"
        execute f at 1 (Function: added)
    "#]],
    );
    check(
        "def f(): pass",
        "f = 1",
        expect![[r#"
        execute f at 1 (Statement: added)
    "#]],
    );
    check(
        "f = 1",
        "def f(): pass",
        expect![[r#"
        execute f at 1 (Function: added)
    "#]],
    );
    check(
        "def f(): pass",
        "from m2 import f",
        expect![[r#"
        execute f at 1 (Import: added)
    "#]],
    );
    check(
        "f = lambda: 1",
        "def f(): return 1",
        expect![[r#"
        execute f at 1 (Function: added)
    "#]],
    );
}

#[test]
fn lambdas() {
    check(
        "f = lambda: 1",
        "f = lambda: 2",
        expect![[r#"
        exchange f at 1 (Statement: body changed)
    "#]],
    );
    check(
        "f = lambda x: x",
        "f = lambda y: y + 1",
        expect![[r#"
        exchange f at 1 (Statement: body changed)
    "#]],
    );
    check(
        "D = {'k': lambda: 1, 'l': 2}",
        "D = {'k': lambda: 3, 'l': 2}",
        expect![[r#"
        exchange D at 1 (Statement: body changed)
    "#]],
    );
    check(
        "D = {'k': lambda: 1, 'l': 2}",
        "D = {'k': lambda: 3, 'l': 4}",
        expect![[r#"
        execute D at 1 (Statement: changed)
    "#]],
    );
    check(
        "f = lambda x=1: x",
        "f = lambda x=2: x",
        expect![[r#"
        execute f at 1 (Statement: changed)
    "#]],
    );
}

#[test]
fn inside_other_statements() {
    check(
        "if A:\n    def f(): return 1\n",
        "if A:\n    def f(): return 2\n",
        expect![[r#"
        exchange f at 1-2 (Statement: body changed)
    "#]],
    );
    check(
        "try:\n    import fast\nexcept ImportError:\n    def fast(): return 1\n",
        "try:\n    import fast\nexcept ImportError:\n    def fast(): return 2\n",
        expect![[r#"
            exchange fast at 1-4 (Statement: body changed)
        "#]],
    );
    check(
        "if A:\n    def f(x=1): pass\n",
        "if A:\n    def f(x=2): pass\n",
        expect![[r#"
            execute f at 1-2 without f (Statement: changed)
        "#]],
    );
    check(
        "if A:\n    def f(): pass\n",
        "if B:\n    def f(): pass\n",
        expect![[r#"
            execute f at 1-2 without f (Statement: changed)
        "#]],
    );
    check(
        "for i in A:\n    def f(): return 1\n",
        "for i in A:\n    def f(): return 2\n",
        expect![[r#"
        exchange i at 1-2 (Statement: body changed)
    "#]],
    );
    check(
        "if A:\n    class C:\n        def m(self): return 1\n",
        "if A:\n    class C:\n        def m(self): return 2\n",
        expect![[r#"
        exchange C at 1-3 (Statement: body changed)
    "#]],
    );
}

#[test]
fn several_of_one_name() {
    check(
        "def f(): return 1\ndef f(): return 2\n",
        "def f(): return 1\ndef f(): return 3\n",
        expect![[r#"
        exchange f at 2 (Function: body changed)
    "#]],
    );
    check(
        "def f(): return 1\ndef f(): return 2\n",
        "def f(): return 3\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    check(
        "def f(): return 1\ndef f(): return 2\n",
        "def f(): return 1\n",
        expect![[r#"
            execute f at 1 (Function: executed again: its name is bound more than once)
            exchange f at 1 with signature
        "#]],
    );
    check(
        "def f(): return 1\n",
        "def f(): return 1\ndef f(): return 2\n",
        expect![[r#"
        execute f at 2 (Function: added)
    "#]],
    );
    check(
        "def f(): return 1\ndef f(): return 2\n",
        "def f(): return 2\ndef f(): return 1\n",
        expect![[r#"
        execute f at 1 (Function: executed again: its name is bound more than once)
        execute f at 2 (Function: executed again: its name is bound more than once)
    "#]],
    );
    check(
        "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): return a\n",
        "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): return a + a\n",
        expect![[r#"
            exchange f at 5 (Function: body changed)
        "#]],
    );
    check(
        "def f(): return 1\nf = wrap(f)\n",
        "def f(): return 2\nf = wrap(f)\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
        outdated f at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return 1\nf = wrap(f)\n",
        "def f(): return 1\nf = wrap(f, 1)\n",
        expect![[r#"
        execute f at 1 (Function: executed again: its name is bound more than once)
        execute f at 2 (Statement: changed)
    "#]],
    );
    check(
        "def f(): return 1\nf.cache = {}\n",
        "def f(): return 2\nf.cache = {}\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
}

/// The same annotation is evaluated, or kept as text: nothing but annotations is made anew.
#[test]
fn annotations_that_mean_something_else() {
    check(
        "X: int = 1\ndef f(a: int = X): return 1\nclass C:\n    def g(self): return 1\nif X:\n    def h(): pass\n",
        "from __future__ import annotations\nX: int = 1\ndef f(a: int = X): return 2\nclass C:\n    def g(self): return 1\nif X:\n    def h(): pass\n",
        expect![[r#"
            execute annotations at 1 (Import: added)
            exchange f at 3 with signature (Function: body changed)
            exchange C.g at 5 with signature
            annotate module: X
            move X by 1
            move h by 1
            class C at 4, stores []
            stale h at 6 (Statement: a function in it keeps the annotations that it was made with)
        "#]],
    );
}
