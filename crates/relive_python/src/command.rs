//! The `relive` command: its arguments are read by [`relive_cli`], programs are run by Python.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use relive_cli::{Program, ReplRequest, RunRequest, Runner};

/// Runs programs in this very interpreter.
struct Interpreter<'py>(Python<'py>);

impl Runner for Interpreter<'_> {
    type Error = PyErr;

    fn run(&mut self, request: RunRequest) -> PyResult<()> {
        let py = self.0;
        let (target, is_module) = match request.program {
            Program::Script(script) => (script.into_os_string(), false),
            Program::Module(module) => (module, true),
        };
        let options = PyDict::new(py);
        options.set_item("is_module", is_module)?;
        options.set_item("mode", request.mode.name())?;
        options.set_item("roots", request.roots)?;
        options.set_item("replay", request.replay.name())?;
        options.set_item("hold", request.hold.name())?;
        let arguments = PyTuple::new(py, request.arguments)?;
        py.import("relive._run")?
            .getattr("run")?
            .call((target, arguments), Some(&options))?;
        Ok(())
    }

    fn repl(&mut self, request: ReplRequest) -> PyResult<()> {
        let py = self.0;
        let options = PyDict::new(py);
        options.set_item("mode", request.mode.name())?;
        options.set_item("roots", request.roots)?;
        options.set_item("replay", request.replay.name())?;
        options.set_item("hold", request.hold.name())?;
        let script = request.script.map(PathBuf::into_os_string);
        py.import("relive._repl")?
            .getattr("repl")?
            .call((script,), Some(&options))?;
        Ok(())
    }
}

/// The `relive` command with these arguments, the first being its own name; returns the exit code.
///
/// What a program raises that it runs, `SystemExit` included, comes out of here.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    relive_cli::main(arguments, &mut Interpreter(py))
}
