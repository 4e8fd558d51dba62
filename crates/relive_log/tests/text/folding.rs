//! Pending changes written into the source: what a reviewer sees, and what is left when the process is killed.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use relive_log::memory::MemoryDisk;
use relive_log::{
    Access, Effect, File, FileStatus, FoldError, Folded, Log, Rim, Status, Storage, fold, read_all,
    recover_fold,
};

use crate::support::{dedent, parse};
use crate::world::{LOG, SOURCE, World};

fn shown(folded: &Folded) -> String {
    let diff: Vec<&str> = folded.diff.split('\n').map(str::trim_end).collect();
    let mut shown = diff.join("\n");
    for (number, why) in &folded.left {
        shown.push_str(&format!("left {number}: {why}\n"));
    }
    shown
}

/// Patch a source as a user would at the prompt, step by step, and fold that.
fn check(source: &str, patches: &[(&str, &str)], expected: Expect) {
    let world = World::new(&dedent(source));
    let mut log = world.open();
    for (scope, patch) in patches {
        world.patch(&mut log, scope, &dedent(patch));
    }
    let live = world.live(&log);
    let dry = fold(&world.rim, &mut log, Path::new(SOURCE), true).unwrap();
    assert_eq!(world.source(), dedent(source));
    let folded = world.fold(&mut log);
    assert_eq!((&dry.diff, &dry.left), (&folded.diff, &folded.left));
    assert_eq!(world.source(), live);
    assert_eq!(world.live(&log), live);
    assert!(!world.told(&log).contains("pending"));
    expected.assert_eq(&shown(&folded));
}

const BANK: &str = "
    #!/usr/bin/env python
    '''A bank.'''

    import os

    LIMIT   =   10  # odd spacing stays


    # about accounts
    class Account:
        '''One account.'''

        limit = LIMIT

        def deposit(self, n):
            self.n += n  # no check
            # end of deposit

        # about close
        def close(self): pass


    def main( ):
        pass
    ";

#[test]
fn a_session_at_the_prompt_becomes_the_diff_of_a_careful_person() {
    check(
        BANK,
        &[
            (
                "Account",
                "def deposit(self, n):\n    if n < 0:\n        raise ValueError(n)\n    self.n += n\n",
            ),
            (
                "",
                "import re\n\ndef valid(name):\n    return re.match(r'\\w+', name)\n",
            ),
            (
                "Account",
                "# for audits\ndef total(self):\n    return self.n\n",
            ),
            (
                "Account",
                "def deposit(self, n):\n    if n <= 0:\n        raise ValueError(n)\n    self.n += n\n",
            ),
            ("", "LIMIT = 20\n"),
        ],
        expect![[r#"
            --- bank.py
            +++ bank.py
            @@ -2,8 +2,9 @@
             '''A bank.'''

             import os
            +import re

            -LIMIT   =   10  # odd spacing stays
            +LIMIT   =   20  # odd spacing stays


             # about accounts
            @@ -13,12 +14,22 @@
                 limit = LIMIT

                 def deposit(self, n):
            -        self.n += n  # no check
            +        if n <= 0:
            +            raise ValueError(n)
            +        self.n += n
                     # end of deposit

                 # about close
                 def close(self): pass

            +    # for audits
            +    def total(self):
            +        return self.n
            +

             def main( ):
                 pass
            +
            +
            +def valid(name):
            +    return re.match(r'\w+', name)
        "#]],
    );
}

#[test]
fn what_was_removed_at_the_prompt_is_gone() {
    let world = World::new(&dedent(BANK));
    let mut log = world.open();
    let without = dedent(BANK)
        .replace("    # about close\n    def close(self): pass\n", "")
        .replace("\n\ndef main( ):\n    pass\n", "");
    world.edit(&mut log, &without);
    expect![[r#"
        --- bank.py
        +++ bank.py
        @@ -15,10 +15,3 @@
             def deposit(self, n):
                 self.n += n  # no check
                 # end of deposit
        -
        -    # about close
        -    def close(self): pass
        -
        -
        -def main( ):
        -    pass
    "#]]
    .assert_eq(&shown(&world.fold(&mut log)));
}

#[test]
fn a_new_class_among_functions() {
    check(
        "
        import os


        def f():
            pass


        if __name__ == '__main__':
            f()
        ",
        &[
            ("", "class A:\n    x = 1\n\n    def f(self): pass\n"),
            ("A", "x = 2\ny = 3\n"),
        ],
        expect![[r#"
            --- bank.py
            +++ bank.py
            @@ -5,5 +5,13 @@
                 pass


            +class A:
            +    x = 2
            +
            +    def f(self): pass
            +
            +    y = 3
            +
            +
             if __name__ == '__main__':
                 f()
        "#]],
    );
}

#[test]
fn a_file_with_tabs_and_one_empty_line() {
    check(
        "import os\n\ndef f():\n\tpass\n\nclass A:\n\tdef g(self):\n\t\tpass\n\n\tdef h(self):\n\t\tpass\n",
        &[
            ("", "def k():\n    pass\n"),
            ("A", "def i(self):\n    pass\n"),
        ],
        expect![[r#"
            --- bank.py
            +++ bank.py
            @@ -9,3 +9,9 @@

             	def h(self):
             		pass
            +
            +	def i(self):
            +	    pass
            +
            +def k():
            +    pass
        "#]],
    );
}

#[test]
fn nothing_pending_is_nothing_to_fold() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    assert_eq!(world.fold(&mut log), Folded::default());
    let number = world.edit(&mut log, "f = 2\n")[0];
    world.make(
        &mut log,
        &[relive_log::Draft::Undo {
            of: number,
            why: String::new(),
        }],
        relive_log::Via::Undo,
    );
    assert_eq!(world.fold(&mut log), Folded::default());
    assert_eq!(world.source(), "f = 1\n");
}

#[test]
fn assignments_of_state_are_folded_and_the_rest_is_left() {
    let world = World::new(&dedent(
        "
        import os
        LIMIT: int = 1  # per day
        NAMES = (
            'a',
        )
        TWICE = 1
        TWICE = 2
        LATE = 1
        NOTES = []
        ",
    ));
    let mut log = world.open();
    let assign = Effect::Assign;
    world.state(&mut log, "LIMIT", assign, "LIMIT = 5");
    world.state(&mut log, "LIMIT", assign, "LIMIT = (LIMIT + 1)");
    world.state(&mut log, "NAMES", assign, "NAMES = ('a', 'b')");
    world.state(&mut log, "TWICE", assign, "TWICE = 3");
    world.state(&mut log, "LATE", assign, "LATE = typed_at_the_prompt");
    world.state(&mut log, "NEW", assign, "NEW = 1");
    world.state(&mut log, "NOTES", assign, "NOTES[0] = 1");
    world.state(&mut log, "NOTES", assign, "NOTES = [2]");
    world.state(&mut log, "NOTES", Effect::Call, "NOTES.append(1)");
    expect![[r#"
        --- bank.py
        +++ bank.py
        @@ -1,8 +1,6 @@
         import os
        -LIMIT: int = 1  # per day
        -NAMES = (
        -    'a',
        -)
        +LIMIT: int = 5  # per day
        +NAMES = ('a', 'b')
         TWICE = 1
         TWICE = 2
         LATE = 1
        left 5: its value is made of that of LIMIT itself
        left 11: TWICE is assigned more than once in the source
        left 14: its value reads typed_at_the_prompt, which the source does not define above LATE
        left 17: NEW is not assigned at the top level of the source
        left 20: only `NAME = value` can be written into the source
        left 23: change 20 of NOTES comes before it and stays in the log
        left 26: only `NAME = value` can be written into the source
    "#]]
    .assert_eq(&shown(&world.fold(&mut log)));
    expect![[r#"
        2 `LIMIT = 5`: folded (folded into the source by 29)
        5 `LIMIT = (LIMIT + 1)`: pending (clean)
        8 `NAMES = ('a', 'b')`: folded (folded into the source by 29)
        11 `TWICE = 3`: pending (clean)
        14 `LATE = typed_at_the_prompt`: pending (clean)
        17 `NEW = 1`: pending (clean)
        20 `NOTES[0] = 1`: pending (clean)
        23 `NOTES = [2]`: pending (clean)
        26 `NOTES.append(1)`: pending (it calls something: what that does is done once more)
        29 fold [2, 8]: folded ()
    "#]]
    .assert_eq(&world.told(&log));
    assert!(world.disk.get(LOG).is_some() && world.disk.get(format!("{LOG}.1")).is_none());
}

#[test]
fn a_fold_that_leaves_nothing_begins_a_new_log_and_numbers_go_on() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    let first = world.edit(&mut log, "f = 2\n")[0];
    world.fold(&mut log);
    assert_eq!(world.source(), "f = 2\n");
    let second = world.edit(&mut log, "f = 3\n")[0];
    assert!(second > first);
    world.fold(&mut log);
    assert_eq!(world.source(), "f = 3\n");
    assert!(world.disk.get(format!("{LOG}.2")).is_some());
    let logs = read_all(&world.rim, Path::new(SOURCE)).unwrap();
    let all = relive_log::history_of_all(&logs, None);
    let folded: Vec<u64> = all
        .iter()
        .filter(|change| change.status == Status::Folded && change.number > 1)
        .filter(|change| matches!(change.kind, relive_log::ChangeKind::Patch { .. }))
        .map(|change| change.number)
        .collect();
    assert_eq!(folded, [first, second]);
}

#[test]
fn conflicts_are_left_and_the_rest_is_folded() {
    let world = World::new("f = 1\ng = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\ng = 2\n");
    world.disk.put(SOURCE, b"f = 9\ng = 1\n");
    expect![[r#"
        --- bank.py
        +++ bank.py
        @@ -1,2 +1,2 @@
         f = 9
        -g = 1
        +g = 2
        left 2: the source has another version of f than the one that was changed
    "#]]
    .assert_eq(&shown(&world.fold(&mut log)));
    assert!(world.disk.get(format!("{LOG}.1")).is_none());
}

fn folded_bytes(source: &[u8], from: &str, to: &str) -> Vec<u8> {
    let world = World::new("");
    world.disk.put(SOURCE, source);
    world.disk.set_mode(SOURCE, 0o755);
    let mut log = world.open();
    let draft = relive_log::drafts(&parse(from), &parse(to));
    world.make(&mut log, &draft, relive_log::Via::Patch);
    fold(&world.rim, &mut log, Path::new(SOURCE), false).unwrap();
    assert_eq!(
        world.rim.storage.status(Path::new(SOURCE)).unwrap().mode & 0o777,
        0o755
    );
    assert_eq!(
        world
            .disk
            .files()
            .iter()
            .filter(|path| path.starts_with("/desk"))
            .count(),
        3
    );
    world.disk.get(SOURCE).unwrap()
}

#[test]
fn line_ends_marks_encodings_and_modes_stay() {
    let crlf = folded_bytes(b"a = 1\r\nf = 1\r\n", "f = 1\n", "f = (2,\n  3)\n");
    assert_eq!(crlf, b"a = 1\r\nf = (2,\r\n  3)\r\n");
    let cr = folded_bytes(b"a = 1\rf = 1\r", "f = 1\n", "f = (2,\n  3)\n");
    assert_eq!(cr, b"a = 1\rf = (2,\r  3)\r");
    let mixed = folded_bytes(b"a = 1\r\nb = 2\nf = 1\nc = 3", "f = 1\n", "f = 2\ng = 3\n");
    assert_eq!(mixed, b"a = 1\r\nb = 2\nf = 2\ng = 3\nc = 3");
    let mark = folded_bytes(b"\xef\xbb\xbff = 1\n", "f = 1\n", "e = 1\nf = '\u{e4}'\n");
    assert_eq!(mark, b"\xef\xbb\xbfe = 1\nf = '\xc3\xa4'\n");
    let latin = folded_bytes(
        b"# -*- coding: latin-1 -*-\nx = '\xe4'\nf = 1\n",
        "f = 1\n",
        "f = '\u{f6}'\n",
    );
    assert_eq!(
        latin,
        b"# -*- coding: latin-1 -*-\nx = '\xe4'\nf = '\xf6'\n"
    );
    let shift_jis = folded_bytes(
        b"# coding: shift_jis\nx = '\x83\x5c'\nf = 1\n",
        "f = 1\n",
        "f = '\u{30bd}'\n",
    );
    assert_eq!(
        shift_jis,
        b"# coding: shift_jis\nx = '\x83\x5c'\nf = '\x83\x5c'\n"
    );
    let unended = folded_bytes(b"f = 1\nx = 1", "f = 1\n", "f = 2\n");
    assert_eq!(unended, b"f = 2\nx = 1");
}

fn refused(prepare: impl FnOnce(&World), new: &str) -> String {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    world.edit(&mut log, new);
    prepare(&world);
    let before = world.disk.get(SOURCE);
    let error = fold(&world.rim, &mut log, Path::new(SOURCE), false).unwrap_err();
    assert_eq!(world.disk.get(SOURCE), before);
    error.to_string()
}

#[test]
fn a_source_that_cannot_be_written_is_told_and_stays() {
    let text = |text: &'static str| move |world: &World| world.disk.put(SOURCE, text.as_bytes());
    let told = [
        refused(|world| world.disk.set_mode(SOURCE, 0o444), "f = 2\n"),
        refused(|world| world.disk.set_owner(SOURCE, 7), "f = 2\n"),
        refused(
            |world| world.rim.storage.remove(Path::new(SOURCE)).unwrap(),
            "f = 2\n",
        ),
        refused(text("f = 1\ndef\n"), "f = 2\n"),
        refused(text("# coding: ascii\nf = 1\n"), "f = '\u{e4}'\n"),
        refused(text("# coding: klingon\nf = 1\n"), "f = 2\n"),
        refused(|world| world.disk.set_read_only("/desk", true), "f = 2\n"),
    ];
    expect![[r#"
        /desk/bank.py is read-only; make it writable (chmod u+w) and fold again
        /desk/bank.py belongs to another user, who has to fold it
        /desk/bank.py is not there; put it back, or write the changes into another file yourself
        /desk/bank.py:2: Expected an identifier; mend that and fold again
        /desk/bank.py: 'ä' cannot be written in ascii, which the file declares
        /desk/bank.py: unknown encoding klingon
        /desk/.bank.py.relive-fold cannot be written: permission denied; nothing was folded"#]]
    .assert_eq(&told.join("\n"));
}

/// A disk on which something is done just before two names are exchanged.
struct Meddled {
    disk: MemoryDisk,
    /// The file system cannot exchange names.
    is_simple: bool,
    before_exchange: Mutex<Vec<Meddling>>,
}

type Meddling = Box<dyn FnOnce(&MemoryDisk) + Send>;

impl Storage for Meddled {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        self.disk.open(path, access)
    }
    fn status(&self, path: &Path) -> io::Result<FileStatus> {
        self.disk.status(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename_new(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        if let Some(meddle) = self.before_exchange.lock().unwrap().pop() {
            meddle(&self.disk);
        }
        if self.is_simple {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.disk.exchange(one, other)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.sync_directory(directory)
    }
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        self.disk.create_directory(directory)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.disk.list(directory)
    }
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.disk.canonical(path)
    }
    fn process(&self) -> u32 {
        self.disk.process()
    }
    fn random(&self, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.random(buffer)
    }
}

/// A save by an editor that writes a new file and renames it, at the worst of all times.
fn save_by_rename(text: &'static str) -> Meddling {
    Box::new(move |disk| {
        disk.put("/desk/.bank.py.swp", text.as_bytes());
        disk.rename(Path::new("/desk/.bank.py.swp"), Path::new(SOURCE))
            .unwrap();
    })
}

fn save_in_place(text: &'static str) -> Meddling {
    Box::new(move |disk| disk.put(SOURCE, text.as_bytes()))
}

/// Fold while an editor saves; `saves` are made before the first, second … exchange. What the source is then.
fn fold_while(saves: Vec<Meddling>) -> (World, Log, Result<Folded, FoldError>) {
    let world = World::new("f = 1\ng = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\ng = 1\n");
    let storage = Meddled {
        disk: world.disk.clone(),
        is_simple: false,
        before_exchange: Mutex::new(saves.into_iter().rev().collect()),
    };
    let rim = Rim {
        storage: Arc::new(storage),
        ..world.rim.clone()
    };
    let folded = fold(&rim, &mut log, Path::new(SOURCE), false);
    (world, log, folded)
}

#[test]
fn a_save_during_a_fold_is_kept_and_the_changes_stay_pending() {
    for save in [save_by_rename, save_in_place] {
        let (world, mut log, folded) = fold_while(vec![save("f = 1\ng = 7\n")]);
        assert!(matches!(folded, Err(FoldError::Saved { .. })), "{folded:?}");
        assert_eq!(world.source(), "f = 1\ng = 7\n");
        assert_eq!(world.live(&log), "f = 2\ng = 7\n");
        world.fold(&mut log);
        assert_eq!(world.source(), "f = 2\ng = 7\n");
        // A second save, while the first one is put back: the last one counts.
        let (world, log, folded) = fold_while(vec![save("f = 1\ng = 7\n"), save("f = 1\ng = 8\n")]);
        assert!(matches!(folded, Err(FoldError::Saved { .. })), "{folded:?}");
        assert_eq!(world.source(), "f = 1\ng = 8\n");
        assert_eq!(world.live(&log), "f = 2\ng = 8\n");
        let left = world.disk.files();
        let left = left.iter().filter(|path| path.starts_with("/desk"));
        assert_eq!(left.count(), 2, "{:?}", world.disk.files());
    }
}

#[test]
fn a_file_system_that_cannot_exchange_names_will_do() {
    let world = World::new("f = 1\n");
    let mut log = world.open();
    world.edit(&mut log, "f = 2\n");
    let storage = Meddled {
        disk: world.disk.clone(),
        is_simple: true,
        before_exchange: Mutex::default(),
    };
    let rim = Rim {
        storage: Arc::new(storage),
        ..world.rim.clone()
    };
    fold(&rim, &mut log, Path::new(SOURCE), false).unwrap();
    assert_eq!(world.source(), "f = 2\n");
}

const OLD: &str = "f = 1\nLIMIT = 1\n\n\ndef keep():\n    pass\n";
const NEW: &str = "f = 2\nLIMIT = 5\n\n\ndef keep():\n    pass\n\n\ndef g():\n    return 3\n";

/// A log with changes of all sorts; one of state stays in it, if so wanted.
fn prepared(stays: bool) -> (World, Log) {
    let world = World::new(OLD);
    let mut log = world.open();
    world.patch(&mut log, "", "f = 2\ndef g():\n    return 2\n");
    world.state(&mut log, "LIMIT", Effect::Assign, "LIMIT = 5");
    world.patch(&mut log, "", "def g():\n    return 3\n");
    if stays {
        world.state(&mut log, "CACHE", Effect::Call, "CACHE.clear()");
    }
    // That a change was applied is durable with the next one.
    world.make(&mut log, &[], relive_log::Via::Repl);
    (world, log)
}

/// After a fold was cut off: the source is the old or the new one, and what is to be merged or run again makes it the
/// new one, no change twice.
fn check_after(world: &World, step: &str, stays: bool) {
    let mut log = Log::open(&world.rim, Path::new(SOURCE), "77aa", "-").unwrap();
    let unrecovered = world.changes(&log);
    recover_fold(&world.rim, &mut log).unwrap();
    let source = world.source();
    assert!(source == OLD || source == NEW, "{step}: {source}");
    let changes = world.changes(&log);
    let pending: Vec<String> = changes
        .iter()
        .filter(|change| change.status == Status::Pending)
        .filter_map(|change| match &change.kind {
            relive_log::ChangeKind::State { text, .. } => Some(text.clone()),
            relive_log::ChangeKind::Patch { target, .. } => Some(target.clone()),
            _ => None,
        })
        .collect();
    let mut expected = if source == OLD {
        vec!["f", "g", "LIMIT = 5", "g"]
    } else {
        vec![]
    };
    if stays {
        expected.push("CACHE.clear()");
    }
    assert_eq!(pending, expected, "{step}");
    let live = relive_log::merge(&parse(&source), &changes).text;
    assert_eq!(
        live,
        NEW.replace(
            "LIMIT = 5",
            if source == OLD {
                "LIMIT = 1"
            } else {
                "LIMIT = 5"
            }
        )
    );
    // Who only reads the log comes to the same.
    let status = |changes: &[relive_log::Change]| -> Vec<(u64, bool)> {
        let patches = changes.iter().filter(|change| {
            matches!(
                change.kind,
                relive_log::ChangeKind::Patch { .. } | relive_log::ChangeKind::State { .. }
            )
        });
        patches
            .map(|change| (change.number, change.status == Status::Pending))
            .collect()
    };
    assert_eq!(status(&unrecovered), status(&changes), "{step}");
    world.fold(&mut log);
    assert_eq!(world.source(), NEW, "{step}");
    let files = world.disk.files();
    let other: Vec<_> = files
        .iter()
        .filter(|path| path.starts_with("/desk") && path.to_string_lossy().contains("relive"))
        .collect();
    assert!(other.is_empty(), "{step}: {other:?}");
}

#[test]
fn a_fold_killed_at_any_step_leaves_the_old_or_the_new_source() {
    for stays in [false, true] {
        let (world, mut log) = prepared(stays);
        let before = world.disk.calls();
        world.fold(&mut log);
        let steps = world.disk.calls() - before;
        assert!(steps > 20, "{steps}");
        for step in 0..=steps {
            // The process dies: no call of it gets through any more.
            let (world, mut log) = prepared(stays);
            world.disk.fail_from(step, io::ErrorKind::Interrupted);
            let _ = fold(&world.rim, &mut log, Path::new(SOURCE), false);
            drop(log);
            world.disk.kill();
            world.disk.heal();
            check_after(&world, &format!("killed at {step}"), stays);
        }
    }
}

#[test]
fn a_fold_cut_off_by_a_power_loss_leaves_the_old_or_the_new_source() {
    let (world, mut log) = prepared(true);
    let before = world.disk.calls();
    world.fold(&mut log);
    let steps = world.disk.calls() - before;
    for step in 0..=steps {
        for seed in 0..5 {
            let (world, mut log) = prepared(true);
            world.disk.fail_from(step, io::ErrorKind::Interrupted);
            let _ = fold(&world.rim, &mut log, Path::new(SOURCE), false);
            drop(log);
            world.disk.crash(seed);
            check_after(&world, &format!("power lost at {step}, seed {seed}"), true);
        }
    }
}

/// One call fails, and the process goes on: nothing is folded, or all.
#[test]
fn a_fold_of_which_any_one_call_fails_is_whole_or_not_there() {
    let (world, mut log) = prepared(true);
    let before = world.disk.calls();
    world.fold(&mut log);
    let steps = world.disk.calls() - before;
    for step in 0..=steps {
        let (world, mut log) = prepared(true);
        world.disk.fail_call(step, io::ErrorKind::StorageFull);
        let folded = fold(&world.rim, &mut log, Path::new(SOURCE), false);
        world.disk.heal();
        let expected = if folded.is_ok() { NEW } else { OLD };
        assert_eq!(world.source(), expected, "{step}: {folded:?}");
        drop(log);
        check_after(&world, &format!("failed at {step}"), true);
    }
}

/// The process was killed between the exchange and the look at what came out, which was a save.
#[test]
fn a_save_that_a_killed_fold_has_displaced_is_put_back() {
    let (world, mut log) = prepared(false);
    let calls = world.disk.calls();
    let storage = Meddled {
        disk: world.disk.clone(),
        is_simple: false,
        before_exchange: Mutex::new(vec![save_by_rename("f = 1\nLIMIT = 77\n")]),
    };
    let rim = Rim {
        storage: Arc::new(storage),
        ..world.rim.clone()
    };
    // Find the exchange: from there on nothing gets through.
    let exchange = {
        let (world, log) = prepared(false);
        let before = world.disk.calls();
        let mut step = 0;
        let mut at = None;
        while at.is_none() {
            let (world, mut log) = prepared(false);
            let start = world.disk.calls();
            world.disk.fail_from(step, io::ErrorKind::Interrupted);
            let _ = fold(&world.rim, &mut log, Path::new(SOURCE), false);
            if world.source() == NEW {
                at = Some(step - 1);
            }
            assert_eq!(start, before);
            step += 1;
        }
        drop((world, log));
        at.take()
    };
    assert_eq!(world.disk.calls(), calls);
    // The save makes one call of its own.
    world
        .disk
        .fail_from(exchange.unwrap() + 2, io::ErrorKind::Interrupted);
    let _ = fold(&rim, &mut log, Path::new(SOURCE), false);
    drop(log);
    world.disk.kill();
    world.disk.heal();
    assert_eq!(world.source(), NEW, "the save is displaced");
    let mut log = world.open();
    let notice = recover_fold(&world.rim, &mut log).unwrap();
    assert!(notice.unwrap().contains("was saved while it was folded"));
    assert_eq!(world.source(), "f = 1\nLIMIT = 77\n");
    assert!(world.live(&log).starts_with("f = 2\nLIMIT = 77\n"));
}

#[test]
fn a_link_is_followed_and_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let home = relive_log::Home::at(root.join("state"));
    let rim = Rim::real(home);
    let (real, link) = (root.join("real.py"), root.join("link.py"));
    std::fs::write(&real, "f = 1\n").unwrap();
    std::os::unix::fs::symlink("real.py", &link).unwrap();
    let mut log = Log::open(&rim, &link, "9be1", "-").unwrap();
    let draft = relive_log::drafts(&parse("f = 1\n"), &parse("f = 2\n"));
    let committed = log
        .append(&draft, relive_log::Via::Patch, None, None)
        .unwrap();
    log.done(committed.tx, 0.1);
    let folded = fold(&rim, &mut log, &link, false).unwrap();
    assert_eq!(folded.numbers.len(), 1);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "f = 2\n");
    assert!(root.join("real.py.log.1").exists());
}

/// The table of `docs/log-format.md`.
#[test]
fn a_fold_that_was_not_ended_is_looked_after_by_what_the_files_say() {
    let (from, to, other) = ("f = 1\n", "f = 2\n", "f = 7\n");
    // What the source and the file beside it say, what the source says then, and whether the change is folded.
    let rows: &[(&str, Option<&str>, &str, Status)] = &[
        (to, Some(from), to, Status::Folded),
        (to, Some(to), to, Status::Folded),
        (to, None, to, Status::Folded),
        (to, Some(other), other, Status::Conflict),
        (from, Some(to), from, Status::Pending),
        (from, Some("f ="), from, Status::Pending),
        (from, None, from, Status::Pending),
        (other, Some(from), other, Status::Folded),
        (other, Some(to), other, Status::Conflict),
        (other, Some("f ="), other, Status::Conflict),
        (other, None, other, Status::Conflict),
    ];
    const BESIDE: &str = "/desk/.bank.py.relive-fold";
    for (source, beside, expected, status) in rows {
        let world = World::new(from);
        let mut log = world.open();
        let number = world.edit(&mut log, to)[0];
        let hash = |text: &str| relive_log::file_hash(text.as_bytes());
        log.begin_fold(&hash(from), &hash(to), &[number]).unwrap();
        drop(log);
        world.disk.put(SOURCE, source.as_bytes());
        if let Some(beside) = beside {
            world.disk.put(BESIDE, beside.as_bytes());
        }
        let mut log = world.open();
        let notice = recover_fold(&world.rim, &mut log).unwrap();
        let row = format!("{source:?} {beside:?}");
        assert_eq!(&world.source(), expected, "{row}");
        assert_eq!(world.disk.get(BESIDE), None, "{row}");
        let changes = world.changes(&log);
        let change = changes.iter().find(|change| change.number == number);
        assert_eq!(change.unwrap().status, *status, "{row}");
        let kept = world.disk.get("/desk/bank.py.relive-kept.1");
        let is_unknown = *source == other && *beside == Some("f =");
        assert_eq!(kept.is_some(), is_unknown, "{row}");
        assert_eq!(
            notice.is_some(),
            is_unknown || *beside == Some(other),
            "{row}"
        );
        // Once is enough.
        assert_eq!(recover_fold(&world.rim, &mut log).unwrap(), None, "{row}");
        assert_eq!(&world.source(), expected, "{row}");
    }
}
