//! Which lines of a text are not code: they go on with a string.

use std::collections::BTreeSet;

use ruff_python_ast::PySourceType;
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::parse_unchecked_source;
use ruff_text_size::{Ranged, TextRange};

use crate::outline::PARSER_STACK;

/// The lines, counted from 1, that begin inside of a string: what stands at their beginning is a part of its value.
///
/// The text may be indented, and need not be Python.
#[must_use]
pub fn lines_in_strings(text: &str) -> BTreeSet<u32> {
    // A string of one line holds no beginning of a line.
    let may_have = ["\"\"\"", "'''", "\\\n"];
    if !may_have.iter().any(|mark| text.contains(mark)) || u32::try_from(text.len()).is_err() {
        return BTreeSet::new();
    }
    let strings = stacker::grow(PARSER_STACK, || strings(text));
    let mut lines = BTreeSet::new();
    let mut strings = strings.into_iter().peekable();
    let mut start = 0;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        while strings
            .next_if(|string| string.end().to_usize() <= start)
            .is_some()
        {}
        if strings
            .peek()
            .is_some_and(|string| string.start().to_usize() < start)
        {
            lines.insert(number);
        }
        start += line.len();
    }
    lines
}

/// Where strings stand, in order; one with fields in it as a whole, since those may stand for themselves (`{x = }`).
fn strings(text: &str) -> Vec<TextRange> {
    let parsed = parse_unchecked_source(text, PySourceType::Python);
    let mut strings = Vec::new();
    let mut open: Vec<TextRange> = Vec::new();
    for token in parsed.tokens() {
        match token.kind() {
            TokenKind::FStringStart | TokenKind::TStringStart => open.push(token.range()),
            TokenKind::FStringEnd | TokenKind::TStringEnd => {
                if let Some(start) = open.pop()
                    && open.is_empty()
                {
                    strings.push(start.cover(token.range()));
                }
            }
            TokenKind::String if open.is_empty() => strings.push(token.range()),
            _ => {}
        }
    }
    strings
}
