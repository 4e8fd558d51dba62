//! Measures the change log; `benches/log.py` runs it, beside its peers.
//!
//! `measure append DIRECTORY COUNT`: durable changes, and as many bytes with a plain append and fdatasync, in turns.
//! `measure read DIRECTORY SIZE`: a log of this many bytes, read and verified, and the file read and hashed.
//! `measure judge DIRECTORY COUNT`: this many functions added to a module as long: their history, and what the source
//! says to them, before and after it has them.
//! Prints one JSON object with seconds.

#![allow(clippy::print_stdout)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it measures the real world"
)]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use relive_log::memory::{MemoryClock, MemoryDisk};
use relive_log::{
    Draft, Home, Log, Operation, Process, Rim, Signed, Via, drafts, history, judge, merge, read,
};
use relive_syntax::Outline;
use serde_json::{Value, json};

const TIMES: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, directory, number] = arguments.as_slice() else {
        return Err("measure append|read|judge DIRECTORY NUMBER".into());
    };
    let directory = Path::new(directory);
    let found = match what.as_str() {
        "append" => append(directory, number.parse()?)?,
        "judge" => judging(directory, number.parse()?)?,
        _ => reading(directory, number.parse()?)?,
    };
    println!("{found}");
    Ok(())
}

/// The seconds of each step from a log to a text with its changes.
fn judging(directory: &Path, count: usize) -> Result<Value, Box<dyn Error>> {
    let rim = Rim::real(Home::at(directory.join("state")));
    let path = directory.join("bank.py");
    let text = |names: &[&str]| -> String {
        let functions = |number| names.iter().map(move |name| (name, number));
        let define =
            |(name, number)| format!("def {name}{number}(x):\n    return x + {number}\n\n\n");
        (0..count).flat_map(functions).map(define).collect()
    };
    let source = Outline::parse(text(&["old"]).as_str().into()).map_err(|error| error.message)?;
    let new =
        Outline::parse(text(&["old", "new"]).as_str().into()).map_err(|error| error.message)?;
    fs::write(&path, &*source.text)?;
    let mut log = Log::open(&rim, &path, "9be1", "3.13.0")?;
    let mut seconds = Vec::new();
    let mut step = |name: &str, work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        seconds.push((name.to_owned(), json!(begun.elapsed().as_secs_f64())));
    };
    let mut made = Vec::new();
    step("drafts", &mut || made = drafts(&source, &new));
    let committed = log.append(&made, Via::Patch, None, None)?;
    log.done(committed.tx, 0.5);
    let mut changes = Vec::new();
    step("history", &mut || changes = history(log.read()));
    step("judge pending", &mut || judge(&mut changes, Some(&source)));
    let mut merged = None;
    step("merge", &mut || merged = Some(merge(&source, &changes)));
    step("judge in source", &mut || judge(&mut changes, Some(&new)));
    let is_whole = merged.is_some_and(|merged| Outline::parse(merged.text.as_str().into()).is_ok());
    seconds.push(("whole".to_owned(), json!(is_whole)));
    Ok(Value::Object(seconds.into_iter().collect()))
}

/// The seconds of `COUNT` changes, each beside a plain append of as many bytes.
fn append(directory: &Path, count: usize) -> Result<Value, Box<dyn Error>> {
    let rim = Rim::real(Home::at(directory.join("state")));
    let source = directory.join("bank.py");
    fs::write(&source, "")?;
    let mut log = Log::open(&rim, &source, "9be1", "3.13.0")?;
    let path = log.path().to_owned();
    let mut plain = fs::File::options()
        .create(true)
        .append(true)
        .open(directory.join("plain"))?;
    // The first one makes the files.
    log.append(&[draft(0)], Via::Repl, None, None)?;
    plain.write_all(b"begun\n")?;
    plain.sync_all()?;
    // Both begin behind a sync of another file: a processor that was idle is slower at first.
    let mut other = fs::File::create(directory.join("other"))?;
    let mut idle = || other.write_all(b"x").and_then(|()| other.sync_data());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut size = fs::metadata(&path)?.len();
    for number in 1..=count {
        let drafts = [draft(number)];
        idle()?;
        let begun = Instant::now();
        let committed = log.append(&drafts, Via::Repl, None, None)?;
        ours.push(begun.elapsed().as_secs_f64());
        log.done(committed.tx, 0.1);

        let grown = fs::metadata(&path)?.len();
        let bytes = vec![b'x'; (grown - size) as usize];
        size = grown;
        idle()?;
        let begun = Instant::now();
        plain.write_all(&bytes)?;
        plain.sync_data()?;
        theirs.push(begun.elapsed().as_secs_f64());
    }
    Ok(json!({ "relive": median(ours), "plain": median(theirs), "text": text(1) }))
}

/// The seconds that it takes to read and verify a log, to open it for writing, and to read and hash the file.
fn reading(directory: &Path, size: usize) -> Result<Value, Box<dyn Error>> {
    let directory = fs::canonicalize(directory)?;
    let source = directory.join("bank.py");
    let home = directory.join("state");
    fs::write(&source, "")?;
    let bytes = make_log(&source, &home, size)?;
    let path = directory.join("bank.py.log");
    fs::write(&path, &bytes)?;
    let rim = Rim::real(Home::at(&home));
    let (mut reading, mut opening, mut hashing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let begun = Instant::now();
        let found = read(&rim, &source)?;
        reading.push(begun.elapsed().as_secs_f64());
        let is_mine = |transaction: &relive_log::Transaction| transaction.signed == Signed::Mine;
        assert!(
            found.problems.is_empty() && found.transactions.iter().all(is_mine),
            "{:?}",
            found.problems
        );
        drop(found);

        let begun = Instant::now();
        let log = Log::open(&rim, &source, "9be1", "3.13.0")?;
        opening.push(begun.elapsed().as_secs_f64());
        drop(log);

        let begun = Instant::now();
        let hash = blake3::hash(&fs::read(&path)?);
        hashing.push(begun.elapsed().as_secs_f64());
        assert_eq!(hash, blake3::hash(&bytes));
    }
    Ok(json!({
        "bytes": bytes.len(), "relive": median(reading), "open": median(opening), "plain": median(hashing),
    }))
}

/// A log for a place on the real disk, made in memory; the key that signs it is put into the state directory.
fn make_log(source: &Path, home: &Path, size: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let disk = MemoryDisk::new();
    disk.make_directory(source.parent().ok_or("a directory")?);
    disk.put(source, b"");
    let process = Process {
        user: relive_log::memory::USER,
        ..Process::of_this()
    };
    let rim = Rim {
        storage: Arc::new(disk.clone()),
        clock: Arc::new(MemoryClock::default()),
        home: Home::at(home),
        process,
    };
    let mut log = Log::open(&rim, source, "9be1", "3.13.0")?;
    let path: PathBuf = log.path().to_owned();
    // Each is some 650 bytes with its commit and its `done`.
    let mut written = 0;
    for number in 0.. {
        let committed = log.append(&[draft(number)], Via::Repl, None, None)?;
        log.done(committed.tx, 0.1);
        written += 650;
        if written + 650 > size {
            break;
        }
    }
    fs::create_dir_all(home)?;
    fs::write(home.join("key"), disk.get(home.join("key")).ok_or("a key")?)?;
    fs::set_permissions(
        home.join("key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )?;
    Ok(disk.get(path).ok_or("a log")?)
}

/// An edit of a function of a few lines.
fn draft(number: usize) -> Draft {
    Draft::Patch {
        operation: Operation::Replace,
        target: "Account.deposit".to_owned(),
        after: None,
        old: Some(text(number.wrapping_sub(1))),
        new: Some(text(number)),
    }
}

fn text(number: usize) -> String {
    format!(
        "    def deposit(self, amount):\n        if amount < 0:\n            raise ValueError(amount)\n        \
         self.balance += amount\n        return self.balance + {number}\n"
    )
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
