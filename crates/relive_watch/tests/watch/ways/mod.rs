//! One table of the ways in which editors and tools save a file, for both backends.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use relive_watch::Event;

use crate::backend::{Backend, changed, drain, fresh_text, make_tree, with_each_backend};
use directories::DIRECTORIES;
use files::{IN_PLACE, REPLACED};
use links::{LINKED_DIRECTORIES, LINKED_FILES};

mod directories;
mod files;
mod links;

/// A way of saving, in a directory that holds `project/{a,b,c}.py`, `project/package/m.py` and
/// `other/{a,b}.py`, and is the working directory of all paths here.
struct Way {
    name: &'static str,
    /// What else is there before the files are watched.
    prepare: fn(&Path),
    watched: &'static [&'static str],
    save: fn(&Path),
    /// The watched files that have changed; no other may be reported.
    changed: &'static [&'static str],
    /// Whether a directory was replaced, which inotify tells as a `Rescan`.
    rescan: bool,
}

/// The save of `project/a.py` while `project/b.py` is watched too; every row says what is different.
const A_SAVE: Way = Way {
    name: "",
    prepare: |_| {},
    watched: &["project/a.py", "project/b.py"],
    save: |_| {},
    changed: &["project/a.py"],
    rescan: false,
};

/// Removes the directory and makes it again with other contents.
fn remake(directory: &Path) {
    fs::remove_dir_all(directory).unwrap();
    make_tree(directory, &["a.py", "b.py", "c.py"]);
}

fn check<B: Backend>(way: &Way) {
    let name = way.name;
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    make_tree(&at.join("project"), &["a.py", "b.py", "c.py"]);
    make_tree(&at.join("project/package"), &["m.py"]);
    make_tree(&at.join("other"), &["a.py", "b.py"]);
    (way.prepare)(at);

    let mut watch = B::new();
    let watched: Vec<PathBuf> = way.watched.iter().map(|file| at.join(file)).collect();
    watched.iter().for_each(|file| watch.watch_file(file));
    assert_eq!(
        drain(&mut watch),
        BTreeSet::new(),
        "{name}: before the save"
    );

    (way.save)(at);
    let expected = match way.rescan && B::RESCANS {
        true => BTreeSet::from([Event::Rescan]),
        false => changed(way.changed.iter().map(|file| at.join(file))),
    };
    assert_eq!(drain(&mut watch), expected, "{name}: after the save");
    assert_eq!(
        drain(&mut watch),
        BTreeSet::new(),
        "{name}: at the second look"
    );

    // Whatever it was, the next plain save must be seen, under every name that leads there.
    let mut saves = 0;
    for file in &watched {
        let Ok(()) = fs::write(file, fresh_text()) else {
            continue;
        };
        saves += 1;
        let written = fs::canonicalize(file).unwrap();
        let same = |other: &&PathBuf| fs::canonicalize(other).is_ok_and(|other| other == written);
        let expected = changed(watched.iter().filter(same));
        let file = file.display();
        assert_eq!(
            drain(&mut watch),
            expected,
            "{name}: the next save, of {file}"
        );
    }
    assert_ne!(saves, 0, "{name}: no file is left that can be saved");
}

fn in_place<B: Backend>() {
    IN_PLACE.iter().for_each(check::<B>);
}

fn replaced<B: Backend>() {
    REPLACED.iter().for_each(check::<B>);
}

fn linked_files<B: Backend>() {
    LINKED_FILES.iter().for_each(check::<B>);
}

fn linked_directories<B: Backend>() {
    LINKED_DIRECTORIES.iter().for_each(check::<B>);
}

fn directories<B: Backend>() {
    DIRECTORIES.iter().for_each(check::<B>);
}

with_each_backend!(
    in_place,
    replaced,
    linked_files,
    linked_directories,
    directories
);
