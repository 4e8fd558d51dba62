//! Says which source files may have changed.
//!
//! A [`Watch`] is given the files of the live modules and is drained when the session wants to know:
//! it starts no thread, waits for nothing and reads no file. What it reports is a suspicion; the
//! session compares contents. So a file must be watched *before* it is read, and read *after* the
//! drain that reports it: then no save falls between.
//!
//! **Invariant:** nothing here knows what the files contain, or any other crate of relive.
//!
//! On Linux the kernel is asked ([inotify]), elsewhere every file is looked at in every drain
//! ([`poll`]). Both keep the same contract, tested by the same table of ways of saving.
//!
//! Not seen on Linux, because inotify does not tell: writes through a memory map, through another
//! hard link in a directory that is not watched, or on another machine of a network file system; a
//! file system mounted over a watched directory; and what happens in a directory on the way to a
//! watched one that this user may pass through but not list.
//!
//! # Forks
//!
//! A forked child inherits the inotify descriptor and shares its queue: what the child drains, the
//! parent never sees, and what it watches, the parent gets events of. A child must drop its `Watch`
//! (which closes its copy of the descriptor and leaves the parent's alone) and may make a new one.
//! An executed program inherits nothing.
//!
//! [inotify]: https://man7.org/linux/man-pages/man7/inotify.7.html
#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
mod inotify;
pub mod poll;

#[cfg(target_os = "linux")]
pub use inotify::Watch;
#[cfg(not(target_os = "linux"))]
pub use poll::Watch;

/// What a drain has to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// This file, named as it was given to `watch_file`, may have other contents, or be gone, or be
    /// there again.
    Changed(PathBuf),
    /// Every watched file may have changed: the kernel's queue overflowed, or a directory on the way
    /// to a watched file was removed, moved, made or linked elsewhere. Comes alone.
    Rescan,
}

/// Why a file is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// This user, or this process, has as many inotify instances or open files as allowed.
    #[error(
        "cannot watch files: {source}; close programs that watch files, or raise the limits: \
         `sudo sysctl fs.inotify.max_user_instances=1024` and `ulimit -n`"
    )]
    TooManyInstances {
        /// What the system said.
        source: io::Error,
    },
    /// This user has as many inotify watches as allowed; one is needed for each directory.
    #[error(
        "cannot watch the directory {}: no inotify watch is left; close programs that watch files, or \
         raise the limit: `sudo sysctl fs.inotify.max_user_watches=524288`",
        directory.display()
    )]
    TooManyWatches {
        /// The directory that is not watched.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory cannot be watched for another reason, mostly that it may not be read.
    #[error("cannot watch the directory {}: {source}", directory.display())]
    Directory {
        /// The directory that is not watched.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path does not say where a file is: it has no last name, or is relative while the working
    /// directory is gone.
    #[error("cannot watch {}: {source}", file.display())]
    Path {
        /// The path as it was given.
        file: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The kernel has no inotify, or no memory.
    #[error("cannot watch files: {source}")]
    Unavailable {
        /// What the system said.
        source: io::Error,
    },
}

/// The file's path from the root, symbolic links and `..` untouched: what it stands for even after
/// the program changes its working directory.
fn absolute(file: &Path) -> Result<PathBuf, WatchError> {
    let result = match file.file_name() {
        Some(_) => std::path::absolute(file),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not the path of a file",
        )),
    };
    result.map_err(|source| WatchError::Path {
        file: file.to_path_buf(),
        source,
    })
}
