//! Holding: whether an exception that comes out of a live function is one that nobody above will catch, and if so,
//! having somebody decide what becomes of the call.

mod boundaries;
mod handlers;
mod managers;
mod opcodes;
mod scene;
mod through_c;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::exceptions::{
    PyBaseException, PyException, PyRuntimeError, PyStopAsyncIteration, PyStopIteration,
};
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFrame, PyString, PyType};

use self::boundaries::{Boundary, boundary};
use self::handlers::{Fate, Handlers};
use self::opcodes::Opcodes;
use self::scene::{At, Raised};
use crate::raw::frame;
use crate::registry;
use crate::restart::After;

/// Which exceptions are held.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Filter {
    /// None at all.
    Off = 0,
    /// Those that nobody will catch.
    Uncaught = 1,
    /// Also those that only a library will catch, with a clause for whatever may go wrong.
    UserUnhandled = 2,
}

static FILTER: AtomicU8 = AtomicU8::new(Filter::Off as u8);

/// Who decides on a call that is held. Locked only to be read or set.
static HOLDER: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

/// What was held last and goes on, in whichever thread it is raised again. Locked only to be read or set.
static LET_GO: Mutex<Option<Py<PyBaseException>>> = Mutex::new(None);

static OPCODES: OnceLock<Opcodes> = OnceLock::new();

/// What was read of code objects, which it keeps alive. Locked only to be read or set.
static KNOWN: Mutex<Option<HashMap<usize, KnownCode>>> = Mutex::new(None);

struct KnownCode {
    _code: Py<PyCode>,
    handlers: Arc<Handlers>,
}

/// So many code objects are remembered.
const REMEMBERED: usize = 4096;

thread_local! {
    /// Whoever decides on a call, or applies an edit, sees for himself what fails.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };

    /// The last exception that somebody above was found to catch.
    static CAUGHT: RefCell<Caught> = const { RefCell::new(Caught::NONE) };
}

/// An exception that is on its way to who catches it. Addresses, which keep nothing alive: only where all of them are met
/// again is it known what becomes of it.
struct Caught {
    error: usize,
    class: usize,
    /// Frames and their codes: those that it passes, and then the one that catches it.
    way: Vec<(usize, usize)>,
    /// Where the one that catches it is.
    place: Option<u32>,
}

impl Caught {
    const NONE: Self = Self {
        error: 0,
        class: 0,
        way: Vec::new(),
        place: None,
    };

    /// Whether it is this exception, and has come to this frame.
    fn has_come_to(&self, error: &Bound<'_, PyBaseException>, frame: &Bound<'_, PyFrame>) -> bool {
        let is_it = self.error == error.as_ptr() as usize
            && self.class == error.get_type().as_ptr() as usize;
        let here = frame.as_ptr() as usize;
        let come = self.way.iter().position(|(frame, _)| *frame == here);
        let Some(come) = come.filter(|_| is_it) else {
            return false;
        };
        let mut next = Some(frame.clone());
        for (index, expected) in self.way.iter().enumerate().skip(come) {
            let Some(frame) = next.filter(|frame| known_by(frame) == *expected) else {
                return false;
            };
            if index + 1 == self.way.len() {
                return frame::position(&frame) == self.place;
            }
            next = frame::back(&frame);
        }
        false
    }
}

fn known_by(frame: &Bound<'_, PyFrame>) -> (usize, usize) {
    let code = frame::code(frame);
    (frame.as_ptr() as usize, code.as_ptr() as usize)
}

/// Hold exceptions, and have `holder` decide: it is called with the exception and the frame that has made the call.
pub(crate) fn set(py: Python<'_>, filter: Filter, holder: Option<Py<PyAny>>) -> PyResult<()> {
    if filter != Filter::Off {
        if !frame::is_as_believed(py)? {
            return Err(PyRuntimeError::new_err(
                "this build of relive is for another CPython: reinstall relive with this interpreter",
            ));
        }
        if OPCODES.get().is_none() {
            let opcodes = Opcodes::of_this_python(py)?;
            OPCODES.get_or_init(|| opcodes);
        }
    }
    let before = {
        let mut now = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, holder)
    };
    drop(before);
    FILTER.store(filter as u8, Ordering::Relaxed);
    if filter == Filter::Off {
        let_go(None);
    }
    Ok(())
}

/// Hold nothing in a forked process: it has no session that anybody could ask.
pub(crate) fn forked() {
    FILTER.store(Filter::Off as u8, Ordering::Relaxed);
}

pub(crate) fn is_on() -> bool {
    FILTER.load(Ordering::Relaxed) != Filter::Off as u8
}

/// Decide on a call that came back with an exception, which is set. If it does not go on, none is set any more.
pub(crate) fn decide(py: Python<'_>) -> After {
    if !is_on() || IS_QUIET.get() {
        return After::Raise;
    }
    let error = PyErr::fetch(py);
    let value = error.value(py);
    // Before CPython 3.12 it is not part of the exception yet. Without one the call has not begun: its arguments are wrong,
    // and it is the caller that has failed.
    let traceback = error.traceback(py);
    let has_begun = traceback.is_some_and(|traceback| {
        let set = value.setattr(pyo3::intern!(py, "__traceback__"), traceback);
        set.is_ok()
    });
    // What is looked at may be objects of the program, which run code.
    let is_held =
        has_begun && never(|| can_be_held(value) && !was_let_go(value) && !is_caught(value));
    if !is_held {
        error.restore(py);
        return After::Raise;
    }
    let holder = {
        let holder = HOLDER.lock().unwrap_or_else(PoisonError::into_inner);
        holder.as_ref().map(|holder| holder.clone_ref(py))
    };
    let Some(holder) = holder else {
        error.restore(py);
        return After::Raise;
    };
    let decision = never(|| holder.call1(py, (value, frame::running(py))));
    match decision.and_then(|decision| decision.extract(py)) {
        Ok(Decision::Again) => After::Again,
        Ok(Decision::Return(value)) => After::Return(value),
        Ok(Decision::Raise) => {
            let_go(Some(value.clone().unbind()));
            error.restore(py);
            After::Raise
        }
        // What is wrong with the holder must not stand in for what is wrong with the program.
        Err(failed) if failed.is_instance_of::<PyException>(py) => {
            failed.write_unraisable(py, None);
            let_go(Some(value.clone().unbind()));
            error.restore(py);
            After::Raise
        }
        Err(instead) => {
            // Where it was raised is ours, and nobody's business.
            instead.set_traceback(py, None);
            instead.restore(py);
            After::Raise
        }
    }
}

/// Hold nothing meanwhile: what fails is seen by whoever has asked for it to be run.
pub(crate) fn never<T>(run: impl FnOnce() -> T) -> T {
    let before = IS_QUIET.replace(true);
    let result = run();
    IS_QUIET.set(before);
    result
}

/// Hold nothing on this thread, ever.
pub(crate) fn never_here() {
    IS_QUIET.set(true);
}

/// What is to become of a call that is held, as the holder says it: `None`, to go on raising, "again", or a tuple with the
/// value to return.
enum Decision {
    Again,
    Return(Py<PyAny>),
    Raise,
}

impl<'a, 'py> FromPyObject<'a, 'py> for Decision {
    type Error = PyErr;

    fn extract(decision: pyo3::Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if decision.is_none() {
            return Ok(Self::Raise);
        }
        if decision.is_instance_of::<PyString>() {
            return Ok(Self::Again);
        }
        let (value,): (Py<PyAny>,) = decision.extract()?;
        Ok(Self::Return(value))
    }
}

/// Errors are held; not what ends something in an orderly way: an iteration, a generator, a task, the program, and what
/// is only the way in which a library says something.
fn can_be_held(error: &Bound<'_, PyBaseException>) -> bool {
    error.is_instance_of::<PyException>()
        && !error.is_instance_of::<PyStopIteration>()
        && !error.is_instance_of::<PyStopAsyncIteration>()
        && !says_something(error).unwrap_or(true)
}

/// Exceptions by which nothing has failed.
const SAYINGS: &[(&str, &str)] = &[
    ("bdb", "BdbQuit"),
    ("unittest.case", "SkipTest"),
    ("werkzeug.exceptions", "HTTPException"),
    ("werkzeug.routing.exceptions", "RoutingException"),
    ("starlette.exceptions", "HTTPException"),
    ("aiohttp.web_exceptions", "HTTPException"),
    ("django.http.response", "Http404"),
];

fn says_something(error: &Bound<'_, PyBaseException>) -> PyResult<bool> {
    for class in error.get_type().mro() {
        let class = class.cast_into::<PyType>()?;
        let (module, name) = (class.module()?, class.qualname()?);
        let (module, name) = (module.to_str()?, name.to_str()?);
        if SAYINGS.contains(&(module, name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn was_let_go(error: &Bound<'_, PyBaseException>) -> bool {
    let last = LET_GO.lock().unwrap_or_else(PoisonError::into_inner);
    last.as_ref().is_some_and(|last| last.is(error))
}

/// Have an exception go on that is held, and the one before it forgotten.
fn let_go(error: Option<Py<PyBaseException>>) {
    let before = {
        let mut last = LET_GO.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, error)
    };
    // This may run the program's code.
    drop(before);
}

/// What a frame does with an exception that comes to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Passes,
    Catches,
    /// It runs the code of others and catches whatever that raises.
    IsNobody,
}

/// Whether somebody above will catch it: a frame from the one on that runs now.
fn is_caught(error: &Bound<'_, PyBaseException>) -> bool {
    let mut next = frame::running(error.py());
    let is_known = |frame| CAUGHT.with_borrow(|caught| caught.has_come_to(error, frame));
    if next.as_ref().is_some_and(is_known) {
        return true;
    }
    let mut raised = Raised::new(error.clone());
    let mut inner = innermost_code(error);
    let mut way = Vec::new();
    while let Some(frame) = next {
        let code = frame::code(&frame);
        let place = frame::position(&frame);
        let answer = place.map(|place| answer(&frame, &code, place, inner.as_ref(), &mut raised));
        way.push(known_by(&frame));
        match answer {
            None | Some(Answer::Passes) => {}
            Some(Answer::IsNobody) => return false,
            Some(Answer::Catches) => {
                CAUGHT.set(Caught {
                    error: error.as_ptr() as usize,
                    class: error.get_type().as_ptr() as usize,
                    way,
                    place,
                });
                return true;
            }
        }
        inner = Some(code);
        next = frame::back(&frame);
    }
    false
}

/// The code of the call that has just come back with an exception.
fn innermost_code<'py>(error: &Bound<'py, PyBaseException>) -> Option<Bound<'py, PyCode>> {
    let traceback = error
        .getattr(pyo3::intern!(error.py(), "__traceback__"))
        .ok()?;
    let frame = traceback
        .getattr(pyo3::intern!(error.py(), "tb_frame"))
        .ok()?;
    Some(frame::code(frame.cast::<PyFrame>().ok()?))
}

fn answer<'py>(
    frame: &Bound<'py, PyFrame>,
    code: &Bound<'py, PyCode>,
    place: u32,
    inner: Option<&Bound<'py, PyCode>>,
    raised: &mut Raised<'py>,
) -> Answer {
    let Ok(handlers) = handlers_of(code) else {
        return Answer::Catches;
    };
    if inner.is_some_and(|inner| through_c::may_end(frame, &handlers, place, inner, &raised.error))
    {
        return Answer::Catches;
    }
    let mut scene = At {
        frame,
        code,
        raised,
    };
    let Fate::Caught { by_all } = handlers.fate(place, &mut scene) else {
        return Answer::Passes;
    };
    match boundary_of(frame, code) {
        Some(Boundary::Nobody) => Answer::IsNobody,
        Some(Boundary::Passes) => Answer::Passes,
        None if by_all && are_libraries_nobody() && !registry::is_live(code) => Answer::IsNobody,
        None => Answer::Catches,
    }
}

fn are_libraries_nobody() -> bool {
    FILTER.load(Ordering::Relaxed) == Filter::UserUnhandled as u8
}

fn boundary_of(frame: &Bound<'_, PyFrame>, code: &Bound<'_, PyCode>) -> Option<Boundary> {
    let py = frame.py();
    let globals = frame.getattr(pyo3::intern!(py, "f_globals")).ok()?;
    let module: Bound<'_, PyString> = globals.get_item("__name__").ok()?.cast_into().ok()?;
    let name = code.getattr(pyo3::intern!(py, "co_qualname")).ok()?;
    let name: Bound<'_, PyString> = name.cast_into().ok()?;
    boundary(module.to_str().ok()?, name.to_str().ok()?)
}

/// What becomes of an exception that comes to a frame.
fn fate<'py>(frame: &Bound<'py, PyFrame>, raised: &mut Raised<'py>) -> Fate {
    let code = frame::code(frame);
    let (Some(place), Ok(handlers)) = (frame::position(frame), handlers_of(&code)) else {
        return Fate::Passes;
    };
    let mut scene = At {
        frame,
        code: &code,
        raised,
    };
    handlers.fate(place, &mut scene)
}

fn opcodes() -> PyResult<&'static Opcodes> {
    let opcodes = OPCODES.get();
    opcodes.ok_or_else(|| PyRuntimeError::new_err("nothing was ever held"))
}

/// The handlers of a code object, which are read once.
fn handlers_of(code: &Bound<'_, PyCode>) -> PyResult<Arc<Handlers>> {
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let address = code.as_ptr() as usize;
    if let Some(found) = known().as_ref().and_then(|known| known.get(&address)) {
        return Ok(Arc::clone(&found.handlers));
    }
    let handlers = Arc::new(Handlers::of(code, opcodes()?)?);
    let new = KnownCode {
        _code: code.clone().unbind(),
        handlers: Arc::clone(&handlers),
    };
    let mut forgotten = None;
    let mut slot = known();
    let known = slot.get_or_insert_default();
    if known.len() >= REMEMBERED {
        forgotten = Some(std::mem::take(known));
    }
    known.insert(address, new);
    drop(slot);
    // Whoever has a weak reference to code is called.
    drop(forgotten);
    Ok(handlers)
}
