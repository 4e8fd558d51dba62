//! What a statement reads, when, and how.

use expect_test::{Expect, expect};

use crate::support::{dedent, only_unit, uses};

/// What the one statement reads when it is executed, then what the code that it defines reads when it is called.
fn check(text: &str, expected: Expect) {
    let reads = &only_unit(&dedent(text)).reads;
    let (now, later) = (uses(reads, true), uses(reads, false));
    expected.assert_eq(&format!("{} | {}", now.join(" "), later.join(" ")));
}

#[test]
fn values() {
    check("X = 1", expect![" | "]);
    check("X = y", expect!["y | "]);
    check("X = a.b.c", expect!["a.b.c | "]);
    check("X = a.b + c[d.e]", expect!["a.b c d.e | "]);
    check("X = a[0].b", expect!["a | "]);
    check("X = y if z else w", expect!["w y z | "]);
    check("X = (a, b), [c], {d}, {e: f}", expect!["a b c d e f | "]);
    check("X = a < b <= c and not d", expect!["a b c d | "]);
    check("X = a[b:c, d:]", expect!["a b c d | "]);
    check("X = f'{a}{b.c!r:>{d}}'", expect!["a b.c d | "]);
    check("X = f'{a + f(b)=}'", expect!["a b() f() | "]);
    check("X = 'a' f'{b}' 'c'", expect!["b | "]);
    check("X = t'{a} {b:{c}}'", expect!["a b c | "]);
    check("X = *a, *b", expect!["a b | "]);
    check("X = {**a, 'k': b}", expect!["a b | "]);
    check("X: A = b", expect!["A b | "]);
    check("X: A", expect!["A | "]);
    check("X += y", expect!["X y | "]);
    check("X.a += y", expect!["X y | "]);
    check("X[i] = y", expect!["X i y | "]);
    check("X.a = y", expect!["X y | "]);
    check("del X", expect![" | "]);
    check("del X[i]", expect!["X i | "]);
    check("assert a, b", expect!["a b | "]);
    check("raise a from b", expect!["a b | "]);
    check("(a := b)", expect!["b | "]);
    check("type X[T] = list[A]", expect![" | A list"]);
    check("print", expect!["print | "]);
}

#[test]
fn calls() {
    check("f()", expect!["f() | "]);
    check("f(x, *y, k=z, **w)", expect!["f() w() x() y() z() | "]);
    check("a.b.c(x)", expect!["a.b.c() x() | "]);
    check("f(x)(y)", expect!["f() x() y() | "]);
    check("f(x).a", expect!["f() f.a x() | "]);
    check("f(x).a(y)", expect!["f() f.a() x() y() | "]);
    check("x[0]()", expect!["x() | "]);
    check("x[i](y)", expect!["i() x() y() | "]);
    check(
        "f(a.b, c + d, g(e))",
        expect!["a.b() c() d() e() f() g() | "],
    );
    check("X = y, f(y)", expect!["f() y() | "]);
    check("X = f, f.a, f()", expect!["f() f.a | "]);
    check("for x in y: f(x)", expect!["f() x() y() | "]);
    check("[f(x) for x in y]", expect!["f() y() | "]);
    check("with a as b, c(d): e", expect!["a() c() d() e | "]);
    check("X = await a", expect!["a | "]);
    check("f(lambda: g(x))", expect!["f() g() x() | "]);
    check("f(g for g in h)", expect!["f() h() | "]);
    check("print(f'{x} {g(y)}')", expect!["g() print() x y() | "]);
}

#[test]
fn calls_that_only_keep_what_they_are_handed() {
    check("LIST.append(f)", expect!["LIST.append() f | "]);
    check("X = partial(f, y)", expect!["f partial() y | "]);
    check(
        "X = functools.partial(f, y)",
        expect!["f functools.partial() y | "],
    );
    check("x = property(f)", expect!["f property() | "]);
    check("X = isinstance(a, B)", expect!["B a isinstance() | "]);
    check("X = append(f)", expect!["append() f | "]);
    check("LIST.append(f(x))", expect!["LIST.append() f() x() | "]);
    check("f(partial(g))", expect!["f() g() partial() | "]);
}

#[test]
fn definitions() {
    check("def f(): return x", expect![" | x"]);
    check(
        "def f(a, b=x, *c, d=y, **e): return a, b, c, d, e, g(z)",
        expect!["x y | g() z()"],
    );
    check(
        "def f(a: A, *b: B, **c: C) -> D: pass",
        expect!["A B C D | "],
    );
    check("def f(a, /, b: A = x): pass", expect!["A x | "]);
    check(
        "@a\n@b.c\n@d(e)\n@f[g]\ndef h(): pass",
        expect!["@a @b.c @d() e() f() g() | "],
    );
    check("async def f(): return await g(x)", expect![" | g() x()"]);
    check("def f():\n    x = y\n    return x", expect![" | y"]);
    check("def f():\n    return x\n    x = 1", expect![" | "]);
    check(
        "def f():\n    def g():\n        return x, y\n    x = 1\n    return g",
        expect![" | y"],
    );
    check(
        "def f():\n    for x in y:\n        with z as w:\n            pass\n    return x, w",
        expect![" | y() z()"],
    );
    check(
        "def f():\n    try:\n        pass\n    except E as e:\n        return e",
        expect![" | E"],
    );
    check("def f():\n    import m\n    return m.x", expect![" | m:x"]);
    check(
        "def f():\n    class C(B):\n        x = y\n        def m(self): return x, self.x\n    return C()",
        expect![" | .x B x y"],
    );
    check("def f(x=(lambda: y)): pass", expect![" | y"]);
    check(
        "def f():\n    match x:\n        case [y, *z]: return y, z\n        case K.c: return w",
        expect![" | K.c w x"],
    );
    check("def f(): yield x; yield from g(y)", expect![" | g() x y()"]);
    check("def f(): return f(x)", expect![" | f() x()"]);
    check("def f(self): return self.x", expect![" | "]);
}

#[test]
fn scopes_of_expressions() {
    check("X = [x for x in y if z(x)]", expect!["y() z() | "]);
    check(
        "X = {k: f(v) for k, v in y.items()}",
        expect!["f() y.items() | "],
    );
    check("X = [x for y in z for x in y]", expect!["z() | "]);
    check("X = (x async for x in y)", expect!["y() | "]);
    check("X = lambda a, b=c: a + b + d", expect!["c | d"]);
    check("X = lambda *a, **k: f(a, k)", expect![" | f()"]);
    check("X = [lambda: y for y in z]", expect!["z() | "]);
    check("X = lambda: [y for y in z]", expect![" | z()"]);
    check("X = lambda a: lambda b: a + b + c", expect![" | c"]);
}

#[test]
fn compound_statements() {
    check("if a: b()\nelif c: d\nelse: e", expect!["a b() c d e | "]);
    check("while a(): b", expect!["a() b | "]);
    check("for a in b: c(a)\nelse: d", expect!["a() b() c() d | "]);
    check(
        "try: a()\nexcept (b, c): d\nelse: e\nfinally: f",
        expect!["a() b c d e f | "],
    );
    check(
        "match a.b:\n    case c.d: e\n    case F(g=1) if h: i()",
        expect!["F a.b c.d e h i() | "],
    );
    check(
        "if a:\n    def f(): return b\n    class C(c): d = e\n",
        expect!["a c e | b"],
    );
}

/// Names that look like locals and are the module's.
#[test]
fn names_of_the_scope_around() {
    check(
        "def f():\n    global X\n    X = X + 1\n    return X",
        expect![" | X"],
    );
    check(
        "def f():\n    x = A\n    def g():\n        nonlocal x\n        x = B\n        return x\n    return g",
        expect![" | A B"],
    );
    check("X = [a for a in a]", expect!["a() | "]);
    check("Y = [x for x in y], x", expect!["x y() | "]);
    check("def f(x): return [x for x in x]", expect![" | "]);
    check(
        "def f():\n    a = 1\n    class C:\n        def m(self): return a\n    return C",
        expect![" | "],
    );
    check("def f():\n    X.a += 1\n    X[0] = 2", expect![" | X"]);
}

/// A method of what a call returns is read as the callee's.
#[test]
fn methods_of_what_a_call_returns() {
    check("Y = C(1).area()", expect!["C() C.area() | "]);
    check("Y = m.C().a.b(x)", expect!["m.C() m.C.a() x() | "]);
    check("Y = C().area", expect!["C() C.area | "]);
}
