//! What a reviewer sees of a fold: the diff that a careful person would have made.

use expect_test::{Expect, expect};

use crate::support::dedent;
use crate::world::World;

/// Fold what leads from a source to another text, which may be laid out in any way.
fn check(source: &str, edited: &str, expected: Expect) {
    let world = World::new(&dedent(source));
    let mut log = world.open();
    world.edit(&mut log, &dedent(edited));
    let folded = world.fold(&mut log);
    assert_eq!(folded.left, vec![]);
    let shown: Vec<&str> = folded.diff.lines().skip(2).map(str::trim_end).collect();
    expected.assert_eq(&(shown.join("\n") + "\n"));
}

#[test]
fn decorators_are_a_part_of_what_they_decorate() {
    check(
        "
        import app


        # the root
        @app.route('/')
        @app.cached
        def root():
            return 'root'


        @app.route('/a')
        def a():
            return 'a'
        ",
        "
        import app

        @app.route('/')
        def root():
            return 'root'

        @app.route('/b')
        @app.cached
        def b():
            return 'b'

        @app.route('/a')
        def a():
            return 'a'
        ",
        expect![[r#"
            @@ -3,11 +3,16 @@

             # the root
             @app.route('/')
            -@app.cached
             def root():
                 return 'root'


            +@app.route('/b')
            +@app.cached
            +def b():
            +    return 'b'
            +
            +
             @app.route('/a')
             def a():
                 return 'a'
        "#]],
    );
}

#[test]
fn a_section_keeps_its_heading() {
    check(
        "
        # ---------------------------------------------------------------
        # helpers
        # ---------------------------------------------------------------

        def f():
            return 1


        # ---------------------------------------------------------------
        # main
        # ---------------------------------------------------------------

        def main():
            f()
        ",
        "
        def f():
            return 1

        def g():
            return 2

        def main():
            f()
            g()
        ",
        expect![[r#"
            @@ -6,9 +6,14 @@
                 return 1


            +def g():
            +    return 2
            +
            +
             # ---------------------------------------------------------------
             # main
             # ---------------------------------------------------------------

             def main():
                 f()
            +    g()
        "#]],
    );
}

#[test]
fn the_first_import_of_a_file() {
    check(
        "
        '''Doc.'''

        X = 1
        ",
        "
        '''Doc.'''

        import os
        X = 1
        ",
        expect![[r#"
            @@ -1,3 +1,5 @@
             '''Doc.'''

            +import os
            +
             X = 1
        "#]],
    );
    check(
        "
        '''Doc.'''


        def f(): pass
        ",
        "
        '''Doc.'''
        import os
        def f(): pass
        ",
        expect![[r#"
            @@ -1,4 +1,6 @@
             '''Doc.'''

            +import os
            +

             def f(): pass
        "#]],
    );
}

#[test]
fn the_last_import_of_a_file_is_gone() {
    check(
        "
        '''Doc.'''

        import os

        X = 1


        def f():
            pass
        ",
        "
        '''Doc.'''
        X = 1
        def f():
            pass
        ",
        expect![[r#"
            @@ -1,7 +1,5 @@
             '''Doc.'''

            -import os
            -
             X = 1


        "#]],
    );
}

#[test]
fn a_class_with_a_docstring_gets_its_first_method() {
    check(
        "
        class Error(Exception):
            '''What went wrong.'''


        class Other(Exception):
            '''What else.'''
        ",
        "
        class Error(Exception):
            '''What went wrong.'''
            def __str__(self):
                return 'wrong'

        class Other(Exception):
            '''What else.'''
            code = 7
        ",
        expect![[r#"
            @@ -1,6 +1,11 @@
             class Error(Exception):
                 '''What went wrong.'''

            +    def __str__(self):
            +        return 'wrong'
            +

             class Other(Exception):
                 '''What else.'''
            +
            +    code = 7
        "#]],
    );
}

#[test]
fn methods_come_and_go() {
    check(
        "
        class A:
            x = 1

            def first(self):
                pass

            @property
            def second(self):
                pass

            def third(self):
                pass

            # TODO: more

        y = 1
        ",
        "
        class A:
            x = 1

            def zeroth(self):
                pass

            def first(self):
                pass

            def fourth(self):
                pass

        y = 1
        ",
        expect![[r#"
            @@ -1,14 +1,13 @@
             class A:
                 x = 1

            +    def zeroth(self):
            +        pass
            +
                 def first(self):
                     pass

            -    @property
            -    def second(self):
            -        pass
            -
            -    def third(self):
            +    def fourth(self):
                     pass

                 # TODO: more
        "#]],
    );
}

#[test]
fn a_class_in_a_class() {
    check(
        "
        class A:
            class Meta:
                ordering = 1

            x = 1
        ",
        "
        class A:
            class Meta:
                ordering = 2
                verbose = True

                class Inner:
                    pass

            x = 1
        ",
        expect![[r#"
            @@ -1,5 +1,9 @@
             class A:
                 class Meta:
            -        ordering = 1
            +        ordering = 2
            +        verbose = True
            +
            +        class Inner:
            +            pass

                 x = 1
        "#]],
    );
}

#[test]
fn two_blanks_of_indentation() {
    check(
        "
        class A:
          def f(self):
            if self:
              return 1

          def g(self):
            pass
        ",
        "
        class A:
            def f(self):
                if self:
                    return 2

            def g(self):
                pass

            def h(self):
                pass
        ",
        expect![[r#"
            @@ -1,7 +1,10 @@
             class A:
               def f(self):
            -    if self:
            -      return 1
            +      if self:
            +          return 2

               def g(self):
            -    pass
            +      pass
            +
            +  def h(self):
            +      pass
        "#]],
    );
}

#[test]
fn a_string_of_several_lines() {
    check(
        "
        SQL = '''
        select *
          from t
        '''


        class A:
            def f(self):
                '''Do.

                More.
                '''
                return '''
        at the margin
                '''
        ",
        "
        SQL = '''
        select a
          from t
        '''


        class A:
            def f(self):
                '''Do.

                Even more.
                '''
                return '''
        at the margin
          or not
                '''
        ",
        expect![[r#"
            @@ -1,5 +1,5 @@
             SQL = '''
            -select *
            +select a
               from t
             '''

            @@ -8,8 +8,9 @@
                 def f(self):
                     '''Do.

            -        More.
            +        Even more.
                     '''
                     return '''
             at the margin
            +  or not
                     '''
        "#]],
    );
}

#[test]
fn statements_without_names() {
    check(
        "
        import app

        app.register('a')
        app.register('b')

        for name in app.names:
            print(name)

        if app.debug:
            app.trace()
        ",
        "
        import app

        app.register('a')
        app.register('c')

        for name in app.names:
            log(name)

        if app.debug:
            app.trace()
        else:
            app.run()
        ",
        expect![[r#"
            @@ -1,10 +1,12 @@
             import app

             app.register('a')
            -app.register('b')
            +app.register('c')

             for name in app.names:
            -    print(name)
            +    log(name)

             if app.debug:
                 app.trace()
            +else:
            +    app.run()
        "#]],
    );
}

#[test]
fn overloads_stay_together() {
    check(
        "
        @overload
        def f(x: int) -> int: ...
        @overload
        def f(x: str) -> str: ...
        def f(x):
            return x


        def g():
            pass
        ",
        "
        @overload
        def f(x: int) -> int: ...
        @overload
        def f(x: str) -> str: ...
        @overload
        def f(x: bytes) -> bytes: ...
        def f(x):
            return x + x


        def g():
            pass
        ",
        expect![[r#"
            @@ -2,8 +2,10 @@
             def f(x: int) -> int: ...
             @overload
             def f(x: str) -> str: ...
            +@overload
            +def f(x: bytes) -> bytes: ...
             def f(x):
            -    return x
            +    return x + x


             def g():
        "#]],
    );
}

#[test]
fn one_thing_becomes_another() {
    check(
        "
        import os
        f = lambda: 1
        X = 1


        class A:
            pass
        ",
        "
        import os
        def f():
            return 1
        X = 1
        def A():
            return 2
        ",
        expect![[r#"
            @@ -1,7 +1,12 @@
             import os
            -f = lambda: 1
            +
            +
            +def f():
            +    return 1
            +
            +
             X = 1


            -class A:
            -    pass
            +def A():
            +    return 2
        "#]],
    );
}

#[test]
fn the_end_of_the_file_stays() {
    check(
        "
        def f():
            pass

        # vim: set et sw=4:
        ",
        "
        def f():
            pass

        def g():
            pass
        ",
        expect![[r#"
            @@ -1,4 +1,8 @@
             def f():
                 pass

            +
            +def g():
            +    pass
            +
             # vim: set et sw=4:
        "#]],
    );
    check(
        "
        def f():
            pass



        ",
        "
        def f():
            pass

        x = 1
        ",
        expect![[r#"
            @@ -2,4 +2,7 @@
                 pass


            +x = 1
            +
            +

        "#]],
    );
}

#[test]
fn statements_on_one_line() {
    check(
        "
        a = 1; b = 2
        x = 1; \\
        y = 2
        if a: b = 3
        ",
        "
        a = 1; b = 3
        x = 1; \\
        y = 3
        if a: b = 4
        c = 5
        ",
        expect![[r#"
            @@ -1,4 +1,5 @@
            -a = 1; b = 2
            +a = 1; b = 3
             x = 1; \
            -y = 2
            -if a: b = 3
            +y = 3
            +if a: b = 4
            +c = 5
        "#]],
    );
}

#[test]
fn everything_is_gone() {
    check(
        "
        # Copyright

        import os


        def f():
            pass
        ",
        "",
        expect![[r#"
            @@ -1,7 +1 @@
             # Copyright
            -
            -import os
            -
            -
            -def f():
            -    pass
        "#]],
    );
}

#[test]
fn a_module_from_nothing() {
    check(
        "",
        "
        '''Doc.'''
        import os
        X = 1
        # about f
        def f():
            pass
        class A:
            x = 1
            def f(self):
                pass
        if __name__ == '__main__':
            f()
        ",
        expect![[r#"
            @@ -0,0 +1,20 @@
            +'''Doc.'''
            +
            +import os
            +
            +X = 1
            +
            +
            +# about f
            +def f():
            +    pass
            +
            +
            +class A:
            +    x = 1
            +    def f(self):
            +        pass
            +
            +
            +if __name__ == '__main__':
            +    f()
        "#]],
    );
}
