//! The file and what is in memory brought into agreement, whatever has happened to the file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{AppendError, OpenError};
use super::probe::{Held, Probe, in_use, is_refusal, probe};
use super::{LARGE, Log, begin};
use crate::anchor::Anchor;
use crate::codec::{Sum, encode};
use crate::place::{old_logs, with_suffix};
use crate::read::{ReadError, is_aside_current, read_one};
use crate::reading::{ReadLog, Tail};
use crate::record::{Entry, Fail, Failure, Header, Record, Torn};
use crate::storage::Access;
use crate::tail::{amount, for_each_part};
use crate::trust::write_new;

/// How often a log is brought into agreement again when something comes between.
const ATTEMPTS: usize = 4;

impl Log {
    /// Find the log when it is opened.
    pub(super) fn find(&mut self) -> Result<(), OpenError> {
        let beside = self.subject.beside.clone();
        let found = probe(&self.rim, &self.subject, &beside)?;
        let Some(aside) = self.subject.aside.clone() else {
            return match found {
                Probe::Missing => Ok(()),
                Probe::Ready(held, read) => {
                    self.adopt(held, *read);
                    Ok(())
                }
                Probe::Unfit(why) => Err(self.no_place(why)),
            };
        };
        // The state directory is this user's alone, so what stands there is missing or fit.
        let kept = probe(&self.rim, &self.subject, &aside)?;
        match (found, kept) {
            (Probe::Ready(_, read), Probe::Ready(held, kept))
                if is_aside_current(&self.rim, &read, &kept) =>
            {
                self.adopt(held, *kept);
            }
            (Probe::Ready(held, read), _) => self.adopt(held, *read),
            (Probe::Missing, Probe::Ready(held, kept)) => self.adopt(held, *kept),
            (Probe::Missing, _) => {}
            (Probe::Unfit(_), Probe::Unfit(why)) => return Err(self.no_place(why)),
            (Probe::Unfit(why), Probe::Ready(held, kept)) => {
                self.tell_kept_aside(&why, &aside);
                self.adopt(held, *kept);
            }
            (Probe::Unfit(why), Probe::Missing) => {
                self.tell_kept_aside(&why, &aside);
                self.take_along(&beside, &aside);
            }
        }
        Ok(())
    }

    fn no_place(&self, why: String) -> OpenError {
        OpenError::NoPlace {
            source_file: self.subject.source.clone(),
            why,
        }
    }

    fn tell_kept_aside(&mut self, why: &str, aside: &Path) {
        self.notices.push(format!(
            "changes of {} are kept in {}, because {} cannot be written: {why}",
            self.subject.source.display(),
            aside.display(),
            self.subject.beside.display(),
        ));
    }

    /// The log goes on in another place; with what it has, if that is ours and can only not be written.
    fn take_along(&mut self, from: &Path, to: &Path) {
        if let Ok(mut read) = read_one(&self.rim, &self.subject, from)
            && read.distrust.is_none()
            && read.header.is_some()
            && matches!(read.tail, Tail::Clean | Tail::Torn { .. })
        {
            read.log = to.to_owned();
            self.read = read;
        } else {
            self.read = ReadLog::missing(&self.subject, to);
        }
        self.written = 0;
    }

    /// Take a log that was found for what is true.
    fn adopt(&mut self, held: Held, read: ReadLog) {
        self.is_introduced = false;
        self.written = read.records.len();
        self.read = read;
        self.held = Some(held);
        self.anchor = None;
        match self.read.tail.clone() {
            Tail::Torn { .. } => {
                // If this does not work now, it has to before the next change.
                let _ = self.repair();
            }
            Tail::Damaged { line, problem } => self.notices.push(format!(
                "{} is damaged at line {line}: {problem}; \
                 it is kept as it is, and the next change begins a new log",
                self.read.log.display()
            )),
            _ => {}
        }
        if self.read.end.size > LARGE && !self.is_large {
            self.is_large = true;
            self.notices.push(format!(
                "{} has {}; fold its changes into the source to begin a new one",
                self.read.log.display(),
                amount(self.read.end.size)
            ));
        }
    }

    /// Keep a torn tail in a file of its own, and cut it off.
    fn repair(&mut self) -> io::Result<()> {
        let Tail::Torn { bytes } = self.read.tail else {
            return Ok(());
        };
        let Some(held) = &mut self.held else {
            return Ok(());
        };
        let end = self.read.end;
        if bytes > 0 {
            let mut tail = Vec::with_capacity(bytes as usize);
            for_each_part(&*held.file, end.verified, end.size, |part| {
                tail.extend_from_slice(part);
            })?;
            let kept = keep(&self.rim, &self.read.log, &tail)?;
            held.file.truncate(end.verified)?;
            held.file.sync()?;
            self.notices.push(format!(
                "{} had a torn tail of {bytes} bytes, which a crash has left; it is kept in {}",
                self.read.log.display(),
                kept.display()
            ));
            self.torn = Some(Torn {
                at: self.rim.clock.now(),
                bytes,
                kept: kept.file_name().unwrap_or_default().to_owned(),
            });
        }
        held.size = end.verified;
        held.synced_size = end.verified;
        self.read.end.size = end.verified;
        self.read.tail = Tail::Clean;
        if !self.read.records.is_empty()
            && let Some(torn) = self.torn.take()
        {
            self.add(Entry::Torn(torn));
        }
        Ok(())
    }

    /// Whether the file is where and what it was after the last write.
    pub(super) fn is_held_as_expected(&self) -> bool {
        let Some(held) = &self.held else {
            return false;
        };
        let found = self.rim.storage.status(&self.read.log);
        found.is_ok_and(|found| {
            found.identity == held.identity && found.size == held.size && found.links == 1
        })
    }

    /// Make sure that the next write goes to the end of a log that says what is in memory.
    pub(super) fn prepare(&mut self) -> Result<(), AppendError> {
        self.check_state()?;
        for _ in 0..ATTEMPTS {
            if self.is_held_as_expected() {
                match &self.read.tail {
                    Tail::Torn { .. } => {
                        let path = self.read.log.clone();
                        self.repair()
                            .map_err(|error| AppendError::io("repaired", &path, error))?;
                    }
                    Tail::Damaged { .. } => {
                        let problem = self.read.problems.first().cloned().unwrap_or_default();
                        self.begin_after_damage(&problem)?;
                    }
                    _ => return Ok(()),
                }
                continue;
            }
            self.held = None;
            self.anchor = None;
            self.find_again()?;
        }
        let error = io::Error::other("another program changes it again and again");
        Err(AppendError::io("written", &self.read.log, error))
    }

    /// The file is not what it was, or not open: look what is there now.
    fn find_again(&mut self) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        match probe(&self.rim, &self.subject, &log)? {
            Probe::Missing if self.read.records.is_empty() => self.create(),
            Probe::Missing => self.write_anew(),
            Probe::Unfit(why) => self.move_aside(&why),
            Probe::Ready(held, found) => self.compare(held, *found),
        }
    }

    /// A log was found where ours should be.
    fn compare(&mut self, mut held: Held, found: ReadLog) -> Result<(), AppendError> {
        let known = self.read.sums.len();
        let there = found.sums.len();
        if known == 0 {
            self.adopt(held, found);
            return Ok(());
        }
        let is_damaged = matches!(found.tail, Tail::Damaged { .. });
        let shared = known.min(there);
        let agrees = self.read.sums[..shared] == found.sums[..shared];
        if is_damaged || !agrees {
            drop(held);
            return self.set_aside("another tool wrote into it, or put another file there");
        }
        if there > known || (there == known && !matches!(found.tail, Tail::Torn { .. })) {
            let refused = self.refused.take();
            let is_introduced = self.is_introduced && there == known;
            self.adopt(held, found);
            self.is_introduced = is_introduced;
            self.refuse_again(refused);
            return Ok(());
        }
        // It lacks the last records, or has a part of what was refused: cut off what is not in memory.
        let verified = found.end.verified;
        if held.size != verified {
            let cut = held.file.truncate(verified).and_then(|()| held.file.sync());
            cut.map_err(|error| AppendError::io("repaired", &self.read.log, error))?;
        }
        held.size = verified;
        held.synced_size = verified;
        self.written = there;
        self.held = Some(held);
        Ok(())
    }

    /// A transaction is in the log that was refused: say so there.
    fn refuse_again(&mut self, refused: Option<(u64, Sum)>) {
        let Some((tx, sum)) = refused else {
            return;
        };
        let records = self.read.records.iter().zip(&self.read.sums);
        let is_there = records.into_iter().any(|(record, found)| {
            *found == sum && matches!(&record.entry, Entry::Commit(commit) if commit.tx == tx)
        });
        if is_there {
            let why = "it could not be made durable".to_owned();
            self.tell_fate(
                tx,
                crate::reading::Fate::Failed(Failure::Refused),
                Entry::Fail(Fail {
                    tx,
                    failure: Failure::Refused,
                    why,
                    progress: None,
                }),
            );
        }
    }

    /// Make a log that was not there. It goes on after the last one that a fold has left, if there is one.
    fn create(&mut self) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        let told = |error| AppendError::io("created", &log, error);
        if let Some((_, old)) = old_logs(&self.rim, &log).map_err(told)?.pop() {
            let subject = crate::place::Subject {
                is_old: true,
                ..self.subject.clone()
            };
            let old_read = read_one(&self.rim, &subject, &old).map_err(OpenError::from)?;
            if old_read.header.is_some() {
                return self.begin_behind(&old, &old_read);
            }
        }
        let is_in_home = self.is_in_home();
        if is_in_home && let Some(directory) = log.parent() {
            self.rim.storage.create_directory(directory).map_err(told)?;
        }
        let mut file = match self.rim.storage.open(&log, Access::CreateNew(0o600)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if is_refusal(&error) && !is_in_home => {
                return self.move_aside(&error.to_string());
            }
            Err(error) => return Err(told(error)),
        };
        if !file.lock().map_err(told)? {
            return Err(in_use(&self.rim, &self.subject, &log).into());
        }
        let identity = file.status().map_err(told)?.identity;
        self.held = Some(Held::new(&self.rim, file, identity));
        Ok(())
    }

    /// Whether the log stands in the state directory, where directories are made as they are needed.
    fn is_in_home(&self) -> bool {
        self.subject.is_session() || self.subject.aside.as_ref() == Some(&self.read.log)
    }

    /// The log vanished, or is not ours any more. Write all that is in memory to a new file.
    fn write_anew(&mut self) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        self.written = 0;
        let bytes = self.missing_bytes()?;
        self.put_in_place(&bytes)?;
        // Whatever has removed the log may have removed the key that its changes are signed with.
        if let Some(key) = &self.key {
            let _ = key.keep(&self.rim);
        }
        let count = self.read.transactions.len();
        self.notices.push(format!(
            "{} was not there any more, or was changed by something else; it was written anew with all {count} changes",
            log.display()
        ));
        Ok(())
    }

    /// Put a whole new log where none is. Nobody sees a part of it.
    fn put_in_place(&mut self, bytes: &[u8]) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        let temporary = with_suffix(&log, ".new");
        let storage = &self.rim.storage;
        if self.is_in_home()
            && let Some(directory) = log.parent()
        {
            storage
                .create_directory(directory)
                .map_err(|error| AppendError::io("created", directory, error))?;
        }
        match write_new(&**storage, &temporary, bytes) {
            Err(error) if is_refusal(&error) && Some(&log) != self.subject.aside.as_ref() => {
                return self.move_aside(&error.to_string());
            }
            result => result.map_err(|error| AppendError::io("written anew", &log, error))?,
        }
        match storage.rename_new(&temporary, &log) {
            // Whoever was quicker is looked at next.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            result => result.map_err(|error| AppendError::io("written anew", &log, error))?,
        }
        let directory = log.parent().unwrap_or(&log);
        storage
            .sync_directory(directory)
            .map_err(|error| AppendError::io("written anew", &log, error))
    }

    /// The log cannot stand where it is any more.
    fn move_aside(&mut self, why: &str) -> Result<(), AppendError> {
        let Some(aside) = self
            .subject
            .aside
            .clone()
            .filter(|aside| *aside != self.read.log)
        else {
            return Err(self.no_place(why.to_owned()).into());
        };
        self.tell_kept_aside(why, &aside);
        self.read.log = aside;
        self.written = 0;
        self.held = None;
        self.anchor = None;
        Ok(())
    }

    /// Give the log another name, since it is not to be written any more.
    pub(super) fn set_aside(&mut self, why: &str) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        let kept = self.rename_to_number()?;
        self.notices.push(format!(
            "{}: {why}; it is kept as {}",
            log.display(),
            kept.display()
        ));
        self.held = None;
        Ok(())
    }

    /// `bank.py.log` becomes `bank.py.log.1`, or whatever number is free.
    fn rename_to_number(&mut self) -> Result<PathBuf, AppendError> {
        let log = self.read.log.clone();
        let told = |error| AppendError::io("renamed", &log, error);
        let old = old_logs(&self.rim, &log).map_err(told)?;
        let mut number = old.last().map_or(1, |(number, _)| number + 1);
        loop {
            let kept = with_suffix(&log, &format!(".{number}"));
            match self.rim.storage.rename_new(&log, &kept) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                result => {
                    result.map_err(told)?;
                    return Ok(kept);
                }
            }
        }
    }

    /// A damaged log becomes an old one, and a new one continues it.
    fn begin_after_damage(&mut self, problem: &str) -> Result<(), AppendError> {
        let old = self.read.clone();
        self.held = None;
        self.anchor = None;
        let kept = self.rename_to_number()?;
        self.notices.push(format!(
            "{} is damaged ({problem}); it is kept as {}, and a new log was begun",
            old.log.display(),
            kept.display()
        ));
        self.begin_behind(&kept, &old)
    }

    /// Begin a new log that continues one that has another name by now.
    fn begin_behind(&mut self, old: &Path, old_read: &ReadLog) -> Result<(), AppendError> {
        let log = self.read.log.clone();
        let id = match &old_read.header {
            Some(header) => header.id.clone(),
            // There is nothing to continue.
            None => {
                self.read = ReadLog::missing(&self.subject, &log);
                self.written = 0;
                return Ok(());
            }
        };
        let name = old.file_name().unwrap_or_default().to_owned();
        let (bytes, _) = self.continuing(name, id, old_read)?;
        self.put_in_place(&bytes)?;
        self.forget(&log);
        Ok(())
    }

    /// The header of a log that continues another, as bytes.
    fn continuing(
        &self,
        after: OsString,
        id: String,
        old: &ReadLog,
    ) -> Result<(Vec<u8>, Header), AppendError> {
        let log = &self.read.log;
        let header = begin::header(
            &self.rim,
            &self.subject,
            log,
            &self.python,
            Some((after, id)),
        )
        .map_err(|error| AppendError::io("written", log, error))?;
        // A number that was given is not given again, even if the log that had it is gone.
        let anchor = Anchor::load(&self.rim, &self.subject.source);
        let anchor = anchor.filter(|anchor| anchor.log_id == header.id);
        let taken = anchor.map_or(0, |anchor| anchor.seq + 1);
        let seq = old.end.beyond.max(old.end.next).max(taken);
        let record = Record {
            seq,
            entry: Entry::Header(Box::new(header.clone())),
        };
        Ok((encode(&record, old.end.sum).0, header))
    }

    fn forget(&mut self, log: &Path) {
        self.read = ReadLog::missing(&self.subject, log);
        self.written = 0;
        self.held = None;
        self.anchor = None;
        self.is_introduced = false;
    }

    /// Begin a new log, because nothing of this one is pending any more. The old one is kept as `bank.py.log.1` (the
    /// first number that is free), and the new one continues its numbers.
    pub fn begin_anew(&mut self) -> Result<(), AppendError> {
        self.prepare()?;
        let Some(header) = self.read.header.clone() else {
            return Ok(());
        };
        // What is not durable yet must be before something is chained to it.
        let batch = self.batch(super::Commitment::None)?;
        self.write_durably(batch)?;
        let log = self.read.log.clone();
        let old = self.read.clone();
        let told = |error| AppendError::io("renamed", &log, error);
        let number = old_logs(&self.rim, &log).map_err(told)?;
        let number = number.last().map_or(1, |(number, _)| number + 1);
        let kept = with_suffix(&log, &format!(".{number}"));
        let name = kept.file_name().unwrap_or_default().to_owned();
        let (bytes, _) = self.continuing(name, header.id, &old)?;
        let temporary = with_suffix(&log, ".new");
        let storage = self.rim.storage.clone();
        write_new(&*storage, &temporary, &bytes)
            .map_err(|error| AppendError::io("written", &temporary, error))?;
        storage.rename_new(&log, &kept).map_err(told)?;
        if let Err(error) = storage.rename_new(&temporary, &log) {
            // Go on as before, if that is possible; else the next change finds the old log under its new name.
            let _ = storage.rename_new(&kept, &log);
            return Err(told(error));
        }
        storage
            .sync_directory(log.parent().unwrap_or(&log))
            .map_err(told)?;
        self.forget(&log);
        self.notices.push(format!(
            "{} goes on; what was folded is kept in {}",
            log.display(),
            kept.display()
        ));
        self.find_again()?;
        self.cast_anchor();
        Ok(())
    }
}

/// Keep the bytes of a torn tail in a new file beside the log.
fn keep(rim: &crate::rim::Rim, log: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let suffix = if number == 1 {
            ".torn".to_owned()
        } else {
            format!(".torn.{number}")
        };
        let path = with_suffix(log, &suffix);
        match rim.storage.open(&path, Access::CreateNew(0o600)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
            Ok(mut file) => {
                let written = file.append(bytes).and_then(|()| file.sync());
                if let Err(error) = written {
                    let _ = rim.storage.remove(&path);
                    return Err(error);
                }
                rim.storage.sync_directory(log.parent().unwrap_or(log))?;
                return Ok(path);
            }
        }
    }
}

impl From<ReadError> for AppendError {
    fn from(error: ReadError) -> Self {
        AppendError::Open(OpenError::Read(error))
    }
}
