//! Where a log ended when it was last written, kept in the state directory: tells a log that was cut back at the end of
//! a record, or replaced by an older copy.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::codec::Sum;
use crate::rim::Rim;
use crate::storage::{Access, File, FileKind};
use crate::trust::read_small;

/// More state files than a user has sources; beyond, moved logs are not recognised.
const MAX_ANCHORS: usize = 10_000;

/// The last synced record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) seq: u64,
    pub(crate) sum: Sum,
    pub(crate) log_id: String,
    pub(crate) place: PathBuf,
}

impl Anchor {
    /// The anchor of the log whose place this is, if there is one that can be understood.
    pub(crate) fn load(rim: &Rim, place: &Path) -> Option<Anchor> {
        let anchor = parse(&read_small(&*rim.storage, &rim.home.anchor(place)).ok()?)?;
        (anchor.place == place).then_some(anchor)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{:016} {} {}", self.seq, self.sum, self.log_id).into_bytes();
        let check = check(&bytes);
        for part in [b" ", check.as_bytes(), b"\n"] {
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(self.place.as_os_str().as_bytes());
        bytes
    }
}

/// Tells a line of which only a part was written.
fn check(head: &[u8]) -> String {
    blake3::hash(head).to_hex()[..8].to_owned()
}

fn parse(bytes: &[u8]) -> Option<Anchor> {
    let end = memchr::memchr(b'\n', bytes)?;
    let (head, checked) = str::from_utf8(&bytes[..end]).ok()?.rsplit_once(' ')?;
    if check(head.as_bytes()) != checked {
        return None;
    }
    let mut words = head.split(' ');
    let anchor = Anchor {
        seq: words.next()?.parse().ok()?,
        sum: Sum::parse(words.next()?.as_bytes())?,
        log_id: words.next()?.to_owned(),
        place: PathBuf::from(OsStr::from_bytes(&bytes[end + 1..])),
    };
    words.next().is_none().then_some(anchor)
}

/// The places of all logs with this id.
pub(crate) fn places(rim: &Rim, log_id: &str) -> Vec<PathBuf> {
    let directory = rim.home.anchors();
    let names = rim.storage.list(&directory).unwrap_or_default();
    let anchors = names
        .into_iter()
        .take(MAX_ANCHORS)
        .filter_map(|name| parse(&read_small(&*rim.storage, &directory.join(name)).ok()?));
    anchors
        .filter(|anchor| anchor.log_id == log_id)
        .map(|anchor| anchor.place)
        .collect()
}

/// Open the anchor of a place for writing.
pub(crate) fn open(rim: &Rim, place: &Path) -> io::Result<Box<dyn File>> {
    let path = rim.home.anchor(place);
    match rim.storage.open(&path, Access::Write) {
        Ok(file) if file.status()?.kind == FileKind::Regular => Ok(file),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            rim.storage.create_directory(&rim.home.anchors())?;
            rim.storage.open(&path, Access::CreateNew(0o600))
        }
        Err(error) => Err(error),
    }
}

/// Write an anchor in place. It has the same size each time, as the path is what names the file.
pub(crate) fn write(file: &mut dyn File, anchor: &Anchor) -> io::Result<()> {
    file.write_at(0, &anchor.to_bytes())
}
