//! A log read once from its beginning: what of it is right, and what the rest is.
//!
//! Linear in the size of the file; holds at most some megabytes besides the records.

use std::io;

use crate::codec::{Decoded, Found, Sum, decode_record, find_record, write_commit_head};
use crate::reading::{End, Fate, Signed, Tail, Transaction};
use crate::record::{Cause, Entry, Header, Record};
use crate::storage::File;
use crate::tail;

/// The most bytes that a log may have.
pub(crate) const MAX_LOG: u64 = 1 << 30;

/// More than the longest record has.
const WINDOW: u64 = 2 << 20;

/// What was found in a file.
pub(crate) struct Scan {
    pub(crate) header: Option<Header>,
    pub(crate) records: Vec<Record>,
    /// Nothing is known yet of `signed`, and `is_committed` leaves `within` aside.
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) tail: Tail,
    pub(crate) end: End,
    /// The sums of the records.
    pub(crate) sums: Vec<Sum>,
    /// The sum of the record that was asked for, and where it ends.
    pub(crate) anchored: Option<(Sum, u64)>,
}

/// Read a log. `anchor`: the number of a record whose sum is wanted.
pub(crate) fn scan(file: &dyn File, anchor: Option<u64>) -> io::Result<Scan> {
    let size = file.status()?.size;
    let mut window = Window::new(file, size);
    window.fill()?;
    if let Some(tail) = tail::no_log(window.rest(), file, size)? {
        return Ok(Scanner::new(anchor).finish(tail, size, 0));
    }
    let mut scanner = Scanner::new(anchor);
    let problem = loop {
        match find_record(window.rest()) {
            Found::Record(length) => {
                let start = window.offset();
                let accepted = decode_record(&window.rest()[..length])
                    .map_err(str::to_owned)
                    .and_then(|decoded| scanner.accept(decoded, start, length as u64));
                match accepted {
                    Ok(()) => window.at += length,
                    Err(problem) => break Some(problem),
                }
            }
            Found::Part if window.is_at_end() => break None,
            Found::Part => window.fill()?,
            Found::Bad(problem) => break Some(problem.to_owned()),
        }
    };
    let stopped = window.offset();
    let open = scanner.open.as_ref().map(|open| open.tx);
    scanner.leave_open_transaction();
    if let Some(version) = scanner.newer {
        return Ok(scanner.finish(Tail::Newer { version }, size, 0));
    }
    let verified = scanner.end.verified;
    if stopped == size {
        let tail = match size - verified {
            0 => Tail::Clean,
            bytes => Tail::Torn { bytes },
        };
        return Ok(scanner.finish(tail, size, 0));
    }
    let place = tail::Place {
        verified,
        stopped,
        size,
        seq: scanner.end.next + scanner.left,
    };
    if tail::is_torn(file, &place, scanner.header.is_none())? {
        return Ok(scanner.finish(
            Tail::Torn {
                bytes: size - verified,
            },
            size,
            0,
        ));
    }
    let line = tail::line_number(file, stopped)?;
    let problem = problem.unwrap_or_else(|| match open {
        Some(tx) => format!("transaction {tx} is not complete, and is followed by something else"),
        None => "something that relive did not write".to_owned(),
    });
    let beyond = tail::highest_number(file, &place)?;
    Ok(scanner.finish(Tail::Damaged { line, problem }, size, beyond))
}

/// What is right so far.
struct Scanner {
    header: Option<Header>,
    records: Vec<Record>,
    transactions: Vec<Transaction>,
    sums: Vec<Sum>,
    end: End,
    open: Option<Open>,
    /// How many records of an open transaction were left at the end.
    left: u64,
    session: String,
    newer: Option<u32>,
    anchor: Option<u64>,
    anchored: Option<(Sum, u64)>,
    first: u64,
}

/// A transaction whose commit has not come yet.
struct Open {
    tx: u64,
    first: u64,
    records: u32,
    is_understood: bool,
    /// The hashes of its records, one after the other.
    hashes: Vec<u8>,
    /// What is right without it.
    before: End,
    record_count: usize,
}

impl Scanner {
    fn new(anchor: Option<u64>) -> Self {
        Scanner {
            header: None,
            records: Vec::new(),
            transactions: Vec::new(),
            sums: Vec::new(),
            end: End::START,
            open: None,
            left: 0,
            session: String::new(),
            newer: None,
            anchor,
            anchored: None,
            first: 0,
        }
    }

    /// Take the next record, or say what is wrong with it.
    fn accept(&mut self, decoded: Decoded, start: u64, length: u64) -> Result<(), String> {
        let Decoded { record, prev, hash } = decoded;
        let seq = record.seq;
        if self.records.is_empty() {
            self.begin(&record, prev)?;
        } else {
            if seq != self.end.next {
                return Err(format!(
                    "record {} should stand here, not {seq}",
                    self.end.next
                ));
            }
            if prev != self.end.sum {
                return Err(format!("record {seq} does not follow the one before it"));
            }
            self.arrange(&record, &hash)?;
        }
        self.end.next = seq + 1;
        self.end.sum = Sum::of(&hash);
        self.end.verified = start + length;
        if self.anchor == Some(seq) {
            self.anchored = Some((self.end.sum, self.end.verified));
        }
        self.records.push(record);
        self.sums.push(self.end.sum);
        Ok(())
    }

    fn begin(&mut self, record: &Record, prev: Sum) -> Result<(), String> {
        self.first = record.seq;
        self.end.tx = record.seq;
        self.end.before = prev;
        match &record.entry {
            Entry::Header(header) if header.version == 1 => {
                if header.after.is_none() && (record.seq != 0 || prev != Sum::ZERO) {
                    return Err("the header does not say which log it continues".to_owned());
                }
                self.header = Some(header.as_ref().clone());
            }
            Entry::Header(header) => {
                self.newer = Some(header.version);
                self.header = Some(header.as_ref().clone());
            }
            Entry::Unknown(unknown) if unknown.kind == "relive-log" => {
                let version = unknown
                    .fields
                    .first()
                    .and_then(|(_, value)| value.parse().ok());
                self.newer = Some(version.ok_or("the version of the log is misspelled")?);
            }
            _ => return Err("the first record is no header".to_owned()),
        }
        Ok(())
    }

    /// Where a record belongs: into a transaction, behind one, outside of all.
    fn arrange(&mut self, record: &Record, hash: &blake3::Hash) -> Result<(), String> {
        if matches!(&record.entry, Entry::Unknown(unknown) if unknown.kind == "relive-log") {
            return Err("a second header stands here".to_owned());
        }
        let last = self.end.tx;
        let (tx, is_understood) = match &record.entry {
            Entry::Patch(patch) => (Some(patch.tx), true),
            Entry::State(state) => (Some(state.tx), true),
            Entry::Undo(decision) | Entry::Skip(decision) | Entry::Unskip(decision) => {
                (Some(decision.tx), true)
            }
            // One that is about an earlier transaction stands outside, like done.
            Entry::Unknown(unknown) => {
                (unknown.tx.filter(|tx| *tx > last), unknown.is_experiment())
            }
            _ => (None, true),
        };
        if let Some(tx) = tx {
            if self.open.is_none() {
                if tx <= last {
                    return Err(format!("transaction {tx} stands behind transaction {last}"));
                }
                self.open = Some(Open {
                    tx,
                    first: record.seq,
                    records: 0,
                    is_understood: true,
                    hashes: Vec::with_capacity(128),
                    before: self.end,
                    record_count: self.records.len(),
                });
            }
            if let Some(open) = &mut self.open {
                if open.tx != tx {
                    return Err(format!("transaction {} has no commit", open.tx));
                }
                open.records += 1;
                open.is_understood &= is_understood;
                open.hashes.extend_from_slice(hash.as_bytes());
            }
            return Ok(());
        }
        if let Entry::Commit(commit) = &record.entry {
            return self.commit(record.seq, commit);
        }
        if let Some(open) = &self.open {
            return Err(format!("transaction {} has no commit", open.tx));
        }
        match &record.entry {
            // It may say about a transaction what we do not understand.
            Entry::Unknown(unknown) if !unknown.is_experiment() => {
                let about = unknown.tx.and_then(|tx| self.transaction(tx));
                if let Some(transaction) = about {
                    transaction.is_understood = false;
                }
                Ok(())
            }
            Entry::Header(_) => Err("a second header stands here".to_owned()),
            Entry::Session(session) => {
                self.session.clone_from(&session.session);
                Ok(())
            }
            Entry::Done(done) => self.fate(done.tx, Fate::Done),
            Entry::Fail(fail) => self.fate(fail.tx, Fate::Failed(fail.failure)),
            _ => Ok(()),
        }
    }

    fn commit(&mut self, seq: u64, commit: &crate::record::Commit) -> Result<(), String> {
        let tx = commit.tx;
        let count = match &self.open {
            Some(open) if open.tx != tx => {
                return Err(format!("transaction {} has no commit", open.tx));
            }
            Some(open) => open.records,
            None if tx <= self.end.tx => {
                return Err(format!("transaction {tx} is committed twice"));
            }
            None => 0,
        };
        if count != commit.records {
            return Err(format!(
                "transaction {tx} has {count} records, its commit says {}",
                commit.records
            ));
        }
        // Taken only now: the records of a transaction whose commit is wrong are no part of what is right.
        let (first, is_understood, mut hashes) = match self.open.take() {
            Some(open) => (open.first, open.is_understood, open.hashes),
            None => (seq, true, Vec::new()),
        };
        let within: Option<&Cause> = commit.within.as_ref();
        write_commit_head(&mut hashes, seq, tx, count, within);
        self.transactions.push(Transaction {
            tx,
            first,
            last: seq,
            is_committed: true,
            is_understood,
            signed: Signed::No,
            fate: Fate::InFlight,
            session: self.session.clone(),
            within: commit.within.clone(),
            mac: Some(commit.mac),
            digest: *blake3::hash(&hashes).as_bytes(),
        });
        self.end.tx = tx;
        Ok(())
    }

    fn fate(&mut self, tx: u64, fate: Fate) -> Result<(), String> {
        // Of the log that this one continues.
        if tx <= self.first {
            return Ok(());
        }
        let transaction = self.transaction(tx);
        transaction
            .ok_or_else(|| format!("there is no transaction {tx}"))?
            .fate = fate;
        Ok(())
    }

    fn transaction(&mut self, tx: u64) -> Option<&mut Transaction> {
        // It is about the last one, as a rule.
        let last = self.transactions.last().map(|transaction| transaction.tx);
        let index = if last == Some(tx) {
            self.transactions.len() - 1
        } else {
            let transactions = &self.transactions;
            let found = transactions.binary_search_by_key(&tx, |transaction| transaction.tx);
            found.ok()?
        };
        self.transactions.get_mut(index)
    }

    /// An open transaction at the end is no part of what is right.
    fn leave_open_transaction(&mut self) {
        if let Some(open) = self.open.take() {
            self.left = (self.records.len() - open.record_count) as u64;
            self.records.truncate(open.record_count);
            self.sums.truncate(open.record_count);
            self.end = open.before;
        }
    }

    fn finish(self, tail: Tail, size: u64, beyond: u64) -> Scan {
        let end = End {
            size,
            beyond: beyond.max(self.end.next),
            ..self.end
        };
        let Scanner {
            header,
            records,
            transactions,
            sums,
            anchored,
            ..
        } = self;
        Scan {
            header,
            records,
            transactions,
            tail,
            end,
            sums,
            anchored,
        }
    }
}

/// The part of a file that is looked at.
struct Window<'f> {
    file: &'f dyn File,
    /// What is beyond is of no interest: it may be written right now.
    size: u64,
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    start: u64,
    /// Where in the buffer we are.
    at: usize,
    /// How much of the buffer is filled.
    filled: usize,
}

impl<'f> Window<'f> {
    fn new(file: &'f dyn File, size: u64) -> Self {
        let buffer = vec![0; size.min(WINDOW) as usize];
        Window {
            file,
            size,
            buffer,
            start: 0,
            at: 0,
            filled: 0,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..self.filled]
    }

    fn offset(&self) -> u64 {
        self.start + self.at as u64
    }

    fn is_at_end(&self) -> bool {
        self.start + self.filled as u64 >= self.size
    }

    /// Drop what was looked at, and read on.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.start += self.at as u64;
        self.filled -= self.at;
        self.at = 0;
        let left = self
            .size
            .saturating_sub(self.start)
            .min(self.buffer.len() as u64) as usize;
        while self.filled < left {
            let offset = self.start + self.filled as u64;
            match self
                .file
                .read_at(offset, &mut self.buffer[self.filled..left])?
            {
                // Somebody cut the file while it was read.
                0 => {
                    self.size = offset;
                    break;
                }
                count => self.filled += count,
            }
        }
        Ok(())
    }
}
