//! `relive undo`: a change is taken back.

use std::path::Path;

use relive_log::{Draft, Status};
use relive_socket::LogAction;

use super::world::{Lock, Stop, World};
use crate::shown::brief;
use crate::words;

pub(super) fn undo(file: &Path, number: u64, world: &mut World<'_>) -> Result<u8, Stop> {
    let opened = world.open_while(file)?;
    opened.tell_problems(world);
    opened.expect_writable("nothing was undone")?;
    let change = opened.change(number)?;
    if change.status == Status::Untrusted {
        return Err(opened.untrusted(number));
    }
    let what = format!("{} {}", words::kind(change), brief(&words::subject(change)));
    let mut log = match world.lock(&opened)? {
        Lock::Here(log) => log,
        Lock::There(sessions) => {
            return world.forward(&opened, &sessions, LogAction::Undo { number });
        }
    };
    let outline = &opened.expect_outline()?;
    let drafts = relive_log::undo(&opened.changes, number, outline)
        .map_err(|error| Stop::no(brief(&error.to_string())))?;
    let committed = world.append(&mut log, &drafts)?;
    log.close();
    let mut text = format!("change {number} ({what}) is taken back");
    let is_patch = |draft: &Draft| matches!(draft, Draft::Patch { .. });
    if drafts.iter().any(is_patch) {
        text += &format!(
            " by {}; {} writes that into {}",
            words::numbered(&committed.numbers),
            opened.hint("fold FILE"),
            opened.file
        );
    } else if let [number] = committed.numbers.as_slice() {
        text += &format!(
            "; {} brings it back",
            opened.hint(&format!("undo FILE {number}"))
        );
    }
    world.print(&format!("{text}\n"));
    Ok(0)
}
