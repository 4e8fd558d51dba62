//! What has become of the changes that stand in a log.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::guard::{DIED_REPLAYED, RAISED_REPLAYED};
use crate::overtaken::note_overtaken;
use crate::reading::{Fate, ReadLog, Signed, Transaction};
use crate::record::{Cause, Decision, Entry, Failure, Progress, Record, Via};

/// All changes of a log, in order, each with what has become of it, whatever the source says now.
///
/// Undoing, skipping and the like count however far they came when their process died: nothing is applied by them at the
/// next start.
#[must_use]
pub fn history(read: &ReadLog) -> Vec<Change> {
    changes(&[read], None)
}

/// The same for the process whose session it is and that is alive: what is being applied counts.
#[must_use]
pub fn history_while(read: &ReadLog, session: &str) -> Vec<Change> {
    changes(&[read], Some(session))
}

/// The same for a log that is being written, with the changes of those that it continues.
pub(crate) fn history_of_open(
    older: &[ReadLog],
    current: &ReadLog,
    running: Option<&str>,
) -> Vec<Change> {
    of_source(&older.iter().chain([current]).collect::<Vec<_>>(), running)
}

/// The changes of a log and of those that it continues, the oldest first.
#[must_use]
pub fn history_of_all(logs: &[ReadLog], session: Option<&str>) -> Vec<Change> {
    of_source(&logs.iter().collect::<Vec<_>>(), session)
}

/// The changes of a source: what defines is put in its place there before what changes state is executed.
fn of_source(logs: &[&ReadLog], session: Option<&str>) -> Vec<Change> {
    let mut changes = changes(logs, session);
    note_overtaken(&mut changes);
    changes
}

/// What this user has decided about changes, in a log and in those that it continues, by their numbers: whether they are
/// replayed.
#[must_use]
pub fn decisions(logs: &[ReadLog]) -> BTreeMap<u64, bool> {
    let mut history = History::default();
    for read in logs {
        history.read(read);
    }
    let decisions = history.decisions.iter();
    decisions
        .filter_map(|(number, all)| Some((*number, !all.last()?.is_skip)))
        .collect()
}

fn changes(logs: &[&ReadLog], running: Option<&str>) -> Vec<Change> {
    let mut history = History {
        running,
        ..History::default()
    };
    for read in logs {
        history.read(read);
    }
    history.finish()
}

/// Why a change that its own session is at just now has its status.
pub(crate) const IN_FLIGHT: &str = "it is being applied";

/// Why a change that was in flight when its process died is left off.
pub(crate) const DIED: &str = "was being applied when the process died";

/// Why a statement is replayed that would not be by itself.
pub const CHOSEN: &str = "you said so";

/// Why a statement is left off that names things of the prompt.
pub(crate) const OF_PROMPT: &str =
    "it names things of the prompt, and comes back with its cell, not with an import";

/// Whether a change is left off that nobody decided to leave off: it is the last word on nothing.
#[must_use]
pub fn is_left_off_by_itself(change: &Change) -> bool {
    let decided = change.why.strip_prefix("left off: ");
    change.status == Status::Omitted
        && (matches!(change.why.as_str(), DIED | OF_PROMPT)
            || decided.is_some_and(|why| {
                why.starts_with(DIED_REPLAYED) || why.starts_with(RAISED_REPLAYED)
            }))
}

/// Whether a change is left off because somebody said so, and not by what its cell has come to.
#[must_use]
pub fn is_left_off_by_choice(change: &Change) -> bool {
    change.status == Status::Omitted && change.why.strip_prefix("left off: ") == Some(CHOSEN)
}

/// Whether a statement names things of the prompt: only its cell can bring it back.
#[must_use]
pub fn is_of_prompt(change: &Change) -> bool {
    change.why == OF_PROMPT
}

/// What was decided about a change.
struct Decided {
    /// The number of the decision.
    number: u64,
    is_skip: bool,
    why: String,
}

#[derive(Default)]
struct History<'r> {
    running: Option<&'r str>,
    changes: Vec<Change>,
    /// Why somebody else could have written the log that is being read.
    distrust: Option<&'r str>,
    /// Why transactions failed, in words, and how far they came where that is known.
    failures: HashMap<u64, (String, Option<Progress>)>,
    /// The number of the first record of each transaction.
    firsts: HashMap<u64, u64>,
    /// Number and object of each undo that counts by itself.
    undos: Vec<(u64, u64)>,
    decisions: HashMap<u64, Vec<Decided>>,
    /// Folds that were begun, with what they were to fold.
    begun: BTreeMap<u64, Vec<u64>>,
    ended: BTreeSet<u64>,
    /// Transactions that do not count because those that they are parts of have not been completed.
    partial: BTreeSet<u64>,
}

impl<'r> History<'r> {
    fn read(&mut self, read: &'r ReadLog) {
        let transactions: HashMap<u64, &Transaction> =
            read.transactions.iter().map(|one| (one.tx, one)).collect();
        let mut session = String::new();
        self.distrust = read.distrust.as_deref();
        for record in &read.records {
            match &record.entry {
                Entry::Session(start) => {
                    session.clone_from(&start.session);
                    self.add(record, 0, &start.at, &session, ChangeKind::Session);
                }
                Entry::Patch(patch) => {
                    let kind = ChangeKind::Patch {
                        operation: patch.operation,
                        target: patch.target.clone(),
                        after: patch.after.clone(),
                        old: patch.old_text(),
                        new: patch.new_text(),
                        pre: patch.pre,
                        post: patch.post,
                    };
                    if let Some(transaction) = transactions.get(&patch.tx) {
                        let about = (patch.via, patch.cause.as_ref());
                        self.change(record, transaction, &patch.at, about, kind);
                    }
                }
                Entry::State(state) => {
                    let kind = ChangeKind::State {
                        target: state.target.clone(),
                        effect: state.effect,
                        text: state.text.clone(),
                    };
                    if let Some(transaction) = transactions.get(&state.tx) {
                        let about = (state.via, state.cause.as_ref());
                        self.change(record, transaction, &state.at, about, kind);
                    }
                }
                Entry::Undo(decision) => {
                    if let Some(transaction) = transactions.get(&decision.tx) {
                        self.undo(record, transaction, decision);
                    }
                }
                Entry::Skip(decision) | Entry::Unskip(decision) => {
                    let is_skip = matches!(record.entry, Entry::Skip(_));
                    if transactions
                        .get(&decision.tx)
                        .is_some_and(|one| counts(one))
                    {
                        let decided = Decided {
                            number: record.seq,
                            is_skip,
                            why: decision.why.clone(),
                        };
                        self.decisions.entry(decision.of).or_default().push(decided);
                    }
                }
                Entry::Fail(fail) => {
                    self.failures
                        .insert(fail.tx, (fail.why.clone(), fail.progress));
                }
                Entry::FoldBegin(begin) => {
                    let kind = ChangeKind::Fold {
                        of: begin.changes.clone(),
                    };
                    self.add(record, 0, &begin.at, &session, kind);
                    self.begun.insert(record.seq, begin.changes.clone());
                }
                Entry::FoldEnd(end) => {
                    self.ended.insert(end.begin);
                }
                Entry::Header(_)
                | Entry::Commit(_)
                | Entry::Done(_)
                | Entry::Note(_)
                | Entry::Torn(_)
                | Entry::Close(_)
                | Entry::Unknown(_) => {}
            }
        }
    }

    fn add(&mut self, record: &Record, tx: u64, at: &str, session: &str, kind: ChangeKind) {
        self.changes.push(Change {
            number: record.seq,
            tx,
            at: at.to_owned(),
            session: session.to_owned(),
            via: Via::Repl,
            cause: None,
            within: None,
            kind,
            // Nothing of it is left to be done; other kinds say what they are.
            status: Status::Folded,
            outcome: Outcome::Applied,
            why: String::new(),
            left_off: Vec::new(),
        });
    }

    /// A change of a definition or of state.
    fn change(
        &mut self,
        record: &Record,
        transaction: &Transaction,
        at: &str,
        (via, cause): (Via, Option<&Cause>),
        kind: ChangeKind,
    ) {
        self.add(record, transaction.tx, at, &transaction.session, kind);
        self.firsts.insert(transaction.tx, transaction.first);
        if !transaction.is_committed {
            self.partial.insert(transaction.tx);
        }
        let (outcome, mut status, mut why) = self.fate(transaction);
        if via == Via::Editor && status != Status::Newer {
            (status, why) = (Status::InSource, "it was saved".to_owned());
        }
        if let Some(change) = self.changes.last_mut() {
            change.via = via;
            change.cause = cause.cloned();
            change.within.clone_from(&transaction.within);
            (change.outcome, change.status, change.why) = (outcome, status, why);
        }
    }

    /// What became of the changes of a transaction, but for what was decided about each later.
    fn fate(&self, transaction: &Transaction) -> (Outcome, Status, String) {
        let outcome = match transaction.fate {
            Fate::Done => Outcome::Applied,
            Fate::Failed(Failure::Raised) => Outcome::Raised,
            Fate::Failed(Failure::Refused) => Outcome::Refused,
            Fate::InFlight => Outcome::Unfinished,
        };
        if !transaction.is_understood {
            let why = "a newer version of relive wrote it";
            return (outcome, Status::Newer, why.to_owned());
        }
        match transaction.signed {
            Signed::Mine | Signed::Approved => {}
            Signed::Moved => {
                let why =
                    "you wrote it for a source in another place: `relive trust` takes it over";
                return (outcome, Status::Untrusted, why.to_owned());
            }
            Signed::No => {
                let why = match self.distrust {
                    Some(distrust) => format!(
                        "its log is not safe ({distrust}): mend that, or look at it, and `relive trust` allows it"
                    ),
                    None => {
                        "your relive did not write it: look at it, then `relive trust` allows it"
                            .to_owned()
                    }
                };
                return (outcome, Status::Untrusted, why);
            }
        }
        if !transaction.is_committed {
            let why = "it is a part of a transaction that was never completed";
            return (Outcome::Unfinished, Status::Omitted, why.to_owned());
        }
        match transaction.fate {
            Fate::Done => (outcome, Status::Pending, String::new()),
            // The reason comes with the record that says so.
            Fate::Failed(_) => (outcome, Status::Omitted, String::new()),
            Fate::InFlight if self.running == Some(&*transaction.session) => {
                (outcome, Status::Pending, IN_FLIGHT.to_owned())
            }
            Fate::InFlight => (outcome, Status::Omitted, DIED.to_owned()),
        }
    }

    fn undo(&mut self, record: &Record, transaction: &Transaction, decision: &Decision) {
        let kind = ChangeKind::Undo { of: decision.of };
        self.change(record, transaction, &decision.at, (Via::Undo, None), kind);
        if counts(transaction) {
            self.undos.push((record.seq, decision.of));
        }
        if let Some(change) = self.changes.last_mut()
            && counts(transaction)
        {
            change.status = Status::Folded;
            change.why.clone_from(&decision.why);
        }
    }

    fn finish(mut self) -> Vec<Change> {
        // A later undo decides whether an earlier one counts.
        let mut undone: HashMap<u64, u64> = HashMap::new();
        for (number, of) in self.undos.iter().rev() {
            if !undone.contains_key(number) {
                undone.entry(*of).or_insert(*number);
            }
        }
        let mut folded: HashMap<u64, u64> = HashMap::new();
        for (begin, changes) in &self.begun {
            if self.ended.contains(begin) {
                folded.extend(changes.iter().map(|number| (*number, *begin)));
            }
        }
        for change in &mut self.changes {
            if matches!(change.outcome, Outcome::Raised | Outcome::Refused)
                && change.why.is_empty()
                && let Some((why, progress)) = self.failures.get(&change.tx)
            {
                change.why = format!("it failed: {why}");
                let first = self.firsts.get(&change.tx).copied();
                if let (Some(progress), Some(first)) = (progress, first) {
                    split(change, first, *progress);
                }
            }
            if let ChangeKind::Fold { .. } = change.kind {
                (change.status, change.outcome) = match self.ended.contains(&change.number) {
                    true => (Status::Folded, Outcome::Applied),
                    false => (Status::Omitted, Outcome::Unfinished),
                };
            }
            if !self.partial.contains(&change.tx) {
                decide(change, &undone, &folded, &self.decisions);
            }
        }
        self.changes
    }
}

/// Of a transaction that raised, what became of one change: what stands in front of the one that did was made.
fn split(change: &mut Change, first: u64, progress: Progress) {
    if change.number < first.saturating_add(progress.done) {
        change.outcome = Outcome::Applied;
        if change.status == Status::Omitted {
            change.status = Status::Pending;
            change.why.clear();
        }
    } else if progress.raised != Some(change.number) {
        change.outcome = Outcome::Refused;
        "it was never executed: what stood before it raised".clone_into(&mut change.why);
    }
}

fn decide(
    change: &mut Change,
    undone: &HashMap<u64, u64>,
    folded: &HashMap<u64, u64>,
    decisions: &HashMap<u64, Vec<Decided>>,
) {
    let decided = decisions.get(&change.number).map_or(&[][..], |all| all);
    let left_off = decided.iter().map(|one| (one.number, one.is_skip));
    change.left_off = left_off.collect();
    let is_change = matches!(
        change.kind,
        ChangeKind::Patch { .. } | ChangeKind::State { .. }
    ) && change.via != Via::Editor;
    let fold = folded.get(&change.number).filter(|_| is_change);
    let is_strange = matches!(change.status, Status::Untrusted | Status::Newer);
    if let Some(by) = undone.get(&change.number).filter(|_| !is_strange) {
        change.status = Status::Undone;
        change.why = format!("undone by {by}");
        return;
    }
    // Whoever wrote it: it is in the source, and nothing of it is replayed.
    if let Some(fold) = fold {
        change.status = Status::Folded;
        change.why = format!("folded into the source by {fold}");
        return;
    }
    if !is_change || is_strange {
        return;
    }
    if let Some(decided) = decided.last() {
        (change.status, change.why) = if decided.is_skip {
            let why = match &*decided.why {
                "" => format!("left off by {}", decided.number),
                why => format!("left off: {why}"),
            };
            (Status::Omitted, why)
        } else {
            let is_state = matches!(change.kind, ChangeKind::State { .. });
            let why = if is_state { CHOSEN } else { "" };
            (Status::Pending, why.to_owned())
        };
    }
}

/// Whether what a transaction decides counts.
fn counts(transaction: &Transaction) -> bool {
    transaction.is_committed
        && transaction.is_understood
        && matches!(transaction.signed, Signed::Mine | Signed::Approved)
        && !matches!(transaction.fate, Fate::Failed(_))
}
