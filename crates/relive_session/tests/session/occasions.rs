//! Saves that are noticed: half-written files wait, and so do statements, for the thread that may execute them.

use relive_session::Occasion::{Asked, NoticedElsewhere, NoticedOnMain};

use crate::story::Story;

#[test]
fn code_is_exchanged_from_any_thread() {
    let mut story = Story::of(&[("m", "def f(): return 1\n")]);
    story.save("m", "def f(): return 2\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        compile m
        apply m: 1 steps
        applied m:f: body changed at 1
        version 1
    ",
    );
    story.values(&["f"], &["def m.f(): 2"]);
    assert!(!story.session.pending().for_main);
}

#[test]
fn statements_wait_for_the_main_thread() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return 1\n")]);
    story.save("m", "X = 2\ndef f(): return 2\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    story.values(&["X", "f"], &["1", "def m.f(): 1"]);
    assert!(story.session.pending().for_main);
    assert_eq!(story.session.waiting().len(), 1);
    assert_eq!(story.session.waiting()[0].qualname, "m");
    story.update_on(
        NoticedOnMain,
        &[],
        "
        compile m
        apply m: 2 steps
        applied m:X: changed at 1
        applied m:f: body changed at 2
        version 1
    ",
    );
    story.values(&["X", "f"], &["2", "def m.f(): 2"]);
    assert!(!story.session.pending().for_main);
    assert!(story.session.waiting().is_empty());
}

#[test]
fn a_later_save_replaces_what_waits() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = 2\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    story.save("m", "X = 1\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    assert!(!story.session.pending().for_main);
    story.save("m", "X = 3\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    story.update_on(
        Asked,
        &[],
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
fn a_half_written_file_is_looked_at_again() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = (\n");
    story.update_on(
        NoticedOnMain,
        &[],
        "
        version 0
    ",
    );
    assert!(story.session.pending().look_in.is_some());
    story.files.wait(0.1);
    story.update_on(
        NoticedOnMain,
        &[],
        "
        version 0
    ",
    );
    story.save("m", "X = 2\n");
    story.update_on(
        NoticedOnMain,
        &[],
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    assert!(story.session.pending().look_in.is_none());
    story.values(&["X"], &["2"]);
}

#[test]
fn patience_comes_to_an_end() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = (\n");
    story.update_on(
        NoticedOnMain,
        &[],
        "
        version 0
    ",
    );
    let look_in = story.session.pending().look_in.unwrap();
    story.files.wait(look_in + 0.001);
    story.update_on(
        NoticedOnMain,
        &[],
        "
        compile m
        refused m: syntax error: unexpected EOF while parsing; the old code runs on at 2
        version 0
    ",
    );
    assert!(story.session.pending().look_in.is_none());
    story.update_on(
        NoticedOnMain,
        &[],
        "
        version 0
    ",
    );
}

#[test]
fn a_file_that_is_gone_for_a_moment() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.remove("m");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    story.save("m", "X = 1\n");
    story.update_on(
        NoticedElsewhere,
        &[],
        "
        version 0
    ",
    );
    story.update(
        "
        version 0
    ",
    );
}

#[test]
fn who_asks_is_told_at_once() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.save("m", "X = (\n");
    story.update_on(
        NoticedOnMain,
        &[],
        "
        version 0
    ",
    );
    story.update(
        "
        compile m
        refused m: syntax error: unexpected EOF while parsing; the old code runs on at 2
        version 0
    ",
    );
}
