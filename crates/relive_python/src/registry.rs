//! Which live functions carry a code object of a live module.
//!
//! On CPython 3.12+ a function watcher keeps it current, so that finding the functions of an edit costs nothing per
//! function in the process; before that, a walk over the heap does, and what it finds is held until [`release`].

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFunction, PyString, PyType};

use crate::raw;
#[cfg(Py_3_12)]
use crate::raw::vectorcall::Aside;
#[cfg(Py_3_12)]
use crate::raw::watcher::FunctionEvent;

/// Protects the registry from nothing but the type system: it is only used with the GIL held, and no Python code runs
/// while it is locked.
static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

/// Also asked while the registry is locked. Only changed with the GIL held.
static KEEPS_CALLS: AtomicBool = AtomicBool::new(false);

#[derive(Default)]
struct Registry {
    /// Hashes of the names of the files that live code comes from.
    files: HashSet<isize, Scattered>,
    /// Addresses of functions with code from these files, by the address of their code, which they keep alive.
    functions: HashMap<usize, Functions, Scattered>,
    /// Functions may exist that were made before their file was tracked.
    needs_scan: bool,
    #[cfg(Py_3_12)]
    watcher: Option<i32>,
    /// Addresses of functions whose calls are as CPython makes them for a while.
    #[cfg(Py_3_12)]
    aside: HashMap<usize, Aside, Scattered>,
    /// How often functions were found busy, by their addresses.
    #[cfg(Py_3_12)]
    busy: HashMap<usize, u32, Scattered>,
    #[cfg(Py_3_12)]
    all_busy: u32,
    /// What the last scan found: without a watcher nothing tells when a function is destroyed.
    #[cfg(not(Py_3_12))]
    held: Vec<Py<PyFunction>>,
}

/// The addresses of the functions of one code object: for most there is one.
enum Functions {
    One(usize),
    Many(HashSet<usize, Scattered>),
}

impl Functions {
    fn each(&self, mut act: impl FnMut(usize)) {
        match self {
            Self::One(function) => act(*function),
            Self::Many(functions) => functions.iter().copied().for_each(act),
        }
    }
}

impl Registry {
    /// Whether its code comes from a file that is tracked.
    fn add(&mut self, function: usize, code: usize, file: isize) -> bool {
        if !self.files.contains(&file) {
            return false;
        }
        match self.functions.entry(code) {
            Entry::Vacant(entry) => {
                entry.insert(Functions::One(function));
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                Functions::One(first) if *first == function => {}
                Functions::One(first) => {
                    let both = HashSet::from_iter([*first, function]);
                    entry.insert(Functions::Many(both));
                }
                Functions::Many(functions) => {
                    functions.insert(function);
                }
            },
        }
        true
    }

    #[cfg(Py_3_12)]
    fn remove(&mut self, function: usize, code: usize) {
        self.aside.remove(&function);
        self.busy.remove(&function);
        let Entry::Occupied(mut entry) = self.functions.entry(code) else {
            return;
        };
        let is_last = match entry.get_mut() {
            Functions::One(only) => *only == function,
            Functions::Many(functions) => functions.remove(&function) && functions.is_empty(),
        };
        if is_last {
            entry.remove();
        }
    }
}

/// A hasher for addresses and hashes: they need not be made random, only be scattered. The watcher looks them up each
/// time a function is made.
#[derive(Default)]
struct Scatter(u64);

type Scattered = BuildHasherDefault<Scatter>;

impl Hasher for Scatter {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = number as u64;
    }

    fn finish(&self) -> u64 {
        // The golden ratio spreads the low bits, which are equal in all addresses, over the high ones.
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32)
    }
}

fn registry() -> MutexGuard<'static, Option<Registry>> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begin to keep track of functions.
pub(crate) fn open(py: Python<'_>) -> PyResult<()> {
    if registry().is_some() {
        return Ok(());
    }
    #[cfg(Py_3_12)]
    raw::vectorcall::learn(py.eval(c"lambda: None", None, None)?.cast()?);
    #[cfg(Py_3_12)]
    let watcher = Some(raw::watcher::install(py)?);
    #[cfg(not(Py_3_12))]
    let _ = py;
    *registry() = Some(Registry {
        needs_scan: cfg!(not(Py_3_12)),
        #[cfg(Py_3_12)]
        watcher,
        ..Registry::default()
    });
    Ok(())
}

/// Have calls of live functions be ones that can begin anew, also where that costs all calls something: those of
/// coroutines and generators, and on CPython 3.11 all.
pub(crate) fn keep_calls(py: Python<'_>, keep: bool) -> PyResult<()> {
    if keep {
        crate::again::load(py)?;
    }
    KEEPS_CALLS.store(keep, Ordering::Relaxed);
    #[cfg(not(Py_3_12))]
    raw::evaluator::set(py, keep);
    #[cfg(Py_3_12)]
    for function in functions(py) {
        let code = raw::function::code(&function);
        if keep {
            prepare(&code);
        }
        if raw::code::suspension(&code).is_none() || has_stepped_aside(&code) {
            continue;
        }
        if keep {
            raw::vectorcall::arm(&function, &code);
        } else {
            raw::vectorcall::disarm(&function);
        }
    }
    Ok(())
}

/// Whether all calls of live functions can begin anew, but for those that have stepped aside.
pub(crate) fn keeps_calls() -> bool {
    KEEPS_CALLS.load(Ordering::Relaxed)
}

/// Whether calls of live functions with this code can begin anew.
pub(crate) fn keeps(code: &Bound<'_, PyCode>) -> bool {
    let is_free = cfg!(Py_3_12) && raw::code::makes_plain_calls(code);
    is_free || keeps_calls() && raw::code::is_function(code)
}

/// Every function in the registry.
#[cfg(Py_3_12)]
fn functions(py: Python<'_>) -> Vec<Bound<'_, PyFunction>> {
    let mut found = Vec::new();
    if let Some(registry) = registry().as_ref() {
        for functions in registry.functions.values() {
            functions.each(|function| found.push(known(py, function)));
        }
    }
    found
}

/// Forget everything.
pub(crate) fn close(py: Python<'_>) {
    KEEPS_CALLS.store(false, Ordering::Relaxed);
    #[cfg(Py_3_12)]
    for function in functions(py) {
        raw::vectorcall::disarm(&function);
    }
    #[cfg(Py_3_12)]
    if let Err(error) = raw::vectorcall::give_back_allocations(py) {
        error.write_unraisable(py, None);
    }
    let Some(closed) = registry().take() else {
        return;
    };
    #[cfg(Py_3_12)]
    if let Some(watcher) = closed.watcher {
        raw::watcher::remove(py, watcher);
    }
    #[cfg(not(Py_3_12))]
    raw::evaluator::set(py, false);
    drop(closed);
}

/// Track the functions made of code from the file of this code; `is_new` if none can have been made yet.
pub(crate) fn track(code: &Bound<'_, PyCode>, is_new: bool) {
    #[cfg(Py_3_12)]
    prepare(code);
    if let Some(registry) = registry().as_mut() {
        registry.files.insert(raw::code::file_hash(code));
        registry.needs_scan |= !is_new;
    }
}

/// The code objects directly nested in a code object.
pub(crate) fn children<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyCode>> {
    let constants = raw::code::constants(code);
    let codes = constants.iter_borrowed();
    let codes = codes.filter_map(|constant| Some(constant.cast::<PyCode>().ok()?.to_owned()));
    codes.collect()
}

/// Track the functions made of code from a file, of which there may be some.
pub(crate) fn track_file(name: &Bound<'_, PyString>) {
    if let Some(registry) = registry().as_mut() {
        registry.files.insert(raw::code::name_hash(name));
        registry.needs_scan = true;
    }
}

/// Have functions that are made of the code be armed from their first call.
#[cfg(Py_3_12)]
fn prepare(code: &Bound<'_, PyCode>) {
    if keeps(code) {
        raw::code::forget_version(code);
    }
    for child in children(code) {
        prepare(&child);
    }
}

/// Take note that code was run, which may have made functions.
pub(crate) fn code_was_run() {
    #[cfg(not(Py_3_12))]
    if let Some(registry) = registry().as_mut() {
        registry.needs_scan = true;
    }
}

/// Bring the registry up to date where no watcher has done so.
pub(crate) fn refresh(py: Python<'_>) -> PyResult<()> {
    if registry()
        .as_ref()
        .is_none_or(|registry| !registry.needs_scan)
    {
        return Ok(());
    }
    // Before the scan: what is destroyed by it may run the program's code.
    release();
    let mut found = Vec::new();
    let mut classes = Vec::new();
    raw::heap::for_each(py, |object| {
        if let Ok(function) = object.cast::<PyFunction>() {
            found.push(function.clone());
        } else if cfg!(Py_3_13)
            && let Ok(class) = object.cast::<PyType>()
        {
            classes.push(class.clone());
        }
    })?;
    // What the watcher has reported stays: a scan does not see what `gc.freeze` has put aside.
    if let Some(registry) = registry().as_mut() {
        for function in found {
            let code = raw::function::code(&function);
            let (address, file) = (function.as_ptr() as usize, raw::code::file_hash(&code));
            let is_live = registry.add(address, code.as_ptr() as usize, file);
            #[cfg(Py_3_12)]
            if is_live {
                prepare(&code);
                raw::vectorcall::arm(&function, &code);
            }
            #[cfg(not(Py_3_12))]
            if is_live {
                registry.held.push(function.unbind());
            }
        }
        registry.needs_scan = false;
    }
    #[cfg(Py_3_13)]
    for class in classes {
        let initializer = raw::vectorcall::own_initializer(&class);
        if initializer.is_some_and(|function| is_live(&raw::function::code(&function))) {
            raw::vectorcall::forget_initializer(&class);
        }
    }
    Ok(())
}

/// Take note that a function was found busy; how often it was by now, and how often any was.
#[cfg(Py_3_12)]
pub(crate) fn was_busy(function: &Bound<'_, PyFunction>) -> (u32, u32) {
    registry().as_mut().map_or((0, 0), |registry| {
        let count = registry.busy.entry(function.as_ptr() as usize).or_default();
        *count += 1;
        registry.all_busy = registry.all_busy.saturating_add(1);
        (*count, registry.all_busy)
    })
}

/// Whether calls of some function with this code are as CPython makes them.
pub(crate) fn has_stepped_aside(code: &Bound<'_, PyCode>) -> bool {
    #[cfg(Py_3_12)]
    {
        let functions = functions_of(code);
        let registry = registry();
        registry.as_ref().is_some_and(|registry| {
            let mut functions = functions.iter();
            functions.any(|function| registry.aside.contains_key(&(function.as_ptr() as usize)))
        })
    }
    #[cfg(not(Py_3_12))]
    {
        let _ = code;
        false
    }
}

/// Have calls of a function be as CPython makes them, for a while.
#[cfg(Py_3_12)]
pub(crate) fn step_aside(function: &Bound<'_, PyFunction>, why: Aside) {
    raw::vectorcall::disarm(function);
    if let Some(registry) = registry().as_mut() {
        registry.aside.insert(function.as_ptr() as usize, why);
    }
}

/// Have calls of functions that have stepped aside since they were nested too deep be ones that can begin anew, again.
#[cfg(Py_3_12)]
pub(crate) fn rearm(py: Python<'_>) {
    let mut back = Vec::new();
    if let Some(registry) = registry().as_mut() {
        registry.aside.retain(|&function, why| {
            if *why == Aside::Deep {
                back.push(known(py, function));
            }
            *why != Aside::Deep
        });
    }
    for function in back {
        raw::vectorcall::arm(&function, &raw::function::code(&function));
    }
}

/// Let go of what a scan has found: from here on functions may be destroyed again without notice.
pub(crate) fn release() {
    #[cfg(not(Py_3_12))]
    {
        let held = registry().as_mut().map(|registry| {
            registry.functions.clear();
            registry.needs_scan = true;
            std::mem::take(&mut registry.held)
        });
        // Destroying a function may run the program's code, which must not find the registry locked.
        drop(held);
    }
}

/// The live functions that carry the code; [`refresh`] first.
pub(crate) fn functions_of<'py>(code: &Bound<'py, PyCode>) -> Vec<Bound<'py, PyFunction>> {
    let mut found = Vec::new();
    if let Some(functions) = registry()
        .as_ref()
        .and_then(|registry| registry.functions.get(&(code.as_ptr() as usize)))
    {
        functions.each(|function| found.push(known(code.py(), function)));
    }
    found.retain(|function| raw::function::code(function).is(code));
    found
}

/// A function that is in the registry.
fn known(py: Python<'_>, address: usize) -> Bound<'_, PyFunction> {
    // SAFETY: a function leaves the registry before it is destroyed (3.12+), or the registry holds it.
    unsafe { Bound::from_borrowed_ptr(py, address as *mut ffi::PyObject).cast_into_unchecked() }
}

/// Whether code comes from the file of a live module.
pub(crate) fn is_live(code: &Bound<'_, PyCode>) -> bool {
    let file = raw::code::file_hash(code);
    registry()
        .as_ref()
        .is_some_and(|registry| registry.files.contains(&file))
}

/// Take note of what the watcher reports; whether the function is live now. Called from within CPython's allocation of
/// functions: no Python code here.
#[cfg(Py_3_12)]
pub(crate) fn notice(function: usize, event: &FunctionEvent) -> bool {
    let Ok(mut registry) = REGISTRY.try_lock() else {
        return false;
    };
    let Some(registry) = registry.as_mut() else {
        return false;
    };
    match *event {
        FunctionEvent::Created { code, file } => registry.add(function, code, file),
        FunctionEvent::Destroyed { code } => {
            registry.remove(function, code);
            false
        }
        FunctionEvent::Recoded { from, to, file } => {
            registry.remove(function, from);
            registry.add(function, to, file)
        }
    }
}
