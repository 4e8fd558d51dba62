//! Why a log cannot be opened or written, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::read::ReadError;

/// A log could not be opened for writing.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process writes it.
    #[error(
        "{} is written by {holder}; \
         end that process, or make the change there",
        log.display()
    )]
    InUse {
        /// The log.
        log: PathBuf,
        /// Who has it, in words.
        holder: String,
    },
    /// A newer relive wrote it.
    #[error(
        "{} is of version {version}, and this relive writes version 1; \
         update relive, or move the log away to begin a new one",
        log.display()
    )]
    Newer {
        /// The log.
        log: PathBuf,
        /// Its version.
        version: u32,
    },
    /// There is no place where it could stand.
    #[error("no change can be logged for {}: {why}; {}", source_file.display(), hint(why))]
    NoPlace {
        /// The source.
        source_file: PathBuf,
        /// Why not.
        why: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

fn hint(why: &str) -> &'static str {
    if why.contains("Permission") || why.contains("Read-only") {
        "make the directory writable, or point RELIVE_HOME to one that is"
    } else {
        "move it away, or point RELIVE_HOME elsewhere"
    }
}

/// A change could not be made durable. Nothing of it is in the log, and it must not be applied.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The log cannot be opened any more.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The process is a fork of the one that opened the log.
    #[error(
        "this process was forked from the one that writes {}, and cannot write it; \
         make the change in process {owner}",
        log.display()
    )]
    Forked {
        /// The log.
        log: PathBuf,
        /// The process that opened it.
        owner: u32,
    },
    /// The log was closed.
    #[error("{} was closed; open it again to log a change", log.display())]
    Closed {
        /// The log.
        log: PathBuf,
    },
    /// The change is too large.
    #[error("the change is too large for a log: {what} has more than {limit}; make it in parts")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How large it may be.
        limit: &'static str,
    },
    /// There is no room.
    #[error(
        "the change is not made, because there is no room for it in {}: {source}; \
         free some space and make it again",
        path.display()
    )]
    Full {
        /// The log.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key that signs changes cannot be made or read.
    #[error("the change is not made, because it cannot be signed with {}: {source}", path.display())]
    Key {
        /// The key.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses.
    #[error(
        "the change is not made, because {} cannot be {what}: {source}; \
         look at the disk and its permissions, and make the change again",
        path.display()
    )]
    Io {
        /// What was tried: `written`, `synced` ….
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl AppendError {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => AppendError::Full { path, source },
            _ => AppendError::Io { what, path, source },
        }
    }
}
