//! What the units of a text are, where they stand and what they bind.

use expect_test::{Expect, expect};

use crate::support::{dedent, dump, parse};

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&dump(&parse(&dedent(text)).units));
}

#[test]
fn kinds() {
    check(
        "def f(): pass",
        expect![[r#"
        1 function f
    "#]],
    );
    check(
        "async def f(): pass",
        expect![[r#"
        1 function f
    "#]],
    );
    check(
        "class C: pass",
        expect![[r#"
        1 class C; header 1
          1 inert
    "#]],
    );
    check(
        "import m",
        expect![[r#"
        1 import m; imports m
    "#]],
    );
    check(
        "from m import x",
        expect![[r#"
        1 import x; imports m:x
    "#]],
    );
    check(
        "X = 1",
        expect![[r#"
        1 statement X
    "#]],
    );
    check(
        "X: int = 1",
        expect![[r#"
        1 statement X; now int; annotates X
    "#]],
    );
    check(
        "X: int",
        expect![[r#"
        1 statement; now int; annotates X
    "#]],
    );
    check(
        "X += 1",
        expect![[r#"
            1 statement X; now X; maybe X
        "#]],
    );
    check(
        "del X",
        expect![[r#"
            1 statement X; maybe X
        "#]],
    );
    check(
        "type X = int",
        expect![[r#"
            1 statement X; later int
        "#]],
    );
    check(
        "print(1)",
        expect![[r#"
        1 statement; now print()
    "#]],
    );
    check(
        "assert X",
        expect![[r#"
        1 statement; now X
    "#]],
    );
    check(
        "raise X",
        expect![[r#"
        1 statement; now X
    "#]],
    );
    check(
        "pass",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "...",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "1",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "None",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "global X",
        expect![[r#"
        1 statement
    "#]],
    );
}

#[test]
fn docstring_is_the_first_statement() {
    check(
        r#""""doc""""#,
        expect![[r#"
        1 docstring
    "#]],
    );
    check(
        "'one' 'two'",
        expect![[r#"
        1 docstring
    "#]],
    );
    check(
        "# comment\n\n'doc'\n",
        expect![[r#"
        3 docstring
    "#]],
    );
    check(
        "X = 1\n'not a docstring'\n",
        expect![[r#"
        1 statement X
        2 inert
    "#]],
    );
    check(
        "'doc'\n'not a docstring'\n",
        expect![[r#"
        1 docstring
        2 inert
    "#]],
    );
    check(
        "b'bytes are no docstring'",
        expect![[r#"
        1 inert
    "#]],
    );
    check(
        "f'neither is {this}'",
        expect![[r#"
        1 statement; now this
    "#]],
    );
    check(
        "class C:\n    'doc'\n    'not'\n",
        expect![[r#"
        1-3 class C; header 1
          2 docstring
          3 inert
    "#]],
    );
}

#[test]
fn main_guard() {
    check(
        "if __name__ == '__main__': main()",
        expect![[r#"
            1 mainguard; now __name__ main()
        "#]],
    );
    check(
        "if '__main__' == __name__: main()",
        expect![[r#"
            1 mainguard; now __name__ main()
        "#]],
    );
    check(
        "if __name__ == \"__main__\":\n    X = 1\n    main()\n",
        expect![[r#"
            1-3 mainguard X; now __name__ main(); maybe X
        "#]],
    );
    check(
        "if __name__ == '__main__': main()\nelse: other()",
        expect![[r#"
            1-2 statement; now __name__ main() other()
        "#]],
    );
    check(
        "if __name__ == '__main__' and X: main()",
        expect![[r#"
            1 mainguard; now X __name__ main()
        "#]],
    );
    check(
        "if X != 1 and __name__ == '__main__': main()",
        expect![[r#"
            1 mainguard; now X __name__ main()
        "#]],
    );
    check(
        "if (n := count()) and __name__ == '__main__': main()",
        expect![[r#"
            1 statement n; now __name__ count() main(); maybe n
        "#]],
    );
    check(
        "if __name__ != '__main__': main()",
        expect![[r#"
            1 statement; now __name__ main()
        "#]],
    );
    check(
        "if __name__ == 'm': main()",
        expect![[r#"
            1 statement; now __name__ main()
        "#]],
    );
    check(
        "if name == '__main__': main()",
        expect![[r#"
            1 statement; now main() name
        "#]],
    );
    check(
        "if __name__ == '__main__' == X: main()",
        expect![[r#"
            1 statement; now X __name__ main()
        "#]],
    );
    check(
        "if (__name__ == '__main__'): main()",
        expect![[r#"
            1 mainguard; now __name__ main()
        "#]],
    );
    check(
        "if __name__ in ('__main__',): main()",
        expect![[r#"
            1 statement; now __name__ main()
        "#]],
    );
}

#[test]
fn bound_names() {
    check(
        "a = b = 1",
        expect![[r#"
        1 statement a b
    "#]],
    );
    check(
        "a, (b, *c) = 1, (2, 3)",
        expect![[r#"
        1 statement a b c
    "#]],
    );
    check(
        "[a, b] = 1, 2",
        expect![[r#"
        1 statement a b
    "#]],
    );
    check(
        "for a, b in c: d = 1\nelse: e = 1",
        expect![[r#"
            1-2 statement a b d e; now c(); maybe a b d e
        "#]],
    );
    check(
        "while a:\n    b = 1\nelse:\n    c = 1",
        expect![[r#"
            1-4 statement b c; now a; maybe b c
        "#]],
    );
    check(
        "with a as b, c as (d, e): f = 1",
        expect![[r#"
            1 statement b d e f; now a() c()
        "#]],
    );
    check(
        "try: a = 1\nexcept E as b: c = 1\nelse: d = 1\nfinally: e = 1",
        expect![[r#"
            1-4 statement a b c d e; now E; maybe a b c d
        "#]],
    );
    check(
        "try: a = 1\nexcept* E as b: c = 1",
        expect![[r#"
            1-2 statement a b c; now E; maybe a b c
        "#]],
    );
    check(
        "if (a := b): c = 1\nelif d: e = 1\nelse: f = 1",
        expect![[r#"
            1-3 statement a c e f; now b d; maybe a c e f
        "#]],
    );
    check(
        "
        match a:
            case b: pass
            case [c, *d]: pass
            case {'k': e, **f}: pass
            case Point(x=g) | Other(h): pass
            case (1 | 2) as i: pass
            case Color.RED: pass
            case _: pass
        ",
        expect![[r#"
            1-8 statement b c d f e g h i; now Color.RED Other Point a; maybe b c d e f g h i
        "#]],
    );
    check(
        "if x:\n    def f(): y = 1\n    class C: z = 1\n",
        expect![[r#"
            1-3 statement f C; now x; maybe C f
        "#]],
    );
    check(
        "a = a",
        expect![[r#"
        1 statement a; now a
    "#]],
    );
    check(
        "a = 1; a = 2",
        expect![[r#"
        1 statement a a
    "#]],
    );
    check(
        "del a, b",
        expect![[r#"
            1 statement a b; maybe a b
        "#]],
    );
    check(
        "del a[0], b.c",
        expect![[r#"
            1 statement; now a b; touches a b.c
        "#]],
    );
    check(
        "[a for a in b]",
        expect![[r#"
        1 statement; now b()
    "#]],
    );
    check(
        "{a: b for a, b in c}",
        expect![[r#"
        1 statement; now c()
    "#]],
    );
    check(
        "any((hit := n) > 1 for n in data)",
        expect![[r#"
        1 statement hit; now any() data()
    "#]],
    );
    check(
        "[(a := b, c) for c in d]",
        expect![[r#"
        1 statement a; now b d()
    "#]],
    );
    check(
        "lambda a: a",
        expect![[r#"
        1 statement
    "#]],
    );
    check(
        "def f(a, b=1): c = 2",
        expect![[r#"
        1 function f
    "#]],
    );
    check(
        "type X[T] = list[T]",
        expect![[r#"
            1 statement X; later list
        "#]],
    );
    check(
        "ŝalutno = ſ = 1",
        expect![[r#"
        1 statement ŝalutno s
    "#]],
    );
}

#[test]
fn stores_into_objects() {
    check(
        "X[0] = 1",
        expect![[r#"
        1 statement; now X; touches X
    "#]],
    );
    check(
        "X.a = 1",
        expect![[r#"
            1 statement; now X; touches X.a
        "#]],
    );
    check(
        "X.a.b[0].c = 1",
        expect![[r#"
            1 statement; now X.a.b; touches X.a.b
        "#]],
    );
    check(
        "X[0], Y.a = 1, 2",
        expect![[r#"
            1 statement; now X Y; touches X Y.a
        "#]],
    );
    check(
        "X[0] += 1",
        expect![[r#"
            1 statement; now X; touches X
        "#]],
    );
    check(
        "X.a += 1",
        expect![[r#"
            1 statement; now X; touches X.a
        "#]],
    );
    check(
        "del X[0]",
        expect![[r#"
            1 statement; now X; touches X
        "#]],
    );
    check(
        "f().a = 1",
        expect![[r#"
            1 statement; now f() f.a
        "#]],
    );
    check(
        "X().a = 1",
        expect![[r#"
            1 statement; now X() X.a
        "#]],
    );
    check(
        "for X[0] in Y: pass",
        expect![[r#"
            1 statement; now X Y(); touches X
        "#]],
    );
    check(
        "X[Y] = Z",
        expect![[r#"
        1 statement; now X Y Z; touches X
    "#]],
    );
    check(
        "X: Y[0] = 1",
        expect![[r#"
        1 statement X; now Y; annotates X
    "#]],
    );
    check(
        "X.a: int = 1",
        expect![[r#"
            1 statement; now X int; touches X.a
        "#]],
    );
    check(
        "X[0]: int = 1",
        expect![[r#"
        1 statement; now X int; touches X
    "#]],
    );
    check(
        "def f(): X[0] = 1",
        expect![[r#"
        1 function f; later X
    "#]],
    );
    check(
        "class C: X[0] = 1",
        expect![[r#"
        1 class C; header 1
          1 statement; now X; touches X
    "#]],
    );
}

#[test]
fn annotated_names() {
    check(
        "X: int = 1\nY: str\n",
        expect![[r#"
        1 statement X; now int; annotates X
        2 statement; now str; annotates Y
    "#]],
    );
    check(
        "(X): int = 1",
        expect![[r#"
        1 statement X; now int; annotates X
    "#]],
    );
    check(
        "if A:\n    X: int = 1\n",
        expect![[r#"
            1-2 statement X; now A int; annotates X; maybe X
        "#]],
    );
    check(
        "class C:\n    x: int\n    y: str = ''\n",
        expect![[r#"
        1-3 class C; header 1
          2 statement; now int; annotates x
          3 statement y; now str; annotates y
    "#]],
    );
    check(
        "def f():\n    x: int = 1\n",
        expect![[r#"
            1-2 function f
        "#]],
    );
}

#[test]
fn lines_of_decorated_definitions() {
    check(
        "
        @a
        @b(
            1,
        )
        # why
        def f():
            pass


        @c
        class C:
            @d

            def m(self): pass
        ",
        expect![[r#"
            1-7 function f; now @a @b(); decorators 1-4
            10-14 class C; header 10-11; reads @c; decorated
              12-14 function m; now @d; decorators 12
        "#]],
    );
}

#[test]
fn lines_of_long_statements() {
    check(
        "X = [\n    1,\n\n    2,\n]\nY = 1\n",
        expect![[r#"
        1-5 statement X
        6 statement Y
    "#]],
    );
    check(
        "X = '''\ntext\n'''\nY = 1\n",
        expect![[r#"
        1-3 statement X
        4 statement Y
    "#]],
    );
    check(
        "X = 1 + \\\n    2\nY = 1\n",
        expect![[r#"
        1-2 statement X
        3 statement Y
    "#]],
    );
    check(
        "def f():\n    x = 1\n\n    # comment\n\n\n\nY = 1\n",
        expect![[r#"
        1-2 function f
        8 statement Y
    "#]],
    );
    check(
        "def f():\n    '''doc\n    '''\n",
        expect![[r#"
        1-3 function f
    "#]],
    );
    check(
        "if A:\n    x = 1\n# comment\nelif B:\n    x = 2\n\nelse:\n    x = 3\n    # end\n",
        expect![[r#"
            1-8 statement x; now A B
        "#]],
    );
}

#[test]
fn layout_at_the_ends_of_a_file() {
    check("", expect![]);
    check("\n", expect![]);
    check("\n\n\n", expect![]);
    check("   ", expect![]);
    check("\t", expect![]);
    check("# only a comment", expect![]);
    check("\x0c", expect![]);
    check(
        "X = 1",
        expect![[r#"
        1 statement X
    "#]],
    );
    check(
        "X = 1\n",
        expect![[r#"
        1 statement X
    "#]],
    );
    check(
        "X = 1\n\n\n",
        expect![[r#"
        1 statement X
    "#]],
    );
    check(
        "\n\nX = 1",
        expect![[r#"
        2 statement X
    "#]],
    );
    check(
        "X = 1  # comment",
        expect![[r#"
        1 statement X
    "#]],
    );
    check(
        "def f():\n    pass",
        expect![[r#"
        1-2 function f
    "#]],
    );
    check(
        "def f():\n    pass\n    ",
        expect![[r#"
        1-2 function f
    "#]],
    );
    check(
        "def f():\n    pass\n    # comment",
        expect![[r#"
        1-2 function f
    "#]],
    );
}

#[test]
fn tabs_and_form_feeds() {
    check(
        "def f():\n\tx = 1\n\tif x:\n\t\treturn\n",
        expect![[r#"
        1-4 function f
    "#]],
    );
    check(
        "class C:\n\tx = 1\n\n\tdef m(self):\n\t\tpass\n",
        expect![[r#"
        1-5 class C; header 1
          2 statement x
          4-5 function m
    "#]],
    );
    check(
        "X = 1\n\x0c\nY = 2\n",
        expect![[r#"
        1 statement X
        3 statement Y
    "#]],
    );
    check(
        "X = 1\n\x0cdef f(): pass\n",
        expect![[r#"
        1 statement X
        2 function f
    "#]],
    );
    check(
        "X = 'a\x0cb'\nY = 1\n",
        expect![[r#"
        1 statement X
        2 statement Y
    "#]],
    );
    check(
        "class C:\n    x = 1\n\x0c\n    y = 2\n",
        expect![[r#"
        1-4 class C; header 1
          2 statement x
          4 statement y
    "#]],
    );
}

#[test]
fn characters_that_end_no_line() {
    check(
        "X = 'a\u{2028}b\u{85}c\u{b}d'\nY = 1\n",
        expect![[r#"
        1 statement X
        2 statement Y
    "#]],
    );
    check(
        "X = 1  # \u{2028} \u{1f600}\nY = 'ä'\nZ = 1\n",
        expect![[r#"
        1 statement X
        2 statement Y
        3 statement Z
    "#]],
    );
}
