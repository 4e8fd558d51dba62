//! `relive trust`: what this user's relive did not write is shown, and may be replayed if the user says so.

use std::path::Path;

use jiff::tz::TimeZone;
use relive_log::{Entry, ReadLog, Signed, Status, Transaction};
use relive_socket::LogAction;

use super::list;
use super::opened::Opened;
use super::world::{Stop, World};
use crate::diff::{self, Line};
use crate::shown::brief;
use crate::words;

pub(super) fn trust(file: &Path, world: &mut World<'_>) -> Result<u8, Stop> {
    let opened = world.open(file)?;
    opened.tell_problems(world);
    opened.expect_writable("nothing was allowed")?;
    let logs = unsigned_logs(&opened);
    let shown: Vec<(&ReadLog, &Transaction)> = logs
        .iter()
        .flat_map(|log| log.transactions.iter().map(move |one| (*log, one)))
        .filter(|(_, one)| is_unsigned(one))
        .collect();
    if shown.is_empty() {
        world.print(&format!("{}: nothing to allow\n", opened.log));
        return Ok(0);
    }
    for (log, transaction) in &shown {
        let lines = in_whole(transaction, log, &opened, &world.zone);
        world.print_lines(&lines);
        world.print("\n");
    }
    let what = words::count(shown.len(), "transaction");
    if !world.user.reads() {
        return Err(Stop::refused(format!(
            "{what} would run as code of yours; that can only be allowed in a terminal, where it is seen"
        )));
    }
    let (these, code) = if shown.len() == 1 {
        ("this", "Its")
    } else {
        ("these", "Their")
    };
    let question = format!(
        "Allow {these} {what} of {}? {code} code will run as yours with {}.",
        opened.log, opened.file
    );
    let is_allowed = world
        .user
        .agrees(&question)
        .map_err(|error| Stop::refused(format!("cannot ask in this terminal: {error}")))?;
    if !is_allowed {
        return Err(Stop::refused("nothing was allowed"));
    }
    // What was read is what was shown, whatever has become of the file since.
    for log in &logs {
        relive_log::trust(&world.rim, log).map_err(|error| Stop::no(brief(&error.to_string())))?;
    }
    world.print(&format!(
        "{what} allowed; {} lists the changes\n",
        opened.hint("log FILE")
    ));
    world.tell_sessions(&opened, &LogAction::Trust);
    Ok(0)
}

/// The logs with something to allow. Of those that this one continues, only where a change may still be replayed.
fn unsigned_logs(opened: &Opened) -> Vec<&ReadLog> {
    let has_unsigned = |log: &ReadLog| log.transactions.iter().any(is_unsigned);
    let is_waiting = |log: &ReadLog| {
        let mut changes = opened.changes.iter();
        changes.any(|change| {
            words::is_offered(change)
                && change.status == Status::Untrusted
                && log.transactions.iter().any(|one| one.tx == change.tx)
        })
    };
    let older = opened.older.iter().filter(|log| is_waiting(log));
    let mut logs: Vec<&ReadLog> = older.collect();
    logs.push(&opened.read);
    logs.retain(|log| has_unsigned(log));
    logs
}

fn is_unsigned(transaction: &Transaction) -> bool {
    matches!(transaction.signed, Signed::No | Signed::Moved)
}

/// All that a transaction says.
fn in_whole(
    transaction: &Transaction,
    log: &ReadLog,
    opened: &Opened,
    zone: &TimeZone,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let all = transaction.first..=transaction.last;
    for record in log
        .records
        .iter()
        .filter(|record| all.contains(&record.seq))
    {
        let decision =
            |verb: &str, of: u64| vec![diff::head(&format!("change {}: {verb} {of}", record.seq))];
        let change = opened
            .changes
            .iter()
            .find(|change| change.number == record.seq);
        lines.extend(match (change, &record.entry) {
            (Some(change), _) => list::in_whole(change, zone),
            (None, Entry::Skip(decided)) => decision("leave off", decided.of),
            (None, Entry::Unskip(decided)) => decision("replay", decided.of),
            (None, Entry::Unknown(unknown)) => {
                let what = format!(
                    "record {}: of the unknown kind {}, not replayed",
                    record.seq, unknown.kind
                );
                vec![diff::head(&what)]
            }
            (None, _) => Vec::new(),
        });
    }
    if transaction.signed == Signed::Moved {
        lines.push(diff::head("you wrote this for a source in another place"));
    }
    lines
}
