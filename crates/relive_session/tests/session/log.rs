//! What the spine asks of a change log: each change between compile and apply, and what became of it.

use relive_plan::Plan;
use relive_session::{ChangeLog, LogError};

use crate::story::{Events, Story};

/// A log that tells what it is asked, and fails as long as the disk is full.
struct Recorder {
    events: Events,
    is_full: bool,
}

impl ChangeLog for Recorder {
    fn append(&mut self, plan: &Plan) -> Result<(), LogError> {
        if self.is_full {
            self.is_full = false;
            return Err(LogError("no space left on device".to_owned()));
        }
        self.events.push(format!("append {}", plan.modules[0].name));
        Ok(())
    }

    fn outcome(&mut self, was_applied: bool) {
        let outcome = if was_applied { "applied" } else { "undone" };
        self.events.push(format!("outcome: {outcome}"));
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
        append m
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
        append m
        apply m: 1 steps, undone
        outcome: undone
        refused m:X: name missing is not defined; undone, the old code runs on at 1
        version 0
    ",
    );
}

#[test]
fn a_change_that_cannot_be_logged_is_not_applied() {
    let mut story = logged("X = 1\n", true);
    story.edit(
        "X = 2\n", "
        compile m
        refused m: relive failed: the change log cannot be written: no space left on device; the old code runs on at 1
        version 0
    ",
    );
    story.values(&["X"], &["1"]);
    story.edit(
        "X = 3\n",
        "
        compile m
        append m
        apply m: 1 steps
        outcome: applied
        applied m:X: changed at 1
        version 1
    ",
    );
}
