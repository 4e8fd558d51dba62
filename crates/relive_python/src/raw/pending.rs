//! Calls that the main thread makes at its next safe point.

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;

extern "C" fn callback(_: *mut c_void) -> c_int {
    // SAFETY: CPython makes pending calls on the main thread, attached and between two bytecodes.
    let py = unsafe { Python::assume_attached() };
    crate::auto::on_main_thread(py);
    0
}

/// Have the main thread call `auto::on_main_thread` soon. False if too many calls are pending: try again later.
pub(crate) fn ask_main_thread() -> bool {
    // SAFETY: needs no attached thread; the callback lives as long as the process, and takes no argument.
    unsafe { ffi::Py_AddPendingCall(Some(callback), std::ptr::null_mut()) == 0 }
}
