//! The engine of a session as Python sees it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyList};
use relive_session::{Mode, Report};

use crate::auto;
use crate::host::CodeTable;
use crate::registry;
use crate::report::{items_to_list, module_to_dict, report_to_dict};
use crate::shared::{Arrival, Shared, lock};

/// A session's engine; `relive.Session` is its documented face.
#[pyclass(module = "relive._native", frozen)]
pub(crate) struct Engine {
    shared: Arc<Shared>,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(py: Python<'_>, mode: &str, library: PathBuf) -> PyResult<Self> {
        registry::open(py)?;
        Ok(Self {
            shared: Arc::new(Shared::new(parse_mode(mode)?, library)),
        })
    }

    #[getter]
    fn mode(&self, py: Python<'_>) -> &'static str {
        match self
            .shared
            .with(py, Mode::Patch, |state| state.session.mode)
        {
            Mode::Patch => "patch",
            Mode::Deep => "deep",
        }
    }

    #[setter]
    fn set_mode(&self, py: Python<'_>, mode: &str) -> PyResult<()> {
        let mode = parse_mode(mode)?;
        self.shared.with(py, (), |state| state.session.mode = mode);
        Ok(())
    }

    fn add_root(&self, directory: PathBuf) {
        let mut roots = lock(&self.shared.roots);
        if !roots.contains(&directory) {
            roots.push(directory);
        }
    }

    fn roots(&self) -> Vec<PathBuf> {
        lock(&self.shared.roots).clone()
    }

    /// Whether a source file is below a root and neither an installed package's nor the standard library's.
    fn is_live(&self, path: PathBuf) -> bool {
        self.shared.is_live(&path)
    }

    /// Take up a module before its source is read for execution.
    fn register(&self, name: String, file: PathBuf) {
        let arrival = Arrival::Registered {
            name,
            file,
            text: None,
        };
        self.shared.arrive(arrival);
    }

    /// Take note of the code that a registered module is about to execute.
    fn executes(&self, name: String, code: Bound<'_, PyCode>) {
        registry::track(&code, true);
        let code = CodeTable::of_module(&code);
        self.shared.arrive(Arrival::Executes { name, code });
    }

    /// Take up modules that were imported before the session began: their names and files.
    fn adopt(&self, py: Python<'_>, modules: Vec<(String, PathBuf)>) {
        self.shared.with(py, (), |state| {
            let mut adopted = Vec::new();
            for (name, file) in modules {
                if !state.session.has_module(&name) {
                    let registered = Arrival::Registered {
                        name: name.clone(),
                        file,
                        text: None,
                    };
                    state.arrive(registered);
                    adopted.push(name);
                }
            }
            if !adopted.is_empty() {
                state.session.survey(&mut state.host, &adopted);
            }
        });
        self.shared.auto.nudge();
    }

    #[pyo3(signature = (skip = BTreeSet::new()))]
    fn update<'py>(&self, py: Python<'py>, skip: BTreeSet<String>) -> PyResult<Bound<'py, PyDict>> {
        let report = self.shared.with(py, Report::default(), |state| {
            if state.session.has_edits() {
                self.shared.post(&state.session);
            }
            state.session.update(&mut state.host, &skip)
        });
        report_to_dict(py, &report)
    }

    fn stale<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let items = self
            .shared
            .with(py, Vec::new(), |state| state.session.stale(&mut state.host));
        items_to_list(py, &items)
    }

    fn rerun<'py>(&self, py: Python<'py>, qualnames: Vec<String>) -> PyResult<Bound<'py, PyDict>> {
        let report = self.shared.with(py, Report::default(), |state| {
            self.shared.post(&state.session);
            state.session.rerun(&mut state.host, &qualnames)
        });
        report_to_dict(py, &report)
    }

    fn modules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let modules = self
            .shared
            .with(py, Vec::new(), |state| state.session.modules());
        let dicts: Vec<_> = modules
            .iter()
            .map(|module| module_to_dict(py, module))
            .collect::<PyResult<_>>()?;
        PyList::new(py, dicts)
    }

    /// Apply edits as soon as they are saved, and answer other programs, on a thread of our own.
    ///
    /// `on_report` is called with each report, on the thread that applied it; `program` is what others are told that
    /// this process runs. Returns why other programs cannot ask about the session, if they cannot.
    #[pyo3(signature = (on_report = None, program = None))]
    fn watch(
        &self,
        py: Python<'_>,
        on_report: Option<Py<PyAny>>,
        program: Option<OsString>,
    ) -> PyResult<Option<String>> {
        if on_report.is_some() {
            self.shared.auto.set_listener(on_report);
        }
        auto::start(py, &self.shared, program)
    }

    /// Have no thread for the time of a fork.
    fn before_fork(&self, py: Python<'_>) {
        auto::pause(py, &self.shared);
    }

    fn after_fork_in_parent(&self, py: Python<'_>) -> PyResult<()> {
        auto::resume(py, &self.shared)
    }

    /// See no later save: the code that a forked process has is the code it keeps.
    fn after_fork_in_child(&self) {
        auto::forked(&self.shared);
    }

    /// End the session.
    fn close(&self, py: Python<'_>) {
        auto::close(py, &self.shared);
        self.shared.close(py);
        registry::close(py);
    }
}

fn parse_mode(mode: &str) -> PyResult<Mode> {
    match mode {
        "patch" => Ok(Mode::Patch),
        "deep" => Ok(Mode::Deep),
        _ => Err(PyValueError::new_err(format!(
            "unknown mode {mode:?}: it is 'patch' or 'deep'"
        ))),
    }
}
