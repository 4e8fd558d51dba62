//! Random edits of small programs: the live program equals a fresh one, or what differs is named.

use std::collections::BTreeMap;

use relive_session::Mode;

use crate::random::{Dice, Language, Verdict, judge};

/// How many programs that run are edited for each language and mode.
const PROGRAMS: usize = 400;

fn check(mode: Mode, statements: &[(&'static str, &'static [&'static str])]) {
    let language = Language {
        statements: statements.iter().copied().collect::<BTreeMap<_, _>>(),
        may_rebind: false,
    };
    let (mut valid, mut seed) = (0, 0);
    while valid < PROGRAMS {
        seed += 1;
        assert!(
            seed < 100 * PROGRAMS as u64,
            "hardly any of these programs runs"
        );
        let mut dice = Dice::new(seed);
        let mut versions = vec![language.program(&mut dice, 1 + seed as usize % 5)];
        for _ in 0..1 + seed % 4 {
            let mut next = versions.last().unwrap().clone();
            language.edit(&mut dice, &mut next);
            versions.push(next);
        }
        match judge(&versions, mode) {
            Verdict::Invalid => {}
            Verdict::Same | Verdict::Named => valid += 1,
            Verdict::Silent(what) | Verdict::Refused(what) => panic!("{what}\n{versions:#?}"),
        }
    }
}

const VALUES_AND_FUNCTIONS: &[&str] = &[
    "X = 1",
    "X = 2",
    "Y = X + 1",
    "Y = f()",
    "Z = Y + f()",
    "Z = g()",
    "def f(): return X",
    "def f(): return 1",
    "def f(): return 2",
    "def g(): return f()",
    "def g(a=2): return a",
    "def g(a=3): return a",
];

#[test]
fn one_module_in_deep_mode() {
    check(Mode::Deep, &[("a", VALUES_AND_FUNCTIONS)]);
}

#[test]
fn two_modules_in_deep_mode() {
    check(
        Mode::Deep,
        &[
            (
                "a",
                &[
                    "X = 1",
                    "X = 2",
                    "Y = X + 1",
                    "def f(): return X",
                    "def f(): return 1",
                    "Y = f()",
                ],
            ),
            (
                "b",
                &[
                    "from a import X",
                    "from a import X as W",
                    "import a",
                    "Y = X + 1",
                    "Z = a.Y + 1",
                    "from a import f",
                    "Z = f()",
                    "def g(): return a.X",
                    "Z = g()",
                    "def h(p=X): return p",
                    "from a import Y",
                ],
            ),
        ],
    );
}
