//! What runs again because a statement that is executed reads its value.

use expect_test::expect;

use crate::scenario::{Scenario, check};

#[test]
fn what_only_computes() {
    check(
        "A = 1\nB = A + 1\nC = B, 1\nD = [C]\nE = 1\n",
        "A = 2\nB = A + 1\nC = B, 1\nD = [C]\nE = C\n",
        expect![[r#"
            execute A at 1 (Statement: changed)
            execute B at 2 (Statement: executed again: what it computed rests on A, which has changed)
            execute C at 3 (Statement: executed again: what it computed rests on B, which has changed)
            execute E at 5 (Statement: changed)
            outdated D at 4 (Statement: what it computed rests on C, which has changed)
        "#]],
    );
}

#[test]
fn what_calls_something() {
    let text = "A = 1\ndef f(): return A\nB = f()\nC = B\n";
    let edited = "A = 2\ndef f(): return A\nB = f()\nC = B + 1\n";
    check(
        text,
        edited,
        expect![[r#"
            execute A at 1 (Statement: changed)
            execute C at 4 (Statement: changed)
            outdated B at 3 (Statement: what it computed rests on f (m.A), which has changed)
            outdated C at 4 (Statement: executed with B, which is out of date)
        "#]],
    );
    Scenario::of(text).needy("C").edit(
        edited,
        expect![[r#"
            execute A at 1 (Statement: changed)
            execute B at 3 (Statement: executed again: what it computed rests on f (m.A), which has changed)
            execute C at 4 (Statement: changed)
        "#]],
    );
}

/// requests 2.34 made its table of status codes anew, which a call fills; other modules read the table.
#[test]
fn what_fills_an_object_that_is_made_anew() {
    let text = |made: &str| format!("CODES = {made}\ndef fill(): CODES['a'] = 1\nfill()\n");
    let read = |key: &str| format!("from m import CODES\nX = CODES['{key}']\n");
    let edits = [text("dict()"), read("a")];
    let scenario = Scenario::of(&text("{}")).module("n", &read("b"));
    scenario
        .needy("n.X")
        .edit_all(&[("m", &edits[0]), ("n", &edits[1])], expect![[r#"
            execute CODES at 1 (Statement: changed)
            execute <line 3> at 3 (Statement: executed again: what it computed rests on fill (m.CODES), which has changed)
            execute n:X at 2 (Statement: changed)
        "#]]);
}

/// httpx 0.28 changed the condition on which an entry is taken out of a table: it was out already.
#[test]
fn what_made_the_object_that_a_statement_changes() {
    let text = |taken: &str| format!("D = {{'a': 1, 'b': 2}}\nD.pop('b')\n{taken}\n");
    Scenario::of(&text("if 1: D.pop('a')"))
        .needy("m.<line 3>")
        .edit(
            &text("if 2: D.pop('a')"),
            expect![[r#"
            execute D at 1 (Statement: executed again: a statement that changes D is another)
            execute <line 2> at 2 (Statement: executed again: a statement that changes D is another)
            execute <line 3> at 3 (Statement: added)
            stale <line 3> at 3 (Statement: removed, but what it did is not undone)
            stale D at 1 (Statement: removed, but what it did to this is not undone)
        "#]],
        );
}
