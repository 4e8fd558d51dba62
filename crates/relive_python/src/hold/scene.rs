//! An exception that is on its way, and the frame that it comes to.

use pyo3::exceptions::{PyBaseException, PyBaseExceptionGroup};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyFrame, PyString, PyTuple};

use super::handlers::Scene;
use super::managers;
use super::opcodes::Load;
use crate::raw;

/// An exception that is on its way: of a group, what is left of it.
pub(super) struct Raised<'py> {
    pub(super) error: Bound<'py, PyBaseException>,
    /// What it is made of: itself, unless it is a group.
    left: Vec<Bound<'py, PyAny>>,
    taken: Vec<Bound<'py, PyAny>>,
}

impl<'py> Raised<'py> {
    pub(super) fn new(error: Bound<'py, PyBaseException>) -> Self {
        let mut left = Vec::new();
        collect(error.as_any(), &mut left);
        Self {
            error,
            left,
            taken: Vec::new(),
        }
    }

    /// Whether an `except` clause with these types catches it.
    pub(super) fn matches(&self, types: &Bound<'py, PyAny>) -> bool {
        matches(self.error.as_any(), types)
    }

    /// Take what is of these types out of it; whether there is any.
    pub(super) fn take(&mut self, types: &Bound<'py, PyAny>) -> bool {
        let left = std::mem::take(&mut self.left);
        (self.taken, self.left) = left.into_iter().partition(|one| matches(one, types));
        !self.taken.is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Have it be raised on as part of a group; whether that can be.
    pub(super) fn is_grouped(&mut self) -> bool {
        let py = self.error.py();
        let group = py.get_type::<PyBaseExceptionGroup>();
        let grouped = group.call1(("", (self.error.clone(),)));
        let grouped = grouped.and_then(|grouped| Ok(grouped.cast_into::<PyBaseException>()?));
        grouped.map(|grouped| self.error = grouped).is_ok()
    }
}

fn matches<'py>(error: &Bound<'py, PyAny>, types: &Bound<'py, PyAny>) -> bool {
    // SAFETY: an exception, and anything.
    unsafe { ffi::PyErr_GivenExceptionMatches(error.as_ptr(), types.as_ptr()) != 0 }
}

/// The exceptions of a group and of the groups in it.
fn collect<'py>(error: &Bound<'py, PyAny>, into: &mut Vec<Bound<'py, PyAny>>) {
    let group = error.cast::<PyBaseExceptionGroup>();
    let parts = group
        .ok()
        .and_then(|group| group.getattr("exceptions").ok());
    match parts.and_then(|parts| parts.cast_into::<PyTuple>().ok()) {
        Some(parts) => parts.iter().for_each(|part| collect(&part, into)),
        None => into.push(error.clone()),
    }
}

/// A frame, and the exception that comes to it.
pub(super) struct At<'a, 'py> {
    pub(super) frame: &'a Bound<'py, PyFrame>,
    pub(super) code: &'a Bound<'py, PyCode>,
    pub(super) raised: &'a mut Raised<'py>,
}

/// From CPython 3.12 on the lowest bit of an attribute's number says something else.
const ATTRIBUTE_SHIFT: u32 = if cfg!(Py_3_12) { 1 } else { 0 };

impl<'py> At<'_, 'py> {
    fn listed(&self, names: &str, number: u32) -> Option<Bound<'py, PyAny>> {
        let names = self.code.getattr(names).ok()?.cast_into::<PyTuple>().ok()?;
        names.get_item(number as usize).ok()
    }

    fn variable(&self, number: u32) -> Option<Bound<'py, PyAny>> {
        let name = self
            .code
            .call_method1("_varname_from_oparg", (number,))
            .ok()?;
        self.frame.getattr("f_locals").ok()?.get_item(name).ok()
    }

    fn global(&self, name: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let found = |names: &str| self.frame.getattr(names).ok()?.get_item(name).ok();
        found("f_globals").or_else(|| found("f_builtins"))
    }
}

impl<'py> Scene<'py> for At<'_, 'py> {
    fn load(&self, load: Load, argument: u32) -> Option<Bound<'py, PyAny>> {
        match load {
            Load::Constant => self.listed("co_consts", argument),
            Load::Local | Load::Cell => self.variable(argument),
            Load::Global => self.global(&self.listed("co_names", argument >> 1)?),
            Load::Name => {
                let name = self.listed("co_names", argument)?;
                let local = self.frame.getattr("f_locals").ok()?.get_item(&name);
                local.ok().or_else(|| self.global(&name))
            }
            Load::Common | Load::TwoLocals | Load::Unknown => None,
        }
    }

    fn attribute(&self, of: &Bound<'py, PyAny>, argument: u32) -> Option<Bound<'py, PyAny>> {
        let name = self.listed("co_names", argument >> ATTRIBUTE_SHIFT)?;
        of.getattr(name.cast::<PyString>().ok()?).ok()
    }

    fn matches(&self, types: &Bound<'py, PyAny>) -> bool {
        self.raised.matches(types)
    }

    fn take(&mut self, types: &Bound<'py, PyAny>) -> bool {
        self.raised.take(types)
    }

    fn put_back(&mut self) {
        let taken = std::mem::take(&mut self.raised.taken);
        self.raised.left.extend(taken);
    }

    fn is_empty(&self) -> bool {
        self.raised.is_empty()
    }

    fn may_exit(&mut self, height: u32) -> bool {
        let slots = if cfg!(Py_3_14) { 2 } else { 1 };
        let Some(exit) = (height as usize).checked_sub(slots) else {
            return true;
        };
        // SAFETY: what the instruction calls is below the height that the exception table says, and so on the stack
        // wherever that table holds.
        let (exit, manager) = unsafe {
            let manager = (slots == 2).then(|| raw::frame::on_stack(self.frame, exit + 1));
            (raw::frame::on_stack(self.frame, exit), manager.flatten())
        };
        exit.is_none_or(|exit| managers::may_end(&exit, manager.as_ref(), self.raised))
    }
}
