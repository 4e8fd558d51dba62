//! Which log belongs to a path, and whether it is fit to be read and written.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::codec::{Found, decode_record, find_record};
use crate::record::Entry;
use crate::rim::Rim;
use crate::storage::{Access, File, FileKind, FileStatus};

/// What a log is about, and where it may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The canonical path of the source; of the log itself for a session's log.
    pub(crate) source: PathBuf,
    /// The log where it belongs.
    pub(crate) beside: PathBuf,
    /// The log in the state directory, where it stands if it cannot stand beside its source.
    pub(crate) aside: Option<PathBuf>,
    /// Whether it is a log that another one continues.
    pub(crate) is_old: bool,
}

impl Subject {
    /// Of a source, of a session's log, or of any other log.
    pub(crate) fn of(rim: &Rim, path: &Path) -> io::Result<Subject> {
        let Some(log) = log_name(path) else {
            return Ok(Subject::of_source(rim, canonical(rim, path)?));
        };
        let directory = canonical_directory(rim, path)?;
        let log_path = directory.join(path.file_name().unwrap_or_default());
        if is_same_directory(rim, &directory, &rim.home.sessions()) {
            return Ok(Subject::of_session(log_path));
        }
        if is_same_directory(rim, &directory, &rim.home.root().join("logs")) {
            let source = source_in_header(rim, &log_path).unwrap_or_else(|| log_path.clone());
            return Ok(Subject {
                source,
                beside: log_path,
                aside: None,
                is_old: log.is_old,
            });
        }
        let source = canonical(rim, &directory.join(log.source))?;
        let mut subject = Subject::of_source(rim, source);
        if log.is_old {
            subject = Subject {
                beside: log_path,
                aside: None,
                is_old: true,
                ..subject
            };
        }
        Ok(subject)
    }

    fn of_source(rim: &Rim, source: PathBuf) -> Subject {
        let beside = with_suffix(&source, ".log");
        let aside = Some(rim.home.log_of(&source));
        Subject {
            source,
            beside,
            aside,
            is_old: false,
        }
    }

    pub(crate) fn of_session(log: PathBuf) -> Subject {
        Subject {
            source: log.clone(),
            beside: log,
            aside: None,
            is_old: false,
        }
    }

    pub(crate) fn is_session(&self) -> bool {
        self.source == self.beside
    }
}

/// The source that a log in the state directory is about.
fn source_in_header(rim: &Rim, log: &Path) -> Option<PathBuf> {
    let file = rim.storage.open(log, Access::Read).ok()?;
    let mut beginning = vec![0; 1 << 16];
    let length = file.read_at(0, &mut beginning).ok()?;
    let Found::Record(length) = find_record(&beginning[..length]) else {
        return None;
    };
    match decode_record(&beginning[..length]).ok()?.record.entry {
        Entry::Header(header) => Some(PathBuf::from(header.source)),
        _ => None,
    }
}

/// What the name of a log says.
struct LogName {
    /// The name of the source.
    source: OsString,
    /// Whether it is one that another continues.
    is_old: bool,
}

/// Take the name of a log apart; None if it is none.
fn log_name(path: &Path) -> Option<LogName> {
    let name = path.file_name()?.as_bytes();
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let is_old = !name[dot + 1..].is_empty() && name[dot + 1..].iter().all(u8::is_ascii_digit);
    let name = if is_old { &name[..dot] } else { name };
    let source = name
        .strip_suffix(b".log")
        .filter(|source| !source.is_empty())?;
    Some(LogName {
        source: OsStr::from_bytes(source).to_owned(),
        is_old,
    })
}

/// A path with something behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The path of a file without links; of one that is not there, its directory's and its name.
fn canonical(rim: &Rim, path: &Path) -> io::Result<PathBuf> {
    match rim.storage.canonical(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(canonical_directory(rim, path)?.join(path.file_name().unwrap_or_default()))
        }
        result => result,
    }
}

/// The directory of a path. Of one that is not there, what is there of it, so that it has the same name later.
fn canonical_directory(rim: &Rim, path: &Path) -> io::Result<PathBuf> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    for ancestor in directory.ancestors() {
        let found = match ancestor {
            empty if empty == Path::new("") => rim.storage.canonical(Path::new(".")),
            ancestor => rim.storage.canonical(ancestor),
        };
        match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(found) => {
                let rest = directory.strip_prefix(ancestor).unwrap_or(Path::new(""));
                return Ok(found.join(rest));
            }
        }
    }
    Ok(directory.to_owned())
}

fn is_same_directory(rim: &Rim, directory: &Path, other: &Path) -> bool {
    directory == other
        || canonical_directory(rim, &other.join("log")).is_ok_and(|other| other == directory)
}

/// What was found where a log should stand.
pub(crate) enum Opened {
    /// Nothing.
    Missing,
    /// No regular file; in words, what it is.
    Unfit(String),
    /// A file, and why someone else could have prepared it.
    File {
        file: Box<dyn File>,
        status: FileStatus,
        distrust: Option<String>,
    },
}

/// Open a log, and look whose it is before anything is read.
pub(crate) fn open_log(rim: &Rim, path: &Path, access: Access) -> io::Result<Opened> {
    let unfit = |kind| match kind {
        FileKind::Regular => None,
        FileKind::Directory => Some("it is a directory".to_owned()),
        FileKind::Link => Some("it is a symbolic link".to_owned()),
        FileKind::Other => Some("it is a pipe, a socket or a device".to_owned()),
    };
    let found = match rim.storage.status(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Opened::Missing),
        result => result?,
    };
    if let Some(problem) = unfit(found.kind) {
        return Ok(Opened::Unfit(problem));
    }
    let file = match rim.storage.open(path, access) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
        result => result?,
    };
    let status = file.status()?;
    if let Some(problem) = unfit(status.kind) {
        return Ok(Opened::Unfit(problem));
    }
    let distrust = match file_distrust(rim, &status) {
        Some(why) => Some(why),
        None => directory_distrust(rim, path)?,
    };
    Ok(Opened::File {
        file,
        status,
        distrust,
    })
}

fn file_distrust(rim: &Rim, status: &FileStatus) -> Option<String> {
    if status.owner != rim.process.user {
        return Some(format!(
            "it belongs to another user (number {})",
            status.owner
        ));
    }
    if status.links > 1 {
        return Some(format!("it has {} names (hard links)", status.links));
    }
    (status.mode & 0o022 != 0).then(|| "other users may write to it".to_owned())
}

/// Why nothing should stand in the directory of a path: everybody may write to it.
pub(crate) fn directory_distrust(rim: &Rim, path: &Path) -> io::Result<Option<String>> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let status = match rim.storage.status(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    Ok((status.mode & 0o002 != 0)
        .then(|| "it stands in a directory to which everybody may write".to_owned()))
}

/// The logs that others continue, with their numbers, in order: `bank.py.log.1`, `.2` ….
pub(crate) fn old_logs(rim: &Rim, log: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let directory = log.parent().unwrap_or(Path::new("/"));
    let mut prefix = log.file_name().unwrap_or_default().as_bytes().to_owned();
    prefix.push(b'.');
    let names = match rim.storage.list(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        result => result?,
    };
    let mut found: Vec<(u64, PathBuf)> = names
        .iter()
        .filter_map(|name| {
            let digits = name.as_bytes().strip_prefix(prefix.as_slice())?;
            let digits = str::from_utf8(digits).ok()?;
            let number: u64 = digits.parse().ok()?;
            (number.to_string() == digits).then(|| (number, directory.join(name)))
        })
        .collect();
    found.sort();
    Ok(found)
}
