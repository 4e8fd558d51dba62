//! The state of a thread: how deep its calls are nested, which CPython tells nobody.

use pyo3::ffi;
use pyo3::prelude::*;

/// The fields up to the last that is used here; what CPython calls `_ts`.
#[repr(C)]
struct Layout {
    _links: [*mut ffi::PyObject; 3],
    #[cfg(Py_3_13)]
    _eval_breaker: usize,
    _status: u32,
    #[cfg(Py_3_14)]
    _holds_gil: i32,
    #[cfg(Py_3_15)]
    _gil_requested: i32,
    #[cfg(Py_3_13)]
    _whence_and_state: [i32; 2],
    recursion_remaining: i32,
    recursion_limit: i32,
}

/// How many frames of Python functions are on the stack of this thread; 0 if this interpreter does not let us know.
pub(crate) fn depth(_: Python<'_>) -> u32 {
    // SAFETY: attached, as the token says; a state is larger than `Layout`.
    let (remaining, limit) = unsafe {
        let layout = &*ffi::PyThreadState_Get().cast::<Layout>();
        (layout.recursion_remaining, layout.recursion_limit)
    };
    // SAFETY: attached.
    if limit != unsafe { ffi::Py_GetRecursionLimit() } {
        return 0;
    }
    u32::try_from(limit.saturating_sub(remaining)).unwrap_or_default()
}
