//! The list of edits that must come out right, as far as the plan decides it.
//!
//! Each case is named as its row in the list of reload cases, which `tests/reload_cases/` plays with a live interpreter.

use expect_test::{Expect, expect};

use crate::scenario::{Scenario, check};

/// A row, an edit of `m`, and its plan.
fn row(_name: &str, before: &str, after: &str, expected: Expect) {
    check(before, after, expected);
}

#[test]
fn functions() {
    row(
        "function body edit",
        "def f(): return 1\n",
        "def f(): return 2\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    row(
        "default and keyword-only default values edited",
        "def f(a=1, *, b=2): pass\n",
        "def f(a=3, *, b=4): pass\n",
        expect![[r#"
        exchange f at 1 with signature (Function: signature changed)
    "#]],
    );
    row(
        "signature edited",
        "def f(a, b): pass\n",
        "def f(a, c, *d): pass\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    row(
        "__doc__ and __annotations__",
        "def f(a: int):\n    'one'\n",
        "def f(a: str):\n    'two'\n",
        expect![[r#"
        exchange f at 1-2 with signature (Function: signature changed)
    "#]],
    );
    row(
        "function added to the module",
        "def f(): pass\n",
        "def f(): pass\ndef g(): pass\n",
        expect![[r#"
        execute g at 2 (Function: added)
    "#]],
    );
    row(
        "function deleted from the module",
        "def f(): pass\ndef g(): pass\n",
        "def f(): pass\n",
        expect![[r#"
        remove g (Function: removed)
    "#]],
    );
    row(
        "generator function",
        "def f():\n    yield 1\n",
        "def f():\n    yield 2\n",
        expect![[r#"
        exchange f at 1-2 (Function: body changed)
    "#]],
    );
    row(
        "async function edit",
        "async def f(): return 1\n",
        "async def f(): return 2\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    row(
        "live closure",
        "def f(a):\n    def g(): return a\n    return g\nh = f(1)\n",
        "def f(a):\n    def g(): return a + 1\n    return g\nh = f(1)\n",
        expect![[r#"
        exchange f at 1-3 (Function: body changed)
        outdated h at 4 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
    row(
        "live closure whose set of free variables changes",
        "def f(a, b):\n    def g(): return a\n    return g\n",
        "def f(a, b):\n    def g(): return a + b\n    return g\n",
        expect![[r#"
        exchange f at 1-3 (Function: body changed)
    "#]],
    );
    row(
        "module-level lambda edited",
        "h = lambda x: x\n",
        "h = lambda x: x + 1\n",
        expect![[r#"
        exchange h at 1 (Statement: body changed)
    "#]],
    );
    row(
        "lambda inside a module-level dispatch dict",
        "D = {'a': lambda: 1}\n",
        "D = {'a': lambda: 2}\n",
        expect![[r#"
        exchange D at 1 (Statement: body changed)
    "#]],
    );
    row(
        "functools.lru_cache function edited",
        "@lru_cache\ndef f(): return 1\n",
        "@lru_cache\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 1-2 (Function: body changed)
    "#]],
    );
    row(
        "@register side-effect decorator",
        "@register\ndef f(): return 1\n",
        "@register\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 1-2 (Function: body changed)
    "#]],
    );
    row(
        "singledispatch implementation edited",
        "@singledispatch\ndef f(a): return 1\n@f.register\ndef _(a: int): return 1\n",
        "@singledispatch\ndef f(a): return 1\n@f.register\ndef _(a: int): return 2\n",
        expect![[r#"
        exchange _ at 3-4 (Function: body changed)
    "#]],
    );
    row(
        "decorator's own body edited",
        "def d(f):\n    def w(): return f() + 1\n    return w\n@d\ndef g(): return 1\n",
        "def d(f):\n    def w(): return f() + 2\n    return w\n@d\ndef g(): return 1\n",
        expect![[r#"
        exchange d at 1-3 (Function: body changed)
    "#]],
    );
    row(
        "decorator added to an existing function",
        "def f(): return 1\n",
        "@d\ndef f(): return 1\n",
        expect![[r#"
        execute f at 1-2 (Function: decorators changed)
    "#]],
    );
    row(
        "decorator removed from a function",
        "@d\ndef f(): return 1\n",
        "def f(): return 1\n",
        expect![[r#"
        execute f at 1 (Function: decorators changed)
    "#]],
    );
    row(
        "PEP 695 generic function",
        "def f[T](x: T): return 1\n",
        "def f[T](x: T): return 2\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
    "#]],
    );
    row(
        "from __future__ import annotations",
        "from __future__ import annotations\ndef f(a: A): return 1\n",
        "from __future__ import annotations\ndef f(a: B): return 2\n",
        expect![[r#"
        exchange f at 2 with signature (Function: signature changed)
    "#]],
    );
    row(
        "contextlib.contextmanager function edited",
        "@contextmanager\ndef f():\n    yield 1\n",
        "@contextmanager\ndef f():\n    yield 2\n",
        expect![[r#"
        exchange f at 1-3 (Function: body changed)
    "#]],
    );
    row(
        "function defined inside if/try",
        "try:\n    def f(): return 1\nexcept E:\n    pass\n",
        "try:\n    def f(): return 2\nexcept E:\n    pass\n",
        expect![[r#"
        exchange f at 1-4 (Statement: body changed)
    "#]],
    );
    row(
        "function replaced by a class of the same name",
        "def f(): pass\n",
        "class f:\n    x = 1\n",
        expect![[r#"
        execute f at 1 (Class: added)
        class f at 1, stores []
    "#]],
    );
    row(
        "two functions swapped",
        "def f(): return 1\ndef g(): return 2\nX = []\n",
        "def g(): return 2\nX = []\ndef f(): return 1\n",
        expect![[r#"
        move g by -1
        move X by -1
        move f by 2
    "#]],
    );
    row(
        "default argument derived from an edited constant",
        "A = 1\ndef f(x=A * 2): return x\n",
        "A = 2\ndef f(x=A * 2): return x\n",
        expect![[r#"
        execute A at 1 (Statement: changed)
        outdated f at 2 (Function: a default, annotation or decorator rests on A, which has changed)
    "#]],
    );
}

#[test]
fn edit_twice_then_only_the_decorator() {
    Scenario::of("@d\ndef f(): return 1\n")
        .edit(
            "@d\ndef f(): return 2\n",
            expect![[r#"
            exchange f at 1-2 (Function: body changed)
        "#]],
        )
        .edit(
            "@d\ndef f(): return 3\n",
            expect![[r#"
            exchange f at 1-2 (Function: body changed)
        "#]],
        )
        .edit(
            "@e\ndef f(): return 3\n",
            expect![[r#"
            execute f at 1-2 (Function: decorators changed)
        "#]],
        );
}

#[test]
fn same_named_decorators_in_two_modules() {
    let text = |number| {
        format!(
            "def d(f):\n    def w(): return f() + {number}\n    return w\n@d\ndef g(): return 1\n"
        )
    };
    Scenario::of(&text(1)).module("n", &text(1)).edit(
        &text(2),
        expect![[r#"
        exchange d at 1-3 (Function: body changed)
    "#]],
    );
}

#[test]
fn decorator_defined_in_another_module() {
    Scenario::of("def d(f):\n    x = 1\n    return f\n")
        .module("n", "from m import d\n@d\ndef g(): return 1\n")
        .edit("def d(f):\n    x = 2\n    return f\n", expect![[r#"
            exchange d at 1-3 (Function: body changed)
            outdated n:g at 2 (Function: a default, annotation or decorator rests on d, which has changed)
        "#]]);
}

#[test]
fn classes() {
    row(
        "method body edit",
        "class C:\n    def m(self): return 1\n",
        "class C:\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
    "#]],
    );
    row(
        "method added",
        "class C:\n    x = 1\n",
        "class C:\n    x = 1\n    def m(self): return self.__x\n",
        expect![[r#"
        execute C.m at 3 (Method: added)
    "#]],
    );
    row(
        "method deleted",
        "class C:\n    x = 1\n    def m(self): pass\n",
        "class C:\n    x = 1\n",
        expect![[r#"
        remove C.m (Method: removed)
    "#]],
    );
    row(
        "class attribute (literal) changed",
        "class C:\n    x = 1\n",
        "class C:\n    x = 2\n",
        expect![[r#"
        execute C.x at 2 (Attribute: changed)
    "#]],
    );
    row(
        "class attribute removed",
        "class C:\n    x = 1\n    y = 1\n",
        "class C:\n    y = 1\n",
        expect![[r#"
        remove C.x (Attribute: removed)
        move C.y by -1
    "#]],
    );
    row(
        "class attribute mutated at run time survives",
        "class C:\n    x = []\n    def m(self): return 1\n",
        "class C:\n    x = []\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
    row(
        "property converted to a method",
        "class C:\n    @property\n    def p(self): return 1\n",
        "class C:\n    def p(self): return 1\n",
        expect![[r#"
        execute C.p at 2 (Method: decorators changed)
    "#]],
    );
    row(
        "method converted to a property",
        "class C:\n    def p(self): return 1\n",
        "class C:\n    @property\n    def p(self): return 1\n",
        expect![[r#"
        execute C.p at 2-3 (Method: decorators changed)
    "#]],
    );
    row(
        "staticmethod and classmethod bodies edited",
        "class C:\n    @staticmethod\n    def s(): return 1\n    @classmethod\n    def c(cls): return 1\n",
        "class C:\n    @staticmethod\n    def s(): return 2\n    @classmethod\n    def c(cls): return 2\n",
        expect![[r#"
        exchange C.s at 2-3 (Method: body changed)
        exchange C.c at 4-5 (Method: body changed)
    "#]],
    );
    row(
        "plain method to staticmethod",
        "class C:\n    def m(self): return 1\n",
        "class C:\n    @staticmethod\n    def m(self): return 1\n",
        expect![[r#"
        execute C.m at 2-3 (Method: decorators changed)
    "#]],
    );
    row(
        "edit introduces super()",
        "class C(B):\n    def m(self): return 1\n",
        "class C(B):\n    def m(self): return super().m()\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
    "#]],
    );
    row(
        "__init__ edited",
        "class C:\n    def __init__(self): self.x = 1\n",
        "class C:\n    def __init__(self): self.y = 1\n",
        expect![[r#"
        exchange C.__init__ at 2 (Method: body changed)
        class C at 1, stores [y]
    "#]],
    );
    row(
        "base class list edited",
        "class C(A): pass\n",
        "class C(B): pass\n",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    row(
        "nested class method edited",
        "class C:\n    class D:\n        def m(self): return 1\n",
        "class C:\n    class D:\n        def m(self): return 2\n",
        expect![[r#"
        exchange C.D.m at 3 (Method: body changed)
    "#]],
    );
    row(
        "dunder added to a class",
        "class C:\n    x = 1\n",
        "class C:\n    x = 1\n    def __len__(self): return 1\n",
        expect![[r#"
        execute C.__len__ at 3 (Method: added)
    "#]],
    );
    row(
        "functools.cached_property edited",
        "class C:\n    @cached_property\n    def p(self): return 1\n",
        "class C:\n    @cached_property\n    def p(self): return 2\n",
        expect![[r#"
        exchange C.p at 2-3 (Method: body changed)
    "#]],
    );
    row(
        "class decorator changed",
        "@d\nclass C: pass\n",
        "@e\nclass C: pass\n",
        expect![[r#"
        refused C at 1 (Class: its decorators, bases or keywords changed; restart to apply)
    "#]],
    );
    row(
        "default argument that refers to a class-scope name",
        "class C:\n    x = 1\n    def m(self, a=x): return 1\n",
        "class C:\n    x = 1\n    def m(self, a=x): return 2\n",
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
    row(
        "class renamed",
        "class C:\n    def m(self): pass\n",
        "class D:\n    def m(self): pass\n",
        expect![[r#"
        execute D at 1 (Class: added)
        remove C (Class: removed)
        class D at 1, stores []
    "#]],
    );
    row(
        "class with keywords",
        "class C(B, key=1):\n    def m(self): return 1\n",
        "class C(B, key=1):\n    def m(self): return 2\n",
        expect![[r#"
        exchange C.m at 2 (Method: body changed)
    "#]],
    );
    row(
        "nested class added in an edit",
        "class C:\n    x = 1\n",
        "class C:\n    x = 1\n    class D:\n        y = 1\n",
        expect![[r#"
        execute C.D at 3 (Class: added)
        class C.D at 3, stores []
    "#]],
    );
    row(
        "abstract method added",
        "class C(ABC):\n    x = 1\n",
        "class C(ABC):\n    x = 1\n    @abstractmethod\n    def m(self): pass\n",
        expect![[r#"
        execute C.m at 3-4 (Method: added)
    "#]],
    );
    row(
        "exception class",
        "class E(Exception):\n    def m(self): return 1\n",
        "class E(Exception):\n    def m(self): return 2\n",
        expect![[r#"
        exchange E.m at 2 (Method: body changed)
    "#]],
    );
}

#[test]
fn classes_that_others_make() {
    let enumeration =
        |body: &str| format!("class E(Enum):\n    A = 1\n{body}    def m(self): return 1\n");
    Scenario::of(&enumeration("")).obstacle("E", "it is an enumeration").edit(&enumeration("    B = 2\n"), expect![[r#"
        move E.m by 1
        refused E at 1 (Class: it is an enumeration: its attributes cannot be changed one by one yet; restart to apply)
    "#]]);
    Scenario::of(&enumeration(""))
        .obstacle("E", "it is an enumeration")
        .edit(
            &(enumeration("") + "def f(): pass\n"),
            expect![[r#"
        execute f at 4 (Function: added)
    "#]],
        );
    let dataclass = |body: &str, value| {
        format!("@dataclass\nclass C:\n    x: int\n{body}    def m(self): return {value}\n")
    };
    Scenario::of(&dataclass("", 1))
        .only_methods("C", "it is a dataclass")
        .edit(
            &dataclass("", 2),
            expect![[r#"
        exchange C.m at 4 (Method: body changed)
    "#]],
        );
    Scenario::of(&dataclass("", 1)).only_methods("C", "it is a dataclass").edit(&dataclass("    y: int = 0\n", 1), expect![[r#"
        move C.m by 1
        refused C at 1 (Class: it is a dataclass, so its body would have to run again, which is not done yet; restart to apply)
    "#]]);
    let slots = |slots: &str, value| {
        format!("class C:\n    __slots__ = {slots}\n    def m(self): return {value}\n")
    };
    Scenario::of(&slots("('x',)", 1)).edit(
        &slots("('x',)", 2),
        expect![[r#"
        exchange C.m at 3 (Method: body changed)
    "#]],
    );
}

#[test]
fn base_class_in_another_module() {
    Scenario::of("class B:\n    def m(self): return 1\n")
        .module(
            "n",
            "from m import B\nclass C(B):\n    def m(self): return super().m()\nx = C()\n",
        )
        .edit(
            "class B:\n    def m(self): return 2\n",
            expect![[r#"
            exchange B.m at 2 (Method: body changed)
        "#]],
        );
}

#[test]
fn modules() {
    row(
        "module constant (literal) edited",
        "X = 1\n",
        "X = 2\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
    "#]],
    );
    row(
        "constant removed",
        "X = 1\nY = 1\n",
        "Y = 1\n",
        expect![[r#"
        remove X (Statement: removed)
        move Y by -1
    "#]],
    );
    row(
        "module-level mutable state survives a function edit",
        "S = {}\ndef f(): return 1\n",
        "S = {}\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 2 (Function: body changed)
    "#]],
    );
    row(
        "module-level mutable state survives an edit of another constant",
        "S = {}\nX = 1\n",
        "S = {}\nX = 2\n",
        expect![[r#"
        execute X at 2 (Statement: changed)
    "#]],
    );
    row(
        "expensive module state survives an edit of an unrelated non-literal statement",
        "S = connect()\nT = make(1)\n",
        "S = connect()\nT = make(2)\n",
        expect![[r#"
        execute T at 2 (Statement: changed)
    "#]],
    );
    row(
        "derived constant recomputed",
        "A = 1\nB = A * 3\n",
        "A = 2\nB = A * 3\n",
        expect![[r#"
        execute A at 1 (Statement: changed)
        outdated B at 2 (Statement: what it computed rests on A, which has changed)
    "#]],
    );
    row(
        "top-level side effects not re-executed by a function edit",
        "print('hello')\ndef f(): return 1\n",
        "print('hello')\ndef f(): return 2\n",
        expect![[r#"
        exchange f at 2 (Function: body changed)
    "#]],
    );
    row(
        "import added and used by an edited function",
        "def f(): return 1\n",
        "import a\ndef f(): return a.x\n",
        expect![[r#"
        execute a at 1 (Import: added)
        exchange f at 2 (Function: body changed)
    "#]],
    );
    row(
        "comment-only edit",
        "X = 1\ndef f(): return 1\n",
        "# why\nX = 1  # one\ndef f(): return 1\n",
        expect![[r#"
        exchange X at 2
        move f by 1
    "#]],
    );
    row(
        "annotated, tuple and augmented assignments",
        "X: int = 1\na, b = 1, 2\nN = 1\nN += 1\n",
        "X: int = 2\na, b = 3, 4\nN = 1\nN += 2\n",
        expect![[r#"
        execute X at 1 (Statement: changed)
        execute a at 2 (Statement: changed)
        execute N at 3 (Statement: executed again: its name is bound more than once)
        execute N at 4 (Statement: changed)
        annotate module: X
    "#]],
    );
    row(
        "module docstring and __all__ edited",
        "'one'\n__all__ = ['f']\n",
        "'two'\n__all__ = ['f', 'g']\n",
        expect![[r#"
        execute <line 1> at 1 (Statement: changed)
        execute __all__ at 2 (Statement: changed)
    "#]],
    );
    row(
        "edit makes a global name a builtin shadow",
        "X = len('a')\ndef f(): return len('a')\n",
        "def len(x): return 5\nX = len('a')\ndef f(): return len('a')\n",
        expect![[r#"
        execute len at 1 (Function: added)
        move X by 1
        move f by 1
        outdated X at 2 (Statement: what it computed rests on len, which has changed)
    "#]],
    );
    row(
        "module-level loop",
        "for n in 'ab':\n    D[n] = make(n)\n",
        "for n in 'abc':\n    D[n] = make(n)\n",
        expect![[r#"
            execute n at 1-2 without n (Statement: changed)
        "#]],
    );
    row(
        "alias rebinding must not rewrite the aliased function",
        "def f(): return 1\ng = f\n",
        "def f(): return 1\ndef g(): return 2\n",
        expect![[r#"
        execute g at 2 (Function: added)
    "#]],
    );
    row(
        "derived from a call",
        "def f(): return 1\nX = f()\n",
        "def f(): return 2\nX = f()\n",
        expect![[r#"
        exchange f at 1 (Function: body changed)
        outdated X at 2 (Statement: what it computed rests on f, which has changed)
    "#]],
    );
}

#[test]
fn edit_then_revert() {
    let before = "X = 1\ndef f(): return 1\nclass C:\n    x = 1\n";
    Scenario::of(before)
        .edit(
            "X = 2\ndef f(): return 2\nclass C:\n    x = 2\n    y = 1\n",
            expect![[r#"
            execute X at 1 (Statement: changed)
            execute C.x at 4 (Attribute: changed)
            execute C.y at 5 (Attribute: added)
            exchange f at 2 (Function: body changed)
        "#]],
        )
        .edit(
            before,
            expect![[r#"
            execute X at 1 (Statement: changed)
            execute C.x at 4 (Attribute: changed)
            exchange f at 2 (Function: body changed)
            remove C.y (Attribute: removed)
        "#]],
        );
}

#[test]
fn several_modules() {
    Scenario::of("X = 1\n")
        .module("n", "from m import X\n")
        .held("X", "n.X")
        .edit(
            "X = 2\n",
            expect![[r#"
        execute X at 1 (Statement: changed)
        follow X in n.X
        follow X in n.X
    "#]],
        );
    Scenario::of("X = 1\n")
        .module("n", "from m import *\n")
        .edit(
            "X = 1\nY = 2\n",
            expect![[r#"
        execute Y at 2 (Statement: added)
        follow m.* in n
        follow m.* in n
    "#]],
        );
    Scenario::of("def f(): return 1\n")
        .module("n", "import m\ndef g(): return m.f()\n")
        .edit_all(
            &[
                ("m", "def h(): return 1\n"),
                ("n", "import m\ndef g(): return m.h()\n"),
            ],
            expect![[r#"
            execute h at 1 (Function: added)
            exchange n:g at 2 (Function: body changed)
            remove f (Function: removed)
        "#]],
        );
    Scenario::default()
        .package("p", "from .sub import f, K\n")
        .module("p.sub", "K = 1\ndef f(): return 1\n")
        .held("p.sub.K", "p.K")
        .edit_all(
            &[("p.sub", "K = 2\ndef f(): return 2\n")],
            expect![[r#"
            execute p.sub:K at 1 (Statement: changed)
            follow p.sub:K in p.K
            exchange p.sub:f at 2 (Function: body changed)
            follow p.sub:K in p.K
        "#]],
        );
    Scenario::of("import n\ndef f(): return n.g()\n")
        .module("n", "import m\ndef g(): return 1\n")
        .edit(
            "import n\ndef f(): return n.g() + 1\n",
            expect![[r#"
            exchange f at 2 (Function: body changed)
        "#]],
        );
}
