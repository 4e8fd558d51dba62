//! Comparing a module that was imported before the session began with the text of its file.

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyCode, PyDict, PyFunction, PyModule};
use relive_plan::Difference;

use super::codes;
use crate::raw;

/// The code objects of live functions, by the address of their globals and by qualified name.
#[derive(Default)]
pub(super) struct LiveCodes<'py> {
    by_globals: HashMap<usize, HashMap<String, Vec<Bound<'py, PyCode>>>>,
}

impl<'py> LiveCodes<'py> {
    /// Look at every function of the process, once.
    pub(super) fn of_process(py: Python<'py>) -> PyResult<Self> {
        let mut found = Self::default();
        raw::heap::for_each(py, |object| {
            if let Ok(function) = object.cast::<PyFunction>()
                && let Ok(globals) = function.getattr("__globals__")
                && let Ok(code) = function.getattr("__code__")
                && let Ok(code) = code.cast_into::<PyCode>()
                && let Ok(name) = code.getattr("co_qualname").and_then(|name| name.extract())
            {
                let of_module = found.by_globals.entry(globals.as_ptr() as usize);
                of_module.or_default().entry(name).or_default().push(code);
            }
        })?;
        Ok(found)
    }
}

/// The definitions of `text`, and its assignments of literals, that are not what is live in the module.
pub(super) fn differences<'py>(
    text: &str,
    module: &Bound<'py, PyModule>,
    live: &LiveCodes<'py>,
) -> PyResult<Vec<Difference>> {
    let py = module.py();
    let namespace = module.dict();
    let file: String = module.getattr("__file__")?.extract()?;
    let tree = py.import("ast")?.call_method1("parse", (text, &file))?;
    let mut found = Vec::new();
    let options = PyDict::new(py);
    options.set_item("dont_inherit", true)?;
    let code = py
        .import("builtins")?
        .call_method("compile", (text, &file, "exec"), Some(&options))?
        .cast_into::<PyCode>()?;
    let of_module = live.by_globals.get(&(namespace.as_ptr() as usize));
    let mut written: HashMap<String, Vec<Bound<'_, PyCode>>> = HashMap::new();
    for entry in codes::entries(&code) {
        let name = entry.getattr("co_qualname")?.extract()?;
        written.entry(name).or_default().push(entry);
    }
    for (name, entries) in &written {
        match of_module.and_then(|codes| codes.get(name)) {
            // Several lambdas share one name, and some of them may rightly be gone: only a live one that
            // is not in the text tells of another version.
            Some(codes) if codes.iter().all(|code| is_among(code, entries)) => {}
            Some(codes) => {
                for entry in entries.iter().filter(|entry| !is_among(entry, codes)) {
                    found.push(Difference {
                        line: codes::line_of(entry),
                        is_missing: false,
                    });
                }
            }
            // A lambda or a replaced function may rightly be gone; a plain definition is there or is new.
            None if !name.contains(['.', '<']) && !namespace.contains(name)? => {
                found.push(Difference {
                    line: codes::line_of(&entries[0]),
                    is_missing: true,
                });
            }
            None => {}
        }
    }
    found.sort_by_key(|difference| difference.line);
    if !found.is_empty() {
        // Only beside code that differs: a literal alone may as well have been replaced by the program.
        found.extend(literals(&tree, &namespace)?);
    }
    Ok(found)
}

fn is_among(code: &Bound<'_, PyCode>, codes: &[Bound<'_, PyCode>]) -> bool {
    codes.iter().any(|other| other.eq(code).unwrap_or(false))
}

/// Top-level assignments of a literal to a name that holds another simple value.
fn literals(tree: &Bound<'_, PyAny>, namespace: &Bound<'_, PyDict>) -> PyResult<Vec<Difference>> {
    let mut found = Vec::new();
    for statement in tree.getattr("body")?.try_iter()? {
        let statement = statement?;
        let is_assignment =
            statement.get_type().name()? == "Assign" && statement.getattr("targets")?.len()? == 1;
        if !is_assignment {
            continue;
        }
        let (target, value) = (
            statement.getattr("targets")?.get_item(0)?,
            statement.getattr("value")?,
        );
        if target.get_type().name()? != "Name" || value.get_type().name()? != "Constant" {
            continue;
        }
        let name: String = target.getattr("id")?.extract()?;
        let is_missing = !namespace.contains(&name)?;
        let is_same = match namespace.get_item(&name)? {
            Some(live) => {
                let literal = value.getattr("value")?;
                // A value of another type was put there by the program, not by an older text.
                !live.get_type().is(literal.get_type()) || live.eq(&literal)?
            }
            None => false,
        };
        if !is_same {
            found.push(Difference {
                line: statement.getattr("lineno")?.extract()?,
                is_missing,
            });
        }
    }
    Ok(found)
}
