"""The change log beside its peers, in the same run: medians, ratios and targets.

    tools/bench log                  sets up a release build and runs this
    tools/bench log --quick          fewer turns, without the log of 100 MB
    tools/bench log --markdown       the table of docs/benchmarks.md

A durable change: beside a plain append and fdatasync of as many bytes, which is what the disk can do, and beside
SQLite (WAL, synchronous=FULL), which promises the same. A log that is read: beside reading and hashing the file.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from table import duration, proportion

ROOT = Path(__file__).resolve().parent.parent
CHANGES = 300
SIZES = {"1 KB": 1_000, "10 MB": 10_000_000, "100 MB": 100_000_000}
HEADINGS = ("case", "relive", "plain", "SQLite", "relive : plain", "target")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two turns, without the log of 100 MB")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    options = parser.parse_args()
    program = build()
    turns = 2 if options.quick else 5
    # A temporary directory may be in memory; the working tree hardly ever is.
    with tempfile.TemporaryDirectory(prefix="bench-log-", dir=ROOT / "target") as scratch:
        rows = [change(program, Path(scratch), turns)]
        for name, size in SIZES.items():
            if not (options.quick and name == "100 MB"):
                rows.append(reading(program, Path(scratch), name, size))
    print("\n".join(markdown(rows) if options.markdown else aligned(rows)))
    print(f"\n{platform.system()} {platform.machine()}, {os.cpu_count()} cores, SQLite {sqlite3.sqlite_version}.")
    return 0


def build() -> Path:
    """The program that measures, optimised."""
    command = ["cargo", "build", "--locked", "--quiet", "--release", "--package=relive_log", "--example=measure"]
    done = subprocess.run([*command, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    [program] = [message["executable"] for message in messages if message.get("executable")]
    return Path(program)


def measure(program: Path, what: str, directory: Path, number: int) -> dict[str, float]:
    """Run one measurement in a process of its own."""
    directory.mkdir()
    done = subprocess.run([program, what, directory, str(number)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def change(program: Path, scratch: Path, turns: int) -> tuple[str, ...]:
    """A durable change; the peers take turns."""
    seconds = defaultdict(list)
    for turn in range(turns):
        found = measure(program, "append", scratch / f"append-{turn}", CHANGES)
        for name in ("relive", "plain"):
            seconds[name].append(found[name])
        seconds["SQLite"].append(with_sqlite(scratch / f"changes-{turn}.db", str(found["text"])))
    relive, plain, sqlite = (median(seconds[name]) for name in ("relive", "plain", "SQLite"))
    verdict = "met" if relive <= plain * 1.1 else "missed"
    target = f"1.1 times plain: {verdict}"
    return ("a durable change", *map(duration, (relive, plain, sqlite)), proportion(relive / plain), target)


def with_sqlite(path: Path, text: str) -> float:
    """The median seconds of a durable insert of the old and the new text."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE change (number INTEGER PRIMARY KEY, target TEXT, old TEXT, new TEXT)")
    database.commit()
    seconds = []
    for _ in range(CHANGES):
        begun = time.perf_counter()
        database.execute("INSERT INTO change (target, old, new) VALUES ('Account.deposit', ?, ?)", (text, text))
        database.commit()
        seconds.append(time.perf_counter() - begun)
    database.close()
    return median(seconds)


def reading(program: Path, scratch: Path, name: str, size: int) -> tuple[str, ...]:
    """A log is read and verified."""
    found = measure(program, "read", scratch / f"read-{size}", size)
    speed = found["bytes"] / found["relive"] / 1e6
    told = ""
    if size >= 1_000_000:
        told = f"300 MB/s: {'met' if speed >= 300 else 'missed'} ({speed:.0f} MB/s)"
    ratio = proportion(found["relive"] / found["plain"])
    return (f"read and verify a log of {name}", duration(found["relive"]), duration(found["plain"]), "", ratio, told)


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines for a terminal."""
    cells = [HEADINGS, *rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def markdown(rows: list[tuple[str, ...]]) -> list[str]:
    """A table for a page."""
    lines = [f"| {' | '.join(line)} |" for line in (HEADINGS, *rows)]
    return [lines[0], "|---|---:|---:|---:|---:|---|", *lines[1:]]


if __name__ == "__main__":
    raise SystemExit(main())
