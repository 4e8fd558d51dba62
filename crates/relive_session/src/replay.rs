//! Changes of a log that become part of a module as it is imported.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use relive_log::{
    Change, ChangeKind, Draft, Effect, Outcome, Policy, Status, Via, choose, judge, resolve, select,
};
use relive_syntax::{Outline, SyntaxError};

use crate::changes::logged_changes;
use crate::log::{LogError, LogOutcome, ModuleChange};
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
    /// The numbers of those that are left off because a start died that replayed them.
    pub suspects: Vec<u64>,
    /// Three starts have died that replayed something: this one goes without the log.
    pub is_without_log: bool,
    /// What the file says, if it is Python.
    pub outline: Option<Outline>,
    /// What is wrong with the log, in sentences.
    pub problems: Vec<String>,
    /// What whoever decides should know.
    pub warnings: Vec<String>,
}

/// Statements that change state, which are executed once their module is.
#[derive(Debug, Default)]
pub(crate) struct Replaying {
    /// It is only tried: nobody is to know if the process dies of it.
    is_trial: bool,
    states: Vec<(u64, String)>,
}

impl Session {
    /// What the log of a module that is about to be executed offers to replay; none if there is nothing.
    pub fn offer(&mut self, name: &str, policy: Policy) -> Result<Option<Offer>, LogError> {
        let Some(module) = self.modules.get_mut(name) else {
            return Ok(None);
        };
        let logged = self.log.read(&module.file)?;
        let mut changes = logged_changes(logged.changes, &[]);
        for change in &mut changes {
            let cause = change.cause.as_ref();
            // What was taken back does not come back.
            let is_returning = cause.is_some_and(|cause| self.returning.contains(cause));
            if is_returning && change.status != Status::Undone {
                change.status = Status::Omitted;
            }
        }
        let outline = module.outline(&mut self.last_unit).ok();
        if let Some(outline) = &outline {
            judge(&mut changes, Some(outline));
        }
        for change in &mut changes {
            if logged.ran.contains(&change.number) && change.status == Status::Pending {
                change.why = "was running when the last session died".to_owned();
            }
        }
        for change in &mut changes {
            let is_of_prompt = matches!(
                change.kind,
                ChangeKind::State {
                    effect: Effect::Unknown,
                    ..
                }
            );
            if is_of_prompt
                && change.status == Status::Pending
                && !logged.decided.contains(&change.number)
            {
                change.status = Status::Omitted;
                change.why =
                    "it names things of the prompt, and comes back with its cell".to_owned();
            }
        }
        let choice = choose(&changes, policy, logged.caution, &logged.suspects);
        let mut suspects = Vec::new();
        for offer in &choice.offers {
            let mut changes = changes.iter_mut();
            let change = changes.find(|change| change.number == offer.number);
            if let Some(change) = change
                && logged.suspects.contains(&change.number)
                && change.status == Status::Pending
            {
                change.status = Status::Omitted;
                change.outcome = Outcome::Unfinished;
                change.why.clone_from(&offer.why);
                suspects.push(change.number);
            }
        }
        if choice.offers.is_empty() && logged.problems.is_empty() {
            return Ok(None);
        }
        // What this session made is live already, also if its module is imported anew.
        let own = changes
            .iter()
            .filter(|change| change.session == logged.session);
        let own: BTreeSet<u64> = own.map(|change| change.number).collect();
        let is_decided = |number: &u64| logged.decided.contains(number) || own.contains(number);
        let chosen: BTreeSet<u64> = choice.chosen().into_iter().collect();
        let undecided = chosen.iter().copied();
        let undecided: Vec<u64> = undecided.filter(|number| !is_decided(number)).collect();
        Ok(Some(Offer {
            source: module.file.clone(),
            log: logged.log,
            changes,
            undecided: if choice.is_question {
                undecided
            } else {
                Vec::new()
            },
            chosen,
            suspects,
            is_without_log: choice.is_without_log,
            outline: outline.map(|outline| (*outline).clone()),
            problems: logged.problems,
            warnings: logged.warnings,
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
        let outline = module.begin_with(changes, &mut self.last_unit)?;
        let is_merged = module.file_outline().is_some();
        if is_merged || !states.is_empty() {
            let mut numbers: Vec<u64> = replayed.iter().copied().collect();
            numbers.retain(|number| states.iter().all(|(state, _)| state != number));
            let file = module.file.clone();
            if !numbers.is_empty() && !is_trial {
                self.log.replays(&file, &numbers);
            }
            self.replaying
                .insert(name.to_owned(), Replaying { is_trial, states });
        }
        Ok(is_merged.then_some(outline))
    }

    /// Remember in the log of a module which changes are replayed and which are not.
    pub fn decide(&mut self, name: &str, on: &[u64], off: &[u64]) -> Result<(), LogError> {
        let file = self.path_of(name);
        let drafts = decisions(on, off);
        if drafts.is_empty() {
            return Ok(());
        }
        let change = ModuleChange {
            file,
            drafts,
            via: Via::Replay,
            cause: None,
        };
        let appended = self.log.append(&[change])?;
        self.log
            .outcome(&appended, LogOutcome::Applied { milliseconds: 0.0 });
        Ok(())
    }

    /// Merge changes of a module's log that are in conflict with its file, and remember that what comes out is
    /// replayed. Returns its numbers.
    pub fn merge(&mut self, name: &str, numbers: &[u64]) -> Result<Vec<u64>, LogError> {
        let file: PathBuf = self.file_of(name).into();
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
        let appended = self.log.append(&[change])?;
        self.log
            .outcome(&appended, LogOutcome::Applied { milliseconds: 0.0 });
        let made = appended.numbers.into_iter().flatten().zip(patches);
        let made: Vec<u64> = made
            .filter_map(|(number, is_patch)| is_patch.then_some(number))
            .collect();
        self.decide(name, &made, &[])?;
        Ok(made)
    }

    /// Put the log of a module out of the way. Returns where it is kept.
    pub fn set_aside(&mut self, name: &str) -> Result<Option<PathBuf>, LogError> {
        let file = self.path_of(name);
        self.log.set_aside(&file)
    }

    /// Whether a module runs with changes that its file does not have.
    #[must_use]
    pub fn is_merged(&self, name: &str) -> bool {
        let module = self.modules.get(name);
        module.is_some_and(|module| module.file_outline().is_some())
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
            self.log.replays(&file, &[number]);
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
