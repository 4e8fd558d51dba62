//! What of a text stands around a place and may end an exception that comes out of it.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, Stmt};
use ruff_python_parser::parse_module;
use ruff_source_file::{LineIndex, OneIndexed};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::outline::{PARSER_STACK, SyntaxError};

/// The `try` and `with` statements of a text, by the places that they guard.
#[derive(Clone, Debug)]
pub struct Guards {
    index: LineIndex,
    /// The outer ones first.
    guarded: Vec<(TextRange, Guard)>,
    /// The bodies of functions and classes: what stands around one is not around its code when that is called.
    scopes: Vec<TextRange>,
}

/// What may end an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The `except` clauses of a `try`, in order.
    Try {
        /// The clauses.
        clauses: Vec<Clause>,
        /// Whether they are `except*`, which take a group apart.
        is_star: bool,
    },
    /// One context manager of a `with`.
    With {
        /// The expression.
        context: String,
        /// What is called there, and with which arguments, if it is a call with positional arguments only.
        call: Option<(String, Vec<String>)>,
    },
    /// A `finally` that may be left by `return`, `break` or `continue`: whatever was raised is gone then.
    Finally,
}

/// One `except` clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The expression of what it catches; None: everything.
    pub types: Option<String>,
    /// Whatever happens in it, it ends by raising again what it has caught.
    pub passes_on: bool,
}

impl Guards {
    /// Find those of a text.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        // Recursion follows the tree's depth, and a tree may be deeper than the stack of the thread that we are on.
        stacker::grow(PARSER_STACK, || Self::parse_here(text))
    }

    fn parse_here(text: &str) -> Result<Self, SyntaxError> {
        let index = LineIndex::from_source_text(text);
        let parsed = parse_module(text).map_err(|error| SyntaxError {
            message: error.error.to_string(),
            line: u32::try_from(index.line_index(error.location.start()).get()).unwrap_or(u32::MAX),
        })?;
        let mut finder = Finder {
            text,
            guarded: Vec::new(),
            scopes: Vec::new(),
        };
        finder.visit_body(parsed.suite());
        let (guarded, scopes) = (finder.guarded, finder.scopes);
        Ok(Self {
            index,
            guarded,
            scopes,
        })
    }

    /// Those around a place, the innermost first, as far as the function or class reaches whose code stands there. The
    /// line is counted from 1; the column in bytes from 0, as code objects do.
    #[must_use]
    pub fn around(&self, line: u32, column: u32) -> Vec<&Guard> {
        let line = OneIndexed::new(line as usize).unwrap_or(OneIndexed::MIN);
        if line.to_zero_indexed() >= self.index.line_count() {
            return Vec::new();
        }
        let start = self.index.line_starts()[line.to_zero_indexed()];
        let place = start + TextSize::from(column);
        let scopes = self.scopes.iter().filter(|scope| scope.contains(place));
        // They are nested: the last to begin is the innermost.
        let scope = scopes.map(|scope| scope.start()).max().unwrap_or_default();
        let around = self.guarded.iter().rev();
        let around = around.filter(|(range, _)| range.contains(place) && range.start() >= scope);
        around.map(|(_, guard)| guard).collect()
    }
}

struct Finder<'a> {
    text: &'a str,
    guarded: Vec<(TextRange, Guard)>,
    scopes: Vec<TextRange>,
}

impl Finder<'_> {
    fn text(&self, node: &impl Ranged) -> String {
        self.text[node.range()].to_owned()
    }

    fn find_in_try(&mut self, statement: &ast::StmtTry) {
        let to = |body: &[Stmt]| body.last().map(Ranged::end);
        let Some(body) = span(&statement.body) else {
            return;
        };
        if statement.finalbody.iter().any(|one| leaves(one, false)) {
            let handlers = statement.handlers.last().map(Ranged::end);
            let end = to(&statement.orelse).or(handlers).unwrap_or(body.end());
            let range = TextRange::new(body.start(), end);
            self.guarded.push((range, Guard::Finally));
        }
        if statement.handlers.is_empty() {
            return;
        }
        let clauses = statement.handlers.iter().map(|handler| {
            let ExceptHandler::ExceptHandler(handler) = handler;
            Clause {
                types: handler.type_.as_ref().map(|types| self.text(&**types)),
                passes_on: passes_on(handler),
            }
        });
        let guard = Guard::Try {
            clauses: clauses.collect(),
            is_star: statement.is_star,
        };
        self.guarded.push((body, guard));
    }

    fn find_in_with(&mut self, statement: &ast::StmtWith) {
        for item in &statement.items {
            let context = &item.context_expr;
            let call = match context {
                Expr::Call(call) if call.arguments.keywords.is_empty() => {
                    let arguments = call.arguments.args.iter();
                    let arguments = arguments.map(|argument| self.text(argument)).collect();
                    Some((self.text(&*call.func), arguments))
                }
                _ => None,
            };
            let guard = Guard::With {
                context: self.text(context),
                call,
            };
            // It guards the items behind it, too.
            let range = TextRange::new(item.end(), statement.end());
            self.guarded.push((range, guard));
        }
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.scopes.extend(span(&function.body)),
            Stmt::ClassDef(class) => self.scopes.extend(span(&class.body)),
            Stmt::Try(statement) => self.find_in_try(statement),
            Stmt::With(statement) => self.find_in_with(statement),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    // No statement is in an expression.
    fn visit_expr(&mut self, _: &'a Expr) {}
}

fn span(body: &[Stmt]) -> Option<TextRange> {
    Some(TextRange::new(body.first()?.start(), body.last()?.end()))
}

/// Whether a clause always raises again what it has caught, unless something in it raises.
fn passes_on(handler: &ast::ExceptHandlerExceptHandler) -> bool {
    let Some((Stmt::Raise(last), before)) = handler.body.split_last() else {
        return false;
    };
    let is_caught = |raised: &Expr| {
        let caught = handler.name.as_ref();
        matches!(raised, Expr::Name(name) if caught.is_some_and(|caught| caught.id == name.id))
    };
    let raises_it = last.cause.is_none() && last.exc.as_deref().is_none_or(is_caught);
    raises_it && !before.iter().any(|statement| leaves(statement, false))
}

/// Whether a statement may leave what it stands in by `return`, or unless it is `in_loop`, by `break` or `continue`.
fn leaves(statement: &Stmt, in_loop: bool) -> bool {
    struct Leaves {
        in_loop: bool,
        found: bool,
    }
    impl<'a> Visitor<'a> for Leaves {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                Stmt::Return(_) => self.found = true,
                Stmt::Break(_) | Stmt::Continue(_) => self.found |= !self.in_loop,
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                Stmt::For(ast::StmtFor { body, orelse, .. })
                | Stmt::While(ast::StmtWhile { body, orelse, .. }) => {
                    self.found |= body.iter().any(|one| leaves(one, true));
                    self.found |= orelse.iter().any(|one| leaves(one, self.in_loop));
                }
                _ => walk_stmt(self, statement),
            }
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut leaving = Leaves {
        in_loop,
        found: false,
    };
    leaving.visit_stmt(statement);
    leaving.found
}
