//! Where sockets are, and that nobody else can get at them.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// The longest path that fits into a socket's address on every system, with room for the terminating zero.
const LONGEST_ADDRESS: usize = 100;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The environment does not say where to keep it.
    #[error("neither RELIVE_HOME nor HOME is set; set RELIVE_HOME to a directory of your own")]
    NoHome,
    /// The directory cannot be made or read.
    #[error("cannot use the directory {}: {source}; set RELIVE_HOME to a directory of your own", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The directory is someone else's.
    #[error("the directory {} belongs to another user; set RELIVE_HOME to a directory of your own", directory.display())]
    NotOurs {
        /// The directory.
        directory: PathBuf,
    },
    /// The socket cannot be made.
    #[error("cannot listen on {}: {source}", path.display())]
    Socket {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The directories that may hold sockets: the first is used for new ones.
#[derive(Clone, Debug)]
pub struct Places(Vec<PathBuf>);

impl Places {
    /// As the environment has it: below `RELIVE_HOME`, or below the directories of the XDG specification for what
    /// lasts as long as a login and for state.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name: &str| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        if let Some(home) = variable("RELIVE_HOME").filter(|home| !home.is_empty()) {
            return Self(
                std::path::absolute(home)
                    .into_iter()
                    .map(|home| home.join("run"))
                    .collect(),
            );
        }
        let runtime = path("XDG_RUNTIME_DIR").filter(|path| path.is_dir());
        let state =
            path("XDG_STATE_HOME").or_else(|| path("HOME").map(|home| home.join(".local/state")));
        let places = [
            runtime.map(|path| path.join("relive")),
            state.map(|path| path.join("relive/run")),
        ];
        Self(places.into_iter().flatten().collect())
    }

    pub(crate) fn all(&self) -> &[PathBuf] {
        &self.0
    }

    /// The directory for a new socket, made if need be, that nobody else can enter.
    pub(crate) fn prepare(&self) -> Result<&Path, SocketError> {
        let directory = self.0.first().ok_or(SocketError::NoHome)?;
        let failed = |source| SocketError::Directory {
            directory: directory.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(failed)?;
        let metadata = fs::symlink_metadata(directory).map_err(failed)?;
        if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(SocketError::NotOurs {
                directory: directory.clone(),
            });
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(failed)?;
        }
        Ok(directory)
    }
}

/// What the names of all sockets begin with whose sessions were started in this directory.
pub(crate) fn prefix(directory: &Path) -> String {
    let real = directory
        .canonicalize()
        .unwrap_or_else(|_| directory.to_owned());
    let hash = blake3::hash(real.as_os_str().as_bytes());
    format!("{}-", &hash.to_hex()[..16])
}

/// The process that a socket's name tells of.
pub(crate) fn pid_of(name: &str) -> Option<u32> {
    name.strip_suffix(".sock")?.rsplit('-').next()?.parse().ok()
}

/// Do something with a path that is short enough for a socket's address and leads to `name` in `directory`.
pub(crate) fn with_address<T>(
    directory: &Path,
    name: &str,
    action: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<T> {
    let path = directory.join(name);
    if path.as_os_str().len() <= LONGEST_ADDRESS || !cfg!(target_os = "linux") {
        return action(&path);
    }
    let descriptor = rustix::fs::open(
        directory,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let number = std::os::fd::AsRawFd::as_raw_fd(&descriptor);
    action(
        &Path::new("/proc/self/fd")
            .join(number.to_string())
            .join(name),
    )
}
