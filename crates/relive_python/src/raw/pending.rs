//! Calls that the main thread makes at its next safe point.

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;

unsafe extern "C" {
    // PyO3 does not declare it.
    static mut PyOS_InputHook: Option<extern "C" fn() -> c_int>;
}

extern "C" fn callback(_: *mut c_void) -> c_int {
    // SAFETY: CPython makes pending calls on the main thread, attached and between two bytecodes.
    let py = unsafe { Python::assume_attached() };
    crate::auto::on_main_thread(py);
    0
}

/// While Python reads a line from a terminal, its main thread makes no pending calls. But it calls this, several times a
/// second.
extern "C" fn reading() -> c_int {
    if crate::auto::is_main_thread_asked() {
        // SAFETY: the thread has a state, and CPython has let go of it. PyO3 would take it for attached still.
        let state = unsafe { ffi::PyGILState_Ensure() };
        callback(std::ptr::null_mut());
        // SAFETY: as above; it is that of this call.
        unsafe { ffi::PyGILState_Release(state) };
    }
    0
}

/// Have pending calls made while `read` reads a line from a terminal. Somebody else's hook is left in its place.
pub(crate) fn during<T>(read: impl FnOnce() -> T) -> T {
    let hook = &raw mut PyOS_InputHook;
    // SAFETY: CPython calls the hook on the thread that reads a line. Whoever sets it is attached, as we are.
    let is_ours = unsafe { hook.read() }.is_none();
    if is_ours {
        // SAFETY: as above.
        unsafe { hook.write(Some(reading)) };
    }
    let line = read();
    if is_ours {
        // SAFETY: as above.
        unsafe { hook.write(None) };
    }
    line
}

/// Have the main thread call `auto::on_main_thread` soon. False if too many calls are pending: try again later.
pub(crate) fn ask_main_thread() -> bool {
    // SAFETY: needs no attached thread; the callback lives as long as the process, and takes no argument.
    unsafe { ffi::Py_AddPendingCall(Some(callback), std::ptr::null_mut()) == 0 }
}
