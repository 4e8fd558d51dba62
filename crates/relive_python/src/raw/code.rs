//! Code objects: the two fields that hold their lines, which Python only lets one copy, and some that are read often.

use pyo3::Borrowed;
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
    co_argcount: i32,
    _positional_only_count: i32,
    co_kwonlyargcount: i32,
    _stack_size: i32,
    co_firstlineno: i32,
    co_nlocalsplus: i32,
    _locals: [i32; 4],
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
    co_argcount: i32,
    _positional_only_count: i32,
    co_kwonlyargcount: i32,
    _stack_size: i32,
    co_firstlineno: i32,
    co_nlocalsplus: i32,
    _locals: [i32; 4],
    co_version: u32,
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

/// How many variables of its own, cells included, a frame of the code has.
pub(crate) fn variables(code: &Bound<'_, PyCode>) -> usize {
    // SAFETY: as above.
    usize::try_from(unsafe { (*layout(code)).co_nlocalsplus }).unwrap_or_default()
}

/// Have no call site be specialised for functions of the code that are made from now on: CPython gives a function the
/// version of its code when its watchers have been told of it already.
#[cfg(Py_3_12)]
pub(crate) fn forget_version(code: &Bound<'_, PyCode>) {
    // SAFETY: as above; the field is a plain integer, and 0 is what an interpreter uses that has run out of versions.
    unsafe { (*layout(code)).co_version = 0 }
}

/// How many arguments of which sort a function with this code takes, in the order of their variables.
#[cfg(not(Py_3_12))]
pub(crate) struct Arguments {
    pub(crate) positional: usize,
    pub(crate) keyword: usize,
    pub(crate) has_rest: bool,
    pub(crate) has_keyword_rest: bool,
}

#[cfg(not(Py_3_12))]
impl Arguments {
    pub(crate) fn of(code: &Bound<'_, PyCode>) -> Self {
        // SAFETY: as above.
        let (positional, keyword) = unsafe {
            (
                (*layout(code)).co_argcount,
                (*layout(code)).co_kwonlyargcount,
            )
        };
        Self {
            positional: usize::try_from(positional).unwrap_or_default(),
            keyword: usize::try_from(keyword).unwrap_or_default(),
            // `CO_VARARGS` and `CO_VARKEYWORDS`
            has_rest: flags(code) & 0x4 != 0,
            has_keyword_rest: flags(code) & 0x8 != 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        let rest = usize::from(self.has_rest) + usize::from(self.has_keyword_rest);
        self.positional + self.keyword + rest
    }
}

/// Whether it is the code of a method called `__init__`.
#[cfg(Py_3_12)]
pub(crate) fn is_initializer(code: &Bound<'_, PyCode>) -> bool {
    // SAFETY: as above; the field is a string, and comparing it runs no Python code.
    unsafe {
        ffi::PyUnicode_CompareWithASCIIString((*layout(code)).co_name, c"__init__".as_ptr()) == 0
    }
}

/// Code whose call only makes a generator or coroutine: CPython's `CO_GENERATOR`, `CO_COROUTINE`,
/// `CO_ITERABLE_COROUTINE` and `CO_ASYNC_GENERATOR`.
const SUSPENDS: i32 = 0x20 | 0x80 | 0x100 | 0x200;

/// Code that has variables of its own: CPython's `CO_OPTIMIZED` and `CO_NEWLOCALS`.
const FUNCTION: i32 = 0x1 | 0x2;

/// Whether it is the code of a function, and neither a module's nor a class's, nor that of a generator expression.
pub(crate) fn is_function(code: &Bound<'_, PyCode>) -> bool {
    makes_plain_calls(code) || suspension(code).is_some()
}

/// What a call of a function makes, instead of running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspension {
    Coroutine,
    Generator,
    AsyncGenerator,
    /// What `types.coroutine` has made of a generator.
    AwaitableGenerator,
}

/// What calls of a function with this code make. None of plain functions, and of generator expressions, which are called
/// where they are written.
pub(crate) fn suspension(code: &Bound<'_, PyCode>) -> Option<Suspension> {
    let flags = flags(code);
    // SAFETY: as above; the field is a string, and comparing it runs no Python code.
    let is_expression = || unsafe {
        ffi::PyUnicode_CompareWithASCIIString((*layout(code)).co_name, c"<genexpr>".as_ptr()) == 0
    };
    if flags & SUSPENDS == 0 || flags & FUNCTION != FUNCTION || is_expression() {
        return None;
    }
    Some(match flags & SUSPENDS {
        0x80 => Suspension::Coroutine,
        0x200 => Suspension::AsyncGenerator,
        0x20 => Suspension::Generator,
        _ => Suspension::AwaitableGenerator,
    })
}

/// Whether it is the code of a function whose calls are over when they return, and neither a module's nor a class's.
pub(crate) fn makes_plain_calls(code: &Bound<'_, PyCode>) -> bool {
    flags(code) & (SUSPENDS | FUNCTION) == FUNCTION
}

/// The hash of the name of the code's file; -1, which is no hash, if that is more than a plain string.
pub(crate) fn file_hash(code: &Bound<'_, PyCode>) -> isize {
    // SAFETY: as above; the field owns a string.
    let file = unsafe {
        let file = Borrowed::from_ptr(code.py(), (*layout(code)).co_filename);
        file.cast_unchecked::<PyString>()
    };
    name_hash(&file)
}

/// The hash of a file's name, as [`file_hash`] has it.
pub(crate) fn name_hash(name: &Bound<'_, PyString>) -> isize {
    // SAFETY: a string; hashing a plain one runs no Python code and cannot fail.
    unsafe {
        if ffi::PyUnicode_CheckExact(name.as_ptr()) == 0 {
            return -1;
        }
        ffi::PyObject_Hash(name.as_ptr())
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
