//! What `fuzz/` does for hours with a nightly compiler, for some seconds with any: logs of version 1, mutated.

use std::fs;
use std::path::{Path, PathBuf};

use crate::hostile::{check, check_record, sealed};

/// How many logs; `RELIVE_FUZZ_ROUNDS` in the environment says another number.
const ROUNDS: u64 = 3000;

const TOKENS: [&[u8]; 24] = [
    b"@",
    b"@. ",
    b"\n",
    b"\r\n",
    b"\0",
    b" x-a=1",
    b" zzz=1",
    b" tx=1",
    b" tx=99",
    b"=",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    b"@commit ",
    b"@relive-log ",
    b" prev=",
    b" sum=",
    b"9007199254740991",
    b"18446744073709551616",
    b"+",
    b"|",
];

#[test]
fn no_mutated_log_panics_is_read_twice_over_or_costs_what_was_verified() {
    let rounds = std::env::var("RELIVE_FUZZ_ROUNDS").ok();
    let rounds = rounds.map_or(ROUNDS, |rounds| rounds.parse().expect("a number"));
    let logs = logs();
    assert!(logs.len() > 20);
    assert_eq!(sealed(&logs[0]), logs[0], "what is right stays as it is");
    let mut random = Random(7);
    for _ in 0..rounds {
        let mut bytes = random.pick(&logs).clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &logs, &mut random);
        }
        if random.below(2) == 0 {
            bytes = sealed(&bytes);
        }
        for record in bytes.split_inclusive(|byte| *byte == b'\n') {
            check_record(record);
        }
        check(&bytes);
    }
}

#[test]
fn logs_that_are_made_to_take_long_do_not() {
    let header = &logs()[0];
    let header = header
        .split_inclusive(|byte| *byte == b'\n')
        .next()
        .expect("a line");
    let sums = format!(" prev={0} sum={0}\n", "0".repeat(32));
    let families: [(&str, Vec<u8>); 6] = [
        (
            "keys",
            [b"@x-a 1".as_slice(), &keys(100_000), sums.as_bytes()].concat(),
        ),
        (
            "unknown keys",
            [b"@mood 1".as_slice(), &keys(100_000), sums.as_bytes()].concat(),
        ),
        ("lines without a structure", b"+\n".repeat(1 << 20)),
        ("beginnings", b"@patch 1 tx=1\n".repeat(1 << 18)),
        ("commits", commits(20_000, &sums)),
        ("one line", vec![b'a'; 10 << 20]),
    ];
    for (name, tail) in families {
        let bytes = sealed(&[header, &tail].concat());
        // Nothing is timed: were one of these quadratic, it would take minutes.
        check(&bytes);
        check(&bytes[..bytes.len() - 1]);
        assert!(bytes.len() > 1 << 19, "{name}");
    }
}

fn keys(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| format!(" x-{number}=1").into_bytes())
        .collect()
}

/// Transactions, and as many records about the first one.
fn commits(count: u64, sums: &str) -> Vec<u8> {
    let mac = "0".repeat(32);
    let commits = (1..=count).map(|tx| format!("@commit {tx} tx={tx} recs=0 mac={mac}{sums}"));
    let about = (count + 1..=2 * count).map(|seq| format!("@mood {seq} tx=1{sums}"));
    commits.chain(about).collect::<String>().into_bytes()
}

fn logs() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("it can be read"))
        .collect()
}

fn mutate(bytes: &mut Vec<u8>, logs: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let other = random.below(bytes.len() + 1);
    let (from, to) = (at.min(other), at.max(other));
    match random.below(8) {
        0 => bytes.truncate(at),
        1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        2 => drop(bytes.drain(from..to.min(from + 100))),
        3 => {
            let part = bytes[from..to.min(from + 2000)].to_vec();
            let into = random.below(bytes.len() + 1);
            bytes.splice(into..into, part);
        }
        4 => {
            let other = random.pick(logs);
            let part = other[random.below(other.len() + 1)..].to_vec();
            bytes.splice(from..to, part);
        }
        5 => {
            let end = bytes.len().min(from.next_multiple_of(512));
            bytes[from..end].fill(0);
        }
        _ => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
    }
}

/// splitmix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}
