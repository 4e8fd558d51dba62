//! Any sequence of changes: what a watched path leads to is never another than before without a word.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use relive_watch::Event;

use crate::backend::{Backend, drain, fresh_text, with_each_backend};

/// The places everything happens at; each may at any time be a file, a directory, a link or nothing.
const PLACES: [&str; 9] = [
    "a", "b", "a/x", "a/y", "b/x", "b/y", "a/x/deep", "a/y/deep", "b/x/deep",
];

#[derive(Debug, Clone)]
enum Step {
    Write(usize),
    Replace(usize),
    MakeDirectory(usize),
    Remove(usize),
    Rename(usize, usize),
    Link(usize, usize),
    Relink(usize, usize),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || 0..PLACES.len();
    prop_oneof![
        3 => place().prop_map(Step::Write),
        2 => place().prop_map(Step::Replace),
        4 => place().prop_map(Step::MakeDirectory),
        2 => place().prop_map(Step::Remove),
        2 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (place(), place()).prop_map(|(target, link)| Step::Link(target, link)),
        2 => (place(), place()).prop_map(|(target, link)| Step::Relink(target, link)),
        4 => Just(Step::Drain),
    ]
}

/// Many steps make no sense where they come (a file below a file): then the system says so, and
/// nothing has happened.
fn take(at: &Path, step: &Step) {
    let path = |place: &usize| at.join(PLACES[*place]);
    let spare = at.join("spare");
    let _ = match step {
        Step::Write(place) => fs::write(path(place), fresh_text()),
        Step::Replace(place) => {
            fs::write(&spare, fresh_text()).and_then(|()| fs::rename(&spare, path(place)))
        }
        Step::MakeDirectory(place) => fs::create_dir(path(place)),
        Step::Remove(place) if path(place).is_symlink() || path(place).is_file() => {
            fs::remove_file(path(place))
        }
        Step::Remove(place) => fs::remove_dir_all(path(place)),
        Step::Rename(from, to) => fs::rename(path(from), path(to)),
        Step::Link(target, link) => symlink(path(target), path(link)),
        Step::Relink(target, link) => {
            symlink(path(target), &spare).and_then(|()| fs::rename(&spare, path(link)))
        }
        Step::Drain => Ok(()),
    };
    // Left where the rename was refused.
    let _ = fs::remove_file(&spare);
}

fn contents(files: &[PathBuf]) -> Vec<Option<Vec<u8>>> {
    files.iter().map(|file| fs::read(file).ok()).collect()
}

fn nothing_changes_without_a_word<B: Backend>() {
    let steps = prop::collection::vec(step(), 1..40);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&steps, |steps| {
        let home = tempfile::tempdir()?;
        let at = home.path();
        let files: Vec<PathBuf> = PLACES.iter().map(|place| at.join(place)).collect();
        let mut watch = B::new();
        files.iter().for_each(|file| watch.watch_file(file));
        let mut before = contents(&files);
        for step in steps.iter().chain([&Step::Drain]) {
            take(at, step);
            if !matches!(step, Step::Drain) {
                continue;
            }
            let events = drain(&mut watch);
            let now = contents(&files);
            for ((file, before), now) in files.iter().zip(&before).zip(&now) {
                let told = events.contains(&Event::Rescan)
                    || events.contains(&Event::Changed(file.clone()));
                prop_assert!(told || before == now, "{} after {events:?}", file.display());
            }
            prop_assert_eq!(drain(&mut watch), BTreeSet::new());
            before = now;
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

with_each_backend!(nothing_changes_without_a_word);
