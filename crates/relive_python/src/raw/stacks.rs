//! What the threads of the program are executing, all seen at one moment.

use std::collections::HashMap;
use std::ffi::c_long;

use pyo3::ffi;
use pyo3::prelude::*;

/// The frames of each thread, the innermost first, by the identifier of the thread.
///
/// No other thread runs in between: a generator that yields meanwhile, say, would have no caller any more.
pub(crate) fn stacks(py: Python<'_>) -> PyResult<HashMap<u64, Vec<Bound<'_, PyAny>>>> {
    let innermost = py.import("sys")?.getattr("_current_frames")?;
    without_collection(|| {
        let innermost: HashMap<u64, Bound<'_, PyAny>> = innermost.call0()?.extract()?;
        let stacks = innermost
            .into_iter()
            .map(|(thread, frame)| (thread, std::iter::successors(Some(frame), caller).collect()));
        Ok(stacks.collect())
    })
}

fn caller<'py>(frame: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    Some(super::frame::back(frame.cast().ok()?)?.into_any())
}

/// Do something during which CPython collects no garbage: to make an object may destroy others, which runs Python code.
fn without_collection<T>(action: impl FnOnce() -> T) -> T {
    // SAFETY: whoever has frames is attached.
    let was_on = unsafe { ffi::PyGC_Disable() } != 0;
    let result = action();
    if was_on {
        // SAFETY: as above.
        unsafe { ffi::PyGC_Enable() };
    }
    result
}

/// Raise an exception of `class` in a thread whose innermost frame is this one, at this instruction. It must be one after
/// which CPython looks for such an exception at once, as 3.11 does. False if the thread has gone on.
pub(crate) fn raise_in(
    py: Python<'_>,
    thread: u64,
    frame: &Bound<'_, PyAny>,
    at: i32,
    class: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let stacks = stacks(py)?;
    // No Python code runs from here on, so the thread does not go on.
    let is_there = stacks.get(&thread).is_some_and(|stack| {
        // SAFETY: a frame.
        stack[0].is(frame) && unsafe { ffi::PyFrame_GetLasti(stack[0].as_ptr().cast()) } == at
    });
    // SAFETY: an attached thread; CPython keeps the class until it is raised.
    Ok(
        is_there
            && unsafe { ffi::PyThreadState_SetAsyncExc(thread as c_long, class.as_ptr()) } == 1,
    )
}
