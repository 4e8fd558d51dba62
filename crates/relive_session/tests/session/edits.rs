//! Edits that go well.

use std::path::Path;

use relive_session::{Base, Mode, ModuleVersion, Session};

use crate::files::Files;
use crate::story::Story;

#[test]
fn an_edit() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return X\n")]);
    story.edit(
        "X = 2\ndef f(): return X + 1\n",
        "
        compile m
        apply m: 2 steps
        applied m:X: changed at 1
        applied m:f: body changed at 2
        version 1
    ",
    );
    story.values(&["X", "f"], &["2", "def m.f(): X + 1"]);
}

#[test]
fn nothing_saved() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.update(
        "
        version 0
    ",
    );
    story.save("m", "X = 1\n");
    story.update(
        "
        version 0
    ",
    );
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.update(
        "
        version 1
    ",
    );
}

#[test]
fn comments_and_layout() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return X\n")]);
    story.edit(
        "# why\nX = 1\n\n\ndef f(): return X\n",
        "
        compile m
        apply m: 0 steps
        version 0
    ",
    );
    story.edit(
        "# why\nX = 1\n\n\ndef f(): return 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:f: body changed at 5
        version 1
    ",
    );
    story.values(&["f"], &["def m.f(): 2"]);
}

#[test]
fn there_and_back() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return X\n")]);
    story.edit(
        "X = 2\ndef f(): return 2\n",
        "
        compile m
        apply m: 2 steps
        applied m:X: changed at 1
        applied m:f: body changed at 2
        version 1
    ",
    );
    story.edit(
        "X = 1\ndef f(): return X\n",
        "
        compile m
        apply m: 2 steps
        applied m:X: changed at 1
        applied m:f: body changed at 2
        version 2
    ",
    );
    story.values(&["X", "f"], &["1", "def m.f(): X"]);
}

#[test]
fn many_edits_of_one_function() {
    let mut story = Story::of(&[("m", "def f(): return 0\n"), ("n", "from m import f\n")]);
    for number in 1..=20 {
        story.edit(
            &format!("def f(): return {number}\n"),
            &format!(
                "compile m\napply m: 1 steps\napplied m:f: body changed at 1\nversion {number}"
            ),
        );
        story.values(&["n.f"], &[&format!("def m.f(): {number}")]);
    }
}

#[test]
fn a_half_written_file_and_back() {
    let whole = "X = 1\nD = {}\nD['k'] = X\ndef f(): return X\nY = f()\n";
    let mut story = Story::of(&[("m", whole), ("n", "from m import f, D\n")]);
    story.edit(
        "X = 1\n",
        "
        compile m
        apply m: 5 steps
        applied m:D: removed at 2
        applied m:f: removed at 4
        applied m:Y: removed at 5
        stale m:<line 3>: removed, but what it did is not undone at 3
        stale n:f: imports m.f, which is gone at 1
        version 1
    ",
    );
    story.edit(
        whole,
        "
        compile m
        apply m: 4 steps
        applied m:D: restored at 2
        applied m:f: restored at 4
        applied m:Y: restored at 5
        applied m:<line 3>: added at 3
        version 2
    ",
    );
    story.values(
        &["X", "D", "f", "Y", "n.f", "n.D"],
        &["1", "{k: 1}", "def m.f(): X", "1", "def m.f(): X", "{k: 1}"],
    );
    story.stale("");
    story.edit(
        "X = 1\nD = {}\nD['k'] = X\ndef f(): return X + 1\nY = f()\n",
        "
        compile m
        apply m: 1 steps
        applied m:f: body changed at 4
        stale m:Y: what it computed rests on f, which has changed at 5
        version 3
    ",
    );
    story.values(&["n.f"], &["def m.f(): X + 1"]);
}

#[test]
fn copies_follow() {
    let mut story = Story::of(&[
        ("m", "X = 1\n"),
        ("n", "from m import X as W\n"),
        ("o", "from n import W\nV = 1\n"),
    ]);
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 5 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.values(&["n.W", "o.W", "o.V"], &["2", "2", "1"]);
}

#[test]
fn versions_of_modules() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.save("n", "# why\nY = 1\n");
    story.update(
        "
        compile n
        apply n: 0 steps
        version 1
    ",
    );
    story.save("n", "Y = 2\n");
    story.update(
        "
        compile n
        apply n: 1 steps
        applied n:Y: changed at 1
        version 2
    ",
    );
    let version = |name: &str, version| ModuleVersion {
        name: name.to_owned(),
        file: format!("{name}.py"),
        version,
        base: Base::File,
    };
    assert_eq!(story.session.modules(), [version("m", 1), version("n", 2)]);
    let status = story.session.status();
    assert_eq!(
        (status.version, status.mode, status.modules.len()),
        (2, Mode::Patch, 2)
    );
}

#[test]
fn other_encodings() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story
        .files
        .save(Path::new("m.py"), Some(b"\xef\xbb\xbfX = 2\r\n".to_vec()));
    story.update(
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.files.save(
        Path::new("m.py"),
        Some(b"# coding: latin-1\nX = 3 # \xe4\n".to_vec()),
    );
    story.update(
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 2
        version 2
    ",
    );
    story.values(&["X"], &["3"]);
}

#[test]
fn two_names_of_one_file() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.host.python.import_text("again", "X = 1\n");
    story
        .session
        .register("again", Path::new("m.py"), Base::File)
        .unwrap();
    story.edit(
        "X = 2\n",
        "
        compile again
        apply again: 1 steps
        compile m
        apply m: 1 steps
        applied again:X: changed at 1
        applied m:X: changed at 1
        version 2
    ",
    );
    story.values(&["X", "again.X"], &["2", "2"]);
    story.session.forget("m");
    story.edit(
        "X = 3\n",
        "
        compile again
        apply again: 1 steps
        applied again:X: changed at 1
        version 3
    ",
    );
    story.values(&["X", "again.X"], &["2", "3"]);
}

#[test]
fn modules_come_and_go() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    assert!(story.session.has_module("m"));
    story.session.forget("m");
    assert!(!story.session.has_module("m"));
    assert!(story.session.modules().is_empty());
    story.edit(
        "X = 2\n",
        "
        version 0
    ",
    );
    story.session.forget("never there");
    story
        .session
        .register("m", Path::new("m.py"), Base::File)
        .unwrap();
    story.edit(
        "X = 3\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.values(&["X"], &["3"]);
}

#[test]
fn a_file_that_cannot_be_read_is_not_registered() {
    let mut session = Session::with(Mode::Patch, Box::new(Files::default()), None);
    assert!(
        session
            .register("m", Path::new("m.py"), Base::File)
            .is_err()
    );
    assert!(!session.has_module("m"));
}

/// A save between the reading of the source and the registration is an edit.
#[test]
fn a_module_whose_source_was_read_before() {
    let mut story = Story::of(&[]);
    story.host.python.import_text("m", "X = 1\n");
    story.save("m", "X = 2\n");
    story
        .session
        .register_read("m", Path::new("m.py"), b"X = 1\n".to_vec());
    story.update(
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.values(&["X"], &["2"]);
}

#[test]
fn roots_are_kept_once() {
    let mut session = Session::with(Mode::Patch, Box::new(Files::default()), None);
    session.add_root("b".into());
    session.add_root("a".into());
    session.add_root("b".into());
    assert_eq!(session.roots(), [Path::new("b"), Path::new("a")]);
}

#[test]
fn seconds_from_first_sight() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = 2\n");
    assert!(story.session.observe());
    story.files.wait(2.5);
    let report = story.session.update(&mut story.host, &Default::default());
    assert!((report.seconds - 2.5).abs() < 1e-9, "{report:?}");
    let idle = story.session.update(&mut story.host, &Default::default());
    assert!(idle.seconds.abs() < 1e-9, "{idle:?}");
}

#[test]
fn a_frozen_session_sees_nothing() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.session.freeze();
    story.edit(
        "X = 2\n",
        "
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
}

/// What `Report.to_dict()` and `relive status --json` show.
#[test]
fn json() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = 2\n");
    let report = story.session.update(&mut story.host, &Default::default());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "seconds": 0.0,
            "applied": [{"qualname": "m:X", "kind": "statement", "why": "changed", "file": "m.py", "line": 1}],
            "stale": [],
            "refused": [],
            "conflicts": [],
        })
    );
    let modules = serde_json::to_value(story.session.modules()).unwrap();
    assert_eq!(
        modules,
        serde_json::json!([{"name": "m", "file": "m.py", "version": 1, "base": "file"}])
    );
}
