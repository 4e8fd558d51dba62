//! CPython's function watcher (3.12+): it reports every function created, changed and destroyed.

use std::ffi::c_int;

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;

/// What happened to a function.
pub(crate) enum FunctionEvent {
    /// It was created with the code at this address, from the file of this hash.
    Created { code: usize, file: isize },
    /// Its code is about to be replaced by code from the file of this hash.
    Recoded { from: usize, to: usize, file: isize },
    /// It is about to be destroyed.
    Destroyed { code: usize },
}

type RawCallback =
    extern "C" fn(event: c_int, function: *mut ffi::PyObject, new: *mut ffi::PyObject) -> c_int;

const CREATE: c_int = 0;
const DESTROY: c_int = 1;
const MODIFY_CODE: c_int = 2;

unsafe extern "C" {
    fn PyFunction_AddWatcher(callback: RawCallback) -> c_int;
    fn PyFunction_ClearWatcher(watcher: c_int) -> c_int;
}

extern "C" fn callback(
    event: c_int,
    function: *mut ffi::PyObject,
    new: *mut ffi::PyObject,
) -> c_int {
    // SAFETY: CPython hands us a function object that is at least intact enough to have its code read.
    let code = unsafe { ffi::PyFunction_GetCode(function) };
    let file_hash = |code: *mut ffi::PyObject| {
        // SAFETY: CPython reports with the GIL held; this is the code of the function, or will be.
        let code = unsafe { Borrowed::from_ptr(Python::assume_attached(), code).cast_unchecked() };
        super::code::file_hash(&code)
    };
    let event = match event {
        CREATE => FunctionEvent::Created {
            code: code as usize,
            file: file_hash(code),
        },
        DESTROY => FunctionEvent::Destroyed {
            code: code as usize,
        },
        MODIFY_CODE => FunctionEvent::Recoded {
            from: code as usize,
            to: new as usize,
            file: file_hash(new),
        },
        _ => return 0,
    };
    let is_live = crate::registry::notice(function as usize, &event);
    let code = match event {
        FunctionEvent::Created { .. } => code,
        FunctionEvent::Recoded { .. } => new,
        FunctionEvent::Destroyed { .. } => return 0,
    };
    if is_live {
        // SAFETY: a function and the code that it has from now on, with the GIL held.
        let (function, code) = unsafe {
            let py = Python::assume_attached();
            let code = Borrowed::from_ptr(py, code).cast_unchecked();
            (Borrowed::from_ptr(py, function).cast_unchecked(), code)
        };
        super::vectorcall::arm(&function, &code);
    }
    0
}

/// Begin to report functions to the registry.
pub(crate) fn install(py: Python<'_>) -> PyResult<c_int> {
    // SAFETY: the callback lives as long as the process.
    let watcher = unsafe { PyFunction_AddWatcher(callback) };
    if watcher < 0 {
        return Err(PyErr::fetch(py));
    }
    Ok(watcher)
}

/// Stop reporting.
pub(crate) fn remove(py: Python<'_>, watcher: c_int) {
    // SAFETY: `watcher` is one that `install` returned; an error is only an exception to be dropped.
    if unsafe { PyFunction_ClearWatcher(watcher) } != 0 {
        drop(PyErr::take(py));
    }
}
