//! `relive undo`: a change is taken back.

use std::path::{Path, PathBuf};

use relive_log::{Draft, Log, Status, Together};
use relive_socket::LogAction;

use super::opened::Opened;
use super::world::{Lock, Stop, World};
use crate::shown::brief;
use crate::words;

pub(super) fn undo(file: &Path, number: u64, world: &mut World<'_>) -> Result<u8, Stop> {
    let opened = world.open_while(file)?;
    opened.tell_problems(world);
    opened.expect_writable("nothing was undone")?;
    // An undo that a later one has taken over is no part of anything.
    let together = Together::of(&opened.changes, number)
        .filter(|together| together.numbers(&opened.changes).contains(&number));
    let change = opened.change(number)?;
    if change.status == Status::Untrusted {
        return Err(opened.untrusted(number));
    }
    let what = format!("{} {}", words::kind(change), brief(&words::subject(change)));
    let numbers = together.as_ref().map_or(Vec::new(), |together| {
        let numbers = together.numbers(&opened.changes);
        numbers.into_iter().filter(|of| *of != number).collect()
    });
    let others = match &together {
        Some(together) => others(&opened, together, world),
        None => Vec::new(),
    };
    match world.lock(&opened)? {
        Lock::Here(log) => {
            let said = take_back(&opened, log, &with(number, &numbers), world)?;
            let what = match numbers.is_empty() {
                true => format!("change {number} ({what}) is taken back"),
                false => {
                    let all = words::numbered(&with(number, &numbers));
                    format!("{all}, which are one, are taken back")
                }
            };
            world.print(&format!("{what}{said}\n"));
        }
        Lock::There(sessions) => {
            let told = world.pass_on(&opened, &sessions, LogAction::Undo { number })?;
            world.print(&told);
        }
    }
    let mut code = 0;
    for (source, together) in others {
        if let Err(stop) = take_back_with(&source, &together, world) {
            world.complain(&stop.problem);
            code = stop.code;
        }
    }
    Ok(code)
}

fn with(number: u64, others: &[u64]) -> Vec<u64> {
    let mut numbers = others.to_vec();
    numbers.push(number);
    numbers.sort_unstable();
    numbers
}

/// The other sources with changes that are one with those of this one.
fn others(opened: &Opened, together: &Together, world: &World<'_>) -> Vec<(PathBuf, Together)> {
    let sources = relive_log::sources_of(&world.rim, &together.within).into_iter();
    let others = sources.filter(|source| *source != opened.read.source);
    others.map(|source| (source, together.clone())).collect()
}

/// Take changes back in the log. Returns the end of a sentence that says so.
fn take_back(
    opened: &Opened,
    mut log: Box<Log>,
    numbers: &[u64],
    world: &mut World<'_>,
) -> Result<String, Stop> {
    let outline = &opened.expect_outline()?;
    let drafts = relive_log::undo_together(&opened.changes, numbers, outline)
        .map_err(|error| Stop::no(brief(&error.to_string())))?;
    let committed = world.append(&mut log, &drafts)?;
    log.close();
    let is_patch = |draft: &Draft| matches!(draft, Draft::Patch { .. });
    if drafts.iter().any(is_patch) {
        return Ok(format!(
            " by {}; {} writes that into {}",
            words::numbered(&committed.numbers),
            opened.hint("fold FILE"),
            opened.file
        ));
    }
    let them = if numbers.len() == 1 { "it" } else { "them" };
    Ok(match committed.numbers.first() {
        Some(number) => format!(
            "; {} brings {them} back",
            opened.hint(&format!("undo FILE {number}"))
        ),
        None => String::new(),
    })
}

/// Take back what is one with something that was taken back.
fn take_back_with(source: &Path, together: &Together, world: &mut World<'_>) -> Result<(), Stop> {
    let opened = world.open_while(source)?;
    let numbers = together.numbers(&opened.changes);
    // A session that has both modules has done it.
    let Some(number) = numbers.first() else {
        return Ok(());
    };
    let what = format!("{} of {}", words::numbered(&numbers), opened.file);
    let done = opened
        .expect_writable("it was not undone")
        .and_then(|()| world.lock(&opened));
    let done = done.and_then(|lock| match lock {
        Lock::Here(log) => take_back(&opened, log, &numbers, world).map(|_| ()),
        Lock::There(sessions) => {
            let action = LogAction::Undo { number: *number };
            world.pass_on(&opened, &sessions, action).map(|_| ())
        }
    });
    match done {
        Ok(()) => {
            world.print(&format!("{what}: taken back with it\n"));
            Ok(())
        }
        Err(stop) => Err(Stop {
            code: stop.code,
            problem: format!("{what}, one with it, not taken back: {}", stop.problem),
        }),
    }
}
