//! The real disk, the real clock, this process.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where the outside world begins"
)]

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs as raw;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, RenameFlags};

use super::{Access, Clock, File, FileKind, FileStatus, Storage};
use crate::rim::Process;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Storage for Disk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        // Without NONBLOCK, opening a pipe would wait for its other end.
        let common = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let (flags, mode) = match access {
            Access::Read => (OFlags::RDONLY, Mode::empty()),
            Access::Write => (OFlags::RDWR, Mode::empty()),
            Access::CreateNew(mode) => (
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
                Mode::from_raw_mode(mode as _),
            ),
        };
        let descriptor = retry(|| raw::openat(CWD, path, common | flags, mode))?;
        Ok(Box::new(DiskFile {
            file: fs::File::from(descriptor),
            is_appending: false,
        }))
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        Ok(status_of(&raw::statat(
            CWD,
            path,
            AtFlags::SYMLINK_NOFOLLOW,
        )?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(raw::renameat(CWD, from, CWD, to)?)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match raw::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system without that flag. A second name is refused as well if it is taken.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                raw::linkat(CWD, from, CWD, to, AtFlags::empty())?;
                Ok(raw::unlinkat(CWD, from, AtFlags::empty())?)
            }
            result => Ok(result?),
        }
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        Ok(raw::renameat_with(
            CWD,
            one,
            CWD,
            other,
            RenameFlags::EXCHANGE,
        )?)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Ok(raw::unlinkat(CWD, path, AtFlags::empty())?)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let descriptor = retry(|| raw::openat(CWD, directory, flags, Mode::empty()))?;
        match fs::File::from(descriptor).sync_all() {
            // Some file systems cannot do that, and do not need it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        }
    }

    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    fn process(&self) -> u32 {
        rustix::process::getpid()
            .as_raw_nonzero()
            .get()
            .unsigned_abs()
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            let flags = rustix::rand::GetRandomFlags::empty();
            filled += retry(|| rustix::rand::getrandom(&mut buffer[filled..], flags))?;
        }
        Ok(())
    }
}

struct DiskFile {
    file: fs::File,
    is_appending: bool,
}

impl File for DiskFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.set_appending(true)?;
        // One call to the system, unless it writes less than it was given; then the next call says why.
        self.file.write_all(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // Linux ignores the offset of a descriptor that appends.
        self.set_appending(false)?;
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }

    fn status(&self) -> io::Result<FileStatus> {
        Ok(status_of(&raw::fstat(&self.file)?))
    }

    fn lock(&mut self) -> io::Result<bool> {
        match retry(|| raw::flock(&self.file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn unlock(&mut self) -> io::Result<()> {
        Ok(raw::flock(&self.file, FlockOperation::Unlock)?)
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        Ok(raw::fchmod(&self.file, Mode::from_raw_mode(mode as _))?)
    }
}

impl DiskFile {
    /// Let writes go to the end, wherever it is by then, so that nothing of another tool's is written over.
    fn set_appending(&mut self, is_appending: bool) -> io::Result<()> {
        if self.is_appending != is_appending {
            let flags = if is_appending {
                OFlags::APPEND
            } else {
                OFlags::empty()
            };
            raw::fcntl_setfl(&self.file, flags)?;
            self.is_appending = is_appending;
        }
        Ok(())
    }
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the types of these fields differ between systems"
)]
fn status_of(stat: &raw::Stat) -> FileStatus {
    let kind = match raw::FileType::from_raw_mode(stat.st_mode) {
        raw::FileType::RegularFile => FileKind::Regular,
        raw::FileType::Directory => FileKind::Directory,
        raw::FileType::Symlink => FileKind::Link,
        _ => FileKind::Other,
    };
    FileStatus {
        kind,
        identity: (stat.st_dev as u64, stat.st_ino as u64),
        links: stat.st_nlink as u64,
        owner: stat.st_uid,
        mode: stat.st_mode as u32 & 0o7777,
        size: stat.st_size as u64,
    }
}

impl Clock for SystemClock {
    fn now(&self) -> String {
        format!("{:.3}", jiff::Timestamp::now())
    }
}

/// What this process is.
pub(crate) fn this_process() -> Process {
    let user = rustix::process::geteuid().as_raw();
    let name = ["LOGNAME", "USER"].iter().find_map(std::env::var_os);
    let host = rustix::system::uname().nodename().to_bytes().to_vec();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let boot: String = boot.chars().take(8).collect();
    Process {
        pid: Disk.process(),
        user,
        host: OsString::from_vec(host).to_string_lossy().into_owned(),
        boot: if boot.is_empty() {
            "-".to_owned()
        } else {
            boot
        },
        by: match name {
            Some(name) => name.to_string_lossy().into_owned(),
            None => user.to_string(),
        },
        about: fs::canonicalize(".").unwrap_or_default(),
    }
}
