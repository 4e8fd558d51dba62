//! Replaying the changes of a log as its module is imported: who decides, and what is told.

mod execute;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use pyo3::exceptions::PySyntaxError;
use pyo3::prelude::*;
use pyo3::types::PyCode;
use relive_cli::{Choice, has_terminal, offer_exclusion, pick};
use relive_log::{Bisect, Caution, Change, ChangeKind, DIED_REPLAYED, Policy, Status};
use relive_session::{Offer, Session, is_installed};

use crate::host::program_code;
use crate::shared::{Arrival, Shared, lock};

use execute::in_words;
pub(crate) use execute::{execute, execute_states, finish, note_change};

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
    let file = shared.with(py, PathBuf::new(), |state| state.session.path_of(name));
    if !shared.with(py, false, |state| state.session.is_readable(name)) {
        tell_of_what_is_not_read(py, &file);
        return Ok(None);
    }
    let again = shared.with(py, None, |state| state.session.once_more(name));
    if again.as_ref().is_some_and(BTreeSet::is_empty) {
        return Ok(None);
    }
    let only = only();
    // Whoever runs a program with the rights of another user has not written that user's log.
    let is_forbidden = std::env::var_os("SUDO_UID").is_some() || is_installed(&file);
    let is_only_read = is_forbidden || only.is_some() || again.is_some() || policy == Policy::None;
    let offer = |is_only_read| {
        let found = shared.with(py, Ok(None), |state| {
            state.session.offer(name, policy, is_only_read)
        });
        found.unwrap_or_else(|error| {
            tell(py, &format!("{error}; nothing of it is replayed"));
            None
        })
    };
    let Some(mut offered) = offer(is_only_read) else {
        return Ok(None);
    };
    let replayed = if let Some(again) = again {
        again
    } else if let Some(only) = &only {
        let offers = offered.changes.iter().map(|change| change.number);
        offers.filter(|number| only.contains(number)).collect()
    } else {
        for problem in &offered.problems {
            tell(py, problem);
        }
        if !is_forbidden && policy != Policy::None && adopts(py, shared, name, &offered) {
            match offer(is_only_read) {
                Some(adopted) => offered = adopted,
                None => return Ok(None),
            }
        }
        if is_forbidden || policy == Policy::None {
            if is_forbidden && policy != Policy::None && !offered.chosen.is_empty() {
                let why = if is_installed(&file) {
                    "it belongs to an installed package"
                } else {
                    "this program runs with another user's rights (sudo)"
                };
                tell(
                    py,
                    &format!("{} is not replayed: {why}", log_name(&offered)),
                );
            }
            BTreeSet::new()
        } else {
            let mut has_merged = false;
            let replayed = decided(py, shared, policy, name, &offered, &mut has_merged);
            if has_merged && let Some(anew) = offer(is_only_read) {
                // What the merge has made stands in the log only by now.
                offered = anew;
            }
            replayed
        }
    };
    let place = file.display().to_string();
    let begun = shared.with(py, Ok(None), |state| {
        state
            .session
            .begin(name, offered, &replayed, only.is_some())
    });
    let outline = begun.map_err(|error| {
        let details = (place.clone(), error.line, None::<u32>, None::<String>);
        PySyntaxError::new_err((error.message, details))
    })?;
    match outline.map(|outline| program_code(py, &place, &outline)) {
        Some(Err(error)) if name == "__main__" => {
            // Of another module its import says so.
            let why = in_words(py, &error);
            let log = name_of(&file);
            tell(
                py,
                &format!("{log}.log is not replayed: with its changes, {why}"),
            );
            shared.with(py, (), |state| state.session.has_ended(name));
            shared.arrive(Arrival::Registered {
                name: name.to_owned(),
                file: file.clone(),
                text: None,
            });
            Ok(None)
        }
        code => code.transpose(),
    }
}

/// Which changes are replayed, by policy or by what the user says now.
fn decided(
    py: Python<'_>,
    shared: &Shared,
    policy: Policy,
    name: &str,
    offer: &Offer,
    has_merged: &mut bool,
) -> BTreeSet<u64> {
    if offer.caution == Caution::WithoutLog {
        let source = name_of(&offer.source);
        tell(
            py,
            &format!(
                "three starts died that replayed changes of {}: this one goes without it; \
                 `relive recover {source}` decides",
                log_name(offer)
            ),
        );
        return BTreeSet::new();
    }
    if offer.is_question && is_there_somebody() {
        return ask(py, shared, name, offer, has_merged);
    }
    let mut replayed = offer.chosen.clone();
    if policy != Policy::All {
        replayed.retain(|number| !offer.undecided.contains(number));
    }
    tell_of_findings(py, offer);
    tell_of_what_is_left_off(py, offer, &replayed);
    replayed
}

/// Python says what is wrong with a file; where it finds nothing, that is said.
fn tell_of_what_is_not_read(py: Python<'_>, file: &Path) {
    let compiles = || -> PyResult<()> {
        let source = py
            .import("io")?
            .call_method1("open_code", (file,))?
            .call_method0("read")?;
        let arguments = (source, file.to_path_buf(), "exec");
        py.import("builtins")?.call_method1("compile", arguments)?;
        Ok(())
    };
    if compiles().is_ok() {
        let source = name_of(file);
        tell(
            py,
            &format!("{source} cannot be read by relive: nothing of its log is replayed"),
        );
    }
}

/// Whether the user takes a log over that was written for a source in another place. What nobody is known to have
/// written is only told of.
fn adopts(py: Python<'_>, shared: &Shared, name: &str, offer: &Offer) -> bool {
    let (moved, unknown) = offer.untrusted;
    let (log, source) = (log_name(offer), name_of(&offer.source));
    if unknown > 0 {
        tell(
            py,
            &format!(
                "{log} has changes that your relive did not write, and they are not replayed: `relive trust {source}` \
                 shows them and asks"
            ),
        );
        return false;
    }
    if moved == 0 {
        return false;
    }
    let question = format!(
        "{log} is yours, but was written for a source in another place. Use it for {source} from now on?"
    );
    if !is_there_somebody() || !agrees(py, &question) {
        tell(
            py,
            &format!(
                "{log} was written for a source in another place, and is not replayed: `relive trust {source}` takes it over"
            ),
        );
        return false;
    }
    let adopted = shared.with(py, Ok(()), |state| state.session.adopt(name));
    if let Err(error) = &adopted {
        tell(py, &format!("{log} is not taken over: {error}"));
    }
    adopted.is_ok()
}

/// Whether there is somebody to ask. Who pipes something into a program has not come to answer questions.
fn is_there_somebody() -> bool {
    io::stdin().is_terminal() && has_terminal()
}

/// Ask a question that is answered by y or n.
fn agrees(py: Python<'_>, question: &str) -> bool {
    let prompt = format!("relive: {question} [y/N] ");
    let answer = py
        .import("builtins")
        .and_then(|builtins| builtins.call_method1("input", (prompt,)))
        .and_then(|answer| answer.extract::<String>());
    // No answer is none, whatever the reason.
    answer.is_ok_and(|answer| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Ask in the terminal. What is chosen is remembered in the log, and what is merged is changed there.
fn ask(
    py: Python<'_>,
    shared: &Shared,
    name: &str,
    offer: &Offer,
    has_merged: &mut bool,
) -> BTreeSet<u64> {
    let source = offer.source.display().to_string();
    let title = format!("{source} has changes in its log that are not in the file");
    // The screen is drawn without the interpreter: other threads go on.
    // The program itself is not run to see whether it dies.
    let can_bisect = name != "__main__";
    let source = offer.outline.as_ref();
    let choice = py.detach(|| pick(&title, &offer.changes, source, &offer.warnings, can_bisect));
    let decide = |on: &[u64], off: &[u64]| {
        let decided = shared.with(py, Ok(()), |state| state.session.decide(name, on, off));
        if let Err(error) = decided {
            tell(py, &format!("the choice is not remembered: {error}"));
        }
    };
    match choice {
        Ok(Choice::Replay { on, off, merged }) => {
            decide(&on, &off);
            let mut replayed: BTreeSet<u64> = on.into_iter().collect();
            if !merged.is_empty() {
                match shared.with(py, Ok(Vec::new()), |state| {
                    state.session.merge(name, &merged)
                }) {
                    Ok(numbers) => {
                        replayed.extend(numbers);
                        *has_merged = true;
                    }
                    Err(error) => tell(py, &format!("nothing was merged: {error}")),
                }
            }
            replayed
        }
        Ok(Choice::Without) => {
            let mut off = offer.left_off(&BTreeSet::new());
            // A conflict is none of the user's decisions.
            let is_there =
                |change: &Change| matches!(change.status, Status::Pending | Status::Omitted);
            off.retain(|number| {
                let mut changes = offer.changes.iter();
                changes.any(|change| change.number == *number && is_there(change))
            });
            decide(&[], &off);
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
    let is_tried = |change: &&Change| {
        let why = change.why.strip_prefix("left off: ");
        change.status == Status::Pending && !matches!(change.kind, ChangeKind::Session)
            || change.status == Status::Omitted
                && why.is_some_and(|why| why.starts_with(DIED_REPLAYED))
    };
    let all = offer.left_off(&BTreeSet::new());
    let tried = offer.changes.iter().filter(is_tried);
    let mut on: Vec<u64> = tried.map(|change| change.number).collect();
    on.retain(|number| all.contains(number));
    let roots = lock(&shared.roots).clone();
    let trial = py.import("relive._bisect")?.getattr("dies")?;
    let dies = |numbers: &[u64], of: usize| -> PyResult<bool> {
        tell(py, &format!("trying {} of {of} changes", numbers.len()));
        trial.call1((name, numbers.to_vec(), &roots))?.extract()
    };
    let mut culprits = Vec::new();
    if !dies(&on, on.len())? {
        tell(py, &format!("{name} can be imported with all of them"));
        return Ok((on, culprits));
    }
    // There may be more than one.
    loop {
        let mut search = Bisect::among_crashing(on.clone());
        while let Some(prefix) = search.next() {
            let has_died = dies(prefix, on.len())?;
            search.tell(has_died);
        }
        let Some(culprit) = search.culprit() else {
            break;
        };
        if on.first() == Some(&culprit) && dies(&[], on.len())? {
            tell(
                py,
                &format!("the import of {name} dies without any of them, too"),
            );
            return Ok((Vec::new(), culprits));
        }
        tell(
            py,
            &format!("the import dies of change {culprit}, which is left off"),
        );
        on.retain(|number| *number != culprit);
        culprits.push(culprit);
        if on.is_empty() || !dies(&on, on.len())? {
            break;
        }
    }
    Ok((on, culprits))
}

/// The changes that a trial is about.
fn only() -> Option<BTreeSet<u64>> {
    let said = std::env::var("RELIVE_ONLY").ok()?;
    let numbers = said.split(',').filter_map(|number| number.parse().ok());
    Some(numbers.collect())
}

/// What starts died of, as this one has found out.
fn tell_of_findings(py: Python<'_>, offer: &Offer) {
    let (log, source) = (log_name(offer), name_of(&offer.source));
    let mut suspects = Vec::new();
    for finding in &offer.findings {
        let number = finding.number;
        if !finding.is_certain {
            suspects.push(number.to_string());
            continue;
        }
        tell(
            py,
            &format!(
                "change {number} of {log} is left off, because a process died that replayed it: \
                 `relive show {source} {number}`, `relive recover {source}` decides"
            ),
        );
    }
    if !suspects.is_empty() {
        tell(
            py,
            &format!(
                "changes {} of {log} are left off, because a process died that replayed them, of which one is not known: \
                 `relive recover {source}` decides; a start in a terminal can find it out",
                suspects.join(", ")
            ),
        );
    }
}

/// What is neither live nor left off by the user.
fn tell_of_what_is_left_off(py: Python<'_>, offer: &Offer, replayed: &BTreeSet<u64>) {
    let mut left_off = offer.left_off(replayed);
    left_off.retain(|number| {
        let mut findings = offer.findings.iter();
        !findings.any(|finding| finding.number == *number)
    });
    if left_off.is_empty() {
        return;
    }
    let (log, source) = (log_name(offer), name_of(&offer.source));
    let count = match left_off.len() {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    let (is, it) = if left_off.len() == 1 {
        ("is", "it is")
    } else {
        ("are", "they are")
    };
    let told = if offer.caution == Caution::NothingByItself {
        format!(
            "two starts died that replayed changes of {log}, so nothing of it is replayed by itself, and {count} {is} not \
             live: `relive recover {source}` decides"
        )
    } else if offer.is_question {
        format!(
            "{log} has {count} that {is} not in {source}, so {it} not live: `relive recover {source}` \
             decides, %recover in IPython"
        )
    } else {
        format!("{count} of {log} {is} left off: `relive log {source}` says why")
    };
    tell(py, &told);
}

/// The log's name; in the state directory, where that begins with a hash, by its source.
fn log_name(offer: &Offer) -> String {
    match offer.log.parent() == offer.source.parent() {
        true => name_of(&offer.log).into_owned(),
        false => format!("the log of {}", name_of(&offer.source)),
    }
}

fn name_of(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
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
