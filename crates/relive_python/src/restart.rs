//! Calls of live functions that can be made again: with the arguments that they were made with, and the newest code.

use pyo3::exceptions::PyBaseException;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::hold;

/// What unwinds to a call that is to be made again: the one that this frame made, None for the thread's first.
#[pyclass(extends = PyBaseException, subclass, module = "relive", frozen)]
pub(crate) struct Restart {
    caller: Option<Py<PyAny>>,
    /// Has `has_begun` set when the call is made again.
    told: Option<Py<PyAny>>,
}

#[pymethods]
impl Restart {
    #[new]
    #[pyo3(signature = (caller, told = None))]
    fn new(caller: Option<Py<PyAny>>, told: Option<Py<PyAny>>) -> Self {
        Self { caller, told }
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
    let restart = py.get_type::<Restart>();
    // SAFETY: two live classes.
    if unsafe { ffi::PyErr_GivenExceptionMatches(kind, restart.as_ptr()) } == 0 {
        return false;
    }
    let error = PyErr::fetch(py);
    let restart = error.value(py).cast::<Restart>();
    let is_meant = restart.as_ref().is_ok_and(|restart| {
        let caller = restart.get().caller.as_ref().map(|caller| caller.as_ptr());
        // SAFETY: the frame that runs on this thread, borrowed. A frame has made one call at a time.
        let here = unsafe { ffi::PyEval_GetFrame() };
        caller.unwrap_or(std::ptr::null_mut()) == here.cast()
    });
    match restart {
        Ok(restart) if is_meant => {
            if let Some(told) = &restart.get().told {
                // Nobody but us hands anything over here.
                let _ = told.setattr(py, "has_begun", true);
            }
        }
        _ => error.restore(py),
    }
    is_meant
}
