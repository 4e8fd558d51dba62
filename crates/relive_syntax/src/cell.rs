//! What is typed at a prompt: each statement of a cell, what it does, and the state that it changes through a path.

use std::collections::BTreeSet;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{self as ast, Expr, ExprContext, Stmt};
use ruff_python_parser::parse_module;
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextRange};

use crate::mutators::mutates;
use crate::names::{self, Moment};
use crate::outline::{ImportedName, Lines, PARSER_STACK, SyntaxError, imports};

/// One top-level statement of a cell; several may share a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellStatement {
    /// Where in the cell it stands.
    pub lines: Lines,
    /// In which column of its first line it begins: in bytes, counted from 0, as Python's tracebacks do.
    pub column: u32,
    /// Its text as typed, with the comment behind it, without a line end.
    pub text: String,
    /// What it is.
    pub kind: CellKind,
    /// Names that it binds or deletes at the prompt, in order of appearance.
    pub binds: Vec<String>,
    /// The names that it binds by importing them.
    pub imports: Vec<ImportedName>,
    /// Whether it deletes what it binds.
    pub is_deletion: bool,
    /// What executing it anew may do.
    pub effect: CellEffect,
    /// The state that it changes through a path, in order of appearance.
    pub changes: Vec<Changed>,
    /// The names that it reads at some time, those of the interpreter included, without the root of `changes`. Where
    /// these have several roots, those too: a module that one of them is need not know the others.
    pub reads: BTreeSet<String>,
    /// The names that it reads when it is executed, those of the interpreter included.
    pub needs: BTreeSet<String>,
    /// A comment on one of its lines says `relive: nolog`.
    pub is_kept_out: bool,
}

/// What sort of statement stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// `def` or `async def`.
    Function {
        /// The name that it defines.
        name: String,
    },
    /// `class`.
    Class {
        /// The name that it defines.
        name: String,
    },
    /// `import` or `from … import`.
    Import,
    /// Any other statement, also one with definitions in it.
    Other,
}

/// What executing a statement anew may do; ordered by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellEffect {
    /// It looks at something: it binds, stores, deletes and calls nothing.
    Inspect,
    /// It defines, imports, assigns or deletes, and calls nothing. What may run behind operators, subscripts and
    /// attributes is not counted, nor what the decorators and the body of a definition call.
    Assign,
    /// It calls something, awaits, or enters a `with` block.
    Call,
}

/// State that a statement changes through a path that starts at a name: `root.a[k].b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The name that the path starts at.
    pub root: String,
    /// The way from there to what is stored or deleted, or to the object whose method is called.
    pub path: Vec<Step>,
    /// What is done there.
    pub how: How,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `.name`
    Attribute(String),
    /// `[…]`
    Subscript,
}

/// What is done at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// It is assigned, in whatever way.
    Store,
    /// It is deleted.
    Delete,
    /// The method of this name is called, which by its name changes the object.
    Mutate(String),
    /// `setattr`; the path ends with the attribute where its name stands in the text.
    SetAttr,
    /// `delattr`, likewise.
    DelAttr,
}

/// The top-level statements of a cell, in order, or what is wrong with it.
///
/// The text must have `\n` line ends and be Python: magics are not.
pub fn cell(text: &str) -> Result<Vec<CellStatement>, SyntaxError> {
    // Recursion follows the tree's depth, and a tree may be deeper than the stack of the thread that we are on.
    stacker::grow(PARSER_STACK, || cell_here(text))
}

fn cell_here(text: &str) -> Result<Vec<CellStatement>, SyntaxError> {
    let index = LineIndex::from_source_text(text);
    let line_of = |offset| u32::try_from(index.line_index(offset).get()).unwrap_or(u32::MAX);
    let parsed = parse_module(text).map_err(|error| SyntaxError {
        message: error.error.to_string(),
        line: line_of(error.location.start()),
    })?;
    let comments = parsed.tokens().iter();
    let kept_out: Vec<u32> = comments
        .filter(|token| token.kind() == TokenKind::Comment && says_nolog(&text[token.range()]))
        .map(|token| line_of(token.start()))
        .collect();
    let statements = parsed.syntax().body.iter().map(|statement| {
        let lines = Lines {
            first: line_of(statement.start()),
            last: line_of(statement.end()),
        };
        let names = names::walk(statement, false, false);
        let mut deeds = Deeds::default();
        deeds.visit_stmt(statement);
        let mut roots: BTreeSet<&str> = deeds.changes.iter().map(|it| it.root.as_str()).collect();
        if roots.len() > 1 {
            roots.clear();
        }
        let reads = names.reads.moments().into_iter().flat_map(heads);
        let reads = reads
            .filter(|name| !roots.contains(name))
            .map(ToOwned::to_owned)
            .collect();
        let roots = deeds.changes.iter().map(|changed| changed.root.clone());
        let needs = heads(&names.reads.now).map(ToOwned::to_owned);
        let needs = needs.chain(roots).collect();
        let kind = kind(statement);
        CellStatement {
            lines,
            column: column(text, statement.start().to_usize()),
            imports: imports(statement),
            text: typed(text, statement.range()).to_owned(),
            effect: effect(&kind, &deeds, &names.binds),
            binds: names.binds,
            is_deletion: statement.is_delete_stmt(),
            kind,
            reads,
            needs,
            changes: deeds.changes,
            is_kept_out: kept_out.iter().any(|&line| lines.contains(line)),
        }
    });
    Ok(statements.collect())
}

fn column(text: &str, start: usize) -> u32 {
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    u32::try_from(start - line).unwrap_or(u32::MAX)
}

/// The names that the paths begin with.
fn heads(moment: &Moment) -> impl Iterator<Item = &str> {
    let heads = moment.paths.keys().map(|path| head(path));
    heads.filter(|head| !head.is_empty() && !head.contains(':'))
}

fn head(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

fn says_nolog(comment: &str) -> bool {
    let words: Vec<&str> = comment.trim_start_matches('#').split_whitespace().collect();
    words.starts_with(&["relive:", "nolog"]) || words.starts_with(&["relive:nolog"])
}

/// The text of a statement and of the comment behind it, if there is nothing else on that line.
fn typed(text: &str, range: TextRange) -> &str {
    let start = range.start().to_usize();
    let end = range.end().to_usize();
    let rest = text[end..].split('\n').next().unwrap_or_default();
    let behind = rest.trim();
    if behind.starts_with('#') {
        text[start..end + rest.len()].trim_end()
    } else {
        &text[start..end]
    }
}

fn kind(statement: &Stmt) -> CellKind {
    match statement {
        Stmt::FunctionDef(function) => CellKind::Function {
            name: function.name.to_string(),
        },
        Stmt::ClassDef(class) => CellKind::Class {
            name: class.name.to_string(),
        },
        Stmt::Import(_) | Stmt::ImportFrom(_) => CellKind::Import,
        _ => CellKind::Other,
    }
}

fn effect(kind: &CellKind, deeds: &Deeds, binds: &[String]) -> CellEffect {
    if *kind != CellKind::Other {
        CellEffect::Assign
    } else if deeds.calls {
        CellEffect::Call
    } else if deeds.stores || !binds.is_empty() {
        CellEffect::Assign
    } else {
        CellEffect::Inspect
    }
}

/// What a statement does when it is executed, not when what it defines is called.
#[derive(Default)]
struct Deeds {
    calls: bool,
    stores: bool,
    changes: Vec<Changed>,
    /// Names of class bodies and comprehensions: what is changed through them is not told by a path of the prompt.
    hidden: Vec<BTreeSet<String>>,
}

impl Deeds {
    fn change(&mut self, path: Option<(String, Vec<Step>)>, how: How) {
        if let Some((root, path)) = path
            && !self.hidden.iter().any(|names| names.contains(&root))
        {
            self.changes.push(Changed { root, path, how });
        }
    }

    fn call(&mut self, call: &ast::ExprCall) {
        self.calls = true;
        match &*call.func {
            Expr::Name(name) => {
                let how = match name.id.as_str() {
                    "setattr" => How::SetAttr,
                    "delattr" => How::DelAttr,
                    _ => return,
                };
                let Some(object) = call.arguments.args.first() else {
                    return;
                };
                let attribute = call.arguments.args.get(1);
                let path = path(object).map(|(root, mut path)| {
                    if let Some(Expr::StringLiteral(name)) = attribute {
                        path.push(Step::Attribute(name.value.to_str().to_owned()));
                    }
                    (root, path)
                });
                self.change(path, how);
            }
            Expr::Attribute(method) if mutates(&method.attr) => {
                self.change(path(&method.value), How::Mutate(method.attr.to_string()));
            }
            _ => {}
        }
    }

    fn within(&mut self, hidden: BTreeSet<String>, visit: impl FnOnce(&mut Self)) {
        self.hidden.push(hidden);
        visit(self);
        self.hidden.pop();
    }

    fn comprehension(&mut self, generators: &[ast::Comprehension], results: &[&Expr]) {
        // The first iterable is evaluated in the scope around.
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        let targets = generators.iter().map(|generator| &generator.target);
        let own = targets.flat_map(bound_in).collect();
        self.within(own, |deeds| {
            for (index, generator) in generators.iter().enumerate() {
                deeds.calls |= generator.is_async;
                if index > 0 {
                    deeds.visit_expr(&generator.iter);
                }
                deeds.visit_expr(&generator.target);
                for condition in &generator.ifs {
                    deeds.visit_expr(condition);
                }
            }
            for result in results {
                deeds.visit_expr(result);
            }
        });
    }
}

impl<'a> Visitor<'a> for Deeds {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.stores = true;
                for decorator in &function.decorator_list {
                    self.calls = true;
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
            }
            Stmt::ClassDef(class) => {
                self.stores = true;
                self.calls |= !class.decorator_list.is_empty();
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let own = class
                    .body
                    .iter()
                    .flat_map(|member| names::walk(member, true, false).binds)
                    .collect();
                self.within(own, |deeds| deeds.visit_body(&class.body));
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => self.stores = true,
            // The value is evaluated when it is asked for.
            Stmt::TypeAlias(_) => self.stores = true,
            Stmt::AnnAssign(assign) => {
                // Without a value it annotates, and stores nothing.
                self.stores = true;
                self.visit_annotation(&assign.annotation);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                    self.visit_expr(&assign.target);
                }
            }
            Stmt::With(_) => {
                self.calls = true;
                walk_stmt(self, statement);
            }
            Stmt::For(each) => {
                self.calls |= each.is_async;
                walk_stmt(self, statement);
            }
            Stmt::Expr(expression) => {
                self.calls |= is_shift(&expression.value);
                walk_stmt(self, statement);
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
            }
            Expr::ListComp(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::SetComp(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::Generator(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::DictComp(it) => {
                let results: Vec<&Expr> =
                    it.key.as_deref().into_iter().chain([&*it.value]).collect();
                self.comprehension(&it.generators, &results);
            }
            Expr::Call(call) => {
                // Arguments come first, so that changes are in the order in which they are made.
                walk_expr(self, expression);
                self.call(call);
            }
            Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => {
                self.calls = true;
                walk_expr(self, expression);
            }
            Expr::Attribute(ast::ExprAttribute { ctx, .. })
            | Expr::Subscript(ast::ExprSubscript { ctx, .. }) => {
                let how = match ctx {
                    ExprContext::Store => Some(How::Store),
                    ExprContext::Del => Some(How::Delete),
                    ExprContext::Load | ExprContext::Invalid => None,
                };
                if let Some(how) = how {
                    self.stores = true;
                    self.change(path(expression), how);
                }
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// Whether an expression on its own is one that libraries have for its effect: `load >> transform`, `stream << text`.
fn is_shift(expression: &Expr) -> bool {
    let Expr::BinOp(operation) = expression else {
        return false;
    };
    matches!(operation.op, ast::Operator::LShift | ast::Operator::RShift)
        && !(operation.left.is_literal_expr() && operation.right.is_literal_expr())
}

/// The name that a path starts at and the way from there, if the expression is a path.
fn path(expression: &Expr) -> Option<(String, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut rest = expression;
    loop {
        rest = match rest {
            Expr::Name(name) => {
                steps.reverse();
                return Some((name.id.to_string(), steps));
            }
            Expr::Attribute(attribute) => {
                steps.push(Step::Attribute(attribute.attr.to_string()));
                &attribute.value
            }
            Expr::Subscript(subscript) => {
                steps.push(Step::Subscript);
                &subscript.value
            }
            _ => return None,
        }
    }
}

/// The names that a target binds.
fn bound_in(target: &Expr) -> Vec<String> {
    struct Bound(Vec<String>);
    impl<'a> Visitor<'a> for Bound {
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Name(name) if name.ctx == ExprContext::Store => {
                    self.0.push(name.id.to_string());
                }
                _ => walk_expr(self, expression),
            }
        }
    }
    let mut bound = Bound(Vec::new());
    bound.visit_expr(target);
    bound.0
}
