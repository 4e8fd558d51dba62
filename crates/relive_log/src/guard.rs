//! The replay guard: a note of what is being replayed, so that a replay that dies does so once.

use std::io;
use std::path::PathBuf;

use crate::change::Draft;
use crate::rim::Rim;
use crate::storage::Access;
use crate::trust::read_small;

/// What a start has to mind that comes after others which died while they replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// Nothing.
    None,
    /// One start failed: what it was replaying is left off, the rest is offered.
    LeaveOffSuspects,
    /// Two starts failed: nothing is replayed unless the user says so.
    NothingByItself,
    /// Three or more starts failed: this one goes without the log.
    WithoutLog,
}

/// The starts that have begun to replay a log and have not got to the end.
///
/// A line is written for each start and each change before it is replayed, and the file is removed when all has gone
/// well. So what a dead process was at is the last line of its start. The file need not survive a power loss.
pub struct Guard {
    rim: Rim,
    path: PathBuf,
    /// What each start that failed was replaying when it died.
    failed: Vec<Vec<u64>>,
    is_begun: bool,
}

impl Guard {
    /// The guard of a log, by the id in its header.
    #[must_use]
    pub fn of(rim: &Rim, log_id: &str) -> Self {
        let path = rim.home.replay(log_id);
        let text = read_small(&*rim.storage, &path).unwrap_or_default();
        Self {
            rim: rim.clone(),
            path,
            failed: failed_starts(&String::from_utf8_lossy(&text)),
            is_begun: false,
        }
    }

    /// How many starts failed since the last one that did not.
    #[must_use]
    pub fn failed_starts(&self) -> usize {
        self.failed.len()
    }

    /// What this start has to mind.
    #[must_use]
    pub fn caution(&self) -> Caution {
        match self.failed.len() {
            0 => Caution::None,
            1 => Caution::LeaveOffSuspects,
            2 => Caution::NothingByItself,
            _ => Caution::WithoutLog,
        }
    }

    /// The changes that were being replayed when starts died: one for each start if they are replayed one by one.
    #[must_use]
    pub fn suspects(&self) -> Vec<u64> {
        let mut suspects: Vec<u64> = self.failed.iter().flatten().copied().collect();
        suspects.sort_unstable();
        suspects.dedup();
        suspects
    }

    /// The decisions to log once the user's process is up without the suspects, so that later starts know of them.
    #[must_use]
    pub fn skips(&self) -> Vec<Draft> {
        let skip = |of| Draft::Skip {
            of,
            why: "the process died when it was replayed".to_owned(),
        };
        self.suspects().into_iter().map(skip).collect()
    }

    /// Changes are about to be replayed, together.
    pub fn replaying(&mut self, numbers: &[u64]) -> io::Result<()> {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let mut lines = String::new();
        if !self.is_begun {
            lines.push_str("start\n");
        }
        lines.push_str(&format!("replay {}\n", numbers.join(",")));
        let storage = &*self.rim.storage;
        if let Some(directory) = self.path.parent() {
            storage.create_directory(directory)?;
        }
        let mut file = match storage.open(&self.path, Access::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                storage.open(&self.path, Access::CreateNew(0o600))?
            }
            opened => opened?,
        };
        file.append(lines.as_bytes())?;
        self.is_begun = true;
        Ok(())
    }

    /// All is replayed: the start went well.
    pub fn replayed(&mut self) -> io::Result<()> {
        self.is_begun = false;
        self.failed.clear();
        match self.rim.storage.remove(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}

/// What each start was at when it died. A line that is cut off counts for what is there: it was about to be replayed.
fn failed_starts(text: &str) -> Vec<Vec<u64>> {
    let mut failed: Vec<Vec<u64>> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("replay ") {
            Some(numbers) => {
                let numbers = numbers.split(',').filter_map(|number| number.parse().ok());
                if failed.is_empty() {
                    failed.push(Vec::new());
                }
                if let Some(start) = failed.last_mut() {
                    *start = numbers.collect();
                }
            }
            None if line == "start" => failed.push(Vec::new()),
            None => {}
        }
    }
    failed
}
