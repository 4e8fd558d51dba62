//! What is asked of a running session about the calls that its program is executing, and how the answer is told.

use std::path::Path;

use relive_socket::{Act, Found, Places, Running, Told, act, find};
use serde_json::{Value, json};

use crate::arguments::ActOptions;
use crate::{NO, complain, directory, print, sessions};

/// Have the session of the working directory do something, and tell what came of it. Returns the exit code.
pub(crate) fn ask(verb: &str, words: Vec<String>, options: &ActOptions) -> u8 {
    let directory = directory();
    let places = Places::from_environment(|name| std::env::var_os(name));
    let asked = Act {
        verb: verb.to_owned(),
        words,
        thread: options.thread,
    };
    let told = which(&find(&places, &directory), &directory, options.pid)
        .and_then(|pid| answer(&places, pid, asked))
        .unwrap_or_else(|problem| Told {
            text: problem,
            code: NO,
            ..Told::default()
        });
    let text = told.text.trim_end();
    if options.json {
        print(format!("{}\n", document(&told)).as_bytes());
    } else if told.code == 0 {
        print(format!("{text}\n").as_bytes());
    } else {
        complain(text);
    }
    told.code
}

/// The process whose session is meant.
pub(crate) fn which(found: &[Found], directory: &Path, pid: Option<u32>) -> Result<u32, String> {
    let running: Vec<&Running> = sessions::running(found)
        .filter(|session| pid.is_none_or(|pid| session.pid == pid))
        .collect();
    match (&running[..], pid) {
        ([session], _) => Ok(session.pid),
        ([], Some(pid)) if sessions::is_any_running(found) => Err(format!(
            "process {pid} has no session that was started in {}; `relive status` lists those there are",
            directory.display()
        )),
        ([], _) => Err(sessions::problems(found, directory).join("; ")),
        (many, _) => {
            let many: Vec<String> = many.iter().map(|one| sessions::heading(one)).collect();
            Err(format!(
                "several sessions were started in {}: {}; name one with --pid N",
                directory.display(),
                many.join(", ")
            ))
        }
    }
}

fn answer(places: &Places, pid: u32, asked: Act) -> Result<Told, String> {
    match act(places, pid, asked) {
        Ok(Some(told)) => Ok(told),
        Ok(None) => Err(format!("process {pid} has ended; nothing was done")),
        Err(problem) => Err(format!("process {pid} does not answer: {problem}")),
    }
}

fn document(told: &Told) -> Value {
    match &told.document {
        Value::Null => json!({"error": told.text.trim_end()}),
        document => document.clone(),
    }
}
