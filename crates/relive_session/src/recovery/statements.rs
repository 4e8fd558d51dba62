//! The statements of sessions that died, each once, however often it has come back.

use std::collections::{BTreeSet, HashMap};

use relive_log::{Cause, Change, ChangeKind, Entry, Outcome, ReadLog, Status, history};
use relive_syntax::cell;

use super::DeadLog;
use super::crash::Crash;
use super::fate::{Fate, INTERRUPTED, fates};

/// A statement that was typed.
#[derive(Clone, Debug)]
pub struct LeftStatement {
    /// What is known of it. Numbers are those of the list, counted from 1: several logs may be behind it.
    pub change: Change,
    /// The transactions that executed it, the last first.
    pub origins: Vec<Cause>,
    /// What is to be done about it.
    pub fate: Fate,
    /// Somebody has decided about it.
    pub is_decided: bool,
    /// The numbers of those before it that bind what it reads, and are not back either.
    pub needs: Vec<u64>,
    /// Where it stands: in its own log, and in those of sessions before that it had come back from.
    pub(super) places: Vec<Place>,
    /// It came to its end once.
    has_run: bool,
}

/// A change of one of the logs, by its index and number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) log: usize,
    pub(super) number: u64,
    /// It has come back.
    pub(super) is_undone: bool,
    /// It has come back in this session.
    pub(super) is_here: bool,
}

/// What says that a statement came back in a session.
pub(super) fn came_back_in(session: &str) -> String {
    format!("came back in session {session}")
}

impl LeftStatement {
    /// What to execute.
    #[must_use]
    pub fn text(&self) -> &str {
        text_of(&self.change)
    }
}

fn text_of(change: &Change) -> &str {
    match &change.kind {
        ChangeKind::Patch { new, .. } => new.as_deref().unwrap_or_default(),
        ChangeKind::State { text, .. } => text,
        _ => "",
    }
}

/// What the sessions of these logs left, oldest first; how each of them crashed. `session` is the one that asks.
pub(super) fn statements(
    logs: &[DeadLog],
    crashes: &[Option<Crash>],
    session: &str,
) -> Vec<LeftStatement> {
    let mut gathered = Gathered {
        back_here: came_back_in(session),
        ..Gathered::default()
    };
    for (index, (dead, crash)) in logs.iter().zip(crashes).enumerate() {
        gathered.add_log(index, dead, crash.as_ref());
    }
    let mut statements = gathered.statements;
    for (number, statement) in (1..).zip(&mut statements) {
        statement.change.number = number;
        if let Fate::LeftOff { why, .. } = &statement.fate {
            statement.change.status = Status::Omitted;
            statement.change.why.clone_from(why);
        } else {
            statement.change.status = Status::Pending;
            statement.change.why.clear();
        }
    }
    note_needs(&mut statements);
    // Numbered before: what has come back takes no number from what was shown with it.
    forget_returned(&mut statements);
    statements
}

/// Forget what has come back. In a session that is over, it went with that: then it stays as long as somebody should
/// decide about something that needs it.
fn forget_returned(statements: &mut Vec<LeftStatement>) {
    let mut kept: BTreeSet<u64> = BTreeSet::new();
    for statement in statements.iter().rev() {
        let number = statement.change.number;
        if !statement.places[0].is_undone {
            kept.insert(number);
        }
        let is_open = kept.contains(&number) && !statement.is_decided;
        kept.extend(statement.needs.iter().filter(|_| is_open));
    }
    statements.retain(|statement| kept.contains(&statement.change.number));
    for statement in statements {
        statement.needs.retain(|needed| kept.contains(needed));
    }
}

#[derive(Default)]
struct Gathered {
    statements: Vec<LeftStatement>,
    /// The indices of those that a transaction has: a long session has many.
    known_by: HashMap<Cause, Vec<usize>>,
    /// The reason of those that came back in the session that asks.
    back_here: String,
}

impl Gathered {
    fn add_log(&mut self, index: usize, dead: &DeadLog, crash: Option<&Crash>) {
        let read = dead.log.read();
        let changes = history(read);
        let skipped = skipped(read);
        let back = changes.iter().filter_map(|change| match change.kind {
            ChangeKind::Undo { of } if change.why == self.back_here => Some(of),
            _ => None,
        });
        let back_here: BTreeSet<u64> = back.collect();
        for cell in changes.chunk_by(|one, other| one.tx == other.tx) {
            let fates = fates(cell, read, &skipped, crash);
            for (change, fate) in cell.iter().zip(fates) {
                let place = Place {
                    log: index,
                    number: change.number,
                    is_undone: change.status == Status::Undone,
                    is_here: back_here.contains(&change.number),
                };
                let origin = Cause {
                    session: dead.session.clone(),
                    tx: change.tx,
                };
                let is_decided = skipped.contains(&change.number);
                let same = self.same(change, index);
                match (same, fate) {
                    (Some(same), fate) => {
                        if self.statements[same].has_come_back(change, fate, is_decided) {
                            let known = &mut self.statements[same];
                            known.origins.insert(0, origin.clone());
                            known.places.insert(0, place);
                            self.known_by.entry(origin).or_default().push(same);
                        }
                    }
                    (None, Some(fate)) => {
                        let known = self.known_by.entry(origin.clone()).or_default();
                        known.push(self.statements.len());
                        self.statements.push(LeftStatement {
                            change: change.clone(),
                            origins: vec![origin],
                            fate,
                            is_decided,
                            needs: Vec::new(),
                            places: vec![place],
                            has_run: change.outcome == Outcome::Applied,
                        });
                    }
                    (None, None) => {}
                }
            }
        }
    }

    /// The statement of an older log that a change brings back: each keeps its place.
    fn same(&self, change: &Change, log: usize) -> Option<usize> {
        let cause = change.cause.as_ref()?;
        let mut known = self.known_by.get(cause)?.iter().copied();
        known.find(|&known| {
            let known = &self.statements[known];
            known.places[0].log != log
                && known.origins[0] == *cause
                && text_of(change) == known.text()
        })
    }
}

impl LeftStatement {
    /// A session that died too had begun to bring it back. Whether it is that session's from now on.
    fn has_come_back(&mut self, change: &Change, fate: Option<Fate>, is_decided: bool) -> bool {
        if let (Outcome::Applied | Outcome::Unfinished, Some(mut fate)) = (change.outcome, fate) {
            // It killed one start; who has decided about it then may have it back with the others.
            if let Fate::LeftOff { is_suspect, .. } = &mut fate {
                *is_suspect &= !(self.has_run && is_decided);
            }
            self.fate = fate;
            self.is_decided = is_decided;
            self.change = change.clone();
            self.has_run |= change.outcome == Outcome::Applied;
            return true;
        }
        // Who interrupted it meant the recovery.
        if !self.is_decided && !change.why.contains(INTERRUPTED) {
            self.fate = Fate::LeftOff {
                why: change.why.replace("it failed: ", "raised "),
                is_suspect: false,
            };
        }
        false
    }
}

/// Find out which statements others need: of each name the last that bound it in the session that typed the other.
fn note_needs(statements: &mut [LeftStatement]) {
    let mut bound_by: HashMap<String, usize> = HashMap::new();
    for index in 0..statements.len() {
        let parsed = cell(statements[index].text()).unwrap_or_default();
        let typed_in = statements[index].places.last().map(|place| place.log);
        let needed = parsed.iter().flat_map(|one| &one.needs);
        let needed = needed.filter_map(|name| {
            let binder = &statements[*bound_by.get(name)?];
            let mut places = binder.places.iter();
            let was_there = places.any(|place| Some(place.log) == typed_in);
            let is_back = binder.places[0].is_undone;
            (was_there && !(is_back && binder.places[0].is_here)).then_some(binder.change.number)
        });
        let needed: BTreeSet<u64> = needed.collect();
        statements[index].needs = needed.into_iter().collect();
        let binding = parsed.into_iter().filter(|one| !one.is_deletion);
        bound_by.extend(binding.flat_map(|one| one.binds).map(|name| (name, index)));
    }
}

/// The numbers of the changes that somebody has left off.
fn skipped(log: &ReadLog) -> BTreeSet<u64> {
    let skips = log.records.iter().filter_map(|record| match &record.entry {
        Entry::Skip(skip) => Some(skip.of),
        _ => None,
    });
    skips.collect()
}
