//! Where source text and time come from.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The outside world of a session, so that tests can give it another one.
pub trait Sources: Send {
    /// The bytes of a source file.
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;

    /// Seconds since some fixed moment.
    fn seconds(&self) -> f64;

    /// A path without links in it, if it leads to something.
    fn canonical(&self, file: &Path) -> Option<PathBuf> {
        Some(file.to_owned())
    }
}

/// The real file system and clock.
#[derive(Clone, Copy, Debug)]
pub struct Disk {
    start: Instant,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Sources for Disk {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(file)
    }

    fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn canonical(&self, file: &Path) -> Option<PathBuf> {
        file.canonicalize().ok()
    }
}
