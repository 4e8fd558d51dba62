//! A statement typed at a prompt, as it would stand in the module whose state it changes.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{
    Visitor, walk_except_handler, walk_expr, walk_interpolated_string_element, walk_parameter,
    walk_pattern, walk_stmt, walk_type_param,
};
use ruff_python_ast::{
    self as ast, ExceptHandler, Expr, ExprContext, InterpolatedStringElement, Parameter, Pattern,
    Stmt, TypeParam,
};
use ruff_python_parser::parse_module;
use ruff_text_size::{Ranged, TextRange};

use crate::names;
use crate::outline::PARSER_STACK;

/// Special names that are a module's own, as far as a program sets them; the others are its type's.
const MODULE_NAMES: [&str; 9] = [
    "__all__",
    "__annotations__",
    "__author__",
    "__doc__",
    "__file__",
    "__license__",
    "__name__",
    "__path__",
    "__version__",
];

/// A module from within.
const ITSELF: &str = "__import__('sys').modules[__name__]";

/// The statement with `root.` taken away wherever a path starts with it: `bank.LIMITS["d"] = bank.DEFAULT * 2` is
/// `LIMITS["d"] = DEFAULT * 2` in the module that `bank` is. The root may be dotted (`pkg.bank`). `setattr(bank, "X", 1)`
/// is `X = 1`, `delattr(bank, "X")` is `del X`. Where the root is handed on otherwise (`f(bank)`), the module is got at from
/// within.
///
/// None where the text would not mean the same then: the root is bound, a name of the module is also a name at the prompt (`bank.X = X`), or a store would bind a variable of a function. Whether the other names
/// that it reads mean the same in the module is for the caller to find out.
#[must_use]
pub fn rebased(statement: &str, root: &str) -> Option<String> {
    stacker::grow(PARSER_STACK, || {
        rebased_here(statement, root, true).or_else(|| rebased_here(statement, root, false))
    })
}

/// `is_spelled`: calls that set and delete attributes become the statements that they are short for.
fn rebased_here(statement: &str, root: &str, is_spelled: bool) -> Option<String> {
    let parsed = parse_module(statement).ok()?;
    let mut search = Search {
        text: statement,
        root,
        head: root.split('.').next().unwrap_or(root),
        is_spelled,
        ..Search::default()
    };
    search.visit_body(&parsed.syntax().body);
    if search.is_used_otherwise || !search.taken.is_disjoint(&search.bare) {
        return None;
    }
    let mut text = String::with_capacity(statement.len());
    let mut end = 0;
    let cuts = search.cuts.into_iter().map(|range| (range, String::new()));
    let mut edits: Vec<(TextRange, String)> = cuts.collect();
    let handed_on = search.handed_on.into_iter();
    edits.extend(handed_on.map(|range| (range, ITSELF.to_owned())));
    edits.extend(search.spelled);
    edits.sort_unstable_by_key(|(range, _)| range.start());
    for (range, instead) in edits {
        text.push_str(&statement[end..range.start().to_usize()]);
        text.push_str(&instead);
        end = range.end().to_usize();
    }
    text.push_str(&statement[end..]);
    // What was an attribute may be no name by itself, in ways that no rule above foresees.
    parse_module(&text).is_ok().then_some(text)
}

#[derive(Default)]
struct Search<'a> {
    text: &'a str,
    root: &'a str,
    /// The name that the root begins with.
    head: &'a str,
    /// What is to be cut out of the text.
    cuts: Vec<TextRange>,
    /// Where the root stands by itself and is read.
    handed_on: Vec<TextRange>,
    is_spelled: bool,
    /// What stands around the value of a `setattr`, and what stands there instead.
    spelled: Vec<(TextRange, String)>,
    /// Names of the module that lose their root.
    taken: BTreeSet<String>,
    /// Names that stand there without a root, bound or read.
    bare: BTreeSet<String>,
    /// How many strings are around.
    strings: u32,
    /// How many scopes around have variables of their own.
    scopes: u32,
    is_used_otherwise: bool,
}

impl Search<'_> {
    fn name(&mut self, name: &str) {
        self.is_used_otherwise |= name == self.head;
        self.bare.insert(name.to_owned());
    }

    fn take(&mut self, attribute: &ast::ExprAttribute) {
        let range = TextRange::new(attribute.value.start(), attribute.attr.start());
        let name = attribute.attr.as_str();
        let is_special = name.starts_with("__") && name.ends_with("__");
        let is_plain = self.text[range]
            .chars()
            .filter(|char| !char.is_whitespace())
            .eq(self.root.chars().chain(['.']));
        // In parentheses, or with a comment in between; a variable of another scope; no variable at all.
        self.is_used_otherwise |= !is_plain
            || (self.scopes > 0 && attribute.ctx != ExprContext::Load)
            || (is_special && !MODULE_NAMES.contains(&name));
        self.cuts.push(range);
        self.taken.insert(name.to_owned());
    }

    /// Spell `setattr(root, "X", value)` and `delattr(root, "X")` out, where they stand by themselves.
    fn spell(&mut self, call: &ast::ExprCall) -> bool {
        let arguments = &call.arguments;
        let (Expr::Name(function), [object, Expr::StringLiteral(name), value @ ..]) =
            (&*call.func, &*arguments.args)
        else {
            return false;
        };
        let text = name.value.to_str();
        let is_name = is_name(text) && !(text.starts_with("__") && text.ends_with("__"));
        if !self.is_spelled
            || self.scopes > 0
            || !arguments.keywords.is_empty()
            || !is_name
            || names::dotted(object).as_deref() != Some(self.root)
        {
            return false;
        }
        match (function.id.as_str(), value) {
            ("setattr", [value]) if !value.is_starred_expr() => {
                let is_long = self.text[value.range()].contains(['\n', '\r']);
                let (open, close) = if is_long { ("(", ")") } else { ("", "") };
                let before = TextRange::new(call.start(), value.start());
                self.spelled.push((before, format!("{text} = {open}")));
                let after = TextRange::new(value.end(), call.end());
                self.spelled.push((after, close.to_owned()));
                self.visit_expr(value);
            }
            ("delattr", []) => self.spelled.push((call.range(), format!("del {text}"))),
            _ => return false,
        }
        self.taken.insert(text.to_owned());
        true
    }

    fn within(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes += 1;
        visit(self);
        self.scopes -= 1;
    }
}

impl<'a> Visitor<'a> for Search<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.name(&function.name),
            Stmt::ClassDef(class) => self.name(&class.name),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let head = alias.name.split('.').next().unwrap_or(&alias.name);
                    self.name(alias.asname.as_ref().map_or(head, ast::Identifier::as_str));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    // Nobody knows what a star import binds.
                    self.is_used_otherwise |= alias.name.as_str() == "*";
                    self.name(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            Stmt::Global(global) => global.names.iter().for_each(|name| self.name(name)),
            Stmt::Expr(expression)
                if let Expr::Call(call) = &*expression.value
                    && self.spell(call) =>
            {
                return;
            }
            Stmt::Nonlocal(nonlocal) => nonlocal.names.iter().for_each(|name| self.name(name)),
            _ => {}
        }
        if matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
            self.within(|search| walk_stmt(search, statement));
        } else {
            walk_stmt(self, statement);
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(attribute)
                if names::dotted(&attribute.value).as_deref() == Some(self.root) =>
            {
                self.take(attribute);
            }
            _ if names::dotted(expression).as_deref() == Some(self.root)
                && !is_stored(expression)
                && self.strings == 0 =>
            {
                self.handed_on.push(expression.range());
            }
            Expr::Name(name) => self.name(&name.id),
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_) => self.within(|search| walk_expr(search, expression)),
            // It keeps the text of what stands in it.
            Expr::TString(_) => {
                let before = self.cuts.len();
                self.strings += 1;
                walk_expr(self, expression);
                self.strings -= 1;
                self.is_used_otherwise |= self.cuts.len() > before;
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_interpolated_string_element(&mut self, element: &'a InterpolatedStringElement) {
        let before = self.cuts.len();
        // What is put in might end the string.
        self.strings += 1;
        walk_interpolated_string_element(self, element);
        self.strings -= 1;
        // `f"{bank.X=}"` shows the text of what stands in it.
        self.is_used_otherwise |= self.cuts.len() > before
            && matches!(element, InterpolatedStringElement::Interpolation(it) if it.debug_text.is_some());
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.name(&parameter.name);
        walk_parameter(self, parameter);
    }

    fn visit_type_param(&mut self, parameter: &'a TypeParam) {
        self.name(parameter.name());
        walk_type_param(self, parameter);
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(clause) = handler;
        if let Some(name) = &clause.name {
            self.name(name);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        // `case bank.RED` compares, `case RED` binds.
        self.is_used_otherwise |= matches!(pattern, Pattern::MatchValue(it)
            if names::dotted(&it.value).is_some_and(|path| path.rsplit_once('.')
                .is_some_and(|(before, _)| before == self.root)));
        let name = match pattern {
            Pattern::MatchStar(star) => star.name.as_ref(),
            Pattern::MatchAs(capture) => capture.name.as_ref(),
            Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.name(name);
        }
        walk_pattern(self, pattern);
    }
}

/// Whether a text is a name, the same by itself as in a string: what is not ASCII is normalised by Python.
fn is_name(text: &str) -> bool {
    let is_it = |parsed: &ast::ModModule| {
        matches!(&*parsed.body, [Stmt::Expr(expression)]
            if matches!(&*expression.value, Expr::Name(name) if name.id.as_str() == text))
    };
    text.is_ascii() && parse_module(text).is_ok_and(|parsed| is_it(parsed.syntax()))
}

fn is_stored(expression: &Expr) -> bool {
    let context = match expression {
        Expr::Name(name) => name.ctx,
        Expr::Attribute(attribute) => attribute.ctx,
        _ => return true,
    };
    context != ExprContext::Load
}
