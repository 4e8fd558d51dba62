//! Outlines of edited texts: the same as of texts that are parsed afresh.

use std::ptr;

use relive_syntax::{Outline, Statement};

use crate::support::parse;

/// Outline `before`, then `after` as an edit of it, and compare with `after` parsed; say how many units were kept.
fn check(before: &str, after: &str) -> usize {
    let old = parse(before);
    let edited = old.edited(after.into());
    assert_eq!(
        edited,
        Outline::parse(after.into()),
        "{before:?} to {after:?}"
    );
    let Ok(edited) = edited else { return 0 };
    let is_kept = |unit: &Statement| {
        old.units
            .iter()
            .any(|old| ptr::eq::<Statement>(&**old, unit))
    };
    edited.units.iter().filter(|unit| is_kept(unit)).count()
}

const MODULE: &str = r#""""Doc."""

from __future__ import annotations
import os

LIMIT = [
    1,
]  # so


@decorated
def first(a=LIMIT):
    """Doc."""
    return a
    # after


class Account(
    object
):
    rate = 1

    @property
    def interest(self): return self.rate

# between
if LIMIT:
    import json
LAST = 1; OTHER = 2
# at the end
"#;

/// Units of `MODULE`.
const COUNT: usize = 8;

#[test]
fn only_what_changed_is_parsed() {
    let kept = |from: &str, to: &str| check(MODULE, &MODULE.replacen(from, to, 1));
    assert_eq!(kept("", ""), COUNT);
    assert_eq!(kept("", "# inserted\n\n"), COUNT);
    assert_eq!(kept("# between", ""), COUNT);
    assert_eq!(kept("# between", "def more(): pass\n\nx = 1"), COUNT);
    assert_eq!(kept("# at the end", "x = 1"), COUNT);
    assert_eq!(
        check(
            MODULE,
            &format!("# top\n{}", MODULE.replace("return a", "return b"))
        ),
        COUNT - 1
    );
    assert_eq!(kept("return a", "return [\na]"), COUNT - 1);
    assert_eq!(kept("rate = 1", "rate = 2"), COUNT - 1);
    assert_eq!(kept("LAST = 1", "LAST = 3"), COUNT - 1);
    assert_eq!(kept("import os", ""), COUNT - 1);
    assert_eq!(kept("import os", "import os, sys; import re"), COUNT - 1);
    assert_eq!(check(MODULE, &MODULE.replace("Doc.", "Docs.")), COUNT - 2);
    // The first one may become the docstring, or be none any more.
    assert_eq!(kept("\"\"\"Doc.\"\"\"", ""), COUNT - 2);
    assert_eq!(kept("", "x = 1\n"), COUNT - 1);
}

#[test]
fn the_first_statement_decides_what_is_a_docstring() {
    for text in [
        "'doc'\n",
        "'doc'; pass\n",
        "'doc'; x = 1\n",
        "x = 1\n",
        "# why\n",
        "",
    ] {
        for other in ["'text'\n", "x = 2\n", "def f(): pass\n", "\n", ""] {
            let (one, two) = (format!("{text}{other}y\n"), format!("{other}{text}y\n"));
            check(&one, &two);
            check(&one, &format!("{other}y\n"));
            check(&format!("{other}y\n"), &one);
        }
    }
}

/// Where a text is cut decides what its parts mean: each of these edits reaches beyond the lines that it changes.
#[test]
fn an_edit_may_change_what_stands_around_it() {
    let cases = [
        // A line that belongs to the statement above.
        ("if a:\n    b\nc\nd\n", "if a:\n    b\nelse:\n    c\nd\n"),
        (
            "try:\n    a\nfinally:\n    b\nc\n",
            "try:\n    a\nexcept E:\n    x\nfinally:\n    b\nc\n",
        ),
        ("def f():\n    a\nb\nc\n", "def f():\n    a\n    b\nc\n"),
        ("def f():\n    a\nb\nc\n", "def f():\n    a\n  b\nc\n"),
        ("a\n\nb\n", "a\n  # deeper\nb\n"),
        // One that takes in the statement below.
        ("a\nx\ndef f(): pass\n", "a\n@x\ndef f(): pass\n"),
        ("a\n\n\ndef f(): pass\n", "a\n\n@x\ndef f(): pass\n"),
        ("a\nb\nc\n", "a\nb = (\nc\n"),
        ("a\nb\nc\n", "a\nb = (\nc)\n"),
        ("a\nb\n'''\nc\n'''\n", "a\nb = '''\n'''\nc\n'''\n"),
        ("a\nx\nb\n", "a\nclass C:\nb\n"),
        ("a\nx\nb\n", "a\nif x: y\nb\n"),
        // Backslashes join lines.
        ("a\nb\nc\n", "a\nb \\\nc\n"),
        ("a\nb\n+ c\n", "a\nb \\\n+ c\n"),
        ("a\n\n+ c\n", "a\n\\\n+ c\n"),
        ("a \\\n\nb\n", "a \\\n+ b\nb\n"),
        ("a; \\\nb\nc\n", "a; \\\nd\nc\n"),
        ("a\n\\\nb\nc\n", "a\n\\\n  b\nc\n"),
        ("a\n\\\nb\nc\n", "a\n \\\nb\nc\n"),
        ("a\n# \\\nb\nc\n", "a\nx # \\\nb\nc\n"),
        ("a\nb\nc\n", "a\nx \\"),
        // Form feeds and tabs at the beginning of a line.
        ("a\n\x0cb\nc\n", "a\n  \x0cb\nc\n"),
        ("if a:\n\tb\nc\n", "if a:\n\tb\n        d\nc\n"),
        ("a\n\x0cb\nc\n", "a\n x\n\x0cb\nc\n"),
        // The end of the text.
        ("a\nb", "a\nbc"),
        ("a\nb", "a\nb\nc"),
        ("a\nb", "a\ncb"),
        ("a\nb", "ab"),
        ("a\nif b:\n    c", "a\nif b:\n    cd\n"),
        ("a\nb\n", "a\nb"),
        ("a", ""),
        ("", "a"),
        // What is repeated, and so could be taken for what is above or below.
        ("a\na\na\n", "a\na\n"),
        ("a\na\n", "a\na\na\n"),
        ("a; b\n", "a; b; a; b\n"),
        ("a\nb\nc\n", "a\rx\nb\nc\n"),
        // A mark is skipped only where a text begins.
        ("a\nb\n", "a\n\u{feff}b\n"),
        ("a\nb\n", "\u{feff}a\nb\n"),
        ("\u{feff}a\nb\n", "b\n"),
    ];
    for (before, after) in cases {
        check(before, after);
        check("a\n", after);
        check(
            &format!("{before}\nlast = 1\n"),
            &format!("{after}\nlast = 1\n"),
        );
    }
}
