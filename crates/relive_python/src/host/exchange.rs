//! Exchanging code: old functions get the code of their new version, at one instant.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyDict, PyFunction, PyTuple, PyType};
use relive_plan::{Item, ItemKind};

use super::annotations;
use super::codes::{does_the_same, pair};
use super::undo::{FUNCTION_ATTRIBUTES, Undo};
use crate::raw;
use crate::registry;

/// An exchange of one unit's code, prepared: what may run user code has run.
pub(super) struct Exchange<'py> {
    pub(super) old: Vec<Bound<'py, PyCode>>,
    pub(super) new: Vec<Bound<'py, PyCode>>,
    /// A function made by executing the new definition: the source of defaults and annotations.
    pub(super) template: Option<Bound<'py, PyFunction>>,
    /// Whether it is the source of annotations only.
    pub(super) keeps_defaults: bool,
    /// The class in whose body the unit stands.
    pub(super) class: Option<Bound<'py, PyType>>,
    pub(super) item: Option<Item>,
}

/// What exchanges have come to.
#[derive(Default)]
pub(super) struct Exchanged<'py> {
    pub(super) stale: Vec<Item>,
    /// Codes that no function carries any more, by which running frames are known.
    pub(super) retired: Vec<(Bound<'py, PyCode>, Item)>,
    /// Functions with new code.
    pub(super) functions: Vec<Bound<'py, PyFunction>>,
}

impl<'py> Exchange<'py> {
    /// Carry it out and return the codes that the unit has now.
    pub(super) fn carry_out(
        &self,
        undo: &mut Undo<'py>,
        exchanged: &mut Exchanged<'py>,
    ) -> PyResult<Vec<Bound<'py, PyCode>>> {
        let pairs = pair(&self.old, &self.new)?;
        let mut codes = self.new.clone();
        for (old, new) in pairs {
            if self.template.is_none() && does_the_same(old, new)? {
                reposition(old, new, undo)?;
                if let Some(code) = codes.iter_mut().find(|code| code.is(new)) {
                    *code = old.clone();
                }
            } else {
                registry::track(new, true);
                self.replace(old, new, true, undo, exchanged)?;
            }
        }
        for code in &self.new {
            registry::track(code, true);
        }
        Ok(codes)
    }

    fn replace(
        &self,
        old: &Bound<'py, PyCode>,
        new: &Bound<'py, PyCode>,
        is_entry: bool,
        undo: &mut Undo<'py>,
        exchanged: &mut Exchanged<'py>,
    ) -> PyResult<()> {
        let template = self
            .template
            .as_ref()
            .filter(|template| is_entry && raw::function::code(template).is(new));
        for function in registry::functions_of(old) {
            match closure_for(&function, new, self.class.as_ref())? {
                Ok(closure) => {
                    undo.will_exchange(&function)?;
                    recode(&function, new, closure.as_ref())?;
                    match template {
                        Some(template) if self.keeps_defaults => {
                            annotations::copy(template, &function)?;
                        }
                        Some(template) => copy_signature(template, &function)?,
                        None => {}
                    }
                    exchanged.functions.push(function);
                }
                Err(missing) => exchanged.stale.extend(self.item.as_ref().map(|item| Item {
                    kind: ItemKind::Function,
                    why: format!(
                        "a closure made before keeps its old code: it holds no variable {missing}"
                    ),
                    ..item.clone()
                })),
            }
        }
        if let Some(item) = &self.item {
            exchanged.retired.push((old.clone(), item.clone()));
        }
        let (old_children, new_children) = (registry::children(old), registry::children(new));
        for (old, new) in pair(&old_children, &new_children)? {
            if does_the_same(old, new)? {
                reposition(old, new, undo)?;
                self.adopt(old, new, undo)?;
            } else {
                self.replace(old, new, false, undo, exchanged)?;
            }
        }
        Ok(())
    }

    /// Functions of a nested code object get its twin, which later edits will know, and those nested in it theirs.
    fn adopt(
        &self,
        old: &Bound<'py, PyCode>,
        new: &Bound<'py, PyCode>,
        undo: &mut Undo<'py>,
    ) -> PyResult<()> {
        registry::track(new, true);
        for function in registry::functions_of(old) {
            if let Ok(closure) = closure_for(&function, new, self.class.as_ref())? {
                undo.will_exchange(&function)?;
                recode(&function, new, closure.as_ref())?;
            }
        }
        let children = registry::children(old);
        for (old, new) in children.iter().zip(&registry::children(new)) {
            self.adopt(old, new, undo)?;
        }
        Ok(())
    }
}

/// Give a function other code that differs in behaviour, and the docstring that goes with it.
pub(super) fn recode<'py>(
    function: &Bound<'py, PyFunction>,
    code: &Bound<'py, PyCode>,
    closure: Option<&Bound<'py, PyTuple>>,
) -> PyResult<()> {
    let old_code = function.getattr("__code__")?.cast_into::<PyCode>()?;
    let globals = function.getattr("__globals__")?.cast_into::<PyDict>()?;
    let doc = function.getattr("__doc__")?;
    let new_doc = docstring(code, &globals)?;
    let keeps_doc = !doc.eq(docstring(&old_code, &globals)?)?;
    raw::function::set_closure(function, closure)?;
    function.setattr("__code__", code)?;
    if !keeps_doc {
        function.setattr("__doc__", new_doc)?;
    }
    Ok(())
}

/// Give a function the defaults and annotations of another.
pub(super) fn copy_signature(
    from: &Bound<'_, PyFunction>,
    to: &Bound<'_, PyFunction>,
) -> PyResult<()> {
    for name in FUNCTION_ATTRIBUTES {
        if matches!(*name, "__defaults__" | "__kwdefaults__") {
            to.setattr(*name, from.getattr(*name)?)?;
        }
    }
    annotations::copy(from, to)?;
    if from.hasattr("__type_params__")? {
        to.setattr("__type_params__", from.getattr("__type_params__")?)?;
    }
    Ok(())
}

/// The docstring that CPython finds in a code object when it makes a function of it.
fn docstring<'py>(
    code: &Bound<'py, PyCode>,
    globals: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let types = code.py().import("types")?;
    let free = code.getattr("co_freevars")?.len()?;
    let cells: Vec<_> = (0..free)
        .map(|_| types.getattr("CellType")?.call0())
        .collect::<PyResult<_>>()?;
    let closure = PyTuple::new(code.py(), cells)?;
    let none = code.py().None();
    let function = types
        .getattr("FunctionType")?
        .call1((code, globals, &none, &none, closure))?;
    function.getattr("__doc__")
}

/// The cells of a function in the order that new code wants them, or the variable for which it has none.
fn closure_for<'py>(
    function: &Bound<'py, PyFunction>,
    code: &Bound<'py, PyCode>,
    class: Option<&Bound<'py, PyType>>,
) -> PyResult<Result<Option<Bound<'py, PyTuple>>, String>> {
    let wanted: Vec<String> = code.getattr("co_freevars")?.extract()?;
    if wanted.is_empty() {
        return Ok(Ok(None));
    }
    let held: Vec<String> = function
        .getattr("__code__")?
        .getattr("co_freevars")?
        .extract()?;
    let closure = function.getattr("__closure__")?;
    let mut cells = Vec::with_capacity(wanted.len());
    for name in wanted {
        match (held.iter().position(|held| *held == name), class) {
            (Some(position), _) => cells.push(closure.get_item(position)?),
            (None, Some(class)) if name == "__class__" => {
                cells.push(
                    code.py()
                        .import("types")?
                        .getattr("CellType")?
                        .call1((class,))?,
                );
            }
            _ => return Ok(Err(name)),
        }
    }
    Ok(Ok(Some(PyTuple::new(code.py(), cells)?)))
}

/// Give a code object, and those nested in it, the lines of a version that does the same.
fn reposition<'py>(
    old: &Bound<'py, PyCode>,
    new: &Bound<'py, PyCode>,
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let first = raw::code::first_line(old);
    let table = new.getattr("co_linetable")?.cast_into::<PyBytes>()?;
    raw::code::set_first_line(old, raw::code::first_line(new));
    let former = raw::code::swap_line_table(old, table);
    undo.has_moved(old, first, Some(former));
    for (old, new) in registry::children(old).iter().zip(&registry::children(new)) {
        reposition(old, new, undo)?;
    }
    Ok(())
}

/// Move a code object, and those nested in it, by some lines.
pub(super) fn shift<'py>(code: &Bound<'py, PyCode>, by: i64, undo: &mut Undo<'py>) -> PyResult<()> {
    let first = raw::code::first_line(code);
    undo.has_moved(code, first, None);
    raw::code::set_first_line(code, i32::try_from(i64::from(first) + by).unwrap_or(first));
    for child in registry::children(code) {
        shift(&child, by, undo)?;
    }
    Ok(())
}
