//! What only inotify has: a queue that overflows, a descriptor, names of any bytes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use relive_watch::{Event, Watch, WatchError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::backend::{changed, drain, make_tree, write};

fn watch_all(files: &[impl AsRef<Path>]) -> Watch {
    let mut watch = Watch::new().unwrap();
    files
        .iter()
        .for_each(|file| watch.watch_file(file.as_ref()).unwrap());
    watch
}

/// Makes more events in the directory than the kernel will keep: of two files in turn, because it
/// drops an event that equals the last one in the queue.
fn overflow(directory: &Path) {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let mut files = ["noise1", "noise2"].map(|name| File::create(directory.join(name)).unwrap());
    for index in 0..=limit {
        files[index % 2].write_all(b"~").unwrap();
    }
}

#[test]
fn an_overflow_is_a_rescan_and_then_all_is_as_before() {
    let home = tempfile::tempdir().unwrap();
    let files = make_tree(home.path(), &["a.py", "b.py"]);
    let mut watch = watch_all(&files);
    overflow(home.path());
    write(&files[0]);
    assert_eq!(watch.drain(), [Event::Rescan]);
    assert_eq!(watch.drain(), []);
    write(&files[1]);
    assert_eq!(watch.drain(), [Event::Changed(files[1].clone())]);
}

#[test]
fn a_directory_replaced_while_the_queue_is_full_is_watched_again() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("package");
    let files = make_tree(&package, &["a.py", "b.py"]);
    let mut watch = watch_all(&files);
    overflow(&package);
    fs::remove_dir_all(&package).unwrap();
    make_tree(&package, &["a.py", "b.py"]);
    assert_eq!(watch.drain(), [Event::Rescan]);
    write(&files[1]);
    assert_eq!(watch.drain(), [Event::Changed(files[1].clone())]);
}

#[test]
fn names_need_not_be_utf_8() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&directory).unwrap();
    let file = directory.join(OsStr::from_bytes(b"na\xefve.py"));
    let mut watch = watch_all(&[&file]);
    write(&file);
    assert_eq!(drain(&mut watch), changed([&file]));
}

#[test]
fn the_longest_name_is_read() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("n".repeat(255));
    let mut watch = watch_all(&[&file]);
    write(&file);
    assert_eq!(drain(&mut watch), changed([&file]));
}

#[test]
fn two_files_exchanged_in_one_step_have_both_changed() {
    let home = tempfile::tempdir().unwrap();
    let files = make_tree(home.path(), &["a.py", "b.py", "c.py"]);
    let mut watch = watch_all(&files);
    renameat_with(CWD, &files[0], CWD, &files[1], RenameFlags::EXCHANGE).unwrap();
    assert_eq!(drain(&mut watch), changed(&files[..2]));
}

#[test]
fn a_file_kept_open_is_reported_at_each_write() {
    let home = tempfile::tempdir().unwrap();
    let files = make_tree(home.path(), &["a.py"]);
    let mut watch = watch_all(&files);
    let mut file = OpenOptions::new().append(true).open(&files[0]).unwrap();
    assert_eq!(watch.drain(), [], "opened");
    for round in 0..3 {
        file.write_all(b"~").unwrap();
        assert_eq!(drain(&mut watch), changed(&files), "round {round}");
    }
    drop(file);
    assert_eq!(drain(&mut watch), changed(&files), "closed");
}

/// A directory that was removed has no watch any more: what wakes the session is the watch on the
/// one above it.
#[test]
fn the_descriptor_is_readable_when_there_is_something_to_drain() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("deep/package");
    let files = make_tree(&package, &["a.py"]);
    let mut watch = watch_all(&files);
    let check = |watch: &mut Watch, what: &str, expected: &[Event]| {
        assert!(readable(watch), "{what}");
        assert_eq!(watch.drain(), expected, "{what}");
        // To give up a watch is itself an event, which may take its time.
        let quiet = (0..100).any(|_| {
            assert_eq!(watch.drain(), [], "{what}");
            !readable(watch) || {
                std::thread::sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(quiet, "{what}");
    };
    assert!(!readable(&watch));
    write(&files[0]);
    check(&mut watch, "saved", &[Event::Changed(files[0].clone())]);
    fs::remove_dir_all(home.path().join("deep")).unwrap();
    check(&mut watch, "removed", &[Event::Rescan]);
    make_tree(&package, &["a.py"]);
    check(&mut watch, "made again", &[Event::Rescan]);
    fs::rename(&package, home.path().join("away")).unwrap();
    check(&mut watch, "moved", &[Event::Rescan]);
    write(home.path().join("away/a.py"));
    assert!(!readable(&watch), "what was moved away is watched no more");
}

fn readable(watch: &Watch) -> bool {
    let descriptor = watch.as_fd();
    let mut descriptors = [PollFd::new(&descriptor, PollFlags::IN)];
    poll(
        &mut descriptors,
        Some(&Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        }),
    )
    .unwrap()
        == 1
}

#[test]
fn an_executed_program_does_not_inherit_the_descriptor() {
    let watch = Watch::new().unwrap();
    assert!(
        fcntl_getfd(watch.as_fd())
            .unwrap()
            .contains(FdFlags::CLOEXEC)
    );
}

#[test]
fn a_watch_can_be_given_to_a_thread() {
    let home = tempfile::tempdir().unwrap();
    let files = make_tree(home.path(), &["a.py"]);
    let mut watch = watch_all(&files);
    write(&files[0]);
    let events = std::thread::spawn(move || watch.drain()).join().unwrap();
    assert_eq!(BTreeSet::from_iter(events), changed(&files));
}

#[test]
fn a_path_without_a_last_name_is_refused() {
    let mut watch = Watch::new().unwrap();
    for path in ["", "/", "..", "/tmp/.."] {
        let error = watch.watch_file(Path::new(path)).unwrap_err();
        assert!(
            matches!(error, WatchError::Path { .. }),
            "{path:?}: {error}"
        );
        assert_eq!(
            error.to_string(),
            format!("cannot watch {path}: not the path of a file")
        );
    }
    assert_eq!(watch.drain(), []);
}
