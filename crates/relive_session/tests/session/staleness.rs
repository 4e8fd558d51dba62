//! What is stale, for how long, and how it is mended.

use relive_plan::{Item, ItemKind};

use crate::story::Story;

#[test]
fn named_until_executed_again() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\nC = B + 1\n")]);
    story.edit(
        "A = 2\nB = A + 1\nC = B + 1\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:B: what it computed rests on A, which has changed at 2
        stale m:C: what it computed rests on B, which has changed at 3
        version 1
    ",
    );
    story.stale(
        "
        m:B: what it computed rests on A, which has changed at 2
        m:C: what it computed rests on B, which has changed at 3
    ",
    );
    story.update(
        "
        version 1
    ",
    );
    story.rerun(
        &[],
        "
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        applied m:B: executed again: what it computed rests on A, which has changed at 2
        applied m:C: executed again: what it computed rests on B, which has changed at 3
        version 3
    ",
    );
    story.stale("");
    story.values(&["A", "B", "C"], &["2", "3", "4"]);
}

#[test]
fn one_by_one() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\nC = A + 2\n")]);
    story.edit(
        "A = 2\nB = A + 1\nC = A + 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:B: what it computed rests on A, which has changed at 2
        stale m:C: what it computed rests on A, which has changed at 3
        version 1
    ",
    );
    story.rerun(
        &["m:C"],
        "
        compile m
        apply m: 1 steps
        applied m:C: executed again: what it computed rests on A, which has changed at 3
        version 2
    ",
    );
    story.stale(
        "
        m:B: what it computed rests on A, which has changed at 2
    ",
    );
    story.rerun(
        &["m:C"],
        "
        refused m:C: no stale statement of this name; session.stale() lists them at 0
        version 2
    ",
    );
    story.rerun(
        &["m:B", "m:nothing"],
        "
        compile m
        apply m: 1 steps
        applied m:B: executed again: what it computed rests on A, which has changed at 2
        refused m:nothing: no stale statement of this name; session.stale() lists them at 0
        version 3
    ",
    );
    story.values(&["B", "C"], &["3", "4"]);
}

#[test]
fn an_edit_mends_it() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\n")]);
    story.edit(
        "A = 2\nB = A + 1\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:B: what it computed rests on A, which has changed at 2
        version 1
    ",
    );
    story.edit(
        "A = 2\nB = A + 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:B: changed at 2
        version 2
    ",
    );
    story.stale("");
}

#[test]
fn removal_mends_it() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\n")]);
    story.edit(
        "A = 2\nB = A + 1\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:B: what it computed rests on A, which has changed at 2
        version 1
    ",
    );
    story.edit(
        "A = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:B: removed at 2
        version 2
    ",
    );
    story.stale("");
}

#[test]
fn equal_values_leave_nothing_stale() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\n")]);
    story.edit(
        "A = 0 + 1\nB = A + 1\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        version 1
    ",
    );
    story.stale("");
}

#[test]
fn across_modules() {
    let mut story = Story::of(&[
        ("m", "A = 1\n"),
        ("n", "import m\nB = m.A + 1\n"),
        ("o", "from n import B\nC = B + 1\n"),
    ]);
    story.edit(
        "A = 2\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale n:B: what it computed rests on m.A, which has changed at 2
        stale o:B: a copy of n.B, which is out of date at 1
        stale o:C: what it computed rests on B, which has changed at 2
        version 1
    ",
    );
    story.stale(
        "
        n:B: what it computed rests on m.A, which has changed at 2
        o:B: a copy of n.B, which is out of date at 1
        o:C: what it computed rests on B, which has changed at 2
    ",
    );
    story.rerun(
        &[],
        "
        compile n
        apply n: 2 steps
        compile o
        apply o: 1 steps
        applied n:B: executed again: what it computed rests on m.A, which has changed at 2
        applied o:C: executed again: what it computed rests on B, which has changed at 2
        version 3
    ",
    );
    story.values(&["n.B", "o.B", "o.C"], &["3", "3", "4"]);
    story.stale("");
}

#[test]
fn a_default() {
    let mut story = Story::of(&[("m", "A = 1\ndef f(a=A): return a\n")]);
    story.edit(
        "A = 2\ndef f(a=A): return a\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:f: a default, annotation or decorator rests on A, which has changed at 2
        version 1
    ",
    );
    story.rerun(&["m:f"], "
        compile m
        apply m: 1 steps
        applied m:f: executed again: a default, annotation or decorator rests on A, which has changed at 2
        version 2
    ");
    story.values(&["f"], &["def m.f(a=2): a"]);
    story.stale("");
}

#[test]
fn a_statement_that_raises_stays_stale() {
    let mut story = Story::of(&[
        ("m", "A = 1\nimport n\nB = n.f()\n"),
        ("n", "import m\ndef f(): return m.A + m.A\n"),
    ]);
    story.edit(
        "import n\nB = n.f()\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: removed at 1
        stale m:B: what it computed rests on n.f (m.A), which has changed at 2
        version 1
    ",
    );
    story.rerun(
        &[],
        "
        compile m
        apply m: 1 steps, undone
        refused m:B: name A is not defined; undone, the old code runs on at 1
        version 1
    ",
    );
    story.stale(
        "
        m:B: what it computed rests on n.f (m.A), which has changed at 2
    ",
    );
    story.values(&["B"], &["2"]);
}

#[test]
fn a_module_taken_up_again_is_not_stale() {
    let mut story = Story::of(&[
        ("m", "A = 1\nB = A + 1\n"),
        ("n", "import m\nC = m.A + 1\n"),
    ]);
    story.edit(
        "A = 2\nB = A + 1\n",
        "
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        stale m:B: what it computed rests on A, which has changed at 2
        stale n:C: what it computed rests on m.A, which has changed at 2
        version 1
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
    story.stale(
        "
        n:C: what it computed rests on m.A, which has changed at 2
    ",
    );
    story.session.forget("n");
    story.stale("");
}

/// Calls that still run old code are what the host says they are now: they end by themselves.
#[test]
fn frames_are_asked_for() {
    let mut story = Story::of(&[("m", "X = 1\n")]);
    story.host.facts.frames = vec![Item {
        qualname: "m:f".to_owned(),
        kind: ItemKind::Frame,
        why: "runs on with its old code".to_owned(),
        file: "m.py".to_owned(),
        line: 3,
    }];
    story.stale(
        "
        m:f: runs on with its old code at 3
    ",
    );
    story.host.facts.frames.clear();
    story.stale("");
}

/// What only computes a value runs again for a statement that does; what calls something is named, and so is the
/// statement that was executed with its value.
#[test]
fn executed_with_what_is_out_of_date() {
    let mut story = Story::of(&[("m", "A = 1\nB = A + 1\nC = B\n")]);
    story.edit(
        "A = 2\nB = A + 1\nC = B + 1\n",
        "
        compile m
        apply m: 3 steps
        applied m:A: changed at 1
        applied m:B: executed again: what it computed rests on A, which has changed at 2
        applied m:C: changed at 3
        version 1
    ",
    );
    story.values(&["B", "C"], &["3", "4"]);
    let mut story = Story::of(&[("m", "A = 1\ndef f(): return A\nB = f()\nC = B\n")]);
    story.edit(
        "A = 2\ndef f(): return A\nB = f()\nC = B + 1\n",
        "
        compile m
        apply m: 2 steps
        applied m:A: changed at 1
        applied m:C: changed at 4
        stale m:B: what it computed rests on f (m.A), which has changed at 3
        stale m:C: executed with B, which is out of date at 4
        version 1
    ",
    );
    story.values(&["B", "C"], &["1", "2"]);
}
