//! A file saved in place, and a file put in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use super::{A_SAVE, Way};
use crate::backend::{fresh_text, make_tree, write};

pub(super) const IN_PLACE: &[Way] = &[
    Way {
        name: "written in place",
        save: |at| write(at.join("project/a.py")),
        ..A_SAVE
    },
    Way {
        name: "written in place, and never closed",
        save: |at| {
            let mut file = OpenOptions::new()
                .append(true)
                .open(at.join("project/a.py"))
                .unwrap();
            file.write_all(fresh_text().as_bytes()).unwrap();
            std::mem::forget(file);
        },
        ..A_SAVE
    },
    Way {
        name: "emptied by the open, then written in two pieces",
        save: |at| {
            let mut file = File::create(at.join("project/a.py")).unwrap();
            file.write_all(b"def f():\n").unwrap();
            file.write_all(format!("    {}", fresh_text()).as_bytes())
                .unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "VS Code: opened, cut to nothing, written, synced",
        save: |at| {
            let mut file = OpenOptions::new()
                .write(true)
                .open(at.join("project/a.py"))
                .unwrap();
            file.set_len(0).unwrap();
            file.rewind().unwrap();
            file.write_all(fresh_text().as_bytes()).unwrap();
            file.sync_data().unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "only cut shorter",
        save: |at| {
            let file = OpenOptions::new()
                .write(true)
                .open(at.join("project/a.py"))
                .unwrap();
            file.set_len(3).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "cp -p: an older time",
        save: |at| {
            write(at.join("project/a.py"));
            let file = OpenOptions::new()
                .write(true)
                .open(at.join("project/a.py"))
                .unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
                .unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "cp: copied over",
        save: |at| {
            write(at.join("other/a.py"));
            fs::copy(at.join("other/a.py"), at.join("project/a.py")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "vim with backupcopy=yes: a probe file, a copy as backup, in place",
        save: |at| {
            write(at.join("project/4913"));
            fs::remove_file(at.join("project/4913")).unwrap();
            fs::copy(at.join("project/a.py"), at.join("project/a.py~")).unwrap();
            write(at.join("project/a.py"));
            fs::remove_file(at.join("project/a.py~")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "several times",
        save: |at| (0..20).for_each(|_| write(at.join("project/a.py"))),
        ..A_SAVE
    },
    Way {
        name: "both files",
        save: |at| {
            ["project/b.py", "project/a.py"]
                .iter()
                .for_each(|file| write(at.join(file)))
        },
        changed: &["project/a.py", "project/b.py"],
        ..A_SAVE
    },
    Way {
        name: "read, listed, and others written: no save at all",
        save: |at| {
            fs::read(at.join("project/a.py")).unwrap();
            assert!(fs::read_dir(at.join("project")).unwrap().count() >= 4);
            write(at.join("project/c.py"));
            write(at.join("project/package/m.py"));
            make_tree(&at.join("project/__pycache__"), &["a.cpython-313.pyc"]);
            fs::remove_dir_all(at.join("project/package")).unwrap();
        },
        changed: &[],
        ..A_SAVE
    },
];

pub(super) const REPLACED: &[Way] = &[
    Way {
        name: "a new file renamed into place",
        save: |at| {
            write(at.join("project/.a.py.tmp"));
            fs::rename(at.join("project/.a.py.tmp"), at.join("project/a.py")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "a file renamed into place from another directory",
        save: |at| fs::rename(at.join("other/a.py"), at.join("project/a.py")).unwrap(),
        ..A_SAVE
    },
    Way {
        name: "vim: renamed to a backup, a new file, the backup removed",
        save: |at| {
            fs::rename(at.join("project/a.py"), at.join("project/a.py~")).unwrap();
            write(at.join("project/a.py"));
            fs::remove_file(at.join("project/a.py~")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "Emacs: a link as lock, renamed to a backup that stays, a new file",
        save: |at| {
            symlink("user@host.1:2", at.join("project/.#a.py")).unwrap();
            fs::rename(at.join("project/a.py"), at.join("project/a.py~")).unwrap();
            write(at.join("project/a.py"));
            fs::remove_file(at.join("project/.#a.py")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "JetBrains: a new file beside, the old one out of the way, the new one in, the old one gone",
        save: |at| {
            write(at.join("project/a.py___jb_tmp___"));
            fs::rename(at.join("project/a.py"), at.join("project/a.py___jb_old___")).unwrap();
            fs::rename(at.join("project/a.py___jb_tmp___"), at.join("project/a.py")).unwrap();
            fs::remove_file(at.join("project/a.py___jb_old___")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "git: removed, then made",
        save: |at| {
            fs::remove_file(at.join("project/a.py")).unwrap();
            write(at.join("project/a.py"));
        },
        ..A_SAVE
    },
    Way {
        name: "only removed",
        save: |at| fs::remove_file(at.join("project/a.py")).unwrap(),
        ..A_SAVE
    },
    Way {
        name: "only moved away",
        save: |at| fs::rename(at.join("project/a.py"), at.join("other/moved.py")).unwrap(),
        ..A_SAVE
    },
    Way {
        name: "made where no file was",
        prepare: |at| fs::remove_file(at.join("project/a.py")).unwrap(),
        save: |at| write(at.join("project/a.py")),
        ..A_SAVE
    },
    Way {
        name: "a hard link renamed into place",
        save: |at| {
            fs::hard_link(at.join("other/a.py"), at.join("project/.a.py.tmp")).unwrap();
            fs::rename(at.join("project/.a.py.tmp"), at.join("project/a.py")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "one hard link replaced by another",
        prepare: |at| {
            fs::remove_file(at.join("project/a.py")).unwrap();
            fs::hard_link(at.join("other/a.py"), at.join("project/a.py")).unwrap();
        },
        save: |at| {
            fs::remove_file(at.join("project/a.py")).unwrap();
            fs::hard_link(at.join("other/b.py"), at.join("project/a.py")).unwrap();
        },
        ..A_SAVE
    },
    Way {
        name: "two files change names",
        save: |at| {
            fs::rename(at.join("project/a.py"), at.join("project/swap")).unwrap();
            fs::rename(at.join("project/b.py"), at.join("project/a.py")).unwrap();
            fs::rename(at.join("project/swap"), at.join("project/b.py")).unwrap();
        },
        changed: &["project/a.py", "project/b.py"],
        ..A_SAVE
    },
    Way {
        name: "a directory in its place, and a file again",
        save: |at| {
            fs::remove_file(at.join("project/a.py")).unwrap();
            fs::create_dir(at.join("project/a.py")).unwrap();
            fs::remove_dir(at.join("project/a.py")).unwrap();
            write(at.join("project/a.py"));
        },
        ..A_SAVE
    },
];
