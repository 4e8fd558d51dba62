//! Frames: where they are, and the values on their stacks, which Python shows nobody.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFrame};

/// The fields up to the last that is used here; what CPython calls `_frame`.
#[repr(C)]
struct Layout {
    ob_base: ffi::PyObject,
    _back: *mut ffi::PyObject,
    frame: *const u8,
}

/// Where in what CPython calls `_PyInterpreterFrame` the variables begin, on which the stack follows.
const VARIABLES: usize = if cfg!(Py_3_14) { 80 } else { 72 };

/// From CPython 3.14 on the lowest bits of a value on a stack say how it is counted.
const TAG: usize = if cfg!(Py_3_14) { 3 } else { 0 };

/// The frame that this thread runs.
pub(crate) fn running(py: Python<'_>) -> Option<Bound<'_, PyFrame>> {
    // SAFETY: attached, as the token says; the frame is borrowed from the thread.
    unsafe {
        let frame = ffi::PyEval_GetFrame();
        Some(Bound::from_borrowed_ptr_or_opt(py, frame.cast())?.cast_into_unchecked())
    }
}

/// The frame that a frame returns to.
pub(crate) fn back<'py>(frame: &Bound<'py, PyFrame>) -> Option<Bound<'py, PyFrame>> {
    // SAFETY: a live frame; the other one is handed over.
    unsafe {
        let back = ffi::PyFrame_GetBack(frame.as_ptr().cast());
        Some(Bound::from_owned_ptr_or_opt(frame.py(), back.cast())?.cast_into_unchecked())
    }
}

/// The code that a frame runs.
pub(crate) fn code<'py>(frame: &Bound<'py, PyFrame>) -> Bound<'py, PyCode> {
    // SAFETY: a live frame; its code is handed over.
    unsafe {
        let code = ffi::PyFrame_GetCode(frame.as_ptr().cast());
        Bound::from_owned_ptr(frame.py(), code.cast()).cast_into_unchecked()
    }
}

/// Where in its code a frame is, in units of two bytes; None before its beginning.
pub(crate) fn position(frame: &Bound<'_, PyFrame>) -> Option<u32> {
    // SAFETY: a live frame.
    let bytes = unsafe { ffi::PyFrame_GetLasti(frame.as_ptr().cast()) };
    u32::try_from(bytes).ok().map(|bytes| bytes / 2)
}

/// A value on the stack of a frame, the lowest being number 0.
///
/// # Safety
///
/// The frame is one that runs or is suspended, and at the place where it is its stack is higher than that.
pub(crate) unsafe fn on_stack<'py>(
    frame: &Bound<'py, PyFrame>,
    number: usize,
) -> Option<Bound<'py, PyAny>> {
    let variables = super::code::variables(&code(frame));
    // SAFETY: the caller's; laid out as `is_as_believed` has verified.
    unsafe {
        let value = (address(frame, variables + number).read() & !TAG) as *mut ffi::PyObject;
        Bound::from_borrowed_ptr_or_opt(frame.py(), value)
    }
}

/// # Safety
///
/// The frame is one that runs or is suspended.
unsafe fn address(frame: &Bound<'_, PyFrame>, slot: usize) -> *const usize {
    // SAFETY: a live frame object that has a frame.
    unsafe {
        let frame = (*frame.as_ptr().cast::<Layout>()).frame;
        frame.add(VARIABLES).cast::<usize>().add(slot)
    }
}

/// Whether frames are laid out as this build believes.
pub(crate) fn is_as_believed(py: Python<'_>) -> PyResult<bool> {
    let names = pyo3::types::PyDict::new(py);
    py.run(
        c"def probe(one, two): yield\nrunning = probe(int, str)\nnext(running)",
        Some(&names),
        None,
    )?;
    let running = names.get_item("running")?;
    let frame = running
        .map(|running| running.getattr("gi_frame"))
        .transpose()?;
    let Some(frame) = frame.and_then(|frame| frame.cast_into::<PyFrame>().ok()) else {
        return Ok(false);
    };
    let expected = [
        py.get_type::<pyo3::types::PyInt>(),
        py.get_type::<pyo3::types::PyString>(),
    ];
    let mut slots = expected.iter().enumerate();
    // SAFETY: a suspended frame, which has two variables at least; what is read is compared and not used.
    Ok(slots.all(|(slot, class)| unsafe {
        address(&frame, slot).read() & !TAG == class.as_ptr() as usize
    }))
}
