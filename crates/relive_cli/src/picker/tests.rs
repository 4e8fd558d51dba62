use expect_test::{Expect, expect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use relive_log::{CHOSEN, Change, ChangeKind, Effect, Operation, Outcome, Status, Via, judge};
use relive_syntax::Outline;

use super::Choice;
use super::state::Picker;
use super::view::draw;

fn change(number: u64, kind: ChangeKind) -> Change {
    Change {
        number,
        tx: number,
        at: format!("2026-11-21T02:{:02}:11.123Z", 30 + number % 30),
        session: "7f3c41".into(),
        via: Via::Patch,
        cause: None,
        within: None,
        kind,
        status: Status::Pending,
        outcome: Outcome::Applied,
        why: String::new(),
        left_off: Vec::new(),
    }
}

fn patch(operation: Operation, target: &str, old: Option<&str>, new: Option<&str>) -> ChangeKind {
    ChangeKind::Patch {
        operation,
        target: target.into(),
        after: None,
        old: old.map(Into::into),
        new: new.map(Into::into),
        pre: None,
        post: None,
    }
}

fn state(target: &str, effect: Effect, text: &str) -> ChangeKind {
    ChangeKind::State {
        target: target.into(),
        effect,
        text: text.into(),
    }
}

/// A log after an evening: seven changes to pick from, an undone one, a saved edit.
fn evening() -> Vec<Change> {
    let deposit = "    def deposit(self, n):\n        self.balance += n\n";
    let checked = "    def deposit(self, n):\n        if n < 0: raise ValueError(n)\n        self.balance += n\n";
    let mut changes = vec![
        change(
            2,
            patch(
                Operation::Replace,
                "Account.deposit",
                Some(deposit),
                Some(checked),
            ),
        ),
        change(
            4,
            patch(
                Operation::Replace,
                "rate",
                Some("def rate(): return 2\n"),
                Some("def rate(): return 3\n"),
            ),
        ),
        change(
            5,
            patch(
                Operation::Add,
                "Ledger",
                None,
                Some("class Ledger:\n    pass\n"),
            ),
        ),
        change(
            6,
            patch(
                Operation::Add,
                "Ledger.post",
                None,
                Some("    def post(self): pass\n"),
            ),
        ),
        change(
            9,
            state("LIMITS", Effect::Assign, "LIMITS[\"daily\"] = 500\n"),
        ),
        change(10, state("CACHE", Effect::Call, "CACHE.clear()\n")),
        change(
            11,
            patch(
                Operation::Remove,
                "old_rate",
                Some("def old_rate(): return 1\n"),
                None,
            ),
        ),
        change(
            12,
            patch(
                Operation::Replace,
                "close_year",
                Some("def close_year():\n    return 1\n"),
                Some("def close_year():\n    return crash()\n"),
            ),
        ),
    ];
    changes[1].status = Status::Conflict;
    changes[1].why = "bank.py says something else since".into();
    changes[4].status = Status::InSource;
    changes[7].outcome = Outcome::Unfinished;
    changes[7].status = Status::Omitted;
    let mut undone = change(13, patch(Operation::Add, "gone", None, Some("gone = 1\n")));
    undone.status = Status::Undone;
    let mut saved = change(
        14,
        patch(Operation::Add, "saved", None, Some("saved = 1\n")),
    );
    saved.via = Via::Editor;
    changes.extend([undone, saved, change(15, ChangeKind::Session)]);
    changes
}

fn picker<'a>(changes: &'a [Change], warnings: &[&str]) -> Picker<'a> {
    let warnings: Vec<String> = warnings.iter().map(|warning| (*warning).into()).collect();
    let now = "2026-11-21T05:00:00Z[UTC]".parse().unwrap();
    Picker::new("bank.py", changes, &warnings, &now)
}

fn screen(picker: &mut Picker<'_>, width: u16, height: u16) -> Terminal<TestBackend> {
    picker.resize(width, height);
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(picker, frame)).unwrap();
    terminal
}

/// What the screen shows, without the blanks at the ends of its lines.
fn shown(picker: &mut Picker<'_>, width: u16, height: u16) -> String {
    let terminal = screen(picker, width, height);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in 0..height {
        let line: String = (0..width)
            .map(|column| buffer[(column, row)].symbol())
            .collect();
        // The bar keeps the blanks at the beginning of lines apart from the indentation of what is expected.
        text += &format!("|{}\n", line.trim_end());
    }
    text
}

fn check(picker: &mut Picker<'_>, width: u16, height: u16, expected: Expect) {
    expected.assert_eq(&shown(picker, width, height));
}

/// Press keys; what the last one chose.
fn press(picker: &mut Picker<'_>, keys: &str) -> Option<Choice> {
    let mut choice = None;
    for key in keys.split(' ') {
        let (code, modifiers) = match key {
            "Enter" => (KeyCode::Enter, KeyModifiers::NONE),
            "Esc" => (KeyCode::Esc, KeyModifiers::NONE),
            "Space" => (KeyCode::Char(' '), KeyModifiers::NONE),
            "Up" => (KeyCode::Up, KeyModifiers::NONE),
            "Down" => (KeyCode::Down, KeyModifiers::NONE),
            "Right" => (KeyCode::Right, KeyModifiers::NONE),
            "Left" => (KeyCode::Left, KeyModifiers::NONE),
            "Home" => (KeyCode::Home, KeyModifiers::NONE),
            "End" => (KeyCode::End, KeyModifiers::NONE),
            "PageUp" => (KeyCode::PageUp, KeyModifiers::NONE),
            "PageDown" => (KeyCode::PageDown, KeyModifiers::NONE),
            "^C" => (KeyCode::Char('c'), KeyModifiers::CONTROL),
            "^D" => (KeyCode::Char('d'), KeyModifiers::CONTROL),
            "^U" => (KeyCode::Char('u'), KeyModifiers::CONTROL),
            letter => (
                KeyCode::Char(letter.chars().next().unwrap()),
                KeyModifiers::NONE,
            ),
        };
        assert_eq!(choice, None, "{key} was pressed after the choice");
        choice = picker.press(KeyEvent::new(code, modifiers));
    }
    choice
}

/// What Enter says after these keys.
fn chosen(keys: &str) -> String {
    let changes = evening();
    let mut picker = picker(&changes, &[]);
    let keys = format!("{keys} Enter");
    match press(&mut picker, keys.trim()) {
        Some(Choice::Replay { on, off, merged }) if merged.is_empty() => {
            format!("{on:?} without {off:?}")
        }
        Some(Choice::Replay { on, off, merged }) => {
            format!("{on:?} without {off:?}, {merged:?} merged")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_suspect_is_left_off_and_everything_says_why() {
    let changes = evening();
    let mut picker = picker(
        &changes,
        &["the log ended in the middle of a change; what there is of it is kept"],
    );
    check(
        &mut picker,
        80,
        24,
        expect![[r#"
            | relive  bank.py: 5 of 8 changes checked
            | ! the log ended in the middle of a change; what there is of it is kept
            |  [x]  2 define Account.deposit       2 h  clean
            |   -   4 define rate                  2 h  conflict: bank.py says something els…
            |  [x]  5 define Ledger                2 h  clean
            |  [x]  6 define Ledger.post           2 h  clean
            |   -   9 eval   LIMITS["daily"] = 500 2 h  already in the source
            |  [x] 10 eval   CACHE.clear()         2 h  clean
            |  [x] 11 remove old_rate              2 h  clean
            |> [ ] 12 define close_year            2 h  left off
            |── 12 define close_year ── 2026-11-21 02:42:11, session 7f3c41 ─────────────────
            |@@ -1,2 +1,2 @@
            | def close_year():
            |-    return 1
            |+    return crash()
            |
            |
            |
            |
            |
            |
            |
            |
            | Enter replay 5  - leave off last  Space toggle  n without  ? help
        "#]],
    );
}

#[test]
fn enter_replays_what_is_checked() {
    expect!["[2, 5, 6, 10, 11] without [12]"].assert_eq(&chosen(""));
}

#[test]
fn leaving_off_the_last_goes_on_and_on() {
    expect!["[2, 5, 6, 10] without [11, 12]"].assert_eq(&chosen("-"));
    expect!["[2, 5] without [6, 10, 11, 12]"].assert_eq(&chosen("- d -"));
    expect!["[2, 5, 6, 10] without [11, 12]"].assert_eq(&chosen("- d - + u"));
    expect!["[] without [2, 5, 6, 10, 11, 12]"].assert_eq(&chosen("- - - - - - - -"));
}

#[test]
fn one_is_toggled_and_takes_along_what_needs_it() {
    expect!["[2, 5, 6, 10, 11, 12] without []"].assert_eq(&chosen("Space"));
    expect!["[2, 10, 11] without [5, 6, 12]"].assert_eq(&chosen("Home Down Down Space"));
    expect!["[2, 5, 6, 10, 11] without [12]"].assert_eq(&chosen("Home j j Space j Space"));
    expect!["[2, 5, 6, 10, 11] without [12]"].assert_eq(&chosen("Home j Space"));
}

#[test]
fn what_calls_something_is_only_replayed_if_the_user_says_so() {
    let mut changes = vec![
        change(2, state("CACHE", Effect::Assign, "CACHE['a'] = 1\n")),
        change(5, state("CACHE", Effect::Call, "CACHE.clear()\n")),
        change(8, state("CACHE", Effect::Call, "CACHE.popitem()\n")),
    ];
    let why = "it calls something: what that does is done once more";
    changes[1].why = why.to_owned();
    changes[2].why = CHOSEN.to_owned();
    let mut picker = picker(&changes, &[]);
    assert_eq!(picker.reason(1), why);
    assert_eq!(
        press(&mut picker, "Enter"),
        Some(Choice::Replay {
            on: vec![2, 8],
            off: vec![5],
            merged: vec![]
        })
    );
}

#[test]
fn other_keys_choose_at_once() {
    let changes = evening();
    let choice = |keys: &str| press(&mut picker(&changes, &[]), keys);
    assert_eq!(choice("n"), Some(Choice::Without));
    // That is asked first: it takes everything away.
    assert_eq!(choice("a"), None);
    assert_eq!(choice("a n"), None);
    assert_eq!(choice("a Enter"), None);
    assert_eq!(choice("a y"), Some(Choice::SetAside));
    assert_eq!(choice("b"), Some(Choice::Bisect));
    for key in ["q", "Esc", "^C", "? ^C"] {
        assert_eq!(choice(key), Some(Choice::Quit), "{key}");
    }
    for key in ["x", "? n", "? Enter", "? q", "^D", "^U"] {
        assert_eq!(choice(key), None, "{key}");
    }
}

#[test]
fn the_screen_follows_the_keys() {
    let changes = evening();
    let mut picker = picker(&changes, &[]);
    press(&mut picker, "Home j j Space j");
    check(
        &mut picker,
        80,
        24,
        expect![[r#"
            | relive  bank.py: 3 of 8 changes checked
            |  [x]  2 define Account.deposit       2 h  clean
            |   -   4 define rate                  2 h  conflict: bank.py says something els…
            |  [ ]  5 define Ledger                2 h  left off
            |> [ ]  6 define Ledger.post           2 h  depends on 5, left off
            |   -   9 eval   LIMITS["daily"] = 500 2 h  already in the source
            |  [x] 10 eval   CACHE.clear()         2 h  clean
            |  [x] 11 remove old_rate              2 h  clean
            |  [ ] 12 define close_year            2 h  left off
            |── 6 define Ledger.post ── 2026-11-21 02:36:11, session 7f3c41 ─────────────────
            |@@ -0,0 +1 @@
            |+    def post(self): pass
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            |
            | Enter replay 3  - leave off last  Space toggle  n without  ? help
        "#]],
    );
    press(&mut picker, "Up Up Space");
    check(
        &mut picker,
        60,
        16,
        expect![[r#"
            | relive  bank.py: 3 of 8 changes checked
            |  [x]  2 define Account.deposit     2 h  clean
            |>  -   4 define rate                2 h  conflict: bank.py …
            |  [ ]  5 define Ledger              2 h  left off
            |  [ ]  6 define Ledger.post         2 h  depends on 5, left…
            |   -   9 eval   LIMITS["daily"] = … 2 h  already in the sou…
            |  [x] 10 eval   CACHE.clear()       2 h  clean
            |── 4 define rate ── 2026-11-21 02:34:11, session 7f3c41 ────
            | conflict: bank.py says something else since
            |@@ -1 +1 @@
            |-def rate(): return 2
            |+def rate(): return 3
            |
            |
            |
            | 4 cannot be replayed: conflict: bank.py says something els…
        "#]],
    );
    press(&mut picker, "?");
    check(
        &mut picker,
        80,
        24,
        expect![[r#"
            | relive  bank.py: 3 of 8 changes checked
            | Enter        replay the checked, leave off the others
            | - or d       leave off the last one that is checked; again and again
            | + or u       put back what - left off last
            | Space        check this one or leave it off
            | n            start without any of them
            | q or Esc     decide nothing: start without them, ask again next time
            | a            set the whole log aside, after a question
            | b            find the one that crashes, by trying them in other processes
            | Up Down k j  move; PageUp, PageDown, Home and End too
            | K J          scroll the change below, with Shift-Up and Shift-Down too
            | Left Right   scroll it sideways
            |
            | [x] is replayed   [ ] is left off   [m] is merged   -  cannot be replayed
            |
            |
            |
            |
            |
            |
            |
            |
            |
            | any key goes back
        "#]],
    );
}

#[test]
fn small_windows_show_what_they_can_and_smaller_ones_decide_nothing() {
    let changes = evening();
    let mut picker = picker(&changes, &["one", "another"]);
    check(
        &mut picker,
        40,
        10,
        expect![[r#"
            | relive  bank.py: 5 of 8 checked
            | ! one
            |  [x] 10 eval   CACHE.clea… clean
            |  [x] 11 remove old_rate    clean
            |> [ ] 12 define close_year  left off
            |── 12 define close_year ────────────────
            |@@ -1,2 +1,2 @@
            | def close_year():
            | (2 lines below: J scrolls)
            | Enter replay 5  - last  n none  ? help
        "#]],
    );
    check(
        &mut picker,
        39,
        10,
        expect![[r#"
            |Too small: 40x10 is needed
            |q starts without changes
            |
            |
            |
            |
            |
            |
            |
            |
        "#]],
    );
    assert_eq!(press(&mut picker, "Enter n a b"), None);
    assert_eq!(press(&mut picker, "q"), Some(Choice::Quit));
    for (width, height) in [(1, 1), (5, 2), (40, 9), (300, 100)] {
        shown(&mut picker, width, height);
    }
}

#[test]
fn a_long_list_and_a_long_change_scroll() {
    let text: String = (0..60)
        .map(|line| format!("    {line}{}\n", "x".repeat(line * 2)))
        .collect();
    let mut changes: Vec<Change> = (0..40)
        .map(|number| {
            change(
                number,
                state("LIMITS", Effect::Assign, &format!("LIMITS[{number}] = 1")),
            )
        })
        .collect();
    changes.push(change(
        100,
        patch(Operation::Add, "long", None, Some(&text)),
    ));
    let mut picker = picker(&changes, &[]);
    press(
        &mut picker,
        "^D ^D ^D ^D ^D ^D ^D ^D ^D ^D ^D ^D K Right Right Left",
    );
    check(
        &mut picker,
        60,
        14,
        expect![[r#"
            | relive  bank.py: 41 of 41 changes checked
            |  [x]  36 eval   LIMITS[36] = 1 2 h  clean
            |  [x]  37 eval   LIMITS[37] = 1 2 h  clean
            |  [x]  38 eval   LIMITS[38] = 1 2 h  clean
            |  [x]  39 eval   LIMITS[39] = 1 2 h  clean
            |> [x] 100 define long           2 h  clean
            |── 100 define long ── 2026-11-21 02:40:11, session 7f3c41 ──
            |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            |xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            | (4 lines below: J scrolls)
            | Enter replay 41  - last  n none  ? help
        "#]],
    );
    press(&mut picker, "PageUp PageUp");
    check(
        &mut picker,
        60,
        14,
        expect![[r#"
            | relive  bank.py: 41 of 41 changes checked
            |  [x]  28 eval   LIMITS[28] = 1 2 h  clean
            |  [x]  29 eval   LIMITS[29] = 1 2 h  clean
            |> [x]  30 eval   LIMITS[30] = 1 2 h  clean
            |  [x]  31 eval   LIMITS[31] = 1 2 h  clean
            |  [x]  32 eval   LIMITS[32] = 1 2 h  clean
            |── 30 eval LIMITS[30] = 1 ──────────────────────────────────
            | LIMITS[30] = 1
            |
            |
            |
            |
            |
            | Enter replay 41  - last  n none  ? help
        "#]],
    );
}

#[test]
fn hostile_text_does_not_act_on_the_terminal() {
    let mut changes = vec![
        change(
            1,
            patch(
                Operation::Add,
                "f\x1b]0;owned\x07\u{202e}",
                None,
                Some("x = '\x1b[31m\u{200b}'\r\n\ty = 1\r\nz"),
            ),
        ),
        change(2, state("-", Effect::Unknown, "\x1b[2J\nsecond()")),
    ];
    changes[1].status = Status::Conflict;
    changes[1].why = format!("{}\n\x1b[H", "very ".repeat(60));
    changes[1].at = "\x1b".into();
    changes[1].session = "\u{9b}".into();
    let now = "2026-11-21T05:00:00Z[UTC]".parse().unwrap();
    let warnings = ["warned\x1b[1m".to_owned()];
    let mut picker = Picker::new("odd\nname\u{2067}.py", &changes, &warnings, &now);
    check(
        &mut picker,
        80,
        20,
        expect![[r#"
            | relive  odd<U+000A>name<U+2067>.py: 1 of 2 changes checked
            | ! warned<U+001B>[1m
            |  [x] 1 define f<U+001B>]0;owned<U+0007><U+… 2 h  clean
            |>  -  2 eval   <U+001B>[2J …                      conflict: very very very very…
            |── 2 eval <U+001B>[2J … ── <U+001B>, session <U+009B> ──────────────────────────
            | conflict: very very very very very very very very very very very very very very
            | very very very very very very very very very very very very very very very very
            | very very very very very very very very very very very very very very very very
            | <U+001B>[2J
            | second()
            |
            |
            |
            |
            |
            |
            |
            |
            |
            | Enter replay 1  - leave off last  Space toggle  n without  ? help
        "#]],
    );
    press(&mut picker, "Up");
    check(
        &mut picker,
        80,
        20,
        expect![[r#"
            | relive  odd<U+000A>name<U+2067>.py: 1 of 2 changes checked
            | ! warned<U+001B>[1m
            |> [x] 1 define f<U+001B>]0;owned<U+0007><U+… 2 h  clean
            |   -  2 eval   <U+001B>[2J …                      conflict: very very very very…
            |── 1 define f<U+001B>]0;owned<U+0007><U+202E> ──────────────────────────────────
            |@@ -0,0 +1,3 @@
            |+x = '<U+001B>[31m<U+200B>'
            |+    y = 1
            |+z
            |\ No newline at end of file
            |
            |
            |
            |
            |
            |
            |
            |
            |
            | Enter replay 1  - leave off last  Space toggle  n without  ? help
        "#]],
    );
}

#[test]
fn no_colour_without_colour() {
    let changes = evening();
    let mut picker = picker(&changes, &["a warning"]);
    press(&mut picker, "Home");
    let colours = |picker: &mut Picker<'_>| {
        let terminal = screen(picker, 80, 24);
        let cells = terminal.backend().buffer().content().iter();
        let coloured = cells.filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset);
        coloured.count()
    };
    assert_eq!(colours(&mut picker), 0);
    picker.has_colour = true;
    assert!(colours(&mut picker) > 0);
}

/// A change in conflict with a source that has changed other lines, and one with a source that has changed the same.
fn conflicts() -> (Vec<Change>, Outline) {
    let old = "def rate():\n    a = 1\n\n    b = 2\n\n    return a + b\n";
    let fee = "def fee():\n    return 1\n";
    let source = old.replace("a + b", "a - b") + &fee.replace('1', "2");
    let (rate, other) = (old.replace("a = 1", "a = 10"), fee.replace('1', "3"));
    let changes = vec![
        change(2, patch(Operation::Replace, "rate", Some(old), Some(&rate))),
        change(3, patch(Operation::Replace, "fee", Some(fee), Some(&other))),
    ];
    let source = Outline::parse(source.as_str().into()).unwrap();
    let mut changes = changes;
    judge(&mut changes, Some(&source));
    (changes, source)
}

#[test]
fn a_conflict_is_merged_by_a_key() {
    let (changes, source) = conflicts();
    let mut picker = picker(&changes, &[]);
    picker.source = Some(&source);
    press(&mut picker, "Up Space");
    check(
        &mut picker,
        80,
        16,
        expect![[r#"
        | relive  bank.py: 0 of 2 changes checked
        |>  -  2 define rate 2 h  conflict: the source has another version of rate than …
        |   -  3 define fee  2 h  conflict: the source has another version of fee than t…
        |── 2 define rate ── 2026-11-21 02:32:11, session 7f3c41 ────────────────────────
        | conflict: the source has another version of rate than the one that was changed
        |@@ -1,5 +1,5 @@
        | def rate():
        |-    a = 1
        |+    a = 10
        |
        |     b = 2
        |
        |
        |
        |
        | 2 cannot be replayed; m merges it with the source: conflict: the source has an…
    "#]],
    );
    press(&mut picker, "m");
    check(
        &mut picker,
        80,
        16,
        expect![[r#"
        | relive  bank.py: 1 of 2 changes checked
        |> [m] 2 define rate 2 h  merged with the source
        |   -  3 define fee  2 h  conflict: the source has another version of fee than t…
        |── 2 define rate ── 2026-11-21 02:32:11, session 7f3c41 ────────────────────────
        |@@ -1,5 +1,5 @@
        | def rate():
        |-    a = 1
        |+    a = 10
        |
        |     b = 2
        |
        |
        |
        |
        |
        | Enter replay 1  - leave off last  Space toggle  n without  ? help
    "#]],
    );
    assert_eq!(
        press(&mut picker, "j k Enter"),
        Some(Choice::Replay {
            on: vec![],
            off: vec![],
            merged: vec![2]
        })
    );
    // Any of these keys takes it back.
    for key in ["m", "Space", "-"] {
        assert_eq!(
            press(&mut picker, &format!("{key} Enter")),
            Some(Choice::Replay {
                on: vec![],
                off: vec![],
                merged: vec![]
            })
        );
        press(&mut picker, "m");
    }
}

#[test]
fn a_conflict_in_the_same_lines_is_shown() {
    let (changes, source) = conflicts();
    let mut picker = picker(&changes, &[]);
    picker.source = Some(&source);
    press(&mut picker, "m");
    check(
        &mut picker,
        80,
        16,
        expect![[r#"
        | relive  bank.py: 0 of 2 changes checked
        |   -  2 define rate 2 h  conflict: the source has another version of rate than …
        |>  -  3 define fee  2 h  conflict: the source has another version of fee than t…
        |── 3 define fee ── 2026-11-21 02:33:11, session 7f3c41 ─────────────────────────
        | conflict: the source has another version of fee than the one that was changed
        | def fee():
        | <<<<<<< the source
        |     return 2
        | ||||||| before change 3
        |     return 1
        | =======
        |     return 3
        | >>>>>>> change 3
        |
        |
        | 3 and the source touch the same lines: edit the source
    "#]],
    );
    picker.source = None;
    press(&mut picker, "m");
    check(
        &mut picker,
        80,
        10,
        expect![[r#"
        | relive  bank.py: 0 of 2 changes checked
        |   -  2 define rate 2 h  conflict: the source has another version of rate than …
        |>  -  3 define fee  2 h  conflict: the source has another version of fee than t…
        |── 3 define fee ── 2026-11-21 02:33:11, session 7f3c41 ─────────────────────────
        | conflict: the source has another version of fee than the one that was changed
        | def fee():
        | <<<<<<< the source
        |     return 2
        | (5 lines below: J scrolls)
        | there is no source to merge with
    "#]],
    );
}

#[test]
fn nothing_to_pick_asks_nothing() {
    let mut changes = [
        change(1, ChangeKind::Session),
        change(2, state("x", Effect::Assign, "x = 1\n")),
    ];
    changes[1].status = Status::InSource;
    assert!(picker(&changes, &[]).is_idle());
    assert_eq!(
        super::pick("bank.py", &changes, None, &[], true).unwrap(),
        Choice::Replay {
            on: vec![],
            off: vec![],
            merged: vec![]
        }
    );
}
