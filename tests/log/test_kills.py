"""Real processes that are killed: what was acknowledged is there, once, as it was; the same log goes on."""

import os
import random
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from .conftest import Driver, RefusedError, Start, replace, state
from .reader import read

# With more, the log of a round becomes large, and reading it in Python slow.
ROUNDS, KILLS = 10, 20


def said(record: dict[str, Any]) -> list[str]:
    """What a change says, as the driver puts it into a digest."""
    keys = record["keys"]
    if record["kind"] == "patch":
        old = text(record, " -") if "pre" in keys else "(none)"
        return ["patch", keys["target"], old, text(record, " +") if "post" in keys else "(none)"]
    if record["kind"] == "state":
        return ["state", keys["target"], text(record, "|")]
    return [record["kind"], keys["of"], keys["why"]]


def text(record: dict[str, Any], prefixes: str) -> str:
    """The lines with one of these prefixes."""
    lines = "".join(line + "\n" for prefix, line in record["texts"] if prefix in prefixes)
    return lines if record["ended"] else lines[:-1]


def committed(log: Path) -> tuple[str, dict[int, dict[str, Any]]]:
    """The tail of a log, and its transactions by number as the driver acknowledges them: numbers, and a digest."""
    if not log.exists():
        return "missing", {}
    found = read(log.read_bytes())
    transactions = {}
    for transaction in found["transactions"]:
        changes = [record for record in found["records"] if transaction["first"] <= record["seq"] < transaction["last"]]
        parts = [part for change in changes for part in said(change)]
        transactions[transaction["tx"]] = {
            "tx": transaction["tx"],
            "numbers": [change["seq"] for change in changes],
            "digest": blake3("".join(part + "\0" for part in parts).encode()).hexdigest(),
        }
    assert len(transactions) == len(found["transactions"]), "a number was given twice"
    return found["tail"], transactions


def appended_until_killed(driver: Driver, log: Path, generator: random.Random) -> list[dict[str, Any]]:
    """Have a driver append without end, kill it at a random moment, and return all that it acknowledged.

    The kernel hardly ever ends a process in the middle of a write. So half of the time the process is killed for
    writing beyond a limit, which cuts the write off at a random byte.
    """
    driver.request("append_at_random", name="log", seed=generator.randrange(1 << 60), count=1 << 30)
    acknowledged = [driver.answer() for _ in range(generator.randrange(12))]
    if generator.randrange(2):
        limit = (log.stat().st_size if log.exists() else 0) + generator.randrange(4000)
        resource.prlimit(driver.pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(driver.pid, resource.RLIMIT_FSIZE, (limit, limit))
    else:
        # Not only right after an acknowledgement.
        moment = time.perf_counter() + generator.random() * 0.004
        while time.perf_counter() < moment:
            pass
        driver.process.kill()
    while answer := driver.answer():
        acknowledged.append(answer)
    driver.end()
    assert driver.process.returncode in (-signal.SIGKILL, -signal.SIGXFSZ)
    return acknowledged


@pytest.mark.parametrize(("number", "sync"), [*((number, "full") for number in range(ROUNDS)), (ROUNDS, "process")])
def test_no_change_is_lost_altered_or_there_twice_when_its_process_is_killed(
    start: Start, tmp_path: Path, number: int, sync: str
) -> None:
    generator = random.Random(number)
    source, log = tmp_path / "bank.py", tmp_path / "bank.py.log"
    known: dict[int, dict[str, Any]] = {}
    torn = 0
    for _ in range(KILLS):
        driver = start()
        opened = driver.open(source, sync=sync)
        _, after_repair = committed(log)
        assert after_repair == known
        assert [transaction["tx"] for transaction in opened["read"]["transactions"]] == [*known]
        assert all(transaction["signed"] == "mine" for transaction in opened["read"]["transactions"])
        acknowledged = appended_until_killed(driver, log, generator)

        tail, found = committed(log)
        assert tail in ("clean", "torn", "missing")
        torn += tail == "torn"
        assert {tx: found[tx] for tx in known} == known, "an earlier change was lost or altered"
        for answer in acknowledged:
            assert found[answer["tx"]] == answer, "an acknowledged change was lost or altered"
        new = [tx for tx in found if tx not in known]
        assert new[: len(acknowledged)] == [answer["tx"] for answer in acknowledged]
        assert len(new) <= len(acknowledged) + 1, "more than one change was not acknowledged"
        known = found
    start().open(source)
    kept = [path for path in tmp_path.iterdir() if path.name.startswith("bank.py.log.torn")]
    assert len(kept) == torn, "each tail that was cut off is kept"
    assert torn, "no write was cut off"


def test_a_child_of_a_fork_cannot_write_and_does_not_keep_the_log_locked(start: Start, tmp_path: Path) -> None:
    source = tmp_path / "bank.py"
    parent = start()
    parent.open(source)
    parent.append(state("x = 0"))
    parent.request("fork", name="log")
    answers = dict(item for answer in (parent.answer(), parent.answer()) for item in answer.items())
    child = answers["pid"]
    try:
        assert f"forked from the one that writes {source}.log" in answers["child"]
        assert f"process {parent.pid}" in answers["child"]
        # The parent goes on, and nobody else can.
        parent.append(state("x = 1"))
        with pytest.raises(RefusedError, match=f"is written by .*{parent.pid}"):
            start().open(source)
        parent.process.kill()
        parent.process.wait()
        os.kill(child, 0)
        other = start()
        other.open(source)
        other.append(state("x = 2"))
    finally:
        os.kill(child, signal.SIGKILL)
    found = read((tmp_path / "bank.py.log").read_bytes())
    assert [record["texts"] for record in found["records"] if record["kind"] == "state"] == [
        [("|", f"x = {number}")] for number in range(3)
    ]


class Modules:
    """A change of three modules: each module's log has its part, and the log of the session says that it counts."""

    NAMES = ("bank", "account", "ledger")

    def __init__(self, start: Start, directory: Path) -> None:
        self.start = start
        self.directory = directory
        self.session = directory / "state" / "sessions" / "9be1.log"
        self.runs = 0

    def opened(self) -> Driver:
        """A process that has all four logs open."""
        driver = self.start()
        for name in self.NAMES:
            driver.open(self.directory / f"{name}.py", name=name)
        driver.open(self.session, name="session")
        return driver

    def steps(self, number: int) -> list[dict[str, Any]]:
        """The requests that make one change, which is transaction ``number`` of the session's log."""
        within = {"session": "9be1", "tx": number}
        parts: list[dict[str, Any]] = [
            {"name": name, "drafts": [replace("f", "def f(): pass\n", f"def f(): return {number}\n")], "within": within}
            for name in self.NAMES
        ]
        return [*parts, {"name": "session", "drafts": [state(f"change({number})")]}]

    def that_count(self) -> dict[str, list[int]]:
        """Which transactions of the session count in each module, read by a process that has just begun."""
        reader = self.start()
        counting = {}
        for name in self.NAMES:
            found = reader.read(self.directory / f"{name}.py")
            assert found["tail"] in ("clean", "missing", "torn")
            commits = {record["seq"]: record["keys"] for record in found["records"] if record["kind"] == "commit"}
            counting[name] = [
                int(commits[transaction["last"]]["within"].split("/")[1])
                for transaction in found["transactions"]
                if transaction["committed"]
            ]
        reader.kill()
        return counting


@pytest.mark.parametrize("step", range(5))
def test_a_change_of_three_modules_counts_in_all_or_in_none(start: Start, tmp_path: Path, step: int) -> None:
    modules = Modules(start, tmp_path)
    driver = modules.opened()
    for request in [*modules.steps(1), *modules.steps(2)[:step]]:
        driver.ask("append", **request)
    driver.kill()
    assert modules.that_count() == dict.fromkeys(modules.NAMES, [1, 2] if step == 4 else [1])


def test_a_change_of_three_modules_counts_in_all_or_in_none_whenever_its_process_is_killed(
    start: Start, tmp_path: Path
) -> None:
    generator = random.Random(5)
    made = 0
    for number in range(12):
        directory = tmp_path / str(number)
        directory.mkdir()
        modules = Modules(lambda: start(directory / "state"), directory)  # noqa: B023 - used in this round alone
        driver = modules.opened()
        for request in modules.steps(1):
            driver.request("append", **request)
        for _ in range(generator.randrange(4)):
            driver.answer()
        driver.kill()
        counting = modules.that_count()
        assert [*counting.values()] in ([[1]] * 3, [[]] * 3)
        made += counting["bank"] == [1]
        # Each of the logs goes on by itself.
        driver = modules.opened()
        assert [driver.append(state("x = 1"), name=name)["tx"] for name in modules.NAMES]
    assert made < 12
