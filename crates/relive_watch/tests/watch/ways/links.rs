//! A file or a directory reached through symbolic links, and the links pointed elsewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{A_SAVE, Way, remake};
use crate::backend::{make_tree, write};

pub(super) const LINKED_FILES: &[Way] = &[
    Way {
        name: "link: its target written in place",
        prepare: link_to_other_a,
        watched: &["linked.py", "project/a.py"],
        save: |at| write(at.join("other/a.py")),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "link: its target replaced",
        prepare: link_to_other_a,
        watched: &["linked.py", "project/a.py"],
        save: |at| fs::rename(at.join("other/b.py"), at.join("other/a.py")).unwrap(),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "link and target both watched",
        prepare: link_to_other_a,
        watched: &["linked.py", "other/a.py", "other/b.py"],
        save: |at| write(at.join("linked.py")),
        changed: &["linked.py", "other/a.py"],
        ..A_SAVE
    },
    Way {
        name: "link: removed and made with another target",
        prepare: link_to_other_a,
        watched: &["linked.py", "other/a.py", "project/a.py"],
        save: |at| {
            fs::remove_file(at.join("linked.py")).unwrap();
            symlink("project/b.py", at.join("linked.py")).unwrap();
        },
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "link: one with another target renamed into place",
        prepare: link_to_other_a,
        watched: &["linked.py", "other/a.py", "project/a.py"],
        save: |at| point(at, "linked.py", "project/b.py"),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "link: replaced by a file",
        prepare: link_to_other_a,
        watched: &["linked.py", "other/a.py"],
        save: |at| fs::rename(at.join("project/a.py"), at.join("linked.py")).unwrap(),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "a file replaced by a link",
        save: |at| point(at, "project/a.py", "../other/a.py"),
        ..A_SAVE
    },
    Way {
        name: "link to a link: the one in the middle re-pointed",
        prepare: |at| {
            symlink("a.py", at.join("other/middle.py")).unwrap();
            symlink(at.join("other/middle.py"), at.join("linked.py")).unwrap();
        },
        watched: &["linked.py", "project/a.py"],
        save: |at| point(at, "other/middle.py", "b.py"),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "link without a target: the target made",
        prepare: |at| symlink("other/new.py", at.join("linked.py")).unwrap(),
        watched: &["linked.py", "project/a.py"],
        save: |at| write(at.join("other/new.py")),
        changed: &["linked.py"],
        ..A_SAVE
    },
    Way {
        name: "links in a circle: one of them replaced by a file",
        prepare: |at| {
            symlink("two.py", at.join("one.py")).unwrap();
            symlink("one.py", at.join("two.py")).unwrap();
        },
        watched: &["one.py", "two.py", "project/a.py"],
        save: |at| fs::rename(at.join("other/a.py"), at.join("two.py")).unwrap(),
        changed: &["one.py", "two.py"],
        ..A_SAVE
    },
    Way {
        name: "link: the directory of its target removed",
        prepare: link_to_other_a,
        watched: &["linked.py", "project/a.py"],
        save: |at| fs::remove_dir_all(at.join("other")).unwrap(),
        changed: &["linked.py"],
        rescan: true,
    },
    Way {
        name: "link: the directory of its target made",
        prepare: |at| symlink("new/a.py", at.join("linked.py")).unwrap(),
        watched: &["linked.py", "project/a.py"],
        save: |at| drop(make_tree(&at.join("new"), &["a.py"])),
        changed: &["linked.py"],
        rescan: true,
    },
];

pub(super) const LINKED_DIRECTORIES: &[Way] = &[
    Way {
        name: "directory under two names: written",
        prepare: link_tree,
        watched: &["tree/a.py", "project/a.py", "tree/b.py"],
        save: |at| write(at.join("project/a.py")),
        changed: &["tree/a.py", "project/a.py"],
        ..A_SAVE
    },
    Way {
        name: "directory under two names: replaced through the link",
        prepare: link_tree,
        watched: &["tree/a.py", "project/a.py", "project/b.py"],
        save: |at| {
            write(at.join("tree/.a.py.tmp"));
            fs::rename(at.join("tree/.a.py.tmp"), at.join("tree/a.py")).unwrap();
        },
        changed: &["tree/a.py", "project/a.py"],
        ..A_SAVE
    },
    Way {
        name: "directory link: saved below it",
        prepare: link_tree,
        watched: &["tree/package/m.py", "tree/a.py"],
        save: |at| write(at.join("project/package/m.py")),
        changed: &["tree/package/m.py"],
        ..A_SAVE
    },
    Way {
        name: "directory link re-pointed",
        prepare: link_tree,
        watched: &["tree/a.py", "tree/b.py", "project/a.py"],
        save: |at| point(at, "tree", "other"),
        changed: &["tree/a.py", "tree/b.py"],
        rescan: true,
    },
    Way {
        name: "directory link: the link behind it re-pointed",
        prepare: |at| {
            symlink("project", at.join("release-1")).unwrap();
            symlink("release-1", at.join("current")).unwrap();
        },
        watched: &["current/package/m.py", "project/a.py"],
        save: |at| {
            make_tree(&at.join("other/package"), &["m.py"]);
            point(at, "release-1", "other");
        },
        changed: &["current/package/m.py"],
        rescan: true,
    },
    Way {
        name: "up from a linked directory: up from where it really is",
        prepare: |at| symlink("project/package", at.join("shortcut")).unwrap(),
        watched: &["shortcut/../a.py", "project/b.py"],
        save: |at| write(at.join("project/a.py")),
        changed: &["shortcut/../a.py"],
        ..A_SAVE
    },
    Way {
        name: "directory link: its target removed and made again",
        prepare: link_tree,
        watched: &["tree/a.py", "other/a.py"],
        save: |at| remake(&at.join("project")),
        changed: &["tree/a.py"],
        rescan: true,
    },
];

fn link_to_other_a(at: &Path) {
    symlink("other/a.py", at.join("linked.py")).unwrap();
}

fn link_tree(at: &Path) {
    symlink("project", at.join("tree")).unwrap();
}

/// Puts a link to this target in the place of whatever link or file is there, in one step.
fn point(at: &Path, link: &str, target: &str) {
    symlink(target, at.join("new-link")).unwrap();
    fs::rename(at.join("new-link"), at.join(link)).unwrap();
}
