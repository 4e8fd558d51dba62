//! Edits of several modules: those that belong together are one transaction.

use crate::story::Story;

#[test]
fn a_function_renamed_with_its_use() {
    let mut story = Story::of(&[("m", "import n\nX = n.f()\n"), ("n", "def f(): return 1\n")]);
    story.save("n", "def g(): return 1\n");
    story.edit(
        "import n\nX = n.g()\n",
        "
        compile m n
        apply m n: 3 steps
        applied n:g: added at 1
        applied m:X: changed at 2
        applied n:f: removed at 1
        version 1
    ",
    );
    story.values(&["X", "n.f", "n.g"], &["1", "nothing", "def n.g(): 1"]);
}

#[test]
fn what_has_nothing_to_do_with_each_other() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.save("n", "Y = 2\n");
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 1 steps
        compile n
        apply n: 1 steps
        applied m:X: changed at 1
        applied n:Y: changed at 1
        version 2
    ",
    );
}

#[test]
fn three_in_a_chain() {
    let mut story = Story::of(&[
        ("a", "import b\nX = b.Y\n"),
        ("b", "import c\nY = c.Z\n"),
        ("c", "Z = 1\n"),
        ("d", "W = 1\n"),
    ]);
    story.save("a", "import b\nX = b.Y + 1\n");
    story.save("b", "import c\nY = c.Z + 1\n");
    story.save("c", "Z = 2\n");
    story.save("d", "W = 2\n");
    story.update(
        "
        compile a b c
        apply a b c: 3 steps
        compile d
        apply d: 1 steps
        applied c:Z: changed at 1
        applied b:Y: changed at 2
        applied a:X: changed at 2
        applied d:W: changed at 1
        version 2
    ",
    );
    story.values(&["a.X", "b.Y", "c.Z", "d.W"], &["4", "3", "2", "2"]);
}

#[test]
fn a_new_import_makes_them_belong_together() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.save("n", "Y = 2\nZ = 5\n");
    story.edit(
        "import n\nX = n.Z\n",
        "
        compile m n
        apply m n: 4 steps
        applied n:Y: changed at 1
        applied n:Z: added at 2
        applied m:n: added at 1
        applied m:X: changed at 2
        version 1
    ",
    );
    story.values(&["X"], &["5"]);
}

#[test]
fn one_with_a_syntax_error_is_left_out() {
    let mut story = Story::of(&[("m", "import n\nX = 1\n"), ("n", "Y = 1\n")]);
    story.save("n", "Y = (\n");
    story.edit(
        "import n\nX = 2\n",
        "
        compile n
        compile m
        apply m: 1 steps
        applied m:X: changed at 2
        refused n: syntax error: unexpected EOF while parsing; the old code runs on at 2
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["2", "1"]);
}

#[test]
fn modules_that_wait() {
    let mut story = Story::of(&[("m", "X = 1\n"), ("n", "Y = 1\n")]);
    story.save("m", "X = 2\n");
    story.save("n", "Y = 2\n");
    story.update_on(
        relive_session::Occasion::Asked,
        &["n"],
        "
        compile m
        apply m: 1 steps
        applied m:X: changed at 1
        version 1
    ",
    );
    story.update_on(
        relive_session::Occasion::Asked,
        &["n"],
        "
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["2", "1"]);
    story.update(
        "
        compile n
        apply n: 1 steps
        applied n:Y: changed at 1
        version 2
    ",
    );
    story.values(&["n.Y"], &["2"]);
}

#[test]
fn a_circle() {
    let mut story = Story::of(&[
        ("m", "import n\nX = 1\ndef f(): return n.Y\n"),
        ("n", "import m\nY = 1\ndef g(): return m.X\n"),
    ]);
    story.save("n", "import m\nY = 2\ndef g(): return m.X + 1\n");
    story.edit(
        "import n\nX = 2\ndef f(): return n.Y + 1\n",
        "
        compile m n
        apply m n: 4 steps
        applied n:Y: changed at 2
        applied m:X: changed at 2
        applied n:g: body changed at 3
        applied m:f: body changed at 3
        version 1
    ",
    );
    story.values(&["X", "n.Y"], &["2", "2"]);
}
