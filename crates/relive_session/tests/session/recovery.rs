//! What a session at a prompt left when it died.

use relive_log::{Draft, Effect, Home, Rim, SyncMode};
use relive_session::{ChangeLog, LeftBehind, LogOutcome, Logs};

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
        let left = LeftBehind::find(&rim, "3.13.0").unwrap();
        assert_eq!(left.is_of_another_boot, is_of_another_boot, "{boot}");
        assert_eq!(left.died, None);
        assert_eq!(left.statements.len(), 1);
    }
}
