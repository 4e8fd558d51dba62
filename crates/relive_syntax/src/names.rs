//! What a statement binds and reads, and when: the static half of the dependency model.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::{
    Visitor, walk_arguments, walk_except_handler, walk_expr, walk_pattern, walk_stmt,
};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, ExprContext, Pattern, Stmt};
use serde::{Deserialize, Serialize};

/// How a statement uses a name that it reads; ordered by how much of it may be run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Use {
    /// Its value is taken: what depends on it is out of date once the name is bound to something else.
    #[default]
    Value,
    /// It decorates a definition: it was called, but not what it defines.
    Decorate,
    /// It makes a decorator (`@route("/")`): it was called and so was what it defines, but not what that defines.
    MakeDecorator,
    /// It is handed to a constructor, which may call it, but keeps what it holds (`App(ROUTES)`).
    Handed,
    /// It may be called, or is handed to a call: what depends on it is out of date once its behaviour changes, too.
    Call,
}

impl Use {
    /// Whether what is named was called, as far as the text tells.
    #[must_use]
    pub fn calls(self) -> bool {
        matches!(self, Self::Decorate | Self::MakeDecorator | Self::Call)
    }
}

/// What a statement reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// When it is executed.
    pub now: Moment,
    /// When code that it defines is called.
    pub later: Moment,
    /// When functions are called that this code defines.
    pub nested: Moment,
    /// When functions are called that those define, and so on.
    pub deeper: Moment,
}

impl Reads {
    /// Add what other statements read.
    pub fn extend(&mut self, other: Self) {
        self.now.extend(other.now);
        self.later.extend(other.later);
        self.nested.extend(other.nested);
        self.deeper.extend(other.deeper);
    }

    /// All that is read at some time.
    pub fn moments(&self) -> [&Moment; 4] {
        [&self.now, &self.later, &self.nested, &self.deeper]
    }

    /// What is left of it for the scope around `scope`, in which it was found.
    fn free_of(self, scope: &Scope) -> Self {
        Self {
            now: self.now.free_of(scope),
            later: self.later.free_of(scope),
            nested: self.nested.free_of(scope),
            deeper: self.deeper.free_of(scope),
        }
    }

    /// The same for the scope in which a function is defined that reads it.
    fn deferred(self) -> Self {
        let mut deeper = self.nested;
        deeper.extend(self.deeper);
        Self {
            now: Moment::default(),
            later: self.now,
            nested: self.later,
            deeper,
        }
    }
}

/// What some code does when it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What it reads: dotted paths such as `np.linalg.norm`. `.attr` is an attribute of a method's own object, and
    /// `package.module:name` what a function, or a class's body, has imported itself.
    pub paths: BTreeMap<String, Use>,
    /// Attributes that it looks up on what is no path (`make().area`), or on a local name.
    pub attributes: BTreeSet<String>,
    /// Paths of the scope around that it stores into, and names that it makes global.
    pub stores: BTreeSet<String>,
    /// Whether it calls what it has taken out of something (`TABLE[key]()`), or a local name.
    pub calls_unknown: bool,
    /// Whether it does anything for which Python calls a special method: operators, subscripts, loops, `len(x)`.
    pub operates: bool,
    /// Whether it makes objects, so that it makes other ones each time: displays of lists, calls.
    pub makes: bool,
    /// Whether it looks up names that the text does not show: `globals()`, `getattr(x, name)`.
    pub reflects: bool,
}

impl Moment {
    /// Add what other code does.
    pub fn extend(&mut self, other: Self) {
        for (path, how) in other.paths {
            self.read(path, how);
        }
        self.attributes.extend(other.attributes);
        self.stores.extend(other.stores);
        self.calls_unknown |= other.calls_unknown;
        self.operates |= other.operates;
        self.makes |= other.makes;
        self.reflects |= other.reflects;
    }

    fn read(&mut self, path: String, how: Use) {
        let entry = self.paths.entry(path).or_insert(how);
        *entry = (*entry).max(how);
    }

    /// What is left of it for the scope around `scope`, in which it was found.
    fn free_of(self, scope: &Scope) -> Self {
        let mut free = Self {
            attributes: self.attributes,
            calls_unknown: self.calls_unknown,
            operates: self.operates,
            makes: self.makes,
            reflects: self.reflects,
            ..Self::default()
        };
        for (path, how) in self.paths {
            let (head, rest) = path.split_once('.').unwrap_or((&path, ""));
            let is_own = scope.self_name.as_deref() == Some(head) && !rest.is_empty();
            if is_own {
                free.read(format!(".{rest}"), how);
            } else if let Some(imported) = scope.imported.get(head) {
                let join = if rest.is_empty() || imported.ends_with(':') {
                    ""
                } else {
                    "."
                };
                free.read(format!("{imported}{join}{rest}"), how);
            } else if head.is_empty() || scope.is_class || !scope.locals.contains(head) {
                free.read(path, how);
            } else if rest.is_empty() {
                free.calls_unknown |= how.calls() && !scope.defined.contains(head);
            } else {
                free.attributes
                    .extend(rest.split('.').map(ToOwned::to_owned));
            }
        }
        let is_free = |path: &String| {
            let head = path.split('.').next().unwrap_or(path);
            scope.is_class || !scope.locals.contains(head)
        };
        free.stores = self.stores.into_iter().filter(is_free).collect();
        free
    }
}

/// What [`walk`] finds in a statement.
#[derive(Default)]
pub(crate) struct Names {
    /// Names of the scope that the statement binds or deletes, in order of appearance.
    pub(crate) binds: Vec<String>,
    /// Paths that it stores into (`X` for `X[k] = v`, `X.a` for `X.a = v`).
    pub(crate) touches: BTreeSet<String>,
    /// Names that it annotates.
    pub(crate) annotates: Vec<String>,
    /// Names that it binds to functions that it defines.
    pub(crate) defines: BTreeSet<String>,
    pub(crate) reads: Reads,
}

/// Collect the names of one statement of a module's or class's scope; `keeps_annotations` as text, by a future import.
pub(crate) fn walk(statement: &Stmt, in_class: bool, keeps_annotations: bool) -> Names {
    let mut walker = Walker {
        scopes: vec![Scope {
            is_class: in_class,
            ..Scope::default()
        }],
        keeps_annotations,
        ..Walker::default()
    };
    walker.visit_stmt(statement);
    walker.finish()
}

/// Collect what the header of a class statement reads: decorators, bases and keywords.
pub(crate) fn walk_class_header(class: &ast::StmtClassDef) -> Reads {
    let mut walker = Walker::default();
    walker.class_header(class);
    walker.finish().reads
}

/// The names of its scope that a statement binds or deletes.
fn bound_by(statement: &Stmt) -> Vec<String> {
    walk(statement, false, true).binds
}

#[derive(Default)]
struct Scope {
    /// A function's or lambda's: what it reads is read later.
    is_deferred: bool,
    is_class: bool,
    is_comprehension: bool,
    self_name: Option<String>,
    locals: BTreeSet<String>,
    /// Locals that are functions and classes defined in it.
    defined: BTreeSet<String>,
    /// Locals that are imported: what a path that begins with them is a path of.
    imported: BTreeMap<String, String>,
    /// Names that a `global` statement makes those of the module.
    globals: BTreeSet<String>,
    reads: Reads,
}

#[derive(Default)]
struct Walker {
    names: Names,
    scopes: Vec<Scope>,
    /// How what is being visited is used.
    using: Use,
    keeps_annotations: bool,
}

impl Walker {
    fn finish(mut self) -> Names {
        self.names.reads = self.scopes.pop().unwrap_or_default().reads;
        self.names
    }

    fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    fn is_outermost(&self) -> bool {
        self.scopes.len() == 1
    }

    fn bind(&mut self, name: &str) {
        if self.is_outermost() {
            if !self.names.binds.iter().any(|bound| bound == name) {
                self.names.binds.push(name.to_owned());
            }
        } else if self.scope().globals.contains(name) {
            self.now().stores.insert(name.to_owned());
        } else {
            self.scope().locals.insert(name.to_owned());
        }
    }

    /// Bind a name to a function or class that is defined here.
    fn define(&mut self, name: &str) {
        self.bind(name);
        self.scope().defined.insert(name.to_owned());
    }

    /// Bind a name to what is imported from `source`.
    fn import(&mut self, name: &str, source: String) {
        self.bind(name);
        let scope = self.scope();
        if scope.is_deferred {
            scope.imported.insert(name.to_owned(), source);
        } else if scope.is_class && !source.ends_with(':') {
            scope.reads.now.read(source, Use::Value);
        }
    }

    fn now(&mut self) -> &mut Moment {
        &mut self.scope().reads.now
    }

    /// Bind what `:=` binds: not a name of the comprehensions in which it stands.
    fn bind_around_comprehensions(&mut self, name: &str) {
        let depth = self
            .scopes
            .iter()
            .rposition(|scope| !scope.is_comprehension)
            .unwrap_or(0);
        let inner = self.scopes.split_off(depth + 1);
        self.bind(name);
        self.scopes.extend(inner);
    }

    fn load(&mut self, path: String) {
        let how = self.using;
        let moment = self.now();
        moment.reflects |= matches!(
            path.as_str(),
            "globals" | "locals" | "vars" | "eval" | "exec"
        ) || path.ends_with(".__dict__");
        moment.read(path, how);
    }

    fn decorators(&mut self, decorators: &[ast::Decorator]) {
        for decorator in decorators {
            match &decorator.expression {
                Expr::Call(call) if dotted(&call.func).is_some() => {
                    self.call(call, Use::MakeDecorator);
                }
                expression => match dotted(expression) {
                    Some(path) => self.now().read(path, Use::Decorate),
                    None => self.calling(|walker| walker.visit_expr(expression)),
                },
            }
        }
    }

    /// Run `visit` in a scope of its own and hand what stays free in it to the scope around it.
    fn within(&mut self, scope: Scope, visit: impl FnOnce(&mut Self)) {
        let using = std::mem::replace(&mut self.using, Use::Value);
        if !scope.is_deferred {
            self.using = using;
        }
        self.scopes.push(scope);
        visit(self);
        self.using = using;
        let Some(mut inner) = self.scopes.pop() else {
            return;
        };
        let reads = std::mem::take(&mut inner.reads).free_of(&inner);
        let seen = if inner.is_deferred {
            reads.deferred()
        } else {
            reads
        };
        self.scope().reads.extend(seen);
    }

    fn used(&mut self, how: Use, visit: impl FnOnce(&mut Self)) {
        let before = self.using;
        self.using = before.max(how);
        visit(self);
        self.using = before;
    }

    fn calling(&mut self, visit: impl FnOnce(&mut Self)) {
        self.used(Use::Call, visit);
    }

    fn operate(&mut self) {
        self.now().operates = true;
    }

    fn call(&mut self, call: &ast::ExprCall, callee: Use) {
        let name = match &*call.func {
            Expr::Name(name) => name.id.as_str(),
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            _ => {
                self.now().calls_unknown = true;
                ""
            }
        };
        let is_constructor = name.starts_with(char::is_uppercase);
        self.now().operates |= !call.arguments.is_empty() && !is_constructor;
        self.looked_up_by_name(name, &call.arguments);
        self.used(callee, |walker| walker.visit_expr(&call.func));
        let how = if only_stores(&call.func) || only_inspects(&call.func) {
            Use::Value
        } else if is_constructor {
            Use::Handed
        } else {
            Use::Call
        };
        self.used(how, |walker| walk_arguments(walker, &call.arguments));
    }

    /// Note the attribute that `getattr(x, "name")` looks up.
    fn looked_up_by_name(&mut self, callee: &str, arguments: &ast::Arguments) {
        let index = match callee {
            "getattr" | "hasattr" => 1,
            "attrgetter" | "methodcaller" => 0,
            _ => return,
        };
        match arguments.args.get(index) {
            Some(Expr::StringLiteral(name)) => {
                let names = name.value.to_str().split('.').map(ToOwned::to_owned);
                self.now().attributes.extend(names);
            }
            _ => self.now().reflects = true,
        }
    }

    fn parameters(
        &mut self,
        parameters: &ast::Parameters,
        type_parameters: &BTreeSet<String>,
        is_decorated: bool,
    ) -> BTreeSet<String> {
        for parameter in parameters {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
            if let Some(annotation) = parameter.annotation() {
                self.annotation(annotation, type_parameters, is_decorated);
            }
        }
        parameters
            .iter()
            .map(|parameter| parameter.name().to_string())
            .collect()
    }

    /// `is_asked_for` is whether somebody may ask for what it means even where it is kept as text.
    fn annotation(
        &mut self,
        annotation: &Expr,
        type_parameters: &BTreeSet<String>,
        is_asked_for: bool,
    ) {
        if self.keeps_annotations && !is_asked_for {
            return;
        }
        let scope = Scope {
            locals: type_parameters.clone(),
            ..Scope::default()
        };
        // `list[C]` and `C | None` run no code of the class.
        let operates = self.now().operates;
        self.within(scope, |walker| walker.visit_expr(annotation));
        self.now().operates = operates;
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        self.decorators(&function.decorator_list);
        let type_parameters = type_parameters(function.type_params.as_deref());
        // `functools.singledispatch` asks for the type of the first argument, for one.
        let is_decorated = !function.decorator_list.is_empty();
        let parameters = &function.parameters;
        let mut locals = self.parameters(parameters, &type_parameters, is_decorated);
        if let Some(returns) = &function.returns {
            self.annotation(returns, &type_parameters, is_decorated);
        }
        locals.extend(type_parameters);
        let self_name = self
            .scope()
            .is_class
            .then(|| {
                function
                    .parameters
                    .iter()
                    .next()
                    .map(|first| first.name().to_string())
            })
            .flatten();
        self.define(&function.name);
        if self.is_outermost() {
            self.names.defines.insert(function.name.to_string());
        }
        let scope = Scope {
            is_deferred: true,
            self_name,
            locals,
            ..Scope::default()
        };
        self.within(scope, |walker| walker.visit_body(&function.body));
    }

    fn class_header(&mut self, class: &ast::StmtClassDef) {
        self.decorators(&class.decorator_list);
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
        }
    }

    fn class(&mut self, class: &ast::StmtClassDef) {
        self.class_header(class);
        self.define(&class.name);
        let scope = Scope {
            is_class: true,
            ..Scope::default()
        };
        self.within(scope, |walker| walker.visit_body(&class.body));
    }

    fn comprehension(&mut self, generators: &[ast::Comprehension], results: &[&Expr]) {
        self.operate();
        // The first iterable is evaluated in the scope around.
        if let Some(first) = generators.first() {
            self.calling(|walker| walker.visit_expr(&first.iter));
        }
        let scope = Scope {
            is_comprehension: true,
            ..Scope::default()
        };
        self.within(scope, |walker| {
            for (index, generator) in generators.iter().enumerate() {
                if index > 0 {
                    walker.calling(|walker| walker.visit_expr(&generator.iter));
                }
                walker.visit_expr(&generator.target);
                for condition in &generator.ifs {
                    walker.visit_expr(condition);
                }
            }
            for result in results {
                walker.visit_expr(result);
            }
        });
    }

    /// The path that a store such as `X[k] = v` or `X.a.b = v` changes, as far as it is one of names.
    fn touch(&mut self, mut target: &Expr) {
        loop {
            if let Some(path) = dotted(target) {
                if self.is_outermost() {
                    self.names.touches.insert(path);
                } else {
                    self.now().stores.insert(path);
                }
                return;
            }
            target = match target {
                Expr::Subscript(subscript) => &subscript.value,
                Expr::Attribute(attribute) => &attribute.value,
                _ => return,
            };
        }
    }
}

impl<'a> Visitor<'a> for Walker {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let head = alias.name.split('.').next().unwrap_or(&alias.name);
                    match &alias.asname {
                        Some(bound) => self.import(bound, format!("{}:", alias.name)),
                        None => self.import(head, format!("{head}:")),
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    if bound.as_str() != "*" {
                        let dots = ".".repeat(import.level as usize);
                        let module = import.module.as_deref().unwrap_or_default();
                        self.import(bound, format!("{dots}{module}:{}", alias.name));
                    }
                }
            }
            Stmt::AugAssign(assign) => {
                self.operate();
                if let Expr::Name(name) = &*assign.target {
                    self.load(name.id.to_string());
                }
                walk_stmt(self, statement);
            }
            Stmt::AnnAssign(assign) => {
                if let Expr::Name(name) = &*assign.target
                    && self.is_outermost()
                {
                    self.names.annotates.push(name.id.to_string());
                }
                // Those of a function's own variables are never evaluated.
                if !self.scope().is_deferred {
                    let is_field = self.scope().is_class;
                    self.annotation(&assign.annotation, &BTreeSet::new(), is_field);
                }
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                    self.visit_expr(&assign.target);
                }
            }
            Stmt::For(each) => {
                self.operate();
                self.calling(|walker| walker.visit_expr(&each.iter));
                self.visit_expr(&each.target);
                self.visit_body(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::With(with) => {
                self.operate();
                for item in &with.items {
                    self.calling(|walker| walker.visit_expr(&item.context_expr));
                    if let Some(target) = &item.optional_vars {
                        self.visit_expr(target);
                    }
                }
                self.visit_body(&with.body);
            }
            Stmt::Global(global) if !self.is_outermost() => {
                let names = global.names.iter().map(ToString::to_string);
                self.scope().globals.extend(names);
            }
            Stmt::TypeAlias(alias) => {
                self.visit_expr(&alias.name);
                // Its value is evaluated when it is asked for.
                let locals = type_parameters(alias.type_params.as_deref());
                let scope = Scope {
                    is_deferred: true,
                    locals,
                    ..Scope::default()
                };
                self.within(scope, |walker| walker.visit_expr(&alias.value));
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        self.now().operates |= calls_special_methods(expression);
        self.now().makes |= makes_objects(expression);
        match expression {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load | ExprContext::Invalid => self.load(name.id.to_string()),
                ExprContext::Store | ExprContext::Del => self.bind(&name.id),
            },
            Expr::Attribute(attribute) => match dotted(expression) {
                Some(path) if attribute.ctx == ExprContext::Load => self.load(path),
                _ => {
                    if attribute.ctx != ExprContext::Load {
                        self.touch(expression);
                    }
                    if let Expr::Call(call) = &*attribute.value
                        && let Some(class) = dotted(&call.func)
                    {
                        // A method of an object made right here: as though it were looked up on the class.
                        self.load(format!("{class}.{}", attribute.attr));
                    }
                    self.now().attributes.insert(attribute.attr.to_string());
                    self.visit_expr(&attribute.value);
                }
            },
            Expr::Subscript(subscript) => {
                if subscript.ctx != ExprContext::Load {
                    self.touch(expression);
                }
                self.visit_expr(&subscript.value);
                self.visit_expr(&subscript.slice);
            }
            Expr::Call(call) => self.call(call, Use::Call),
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                if let Expr::Name(name) = &*named.target {
                    self.bind_around_comprehensions(&name.id);
                }
            }
            Expr::Lambda(lambda) => {
                let locals = lambda
                    .parameters
                    .as_deref()
                    .map(|parameters| self.parameters(parameters, &BTreeSet::new(), false))
                    .unwrap_or_default();
                let scope = Scope {
                    // A call that is handed a lambda may run it.
                    is_deferred: self.using == Use::Value,
                    locals,
                    ..Scope::default()
                };
                self.within(scope, |walker| walker.visit_expr(&lambda.body));
            }
            Expr::ListComp(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::SetComp(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::Generator(it) => self.comprehension(&it.generators, &[&it.elt]),
            Expr::DictComp(it) => {
                let results: Vec<&Expr> =
                    it.key.as_deref().into_iter().chain([&*it.value]).collect();
                self.comprehension(&it.generators, &results);
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(clause) = handler;
        if let Some(name) = &clause.name {
            self.bind(name);
        }
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchStar(star) => star.name.as_ref(),
            Pattern::MatchAs(capture) => capture.name.as_ref(),
            Pattern::MatchMapping(mapping) => mapping.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = name {
            self.bind(name);
        }
        walk_pattern(self, pattern);
    }
}

/// Those of the names that a statement binds which it may leave as they were.
pub(crate) fn maybe_bound(statement: &Stmt, binds: &[String]) -> BTreeSet<String> {
    let is_simple = matches!(
        statement,
        Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::Assign(_) | Stmt::AnnAssign(_)
    );
    if is_simple || binds.is_empty() {
        return BTreeSet::new();
    }
    let sure = surely_bound(statement);
    let unsure = binds.iter().filter(|name| !sure.contains(*name));
    unsure.cloned().collect()
}

/// The names of its scope that a statement binds whichever way it goes, unless it raises.
fn surely_bound(statement: &Stmt) -> BTreeSet<String> {
    match statement {
        Stmt::If(branch) => {
            let clauses = &branch.elif_else_clauses;
            if clauses.last().is_none_or(|last| last.test.is_some()) {
                return BTreeSet::new();
            }
            let mut ends = vec![bound_at_the_end(&branch.body)];
            ends.extend(clauses.iter().map(|clause| bound_at_the_end(&clause.body)));
            bound_by_each(ends)
        }
        Stmt::Try(tried) => {
            let mut ends = vec![bound_at_the_end(tried.body.iter().chain(&tried.orelse))];
            ends.extend(tried.handlers.iter().map(|handler| {
                let ExceptHandler::ExceptHandler(clause) = handler;
                bound_at_the_end(&clause.body)
            }));
            let mut bound = bound_by_each(ends);
            bound.extend(bound_at_the_end(&tried.finalbody).unwrap_or_default());
            bound
        }
        Stmt::With(with) => {
            let suppresses = with.items.iter().any(|item| {
                let Expr::Call(call) = &item.context_expr else {
                    return false;
                };
                dotted(&call.func).is_some_and(|path| path.ends_with("suppress"))
            });
            if suppresses {
                return BTreeSet::new();
            }
            let inner = with.body.iter().flat_map(bound_by);
            let inner: BTreeSet<String> = inner.collect();
            let targets = bound_by(statement).into_iter();
            let mut bound = bound_at_the_end(&with.body).unwrap_or_default();
            bound.extend(targets.filter(|name| !inner.contains(name)));
            bound
        }
        Stmt::For(_) | Stmt::While(_) | Stmt::Match(_) | Stmt::AugAssign(_) | Stmt::Delete(_) => {
            BTreeSet::new()
        }
        _ => bound_by(statement).into_iter().collect(),
    }
}

/// The names that are bound whichever of several ways was taken; a way that never ends does not count.
fn bound_by_each(ends: Vec<Option<BTreeSet<String>>>) -> BTreeSet<String> {
    let ends = ends.into_iter().flatten();
    ends.reduce(|one, other| one.intersection(&other).cloned().collect())
        .unwrap_or_default()
}

/// The names that are bound once statements have been executed; None if their end is never reached.
fn bound_at_the_end<'a>(body: impl IntoIterator<Item = &'a Stmt>) -> Option<BTreeSet<String>> {
    let mut bound = BTreeSet::new();
    for statement in body {
        match statement {
            Stmt::Raise(_) | Stmt::Return(_) | Stmt::Break(_) | Stmt::Continue(_) => return None,
            Stmt::Delete(_) => {
                for name in bound_by(statement) {
                    bound.remove(&name);
                }
            }
            _ => bound.extend(surely_bound(statement)),
        }
    }
    Some(bound)
}

fn type_parameters(parameters: Option<&ast::TypeParams>) -> BTreeSet<String> {
    let parameters = parameters
        .into_iter()
        .flat_map(|parameters| parameters.iter());
    parameters
        .map(|parameter| parameter.name().to_string())
        .collect()
}

/// Whether a callable of this name keeps what it is handed without calling it, as those of the standard library do.
pub(crate) fn only_stores(callee: &Expr) -> bool {
    let name = match callee {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    matches!(
        name,
        "NewType"
            | "Thread"
            | "TypeVar"
            | "add"
            | "append"
            | "callable"
            | "classmethod"
            | "defaultdict"
            | "extend"
            | "id"
            | "insert"
            | "isinstance"
            | "issubclass"
            | "partial"
            | "partialmethod"
            | "property"
            | "setdefault"
            | "staticmethod"
            | "update"
    )
}

/// Whether a callable is one of Python's own that looks at what it is handed, and at most runs its special methods.
fn only_inspects(callee: &Expr) -> bool {
    let Expr::Name(name) = callee else {
        return false;
    };
    matches!(
        name.id.as_str(),
        "abs"
            | "all"
            | "any"
            | "bool"
            | "bytes"
            | "dict"
            | "dir"
            | "enumerate"
            | "float"
            | "format"
            | "frozenset"
            | "getattr"
            | "hasattr"
            | "hash"
            | "int"
            | "iter"
            | "len"
            | "list"
            | "next"
            | "print"
            | "range"
            | "repr"
            | "reversed"
            | "round"
            | "set"
            | "setattr"
            | "str"
            | "sum"
            | "super"
            | "tuple"
            | "type"
            | "vars"
            | "zip"
    )
}

/// Whether evaluating an expression twice makes two objects that can come to differ.
fn makes_objects(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Call(_)
            | Expr::List(_)
            | Expr::Dict(_)
            | Expr::Set(_)
            | Expr::ListComp(_)
            | Expr::DictComp(_)
            | Expr::SetComp(_)
            | Expr::Generator(_)
            | Expr::Lambda(_)
    )
}

/// Whether Python may call a special method of an operand.
fn calls_special_methods(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::BinOp(_)
            | Expr::BoolOp(_)
            | Expr::UnaryOp(_)
            | Expr::Compare(_)
            | Expr::Subscript(_)
            | Expr::FString(_)
            | Expr::TString(_)
            | Expr::If(_)
            | Expr::Starred(_)
            | Expr::Await(_)
            | Expr::YieldFrom(_)
    ) || matches!(expression, Expr::List(list) if list.ctx == ExprContext::Store)
        || matches!(expression, Expr::Tuple(tuple) if tuple.ctx == ExprContext::Store)
}

/// The attributes that methods of a class store on `self`: what CPython 3.13+ keeps as `__static_attributes__`.
pub(crate) fn static_attributes(body: &[Stmt]) -> BTreeSet<String> {
    struct Stores(BTreeSet<String>);
    impl<'a> Visitor<'a> for Stores {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            match statement {
                // A class in a method keeps what its own methods store.
                Stmt::ClassDef(_) => {}
                // CPython does not count `self.x += 1`.
                Stmt::AugAssign(assign) => self.visit_expr(&assign.value),
                _ => walk_stmt(self, statement),
            }
        }

        fn visit_expr(&mut self, expression: &'a Expr) {
            if let Expr::Attribute(attribute) = expression
                && attribute.ctx == ExprContext::Store
                && matches!(&*attribute.value, Expr::Name(name) if name.id.as_str() == "self")
            {
                self.0.insert(attribute.attr.to_string());
            }
            walk_expr(self, expression);
        }
    }
    let mut stores = Stores(BTreeSet::new());
    stores.visit_body(body);
    stores.0
}

/// `a.b.c` as text, if the expression is a name with attributes.
pub(crate) fn dotted(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            let mut path = dotted(&attribute.value)?;
            path.push('.');
            path.push_str(&attribute.attr);
            Some(path)
        }
        _ => None,
    }
}
