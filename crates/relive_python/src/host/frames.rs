//! Calls that run code which an edit has replaced: frames of running threads, and suspended generators.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict};
use relive_plan::{Item, ItemKind};

use super::codes::name_of;
use crate::raw;

/// `CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR`: calls of such code can be suspended.
const SUSPENDABLE: i32 = 0x20 | 0x80 | 0x200;

/// Replaced code, with what the report said of the replacement.
pub(super) type Retired<'py> = (Bound<'py, PyCode>, Item);

/// Whether something holds the code besides the `holders` references that are known.
pub(super) fn may_run(code: &Bound<'_, PyCode>, holders: isize) -> bool {
    // SAFETY: reads the reference count of a live object.
    unsafe { ffi::Py_REFCNT(code.as_ptr()) > holders }
}

/// The calls that run retired code, and the code that is in use by them.
pub(super) fn running<'py>(
    py: Python<'py>,
    mut retired: Vec<Retired<'py>>,
) -> PyResult<(Vec<Item>, Vec<Retired<'py>>)> {
    let mut calls = Vec::new();
    if !retired.is_empty() {
        frames_of_threads(py, &retired, &mut calls)?;
    }
    if retired.iter().any(|(code, _)| is_suspendable(code)) {
        suspended_frames(py, &retired, &mut calls)?;
    }
    let mut items = Vec::new();
    for call in &calls {
        let (code, item) = &retired[call.retired];
        let why = format!(
            "a {} call of {} finishes with the old code",
            call.state,
            name_of(code)?
        );
        let item = Item {
            kind: ItemKind::Frame,
            why,
            line: call.line,
            ..item.clone()
        };
        if !items.contains(&item) {
            items.push(item);
        }
    }
    let mut index = 0..;
    retired.retain(|_| {
        index
            .next()
            .is_some_and(|index| calls.iter().any(|call| call.retired == index))
    });
    Ok((items, retired))
}

/// A call that runs the retired code of this index.
struct Call {
    retired: usize,
    state: &'static str,
    line: u32,
}

fn frames_of_threads(
    py: Python<'_>,
    retired: &[Retired<'_>],
    calls: &mut Vec<Call>,
) -> PyResult<()> {
    let frames = py
        .import("sys")?
        .call_method0("_current_frames")?
        .cast_into::<PyDict>()?;
    for top in frames.values() {
        let mut frame = top;
        while !frame.is_none() {
            let code = frame.getattr("f_code")?;
            if let Some(retired) = retired.iter().position(|(old, _)| old.is(&code)) {
                calls.push(Call {
                    retired,
                    state: "running",
                    line: line_of(&frame),
                });
            }
            frame = frame.getattr("f_back")?;
        }
    }
    Ok(())
}

fn suspended_frames(
    py: Python<'_>,
    retired: &[Retired<'_>],
    calls: &mut Vec<Call>,
) -> PyResult<()> {
    let types = py.import("types")?;
    let kinds = [
        (
            types.getattr("GeneratorType")?,
            "gi_code",
            "gi_frame",
            "gi_running",
        ),
        (
            types.getattr("CoroutineType")?,
            "cr_code",
            "cr_frame",
            "cr_running",
        ),
        (
            types.getattr("AsyncGeneratorType")?,
            "ag_code",
            "ag_frame",
            "ag_running",
        ),
    ];
    raw::heap::for_each(py, |object| {
        let kind = object.get_type();
        for (_, code, frame, is_running) in kinds.iter().filter(|(wanted, ..)| kind.is(wanted)) {
            if let Ok(code) = object.getattr(*code)
                && let Some(retired) = retired.iter().position(|(old, _)| old.is(&code))
                && let Ok(frame) = object.getattr(*frame)
                && !frame.is_none()
                && !object
                    .getattr(*is_running)
                    .is_ok_and(|running| running.is_truthy().unwrap_or(false))
            {
                calls.push(Call {
                    retired,
                    state: "suspended",
                    line: line_of(&frame),
                });
            }
        }
    })
}

fn is_suspendable(code: &Bound<'_, PyCode>) -> bool {
    let flags = code
        .getattr("co_flags")
        .and_then(|flags| flags.extract::<i32>());
    flags.is_ok_and(|flags| flags & SUSPENDABLE != 0)
}

fn line_of(frame: &Bound<'_, PyAny>) -> u32 {
    frame
        .getattr("f_lineno")
        .and_then(|line| line.extract())
        .unwrap_or(0)
}
