//! What the tests need of a backend, and of the files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use relive_watch::Event;

/// A backend under test.
pub(crate) trait Backend: Sized {
    /// Whether the replacing of a directory is told as `Rescan` and not file by file.
    const RESCANS: bool;
    fn new() -> Self;
    fn watch_file(&mut self, file: &Path);
    fn drain(&mut self) -> Vec<Event>;
}

impl Backend for relive_watch::poll::Watch {
    const RESCANS: bool = false;

    fn new() -> Self {
        relive_watch::poll::Watch::new().expect("polling needs nothing")
    }

    fn watch_file(&mut self, file: &Path) {
        relive_watch::poll::Watch::watch_file(self, file).expect("the file can be watched");
    }

    fn drain(&mut self) -> Vec<Event> {
        relive_watch::poll::Watch::drain(self)
    }
}

#[cfg(target_os = "linux")]
impl Backend for relive_watch::Watch {
    const RESCANS: bool = true;

    fn new() -> Self {
        relive_watch::Watch::new().expect("an inotify descriptor can be had")
    }

    fn watch_file(&mut self, file: &Path) {
        relive_watch::Watch::watch_file(self, file).expect("the file can be watched");
    }

    fn drain(&mut self) -> Vec<Event> {
        relive_watch::Watch::drain(self)
    }
}

/// Runs a generic test, given as a function, once with each backend.
macro_rules! with_each_backend {
    ($($name:ident),+ $(,)?) => {
        mod polling {
            $(#[test] fn $name() { super::$name::<relive_watch::poll::Watch>(); })+
        }
        #[cfg(target_os = "linux")]
        mod inotify {
            $(#[test] fn $name() { super::$name::<relive_watch::Watch>(); })+
        }
    };
}
pub(crate) use with_each_backend;

/// The events that name these files.
pub(crate) fn changed<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> BTreeSet<Event> {
    files
        .into_iter()
        .map(|file| Event::Changed(file.as_ref().to_path_buf()))
        .collect()
}

/// Drains, and sees to it that nothing was said twice.
pub(crate) fn drain<B: Backend>(watch: &mut B) -> BTreeSet<Event> {
    let events = watch.drain();
    let unique: BTreeSet<Event> = events.iter().cloned().collect();
    assert_eq!(
        unique.len(),
        events.len(),
        "an event came twice: {events:?}"
    );
    assert!(
        unique.len() == 1 || !unique.contains(&Event::Rescan),
        "not alone: {events:?}"
    );
    unique
}

/// A source text of a length no other has, because polling on a coarse clock goes by the length.
pub(crate) fn fresh_text() -> String {
    static LENGTH: AtomicUsize = AtomicUsize::new(1);
    format!(
        "x = 1  #{}\n",
        "~".repeat(LENGTH.fetch_add(1, Ordering::Relaxed))
    )
}

/// Writes a fresh text into the file itself, made if there is none.
pub(crate) fn write(file: impl AsRef<Path>) {
    fs::write(file.as_ref(), fresh_text()).expect("the file can be written");
}

/// Makes the directory, those above it, and a fresh file of this name in it.
pub(crate) fn make_tree(directory: &Path, names: &[&str]) -> Vec<PathBuf> {
    fs::create_dir_all(directory).expect("the directory can be made");
    let files: Vec<PathBuf> = names.iter().map(|name| directory.join(name)).collect();
    files.iter().for_each(write);
    files
}
