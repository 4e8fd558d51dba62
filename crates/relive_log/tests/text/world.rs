//! A disk with a source on it, and a log of changes that were made of it as a session would.

use std::path::Path;
use std::sync::Arc;

use relive_log::memory::{MemoryClock, MemoryDisk, USER};
use relive_log::{
    Change, Draft, Effect, Folded, Home, Log, Process, Rim, Status, Via, drafts, fold,
    history_of_all, judge, merge, read_all, splice,
};

use crate::support::parse;

pub(crate) const SOURCE: &str = "/desk/bank.py";
#[allow(dead_code)]
pub(crate) const LOG: &str = "/desk/bank.py.log";

pub(crate) struct World {
    pub(crate) disk: MemoryDisk,
    pub(crate) rim: Rim,
}

impl World {
    pub(crate) fn new(source: &str) -> Self {
        let disk = MemoryDisk::new();
        disk.make_directory("/desk");
        disk.make_directory("/home");
        disk.put(SOURCE, source.as_bytes());
        let rim = rim(&disk);
        Self { disk, rim }
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(&self.rim, Path::new(SOURCE), "9be1", "3.13.0").unwrap()
    }

    pub(crate) fn source(&self) -> String {
        String::from_utf8(self.disk.get(SOURCE).unwrap()).unwrap()
    }

    /// The changes as the session sees them: those of the logs that this one continues, too.
    pub(crate) fn changes(&self, log: &Log) -> Vec<Change> {
        let mut logs = read_all(&self.rim, Path::new(SOURCE)).unwrap();
        logs.pop();
        logs.push(log.read().clone());
        let mut changes = history_of_all(&logs, Some(log.session()));
        judge(&mut changes, Some(&parse(&self.source())));
        changes
    }

    /// What the module says now.
    pub(crate) fn live(&self, log: &Log) -> String {
        merge(&parse(&self.source()), &self.changes(log)).text
    }

    /// Log and apply drafts; their numbers.
    pub(crate) fn make(&self, log: &mut Log, drafts: &[Draft], via: Via) -> Vec<u64> {
        let committed = log.append(drafts, via, None, None).unwrap();
        log.done(committed.tx, 0.5);
        committed.numbers
    }

    /// What `relive.patch` does.
    pub(crate) fn patch(&self, log: &mut Log, scope: &str, patch: &str) -> Vec<u64> {
        let live = parse(&self.live(log));
        let scope: Vec<String> = scope
            .split('.')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        let new = splice(&live, &scope, &parse(patch)).unwrap();
        let drafts = drafts(&live, &parse(&new));
        let numbers = self.make(log, &drafts, Via::Patch);
        assert_eq!(self.live(log), new);
        numbers
    }

    /// Whatever leads from the live text to another one.
    pub(crate) fn edit(&self, log: &mut Log, new: &str) -> Vec<u64> {
        let drafts = drafts(&parse(&self.live(log)), &parse(new));
        self.make(log, &drafts, Via::Patch)
    }

    /// What an editor's save does: the file is another one, and the log tells what changed.
    pub(crate) fn save(&self, log: &mut Log, new: &str) -> Vec<u64> {
        let old = parse(&self.source());
        self.disk.put(SOURCE, new.as_bytes());
        self.make(log, &drafts(&old, &parse(new)), Via::Editor)
    }

    pub(crate) fn state(&self, log: &mut Log, target: &str, effect: Effect, text: &str) -> u64 {
        let draft = Draft::State {
            target: target.to_owned(),
            effect,
            text: text.to_owned(),
        };
        self.make(log, &[draft], Via::Repl)[0]
    }

    pub(crate) fn fold(&self, log: &mut Log) -> Folded {
        fold(&self.rim, log, Path::new(SOURCE), false).unwrap()
    }

    /// Each change of a definition or of state with its status and why, and each undo and fold.
    pub(crate) fn told(&self, log: &Log) -> String {
        tell(&self.changes(log))
    }
}

pub(crate) fn tell(changes: &[Change]) -> String {
    use relive_log::ChangeKind;
    let mut told = String::new();
    for change in changes {
        let what = match &change.kind {
            ChangeKind::Patch { target, .. } => target.clone(),
            ChangeKind::State { text, .. } => format!("`{text}`"),
            ChangeKind::Undo { of } => format!("undo {of}"),
            ChangeKind::Fold { of } => format!("fold {of:?}"),
            ChangeKind::Session => continue,
        };
        let status = match change.status {
            Status::InSource => "in source".to_owned(),
            status => format!("{status:?}").to_lowercase(),
        };
        told.push_str(&format!(
            "{} {what}: {status} ({})\n",
            change.number, change.why
        ));
    }
    told
}

pub(crate) fn rim(disk: &MemoryDisk) -> Rim {
    Rim {
        storage: Arc::new(disk.clone()),
        clock: Arc::new(MemoryClock::default()),
        home: Home::at("/home/relive"),
        process: Process {
            pid: 1,
            user: USER,
            host: "kiwi".to_owned(),
            boot: "c2f1".to_owned(),
            by: "ada".to_owned(),
            about: "/".into(),
        },
    }
}
