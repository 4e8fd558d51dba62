//! What a session at a prompt left when it died.

use relive_log::{Draft, Effect, Home, Rim, SyncMode};
use relive_session::{ChangeLog, Fate, LeftBehind, LogOutcome, Logs};

#[test]
fn a_machine_that_was_restarted_is_told_of() {
    let home = tempfile::tempdir().unwrap();
    let mut rim = Rim::real(Home::at(home.path()));
    rim.process.boot = "c2f1".into();
    let (session, python) = ("7f3c41".to_owned(), "3.13.0".to_owned());
    let mut logs = Logs::new(rim.clone(), session, python, SyncMode::Full);
    let typed = Draft::State {
        target: "-".into(),
        effect: Effect::Assign,
        text: "base = 4\n".into(),
    };
    let appended = logs.append_cell(&[typed], &[], None).unwrap();
    logs.outcome(&appended, LogOutcome::Applied { milliseconds: 0.1 });
    // The process ends here, without closing anything.
    drop(logs);
    for (boot, is_of_another_boot) in [("c2f1", false), ("0a11", true)] {
        rim.process.boot = boot.into();
        let left = LeftBehind::find(&rim, "0b5e", "3.13.0").unwrap();
        assert_eq!(left.is_of_another_boot, is_of_another_boot, "{boot}");
        assert_eq!(left.died, None);
        assert_eq!(left.statements.len(), 1);
    }
}

/// All that a person had not taken at the first start was gone.
#[test]
fn a_session_is_over_when_nothing_of_it_is_left() {
    let home = tempfile::tempdir().unwrap();
    let rim = Rim::real(Home::at(home.path()));
    let (session, python) = ("7f3c41".to_owned(), "3.13.0".to_owned());
    let mut logs = Logs::new(rim.clone(), session, python, SyncMode::Full);
    for (text, effect) in [("base = 4\n", Effect::Assign), ("ask()\n", Effect::Call)] {
        let typed = Draft::State {
            target: "-".into(),
            effect,
            text: text.into(),
        };
        let appended = logs.append_cell(&[typed], &[], None).unwrap();
        logs.outcome(&appended, LogOutcome::Applied { milliseconds: 0.1 });
    }
    drop(logs);
    let find = || LeftBehind::find(&rim, "0b5e", "3.13.0");
    let fates = |left: &LeftBehind| {
        let fates = left.statements.iter();
        let fates = fates.map(|one| (one.change.number, one.fate.clone(), one.is_decided));
        fates.collect::<Vec<_>>()
    };
    let mut left = find().unwrap();
    assert!(left.is_new);
    assert_eq!(
        fates(&left),
        [(1, Fate::Replayed, false), (2, Fate::Asked, false)]
    );
    left.settle("0b5e", &[1], &[(2, "not wanted".to_owned())])
        .unwrap();
    drop(left);
    let mut left = find().unwrap();
    assert!(!left.is_new);
    let off = Fate::LeftOff {
        why: "not wanted".to_owned(),
        is_suspect: false,
    };
    assert_eq!(fates(&left), [(2, off, true)]);
    left.settle("0b5e", &[2], &[]).unwrap();
    drop(left);
    assert!(find().is_none());
}
