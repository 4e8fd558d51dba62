//! `relive fold`: the pending changes are written into the source file.

use std::collections::BTreeSet;
use std::path::Path;

use relive_log::{Change, ChangeKind, Draft, FoldError, Folded, Status};
use relive_socket::LogAction;

use super::opened::Health;
use super::world::{Lock, Stop, World};
use crate::shown::brief;
use crate::words;
use crate::{NO, REFUSED, diff};

pub(super) fn fold(file: &Path, is_dry: bool, world: &mut World<'_>) -> Result<u8, Stop> {
    let opened = world.open(file)?;
    opened.tell_problems(world);
    opened.expect_writable("nothing was folded")?;
    if opened.is_session() {
        return Err(Stop::no(format!(
            "{} is the log of a prompt: there is no source file to write it into",
            opened.log
        )));
    }
    opened.expect_trusted()?;
    let mut log = match world.lock(&opened)? {
        Lock::Here(log) => log,
        Lock::There(sessions) => {
            return world.forward(&opened, &sessions, LogAction::Fold { is_dry });
        }
    };
    // What a start has died of is not written into the source.
    let findings = world.findings(&opened);
    let mut suspects: BTreeSet<u64> = findings.iter().map(|finding| finding.number).collect();
    if !is_dry && !findings.is_empty() {
        let skips = findings.into_iter().map(|finding| Draft::Skip {
            of: finding.number,
            why: finding.why,
        });
        world.append(&mut log, &skips.collect::<Vec<_>>())?;
        world.keep_findings(&opened);
        suspects.clear();
    }
    let Folded {
        diff,
        numbers,
        left,
        notices,
    } = relive_log::fold_but_for(&world.rim, &mut log, &opened.read.source, &suspects, is_dry)
        .map_err(|error| Stop {
            code: match error {
                FoldError::Owner { .. } => REFUSED,
                _ => NO,
            },
            problem: brief(&error.to_string()),
        })?;
    log.close();
    for notice in &notices {
        world.complain(&brief(notice));
    }
    if is_dry {
        world.print_lines(&diff::parsed(&diff));
    }
    for (number, why) in &left {
        world.complain(&format!("change {number} stays in the log: {}", brief(why)));
    }
    let said = match (numbers.is_empty(), is_dry) {
        (true, _) => format!("{}: nothing to fold", opened.file),
        (false, true) => format!(
            "{} would be written into {}",
            words::numbered(&numbers),
            opened.file
        ),
        (false, false) => format!("{} written into {}", words::numbered(&numbers), opened.file),
    };
    if is_dry {
        // Standard output is the diff, and nothing but it.
        world.complain(&said);
    } else {
        world.print(&format!("{said}\n"));
    }
    let left: Vec<&Change> = left
        .iter()
        .filter_map(|(number, _)| opened.change(*number).ok())
        .collect();
    Ok(code(&left))
}

/// The exit code, by what was not folded. A statement that no source can say is none of a fold's business.
fn code(left: &[&Change]) -> u8 {
    let has = |status: Status| left.iter().any(|change| change.status == status);
    let is_patch = |change: &&&Change| matches!(change.kind, ChangeKind::Patch { .. });
    if has(Status::Untrusted) {
        REFUSED
    } else if has(Status::Newer) {
        Health::Newer.code()
    } else if left.iter().any(|change| is_patch(&change)) {
        NO
    } else {
        0
    }
}
