//! What the spine asks of a change log: each change between compile and apply, and what became of it.

use std::collections::BTreeSet;
use std::path::Path;

use relive_log::Folded;
use relive_session::{Appended, ChangeLog, LogError, LogOutcome, LoggedChanges, ModuleChange};

use crate::story::{Events, Story};

/// A log that tells what it is asked, and fails as long as the disk is full.
struct Recorder {
    events: Events,
    is_full: bool,
}

impl ChangeLog for Recorder {
    fn append(&mut self, changes: &[ModuleChange]) -> Result<Appended, LogError> {
        if self.is_full {
            self.is_full = false;
            return Err(LogError("no space left on device".to_owned()));
        }
        for change in changes {
            self.events.push(format!(
                "append {} ({:?})",
                change.file.display(),
                change.via
            ));
        }
        Ok(Appended::default())
    }

    fn append_cell(
        &mut self,
        _drafts: &[relive_log::Draft],
        modules: &[ModuleChange],
        _replayed: Option<&relive_log::Cause>,
    ) -> Result<Appended, LogError> {
        self.append(modules)
    }

    fn outcome(&mut self, _appended: &Appended, outcome: LogOutcome<'_>) {
        let outcome = match outcome {
            LogOutcome::Applied { .. } => "applied",
            LogOutcome::Raised(_) | LogOutcome::RaisedIn { .. } => "raised",
            LogOutcome::Refused(_) => "refused",
        };
        self.events.push(format!("outcome: {outcome}"));
    }

    fn read(&mut self, _file: &Path) -> Result<LoggedChanges, LogError> {
        Ok(LoggedChanges::default())
    }

    fn fold(
        &mut self,
        _file: &Path,
        _left_off: &BTreeSet<u64>,
        _is_dry: bool,
    ) -> Result<Folded, LogError> {
        Err(LogError("nothing to fold".to_owned()))
    }
}

fn logged(text: &str, is_full: bool) -> Story {
    let mut story = Story::of(&[("m", text)]);
    let events = story.host.events.clone();
    story
        .session
        .set_log(Box::new(Recorder { events, is_full }));
    story
}

#[test]
fn a_change_is_logged_before_it_takes_effect() {
    logged("X = 1\n", false).edit(
        "X = 2\n",
        "
        compile m
        append m.py (Editor)
        apply m: 1 steps
        outcome: applied
        applied m:X: changed at 1
        version 1
    ",
    );
}

#[test]
fn a_change_that_was_undone_is_marked() {
    logged("X = 1\n", false).edit(
        "X = missing\n",
        "
        compile m
        append m.py (Editor)
        apply m: 1 steps, undone
        outcome: raised
        refused m:X: name missing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
}

#[test]
fn a_change_that_cannot_be_logged_is_not_applied() {
    let mut story = logged("X = 1\n", true);
    story.edit(
        "X = 2\n",
        "
        compile m
        refused m: no space left on device; not applied, the old code runs on at 1
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.edit(
        "X = 3\n",
        "
        compile m
        append m.py (Editor)
        apply m: 1 steps
        outcome: applied
        applied m:X: changed at 1
        version 1
    ",
    );
}
