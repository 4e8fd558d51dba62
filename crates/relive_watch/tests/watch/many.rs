//! Many files, directories that come and go many times, and paths of every spelling.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use relive_watch::Event;

use crate::backend::{Backend, changed, drain, make_tree, with_each_backend, write};

const DIRECTORY_COUNT: usize = 500;
const NAMES: [&str; 10] = [
    "m0.py", "m1.py", "m2.py", "m3.py", "m4.py", "m5.py", "m6.py", "m7.py", "m8.py", "m9.py",
];

fn five_thousand_files<B: Backend>() {
    let home = tempfile::tempdir().unwrap();
    let mut watch = B::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for index in 0..DIRECTORY_COUNT {
        // 25 packages with 20 subpackages each.
        let directory = home
            .path()
            .join(format!("package{}/sub{index}", index % 25));
        files.extend(make_tree(&directory, &NAMES));
        write(directory.join("unwatched.py"));
    }
    // Twice, as a session does that does not keep account.
    for _ in 0..2 {
        files.iter().for_each(|file| watch.watch_file(file));
    }
    assert_eq!(drain(&mut watch), BTreeSet::new());

    // 7 and 5,000 have no common factor: files in most directories, at most two in one.
    let sample: Vec<&PathBuf> = (0..500)
        .map(|index| &files[index * 7 % files.len()])
        .collect();
    for (index, file) in sample.iter().enumerate() {
        write(file.with_file_name("unwatched.py"));
        if index % 2 == 0 {
            write(file);
        } else {
            write(file.with_extension("tmp"));
            fs::rename(file.with_extension("tmp"), file).unwrap();
        }
    }
    assert_eq!(drain(&mut watch), changed(sample));
    assert_eq!(drain(&mut watch), BTreeSet::new());
}

fn a_directory_comes_and_goes<B: Backend>() {
    let home = tempfile::tempdir().unwrap();
    let mut watch = B::new();
    let package = home.path().join("package");
    let files = make_tree(&package, &["a.py", "b.py"]);
    files.iter().for_each(|file| watch.watch_file(file));
    let whole = if B::RESCANS {
        BTreeSet::from([Event::Rescan])
    } else {
        changed(&files)
    };
    for round in 0..5 {
        fs::remove_dir_all(&package).unwrap();
        assert_eq!(drain(&mut watch), whole, "gone, round {round}");
        assert_eq!(
            drain(&mut watch),
            BTreeSet::new(),
            "still gone, round {round}"
        );
        make_tree(&package, &["a.py", "b.py"]);
        assert_eq!(drain(&mut watch), whole, "there again, round {round}");
        write(&files[1]);
        assert_eq!(
            drain(&mut watch),
            changed([&files[1]]),
            "saved, round {round}"
        );
    }
}

fn a_moved_directory_is_left_alone<B: Backend>() {
    let home = tempfile::tempdir().unwrap();
    let mut watch = B::new();
    let (package, away) = (home.path().join("package"), home.path().join("away"));
    let files = make_tree(&package, &["a.py", "b.py"]);
    files.iter().for_each(|file| watch.watch_file(file));
    let whole = if B::RESCANS {
        BTreeSet::from([Event::Rescan])
    } else {
        changed(&files)
    };

    fs::rename(&package, &away).unwrap();
    assert_eq!(drain(&mut watch), whole);
    // What was watched is the path, not the directory that once was there.
    write(away.join("a.py"));
    assert_eq!(drain(&mut watch), BTreeSet::new());

    fs::rename(&away, &package).unwrap();
    assert_eq!(drain(&mut watch), whole);
    write(&files[0]);
    assert_eq!(drain(&mut watch), changed([&files[0]]));
}

fn each_spelling_is_reported<B: Backend>() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path();
    make_tree(&at.join("package/sub"), &["a.py"]);
    let spellings = [
        at.join("package/sub/a.py"),
        at.join("package/sub/../../package/sub/a.py"),
    ];
    let mut watch = B::new();
    spellings.iter().for_each(|file| watch.watch_file(file));
    write(&spellings[0]);
    assert_eq!(drain(&mut watch), changed(&spellings));
}

/// Tests run in their package's directory, and cargo's directory for temporary files is not below
/// it: so the relative path goes up first.
fn a_relative_path_is_reported_as_given<B: Backend>() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let here = std::env::current_dir().unwrap();
    let mut relative: PathBuf = here.iter().skip(1).map(|_| "..").collect();
    relative.extend(home.path().iter().skip(1));
    relative.push("a.py");
    let mut watch = B::new();
    watch.watch_file(&relative);
    write(home.path().join("a.py"));
    assert_eq!(drain(&mut watch), changed([&relative]));
}

fn a_file_in_the_root_can_be_watched<B: Backend>() {
    let mut watch = B::new();
    watch.watch_file(Path::new("/no-such-file-of-relive.py"));
    assert_eq!(drain(&mut watch), BTreeSet::new());
}

with_each_backend!(
    five_thousand_files,
    a_directory_comes_and_goes,
    a_moved_directory_is_left_alone,
    each_spelling_is_reported,
    a_relative_path_is_reported_as_given,
    a_file_in_the_root_can_be_watched,
);
