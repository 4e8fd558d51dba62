//! Logs of every version, and what they must be read as for ever; `tests/fixtures/v1/README.md` explains the JSON.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use relive_log::codec::{Sum, encode};
use relive_log::{Cause, Entry, Failure, Fate, ReadLog, Record, Tail, read, read_all};

use crate::world::{LOG, SOURCE, World, kinds};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1")
}

#[test]
fn each_log_of_version_1_is_read_as_it_was_when_it_was_written() {
    let mut names: Vec<PathBuf> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("log")))
        .collect();
    names.sort();
    assert!(names.len() >= 27, "{names:?}");
    for path in names {
        let bytes = fs::read(&path).unwrap();
        let world = World::new();
        world.disk.put(LOG, &bytes);
        let found = world.read();
        let mut expected = path.clone().into_os_string();
        expected.push(".json");
        expect_file![PathBuf::from(expected)].assert_eq(&json(&found));
        if found.tail == Tail::Clean {
            check_same_spelling(&found, &bytes);
        }
    }
}

/// What is read and written again is the same; experiments apart, which are not kept.
fn check_same_spelling(found: &ReadLog, bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec())
        .unwrap()
        .replace("\r\n", "\n");
    if text.contains(" x-") {
        return;
    }
    let mut again = Vec::new();
    // What a log that continues another is chained to is not a part of its records.
    let prev = text.split(" prev=").nth(1).unwrap();
    let mut prev = Sum::parse(&prev.as_bytes()[..32]).unwrap();
    for record in &found.records {
        let (bytes, sum) = encode(record, prev);
        again.extend_from_slice(&bytes);
        prev = sum;
    }
    assert_eq!(String::from_utf8(again).unwrap(), text);
}

#[test]
fn a_chain_of_logs_over_folds_is_one_history() {
    let world = World::new();
    for name in ["bank.py.log", "bank.py.log.1", "bank.py.log.2"] {
        let bytes = fs::read(directory().join("chain").join(name)).unwrap();
        world.disk.put(Path::new("/desk").join(name), &bytes);
    }
    let logs = read_all(&world.rim, Path::new(SOURCE)).unwrap();
    let names: Vec<&str> = logs
        .iter()
        .map(|log| log.log.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["bank.py.log.1", "bank.py.log.2", "bank.py.log"]);
    assert_eq!(
        logs.iter().map(kinds).collect::<Vec<_>>(),
        [
            "0:header 1:session 2:patch 3:commit 4:done 5:fold-begin 6:fold-end",
            "7:header 8:session 9:patch 10:commit 11:done 12:fold-begin 13:fold-end",
            "14:header 15:session 16:patch 17:commit 18:done",
        ]
    );
    let one = read(&world.rim, Path::new("/desk/bank.py.log.1")).unwrap();
    assert_eq!(one.records, logs[0].records);
    assert_eq!(one.source, Path::new(SOURCE));
}

fn json(found: &ReadLog) -> String {
    let mut out = String::from("{");
    match &found.tail {
        Tail::Missing => panic!("the log is there"),
        Tail::Clean => out.push_str("\"tail\": \"clean\""),
        Tail::Torn { bytes } => out.push_str(&format!("\"tail\": \"torn\", \"bytes\": {bytes}")),
        Tail::Damaged { line, .. } => {
            out.push_str(&format!("\"tail\": \"damaged\", \"line\": {line}"));
        }
        Tail::Newer { version } => {
            out.push_str(&format!("\"tail\": \"newer\", \"version\": {version}"));
        }
        Tail::Foreign { .. } => out.push_str("\"tail\": \"foreign\""),
    }
    let records: Vec<String> = found.records.iter().zip(found.sums()).map(record).collect();
    let transactions: Vec<String> = found
        .transactions
        .iter()
        .map(|transaction| {
            let fate = match transaction.fate {
                Fate::Done => "done",
                Fate::Failed(Failure::Raised) => "raised",
                Fate::Failed(Failure::Refused) => "refused",
                Fate::InFlight => "in flight",
            };
            let within = transaction
                .within
                .as_ref()
                .map_or("null".to_owned(), |within| quoted(cause(within).as_bytes()));
            format!(
                "{{\"tx\": {}, \"first\": {}, \"last\": {}, \"understood\": {}, \"fate\": \"{fate}\", \"session\": {}, \"within\": {within}}}",
                transaction.tx,
                transaction.first,
                transaction.last,
                transaction.is_understood,
                quoted(transaction.session.as_bytes()),
            )
        })
        .collect();
    out.push_str(&format!(",\n \"records\": [{}],", listed(&records)));
    out.push_str(&format!(
        "\n \"transactions\": [{}]}}\n",
        listed(&transactions)
    ));
    out
}

fn listed(items: &[String]) -> String {
    items
        .iter()
        .map(|item| format!("\n  {item}"))
        .collect::<Vec<_>>()
        .join(",")
}

fn record((record, sum): (&Record, &Sum)) -> String {
    let (kind, keys, lines) = parts(&record.entry);
    let keys: Vec<String> = keys
        .iter()
        .map(|(key, value)| format!("\"{key}\": {}", quoted(value)))
        .collect();
    let mut out = format!(
        "{{\"seq\": {}, \"kind\": \"{kind}\", \"keys\": {{{}}}",
        record.seq,
        keys.join(", ")
    );
    if let Some((lines, is_ended)) = lines {
        let lines: Vec<String> = lines.iter().map(|line| quoted(line.as_bytes())).collect();
        out.push_str(&format!(
            ", \"lines\": [{}], \"ended\": {is_ended}",
            lines.join(", ")
        ));
    }
    if matches!(record.entry, Entry::Unknown(_)) {
        out.push_str(", \"known\": false");
    }
    out + &format!(", \"sum\": \"{sum}\"}}")
}

type Keys = Vec<(String, Vec<u8>)>;
type Lines = Option<(Vec<String>, bool)>;

fn keys<const N: usize>(keys: [(&str, String); N]) -> Keys {
    keys.into_iter()
        .map(|(key, value)| (key.to_owned(), value.into_bytes()))
        .collect()
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

fn cause(cause: &Cause) -> String {
    format!("{}/{}", cause.session, cause.tx)
}

fn parts(entry: &Entry) -> (&str, Keys, Lines) {
    match entry {
        Entry::Header(header) => {
            let mut found = keys([("v", header.version.to_string()), ("id", header.id.clone())]);
            found.push(("source".to_owned(), header.source.as_bytes().to_vec()));
            found.extend(keys([
                ("base", header.base.clone()),
                ("enc", header.encoding.clone()),
                ("eol", header.line_end.clone()),
                ("py", header.python.clone()),
                ("relive", header.relive.clone()),
            ]));
            let after = header.after.iter().map(|after| after.as_bytes().to_vec());
            found.extend(after.map(|after| ("after".to_owned(), after)));
            ("relive-log", found, None)
        }
        Entry::Session(session) => (
            "session",
            keys([
                ("id", session.session.clone()),
                ("at", session.at.clone()),
                ("pid", session.pid.to_string()),
                ("host", session.host.clone()),
                ("boot", session.boot.clone()),
                ("by", session.by.clone()),
                ("src", session.source.clone()),
            ]),
            None,
        ),
        Entry::Patch(patch) => {
            let mut found = keys([
                ("tx", patch.tx.to_string()),
                ("at", patch.at.clone()),
                ("op", word(patch.operation)),
                ("target", patch.target.clone()),
            ]);
            if patch.pre.is_none() {
                found.extend(keys([(
                    "after",
                    patch.after.clone().unwrap_or("-".to_owned()),
                )]));
            }
            found.extend(
                patch
                    .pre
                    .iter()
                    .flat_map(|pre| keys([("pre", pre.to_string())])),
            );
            found.extend(
                patch
                    .post
                    .iter()
                    .flat_map(|post| keys([("post", post.to_string())])),
            );
            found.extend(keys([("via", word(patch.via))]));
            found.extend(
                patch
                    .cause
                    .iter()
                    .flat_map(|of| keys([("cause", cause(of))])),
            );
            let lines = patch.diff.lines();
            let lines = lines.map(|line| format!("{}{}", line.mark(), line.text()));
            ("patch", found, Some((lines.collect(), patch.is_ended)))
        }
        Entry::State(state) => {
            let mut found = keys([
                ("tx", state.tx.to_string()),
                ("at", state.at.clone()),
                ("target", state.target.clone()),
                ("effect", word(state.effect)),
                ("via", word(state.via)),
            ]);
            found.extend(
                state
                    .cause
                    .iter()
                    .flat_map(|of| keys([("cause", cause(of))])),
            );
            let is_ended = state.text.is_empty() || state.text.ends_with('\n');
            let lines = state
                .text
                .strip_suffix('\n')
                .unwrap_or(&state.text)
                .split('\n');
            let lines = lines.map(|line| format!("|{line}")).collect();
            let lines = if state.text.is_empty() {
                Vec::new()
            } else {
                lines
            };
            ("state", found, Some((lines, is_ended)))
        }
        Entry::Commit(commit) => {
            let mut found = keys([
                ("tx", commit.tx.to_string()),
                ("recs", commit.records.to_string()),
            ]);
            found.extend(
                commit
                    .within
                    .iter()
                    .flat_map(|of| keys([("within", cause(of))])),
            );
            found.extend(keys([("mac", commit.mac.to_string())]));
            ("commit", found, None)
        }
        Entry::Done(done) => (
            "done",
            keys([
                ("tx", done.tx.to_string()),
                ("ms", format!("{}.{}", done.tenths / 10, done.tenths % 10)),
            ]),
            None,
        ),
        Entry::Fail(fail) => (
            "fail",
            keys([
                ("tx", fail.tx.to_string()),
                ("kind", word(fail.failure)),
                ("why", fail.why.clone()),
            ]),
            None,
        ),
        Entry::Undo(of) | Entry::Skip(of) | Entry::Unskip(of) => {
            let kind = match entry {
                Entry::Undo(_) => "undo",
                Entry::Skip(_) => "skip",
                _ => "unskip",
            };
            let found = keys([
                ("tx", of.tx.to_string()),
                ("at", of.at.clone()),
                ("of", of.of.to_string()),
                ("why", of.why.clone()),
            ]);
            (kind, found, None)
        }
        Entry::FoldBegin(fold) => {
            let numbers: Vec<String> = fold.changes.iter().map(u64::to_string).collect();
            let numbers = if numbers.is_empty() {
                "-".to_owned()
            } else {
                numbers.join(",")
            };
            let found = keys([
                ("at", fold.at.clone()),
                ("from", fold.from.clone()),
                ("to", fold.to.clone()),
                ("of", numbers),
            ]);
            ("fold-begin", found, None)
        }
        Entry::FoldEnd(fold) => ("fold-end", keys([("begin", fold.begin.to_string())]), None),
        Entry::Note(note) => {
            let mut found = keys([("at", note.at.clone())]);
            found.push(("text".to_owned(), note.text.as_bytes().to_vec()));
            ("note", found, None)
        }
        Entry::Torn(torn) => {
            let mut found = keys([("at", torn.at.clone()), ("bytes", torn.bytes.to_string())]);
            found.push(("kept".to_owned(), torn.kept.as_bytes().to_vec()));
            ("torn", found, None)
        }
        Entry::Close(close) => (
            "close",
            keys([("id", close.session.clone()), ("at", close.at.clone())]),
            None,
        ),
        Entry::Unknown(unknown) => {
            let found = unknown.fields.iter();
            let found = found.map(|(key, value)| (key.clone(), value.clone().into_bytes()));
            let lines = unknown
                .payload
                .clone()
                .map(|lines| (lines, unknown.is_ended));
            (&unknown.kind, found.collect(), lines)
        }
    }
}

/// A JSON string in ASCII; a byte that is not UTF-8 as a lone surrogate.
fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                ' '..='~' => out.push(character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\udc{byte:02x}"));
        }
    }
    out + "\""
}
