//! The first records of a log, and those of a session.

use std::ffi::OsString;
use std::path::Path;

use crate::place::Subject;
use crate::record::{Header, SessionStart};
use crate::rim::Rim;
use crate::trust::read_small;

/// What the source file is like.
struct Source {
    hash: String,
    encoding: String,
    line_end: &'static str,
}

impl Source {
    fn look(rim: &Rim, subject: &Subject) -> Source {
        if subject.is_session() {
            return Source {
                hash: "-".to_owned(),
                encoding: "utf-8".to_owned(),
                line_end: "lf",
            };
        }
        match read_small(&*rim.storage, &subject.source) {
            Ok(bytes) => Source {
                hash: file_hash(&bytes),
                encoding: encoding(&bytes),
                line_end: line_end(&bytes),
            },
            Err(_) => Source {
                hash: "-".to_owned(),
                encoding: "-".to_owned(),
                line_end: "lf",
            },
        }
    }
}

/// The hash of a whole file, as logs have it.
pub fn file_hash(bytes: &[u8]) -> String {
    format!("b3:{}", &blake3::hash(bytes).to_hex()[..16])
}

/// The header of the log at a path. `continued`: the log that it goes on after, and its id.
pub(super) fn header(
    rim: &Rim,
    subject: &Subject,
    log: &Path,
    python: &str,
    continued: Option<(OsString, String)>,
) -> std::io::Result<Header> {
    let source = Source::look(rim, subject);
    let (after, id) = match continued {
        Some((after, id)) => (Some(after), id),
        None => {
            let mut id = [0; 8];
            rim.storage.random(&mut id)?;
            (None, format!("{:016x}", u64::from_be_bytes(id)))
        }
    };
    let is_beside = log.parent() == subject.source.parent();
    let name = if subject.is_session() {
        rim.process.about.clone().into_os_string()
    } else if is_beside {
        subject.source.file_name().unwrap_or_default().to_owned()
    } else {
        subject.source.clone().into_os_string()
    };
    Ok(Header {
        version: 1,
        id,
        source: name,
        base: source.hash,
        encoding: source.encoding,
        line_end: source.line_end.to_owned(),
        python: python.to_owned(),
        relive: env!("CARGO_PKG_VERSION").to_owned(),
        after,
    })
}

/// The record with which a session begins to write.
pub(super) fn session(rim: &Rim, subject: &Subject, session: &str) -> SessionStart {
    let process = &rim.process;
    SessionStart {
        session: session.to_owned(),
        at: rim.clock.now(),
        pid: process.pid,
        host: process.host.clone(),
        boot: process.boot.clone(),
        by: process.by.clone(),
        source: Source::look(rim, subject).hash,
    }
}

fn line_end(bytes: &[u8]) -> &'static str {
    match memchr::memchr2(b'\r', b'\n', bytes) {
        Some(at) if bytes[at] == b'\n' => "lf",
        Some(at) if bytes.get(at + 1) == Some(&b'\n') => "crlf",
        Some(_) => "cr",
        None => "lf",
    }
}

/// The encoding that a source declares (PEP 263).
fn encoding(bytes: &[u8]) -> String {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return "utf-8-sig".to_owned();
    }
    for line in bytes.split(|byte| *byte == b'\n').take(2) {
        let line = line.trim_ascii_start();
        if line.is_empty() {
            continue;
        }
        let Some(comment) = line.strip_prefix(b"#") else {
            break;
        };
        if let Some(name) = cookie(comment) {
            return name;
        }
    }
    "utf-8".to_owned()
}

fn cookie(comment: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(comment, b"coding")? + 6;
    let rest = comment[at..]
        .strip_prefix(b":")
        .or_else(|| comment[at..].strip_prefix(b"="))?;
    let rest = rest.trim_ascii_start();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let end = rest
        .iter()
        .position(|byte| !is_part(byte))
        .unwrap_or(rest.len());
    (end > 0).then(|| String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase())
}
