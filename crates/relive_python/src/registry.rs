//! Which live functions carry a code object of a live module.
//!
//! On CPython 3.12+ a function watcher keeps it current, so that finding the functions of an edit costs nothing per
//! function in the process; before that, a walk over the heap does, and what it finds is held until [`release`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction};

use crate::raw;
#[cfg(Py_3_12)]
use crate::raw::watcher::FunctionEvent;

/// Protects the registry from nothing but the type system: it is only used with the GIL held, and no Python code runs
/// while it is locked.
static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

#[derive(Default)]
struct Registry {
    /// Hashes of the names of the files that live code comes from.
    files: HashSet<isize, Scattered>,
    /// Addresses of functions with code from these files, by the address of their code, which they keep alive.
    functions: HashMap<usize, Functions, Scattered>,
    /// Functions may exist that were made before their file was tracked.
    needs_scan: bool,
    #[cfg(Py_3_12)]
    watcher: Option<i32>,
    /// What the last scan found: without a watcher nothing tells when a function is destroyed.
    #[cfg(not(Py_3_12))]
    held: Vec<Py<PyFunction>>,
}

/// The addresses of the functions of one code object: for most there is one.
enum Functions {
    One(usize),
    Many(HashSet<usize, Scattered>),
}

impl Registry {
    fn add(&mut self, function: usize, code: usize, file: isize) {
        if !self.files.contains(&file) {
            return;
        }
        match self.functions.entry(code) {
            Entry::Vacant(entry) => {
                entry.insert(Functions::One(function));
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                Functions::One(first) if *first == function => {}
                Functions::One(first) => {
                    let both = HashSet::from_iter([*first, function]);
                    entry.insert(Functions::Many(both));
                }
                Functions::Many(functions) => {
                    functions.insert(function);
                }
            },
        }
    }

    #[cfg(Py_3_12)]
    fn remove(&mut self, function: usize, code: usize) {
        let Entry::Occupied(mut entry) = self.functions.entry(code) else {
            return;
        };
        let is_last = match entry.get_mut() {
            Functions::One(only) => *only == function,
            Functions::Many(functions) => functions.remove(&function) && functions.is_empty(),
        };
        if is_last {
            entry.remove();
        }
    }
}

/// A hasher for addresses and hashes: they need not be made random, only be scattered. The watcher looks them up each
/// time a function is made.
#[derive(Default)]
struct Scatter(u64);

type Scattered = BuildHasherDefault<Scatter>;

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = number as u64;
    }

    fn finish(&self) -> u64 {
        // The golden ratio spreads the low bits, which are equal in all addresses, over the high ones.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
    }
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
        needs_scan: cfg!(not(Py_3_12)),
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

/// Track the functions made of code from the file of this code; `is_new` if none can have been made yet.
pub(crate) fn track(code: &Bound<'_, PyCode>, is_new: bool) {
    if let Some(registry) = registry().as_mut() {
        registry.files.insert(raw::code::file_hash(code));
        registry.needs_scan |= !is_new;
    }
}

/// The code objects directly nested in a code object.
pub(crate) fn children<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyCode>> {
    let constants = raw::code::constants(code);
    let codes = constants.iter_borrowed();
    let codes = codes.filter_map(|constant| Some(constant.cast::<PyCode>().ok()?.to_owned()));
    codes.collect()
}

/// Take note that code was run, which may have made functions.
pub(crate) fn code_was_run() {
    #[cfg(not(Py_3_12))]
    if let Some(registry) = registry().as_mut() {
        registry.needs_scan = true;
    }
}

/// Bring the registry up to date where no watcher has done so.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    if registry()
        .as_ref()
        .is_none_or(|registry| !registry.needs_scan)
    {
        return Ok(());
    }
    // Before the scan: what is destroyed by it may run the program's code.
    release();
    let mut found = Vec::new();
    raw::heap::for_each(py, |object| {
        if let Ok(function) = object.cast::<PyFunction>() {
            found.push(function.clone());
        }
    })?;
    // What the watcher has reported stays: a scan does not see what `gc.freeze` has put aside.
    if let Some(registry) = registry().as_mut() {
        for function in found {
            let code = raw::function::code(&function);
            let (address, file) = (function.as_ptr() as usize, raw::code::file_hash(&code));
            registry.add(address, code.as_ptr() as usize, file);
            #[cfg(not(Py_3_12))]
            if registry.files.contains(&file) {
                registry.held.push(function.unbind());
            }
        }
        registry.needs_scan = false;
    }
    Ok(())
}

/// Let go of what a scan has found: from here on functions may be destroyed again without notice.
pub(crate) fn release() {
    #[cfg(not(Py_3_12))]
    {
        let held = registry().as_mut().map(|registry| {
            registry.functions.clear();
            registry.needs_scan = true;
            std::mem::take(&mut registry.held)
        });
        // Destroying a function may run the program's code, which must not find the registry locked.
        drop(held);
    }
}

/// The live functions that carry the code; [`refresh`] first.
pub(crate) fn functions_of<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyFunction>> {
    let addresses: Vec<usize> = registry()
        .as_ref()
        .and_then(|registry| registry.functions.get(&(code.as_ptr() as usize)))
        .map(|functions| match functions {
            Functions::One(function) => vec![*function],
            Functions::Many(functions) => functions.iter().copied().collect(),
        })
        .unwrap_or_default();
    let is_still = |function: &Bound<'py, PyFunction>| raw::function::code(function).is(code);
    addresses
        .into_iter()
        .map(|address| {
            // SAFETY: a function leaves the registry before it is destroyed (3.12+), or the registry holds it.
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
    match *event {
        FunctionEvent::Created { code, file } => registry.add(function, code, file),
        FunctionEvent::Destroyed { code } => registry.remove(function, code),
        FunctionEvent::Recoded { from, to, file } => {
            registry.remove(function, from);
            registry.add(function, to, file);
        }
    }
}
