//! Compiling a plan.

use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyString};
use relive_plan::{ModuleText, Plan, Step};
use relive_session::HostError;
use relive_syntax::{Outline, Piece, shown_at};

use super::line_table::relocate;
use super::{CPython, describe};

/// The code of each module's excerpts; none for an empty one.
type Codes = Vec<Vec<Option<Py<PyCode>>>>;

/// A plan that is compiled, and not applied yet.
pub(super) struct Compiled {
    plan: Plan,
    codes: Codes,
}

impl CPython {
    pub(super) fn compile_plan(&mut self, py: Python<'_>, plan: &Plan) -> Result<(), HostError> {
        self.compiled = None;
        let has_module = |step: &Step| step.module < plan.modules.len();
        if !plan.steps.iter().all(has_module) {
            return Err(HostError::Internal(
                "the plan names a module that it does not have".to_owned(),
            ));
        }
        let mut codes = Vec::with_capacity(plan.modules.len());
        for (index, text) in plan.modules.iter().enumerate() {
            let compiled = compile_module(py, text);
            codes.push(compiled.map_err(|error| syntax_error(py, index, &error, &text.pieces))?);
        }
        self.compiled = Some(Compiled {
            plan: plan.clone(),
            codes,
        });
        Ok(())
    }

    /// The code of the plan, if it is the one that was compiled last and was not applied since.
    pub(super) fn take_compiled(&mut self, plan: &Plan) -> Result<Codes, HostError> {
        match self.compiled.take() {
            Some(compiled) if compiled.plan == *plan => Ok(compiled.codes),
            _ => Err(HostError::Internal(
                "the plan is not the one that was compiled last".to_owned(),
            )),
        }
    }
}

fn compile_module(py: Python<'_>, text: &ModuleText) -> PyResult<Vec<Option<Py<PyCode>>>> {
    let flags = future_flags(py, &text.future)?;
    let compiled = text.excerpts.iter().map(|excerpt| {
        if excerpt.is_empty() {
            return Ok(None);
        }
        let code = compile(py, excerpt, &text.file, flags)?;
        relocate(&code, &text.pieces)?;
        Ok(Some(code.unbind()))
    });
    compiled.collect()
}

pub(super) fn compile<'py>(
    py: Python<'py>,
    source: &str,
    file: &str,
    flags: u32,
) -> PyResult<Bound<'py, PyCode>> {
    let options = PyDict::new(py);
    options.set_item("flags", flags)?;
    options.set_item("dont_inherit", true)?;
    let code =
        py.import("builtins")?
            .call_method("compile", (source, file, "exec"), Some(&options))?;
    Ok(code.cast_into::<PyCode>()?)
}

/// The code of a whole program, and `linecache` told of lines that are not in its file.
pub(crate) fn program_code<'py>(
    py: Python<'py>,
    file: &str,
    outline: &Outline,
) -> PyResult<Bound<'py, PyCode>> {
    let code = compile(py, &outline.text, file, 0)?;
    relocate(&code, outline.pieces())?;
    show_lines(py, file, outline.shown())?;
    Ok(code)
}

/// Have tracebacks show lines of this text.
pub(super) fn show_lines(py: Python<'_>, file: &str, text: &str) -> PyResult<()> {
    let source = PyString::new(py, text);
    let lines = source.call_method1("splitlines", (true,))?;
    let cache = py.import("linecache")?.getattr("cache")?;
    cache.set_item(file, (source.len()?, py.None(), lines, file))
}

pub(super) fn future_flags(py: Python<'_>, names: &[String]) -> PyResult<u32> {
    let future = py.import("__future__")?;
    let mut flags = 0;
    for name in names {
        flags |= future
            .getattr(name.as_str())?
            .getattr("compiler_flag")?
            .extract::<u32>()?;
    }
    Ok(flags)
}

fn syntax_error(py: Python<'_>, module: usize, error: &PyErr, pieces: &[Piece]) -> HostError {
    if !error.is_instance_of::<PySyntaxError>(py) {
        return HostError::Syntax {
            module,
            message: describe(py, error),
            line: 1,
        };
    }
    let value = error.value(py);
    let message = value.getattr("msg").and_then(|message| message.extract());
    let line = value.getattr("lineno").and_then(|line| line.extract());
    HostError::Syntax {
        module,
        message: message.unwrap_or_else(|_| describe(py, error)),
        line: shown_at(pieces, line.unwrap_or(1)),
    }
}
