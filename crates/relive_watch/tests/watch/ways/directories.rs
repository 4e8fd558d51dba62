//! A directory on the way to a file that goes, comes, moves or is replaced.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use super::{A_SAVE, Way, remake};
use crate::backend::{make_tree, write};

pub(super) const DIRECTORIES: &[Way] = &[
    Way {
        name: "git checkout: directory removed and made again",
        watched: &["project/a.py", "project/b.py", "other/a.py"],
        save: |at| remake(&at.join("project")),
        changed: &["project/a.py", "project/b.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory removed and made again while a process stands in it",
        watched: &["project/a.py", "project/b.py", "other/a.py"],
        save: |at| {
            // As a shell does whose working directory it is: the kernel keeps the inode, and tells
            // the watch on it nothing.
            std::mem::forget(File::open(at.join("project")).unwrap());
            remake(&at.join("project"));
        },
        changed: &["project/a.py", "project/b.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory removed",
        watched: &["project/package/m.py", "project/a.py"],
        save: |at| fs::remove_dir_all(at.join("project/package")).unwrap(),
        changed: &["project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory made that was missing, with all above it",
        watched: &["new/deep/er/a.py", "project/a.py"],
        save: |at| drop(make_tree(&at.join("new/deep/er"), &["a.py"])),
        changed: &["new/deep/er/a.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory moved away",
        watched: &["project/package/m.py", "project/a.py"],
        save: |at| fs::rename(at.join("project/package"), at.join("other/package")).unwrap(),
        changed: &["project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory moved away, changed, and moved back",
        watched: &["project/package/m.py", "project/a.py"],
        save: |at| {
            fs::rename(at.join("project/package"), at.join("other/package")).unwrap();
            write(at.join("other/package/m.py"));
            fs::rename(at.join("other/package"), at.join("project/package")).unwrap();
        },
        changed: &["project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory moved away, another in its place",
        watched: &["project/a.py", "project/package/m.py"],
        save: |at| {
            fs::rename(at.join("project"), at.join("project.old")).unwrap();
            make_tree(&at.join("project/package"), &["m.py"]);
            make_tree(&at.join("project"), &["a.py", "b.py"]);
        },
        changed: &["project/a.py", "project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "directory far above moved away, another in its place",
        prepare: |at| drop(make_tree(&at.join("above/and/beyond/package"), &["m.py"])),
        watched: &["above/and/beyond/package/m.py", "project/a.py"],
        save: |at| {
            fs::rename(at.join("above"), at.join("away")).unwrap();
            make_tree(&at.join("above/and/beyond/package"), &["m.py"]);
        },
        changed: &["above/and/beyond/package/m.py"],
        rescan: true,
    },
    Way {
        name: "directory replaced by a link to where it was moved, and a file changed there",
        watched: &["project/package/m.py", "project/a.py"],
        save: |at| {
            fs::rename(at.join("project/package"), at.join("other/package")).unwrap();
            symlink("../other/package", at.join("project/package")).unwrap();
            write(at.join("other/package/m.py"));
        },
        changed: &["project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
    Way {
        name: "a file where the directory was",
        watched: &["project/package/m.py", "project/a.py"],
        save: |at| {
            fs::remove_dir_all(at.join("project/package")).unwrap();
            write(at.join("project/package"));
        },
        changed: &["project/package/m.py"],
        rescan: true,
        ..A_SAVE
    },
];
