//! Calls of live functions that can be made again: with the arguments that they were made with, and the newest code.

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::hold;

/// What unwinds to a call that is to be made again: the one that this frame made, None for the thread's first.
#[pyclass(extends = PyBaseException, module = "relive", frozen)]
pub(crate) struct Restart {
    caller: Option<Py<PyAny>>,
}

#[pymethods]
impl Restart {
    #[new]
    fn new(caller: Option<Py<PyAny>>, message: &str) -> Self {
        // It is an argument of the exception, as of any other.
        let _ = message;
        Self { caller }
    }
}

/// What becomes of a call that came back with an exception.
pub(crate) enum After {
    /// The exception goes on: it is set.
    Raise,
    /// The call is made again. No exception is set any more.
    Again,
    /// This is returned instead. No exception is set any more.
    Return(Py<PyAny>),
}

/// Decide on a call that came back with an exception, which is set, to the frame that runs now.
pub(crate) fn came_back(py: Python<'_>) -> After {
    if begins_anew(py) {
        return After::Again;
    }
    hold::decide(py)
}

/// Whether the exception that is set asks for this very call to be made again. If so, none is set any more.
fn begins_anew(py: Python<'_>) -> bool {
    // SAFETY: an attached thread; the type is borrowed from the exception that is set.
    let kind = unsafe { ffi::PyErr_Occurred() };
    if kind != py.get_type::<Restart>().as_ptr().cast() {
        return false;
    }
    let error = PyErr::fetch(py);
    let restart = error.value(py).cast::<Restart>();
    let is_meant = restart.is_ok_and(|restart| {
        let caller = restart.get().caller.as_ref().map(|caller| caller.as_ptr());
        // SAFETY: the frame that runs on this thread, borrowed. A frame has made one call at a time.
        let here = unsafe { ffi::PyEval_GetFrame() };
        caller.unwrap_or(std::ptr::null_mut()) == here.cast()
    });
    if !is_meant {
        error.restore(py);
    }
    is_meant
}
