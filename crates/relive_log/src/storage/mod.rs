//! The outside world of a log: files and the clock, so that tests can give it another one.

mod disk;
pub mod memory;

pub(crate) use disk::this_process;
pub use disk::{Disk, SystemClock};

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A file system, as far as a log needs one. No call follows a symbolic link at the end of a path.
pub trait Storage: Send + Sync {
    /// Open a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>>;

    /// What stands at a path.
    fn status(&self, path: &Path) -> io::Result<FileStatus>;

    /// Give a file another name; what had that name is gone.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Give a file another name, unless something has that name already ([`io::ErrorKind::AlreadyExists`]).
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Exchange two names at one instant.
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()>;

    /// Remove a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Make what was created, renamed or removed in a directory durable.
    fn sync_directory(&self, directory: &Path) -> io::Result<()>;

    /// Make a directory for this user alone, with those above it, if it is not there.
    fn create_directory(&self, directory: &Path) -> io::Result<()>;

    /// The names in a directory.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// The path of a file without links, `.` and `..`. The file must be there.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;

    /// The number of the process that calls; a fork's child has another than its parent.
    fn process(&self) -> u32;

    /// Fill a buffer with bytes that nobody can guess.
    fn random(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// An open file.
pub trait File: Send + Sync {
    /// Read bytes from an offset on; fewer than the buffer holds at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// Write all bytes at the end. When this fails, some of them may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Write all bytes at an offset.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Make what was written durable.
    fn sync(&mut self) -> io::Result<()>;

    /// Cut the file off.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// What the file is, whatever has become of its path.
    fn status(&self) -> io::Result<FileStatus>;

    /// Lock it against other processes for as long as it is open; false if another has it.
    fn lock(&mut self) -> io::Result<bool>;

    /// Give the lock back, also where a fork's child has a copy of the open file.
    fn unlock(&mut self) -> io::Result<()>;

    /// Set its permission bits.
    fn set_mode(&mut self, mode: u32) -> io::Result<()>;
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading. Does not wait for the other end of a pipe.
    Read,
    /// For reading and writing.
    Write,
    /// For reading and writing, with these permission bits; it must not be there yet.
    CreateNew(u32),
}

/// What sort of file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Other,
}

/// What is known of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// What sort of file it is.
    pub kind: FileKind,
    /// The device and the inode: which file it is.
    pub identity: (u64, u64),
    /// How many names it has.
    pub links: u64,
    /// The user that owns it.
    pub owner: u32,
    /// The permission bits.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
}

/// What tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC, as `2026-08-25T10:11:02.114Z`.
    fn now(&self) -> String;
}
