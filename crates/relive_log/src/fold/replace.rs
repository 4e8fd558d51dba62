//! A new source put in the place of the old one, such that nothing is lost when the process is killed or somebody
//! saves the file at the same time.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::FoldError;
use crate::log::{Log, file_hash};
use crate::record::{Entry, FoldBegin};
use crate::rim::Rim;
use crate::storage::{Access, FileKind, FileStatus};
use crate::tail::for_each_part;

/// How often somebody may save the file while it is put back as it was saved.
const ATTEMPTS: usize = 8;

/// The largest source that is folded.
const LARGEST: u64 = 1 << 30;

/// A source file as it was read.
pub(super) struct SourceFile {
    /// Its path, without links.
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
    status: FileStatus,
}

impl SourceFile {
    pub(super) fn read(rim: &Rim, source: &Path) -> Result<Self, FoldError> {
        let gone = |path: &Path, error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => FoldError::Gone {
                path: path.to_owned(),
            },
            _ => failed("read", path, error),
        };
        let path = rim
            .storage
            .canonical(source)
            .map_err(|error| gone(source, error))?;
        let status = rim
            .storage
            .status(&path)
            .map_err(|error| gone(&path, error))?;
        if status.kind != FileKind::Regular {
            return Err(FoldError::NoFile { path });
        }
        let bytes = content(rim, &path).map_err(|error| gone(&path, error))?;
        Ok(Self {
            path,
            bytes,
            status,
        })
    }

    fn check_writable(&self, rim: &Rim) -> Result<(), FoldError> {
        let path = || self.path.clone();
        if self.status.owner != rim.process.user {
            return Err(FoldError::Owner { path: path() });
        }
        if self.status.mode & 0o200 == 0 {
            return Err(FoldError::ReadOnly { path: path() });
        }
        Ok(())
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> FoldError {
    FoldError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

fn content(rim: &Rim, path: &Path) -> io::Result<Vec<u8>> {
    let file = rim.storage.open(path, Access::Read)?;
    let status = file.status()?;
    if status.kind != FileKind::Regular || status.size > LARGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    for_each_part(&*file, 0, status.size, |part| bytes.extend_from_slice(part))?;
    Ok(bytes)
}

/// The file that the new source is written to: one for each source, so that it is found again after a crash.
fn temporary(source: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(source.file_name().unwrap_or_default());
    name.push(".relive-fold");
    source.with_file_name(name)
}

fn directory(source: &Path) -> &Path {
    source.parent().unwrap_or(source)
}

/// New bytes for a source.
pub(super) struct Replacement<'a> {
    pub(super) rim: &'a Rim,
    pub(super) file: &'a SourceFile,
    pub(super) bytes: &'a [u8],
}

impl Replacement<'_> {
    /// Put them in place, between `fold-begin` and `fold-end`. What the user should know, if anything.
    pub(super) fn make(&self, log: &mut Log, of: &[u64]) -> Result<Option<String>, FoldError> {
        self.file.check_writable(self.rim)?;
        let from = file_hash(&self.file.bytes);
        let to = file_hash(self.bytes);
        let begin = log.begin_fold(&from, &to, of)?;
        let path = &self.file.path;
        if from != to
            && let Err(error) = self.put_in_place()?
        {
            // As long as the fold is not ended, it is looked after when the log is opened.
            return Ok(Some(format!(
                "{} is written, and {} could not be removed: {error}",
                path.display(),
                temporary(path).display()
            )));
        }
        let ended = log.end_fold(begin);
        Ok(ended.err().map(|error| {
            format!(
                "{} is written, and the log could not be told: {error}",
                path.display()
            )
        }))
    }

    /// Exchange the source for its new text, and remove the old one; what comes out tells whether that was possible.
    fn put_in_place(&self) -> Result<io::Result<()>, FoldError> {
        let path = &self.file.path;
        let temporary = temporary(path);
        let storage = &*self.rim.storage;
        self.write(&temporary).inspect_err(|_| {
            let _ = storage.remove(&temporary);
        })?;
        let told = |error| failed("replaced", path, error);
        match storage.exchange(&temporary, path) {
            Ok(()) => {}
            Err(error) if is_unknown(&error) => return self.rename(&temporary).map(Ok),
            Err(error) => {
                let _ = storage.remove(&temporary);
                return Err(match error.kind() {
                    io::ErrorKind::NotFound => FoldError::Gone { path: path.clone() },
                    _ => told(error),
                });
            }
        }
        let settled = settle(self.rim, path, &temporary, self.bytes, &self.file.bytes)
            .and_then(|stands| storage.sync_directory(directory(path)).map(|()| stands));
        let stands = settled.map_err(|error| {
            // What came out goes back, whatever it is.
            if content(self.rim, path).ok().as_deref() == Some(self.bytes)
                && storage.exchange(&temporary, path).is_ok()
            {
                let _ = storage.remove(&temporary);
            }
            told(error)
        })?;
        let removed = storage
            .remove(&temporary)
            .and_then(|()| storage.sync_directory(directory(path)));
        if stands {
            Ok(removed)
        } else {
            Err(FoldError::Saved { path: path.clone() })
        }
    }

    fn write(&self, temporary: &Path) -> Result<(), FoldError> {
        let storage = &*self.rim.storage;
        let told = |error| failed("written", temporary, error);
        let mode = self.file.status.mode & 0o7777;
        let opened = match storage.open(temporary, Access::CreateNew(mode)) {
            // One that is still there has been dealt with: a fold that was not ended is looked after first.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                storage.remove(temporary).map_err(told)?;
                storage.open(temporary, Access::CreateNew(mode))
            }
            opened => opened,
        };
        let mut file = opened.map_err(told)?;
        file.set_mode(mode).map_err(told)?;
        file.append(self.bytes).map_err(told)?;
        file.sync().map_err(told)?;
        if content(self.rim, &self.file.path).ok().as_ref() != Some(&self.file.bytes) {
            return Err(FoldError::Saved {
                path: self.file.path.clone(),
            });
        }
        Ok(())
    }

    /// Where two names cannot be exchanged. A save in the instant between the look and this would be lost; there is no
    /// better way on such a file system.
    fn rename(&self, temporary: &Path) -> Result<(), FoldError> {
        let path = &self.file.path;
        let storage = &*self.rim.storage;
        let renamed = storage
            .rename(temporary, path)
            .and_then(|()| storage.sync_directory(directory(path)));
        renamed.map_err(|error| {
            let _ = storage.remove(temporary);
            failed("replaced", path, error)
        })
    }
}

fn is_unknown(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
    )
}

/// After an exchange that has put `placed` at `path`: if what came out is not `expected`, it was saved in between, and
/// is put back; and so on, if it is saved again. Whether the exchange stands.
fn settle(
    rim: &Rim,
    path: &Path,
    temporary: &Path,
    placed: &[u8],
    expected: &[u8],
) -> io::Result<bool> {
    let mut placed = placed.to_vec();
    let mut expected = expected.to_vec();
    let mut stands = true;
    for _ in 0..ATTEMPTS {
        let out = content(rim, temporary)?;
        if out == expected {
            return Ok(stands);
        }
        rim.storage.exchange(temporary, path)?;
        stands = false;
        expected = std::mem::replace(&mut placed, out);
    }
    Ok(false)
}

/// Put a log in order whose process was killed while it folded: to be called when the log is opened. What the user
/// should know, if anything.
///
/// The source is the old or the new one by now. If it is the new one, the fold is ended; if a save came between, that
/// is put back.
pub fn recover_fold(rim: &Rim, log: &mut Log) -> Result<Option<String>, FoldError> {
    let Some((begin, fold)) = unfinished(log) else {
        return Ok(None);
    };
    let path = log.source().to_owned();
    let temporary = temporary(&path);
    let Ok(now) = content(rim, &path) else {
        return Ok(None);
    };
    let left = content(rim, &temporary).ok();
    let hash = file_hash(&now);
    let left_hash = left.as_deref().map(file_hash);
    let is_left = |hash: &str| left_hash.as_deref() == Some(hash);
    let told = |error| failed("put in order", &path, error);
    let storage = &*rim.storage;
    let mut notice = None;
    let has_happened = if hash == fold.to {
        match &left {
            Some(saved) if !is_left(&fold.from) && !is_left(&fold.to) => {
                storage.exchange(&temporary, &path).map_err(told)?;
                settle(rim, &path, &temporary, saved, &now).map_err(told)?;
                notice = Some(format!(
                    "{} was saved while it was folded; what was saved is there, and the changes are still pending",
                    path.display()
                ));
                false
            }
            _ => true,
        }
    } else {
        // What came out of the exchange tells that there was one, before somebody saved the new source.
        is_left(&fold.from) && hash != fold.from
    };
    let is_known = is_left(&fold.from) || is_left(&fold.to);
    if left.is_some() && hash != fold.from && hash != fold.to && !is_known {
        // The beginning of a new source, or what somebody saved: nobody can tell.
        let kept = keep(rim, &path, &temporary).map_err(told)?;
        notice = Some(format!(
            "a fold of {} was interrupted, and the file saved since; what it left is kept in {}",
            path.display(),
            kept.display()
        ));
    } else if left.is_some() {
        storage.sync_directory(directory(&path)).map_err(told)?;
        storage.remove(&temporary).map_err(told)?;
    }
    // The names must be durable before the log says that they are.
    storage.sync_directory(directory(&path)).map_err(told)?;
    if has_happened {
        log.end_fold(begin)?;
    }
    Ok(notice)
}

/// The last fold that was begun, if it was not ended.
fn unfinished(log: &Log) -> Option<(u64, Box<FoldBegin>)> {
    let mut records = log.read().records.iter().rev();
    records.find_map(|record| match &record.entry {
        Entry::FoldEnd(_) => Some(None),
        Entry::FoldBegin(begin) => Some(Some((record.seq, begin.clone()))),
        _ => None,
    })?
}

fn keep(rim: &Rim, path: &Path, temporary: &Path) -> io::Result<PathBuf> {
    let mut number = 1;
    loop {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".relive-kept.{number}"));
        let kept = path.with_file_name(name);
        match rim.storage.rename_new(temporary, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            result => return result.map(|()| kept),
        }
    }
}
