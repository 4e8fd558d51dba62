//! Records to bytes.

use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use super::payload::write_payload;
use super::values::write_value;
use super::{Hash, Sum};
use crate::record::{Cause, Effect, Entry, Failure, Operation, Record, Via};

/// Append formatted text to bytes.
macro_rules! push {
    ($out:expr, $($format:tt)*) => {{
        // Writing to a Vec cannot fail.
        let _ = write!($out, $($format)*);
    }};
}

/// Append a record to `out`; returns the whole hash of its logical lines, the first half of which is its sum.
pub(crate) fn encode_into(out: &mut Vec<u8>, record: &Record, prev: Sum) -> Hash {
    let start = out.len();
    write_head(out, record.seq, &record.entry);
    write_body(out, record);
    Fields(out).sum("prev", prev);
    let hash = blake3::hash(&out[start..]);
    Fields(out).sum("sum", Sum::of(&hash));
    out.push(b'\n');
    hash
}

/// A commit up to ` mac=`: what its mac covers of it.
pub(crate) fn write_commit_head(
    out: &mut Vec<u8>,
    seq: u64,
    tx: u64,
    records: u32,
    within: Option<&Cause>,
) {
    push!(out, "@commit {seq} tx={tx} recs={records}");
    if let Some(Cause { session, tx }) = within {
        push!(out, " within={session}/{tx}");
    }
}

fn write_head(out: &mut Vec<u8>, seq: u64, entry: &Entry) {
    if let Entry::Commit(commit) = entry {
        let within = commit.within.as_ref();
        write_commit_head(out, seq, commit.tx, commit.records, within);
        Fields(out).sum("mac", commit.mac);
        return;
    }
    push!(out, "@{} {seq}", kind(entry));
    let mut fields = Fields(out);
    match entry {
        Entry::Header(header) => {
            fields.number("v", header.version.into());
            fields.text("id", &header.id);
            fields.bytes("source", header.source.as_bytes());
            fields.text("base", &header.base);
            fields.text("enc", &header.encoding);
            fields.text("eol", &header.line_end);
            fields.text("py", &header.python);
            fields.text("relive", &header.relive);
            if let Some(after) = &header.after {
                fields.bytes("after", after.as_bytes());
            }
        }
        Entry::Session(session) => {
            fields.text("id", &session.session);
            fields.text("at", &session.at);
            fields.number("pid", session.pid.into());
            fields.text("host", &session.host);
            fields.text("boot", &session.boot);
            fields.text("by", &session.by);
            fields.text("src", &session.source);
        }
        Entry::Patch(patch) => {
            fields.number("tx", patch.tx);
            fields.text("at", &patch.at);
            fields.text("op", operation_word(patch.operation));
            fields.text("target", &patch.target);
            if patch.operation == Operation::Add {
                fields.text("after", patch.after.as_deref().unwrap_or("-"));
            }
            for (key, hash) in [("pre", patch.pre), ("post", patch.post)] {
                if let Some(hash) = hash {
                    fields.text(key, &hash.to_string());
                }
            }
            fields.text("via", via_word(patch.via));
            fields.cause(patch.cause.as_ref());
        }
        Entry::State(state) => {
            fields.number("tx", state.tx);
            fields.text("at", &state.at);
            fields.text("target", &state.target);
            fields.text("effect", effect_word(state.effect));
            fields.text("via", via_word(state.via));
            fields.cause(state.cause.as_ref());
        }
        Entry::Commit(_) => {}
        Entry::Done(done) => {
            fields.number("tx", done.tx);
            push!(fields.0, " ms={}.{}", done.tenths / 10, done.tenths % 10);
        }
        Entry::Fail(fail) => {
            fields.number("tx", fail.tx);
            fields.text("kind", failure_word(fail.failure));
            fields.text("why", &fail.why);
            if let Some(progress) = fail.progress {
                fields.number("x-done", progress.done);
                if let Some(raised) = progress.raised {
                    fields.number("x-raised", raised);
                }
            }
        }
        Entry::Undo(decision) | Entry::Skip(decision) | Entry::Unskip(decision) => {
            fields.number("tx", decision.tx);
            fields.text("at", &decision.at);
            fields.number("of", decision.of);
            fields.text("why", &decision.why);
        }
        Entry::FoldBegin(fold) => {
            fields.text("at", &fold.at);
            fields.text("from", &fold.from);
            fields.text("to", &fold.to);
            let numbers: Vec<String> = fold.changes.iter().map(u64::to_string).collect();
            let numbers = numbers.join(",");
            fields.text("of", if numbers.is_empty() { "-" } else { &numbers });
        }
        Entry::FoldEnd(fold) => fields.number("begin", fold.begin),
        Entry::Note(note) => {
            fields.text("at", &note.at);
            fields.bytes("text", note.text.as_bytes());
        }
        Entry::Torn(torn) => {
            fields.text("at", &torn.at);
            fields.number("bytes", torn.bytes);
            fields.bytes("kept", torn.kept.as_bytes());
        }
        Entry::Close(close) => {
            fields.text("id", &close.session);
            fields.text("at", &close.at);
        }
        Entry::Unknown(unknown) => {
            for (key, value) in &unknown.fields {
                push!(fields.0, " {key}={value}");
            }
        }
    }
}

/// The payload and the beginning of the last line, of a record of several lines.
fn write_body(out: &mut Vec<u8>, record: &Record) {
    let (count, is_ended) = match &record.entry {
        Entry::Patch(patch) => {
            out.push(b'\n');
            let mut count = 0;
            for line in patch.diff.lines() {
                write_payload(out, line.mark() as u8, line.text());
                count += 1;
            }
            (count, patch.is_ended)
        }
        Entry::State(state) => {
            out.push(b'\n');
            let is_ended = state.text.ends_with('\n') || state.text.is_empty();
            let lines = state.text.strip_suffix('\n').unwrap_or(&state.text);
            let mut count = 0;
            if !state.text.is_empty() {
                for line in lines.split('\n') {
                    write_payload(out, b'|', line);
                    count += 1;
                }
            }
            (count, is_ended)
        }
        Entry::Unknown(unknown) => {
            let Some(payload) = &unknown.payload else {
                return;
            };
            out.push(b'\n');
            for line in payload {
                push!(out, "{line}");
                out.push(b'\n');
            }
            (payload.len(), unknown.is_ended)
        }
        _ => return,
    };
    let mark = if is_ended { "" } else { "-" };
    push!(out, "@. {} n={count}{mark}", record.seq);
}

struct Fields<'o>(&'o mut Vec<u8>);

impl Fields<'_> {
    fn bytes(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        write_value(self.0, value);
    }

    fn text(&mut self, key: &str, value: &str) {
        self.bytes(key, value.as_bytes());
    }

    fn key(&mut self, key: &str) {
        self.0.push(b' ');
        self.0.extend_from_slice(key.as_bytes());
        self.0.push(b'=');
    }

    fn sum(&mut self, key: &str, sum: Sum) {
        self.key(key);
        self.0.extend_from_slice(&sum.digits());
    }

    fn number(&mut self, key: &str, value: u64) {
        push!(self.0, " {key}={value}");
    }

    fn cause(&mut self, cause: Option<&Cause>) {
        if let Some(Cause { session, tx }) = cause {
            push!(self.0, " cause={session}/{tx}");
        }
    }
}

fn kind(entry: &Entry) -> &str {
    match entry {
        Entry::Header(_) => "relive-log",
        Entry::Session(_) => "session",
        Entry::Patch(_) => "patch",
        Entry::State(_) => "state",
        Entry::Commit(_) => "commit",
        Entry::Done(_) => "done",
        Entry::Fail(_) => "fail",
        Entry::Undo(_) => "undo",
        Entry::Skip(_) => "skip",
        Entry::Unskip(_) => "unskip",
        Entry::FoldBegin(_) => "fold-begin",
        Entry::FoldEnd(_) => "fold-end",
        Entry::Note(_) => "note",
        Entry::Torn(_) => "torn",
        Entry::Close(_) => "close",
        Entry::Unknown(unknown) => &unknown.kind,
    }
}

fn operation_word(operation: Operation) -> &'static str {
    match operation {
        Operation::Add => "add",
        Operation::Replace => "replace",
        Operation::Remove => "remove",
    }
}

fn via_word(via: Via) -> &'static str {
    match via {
        Via::Editor => "editor",
        Via::Repl => "repl",
        Via::Patch => "patch",
        Via::Undo => "undo",
        Via::Replay => "replay",
    }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Assign => "assign",
        Effect::Call => "call",
        Effect::Unknown => "unknown",
    }
}

fn failure_word(failure: Failure) -> &'static str {
    match failure {
        Failure::Raised => "raised",
        Failure::Refused => "refused",
    }
}
