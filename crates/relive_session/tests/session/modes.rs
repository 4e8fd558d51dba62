//! Deep mode, and modules executed before the session began.

use relive_plan::{Difference, ModuleFacts};
use relive_session::{Base, Mode};

use crate::story::Story;

fn deep(modules: &[(&str, &str)]) -> Story {
    Story::with(Mode::Deep, modules)
}

#[test]
fn stale_statements_are_executed_again() {
    let mut story = deep(&[("m", "A = 1\nB = A + 1\nC = B + 1\nD = 1\n")]);
    story.edit(
        "A = 2\nB = A + 1\nC = B + 1\nD = 1\n",
        "
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        applied m:B: executed again: what it computed rests on A, which has changed at 2
        applied m:C: executed again: what it computed rests on B, which has changed at 3
        version 3
    ",
    );
    story.values(&["A", "B", "C", "D"], &["2", "3", "4", "1"]);
    story.stale("");
}

#[test]
fn what_is_imported_comes_first() {
    let mut story = deep(&[
        ("a", "from c import V\nfrom m import X\nU = X + V\n"),
        ("c", "from m import X\nV = X + 1\n"),
        ("m", "X = 1\n"),
    ]);
    story.edit(
        "X = 2\n",
        "
        compile m
        apply m: 5 steps
        compile c
        apply c: 2 steps
        compile a
        apply a: 1 steps
        applied m:X: changed at 1
        applied c:V: executed again: what it computed rests on X, which has changed at 2
        applied a:U: executed again: what it computed rests on X, which has changed at 3
        version 3
    ",
    );
    story.values(&["a.U", "a.V", "c.V"], &["5", "3", "3"]);
    story.stale("");
}

#[test]
fn calls_are_made_again() {
    let mut story = deep(&[
        ("m", "def f(): return 1\ndef g(): return f()\nX = g()\n"),
        ("n", "from m import g\nY = g()\n"),
    ]);
    story.edit(
        "def f(): return 2\ndef g(): return f()\nX = g()\n",
        "
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        compile n
        apply n: 1 steps
        applied m:f: body changed at 1
        applied m:X: executed again: what it computed rests on g (m.f), which has changed at 3
        applied n:Y: executed again: what it computed rests on g (m.f), which has changed at 2
        version 3
    ",
    );
    story.values(&["X", "n.Y"], &["2", "2"]);
}

#[test]
fn one_that_raises_stays_stale() {
    let mut story = deep(&[(
        "m",
        "A = 1\nD = {}\nD['k'] = A\ndef f(): return A\nB = f()\n",
    )]);
    story.edit(
        "D = {}\nD['k'] = 1\ndef f(): return A\nB = f()\n",
        "
        compile m
        apply m: 2 steps
        compile m
        apply m: 1 steps, undone
        applied m:<line 2>: added at 2
        applied m:A: removed at 1
        stale m:<line 3>: removed, but what it did is not undone at 3
        stale m:D: removed, but what it did to this is not undone at 1
        stale m:B: what it computed rests on f (m.A), which has changed at 4
        refused m:B: name A is not defined; undone, the old code runs on at 1
        version 1
    ",
    );
    story.values(&["A", "B"], &["nothing", "1"]);
    story.edit(
        "A = 3\nD = {}\nD['k'] = 1\ndef f(): return A\nB = f()\n",
        "
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        applied m:A: added at 1
        applied m:B: executed again: what it computed rests on f (m.A), which has changed at 5
        version 3
    ",
    );
}

#[test]
fn the_mode_can_change() {
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
    story.session.mode = Mode::Deep;
    story.edit(
        "A = 3\nB = A + 1\n",
        "
        compile m
        apply m: 1 steps
        compile m
        apply m: 1 steps
        applied m:A: changed at 1
        applied m:B: executed again: what it computed rests on A, which has changed at 2
        version 3
    ",
    );
    story.values(&["B"], &["4"]);
    story.stale("");
}

/// A module that was imported before the session began, and whose file has been saved since.
fn surveyed(live: &str, file: &str, differences: &[Difference]) -> Story {
    let mut story = Story::of(&[]);
    story.host.python.import_text("m", live);
    story.save("m", file);
    story
        .session
        .register("m", std::path::Path::new("m.py"), Base::File)
        .unwrap();
    let facts = ModuleFacts {
        differences: differences.to_vec(),
        ..ModuleFacts::default()
    };
    story.host.facts.modules.insert("m".to_owned(), facts);
    story
        .session
        .survey(&mut story.host, &["m".to_owned(), "unheard of".to_owned()]);
    story.host.facts.modules.clear();
    story
}

#[test]
fn what_differs_is_an_edit() {
    let difference = |line, is_missing| Difference { line, is_missing };
    let mut story = surveyed(
        "def f(): return 1\ndef h(): return 1\n",
        "def f(): return 2\ndef h(): return 1\ndef g(): return 3\n",
        &[difference(1, false), difference(3, true)],
    );
    story.update(
        "
        compile m
        apply m: 2 steps
        applied m:g: added at 3
        applied m:f: signature changed at 1
        version 1
    ",
    );
    story.values(
        &["f", "g", "h"],
        &["def m.f(): 2", "def m.g(): 3", "def m.h(): 1"],
    );
    assert_eq!(story.session.modules()[0].base, Base::Unknown);
    story.update(
        "
        version 1
    ",
    );
}

#[test]
fn nothing_differs() {
    let mut story = surveyed("X = 1\n", "X = 1\n", &[]);
    story.update(
        "
        version 0
    ",
    );
    assert_eq!(story.session.modules()[0].base, Base::File);
}
