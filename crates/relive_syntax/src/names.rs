//! What a statement binds and reads, and when: the static half of the dependency model.

use std::collections::{BTreeMap, BTreeSet};

use ruff_python_ast::visitor::{
    Visitor, walk_arguments, walk_except_handler, walk_expr, walk_pattern, walk_stmt,
};
use ruff_python_ast::{self as ast, ExceptHandler, Expr, ExprContext, Pattern, Stmt};
use serde::{Deserialize, Serialize};

/// How a statement uses a name that it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Use {
    /// Its value is taken: what depends on it is out of date once the name is bound to something else.
    Value,
    /// It decorates a definition: it was called, but not what it defines.
    Decorate,
    /// It may be called, or is handed to a call: what depends on it is out of date once its behaviour changes, too.
    Call,
}

/// A read of a dotted path such as `np.linalg.norm`; `.attr` is an attribute of a method's own object.
pub type Read = (String, Use);

/// What a statement reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// When it is executed.
    pub now: BTreeMap<String, Use>,
    /// When code that it defines is called.
    pub later: BTreeMap<String, Use>,
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
    pub(crate) reads: Reads,
}

/// Collect the names of one statement of a module's or class's scope.
pub(crate) fn walk(statement: &Stmt, in_class: bool) -> Names {
    let mut walker = Walker {
        names: Names::default(),
        scopes: vec![Scope {
            is_class: in_class,
            ..Scope::default()
        }],
        calling: 0,
    };
    walker.visit_stmt(statement);
    walker.finish()
}

/// Collect what the header of a class statement reads: decorators, bases and keywords.
pub(crate) fn walk_class_header(class: &ast::StmtClassDef) -> Reads {
    let mut walker = Walker {
        names: Names::default(),
        scopes: vec![Scope::default()],
        calling: 0,
    };
    walker.class_header(class);
    walker.finish().reads
}

#[derive(Default)]
struct Scope {
    /// A function's or lambda's: what it reads is read later.
    is_deferred: bool,
    is_class: bool,
    is_comprehension: bool,
    self_name: Option<String>,
    locals: BTreeSet<String>,
    /// Names that a `global` statement makes those of the module.
    globals: BTreeSet<String>,
    loads: Vec<Read>,
    deferred_loads: Vec<Read>,
}

struct Walker {
    names: Names,
    scopes: Vec<Scope>,
    calling: u32,
}

impl Walker {
    fn finish(mut self) -> Names {
        let scope = self.scopes.pop().unwrap_or_default();
        for (path, how) in scope.loads {
            note(&mut self.names.reads.now, path, how);
        }
        for (path, how) in scope.deferred_loads {
            note(&mut self.names.reads.later, path, how);
        }
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
        } else if !self.scope().globals.contains(name) {
            self.scope().locals.insert(name.to_owned());
        }
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
        let how = if self.calling > 0 {
            Use::Call
        } else {
            Use::Value
        };
        self.scope().loads.push((path, how));
    }

    fn decorators(&mut self, decorators: &[ast::Decorator]) {
        for decorator in decorators {
            match dotted(&decorator.expression) {
                Some(path) => self.scope().loads.push((path, Use::Decorate)),
                None => self.calling(|walker| walker.visit_expr(&decorator.expression)),
            }
        }
    }

    /// Run `visit` in a scope of its own and hand what stays free in it to the scope around it.
    fn within(&mut self, scope: Scope, visit: impl FnOnce(&mut Self)) {
        let calling = std::mem::take(&mut self.calling);
        if !scope.is_deferred {
            self.calling = calling;
        }
        self.scopes.push(scope);
        visit(self);
        self.calling = calling;
        let Some(inner) = self.scopes.pop() else {
            return;
        };
        let free = |(path, how): Read| -> Option<Read> {
            let (head, rest) = path.split_once('.').unwrap_or((&path, ""));
            if inner.self_name.as_deref() == Some(head) && !rest.is_empty() {
                return Some((format!(".{rest}"), how));
            }
            (head.is_empty() || inner.is_class || !inner.locals.contains(head))
                .then_some((path, how))
        };
        let loads: Vec<_> = inner.loads.into_iter().filter_map(free).collect();
        let deferred: Vec<_> = inner.deferred_loads.into_iter().filter_map(free).collect();
        let outer = self.scope();
        if inner.is_deferred {
            outer.deferred_loads.extend(loads);
        } else {
            outer.loads.extend(loads);
        }
        outer.deferred_loads.extend(deferred);
    }

    fn calling(&mut self, visit: impl FnOnce(&mut Self)) {
        self.calling += 1;
        visit(self);
        self.calling -= 1;
    }

    fn parameters(
        &mut self,
        parameters: &ast::Parameters,
        type_parameters: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        for parameter in parameters {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
            if let Some(annotation) = parameter.annotation() {
                let scope = Scope {
                    locals: type_parameters.clone(),
                    ..Scope::default()
                };
                self.within(scope, |walker| walker.visit_expr(annotation));
            }
        }
        parameters
            .iter()
            .map(|parameter| parameter.name().to_string())
            .collect()
    }

    fn function(&mut self, function: &ast::StmtFunctionDef) {
        self.decorators(&function.decorator_list);
        let type_parameters = type_parameters(function.type_params.as_deref());
        let mut locals = self.parameters(&function.parameters, &type_parameters);
        locals.extend(type_parameters);
        if let Some(returns) = &function.returns {
            self.visit_expr(returns);
        }
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
        self.bind(&function.name);
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
        self.bind(&class.name);
        let scope = Scope {
            is_class: true,
            ..Scope::default()
        };
        self.within(scope, |walker| walker.visit_body(&class.body));
    }

    fn comprehension(&mut self, generators: &[ast::Comprehension], results: &[&Expr]) {
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
        if !self.is_outermost() {
            return;
        }
        loop {
            if let Some(path) = dotted(target) {
                self.names.touches.insert(path);
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
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.bind(bound.split('.').next().unwrap_or(bound));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let bound = alias.asname.as_ref().unwrap_or(&alias.name);
                    if bound.as_str() != "*" {
                        self.bind(bound);
                    }
                }
            }
            Stmt::AugAssign(assign) => {
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
                self.visit_expr(&assign.annotation);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                    self.visit_expr(&assign.target);
                }
            }
            Stmt::For(each) => {
                self.calling(|walker| walker.visit_expr(&each.iter));
                self.visit_expr(&each.target);
                self.visit_body(&each.body);
                self.visit_body(&each.orelse);
            }
            Stmt::With(with) => {
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
            Expr::Call(call) => {
                self.calling(|walker| walker.visit_expr(&call.func));
                if only_stores(&call.func) {
                    walk_arguments(self, &call.arguments);
                } else {
                    self.calling(|walker| walk_arguments(walker, &call.arguments));
                }
            }
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
                    .map(|parameters| self.parameters(parameters, &BTreeSet::new()))
                    .unwrap_or_default();
                let scope = Scope {
                    // A call that is handed a lambda may run it.
                    is_deferred: self.calling == 0,
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
        "Thread"
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

fn note(reads: &mut BTreeMap<String, Use>, path: String, how: Use) {
    let entry = reads.entry(path).or_insert(how);
    *entry = (*entry).max(how);
}
