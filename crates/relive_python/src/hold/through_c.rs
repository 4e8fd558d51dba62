//! What is written in C takes some exceptions for an answer: `hasattr` an AttributeError, an iteration over a sequence an
//! IndexError, a look-up of a name a KeyError.

use pyo3::exceptions::{PyAttributeError, PyBaseException, PyIndexError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyCode, PyFrame, PyFunction, PyString, PyType};

use super::handlers::Handlers;
use super::opcodes::{Call, Load, Op};
use crate::raw;

/// Modules of which what is written in C lets pass what a function raises that it calls, but for what is said here.
const TRANSPARENT: &[&str] = &[
    "builtins",
    "functools",
    "_functools",
    "itertools",
    "operator",
    "_operator",
    "collections",
    "_collections",
    "_heapq",
    "_bisect",
    "_asyncio",
    "_contextvars",
    "contextvars",
    "_json",
    "_sre",
    "re",
    "_thread",
    "_queue",
    "_signal",
    "atexit",
    "_io",
];

/// Whether what the frame executes takes such an exception for an answer: it has called a function, that with the code
/// `inner`, which has raised it.
pub(super) fn may_end(
    frame: &Bound<'_, PyFrame>,
    handlers: &Handlers,
    place: u32,
    inner: &Bound<'_, PyCode>,
    error: &Bound<'_, PyBaseException>,
) -> bool {
    let is_attribute = error.is_instance_of::<PyAttributeError>();
    let is_index = error.is_instance_of::<PyIndexError>();
    let is_key = error.is_instance_of::<PyKeyError>();
    let name = raw::code::name(inner);
    // How long something is, is asked for the sake of speed.
    let is_length =
        error.is_instance_of::<PyTypeError>() && (name == "__len__" || name == "__length_hint__");
    if !(is_attribute || is_index || is_key || is_length) {
        return false;
    }
    let ends_iteration = is_index && name == "__getitem__";
    let Some(index) = handlers.at(place) else {
        return false;
    };
    let one = handlers.instructions()[index];
    // Many look whether there is an attribute of a name.
    let looks_up = is_attribute && name == "__getattr__";
    match one.op {
        // What is unpacked is iterated over, or is asked for its keys.
        Op::Call(Call::Unpacked) if looks_up || ends_iteration || is_length => true,
        Op::Precall | Op::Call(_) => match callee(frame, handlers, index) {
            Some(callee) if looks_up || is_length => !is_plain_getattr(&callee, one.argument),
            Some(callee) => {
                // How many there are cannot be told of what is unpacked.
                let is_unpacked = one.op == Op::Call(Call::Unpacked);
                let arguments = if is_unpacked { 3 } else { one.argument };
                is_answer_to(&callee, arguments, is_attribute, ends_iteration)
            }
            None => true,
        },
        Op::LoadAttribute => {
            is_attribute
                && name != "__getattr__"
                && top(frame, handlers, index, 1).is_some_and(|of| {
                    of.get_type()
                        .hasattr(pyo3::intern!(of.py(), "__getattr__"))
                        .unwrap_or(true)
                })
        }
        Op::Iterate | Op::JumpOnEnd => ends_iteration || is_length,
        Op::LookUp => is_attribute || is_key,
        Op::Load(Load::Global | Load::Name) => is_key,
        _ => false,
    }
}

/// Whether what is called raises on what it comes to: `getattr` without a default, or Python code.
fn is_plain_getattr(callee: &Bound<'_, PyAny>, arguments: u32) -> bool {
    let is_python = callee.is_instance_of::<PyFunction>() || callee.getattr("__func__").is_ok();
    let name = callee.getattr("__name__");
    is_python || arguments == 2 && name.is_ok_and(|name| name.eq("getattr").unwrap_or(false))
}

/// Whether such an exception is an answer to what is called with so many arguments.
fn is_answer_to(
    callee: &Bound<'_, PyAny>,
    arguments: u32,
    is_attribute: bool,
    ends_iteration: bool,
) -> bool {
    let py = callee.py();
    if callee.is_instance_of::<PyFunction>() {
        return false;
    }
    if let Ok(function) = callee.getattr(pyo3::intern!(py, "__func__")) {
        return is_answer_to(&function, arguments, is_attribute, ends_iteration);
    }
    let text = |of: &Bound<'_, PyAny>, name: &str| {
        let found = of.getattr(name).ok()?.cast_into::<PyString>().ok()?;
        Some(found.to_string_lossy().into_owned())
    };
    let is_python = |of: &Bound<'_, PyAny>, name: &str| {
        let found = of.getattr(name);
        found.is_ok_and(|found| found.is_instance_of::<PyFunction>())
    };
    let is_class = callee.is_instance_of::<PyType>();
    if is_python(callee.get_type().as_any(), "__call__")
        || is_class && (is_python(callee, "__init__") || is_python(callee, "__new__"))
    {
        return false;
    }
    let module = if is_class || callee.is_instance_of::<PyCFunction>() {
        // What is a method of a value has no module.
        text(callee, "__module__").or_else(|| {
            text(
                callee.getattr("__self__").ok()?.get_type().as_any(),
                "__module__",
            )
        })
    } else {
        text(callee.get_type().as_any(), "__module__")
    };
    match text(callee, "__name__").as_deref() {
        Some("hasattr" | "isinstance" | "issubclass") if is_attribute => true,
        Some("getattr") if is_attribute && arguments == 3 => true,
        _ => ends_iteration || !module.is_some_and(|module| TRANSPARENT.contains(&&*module)),
    }
}

/// What an instruction calls.
fn callee<'py>(
    frame: &Bound<'py, PyFrame>,
    handlers: &Handlers,
    index: usize,
) -> Option<Bound<'py, PyAny>> {
    let one = handlers.instructions()[index];
    let above = match one.op {
        // A dictionary need not be there, before CPython 3.14.
        Op::Call(Call::Unpacked) => 1 + usize::from(cfg!(Py_3_14) || one.argument & 1 != 0),
        Op::Call(Call::Named) => one.argument as usize + 1,
        _ => one.argument as usize,
    };
    // Of a callable and its first argument one may be missing; which is first has changed.
    top(frame, handlers, index, above + 2).or_else(|| top(frame, handlers, index, above + 1))
}

/// A value on the stack of a frame, which is at an instruction; the topmost is number 1.
fn top<'py>(
    frame: &Bound<'py, PyFrame>,
    handlers: &Handlers,
    index: usize,
    number: usize,
) -> Option<Bound<'py, PyAny>> {
    let py = frame.py();
    let heights = match handlers.heights.get() {
        Some(heights) => heights,
        None => {
            let found = heights(py, handlers).ok()?;
            handlers.heights.get_or_init(|| found)
        }
    };
    let height = usize::try_from((*heights.get(index)?)?).ok()?;
    let slot = height.checked_sub(number)?;
    // SAFETY: below the height of the stack at the instruction that the frame executes.
    unsafe { raw::frame::on_stack(frame, slot) }
}

/// How high the stack is before each instruction, if it can be reached.
fn heights(py: Python<'_>, handlers: &Handlers) -> PyResult<Vec<Option<i64>>> {
    let stack_effect = py.import("_opcode")?.getattr("stack_effect")?;
    let effect = |opcode: u8, argument: u32, jumps: bool| -> PyResult<i64> {
        let jump = pyo3::types::PyDict::new(py);
        jump.set_item("jump", jumps)?;
        let found = stack_effect.call((opcode, argument), Some(&jump));
        // It refuses an argument where there is none.
        found
            .or_else(|_| stack_effect.call((opcode,), Some(&jump)))?
            .extract()
    };
    let all = handlers.instructions();
    let mut heights = vec![None; all.len()];
    let mut open: Vec<(usize, i64)> = handlers.entrances().chain([(0, 0)]).collect();
    while let Some((index, height)) = open.pop() {
        let Some(slot) = heights.get_mut(index).filter(|slot| slot.is_none()) else {
            continue;
        };
        *slot = Some(height);
        let one = &all[index];
        if let Some(target) = handlers.target(index) {
            open.push((target, height + effect(one.opcode, one.argument, true)?));
        }
        let goes_on = !matches!(
            one.op,
            Op::Jump { .. } | Op::Return | Op::ReturnConstant | Op::Raise | Op::Reraise
        );
        if goes_on {
            let change = match one.op {
                // What is on the stack stays there until the second of the two instructions.
                Op::Precall => 0,
                Op::Call(Call::Plain) => -i64::from(one.argument) - 1,
                _ => effect(one.opcode, one.argument, false)?,
            };
            open.push((index + 1, height + change));
        }
    }
    Ok(heights)
}
