//! What CPython calls when a function is called (PEP 590): it can be replaced, function by function.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction, PyTuple};
#[cfg(Py_3_13)]
use pyo3::types::{PyDict, PyType};

use crate::again::{Call, stand_in};
use crate::restart::{After, came_back};

unsafe extern "C" {
    #[cfg(Py_3_13)]
    fn PyType_GetDict(class: *mut ffi::PyTypeObject) -> *mut ffi::PyObject;
    fn PyFunction_SetVectorcall(function: *mut ffi::PyObject, call: ffi::vectorcallfunc);
}

/// What CPython itself calls.
static PLAIN: OnceLock<ffi::vectorcallfunc> = OnceLock::new();

/// Learn what CPython calls, from a function that is as it was made.
pub(crate) fn learn(pristine: &Bound<'_, PyFunction>) {
    // SAFETY: a live function.
    if let Some(plain) = unsafe { ffi::PyVectorcall_Function(pristine.as_ptr()) } {
        PLAIN.get_or_init(|| plain);
    }
}

/// Have calls of a function with this code be ones that can be made again. The function may be just being made: nothing
/// of it is looked at.
pub(crate) fn arm(function: &Bound<'_, PyFunction>, code: &Bound<'_, PyCode>) {
    if PLAIN.get().is_none() || !crate::registry::keeps(code) {
        return;
    }
    let call = if super::code::suspension(code).is_some() {
        suspend
    } else if super::code::is_initializer(code) {
        initialize
    } else {
        call
    };
    // SAFETY: a function. This also takes its version from it, so that no call site is specialised for it any more.
    unsafe { PyFunction_SetVectorcall(function.as_ptr(), call) };
}

/// Have calls of a function be as CPython makes them.
pub(crate) fn disarm(function: &Bound<'_, PyFunction>) {
    if let Some(&plain) = PLAIN.get() {
        // SAFETY: a live function, and what CPython has made it with.
        unsafe { PyFunction_SetVectorcall(function.as_ptr(), plain) };
    }
}

/// The call of a live function.
extern "C" fn call(
    function: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let Some(&plain) = PLAIN.get() else {
        return std::ptr::null_mut();
    };
    let depth = DEPTH.get() + 1;
    DEPTH.set(depth);
    let made = CALLS.load(Ordering::Relaxed).wrapping_add(1);
    CALLS.store(made, Ordering::Relaxed);
    if depth > DEEP || made.is_multiple_of(SAMPLED) {
        // SAFETY: whoever calls a function is attached, and holds it.
        let function = unsafe {
            Borrowed::from_ptr(Python::assume_attached(), function).cast_unchecked::<PyFunction>()
        };
        consider(&function, depth);
    }
    let result = loop {
        // SAFETY: what CPython would have called, with its arguments, which the caller keeps alive until we return.
        let result = unsafe { plain(function, arguments, count, keywords) };
        // So that PyO3 knows that we are attached, and lets go of what is dropped at once. It does not while Python ends.
        if !result.is_null() {
            break result;
        }
        match Python::try_attach(came_back) {
            Some(After::Again) => {}
            Some(After::Return(value)) => break value.into_ptr(),
            Some(After::Raise) | None => break result,
        }
    };
    // Not counted down: another stack may have run meanwhile, as those of greenlets do.
    DEPTH.set(depth - 1);
    if depth == SHALLOW {
        // SAFETY: as above.
        crate::registry::rearm(unsafe { Python::assume_attached() });
    }
    result
}

/// The call of a live function that makes a coroutine or generator.
extern "C" fn suspend(
    function: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    let made = call(function, arguments, count, keywords);
    if made.is_null() {
        return made;
    }
    // What stands for it is a frame more, each time that it is resumed.
    Python::try_attach(|py| {
        if super::thread::depth(py) > DEEP {
            return made;
        }
        // SAFETY: the caller hands over as many arguments, those with names behind the others, and the names, if any.
        let (function, call) = unsafe {
            let function =
                Bound::from_borrowed_ptr(py, function).cast_into_unchecked::<PyFunction>();
            let names = Bound::from_borrowed_ptr_or_opt(py, keywords)
                .map(|names| names.cast_into_unchecked::<PyTuple>());
            let positional = usize::try_from(ffi::PyVectorcall_NARGS(count)).unwrap_or_default();
            let given = positional + names.as_ref().map_or(0, PyTupleMethods::len);
            let arguments = (0..given)
                .map(|index| Bound::from_borrowed_ptr(py, *arguments.add(index)).unbind())
                .collect();
            let made = Bound::from_owned_ptr(py, made).unbind();
            let names = names.map(Bound::unbind);
            let call = Call::new(
                function.clone().into_any().unbind(),
                arguments,
                positional,
                names,
                made,
            );
            (function, call)
        };
        let code = super::function::code(&function);
        match Bound::new(py, call).and_then(|call| stand_in(&code, call)) {
            Ok(stands) => stands.into_ptr(),
            Err(error) => {
                error.restore(py);
                std::ptr::null_mut()
            }
        }
    })
    .unwrap_or(made)
}

/// Call a function as CPython does, with arguments of which so many have no name.
pub(crate) fn call_plainly<'py>(
    function: &Bound<'py, PyAny>,
    arguments: &[Py<PyAny>],
    positional: usize,
    names: Option<&Bound<'py, PyTuple>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let plain = PLAIN.get().copied().unwrap_or(ffi::PyObject_Vectorcall);
    let arguments: Vec<_> = arguments.iter().map(Py::as_ptr).collect();
    let names = names.map_or(std::ptr::null_mut(), Bound::as_ptr);
    // SAFETY: a function, and as many arguments as the count and the names say, which their owner keeps alive.
    unsafe {
        let result = plain(function.as_ptr(), arguments.as_ptr(), positional, names);
        Bound::from_owned_ptr_or_err(py, result)
    }
}

/// Why calls of a function are as CPython makes them for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aside {
    /// Calls of ours use the stack of C, and so many are nested.
    Deep,
    /// It is called so often that ours cost too much.
    Hot,
}

/// So many nested calls are ours.
const DEEP: u32 = 200;

/// When no more than so many are nested, all are ours again.
const SHALLOW: u32 = 100;

/// Of so many calls one is looked at. It is busy there if they have taken no longer than [`BUSY`], which leaves all calls
/// that are ours one hundredth of the time, about. A function that is found busy [`HOT`] times is hot. Where the program has
/// been found busy more than [`LONG`] times, many functions share the time, and fewer will do, down to an eighth.
const SAMPLED: u32 = 1024;
const BUSY: Duration = Duration::from_millis(4);
const HOT: u32 = 64;
const LONG: u32 = 2048;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

static CALLS: AtomicU32 = AtomicU32::new(0);
static SEEN: Mutex<Option<Instant>> = Mutex::new(None);

/// Have a function step aside if its calls cost too much, or too much of the stack.
#[cold]
fn consider(function: &Bound<'_, PyFunction>, depth: u32) {
    if depth > DEEP {
        crate::registry::step_aside(function, Aside::Deep);
        return;
    }
    let now = Instant::now();
    let seen = SEEN
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(now);
    if seen.is_some_and(|seen| now - seen < BUSY) {
        let (own, all) = crate::registry::was_busy(function);
        if own.saturating_mul(all.clamp(LONG, 8 * LONG)) >= HOT * LONG {
            crate::registry::step_aside(function, Aside::Hot);
        }
    }
}

/// The call of a live `__init__`. From CPython 3.13 on, call sites of its class remember it by the class, not by its own
/// version, unless the class allocates its instances by a function of its own.
extern "C" fn initialize(
    function: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the caller hands over as many arguments; the first is the instance, whose class nobody else changes now.
    unsafe {
        if ffi::PyVectorcall_NARGS(count) > 0 {
            let class = ffi::Py_TYPE(*arguments);
            let is_plain = |own: ffi::allocfunc| std::ptr::fn_addr_eq(own, PLAIN_ALLOCATION);
            if (*class).tp_alloc.is_some_and(is_plain) {
                (*class).tp_alloc = Some(ALLOCATION);
                ffi::PyType_Modified(class);
            }
        }
    }
    call(function, arguments, count, keywords)
}

const PLAIN_ALLOCATION: ffi::allocfunc = ffi::PyType_GenericAlloc;
const ALLOCATION: ffi::allocfunc = allocate;

extern "C" fn allocate(
    class: *mut ffi::PyTypeObject,
    count: ffi::Py_ssize_t,
) -> *mut ffi::PyObject {
    // SAFETY: CPython's arguments are handed on.
    unsafe { ffi::PyType_GenericAlloc(class, count) }
}

/// Have classes allocate their instances as they were made to.
pub(crate) fn give_back_allocations(py: Python<'_>) -> PyResult<()> {
    super::heap::for_each_class(py, |class| {
        // SAFETY: a live class, which nobody else changes now.
        unsafe {
            let class = class.as_type_ptr();
            let is_ours = |own: ffi::allocfunc| std::ptr::fn_addr_eq(own, ALLOCATION);
            if (*class).tp_alloc.is_some_and(is_ours) {
                (*class).tp_alloc = Some(PLAIN_ALLOCATION);
                ffi::PyType_Modified(class);
            }
        }
    })
}

/// The function that a class itself has as `__init__`.
#[cfg(Py_3_13)]
pub(crate) fn own_initializer<'py>(class: &Bound<'py, PyType>) -> Option<Bound<'py, PyFunction>> {
    // SAFETY: a live class; its dictionary is handed over. A plain dictionary looks up a name without running Python code.
    let members = unsafe {
        let members = PyType_GetDict(class.as_type_ptr());
        Bound::from_owned_ptr_or_opt(class.py(), members)?.cast_into::<PyDict>()
    };
    let found = members
        .ok()?
        .get_item(pyo3::intern!(class.py(), "__init__"));
    found.ok()??.cast_into().ok()
}

/// Have call sites that remember the `__init__` of a class look it up again.
#[cfg(Py_3_13)]
pub(crate) fn forget_initializer(class: &Bound<'_, PyType>) {
    // SAFETY: a live class; nothing but caches change.
    unsafe { ffi::PyType_Modified(class.as_type_ptr()) };
}
