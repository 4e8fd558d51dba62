//! `relive recover`: which changes the next start replays.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use relive_log::{
    Cause, Change, Draft, ResolveError, Status, Together, is_left_off_by_itself, is_of_prompt,
    is_overtaken, resolve,
};
use relive_socket::LogAction;

use super::list;
use super::opened::Opened;
use super::world::{Lock, Stop, World};
use crate::arguments::{Numbers, RecoverOptions};
use crate::diff::{self, Sign};
use crate::needs::needs;
use crate::picker::Choice;
use crate::shown::brief;
use crate::words;
use crate::{NO, REFUSED};

/// What is written down as the reason of a decision.
const WHY: &str = "you said so";

/// For each number whether it is replayed; about others nothing is decided.
type Wanted = Vec<(u64, bool)>;

pub(super) fn recover(options: &RecoverOptions, world: &mut World<'_>) -> Result<u8, Stop> {
    let opened = world.open(&options.file)?;
    opened.tell_problems(world);
    opened.expect_writable("nothing was decided")?;
    if let Some(number) = options.merge {
        return merge(options, &opened, number, world);
    }
    let offered: Vec<&Change> = offered(&opened.changes);
    let can_ask = !options.json && world.user.is_there();
    let is_decidable = |change: &&Change| {
        words::is_replayable(change) || can_ask && change.status == Status::Conflict
    };
    let mut merged = Vec::new();
    let wanted = match said(options, &opened, &offered)? {
        Some(wanted) => wanted,
        None if !offered.iter().any(is_decidable) => {
            tell(options, &opened, world)?;
            return Ok(0);
        }
        None if !can_ask => {
            if tell(options, &opened, world)? {
                return Ok(0);
            }
            world.complain(&format!(
                "nothing was decided; say what the next start replays with {}, --none, --drop-last N or --only 1-4,6",
                opened.hint("recover FILE --all")
            ));
            return Ok(NO);
        }
        None => match picked(&opened, &offered, world)? {
            Picked::Wanted(wanted, numbers) => {
                merged = numbers;
                wanted
            }
            Picked::Nothing => {
                world.complain("nothing was decided");
                return Ok(NO);
            }
            Picked::Aside => return set_aside(&opened, world),
        },
    };
    let wanted = with_parts(&opened, wanted, options.only.is_some());
    let others = other_parts(&opened, &wanted, world);
    let drafts = drafts(&opened, &wanted);
    let mut is_ours = true;
    if !merged.is_empty() {
        merge_all(&opened, &merged, world)?;
    }
    if !drafts.is_empty() {
        match world.lock(&opened)? {
            Lock::Here(mut log) => {
                world.append(&mut log, &drafts)?;
                log.close();
            }
            Lock::There(sessions) => {
                let told = world.pass_on(&opened, &sessions, decision(&wanted))?;
                if !options.json {
                    world.print(&told);
                    for (source, decided) in &others {
                        decide_part(source, decided, false, world)?;
                    }
                    return Ok(0);
                }
                is_ours = false;
            }
        }
    }
    for (source, decided) in &others {
        decide_part(source, decided, options.json, world)?;
    }
    if is_ours {
        world.forget_suspects(&opened);
    }
    let opened = world.open(&options.file)?;
    tell(options, &opened, world)?;
    Ok(left_out_for_safety(options, &opened, world))
}

/// `relive recover FILE --merge N`
fn merge(
    options: &RecoverOptions,
    opened: &Opened,
    number: u64,
    world: &mut World<'_>,
) -> Result<u8, Stop> {
    let change = opened.change(number)?;
    if change.status == Status::Untrusted {
        return Err(opened.untrusted(number));
    }
    match merge_all(opened, &[number], world) {
        Err(MergeStop::Overlap { marked, target }) => {
            if !options.json {
                world.print_lines(&diff::whole(Sign::Same, &marked));
            }
            let (file, undo) = (&opened.file, opened.hint(&format!("undo FILE {number}")));
            Err(Stop::no(format!(
                "change {number} and {file} have both changed the same lines of {target}, and nothing was merged; \
                 write {target} into {file} as it should be, then {undo}"
            )))
        }
        Err(MergeStop::Other(stop)) => Err(stop),
        Ok(Merged::There(told)) => {
            if options.json {
                tell(options, &world.open(&options.file)?, world)?;
            } else {
                world.print(&told);
            }
            Ok(0)
        }
        Ok(Merged::Here(numbers)) => {
            if !options.json {
                let what = match numbers.as_slice() {
                    [] => format!("{} says all of change {number} by now", opened.file),
                    [new, ..] => format!(
                        "change {number} and what {} says now are change {new}: {} shows it",
                        opened.file,
                        opened.hint(&format!("show FILE {new}"))
                    ),
                };
                world.print(&format!("{what}\n"));
            }
            tell(options, &world.open(&options.file)?, world)?;
            Ok(0)
        }
    }
}

/// What came of a merge.
enum Merged {
    /// The numbers of the changes that took the place of others.
    Here(Vec<u64>),
    /// What the session says that has the log.
    There(String),
}

enum MergeStop {
    /// Both have changed the same lines.
    Overlap {
        marked: String,
        target: String,
    },
    Other(Stop),
}

impl From<Stop> for MergeStop {
    fn from(stop: Stop) -> Self {
        Self::Other(stop)
    }
}

impl From<MergeStop> for Stop {
    fn from(stop: MergeStop) -> Self {
        match stop {
            MergeStop::Other(stop) => stop,
            MergeStop::Overlap { target, .. } => Self::no(format!(
                "the source has changed since: the same lines of {target} are others now"
            )),
        }
    }
}

/// Merge changes that are in conflict with the source, and have the next start replay what comes out.
fn merge_all(opened: &Opened, numbers: &[u64], world: &mut World<'_>) -> Result<Merged, MergeStop> {
    let outline = opened.expect_outline()?;
    let mut drafts = Vec::new();
    for &number in numbers {
        let resolved = resolve(&opened.changes, number, &outline);
        drafts.extend(
            resolved
                .map_err(|error| match error {
                    ResolveError::Overlap { marked, target, .. } => {
                        MergeStop::Overlap { marked, target }
                    }
                    error => Stop::no(brief(&error.to_string())).into(),
                })?
                .drafts,
        );
    }
    let mut log = match world.lock(opened)? {
        Lock::Here(log) => log,
        Lock::There(sessions) => {
            let mut told = String::new();
            for &number in numbers {
                told += &world.pass_on(opened, &sessions, LogAction::Merge { number })?;
            }
            return Ok(Merged::There(told));
        }
    };
    let committed = world.append(&mut log, &drafts)?;
    let made = drafts.iter().zip(committed.numbers);
    let made: Vec<u64> = made
        .filter(|(draft, _)| matches!(draft, Draft::Patch { .. }))
        .map(|(_, number)| number)
        .collect();
    if !made.is_empty() {
        let decided = |&of: &u64| Draft::Unskip {
            of,
            why: WHY.to_owned(),
        };
        let decided: Vec<Draft> = made.iter().map(decided).collect();
        world.append(&mut log, &decided)?;
    }
    log.close();
    Ok(Merged::Here(made))
}

/// What is one change is replayed as one: parts of a transaction of several modules are decided about alike. What is named
/// wins; else what is left off.
fn with_parts(opened: &Opened, mut wanted: Wanted, is_named: bool) -> Wanted {
    let within = |number: u64| {
        let found = opened.changes.iter().find(|change| change.number == number);
        found.and_then(|change| change.within.clone())
    };
    let winning: Vec<Cause> = wanted
        .iter()
        .filter(|(_, is_on)| *is_on == is_named)
        .filter_map(|(number, _)| within(*number))
        .collect();
    for (number, is_on) in &mut wanted {
        if within(*number).is_some_and(|within| winning.contains(&within)) {
            *is_on = is_named;
        }
    }
    wanted
}

/// The other sources with parts of what is decided, with what is decided about them.
fn other_parts(
    opened: &Opened,
    wanted: &[(u64, bool)],
    world: &mut World<'_>,
) -> Vec<(PathBuf, (Together, bool))> {
    let mut others = Vec::new();
    let mut seen = BTreeSet::new();
    for draft in drafts(opened, wanted) {
        let (Draft::Skip { of, .. } | Draft::Unskip { of, .. }) = draft else {
            continue;
        };
        let Some(together) = Together::of(&opened.changes, of) else {
            continue;
        };
        if !seen.insert((together.within.session.clone(), together.within.tx)) {
            continue;
        }
        let is_on = matches!(draft, Draft::Unskip { .. });
        for part in opened.other_parts(&together.within, world) {
            match part.missing() {
                Some(missing) => world.complain(&format!("change {of} lacks {}", brief(&missing))),
                None => others.push((part.source, (together.clone(), is_on))),
            }
        }
    }
    others
}

/// Decide about the parts that another source has.
fn decide_part(
    source: &Path,
    (together, is_on): &(Together, bool),
    is_quiet: bool,
    world: &mut World<'_>,
) -> Result<(), Stop> {
    let opened = world.open(source)?;
    let offered = opened
        .changes
        .iter()
        .filter(|change| words::is_replayable(change));
    let offered: Vec<u64> = offered.map(|change| change.number).collect();
    let numbers = together.numbers(&opened.changes).into_iter();
    let numbers = numbers.filter(|number| offered.contains(number));
    let wanted: Wanted = numbers.map(|number| (number, *is_on)).collect();
    let drafts = drafts(&opened, &wanted);
    if drafts.is_empty() {
        return Ok(());
    }
    match world.lock(&opened)? {
        Lock::Here(mut log) => {
            world.append(&mut log, &drafts)?;
            log.close();
        }
        Lock::There(sessions) => {
            world.pass_on(&opened, &sessions, decision(&wanted))?;
        }
    }
    let numbers: Vec<u64> = wanted.iter().map(|(number, _)| *number).collect();
    let what = if *is_on { "replayed" } else { "left off" };
    if !is_quiet {
        let all = words::numbered(&numbers);
        world.print(&format!("{}: {all} {what} with it\n", opened.file));
    }
    Ok(())
}

fn offered(changes: &[Change]) -> Vec<&Change> {
    changes
        .iter()
        .filter(|change| words::is_offered(change))
        .collect()
}

/// What the options say, if they say anything.
fn said(
    options: &RecoverOptions,
    opened: &Opened,
    offered: &[&Change],
) -> Result<Option<Wanted>, Stop> {
    // What failed never took effect, what names things of the prompt cannot be had here, and what was overtaken is not
    // wanted any more: only who names it means it.
    let named = |number| {
        options
            .only
            .as_ref()
            .is_some_and(|numbers| numbers.contains(number))
    };
    let replayable = offered.iter().filter(|change| {
        let is_only_named =
            words::is_failed(change) || is_of_prompt(change) || is_overtaken(change);
        words::is_replayable(change) && (!is_only_named || named(change.number))
    });
    let wanted = if options.all {
        replayable.map(|change| (change.number, true)).collect()
    } else if options.none {
        replayable.map(|change| (change.number, false)).collect()
    } else if let Some(count) = options.drop_last {
        let by_themselves = offered
            .iter()
            .filter(|change| words::is_replayed(change))
            .count();
        let kept: Vec<u64> = offered
            .iter()
            .filter(|change| words::is_replayed(change))
            .take(by_themselves.saturating_sub(count))
            .map(|change| change.number)
            .collect();
        replayable
            .map(|change| (change.number, kept.contains(&change.number)))
            .collect()
    } else if let Some(numbers) = &options.only {
        expect_replayable(numbers, opened)?;
        replayable
            .map(|change| (change.number, numbers.contains(change.number)))
            .collect()
    } else {
        return Ok(None);
    };
    Ok(Some(wanted))
}

/// Whoever names a number means it; a range is taken for those that there are in it.
fn expect_replayable(numbers: &Numbers, opened: &Opened) -> Result<(), Stop> {
    for range in &numbers.0 {
        let mut named = opened
            .changes
            .iter()
            .filter(|change| range.contains(&change.number));
        if let Some(change) = named
            .clone()
            .find(|change| change.status == Status::Untrusted)
        {
            return Err(opened.untrusted(change.number));
        }
        if range.start() != range.end() {
            if named.any(words::is_replayable) {
                continue;
            }
            return Err(Stop::no(format!(
                "none of the changes {}-{} can be replayed",
                range.start(),
                range.end()
            )));
        }
        let change = opened.change(*range.start())?;
        if !words::is_replayable(change) {
            return Err(Stop::no(format!(
                "change {} cannot be replayed: {}",
                change.number,
                brief(&words::reason(change))
            )));
        }
    }
    Ok(())
}

enum Picked {
    /// What is decided, and the numbers of those that are merged with the source.
    Wanted(Wanted, Vec<u64>),
    Nothing,
    Aside,
}

fn picked(opened: &Opened, offered: &[&Change], world: &mut World<'_>) -> Result<Picked, Stop> {
    let choice = world
        .user
        .picks(
            &opened.file,
            &opened.changes,
            opened.outline(),
            opened.problems(),
        )
        .map_err(|error| Stop::no(format!("cannot ask in this terminal: {error}")))?;
    let all = |numbers: &[u64], is_on: bool| -> Wanted {
        numbers.iter().map(|number| (*number, is_on)).collect()
    };
    Ok(match choice {
        Choice::Replay { on, off, merged } => {
            let mut wanted = all(&on, true);
            wanted.extend(all(&off, false));
            wanted.sort_unstable();
            Picked::Wanted(wanted, merged)
        }
        Choice::Without => Picked::Wanted(
            offered
                .iter()
                .filter(|change| words::is_replayable(change) && !words::is_failed(change))
                .map(|change| (change.number, false))
                .collect(),
            Vec::new(),
        ),
        Choice::SetAside => Picked::Aside,
        Choice::Bisect | Choice::Quit => Picked::Nothing,
    })
}

/// The decisions that are not in the log yet.
fn drafts(opened: &Opened, wanted: &[(u64, bool)]) -> Vec<Draft> {
    let decided = &opened.decisions;
    let failed: Vec<u64> = opened
        .changes
        .iter()
        .filter(|change| words::is_failed(change))
        .map(|change| change.number)
        .collect();
    // That a start died of it was found out, and not decided by anybody.
    let is_open = |of: u64| {
        let mut changes = opened.changes.iter();
        changes.any(|change| change.number == of && is_left_off_by_itself(change))
    };
    let draft = |&(of, is_on): &(u64, bool)| {
        let why = WHY.to_owned();
        match decided.get(&of).filter(|_| !is_open(of)) {
            Some(is_decided) if *is_decided == is_on => None,
            _ if is_on => Some(Draft::Unskip { of, why }),
            // What failed is off anyway.
            None if failed.contains(&of) => None,
            _ => Some(Draft::Skip { of, why }),
        }
    };
    wanted.iter().filter_map(draft).collect()
}

fn decision(wanted: &[(u64, bool)]) -> LogAction {
    let numbers = |is_on: bool| {
        let these = wanted
            .iter()
            .filter(move |(_, is_wanted)| *is_wanted == is_on);
        these.map(|(number, _)| *number).collect()
    };
    LogAction::Decide {
        on: numbers(true),
        off: numbers(false),
    }
}

/// Say how it stands now. True if nothing is left to be decided.
fn tell(options: &RecoverOptions, opened: &Opened, world: &mut World<'_>) -> Result<bool, Stop> {
    let offered = offered(&opened.changes);
    let of = |is_wanted: fn(&Change) -> bool| -> Vec<u64> {
        let these = offered.iter().filter(|change| is_wanted(change));
        these.map(|change| change.number).collect()
    };
    let is_decided = |number: &u64| opened.decisions.get(number) == Some(&true);
    let (replayed, undecided): (Vec<u64>, Vec<u64>) =
        of(words::is_replayed).into_iter().partition(is_decided);
    let left_off = of(|change| {
        words::is_replayable(change) && !words::is_replayed(change) && !words::is_failed(change)
    });
    let is_settled = undecided.is_empty();
    if options.json {
        let mut document = opened.document(offered.iter().copied());
        document.replay = Some(replayed);
        document.left_off = Some(left_off);
        document.undecided = Some(undecided);
        world.print_json(&document)?;
        return Ok(is_settled);
    }
    if offered.is_empty() {
        world.print(&format!("{}: nothing to replay\n", opened.file));
        return Ok(true);
    }
    world.print(&list::table(&offered, &world.zone));
    let mut text = format!("the next start replays {}", words::numbered(&replayed));
    if !undecided.is_empty() {
        text += &format!(", asks about {}", words::numbered(&undecided));
    }
    if !left_off.is_empty() {
        text += &format!(", leaves off {}", words::numbered(&left_off));
    }
    world.print(&format!("{text}\n"));
    for (change, need) in offered.iter().zip(needs(&offered)) {
        if let Some(needed) = need.map(|index| offered[index])
            && words::is_replayed(change)
            && !words::is_replayed(needed)
        {
            world.complain(&format!(
                "change {} depends on change {}, which is left off",
                change.number, needed.number
            ));
        }
    }
    Ok(is_settled)
}

/// The exit code after all that could be done was done: some may be left that are not this user's.
fn left_out_for_safety(options: &RecoverOptions, opened: &Opened, world: &mut World<'_>) -> u8 {
    let untrusted: Vec<u64> = offered(&opened.changes)
        .iter()
        .filter(|change| change.status == Status::Untrusted)
        .map(|change| change.number)
        .collect();
    if !options.all || untrusted.is_empty() {
        return 0;
    }
    let (are, them) = if untrusted.len() == 1 {
        ("is", "it")
    } else {
        ("are", "them")
    };
    world.complain(&format!(
        "{} {are} untrusted: {} shows {them} and asks",
        words::numbered(&untrusted),
        opened.hint("trust FILE")
    ));
    REFUSED
}

/// Put the log out of the way.
fn set_aside(opened: &Opened, world: &mut World<'_>) -> Result<u8, Stop> {
    let mut log = match world.lock(opened)? {
        Lock::Here(log) => log,
        Lock::There(sessions) => return Err(Stop::no(sessions.problem)),
    };
    let kept = world.set_aside(&log)?;
    log.close();
    let kept = world.brief(&kept);
    world.print(&format!(
        "{} is {kept} now, and the next change starts a new log\n",
        opened.log
    ));
    Ok(0)
}
