//! Hashes of syntax trees: equal for equal trees, whatever their layout.

use std::cell::Cell;
use std::hash::Hash;

use ruff_python_ast::comparable::{
    ComparableArguments, ComparableDecorator, ComparableExpr, ComparableParameters, ComparableStmt,
    ComparableTypeParams,
};
use ruff_python_ast::visitor::transformer::{Transformer, walk_arguments, walk_expr, walk_stmt};
use ruff_python_ast::{self as ast, Expr, Parameter, ParameterWithDefault, Parameters, Stmt};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::names;

/// 128 bits that identify a syntax tree within this process.
///
/// **Never stored**: ruff's `Comparable*` types, which feed it, may hash otherwise in another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeHash(u128);

impl TreeHash {
    pub(crate) fn of(value: &impl Hash) -> Self {
        let mut hasher = SipHasher13::new();
        value.hash(&mut hasher);
        Self(hasher.finish128().as_u128())
    }
}

/// The hash of everything in a statement.
pub(crate) fn whole(statement: &Stmt) -> TreeHash {
    TreeHash::of(&ComparableStmt::from(statement))
}

/// The hash of what executing the statement evaluates: bodies of functions and lambdas left out.
///
/// Two statements that differ in their whole hash only differ in code that runs later, when something calls it; then
/// exchanging that code brings the live program up to date, and the statement need not run again.
pub(crate) fn evaluated(statement: &Stmt) -> TreeHash {
    let mut statement = statement.clone();
    WithoutDeferred::default().visit_stmt(&mut statement);
    whole(&statement)
}

/// The hash of what defining a function evaluates apart from its decorators: defaults and annotations.
pub(crate) fn signature(function: &ast::StmtFunctionDef) -> TreeHash {
    let mut parameters = (*function.parameters).clone();
    keep_evaluated_parameters(&mut parameters);
    TreeHash::of(&(
        ComparableParameters::from(&parameters),
        function.returns.as_deref().map(ComparableExpr::from),
        function
            .type_params
            .as_deref()
            .map(ComparableTypeParams::from),
    ))
}

pub(crate) fn decorators(decorators: &[ast::Decorator]) -> TreeHash {
    TreeHash::of(
        &decorators
            .iter()
            .map(ComparableDecorator::from)
            .collect::<Vec<_>>(),
    )
}

/// The hash of a function's own body, the bodies of the functions defined in it left out.
///
/// While it stays the same, a call made before an edit returned what a call now would, but for closures, whose code
/// is exchanged.
pub(crate) fn own_body(function: &ast::StmtFunctionDef) -> TreeHash {
    let mut body = function.body.clone();
    for statement in &mut body {
        WithoutDeferred::default().visit_stmt(statement);
    }
    let names: Vec<_> = function
        .parameters
        .iter()
        .map(|parameter| parameter.name().as_str())
        .collect();
    TreeHash::of(&(
        names,
        body.iter().map(ComparableStmt::from).collect::<Vec<_>>(),
    ))
}

/// The hash of a class statement's header: decorators, type parameters, bases and keywords.
pub(crate) fn class_header(class: &ast::StmtClassDef) -> TreeHash {
    TreeHash::of(&(
        decorators(&class.decorator_list),
        class.type_params.as_deref().map(ComparableTypeParams::from),
        class.arguments.as_deref().map(ComparableArguments::from),
    ))
}

/// Cuts the parts of a tree that do not run when its statement is executed.
#[derive(Default)]
struct WithoutDeferred {
    /// Inside a call that may run the lambdas it is handed.
    calling: Cell<bool>,
}

impl WithoutDeferred {
    fn within_call(&self, is_call: bool, walk: impl FnOnce(&Self)) {
        let before = self.calling.replace(is_call || self.calling.get());
        walk(self);
        self.calling.set(before);
    }
}

impl Transformer for WithoutDeferred {
    fn visit_stmt(&self, statement: &mut Stmt) {
        if let Stmt::FunctionDef(function) = statement {
            function.body.clear();
            function.is_async = false;
            keep_evaluated_parameters(&mut function.parameters);
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&self, expression: &mut Expr) {
        match expression {
            Expr::Call(call) => {
                self.within_call(true, |cut| cut.visit_expr(&mut call.func));
                self.within_call(!names::only_stores(&call.func), |cut| {
                    walk_arguments(cut, &mut call.arguments);
                });
            }
            Expr::Lambda(lambda) if !self.calling.get() => {
                *lambda.body = Expr::EllipsisLiteral(ast::ExprEllipsisLiteral::default());
                if let Some(parameters) = &mut lambda.parameters {
                    keep_evaluated_parameters(parameters);
                }
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }
}

/// Leaves the defaults and annotations of parameters; a parameter's name and kind are part of the code object.
fn keep_evaluated_parameters(parameters: &mut Parameters) {
    let is_evaluated =
        |p: &ParameterWithDefault| p.default.is_some() || p.parameter.annotation.is_some();
    for list in [
        &mut parameters.posonlyargs,
        &mut parameters.args,
        &mut parameters.kwonlyargs,
    ] {
        list.retain(is_evaluated);
    }
    for variadic in [&mut parameters.vararg, &mut parameters.kwarg] {
        variadic.take_if(|p: &mut Box<Parameter>| p.annotation.is_none());
    }
    let mut positional = std::mem::take(&mut parameters.posonlyargs);
    positional.append(&mut parameters.args);
    parameters.args = positional;
    for parameter in &mut parameters.args {
        // The names of annotated parameters are keys of `__annotations__`; those of plain defaults are not evaluated.
        if parameter.parameter.annotation.is_none() {
            parameter.parameter.name.id = ast::name::Name::new_static("_");
        }
    }
}
