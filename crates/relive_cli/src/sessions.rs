//! What is said of running sessions.

use std::fmt::Write;
use std::path::Path;

use relive_log::SyncMode;
use relive_plan::Item;
use relive_session::Mode;
use relive_socket::{Found, Running};
use serde_json::{Value, json};

use crate::brief;

pub(crate) fn is_any_running(found: &[Found]) -> bool {
    running(found).next().is_some()
}

/// What is wrong, in sentences for stderr.
pub(crate) fn problems(found: &[Found], directory: &Path) -> Vec<String> {
    if found.is_empty() {
        let directory = directory.display();
        return vec![format!(
            "no running session was started in {directory}; `relive run SCRIPT` or relive.start() starts one"
        )];
    }
    let silent = found.iter().filter_map(|session| match session {
        Found::Running(_) => None,
        Found::Silent { pid, problem } => Some(format!(
            "the session of process {pid} does not answer: {problem}"
        )),
    });
    silent.collect()
}

pub(crate) fn status_json(found: &[Found]) -> Value {
    documents(found, |running| json!(running))
}

pub(crate) fn stale_json(found: &[Found]) -> Value {
    documents(
        found,
        |running| json!({"pid": running.pid, "program": running.program, "stale": running.status.stale}),
    )
}

pub(crate) fn status_text(found: &[Found]) -> String {
    let mut text = String::new();
    for session in running(found) {
        let status = &session.status;
        let directory = Path::new(&session.directory);
        let mode = match status.mode {
            Mode::Patch => "patch",
            Mode::Deep => "deep",
        };
        let _ = writeln!(text, "{}", heading(session));
        let _ = writeln!(
            text,
            "  version {}, mode {mode}, Python {}",
            status.version, session.python
        );
        let _ = writeln!(text, "  roots: {}", session.roots.join(", "));
        if status.sync == SyncMode::Process {
            let _ = writeln!(
                text,
                "  changes survive the end of the process, not a power loss"
            );
        }
        if session.is_updating {
            let _ = writeln!(text, "  an update is going on; this is how it was before");
        }
        for module in &status.modules {
            let file = brief(&module.file, directory);
            let _ = writeln!(
                text,
                "  module {} version {} ({file})",
                module.name, module.version
            );
        }
        for item in &status.stale {
            let _ = writeln!(text, "  stale {}", line(item, directory));
        }
        for item in &status.waiting {
            let _ = writeln!(text, "  waiting {}", line(item, directory));
        }
    }
    text
}

pub(crate) fn stale_text(found: &[Found]) -> String {
    let mut text = String::new();
    let has_many = running(found).nth(1).is_some();
    for session in running(found) {
        if has_many {
            let _ = writeln!(text, "{}", heading(session));
        }
        for item in &session.status.stale {
            let _ = writeln!(text, "{}", line(item, Path::new(&session.directory)));
        }
        if session.status.stale.is_empty() {
            let _ = writeln!(text, "nothing is stale");
        }
    }
    text
}

fn documents(found: &[Found], document: impl Fn(&Running) -> Value) -> Value {
    let sessions = found.iter().map(|session| match session {
        Found::Running(running) => document(running),
        Found::Silent { pid, problem } => json!({"pid": pid, "error": problem.to_string()}),
    });
    json!({"sessions": sessions.collect::<Vec<_>>()})
}

pub(crate) fn running(found: &[Found]) -> impl Iterator<Item = &Running> {
    found.iter().filter_map(|session| match session {
        Found::Running(running) => Some(&**running),
        Found::Silent { .. } => None,
    })
}

pub(crate) fn heading(session: &Running) -> String {
    let program = match session.program.as_str() {
        "" => "a prompt",
        program => program,
    };
    format!("{program} (process {})", session.pid)
}

fn line(item: &Item, directory: &Path) -> String {
    let file = brief(&item.file, directory);
    format!("{file}:{}: {}: {}", item.line, item.qualname, item.why)
}
