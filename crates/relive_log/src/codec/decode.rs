//! Bytes to records.

use std::borrow::Cow;
use std::collections::HashSet;

use super::fields::{Fields, Wrong, is_key, number};
use super::payload::{may_hide, read_payload};
use super::values::is_bare_byte;
use super::{Hash, MAX_RECORD, Sum};
use crate::record::{
    Close, Commit, Decision, Diff, Done, Effect, Entry, Fail, Failure, FoldBegin, FoldEnd, Header,
    Note, Operation, Patch, Progress, Record, SessionStart, StateChange, Torn, Unknown, Via,
};

/// What stands at the beginning of some bytes.
pub(crate) enum Found {
    /// A whole record of this length.
    Record(usize),
    /// A part of one, up to the end of the bytes.
    Part,
    /// No record; in words, why.
    Bad(&'static str),
}

/// A record with what else is known of it.
pub(crate) struct Decoded {
    pub(crate) record: Record,
    pub(crate) prev: Sum,
    /// The whole hash of its logical lines.
    pub(crate) hash: Hash,
}

/// Bytes of a record in a log whose line ends were converted: a line has two bytes at least.
const MAX_PHYSICAL: usize = MAX_RECORD + MAX_RECORD / 2;

const TOO_LONG: &str = "a record is longer than 1 MiB";
const STRAY: &str = "this is no line of a log";
const PAYLOAD_FIRST: &str = "a line of text stands outside of a record";
const UNFINISHED: &str = "a record has no end";

/// How long the record at the beginning of some bytes is. Looks at the form of lines alone.
pub(crate) fn find_record(bytes: &[u8]) -> Found {
    match bytes.first() {
        None => return Found::Part,
        Some(b'@') => {}
        Some(b' ' | b'-' | b'+' | b'|' | b'\\') => return Found::Bad(PAYLOAD_FIRST),
        Some(_) => return Found::Bad(STRAY),
    }
    let mut start = 0;
    loop {
        let Some(length) = memchr::memchr(b'\n', &bytes[start..]) else {
            return if bytes.len() > MAX_PHYSICAL {
                Found::Bad(TOO_LONG)
            } else {
                Found::Part
            };
        };
        let end = start + length + 1;
        if end > MAX_PHYSICAL {
            return Found::Bad(TOO_LONG);
        }
        let line = &bytes[start..end];
        if start == 0 {
            if has_sum(line) {
                return Found::Record(end);
            }
        } else {
            match line[0] {
                b' ' | b'-' | b'+' | b'|' | b'\\' => {}
                b'@' if line.starts_with(b"@. ") => return Found::Record(end),
                b'@' => return Found::Bad(UNFINISHED),
                _ => return Found::Bad(STRAY),
            }
        }
        start = end;
    }
}

/// Whether a line with its line end closes with a sum.
fn has_sum(line: &[u8]) -> bool {
    let line = &line[..line.len() - 1];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    split_sum(line, b" sum=").is_some()
}

/// Split a line at its last key, which has a sum for a value.
fn split_sum<'l>(line: &'l [u8], key: &[u8]) -> Option<(&'l [u8], Sum)> {
    let (head, digits) = line.split_at_checked(line.len().checked_sub(32)?)?;
    Some((head.strip_suffix(key)?, Sum::parse(digits)?))
}

/// The record in bytes that [`find_record`] found. The error says what is wrong, in words.
pub(crate) fn decode_record(bytes: &[u8]) -> Result<Decoded, &'static str> {
    let lines = logical(bytes);
    if lines.len() > MAX_RECORD {
        return Err(TOO_LONG);
    }
    let unended = lines.strip_suffix(b"\n").ok_or(UNFINISHED)?;
    let (summed, sum) = split_sum(unended, b" sum=").ok_or("a record has no sum")?;
    let hash = blake3::hash(summed);
    if Sum::of(&hash) != sum {
        return Err("its sum is wrong");
    }
    let (body, prev) = split_sum(summed, b" prev=").ok_or("its prev= is misspelled")?;
    let body = str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
    let record = match parse(body) {
        Ok(record) => record,
        Err(Wrong::Strange) => parse_strange(body)?,
        // A later version may spell the value of a key that we know in another way, if it also has a key that we do not.
        Err(Wrong::Spelling(problem)) => parse_strange(body).map_err(|_| problem)?,
    };
    Ok(Decoded { record, prev, hash })
}

/// The logical lines, each with a line end.
fn logical(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\r', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut lines = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\r\n") {
            Some(text) => {
                lines.extend_from_slice(text);
                lines.push(b'\n');
            }
            None => lines.extend_from_slice(line),
        }
    }
    Cow::Owned(lines)
}

/// A record taken apart, its keys not looked at.
struct Parts<'b> {
    kind: &'b str,
    seq: u64,
    fields: Fields<'b>,
    payload: Option<Payload<'b>>,
}

/// Its lines of text.
struct Payload<'b> {
    /// All of them, the last without its line end.
    text: &'b str,
    count: usize,
    is_ended: bool,
    /// Whether a character may be among them that must not stand in a log.
    may_hide: bool,
}

impl<'b> Payload<'b> {
    /// One by one, found quicker than `str::split` finds them.
    fn lines(&self) -> impl Iterator<Item = &'b str> {
        let text = self.text;
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
        ends.take(self.count).map(move |end| {
            let line = &text[start..end];
            start = end + 1;
            line
        })
    }

    /// The mark and the text of each line.
    fn read(&self) -> impl Iterator<Item = Result<(u8, Cow<'b, str>), Wrong>> {
        self.lines()
            .map(|line| read_payload(line, self.may_hide).ok_or(Wrong::Spelling(MISSPELLED)))
    }
}

fn split(body: &str) -> Result<Parts<'_>, Wrong> {
    let (head, rest) = match split_at_byte(body, b'\n') {
        Some((head, rest)) => (head, Some(rest)),
        None => (body, None),
    };
    let bad = Wrong::Spelling("the beginning of its line is misspelled");
    if !is_printable(head.as_bytes()) {
        return Err(bad);
    }
    let (kind, head) = head
        .strip_prefix('@')
        .and_then(|head| split_at_byte(head, b' '))
        .ok_or(bad)?;
    let end = memchr::memchr(b' ', head.as_bytes()).unwrap_or(head.len());
    let (seq, fields) = head.split_at(end);
    let seq = number(seq).ok_or(bad)?;
    if !is_key(kind) {
        return Err(bad);
    }
    let payload = rest.map(|rest| split_payload(rest, seq)).transpose()?;
    Ok(Parts {
        kind,
        seq,
        fields: Fields(fields),
        payload,
    })
}

/// What stands before and behind the first such byte, which is ASCII.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(byte, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether all is ASCII that can be seen.
fn is_printable(bytes: &[u8]) -> bool {
    // Without a way out in the middle, this is done sixteen bytes at a time.
    bytes.iter().fold(true, |is_printable, byte| {
        is_printable & (b' '..=b'~').contains(byte)
    })
}

fn split_payload(rest: &str, seq: u64) -> Result<Payload<'_>, Wrong> {
    let bad = Wrong::Spelling("its last line is misspelled");
    let (text, last) = match memchr::memrchr(b'\n', rest.as_bytes()) {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    let (number_part, count) = last
        .strip_prefix("@. ")
        .and_then(|last| last.split_once(" n="))
        .ok_or(bad)?;
    let (said, is_ended) = match count.strip_suffix('-') {
        Some(count) => (count, false),
        None => (count, true),
    };
    if number(number_part) != Some(seq) {
        return Err(bad);
    }
    let count = text.map_or(0, |text| {
        memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1
    });
    if number(said) != Some(count as u64) || (!is_ended && count == 0) {
        return Err(Wrong::Spelling(
            "it has another number of lines than it says",
        ));
    }
    let text = text.unwrap_or_default();
    Ok(Payload {
        text,
        count,
        is_ended,
        may_hide: may_hide(text.as_bytes()),
    })
}

fn parse(body: &str) -> Result<Record, Wrong> {
    let Parts {
        kind,
        seq,
        fields,
        payload,
    } = split(body)?;
    let entry = match (kind, payload) {
        ("patch", Some(payload)) => Entry::Patch(Box::new(patch(fields, &payload)?)),
        ("state", Some(payload)) => Entry::State(Box::new(state(fields, &payload)?)),
        ("relive-log", None) => Entry::Header(Box::new(header(fields)?)),
        ("session", None) => Entry::Session(Box::new(session(fields)?)),
        ("commit", None) => Entry::Commit(commit(fields)?),
        ("done", None) => Entry::Done(done(fields)?),
        ("fail", None) => Entry::Fail(fail(fields)?),
        ("undo", None) => Entry::Undo(decision(fields)?),
        ("skip", None) => Entry::Skip(decision(fields)?),
        ("unskip", None) => Entry::Unskip(decision(fields)?),
        ("fold-begin", None) => Entry::FoldBegin(Box::new(fold_begin(fields)?)),
        ("fold-end", None) => Entry::FoldEnd(fold_end(fields)?),
        ("note", None) => Entry::Note(note(fields)?),
        ("torn", None) => Entry::Torn(torn(fields)?),
        ("close", None) => Entry::Close(close(fields)?),
        _ => return Err(Wrong::Strange),
    };
    Ok(Record { seq, entry })
}

/// The keys of a kind, to tell keys that are unknown from keys that are in disorder.
fn known_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "relive-log" => &[
            "v", "id", "source", "base", "enc", "eol", "py", "relive", "after",
        ],
        "session" => &["id", "at", "pid", "host", "boot", "by", "src"],
        "patch" => &[
            "tx", "at", "op", "target", "after", "pre", "post", "via", "cause",
        ],
        "state" => &["tx", "at", "target", "effect", "via", "cause"],
        "commit" => &["tx", "recs", "within", "mac"],
        "done" => &["tx", "ms"],
        "fail" => &["tx", "kind", "why"],
        "undo" | "skip" | "unskip" => &["tx", "at", "of", "why"],
        "fold-begin" => &["at", "from", "to", "of"],
        "fold-end" => &["begin"],
        "note" => &["at", "text"],
        "torn" => &["at", "bytes", "kept"],
        "close" => &["id", "at"],
        _ => &[],
    }
}

/// Whether a value is a word of this version, if its key takes words that a later one may add to.
fn is_known_word(key: &str, value: &str) -> bool {
    match key {
        "op" => OPERATIONS.iter().any(|(word, _)| *word == value),
        "effect" => EFFECTS.iter().any(|(word, _)| *word == value),
        "via" => WAYS.iter().any(|(word, _)| *word == value),
        "kind" => FAILURES.iter().any(|(word, _)| *word == value),
        _ => true,
    }
}

/// A record that this version does not understand, but a later one may.
fn parse_strange(body: &str) -> Result<Record, &'static str> {
    let disorder = "its keys are missing, or in another order";
    let told = |wrong| match wrong {
        Wrong::Spelling(problem) => problem,
        Wrong::Strange => disorder,
    };
    let Parts {
        kind,
        seq,
        mut fields,
        payload,
    } = split(body).map_err(told)?;
    let known = known_keys(kind);
    let is_multiple = matches!(kind, "patch" | "state");
    if !known.is_empty() && (payload.is_some() != is_multiple) {
        return Err("it has lines of text where none belong, or none where some do");
    }
    let mut is_strange = known.is_empty();
    let mut tx = None;
    let mut found = Vec::new();
    // A record of 1 MiB has room for a great many keys.
    let mut seen = HashSet::new();
    while let Some((key, value)) = fields.next().map_err(told)? {
        if !seen.insert(key) {
            return Err("a key stands twice");
        }
        if key == "tx" {
            tx = Some(number(value).ok_or("a number is misspelled")?);
        }
        is_strange |= !known.contains(&key) && !key.starts_with("x-");
        is_strange |= !is_known_word(key, value);
        found.push((key.to_owned(), value.to_owned()));
    }
    let is_newer_header = kind == "relive-log"
        && found
            .first()
            .is_some_and(|(key, version)| key == "v" && version != "1");
    // What a log is, and which transactions count, is said in this version's words.
    if !is_newer_header && (!is_strange || matches!(kind, "relive-log" | "commit")) {
        return Err(disorder);
    }
    let (payload, is_ended) = match payload {
        Some(payload) => {
            for line in payload.read() {
                line.map_err(told)?;
            }
            let lines = payload.lines().map(str::to_owned).collect();
            (Some(lines), payload.is_ended)
        }
        None => (None, true),
    };
    let unknown = Unknown {
        kind: kind.to_owned(),
        tx,
        fields: found,
        payload,
        is_ended,
    };
    Ok(Record {
        seq,
        entry: Entry::Unknown(Box::new(unknown)),
    })
}

const MISSPELLED: &str = "a line of text is misspelled";
const OPERATIONS: [(&str, Operation); 3] = [
    ("add", Operation::Add),
    ("replace", Operation::Replace),
    ("remove", Operation::Remove),
];
const WAYS: [(&str, Via); 5] = [
    ("editor", Via::Editor),
    ("repl", Via::Repl),
    ("patch", Via::Patch),
    ("undo", Via::Undo),
    ("replay", Via::Replay),
];
const EFFECTS: [(&str, Effect); 3] = [
    ("assign", Effect::Assign),
    ("call", Effect::Call),
    ("unknown", Effect::Unknown),
];
const FAILURES: [(&str, Failure); 2] = [("raised", Failure::Raised), ("refused", Failure::Refused)];

fn header(mut fields: Fields<'_>) -> Result<Header, Wrong> {
    let header = Header {
        version: fields.small("v")?,
        id: fields.digits("id", 16, 16)?,
        source: fields.name("source")?,
        base: fields.file_hash("base")?,
        encoding: fields.text("enc")?,
        line_end: fields
            .word("eol", &[("lf", "lf"), ("crlf", "crlf"), ("cr", "cr")])?
            .to_owned(),
        python: fields.text("py")?,
        relive: fields.text("relive")?,
        after: fields.optional_name("after")?,
    };
    fields.end()?;
    Ok(header)
}

fn session(mut fields: Fields<'_>) -> Result<SessionStart, Wrong> {
    let session = SessionStart {
        session: fields.digits("id", 4, 16)?,
        at: fields.text("at")?,
        pid: fields.small("pid")?,
        host: fields.text("host")?,
        boot: fields.text("boot")?,
        by: fields.text("by")?,
        source: fields.file_hash("src")?,
    };
    fields.end()?;
    Ok(session)
}

fn patch(mut fields: Fields<'_>, payload: &Payload<'_>) -> Result<Patch, Wrong> {
    let tx = fields.number("tx")?;
    let at = fields.text("at")?;
    let operation = fields.word("op", &OPERATIONS)?;
    let target = fields.text("target")?;
    let after = fields.optional_text("after")?;
    let pre = fields.text_hash("pre")?;
    let post = fields.text_hash("post")?;
    let via = fields.word("via", &WAYS)?;
    let cause = fields.cause("cause")?;
    fields.end()?;
    if after.is_some() != (operation == Operation::Add)
        || pre.is_none() != (operation == Operation::Add)
        || post.is_none() != (operation == Operation::Remove)
    {
        return Err(Wrong::Spelling(
            "after=, pre= and post= do not go with its op=",
        ));
    }
    let diff = diff(operation, payload)?;
    let after = after.filter(|after| after != "-");
    let is_ended = payload.is_ended;
    Ok(Patch {
        tx,
        at,
        operation,
        target,
        after,
        pre,
        post,
        via,
        cause,
        diff,
        is_ended,
    })
}

fn diff(operation: Operation, payload: &Payload<'_>) -> Result<Diff, Wrong> {
    let mut marked = String::with_capacity(payload.text.len() + 1);
    for line in payload.read() {
        let (mark, text) = line?;
        let is_fit = match operation {
            Operation::Replace => matches!(mark, b' ' | b'-' | b'+'),
            Operation::Remove => mark == b'-',
            Operation::Add => mark == b'+',
        };
        if !is_fit {
            return Err(Wrong::Spelling("a line does not go with its op="));
        }
        marked.push(char::from(mark));
        marked.push_str(&text);
        marked.push('\n');
    }
    Ok(Diff::from_marked(marked))
}

fn state(mut fields: Fields<'_>, payload: &Payload<'_>) -> Result<StateChange, Wrong> {
    let tx = fields.number("tx")?;
    let at = fields.text("at")?;
    let target = fields.text("target")?;
    let effect = fields.word("effect", &EFFECTS)?;
    let via = fields.word("via", &WAYS)?;
    let cause = fields.cause("cause")?;
    fields.end()?;
    let mut text = String::new();
    for line in payload.read() {
        let (prefix, line) = line?;
        if prefix != b'|' {
            return Err(Wrong::Spelling(MISSPELLED));
        }
        text.push_str(&line);
        text.push('\n');
    }
    if !payload.is_ended {
        text.pop();
        // Without this, a text that is one empty line would be spelled like the empty text.
        if text.is_empty() || text.ends_with('\n') {
            return Err(Wrong::Spelling("its last line has no text and no line end"));
        }
    }
    Ok(StateChange {
        tx,
        at,
        target,
        effect,
        via,
        cause,
        text,
    })
}

fn commit(mut fields: Fields<'_>) -> Result<Commit, Wrong> {
    let tx = fields.number("tx")?;
    let records = fields.small("recs")?;
    let within = fields.cause("within")?;
    let mac = fields.mac()?;
    fields.end()?;
    Ok(Commit {
        tx,
        records,
        within,
        mac,
    })
}

fn done(mut fields: Fields<'_>) -> Result<Done, Wrong> {
    let tx = fields.number("tx")?;
    let tenths = fields.tenths("ms")?;
    fields.end()?;
    Ok(Done { tx, tenths })
}

fn fail(mut fields: Fields<'_>) -> Result<Fail, Wrong> {
    let fail = Fail {
        tx: fields.number("tx")?,
        failure: fields.word("kind", &FAILURES)?,
        why: fields.text("why")?,
        progress: progress(fields),
    };
    fields.end()?;
    Ok(fail)
}

/// How far it came. It is an experiment: what is spelled otherwise says nothing.
fn progress(mut fields: Fields<'_>) -> Option<Progress> {
    let done = fields.number("x-done").ok()?;
    let raised = match fields.0 {
        "" => None,
        _ => Some(fields.number("x-raised").ok()?),
    };
    fields.0.is_empty().then_some(Progress { done, raised })
}

fn decision(mut fields: Fields<'_>) -> Result<Decision, Wrong> {
    let decision = Decision {
        tx: fields.number("tx")?,
        at: fields.text("at")?,
        of: fields.number("of")?,
        why: fields.text("why")?,
    };
    fields.end()?;
    Ok(decision)
}

fn fold_begin(mut fields: Fields<'_>) -> Result<FoldBegin, Wrong> {
    let fold = FoldBegin {
        at: fields.text("at")?,
        from: fields.file_hash("from")?,
        to: fields.file_hash("to")?,
        changes: fields.numbers("of")?,
    };
    fields.end()?;
    Ok(fold)
}

fn fold_end(mut fields: Fields<'_>) -> Result<FoldEnd, Wrong> {
    let fold = FoldEnd {
        begin: fields.number("begin")?,
    };
    fields.end()?;
    Ok(fold)
}

fn note(mut fields: Fields<'_>) -> Result<Note, Wrong> {
    let note = Note {
        at: fields.text("at")?,
        text: fields.name("text")?,
    };
    fields.end()?;
    Ok(note)
}

fn torn(mut fields: Fields<'_>) -> Result<Torn, Wrong> {
    let torn = Torn {
        at: fields.text("at")?,
        bytes: fields.number("bytes")?,
        kept: fields.name("kept")?,
    };
    fields.end()?;
    Ok(torn)
}

fn close(mut fields: Fields<'_>) -> Result<Close, Wrong> {
    let close = Close {
        session: fields.digits("id", 4, 16)?,
        at: fields.text("at")?,
    };
    fields.end()?;
    Ok(close)
}

/// Whether bytes that end without a whole record can be the beginning of the record with this number.
pub(crate) fn is_beginning(bytes: &[u8], seq: u64) -> bool {
    if bytes.len() > MAX_PHYSICAL {
        return false;
    }
    let bytes = logical(bytes);
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let Some(first) = lines.next() else {
        return true;
    };
    let Some(opening) = first.strip_suffix(b"\n") else {
        return is_beginning_of_head(first, seq, &bytes);
    };
    // With its sum it would be a whole record, and right.
    let (Ok(opening), false) = (str::from_utf8(opening), has_sum(first)) else {
        return false;
    };
    // A whole line without a sum: it opens a record of several lines, and no other.
    let opens = split(opening).is_ok_and(|parts| {
        let is_multiple =
            matches!(parts.kind, "patch" | "state") || known_keys(parts.kind).is_empty();
        let mut fields = parts.fields;
        let is_spelled = loop {
            match fields.next() {
                Ok(Some(_)) => {}
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        parts.seq == seq && is_multiple && is_spelled
    });
    opens && lines.all(|line| is_beginning_of_line(line, seq, &bytes))
}

/// Of the first line, which has no end yet.
fn is_beginning_of_head(line: &[u8], seq: u64, record: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"@") else {
        return line.is_empty();
    };
    let Some(space) = rest.iter().position(|byte| *byte == b' ') else {
        return rest.first().is_none_or(u8::is_ascii_lowercase)
            && rest
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
    };
    let kind_is_right = str::from_utf8(&rest[..space]).is_ok_and(is_key);
    kind_is_right && is_beginning_of_fields(&rest[space + 1..], seq, record)
}

/// Of a line behind the first, which may have its end.
fn is_beginning_of_line(line: &[u8], seq: u64, record: &[u8]) -> bool {
    match line[0] {
        b' ' | b'-' | b'+' | b'|' => is_beginning_of_text(line),
        b'\\' => line.is_ascii() && is_beginning_of_text(line),
        b'@' => match line.strip_prefix(b"@. ") {
            Some(rest) => is_beginning_of_fields(rest, seq, record),
            None => b"@. ".starts_with(line),
        },
        _ => false,
    }
}

fn is_beginning_of_text(line: &[u8]) -> bool {
    let whole = line.strip_suffix(b"\n");
    let text = match str::from_utf8(whole.unwrap_or(line)) {
        Ok(text) => text,
        // Cut in the middle of a character.
        Err(error) if whole.is_none() && error.error_len().is_none() => {
            str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(super::is_hidden)
}

/// Of a number and what follows it, in a line without its end.
fn is_beginning_of_fields(rest: &[u8], seq: u64, record: &[u8]) -> bool {
    if !rest.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return false;
    }
    let seq = seq.to_string();
    let Some(fields) = rest.strip_prefix(seq.as_bytes()) else {
        return seq.as_bytes().starts_with(rest);
    };
    if !fields.is_empty() && fields[0] != b' ' {
        return false;
    }
    str::from_utf8(fields).is_ok_and(|fields| are_beginning_of_fields(fields, record))
}

/// Of keys and values: whole ones, and perhaps one that is cut off.
fn are_beginning_of_fields(mut fields: &str, record: &[u8]) -> bool {
    while !fields.is_empty() {
        let Some(field) = fields.strip_prefix(' ') else {
            return false;
        };
        let Some((key, value)) = field.split_once('=') else {
            return field.is_empty() || is_key(field);
        };
        if !is_key(key) {
            return false;
        }
        if key == "sum" {
            return is_beginning_of_sum(value.as_bytes(), record);
        }
        let length = if value.starts_with('"') {
            string_length(value.as_bytes())
        } else {
            let end = value.bytes().position(|byte| !is_bare_byte(byte));
            end.unwrap_or(value.len())
        };
        fields = &value[length..];
        if length == 0 && !fields.is_empty() {
            return false;
        }
    }
    true
}

/// How long the string is that begins here, up to its end or where it is cut off.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Of the last value of a record. Once it is there, the record is whole but for its line end, and it must be right.
fn is_beginning_of_sum(digits: &[u8], record: &[u8]) -> bool {
    let is_whole = digits.len() == 32;
    if is_whole {
        let hash = blake3::hash(&record[..record.len() - b" sum=".len() - 32]);
        return Sum::parse(digits) == Some(Sum::of(&hash));
    }
    digits.len() < 32
        && digits
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
