//! Generators, whose values Rust's iterators do not tell.

use pyo3::exceptions::PyStopIteration;
use pyo3::ffi;
use pyo3::prelude::*;

/// What an iterable yields next, as `next()` says it: StopIteration has what a generator returns.
pub(crate) fn next<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = iterable.py();
    let iterator = iterable.try_iter()?;
    let mut result = std::ptr::null_mut();
    // SAFETY: two live objects and a place for a reference, which is ours then.
    let (sent, result) = unsafe {
        let sent = ffi::PyIter_Send(iterator.as_ptr(), ffi::Py_None(), &raw mut result);
        (sent, Bound::from_owned_ptr_or_opt(py, result))
    };
    match (sent, result) {
        (ffi::PySendResult::PYGEN_NEXT, Some(item)) => Ok(item),
        (ffi::PySendResult::PYGEN_RETURN, Some(value)) => {
            Err(PyStopIteration::new_err((value.unbind(),)))
        }
        _ => Err(PyErr::fetch(py)),
    }
}
