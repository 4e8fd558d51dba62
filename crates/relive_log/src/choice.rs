//! Which of the changes of a log are replayed, and which one it is that crashes.

use std::collections::BTreeSet;

use relive_syntax::Outline;
use serde::{Deserialize, Serialize};

use crate::change::{Change, ChangeKind, Outcome, Status};
use crate::guard::{Caution, Finding, NOT_KNOWN};
use crate::history::{OF_PROMPT, is_left_off_by_itself};
use crate::judge::judge;
use crate::record::{Effect, Via};

/// What is done with changes that are found in a log when its module is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The user is asked.
    #[default]
    Ask,
    /// They are replayed.
    All,
    /// They stay in the log.
    None,
}

/// One line of what is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The number of the change.
    pub number: u64,
    /// Whether it is replayed unless the user says otherwise.
    pub is_chosen: bool,
    /// Whether the user may choose it.
    pub is_choosable: bool,
    /// Whether it calls something, so that the user should confirm it.
    pub has_calls: bool,
    /// Why, in words.
    pub why: String,
}

/// What is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The changes that are not in the source, in order.
    pub offers: Vec<Offer>,
    /// Whether the user is to be asked; without anybody to ask, nothing is replayed then.
    pub is_question: bool,
    /// Whether the log is not looked at, since starts failed again and again.
    pub is_without_log: bool,
}

impl Choice {
    /// The changes that are replayed unless the user says otherwise.
    #[must_use]
    pub fn chosen(&self) -> Vec<u64> {
        let chosen = self.offers.iter().filter(|offer| offer.is_chosen);
        chosen.map(|offer| offer.number).collect()
    }
}

/// Which changes are replayed under a policy. `changes` are judged; `findings` are those of the replay guard that do not
/// stand in the log.
#[must_use]
pub fn choose(
    changes: &[Change],
    policy: Policy,
    caution: Caution,
    findings: &[Finding],
) -> Choice {
    let is_safe = matches!(caution, Caution::None | Caution::LeaveOffSuspects);
    let mut offers: Vec<Offer> = Vec::new();
    // What was left off by choice stays so without being asked for again.
    let mut is_open = false;
    // A start died, and of several changes any one may be the culprit: only the user can find out which.
    let mut has_suspects = findings.iter().any(|finding| !finding.is_certain);
    for change in changes {
        let (ChangeKind::Patch { .. } | ChangeKind::State { .. }) = change.kind else {
            continue;
        };
        let is_left_off = change.status == Status::Omitted
            && matches!(change.outcome, Outcome::Applied | Outcome::Unfinished);
        let is_shown = is_left_off
            || matches!(
                change.status,
                Status::Pending | Status::Conflict | Status::Untrusted | Status::Newer
            );
        if change.via == Via::Editor || !is_shown {
            continue;
        }
        let is_pending = change.status == Status::Pending;
        let finding = findings
            .iter()
            .find(|finding| is_pending && finding.number == change.number);
        let why = if let Some(finding) = finding {
            finding.why.clone()
        } else if is_pending && !is_safe {
            format!("{}; but starts that replayed it or others died", change.why)
        } else if is_pending && policy == Policy::None {
            format!("{}; nothing is replayed by policy", change.why)
        } else {
            change.why.clone()
        };
        let is_undecided = is_left_off && is_left_off_by_itself(change) && change.why != OF_PROMPT;
        is_open |= is_pending || is_undecided;
        has_suspects |= is_undecided && is_suspect(&change.why);
        offers.push(Offer {
            number: change.number,
            is_chosen: is_pending && finding.is_none() && is_safe && policy != Policy::None,
            is_choosable: is_pending || is_left_off,
            has_calls: matches!(&change.kind, ChangeKind::State { effect, .. } if *effect != Effect::Assign),
            why,
        });
    }
    Choice {
        is_question: is_open
            && policy != Policy::None
            && (policy == Policy::Ask || caution == Caution::NothingByItself || has_suspects),
        is_without_log: caution == Caution::WithoutLog,
        offers,
    }
}

/// Whether a change is left off as one of several of which a start may have died.
fn is_suspect(why: &str) -> bool {
    why.contains(NOT_KNOWN)
}

/// Take exactly these of the changes that can be chosen, and judge anew: what depends on one that is not taken is in conflict.
pub fn select(changes: &mut [Change], chosen: &BTreeSet<u64>, source: Option<&Outline>) {
    for change in changes.iter_mut() {
        let (ChangeKind::Patch { .. } | ChangeKind::State { .. }) = change.kind else {
            continue;
        };
        let is_left_off = change.status == Status::Omitted
            && matches!(change.outcome, Outcome::Applied | Outcome::Unfinished);
        if change.via == Via::Editor || !(is_left_off || change.status == Status::Pending) {
            continue;
        }
        if chosen.contains(&change.number) {
            change.status = Status::Pending;
        } else if change.status == Status::Pending {
            change.status = Status::Omitted;
            "not chosen".clone_into(&mut change.why);
        }
    }
    judge(changes, source);
}

/// The search for the first change whose replay crashes: prefixes of the changes are replayed, each in a process of its
/// own. Of n changes, at most log2(n + 1) prefixes, rounded up: 5 of 16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bisect {
    numbers: Vec<u64>,
    /// So many of them go well.
    good: usize,
    /// So many of them crash; one more than there are: that is not known yet.
    bad: usize,
}

impl Bisect {
    /// The search among changes, in their order.
    #[must_use]
    pub fn among(numbers: Vec<u64>) -> Self {
        Self {
            good: 0,
            bad: numbers.len() + 1,
            numbers,
        }
    }

    /// The same, where it is known that all of them together crash.
    #[must_use]
    pub fn among_crashing(numbers: Vec<u64>) -> Self {
        Self {
            good: 0,
            bad: numbers.len(),
            numbers,
        }
    }

    /// The prefix to replay next; None when the search is over.
    #[must_use]
    pub fn next(&self) -> Option<&[u64]> {
        (self.bad - self.good > 1).then(|| &self.numbers[..usize::midpoint(self.good, self.bad)])
    }

    /// What became of the prefix that was to be replayed.
    pub fn tell(&mut self, has_crashed: bool) {
        if let Some(prefix) = self.next() {
            let length = prefix.len();
            if has_crashed {
                self.bad = length;
            } else {
                self.good = length;
            }
        }
    }

    /// The change that crashes; None as long as that is not known, and if none does.
    #[must_use]
    pub fn culprit(&self) -> Option<u64> {
        match self.next() {
            Some(_) => None,
            None => self.numbers.get(self.bad.checked_sub(1)?).copied(),
        }
    }
}
