//! Where relive keeps what belongs to the user and not to a project.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The state directory: `$RELIVE_HOME`, or the platform's place for such things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// The state directory at a path.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Home { root: root.into() }
    }

    /// Where the environment says. None if it says nothing, not even where the user's home is.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let absolute = |name: &str| {
            let path = variable(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        if let Some(root) = variable("RELIVE_HOME").filter(|root| !root.is_empty()) {
            // The program may go to another directory.
            let root = PathBuf::from(root);
            return Some(Home::at(std::path::absolute(&root).unwrap_or(root)));
        }
        if cfg!(target_os = "macos") {
            return Some(Home::at(
                absolute("HOME")?.join("Library/Application Support/relive"),
            ));
        }
        if let Some(state) = absolute("XDG_STATE_HOME") {
            return Some(Home::at(state.join("relive")));
        }
        Some(Home::at(absolute("HOME")?.join(".local/state/relive")))
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The user's key.
    pub fn key(&self) -> PathBuf {
        self.root.join("key")
    }

    /// The directory of the logs of prompts.
    pub fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// The log of a session.
    pub fn session_log(&self, session: &str) -> PathBuf {
        self.sessions().join(format!("{session}.log"))
    }

    /// The log of a source file, where it cannot stand beside it. The path must be canonical.
    pub fn log_of(&self, source: &Path) -> PathBuf {
        let mut name = OsString::from(path_hash(source));
        name.push("-");
        name.push(source.file_name().unwrap_or_default());
        name.push(".log");
        self.root.join("logs").join(name)
    }

    /// The directory of the anchors.
    pub fn anchors(&self) -> PathBuf {
        self.root.join("anchors")
    }

    /// Where the log of a source file ended when it was last written. The path must be canonical.
    pub fn anchor(&self, source: &Path) -> PathBuf {
        self.anchors().join(path_hash(source))
    }

    /// What the user has approved of a log.
    pub fn trusted(&self, log_id: &str) -> PathBuf {
        self.root.join("trusted").join(log_id)
    }

    /// The directory of the notes of the replay guard.
    pub fn replays(&self) -> PathBuf {
        self.root.join("replay")
    }

    /// Whether it was offered to keep logs out of a repository of git. The path must be canonical.
    pub fn offered(&self, repository: &Path) -> PathBuf {
        self.root.join("git").join(path_hash(repository))
    }

    /// What faulthandler wrote for a session.
    pub fn crash(&self, session: &str) -> PathBuf {
        self.root.join("crashes").join(format!("{session}.txt"))
    }
}

/// The first 64 bits of the hash of a path.
fn path_hash(path: &Path) -> String {
    let hash = blake3::hash(path.as_os_str().as_bytes());
    hash.to_hex()[..16].to_owned()
}
