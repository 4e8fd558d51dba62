//! What stands where a log should be written.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::error::OpenError;
use crate::place::{Opened, Subject, directory_distrust, open_log};
use crate::read::{ReadError, analyse, read_one};
use crate::reading::{ReadLog, Tail};
use crate::record::Entry;
use crate::rim::Rim;
use crate::storage::{Access, File, Storage};

/// How often a log is opened again that is renamed at the same time.
const ATTEMPTS: usize = 5;

/// A log that is open and locked.
pub(super) struct Held {
    pub(super) file: Box<dyn File>,
    /// Which file it is.
    pub(super) identity: (u64, u64),
    /// How large it is.
    pub(super) size: u64,
    /// How much of it is certainly on the disk.
    pub(super) synced_size: u64,
    /// Whether its name is not certainly on the disk yet.
    pub(super) is_new: bool,
    /// From where on what was found in it is not certainly on the disk.
    pub(super) unproven: Option<u64>,
    storage: Arc<dyn Storage>,
    /// The process that has the lock.
    owner: u32,
}

impl Held {
    /// A file that this process has locked.
    pub(super) fn new(rim: &Rim, file: Box<dyn File>, identity: (u64, u64)) -> Self {
        Held {
            file,
            identity,
            size: 0,
            synced_size: 0,
            is_new: true,
            unproven: None,
            storage: rim.storage.clone(),
            owner: rim.storage.process(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing is not enough: a program that is just being started may have a copy, and the lock lives as long as any.
        // A fork's child must not do this, since it is its parent's lock.
        if self.storage.process() == self.owner {
            let _ = self.file.unlock();
        }
    }
}

/// What was found.
pub(super) enum Probe {
    /// Nothing, and a log may stand there.
    Missing,
    /// Something that is not to be touched, or a place where nothing is to be written; why.
    Unfit(String),
    /// A log, locked.
    Ready(Held, Box<ReadLog>),
}

/// Look what stands at the path of a log, and lock it.
pub(super) fn probe(rim: &Rim, subject: &Subject, log: &Path) -> Result<Probe, OpenError> {
    let told = |source| {
        OpenError::Read(ReadError {
            path: log.to_owned(),
            source,
        })
    };
    for _ in 0..ATTEMPTS {
        let (mut file, status) = match open_log(rim, log, Access::Write) {
            Ok(Opened::Missing) => {
                let distrust = directory_distrust(rim, log).map_err(told)?;
                return Ok(distrust.map_or(Probe::Missing, Probe::Unfit));
            }
            Ok(Opened::Unfit(why))
            | Ok(Opened::File {
                distrust: Some(why),
                ..
            }) => {
                return Ok(Probe::Unfit(why));
            }
            Ok(Opened::File {
                file,
                status,
                distrust: None,
            }) => (file, status),
            Err(error) if is_refusal(&error) => return Ok(Probe::Unfit(error.to_string())),
            Err(error) => return Err(told(error)),
        };
        if !file.lock().map_err(told)? {
            return Err(in_use(rim, subject, log));
        }
        // It may have been renamed before it was locked.
        match rim.storage.status(log) {
            Ok(now) if now.identity == status.identity => {}
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(told(error)),
        }
        let read = analyse(rim, subject, log, &*file, None, true).map_err(told)?;
        return match read.tail {
            Tail::Foreign { problem } => Ok(Probe::Unfit(problem)),
            Tail::Newer { version } => Err(OpenError::Newer {
                log: log.to_owned(),
                version,
            }),
            _ => {
                // Its name may not be on the disk either, if whoever made it has died.
                let mut held = Held::new(rim, file, status.identity);
                held.size = read.end.size;
                held.synced_size = read.end.verified;
                held.unproven = Some(read.end.proven);
                Ok(Probe::Ready(held, Box::new(read)))
            }
        };
    }
    Err(told(io::Error::other("it is renamed again and again")))
}

/// Whether nothing may be written here, so that the log has to stand elsewhere.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// The error where another process has the lock.
pub(super) fn in_use(rim: &Rim, subject: &Subject, log: &Path) -> OpenError {
    let read = read_one(rim, subject, log).ok();
    let session = read
        .iter()
        .flat_map(|read| read.records.iter().rev())
        .find_map(|record| match &record.entry {
            Entry::Session(session) => Some(session.clone()),
            _ => None,
        });
    let holder = match session {
        Some(session) => format!(
            "another process (number {} on {}, session {})",
            session.pid, session.host, session.session
        ),
        None => "another process".to_owned(),
    };
    OpenError::InUse {
        log: log.to_owned(),
        holder,
    }
}
