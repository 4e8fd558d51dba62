//! Function objects: the closure, which Python does not let one assign, and the code.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction, PyTuple};

/// Replace the closure of a function. Its code must be replaced by code with as many free variables before it runs.
pub(crate) fn set_closure(
    function: &Bound<'_, PyFunction>,
    closure: Option<&Bound<'_, PyTuple>>,
) -> PyResult<()> {
    let none = function.py().None();
    let closure = closure.map_or(none.as_ptr(), Bound::as_ptr);
    // SAFETY: both are live objects of the types that the call expects; it takes its own references.
    let status = unsafe { ffi::PyFunction_SetClosure(function.as_ptr(), closure) };
    if status == 0 {
        Ok(())
    } else {
        Err(PyErr::fetch(function.py()))
    }
}

/// The code object of a function, without the attribute look-up that an audit hook may see.
pub(crate) fn code<'a, 'py>(function: &'a Bound<'py, PyFunction>) -> Borrowed<'a, 'py, PyCode> {
    // SAFETY: returns a borrowed pointer to a code object, which the function holds.
    unsafe {
        let code = ffi::PyFunction_GetCode(function.as_ptr());
        Borrowed::from_ptr(function.py(), code).cast_unchecked()
    }
}
