//! The outline of a source text: its units, and what each binds, reads and hashes to.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use ruff_python_ast::helpers::any_over_expr;
use ruff_python_ast::statement_visitor::{StatementVisitor, walk_stmt};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_python_parser::parse_module;
use ruff_source_file::LineIndex;
use ruff_text_size::{Ranged, TextRange, TextSize};
use serde::{Deserialize, Serialize};

use crate::diff::diff;
use crate::hash::{self, TreeHash};
use crate::layout::Layout;
use crate::names::{self, Reads};

/// Room for the deepest tree that CPython compiles; mapped lazily, so its size costs nothing until it is used.
pub(crate) const PARSER_STACK: usize = 512 << 20;

/// An inclusive range of lines, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lines {
    /// The first line; a decorated definition's is its first decorator's, as in `co_firstlineno`.
    pub first: u32,
    /// The last line.
    pub last: u32,
}

impl Lines {
    /// Whether `line` is one of these.
    #[must_use]
    pub fn contains(self, line: u32) -> bool {
        (self.first..=self.last).contains(&line)
    }

    fn shifted(self, by: i64) -> Self {
        let shifted = |line: u32| u32::try_from(i64::from(line) + by).unwrap_or(1);
        Self {
            first: shifted(self.first),
            last: shifted(self.last),
        }
    }
}

/// What sort of statement a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    /// The docstring of the module or class.
    Docstring,
    /// `def` or `async def`.
    Function,
    /// `class`.
    Class,
    /// `import` or `from … import`.
    Import,
    /// `if __name__ == "__main__":`, which an update never executes.
    MainGuard,
    /// A statement without effect: `pass`, a constant.
    Inert,
    /// Any other statement.
    Statement,
}

/// One top-level statement, or one statement of a class body.
///
/// Statements that share a physical line are one unit, so that units never share a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Which unit it is across versions of the text; 0 until [`Outline::inherit`] has said it.
    pub id: u64,
    /// Where it stands.
    pub lines: Lines,
    /// Set for a function.
    pub function: Option<FunctionParts>,
    /// Set for a class.
    pub class: Option<ClassParts>,
    /// What it says, shared by all versions of the text that say it.
    statement: Arc<Statement>,
}

/// What a unit says, wherever it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What sort of statement it is.
    pub kind: UnitKind,
    /// Names that it binds or deletes in its scope, in order of appearance.
    pub binds: Vec<String>,
    /// Paths that it stores into (`X` for `X[k] = v`, `X.a` for `X.a = v`).
    pub touches: BTreeSet<String>,
    /// Names that it annotates.
    pub annotates: Vec<String>,
    /// Names of those that it may leave as they were: in a loop, in one branch of two, by `del`.
    pub maybe: BTreeSet<String>,
    /// Whether it deletes what it binds.
    pub is_deletion: bool,
    /// Whether it only gives a value another name (`a = b.c`).
    pub is_alias: bool,
    /// Those of its names that it binds to functions that it defines.
    pub defines: BTreeSet<String>,
    /// Whether a function in it defines a class: CPython 3.13+ keeps the class's line as a constant of the code.
    pub defines_local_class: bool,
    /// Hash of its text, layout and comments included.
    pub text: TreeHash,
    /// Hash of its syntax tree.
    pub whole: TreeHash,
    /// Hash of what executing it evaluates; see [`Unit::differs_only_in_deferred`].
    pub evaluated: TreeHash,
    /// What it reads.
    pub reads: Reads,
    /// What it imports, at whatever depth outside functions.
    pub imports: Vec<ImportedName>,
}

impl Deref for Unit {
    type Target = Statement;

    fn deref(&self) -> &Statement {
        &self.statement
    }
}

impl Unit {
    /// Have it differ from its text as `other` does.
    pub fn take_hashes_of(&mut self, other: &Self) {
        let statement = Arc::make_mut(&mut self.statement);
        (statement.text, statement.whole) = (other.text, other.whole);
        statement.evaluated = other.evaluated;
    }

    /// Take over the identity of an earlier version, and its body's.
    pub fn continue_as(&mut self, old: &Unit) {
        self.id = old.id;
        if let (Some(class), Some(before)) = (&mut self.class, &old.class) {
            let pairing = diff(&before.body, &class.body);
            for (unit, partner) in class.body.iter_mut().zip(pairing.old_of_new) {
                if let Some(partner) = partner {
                    unit.continue_as(&before.body[partner]);
                }
            }
        }
    }

    /// Stand so many lines further down.
    pub fn shift(&mut self, by: i64) {
        self.relocate(|lines| lines.shifted(by));
    }

    /// Stand on other lines.
    pub(crate) fn relocate(&mut self, place: impl Fn(Lines) -> Lines + Copy) {
        self.lines = place(self.lines);
        if let Some(parts) = &mut self.function {
            parts.decorator_lines = parts.decorator_lines.map(place);
        }
        if let Some(class) = &mut self.class {
            class.header_lines = place(class.header_lines);
            for member in &mut class.body {
                member.relocate(place);
            }
        }
    }

    /// Whether it stores into the object that a name is bound to.
    #[must_use]
    pub fn touches(&self, name: &str) -> bool {
        self.touches
            .iter()
            .any(|path| path.split('.').next() == Some(name))
    }

    /// Whether it binds a name.
    #[must_use]
    pub fn binds(&self, name: &str) -> bool {
        self.binds.iter().any(|bound| bound == name)
    }

    /// Whether the two differ, if at all, in code that runs only when it is called.
    #[must_use]
    pub fn differs_only_in_deferred(&self, other: &Unit) -> bool {
        self.kind == other.kind && self.evaluated == other.evaluated
    }
}

/// The parts of a function definition that an edit can change separately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionParts {
    /// Hash of the decorators.
    pub decorators: TreeHash,
    /// Lines of the decorators, if there are any.
    pub decorator_lines: Option<Lines>,
    /// Hash of defaults and annotations.
    pub signature: TreeHash,
    /// Hash of the body without the bodies of functions defined in it.
    pub own_body: TreeHash,
}

/// The parts of a class definition that an edit can change separately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassParts {
    /// Hash of decorators, type parameters, bases and keywords.
    pub header: TreeHash,
    /// Decorators and header, up to the line before the body; with the body when they share a line.
    pub header_lines: Lines,
    /// Whether it has decorators or keywords, which may have replaced or extended what the body says.
    pub is_decorated: bool,
    /// Paths of the bases, where they are names.
    pub bases: Vec<String>,
    /// What the header reads.
    pub reads: Reads,
    /// The attributes that its methods store on `self`.
    pub static_attributes: BTreeSet<String>,
    /// The statements of the body.
    pub body: Vec<Unit>,
}

/// A name that an import statement binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedName {
    /// The name that is bound; `*` for a star import.
    pub alias: String,
    /// The module as written, without its leading dots.
    pub module: String,
    /// How many leading dots it has.
    pub level: u32,
    /// The name taken from the module; None for `import module`.
    pub name: Option<String>,
}

/// The units of one source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The text, with `\n` line ends.
    pub text: Arc<str>,
    /// The top-level units, in order. Their lines are those at which they are shown; see [`Outline::laid_out`].
    pub units: Vec<Unit>,
    /// Features named in `from __future__ import`.
    pub future: BTreeSet<String>,
    /// Names imported at the module's scope, wherever: they decide how CPython compiles calls.
    pub imported: BTreeSet<String>,
    pub(crate) layout: Option<Arc<Layout>>,
    line_starts: Vec<u32>,
}

/// Where statements stand, as far as it decides what they mean.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// Nothing is above them in their module or class.
    pub(crate) is_beginning: bool,
    /// A future import keeps the module's annotations as text.
    pub(crate) keeps_annotations: bool,
}

impl Part {
    fn whole(body: &[Stmt]) -> Self {
        let is_kept = |import: ImportedName| {
            import.module == "__future__" && import.name.as_deref() == Some("annotations")
        };
        Self {
            is_beginning: true,
            keeps_annotations: body.iter().flat_map(imports).any(is_kept),
        }
    }
}

/// The text is not Python, or not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, in words.
    pub message: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl Outline {
    /// Outline a source text, or say what is wrong with it.
    pub fn parse(text: Arc<str>) -> Result<Self, SyntaxError> {
        if u32::try_from(text.len()).is_err() {
            return Err(SyntaxError {
                message: "the file is larger than 4 GiB".to_owned(),
                line: 1,
            });
        }
        Self::parse_part(text, None)
    }

    /// Outline statements of a text `around` them, or all of a text.
    pub(crate) fn parse_part(text: Arc<str>, around: Option<Part>) -> Result<Self, SyntaxError> {
        // Recursion follows the tree's depth, and a tree may be deeper than the stack of the thread that we are on.
        stacker::grow(PARSER_STACK, || Self::parse_here(text, around))
    }

    fn parse_here(text: Arc<str>, around: Option<Part>) -> Result<Self, SyntaxError> {
        let index = LineIndex::from_source_text(&text);
        let module = match parse_module(&text) {
            Ok(parsed) => parsed.into_syntax(),
            Err(error) => {
                let line = index.line_index(error.location.start()).get();
                return Err(SyntaxError {
                    message: error.error.to_string(),
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                });
            }
        };
        let mut outline = Self::without_units(text, &index);
        let part = around.unwrap_or_else(|| Part::whole(&module.body));
        outline.units = outline.scope(&module.body, false, part);
        outline.note_imports();
        Ok(outline)
    }

    pub(crate) fn without_units(text: Arc<str>, index: &LineIndex) -> Self {
        let line_starts = index.line_starts().iter().map(|start| start.to_u32());
        Self {
            text,
            units: Vec::new(),
            future: BTreeSet::new(),
            imported: BTreeSet::new(),
            layout: None,
            line_starts: line_starts.collect(),
        }
    }

    pub(crate) fn note_imports(&mut self) {
        for import in self.units.iter().flat_map(|unit| &unit.imports) {
            if import.module == "__future__" {
                self.future.extend(import.name.clone());
            } else if import.alias != "*" {
                self.imported.insert(import.alias.clone());
            }
        }
    }

    /// Whether a future import keeps annotations as text: then they are evaluated only by who asks for it.
    #[must_use]
    pub fn keeps_annotations(&self) -> bool {
        self.future.contains("annotations")
    }

    /// How many lines the text has.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.line_starts.len()).unwrap_or(u32::MAX)
    }

    /// The text that is shown at some lines, with their line ends.
    #[must_use]
    pub fn lines(&self, lines: Lines) -> &str {
        self.own_lines(self.own(lines))
    }

    /// The text of some lines, with their line ends.
    pub(crate) fn own_lines(&self, lines: Lines) -> &str {
        &self.text[self.end_of_line(lines.first.saturating_sub(1))..self.end_of_line(lines.last)]
    }

    /// Where in the text a line ends, with its line end.
    pub(crate) fn end_of_line(&self, line: u32) -> usize {
        let next = self.line_starts.get(line as usize);
        next.map_or(self.text.len(), |&start| start as usize)
    }

    /// Give each unit the identity of its partner in `old`, and a new one, counted on from `last_id`, where it has none.
    pub fn inherit(&mut self, old: Option<&Outline>, last_id: &mut u64) {
        inherit(&mut self.units, old.map_or(&[], |old| &old.units), last_id);
    }

    /// Make the unit on a line equal to no other, or leave it out: what is live there is not what this text says.
    pub fn doubt(&mut self, line: u32, is_missing: bool) {
        doubt(&mut self.units, line, is_missing);
    }

    fn lines_of(&self, range: TextRange) -> Lines {
        let line_at = |offset: TextSize| {
            let line = self
                .line_starts
                .partition_point(|&start| start <= offset.to_u32());
            u32::try_from(line).unwrap_or(u32::MAX)
        };
        Lines {
            first: line_at(range.start()),
            last: line_at(range.end()),
        }
    }

    fn scope(&self, body: &[Stmt], in_class: bool, part: Part) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::with_capacity(body.len());
        for (position, statement) in body.iter().enumerate() {
            let is_beginning = part.is_beginning && position == 0;
            let part = Part {
                is_beginning,
                ..part
            };
            let unit = self.unit(statement, in_class, part);
            match units.last_mut() {
                Some(previous)
                    if previous.lines.last >= unit.lines.first
                        || self.is_continued(body, position) =>
                {
                    join(previous, unit);
                    let text = TreeHash::of(&self.lines(previous.lines));
                    Arc::make_mut(&mut previous.statement).text = text;
                }
                _ => units.push(unit),
            }
        }
        units
    }

    /// Whether backslashes join a statement's line to that of the statement before it (`a = 1; \`).
    fn is_continued(&self, body: &[Stmt], position: usize) -> bool {
        let end = body[position - 1].range().end().to_usize();
        let start = body[position].range().start().to_usize();
        self.text.get(end..start).is_some_and(|between| {
            let lines = between.split_inclusive('\n');
            let mut ended = lines.filter(|line| line.ends_with('\n'));
            ended.all(|line| line.ends_with("\\\n") && !line.contains('#'))
        })
    }

    fn unit(&self, statement: &Stmt, in_class: bool, part: Part) -> Unit {
        let lines = self.lines_of(statement.range());
        let names = names::walk(statement, in_class, part.keeps_annotations);
        let maybe = names::maybe_bound(statement, &names.binds);
        let (mut function, mut class) = (None, None);
        let evaluated = match statement {
            Stmt::FunctionDef(definition) => {
                let parts = function.insert(self.function_parts(definition));
                TreeHash::of(&(definition.name.as_str(), parts.decorators, parts.signature))
            }
            Stmt::ClassDef(definition) => {
                let parts = class.insert(self.class_parts(definition, part));
                let body: Vec<_> = parts.body.iter().map(|unit| unit.evaluated).collect();
                TreeHash::of(&(definition.name.as_str(), parts.header, body))
            }
            _ => hash::evaluated(statement),
        };
        let statement = Statement {
            kind: kind(statement, part.is_beginning),
            binds: names.binds,
            touches: names.touches,
            annotates: names.annotates,
            maybe,
            is_deletion: statement.is_delete_stmt(),
            is_alias: is_alias(statement),
            defines: names.defines,
            defines_local_class: defines_local_class(statement),
            text: TreeHash::of(&self.lines(lines)),
            whole: hash::whole(statement),
            evaluated,
            reads: names.reads,
            imports: imports(statement),
        };
        Unit {
            id: 0,
            lines,
            function,
            class,
            statement: Arc::new(statement),
        }
    }

    fn function_parts(&self, function: &ast::StmtFunctionDef) -> FunctionParts {
        let decorator_lines = function
            .decorator_list
            .first()
            .zip(function.decorator_list.last())
            .map(|(first, last)| self.lines_of(first.range().cover(last.range())));
        FunctionParts {
            decorators: hash::decorators(&function.decorator_list),
            decorator_lines,
            signature: hash::signature(function),
            own_body: hash::own_body(function),
        }
    }

    fn class_parts(&self, class: &ast::StmtClassDef, around: Part) -> ClassParts {
        let lines = self.lines_of(class.range);
        let part = Part {
            is_beginning: true,
            ..around
        };
        let body = self.scope(&class.body, true, part);
        let body_first = body.first().map_or(lines.last, |unit| unit.lines.first);
        let name_line = self.lines_of(class.name.range()).first;
        let arguments = class.arguments.as_deref();
        let bases = arguments.map_or(&[][..], |arguments| &arguments.args);
        ClassParts {
            header: hash::class_header(class),
            header_lines: Lines {
                first: lines.first,
                last: body_first.saturating_sub(1).max(name_line),
            },
            is_decorated: !class.decorator_list.is_empty()
                || arguments.is_some_and(|arguments| !arguments.keywords.is_empty()),
            reads: names::walk_class_header(class),
            static_attributes: names::static_attributes(&class.body),
            bases: bases.iter().filter_map(names::dotted).collect(),
            body,
        }
    }
}

fn inherit(new: &mut [Unit], old: &[Unit], last_id: &mut u64) {
    let pairing = diff(old, new);
    for (unit, partner) in new.iter_mut().zip(pairing.old_of_new) {
        let partner = partner.map(|index| &old[index]);
        unit.id = partner.map_or_else(
            || {
                *last_id += 1;
                *last_id
            },
            |partner| partner.id,
        );
        if let Some(class) = &mut unit.class {
            let body = partner.and_then(|partner| partner.class.as_ref());
            inherit(
                &mut class.body,
                body.map_or(&[], |class| &class.body),
                last_id,
            );
        }
    }
}

fn doubt(units: &mut Vec<Unit>, line: u32, is_missing: bool) {
    let Some(index) = units.iter().position(|unit| unit.lines.contains(line)) else {
        return;
    };
    if is_missing {
        units.remove(index);
        return;
    }
    let unit = &mut units[index];
    let unknown = TreeHash::of(&"unknown");
    let statement = Arc::make_mut(&mut unit.statement);
    statement.text = unknown;
    statement.whole = unknown;
    match (&mut unit.class, &mut unit.function) {
        (Some(class), _) => doubt(&mut class.body, line, false),
        (None, Some(function)) => {
            // Its decorators are taken for unchanged: running them again would do more than is known to be needed.
            function.signature = unknown;
            function.own_body = unknown;
            statement.evaluated = unknown;
        }
        (None, None) => statement.evaluated = unknown,
    }
}

/// Make one unit of two statements that share a line.
fn join(unit: &mut Unit, next: Unit) {
    unit.lines.last = next.lines.last;
    unit.function = None;
    unit.class = None;
    let next = Arc::unwrap_or_clone(next.statement);
    let unit = Arc::make_mut(&mut unit.statement);
    unit.kind = if unit.kind == UnitKind::Inert && next.kind == UnitKind::Inert {
        UnitKind::Inert
    } else {
        UnitKind::Statement
    };
    unit.whole = TreeHash::of(&(unit.whole, next.whole));
    unit.evaluated = TreeHash::of(&(unit.evaluated, next.evaluated));
    unit.maybe.extend(next.maybe);
    unit.defines.extend(next.defines);
    unit.defines_local_class |= next.defines_local_class;
    unit.is_alias &= next.is_alias;
    unit.is_deletion &= next.is_deletion;
    unit.binds.extend(next.binds);
    unit.touches.extend(next.touches);
    unit.annotates.extend(next.annotates);
    unit.imports.extend(next.imports);
    unit.reads.extend(next.reads);
}

fn kind(statement: &Stmt, is_first: bool) -> UnitKind {
    match statement {
        Stmt::FunctionDef(_) => UnitKind::Function,
        Stmt::ClassDef(_) => UnitKind::Class,
        Stmt::Import(_) | Stmt::ImportFrom(_) => UnitKind::Import,
        Stmt::Expr(expression) if is_first && expression.value.is_string_literal_expr() => {
            UnitKind::Docstring
        }
        Stmt::Expr(expression) if expression.value.is_literal_expr() => UnitKind::Inert,
        Stmt::Pass(_) => UnitKind::Inert,
        Stmt::If(branch) if is_main_guard(branch) => UnitKind::MainGuard,
        _ => UnitKind::Statement,
    }
}

/// Whether a branch is for a module that is run itself, and asking does nothing before that is known.
fn is_main_guard(branch: &ast::StmtIf) -> bool {
    branch.elif_else_clauses.is_empty() && asks_for_main(&branch.test)
}

fn asks_for_main(test: &Expr) -> bool {
    let is_name = |side: &Expr| matches!(side, Expr::Name(name) if name.id.as_str() == "__name__");
    let is_main =
        |side: &Expr| matches!(side, Expr::StringLiteral(text) if text.value == *"__main__");
    match test {
        Expr::BoolOp(both) if both.op == ast::BoolOp::And => {
            let asks = both.values.iter().position(asks_for_main);
            let acts = |before: &Expr| {
                any_over_expr(before, &|inner: &Expr| {
                    matches!(inner, Expr::Call(_) | Expr::Named(_) | Expr::Await(_))
                })
            };
            asks.is_some_and(|asks| !both.values[..asks].iter().any(acts))
        }
        Expr::Compare(compare) => match (&*compare.ops, &*compare.comparators) {
            ([ast::CmpOp::Eq], [right]) => {
                let left = &*compare.left;
                is_name(left) && is_main(right) || is_main(left) && is_name(right)
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_alias(statement: &Stmt) -> bool {
    let Stmt::Assign(assign) = statement else {
        return false;
    };
    assign.targets.iter().all(Expr::is_name_expr) && names::dotted(&assign.value).is_some()
}

fn defines_local_class(statement: &Stmt) -> bool {
    let mut search = LocalClassSearch::default();
    search.visit_stmt(statement);
    search.is_found
}

#[derive(Default)]
struct LocalClassSearch {
    functions: u32,
    is_found: bool,
}

impl<'a> StatementVisitor<'a> for LocalClassSearch {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        self.is_found |= self.functions > 0 && statement.is_class_def_stmt();
        let functions = u32::from(statement.is_function_def_stmt());
        self.functions += functions;
        walk_stmt(self, statement);
        self.functions -= functions;
    }
}

pub(crate) fn imports(statement: &Stmt) -> Vec<ImportedName> {
    let mut found = ImportWalk::default();
    found.visit_stmt(statement);
    found.0
}

/// Collects imports outside functions and classes: those that bind names of the module's scope.
#[derive(Default)]
struct ImportWalk(Vec<ImportedName>);

impl<'a> StatementVisitor<'a> for ImportWalk {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Import(import) => self.0.extend(import.names.iter().map(|name| {
                let module = name.name.to_string();
                let alias = name.asname.as_ref().map_or_else(
                    || module.split('.').next().unwrap_or(&module).to_owned(),
                    ToString::to_string,
                );
                let module = if name.asname.is_some() {
                    module
                } else {
                    alias.clone()
                };
                ImportedName {
                    alias,
                    module,
                    level: 0,
                    name: None,
                }
            })),
            Stmt::ImportFrom(import) => self.0.extend(import.names.iter().map(|name| {
                ImportedName {
                    alias: name.asname.as_ref().unwrap_or(&name.name).to_string(),
                    module: import
                        .module
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                    level: import.level,
                    name: Some(name.name.to_string()),
                }
            })),
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            _ => walk_stmt(self, statement),
        }
    }
}
