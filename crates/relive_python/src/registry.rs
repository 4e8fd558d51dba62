//! Which live functions carry a code object of a live module.
//!
//! On CPython 3.12+ a function watcher keeps it current, so that finding the functions of an edit costs nothing per
//! function in the process; before that, one walk over the heap per update does.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction, PyTuple};

use crate::raw;
#[cfg(Py_3_12)]
use crate::raw::watcher::FunctionEvent;

/// Protects the registry from nothing but the type system: it is only used with the GIL held, and no Python code runs
/// while it is locked.
static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

#[derive(Default)]
struct Registry {
    /// Addresses of functions by the address of their code. Every tracked code has an entry.
    functions: HashMap<usize, HashSet<usize>>,
    /// Keeps tracked code alive, so that an address means one code object for ever.
    codes: Vec<Py<PyCode>>,
    /// Functions may exist that were made before their code was tracked.
    needs_scan: bool,
    #[cfg(Py_3_12)]
    watcher: Option<i32>,
}

fn registry() -> MutexGuard<'static, Option<Registry>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begin to keep track of functions.
pub(crate) fn open(py: Python<'_>) -> PyResult<()> {
    if registry().is_some() {
        return Ok(());
    }
    #[cfg(Py_3_12)]
    let watcher = Some(raw::watcher::install(py)?);
    #[cfg(not(Py_3_12))]
    let _ = py;
    *registry() = Some(Registry {
        #[cfg(Py_3_12)]
        watcher,
        ..Registry::default()
    });
    Ok(())
}

/// Forget everything.
pub(crate) fn close(py: Python<'_>) {
    let Some(closed) = registry().take() else {
        return;
    };
    #[cfg(Py_3_12)]
    if let Some(watcher) = closed.watcher {
        raw::watcher::remove(py, watcher);
    }
    #[cfg(not(Py_3_12))]
    let _ = py;
    drop(closed);
}

/// Track a code object and all that are nested in it; `is_new` if no function can have been made of it yet.
pub(crate) fn track(code: &Bound<'_, PyCode>, is_new: bool) -> PyResult<()> {
    let mut waiting = vec![code.clone()];
    while let Some(code) = waiting.pop() {
        waiting.extend(children(&code)?);
        if let Some(registry) = registry().as_mut()
            && !registry.functions.contains_key(&(code.as_ptr() as usize))
        {
            registry
                .functions
                .insert(code.as_ptr() as usize, HashSet::new());
            registry.codes.push(code.clone().unbind());
            registry.needs_scan |= !is_new;
        }
    }
    Ok(())
}

/// The code objects directly nested in a code object.
pub(crate) fn children<'py>(code: &Bound<'py, PyCode>) -> PyResult<Vec<Bound<'py, PyCode>>> {
    let constants = code.getattr("co_consts")?.cast_into::<PyTuple>()?;
    Ok(constants
        .iter()
        .filter_map(|constant| constant.cast_into::<PyCode>().ok())
        .collect())
}

/// Bring the registry up to date where no watcher has done so.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    let is_current = registry()
        .as_ref()
        .is_none_or(|registry| cfg!(Py_3_12) && !registry.needs_scan);
    if is_current {
        return Ok(());
    }
    let mut found: Vec<(usize, usize)> = Vec::new();
    raw::heap::for_each(py, |object| {
        if let Ok(function) = object.cast::<PyFunction>() {
            found.push((
                raw::function::code_address(function),
                function.as_ptr() as usize,
            ));
        }
    })?;
    if let Some(registry) = registry().as_mut() {
        if cfg!(not(Py_3_12)) {
            registry.functions.values_mut().for_each(HashSet::clear);
        }
        for (code, function) in found {
            if let Some(functions) = registry.functions.get_mut(&code) {
                functions.insert(function);
            }
        }
        registry.needs_scan = false;
    }
    Ok(())
}

/// The live functions that carry the code; [`refresh`] first.
pub(crate) fn functions_of<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyFunction>> {
    let addresses: Vec<usize> = registry()
        .as_ref()
        .and_then(|registry| registry.functions.get(&(code.as_ptr() as usize)))
        .map(|functions| functions.iter().copied().collect())
        .unwrap_or_default();
    let is_still = |function: &Bound<'py, PyFunction>| {
        raw::function::code_address(function) == code.as_ptr() as usize
    };
    addresses
        .into_iter()
        .map(|address| {
            // SAFETY: a function leaves the registry before it is destroyed (3.12+), or was found alive by a scan
            // since when, the GIL held, nothing of what that scan saw has been dropped.
            unsafe {
                Bound::from_borrowed_ptr(code.py(), address as *mut ffi::PyObject)
                    .cast_into_unchecked::<PyFunction>()
            }
        })
        .filter(is_still)
        .collect()
}

/// Take note of what the watcher reports. Called from within CPython's allocation of functions: no Python code here.
#[cfg(Py_3_12)]
pub(crate) fn notice(function: usize, event: &FunctionEvent) {
    let Ok(mut registry) = REGISTRY.try_lock() else {
        return;
    };
    let Some(registry) = registry.as_mut() else {
        return;
    };
    let mut set = |code: usize, is_in: bool| {
        if let Some(functions) = registry.functions.get_mut(&code) {
            if is_in {
                functions.insert(function);
            } else {
                functions.remove(&function);
            }
        }
    };
    match *event {
        FunctionEvent::Created { code } => set(code, true),
        FunctionEvent::Destroyed { code } => set(code, false),
        FunctionEvent::Recoded { from, to } => {
            set(from, false);
            set(to, true);
        }
    }
}
