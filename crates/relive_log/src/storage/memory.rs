//! A disk in memory that crashes, fills up and fails when it is told to: for tests of whoever writes logs.
//!
//! ```
//! use std::path::Path;
//! use relive_log::memory::MemoryDisk;
//! use relive_log::{Access, Storage};
//!
//! let disk = MemoryDisk::new();
//! disk.make_directory("/desk");
//! let mut file = disk.open(Path::new("/desk/a"), Access::CreateNew(0o600))?;
//! file.append(b"kept")?;
//! file.sync()?;
//! disk.sync_directory(Path::new("/desk"))?;
//! file.append(b"perhaps")?;
//! disk.crash(7);
//! assert!(disk.get("/desk/a").unwrap().starts_with(b"kept"));
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Access, Clock, File, FileKind, FileStatus, Storage};

/// The owner of files, until a test says otherwise.
pub const USER: u32 = 1000;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Inner>>);

/// A clock that goes on by a millisecond each time that it is looked at.
#[derive(Debug, Default)]
pub struct MemoryClock(Mutex<u64>);

#[derive(Default)]
struct Inner {
    nodes: Vec<Node>,
    /// The names as processes see them.
    names: BTreeMap<PathBuf, usize>,
    /// The names that a power loss would leave.
    durable_names: BTreeMap<PathBuf, usize>,
    /// What was done to names since; a power loss keeps the first some of these.
    name_changes: Vec<NameChange>,
    /// Open files of an earlier life are dead.
    life: u64,
    handles: u64,
    calls: u64,
    syncs: u64,
    fault: Option<Fault>,
    /// How many bytes can still be written.
    room: Option<u64>,
    /// What another tool appends to a file just before the next append.
    intrusion: Option<(PathBuf, Vec<u8>)>,
    process: u32,
    random: u64,
}

struct Node {
    kind: FileKind,
    mode: u32,
    owner: u32,
    extra_links: u64,
    /// As processes see it.
    bytes: Vec<u8>,
    /// Zeros that follow the bytes and take no memory.
    hollow: u64,
    /// As a power loss would leave it at least.
    durable: Vec<u8>,
    /// What was done since; a power loss keeps any part of it.
    changes: Vec<Change>,
    lock: Option<u64>,
    is_read_only: bool,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

enum NameChange {
    Set { path: PathBuf, node: usize },
    Remove { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    Exchange { one: PathBuf, other: PathBuf },
}

struct Fault {
    /// How many calls go well before.
    after: u64,
    kind: io::ErrorKind,
    /// Whether all later calls fail as well.
    lasts: bool,
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        let disk = MemoryDisk::default();
        disk.inner().process = 1;
        disk.make_directory("/");
        disk
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A test that failed while it held the lock has said so already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Make a directory with those above it.
    pub fn make_directory(&self, path: impl AsRef<Path>) {
        let mut inner = self.inner();
        for ancestor in path.as_ref().ancestors() {
            inner.make_directory(ancestor);
        }
    }

    /// Put a file, durable, or another content into one that is there.
    pub fn put(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        let mut inner = self.inner();
        let path = path.as_ref();
        let node = match inner.names.get(path) {
            Some(node) => *node,
            None => inner.add(path, Node::new(FileKind::Regular, 0o600)),
        };
        inner.durable_names.insert(path.to_owned(), node);
        let node = &mut inner.nodes[node];
        node.bytes = bytes.to_vec();
        node.durable = bytes.to_vec();
        node.changes.clear();
    }

    /// Put something that is no regular file.
    pub fn put_kind(&self, path: impl AsRef<Path>, kind: FileKind) {
        let mut inner = self.inner();
        let node = inner.add(path.as_ref(), Node::new(kind, 0o600));
        inner.durable_names.insert(path.as_ref().to_owned(), node);
    }

    /// Put zeros behind the bytes of a file, which take no memory.
    pub fn put_hollow(&self, path: impl AsRef<Path>, zeros: u64) {
        self.change(path, |node| node.hollow = zeros);
    }

    /// The bytes of a file, if it is there.
    pub fn get(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let inner = self.inner();
        let node = inner.names.get(path.as_ref())?;
        Some(inner.nodes[*node].bytes.clone())
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> Vec<PathBuf> {
        let inner = self.inner();
        let is_file = |node: &usize| inner.nodes[*node].kind == FileKind::Regular;
        let files = inner.names.iter().filter(|(_, node)| is_file(node));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// Give a file or directory other permission bits.
    pub fn set_mode(&self, path: impl AsRef<Path>, mode: u32) {
        self.change(path, |node| node.mode = mode);
    }

    /// Give a file to another user.
    pub fn set_owner(&self, path: impl AsRef<Path>, owner: u32) {
        self.change(path, |node| node.owner = owner);
    }

    /// Give a file more names.
    pub fn set_extra_links(&self, path: impl AsRef<Path>, links: u64) {
        self.change(path, |node| node.extra_links = links);
    }

    /// Let nothing be created, renamed or removed in a directory, or written into a file.
    pub fn set_read_only(&self, path: impl AsRef<Path>, is_read_only: bool) {
        self.change(path, |node| node.is_read_only = is_read_only);
    }

    fn change(&self, path: impl AsRef<Path>, change: impl FnOnce(&mut Node)) {
        let mut inner = self.inner();
        let node = inner.names.get(path.as_ref()).copied();
        if let Some(node) = node {
            change(&mut inner.nodes[node]);
        }
    }

    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    /// How many times a file or a directory was synced.
    pub fn syncs(&self) -> u64 {
        self.inner().syncs
    }

    /// Let a call fail: `after` calls from now, once. A write that fails has written half; after a sync that fails,
    /// what should have been synced is lost by a later crash, even if another sync succeeds (as on Linux).
    pub fn fail_call(&self, after: u64, kind: io::ErrorKind) {
        self.inner().fault = Some(Fault {
            after,
            kind,
            lasts: false,
        });
    }

    /// Let all calls fail, `after` calls from now on.
    pub fn fail_from(&self, after: u64, kind: io::ErrorKind) {
        self.inner().fault = Some(Fault {
            after,
            kind,
            lasts: true,
        });
    }

    /// No call fails any more.
    pub fn heal(&self) {
        let mut inner = self.inner();
        inner.fault = None;
        inner.room = None;
    }

    /// Let the disk be full when so many more bytes are written.
    pub fn set_room(&self, bytes: u64) {
        self.inner().room = Some(bytes);
    }

    /// Let another tool append to a file just before the next append of ours, when nobody looks any more.
    pub fn intrude(&self, path: impl AsRef<Path>, bytes: &[u8]) {
        self.inner().intrusion = Some((path.as_ref().to_owned(), bytes.to_vec()));
    }

    /// From now on, calls come from the process with this number.
    pub fn set_process(&self, process: u32) {
        self.inner().process = process;
    }

    /// The process is killed: its files are closed and its locks are gone; what was written is there.
    pub fn kill(&self) {
        let mut inner = self.inner();
        inner.life += 1;
        for node in &mut inner.nodes {
            node.lock = None;
        }
    }

    /// The machine loses power: what was synced is there, and any part of the rest, as `seed` has it.
    pub fn crash(&self, seed: u64) {
        self.kill();
        let mut inner = self.inner();
        let mut dice = Dice(seed ^ 0x9e37_79b9_7f4a_7c15);
        let changes = std::mem::take(&mut inner.name_changes);
        let kept = dice.below(changes.len() + 1);
        for change in &changes[..kept] {
            change.apply(&mut inner.durable_names);
        }
        inner.names = inner.durable_names.clone();
        for node in &mut inner.nodes {
            node.crash(&mut dice);
        }
        inner.fault = None;
        inner.room = None;
    }
}

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("MemoryDisk")
            .field(&self.files())
            .finish()
    }
}

/// A small generator of numbers, the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

impl Node {
    fn new(kind: FileKind, mode: u32) -> Self {
        Node {
            kind,
            mode,
            owner: USER,
            extra_links: 0,
            bytes: Vec::new(),
            hollow: 0,
            durable: Vec::new(),
            changes: Vec::new(),
            lock: None,
            is_read_only: false,
        }
    }

    fn sync(&mut self) {
        for change in self.changes.drain(..) {
            match change {
                Change::Truncate(size) => self.durable.resize(size, 0),
                Change::Write { offset, bytes } => overwrite(&mut self.durable, offset, &bytes),
            }
        }
    }

    /// Keep the first some of the changes; of each sector, what the first some of these have made of it. The file has
    /// its new size at most.
    fn crash(&mut self, dice: &mut Dice) {
        let changes = std::mem::take(&mut self.changes);
        let kept = dice.below(changes.len() + 1);
        let size = if dice.below(2) == 0 { 512 } else { 4096 };
        let luck = [0, 1, 2, 4][dice.below(4)];
        // How many of the changes each sector has seen.
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for (index, change) in changes.into_iter().take(kept).enumerate() {
            match change {
                Change::Truncate(size) => self.durable.resize(size, 0),
                Change::Write { offset, bytes } => {
                    let old_size = self.durable.len();
                    let end = offset + bytes.len();
                    self.durable.resize(old_size.max(end), 0);
                    let mut at = offset;
                    while at < end {
                        let sector = at / size;
                        let next = end.min((sector + 1) * size);
                        let seen = seen.entry(sector).or_insert_with(|| {
                            if dice.below(4) < luck {
                                kept
                            } else {
                                dice.below(kept)
                            }
                        });
                        if index < *seen {
                            let bytes = &bytes[at - offset..next - offset];
                            self.durable[at..next].copy_from_slice(bytes);
                        }
                        at = next;
                    }
                    if index + 1 == kept && end > old_size && dice.below(2) == 0 {
                        self.durable
                            .truncate(old_size + dice.below(end - old_size + 1));
                    }
                }
            }
        }
        self.bytes.clone_from(&self.durable);
    }
}

fn overwrite(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            NameChange::Set { path, node } => {
                names.insert(path.clone(), *node);
            }
            NameChange::Remove { path } => {
                names.remove(path);
            }
            NameChange::Rename { from, to } => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
            NameChange::Exchange { one, other } => {
                if let (Some(first), Some(second)) = (names.remove(one), names.remove(other)) {
                    names.insert(one.clone(), second);
                    names.insert(other.clone(), first);
                }
            }
        }
    }

    fn is_in(&self, directory: &Path) -> bool {
        let paths = match self {
            NameChange::Set { path, .. } | NameChange::Remove { path } => [path, path],
            NameChange::Rename { from, to } => [from, to],
            NameChange::Exchange { one, other } => [one, other],
        };
        paths.iter().any(|path| path.parent() == Some(directory))
    }
}

impl Inner {
    /// One more call; an error if it is to fail.
    fn call(&mut self) -> io::Result<()> {
        self.calls += 1;
        match &mut self.fault {
            Some(fault) if fault.after == 0 => {
                let kind = fault.kind;
                if !fault.lasts {
                    self.fault = None;
                }
                Err(io::Error::from(kind))
            }
            Some(fault) => {
                fault.after -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn make_directory(&mut self, path: &Path) {
        if !self.names.contains_key(path) {
            let node = self.add(path, Node::new(FileKind::Directory, 0o700));
            self.durable_names.insert(path.to_owned(), node);
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> usize {
        self.nodes.push(node);
        self.names.insert(path.to_owned(), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn node(&self, path: &Path) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The directory of a path must be there, and writable.
    fn check_directory(&self, path: &Path) -> io::Result<()> {
        let directory = self.node(path.parent().unwrap_or(path))?;
        if self.nodes[directory].is_read_only {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(())
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }

    fn status(&self, node: usize) -> FileStatus {
        let links = self.names.values().filter(|other| **other == node).count() as u64;
        let Node {
            kind,
            mode,
            owner,
            extra_links,
            bytes,
            hollow,
            ..
        } = &self.nodes[node];
        FileStatus {
            kind: *kind,
            identity: (1, node as u64),
            links: links + extra_links,
            owner: *owner,
            mode: *mode,
            size: bytes.len() as u64 + hollow,
        }
    }
}

impl Storage for MemoryDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let mut inner = self.inner();
        inner.call()?;
        let node = match access {
            Access::Read | Access::Write => inner.node(path)?,
            Access::CreateNew(mode) => {
                if inner.names.contains_key(path) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                inner.check_directory(path)?;
                let node = inner.add(path, Node::new(FileKind::Regular, mode));
                inner.name_changes.push(NameChange::Set {
                    path: path.to_owned(),
                    node,
                });
                node
            }
        };
        let found = &inner.nodes[node];
        match found.kind {
            FileKind::Link => return Err(io::Error::from_raw_os_error(40)),
            FileKind::Directory if access == Access::Write => {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            _ => {}
        }
        if access == Access::Write && found.is_read_only {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        inner.handles += 1;
        let (life, handle) = (inner.life, inner.handles);
        Ok(Box::new(MemoryFile {
            disk: self.clone(),
            node,
            life,
            handle,
        }))
    }

    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        let mut inner = self.inner();
        inner.call()?;
        let node = inner.node(path)?;
        Ok(inner.status(node))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        inner.node(from)?;
        inner.check_directory(from)?;
        inner.check_directory(to)?;
        inner.change_name(NameChange::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.inner().names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        inner.node(one)?;
        inner.node(other)?;
        inner.check_directory(one)?;
        inner.check_directory(other)?;
        inner.change_name(NameChange::Exchange {
            one: one.to_owned(),
            other: other.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        inner.node(path)?;
        inner.check_directory(path)?;
        inner.change_name(NameChange::Remove {
            path: path.to_owned(),
        });
        Ok(())
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        inner.syncs += 1;
        let changes = std::mem::take(&mut inner.name_changes);
        for change in changes {
            if change.is_in(directory) {
                change.apply(&mut inner.durable_names);
            } else {
                inner.name_changes.push(change);
            }
        }
        Ok(())
    }

    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        for ancestor in directory.ancestors() {
            inner.make_directory(ancestor);
        }
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut inner = self.inner();
        inner.call()?;
        inner.node(directory)?;
        let names = inner
            .names
            .keys()
            .filter(|path| path.parent() == Some(directory));
        Ok(names
            .filter_map(|path| path.file_name())
            .map(OsString::from)
            .collect())
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        let mut inner = self.inner();
        inner.call()?;
        let mut canonical = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::Normal(name) => canonical.push(name),
                Component::ParentDir => {
                    canonical.pop();
                }
                _ => {}
            }
        }
        inner.node(&canonical)?;
        Ok(canonical)
    }

    fn process(&self) -> u32 {
        self.inner().process
    }

    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.call()?;
        let mut dice = Dice(inner.random);
        buffer.fill_with(|| dice.next() as u8);
        inner.random = dice.next();
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    node: usize,
    life: u64,
    handle: u64,
}

impl MemoryFile {
    fn call(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let mut inner = self.disk.inner();
        if inner.life != self.life {
            return Err(io::Error::other(
                "the process that opened this file is dead",
            ));
        }
        inner.call()?;
        Ok(inner)
    }
}

impl File for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = self.call()?;
        let node = &inner.nodes[self.node];
        if node.kind == FileKind::Directory {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let size = node.bytes.len() as u64 + node.hollow;
        let count = buffer.len().min(size.saturating_sub(offset) as usize);
        buffer[..count].fill(0);
        if let Some(bytes) = node.bytes.get(offset as usize..) {
            let count = count.min(bytes.len());
            buffer[..count].copy_from_slice(&bytes[..count]);
        }
        Ok(count)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = {
            let mut inner = self.disk.inner();
            if let Some((path, stray)) = inner.intrusion.take()
                && inner.names.get(&path) == Some(&self.node)
            {
                inner.nodes[self.node].bytes.extend_from_slice(&stray);
            }
            inner.nodes[self.node].bytes.len() as u64
        };
        self.write_at(end, bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let (written, error) = match self.call() {
            Ok(inner) => match inner.room {
                Some(room) if room < bytes.len() as u64 => {
                    (room as usize, Some(io::ErrorKind::StorageFull.into()))
                }
                _ => (bytes.len(), None),
            },
            Err(error) => (bytes.len() / 2, Some(error)),
        };
        let mut inner = self.disk.inner();
        if inner.life != self.life {
            return Err(io::Error::other(
                "the process that opened this file is dead",
            ));
        }
        if let Some(room) = &mut inner.room {
            *room -= (written as u64).min(*room);
        }
        let bytes = bytes[..written].to_vec();
        let node = &mut inner.nodes[self.node];
        overwrite(&mut node.bytes, offset as usize, &bytes);
        node.changes.push(Change::Write {
            offset: offset as usize,
            bytes,
        });
        error.map_or(Ok(()), Err)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.call() {
            Ok(mut inner) => {
                inner.nodes[self.node].sync();
                inner.syncs += 1;
                Ok(())
            }
            Err(error) => {
                // Linux takes what it could not write for written: it is lost, and no later sync says so.
                let mut inner = self.disk.inner();
                if inner.life == self.life {
                    inner.nodes[self.node].changes.clear();
                }
                Err(error)
            }
        }
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        let mut inner = self.call()?;
        let node = &mut inner.nodes[self.node];
        let size = size as usize;
        let freed = node.bytes.len().saturating_sub(size) as u64;
        node.bytes.resize(size, 0);
        node.changes.push(Change::Truncate(size));
        if let Some(room) = &mut inner.room {
            *room += freed;
        }
        Ok(())
    }

    fn status(&self) -> io::Result<FileStatus> {
        let inner = self.call()?;
        Ok(inner.status(self.node))
    }

    fn lock(&mut self) -> io::Result<bool> {
        let handle = self.handle;
        let mut inner = self.call()?;
        let node = &mut inner.nodes[self.node];
        if node.lock.is_some_and(|other| other != handle) {
            return Ok(false);
        }
        node.lock = Some(handle);
        Ok(true)
    }

    fn unlock(&mut self) -> io::Result<()> {
        let handle = self.handle;
        let mut inner = self.call()?;
        let node = &mut inner.nodes[self.node];
        node.lock = node.lock.filter(|other| *other != handle);
        Ok(())
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        let mut inner = self.call()?;
        inner.nodes[self.node].mode = mode;
        Ok(())
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut inner = self.disk.inner();
        let node = &mut inner.nodes[self.node];
        if node.lock == Some(self.handle) {
            node.lock = None;
        }
    }
}

impl Clock for MemoryClock {
    fn now(&self) -> String {
        let mut milliseconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *milliseconds += 1;
        let seconds = *milliseconds / 1000;
        format!(
            "2026-08-25T{:02}:{:02}:{:02}.{:03}Z",
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            *milliseconds % 1000
        )
    }
}
