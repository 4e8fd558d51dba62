//! How processes talk: one JSON document a line.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use serde::Serialize;

/// The longest line that is taken for one.
const LIMIT: u64 = 256 * 1024 * 1024;

/// Send a document.
pub fn write(stream: &mut impl Write, document: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    stream.flush()
}

/// Wait for the next line; none if the stream ends before it begins.
pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let size = stream.by_ref().take(LIMIT).read_until(b'\n', &mut line)?;
    let problem = match line.last() {
        None => return Ok(None),
        Some(b'\n') => return Ok(Some(line)),
        Some(_) if size as u64 == LIMIT => "it has a line without end",
        Some(_) => "it ended in the middle of a line",
    };
    Err(io::Error::new(ErrorKind::InvalidData, problem))
}
