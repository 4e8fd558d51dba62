//! Real processes on a real disk: killed, locked out, spawned.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use relive_log::{Entry, Home, Log, OpenError, ReadLog, Rim, Signed, Tail, read};

use crate::world::{append, assign};

const ROLE: &str = "RELIVE_LOG_TEST_ROLE";
const DIRECTORY: &str = "RELIVE_LOG_TEST_DIRECTORY";

fn real_rim(directory: &Path) -> Rim {
    Rim::real(Home::at(directory.join("home")))
}

fn prepared() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("bank.py");
    std::fs::write(&source, "LIMIT = 1\n").unwrap();
    (directory, source)
}

/// This test program once more, in a role.
fn spawn(role: &str, directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "processes::what_a_spawned_process_does",
            "--nocapture",
        ])
        .env(ROLE, role)
        .env(DIRECTORY, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The number of the transaction in a line of a writer.
fn acknowledged(line: &str) -> Option<u64> {
    line.strip_prefix("acknowledged ")?.trim_end().parse().ok()
}

/// Does nothing unless another test has spawned it.
#[test]
fn what_a_spawned_process_does() {
    let Some(role) = std::env::var_os(ROLE) else {
        return;
    };
    let directory = PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let rim = real_rim(&directory);
    let source = directory.join("bank.py");
    let mut log = Log::open(&rim, &source, "9be1", "-").unwrap();
    let mut out = std::io::stdout();
    if role == "hold" {
        append(&mut log, &[assign("LIMIT", 2)]);
        // A program that lives on when we are killed.
        let mut sleeper = Command::new("sleep")
            .arg("600")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(out, "\nholding {}", sleeper.id()).unwrap();
        out.flush().unwrap();
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        return;
    }
    for value in 2.. {
        // Of several pages now and then, so that a kill may cut it.
        let drafts: Vec<_> = (0..1 + value % 50)
            .map(|_| assign("LIMIT", value))
            .collect();
        let committed = append(&mut log, &drafts);
        writeln!(out, "\nacknowledged {}", committed.tx).unwrap();
        out.flush().unwrap();
        log.done(committed.tx, 0.1);
    }
}

/// Whether each transaction up to a number is there, and has the records that it should have.
fn check(found: &ReadLog, last: u64) {
    if last == 0 && found.tail == Tail::Missing {
        return;
    }
    assert!(
        matches!(found.tail, Tail::Clean | Tail::Torn { .. }),
        "{:?} {:?}",
        found.tail,
        found.problems
    );
    assert!(
        found.transactions.len() as u64 >= last,
        "{} of {last}",
        found.transactions.len()
    );
    for (index, transaction) in found.transactions.iter().enumerate() {
        assert_eq!(transaction.tx, index as u64 + 1);
        assert_eq!(transaction.signed, Signed::Mine);
        let texts: Vec<String> = found
            .records
            .iter()
            .filter(|record| (transaction.first..transaction.last).contains(&record.seq))
            .filter_map(|record| match &record.entry {
                Entry::Patch(patch) => patch.new_text(),
                _ => None,
            })
            .collect();
        let value: usize = texts[0]
            .trim_end()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(texts, vec![format!("LIMIT = {value}\n"); 1 + value % 50]);
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_loses_nothing_that_it_acknowledged() {
    let (directory, source) = prepared();
    let rim = real_rim(directory.path());
    let mut last = 0;
    for kill in 0..40 {
        let mut child = spawn("write", directory.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Kill it in the middle of whatever follows the so-and-so-many-th acknowledgement.
        let mut count = 0;
        while count < kill % 7 {
            let line = lines.next().unwrap().unwrap();
            if let Some(tx) = acknowledged(&line) {
                last = tx;
                count += 1;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had said when it died.
        for line in lines.map_while(Result::ok) {
            last = acknowledged(&line).unwrap_or(last);
        }
        check(&read(&rim, &source).unwrap(), last);
    }
    assert!(last > 40);
    let log = Log::open(&rim, &source, "77aa", "-").unwrap();
    check(log.read(), last);
}

/// A process that is killed in the end.
struct Killed(String);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.0]).status();
    }
}

#[test]
fn a_second_process_is_told_who_writes_and_comes_in_when_that_one_is_killed() {
    let (directory, source) = prepared();
    let rim = real_rim(directory.path());
    let mut child = spawn("hold", directory.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let sleeper = lines.find_map(|line| line.unwrap().strip_prefix("holding ").map(str::to_owned));
    let _sleeper = Killed(sleeper.unwrap());
    let error = Log::open(&rim, &source, "77aa", "-").err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains(&format!("number {}", child.id())), "{words}");
    assert!(words.contains("session 9be1"), "{words}");
    // Reading needs no lock.
    assert_eq!(read(&rim, &source).unwrap().transactions.len(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut log = Log::open(&rim, &source, "77aa", "-").unwrap();
    assert_eq!(append(&mut log, &[assign("LIMIT", 3)]).tx, 2);
}

#[test]
fn a_program_that_was_started_meanwhile_does_not_keep_the_lock() {
    let (directory, source) = prepared();
    let rim = real_rim(directory.path());
    let mut log = Log::open(&rim, &source, "9be1", "-").unwrap();
    append(&mut log, &[assign("LIMIT", 2)]);
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    drop(log);
    let again = Log::open(&rim, &source, "77aa", "-");
    child.kill().unwrap();
    child.wait().unwrap();
    again.unwrap();
}

#[test]
fn git_clean_while_a_session_runs_costs_nothing() {
    let (directory, source) = prepared();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=ada", "-c", "user.email=ada@example.org"]);
        let status = command
            .args(arguments)
            .current_dir(directory.path())
            .output()
            .unwrap()
            .status;
        assert!(status.success(), "git {arguments:?}");
    };
    std::fs::write(directory.path().join(".gitignore"), "*.py.log*\nhome/\n").unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "bank"]);
    let rim = real_rim(directory.path());
    let mut log = Log::open(&rim, &source, "9be1", "-").unwrap();
    append(&mut log, &[assign("LIMIT", 2)]);
    log.done(1, 0.1);
    append(&mut log, &[assign("LIMIT", 3)]);
    // The state directory goes as well, with the key.
    git(&["clean", "--quiet", "-fdX"]);
    assert!(!log.path().exists());
    append(&mut log, &[assign("LIMIT", 4)]);
    let found = read(&rim, &source).unwrap();
    assert_eq!(found.tail, Tail::Clean);
    assert_eq!(found.records, log.read().records);
    assert_eq!(found.transactions.len(), 3);
    assert!(
        found
            .transactions
            .iter()
            .all(|transaction| transaction.signed == Signed::Mine)
    );
    assert!(log.notices()[0].contains("written anew"));
}
