//! Code objects: the two fields that hold their lines, which Python only lets one copy.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode};

/// The fields up to the last that is used here; what CPython calls `_PyCode_DEF`.
#[repr(C)]
#[cfg(not(Py_3_12))]
struct Layout {
    ob_base: ffi::PyVarObject,
    _consts_names_exceptiontable: [*mut ffi::PyObject; 3],
    _flags: i32,
    _warmup_and_entry_size: [i16; 2],
    _argcounts_and_stacksize: [i32; 4],
    co_firstlineno: i32,
    _locals: [i32; 5],
    _names: [*mut ffi::PyObject; 5],
    co_linetable: *mut ffi::PyObject,
}

/// The fields up to the last that is used here; what CPython calls `_PyCode_DEF`.
#[repr(C)]
#[cfg(Py_3_12)]
struct Layout {
    ob_base: ffi::PyVarObject,
    _consts_names_exceptiontable: [*mut ffi::PyObject; 3],
    _flags: i32,
    _argcounts_and_stacksize: [i32; 4],
    co_firstlineno: i32,
    _locals_and_version: [i32; 6],
    _names: [*mut ffi::PyObject; 5],
    co_linetable: *mut ffi::PyObject,
}

fn layout(code: &Bound<'_, PyCode>) -> *mut Layout {
    code.as_ptr().cast()
}

/// Fail unless this interpreter's code objects are laid out as this build believes.
pub(crate) fn check_layout(py: Python<'_>) -> PyResult<()> {
    let source = "\n\ndef probe(): pass";
    let builtins = py.import("builtins")?;
    let module = builtins.call_method1("compile", (source, "probe", "exec"))?;
    for constant in module.getattr("co_consts")?.try_iter()? {
        if let Ok(code) = constant?.cast_into::<PyCode>() {
            // SAFETY: reads two fields of a live code object, which is larger than `Layout`.
            let (line, table) = unsafe {
                (
                    (*layout(&code)).co_firstlineno,
                    (*layout(&code)).co_linetable,
                )
            };
            let is_as_believed = line == 3 && code.getattr("co_linetable")?.as_ptr() == table;
            if is_as_believed {
                return Ok(());
            }
        }
    }
    Err(PyImportError::new_err(
        "this build of relive is for another CPython: reinstall relive with this interpreter",
    ))
}

/// The line on which the code begins.
pub(crate) fn first_line(code: &Bound<'_, PyCode>) -> i32 {
    // SAFETY: a live code object, laid out as `check_layout` has verified at import.
    unsafe { (*layout(code)).co_firstlineno }
}

/// Make the code begin on another line, in every frame and generator that executes it too.
pub(crate) fn set_first_line(code: &Bound<'_, PyCode>, line: i32) {
    // SAFETY: as above; the field is a plain integer that the interpreter reads under the GIL, which we hold.
    unsafe { (*layout(code)).co_firstlineno = line }
}

/// Replace the table that maps instructions to lines, and return the former one.
///
/// The instructions must be those that the new table describes.
pub(crate) fn swap_line_table<'py>(
    code: &Bound<'py, PyCode>,
    table: Bound<'py, PyBytes>,
) -> Bound<'py, PyBytes> {
    // SAFETY: the field owns a reference to a bytes object; ours moves in, the former moves out to the caller.
    unsafe {
        let former = std::mem::replace(&mut (*layout(code)).co_linetable, table.into_ptr());
        Bound::from_owned_ptr(code.py(), former).cast_into_unchecked()
    }
}
