//! Changes between two texts, and what merging them gives, by example.

use expect_test::{Expect, expect};
use relive_log::{Status, drafts, merge};

use crate::support::{all_pending, dedent, list, parse, reviewed};

/// The changes that lead from one text to another.
fn check(before: &str, after: &str, expected: Expect) {
    let (before, after) = (parse(&dedent(before)), parse(&dedent(after)));
    expected.assert_eq(&list(&drafts(&before, &after)));
}

#[test]
fn a_function_that_changed_is_replaced() {
    check(
        "
        def f():
            return 1

        def g():
            return 2
        ",
        "
        def f():
            # one
            return 1

        def g():
            return 2
        ",
        expect![[r#"
            replace f
                -def f():
                -    return 1
                +def f():
                +    # one
                +    return 1
        "#]],
    );
}

#[test]
fn order_and_what_stands_between_units_are_no_change() {
    check(
        "
        import os
        def f(): pass
        X = 1
        ",
        "
        # why
        X = 1

        def f(): pass


        import os
        ",
        expect![""],
    );
}

#[test]
fn a_class_with_the_same_header_is_compared_statement_by_statement() {
    check(
        "
        class Account:
            LIMIT = 1

            def deposit(self, n):
                self.n += n

            def close(self): pass
        ",
        "
        class Account:
            LIMIT = 2

            def deposit(self, n):
                self.n += n

            # for the bank
            def audit(self):
                return self.n
        ",
        expect![[r#"
            remove Account.close
                -    def close(self): pass
            replace Account.LIMIT
                -    LIMIT = 1
                +    LIMIT = 2
            add Account.audit after Account.deposit
                +    # for the bank
                +    def audit(self):
                +        return self.n
        "#]],
    );
}

#[test]
fn a_class_with_another_header_or_on_one_line_is_replaced() {
    check(
        "
        class A:
            x = 1
        class B: x = 1
        ",
        "
        class A(B):
            x = 2
        class B: x = 2
        ",
        expect![[r#"
            replace A
                -class A:
                -    x = 1
                +class A(B):
                +    x = 2
            replace B
                -class B: x = 1
                +class B: x = 2
        "#]],
    );
}

#[test]
fn what_has_the_same_name_goes_on_whatever_it_is() {
    check(
        "f = 1\nX = 1\n",
        "def f(): pass\nclass X: pass\n",
        expect![[r#"
            replace f
                -f = 1
                +def f(): pass
            replace X
                -X = 1
                +class X: pass
        "#]],
    );
}

#[test]
fn statements_are_called_by_what_they_bind_or_how_they_begin() {
    check(
        "",
        "
        '''doc'''
        import os, sys
        a, b = 1, 2
        print(a, b)
        print(a, b)
        register('a very long argument that goes on and on', 1)
        if __name__ == '__main__':
            main()
        ",
        expect![[r#"
            add <docstring> after -
                +'''doc'''
            add os,sys after <docstring>
                +import os, sys
            add a,b after os,sys
                +a, b = 1, 2
            add <print(a, b)> after a,b
                +print(a, b)
            add <print(a, b)>#2 after <print(a, b)>
                +print(a, b)
            add <register('a very long argument that goes> after <print(a, b)>#2
                +register('a very long argument that goes on and on', 1)
            add <main> after <register('a very long argument that goes>
                +if __name__ == '__main__':
                +    main()
        "#]],
    );
}

#[test]
fn a_getter_and_its_setter_are_told_apart() {
    check(
        "
        class A:
            @property
            def x(self): return 1
            @x.setter
            def x(self, value): pass
        ",
        "
        class A:
            @property
            def x(self): return 1
            @x.setter
            def x(self, value): self.y = value
            @x.deleter
            def x(self): pass
        ",
        expect![[r#"
            replace A.x#2
                -    @x.setter
                -    def x(self, value): pass
                +    @x.setter
                +    def x(self, value): self.y = value
            add A.x#3 after A.x#2
                +    @x.deleter
                +    def x(self): pass
        "#]],
    );
}

#[test]
fn a_repeated_statement_that_is_gone_is_the_one_that_is_gone() {
    check(
        "show()\nx = 1\nshow()\n",
        "x = 1\nshow()\n",
        expect![[r#"
            remove <show()>
                -show()
        "#]],
    );
    check(
        "
        try:
            a()
        except E: pass
        x = 1
        try:
            b()
        except E: pass
        ",
        "
        try:
            n()
        except E: pass
        try:
            a()
        except E: pass
        x = 1
        try:
            b()
        except E: pass
        ",
        expect![[r#"
            add <try:>#3 after -
                +try:
                +    n()
                +except E: pass
        "#]],
    );
}

#[test]
fn indentation_alone_is_no_change() {
    check(
        "
        class A:
            x = 1
            y = '''
            text
            '''
        ",
        "
        class A:
          x = 1
          y = '''
            text
            '''
        ",
        expect![""],
    );
}

#[test]
fn a_comment_goes_with_what_is_added_unless_it_was_there() {
    check(
        "
        # about all

        def f(): pass
        ",
        "
        # about all

        # about g
        # and more
        def g(): pass

        # about all
        def h(): pass

        def f(): pass
        ",
        expect![[r##"
            add g after -
                +# about g
                +# and more
                +def g(): pass
            add h after g
                +def h(): pass
        "##]],
    );
}

/// What a reviewer sees when the changes between two texts are merged into a third one, or into the first.
fn check_merge(source: &str, old: &str, new: &str, expected: Expect) {
    let (old, new) = (parse(&dedent(old)), parse(&dedent(new)));
    let source = if source.is_empty() {
        old.clone()
    } else {
        parse(&dedent(source))
    };
    let changes = all_pending(1, drafts(&old, &new));
    let merged = merge(&source, &changes);
    let mut shown = reviewed(&source.text, &merged.text);
    for (number, why) in &merged.conflicts {
        shown.push_str(&format!("{number}: {why}\n"));
    }
    expected.assert_eq(&shown);
}

#[test]
fn lines_around_a_replaced_function_stay() {
    check_merge(
        "
        import   os
        # odd   spacing   stays


        # about f
        def f( a,b ):
            return a  
            # below


        X=1
        ",
        "def f( a,b ):\n    return a\n",
        "def f(a, b):\n    return a + b\n",
        expect![[r#"
            @@ -3,8 +3,8 @@


             # about f
            -def f( a,b ):
            -    return a
            +def f(a, b):
            +    return a + b
                 # below


        "#]],
    );
}

#[test]
fn methods_take_the_indentation_of_their_class() {
    check_merge(
        "
        class A:
          x = 1
          def f(self):
            return '''
        text
            '''
        ",
        "
        class A:
            x = 1
            def f(self):
                return '''
        text
            '''
        ",
        "
        class A:
            x = 1
            def f(self):
                return '''
        text
            ''' + (
            x)
            def g(self):
                pass
        ",
        expect![[r#"
            @@ -1,6 +1,9 @@
             class A:
               x = 1
               def f(self):
            -    return '''
            +      return '''
             text
            -    '''
            +    ''' + (
            +  x)
            +  def g(self):
            +      pass
        "#]],
    );
}

#[test]
fn what_is_removed_leaves_no_hole() {
    check_merge(
        "",
        "
        import os


        def f():
            pass


        def g():
            pass


        X = 1
        ",
        "
        import os


        def f():
            pass


        X = 1
        ",
        expect![[r#"
            @@ -5,8 +5,4 @@
                 pass
 
 
            -def g():
            -    pass
            -
            -
             X = 1
        "#]],
    );
    check_merge(
        "",
        "
        X = 1


        def g():
            pass
        ",
        "X = 1\n",
        expect![[r#"
            @@ -1,5 +1 @@
             X = 1
            -
            -
            -def g():
            -    pass
        "#]],
    );
}

#[test]
fn a_class_without_statements_gets_pass() {
    check_merge(
        "",
        "
        class A:
            def f(self):
                pass

        x = 1
        ",
        "
        class A:
            pass

        x = 1
        ",
        expect![[r#"
            @@ -1,5 +1,4 @@
             class A:
            -    def f(self):
            -        pass
            +    pass
 
             x = 1
        "#]],
    );
}

#[test]
fn a_comment_above_what_is_removed_stays() {
    check_merge(
        "",
        "
        x = 1

        # about y
        y = 2
        z = 3
        ",
        "
        x = 1
        z = 3
        ",
        expect![[r#"
            @@ -1,5 +1,3 @@
             x = 1

            -# about y
            -y = 2
             z = 3
        "#]],
    );
}

#[test]
fn what_is_added_is_separated_as_its_neighbours_are() {
    check_merge(
        "",
        "
        def f():
            pass

        def g():
            pass
        ",
        "
        def f():
            pass
        def h():
            pass
        def g():
            pass
        ",
        expect![[r#"
            @@ -1,5 +1,8 @@
             def f():
                 pass
 
            +def h():
            +    pass
            +
             def g():
                 pass
        "#]],
    );
    check_merge(
        "",
        "
        import os
        X = 1
        ",
        "
        import os
        def h():
            pass
        X = 1
        ",
        expect![[r#"
            @@ -1,2 +1,8 @@
             import os
            +
            +
            +def h():
            +    pass
            +
            +
             X = 1
        "#]],
    );
}

#[test]
fn what_comes_first_stands_below_the_beginning_of_the_file() {
    check_merge(
        "
        #!/usr/bin/env python
        # -*- coding: utf-8 -*-
        '''Doc.'''
        from __future__ import annotations

        # about f
        def f(): pass
        ",
        "def f(): pass\n",
        "import os\ndef f(): pass\n",
        expect![[r#"
            @@ -2,6 +2,7 @@
             # -*- coding: utf-8 -*-
             '''Doc.'''
             from __future__ import annotations
            +import os
 
             # about f
             def f(): pass
        "#]],
    );
    check_merge(
        "
        # Copyright

        import sys
        ",
        "import sys\n",
        "import os\nimport sys\n",
        expect![[r#"
            @@ -1,3 +1,4 @@
             # Copyright
 
            +import os
             import sys
        "#]],
    );
}

#[test]
fn what_cannot_be_placed_goes_to_the_end() {
    check_merge(
        "
        x = 1
        if __name__ == '__main__':
            main()
        ",
        "def f(): pass\n",
        "
        def f(): pass
        def g(): pass
        ",
        expect![[r#"
            @@ -1,3 +1,8 @@
             x = 1
            +
            +
            +def g(): pass
            +
            +
             if __name__ == '__main__':
                 main()
        "#]],
    );
}

#[test]
fn a_method_of_a_class_that_is_not_there_is_told() {
    check_merge(
        "x = 1\n",
        "
        class A:
            x = 1
        ",
        "
        class A:
            x = 1
            def f(self): pass
        ",
        expect![[r#"
            1: there is no class A now
        "#]],
    );
}

#[test]
fn a_file_without_a_line_end_keeps_it_so_where_it_is_not_touched() {
    let source = parse("x = 1\ny = 2");
    let merged = |new: &str| merge(&source, &all_pending(1, drafts(&source, &parse(new)))).text;
    assert_eq!(merged("x = 3\ny = 2"), "x = 3\ny = 2");
    assert_eq!(merged("x = 1\ny = 4"), "x = 1\ny = 4\n");
    assert_eq!(merged("x = 1"), "x = 1\n");
    assert_eq!(merged("x = 1\ny = 2\nz = 3"), "x = 1\ny = 2\nz = 3\n");
}

/// A chain of versions of one module, each with the changes that lead to it.
fn chain(versions: &[&str]) -> (relive_syntax::Outline, Vec<Vec<relive_log::Change>>) {
    let mut first = 1;
    let steps = versions.windows(2).map(|pair| {
        let step = all_pending(first, drafts(&parse(pair[0]), &parse(pair[1])));
        first += step.len() as u64;
        step
    });
    (parse(versions[0]), steps.collect())
}

#[test]
fn the_last_change_of_a_target_counts_whatever_is_left_off_before() {
    let (source, steps) = chain(&[
        "f = 1\ng = 1\n",
        "f = 2\ng = 1\n",
        "f = 3\ng = 2\n",
        "f = 4\ng = 2\n",
    ]);
    for left_off in 0..8_u32 {
        let mut changes: Vec<_> = steps.concat();
        for (bit, number) in [(1, 1), (2, 2), (4, 3)] {
            if left_off & bit != 0 {
                changes
                    .iter_mut()
                    .find(|change| change.number == number)
                    .unwrap()
                    .status = Status::Omitted;
            }
        }
        let merged = merge(&source, &changes);
        assert_eq!(
            merged.text,
            format!("f = 4\ng = {}\n", if left_off & 4 != 0 { 1 } else { 2 })
        );
        assert_eq!(merged.conflicts, vec![]);
    }
}

#[test]
fn what_stood_behind_an_addition_that_is_left_off_goes_where_that_would_be() {
    let (source, steps) = chain(&[
        "a = 1\nz = 1\n",
        "a = 1\nb = 1\nz = 1\n",
        "a = 1\nb = 1\nc = 1\nz = 1\n",
        "a = 1\nb = 2\nc = 1\nz = 1\n",
    ]);
    let mut changes = steps.concat();
    changes[0].status = Status::Omitted;
    assert_eq!(merge(&source, &changes[..2]).text, "a = 1\nc = 1\nz = 1\n");
    assert_eq!(
        merge(&source, &changes).text,
        "a = 1\nb = 2\nc = 1\nz = 1\n"
    );
}

/// The lines of a module with pending changes are shown behind the end of its file.
#[test]
fn an_outline_that_is_shown_elsewhere_is_taken_as_it_is_written() {
    let text = "class A:\n    # about f\n    def f(self): pass\n\n    x = 1\n\n\ny = 1\n";
    let written = parse(text);
    let piece = |first, last, shown| relive_syntax::Piece {
        lines: relive_syntax::Lines { first, last },
        shown,
    };
    let pieces = vec![
        piece(1, 2, 1),
        piece(3, 3, 20),
        piece(4, 7, 3),
        piece(8, 8, 30),
    ];
    let shown = written.clone().laid_out(pieces, "shown".into());
    let new = parse("class A:\n    x = 2\n\n\n# about z\nz = 1\ny = 1\n");
    let made = drafts(&written, &new);
    assert_eq!(list(&drafts(&shown, &new)), list(&made));
    let back = drafts(&new, &written);
    assert_eq!(list(&drafts(&new, &shown)), list(&back));
    let changes = all_pending(1, made);
    assert_eq!(merge(&shown, &changes), merge(&written, &changes));
    let patch = parse("def g(): pass\ny = 2\n");
    assert_eq!(
        relive_log::splice(&shown, &[], &patch),
        relive_log::splice(&written, &[], &patch)
    );
}
