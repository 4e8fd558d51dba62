//! What is typed at a prompt: where its names lead, and how it comes back after a crash.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyModule, PyType};
use relive_log::Cause;
use relive_session::{LeftBehind, PromptNames};

use crate::shared::Shared;

/// The namespace of a prompt. Asking runs no code of the user.
pub(crate) struct Namespace<'py>(pub(crate) Bound<'py, PyDict>);

impl PromptNames for Namespace<'_> {
    fn module(&self, path: &str) -> Option<String> {
        let mut names = path.split('.');
        let mut found = self.0.get_item(names.next()?).ok()??;
        for name in names {
            let module = found.cast_into::<PyModule>().ok()?;
            found = module.dict().get_item(name).ok()??;
        }
        self.own_name(&found.cast_into().ok()?)
    }

    fn submodule(&self, module: &str, path: &str) -> Option<String> {
        let mut found = self.loaded(module)?;
        for name in path.split('.') {
            found = found.dict().get_item(name).ok()??.cast_into().ok()?;
        }
        self.own_name(&found)
    }

    fn own_module(&self) -> Option<String> {
        let main = self.loaded("__main__")?;
        main.dict().is(&self.0).then(|| "__main__".to_owned())
    }

    fn is_same(&self, module: &str, name: &str) -> bool {
        let here = self.0.get_item(name).ok().flatten();
        let Some(module) = self.loaded(module) else {
            return false;
        };
        let there = module.dict().get_item(name).ok().flatten();
        match (here, there) {
            (Some(here), Some(there)) => here.is(&there),
            (None, None) => {
                let builtins = self.0.py().import("builtins");
                builtins.is_ok_and(|builtins| builtins.hasattr(name).unwrap_or(false))
            }
            _ => false,
        }
    }
}

impl<'py> Namespace<'py> {
    /// The name by which a module is loaded.
    fn own_name(&self, module: &Bound<'py, PyModule>) -> Option<String> {
        let name: String = module.name().ok()?.extract().ok()?;
        let loaded = self.loaded(&name)?;
        loaded.is(module).then_some(name)
    }

    fn loaded(&self, name: &str) -> Option<Bound<'py, PyModule>> {
        let modules = self.0.py().import("sys").ok()?.getattr("modules").ok()?;
        modules.get_item(name).ok()?.cast_into().ok()
    }
}

/// What an attribute of a module or class held before a cell assigned a definition to it.
pub(crate) struct Former {
    owner: Py<PyAny>,
    name: String,
    value: Py<PyAny>,
}

impl Former {
    /// None if there is nothing, or nothing that a definition had bound. Asking runs no code of the user.
    pub(crate) fn of(py: Python<'_>, module: &str, path: &[String]) -> Option<Self> {
        let (name, scope) = path.split_last()?;
        let modules = py.import("sys").ok()?.getattr("modules").ok()?;
        let mut owner = modules.get_item(module).ok()?;
        for name in scope {
            owner = own_attribute(&owner, name)?;
        }
        let value = own_attribute(&owner, name)?;
        let is_definition =
            value.is_instance_of::<PyFunction>() || value.is_instance_of::<PyType>();
        is_definition.then(|| Self {
            owner: owner.unbind(),
            name: name.clone(),
            value: value.unbind(),
        })
    }

    /// Put it back, and return what is there now, to be put back if need be.
    pub(crate) fn restored(self, py: Python<'_>) -> PyResult<Self> {
        let owner = self.owner.bind(py);
        let now = own_attribute(owner, &self.name);
        let now = now.map_or_else(|| self.value.clone_ref(py), Bound::unbind);
        owner.setattr(&self.name, &self.value)?;
        Ok(Self { value: now, ..self })
    }
}

fn own_attribute<'py>(owner: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    if !owner.is_instance_of::<PyModule>() && !owner.is_instance_of::<PyType>() {
        return None;
    }
    owner.getattr("__dict__").ok()?.get_item(name).ok()
}

/// The statements that a session left that died, one after the other.
#[pyclass(module = "relive._native")]
pub(crate) struct Replayed {
    shared: Arc<Shared>,
    /// Each with what it is known by.
    statements: std::vec::IntoIter<(Cause, String)>,
}

impl Replayed {
    pub(crate) fn new(shared: Arc<Shared>, left: &LeftBehind, numbers: &[u64]) -> Self {
        let statement = |number: &u64| {
            let mut statements = left.statements.iter();
            let found = statements.find(|statement| statement.change.number == *number)?;
            Some((found.origin.clone(), found.text().to_owned()))
        };
        let statements: Vec<_> = numbers.iter().filter_map(statement).collect();
        Self {
            shared,
            statements: statements.into_iter(),
        }
    }

    fn replays(&self, py: Python<'_>, cause: Option<Cause>) {
        self.shared
            .with(py, (), |state| state.session.replay_cause = cause);
    }
}

#[pymethods]
impl Replayed {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&mut self, py: Python<'_>) -> Option<String> {
        let (origin, text) = self.statements.next().unzip();
        self.replays(py, origin);
        text
    }
}
