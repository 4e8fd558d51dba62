//! A statement that gives one name a value.

use std::ops::Range;

use ruff_python_ast::{Expr, Stmt};
use ruff_python_parser::parse_module;
use ruff_text_size::Ranged;

use crate::outline::PARSER_STACK;

/// `NAME = value`, or `NAME: annotation = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// Where in the text the value stands, with the brackets around it.
    pub value: Range<usize>,
}

/// Take a text for one assignment; None if it is anything else.
#[must_use]
pub fn assignment(text: &str) -> Option<Assignment> {
    stacker::grow(PARSER_STACK, || assignment_here(text))
}

fn assignment_here(text: &str) -> Option<Assignment> {
    let module = parse_module(text).ok()?.into_syntax();
    let [statement] = &*module.body else {
        return None;
    };
    let (target, value) = match statement {
        Stmt::Assign(assign) => match &*assign.targets {
            [target] => (target, &*assign.value),
            _ => return None,
        },
        Stmt::AnnAssign(assign) => (&*assign.target, assign.value.as_deref()?),
        _ => return None,
    };
    let Expr::Name(name) = target else {
        return None;
    };
    // The brackets around a value are no part of its tree: it ends where the statement does.
    let end = statement.range().end().to_usize();
    let head = match statement {
        Stmt::AnnAssign(assign) => assign.annotation.range().end().to_usize(),
        _ => target.range().end().to_usize(),
    };
    let between = text.get(head..value.range().start().to_usize())?;
    let equals = head + between.find('=')? + 1;
    let after = &text[equals..end];
    let blanks = after.len() - after.trim_start_matches([' ', '\t']).len();
    Some(Assignment {
        name: name.id.to_string(),
        value: equals + blanks..end,
    })
}
