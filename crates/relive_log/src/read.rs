//! Reading a log: without a lock, without writing, without a key if there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::anchor::Anchor;
use crate::codec::Sum;
use crate::place::{Opened, Subject, old_logs, open_log};
use crate::reading::{End, Fate, ReadLog, Tail};
use crate::rim::Rim;
use crate::scan::{Scan, scan};
use crate::storage::{Access, File};
use crate::{tail, trust};

/// How often a log is read again that is written at the same time.
const ATTEMPTS: usize = 3;

/// A log could not be read.
#[derive(Debug, Error)]
#[error("{} cannot be read: {source}", path.display())]
pub struct ReadError {
    /// The log.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl ReadLog {
    /// The sums of the records, in order.
    pub fn sums(&self) -> &[Sum] {
        &self.sums
    }

    /// What a mac says that the log is about.
    pub(crate) fn place(&self) -> &Path {
        &self.source
    }

    /// Of a log that is not there.
    pub(crate) fn missing(subject: &Subject, log: &Path) -> Self {
        ReadLog {
            source: subject.source.clone(),
            log: log.to_owned(),
            header: None,
            records: Vec::new(),
            transactions: Vec::new(),
            tail: Tail::Missing,
            problems: Vec::new(),
            distrust: None,
            end: End::START,
            sums: Vec::new(),
        }
    }
}

/// Read the log of a source (`bank.py`), or a log (`bank.py.log`, `bank.py.log.1`, a session's), beside its source or in
/// the state directory.
pub fn read(rim: &Rim, source_or_log: &Path) -> Result<ReadLog, ReadError> {
    let told = |source| ReadError {
        path: source_or_log.to_owned(),
        source,
    };
    let subject = Subject::of(rim, source_or_log).map_err(told)?;
    let beside = read_one(rim, &subject, &subject.beside)?;
    let Some(aside) = &subject.aside else {
        return Ok(beside);
    };
    let mut aside = read_one(rim, &subject, aside)?;
    if is_aside_current(rim, &beside, &aside) {
        if let Tail::Foreign { problem } = &beside.tail {
            aside.problems.push(format!(
                "{} is no change log: {problem}; it is left alone, and the log is kept in {}",
                beside.log.display(),
                aside.log.display()
            ));
        }
        return Ok(aside);
    }
    Ok(beside)
}

/// Read the log of a source with all logs that it continues, the oldest first.
pub fn read_all(rim: &Rim, source_or_log: &Path) -> Result<Vec<ReadLog>, ReadError> {
    let current = read(rim, source_or_log)?;
    let mut logs = read_older(rim, &current)?;
    logs.push(current);
    Ok(logs)
}

/// Read the logs that one continues, the oldest first.
pub(crate) fn read_older(rim: &Rim, current: &ReadLog) -> Result<Vec<ReadLog>, ReadError> {
    let log = current.log.clone();
    let mut after = match &current.header {
        Some(header) => header.after.as_ref().map(|name| log.with_file_name(name)),
        None => {
            let told = |source| ReadError {
                path: log.clone(),
                source,
            };
            old_logs(rim, &log)
                .map_err(told)?
                .pop()
                .map(|(_, path)| path)
        }
    };
    let mut logs = Vec::new();
    let mut seen = BTreeSet::from([log.clone()]);
    while let Some(path) = after {
        // A log does not name one in another directory.
        if path.parent() != log.parent() || !seen.insert(path.clone()) {
            break;
        }
        let subject = Subject {
            source: current.source.clone(),
            beside: path.clone(),
            aside: None,
            is_old: true,
        };
        let old = read_one(rim, &subject, &path)?;
        let header = old.header.as_ref();
        after = header.and_then(|header| Some(path.with_file_name(header.after.as_ref()?)));
        logs.push(old);
    }
    logs.reverse();
    Ok(logs)
}

/// Which of two logs of a source is the one that goes on.
pub(crate) fn is_aside_current(rim: &Rim, beside: &ReadLog, aside: &ReadLog) -> bool {
    if aside.header.is_none() {
        return false;
    }
    let (Some(header), Some(aside_header)) = (&beside.header, &aside.header) else {
        return true;
    };
    if header.id == aside_header.id {
        return aside.end.next > beside.end.next;
    }
    Anchor::load(rim, aside.place()).is_some_and(|anchor| anchor.log_id == aside_header.id)
}

/// Read the log at a path.
pub(crate) fn read_one(rim: &Rim, subject: &Subject, log: &Path) -> Result<ReadLog, ReadError> {
    let told = |source| ReadError {
        path: log.to_owned(),
        source,
    };
    match open_log(rim, log, Access::Read).map_err(told)? {
        Opened::Missing => {
            let mut read = ReadLog::missing(subject, log);
            if log == subject.beside && !subject.is_old {
                read.problems.extend(vanished(rim, subject).map_err(told)?);
            }
            Ok(read)
        }
        Opened::Unfit(problem) => {
            let mut read = ReadLog::missing(subject, log);
            read.problems.push(problem.clone());
            read.tail = Tail::Foreign { problem };
            Ok(read)
        }
        Opened::File { file, distrust, .. } => {
            analyse(rim, subject, log, &*file, distrust, true).map_err(told)
        }
    }
}

/// What is to be said where there is no log.
fn vanished(rim: &Rim, subject: &Subject) -> io::Result<Option<String>> {
    let Some(anchor) = Anchor::load(rim, &subject.source) else {
        return Ok(None);
    };
    let is_elsewhere = match &subject.aside {
        Some(aside) => !matches!(open_log(rim, aside, Access::Read)?, Opened::Missing),
        None => false,
    };
    if is_elsewhere || !old_logs(rim, &subject.beside)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "a log was here, up to record {}, and is gone",
        anchor.seq
    )))
}

/// Read an open log. `with_others`: also look at the logs without which some of its transactions do not count.
pub(crate) fn analyse(
    rim: &Rim,
    subject: &Subject,
    log: &Path,
    file: &dyn File,
    distrust: Option<String>,
    with_others: bool,
) -> io::Result<ReadLog> {
    let anchor = Anchor::load(rim, &subject.source).filter(|_| !subject.is_old);
    let mut found = scan(file, anchor.as_ref().map(|anchor| anchor.seq))?;
    for _ in 1..ATTEMPTS {
        if found.tail == Tail::Clean || file.status()?.size == found.end.size {
            break;
        }
        found = scan(file, anchor.as_ref().map(|anchor| anchor.seq))?;
    }
    let mut problems = Vec::new();
    if let (Some(anchor), Some(_)) = (&anchor, &found.header) {
        check_anchor(anchor, &mut found, file, &mut problems)?;
    }
    found.end.proven = found.anchored.map_or(0, |(_, end)| end);
    let Scan {
        header,
        records,
        mut transactions,
        tail,
        end,
        sums,
        ..
    } = found;
    match &tail {
        Tail::Damaged { line, problem } => problems.insert(0, format!("line {line}: {problem}")),
        Tail::Foreign { problem } => problems.insert(0, problem.clone()),
        Tail::Newer { version } => problems.insert(
            0,
            format!("it is of version {version}, and this relive knows version 1"),
        ),
        Tail::Torn { .. } | Tail::Clean | Tail::Missing => {}
    }
    problems.extend(distrust.clone());
    if let Some(header) = &header {
        trust::judge(
            rim,
            &header.id,
            &subject.source,
            &mut transactions,
            distrust.is_some(),
        );
    }
    let mut sessions: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for transaction in &mut transactions {
        if let Some(within) = &transaction.within {
            let committed = sessions.entry(within.session.clone()).or_insert_with(|| {
                if with_others {
                    committed(rim, &within.session)
                } else {
                    BTreeSet::new()
                }
            });
            // It is not applied before all of it is durable, so that it was is enough: the session's log may be gone.
            transaction.is_committed =
                transaction.fate == Fate::Done || committed.contains(&within.tx);
        }
    }
    Ok(ReadLog {
        source: subject.source.clone(),
        log: log.to_owned(),
        header,
        records,
        transactions,
        tail,
        problems,
        distrust,
        end,
        sums,
    })
}

/// The transactions of a session's log that count by themselves.
fn committed(rim: &Rim, session: &str) -> BTreeSet<u64> {
    let path = rim.home.session_log(session);
    let Ok(Opened::File { file, distrust, .. }) = open_log(rim, &path, Access::Read) else {
        return BTreeSet::new();
    };
    let subject = Subject::of_session(path.clone());
    let read = analyse(rim, &subject, &path, &*file, distrust, false);
    let transactions = read.map(|read| read.transactions).unwrap_or_default();
    let alone = transactions
        .iter()
        .filter(|transaction| transaction.within.is_none());
    alone.map(|transaction| transaction.tx).collect()
}

/// A log must still have the record that was written last.
fn check_anchor(
    anchor: &Anchor,
    found: &mut Scan,
    file: &dyn File,
    problems: &mut Vec<String>,
) -> io::Result<()> {
    let Some(header) = &found.header else {
        return Ok(());
    };
    if header.id != anchor.log_id {
        problems.push(format!(
            "it is not the log that was written here last ({})",
            anchor.log_id
        ));
        return Ok(());
    }
    let first = found.records.first().map_or(0, |record| record.seq);
    let problem = if anchor.seq >= found.end.next {
        format!(
            "record {} was written, and is not there any more: the log was cut back, or replaced by an older copy",
            anchor.seq
        )
    } else if anchor.seq >= first && found.anchored.is_none_or(|(sum, _)| sum != anchor.sum) {
        format!(
            "record {} is not the one that was written: the log was replaced",
            anchor.seq
        )
    } else {
        return Ok(());
    };
    // The numbers up to there are taken, whatever has become of their records.
    found.end.beyond = found.end.beyond.max(anchor.seq + 1);
    if matches!(found.tail, Tail::Clean | Tail::Torn { .. }) {
        let line = tail::line_number(file, found.end.verified)?;
        found.tail = Tail::Damaged { line, problem };
    } else {
        problems.push(problem);
    }
    Ok(())
}
