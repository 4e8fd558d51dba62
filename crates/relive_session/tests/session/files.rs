//! Files and a clock in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use relive_session::Sources;

/// Files that tests write, and a clock that they set.
#[derive(Clone, Default)]
pub(crate) struct Files(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    files: BTreeMap<PathBuf, Vec<u8>>,
    seconds: f64,
}

impl Files {
    /// Save a file, or remove it.
    pub(crate) fn save(&self, file: &Path, content: Option<Vec<u8>>) {
        let mut all = self.0.lock().unwrap();
        match content {
            Some(content) => all.files.insert(file.to_owned(), content),
            None => all.files.remove(file),
        };
    }

    /// Let time pass.
    pub(crate) fn wait(&self, seconds: f64) {
        self.0.lock().unwrap().seconds += seconds;
    }
}

impl Sources for Files {
    fn read(&self, file: &Path) -> std::io::Result<Vec<u8>> {
        let all = self.0.lock().unwrap();
        let content = all.files.get(file).cloned();
        content.ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    fn seconds(&self) -> f64 {
        self.0.lock().unwrap().seconds
    }
}
