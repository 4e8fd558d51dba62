//! Records to bytes and back.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;
use relive_log::codec::{MAX_NUMBER, Sum, decode, encode, is_hidden};
use relive_log::{
    Cause, Close, Commit, Decision, Diff, DiffLine, Done, Effect, Entry, Fail, Failure, FoldBegin,
    FoldEnd, Header, Note, Operation, Patch, Progress, Record, SessionStart, StateChange, TextHash,
    Torn, Unknown, Via,
};

/// Text that somebody has thought about for a while.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("@commit 3 tx=1 recs=1".to_owned()),
        Just(
            " prev=00000000000000000000000000000000 sum=00000000000000000000000000000000"
                .to_owned()
        ),
        Just("@. 3 n=1".to_owned()),
        Just("\\x07".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("\u{1b}]0;title\u{7}".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{feff}\u{2028}\u{2029}\u{85}\u{0}\u{7f}".to_owned()),
        Just("\t \u{c}".to_owned()),
        Just("é😀\u{10ffff}".to_owned()),
        "[ -~]{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn hostile_line() -> impl Strategy<Value = String> {
    hostile().prop_map(|text| text.replace('\n', "\r"))
}

fn name() -> impl Strategy<Value = OsString> {
    prop_oneof![
        hostile().prop_map(OsString::from),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(OsString::from_vec),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..1000_u64, 0..(1_u64 << 53)]
}

fn hash() -> impl Strategy<Value = String> {
    prop_oneof![Just("-".to_owned()), "b3:[0-9a-f]{16}"]
}

fn cause() -> impl Strategy<Value = Option<Cause>> {
    let cause = ("[0-9a-f]{4,16}", number()).prop_map(|(session, tx)| Cause { session, tx });
    proptest::option::of(cause)
}

fn via() -> impl Strategy<Value = Via> {
    prop_oneof![
        Just(Via::Editor),
        Just(Via::Repl),
        Just(Via::Patch),
        Just(Via::Undo),
        Just(Via::Replay)
    ]
}

fn patch() -> impl Strategy<Value = Entry> {
    let operation = prop_oneof![
        Just(Operation::Add),
        Just(Operation::Replace),
        Just(Operation::Remove)
    ];
    let lines = proptest::collection::vec((0..3_u8, hostile_line()), 0..6);
    let hashes = (any::<u64>(), any::<u64>());
    let common = (number(), hostile(), hostile(), via(), cause());
    // `-` stands for none.
    let after = proptest::option::of(hostile().prop_filter("a name", |after| after != "-"));
    (operation, lines, hashes, common, after, any::<bool>()).prop_map(
        |(operation, lines, (pre, post), (tx, at, target, via, cause), after, is_ended)| {
            let diff: Diff = lines
                .iter()
                .map(|(kind, text)| match (operation, *kind) {
                    (Operation::Add, _) => DiffLine::New(text),
                    (Operation::Remove, _) => DiffLine::Old(text),
                    (Operation::Replace, 0) => DiffLine::Same(text),
                    (Operation::Replace, 1) => DiffLine::Old(text),
                    (Operation::Replace, _) => DiffLine::New(text),
                })
                .collect();
            Entry::Patch(Box::new(Patch {
                tx,
                at,
                operation,
                target,
                after: after.filter(|_| operation == Operation::Add),
                pre: (operation != Operation::Add).then_some(TextHash(pre)),
                post: (operation != Operation::Remove).then_some(TextHash(post)),
                via,
                cause,
                is_ended: is_ended || lines.is_empty(),
                diff,
            }))
        },
    )
}

fn state() -> impl Strategy<Value = Entry> {
    let effect = prop_oneof![
        Just(Effect::Assign),
        Just(Effect::Call),
        Just(Effect::Unknown)
    ];
    (
        number(),
        hostile(),
        hostile(),
        effect,
        via(),
        cause(),
        hostile(),
    )
        .prop_map(|(tx, at, target, effect, via, cause, text)| {
            Entry::State(Box::new(StateChange {
                tx,
                at,
                target,
                effect,
                via,
                cause,
                text,
            }))
        })
}

fn decision() -> impl Strategy<Value = Entry> {
    (0..3_u8, number(), hostile(), number(), hostile()).prop_map(|(kind, tx, at, of, why)| {
        let decision = Decision { tx, at, of, why };
        match kind {
            0 => Entry::Undo(decision),
            1 => Entry::Skip(decision),
            _ => Entry::Unskip(decision),
        }
    })
}

fn header() -> impl Strategy<Value = Entry> {
    let words = (hostile(), hostile(), hostile());
    (
        "[0-9a-f]{16}",
        name(),
        hash(),
        "lf|crlf|cr",
        words,
        proptest::option::of(name()),
    )
        .prop_map(
            |(id, source, base, line_end, (encoding, python, relive), after)| {
                Entry::Header(Box::new(Header {
                    version: 1,
                    id,
                    source,
                    base,
                    encoding,
                    line_end,
                    python,
                    relive,
                    after,
                }))
            },
        )
}

fn session() -> impl Strategy<Value = Entry> {
    let words = (hostile(), hostile(), hostile(), hostile());
    ("[0-9a-f]{4,16}", any::<u32>(), words, hash()).prop_map(
        |(session, pid, (at, host, boot, by), source)| {
            Entry::Session(Box::new(SessionStart {
                at,
                session,
                pid,
                host,
                boot,
                by,
                source,
            }))
        },
    )
}

fn others() -> impl Strategy<Value = Entry> {
    prop_oneof![
        (number(), any::<u32>(), cause(), any::<[u8; 16]>()).prop_map(
            |(tx, records, within, mac)| {
                Entry::Commit(Commit {
                    tx,
                    records,
                    within,
                    mac: Sum(mac),
                })
            }
        ),
        (number(), 0..10 * MAX_NUMBER).prop_map(|(tx, tenths)| Entry::Done(Done { tx, tenths })),
        (
            number(),
            any::<bool>(),
            hostile(),
            proptest::option::of((number(), proptest::option::of(number()))),
        )
            .prop_map(|(tx, raised, why, progress)| {
                let failure = if raised {
                    Failure::Raised
                } else {
                    Failure::Refused
                };
                let progress = progress.map(|(done, raised)| Progress { done, raised });
                Entry::Fail(Fail {
                    tx,
                    failure,
                    why,
                    progress,
                })
            }),
        (
            hostile(),
            hash(),
            hash(),
            proptest::collection::vec(number(), 0..5)
        )
            .prop_map(
                |(at, from, to, changes)| Entry::FoldBegin(Box::new(FoldBegin {
                    at,
                    from,
                    to,
                    changes
                }))
            ),
        number().prop_map(|begin| Entry::FoldEnd(FoldEnd { begin })),
        (hostile(), name()).prop_map(|(at, text)| Entry::Note(Note { at, text })),
        (hostile(), number(), name()).prop_map(|(at, bytes, kept)| Entry::Torn(Torn {
            at,
            bytes,
            kept
        })),
        ("[0-9a-f]{4,16}", hostile()).prop_map(|(session, at)| Entry::Close(Close { session, at })),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let entry = prop_oneof![patch(), state(), decision(), header(), session(), others()];
    (number(), entry).prop_map(|(seq, entry)| Record { seq, entry })
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(record in record(), prev in any::<[u8; 16]>()) {
        let (bytes, sum) = encode(&record, Sum(prev));
        prop_assert_eq!(decode(&bytes), Ok((record, Sum(prev), sum)));
    }

    #[test]
    fn no_line_of_a_log_harms_a_terminal_or_looks_like_another(record in record()) {
        let (bytes, _) = encode(&record, Sum::ZERO);
        let text = String::from_utf8(bytes).unwrap();
        prop_assert!(!text.chars().any(|character| character != '\n' && is_hidden(character)));
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let is_outer = index == 0 || index + 1 == lines.len();
            prop_assert_eq!(line.starts_with('@'), is_outer, "{}", line);
        }
    }

    #[test]
    fn a_record_after_a_conversion_of_its_line_ends_is_the_same(record in record()) {
        let (bytes, sum) = encode(&record, Sum::ZERO);
        let converted = String::from_utf8(bytes).unwrap().replace('\n', "\r\n");
        prop_assert_eq!(decode(converted.as_bytes()), Ok((record, Sum::ZERO, sum)));
    }

    #[test]
    fn what_can_be_read_has_no_other_spelling(record in record(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        // Change a byte, mend the sum, and see whether the reader takes it: then it must write it in the same way.
        let (mut bytes, _) = encode(&record, Sum::ZERO);
        let end = bytes.len() - 38;
        let index = at.index(end);
        bytes[index] = byte;
        let sum = &blake3::hash(&bytes[..end]).to_hex()[..32];
        bytes.truncate(end);
        bytes.extend_from_slice(format!(" sum={sum}\n").as_bytes());
        if let Ok((record, prev, _)) = decode(&bytes) {
            let written = String::from_utf8(bytes).unwrap();
            // A key for experiments whose value says nothing is left out.
            let is_left_out = matches!(&record.entry, Entry::Fail(fail) if fail.progress.is_none())
                && written.contains(" x-");
            if !is_left_out {
                prop_assert_eq!(String::from_utf8(encode(&record, prev).0).unwrap(), written);
            }
        }
    }

    #[test]
    fn no_bytes_confuse_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
        let _ = decode(&[b"@patch 1 ".as_slice(), &bytes, b"\n@. 1 n=0\n"].concat());
    }
}

fn sealed(body: &str) -> Vec<u8> {
    let body = format!("{body} prev={}", Sum::ZERO);
    let sum = blake3::hash(body.as_bytes()).to_hex();
    format!("{body} sum={}\n", &sum[..32]).into_bytes()
}

fn read(body: &str) -> Result<Entry, String> {
    decode(&sealed(body)).map(|(record, ..)| record.entry)
}

#[test]
fn what_another_version_may_mean_is_kept_as_it_is() {
    let unknown = read("@rename 4 tx=2 from=a to=b").unwrap();
    let Entry::Unknown(strange) = &unknown else {
        panic!()
    };
    let Unknown {
        kind, tx, fields, ..
    } = &**strange;
    assert_eq!((kind.as_str(), *tx, fields.len()), ("rename", Some(2), 3));
    let bytes = sealed("@rename 4 tx=2 from=a to=b");
    assert_eq!(
        encode(
            &Record {
                seq: 4,
                entry: unknown
            },
            Sum::ZERO
        )
        .0,
        bytes
    );

    // A key and a word that are new, of kinds that are known.
    assert!(matches!(
        read("@done 4 tx=1 ms=0.1 cpu=0.1"),
        Ok(Entry::Unknown(_))
    ));
    let state = "@state 4 tx=1 at=now target=X effect=io via=repl\n|X = 1\n@. 4 n=1";
    assert!(matches!(read(state), Ok(Entry::Unknown(_))));
    // Experiments are left out.
    assert!(matches!(
        read("@done 4 tx=1 ms=0.1 x-cpu=0.1"),
        Ok(Entry::Done(_))
    ));
    assert!(matches!(
        read("@x-cpu 4 tx=1 ms=0.1"),
        Ok(Entry::Unknown(_))
    ));
}

#[test]
fn what_no_version_writes_is_refused() {
    for body in [
        "@done 4 ms=0.1 tx=1",
        "@done 4 tx=1",
        "@done 4 tx=1 ms=0.1 ms=0.1",
        "@done 4 tx=01 ms=0.1",
        "@done 04 tx=1 ms=0.1",
        "@done 4  tx=1 ms=0.1",
        "@done 4 tx=1 ms=\"0.1\"",
        "@done 4 tx=1 ms=.1",
        "@done 9007199254740992 tx=1 ms=0.1",
        "@Done 4 tx=1 ms=0.1",
        "@note 4 at=now text=",
        "@note 4 at=now text=a b",
        "@note 4 at=now text=\"\\u0041 b\"",
        "@note 4 at=now text=\"\\ud800 b\"",
        "@note 4 at=\"\\udc80 b\" text=x",
        "@note 4 at=now text=\"\\/ b\"",
        "@note 4 at=now text=\"\u{e9}\"",
        "@commit 4 tx=1 recs=1 mac=00000000000000000000000000000000 new=1",
        "@done 4 tx=1 ms=0.1\n|text\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n|X\n@. 4 n=2",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n|X\n@. 5 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n+X\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n|X\u{7}\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n\\|X\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n\\|X\\x07\\x41\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n\\|X\\nY\n@. 4 n=1",
        "@state 4 tx=1 at=now target=X effect=call via=repl\n@. 4 n=0-",
        "@patch 4 tx=1 at=now op=add target=f pre=0000000000000000 via=repl\n+f\n@. 4 n=1",
        "@patch 4 tx=1 at=now op=add target=f after=- post=0000000000000000 via=repl\n-f\n@. 4 n=1",
    ] {
        assert!(read(body).is_err(), "{body}");
    }
}
