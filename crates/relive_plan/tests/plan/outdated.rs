//! What an edit leaves out of date: statements that read, when they were executed, what has changed since.

use expect_test::{Expect, expect};

use crate::scenario::Scenario;

/// What an edit of `m` leaves out of date.
fn check(before: &str, after: &str, expected: Expect) {
    check_modules(Scenario::of(before), &[("m", after)], expected);
}

/// What edits leave out of date, one line for each thing.
fn check_modules(mut scenario: Scenario, edits: &[(&str, &str)], expected: Expect) {
    let text = scenario.apply(edits);
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("outdated "));
    expected.assert_eq(&lines.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn values() {
    check(
        "A = 1\nB = A * 3\n",
        "A = 2\nB = A * 3\n",
        expect![[r#"
        B at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nB = A\nC = B\nD = C\n",
        "A = 2\nB = A\nC = B\nD = C\n",
        expect![[r#"
        B at 2 (Statement: what it computed rests on A, which has changed)
        C at 3 (Statement: what it computed rests on B, which has changed)
        D at 4 (Statement: what it computed rests on C, which has changed)
    "#]],
    );
    check("A = 1\nB = 2\nC = B\n", "A = 2\nB = 2\nC = B\n", expect![]);
    check(
        "A = 1\nL = [x + A for x in range(3)]\n",
        "A = 2\nL = [x + A for x in range(3)]\n",
        expect![[r#"
        L at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nS = f'{A:>3}'\n",
        "A = 2\nS = f'{A:>3}'\n",
        expect![[r#"
        S at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nif A:\n    B = 1\n",
        "A = 2\nif A:\n    B = 1\n",
        expect![[r#"
        B at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nprint(A)\n",
        "A = 2\nprint(A)\n",
        expect![[r#"
        <line 2> at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nB = A\nA += 1\n",
        "A = 2\nB = A\nA += 1\n",
        expect![[r#"
        B at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = {}\nB = A['k']\n",
        "A = {'k': 1}\nB = A['k']\n",
        expect![[r#"
        B at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nB = A\n",
        "B = A\n",
        expect![[r#"
        B at 1 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nassert A\n",
        "A = 2\nassert A\n",
        expect![[r#"
        <line 2> at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
}

#[test]
fn calls() {
    check(
        "def f(): return 1\nX = f()\n",
        "def f(): return 2\nX = f()\n",
        expect![[r#"
        X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return 1\ndef g(): return f()\nX = g()\n",
        "def f(): return 2\ndef g(): return f()\nX = g()\n",
        expect![[r#"
            X at 3 (Statement: what it computed rests on g (m.f), which has changed)
        "#]],
    );
    check(
        "A = 1\ndef f(): return A\nX = f()\n",
        "A = 2\ndef f(): return A\nX = f()\n",
        expect![[r#"
            X at 3 (Statement: what it computed rests on f (m.A), which has changed)
        "#]],
    );
    check(
        "def f(): return 1\nX = map(f, [1])\n",
        "def f(): return 2\nX = map(f, [1])\n",
        expect![[r#"
        X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return 1\nX = g(f)\n",
        "def f(): return 2\nX = g(f)\n",
        expect![[r#"
        X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return 1\nX = [f]\n",
        "def f(): return 2\nX = [f]\n",
        expect![],
    );
    check(
        "def f(): return 1\nX.append(f)\n",
        "def f(): return 2\nX.append(f)\n",
        expect![],
    );
    check(
        "def f(): return 1\nfor i in f(): pass\n",
        "def f(): return 2\nfor i in f(): pass\n",
        expect![[r#"
        i at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return 1\nwith f() as x: pass\n",
        "def f(): return 2\nwith f() as x: pass\n",
        expect![[r#"
        x at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "f = lambda: 1\nX = f()\n",
        "f = lambda: 2\nX = f()\n",
        expect![[r#"
        X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f(): return f()\ndef g(): return h()\ndef h(): return g()\nX = g(), f()\n",
        "def f(): return 1\ndef g(): return h()\ndef h(): return g()\nX = g(), f()\n",
        expect![[r#"
        X at 4 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "def f():\n    # why\n    return 1\nX = f()\n",
        "def f():\n    return 1\nX = f()\n",
        expect![],
    );
    check(
        "def f(x=1): return x\nX = f()\n",
        "def f(x=2): return x\nX = f()\n",
        expect![[r#"
        X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
}

#[test]
fn defaults_annotations_and_decorators() {
    check(
        "A = 1\ndef f(x=A): return x\n",
        "A = 2\ndef f(x=A): return x\n",
        expect![[r#"
        f at 2 (Function: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\ndef f(x: A): return x\n",
        "A = 2\ndef f(x: A): return x\n",
        expect![[r#"
        f at 2 (Function: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
    check(
        "def d(f): return f\n@d\ndef f(): pass\n",
        "def d(f): return 1\n@d\ndef f(): pass\n",
        expect![[r#"
        f at 2 (Function: a default, annotation or decorator rests on d, which has changed)
    "#]],
    );
    check(
        "def d(n): return 1\n@d(1)\ndef f(): pass\n",
        "def d(n): return 2\n@d(1)\ndef f(): pass\n",
        expect![[r#"
        f at 2 (Function: a default, annotation or decorator rests on d, which has changed)
    "#]],
    );
    check(
        "def d(f): return f\n@d\nclass C: pass\n",
        "def d(f): return 1\n@d\nclass C: pass\n",
        expect![[r#"
        C at 2 (Class: a base, keyword or decorator rests on d, which has changed)
    "#]],
    );
    check(
        "A = 1\ndef f(): return A\n",
        "A = 2\ndef f(): return A\n",
        expect![],
    );
    check(
        "A = 1\ndef f(): return lambda x=A: x\n",
        "A = 2\ndef f(): return lambda x=A: x\n",
        expect![],
    );
}

#[test]
fn members_of_classes() {
    check(
        "A = 1\nclass C:\n    x = A\n",
        "A = 2\nclass C:\n    x = A\n",
        expect![[r#"
        C.x at 3 (Attribute: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nclass C:\n    x = A\n    y = x\nX = C.y\n",
        "A = 2\nclass C:\n    x = A\n    y = x\nX = C.y\n",
        expect![[r#"
            C.x at 3 (Attribute: what it computed rests on A, which has changed)
            C.y at 4 (Attribute: what it computed rests on x, which has changed)
            X at 5 (Statement: what it computed rests on C.y, which has changed)
        "#]],
    );
    check(
        "A = 1\nclass C:\n    def m(self, x=A): pass\n",
        "A = 2\nclass C:\n    def m(self, x=A): pass\n",
        expect![[r#"
        C.m at 3 (Method: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
    check(
        "class C:\n    x = 1\nX = C.x\nY = C.y\n",
        "class C:\n    x = 2\nX = C.x\nY = C.y\n",
        expect![[r#"
            X at 3 (Statement: what it computed rests on C.x, which has changed)
        "#]],
    );
    check(
        "A = 1\nclass C:\n    A = 2\n    x = A\n",
        "A = 3\nclass C:\n    A = 2\n    x = A\n",
        expect![],
    );
    check(
        "class C:\n    def f(): return 1\n    x = f()\n",
        "class C:\n    def f(): return 2\n    x = f()\n",
        expect![[r#"
        C.x at 3 (Attribute: what it computed rests on f, which has changed)
    "#]],
    );
    check(
        "A = 1\nclass C:\n    class D:\n        x = A\n",
        "A = 2\nclass C:\n    class D:\n        x = A\n",
        expect![[r#"
        C.D.x at 4 (Attribute: what it computed rests on A, which has changed)
    "#]],
    );
}

#[test]
fn objects() {
    check(
        "class C:\n    def __init__(self): self.x = 1\nX = C()\n",
        "class C:\n    def __init__(self): self.x = 2\nX = C()\n",
        expect![[r#"
        X at 3 (Statement: what it computed rests on C, which has changed)
    "#]],
    );
    check(
        "class C:\n    def m(self): return 1\nX = C()\n",
        "class C:\n    def m(self): return 2\nX = C()\n",
        expect![],
    );
    check(
        "class C:\n    def m(self): return 1\nX = C()\nY = X.m()\n",
        "class C:\n    def m(self): return 2\nX = C()\nY = X.m()\n",
        expect![[r#"
            Y at 4 (Statement: what it computed rests on X.m, which has changed)
        "#]],
    );
    check(
        "class C:\n    def m(self): return self.n()\n    def n(self): return 1\nX = C()\nY = X.m()\n",
        "class C:\n    def m(self): return self.n()\n    def n(self): return 2\nX = C()\nY = X.m()\n",
        expect![[r#"
            Y at 5 (Statement: what it computed rests on X.m, which has changed)
        "#]],
    );
    check(
        "class C:\n    def m(self): return self.x\n    x = 1\nX = C()\nY = X.m()\n",
        "class C:\n    def m(self): return self.x\n    x = 2\nX = C()\nY = X.m()\n",
        expect![[r#"
            Y at 5 (Statement: what it computed rests on X.m, which has changed)
        "#]],
    );
    check(
        "class C:\n    def m(self): return 1\n    def n(self): return 1\nX = C()\nY = X.m()\n",
        "class C:\n    def m(self): return 1\n    def n(self): return 2\nX = C()\nY = X.m()\n",
        expect![],
    );
    check(
        "class C:\n    @classmethod\n    def m(cls): return 1\nX = C.m()\n",
        "class C:\n    @classmethod\n    def m(cls): return 2\nX = C.m()\n",
        expect![[r#"
            X at 4 (Statement: what it computed rests on C.m, which has changed)
        "#]],
    );
    check(
        "class C:\n    def __call__(self): return 1\nX = C()\nY = X()\n",
        "class C:\n    def __call__(self): return 2\nX = C()\nY = X()\n",
        expect![[r#"
            Y at 4 (Statement: what it computed rests on X, which has changed)
        "#]],
    );
}

#[test]
fn base_classes() {
    check(
        "class B:\n    def __init__(self): pass\nclass C(B): pass\nX = C()\n",
        "class B:\n    def __init__(self): self.x = 1\nclass C(B): pass\nX = C()\n",
        expect![[r#"
        X at 4 (Statement: what it computed rests on C, which has changed)
    "#]],
    );
    check(
        "class B:\n    def m(self): return 1\nclass C(B): pass\nX = C()\nY = X.m()\n",
        "class B:\n    def m(self): return 2\nclass C(B): pass\nX = C()\nY = X.m()\n",
        expect![[r#"
            Y at 5 (Statement: what it computed rests on X.m, which has changed)
        "#]],
    );
    check(
        "class B:\n    def m(self): return 1\nclass C(B):\n    def m(self): return 1\nX = C()\nY = X.m()\n",
        "class B:\n    def m(self): return 2\nclass C(B):\n    def m(self): return 1\nX = C()\nY = X.m()\n",
        expect![""],
    );
    check(
        "class B:\n    def __init_subclass__(cls): pass\nclass C(B): pass\n",
        "class B:\n    def __init_subclass__(cls): cls.x = 1\nclass C(B): pass\n",
        expect![[r#"
        C at 3 (Class: a base, keyword or decorator rests on B.__init_subclass__, which has changed)
    "#]],
    );
    check(
        "class B: pass\nclass C(B): pass\n",
        "class B:\n    x = 1\nclass C(B): pass\n",
        expect![],
    );
}

#[test]
fn what_is_not_judged() {
    check(
        "A = 1\nif __name__ == '__main__':\n    print(A)\n",
        "A = 2\nif __name__ == '__main__':\n    print(A)\n",
        expect![],
    );
    check(
        "import a\nX = a.x\n",
        "import a\nX = a.x\nY = 1\n",
        expect![],
    );
    check("A = 1\nB = A\n", "A = 2\nB = A + 1\n", expect![]);
    check(
        "D = {}\nD['a'] = D\n",
        "D = {'x': 1}\nD['a'] = D\n",
        expect![],
    );
}

#[test]
fn other_modules() {
    let edit = [("m", "A = 2\ndef f(): return 2\n")];
    let with = |text: &str| Scenario::of("A = 1\ndef f(): return 1\n").module("n", text);
    check_modules(
        with("import m\nX = m.A\n"),
        &edit,
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on m.A, which has changed)
    "#]],
    );
    check_modules(
        with("import m as o\nX = o.A, o.f()\n"),
        &edit,
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on o.A, which has changed)
    "#]],
    );
    check_modules(
        with("from m import A\nX = A\n"),
        &edit,
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check_modules(
        with("from m import A as B\nX = B\n"),
        &edit,
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on B (m.A), which has changed)
    "#]],
    );
    check_modules(
        with("from m import *\nX = A, f()\n"),
        &edit,
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check_modules(with("from m import f\nX = f\n"), &edit, expect![]);
    check_modules(
        with("from m import f\n@f\ndef g(): pass\n"),
        &edit,
        expect![[r#"
        n:g at 2 (Function: a default, annotation or decorator rests on f, which has changed)
    "#]],
    );
    check_modules(
        with("import m\nclass C:\n    x = m.A\n    def h(self): return m.f()\nX = C().h\n"),
        &edit,
        expect![[r#"
            n:C.x at 3 (Attribute: what it computed rests on m.A, which has changed)
            n:X at 5 (Statement: what it computed rests on C (m.f), which has changed)
        "#]],
    );
    check_modules(
        with("import other\nX = other.A, other.f()\n"),
        &edit,
        expect![],
    );
    check_modules(with("A = 5\nX = A\n"), &edit, expect![]);
    check_modules(with("import m\nA = 5\nX = A\n"), &edit, expect![]);
    check_modules(
        with("try:\n    from m import A\nexcept ImportError:\n    A = 0\nX = A\n"),
        &edit,
        expect![[r#"
        n:X at 5 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
}

#[test]
fn bases_in_other_modules() {
    check_modules(
        Scenario::of("class B:\n    def m(self): return 1\n")
            .module(
                "n",
                "from m import B\nclass C(B): pass\nX = C()\nY = X.m()\n",
            )
            .module("o", "import n\nZ = n.X.m()\n"),
        &[("m", "class B:\n    def m(self): return 2\n")],
        expect![[r#"
            n:Y at 4 (Statement: what it computed rests on X.m, which has changed)
            o:Z at 2 (Statement: what it computed rests on n.X.m, which has changed)
        "#]],
    );
}

#[test]
fn through_several_modules() {
    check_modules(
        Scenario::of("A = 1\n")
            .module("n", "from m import A\nB = A\n")
            .module("o", "from n import B\nC = B\n"),
        &[("m", "A = 2\n")],
        expect![[r#"
            n:B at 2 (Statement: what it computed rests on A, which has changed)
            o:B at 1 (Import: a copy of n.B, which is out of date)
            o:C at 2 (Statement: what it computed rests on B, which has changed)
        "#]],
    );
    check_modules(
        Scenario::of("A = 1\n")
            .module("n", "from m import A\n")
            .module("o", "import n\nC = n.A\n"),
        &[("m", "A = 2\n")],
        expect![[r#"
            o:C at 2 (Statement: what it computed rests on n.A, which has changed)
        "#]],
    );
    check_modules(
        Scenario::of("A = 1\n")
            .module("n", "from m import *\n")
            .module("o", "from n import *\nC = A\n"),
        &[("m", "A = 2\n")],
        expect![[r#"
            o:C at 2 (Statement: what it computed rests on A, which has changed)
        "#]],
    );
    check_modules(
        Scenario::of("def f(): return 1\n")
            .module("n", "import m\ndef g(): return m.f()\n")
            .module("o", "from n import g\nC = g()\n"),
        &[("m", "def f(): return 2\n")],
        expect![[r#"
            o:C at 2 (Statement: what it computed rests on g (m.f), which has changed)
        "#]],
    );
}

#[test]
fn packages() {
    let scenario = || {
        Scenario::default()
            .package("p", "from .sub import A\nfrom . import sub\nTOP = A\n")
            .module("p.sub", "A = 1\ndef f(): return 1\n")
            .module(
                "p.other",
                "from . import sub\nfrom .sub import f\nfrom p import A as B\nX = sub.A, f(), B\n",
            )
            .package("p.q", "from .. import sub as s\nY = s.A\n")
            .module(
                "p.q.deep",
                "from ..sub import A\nfrom ...p import nothing\nfrom . import Y\nZ = A, Y\n",
            )
            .module(
                "m",
                "import p\nimport p.sub\nimport p.sub as ps\nV = p.A\nW = p.sub.f()\nU = ps.A\n",
            )
    };
    check_modules(
        scenario(),
        &[("p.sub", "A = 2\ndef f(): return 1\n")],
        expect![[r#"
        V at 4 (Statement: what it computed rests on p.A, which has changed)
        U at 6 (Statement: what it computed rests on ps.A, which has changed)
        p:TOP at 3 (Statement: what it computed rests on A, which has changed)
        p.other:X at 4 (Statement: what it computed rests on B (p.sub.A), which has changed)
        p.q:Y at 2 (Statement: what it computed rests on s.A, which has changed)
        p.q.deep:Y at 3 (Import: a copy of p.q.Y, which is out of date)
        p.q.deep:Z at 4 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check_modules(
        scenario(),
        &[("p.sub", "A = 1\ndef f(): return 2\n")],
        expect![[r#"
        W at 5 (Statement: what it computed rests on p.sub.f, which has changed)
        p.other:X at 4 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    check_modules(
        scenario(),
        &[("p", "from .sub import A\nfrom . import sub\nTOP = A + 1\n")],
        expect![],
    );
}

#[test]
fn imports_of_what_is_gone() {
    let with = |text: &str| Scenario::of("A = 1\ndef f(): return 1\n").module("n", text);
    check_modules(
        with("from m import A, f\n"),
        &[("m", "A = 1\n")],
        expect![[r#"
        n:f at 1 (Import: imports m.f, which is gone)
    "#]],
    );
    check_modules(
        with("from m import f as g\nX = g()\n"),
        &[("m", "A = 1\n")],
        expect![[r#"
        n:g at 1 (Import: imports m.f, which is gone)
        n:X at 2 (Statement: what it computed rests on g (m.f), which has changed)
    "#]],
    );
    check_modules(
        with("import m\nX = m.f()\n"),
        &[("m", "A = 1\n")],
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on m.f, which has changed)
    "#]],
    );
    check_modules(
        with("from m import *\nX = f()\n"),
        &[("m", "A = 1\n")],
        expect![[r#"
        n:X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
}

#[test]
fn what_was_put_into_other_objects() {
    check(
        "A = 1\nD = {}\nD['k'] = A\n",
        "A = 2\nD = {}\nD['k'] = A\n",
        expect![[r#"
        D at 2 (Statement: what m:<line 3> has put into it is out of date)
        <line 3> at 3 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nclass C: pass\nC.x = A\n",
        "A = 2\nclass C: pass\nC.x = A\n",
        expect![[r#"
        C at 2 (Statement: what m:<line 3> has put into it is out of date)
        <line 3> at 3 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check(
        "A = 1\nL = []\nL.append(A)\n",
        "A = 2\nL = []\nL.append(A)\n",
        expect![[r#"
        L at 2 (Statement: what m:<line 3> has put into it is out of date)
        <line 3> at 3 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    check_modules(
        Scenario::of("A = 1\n")
            .module("n", "D = {}\n")
            .module("o", "import m, n\nn.D['k'] = m.A\n"),
        &[("m", "A = 2\n")],
        expect![[r#"
            n:D at 1 (Statement: what o:<line 2> has put into it is out of date)
            o:<line 2> at 2 (Statement: what it computed rests on m.A, which has changed)
        "#]],
    );
}

#[test]
fn circular_imports() {
    check_modules(
        Scenario::of("import n\nA = 1\ndef f(): return n.B\nC = 1\n")
            .module("n", "import m\nB = m.A\nD = m.f()\n"),
        &[("m", "import n\nA = 2\ndef f(): return n.B\nC = 1\n")],
        expect![[r#"
            n:B at 2 (Statement: what it computed rests on m.A, which has changed)
            n:D at 3 (Statement: what it computed rests on m.f (n.B), which has changed)
        "#]],
    );
}

#[test]
fn methods_of_new_objects() {
    let text = |value| {
        format!("class C:\n    def area(self): return {value}\nY = C().area()\nZ = C().other()\n")
    };
    check(
        &text(1),
        &text(2),
        expect![[r#"
            Y at 3 (Statement: what it computed rests on C, which has changed)
        "#]],
    );
}

/// What a decorated function returns comes from its decorator's wrapper as well.
#[test]
fn calls_of_decorated_functions() {
    let nested = |value| {
        format!(
            "def d(f):\n    def w(): return f() + {value}\n    return w\n@d\ndef g(): return 1\nY = g()\n"
        )
    };
    check(
        &nested(1),
        &nested(2),
        expect![[r#"
            Y at 6 (Statement: what it computed rests on g (m.d), which has changed)
        "#]],
    );
    let own = |value| {
        format!(
            "def d(f):\n    k = {value}\n    def w(): return f() + k\n    return w\n@d\ndef g(): return 1\nY = g()\n"
        )
    };
    check(
        &own(1),
        &own(2),
        expect![[r#"
            g at 5 (Function: a default, annotation or decorator rests on d, which has changed)
            Y at 7 (Statement: what it computed rests on g (m.d), which has changed)
        "#]],
    );
}

#[test]
fn names_bound_and_read_in_unusual_ways() {
    let walrus = |value| format!("L = {value}\nany((hit := n) > L for n in [1, 2, 3])\nY = hit\n");
    check(
        &walrus(1),
        &walrus(2),
        expect![[r#"
        hit at 2 (Statement: what it computed rests on L, which has changed)
        Y at 3 (Statement: what it computed rests on hit, which has changed)
    "#]],
    );
    let global = |value| {
        format!("X = {value}\ndef f():\n    global X\n    X = X + 1\n    return X\nY = f()\n")
    };
    check(
        &global(1),
        &global(5),
        expect![[r#"
            X at 1 (Statement: what m:Y has put into it is out of date)
            Y at 6 (Statement: what it computed rests on f (m.X), which has changed)
        "#]],
    );
}

/// What is left out of date when the `1` in a program becomes a `2`.
fn check_number(program: &str, expected: Expect) {
    check(program, &program.replace("return 1", "return 2"), expected);
}

#[test]
fn what_only_names_a_class() {
    let class = "class C:\n    def __str__(self): return 1\n    def __call__(self): return 1\n    def m(self): return 1\n";
    let with = |text: &str| format!("{class}{text}\n");
    for text in [
        "def f(c: C | None) -> list[C]: pass",
        "T = list[C]",
        "T = TypeVar('T', bound=C)",
        "X = C()",
        "D = {C: C()}",
    ] {
        check_number(&with(text), expect![""]);
    }
    check_number(
        &with("X = str(C())"),
        expect![[r#"
            X at 5 (Statement: what it computed rests on C, which has changed)
        "#]],
    );
    check_number(
        "class C:\n    def __class_getitem__(cls, key): return 1\nT = C[int]\n",
        expect![[r#"
            T at 3 (Statement: what it computed rests on C, which has changed)
        "#]],
    );
    check_number(
        "def f(): return 1\ndef g(x: f()): pass\n",
        expect![[r#"
            g at 2 (Function: a default, annotation or decorator rests on f, which has changed)
        "#]],
    );
    check_number(
        "from __future__ import annotations\ndef f(): return 1\ndef g(x: f()): pass\n",
        expect![""],
    );
}

#[test]
fn what_makes_a_decorator() {
    let maker = |decorator: &str, wrapper: &str| {
        format!(
            "def helper(): return 1\ndef maker(name):\n    def decorator(function):\n        {decorator}\n        def wrapper():\n            {wrapper}\n            return function()\n        return wrapper\n    return decorator\n@maker('x')\ndef f(): pass\n"
        )
    };
    check_number(
        &maker("helper()", "pass"),
        expect![[r#"
            f at 10 (Function: a default, annotation or decorator rests on maker (m.helper), which has changed)
        "#]],
    );
    check_number(&maker("pass", "helper()"), expect![""]);
    check_number(
        &(maker("pass", "helper()") + "X = f()\n"),
        expect![[r#"
            X at 12 (Statement: what it computed rests on f (m.helper), which has changed)
        "#]],
    );
}

#[test]
fn methods_that_decorate() {
    let app = |own: &str, wrapper: &str| {
        format!(
            "def helper(): return 1\nclass App:\n    def route(self, path):\n        def decorator(function):\n            {own}\n            def wrapper():\n                {wrapper}\n            return wrapper\n        return decorator\napp = App()\n@app.route('/')\ndef f(): pass\n"
        )
    };
    check_number(
        &app("helper()", "pass"),
        expect![[r#"
        app at 10 (Statement: what m:f has put into it is out of date)
        f at 11 (Function: a default, annotation or decorator rests on app.route (m.helper), which has changed)
    "#]],
    );
    check_number(&app("pass", "helper()"), expect![""]);
}

/// `X` is left out of date when the `1` in a program becomes a `2`, for whatever reason.
fn check_found(program: &str) {
    let outcome = Scenario::of(program).apply(&[("m", &program.replace("return 1", "return 2"))]);
    assert!(outcome.contains("outdated X at"), "{program}: {outcome}");
}

#[test]
fn instances_that_are_called() {
    let class = "class Double:\n    def __call__(self, x): return 1\n";
    for text in [
        "X = Double()(3)",
        "def make():\n    d = Double()\n    return d(3)\nX = make()",
        "X = sorted([3, 1], key=Double())",
        "@Double()\ndef X(): pass",
    ] {
        check_found(&format!("{class}{text}\n"));
    }
}

#[test]
fn decorators_by_another_name() {
    let real = "def real(n):\n    helper()\n    return lambda f: f\n";
    for text in [
        "make = real\n@make(1)\ndef X(): pass",
        "make = partial(real, 1)\n@make(1)\ndef X(): pass",
        "TABLE = {'x': real}\ndef build():\n    deco = TABLE['x']\n    @deco(1)\n    def f(): pass\nX = build()",
        "if True:\n    def make(n): return real(n)\n@make(1)\ndef X(): pass",
    ] {
        check_found(&format!("def helper(): return 1\n{real}{text}\n"));
    }
}

#[test]
fn a_class_that_was_handed_on() {
    let classes = "class Item:\n    def __len__(self): return 1\nclass Box:\n    def __init__(self, kind): self.kind = kind\n    def __len__(self): return len(self.kind())\n";
    check_number(
        &format!("{classes}BOX = Box(Item)\nX = len(BOX)\n"),
        expect![[r#"
            X at 7 (Statement: what it computed rests on BOX, which has changed)
        "#]],
    );
}

#[test]
fn annotations_that_a_decorator_asks_for() {
    check(
        "from __future__ import annotations\nKEY = int\n@show.register\ndef f(x: KEY): pass\ndef g(x: KEY): pass\n",
        "from __future__ import annotations\nKEY = str\n@show.register\ndef f(x: KEY): pass\ndef g(x: KEY): pass\n",
        expect![[r#"
            show at 1 (Statement: what m:f has put into it is out of date)
            f at 3 (Function: a default, annotation or decorator rests on KEY, which has changed)
        "#]],
    );
}

#[test]
fn descriptors() {
    let class = "class D:\n    def __get__(self, instance, owner): return 1\n";
    check_number(&format!("{class}class C:\n    d = D()\n"), expect![""]);
    check_number(
        &format!("{class}class C:\n    @D\n    def d(self): pass\nX = C().d\n"),
        expect![[r#"
            X at 6 (Statement: what it computed rests on C, which has changed)
        "#]],
    );
    check_number(
        &format!("{class}class C:\n    d = D()\nX = C.d\n"),
        expect![[r#"
            X at 5 (Statement: what it computed rests on C.d, which has changed)
        "#]],
    );
}
