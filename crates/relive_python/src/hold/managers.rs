//! Whether a context manager may end an exception that comes out of its block.

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyFrame, PyFunction, PyString};

use super::handlers::Fate;
use super::scene::Raised;
use super::{boundary_of, fate, handlers_of, opcodes};
use crate::again::Call;
use crate::raw;

/// How the `__exit__` of a class is known to decide.
#[derive(Clone, Copy)]
enum Known {
    /// It never ends one, though that cannot be seen in its code.
    Passes,
    /// It raises a group with it.
    Groups,
    /// It ends those of the types in this attribute, and takes them out of a group.
    Suppresses(&'static str),
    /// It ends those of the types in this attribute.
    Expects(&'static str),
    /// A generator in this attribute decides, where it is suspended.
    Generator(&'static str),
    /// The exits in this attribute decide, the last first.
    Stack(&'static str),
}

const KNOWN: &[(&str, &str, Known)] = &[
    ("contextlib", "suppress", Known::Suppresses("_exceptions")),
    (
        "contextlib",
        "_GeneratorContextManager",
        Known::Generator("gen"),
    ),
    (
        "contextlib",
        "_AsyncGeneratorContextManager",
        Known::Generator("gen"),
    ),
    ("contextlib", "ExitStack", Known::Stack("_exit_callbacks")),
    (
        "contextlib",
        "AsyncExitStack",
        Known::Stack("_exit_callbacks"),
    ),
    (
        "_pytest.raises",
        "RaisesExc",
        Known::Expects("expected_exceptions"),
    ),
    (
        "_pytest.python_api",
        "RaisesContext",
        Known::Expects("expected_exception"),
    ),
    (
        "unittest.case",
        "_AssertRaisesContext",
        Known::Expects("expected"),
    ),
    ("asyncio.taskgroups", "TaskGroup", Known::Groups),
    ("asyncio.timeouts", "Timeout", Known::Passes),
    ("anyio._backends._asyncio", "TaskGroup", Known::Groups),
    ("anyio._backends._asyncio", "CancelScope", Known::Passes),
    (
        "sqlalchemy.engine.util",
        "TransactionalContext",
        Known::Passes,
    ),
    ("tempfile", "SpooledTemporaryFile", Known::Passes),
    ("tempfile", "_TemporaryFileWrapper", Known::Passes),
    ("threading", "Condition", Known::Passes),
    ("multiprocessing.synchronize", "Condition", Known::Passes),
    ("multiprocessing.synchronize", "SemLock", Known::Passes),
    ("unittest.mock", "_patch", Known::Passes),
    ("unittest.mock", "_patch_dict", Known::Passes),
];

/// Whether calling `exit`, of `manager` where it is not bound, may end an exception. Where it cannot be told, it may.
pub(super) fn may_end<'py>(
    exit: &Bound<'py, PyAny>,
    manager: Option<&Bound<'py, PyAny>>,
    raised: &mut Raised<'py>,
) -> bool {
    let py = exit.py();
    if let (Ok(function), Ok(bound)) = (
        exit.getattr(pyo3::intern!(py, "__func__")),
        exit.getattr(pyo3::intern!(py, "__self__")),
    ) {
        return may_end(&function, Some(&bound), raised);
    }
    let Ok(function) = exit.cast::<PyFunction>() else {
        // What is written in C returns None.
        return !(exit.is_instance_of::<PyCFunction>() || is_descriptor(exit));
    };
    match manager.zip(known(function)) {
        Some((_, Known::Passes)) => false,
        Some((_, Known::Groups)) => !raised.is_grouped(),
        Some((manager, Known::Suppresses(types))) => manager.getattr(types).map_or(true, |types| {
            raised.matches(&types) || (raised.take(&types) && raised.is_empty())
        }),
        Some((manager, Known::Expects(types))) => manager
            .getattr(types)
            .map_or(true, |types| raised.matches(&types)),
        Some((manager, Known::Generator(generator))) => manager
            .getattr(generator)
            .map_or(true, |generator| may_end_in(&generator, raised)),
        Some((manager, Known::Stack(exits))) => manager
            .getattr(exits)
            .and_then(|exits| exit_of_stack(&exits, raised))
            .unwrap_or(true),
        None => !returns_nothing(function),
    }
}

fn is_descriptor(exit: &Bound<'_, PyAny>) -> bool {
    let name = exit.get_type().name().ok();
    name.is_some_and(|name| name == "method_descriptor" || name == "wrapper_descriptor")
}

fn known(exit: &Bound<'_, PyFunction>) -> Option<Known> {
    let module: Bound<'_, PyString> = exit.getattr("__module__").ok()?.cast_into().ok()?;
    let name: Bound<'_, PyString> = exit.getattr("__qualname__").ok()?.cast_into().ok()?;
    let (module, name) = (module.to_str().ok()?, name.to_str().ok()?);
    let class = name
        .strip_suffix(".__exit__")
        .or_else(|| name.strip_suffix(".__aexit__"))?;
    let mut found = KNOWN.iter();
    let found = found.find(|(in_module, of, _)| (*in_module, *of) == (module, class));
    found.map(|(_, _, known)| *known)
}

/// Whether a suspended generator may end an exception that is thrown into it.
fn may_end_in<'py>(generator: &Bound<'py, PyAny>, raised: &mut Raised<'py>) -> bool {
    let first = |names: [&str; 2]| {
        let mut found = names
            .iter()
            .filter_map(|name| generator.getattr(*name).ok());
        found.find(|found| !found.is_none())
    };
    let inner = first(["gi_yieldfrom", "ag_await"]);
    if inner.is_some_and(|inner| may_end_in(&inner, raised)) {
        return true;
    }
    let frame = first(["gi_frame", "ag_frame"]);
    let frame = frame.and_then(|frame| frame.cast_into::<PyFrame>().ok());
    let Some(frame) = frame else {
        return false;
    };
    if let Some(made) = made_by_ours(&frame) {
        return may_end_in(&made, raised);
    }
    fate(&frame, raised) != Fate::Passes && boundary_of(&frame, &raw::frame::code(&frame)).is_none()
}

/// What a generator of ours stands for: it passes on whatever is thrown into it.
fn made_by_ours<'py>(frame: &Bound<'py, PyFrame>) -> Option<Bound<'py, PyAny>> {
    let variables = frame.getattr("f_locals").ok()?;
    let call = variables.get_item("call").ok()?.cast_into::<Call>().ok()?;
    call.getattr("made").ok().filter(|made| !made.is_none())
}

/// Whether one of the exits that were pushed on a stack may end an exception.
fn exit_of_stack<'py>(exits: &Bound<'py, PyAny>, raised: &mut Raised<'py>) -> PyResult<bool> {
    let exits: Vec<_> = exits.try_iter()?.collect::<PyResult<_>>()?;
    for pushed in exits.iter().rev() {
        if may_end(&pushed.get_item(1)?, None, raised) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a function always returns None, or what else counts as false.
fn returns_nothing(function: &Bound<'_, PyFunction>) -> bool {
    let code = raw::function::code(function).to_owned();
    let (Ok(handlers), Ok(opcodes)) = (handlers_of(&code), opcodes()) else {
        return false;
    };
    handlers.returns_nothing(&code, opcodes)
}
