//! Replaying the changes of a log as its module is imported: who decides, and what is told.

use std::collections::BTreeSet;
use std::path::Path;

use pyo3::exceptions::PySyntaxError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyModule};
use relive_cli::{Choice, has_terminal, offer_exclusion, pick};
use relive_log::{Bisect, Policy};
use relive_session::{Offer, Session, is_installed};

use crate::host::program_code;
use crate::shared::{Shared, lock};

/// The policy of this name.
pub(crate) fn policy(name: &str) -> Option<Policy> {
    match name {
        "ask" => Some(Policy::Ask),
        "all" => Some(Policy::All),
        "none" => Some(Policy::None),
        _ => None,
    }
}

/// Have changes be part of a module that was just registered, as the policy or the user says.
pub(crate) fn begin<'py>(
    py: Python<'py>,
    shared: &Shared,
    policy: Policy,
    name: &str,
) -> PyResult<Option<Bound<'py, PyCode>>> {
    let offer = shared.with(py, Ok(None), |state| state.session.offer(name, policy));
    let offer = match offer {
        Ok(Some(offer)) => offer,
        Ok(None) => return Ok(None),
        Err(error) => {
            tell(py, &format!("{error}; nothing of it is replayed"));
            return Ok(None);
        }
    };
    for problem in &offer.problems {
        tell(py, problem);
    }
    // Whoever runs a program with the rights of another user has not written that user's log.
    let is_forbidden = std::env::var_os("SUDO_UID").is_some() || is_installed(&offer.source);
    let only = only();
    let mut merged = Vec::new();
    let replayed = if let Some(only) = &only {
        offer.chosen.intersection(only).copied().collect()
    } else if offer.is_without_log {
        let log = offer.log.display();
        tell(
            py,
            &format!(
                "three starts died that replayed {log}; this one goes without it: `relive recover {log}` decides"
            ),
        );
        BTreeSet::new()
    } else if is_forbidden || policy == Policy::None {
        BTreeSet::new()
    } else if offer.undecided.is_empty() {
        tell_of_suspects(py, &offer);
        offer.chosen.clone()
    } else if has_terminal() {
        let mut replayed = ask(py, shared, name, &offer, &mut merged);
        replayed.extend(&merged);
        replayed
    } else {
        tell_of_what_is_left_off(py, &offer);
        let mut decided = offer.chosen.clone();
        decided.retain(|number| !offer.undecided.contains(number));
        decided
    };
    let file = offer.source.display().to_string();
    let offer = if merged.is_empty() {
        offer
    } else {
        // What the merge has made stands in the log only by now.
        let anew = shared.with(py, Ok(None), |state| state.session.offer(name, policy));
        anew.ok().flatten().unwrap_or(offer)
    };
    let begun = shared.with(py, Ok(None), |state| {
        state.session.begin(name, offer, &replayed, only.is_some())
    });
    let place = file.clone();
    let outline = begun.map_err(|error| {
        let details = (place, error.line, None::<u32>, None::<String>);
        PySyntaxError::new_err((error.message, details))
    })?;
    outline
        .map(|outline| program_code(py, &file, &outline))
        .transpose()
}

/// Ask in the terminal. What is chosen is remembered in the log; `merged` are the changes that a merge has made.
fn ask(
    py: Python<'_>,
    shared: &Shared,
    name: &str,
    offer: &Offer,
    merged: &mut Vec<u64>,
) -> BTreeSet<u64> {
    let source = offer.source.display().to_string();
    let title = format!("{source} has changes in its log that are not in the file");
    // The screen is drawn without the interpreter: other threads go on.
    let source = offer.outline.as_ref();
    let choice = py.detach(|| pick(&title, &offer.changes, source, &offer.warnings));
    let decide = |on: &[u64], off: &[u64]| {
        let decided = shared.with(py, Ok(()), |state| state.session.decide(name, on, off));
        if let Err(error) = decided {
            tell(py, &format!("the choice is not remembered: {error}"));
        }
    };
    match choice {
        Ok(Choice::Replay {
            on,
            off,
            merged: wanted,
        }) => {
            decide(&on, &off);
            if !wanted.is_empty() {
                match shared.with(py, Ok(Vec::new()), |state| {
                    state.session.merge(name, &wanted)
                }) {
                    Ok(numbers) => *merged = numbers,
                    Err(error) => tell(py, &format!("nothing was merged: {error}")),
                }
            }
            on.into_iter().collect()
        }
        Ok(Choice::Without) => {
            decide(&[], &offer.undecided);
            BTreeSet::new()
        }
        Ok(Choice::SetAside) => {
            let aside = shared.with(py, Ok(None), |state| state.session.set_aside(name));
            match aside {
                Ok(Some(path)) => tell(py, &format!("the log is kept as {}", path.display())),
                Ok(None) => {}
                Err(error) => tell(py, &format!("the log cannot be set aside: {error}")),
            }
            BTreeSet::new()
        }
        Ok(Choice::Bisect) => match bisect(py, shared, name, offer) {
            Ok((on, off)) => {
                decide(&on, &off);
                on.into_iter().collect()
            }
            Err(error) => {
                tell(py, &format!("the changes cannot be tried: {error}"));
                BTreeSet::new()
            }
        },
        Ok(Choice::Quit) => BTreeSet::new(),
        Err(error) => {
            tell(
                py,
                &format!("nothing is replayed, the terminal cannot be used: {error}"),
            );
            BTreeSet::new()
        }
    }
}

/// Find the change of which the import dies, in processes of their own. Returns those to replay and those to leave off.
fn bisect(
    py: Python<'_>,
    shared: &Shared,
    name: &str,
    offer: &Offer,
) -> PyResult<(Vec<u64>, Vec<u64>)> {
    let all: Vec<u64> = offer.chosen.iter().copied().collect();
    let roots = lock(&shared.roots).clone();
    let trial = py.import("relive._bisect")?.getattr("dies")?;
    let dies = |numbers: &[u64]| -> PyResult<bool> {
        tell(
            py,
            &format!("trying {} of {} changes", numbers.len(), all.len()),
        );
        trial.call1((name, numbers.to_vec(), &roots))?.extract()
    };
    if !dies(&all)? {
        tell(py, &format!("{name} can be imported with all of them"));
        return Ok((all, Vec::new()));
    }
    let mut search = Bisect::among(all.clone());
    while let Some(prefix) = search.next() {
        let has_died = dies(prefix)?;
        search.tell(has_died);
    }
    let culprit: Vec<u64> = search.culprit().into_iter().collect();
    for number in &culprit {
        tell(
            py,
            &format!("the import dies of change {number}, which is left off"),
        );
    }
    let on = all.into_iter().filter(|number| !culprit.contains(number));
    Ok((on.collect(), culprit))
}

/// The changes that a trial is about.
fn only() -> Option<BTreeSet<u64>> {
    let said = std::env::var("RELIVE_ONLY").ok()?;
    let numbers = said.split(',').filter_map(|number| number.parse().ok());
    Some(numbers.collect())
}

/// The log's name; in the state directory, where that begins with a hash, by its source.
fn log_name(offer: &Offer) -> String {
    let name = |path: &Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    match offer.log.parent() == offer.source.parent() {
        true => name(&offer.log),
        false => format!("the log of {}", name(&offer.source)),
    }
}

fn tell_of_suspects(py: Python<'_>, offer: &Offer) {
    let log = log_name(offer);
    let source = offer
        .source
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    for number in &offer.suspects {
        tell(
            py,
            &format!(
                "change {number} of {log} is left off, because a process died that replayed it: \
                 `relive show {source} {number}`, `relive recover {source}` decides"
            ),
        );
    }
}

fn tell_of_what_is_left_off(py: Python<'_>, offer: &Offer) {
    let count = offer.undecided.len();
    let (changes, they) = if count == 1 {
        ("1 change that is", "it is")
    } else {
        (&*format!("{count} changes that are"), "they are")
    };
    let source = offer
        .source
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let log = log_name(offer);
    tell(
        py,
        &format!(
            "{log} has {changes} not in {source}, so {they} not live: `relive recover {source}` \
             decides, %recover in IPython"
        ),
    );
}

/// Execute a module as its loader does, and then the statements of its log that change state.
///
/// Native, so that no frame of relive shows in the traceback of an import.
pub(crate) fn execute(
    py: Python<'_>,
    shared: &Shared,
    loader: &Bound<'_, PyAny>,
    module: &Bound<'_, PyModule>,
) -> PyResult<()> {
    let name: String = module.name()?.extract()?;
    let executed = py
        .import("importlib.machinery")?
        .getattr("SourceFileLoader")?
        .call_method1(intern!(py, "exec_module"), (loader, module));
    if let Err(error) = &executed
        && shared.with(py, false, |state| state.session.is_merged(&name))
    {
        let note = format!(
            "relive: {name} runs with changes from its log; RELIVE_REPLAY=none starts without them"
        );
        error.value(py).call_method1("add_note", (note,))?;
    }
    executed?;
    let states = shared.with(py, Vec::new(), |state| state.session.states(&name));
    for (number, text) in states {
        shared.with(py, (), |state| state.session.replays(&name, number));
        execute_state(py, module, &name, number, &text);
    }
    shared.with(py, (), |state| state.session.has_begun(&name));
    Ok(())
}

/// Execute statements that change the state of a loaded module; errors are told, and the rest goes on.
pub(crate) fn execute_states(py: Python<'_>, name: &str, states: &[(u64, String)]) -> PyResult<()> {
    let modules = py.import("sys")?.getattr("modules")?;
    let module = modules.get_item(name)?.cast_into::<PyModule>()?;
    for (number, text) in states {
        execute_state(py, &module, name, *number, text);
    }
    Ok(())
}

fn execute_state(
    py: Python<'_>,
    module: &Bound<'_, PyModule>,
    name: &str,
    number: u64,
    text: &str,
) {
    let file = format!("<change {number} of {name}>");
    if let Err(error) = run_statement(py, text, &file, module) {
        let error = error.value(py);
        let kind = error.get_type().name();
        let kind = kind.map_or_else(|_| String::new(), |name| name.to_string());
        tell(
            py,
            &format!("change {number} of {name} is not replayed: {kind}: {error}"),
        );
    }
}

fn run_statement(
    py: Python<'_>,
    text: &str,
    file: &str,
    module: &Bound<'_, PyModule>,
) -> PyResult<()> {
    let builtins = py.import("builtins")?;
    let code = builtins.call_method1("compile", (text, file, "exec"))?;
    builtins.call_method1("exec", (code, module.dict()))?;
    Ok(())
}

/// Say something on stderr.
pub(crate) fn tell(py: Python<'_>, message: &str) {
    let line = format!("relive: {message}\n");
    let said = py
        .import("sys")
        .and_then(|sys| sys.getattr("stderr")?.call_method1("write", (line,)));
    drop(said);
}

/// What the user is to be told once.
pub(crate) fn notices(session: &mut Session) -> Vec<String> {
    let mut notices = session.notices();
    let created = session.created_logs();
    notices.extend(created.iter().filter_map(|log| offer_exclusion(log)));
    notices
}

/// Tell what the user is to be told once.
pub(crate) fn tell_all(py: Python<'_>, notices: &[String]) {
    for notice in notices {
        tell(py, notice);
    }
}
