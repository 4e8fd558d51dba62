//! Real files, a real clock and a real watch.

use std::collections::BTreeSet;
use std::path::Path;

use relive_session::{Base, Mode, Session};

use crate::python::Python;

/// A session over one module's file.
fn session(file: &Path, text: &str) -> (Session, Python) {
    std::fs::write(file, text).unwrap();
    let mut python = Python::default();
    python.import_text("m", text);
    let mut session = Session::new(Mode::Patch);
    session.register("m", file, Base::File).unwrap();
    (session, python)
}

fn update(session: &mut Session, python: &mut Python) -> Vec<String> {
    let report = session.update(python, &BTreeSet::new());
    assert!(report.seconds >= 0.0);
    let items = report.applied.iter().chain(&report.refused);
    items
        .map(|item| format!("{}: {}", item.qualname, item.why))
        .collect()
}

#[test]
fn a_save_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.py");
    let (mut session, mut python) = session(&file, "X = 1\n");
    assert!(update(&mut session, &mut python).is_empty());
    std::fs::write(&file, "X = 2\n").unwrap();
    assert!(session.observe());
    assert_eq!(update(&mut session, &mut python), ["m:X: changed"]);
    assert_eq!(python.namespace("m")["X"], "2");
    assert!(update(&mut session, &mut python).is_empty());
}

/// As most editors save: a new file takes the name of the old one.
#[test]
fn a_save_by_renaming_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.py");
    let (mut session, mut python) = session(&file, "X = 1\n");
    for value in 2..5 {
        let new = directory.path().join("m.py.new");
        std::fs::write(&new, format!("X = {value}\n")).unwrap();
        std::fs::rename(&new, &file).unwrap();
        assert_eq!(update(&mut session, &mut python), ["m:X: changed"]);
    }
    assert_eq!(python.namespace("m")["X"], "4");
}

#[test]
fn a_file_that_is_gone_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.py");
    let (mut session, mut python) = session(&file, "X = 1\n");
    std::fs::remove_file(&file).unwrap();
    let gone = "m: its file is gone; the old code runs on until it is back";
    assert_eq!(update(&mut session, &mut python), [gone]);
    std::fs::write(&file, "X = 2\n").unwrap();
    assert_eq!(update(&mut session, &mut python), ["m:X: changed"]);
}

/// What failed is not executed again before something new is saved.
#[test]
fn a_failed_edit_is_left_alone_until_the_next_save() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.py");
    let (mut session, mut python) = session(&file, "X = 1\n");
    std::fs::write(&file, "X = nothing\n").unwrap();
    assert_eq!(update(&mut session, &mut python).len(), 1);
    assert!(update(&mut session, &mut python).is_empty());
    std::fs::write(&file, "X = 3\n").unwrap();
    assert_eq!(update(&mut session, &mut python), ["m:X: changed"]);
}
