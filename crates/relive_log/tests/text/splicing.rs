//! Definitions put into a module, as `relive.patch` does: what a reviewer would see.

use expect_test::{Expect, expect};
use relive_log::splice;

use crate::support::{dedent, parse, reviewed};

fn check(live: &str, scope: &str, patch: &str, expected: Expect) {
    let live = parse(&dedent(live));
    let scope: Vec<String> = scope
        .split('.')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let shown = match splice(&live, &scope, &parse(&dedent(patch))) {
        Ok(text) => reviewed(&live.text, &text),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&shown);
}

const BANK: &str = "
    '''A bank.'''
    import os
    import sys

    LIMIT = 10
    NAMES: list = []


    class Account:
        '''One account.'''

        def __init__(self):
            self.n = 0

        @property
        def total(self):
            return self.n

        @total.setter
        def total(self, n):
            self.n = n


    def main():
        print(LIMIT)


    if __name__ == '__main__':
        main()
    ";

#[test]
fn a_function_is_replaced_where_it_stands() {
    check(
        BANK,
        "",
        "def main():\n    print(LIMIT + 1)\n",
        expect![[r#"
            @@ -22,7 +22,7 @@
 
 
             def main():
            -    print(LIMIT)
            +    print(LIMIT + 1)
 
 
             if __name__ == '__main__':
        "#]],
    );
}

#[test]
fn what_is_new_stands_at_the_end_above_the_main_guard() {
    check(
        BANK,
        "",
        "
        # for the shell
        def audit():
            return []
        RATE = 2
        ",
        expect![[r#"
            @@ -25,5 +25,13 @@
                 print(LIMIT)
 
 
            +# for the shell
            +def audit():
            +    return []
            +
            +
            +RATE = 2
            +
            +
             if __name__ == '__main__':
                 main()
        "#]],
    );
}

#[test]
fn imports_go_to_the_imports() {
    check(
        BANK,
        "",
        "
        import os
        import re
        from __future__ import annotations
        ",
        expect![[r#"
            @@ -1,6 +1,8 @@
             '''A bank.'''
            +from __future__ import annotations
             import os
             import sys
            +import re

             LIMIT = 10
             NAMES: list = []
        "#]],
    );
}

#[test]
fn an_assignment_replaces_the_one_of_its_name() {
    check(
        BANK,
        "",
        "LIMIT = 20\nNAMES = ['a']\n",
        expect![[r#"
            @@ -2,8 +2,8 @@
             import os
             import sys

            -LIMIT = 10
            -NAMES: list = []
            +LIMIT = 20
            +NAMES: list = ['a']


             class Account:
        "#]],
    );
}

#[test]
fn a_method_goes_into_its_class() {
    check(
        BANK,
        "Account",
        "
        def deposit(self, n):
            self.n += n
        def __init__(self):
          self.n = 1
        ",
        expect![[r#"
            @@ -10,7 +10,7 @@
                 '''One account.'''
 
                 def __init__(self):
            -        self.n = 0
            +      self.n = 1
 
                 @property
                 def total(self):
            @@ -20,6 +20,9 @@
                 def total(self, n):
                     self.n = n
 
            +    def deposit(self, n):
            +        self.n += n
            +
 
             def main():
                 print(LIMIT)
        "#]],
    );
}

#[test]
fn a_setter_replaces_the_setter_and_a_deleter_follows_it() {
    check(
        BANK,
        "Account",
        "
        @total.setter
        def total(self, n):
            self.n = int(n)
        @total.deleter
        def total(self):
            self.n = 0
        ",
        expect![[r#"
            @@ -18,7 +18,11 @@
 
                 @total.setter
                 def total(self, n):
            -        self.n = n
            +        self.n = int(n)
            +
            +    @total.deleter
            +    def total(self):
            +        self.n = 0
 
 
             def main():
        "#]],
    );
}

#[test]
fn a_class_keeps_the_comments_between_what_is_the_same() {
    check(
        "
        class A:
            # about x
            x = 1  # one

            # about f
            def f(self): return 1

            def g(self): return 2
        ",
        "",
        "
        class A:
            x = 1  # one
            def f(self): return 3
            def h(self): return 4
        ",
        expect![[r#"
            @@ -3,6 +3,6 @@
                 x = 1  # one
 
                 # about f
            -    def f(self): return 1
            +    def f(self): return 3
 
            -    def g(self): return 2
            +    def h(self): return 4
        "#]],
    );
}

#[test]
fn statements_that_go_on_with_a_name_are_added() {
    check(
        "X = 1\n",
        "",
        "X += 1\nX = X * 2\ndel Y\nregister(X)\n",
        expect![[r#"
            @@ -1 +1,5 @@
             X = 1
            +X += 1
            +X = X * 2
            +del Y
            +register(X)
        "#]],
    );
}

#[test]
fn a_name_that_is_bound_in_a_branch_is_bound_again_below() {
    check(
        "
        try:
            import fast as json
        except ImportError:
            import json
        from m import f
        ",
        "",
        "
        import json
        def f(): pass
        ",
        expect![[r#"
            @@ -3,3 +3,7 @@
             except ImportError:
                 import json
             from m import f
            +import json
            +
            +
            +def f(): pass
        "#]],
    );
}

#[test]
fn a_body_of_pass_is_filled() {
    check(
        "
        class A:
            pass

        x = 1
        ",
        "A",
        "def f(self): return 1\n",
        expect![[r#"
            @@ -1,4 +1,4 @@
             class A:
            -    pass
            +    def f(self): return 1
 
             x = 1
        "#]],
    );
}

#[test]
fn an_empty_module_takes_anything() {
    check(
        "",
        "",
        "import os\ndef f(): pass\nx = 1\n",
        expect![[r#"
            @@ -0,0 +1,7 @@
            +import os
            +
            +
            +def f(): pass
            +
            +
            +x = 1
        "#]],
    );
    check(
        "# only a comment\n",
        "",
        "def f(): pass\n",
        expect![[r##"
            @@ -1 +1,4 @@
             # only a comment
            +
            +
            +def f(): pass
        "##]],
    );
}

#[test]
fn tabs_stay_tabs_where_the_file_has_them() {
    check(
        "class A:\n\tdef f(self):\n\t\treturn 1\n",
        "A",
        "def g(self):\n    return '''\n  text\n'''\n",
        expect![[r#"
            @@ -1,3 +1,8 @@
             class A:
             	def f(self):
             		return 1
            +
            +	def g(self):
            +	    return '''
            +  text
            +'''
        "#]],
    );
}

#[test]
fn a_scope_that_is_none_is_told() {
    check(
        "x = 1\n",
        "A",
        "def f(self): pass\n",
        expect![[r#"
        there is no class A
    "#]],
    );
    check(
        "x = 1\n",
        "x",
        "def f(self): pass\n",
        expect![[r#"
        x is not a class whose body has lines of its own
    "#]],
    );
    check(
        "class A: x = 1\n",
        "A",
        "def f(self): pass\n",
        expect![[r#"
            A is not a class whose body has lines of its own
        "#]],
    );
    check(
        "class A:\n    class B:\n        x = 1\n",
        "A.B",
        "x = 2\n",
        expect![[r#"
            @@ -1,3 +1,3 @@
             class A:
                 class B:
            -        x = 1
            +        x = 2
        "#]],
    );
}

#[test]
fn a_class_of_one_line_that_says_nothing_is_opened() {
    check(
        "
        class Error(Exception): pass
        class Other(Exception): ...
        x = 1
        ",
        "Error",
        "def f(self): pass\n",
        expect![[r#"
            @@ -1,3 +1,4 @@
            -class Error(Exception): pass
            +class Error(Exception):
            +    def f(self): pass
             class Other(Exception): ...
             x = 1
        "#]],
    );
    check(
        "
        class A:
            class B: ...
            x = 1
        ",
        "A.B",
        "y = 1\n",
        expect![[r#"
            @@ -1,3 +1,4 @@
             class A:
            -    class B: ...
            +    class B:
            +        y = 1
                 x = 1
        "#]],
    );
}
