//! The annotations of functions, modules and classes.
//!
//! Up to CPython 3.13 they are evaluated with the definition and kept in `__annotations__`. From 3.14 on `__annotate__`
//! evaluates them when they are asked for.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyType};

use super::apply::Application;
use super::undo::Undo;
#[cfg(Py_3_14)]
use super::undo::delete_from_class;

/// The attribute of a function that says what its annotations are.
pub(super) const ATTRIBUTE: &str = if cfg!(Py_3_14) {
    "__annotate__"
} else {
    "__annotations__"
};

/// The attribute that holds annotations once they are evaluated.
const EVALUATED: &str = "__annotations__";

/// Where a class holds annotations that were asked for.
#[cfg(Py_3_14)]
const CACHED: &str = "__annotations_cache__";

/// The annotations that have been executed in a module or class: a set of their ordinals in the source.
pub(super) const EXECUTED: &str = "__conditional_annotations__";

/// Set an attribute of a function; one that is left without annotations loses those evaluated before.
pub(super) fn set_attribute(
    function: &Bound<'_, PyAny>,
    name: &str,
    value: Bound<'_, PyAny>,
) -> PyResult<()> {
    let loses_annotations = cfg!(Py_3_14) && name == ATTRIBUTE && value.is_none();
    if loses_annotations && function.is_instance_of::<PyFunction>() {
        function.setattr("__annotations__", PyDict::new(function.py()))?;
    }
    function.setattr(name, value)
}

/// Give a function the annotations of another.
pub(super) fn copy(from: &Bound<'_, PyFunction>, to: &Bound<'_, PyFunction>) -> PyResult<()> {
    let value = from.getattr(ATTRIBUTE)?;
    if value.is_none() {
        // `from __future__ import annotations` keeps them as text, with nothing to evaluate.
        let kept = from.getattr("__annotations__")?.call_method0("copy")?;
        return to.setattr("__annotations__", kept);
    }
    to.setattr(ATTRIBUTE, value)
}

impl Application<'_, '_> {
    /// Make the annotations of a module or class those of the excerpt, which are those of `names`.
    pub(super) fn annotate(
        &mut self,
        module: usize,
        path: &[String],
        names: &[String],
        excerpt: usize,
        is_renewed: bool,
    ) -> PyResult<()> {
        #[cfg(Py_3_14)]
        if self.plan.modules[module]
            .future
            .iter()
            .all(|feature| feature != "annotations")
        {
            return self.annotate_later(module, path, excerpt);
        } else if is_renewed {
            self.annotate_never(module, path)?;
        }
        self.annotate_now(module, path, names, excerpt, is_renewed)
    }
}

/// Take back what executing one statement did to the annotations of all the others.
#[cfg(Py_3_14)]
pub(super) fn restore(namespace: &Bound<'_, PyDict>, before: &Bound<'_, PyDict>) -> PyResult<()> {
    let (was, is) = (before.get_item(ATTRIBUTE)?, namespace.get_item(ATTRIBUTE)?);
    let annotates = is.is_some_and(|is| was.is_none_or(|was| !was.is(&is)));
    if annotates && namespace.contains(EVALUATED)? {
        // Evaluated again, they may come to something else.
        namespace.del_item(EVALUATED)?;
    }
    for name in [ATTRIBUTE, EXECUTED] {
        match before.get_item(name)? {
            Some(value) => namespace.set_item(name, value)?,
            None if namespace.contains(name)? => namespace.del_item(name)?,
            None => {}
        }
    }
    Ok(())
}

/// Before CPython 3.14 a statement adds its annotation to the others.
#[cfg(not(Py_3_14))]
pub(super) fn restore(_: &Bound<'_, PyDict>, _: &Bound<'_, PyDict>) -> PyResult<()> {
    Ok(())
}

/// Have a class, of whose body statements were executed that bound `bound`, evaluate their annotations again.
#[cfg(Py_3_14)]
pub(super) fn renew<'py>(
    class: &Bound<'py, PyType>,
    bound: &Bound<'py, PyDict>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    if bound.contains("__annotate_func__")? && class.getattr("__dict__")?.contains(CACHED)? {
        undo.will_set(class, CACHED)?;
        delete_from_class(class, CACHED)?;
    }
    Ok(())
}

/// Before CPython 3.14 they were evaluated with the statements.
#[cfg(not(Py_3_14))]
pub(super) fn renew(
    _: &Bound<'_, PyType>,
    _: &Bound<'_, PyDict>,
    _: &mut Undo<'_>,
) -> PyResult<()> {
    Ok(())
}

/// The definition or module of this path in a syntax tree.
fn scope_at<'py>(tree: &Bound<'py, PyAny>, path: &[String]) -> PyResult<Bound<'py, PyAny>> {
    let mut scope = tree.clone();
    for name in path {
        for statement in scope.getattr("body")?.try_iter()? {
            let statement = statement?;
            let is_it = statement
                .getattr("name")
                .is_ok_and(|own| own.eq(name).unwrap_or(false));
            if is_it {
                scope = statement;
                break;
            }
        }
    }
    Ok(scope)
}

/// Annotations that are kept as they are: all up to CPython 3.13, later those that are kept as text.
mod eager {
    use pyo3::prelude::*;
    use pyo3::types::{PyCode, PyDict, PyList};

    use super::super::apply::Application;
    use super::super::compile::future_flags;
    use super::super::execute::run;
    use super::{EVALUATED, scope_at};

    impl<'py> Application<'_, 'py> {
        /// Drop the annotations of statements that are gone, and add those of statements that are back; those of new
        /// ones were made by executing them. With `is_renewed`, make all of them anew.
        pub(super) fn annotate_now(
            &mut self,
            module: usize,
            path: &[String],
            names: &[String],
            excerpt: usize,
            is_renewed: bool,
        ) -> PyResult<()> {
            let namespace = self.modules[module].dict();
            let held = if path.is_empty() {
                namespace.get_item(EVALUATED)?
            } else {
                self.class(module, path)?
                    .getattr("__dict__")?
                    .get_item(EVALUATED)
                    .ok()
            };
            let annotations = match held.map(|held| held.cast_into::<PyDict>()) {
                Some(Ok(annotations)) => annotations,
                _ => {
                    let annotations = PyDict::new(self.py);
                    self.bind(module, path, EVALUATED, annotations.as_any())?;
                    annotations
                }
            };
            self.undo.will_execute_in(&annotations)?;
            for name in annotations.keys() {
                if is_renewed || !names.contains(&name.extract()?) {
                    annotations.del_item(name)?;
                }
            }
            if annotations.len() < names.len() {
                for (name, value) in self.evaluated(module, path, excerpt, &namespace)?.iter() {
                    if !annotations.contains(&name)? {
                        annotations.set_item(name, value)?;
                    }
                }
            }
            // In the order of the text: fields of many kinds are made from it.
            for name in names {
                if let Some(value) = annotations.get_item(name)? {
                    annotations.del_item(name)?;
                    annotations.set_item(name, value)?;
                }
            }
            Ok(())
        }

        /// The annotations of the annotated statements of a scope, their values left out.
        fn evaluated(
            &self,
            module: usize,
            path: &[String],
            excerpt: usize,
            globals: &Bound<'py, PyDict>,
        ) -> PyResult<Bound<'py, PyDict>> {
            let text = &self.plan.modules[module];
            let source = text.excerpts.get(excerpt).map_or("", String::as_str);
            let ast = self.py.import("ast")?;
            let tree = ast.call_method1("parse", (source, &text.file))?;
            let kept = PyList::empty(self.py);
            for statement in scope_at(&tree, path)?.getattr("body")?.try_iter()? {
                let statement = statement?;
                if statement.is_instance(&ast.getattr("AnnAssign")?)? {
                    statement.setattr("value", self.py.None())?;
                    kept.append(statement)?;
                }
            }
            tree.setattr("body", kept)?;
            let options = PyDict::new(self.py);
            options.set_item("flags", future_flags(self.py, &text.future)?)?;
            options.set_item("dont_inherit", true)?;
            let builtins = self.py.import("builtins")?;
            let arguments = (tree, &text.file, "exec");
            let code = builtins.call_method("compile", arguments, Some(&options))?;
            let scratch = PyDict::new(self.py);
            run(code.cast::<PyCode>()?, globals, scratch.as_any())?;
            let found = scratch.get_item(EVALUATED)?;
            Ok(found
                .and_then(|found| found.cast_into::<PyDict>().ok())
                .unwrap_or_else(|| PyDict::new(self.py)))
        }
    }
}

#[cfg(Py_3_14)]
mod lazy {
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyList, PySet, PyTuple, PyType};

    use super::super::apply::Application;
    use super::super::codes;
    use super::super::undo::delete_from_class;
    use super::{ATTRIBUTE, CACHED, EVALUATED, EXECUTED, scope_at};
    use crate::registry;

    impl<'py> Application<'_, 'py> {
        /// Give the scope the function that evaluates all its annotations.
        pub(super) fn annotate_later(
            &mut self,
            module: usize,
            path: &[String],
            excerpt: usize,
        ) -> PyResult<()> {
            let namespace = self.modules[module].dict();
            let code = self.excerpt(module, excerpt)?;
            let Some(scope) = codes::class_body(&code, path)? else {
                return Ok(());
            };
            let mut annotate = None;
            for child in registry::children(&scope) {
                if codes::name_of(&child)? == ATTRIBUTE {
                    annotate = Some(child);
                }
            }
            let owner = self.owner(module, path)?;
            let names = PyDict::new(self.py);
            names.update(owner.getattr("__dict__")?.cast()?)?;
            let executed = self.executed(module, path, excerpt, &owner)?;
            if path.is_empty() {
                namespace.set_item(EXECUTED, &executed)?;
            }
            let function = match annotate {
                None => self.py.None().into_bound(self.py),
                Some(code) => {
                    let types = self.py.import("types")?;
                    let mut cells = Vec::new();
                    for free in code.getattr("co_freevars")?.extract::<Vec<String>>()? {
                        let cell = types.getattr("CellType")?;
                        cells.push(if free == EXECUTED {
                            cell.call1((&executed,))?
                        } else {
                            cell.call1((&names,))?
                        });
                    }
                    let closure = PyTuple::new(self.py, cells)?;
                    let none = self.py.None();
                    types
                        .getattr("FunctionType")?
                        .call1((code, &namespace, &none, &none, closure))?
                }
            };
            // Before: it may tell what was executed.
            self.annotate_never(module, path)?;
            owner.setattr(ATTRIBUTE, function)
        }

        /// Take from a scope its annotations, and the function that evaluates them.
        pub(super) fn annotate_never(&mut self, module: usize, path: &[String]) -> PyResult<()> {
            let owner = self.owner(module, path)?;
            owner.setattr(ATTRIBUTE, self.py.None())?;
            for name in [EVALUATED, CACHED] {
                if let Ok(class) = owner.cast::<PyType>() {
                    if class.getattr("__dict__")?.contains(name)? {
                        delete_from_class(class, name)?;
                    }
                } else {
                    let namespace = self.modules[module].dict();
                    if namespace.contains(name)? {
                        namespace.del_item(name)?;
                    }
                }
            }
            Ok(())
        }

        /// The module or class, whose annotations are about to change.
        fn owner(&mut self, module: usize, path: &[String]) -> PyResult<Bound<'py, PyAny>> {
            if path.is_empty() {
                self.undo.will_execute_in(&self.modules[module].dict())?;
                return Ok(self.modules[module].clone().into_any());
            }
            let class = self.class(module, path)?;
            for name in ["__annotate_func__", EVALUATED, CACHED] {
                self.undo.will_set(&class, name)?;
            }
            Ok(class.into_any())
        }

        /// The ordinals of the annotations that have been executed: those that no condition decides about, and of the
        /// others those whose name is bound or was annotated before.
        fn executed(
            &self,
            module: usize,
            path: &[String],
            excerpt: usize,
            owner: &Bound<'py, PyAny>,
        ) -> PyResult<Bound<'py, PySet>> {
            let text = &self.plan.modules[module];
            let source = text.excerpts.get(excerpt).map_or("", String::as_str);
            let ast = self.py.import("ast")?;
            let tree = ast.call_method1("parse", (source, &text.file))?;
            let annotated = PyList::empty(self.py);
            for statement in scope_at(&tree, path)?.getattr("body")?.try_iter()? {
                collect(&ast, &statement?, true, &annotated)?;
            }
            let bound = owner.getattr("__dict__")?;
            let mut before = None;
            let executed = PySet::empty(self.py)?;
            for (ordinal, entry) in annotated.iter().enumerate() {
                let (name, is_certain): (String, bool) = entry.extract()?;
                let is_executed = is_certain || bound.contains(&name)? || {
                    if before.is_none() {
                        before = Some(unevaluated(owner)?);
                    }
                    before
                        .as_ref()
                        .is_some_and(|names| names.contains(&name).unwrap_or(false))
                };
                if is_executed {
                    executed.add(ordinal)?;
                }
            }
            Ok(executed)
        }
    }

    /// The annotations of a module or class, those that cannot be evaluated as forward references.
    fn unevaluated<'py>(owner: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let library = owner.py().import("annotationlib")?;
        let format = library.getattr("Format")?.getattr("FORWARDREF")?;
        let options = PyDict::new(owner.py());
        options.set_item("format", format)?;
        library.call_method("get_annotations", (owner,), Some(&options))
    }

    /// Append (name, whether it stands outside of any other statement) for each annotated name of a scope.
    fn collect(
        ast: &Bound<'_, PyModule>,
        node: &Bound<'_, PyAny>,
        is_certain: bool,
        annotated: &Bound<'_, PyList>,
    ) -> PyResult<()> {
        let of_type = |name: &str| node.is_instance(&ast.getattr(name)?);
        if of_type("AnnAssign")? && node.getattr("simple")?.is_truthy()? {
            let name = node.getattr("target")?.getattr("id")?;
            return annotated.append((name, is_certain));
        }
        if of_type("FunctionDef")? || of_type("AsyncFunctionDef")? || of_type("ClassDef")? {
            return Ok(());
        }
        for child in ast.call_method1("iter_child_nodes", (node,))?.try_iter()? {
            collect(ast, &child?, false, annotated)?;
        }
        Ok(())
    }
}
