//! Does with logs what it is told, for the tests in `tests/log`, which kill it, starve it of room and fork it.
//!
//! `driver STATE_DIRECTORY`: one request in JSON per line of standard input, one answer per line of standard output.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use relive_log::{
    Cause, DiffLine, Draft, Effect, Entry, Failure, Fate, Header, Home, Log, Operation, Patch,
    ReadLog, Record, Rim, Signed, SyncMode, Tail, Transaction, Via, read, read_all, trust,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// What a log says.
    Read { path: PathBuf },
    /// What a log says, and those that it continues.
    ReadAll { path: PathBuf },
    /// Open the log of a source for writing, under a name for later requests.
    Open {
        name: String,
        source: PathBuf,
        session: String,
        #[serde(default)]
        sync: SyncMode,
    },
    /// Make a transaction durable.
    Append {
        name: String,
        drafts: Vec<Draft>,
        via: Option<Via>,
        cause: Option<Cause>,
        within: Option<Cause>,
    },
    /// Make random transactions durable, one after the other, and acknowledge each.
    AppendAtRandom { name: String, seed: u64, count: u64 },
    /// A transaction was applied.
    Done { name: String, tx: u64 },
    /// A transaction was not applied.
    Fail { name: String, tx: u64, why: String },
    /// Something worth knowing.
    Note { name: String, text: String },
    /// The session ends.
    Close { name: String },
    /// Let a log run that this user did not write.
    Trust { path: PathBuf },
    /// Fork. The child gives up its logs, tries to write, tells what came of it, and lives on until it is killed.
    Fork { name: String },
}

fn main() -> Result<(), Box<dyn Error>> {
    let home = std::env::args_os()
        .nth(1)
        .ok_or("say which state directory to use")?;
    let rim = Rim::real(Home::at(home));
    let mut logs: BTreeMap<String, Log> = BTreeMap::new();
    for line in stdin().lock().lines() {
        let answer = match answer(&rim, &mut logs, serde_json::from_str(&line?)?) {
            Ok(answer) => answer,
            Err(error) => json!({ "error": error.to_string() }),
        };
        tell(&answer)?;
    }
    Ok(())
}

/// Say something at once: whoever listens takes it for done.
fn tell(answer: &Value) -> std::io::Result<()> {
    let mut line = answer.to_string();
    line.push('\n');
    let mut out = stdout().lock();
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn answer(
    rim: &Rim,
    logs: &mut BTreeMap<String, Log>,
    request: Request,
) -> Result<Value, Box<dyn Error>> {
    Ok(match request {
        Request::Read { path } => reading(&read(rim, &path)?),
        Request::ReadAll { path } => read_all(rim, &path)?.iter().map(reading).collect(),
        Request::Open {
            name,
            source,
            session,
            sync,
        } => {
            let mut log = Log::open(rim, &source, &session, "3.13.0")?;
            log.set_sync(sync);
            let answer = json!({ "log": shown(log.path()), "notices": log.notices(), "read": reading(log.read()) });
            logs.insert(name, log);
            answer
        }
        Request::Append {
            name,
            drafts,
            via,
            cause,
            within,
        } => {
            let log = open(logs, &name)?;
            let via = via.unwrap_or(Via::Patch);
            let committed = log.append(&drafts, via, cause.as_ref(), within.as_ref())?;
            json!({ "tx": committed.tx, "numbers": committed.numbers, "notices": log.notices(), "log": shown(log.path()) })
        }
        Request::AppendAtRandom { name, seed, count } => {
            let log = open(logs, &name)?;
            let mut random = Random(seed);
            for _ in 0..count {
                let drafts = random.drafts();
                let committed = log.append(&drafts, Via::Patch, None, None)?;
                tell(
                    &json!({ "tx": committed.tx, "numbers": committed.numbers, "digest": digest(&drafts) }),
                )?;
                match random.below(4) {
                    0 => {}
                    1 => log.fail(committed.tx, Failure::Raised, "ValueError: it raised"),
                    _ => log.done(committed.tx, 0.4),
                }
            }
            json!("done")
        }
        Request::Done { name, tx } => {
            open(logs, &name)?.done(tx, 0.4);
            json!("done")
        }
        Request::Fail { name, tx, why } => {
            open(logs, &name)?.fail(tx, Failure::Raised, &why);
            json!("done")
        }
        Request::Note { name, text } => {
            open(logs, &name)?.note(text.as_ref());
            json!("done")
        }
        Request::Close { name } => {
            open(logs, &name)?.close();
            logs.remove(&name);
            json!("done")
        }
        Request::Trust { path } => json!(trust(rim, &read(rim, &path)?)?),
        Request::Fork { name } => fork(open(logs, &name)?)?,
    })
}

fn open<'l>(logs: &'l mut BTreeMap<String, Log>, name: &str) -> Result<&'l mut Log, String> {
    logs.get_mut(name)
        .ok_or_else(|| format!("no log {name} is open"))
}

/// What a log says, under the names of `docs/log-format.md`.
fn reading(read: &ReadLog) -> Value {
    let tail = match &read.tail {
        Tail::Missing => "missing",
        Tail::Clean => "clean",
        Tail::Torn { .. } => "torn",
        Tail::Damaged { .. } => "damaged",
        Tail::Newer { .. } => "newer",
        Tail::Foreign { .. } => "foreign",
    };
    json!({
        "log": shown(&read.log),
        "tail": tail,
        "problems": read.problems,
        "distrust": read.distrust,
        "records": read.records.iter().map(record).collect::<Value>(),
        "transactions": read.transactions.iter().map(transaction).collect::<Value>(),
    })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn transaction(transaction: &Transaction) -> Value {
    let fate = match transaction.fate {
        Fate::Done => "done",
        Fate::Failed(Failure::Raised) => "raised",
        Fate::Failed(Failure::Refused) => "refused",
        Fate::InFlight => "",
    };
    let signed = match transaction.signed {
        Signed::Mine => "mine",
        Signed::Approved => "approved",
        Signed::Moved => "moved",
        Signed::No => "no",
    };
    json!({
        "tx": transaction.tx,
        "first": transaction.first,
        "last": transaction.last,
        "newer": !transaction.is_understood,
        "fate": fate,
        "committed": transaction.is_committed,
        "signed": signed,
        "session": transaction.session,
    })
}

fn record(record: &Record) -> Value {
    let mut texts = Vec::new();
    let mut is_ended = true;
    let (kind, keys) = match &record.entry {
        Entry::Header(header) => ("relive-log", header_keys(header)),
        Entry::Session(session) => (
            "session",
            json!({ "id": session.session, "at": session.at, "pid": session.pid.to_string(), "host": session.host,
                "boot": session.boot, "by": session.by, "src": session.source }),
        ),
        Entry::Patch(patch) => {
            texts = patch.diff.lines().map(line).collect();
            is_ended = patch.is_ended;
            ("patch", patch_keys(patch))
        }
        Entry::State(state) => {
            let text = &state.text;
            is_ended = text.is_empty() || text.ends_with('\n');
            let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
            texts = lines.map(|line| json!(["|", line])).collect();
            if text.is_empty() {
                texts.clear();
            }
            let effect = match state.effect {
                Effect::Assign => "assign",
                Effect::Call => "call",
                Effect::Unknown => "unknown",
            };
            (
                "state",
                json!({ "tx": state.tx.to_string(), "at": state.at, "target": state.target, "effect": effect,
                    "via": state.via, "cause": cause(state.cause.as_ref()) }),
            )
        }
        Entry::Commit(commit) => (
            "commit",
            json!({ "tx": commit.tx.to_string(), "recs": commit.records.to_string(),
                "within": cause(commit.within.as_ref()), "mac": commit.mac.to_string() }),
        ),
        Entry::Done(done) => (
            "done",
            json!({ "tx": done.tx.to_string(), "ms": format!("{}.{}", done.tenths / 10, done.tenths % 10) }),
        ),
        Entry::Fail(fail) => (
            "fail",
            json!({ "tx": fail.tx.to_string(), "kind": fail.failure, "why": fail.why }),
        ),
        Entry::Undo(of) | Entry::Skip(of) | Entry::Unskip(of) => {
            let kind = match record.entry {
                Entry::Undo(_) => "undo",
                Entry::Skip(_) => "skip",
                _ => "unskip",
            };
            (
                kind,
                json!({ "tx": of.tx.to_string(), "at": of.at, "of": of.of.to_string(), "why": of.why }),
            )
        }
        Entry::FoldBegin(fold) => {
            let numbers: Vec<String> = fold.changes.iter().map(u64::to_string).collect();
            let of = if numbers.is_empty() {
                "-".to_owned()
            } else {
                numbers.join(",")
            };
            (
                "fold-begin",
                json!({ "at": fold.at, "from": fold.from, "to": fold.to, "of": of }),
            )
        }
        Entry::FoldEnd(fold) => ("fold-end", json!({ "begin": fold.begin.to_string() })),
        Entry::Note(note) => (
            "note",
            json!({ "at": note.at, "text": note.text.to_string_lossy() }),
        ),
        Entry::Torn(torn) => (
            "torn",
            json!({ "at": torn.at, "bytes": torn.bytes.to_string(), "kept": torn.kept.to_string_lossy() }),
        ),
        Entry::Close(close) => ("close", json!({ "id": close.session, "at": close.at })),
        Entry::Unknown(unknown) => {
            texts = unknown
                .payload
                .iter()
                .flatten()
                .map(|line| json!(line))
                .collect();
            is_ended = unknown.is_ended;
            let keys = unknown
                .fields
                .iter()
                .map(|(key, value)| (key.clone(), json!(value)));
            (unknown.kind.as_str(), Value::Object(keys.collect()))
        }
    };
    let is_unknown = matches!(record.entry, Entry::Unknown(_));
    json!({ "kind": kind, "seq": record.seq, "keys": keys, "texts": texts, "ended": is_ended, "unknown": is_unknown })
}

fn header_keys(header: &Header) -> Value {
    json!({
        "v": header.version.to_string(), "id": header.id, "source": header.source.to_string_lossy(),
        "base": header.base, "enc": header.encoding, "eol": header.line_end, "py": header.python,
        "relive": header.relive, "after": header.after.as_ref().map(|name| name.to_string_lossy()),
    })
}

fn patch_keys(patch: &Patch) -> Value {
    // Only an addition says what it stands behind.
    let after = match patch.operation {
        Operation::Add => Some(patch.after.as_deref().unwrap_or("-")),
        Operation::Replace | Operation::Remove => None,
    };
    json!({
        "tx": patch.tx.to_string(), "at": patch.at, "op": patch.operation, "target": patch.target, "after": after,
        "pre": patch.pre.map(|hash| hash.to_string()), "post": patch.post.map(|hash| hash.to_string()),
        "via": patch.via, "cause": cause(patch.cause.as_ref()),
    })
}

fn cause(cause: Option<&Cause>) -> Option<String> {
    cause.map(|cause| format!("{}/{}", cause.session, cause.tx))
}

fn line(line: DiffLine<'_>) -> Value {
    json!([line.mark(), line.text()])
}

/// A small source of numbers that a seed determines (splitmix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly one change, sometimes several.
    fn drafts(&mut self) -> Vec<Draft> {
        let count = if self.below(3) == 0 {
            1 + self.below(6)
        } else {
            1
        };
        (0..count).map(|_| self.draft()).collect()
    }

    fn draft(&mut self) -> Draft {
        let target = format!("f{}", self.below(20));
        let (of, why) = (1 + self.below(50), "because \"it\" raised\n".to_owned());
        match self.below(8) {
            0 => Draft::State {
                target,
                effect: Effect::Call,
                text: self.text(),
            },
            1 => Draft::Undo { of, why },
            2 => Draft::Skip { of, why },
            3 => self.patch(Operation::Add, target),
            4 => self.patch(Operation::Remove, target),
            _ => self.patch(Operation::Replace, target),
        }
    }

    fn patch(&mut self, operation: Operation, target: String) -> Draft {
        let after = (operation == Operation::Add && self.below(2) == 0).then(|| "f 1".to_owned());
        let mut texts = (self.text(), self.text());
        // A patch says of its new text alone whether the last line has an end.
        if texts.0.ends_with('\n') != texts.1.ends_with('\n') {
            texts.0 = format!("{}\n", texts.0.trim_end());
            texts.1 = format!("{}\n", texts.1.trim_end());
        }
        let old = (operation != Operation::Add).then_some(texts.0);
        let new = (operation != Operation::Remove).then_some(texts.1);
        Draft::Patch {
            operation,
            target,
            after,
            old,
            new,
        }
    }

    /// A text of up to 300 KB, most often of some lines, with all sorts of characters.
    fn text(&mut self) -> String {
        let size = match self.below(40) {
            0 => self.below(300_000),
            1..=5 => self.below(8_000),
            _ => self.below(300),
        };
        let mut text = "def f():\n".to_owned();
        while (text.len() as u64) < size {
            let line = match self.below(12) {
                0 => "    bell = '\u{7}\u{202e}'",
                1 => "\ttab = 'ärger 🐍'",
                2 => "",
                3 => "@decorated␠and\\escaped",
                _ => "",
            };
            text.push_str(line);
            text.push_str(&format!("    x{} = {}\n", self.below(10), self.next()));
        }
        if self.below(10) == 0 {
            text.pop();
        }
        text
    }
}

/// What drafts say, so that another reader can find out whether the log says the same.
fn digest(drafts: &[Draft]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |parts: &[&str]| {
        for part in parts {
            hasher.update(part.as_bytes()).update(&[0]);
        }
    };
    for draft in drafts {
        match draft {
            Draft::Patch {
                target, old, new, ..
            } => {
                let absent = "(none)";
                add(&[
                    "patch",
                    target,
                    old.as_deref().unwrap_or(absent),
                    new.as_deref().unwrap_or(absent),
                ]);
            }
            Draft::State { target, text, .. } => add(&["state", target, text]),
            Draft::Undo { of, why } => add(&["undo", &of.to_string(), why]),
            Draft::Skip { of, why } => add(&["skip", &of.to_string(), why]),
            Draft::Unskip { of, why } => add(&["unskip", &of.to_string(), why]),
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Fork; see [`Request::Fork`]. Returns the child's number in the parent, and never in the child.
fn fork(log: &mut Log) -> Result<Value, Box<dyn Error>> {
    // SAFETY: this process has one thread, so the child finds no lock held by a thread that it lacks.
    let child = unsafe { libc::fork() };
    match child {
        -1 => Err(std::io::Error::last_os_error().into()),
        0 => {
            log.after_fork_in_child();
            let draft = Draft::State {
                target: "x".to_owned(),
                effect: Effect::Assign,
                text: "x = 1\n".to_owned(),
            };
            let told = match log.append(&[draft], Via::Patch, None, None) {
                Ok(committed) => json!({ "child": committed.tx }),
                Err(error) => json!({ "child": error.to_string() }),
            };
            tell(&told)?;
            loop {
                std::thread::park();
            }
        }
        child => Ok(json!({ "pid": child })),
    }
}
