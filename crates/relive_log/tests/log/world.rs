//! A world for a log: a disk in memory, a source on it, and drafts to write.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use relive_log::memory::{MemoryClock, MemoryDisk, USER};
use relive_log::{
    Committed, Draft, Effect, Home, Log, Operation, Process, ReadLog, Rim, Via, read,
};

pub(crate) const SOURCE: &str = "/desk/bank.py";
pub(crate) const LOG: &str = "/desk/bank.py.log";

/// A disk with `/desk/bank.py`, and a rim on it.
pub(crate) struct World {
    pub(crate) disk: MemoryDisk,
    pub(crate) rim: Rim,
}

impl World {
    pub(crate) fn new() -> Self {
        let disk = MemoryDisk::new();
        disk.make_directory("/desk");
        disk.make_directory("/home");
        disk.put(SOURCE, b"LIMIT = 1\n");
        let rim = rim(&disk);
        World { disk, rim }
    }

    pub(crate) fn open(&self) -> Log {
        Log::open(&self.rim, Path::new(SOURCE), "9be1", "3.13.0").unwrap()
    }

    pub(crate) fn read(&self) -> ReadLog {
        read(&self.rim, Path::new(SOURCE)).unwrap()
    }

    pub(crate) fn log_text(&self) -> String {
        String::from_utf8(self.disk.get(LOG).unwrap()).unwrap()
    }
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

/// `NAME = value` instead of `NAME = value - 1`.
pub(crate) fn assign(name: &str, value: u32) -> Draft {
    Draft::Patch {
        operation: Operation::Replace,
        target: name.to_owned(),
        after: None,
        old: Some(format!("{name} = {}\n", value.wrapping_sub(1))),
        new: Some(format!("{name} = {value}\n")),
    }
}

pub(crate) fn state(text: &str) -> Draft {
    Draft::State {
        target: "LIMITS".to_owned(),
        effect: Effect::Assign,
        text: text.to_owned(),
    }
}

pub(crate) fn append(log: &mut Log, drafts: &[Draft]) -> Committed {
    log.append(drafts, Via::Repl, None, None).unwrap()
}

/// What a log says, in a few words a record.
pub(crate) fn kinds(read: &ReadLog) -> String {
    use relive_log::Entry;
    let words = read.records.iter().map(|record| {
        let kind = match &record.entry {
            Entry::Header(_) => "header",
            Entry::Session(_) => "session",
            Entry::Patch(_) => "patch",
            Entry::State(_) => "state",
            Entry::Commit(_) => "commit",
            Entry::Done(_) => "done",
            Entry::Fail(_) => "fail",
            Entry::Undo(_) => "undo",
            Entry::Skip(_) => "skip",
            Entry::Unskip(_) => "unskip",
            Entry::FoldBegin(_) => "fold-begin",
            Entry::FoldEnd(_) => "fold-end",
            Entry::Note(_) => "note",
            Entry::Torn(_) => "torn",
            Entry::Close(_) => "close",
            Entry::Unknown(_) => "unknown",
        };
        format!("{}:{kind}", record.seq)
    });
    words.collect::<Vec<_>>().join(" ")
}
