//! Which edits of a statement are no change, which change only code that runs later, and which want it executed.

use relive_syntax::Unit;

use crate::support::{dedent, only_unit};

#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// Another layout, or none.
    Layout,
    /// Only code that runs when something calls it.
    Deferred,
    /// What executing the statement does.
    Evaluated,
}

fn change(before: &Unit, after: &Unit) -> Change {
    match (
        before.whole == after.whole,
        before.evaluated == after.evaluated,
    ) {
        (true, true) => Change::Layout,
        (false, true) => Change::Deferred,
        (_, false) => Change::Evaluated,
    }
}

/// Each case is two versions of one statement; a change is one in both directions.
fn check(expected: &Change, cases: &[(&str, &str)]) {
    for (before, after) in cases {
        let (old, new) = (only_unit(&dedent(before)), only_unit(&dedent(after)));
        assert_eq!(change(&old, &new), *expected, "{before}\n→\n{after}");
        assert_eq!(change(&new, &old), *expected, "{after}\n→\n{before}");
        assert_eq!(
            old.differs_only_in_deferred(&new),
            *expected != Change::Evaluated && old.kind == new.kind,
            "{before}\n→\n{after}"
        );
    }
}

#[test]
fn layout() {
    check(
        &Change::Layout,
        &[
            ("X = 1", "X = 1"),
            ("X = 1", "X  =  1  # one"),
            ("X = 1", "X = (1)"),
            ("X = 1", "\n\n\n# above\nX = 1\n# below\n"),
            ("X = 1000", "X = 1_000"),
            ("X = 16", "X = 0x10"),
            ("X = 1.0", "X = 1e0"),
            ("X = 'a'", "X = \"a\""),
            ("X = 'a'", "X = '''a'''"),
            ("X = 'a'", "X = u'a'"),
            ("X = 'a'", "X = r'a'"),
            ("X = 'a'", "X = '\\x61'"),
            ("X = 'ab'", "X = 'a' 'b'"),
            ("X = b'ab'", "X = b'a' b'b'"),
            ("X = 1, 2", "X = (1, 2,)"),
            ("X = [1, 2]", "X = [\n    1,\n\n    # two\n    2,\n]"),
            ("X = a + b", "X = a + \\\n    b"),
            ("f(a, b)", "f(\n    a,\n    b,\n)"),
            ("X = f'{a}'", "X = f\"{a}\""),
            ("X = f'{a}'", "X = f'{ a }'"),
            ("X = f'a{b}c'", "X = f'a' f'{b}' 'c'"),
            ("def f(): return 1", "def f():\n    # why\n\n    return 1\n"),
            (
                "def f(a, b): return 1",
                "def f(\n    a,\n    b,\n):\n    return (1)",
            ),
            ("def f() -> int: pass", "def f() -> (int): pass"),
            ("@a\ndef f(): pass", "@a\n\n# why\ndef f(): pass"),
            ("@a\ndef f(): pass", "@(a)\ndef f(): pass"),
            ("class C: x = 1", "class C:\n    # why\n    x = 1\n"),
            ("if a: b", "if a:\n    b\n"),
            ("from m import a, b", "from m import (a, b)"),
            ("with a as b, c: d", "with (a as b, c): d"),
            ("del a, b", "del (a), b"),
            ("for a, b in c: d", "for (a, b) in c: d"),
            ("assert a, b", "assert a, (b)"),
            ("X = -1", "X = - 1"),
            ("ﬁ = 1", "fi = 1"),
        ],
    );
}

#[test]
fn bodies_of_functions() {
    check(
        &Change::Deferred,
        &[
            ("def f(): return 1", "def f(): return 2"),
            ("def f(): 'doc'", "def f(): 'other doc'"),
            ("def f(): pass", "def f(): ..."),
            ("def f(a): pass", "def f(b): pass"),
            ("def f(a): pass", "def f(a, b): pass"),
            ("def f(): pass", "def f(a): pass"),
            ("def f(a): pass", "def f(a, /): pass"),
            ("def f(a): pass", "def f(*, a): pass"),
            ("def f(a): pass", "def f(*a): pass"),
            ("def f(a): pass", "def f(**a): pass"),
            ("def f(*a): pass", "def f(*b): pass"),
            ("def f(a, b=1): pass", "def f(b, a=1): pass"),
            ("def f(a, b=1): pass", "def f(b=1): pass"),
            ("def f(a, b=1, c=2): pass", "def f(a, c=1, b=2): pass"),
            ("def f(): pass", "async def f(): pass"),
            ("def f(): return 1", "def f(): yield 1"),
            ("def f():\n    x = 1", "def f():\n    global x\n    x = 1"),
            (
                "def f():\n    def g(): return 1\n    return g",
                "def f():\n    def g(): return 2\n    return g",
            ),
            (
                "def f():\n    def g(a=1): pass",
                "def f():\n    def g(a=2): pass",
            ),
            ("def f(): return lambda: 1", "def f(): return lambda: 2"),
            ("def f(): class_ = 1", "def f(): class_ = 2"),
            ("@d\ndef f(): return 1", "@d\ndef f(): return 2"),
            (
                "@d(1)\ndef f(a: int = 1): return 1",
                "@d(1)\ndef f(a: int = 1): return 2",
            ),
            (
                "async def f():\n    async for a in b: pass",
                "async def f():\n    for a in b: pass",
            ),
            (
                "async def f():\n    async with a: pass",
                "async def f():\n    with a: pass",
            ),
            (
                "async def f(): return [a async for a in b]",
                "async def f(): return [a for a in b]",
            ),
            ("def f(): nonlocal_ = a.b", "def f(): nonlocal_ = a.c"),
        ],
    );
}

#[test]
fn lambdas() {
    check(
        &Change::Deferred,
        &[
            ("f = lambda: 1", "f = lambda: 2"),
            ("f = lambda a: a", "f = lambda b: b"),
            ("f = lambda a: a", "f = lambda *a: a"),
            ("D = {'k': lambda: 1}", "D = {'k': lambda: 2}"),
            ("f.append(lambda: 1)", "f.append(lambda: 2)"),
            ("f = partial(lambda: 1, x)", "f = partial(lambda: 2, x)"),
            ("f = lambda: lambda: 1", "f = lambda: lambda: 2"),
            ("f = [lambda: a for a in b]", "f = [lambda: c for a in b]"),
            ("f: int = lambda: 1", "f: int = lambda: 2"),
        ],
    );
    check(
        &Change::Evaluated,
        &[
            ("f = lambda: 1", "g = lambda: 1"),
            ("f = lambda a=1: a", "f = lambda a=2: a"),
            ("f = lambda a=1, /, b=2: 0", "f = lambda a=2, b=1: 0"),
            ("f = lambda: 1", "f = lambda a=1: 1"),
            ("f = lambda: 1", "f = (lambda: 1), (lambda: 1)"),
            ("f = lambda: 1", "f = 1"),
            (
                "f = lambda a=(lambda: 1): a",
                "f = lambda a=(lambda b=1: 1): a",
            ),
            ("f = g(lambda: 1)", "f = h(lambda: 1)"),
            // A call may run the lambda that it is handed.
            ("f = g(lambda: 1, x)", "f = g(lambda: 2, x)"),
        ],
    );
}

#[test]
fn signatures() {
    check(
        &Change::Evaluated,
        &[
            ("def f(): pass", "def g(): pass"),
            ("def f(a=1): pass", "def f(a=2): pass"),
            ("def f(a): pass", "def f(a=1): pass"),
            ("def f(a=1): pass", "def f(a=1, b=2): pass"),
            ("def f(a=1, b=2): pass", "def f(a=2, b=1): pass"),
            ("def f(*, a=1): pass", "def f(*, a=2): pass"),
            ("def f(*, a=1): pass", "def f(*, b=1): pass"),
            ("def f(a=1): pass", "def f(*, a=1): pass"),
            // `__defaults__` is in the order of the parameters, whichever side of the slash they stand on.
            ("def f(a=1, /, b=2): pass", "def f(a=2, b=1): pass"),
            ("def f(a: int): pass", "def f(a: str): pass"),
            ("def f(a: int): pass", "def f(a): pass"),
            ("def f(a: int): pass", "def f(b: int): pass"),
            ("def f(a: int, b: str): pass", "def f(b: int, a: str): pass"),
            ("def f(*a: int): pass", "def f(*b: int): pass"),
            ("def f(*a: int): pass", "def f(**a: int): pass"),
            ("def f(*a: int): pass", "def f(*a): pass"),
            ("def f() -> int: pass", "def f() -> str: pass"),
            ("def f() -> int: pass", "def f(): pass"),
            ("def f[T](): pass", "def f(): pass"),
            ("def f[T](): pass", "def f[U](): pass"),
            ("def f[T](): pass", "def f[T: int](): pass"),
            ("def f[T](): pass", "def f[*T](): pass"),
            ("def f(a=1): pass", "def f(a=1.0): pass"),
            ("def f(a=1): pass", "def f(a=True): pass"),
        ],
    );
}

#[test]
fn a_default_that_is_a_lambda_is_evaluated() {
    // The default is an object that the definition makes; that its code runs later is not seen, and need not be.
    check(
        &Change::Evaluated,
        &[("def f(a=lambda: 1): pass", "def f(a=lambda: 2): pass")],
    );
}

#[test]
fn decorators() {
    check(
        &Change::Evaluated,
        &[
            ("@a\ndef f(): pass", "@b\ndef f(): pass"),
            ("@a\ndef f(): pass", "def f(): pass"),
            ("@a\n@b\ndef f(): pass", "@b\n@a\ndef f(): pass"),
            ("@a(1)\ndef f(): pass", "@a(2)\ndef f(): pass"),
            ("@a\ndef f(): pass", "@a()\ndef f(): pass"),
            ("@a\nclass C: pass", "@b\nclass C: pass"),
        ],
    );
}

#[test]
fn classes() {
    check(
        &Change::Deferred,
        &[
            (
                "class C:\n    def m(self): return 1",
                "class C:\n    def m(self): return 2",
            ),
            (
                "class C:\n    def m(self): pass",
                "class C:\n    def m(this): pass",
            ),
            ("class C:\n    f = lambda: 1", "class C:\n    f = lambda: 2"),
            (
                "class C:\n    class D:\n        def m(self): return 1",
                "class C:\n    class D:\n        def m(self): return 2",
            ),
            (
                "class C:\n    if a:\n        def m(self): return 1",
                "class C:\n    if a:\n        def m(self): return 2",
            ),
        ],
    );
    check(
        &Change::Evaluated,
        &[
            ("class C: pass", "class D: pass"),
            ("class C: pass", "class C(A): pass"),
            ("class C(A): pass", "class C(B): pass"),
            ("class C(A, B): pass", "class C(B, A): pass"),
            ("class C(a=1): pass", "class C(a=2): pass"),
            ("class C[T]: pass", "class C: pass"),
            ("class C: x = 1", "class C: x = 2"),
            ("class C: x = 1", "class C: y = 1"),
            ("class C:\n    x = 1", "class C:\n    x = 1\n    y = 2"),
            (
                "class C:\n    x = 1\n    y = 2",
                "class C:\n    y = 2\n    x = 1",
            ),
            (
                "class C:\n    def m(self): pass",
                "class C:\n    def n(self): pass",
            ),
            (
                "class C:\n    def m(self, a=1): pass",
                "class C:\n    def m(self, a=2): pass",
            ),
            (
                "class C:\n    @a\n    def m(self): pass",
                "class C:\n    def m(self): pass",
            ),
            ("class C: 'doc'", "class C: 'other'"),
        ],
    );
}

#[test]
fn definitions_inside_other_statements() {
    check(
        &Change::Deferred,
        &[
            (
                "if a:\n    def f(): return 1",
                "if a:\n    def f(): return 2",
            ),
            (
                "if a:\n    def f(): return 1",
                "if a:\n    async def f(): return 1",
            ),
            (
                "try:\n    def f(): return 1\nexcept E: pass",
                "try:\n    def f(): return 2\nexcept E: pass",
            ),
            (
                "with a:\n    class C:\n        def m(self): return 1",
                "with a:\n    class C:\n        def m(self): return 2",
            ),
            (
                "for a in b:\n    f = lambda: 1",
                "for a in b:\n    f = lambda: 2",
            ),
        ],
    );
    check(
        &Change::Evaluated,
        &[
            ("if a:\n    def f(): pass", "if b:\n    def f(): pass"),
            ("if a:\n    def f(): pass", "if a:\n    def g(): pass"),
            ("if a:\n    def f(x=1): pass", "if a:\n    def f(x=2): pass"),
            (
                "if a:\n    @d\n    def f(): pass",
                "if a:\n    def f(): pass",
            ),
            ("if a:\n    class C: x = 1", "if a:\n    class C: x = 2"),
            (
                "if a:\n    def f(): pass",
                "if a:\n    def f(): pass\nelse:\n    def f(): pass",
            ),
        ],
    );
}

/// What CPython compiles differently must not be taken for the same.
#[test]
fn statements() {
    check(
        &Change::Evaluated,
        &[
            ("X = 1", "X = 2"),
            ("X = 1", "X = 1.0"),
            ("X = 1", "X = True"),
            ("X = 1", "X = '1'"),
            ("X = 0.0", "X = -0.0"),
            ("X = 1", "X = 1j"),
            ("X = 1e400", "X = 1e300"),
            ("X = 'a'", "X = b'a'"),
            ("X = ''", "X = None"),
            ("X = ...", "X = None"),
            ("X = 'a'", "X = 'A'"),
            ("X = 'a'", "X = 'a '"),
            ("X = '\\n'", "X = r'\\n'"),
            ("X = 'a'", "X = 'a',"),
            ("X = 'ab'", "X = 'a', 'b'"),
            ("X = [1]", "X = (1,)"),
            ("X = {1}", "X = {1: 1}"),
            ("X = {}", "X = ()"),
            ("X = a + b", "X = b + a"),
            ("X = a + b", "X = a - b"),
            ("X = a + (b + c)", "X = a + b + c"),
            ("X = a < b < c", "X = (a < b) < c"),
            ("X = a and b", "X = a or b"),
            ("X = not a", "X = a"),
            ("X = -a", "X = +a"),
            ("X = a is b", "X = a is not b"),
            ("X = a in b", "X = a not in b"),
            ("X = a.b", "X = a.c"),
            ("X = a[b]", "X = a.b"),
            ("X = a[1:2]", "X = a[1, 2]"),
            ("X = a[1:]", "X = a[:1]"),
            ("X = f(a)", "X = f(*a)"),
            ("X = f(*a)", "X = f(**a)"),
            ("X = f(a=b)", "X = f(b)"),
            ("X = f(a=1, b=2)", "X = f(b=2, a=1)"),
            ("X = f", "X = f()"),
            ("X = (a for a in b)", "X = [a for a in b]"),
            ("X = [a for a in b]", "X = [a for a in b if a]"),
            (
                "X = [a for a in b for c in d]",
                "X = [a for c in d for a in b]",
            ),
            ("X = f'{a}'", "X = f'{a!r}'"),
            ("X = f'{a!r}'", "X = f'{a!s}'"),
            ("X = f'{a}'", "X = f'{a:>3}'"),
            ("X = f'{a=}'", "X = f'{a = }'"),
            ("X = f'{a=}'", "X = f'{a}'"),
            ("X = f'{a}'", "X = 'a'"),
            ("X = f'{{a}}'", "X = f'{a}'"),
            ("X = f'{a}'", "X = t'{a}'"),
            ("X = 1", "X: int = 1"),
            ("X: int = 1", "X: str = 1"),
            ("X: int = 1", "(X): int = 1"),
            ("X = 1", "X += 1"),
            ("X += 1", "X -= 1"),
            ("X = Y = 1", "Y = X = 1"),
            ("X = (Y := 1)", "X = Y = 1"),
            ("X, Y = a", "X, *Y = a"),
            ("del X", "X"),
            ("import a", "import b"),
            ("import a", "import a as b"),
            ("import a.b", "import a.c"),
            ("import a.b", "import a"),
            ("from a import b", "from a import c"),
            ("from a import b", "from .a import b"),
            ("from . import b", "from .. import b"),
            ("from a import b as c", "from a import c"),
            ("from a import *", "from a import b"),
            ("import a", "from a import a"),
            ("if a: b", "if not a: b"),
            ("if a: b", "while a: b"),
            ("if a: b\nelse: c", "if a: c\nelse: b"),
            ("if a: b\nelif c: d", "if a: b\nelse: d"),
            ("for a in b: c", "for a in b: c\nelse: d"),
            ("try: a\nexcept E: b", "try: a\nexcept F: b"),
            ("try: a\nexcept E: b", "try: a\nexcept* E: b"),
            ("try: a\nexcept: b", "try: a\nfinally: b"),
            ("with a: b", "with a as c: b"),
            ("match a:\n    case 1: b", "match a:\n    case 1.0: b"),
            ("match a:\n    case 1: b", "match a:\n    case _: b"),
            ("match a:\n    case [x]: b", "match a:\n    case [*x]: b"),
            ("match a:\n    case C(x): b", "match a:\n    case C(x=x): b"),
            ("match a:\n    case x: b", "match a:\n    case x if c: b"),
            ("match a:\n    case None: b", "match a:\n    case False: b"),
            ("type X = a", "X = a"),
            ("type X = a", "type X[T] = a"),
            ("raise a", "raise a from b"),
            ("assert a", "assert a, b"),
            ("global a", "global b"),
            ("a", "b"),
            ("'doc'", "'other'"),
        ],
    );
}

/// The hash of a function without its closures says whether calls made before an edit returned what they would now.
#[test]
fn own_bodies_of_functions() {
    let own = |text: &str| only_unit(text).function.unwrap().own_body;
    let same = [
        (
            "def f():\n    def g(): return 1\n    return g",
            "def f():\n    def g(): return 2\n    return g",
        ),
        ("def f(): return lambda: 1", "def f(): return lambda: 2"),
        ("def f(a=1): return a", "def f(a=2): return a"),
        ("def f(a: int): pass", "def f(a: str): pass"),
        ("@a\ndef f(): pass", "@b\ndef f(): pass"),
        (
            "def f():\n    class C:\n        def m(self): return 1",
            "def f():\n    class C:\n        def m(self): return 2",
        ),
    ];
    for (before, after) in same {
        assert_eq!(own(before), own(after), "{before}\n→\n{after}");
    }
    let different = [
        ("def f(): return 1", "def f(): return 2"),
        ("def f(a): return 1", "def f(b): return 1"),
        (
            "def f():\n    def g(a=1): pass\n    return g",
            "def f():\n    def g(a=2): pass\n    return g",
        ),
        (
            "def f():\n    def g(): pass\n    return g",
            "def f():\n    def g(): pass\n    return g()",
        ),
        (
            "def f():\n    class C: x = 1",
            "def f():\n    class C: x = 2",
        ),
    ];
    for (before, after) in different {
        assert_ne!(own(before), own(after), "{before}\n→\n{after}");
    }
}

/// The text hash covers the layout as well: it says whether anything moves inside the unit.
#[test]
fn text() {
    let text = |text: &str| only_unit(text).text;
    assert_eq!(text("\n\n# above\nX = 1\n"), text("X = 1\n"));
    assert_ne!(text("X = 1"), text("X  = 1"));
    assert_ne!(text("X = 1\n"), text("X = 1  # why\n"));
    assert_ne!(
        text("def f():\n    return 1\n"),
        text("def f():\n\n    return 1\n")
    );
}
