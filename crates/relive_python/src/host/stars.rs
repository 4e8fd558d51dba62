//! What `from module import *` has bound, kept up to date.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::loaded;
use super::undo::Undo;

/// The names that `from module import *` takes from a namespace, with their values.
pub(super) fn exports<'py>(namespace: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let exported = PyDict::new(namespace.py());
    match namespace.get_item("__all__")? {
        Some(names) => {
            for name in names.try_iter()? {
                let name = name?;
                if let Some(value) = namespace.get_item(&name)? {
                    exported.set_item(name, value)?;
                }
            }
        }
        None => {
            for (name, value) in namespace.iter() {
                if !name.extract::<String>()?.starts_with('_') {
                    exported.set_item(name, value)?;
                }
            }
        }
    }
    Ok(exported)
}

/// Make the copies in `importer` of what `exporter` exported `before` those of what it exports now.
pub(super) fn follow<'py>(
    before: &Bound<'py, PyDict>,
    exporter: &str,
    importer: &str,
    hidden: &[String],
    bound: &[String],
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    let py = before.py();
    let (Some(exporter), Some(importer)) = (loaded(py, exporter)?, loaded(py, importer)?) else {
        return Ok(());
    };
    let (after, names) = (exports(&exporter.dict())?, importer.dict());
    undo.will_execute_in(&names)?;
    for (name, value) in after.iter() {
        if hidden.contains(&name.extract()?) {
            continue;
        }
        let held = names.get_item(&name)?;
        let is_copy = match (&held, before.get_item(&name)?) {
            (None, _) => true,
            (Some(held), Some(before)) => held.is(&before),
            (Some(_), None) => false,
        };
        if is_copy && held.is_none_or(|held| !held.is(&value)) {
            names.set_item(name, value)?;
        }
    }
    for (name, value) in before.iter() {
        if !after.contains(&name)? {
            unbind_copy(&names, &name, &value, bound)?;
        }
    }
    Ok(())
}

/// Unbind the copies of what was exported `before`, whose import is gone.
pub(super) fn drop<'py>(
    before: &Bound<'py, PyDict>,
    names: &Bound<'py, PyDict>,
    bound: &[String],
    undo: &mut Undo<'py>,
) -> PyResult<()> {
    undo.will_execute_in(names)?;
    for (name, value) in before.iter() {
        unbind_copy(names, &name, &value, bound)?;
    }
    Ok(())
}

fn unbind_copy(
    names: &Bound<'_, PyDict>,
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    bound: &[String],
) -> PyResult<()> {
    let is_copy = names.get_item(name)?.is_some_and(|held| held.is(value));
    if is_copy && !bound.contains(&name.extract()?) {
        names.del_item(name)?;
    }
    Ok(())
}
