//! Where the kernel is not asked: every drain looks at every file.
//!
//! The cost is one `stat` a file and drain. A save that leaves size, identity and all times as they
//! were is not seen: on file systems with coarse clocks, a second write of the same length within
//! one tick. There is no descriptor to wait for. It never says [`Event::Rescan`].

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Event, WatchError, absolute};

/// Watches files by looking at them.
#[derive(Debug, Default)]
pub struct Watch {
    files: Vec<WatchedFile>,
    known: HashSet<PathBuf>,
}

#[derive(Debug)]
struct WatchedFile {
    given: PathBuf,
    absolute: PathBuf,
    /// As the file was last seen; `None` where there was none to see.
    stamp: Option<Stamp>,
}

/// What tells two states of a file apart without reading it.
#[derive(Debug, PartialEq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    identity: Identity,
}

impl Watch {
    /// Makes a watch without files. Cannot fail; the signature is that of the other backend.
    pub fn new() -> Result<Watch, WatchError> {
        Ok(Watch::default())
    }

    /// From now on changes of this file are reported, under this very path. A relative path is taken
    /// from the working directory of the first call. Doing it again does nothing.
    pub fn watch_file(&mut self, file: &Path) -> Result<(), WatchError> {
        if self.known.contains(file) {
            return Ok(());
        }
        let absolute = absolute(file)?;
        let stamp = stamp(&absolute);
        self.files.push(WatchedFile {
            given: file.to_path_buf(),
            absolute,
            stamp,
        });
        self.known.insert(file.to_path_buf());
        Ok(())
    }

    /// The files that look other than at the last drain, in the order they were first watched.
    pub fn drain(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for file in &mut self.files {
            let stamp = stamp(&file.absolute);
            if stamp != file.stamp {
                file.stamp = stamp;
                events.push(Event::Changed(file.given.clone()));
            }
        }
        events
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(file).ok()?;
    Some(Stamp {
        size: metadata.len(),
        modified: metadata.modified().ok(),
        identity: identity(&metadata),
    })
}

/// Device, inode, and the time of the last change of the inode (seconds, nanoseconds), which tells
/// even when a tool has set the other times back.
#[cfg(unix)]
type Identity = (u64, u64, i64, i64);

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

/// The time of creation: what is left without inodes.
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

#[cfg(not(unix))]
fn identity(metadata: &Metadata) -> Identity {
    metadata.created().ok()
}
