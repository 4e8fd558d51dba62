//! What holds for a log whatever bytes are in it. The tests here and the target in `fuzz/` share this file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use relive_log::codec::{Sum, decode, encode};
use relive_log::memory::{MemoryClock, MemoryDisk, USER};
use relive_log::{
    Access, Draft, Effect, Entry, File, FileStatus, Home, Log, OpenError, Process, Rim, Storage,
    Tail, Via, read, read_all,
};

const SOURCE: &str = "/desk/bank.py";
const LOG: &str = "/desk/bank.py.log";

/// Check what a log of any bytes must not break. Panics if it does.
pub(crate) fn check(bytes: &[u8]) {
    let disk = MemoryDisk::new();
    disk.make_directory("/desk");
    disk.make_directory("/home");
    disk.put(SOURCE, b"LIMIT = 1\n");
    disk.put(LOG, bytes);
    let read_bytes = Arc::new(AtomicU64::new(0));
    let rim = rim(&disk, &read_bytes);

    let found = read(&rim, Path::new(SOURCE)).expect("a log in memory can be read");
    // Once for the records; the tail a second and a third time; the rest is the key, the anchor and the beginning.
    let most = 4 * bytes.len() as u64 + (1 << 16);
    let count = read_bytes.load(Ordering::Relaxed);
    assert!(count <= most, "{count} bytes were read of {}", bytes.len());
    assert!(
        found
            .records
            .windows(2)
            .all(|pair| pair[1].seq == pair[0].seq + 1)
    );
    assert!(
        found
            .transactions
            .windows(2)
            .all(|pair| pair[0].tx < pair[1].tx)
    );
    assert_eq!(
        disk.get(LOG).as_deref(),
        Some(bytes),
        "reading writes nothing"
    );

    // What is there can be opened or is refused, and what is written then is there, with what was there before.
    let mut log = match Log::open(&rim, Path::new(SOURCE), "9be1", "3.13.0") {
        Ok(log) => log,
        Err(OpenError::Newer { .. }) => {
            assert!(matches!(found.tail, Tail::Newer { .. }));
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let draft = Draft::State {
        target: "LIMIT".to_owned(),
        effect: Effect::Assign,
        text: "LIMIT = 2\n".to_owned(),
    };
    let appended = log.append(std::slice::from_ref(&draft), Via::Repl, None, None);
    drop(log);
    let committed = match appended {
        Ok(committed) => committed,
        // The numbers are at their end, which takes somebody who wants that.
        Err(error) => panic!("{error}"),
    };
    let logs = read_all(&rim, Path::new(SOURCE)).expect("a log in memory can be read");
    let current = logs.last().expect("there is one");
    assert!(
        matches!(current.tail, Tail::Clean),
        "{:?}",
        current.problems
    );
    let last = current.transactions.last().expect("there is one");
    assert_eq!(last.tx, committed.tx);
    assert!(last.is_committed);
    let all: Vec<&Entry> = logs
        .iter()
        .flat_map(|log| &log.records)
        .map(|record| &record.entry)
        .collect();
    let is_kept = |log: &relive_log::ReadLog| {
        log.records
            .iter()
            .all(|record| all.contains(&&record.entry))
    };
    // A log that nobody can have written is not continued; it still stands where it was.
    if !matches!(found.tail, Tail::Foreign { .. }) && found.distrust.is_none() {
        assert!(
            found.records.len() > 200 || is_kept(&found),
            "verified records are gone"
        );
    }
    if matches!(found.tail, Tail::Damaged { .. } | Tail::Foreign { .. }) {
        let is_there = disk
            .files()
            .iter()
            .any(|file| disk.get(file).as_deref() == Some(bytes));
        assert!(is_there, "bytes that are not ours are gone");
    }
}

/// Check that a record, if some bytes are one, has one spelling.
pub(crate) fn check_record(bytes: &[u8]) {
    let Ok((record, prev, _)) = decode(bytes) else {
        return;
    };
    // Experiments are read over, and line ends may have been converted.
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    if text.contains(" x-") {
        return;
    }
    let (again, _) = encode(&record, prev);
    assert_eq!(String::from_utf8_lossy(&again), text);
}

/// Give the records of a log right sums and chain them, so that what looks behind the sums is tried as well.
pub(crate) fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut record = Vec::new();
    let mut prev = Sum::ZERO;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let sums = b" prev=".len() + 32 + b" sum=".len() + 32 + 1;
        let Some(at) = line.len().checked_sub(sums) else {
            record.extend_from_slice(line);
            continue;
        };
        if !line[at..].starts_with(b" prev=") {
            record.extend_from_slice(line);
            continue;
        }
        record.extend_from_slice(&line[..at]);
        record.extend_from_slice(format!(" prev={prev}").as_bytes());
        let sum = blake3::hash(&record).to_hex()[..32].to_owned();
        out.append(&mut record);
        out.extend_from_slice(format!(" sum={sum}\n").as_bytes());
        prev = Sum::parse(sum.as_bytes()).expect("it is a sum");
    }
    out.append(&mut record);
    out
}

fn rim(disk: &MemoryDisk, read_bytes: &Arc<AtomicU64>) -> Rim {
    Rim {
        storage: Arc::new(Counted {
            disk: disk.clone(),
            read_bytes: Arc::clone(read_bytes),
        }),
        clock: Arc::new(MemoryClock::default()),
        home: Home::at("/home/relive"),
        process: Process {
            pid: 1,
            user: USER,
            host: "kiwi".to_owned(),
            boot: "c2f1".to_owned(),
            by: "ada".to_owned(),
            about: "/".into(),
        },
    }
}

/// A disk that counts the bytes that are read.
struct Counted {
    disk: MemoryDisk,
    read_bytes: Arc<AtomicU64>,
}

struct CountedFile {
    file: Box<dyn File>,
    read_bytes: Arc<AtomicU64>,
}

impl Storage for Counted {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let file = self.disk.open(path, access)?;
        let read_bytes = Arc::clone(&self.read_bytes);
        Ok(Box::new(CountedFile { file, read_bytes }))
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

impl File for CountedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(buffer.len() <= 8 << 20, "memory grows with the file");
        let count = self.file.read_at(offset, buffer)?;
        self.read_bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append(bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }

    fn status(&self) -> io::Result<FileStatus> {
        self.file.status()
    }

    fn lock(&mut self) -> io::Result<bool> {
        self.file.lock()
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.file.unlock()
    }

    fn set_mode(&mut self, mode: u32) -> io::Result<()> {
        self.file.set_mode(mode)
    }
}
