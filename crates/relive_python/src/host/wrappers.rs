//! What decorators of the standard library keep of a function: `functools.wraps` copies attributes of it, and
//! `functools.lru_cache` its results. Both are brought up to date when the function is.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyString, PyType};

use super::undo::{FUNCTION_ATTRIBUTES, Undo};

/// Refresh the wrappers that a module binds, and its classes.
pub(super) fn refresh<'py>(
    module: &str,
    namespace: &Bound<'py, PyDict>,
    changed: &[Bound<'py, PyFunction>],
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    for value in namespace.values() {
        refresh_chain(&value, changed, undo)?;
        if let Ok(class) = value.cast::<PyType>()
            && is_of(class, module, namespace)?
        {
            refresh_class(class, changed, undo)?;
        }
    }
    Ok(())
}

/// Whether a module defines a class, which may say that it is another's.
fn is_of(class: &Bound<'_, PyType>, module: &str, namespace: &Bound<'_, PyDict>) -> PyResult<bool> {
    if class.getattr("__module__")?.eq(module)? {
        return Ok(true);
    }
    let members = class.getattr("__dict__")?.call_method0("values")?;
    for member in members.try_iter()? {
        let member = member?;
        let inner = ["fget", "__func__"].map(|part| member.getattr(part).ok());
        let objects = [Some(member), inner[0].clone(), inner[1].clone()];
        for object in objects.into_iter().flatten() {
            if let Ok(function) = object.cast::<PyFunction>() {
                return Ok(function.getattr("__globals__")?.is(namespace));
            }
        }
    }
    Ok(false)
}

fn refresh_class<'py>(
    class: &Bound<'py, PyType>,
    changed: &[Bound<'py, PyFunction>],
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    for member in class
        .getattr("__dict__")?
        .call_method0("values")?
        .try_iter()?
    {
        let member = member?;
        if member.is_exact_instance_of::<PyString>() || member.is_none() {
            continue;
        }
        refresh_chain(&member, changed, undo)?;
        if member.is_instance_of::<PyFunction>() || is_slot(&member) {
            continue;
        }
        for part in ["__func__", "fget", "fset", "fdel", "func"] {
            if let Ok(Some(inner)) = member.getattr_opt(part) {
                refresh_chain(&inner, changed, undo)?;
                // A property has the docstring of its getter.
                let is_described_by_it = !matches!(part, "fset" | "fdel");
                if let Ok(function) = inner.cast::<PyFunction>()
                    && is_described_by_it
                    && changed.iter().any(|changed| changed.is(function))
                {
                    undo.copy_changes(function, &member)?;
                }
            }
        }
        if let Ok(nested) = member.cast::<PyType>()
            && nested.getattr("__qualname__")?.eq(format!(
                "{}.{}",
                class.qualname()?,
                nested.name()?
            ))?
        {
            refresh_class(nested, changed, undo)?;
        }
    }
    Ok(())
}

/// Whether a member is `__dict__`, `__weakref__` or one of `__slots__`.
fn is_slot(member: &Bound<'_, PyAny>) -> bool {
    // SAFETY: compares the type of a live object with two that are never destroyed.
    unsafe {
        let is_of = |class| ffi::Py_TYPE(member.as_ptr()) == class;
        is_of(&raw mut ffi::PyGetSetDescr_Type) || is_of(&raw mut ffi::PyMemberDescr_Type)
    }
}

/// Refresh a chain of wrappers, from the one bound to the one next to the function.
fn refresh_chain<'py>(
    outermost: &Bound<'py, PyAny>,
    changed: &[Bound<'py, PyFunction>],
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let mut chain = Vec::new();
    let mut inner = outermost.clone();
    while let Some(wrapped) = wrapped(&inner)?.filter(|_| chain.len() < 100) {
        chain.push(inner);
        inner = wrapped;
    }
    let Ok(function) = inner.cast::<PyFunction>() else {
        return Ok(());
    };
    if chain.is_empty() || !changed.iter().any(|changed| changed.is(function)) {
        return Ok(());
    }
    for wrapper in &chain {
        if wrapper.hasattr("cache_clear")? {
            wrapper.call_method0("cache_clear")?;
        }
        undo.copy_changes(function, wrapper)?;
    }
    Ok(())
}

/// What a wrapper of the standard library wraps, if the value is one.
fn wrapped<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_instance_of::<PyFunction>() || value.get_type().name()? == "_lru_cache_wrapper" {
        return value.getattr_opt("__wrapped__");
    }
    Ok(None)
}

/// The attributes that `functools.wraps` copies, among those that an exchange may replace.
pub(super) fn copied_attributes() -> impl Iterator<Item = (usize, &'static str)> {
    let attributes = FUNCTION_ATTRIBUTES.iter().copied().enumerate();
    attributes.filter(|(_, name)| !name.ends_with("defaults__"))
}
