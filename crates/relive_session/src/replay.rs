//! Changes of a log that become part of a module as it is imported.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use relive_log::{
    Cause, Caution, Change, ChangeKind, Draft, Effect, Finding, Outcome, Policy, RAISED_REPLAYED,
    Replay, Status, Via, choose, is_left_off_by_itself, judge, resolve, select,
};
use relive_syntax::{Outline, SyntaxError};

use crate::changes::{Places, logged_changes};
use crate::log::{Appended, LogError, LogOutcome, ModuleChange};
use crate::session::Session;

/// What the log of a module offers to replay.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The module's file.
    pub source: PathBuf,
    /// The log.
    pub log: PathBuf,
    /// Its changes but for saved edits, with what has become of them in view of the file and of starts that failed.
    pub changes: Vec<Change>,
    /// The numbers of those that are replayed unless somebody says otherwise.
    pub chosen: BTreeSet<u64>,
    /// The numbers of those of which nobody has decided whether they are replayed, and somebody should.
    pub undecided: Vec<u64>,
    /// What the file says, if it is Python.
    pub outline: Option<Outline>,
    /// The user is to be asked, if there is anybody to ask.
    pub is_question: bool,
    /// What earlier starts died of, as this one has found out.
    pub findings: Vec<Finding>,
    /// Starts have died that replayed something: nothing is done by itself, or the log is not looked at.
    pub caution: Caution,
    /// The transactions that this user wrote for a source in another place, and that nobody is known to have written.
    pub untrusted: (usize, usize),
    /// What is wrong with the log, in sentences.
    pub problems: Vec<String>,
    /// What whoever decides should know.
    pub warnings: Vec<String>,
}

impl Offer {
    /// The numbers of the changes that are neither replayed, given what is, nor left off because somebody said so.
    #[must_use]
    pub fn left_off(&self, replayed: &BTreeSet<u64>) -> Vec<u64> {
        let is_left_off = |change: &&Change| match change.status {
            Status::Pending => !replayed.contains(&change.number),
            Status::Conflict | Status::Newer => true,
            _ => is_left_off_by_itself(change) && !replayed.contains(&change.number),
        };
        let changes = self.changes.iter().filter(|change| is_offered(change));
        let left_off = changes.filter(is_left_off);
        left_off.map(|change| change.number).collect()
    }
}

/// The change that the last session had done last.
fn last_done(changes: &[Change]) -> Option<u64> {
    let mut sessions = changes.iter().rev();
    let last = sessions.find(|change| change.kind == ChangeKind::Session)?;
    let mut done = changes.iter().rev().filter(|change| is_offered(change));
    let done = done.find(|change| change.outcome == Outcome::Applied)?;
    (done.session == last.session).then_some(done.number)
}

fn is_of_prompt(change: &Change) -> bool {
    let effect = match &change.kind {
        ChangeKind::State { effect, .. } => *effect,
        _ => Effect::Assign,
    };
    effect == Effect::Unknown
}

fn is_offered(change: &Change) -> bool {
    let (ChangeKind::Patch { .. } | ChangeKind::State { .. }) = change.kind else {
        return false;
    };
    change.via != Via::Editor
}

/// What is being replayed in a module that is imported.
#[derive(Debug, Default)]
pub(crate) struct Replaying {
    /// It is only tried: nobody is to know if the process dies of it.
    is_trial: bool,
    /// The numbers of all that is replayed.
    numbers: BTreeSet<u64>,
    /// Where the lines of changes stand.
    places: Places,
    /// Statements that change state, which are executed once their module is.
    states: Vec<(u64, String)>,
}

/// Leave what cells did that come back to the cells. What was taken back, or is in the file, stays that; returns the
/// numbers of what the file contradicts by now.
fn leave_to_cells(
    changes: &mut [Change],
    returning: &BTreeSet<Cause>,
    source: Option<&Outline>,
) -> BTreeSet<u64> {
    let mut in_conflict = BTreeSet::new();
    if returning.is_empty() {
        return in_conflict;
    }
    let mut judged = changes.to_vec();
    judge(&mut judged, source);
    for (change, judged) in changes.iter_mut().zip(judged) {
        let cause = change.cause.as_ref();
        if !cause.is_some_and(|cause| returning.contains(cause)) {
            continue;
        }
        if judged.status == Status::Conflict {
            in_conflict.insert(change.number);
        }
        if change.status == Status::Pending {
            change.status = Status::Omitted;
        } else if is_left_off_by_itself(change) {
            // Whether its cell comes back is asked there.
            change.why.clear();
        }
    }
    in_conflict
}

impl Session {
    /// What the log of a module that is about to be executed offers to replay; none if there is nothing. Where earlier
    /// starts died of it, that is made durable, unless the log `is_only_read`.
    pub fn offer(
        &mut self,
        name: &str,
        policy: Policy,
        is_only_read: bool,
    ) -> Result<Option<Offer>, LogError> {
        let Some(module) = self.modules.get_mut(name) else {
            return Ok(None);
        };
        let file = module.file.clone();
        let mut logged = self.log.read(&file)?;
        let mut warnings = std::mem::take(&mut logged.warnings);
        if warnings.is_empty() && logged.has_died {
            warnings.push("the last session ended without a word".to_owned());
        }
        let last = if warnings.is_empty() {
            None
        } else {
            last_done(&logged.changes)
        };
        let mut findings = logged.findings.clone();
        findings.retain(|finding| {
            let mut changes = logged.changes.iter();
            changes
                .any(|change| change.number == finding.number && change.status == Status::Pending)
        });
        let mut unwritten = findings.clone();
        if !logged.findings.is_empty() && !is_only_read {
            let skips = findings.iter().map(|finding| Draft::Skip {
                of: finding.number,
                why: finding.why.clone(),
            });
            // If another session writes the log, a later start will find it out once more.
            if self.decide_with(name, skips.collect()).is_ok() {
                self.log.found(&file);
                unwritten.clear();
                logged = self.log.read(&file)?;
            }
        }
        let Some(module) = self.modules.get_mut(name) else {
            return Ok(None);
        };
        let mut changes = logged_changes(logged.changes, &[]);
        let outline = module.outline(&mut self.last_unit).ok();
        let in_conflict = leave_to_cells(&mut changes, &self.returning, outline.as_deref());
        if let Some(outline) = &outline {
            judge(&mut changes, Some(outline));
        }
        for change in &mut changes {
            if in_conflict.contains(&change.number) {
                change.status = Status::Conflict;
            }
        }
        for change in &mut changes {
            if logged.ran.contains(&change.number) && change.status == Status::Pending {
                change.why = "was running when the last session died".to_owned();
            } else if last == Some(change.number) && change.status == Status::Pending {
                let why = "the last one done before the session died";
                change.why = match &*change.why {
                    "" | "clean" => why.to_owned(),
                    reason => format!("{reason}; {why}"),
                };
            }
        }
        let choice = choose(&changes, policy, logged.caution, &unwritten);
        if choice.offers.is_empty() && logged.problems.is_empty() {
            // Cells that come back ask what has become of what they did.
            if let Some(module) = self.modules.get_mut(name)
                && !self.returning.is_empty()
            {
                module.changes = changes;
            }
            return Ok(None);
        }
        let chosen: BTreeSet<u64> = choice.chosen().into_iter().collect();
        for (number, missing) in &logged.parted {
            if chosen.contains(number) {
                logged.problems.push(format!(
                    "{}: change {number} is replayed without {missing}; `relive recover` can leave it off",
                    logged.log.file_name().unwrap_or_default().display()
                ));
            }
        }
        for finding in &unwritten {
            let mut changes = changes.iter_mut();
            if let Some(change) = changes.find(|change| change.number == finding.number) {
                change.status = Status::Omitted;
                change.outcome = Outcome::Unfinished;
                change.why = format!("left off: {}", finding.why);
            }
        }
        // What this session made is live already, also if its module is imported anew.
        let own = changes
            .iter()
            .filter(|change| change.session == logged.session);
        let own: BTreeSet<u64> = own.map(|change| change.number).collect();
        let is_decided = |number: &u64| logged.decided.contains(number) || own.contains(number);
        let undecided = chosen.iter().copied();
        let undecided: Vec<u64> = undecided.filter(|number| !is_decided(number)).collect();
        let is_open = |change: &Change| {
            is_offered(change) && is_left_off_by_itself(change) && !is_of_prompt(change)
        };
        if logged.caution == Caution::NothingByItself {
            let warning = "two starts died that replayed changes of this log";
            warnings.push(warning.to_owned());
        }
        let is_untrusted =
            |change: &Change| is_offered(change) && change.status == Status::Untrusted;
        let is_cautious = logged.caution == Caution::NothingByItself;
        Ok(Some(Offer {
            source: file,
            log: logged.log,
            is_question: choice.is_question
                && (is_cautious || !undecided.is_empty() || changes.iter().any(is_open)),
            undecided: if choice.is_question {
                undecided
            } else {
                Vec::new()
            },
            chosen,
            findings,
            caution: logged.caution,
            untrusted: if changes.iter().any(is_untrusted) {
                logged.untrusted
            } else {
                (0, 0)
            },
            outline: outline.map(|outline| (*outline).clone()),
            problems: logged.problems,
            warnings,
            changes,
        }))
    }

    /// Have changes of its log be part of a module that is about to be executed. Returns its text, if it is not that
    /// of its file. `is_trial`: to find out whether the process dies of it.
    pub fn begin(
        &mut self,
        name: &str,
        offer: Offer,
        replayed: &BTreeSet<u64>,
        is_trial: bool,
    ) -> Result<Option<Arc<Outline>>, SyntaxError> {
        let Some(module) = self.modules.get_mut(name) else {
            return Ok(None);
        };
        let mut changes = offer.changes;
        let source = module.outline(&mut self.last_unit)?;
        select(&mut changes, replayed, Some(&source));
        let states = changes.iter().filter_map(|change| match &change.kind {
            ChangeKind::State { text, .. } if change.status == Status::Pending => {
                Some((change.number, text.clone()))
            }
            _ => None,
        });
        let states: Vec<(u64, String)> = states.collect();
        let (outline, places) = module.begin_with(changes, &mut self.last_unit)?;
        let is_merged = module.file_outline().is_some();
        if is_merged || !states.is_empty() {
            let mut numbers: Vec<u64> = replayed.iter().copied().collect();
            numbers.retain(|number| states.iter().all(|(state, _)| state != number));
            if !is_trial {
                self.log.begins(Replay {
                    file: module.file.clone(),
                    numbers,
                    places: places.clone(),
                    is_program: name == "__main__",
                    ..Replay::default()
                });
            }
            let replaying = Replaying {
                is_trial,
                numbers: replayed.clone(),
                places,
                states,
            };
            self.replaying.insert(name.to_owned(), replaying);
        } else {
            self.replaying.remove(name);
        }
        Ok(is_merged.then_some(outline))
    }

    /// Remember in the log of a module which changes are replayed and which are not.
    pub fn decide(&mut self, name: &str, on: &[u64], off: &[u64]) -> Result<(), LogError> {
        self.decide_with(name, decisions(on, off))
    }

    /// Remember in the log of a module that changes raised when they were replayed.
    pub fn have_raised(&mut self, name: &str, raised: &[(u64, String)]) -> Result<(), LogError> {
        let skips = raised.iter().map(|(of, why)| Draft::Skip {
            of: *of,
            why: format!("{RAISED_REPLAYED}: {why}"),
        });
        self.decide_with(name, skips.collect())
    }

    fn decide_with(&mut self, name: &str, drafts: Vec<Draft>) -> Result<(), LogError> {
        let file = self.path_of(name);
        if drafts.is_empty() {
            return Ok(());
        }
        let change = ModuleChange {
            file,
            drafts,
            via: Via::Replay,
            cause: None,
        };
        self.append_done(change)?;
        Ok(())
    }

    /// Append what is done when it stands in the log.
    pub(crate) fn append_done(&mut self, change: ModuleChange) -> Result<Appended, LogError> {
        let appended = self.log.append(&[change])?;
        self.log
            .outcome(&appended, LogOutcome::Applied { milliseconds: 0.0 });
        Ok(appended)
    }

    /// Merge changes of a module's log that are in conflict with its file, and remember that what comes out is
    /// replayed. Returns its numbers.
    pub fn merge(&mut self, name: &str, numbers: &[u64]) -> Result<Vec<u64>, LogError> {
        let file = self.path_of(name);
        let all = self.log.read(&file)?.changes;
        let module = self.modules.get_mut(name);
        let outline = module.and_then(|module| module.outline(&mut self.last_unit).ok());
        let outline =
            outline.ok_or_else(|| LogError(format!("{} is no Python", file.display())))?;
        let mut drafts = Vec::new();
        for &number in numbers {
            let resolved = resolve(&all, number, &outline);
            drafts.extend(
                resolved
                    .map_err(|error| LogError(error.to_string()))?
                    .drafts,
            );
        }
        let patches: Vec<bool> = drafts
            .iter()
            .map(|draft| matches!(draft, Draft::Patch { .. }))
            .collect();
        let change = ModuleChange {
            file,
            drafts,
            via: Via::Undo,
            cause: None,
        };
        let appended = self.append_done(change)?;
        let made = appended.numbers.into_iter().flatten().zip(patches);
        let made: Vec<u64> = made
            .filter_map(|(number, is_patch)| is_patch.then_some(number))
            .collect();
        self.decide(name, &made, &[])?;
        Ok(made)
    }

    /// Let what this user wrote for a source in another place run in this one.
    pub fn adopt(&mut self, name: &str) -> Result<(), LogError> {
        let file = self.path_of(name);
        self.log.adopt(&file)
    }

    /// The change that is at work in the innermost of these lines that tracebacks name; they are of a module's file, the
    /// innermost first.
    #[must_use]
    pub fn change_at(&self, name: &str, lines: &[u32]) -> Option<u64> {
        let replaying = self.replaying.get(name)?;
        lines.iter().find_map(|line| {
            let mut places = replaying.places.iter();
            let place = places.find(|(lines, _)| (lines.first..=lines.last).contains(line));
            place.map(|(_, number)| *number)
        })
    }

    /// The numbers of what is being replayed in a module, as a part of its text or after it; none if that is only tried.
    #[must_use]
    pub fn replayed(&self, name: &str) -> Option<BTreeSet<u64>> {
        let replaying = self.replaying.get(name)?;
        (!replaying.is_trial).then(|| replaying.numbers.clone())
    }

    /// The module is executed once more, with these changes and no others. Nobody is asked again.
    pub fn begin_again(&mut self, name: &str, numbers: BTreeSet<u64>) {
        self.has_ended(name);
        self.again.insert(name.to_owned(), numbers);
    }

    /// The changes with which a module is executed once more.
    pub fn once_more(&mut self, name: &str) -> Option<BTreeSet<u64>> {
        self.again.remove(name)
    }

    /// The process goes on, whatever has become of the replay in a module.
    pub fn has_ended(&mut self, name: &str) {
        self.replaying.remove(name);
        let file = self.path_of(name);
        self.log.ends(&file);
    }

    /// Whether relive reads the text that a module is about to run. What it cannot read, it cannot merge.
    pub fn is_readable(&mut self, name: &str) -> bool {
        let module = self.modules.get_mut(name);
        module.is_some_and(|module| module.outline(&mut self.last_unit).is_ok())
    }

    /// Put the log of a module out of the way. Returns where it is kept.
    pub fn set_aside(&mut self, name: &str) -> Result<Option<PathBuf>, LogError> {
        let file = self.path_of(name);
        self.log.set_aside(&file)
    }

    /// The statements that change the state of a module that was just executed, with their numbers.
    #[must_use]
    pub fn states(&self, name: &str) -> Vec<(u64, String)> {
        let replaying = self.replaying.get(name);
        replaying.map_or_else(Vec::new, |replaying| replaying.states.clone())
    }

    /// Note that a change is about to be replayed.
    pub fn replays(&mut self, name: &str, number: u64) {
        let file = self.path_of(name);
        if self
            .replaying
            .get(name)
            .is_some_and(|replaying| !replaying.is_trial)
        {
            self.log.replays(&file, number);
        }
    }

    /// Note that all of a module's changes were replayed.
    pub fn has_begun(&mut self, name: &str) {
        if self
            .replaying
            .remove(name)
            .is_some_and(|replaying| !replaying.is_trial)
        {
            let file = self.path_of(name);
            self.log.has_replayed(&file);
        }
    }
}

/// What somebody decided about changes, as it stands in a log.
pub(crate) fn decisions(on: &[u64], off: &[u64]) -> Vec<Draft> {
    let why = "you said so".to_owned();
    let on = on.iter().map(|&of| Draft::Unskip {
        of,
        why: why.clone(),
    });
    let off = off.iter().map(|&of| Draft::Skip {
        of,
        why: why.clone(),
    });
    on.chain(off).collect()
}
