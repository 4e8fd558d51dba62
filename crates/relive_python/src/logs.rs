//! Change logs, as Python asks for them without a session.

use std::path::PathBuf;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict, PyList};
use relive_log::{Folded, Home, Log, Rim, fold};

/// What the log of a source file says: the document of `relive log FILE --json --all`, and the exit code of `--verify`.
#[pyfunction]
pub(crate) fn read_log(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let (document, code) = relive_cli::log_document(&path).map_err(PyOSError::new_err)?;
    let document = loaded(py, &document)?;
    document.set_item("verify", code)?;
    document.call_method1("setdefault", ("problems", PyList::empty(py)))?;
    Ok(document)
}

/// Have a change of a log count no longer, in no session.
#[pyfunction]
pub(crate) fn undo_log(path: PathBuf, number: u64) -> PyResult<()> {
    relive_cli::undo_change(&path, number).map_err(PyOSError::new_err)
}

/// Merge a change of a log that is in conflict with what its source says now, in no session.
#[pyfunction]
pub(crate) fn merge_log(path: PathBuf, number: u64) -> PyResult<()> {
    relive_cli::merge_change(&path, number).map_err(PyOSError::new_err)
}

/// The text with both versions between conflict markers, where a change and its source have changed the same lines.
#[pyfunction]
pub(crate) fn merge_conflict(path: PathBuf, number: u64) -> PyResult<Option<String>> {
    relive_cli::merge_conflict(&path, number).map_err(PyOSError::new_err)
}

/// Whether there is a terminal in which the user can be asked.
#[pyfunction]
pub(crate) fn has_terminal() -> bool {
    relive_cli::has_terminal()
}

/// Have the user decide in the terminal about the changes of a log: the numbers of those that are replayed, left off and
/// merged with their source. None if nothing was decided.
#[pyfunction]
pub(crate) fn decide_changes(py: Python<'_>, path: PathBuf) -> PyResult<Option<[Vec<u64>; 3]>> {
    let decided = py.detach(|| relive_cli::decide_changes(&path));
    let decided = decided.map_err(PyOSError::new_err)?;
    Ok(decided.map(|decided| [decided.on, decided.off, decided.merged]))
}

/// Write the pending changes of a source file into it, in no session.
#[pyfunction]
pub(crate) fn fold_log(
    py: Python<'_>,
    path: PathBuf,
    dry_run: bool,
) -> PyResult<Bound<'_, PyDict>> {
    let home = Home::from_environment(|name| std::env::var_os(name));
    let home = home.ok_or_else(|| {
        PyOSError::new_err("neither RELIVE_HOME nor HOME is set; set RELIVE_HOME to a directory")
    })?;
    let rim = Rim::real(home);
    let mut log =
        Log::open(&rim, &path, "-", "-").map_err(|error| PyOSError::new_err(error.to_string()))?;
    let source = log.source().to_owned();
    let folded = fold(&rim, &mut log, &source, dry_run);
    log.close();
    folded_to_dict(
        py,
        folded.map_err(|error| PyOSError::new_err(error.to_string()))?,
    )
}

pub(crate) fn folded_to_dict(py: Python<'_>, folded: Folded) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("diff", folded.diff)?;
    dict.set_item("numbers", folded.numbers)?;
    dict.set_item("left", folded.left)?;
    Ok(dict)
}

/// A JSON document as Python has it.
pub(crate) fn loaded<'py>(py: Python<'py>, document: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (document,))
}
