//! Edits that go wrong: the old code runs on, the report says why, and the fix lands.

use relive_session::{Base, HostError};

use crate::story::{Story, file};

#[test]
fn a_syntax_error_and_its_fix() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.edit(
        "X = (\n",
        "
        compile m
        refused m: syntax error: unexpected EOF while parsing; the old code runs on at 2
        version 0
    ",
    );
    story.update(
        "
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.edit(
        "X = 2\n",
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
fn a_syntax_error_and_back() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.edit(
        "X = (\n",
        "
        compile m
        refused m: syntax error: unexpected EOF while parsing; the old code runs on at 2
        version 0
    ",
    );
    story.edit(
        "X = 1\n",
        "
        compile m
        apply m: 0 steps
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
}

#[test]
fn what_cpython_says_of_a_syntax_error() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.host.next_compile = Some(HostError::Syntax {
        module: 0,
        message: "'(' was never closed".to_owned(),
        line: 7,
    });
    story.edit(
        "X = (\n",
        "
        compile m
        refused m: syntax error: '(' was never closed; the old code runs on at 7
        version 0
    ",
    );
}

#[test]
fn bytes_that_are_no_text() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story
        .files
        .save(std::path::Path::new("m.py"), Some(b"X = '\xff'\n".to_vec()));
    story.update("
        refused m: syntax error: the file is not valid UTF-8 and declares no other encoding; the old code runs on at 1
        version 0
    ");
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
}

#[test]
fn only_cpython_refuses_it() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.host.next_compile = Some(HostError::Syntax {
        module: 0,
        message: "'return' outside function".to_owned(),
        line: 2,
    });
    story.edit(
        "X = 2\nreturn\n",
        "
        compile m
        refused m: syntax error: 'return' outside function; the old code runs on at 2
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.edit(
        "X = 2\n",
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
fn a_statement_that_raises_undoes_all() {
    let mut story = Story::of(&[("m", "X = 1\ndef f(): return 1\n")]);
    story.edit(
        "X = 2\ndef f(): return 2\nY = nothing\nZ = 3\n",
        "
        compile m
        apply m: 4 steps, undone
        refused m:Y: name nothing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
    story.values(
        &["X", "f", "Y", "Z"],
        &["1", "def m.f(): 1", "nothing", "nothing"],
    );
    story.edit(
        "X = 2\ndef f(): return 2\nY = 5\nZ = 3\n",
        "
        compile m
        apply m: 4 steps
        applied m:X: changed at 1
        applied m:Y: added at 3
        applied m:Z: added at 4
        applied m:f: body changed at 2
        version 1
    ",
    );
    story.values(&["X", "f", "Y", "Z"], &["2", "def m.f(): 2", "5", "3"]);
}

#[test]
fn a_failed_edit_taken_back() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.edit(
        "X = nothing\n",
        "
        compile m
        apply m: 1 steps, undone
        refused m:X: name nothing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
    story.edit(
        "X = 1\n",
        "
        compile m
        apply m: 0 steps
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.update(
        "
        version 0
    ",
    );
}

/// What failed because another module was not ready is tried again when that one is saved.
#[test]
fn a_failed_edit_is_tried_again_with_the_next_one() {
    let mut story = Story::of(&[("m", "import n\nX = 1\n"), ("n", "Y = 1\n")]);
    story.edit(
        "import n\nX = n.Z\n",
        "
        compile m
        apply m: 1 steps, undone
        refused m:X: name Z is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
    story.save("n", "Y = 1\nZ = 2\n");
    story.update(
        "
        compile m n
        apply m n: 2 steps
        applied n:Z: added at 2
        applied m:X: changed at 2
        version 1
    ",
    );
    story.values(&["X"], &["2"]);
    story.update(
        "
        version 1
    ",
    );
}

#[test]
fn edits_that_need_each_other_fail_together_and_land_together() {
    let mut story = Story::of(&[("m", "import n\nX = 1\nZ = 1\n"), ("n", "Y = 1\n")]);
    story.save("n", "Y = 2\n");
    story.edit(
        "import n\nX = n.nothing\nZ = n.Y\n",
        "
        compile m n
        apply m n: 3 steps, undone
        refused n: was saved together with m:X, which failed; undone, the old code runs on at 1
        refused m:X: name nothing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
    story.values(&["X", "n.Y"], &["1", "1"]);
    story.edit(
        "import n\nX = n.Y\nZ = n.Y\n",
        "
        compile m n
        apply m n: 3 steps
        applied n:Y: changed at 1
        applied m:X: changed at 2
        applied m:Z: changed at 3
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["2", "2"]);
}

/// Of modules that import each other, those land that neither use nor are used by what failed.
#[test]
fn edits_that_do_not_need_each_other_land_without_the_one_that_fails() {
    let mut story = Story::of(&[
        ("a", "import b\nimport c\nX = 1\n"),
        ("b", "def f(): return 1\nY = 1\n"),
        ("c", "import b\nZ = 1\n"),
    ]);
    story.save("a", "import b\nimport c\nX = b.f() + nothing\n");
    story.save("b", "def f(): return 2\nY = 2\n");
    story.save("c", "import b\nZ = 2\n");
    story.update(
        "
        compile a b c
        apply a b c: 4 steps, undone
        compile c
        apply c: 1 steps
        applied c:Z: changed at 2
        refused b: was saved together with a:X, which failed; undone, the old code runs on at 1
        refused a:X: name nothing is not defined; undone, the old code runs on at 1
        version 1
    ",
    );
    story.values(&["a.X", "b.Y", "c.Z"], &["1", "1", "2"]);
    story.save("a", "import b\nimport c\nX = b.f()\n");
    story.update(
        "
        compile a b
        apply a b: 3 steps
        applied b:Y: changed at 2
        applied b:f: body changed at 1
        applied a:X: changed at 3
        version 2
    ",
    );
    story.values(&["a.X", "b.Y", "c.Z"], &["2", "2", "2"]);
}

#[test]
fn unrelated_edits_do_not_fail_together() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.save("n", "Y = 2\n");
    story.edit(
        "X = nothing\n",
        "
        compile m
        apply m: 1 steps, undone
        compile n
        apply n: 1 steps
        applied n:Y: changed at 1
        refused m:X: name nothing is not defined; undone, the old code runs on at 1
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["1", "2"]);
}

#[test]
fn a_file_that_is_gone_and_back() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.remove("m");
    story.update(
        "
        refused m: its file is gone; the old code runs on until it is back at 1
        version 0
    ",
    );
    story.update(
        "
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.edit(
        "X = 1\n",
        "
        compile m
        apply m: 0 steps
        version 0
    ",
    );
    story.remove("m");
    story.update(
        "
        refused m: its file is gone; the old code runs on until it is back at 1
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
    story.values(&["X"], &["2"]);
}

#[test]
fn refused_parts_stay_as_they_are() {
    let mut story = Story::of(&[("m", "class C: pass\nX = 1\n")]);
    story.edit(
        "class C(B): pass\nX = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 2
        refused m:C: its decorators, bases or keywords changed; restart to apply at 1
        version 1
    ",
    );
    story.values(&["X"], &["2"]);
    story.edit(
        "class C(B): pass\nX = 3\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 2
        refused m:C: its decorators, bases or keywords changed; restart to apply at 1
        version 2
    ",
    );
    story.edit(
        "class C: pass\nX = 3\n",
        "
        compile m
        apply m: 0 steps
        version 2
    ",
    );
}

/// When relive itself fails, it leaves the module alone from then on, and says so.
#[test]
fn a_host_that_fails() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.host.next_facts = Some(HostError::Internal("the line is dead".to_owned()));
    story.edit("X = 2\n", "
        refused m: relive failed: the line is dead; the old code runs on, and later edits of the module are not applied at 1
        version 0
    ");
    story.edit(
        "X = 3\n",
        "
        version 0
    ",
    );
    story.save("n", "Y = 2\n");
    story.update(
        "
        compile n
        apply n: 1 steps
        applied n:Y: changed at 1
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["1", "2"]);
}

#[test]
fn a_compiler_that_fails() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.host.next_compile = Some(HostError::Internal("the line is dead".to_owned()));
    story.edit("X = 2\n", "
        compile m
        refused m: relive failed: the line is dead; the old code runs on, and later edits of the module are not applied at 1
        version 0
    ");
    story.edit(
        "X = 3\n",
        "
        version 0
    ",
    );
    story
        .session
        .register(
            "m",
            std::path::Path::new("m.py"),
            relive_session::Base::File,
        )
        .unwrap();
    story.edit(
        "X = 4\n",
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
}

/// What a statement rests on may be out of date. It is left so, unless the statement fails for it.
#[test]
fn a_statement_that_fails_for_what_is_out_of_date() {
    let mut story = Story::of(&[("m", "def f(): return 0\nB = f()\n")]);
    story.edit(
        "def f(): return D\nB = f()\nD = {}\nD['k'] = 5\nX = B['k']\n",
        "
        compile m
        apply m: 4 steps, undone
        compile m
        apply m: 5 steps
        applied m:D: added at 3
        applied m:<line 4>: added at 4
        applied m:f: body changed at 1
        applied m:B: executed again: what it computed rests on f, which has changed at 2
        applied m:X: added at 5
        version 1
    ",
    );
    story.values(&["B", "X"], &["{k: 5}", "5"]);
}

#[test]
fn a_live_module_that_is_no_python_and_names_itself() {
    let mut story = Story::of(&[("bank", "RATE = 1\n")]);
    // It was half written when the session began.
    story.save("app", "import bank\napp = bank.rate(\n");
    let app = file("app");
    story.session.register("app", &app, Base::File).unwrap();
    story.save("bank", "RATE = 2\n");
    story.update(
        "
        compile bank
        apply bank: 1 steps
        applied bank:RATE: changed at 1
        version 1
    ",
    );
}
