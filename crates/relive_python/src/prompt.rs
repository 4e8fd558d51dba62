//! What is typed at a prompt: where its names lead, and how it comes back after a crash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFunction, PyModule, PyType};
use relive_log::Cause;
use relive_session::{LeftBehind, PromptNames};

use crate::shared::{Shared, lock};

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
        let here = self.bound(name);
        let Some(module) = self.loaded(module) else {
            return false;
        };
        let there = module.dict().get_item(name).ok().flatten();
        match (here, there) {
            (Some(here), Some(there)) => here.is(&there),
            (None, None) => self.built_in(name).is_some(),
            _ => false,
        }
    }

    fn is_bound(&self, name: &str) -> bool {
        self.bound(name).is_some()
    }
}

impl<'py> Namespace<'py> {
    /// The name by which a module is loaded.
    fn own_name(&self, module: &Bound<'py, PyModule>) -> Option<String> {
        let name: String = module.name().ok()?.extract().ok()?;
        let loaded = self.loaded(&name)?;
        loaded.is(module).then_some(name)
    }

    /// What the prompt binds a name to. A shell that puts a function of its own around a built-in one, as IPython does
    /// with `open`, means that one.
    fn bound(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        let found = self.0.get_item(name).ok()??;
        let is = |object: &Bound<'py, PyAny>| self.built_in(name).is_some_and(|it| it.is(object));
        let wrapped = || {
            let function = found.cast_exact::<PyFunction>().ok()?;
            function.getattr("__wrapped__").ok()
        };
        let is_built_in = is(&found) || wrapped().as_ref().is_some_and(is);
        (!is_built_in).then_some(found)
    }

    fn built_in(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        let builtins = self.0.py().import("builtins").ok()?;
        builtins.dict().get_item(name).ok()?
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
    fn of(py: Python<'_>, module: &str, path: &[String]) -> Option<Self> {
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

/// Where something stands in a module: its name and attributes.
type Place = (String, Vec<String>);

/// Definitions of modules in whose places those of the prompt stand. One that is made the module's own later is made so
/// in them.
#[derive(Default)]
pub(crate) struct Displaced(Mutex<HashMap<Place, Py<PyAny>>>);

impl Displaced {
    /// Keep what stands in a place, in which a definition of the prompt is about to be put.
    pub(crate) fn keep(&self, py: Python<'_>, place: &Place) {
        let former = Former::of(py, &place.0, &place.1);
        let mut kept = lock(&self.0);
        if let Some(former) = former.filter(|_| !kept.contains_key(place)) {
            kept.insert(place.clone(), former.value);
        }
    }

    /// What was the module's own in a place, before a definition is put there that is to be it.
    pub(crate) fn former(&self, py: Python<'_>, place: &Place) -> Option<Former> {
        let former = Former::of(py, &place.0, &place.1)?;
        let own = lock(&self.0).get(place).map(|own| own.clone_ref(py));
        Some(match own {
            Some(value) => Former { value, ..former },
            None => former,
        })
    }

    /// Forget places in which the module's own is again.
    pub(crate) fn forget(&self, places: &[Place]) {
        let mut kept = lock(&self.0);
        let gone: Vec<_> = places.iter().map(|place| kept.remove(place)).collect();
        // What goes with them may run code of the user.
        drop(kept);
        drop(gone);
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
    statements: std::vec::IntoIter<(Vec<Cause>, String)>,
}

impl Replayed {
    pub(crate) fn new(shared: Arc<Shared>, left: &LeftBehind, numbers: &[u64]) -> Self {
        let statement = |number: &u64| {
            let mut statements = left.statements.iter();
            let found = statements.find(|statement| statement.change.number == *number)?;
            Some((found.origins.clone(), found.text().to_owned()))
        };
        let statements: Vec<_> = numbers.iter().filter_map(statement).collect();
        Self {
            shared,
            statements: statements.into_iter(),
        }
    }

    fn replays(&self, py: Python<'_>, causes: Vec<Cause>) {
        self.shared
            .with(py, (), |state| state.session.replay_causes = causes);
    }
}

#[pymethods]
impl Replayed {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&mut self, py: Python<'_>) -> Option<String> {
        let (origin, text) = self.statements.next().unzip();
        self.replays(py, origin.unwrap_or_default());
        text
    }
}
