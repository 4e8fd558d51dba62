//! The evaluation of frames on CPython 3.11 (PEP 523), which calls Python functions without what is set for them to be
//! called, unless somebody evaluates frames himself.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyTuple};

use super::code::{self, Arguments};
use crate::again;
use crate::restart::{After, came_back};

/// What CPython calls `_PyInterpreterFrame`, up to the first local variable.
#[repr(C)]
struct Frame {
    function: *mut ffi::PyObject,
    _globals_builtins_locals: [*mut ffi::PyObject; 3],
    code: *mut ffi::PyObject,
    _object: *mut ffi::PyObject,
    _previous: *mut Frame,
    _instruction: *mut u16,
    _stack_top: c_int,
    _is_entry: bool,
    owner: c_char,
    variables: [*mut ffi::PyObject; 0],
}

/// The frame of a call, and not of a generator.
const OWNED_BY_THREAD: c_char = 0;

type Evaluator =
    unsafe extern "C" fn(*mut ffi::PyThreadState, *mut Frame, c_int) -> *mut ffi::PyObject;

unsafe extern "C" {
    fn _PyEval_EvalFrameDefault(
        thread: *mut ffi::PyThreadState,
        frame: *mut Frame,
        throws: c_int,
    ) -> *mut ffi::PyObject;
    fn _PyInterpreterState_GetEvalFrameFunc(interpreter: *mut ffi::PyInterpreterState)
    -> Evaluator;
    fn _PyInterpreterState_SetEvalFrameFunc(
        interpreter: *mut ffi::PyInterpreterState,
        evaluator: Evaluator,
    );
}

/// So many nested calls are ours: they use the stack of C. Deeper ones are as CPython makes them.
const DEEP: u32 = 200;

thread_local! {
    /// The next frame is that of a call made again: who makes it sees what it comes back with.
    static IS_AGAIN: Cell<bool> = const { Cell::new(false) };

    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Who evaluates frames when we are not asked: CPython, or a tool that was there before us. Null while we are not there.
/// Only changed with the GIL held.
static OTHER: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());

/// Have calls of live functions be ones that can begin anew, or not any more.
pub(crate) fn set(py: Python<'_>, is_on: bool) {
    let (other, asked) = (OTHER.load(Ordering::Relaxed), asked(py));
    if is_on && other.is_null() {
        OTHER.store(asked as *mut c_void, Ordering::Relaxed);
        ask(py, evaluate);
    } else if !is_on && !other.is_null() {
        step_aside(py);
        // A tool that has come after us may ask us: then we stay, and hand on.
        if is_other(self::asked(py)) {
            OTHER.store(std::ptr::null_mut(), Ordering::Relaxed);
        }
    }
}

/// Have frames be evaluated without us, if it is we who are asked; whether it was.
fn step_aside(py: Python<'_>) -> bool {
    let is_asked = std::ptr::fn_addr_eq(asked(py), evaluate as Evaluator);
    if is_asked {
        ask(py, other());
    }
    is_asked
}

/// Have frames be evaluated by us again, unless that is not wanted any more or a tool has come meanwhile.
fn step_back(py: Python<'_>) {
    if crate::registry::keeps_calls() && is_other(asked(py)) {
        ask(py, evaluate);
    }
}

/// Who evaluates frames now.
fn asked(_: Python<'_>) -> Evaluator {
    // SAFETY: attached, as the token says.
    unsafe { _PyInterpreterState_GetEvalFrameFunc(ffi::PyInterpreterState_Get()) }
}

fn ask(_: Python<'_>, evaluator: Evaluator) {
    // SAFETY: attached, as the token says; it evaluates frames of this CPython.
    unsafe { _PyInterpreterState_SetEvalFrameFunc(ffi::PyInterpreterState_Get(), evaluator) };
}

fn is_other(evaluator: Evaluator) -> bool {
    evaluator as *mut c_void == OTHER.load(Ordering::Relaxed)
}

fn other() -> Evaluator {
    let other = OTHER.load(Ordering::Relaxed);
    if other.is_null() {
        return _PyEval_EvalFrameDefault;
    }
    // SAFETY: it is null or an evaluator.
    unsafe { std::mem::transmute::<*mut c_void, Evaluator>(other) }
}

unsafe extern "C" fn evaluate(
    thread: *mut ffi::PyThreadState,
    frame: *mut Frame,
    throws: c_int,
) -> *mut ffi::PyObject {
    let is_again = IS_AGAIN.replace(false);
    // SAFETY: CPython evaluates frames attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: a frame that CPython is about to evaluate.
    let call = if is_again || throws != 0 {
        None
    } else {
        unsafe { Call::of(py, frame) }
    };
    let depth = DEPTH.get() + 1;
    DEPTH.set(depth);
    let is_aside = depth >= DEEP && step_aside(py);
    // SAFETY: CPython's arguments are handed on.
    let result = unsafe { other()(thread, frame, throws) };
    // Not counted down: another stack may have run meanwhile, as those of greenlets do.
    DEPTH.set(depth - 1);
    if is_aside {
        step_back(py);
    }
    let Some(call) = call else {
        return result;
    };
    // So that PyO3 knows that we are attached, and lets go of what is dropped at once. It does not while Python ends.
    if result.is_null() {
        Python::try_attach(|py| call.raised(py)).unwrap_or(result)
    } else if code::suspension(&call.code).is_some() {
        Python::try_attach(|py| {
            // SAFETY: what the call has made, which is ours.
            let made = unsafe { Bound::from_owned_ptr(py, result) };
            match call.stand_in(made) {
                Ok(stands) => stands.into_ptr(),
                Err(error) => {
                    error.restore(py);
                    std::ptr::null_mut()
                }
            }
        })
        .unwrap_or(result)
    } else {
        result
    }
}

/// A call of a live function, as it was made.
struct Call<'py> {
    function: Bound<'py, PyAny>,
    code: Bound<'py, PyCode>,
    arguments: Vec<Bound<'py, PyAny>>,
}

impl<'py> Call<'py> {
    /// # Safety
    ///
    /// The frame is about to be evaluated.
    unsafe fn of(py: Python<'py>, frame: *mut Frame) -> Option<Self> {
        // SAFETY: the frame holds its code and function, and at its beginning nothing but the arguments, in the order of
        // their variables.
        unsafe {
            if (*frame).owner != OWNED_BY_THREAD {
                return None;
            }
            let code = Bound::from_borrowed_ptr(py, (*frame).code).cast_into_unchecked::<PyCode>();
            if !crate::registry::keeps(&code) || !crate::registry::is_live(&code) {
                return None;
            }
            let variables = (&raw const (*frame).variables).cast::<*mut ffi::PyObject>();
            let count = Arguments::of(&code);
            let mut arguments = (0..count.count())
                .map(|index| Bound::from_borrowed_ptr_or_opt(py, *variables.add(index)))
                .collect::<Option<Vec<_>>>()?;
            // The body may change this one.
            if count.has_keyword_rest
                && let Some(more) = arguments.last_mut()
            {
                *more = more.cast_unchecked::<PyDict>().copy().ok()?.into_any();
            }
            Some(Self {
                function: Bound::from_borrowed_ptr(py, (*frame).function),
                code,
                arguments,
            })
        }
    }

    /// It came back with an exception, which is set.
    fn raised(self, py: Python<'py>) -> *mut ffi::PyObject {
        loop {
            match came_back(py) {
                After::Raise => return std::ptr::null_mut(),
                After::Return(value) => return value.into_ptr(),
                After::Again => match self.make(py) {
                    Ok(value) => return value.into_ptr(),
                    Err(error) => error.restore(py),
                },
            }
        }
    }

    fn make(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (positional, keywords) = self.given(py)?;
        IS_AGAIN.set(true);
        let result = self.function.call(positional, Some(&keywords));
        IS_AGAIN.set(false);
        result
    }

    /// What stands for it.
    fn stand_in(self, made: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = made.py();
        let (positional, keywords) = self.given(py)?;
        let arguments = positional.iter().chain(keywords.values());
        let call = again::Call::new(
            self.function.unbind(),
            arguments.map(Bound::unbind).collect(),
            positional.len(),
            Some(keywords.keys().to_tuple().unbind()),
            made.unbind(),
        );
        again::stand_in(&self.code, Bound::new(py, call)?)
    }

    /// The arguments that have no name, and those that have one.
    fn given(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let count = Arguments::of(&self.code);
        let mut rest = self.arguments.iter().skip(count.positional);
        let keywords = PyDict::new(py);
        let names = self.code.getattr("co_varnames")?;
        for index in count.positional..count.positional + count.keyword {
            if let Some(value) = rest.next() {
                keywords.set_item(names.get_item(index)?, value)?;
            }
        }
        let mut positional = self.arguments[..count.positional].to_vec();
        if count.has_rest
            && let Some(more) = rest.next()
        {
            positional.extend(more.cast::<PyTuple>()?.iter());
        }
        if count.has_keyword_rest
            && let Some(more) = rest.next()
        {
            keywords.update(more.cast::<PyDict>()?.as_mapping())?;
        }
        Ok((PyTuple::new(py, positional)?, keywords))
    }
}

/// Call a function, whose call is made again, with arguments of which so many have no name.
pub(crate) fn call_plainly<'py>(
    function: &Bound<'py, PyAny>,
    arguments: &[Py<PyAny>],
    positional: usize,
    names: Option<&Bound<'py, PyTuple>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let arguments: Vec<_> = arguments.iter().map(Py::as_ptr).collect();
    let names = names.map_or(std::ptr::null_mut(), Bound::as_ptr);
    IS_AGAIN.set(true);
    // SAFETY: as many arguments as the count and the names say, which their owner keeps alive.
    let result = unsafe {
        let result =
            ffi::PyObject_Vectorcall(function.as_ptr(), arguments.as_ptr(), positional, names);
        Bound::from_owned_ptr_or_err(py, result)
    };
    IS_AGAIN.set(false);
    result
}
