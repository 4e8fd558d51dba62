//! Edits that are not ready to be applied, and when they will be.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use blake3::Hash;
use relive_plan::Outdated;

/// How long a file that is gone or does not parse is taken for one that is just being written, in seconds.
const PATIENCE: f64 = 0.3;

/// Why an update happens, and on which thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody asked for it and waits: every edit is applied or refused, on this thread.
    #[default]
    Asked,
    /// A save was noticed, on the thread that may execute statements: a file that may be half written waits.
    NoticedOnMain,
    /// A save was noticed, on another thread: so do edits that execute statements.
    NoticedElsewhere,
}

impl Occasion {
    pub(crate) fn may_execute(self) -> bool {
        self != Self::NoticedElsewhere
    }
}

/// What an update has left for a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pending {
    /// Something waits for the thread that may execute statements.
    pub for_main: bool,
    /// In how many seconds a file that may be half written is to be looked at again.
    pub look_in: Option<f64>,
}

/// Edits that wait.
#[derive(Default)]
pub(crate) struct Waiting {
    /// The occasion of the update that is going on.
    pub(crate) occasion: Occasion,
    /// What somebody asked for was not done, because it has statements to execute.
    pub(crate) needs_main: bool,
    /// Modules whose edits execute statements.
    pub(crate) for_main: BTreeSet<String>,
    /// Statements that deep mode is to execute again.
    pub(crate) again: Vec<Outdated>,
    /// When an edit of a file was first seen.
    first_seen: HashMap<PathBuf, f64>,
    /// Files that are gone or do not parse: their content, and since when it is theirs.
    unfinished: HashMap<PathBuf, (Option<Hash>, f64)>,
}

impl Waiting {
    /// Take note of when the dirty files were first seen to be.
    pub(crate) fn see(&mut self, dirty: &BTreeSet<PathBuf>, now: f64) {
        for file in dirty {
            if !self.first_seen.contains_key(file) {
                self.first_seen.insert(file.clone(), now);
            }
        }
    }

    /// When the first was seen of the edits that are done with; those of dirty files are not.
    pub(crate) fn first_sight(&mut self, dirty: &BTreeSet<PathBuf>) -> Option<f64> {
        let done = self.first_seen.extract_if(|file, _| !dirty.contains(file));
        done.map(|(_, seconds)| seconds).reduce(f64::min)
    }

    /// Whether a file that is gone or does not parse is to be looked at again rather than to be refused.
    pub(crate) fn is_unfinished(&mut self, file: &Path, content: Option<Hash>, now: f64) -> bool {
        let entry = self.unfinished.entry(file.to_owned());
        let (known, since) = entry.or_insert((content, now));
        if *known != content {
            (*known, *since) = (content, now);
        }
        let is_unfinished = self.occasion != Occasion::Asked && now - *since < PATIENCE;
        if !is_unfinished {
            self.unfinished.remove(file);
        }
        is_unfinished
    }

    /// The file is there and parses.
    pub(crate) fn is_finished(&mut self, file: &Path) {
        self.unfinished.remove(file);
    }

    pub(crate) fn pending(&self, now: f64) -> Pending {
        let left = |(_, since): &(Option<Hash>, f64)| (since + PATIENCE - now).max(0.0);
        Pending {
            for_main: !self.for_main.is_empty() || !self.again.is_empty(),
            look_in: self.unfinished.values().map(left).reduce(f64::min),
        }
    }
}
