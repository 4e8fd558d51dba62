"""Two readers, in two languages, written apart: they must read the same in every log, also in one that is broken."""

import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from .conftest import CRATE, Driver, Start, replace, state
from .forge import MAC, STATE, Forge, begun, header, planted
from .reader import parse_line, parse_value, read

FIXTURES = CRATE / "tests" / "fixtures" / "v1"
ROUNDS = 1500


class Both:
    """The two readers, side by side."""

    def __init__(self, driver: Driver, directory: Path) -> None:
        self.driver = driver
        self.path = directory / "read" / "bank.py.log"
        self.path.parent.mkdir()

    def read(self, data: bytes) -> dict[str, Any]:
        """What both read; they must agree."""
        self.path.write_bytes(data)
        theirs, ours = self.driver.read(self.path), read(data)
        assert theirs["tail"] == ours["tail"], theirs["problems"]
        assert [*map(normal, theirs["records"])] == [*map(plain, ours["records"])]
        names = ("tx", "first", "last", "newer", "fate")
        their_transactions = [{name: found[name] for name in names} for found in theirs["transactions"]]
        assert their_transactions == ours["transactions"]
        return ours


def normal(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the Rust reader has it, for comparing."""
    keys = {key: value for key, value in record["keys"].items() if value is not None and not key.startswith("x-")}
    texts = [tuple(line) for line in record["texts"]]
    if record["unknown"]:
        keys = {key: parse_value(value) for key, value in keys.items()}
        texts = [parse_line(line) for line in record["texts"]]
    return {"kind": record["kind"], "seq": record["seq"], "keys": keys, "texts": texts, "ended": record["ended"]}


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """A record as the Python reader has it, for comparing."""
    keys = {
        # The Rust side cannot say a byte that is not UTF-8 in JSON.
        key: value.encode(errors="surrogateescape").decode(errors="replace")
        for key, value in record["keys"].items()
        if not key.startswith("x-")
    }
    return {name: record[name] for name in ("kind", "seq", "texts", "ended")} | {"keys": keys}


@pytest.fixture
def both(start: Start, tmp_path: Path) -> Both:
    """The two readers."""
    # A state directory of their own: what is anchored there says nothing about these logs.
    return Both(start(tmp_path / "state of the readers"), tmp_path)


@pytest.fixture
def written(start: Start, tmp_path: Path) -> bytes:
    """A log with records of many kinds, as it is written."""
    source = tmp_path / "bank.py"
    source.write_text("LIMITS = {}\n")
    driver = start()
    driver.open(source)
    driver.append(replace("Account.deposit", "def deposit(self):\n    pass\n", "def deposit(self, n):\n    pass\n"))
    driver.ask("done", name="log", tx=1)
    driver.append(
        state('LIMITS["daily"] = 500'), state("bell = '\a'\n"), via="repl", cause={"session": "9be1", "tx": 14}
    )
    driver.ask("fail", name="log", tx=2, why='KeyError: "daily"\n')
    driver.append({"Undo": {"of": 2, "why": ""}}, {"Skip": {"of": 5, "why": "it crashed"}})
    driver.ask("note", name="log", text="ärger 🐍 \x1b[31m")
    driver.append({"Unskip": {"of": 5, "why": "x"}}, within={"session": "9be1", "tx": 3})
    driver.append()
    driver.ask("close", name="log")
    return (tmp_path / "bank.py.log").read_bytes()


def test_a_log_as_it_is_written_says_the_same_to_both(both: Both, written: bytes) -> None:
    found = both.read(written)
    assert found["tail"] == "clean"
    kinds = (
        "relive-log session patch commit done state state commit fail undo skip commit note unskip commit commit close"
    )
    assert " ".join(record["kind"] for record in found["records"]) == kinds
    assert [found["fate"] for found in found["transactions"]] == ["done", "raised", "", "", ""]


def test_line_ends_converted_to_crlf_change_nothing(both: Both, written: bytes) -> None:
    assert both.read(written.replace(b"\n", b"\r\n")) == both.read(written)


LOGS = sorted(path for path in FIXTURES.rglob("*.log*") if path.suffix != ".json")
EXIT_CODES = {"clean": 0, "torn": 1, "damaged": 4, "newer": 5, "foreign": 6}


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_fixtures_of_version_1_say_the_same_to_both(both: Both, path: Path) -> None:
    found = both.read(path.read_bytes())
    kinds = ("torn", "damaged", "foreign", "newer.")
    told = next((kind for kind in kinds if path.name.startswith(kind)), "torn" if "empty" in path.name else "clean")
    assert found["tail"] == told.removesuffix(".")


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_the_command_line_tells_of_fixtures_what_the_second_reader_does(
    command: Path, tmp_path: Path, path: Path
) -> None:
    log = tmp_path / "bank.py.log"
    log.write_bytes(path.read_bytes())
    environment = os.environ | {"RELIVE_HOME": str(tmp_path / "state")}

    def relive(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, "log", log, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    found = read(path.read_bytes())
    assert relive("--verify").returncode == EXIT_CODES[found["tail"]]
    shown = relive("--json", "--all")
    if found["tail"] in ("clean", "torn"):
        assert shown.returncode in (0, 1), shown.stderr
        told = {change["n"] for change in json.loads(shown.stdout)["changes"]}
        parts = [record for record in found["records"] if record["kind"] in ("patch", "state")]
        assert {record["seq"] for record in parts} <= told
    else:
        assert shown.returncode == EXIT_CODES[found["tail"]]


def test_a_log_cut_off_anywhere_is_torn_or_clean_and_keeps_what_was_whole(both: Both, written: bytes) -> None:
    whole = both.read(written)
    for size in range(len(written)):
        found = both.read(written[:size])
        assert found["tail"] in ("torn", "clean"), size
        count = len(found["records"])
        assert [record["seq"] for record in found["records"]] == [record["seq"] for record in whole["records"][:count]]


def test_a_log_with_any_one_bit_flipped_is_not_clean_and_loses_nothing_before_it(both: Both, written: bytes) -> None:
    generator = random.Random(1)
    for _ in range(ROUNDS):
        place, bit = generator.randrange(len(written)), 1 << generator.randrange(8)
        broken = bytearray(written)
        broken[place] ^= bit
        found = both.read(bytes(broken))
        # Never torn: what was acknowledged is not cut off because a bit of it is wrong.
        assert found["tail"] in ("damaged", "newer", "foreign"), (place, bit)
        before = [commit for commit in re.finditer(rb"\n@commit [^\n]*\n", written) if commit.end() <= place]
        assert len(found["transactions"]) >= len(before)


def mutations(data: bytes, generator: random.Random) -> Iterator[bytes]:
    """Ways in which disks, editors and other tools break a log."""
    lines = data.splitlines(keepends=True)
    while True:
        place, other = sorted(generator.randrange(len(data) + 1) for _ in range(2))
        line, other_line = sorted(generator.randrange(len(lines)) for _ in range(2))
        sector = place // 512 * 512
        yield data[:place] + data[other:]
        yield data[:other] + data[place:]
        yield data[:place] + bytes(generator.randrange(2000))
        yield data[:place] + bytes(512 - place % 512) + data[place // 512 * 512 + 512 :]
        yield data[:sector] + bytes(512) + data[sector + 512 :]
        yield data[:place] + generator.randbytes(generator.randrange(1, 9)) + data[place:]
        yield b"".join(lines[:line] + lines[line + 1 :])
        yield b"".join([*lines[:other_line], lines[line], *lines[other_line:]])
        yield b"".join([*lines[:line], *lines[other_line:]])
        yield data + generator.choice(
            [b"\n", b"nohup: ignoring input\n", b"@", b"@note", b"@note 5 at=x", b" x", b"\0"]
        )
        yield data[:place] + data[place:].replace(b"\n", b"\r\n")
        yield data[:place].replace(b"\n", b"\r\n") + data[place:]
        cut = bytearray(data[:place])
        if cut:
            back = generator.randrange(1, min(len(cut), 200) + 1)
            cut[-back] ^= 1 << generator.randrange(8)
        yield bytes(cut)


def test_both_agree_on_a_log_however_it_is_broken(both: Both, written: bytes) -> None:
    generator = random.Random(2)
    tails = set()
    for _, broken in zip(range(ROUNDS), mutations(written, generator), strict=False):
        tails.add(both.read(broken)["tail"])
    assert tails >= {"clean", "torn", "damaged", "foreign"}


HEAD = header().partition(" ")[2]
SESSION = "session id=9be1 at=x pid=1 host=kiwi boot=c2f1 by=ada src=-"
COMMIT = f"commit tx=1 recs=1 mac={MAC}"
ODD: dict[str, tuple[str, Forge | bytes]] = {
    "nothing": ("torn", b""),
    "zeros": ("torn", bytes(4096)),
    "another tool's": ("foreign", b"nohup: ignoring input\n"),
    "a byte order mark": ("damaged", b"\xef\xbb\xbf" + planted()),
    "a first byte that is another": ("damaged", b"A" + planted()[1:]),
    "planted": ("clean", planted()),
    "a later version": ("newer", begun(version="2")),
    "a later version with other keys": ("newer", Forge().add("relive-log v=3 shape=round").add("patch x=1", "?x")),
    "a version that never was": ("newer", begun(version="0")),
    "a version that is no number": ("damaged", begun(version="x")),
    "a header that continues nothing": ("damaged", Forge().add(header(), seq=7)),
    "a header that continues another log": ("clean", Forge().add(header(" after=bank.py.log.1"), seq=7)),
    "a header with an experiment": ("clean", begun(" x-flavour=7")),
    "a header with an unknown key": ("damaged", begun(" flavour=7")),
    "two headers": ("damaged", begun().add(header())),
    "a second header of a later version": ("damaged", begun().add(header(version="2"))),
    "an unknown kind": ("clean", begun().add("mood tx=1 at=x", "+happy").add(COMMIT)),
    "an unknown kind outside": ("clean", begun().add("mood at=x").add(SESSION)),
    "an unknown kind without its commit": ("torn", begun().add("mood tx=1 at=x")),
    "an unknown kind in the transaction of another": (
        "damaged",
        begun().add(f"state tx=1 {STATE}", "|x = 1").add("mood tx=2 at=x"),
    ),
    "an unknown kind without a number in a transaction": (
        "damaged",
        begun().add(f"state tx=1 {STATE}", "|x = 1").add("mood at=x"),
    ),
    "an unknown kind about an earlier transaction": (
        "clean",
        begun().add(f"commit tx=1 recs=0 mac={MAC}").add("mood tx=1 at=x").add("x-mood tx=1"),
    ),
    "an experiment in a transaction": ("clean", begun().add("x-mood tx=1 at=x").add(COMMIT)),
    "an experiment with lines of text": ("clean", begun().add("x-mood at=x", "+y", "|z", r"\ \x07")),
    "an unknown key": ("clean", begun().add(f"state tx=1 {STATE} mood=7", "|x = 1").add(COMMIT)),
    "an unknown key beside a misspelled one": ("clean", begun().add("close id=XYZ mood=7 at=x")),
    "an unknown word": ("clean", begun().add("state tx=1 at=x target=x effect=magic via=repl", "|x = 1").add(COMMIT)),
    "an unknown key of a commit": ("damaged", begun().add("mood tx=1").add(COMMIT[:-36] + f" mood=7 mac={MAC}")),
    "an experiment in front of a key": ("damaged", begun().add("close x-mood=7 id=9be1 at=x")),
    "an experiment behind": ("clean", begun().add("close id=9be1 at=x x-mood=7 x-other=8")),
    "a key twice": ("damaged", begun().add("close id=9be1 at=x x-mood=7 x-mood=8")),
    "keys in disorder": ("damaged", begun().add("close at=x id=9be1")),
    "a key that is missing": ("damaged", begun().add("close id=9be1")),
    "a bare value in quotes": ("damaged", begun().add('note at="x" text=y')),
    "an empty value": ("clean", begun().add('note at=x text=""')),
    "a value that is missing": ("damaged", begun().add("note at=x text=")),
    "an escape where none is needed": ("damaged", begun().add(r'note at=x text="a\/ b"')),
    "an escape in capitals": ("damaged", begun().add(r'note at=x text="\u001B"')),
    "a surrogate pair": ("clean", begun().add(r'note at=x text="\ud83d\ude00"')),
    "half a surrogate pair": ("damaged", begun().add(r'note at=x text="\ud83d"')),
    "a byte that is not UTF-8 in a text": ("damaged", begun().add(r'note at="\udcff" text=x')),
    "a byte that is not UTF-8 in a note": ("clean", begun().add(r'note at=x text="\udcff"')),
    "a byte that is not UTF-8 in a name": ("clean", begun().add(r'torn at=x bytes=1 kept="\udcff"')),
    "bytes of a name that are UTF-8 after all": ("damaged", begun().add(r'torn at=x bytes=1 kept="\udcc3\udca4"')),
    "a value that is no ASCII": ("damaged", begun().add('note at=x text="ä"')),
    "two spaces": ("damaged", begun().add("note at=x  text=y")),
    "a number with a zero in front": ("damaged", begun().add("fold-end begin=01")),
    "a number that is too large": ("damaged", begun().add("fold-end begin=99999999999999999999")),
    "a list of numbers": ("clean", begun().add("fold-begin at=x from=- to=b3:4e1c77aa00112233 of=2,5,9")),
    "an empty list of numbers": ("clean", begun().add("fold-begin at=x from=- to=- of=-")),
    "a list with a gap": ("damaged", begun().add("fold-begin at=x from=- to=- of=2,,9")),
    "seconds": ("damaged", begun().add(f"state tx=1 {STATE}", "|x").add(COMMIT).add("done tx=1 ms=1")),
    "done": ("clean", begun().add(f"state tx=1 {STATE}", "|x").add(COMMIT).add("done tx=1 ms=1.0")),
    "done of no transaction": ("damaged", begun().add("done tx=1 ms=1.0")),
    "done of an earlier log": ("clean", Forge().add(header(" after=a"), seq=7).add("done tx=7 ms=1.0")),
    "a transaction without its commit": ("torn", begun().add(f"state tx=1 {STATE}", "|x")),
    "a transaction without its commit, and more": ("damaged", begun().add(f"state tx=1 {STATE}", "|x").add(SESSION)),
    "a commit of two records that has one": (
        "damaged",
        begun().add(f"state tx=1 {STATE}", "|x").add(f"commit tx=1 recs=2 mac={MAC}"),
    ),
    "a commit of nothing": ("clean", begun().add(f"commit tx=1 recs=0 mac={MAC}")),
    "a commit twice": ("damaged", begun().add(f"commit tx=1 recs=0 mac={MAC}").add(f"commit tx=1 recs=0 mac={MAC}")),
    "numbers of transactions with a gap": ("clean", begun().add(f"commit tx=9 recs=0 mac={MAC}")),
    "an earlier transaction": (
        "damaged",
        begun().add(f"commit tx=9 recs=0 mac={MAC}").add(f"state tx=8 {STATE}", "|x").add(COMMIT),
    ),
    "a statement without a line": ("clean", begun().add(f"state tx=1 {STATE}").add(COMMIT)),
    "a statement without a line end": ("clean", begun().add(f"state tx=1 {STATE}", "|x", dash="-").add(COMMIT)),
    "no statement and no line end": ("damaged", begun().add(f"state tx=1 {STATE}", dash="-").add(COMMIT)),
    "an empty line without a line end": ("damaged", begun().add(f"state tx=1 {STATE}", "|", dash="-").add(COMMIT)),
    "a statement in a patch's lines": ("damaged", begun().add(f"state tx=1 {STATE}", "+x").add(COMMIT)),
    "an addition": (
        "clean",
        begun().add("patch tx=1 at=x op=add target=f after=- post=0123456789abcdef via=patch", "+x").add(COMMIT),
    ),
    "an addition of nothing to somewhere": (
        "damaged",
        begun().add("patch tx=1 at=x op=add target=f post=0123456789abcdef via=patch", "+x").add(COMMIT),
    ),
    "an addition that removes": (
        "damaged",
        begun().add("patch tx=1 at=x op=add target=f after=- post=0123456789abcdef via=patch", "-x").add(COMMIT),
    ),
    "a removal with a new text": (
        "damaged",
        begun().add("patch tx=1 at=x op=remove target=f post=0123456789abcdef via=patch", "-x").add(COMMIT),
    ),
    "an escaped line": ("clean", begun().add(f"state tx=1 {STATE}", r"\|\x07\\ \u202e\U0001f40d").add(COMMIT)),
    "an escaped line that need not be": ("damaged", begun().add(f"state tx=1 {STATE}", r"\|x").add(COMMIT)),
    "an escaped surrogate": ("damaged", begun().add(f"state tx=1 {STATE}", r"\|\x07\ud800").add(COMMIT)),
    "an escaped line end": ("damaged", begun().add(f"state tx=1 {STATE}", r"\|\x07\n").add(COMMIT)),
    "an escape that Python knows and the format does not": (
        "damaged",
        begun().add(f"state tx=1 {STATE}", r"\|\x07\a").add(COMMIT),
    ),
    "a control character": ("damaged", begun().add(f"state tx=1 {STATE}", "|\x07").add(COMMIT)),
    "a control character of Latin-1": ("damaged", begun().add(f"state tx=1 {STATE}", "|\x85").add(COMMIT)),
    "text from right to left": ("clean", begun().add(f"state tx=1 {STATE}", "|שלום").add(COMMIT)),
    "a mark from right to left": ("damaged", begun().add(f"state tx=1 {STATE}", "|\u200f").add(COMMIT)),
    "a record of 1 MiB": ("clean", begun().add("x-long", *["+" + "a" * 1022] * 1023)),
    "a record of more than 1 MiB": ("damaged", begun().add("x-long", *["+" + "a" * 1023] * 1024)),
    "a text that looks like a sum, cut off": (
        "torn",
        begun().data + b'@note 1 at=x text="a prev=0 sum=00112233445566778899aabbccddeeff',
    ),
    "a text that looks like a sum, cut off later": (
        "torn",
        begun().data + b'@note 1 at=x text="a sum=00112233445566778899aabbccddeeff b c',
    ),
    "a wrong sum without its line end": (
        "damaged",
        begun().data + begun().add(SESSION).data.splitlines()[1][:-1] + b"x",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_both_agree_on(both: Both, name: str) -> None:
    tail, log = ODD[name]
    assert both.read(log if isinstance(log, bytes) else log.data)["tail"] == tail


def test_both_agree_on_records_that_are_nearly_right_and_have_right_sums(both: Both, written: bytes) -> None:
    """A sum hides what the reader of spellings does: here each record is changed and sealed again."""
    generator = random.Random(3)
    records = [*re.findall(rb"(?:@[^\n]*\n[^@][^\n]*\n(?:[^@][^\n]*\n)*)?@[^\n]*\n", written)]
    pieces = [
        b" ",
        b"=",
        b'"',
        b"\\",
        b"\\\\",
        b"-",
        b"@",
        b"x-a=1",
        b" zzz=1",
        b"0",
        b"9",
        b"\\u0000",
        b"\\ud800",
        b"\t",
    ]
    pieces += [
        b"\x7f",
        "ä".encode(),
        "\u202e".encode(),
        b"tx=1",
        b"tx=9",
        b"n=1",
        b"+",
        b"|",
        b"\n|",
        b"\n+",
        b",",
        b"/",
    ]
    tails = set()
    for _ in range(ROUNDS):
        place = generator.randrange(len(records))
        data, head = b"", b"0" * 32
        for number, record in enumerate(records):
            body = re.sub(rb" prev=[0-9a-f]{32} sum=[0-9a-f]{32}\n$", b"", record)
            if number == place:
                at = generator.randrange(1, len(body) + 1)
                size = generator.choice([0, 0, 1, 1, 2, 8])
                body = body[:at] + generator.choice([b"", *pieces]) + body[at + size :]
            body += b" prev=" + head
            head = blake3(body).hexdigest()[:32].encode()
            data += body + b" sum=" + head + b"\n"
        tails.add(both.read(data)["tail"])
    assert tails >= {"clean", "damaged"}


def test_what_signs_a_transaction_can_be_computed_from_the_page_alone(both: Both, start: Start, tmp_path: Path) -> None:
    source = tmp_path / "bank.py"
    source.write_text("")
    driver = start(tmp_path / "signer")
    driver.open(source)
    driver.append(state("x = 1"), state("y = 2"))
    driver.append(state("z = 3"), within={"session": "9be1", "tx": 3})
    key = (tmp_path / "signer" / "key").read_bytes()
    records = both.read((tmp_path / "bank.py.log").read_bytes())["records"]
    transaction: list[bytes] = []
    for record in records[2:]:
        if record["kind"] != "commit":
            transaction.append(record["hash"])
            continue
        keys = record["keys"]
        within = f" within={keys['within']}" if "within" in keys else ""
        head = f"@commit {record['seq']} tx={keys['tx']} recs={keys['recs']}{within}"
        digest = blake3(b"".join(transaction) + head.encode()).digest()
        signed = b"\0".join([b"relive-log 1", records[0]["keys"]["id"].encode(), bytes(source), digest])
        assert keys["mac"] == blake3(signed, key=key).hexdigest()[:32]
        transaction = []


def text_hash(text: str) -> str:
    """The hash of a definition's text, after the page."""
    lines = [line.rstrip(" \t\f") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    indents = [re.match("[ \t]*", line)[0] for line in lines if line]  # type: ignore[index]
    common = ""
    for column in range(min(map(len, indents), default=0)):
        if len({indent[column] for indent in indents}) > 1:
            break
        common += indents[0][column]
    return blake3("\n".join(line[len(common) :] for line in lines).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    pass\n",
        "    def f(self):\n        pass  \n\n\n",
        "\tdef f(self):\r\n\t    pass\r\n",
        "  x = 1\n \ty = 2",
        "x = 1 \t\f\n    \n\f\n",
        "",
        "\n\n",
        "    \n  x\n",
        "x = '\a'\n    # ärger\n",
    ],
)
def test_the_hash_of_a_text_can_be_computed_from_the_page_alone(driver: Driver, tmp_path: Path, text: str) -> None:
    driver.open(tmp_path / "bank.py")
    driver.append(replace("f", "old = 1\n", text))
    records = read((tmp_path / "bank.py.log").read_bytes())["records"]
    assert records[2]["keys"]["post"] == text_hash(text), json.dumps(text)
