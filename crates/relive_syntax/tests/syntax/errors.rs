//! Text that is not Python, or not yet: an answer with a line, never a panic.

use expect_test::{Expect, expect};
use relive_syntax::Outline;

use crate::support::{dedent, parse};

fn check(text: &str, expected: Expect) {
    match Outline::parse(dedent(text).into()) {
        Ok(_) => panic!("this was outlined: {text}"),
        Err(error) => expected.assert_eq(&format!("{}: {}", error.line, error.message)),
    }
}

#[test]
fn unfinished_text() {
    check("def f(", expect!["1: unexpected EOF while parsing"]);
    check(
        "def f():",
        expect!["1: Expected an indented block after function definition"],
    );
    check(
        "def f():\n",
        expect!["1: Expected an indented block after function definition"],
    );
    check("X = ", expect!["1: Expected an expression"]);
    check("X = (1,\n", expect!["2: unexpected EOF while parsing"]);
    check("X = [\n\n\n", expect!["4: unexpected EOF while parsing"]);
    check(
        "X = 'abc",
        expect!["1: missing closing quote in string literal"],
    );
    check(
        "X = '''abc\n\n",
        expect!["1: missing closing quote in string literal"],
    );
    check("X = f'{a", expect!["1: f-string: unterminated string"]);
    check(
        "if a:\n    b\nelse:\n",
        expect!["3: Expected an indented block after `else` clause"],
    );
    check(
        "@a\n",
        expect![
            "2: Expected class, function definition or async function definition after decorator"
        ],
    );
    check("class C(\n", expect!["2: unexpected EOF while parsing"]);
    check(
        "from m import",
        expect!["1: Expected one or more symbol names after import"],
    );
    check(
        "from m import (a,\n",
        expect!["2: unexpected EOF while parsing"],
    );
    check(
        "try:\n    a\n",
        expect!["3: Expected `except` or `finally` after `try` block"],
    );
    check("X = 1 +\\\n", expect!["1: unexpected EOF while parsing"]);
    check(
        "lambda",
        expect!["1: Expected a parameter or the end of the parameter list"],
    );
}

#[test]
fn wrong_text() {
    check(
        "X = 1\nY == = 2\nZ = 3\n",
        expect!["2: Expected an expression"],
    );
    check("X = 1\n    Y = 2\n", expect!["2: Unexpected indentation"]);
    check(
        "if a:\nb\n",
        expect!["2: Expected an indented block after `if` statement"],
    );
    check(
        "def f():\n        a\n    b\n",
        expect!["3: unindent does not match any outer indentation level"],
    );
    check(
        "if a:\n\tb\n        c\n",
        expect!["3: Unexpected indentation"],
    );
    check("1 = X", expect!["1: Invalid assignment target"]);
    check("f() = 1", expect!["1: Invalid assignment target"]);
    check(
        "print 'hello'",
        expect!["1: Simple statements must be separated by newlines or semicolons"],
    );
    check(
        "exec code in ns",
        expect!["1: Simple statements must be separated by newlines or semicolons"],
    );
    check(
        "X = 1 2",
        expect!["1: Simple statements must be separated by newlines or semicolons"],
    );
    check("X = )", expect!["1: Expected an expression"]);
    check("X = (]", expect!["1: Expected an expression"]);
    check("X = 0777", expect!["1: Invalid decimal integer literal"]);
    check(
        "X = '\\N{no such name}'",
        expect!["1: Got unexpected unicode"],
    );
    check(
        "X = b'ä'",
        expect!["1: bytes can only contain ASCII literal characters"],
    );
    check("X = ?", expect!["1: Got unexpected token ?"]);
    check("X = $y", expect!["1: Got unexpected token $"]);
    check("%magic", expect!["1: Expected a statement"]);
    check("!ls", expect!["1: Expected a statement"]);
    check(
        "f(a=1, 2)",
        expect!["1: Positional argument cannot follow keyword argument"],
    );
    check(
        "def f(a=1, b): pass",
        expect!["1: Parameter without a default cannot follow a parameter with a default"],
    );
    check("class = 1", expect!["1: Expected an identifier"]);
    check(
        "<<<<<<< HEAD\nX = 1\n=======\n",
        expect!["1: Expected a statement"],
    );
}

#[test]
fn null_bytes() {
    for text in ["\0", "X = 1\0", "X = 1  # \0\nY = (", "\0\n"] {
        let error = Outline::parse(text.into()).unwrap_err();
        assert!((1..=2).contains(&error.line), "{error:?}");
    }
}

/// The second error is only a consequence of the first, more often than not.
#[test]
fn the_first_error_is_told() {
    check(
        "X = 1\nY = (\nZ = 2\ndef f(:\n",
        expect!["3: Expected `)`, found `=`"],
    );
}

/// What only CPython's compiler refuses is left to it: these are outlined, and refused when they are compiled.
#[test]
fn left_to_the_compiler() {
    for text in [
        "return 1",
        "yield 1",
        "break",
        "continue",
        "await x",
        "nonlocal x",
        "def f(a, a): pass",
        "def f():\n    x = 1\n    global x\n",
        "from __future__ import no_such_feature",
        "X = 1\nfrom __future__ import annotations\n",
        "def f():\n    from m import *\n",
        "class C:\n    return 1\n",
        "[x := 1 for x in y]",
    ] {
        parse(text);
    }
}

/// Cut anywhere, as an editor's half-written save is: an outline or an error, and lines that exist.
#[test]
fn every_prefix_of_a_file() {
    for end in (0..=PROGRAM.len()).filter(|&end| PROGRAM.is_char_boundary(end)) {
        let prefix = &PROGRAM[..end];
        let lines = u32::try_from(prefix.split('\n').count()).unwrap();
        match Outline::parse(prefix.into()) {
            Err(error) => assert!((1..=lines).contains(&error.line), "{error:?} {prefix:?}"),
            Ok(outline) => {
                for unit in &outline.units {
                    assert!(unit.lines.last <= lines, "{unit:?} {prefix:?}");
                    assert!(
                        !outline.lines(unit.lines).trim().is_empty(),
                        "{unit:?} {prefix:?}"
                    );
                }
            }
        }
    }
}

const PROGRAM: &str = r#""""Ein kurzes Programm – mit Umlauten: äöü."""
from __future__ import annotations
import os, sys as system
from .m import (a,
    b as c)

@decorate(1, key="ä")
class C[T](Base, metaclass=Meta):
    x: int = 1; y = f"{x!r:>{width}} {'nested'}"

    async def m(self, *args: int, k=lambda z: z, **kwargs) -> None:
        async with a as b, c:
            await self.n(x for x in y if x)
        match k:
            case {"a": [1, *rest]} | Point(x=0): yield rest
        try:
            raise E from None
        except* (A, B) as error:
            del error
        else:
            return

X = {**a, "b": [i async for i in j], 'c': (1, 2.5e3, 0xff, 1j, ...)} \
    | {}
if (n := len(X)) > 10 and not n % 2: print(n); n += 1
type Alias[U] = list[U]
"#;

#[test]
fn the_program_is_whole() {
    assert_eq!(parse(PROGRAM).units.len(), 8);
}
