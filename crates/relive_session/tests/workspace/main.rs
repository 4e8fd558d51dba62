//! The shape of the workspace: what each crate may name, and what only one of them may.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says that it failed by panicking, and reads the sources of the workspace"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The crates from the bottom to the top; those on one line know nothing of each other.
const FLOORS: &[&[&str]] = &[
    &["relive_syntax"],
    &["relive_watch", "relive_log", "relive_memo"],
    &["relive_plan"],
    &["relive_session"],
    &["relive_socket"],
    &["relive_cli"],
    &["relive_python"],
];

/// A crate of the workspace.
struct Package {
    name: String,
    directory: PathBuf,
    /// What it depends on, for whatever purpose.
    dependencies: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        cargo.status.success(),
        "{}",
        String::from_utf8_lossy(&cargo.stderr)
    );
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| Package {
            name: text(&package["name"]),
            directory: Path::new(&text(&package["manifest_path"]))
                .parent()
                .unwrap()
                .to_owned(),
            dependencies: package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .map(|dependency| text(&dependency["name"]))
                .collect(),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The sources of a crate: path and text.
fn sources(package: &Package) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![package.directory.join("src")];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "{} has no sources", package.name);
    found
}

/// The code of a line, without the comment at its end.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

#[test]
fn dependencies_point_down() {
    let floors: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, names)| names.iter().map(move |name| (*name, floor)))
        .collect();
    for package in packages() {
        let name = package.name.as_str();
        let floor = floors
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no place in FLOORS yet"));
        for dependency in &package.dependencies {
            if let Some(below) = floors.get(dependency.as_str()) {
                assert!(
                    below < floor,
                    "{name} depends on {dependency}, which does not stand below it"
                );
            }
        }
    }
}

/// That a crate is named by one crate only, in its manifest and in its sources.
fn assert_only(owner: &str, is_owned: impl Fn(&str) -> bool, word: &str) {
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == owner));
    for package in &packages {
        let names = package
            .dependencies
            .iter()
            .find(|dependency| is_owned(dependency));
        if package.name == owner {
            assert!(names.is_some(), "{owner} does not name {word} any more");
            continue;
        }
        assert_eq!(names, None, "only {owner} may name {word}");
        for (path, text) in sources(package) {
            let named = text.lines().find(|line| code(line).contains(word));
            assert_eq!(
                named,
                None,
                "{}: only {owner} may name {word}",
                path.display()
            );
        }
    }
}

#[test]
fn only_relive_syntax_names_ruff() {
    assert_only("relive_syntax", |name| name.starts_with("ruff_"), "ruff_");
}

#[test]
fn only_relive_python_names_pyo3() {
    assert_only("relive_python", |name| name.starts_with("pyo3"), "pyo3");
}

#[test]
fn only_relive_python_has_unsafe_code() {
    for package in packages() {
        let sources = sources(&package);
        let root = package.directory.join("src/lib.rs");
        let (_, root) = sources.iter().find(|(path, _)| *path == root).unwrap();
        let forbids = root
            .lines()
            .any(|line| code(line).trim() == "#![forbid(unsafe_code)]");
        assert_eq!(forbids, package.name != "relive_python", "{}", package.name);
    }
}

/// In the crate that may, every unsafe block says why it is sound.
#[test]
fn unsafe_blocks_are_justified() {
    let packages = packages();
    let python = packages
        .iter()
        .find(|package| package.name == "relive_python")
        .unwrap();
    let mut blocks = 0;
    for (path, text) in sources(python) {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            if !code(line).contains("unsafe {") {
                continue;
            }
            blocks += 1;
            let above = lines[index.saturating_sub(8)..=index].iter();
            let is_justified = above.rev().any(|line| line.contains("// SAFETY:"));
            assert!(
                is_justified,
                "{}:{}: no SAFETY comment",
                path.display(),
                index + 1
            );
        }
    }
    assert!(
        blocks > 0,
        "there is no unsafe block any more: this test looks for the wrong text"
    );
}

/// The lower crates have no outside world: files, environment and clock come in through traits.
#[test]
fn the_pure_crates_have_no_outside_world() {
    for package in packages() {
        if !["relive_syntax", "relive_plan"].contains(&package.name.as_str()) {
            continue;
        }
        for (path, text) in sources(&package) {
            for word in [
                "std::fs",
                "std::env",
                "std::time",
                "std::net",
                "std::process",
                "std::io",
                "println!",
                "eprintln!",
            ] {
                let named = text.lines().find(|line| code(line).contains(word));
                assert_eq!(named, None, "{} names {word}", path.display());
            }
        }
    }
}

/// A crate says in its first lines what it is for.
#[test]
fn every_crate_says_what_it_is() {
    for package in packages() {
        let root = std::fs::read_to_string(package.directory.join("src/lib.rs")).unwrap();
        assert!(
            root.starts_with("//! "),
            "{}: lib.rs begins with its purpose",
            package.name
        );
    }
}

/// A file past 1,000 lines wants a room of its own.
#[test]
fn no_file_is_longer_than_a_thousand_lines() {
    for package in packages() {
        for (path, text) in sources(&package) {
            let lines = text.lines().count();
            assert!(lines <= 1_000, "{} has {lines} lines", path.display());
        }
    }
}
