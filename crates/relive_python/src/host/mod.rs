//! [`Host`] on the CPython that this extension is loaded into.

mod annotations;
mod apply;
mod codes;
mod compile;
mod exchange;
mod execute;
mod facts;
mod follow;
mod frames;
mod line_table;
mod survey;
mod undo;
mod wrappers;

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyModule, PyType};
use relive_plan::{Facts, FactsQuery, Item, Plan};
use relive_session::{Applied, Host, HostError};

pub(crate) use codes::CodeTable;
use compile::Compiled;
pub(crate) use compile::program_code;
#[cfg(debug_assertions)]
pub(crate) use line_table::relocate;

/// A name with the value that it was bound to.
type Binding = (String, Py<PyAny>);

/// The interpreter as a host. All of it is used with the GIL held.
#[derive(Default)]
pub(crate) struct CPython {
    tables: HashMap<String, CodeTable>,
    /// Values that an edit removed, by module and unit.
    shelf: HashMap<(String, u64), Vec<Binding>>,
    compiled: Option<Compiled>,
    /// Code that a plan replaced while calls were running it, with what the report said.
    retired: Vec<(Py<PyCode>, Item)>,
}

impl CPython {
    /// Take note of the code that a module is about to execute, which is tracked.
    pub(crate) fn executes(&mut self, name: String, code: CodeTable) {
        self.tables.insert(name, code);
    }

    /// Forget what was known of a module's code.
    pub(crate) fn forget(&mut self, name: &str) {
        self.tables.remove(name);
    }
}

impl CPython {
    fn frames_running_retired_code(&mut self, py: Python<'_>) -> PyResult<Vec<Item>> {
        let retired: Vec<_> = self
            .retired
            .iter()
            .map(|(code, item)| (code.bind(py).clone(), item.clone()))
            .collect();
        let (frames, in_use) = frames::running(py, retired)?;
        self.retired = in_use
            .into_iter()
            .map(|(code, item)| (code.unbind(), item))
            .collect();
        Ok(frames)
    }
}

impl Host for CPython {
    fn facts(&mut self, query: &FactsQuery) -> Result<Facts, HostError> {
        Python::attach(|py| {
            let facts = facts::facts(py, query).and_then(|mut facts| {
                if query.frames {
                    facts.frames = self.frames_running_retired_code(py)?;
                }
                Ok(facts)
            });
            facts.map_err(|error| internal(py, &error))
        })
    }

    fn compile(&mut self, plan: &Plan) -> Result<(), HostError> {
        Python::attach(|py| self.compile_plan(py, plan))
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, HostError> {
        Python::attach(|py| self.apply_plan(py, plan))
    }
}

fn internal(py: Python<'_>, error: &PyErr) -> HostError {
    HostError::Internal(describe(py, error))
}

/// An exception in words: its type and message.
fn describe(py: Python<'_>, error: &PyErr) -> String {
    let kind = error.get_type(py);
    let name = kind
        .name()
        .map_or_else(|_| "exception".to_owned(), |name| name.to_string());
    match error.value(py).str() {
        Ok(text) if !text.is_empty().unwrap_or(true) => format!("{name}: {text}"),
        _ => name,
    }
}

/// The module of this name, if it is loaded.
fn loaded<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyModule>>> {
    let modules = py
        .import("sys")?
        .getattr("modules")?
        .cast_into::<PyDict>()?;
    Ok(modules
        .get_item(name)?
        .and_then(|module| module.cast_into::<PyModule>().ok()))
}

/// The class that a path of names leads to in a module's namespace.
fn class_at<'py>(
    namespace: &Bound<'py, PyDict>,
    path: &[String],
) -> PyResult<Option<Bound<'py, PyType>>> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(None);
    };
    let mut found = namespace.get_item(first)?;
    for name in rest {
        let Some(outer) = found else {
            return Ok(None);
        };
        found = outer.getattr("__dict__")?.get_item(name).ok();
    }
    Ok(found.and_then(|class| class.cast_into::<PyType>().ok()))
}
