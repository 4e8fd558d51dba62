//! Executing a module with changes of its log, and anew without those that raise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyBaseException, PyException, PySystemExit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

use super::{name_of, tell};
use crate::hold;
use crate::shared::Shared;

/// How often a module is executed anew, each time without the change that raised; then its file is executed as it is.
const ATTEMPTS: usize = 8;

/// Execute a module as its loader does, and then the statements of its log that change state. Where a change raises, the
/// module is executed anew without it.
///
/// Native, so that no frame of relive shows in the traceback of an import.
pub(crate) fn execute(
    py: Python<'_>,
    shared: &Shared,
    loader: &Bound<'_, PyAny>,
    module: &Bound<'_, PyModule>,
) -> PyResult<()> {
    let name: String = module.name()?.extract()?;
    let loads = py
        .import("importlib.machinery")?
        .getattr("SourceFileLoader")?
        .getattr(intern!(py, "exec_module"))?;
    let clean = module.dict().copy()?;
    // What raised, and without a change that is responsible why none is replayed.
    let mut raised: Vec<(u64, String)> = Vec::new();
    let mut why_none = None;
    for attempt in 0.. {
        let load = || loads.call1((loader, module));
        let replays = shared.with(py, None, |state| state.session.replayed(&name));
        let loaded = match replays {
            Some(_) => hold::never(load),
            None => load(),
        };
        let Err(error) = loaded else {
            break;
        };
        let replayed = shared.with(py, None, |state| state.session.replayed(&name));
        let Some(replayed) = replayed.filter(|_| may_be_of_change(py, &error)) else {
            // It is the user's own.
            shared.with(py, (), |state| state.session.has_ended(&name));
            return Err(error);
        };
        let path = shared.with(py, PathBuf::new(), |state| state.session.path_of(&name));
        let lines = lines_in(py, &error, &path)?;
        let culprit = shared.with(py, None, |state| state.session.change_at(&name, &lines));
        let why = in_words(py, &error);
        let numbers = match culprit.filter(|_| attempt < ATTEMPTS) {
            Some(culprit) => {
                raised.push((culprit, why));
                replayed
                    .into_iter()
                    .filter(|number| *number != culprit)
                    .collect()
            }
            // Who ends the program may mean it.
            None if !error.is_instance_of::<PyException>(py) => {
                shared.with(py, (), |state| state.session.has_ended(&name));
                return Err(error);
            }
            None => {
                why_none = Some(why);
                BTreeSet::new()
            }
        };
        shared.with(py, (), |state| state.session.begin_again(&name, numbers));
        drop(error);
        make_clean(py, module, &name, &clean)?;
    }
    finish(py, shared, module, raised, why_none)
}

/// Execute the statements of a module's log that change state, now that the module has been executed, and remember which
/// changes raised.
pub(crate) fn finish(
    py: Python<'_>,
    shared: &Shared,
    module: &Bound<'_, PyModule>,
    mut raised: Vec<(u64, String)>,
    why_none: Option<String>,
) -> PyResult<()> {
    let name: String = module.name()?.extract()?;
    let states = shared.with(py, Vec::new(), |state| state.session.states(&name));
    for (number, text) in states {
        shared.with(py, (), |state| state.session.replays(&name, number));
        if let Err(error) = execute_state(py, module, &name, number, &text) {
            raised.push((number, in_words(py, &error)));
        }
    }
    shared.with(py, (), |state| state.session.has_begun(&name));
    leave_off(py, shared, &name, &raised, why_none);
    Ok(())
}

/// Have a module be as it was before it was executed. The modules of a package that were imported meanwhile stay a part of
/// it: they are not imported again.
fn make_clean(
    py: Python<'_>,
    module: &Bound<'_, PyModule>,
    name: &str,
    clean: &Bound<'_, PyDict>,
) -> PyResult<()> {
    let namespace = module.dict();
    namespace.clear();
    namespace.update(clean.as_mapping())?;
    let modules = py.import("sys")?.getattr("modules")?.call_method0("copy")?;
    for (key, value) in modules.cast_into::<PyDict>()? {
        let Ok(key) = key.extract::<String>() else {
            continue;
        };
        let part = key
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('.'));
        if let Some(part) = part.filter(|part| !part.contains('.')) {
            namespace.set_item(part, value)?;
        }
    }
    Ok(())
}

/// Whether an exception may be the doing of a change, and not of whoever is at the keyboard.
fn may_be_of_change(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py) || error.is_instance_of::<PySystemExit>(py)
}

/// The lines of a file that a traceback names, the innermost first.
fn lines_in(py: Python<'_>, error: &PyErr, file: &Path) -> PyResult<Vec<u32>> {
    let mut lines = Vec::new();
    let mut entry = error.traceback(py).map(Bound::into_any);
    while let Some(here) = entry {
        let code = here.getattr("tb_frame")?.getattr("f_code")?;
        let name: PathBuf = code.getattr("co_filename")?.extract()?;
        if name == file
            && let Some(line) = here.getattr("tb_lineno")?.extract::<Option<u32>>()?
        {
            lines.push(line);
        }
        let next = here.getattr("tb_next")?;
        entry = (!next.is_none()).then_some(next);
    }
    lines.reverse();
    Ok(lines)
}

/// An exception as the last line of a traceback has it.
pub(super) fn in_words(py: Python<'_>, error: &PyErr) -> String {
    let error = error.value(py);
    let kind = error.get_type().name();
    let kind = kind.map_or_else(|_| String::new(), |name| name.to_string());
    // Whose words fail has none.
    let words = error
        .str()
        .map_or_else(|_| String::new(), |text| text.to_string());
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match &*words {
        "" => kind,
        words => format!("{kind}: {words}"),
    }
}

/// Remember which changes raised, and say so.
fn leave_off(
    py: Python<'_>,
    shared: &Shared,
    name: &str,
    raised: &[(u64, String)],
    why_none: Option<String>,
) {
    let path = shared.with(py, PathBuf::new(), |state| state.session.path_of(name));
    let source = name_of(&path);
    for (number, why) in raised {
        tell(
            py,
            &format!(
                "change {number} of {name} is not replayed: {why}; it is left off until `relive recover {source}` says \
                 otherwise"
            ),
        );
    }
    let remembered = shared.with(py, Ok(()), |state| state.session.have_raised(name, raised));
    if let Err(error) = remembered {
        tell(py, &format!("that is not remembered: {error}"));
    }
    if let Some(why) = why_none {
        tell(
            py,
            &format!(
                "{name} runs as its file is, for with the changes of its log it raised {why}, and none of them can be \
                 told to be responsible: `relive recover {source}` decides"
            ),
        );
    }
}

/// The program ends with an exception in a line of a change: it says so.
pub(crate) fn note_change(
    py: Python<'_>,
    shared: &Shared,
    name: &str,
    error: &Bound<'_, PyBaseException>,
) -> PyResult<()> {
    let path = shared.with(py, PathBuf::new(), |state| state.session.path_of(name));
    let lines = lines_in(py, &PyErr::from_value(error.clone().into_any()), &path)?;
    let change = shared.with(py, None, |state| state.session.change_at(name, &lines));
    if let Some(number) = change {
        let source = name_of(&path);
        let note = format!(
            "relive: a line of change {number} of {source}.log was at work: `relive recover {source}` decides whether it \
             comes back"
        );
        error.call_method1("add_note", (note,))?;
    }
    Ok(())
}

/// Execute statements that change the state of a loaded module; errors are told, and the rest goes on.
pub(crate) fn execute_states(py: Python<'_>, name: &str, states: &[(u64, String)]) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    let module = modules.get_item(name)?.cast_into::<PyModule>()?;
    for (number, text) in states {
        if let Err(error) = execute_state(py, &module, name, *number, text) {
            let why = in_words(py, &error);
            tell(
                py,
                &format!("change {number} of {name} is not replayed: {why}"),
            );
        }
    }
    Ok(())
}

fn execute_state(
    py: Python<'_>,
    module: &Bound<'_, PyModule>,
    name: &str,
    number: u64,
    text: &str,
) -> PyResult<()> {
    let file = format!("<change {number} of {name}>");
    run_statement(py, text, &file, module)
}

fn run_statement(
    py: Python<'_>,
    text: &str,
    file: &str,
    module: &Bound<'_, PyModule>,
) -> PyResult<()> {
    let builtins = py.import("builtins")?;
    let code = builtins.call_method1("compile", (text, file, "exec"))?;
    hold::never(|| builtins.call_method1("exec", (code, module.dict())))?;
    Ok(())
}
