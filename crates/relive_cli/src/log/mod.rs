//! The commands that work on a change log.

mod fold;
mod list;
mod opened;
mod recover;
mod terminal;
#[cfg(test)]
mod tests;
mod trust;
mod undo;
mod world;

use std::path::Path;

use jiff::tz::TimeZone;
use relive_log::{Change, ChangeKind, Status};

use crate::arguments::{LogCommand, LogOptions};
use crate::git::{PATTERN, Repository};
use crate::shown::brief;
use crate::words;

pub(crate) use list::DocumentChange;
pub(crate) use opened::quoted;
use opened::{Health, Opened};
pub(crate) use terminal::Terminal;
pub(crate) use world::Stop;
#[cfg(test)]
use world::User;
pub(crate) use world::{World, new_session};

/// Do what one of these commands says, and return the exit code.
pub(crate) fn run(command: LogCommand, world: &mut World<'_>) -> u8 {
    let done = match command {
        LogCommand::Log(options) => log(&options, world),
        LogCommand::Show { file, number } => show(&file, number, world),
        LogCommand::Recover(options) => recover::recover(&options, world),
        LogCommand::Undo { file, number } => undo::undo(&file, number, world),
        LogCommand::Fold { file, dry_run } => fold::fold(&file, dry_run, world),
        LogCommand::Trust { file } => trust::trust(&file, world),
    };
    done.unwrap_or_else(|stop| {
        world.complain(&stop.problem);
        stop.code
    })
}

/// Changes as `relive log` lists them: one line each, escaped, with times of the clock on the wall. Without `has_all`,
/// only those that are pending or that somebody has to decide about.
pub(crate) fn listed(changes: &[Change], has_all: bool, zone: &TimeZone) -> String {
    let is_listed = |change: &&Change| has_all || list::is_listed(change);
    let listed: Vec<&Change> = changes.iter().filter(is_listed).collect();
    list::table(&listed, zone)
}

/// One change as `relive show` shows it, escaped. `source` is the text of its source file.
pub(crate) fn in_full(
    change: &Change,
    file: &str,
    source: Option<&str>,
    zone: &TimeZone,
) -> String {
    let lines = list::in_full(change, &brief(file), source, zone);
    lines
        .iter()
        .map(|line| format!("{}{}\n", line.sign.prefix(), line.text))
        .collect()
}

/// `relive log`
fn log(options: &LogOptions, world: &mut World<'_>) -> Result<u8, Stop> {
    if options.exclude {
        return exclude(&options.file, world);
    }
    let mut opened = if options.verify && !options.json {
        world.open_bytes(&options.file)?
    } else {
        world.open_while(&options.file)?
    };
    opened.look_for_parts(world);
    opened.tell_problems(world);
    if options.all {
        opened.tell_settled(world);
    }
    let code = if options.verify {
        opened.health.verdict()
    } else {
        opened.health.code()
    };
    let is_listed = |change: &&Change| options.all || list::is_listed(change);
    let listed: Vec<&Change> = opened.changes.iter().filter(is_listed).collect();
    if options.json {
        world.print_json(&opened.document(listed.into_iter()))?;
    } else if options.verify {
        world.print(&opened.verdict());
    } else {
        world.print(&list::table(&listed, &world.zone));
        world.print(&closing(&opened, &listed));
    }
    Ok(code)
}

/// `relive log --exclude`
fn exclude(file: &Path, world: &mut World<'_>) -> Result<u8, Stop> {
    let full = world.directory.join(file);
    let shown = world.brief(&full);
    let Some(repository) = Repository::of(&full) else {
        return Err(Stop::no(format!("{shown} is in no working tree of git")));
    };
    let mut log = full.clone().into_os_string();
    if full.extension().is_none_or(|extension| extension != "log") {
        log.push(".log");
    }
    let shown = world.brief(Path::new(&log));
    if repository.ignores(Path::new(&log)) {
        world.print(&format!("git ignores {shown} already\n"));
        return Ok(0);
    }
    let exclude = brief(&repository.exclude_shown());
    repository
        .add()
        .map_err(|error| Stop::no(format!("{exclude} cannot be written: {error}")))?;
    if !repository.ignores(Path::new(&log)) {
        return Err(Stop::no(format!(
            "{PATTERN} is in {exclude} now, but a .gitignore says otherwise of {shown}: `git check-ignore -v` names it"
        )));
    }
    world.print(&format!(
        "{PATTERN} is in {exclude} now: git ignores change logs, for you alone\n"
    ));
    Ok(0)
}

/// `relive show`
fn show(file: &Path, number: u64, world: &mut World<'_>) -> Result<u8, Stop> {
    let mut opened = world.open_while(file)?;
    opened.look_for_parts(world);
    opened.tell_problems(world);
    let change = opened.change(number)?;
    let lines = list::in_full(change, &opened.file, opened.source.text(), &world.zone);
    world.print_lines(&lines);
    Ok(opened.health.code())
}

/// What to do next.
fn closing(opened: &Opened, listed: &[&Change]) -> String {
    let file = &opened.file;
    let first = |status: Status| {
        let mut with = listed
            .iter()
            .filter(|change| words::is_offered(change) && change.status == status);
        with.next().map(|change| change.number)
    };
    let mut text = String::new();
    let mut say = |line: String| {
        text += &line;
        text.push('\n');
    };
    if listed.is_empty() {
        let header = opened.read.header.as_ref();
        let has_more =
            header.is_some_and(|header| header.after.is_some()) || !opened.changes.is_empty();
        say(match opened.health {
            Health::Missing => format!("{file}: no changes logged"),
            _ if has_more => {
                let all = opened.hint("log --all FILE");
                format!("{file}: nothing is pending; {all} lists what was")
            }
            _ => format!("{file}: no changes to list"),
        });
    }
    let suspects = listed.iter().filter(|change| words::is_suspect(change));
    let suspects: Vec<u64> = suspects.map(|change| change.number).collect();
    if !suspects.is_empty() {
        let are = if suspects.len() == 1 { "is" } else { "are" };
        say(format!(
            "{} {are} left off unless {} says otherwise",
            words::numbered(&suspects),
            opened.hint("recover FILE")
        ));
    }
    if first(Status::Untrusted).is_some() {
        say(format!(
            "what is untrusted is not replayed before {}",
            opened.hint("trust FILE")
        ));
    }
    if let Some(number) = first(Status::Conflict) {
        let merge = match opened.outline() {
            Some(_) => {
                let merge = opened.hint(&format!("recover FILE --merge {number}"));
                format!("{merge} merges it with what {file} says now, ")
            }
            None => String::new(),
        };
        say(format!(
            "a conflict is kept and not replayed: {} shows it, {merge}{} gives it up",
            opened.hint(&format!("show FILE {number}")),
            opened.hint(&format!("undo FILE {number}"))
        ));
    }
    let pending: Vec<_> = listed
        .iter()
        .filter(|change| words::is_replayed(change))
        .collect();
    let is_code = |change: &&&&Change| {
        matches!(change.kind, ChangeKind::Patch { .. }) && !opened.is_session()
    };
    if let Some(last) = pending.last() {
        let what = words::count(pending.len(), "pending change");
        let next = match pending.iter().filter(is_code).count() {
            0 => format!(
                "{} says what the next start replays",
                opened.hint("recover FILE")
            ),
            1 if pending.len() == 1 => {
                format!("{} writes it into the source", opened.hint("fold FILE"))
            }
            _ => format!("{} writes them into the source", opened.hint("fold FILE")),
        };
        let back = opened.hint(&format!("undo FILE {}", last.number));
        say(format!("{what}: {next}, {back} takes the last one back"));
    }
    text
}
