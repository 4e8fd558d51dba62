//! Records put together, written in one call, and taken back when that fails.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use super::begin;
use super::error::AppendError;
use super::probe::Held;
use super::{Committed, LARGE, Log, State, SyncMode};
use crate::anchor::{self, Anchor};
use crate::change::Draft;
use crate::codec::{self, Hash, MAX_RECORD, Sum, encode_into, write_commit_head};
use crate::compose::{Frame, compose};
use crate::parts;
use crate::reading::{Fate, Signed, Tail, Transaction};
use crate::record::{Cause, Commit, Entry, Note, Record, Via};
use crate::tail::{amount, for_each_part};
use crate::trust::Key;

/// The most bytes of a transaction.
const MAX_TRANSACTION: usize = 64 << 20;

/// Whether a batch is a transaction.
pub(super) enum Commitment {
    None,
    Transaction {
        tx: u64,
        within: Option<Cause>,
        /// What stands in front of it.
        notes: Vec<OsString>,
    },
}

/// Records that are to be written with one call.
pub(super) struct Batch {
    bytes: Vec<u8>,
    /// Those that are not in memory yet, with their sums.
    records: Vec<(Record, Sum)>,
    next: u64,
    sum: Sum,
    /// How many of the records are no part of the transaction.
    preamble: usize,
    hashes: Vec<u8>,
    transaction: Option<Transaction>,
    introduces: bool,
}

impl Batch {
    /// The number of the next record.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Put a record behind the others.
    pub(super) fn push(&mut self, entry: Entry) -> Result<Hash, AppendError> {
        let start = self.bytes.len();
        let record = Record {
            seq: self.next,
            entry,
        };
        let hash = encode_into(&mut self.bytes, &record, self.sum);
        if self.bytes.len() - start > MAX_RECORD {
            return Err(AppendError::TooLarge {
                what: name(&record.entry),
                limit: "1 MiB",
            });
        }
        self.hashes.extend_from_slice(hash.as_bytes());
        self.sum = Sum::of(&hash);
        self.next += 1;
        self.records.push((record, self.sum));
        Ok(hash)
    }

    fn begin_transaction(&mut self) {
        self.preamble = self.records.len();
        self.hashes.clear();
    }
}

/// Write what was found in a file over itself, so that the next sync has it. A process that died may have failed to sync
/// it, and Linux then takes for written what is not on the disk: what we chain to it would hang in the air.
fn write_again(held: &mut Held) -> io::Result<()> {
    let Some(from) = held.unproven else {
        return Ok(());
    };
    // A log that large without an anchor comes from elsewhere.
    if held.size.saturating_sub(from) <= LARGE {
        let mut bytes = Vec::new();
        for_each_part(&*held.file, from, held.size, |part| {
            bytes.extend_from_slice(part)
        })?;
        if !bytes.is_empty() {
            held.file.write_at(from, &bytes)?;
        }
    }
    held.unproven = None;
    Ok(())
}

/// What a record is about, in words.
fn name(entry: &Entry) -> String {
    match entry {
        Entry::Patch(patch) => format!("the text of {}", patch.target),
        Entry::State(_) => "the statement".to_owned(),
        _ => "a record".to_owned(),
    }
}

impl Log {
    /// What the file lacks, and what has to stand in front of anything new.
    pub(super) fn batch(&mut self, commitment: Commitment) -> Result<Batch, AppendError> {
        let end = self.read.end;
        let mut batch = Batch {
            bytes: self.missing_bytes()?,
            records: Vec::with_capacity(4),
            next: end.next,
            sum: end.sum,
            preamble: 0,
            hashes: Vec::with_capacity(128),
            transaction: None,
            introduces: false,
        };
        if self.read.records.is_empty() {
            let header =
                begin::header(&self.rim, &self.subject, &self.read.log, &self.python, None)
                    .map_err(|error| AppendError::io("written", &self.read.log, error))?;
            batch.push(Entry::Header(Box::new(header)))?;
        }
        if let Some(torn) = &self.torn {
            batch.push(Entry::Torn(torn.clone()))?;
        }
        if !self.is_introduced {
            let session = begin::session(&self.rim, &self.subject, &self.session);
            batch.push(Entry::Session(Box::new(session)))?;
            batch.introduces = true;
        }
        if let Commitment::Transaction { tx, within, notes } = commitment {
            for text in notes {
                let at = self.rim.clock.now();
                batch.push(Entry::Note(Note { at, text }))?;
            }
            batch.begin_transaction();
            batch.transaction = Some(Transaction {
                tx,
                first: batch.next,
                last: batch.next,
                is_committed: within.is_none(),
                is_understood: true,
                signed: Signed::Mine,
                fate: Fate::InFlight,
                session: self.session.clone(),
                within,
                mac: None,
                digest: [0; 32],
            });
        }
        Ok(batch)
    }

    /// The records in memory that the file lacks, as bytes.
    pub(super) fn missing_bytes(&self) -> Result<Vec<u8>, AppendError> {
        let mut bytes = Vec::with_capacity(1024);
        let read = &self.read;
        let mut sum = match self.written {
            0 => read.end.before,
            written => read.sums[written - 1],
        };
        for (record, expected) in read.records.iter().zip(&read.sums).skip(self.written) {
            sum = Sum::of(&encode_into(&mut bytes, record, sum));
            if sum != *expected {
                let error = io::Error::other(format!(
                    "record {} has experimental keys and cannot be written anew",
                    record.seq
                ));
                return Err(AppendError::io("written anew", &read.log, error));
            }
        }
        Ok(bytes)
    }

    /// A transaction, signed.
    pub(super) fn transaction(
        &mut self,
        drafts: &[Draft],
        via: Via,
        cause: Option<&Cause>,
        within: Option<&Cause>,
        others: &[PathBuf],
    ) -> Result<Batch, AppendError> {
        let tx = self.next_tx();
        let within = within.cloned();
        let source = &self.subject.source;
        let notes = within.iter().flat_map(|within| {
            let others = others.iter();
            others.map(|other| parts::note(within, source, other))
        });
        let mut batch = self.batch(Commitment::Transaction {
            tx,
            within: within.clone(),
            notes: notes.collect(),
        })?;
        let at = self.rim.clock.now();
        let frame = Frame {
            tx,
            at: &at,
            via,
            cause,
        };
        let start = batch.bytes.len();
        for draft in drafts {
            batch.push(compose(draft, &frame))?;
            if batch.bytes.len() - start > MAX_TRANSACTION {
                let what = "all of it together".to_owned();
                return Err(AppendError::TooLarge {
                    what,
                    limit: "64 MiB",
                });
            }
        }
        let records = u32::try_from(drafts.len()).unwrap_or(u32::MAX);
        let seq = batch.next;
        write_commit_head(&mut batch.hashes, seq, tx, records, within.as_ref());
        let digest = *blake3::hash(&batch.hashes).as_bytes();
        let key = self.key()?;
        let log_id = match batch.records.first() {
            Some((
                Record {
                    entry: Entry::Header(header),
                    ..
                },
                _,
            )) => header.id.clone(),
            _ => self
                .read
                .header
                .as_ref()
                .map(|header| header.id.clone())
                .unwrap_or_default(),
        };
        let mac = key.signer(&log_id, &self.subject.source).sign(&digest);
        batch.push(Entry::Commit(Commit {
            tx,
            records,
            within,
            mac,
        }))?;
        if let Some(transaction) = &mut batch.transaction {
            transaction.last = seq;
            transaction.mac = Some(mac);
            transaction.digest = digest;
        }
        Ok(batch)
    }

    fn key(&mut self) -> Result<Key, AppendError> {
        if self.key.is_none() {
            let key = Key::load_or_create(&self.rim).map_err(|source| AppendError::Key {
                path: self.rim.home.key(),
                source,
            })?;
            self.key = Some(key);
        }
        self.key.clone().ok_or_else(|| AppendError::Closed {
            log: self.read.log.clone(),
        })
    }

    /// Write a batch and sync it, if it is to survive a power loss; or leave the log as it was.
    pub(super) fn write_durably(&mut self, batch: Batch) -> Result<Committed, AppendError> {
        let log = self.read.log.clone();
        let Some(held) = &mut self.held else {
            return Err(AppendError::Closed { log });
        };
        let size = held.size;
        if let Err(error) = write_again(held).and_then(|()| held.file.append(&batch.bytes)) {
            self.take_back(size, &batch);
            return Err(AppendError::io("written", &log, error));
        }
        held.size += batch.bytes.len() as u64;
        if held
            .file
            .status()
            .is_ok_and(|status| status.size != held.size)
        {
            // Another tool wrote between our last look and our write: what we wrote does not follow what we know.
            return self.write_elsewhere(batch);
        }
        if self.sync == SyncMode::Process && batch.transaction.is_some() {
            return Ok(self.take(batch));
        }
        let synced_size = held.synced_size;
        if let Err(error) = held.file.sync() {
            // What was written since the last sync may be lost without a further word.
            self.take_back(synced_size, &batch);
            return Err(AppendError::io("synced", &log, error));
        }
        if held.is_new {
            let directory = log.parent().unwrap_or(&log);
            if let Err(error) = self.rim.storage.sync_directory(directory) {
                self.take_back(size, &batch);
                return Err(AppendError::io("made durable", &log, error));
            }
        }
        Ok(self.take(batch))
    }

    /// The log is damaged by now. Write it anew, with the batch.
    fn write_elsewhere(&mut self, batch: Batch) -> Result<Committed, AppendError> {
        self.held = None;
        self.anchor = None;
        // What is in the file is a stray writer's line and our batch: not to be taken for what was acknowledged.
        self.set_aside("another tool wrote into it")?;
        self.prepare()?;
        let mut bytes = self.missing_bytes()?;
        let start = bytes.len();
        let mut sum = self.read.end.sum;
        for (record, _) in &batch.records {
            sum = Sum::of(&encode_into(&mut bytes, record, sum));
        }
        debug_assert!(start == 0 && sum == batch.sum);
        self.write_durably(Batch { bytes, ..batch })
    }

    /// Leave the file as it was before a write that failed, and never use its descriptor again.
    fn take_back(&mut self, size: u64, batch: &Batch) {
        let Some(mut held) = self.held.take() else {
            return;
        };
        self.anchor = None;
        if held.file.truncate(size).is_err() {
            self.refused = batch
                .transaction
                .as_ref()
                .map(|transaction| (transaction.tx, batch.sum));
        } else if size == 0 && held.is_new {
            // Ours, locked and empty: no log exists before its first change.
            let _ = self.rim.storage.remove(&self.read.log);
        }
    }

    /// A batch is durable: take it for true.
    fn take(&mut self, batch: Batch) -> Committed {
        let Batch {
            records,
            next,
            sum,
            preamble,
            transaction,
            introduces,
            ..
        } = batch;
        let changes = match &transaction {
            // The last one is the commit.
            Some(_) => &records[preamble..records.len() - 1],
            None => &[],
        };
        let committed = Committed {
            tx: transaction.as_ref().map_or(0, |transaction| transaction.tx),
            numbers: changes.iter().map(|(record, _)| record.seq).collect(),
        };
        for (record, sum) in records {
            if let Entry::Header(header) = &record.entry {
                self.read.header = Some(header.as_ref().clone());
                self.read.end.tx = record.seq;
            }
            self.read.records.push(record);
            self.read.sums.push(sum);
        }
        if let Some(transaction) = transaction {
            self.read.end.tx = transaction.tx;
            self.given_up = 0;
            self.read.transactions.push(transaction);
        }
        self.is_introduced |= introduces;
        self.torn = None;
        self.written = self.read.records.len();
        let end = &mut self.read.end;
        end.next = next;
        end.sum = sum;
        end.beyond = next;
        self.read.tail = Tail::Clean;
        if let Some(held) = &mut self.held {
            held.synced_size = held.size;
            held.is_new = false;
            end.verified = held.size;
            end.size = held.size;
            if held.size > LARGE && !self.is_large {
                self.is_large = true;
                self.notices.push(format!(
                    "{} has {} by now; fold its changes into the source to begin a new one",
                    self.read.log.display(),
                    amount(held.size)
                ));
            }
        }
        self.cast_anchor();
        committed
    }

    /// Note where the log ends. It is a help, so nothing depends on whether that works.
    pub(super) fn cast_anchor(&mut self) {
        let (Some(header), Some(record)) = (&self.read.header, self.read.records.last()) else {
            return;
        };
        let anchor = Anchor {
            seq: record.seq,
            sum: self.read.end.sum,
            log_id: header.id.clone(),
            place: self.subject.source.clone(),
        };
        if self.anchor.is_none() {
            self.anchor = anchor::open(&self.rim, &anchor.place).ok();
        }
        if let Some(file) = &mut self.anchor
            && anchor::write(&mut **file, &anchor).is_err()
        {
            self.anchor = None;
        }
    }

    /// Add a record that need not be durable. If it cannot be written now, the next write has it.
    pub(super) fn add(&mut self, entry: Entry) {
        if self.check_state().is_err() || self.read.records.is_empty() {
            return;
        }
        let end = self.read.end;
        let record = Record {
            seq: end.next,
            entry,
        };
        let (_, sum) = codec::encode(&record, end.sum);
        self.read.records.push(record);
        self.read.sums.push(sum);
        self.read.end.next += 1;
        self.read.end.sum = sum;
        self.flush();
    }

    /// Write what the file lacks, if that is possible without ado.
    fn flush(&mut self) {
        debug_assert!(self.state == State::Open);
        if !self.is_held_as_expected() {
            return;
        }
        let (Ok(bytes), Some(held)) = (self.missing_bytes(), &mut self.held) else {
            return;
        };
        if held.file.append(&bytes).is_ok() {
            held.size += bytes.len() as u64;
            self.written = self.read.records.len();
            self.read.end.verified = held.size;
            self.read.end.size = held.size;
        } else if let Some(mut held) = self.held.take() {
            // What cannot be cut off here is the beginning of a record, and cut off when the log is opened again.
            let _ = held.file.truncate(held.size);
        }
    }
}
