//! Linux: an inotify descriptor of our own, read when asked.
//!
//! Directories are watched and names in them, not files: most editors save by putting a new inode in
//! the old one's place. The way to a watched file is looked up here as the kernel would do it, name
//! by name from the root, through every symbolic link, because each of those names can be made to
//! lead elsewhere.
//!
//! **Invariant:** a directory is watched before a name is looked up in it, and every name that was
//! looked up is registered with its directory. So whatever later leads a watched path elsewhere is in
//! the kernel's queue, and the ways are looked up again.
//!
//! **Invariant:** with nothing queued and no directory missing, a drain is one system call.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::{Errno, ioctl_fionread};

use crate::{Event, WatchError, absolute};

/// Watches files through inotify, without a thread. See the crate's documentation about forks.
pub struct Watch {
    descriptor: OwnedFd,
    files: Vec<WatchedFile>,
    known: HashSet<PathBuf>,
    ways: Ways,
}

struct WatchedFile {
    given: PathBuf,
    absolute: PathBuf,
}

/// Everything known about where the files are; thrown away and looked up again as a whole when a
/// name on the way to a file changes.
#[derive(Default)]
struct Ways {
    /// By watch descriptor, so that a directory reached under two paths is one entry.
    directories: HashMap<i32, Directory>,
    /// Where a path of a directory leads, so that its files share the walk; `None`: nowhere, now.
    places: HashMap<PathBuf, Option<Place>>,
    /// Directories that stand between a file and its watch, because they are not there or cannot be
    /// watched. Their return is mostly announced by an event, but not through a mount or in a parent
    /// that cannot be listed: so each drain looks.
    absent: BTreeSet<PathBuf>,
}

/// A watched directory.
struct Directory {
    /// Its path, free of symbolic links.
    path: PathBuf,
    /// Whether it is also watched for writes to its files.
    holds_files: bool,
    names: HashMap<OsString, Name>,
}

/// A name in a directory that the way to a watched file leads through, or ends at.
#[derive(Default)]
struct Name {
    /// The files, as indices, whose last name this is, directly or at the end of a link.
    files: Vec<usize>,
    /// Whether it stood for a directory (or should have): then any number of files depend on it.
    is_directory: bool,
    /// Whether a file's last name was a symbolic link when looked up.
    is_link: bool,
}

/// A directory as found from the root.
#[derive(Clone)]
struct Place {
    /// Its path, free of symbolic links.
    path: PathBuf,
    /// `None` where this user may pass through but not list.
    watch: Option<i32>,
}

/// What one reading of the queue amounts to.
#[derive(Default)]
struct Noticed {
    changed: BTreeSet<usize>,
    /// A file's link points elsewhere, or a link is a file now, or the reverse.
    relinked: bool,
    /// Events are missing, or a directory is another one than it was.
    lost: bool,
}

/// Links followed in one look-up before it counts as going in circles, as in the kernel.
const LINK_LIMIT: usize = 40;

/// Enough for a few hundred events; the kernel asks for room for one with the longest name.
const BUFFER_SIZE: usize = 16 * 1024;

/// The kernel's size of an event without a name, the least it can be.
const EVENT_SIZE: u64 = 16;

/// A name in the directory stands for something else now.
const RENAMED: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE);

/// For a directory on the way. Reading is no event, or each of our own reads would be one.
const ON_THE_WAY: WatchFlags = RENAMED
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF);

/// For a directory that holds watched files. MODIFY as well as CLOSE_WRITE, for the program that
/// writes and keeps the file open.
const HOLDING_FILES: WatchFlags = ON_THE_WAY
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE);

impl Watch {
    /// Opens an inotify descriptor, without files.
    pub fn new() -> Result<Watch, WatchError> {
        let descriptor = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(
            |errno| match errno {
                Errno::MFILE | Errno::NFILE => WatchError::TooManyInstances {
                    source: errno.into(),
                },
                _ => WatchError::Unavailable {
                    source: errno.into(),
                },
            },
        )?;
        Ok(Watch {
            descriptor,
            files: Vec::new(),
            known: HashSet::new(),
            ways: Ways::default(),
        })
    }

    /// From now on changes of this file are reported, under this very path. It need not exist, nor
    /// its directory. A relative path is taken from the working directory of the first call. Doing it
    /// again does nothing; after an error the file is not watched and it can be tried again.
    pub fn watch_file(&mut self, file: &Path) -> Result<(), WatchError> {
        if self.known.contains(file) {
            return Ok(());
        }
        let absolute = absolute(file)?;
        self.ways
            .register(&self.descriptor, self.files.len(), &absolute)?;
        self.files.push(WatchedFile {
            given: file.to_path_buf(),
            absolute,
        });
        self.known.insert(file.to_path_buf());
        Ok(())
    }

    /// Everything the kernel has queued by now: each changed file once, in the order they were first
    /// watched, or [`Event::Rescan`] alone. Does not wait.
    ///
    /// Where a directory that is there cannot be watched again (no watch is left, or it may not be
    /// read), every drain says `Rescan` until it can.
    pub fn drain(&mut self) -> Vec<Event> {
        let mut noticed = self.read_queue();
        noticed.lost |= self.ways.absent.iter().any(|directory| directory.is_dir());
        if noticed.lost || noticed.relinked {
            self.look_up_again();
        }
        if noticed.lost {
            return vec![Event::Rescan];
        }
        let changed = |index: usize| Event::Changed(self.files[index].given.clone());
        noticed.changed.into_iter().map(changed).collect()
    }

    /// The descriptor, for `poll`: readable when a drain would find something. It is for waiting
    /// only; what is read from it is lost. An event of a file that is not watched, but lies in the
    /// same directory, makes it readable too.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    /// Takes what was queued when it began, and not what a busy writer goes on adding.
    fn read_queue(&self) -> Noticed {
        let mut noticed = Noticed::default();
        let mut events_left = match ioctl_fionread(&self.descriptor) {
            Ok(size) => size / EVENT_SIZE,
            Err(_) => {
                noticed.lost = true;
                return noticed;
            }
        };
        let mut buffer = [MaybeUninit::uninit(); BUFFER_SIZE];
        let mut reader = Reader::new(&self.descriptor, &mut buffer);
        // What is already in the buffer has left the queue and must be looked at.
        while events_left > 0 || !reader.is_buffer_empty() {
            match reader.next() {
                Ok(event) => self.ways.notice(&event, &mut noticed),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(_) => {
                    noticed.lost = true;
                    break;
                }
            }
            events_left = events_left.saturating_sub(1);
        }
        noticed
    }

    /// Looks up all ways afresh and gives up the watches that are not on one any more. A file that
    /// cannot be watched now is tried again as long as its directory stands among the absent.
    fn look_up_again(&mut self) {
        let before = mem::take(&mut self.ways);
        for (index, file) in self.files.iter().enumerate() {
            if self
                .ways
                .register(&self.descriptor, index, &file.absolute)
                .is_err()
            {
                self.ways
                    .absent
                    .extend(file.absolute.parent().map(Path::to_path_buf));
            }
        }
        for watch in before.directories.into_keys() {
            if !self.ways.directories.contains_key(&watch) {
                // Fails where the kernel has dropped the watch with its directory.
                let _ = inotify::remove_watch(&self.descriptor, watch);
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Watch")
            .field("descriptor", &self.descriptor)
            .field("files", &self.files.len())
            .field("directories", &self.ways.directories.len())
            .field("absent", &self.ways.absent)
            .finish()
    }
}

impl Ways {
    /// Registers a file with every directory and name its path leads through.
    fn register(
        &mut self,
        descriptor: &OwnedFd,
        index: usize,
        file: &Path,
    ) -> Result<(), WatchError> {
        let mut names = Vec::new();
        let mut next = file.to_path_buf();
        for _ in 0..=LINK_LIMIT {
            let (Some(parent), Some(name)) = (next.parent(), next.file_name()) else {
                break;
            };
            let Some(place) = self.locate(descriptor, parent, LINK_LIMIT)? else {
                break;
            };
            let watch = self.hold_files(descriptor, &place)?;
            let target = fs::read_link(place.path.join(name)).ok();
            names.push((watch, name.to_os_string(), target.is_some()));
            let Some(target) = target else { break };
            next = place.path.join(target);
        }
        // Only now, so that an error leaves no half-registered file behind.
        for (watch, name, is_link) in names {
            if let Some(name) = self.name(watch, &name) {
                name.files.push(index);
                name.is_link |= is_link;
            }
        }
        Ok(())
    }

    /// Where the path of a directory leads, `None` if nowhere; found once, then remembered.
    fn locate(
        &mut self,
        descriptor: &OwnedFd,
        path: &Path,
        links_left: usize,
    ) -> Result<Option<Place>, WatchError> {
        if let Some(place) = self.places.get(path) {
            return Ok(place.clone());
        }
        let place = self.look_up(descriptor, path, links_left)?;
        self.places.insert(path.to_path_buf(), place.clone());
        Ok(place)
    }

    fn look_up(
        &mut self,
        descriptor: &OwnedFd,
        path: &Path,
        links_left: usize,
    ) -> Result<Option<Place>, WatchError> {
        let Some(parent) = path.parent() else {
            let watch = self
                .watch(descriptor, path, ON_THE_WAY)
                .map_err(failure(path))?;
            return Ok(Some(Place {
                path: path.to_path_buf(),
                watch: Some(watch),
            }));
        };
        let Some(parent) = self.locate(descriptor, parent, links_left)? else {
            return Ok(None);
        };
        let Some(name) = path.file_name() else {
            // `..` goes up from where the links have led, not back along the path.
            let above = parent.path.parent().unwrap_or(&parent.path);
            return self.locate(descriptor, above, links_left);
        };
        if let Some(name) = parent.watch.and_then(|watch| self.name(watch, name)) {
            name.is_directory = true;
        }
        let entry = parent.path.join(name);
        match self.watch(descriptor, &entry, ON_THE_WAY) {
            Ok(watch) => Ok(Some(Place {
                path: entry,
                watch: Some(watch),
            })),
            // The kernel's word for a link here; or a file stands where a directory should.
            Err(Errno::NOTDIR | Errno::LOOP) => match fs::read_link(&entry) {
                Ok(target) if links_left > 0 => {
                    self.locate(descriptor, &parent.path.join(target), links_left - 1)
                }
                _ => Ok(None),
            },
            Err(Errno::ACCESS) if entry.is_dir() => Ok(Some(Place {
                path: entry,
                watch: None,
            })),
            Err(Errno::NOENT | Errno::NAMETOOLONG | Errno::ACCESS) => {
                self.absent.insert(entry);
                Ok(None)
            }
            Err(errno) => Err(failure(&entry)(errno)),
        }
    }

    /// Watches a directory for writes to its files too, once.
    fn hold_files(&mut self, descriptor: &OwnedFd, place: &Place) -> Result<i32, WatchError> {
        if let Some(watch) = place.watch
            && self
                .directories
                .get(&watch)
                .is_some_and(|directory| directory.holds_files)
        {
            return Ok(watch);
        }
        let watch = self
            .watch(descriptor, &place.path, HOLDING_FILES)
            .map_err(failure(&place.path))?;
        if let Some(directory) = self.directories.get_mut(&watch) {
            directory.holds_files = true;
        }
        Ok(watch)
    }

    /// Asks the kernel to watch the directory at a path free of links for these events, besides those
    /// it is watched for already.
    fn watch(
        &mut self,
        descriptor: &OwnedFd,
        path: &Path,
        events: WatchFlags,
    ) -> Result<i32, Errno> {
        let how = WatchFlags::ONLYDIR | WatchFlags::DONT_FOLLOW | WatchFlags::MASK_ADD;
        let watch = inotify::add_watch(descriptor, path, events | how)?;
        self.directories.entry(watch).or_insert_with(|| Directory {
            path: path.to_path_buf(),
            holds_files: false,
            names: HashMap::new(),
        });
        Ok(watch)
    }

    fn name(&mut self, watch: i32, name: &OsStr) -> Option<&mut Name> {
        let directory = self.directories.get_mut(&watch)?;
        Some(directory.names.entry(name.to_os_string()).or_default())
    }

    fn notice(&self, event: &inotify::Event<'_>, noticed: &mut Noticed) {
        let what = event.events();
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            noticed.lost = true;
            return;
        }
        // Otherwise a watch that was given up, whose last events were still queued.
        let Some(directory) = self.directories.get(&event.wd()) else {
            return;
        };
        let Some(name) = event.file_name() else {
            // IGNORED, UNMOUNT, DELETE_SELF or MOVE_SELF: it is about the directory itself.
            noticed.lost = true;
            return;
        };
        let name = OsStr::from_bytes(name.to_bytes());
        let Some(entry) = directory.names.get(name) else {
            return;
        };
        noticed.changed.extend(&entry.files);
        if what.bits() & RENAMED.bits() != 0 {
            noticed.lost |= entry.is_directory;
            noticed.relinked |= entry.is_link || directory.path.join(name).is_symlink();
        }
    }
}

fn failure(directory: &Path) -> impl FnOnce(Errno) -> WatchError {
    move |errno| match errno {
        Errno::NOSPC => WatchError::TooManyWatches {
            directory: directory.to_path_buf(),
            source: errno.into(),
        },
        _ => WatchError::Directory {
            directory: directory.to_path_buf(),
            source: errno.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Taking up all watches of a user would disturb every other program: so only the answer to the
    /// kernel's word is tested.
    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |errno| failure(Path::new("/srv/package"))(errno).to_string();
        assert_eq!(
            refused(Errno::NOSPC),
            "cannot watch the directory /srv/package: no inotify watch is left; close programs that \
             watch files, or raise the limit: `sudo sysctl fs.inotify.max_user_watches=524288`"
        );
        assert_eq!(
            refused(Errno::ACCESS),
            "cannot watch the directory /srv/package: Permission denied (os error 13)"
        );
    }
}
