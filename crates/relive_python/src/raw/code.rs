//! Code objects: the two fields that hold their lines, which Python only lets one copy, and some that are read often.

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCode, PyString, PyTuple};

/// The fields up to the last that is used here; what CPython calls `_PyCode_DEF`.
#[repr(C)]
#[cfg(not(Py_3_12))]
struct Layout {
    ob_base: ffi::PyVarObject,
    co_consts: *mut ffi::PyObject,
    _names_exceptiontable: [*mut ffi::PyObject; 2],
    co_flags: i32,
    _warmup_and_entry_size: [i16; 2],
    _argcounts_and_stacksize: [i32; 4],
    co_firstlineno: i32,
    _locals: [i32; 5],
    _locals_names_and_kinds: [*mut ffi::PyObject; 2],
    co_filename: *mut ffi::PyObject,
    co_name: *mut ffi::PyObject,
    _qualname: *mut ffi::PyObject,
    co_linetable: *mut ffi::PyObject,
}

/// The fields up to the last that is used here; what CPython calls `_PyCode_DEF`.
#[repr(C)]
#[cfg(Py_3_12)]
struct Layout {
    ob_base: ffi::PyVarObject,
    co_consts: *mut ffi::PyObject,
    _names_exceptiontable: [*mut ffi::PyObject; 2],
    co_flags: i32,
    _argcounts_and_stacksize: [i32; 4],
    co_firstlineno: i32,
    _locals_and_version: [i32; 6],
    _locals_names_and_kinds: [*mut ffi::PyObject; 2],
    co_filename: *mut ffi::PyObject,
    co_name: *mut ffi::PyObject,
    _qualname: *mut ffi::PyObject,
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
            // SAFETY: reads fields of a live code object, which is larger than `Layout`.
            let (numbers, objects) = unsafe {
                let layout = &*layout(&code);
                let objects = [
                    ("co_consts", layout.co_consts),
                    ("co_filename", layout.co_filename),
                    ("co_name", layout.co_name),
                    ("co_linetable", layout.co_linetable),
                ];
                ((layout.co_firstlineno, layout.co_flags), objects)
            };
            let mut is_as_believed = numbers == (3, code.getattr("co_flags")?.extract()?);
            for (name, object) in objects {
                is_as_believed &= code.getattr(name)?.as_ptr() == object;
            }
            if is_as_believed {
                return Ok(());
            }
        }
    }
    Err(PyImportError::new_err(
        "this build of relive is for another CPython: reinstall relive with this interpreter",
    ))
}

/// The constants of the code.
pub(crate) fn constants<'py>(code: &Bound<'py, PyCode>) -> Bound<'py, PyTuple> {
    // SAFETY: a live code object, laid out as `check_layout` has verified at import; the field owns a tuple.
    unsafe { Bound::from_borrowed_ptr(code.py(), (*layout(code)).co_consts).cast_into_unchecked() }
}

/// The name of what the code defines.
pub(crate) fn name<'py>(code: &Bound<'py, PyCode>) -> Bound<'py, PyString> {
    // SAFETY: as above; the field owns a string.
    unsafe { Bound::from_borrowed_ptr(code.py(), (*layout(code)).co_name).cast_into_unchecked() }
}

/// `co_flags`.
pub(crate) fn flags(code: &Bound<'_, PyCode>) -> i32 {
    // SAFETY: as above.
    unsafe { (*layout(code)).co_flags }
}

/// The hash of the name of the code's file; -1, which is no hash, if that is more than a plain string.
pub(crate) fn file_hash(code: &Bound<'_, PyCode>) -> isize {
    // SAFETY: as above; hashing a plain string runs no Python code and cannot fail.
    unsafe {
        let file = (*layout(code)).co_filename;
        if ffi::PyUnicode_CheckExact(file) == 0 {
            return -1;
        }
        ffi::PyObject_Hash(file)
    }
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
