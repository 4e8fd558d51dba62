//! Whose a transaction is: the user's key, what it signs, and what the user has approved.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::anchor;
use crate::codec::Sum;
use crate::reading::{ReadLog, Signed, Transaction};
use crate::rim::Rim;
use crate::storage::{Access, FileKind, Storage};

/// The user's key.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

/// Transactions could not be approved.
#[derive(Debug, Error)]
pub enum TrustError {
    /// There is nothing to approve.
    #[error("{} holds no transaction that could be trusted", path.display())]
    Nothing {
        /// The log.
        path: PathBuf,
    },
    /// The state directory cannot be written.
    #[error("the approval cannot be kept in {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Key {
    /// The user's key, if there is one that only this user can read.
    pub(crate) fn load(rim: &Rim) -> Option<Key> {
        let file = rim.storage.open(&rim.home.key(), Access::Read).ok()?;
        let status = file.status().ok()?;
        let is_private = status.kind == FileKind::Regular
            && status.owner == rim.process.user
            && status.mode & 0o077 == 0;
        let mut key = [0; 32];
        (is_private && status.size == 32 && file.read_at(0, &mut key).ok()? == 32)
            .then_some(Key(key))
    }

    /// The user's key, made if there is none. It is on the disk when this returns, before anything is signed with it.
    pub(crate) fn load_or_create(rim: &Rim) -> io::Result<Key> {
        if let Some(key) = Key::load(rim) {
            // Whoever made it may have died before its name was on the disk.
            rim.storage.sync_directory(rim.home.root())?;
            return Ok(key);
        }
        let mut key = [0; 32];
        rim.storage.random(&mut key)?;
        let key = Key(key);
        match key.keep(rim) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Key::load(rim)
                .ok_or_else(|| {
                    io::Error::other("it is not a key, or others may read it: remove it")
                }),
            result => result.map(|()| key),
        }
    }

    /// Put the key where it belongs, whole from the first moment, and never over another one.
    pub(crate) fn keep(&self, rim: &Rim) -> io::Result<()> {
        rim.storage.create_directory(rim.home.root())?;
        let temporary = rim
            .home
            .root()
            .join(format!("key.{}", rim.storage.process()));
        write_new(&*rim.storage, &temporary, &self.0)?;
        let renamed = rim.storage.rename_new(&temporary, &rim.home.key());
        if renamed.is_err() {
            let _ = rim.storage.remove(&temporary);
        }
        renamed?;
        rim.storage.sync_directory(rim.home.root())
    }

    /// What signs transactions of a log: what its commits say about whose they are.
    pub(crate) fn signer(&self, log_id: &str, place: &Path) -> Signer {
        self.keyed("relive-log 1", log_id, place)
    }

    /// What approves of transactions of a log.
    fn approver(&self, log_id: &str, place: &Path) -> Signer {
        self.keyed("relive-trust 1", log_id, place)
    }

    fn keyed(&self, purpose: &str, log_id: &str, place: &Path) -> Signer {
        let mut begun = blake3::Hasher::new_keyed(&self.0);
        // No part but the last one, which has a fixed length, can contain a byte 0.
        for part in [
            purpose.as_bytes(),
            log_id.as_bytes(),
            place.as_os_str().as_bytes(),
        ] {
            begun.update(part).update(&[0]);
        }
        Signer(begun)
    }
}

/// The key with what all that it signs in one log begins with.
pub(crate) struct Signer(blake3::Hasher);

impl Signer {
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Sum {
        Sum::of(&self.0.clone().update(digest).finalize())
    }
}

/// Find out whose the transactions of a log are. `is_distrusted`: someone else could have prepared it.
pub(crate) fn judge(
    rim: &Rim,
    log_id: &str,
    place: &Path,
    transactions: &mut [Transaction],
    is_distrusted: bool,
) {
    let Some(key) = Key::load(rim) else {
        return;
    };
    let here = key.signer(log_id, place);
    let mut others: Option<(Vec<PathBuf>, BTreeMap<u64, String>)> = None;
    for transaction in transactions {
        let is_signed = |signer: &Signer| {
            !is_distrusted && Some(signer.sign(&transaction.digest)) == transaction.mac
        };
        if is_signed(&here) {
            transaction.signed = Signed::Mine;
            continue;
        }
        let (places, approved) =
            others.get_or_insert_with(|| (anchor::places(rim, log_id), approvals(rim, log_id)));
        let approval = key.approver(log_id, place).sign(&transaction.digest);
        if approved.get(&transaction.tx) == Some(&approval.to_string()) {
            transaction.signed = Signed::Approved;
        } else if places
            .iter()
            .any(|place| is_signed(&key.signer(log_id, place)))
        {
            transaction.signed = Signed::Moved;
        }
    }
}

/// Let the transactions of a log run that this user did not write: exactly those that were read, and so could be shown.
/// Returns how many there are.
pub fn trust(rim: &Rim, read: &ReadLog) -> Result<usize, TrustError> {
    let nothing = || TrustError::Nothing {
        path: read.log.clone(),
    };
    let header = read.header.as_ref().ok_or_else(nothing)?;
    let path = rim.home.trusted(&header.id);
    let told = |source| TrustError::Io {
        path: path.clone(),
        source,
    };
    let unsigned: Vec<&Transaction> = read
        .transactions
        .iter()
        .filter(|transaction| matches!(transaction.signed, Signed::No | Signed::Moved))
        .collect();
    if unsigned.is_empty() {
        return Err(nothing());
    }
    let key = Key::load_or_create(rim).map_err(told)?;
    let mut approved = approvals(rim, &header.id);
    let approver = key.approver(&header.id, read.place());
    for transaction in &unsigned {
        let approval = approver.sign(&transaction.digest).to_string();
        approved.insert(transaction.tx, approval);
    }
    let mut text = String::new();
    for (tx, approval) in approved {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{tx} {approval}");
    }
    replace(rim, &path, text.as_bytes()).map_err(told)?;
    Ok(unsigned.len())
}

/// What was approved of a log.
fn approvals(rim: &Rim, log_id: &str) -> BTreeMap<u64, String> {
    let text = read_small(&*rim.storage, &rim.home.trusted(log_id)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter_map(|(tx, approval)| Some((tx.parse().ok()?, approval.to_owned())))
        .collect()
}

/// Write a file of the state directory, whole or not at all.
fn replace(rim: &Rim, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(path);
    rim.storage.create_directory(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", rim.storage.process()));
    let temporary = directory.join(name);
    write_new(&*rim.storage, &temporary, bytes)?;
    rim.storage.rename(&temporary, path)?;
    rim.storage.sync_directory(directory)
}

/// Write a new file for this user alone, and sync it. What is left of an earlier attempt is removed.
pub(crate) fn write_new(storage: &dyn Storage, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut opened = storage.open(path, Access::CreateNew(0o600));
    if opened
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists)
    {
        storage.remove(path)?;
        opened = storage.open(path, Access::CreateNew(0o600));
    }
    let mut file = opened?;
    let written = file.append(bytes).and_then(|()| file.sync());
    if written.is_err() {
        let _ = storage.remove(path);
    }
    written
}

/// All of a file of at most 16 MiB.
pub(crate) fn read_small(storage: &dyn Storage, path: &Path) -> io::Result<Vec<u8>> {
    let file = storage.open(path, Access::Read)?;
    let status = file.status()?;
    if status.kind != FileKind::Regular || status.size > 16 << 20 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    crate::tail::for_each_part(&*file, 0, status.size, |part| bytes.extend_from_slice(part))?;
    Ok(bytes)
}
