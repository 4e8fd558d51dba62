//! Classes: their headers, and the units of their bodies.

use expect_test::{Expect, expect};

use crate::support::{dedent, dump, parse};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&dump(&parse(&dedent(text)).units));
}

#[test]
fn bodies() {
    check(
        "
        class C(Base, mixins.Mixin):
            '''doc'''

            limit = 10
            names: list[str] = []

            def m(self):
                return self.limit

            @property
            def p(self):
                return self.m()

            @p.setter
            def p(self, value):
                self.stored = value

            class Inner:
                x = 1
                def deep(self): return helper(self.x)
        ",
        expect![[r#"
            1-20 class C; header 1; bases Base mixins.Mixin; reads Base mixins.Mixin; stores stored
              2 docstring
              4 statement limit
              5 statement names; now list str; annotates names
              7-8 function m; later .limit
              10-12 function p; now @property; later .m(); decorators 10
              14-16 function p; now @p.setter; decorators 14
              18-20 class Inner; header 18
                19 statement x
                20 function deep; later .x() helper()
        "#]],
    );
}

#[test]
fn headers() {
    check(
        "class C: pass",
        expect![[r#"
        1 class C; header 1
          1 inert
    "#]],
    );
    check(
        "class C(): pass",
        expect![[r#"
        1 class C; header 1
          1 inert
    "#]],
    );
    check(
        "class C(A, m.B, make(), *rest): pass",
        expect![[r#"
        1 class C; header 1; bases A m.B; reads A m.B make() rest
          1 inert
    "#]],
    );
    check(
        "class C(metaclass=Meta, flag=1): pass",
        expect![[r#"
        1 class C; header 1; reads Meta; decorated
          1 inert
    "#]],
    );
    check(
        "class C[T: Bound](Base[T]): pass",
        expect![[r#"
        1 class C; header 1; reads Base T
          1 inert
    "#]],
    );
    check(
        "@a\n@b.c(d)\nclass C: pass",
        expect![[r#"
            1-3 class C; header 1-3; reads @a @b.c() d(); decorated
              3 inert
        "#]],
    );
    check(
        "class C(\n    A,\n    B,\n):\n    x = 1\n",
        expect![[r#"
        1-5 class C; header 1-4; bases A B; reads A B
          5 statement x
    "#]],
    );
    check(
        "class C(A):  # comment\n\n    # comment\n    x = 1\n",
        expect![[r#"
        1-4 class C; header 1-3; bases A; reads A
          4 statement x
    "#]],
    );
    check(
        "@a\n\n# comment\nclass C(A):\n    x = 1\n",
        expect![[r#"
        1-5 class C; header 1-4; bases A; reads A @a; decorated
          5 statement x
    "#]],
    );
    check(
        "class C(A): x = 1",
        expect![[r#"
        1 class C; header 1; bases A; reads A
          1 statement x
    "#]],
    );
    check(
        "class C(A): x = 1; y = 2",
        expect![[r#"
        1 class C; header 1; bases A; reads A
          1 statement x y
    "#]],
    );
    check(
        "class C(\n    A): x = 1\n",
        expect![[r#"
        1-2 class C; header 1; bases A; reads A
          2 statement x
    "#]],
    );
    check(
        "class C(A\n): x = 1; y = '''\n'''; z = 3\n",
        expect![[r#"
        1-3 class C; header 1; bases A; reads A
          2-3 statement x y z
    "#]],
    );
    check(
        "class \\\n  C(A):\n    x = 1\n",
        expect![[r#"
        1-3 class C; header 1-2; bases A; reads A
          3 statement x
    "#]],
    );
}

#[test]
fn attributes_stored_on_self() {
    check(
        "
        class C:
            def __init__(self, a):
                self.a = a
                self.b: int = 1
                self.c, self.d = 1, 2
                self.e += 1
                other.f = 1
                for self.g in a: pass
                with a as self.h: pass
                self.i.j = 1
                self.k[0] = 1
                def inner():
                    self.l = 1
                class Local:
                    def m(self):
                        self.m = 1
                del self.n
            def later(self):
                self.o = self.p
            @classmethod
            def made(cls):
                cls.q = 1
            class Nested:
                def r(self):
                    self.r = 1
        ",
        expect![[r#"
            1-25 class C; header 1; stores a b c d g h l o
              2-17 function __init__; later .i .k other
              18-19 function later; later .p
              20-22 function made; now @classmethod; decorators 20
              23-25 class Nested; header 23; stores r
                24-25 function r
        "#]],
    );
}

#[test]
fn reads_of_bodies() {
    check(
        "
        class C:
            a = X
            b = a + Y
            c = [a for _ in range(b)]
            def m(self, default=a):
                return self.n(), self.a.b, a, X
            def n(this):
                return this.a, self.a
            @staticmethod
            def s(helper):
                return helper.run()
            k = lambda self: self.a
            def deep(self):
                def inner():
                    return self.a
                return [self.b for _ in self.c()], inner
        ",
        expect![[r#"
            1-16 class C; header 1
              2 statement a; now X
              3 statement b; now Y a
              4 statement c; now a b() range()
              5-6 function m; now a; later .a.b .n() X a
              7-8 function n; later .a self.a
              9-11 function s; now @staticmethod; later .run(); decorators 9
              12 statement k
              13-16 function deep; later .a .b .c()
        "#]],
    );
}
