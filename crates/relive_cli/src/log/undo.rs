//! `relive undo`: a change is taken back, with all that is one with it.

use std::path::Path;

use relive_log::{Draft, Lack, Log, OtherPart, Status, Together};
use relive_socket::LogAction;

use super::opened::{Health, Opened};
use super::world::{Lock, Sessions, Stop, World};
use crate::shown::{brief, path};
use crate::words;
use crate::{NO, REFUSED};

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
    let (numbers, others) = match &together {
        Some(together) => (
            together.numbers(&opened.changes),
            opened.other_parts(&together.within, world),
        ),
        None => (vec![number], Vec::new()),
    };
    // Nothing is written before it is known of each part that it can be taken back.
    let asked = match Part::prepare(opened, numbers, world)? {
        Prepared::Here(part) => part,
        Prepared::There(opened, sessions) => {
            return world.forward(&opened, &sessions, LogAction::Undo { number });
        }
    };
    let mut parts = Vec::new();
    for (other, together) in others.iter().zip(together.iter().cycle()) {
        match Part::prepare_other(other, together, &asked, world) {
            Ok(None) => {}
            Ok(Some(Prepared::Here(part))) => parts.push(part),
            // One process takes all of it back.
            Ok(Some(Prepared::There(opened, sessions))) => {
                let number = together.numbers(&opened.changes)[0];
                drop((asked, parts));
                return world.forward(&opened, &sessions, LogAction::Undo { number });
            }
            Err(stop) => {
                let of = format!("its part of {}", path(&other.way));
                let between = if other.lack.is_some() { ", " } else { ": " };
                return Err(Stop {
                    code: stop.code,
                    problem: format!(
                        "change {number} cannot be undone without {of}{between}{}",
                        stop.problem
                    ),
                });
            }
        }
    }
    let all = words::numbered(&asked.numbers);
    let said = asked.take_back(world)?;
    let what = match all == words::numbered(&[number]) {
        true => format!("change {number} ({what}) is taken back"),
        false => format!("{all}, which are one, are taken back"),
    };
    world.print(&format!("{what}{said}\n"));
    let mut code = 0;
    for part in parts {
        let what = format!("{} of {}", words::numbered(&part.numbers), part.opened.file);
        match part.take_back(world) {
            Ok(_) => world.print(&format!("{what}: taken back with it\n")),
            Err(stop) => {
                let problem = stop.problem;
                world.complain(&format!("{what}, one with it, not taken back: {problem}"));
                code = stop.code;
            }
        }
    }
    Ok(code)
}

/// Changes of one log that can be taken back.
struct Part {
    opened: Opened,
    numbers: Vec<u64>,
    log: Box<Log>,
    drafts: Vec<Draft>,
}

enum Prepared {
    Here(Box<Part>),
    /// Running sessions do it.
    There(Box<Opened>, Sessions),
}

impl Part {
    fn prepare(opened: Opened, numbers: Vec<u64>, world: &mut World<'_>) -> Result<Prepared, Stop> {
        let log = match world.lock(&opened)? {
            Lock::Here(log) => log,
            Lock::There(sessions) => return Ok(Prepared::There(Box::new(opened), sessions)),
        };
        let outline = &opened.expect_outline()?;
        let drafts = relive_log::undo_together(&opened.changes, &numbers, outline)
            .map_err(|error| Stop::no(brief(&error.to_string())))?;
        Ok(Prepared::Here(Box::new(Self {
            opened,
            numbers,
            log,
            drafts,
        })))
    }

    /// What another log has of it, if something of that is still to be taken back.
    fn prepare_other(
        other: &OtherPart,
        together: &Together,
        asked: &Part,
        world: &mut World<'_>,
    ) -> Result<Option<Prepared>, Stop> {
        if let Some(lack) = &other.lack {
            return Err(lacking(lack, asked));
        }
        let opened = world.open_while(&other.source)?;
        let numbers = together.numbers(&opened.changes);
        if numbers.is_empty() {
            return Ok(None);
        }
        opened.expect_writable("nothing was undone")?;
        let is_untrusted = |number: &&u64| {
            let change = opened.change(**number);
            change.is_ok_and(|change| change.status == Status::Untrusted)
        };
        if let Some(number) = numbers.iter().find(is_untrusted) {
            return Err(opened.untrusted(*number));
        }
        Part::prepare(opened, numbers, world).map(Some)
    }

    /// Write it. Returns the end of a sentence that says so.
    fn take_back(self, world: &mut World<'_>) -> Result<String, Stop> {
        let Self {
            opened,
            numbers,
            mut log,
            drafts,
        } = self;
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
}

/// A part is not to be had.
fn lacking(lack: &Lack, asked: &Part) -> Stop {
    let is_asked = |number: &u64| asked.numbers.contains(number);
    let mut changes = asked.opened.changes.iter();
    let advice = match changes.any(|one| is_asked(&one.number) && words::is_replayed(one)) {
        true => format!(
            "; {} can leave off what is here",
            asked.opened.hint("recover FILE")
        ),
        false => String::new(),
    };
    Stop {
        code: match lack {
            Lack::Gone | Lack::Unreadable(_) => NO,
            Lack::Untrusted => REFUSED,
            Lack::Damaged => Health::Damaged.code(),
            Lack::Newer => Health::Newer.code(),
            Lack::Foreign => Health::Foreign.code(),
        },
        problem: format!("{}{advice}", brief(&lack.to_string())),
    }
}
