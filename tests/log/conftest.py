"""`driver`: a process that reads and writes change logs on request; crates/relive_log/examples/driver.rs."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CRATE = ROOT / "crates" / "relive_log"
# Needs strace and time; CONTRIBUTING.md.
collect_ignore = [] if os.environ.get("RELIVE_STRACE") else ["test_system_calls.py"]


class Driver:
    """A process with logs. What it was asked is answered in order; `ask` raises `RefusedError` where it says no."""

    def __init__(self, command: list[str | Path], home: Path, **options: Any) -> None:
        self.process = subprocess.Popen(
            [*command, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests, self.answers = self.process.stdin, self.process.stdout

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid

    def request(self, kind: str, **details: Any) -> None:
        """Ask for something, and do not wait."""
        self.requests.write(json.dumps({kind: details}) + "\n")
        self.requests.flush()

    def answer(self) -> Any:
        """The next answer; None if the process is gone."""
        line = self.answers.readline()
        return json.loads(line) if line.endswith("\n") else None

    def ask(self, kind: str, **details: Any) -> Any:
        """Ask for something and wait for the answer."""
        self.request(kind, **details)
        answer = self.answer()
        assert answer is not None, f"the process has ended: {self.process.wait()}"
        if isinstance(answer, dict) and "error" in answer:
            raise RefusedError(answer["error"])
        return answer

    def read(self, path: Path) -> dict[str, Any]:
        """What a log says."""
        found: dict[str, Any] = self.ask("read", path=str(path))
        return found

    def open(self, source: Path, *, name: str = "log", session: str = "9be1", sync: str = "full") -> dict[str, Any]:
        """Open a log for writing."""
        found: dict[str, Any] = self.ask("open", name=name, source=str(source), session=session, sync=sync)
        return found

    def append(self, *drafts: Any, name: str = "log", **options: Any) -> dict[str, Any]:
        """Make a transaction durable."""
        found: dict[str, Any] = self.ask("append", name=name, drafts=[*drafts], **options)
        return found

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.end()

    def end(self) -> None:
        """Wait for its end."""
        self.requests.close()
        self.process.wait()
        self.answers.close()


class RefusedError(Exception):
    """The driver said no, and why."""


def state(text: str, *, target: str = "x") -> dict[str, Any]:
    """A statement to be logged."""
    return {"State": {"target": target, "effect": "assign", "text": text}}


def replace(target: str, old: str, new: str) -> dict[str, Any]:
    """A definition with another text, to be logged."""
    return {"Patch": {"operation": "replace", "target": target, "after": None, "old": old, "new": new}}


def built(*what: str) -> Path:
    """A program of the workspace, built if that is due."""
    command = ["cargo", "build", "--locked", "--quiet", *what, "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    [program] = [message["executable"] for message in messages if message.get("executable")]
    return Path(program)


@pytest.fixture(scope="session")
def driver_program() -> Path:
    """The program that is driven."""
    return built("--package=relive_log", "--example=driver")


@pytest.fixture(scope="session")
def command() -> Path:
    """The command line."""
    return built("--package=relive_cli", "--bin=relive-recovery")


Start = Callable[..., Driver]


@pytest.fixture
def start(driver_program: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a driver; by default all of a test share a state directory. ``within`` stands in front of the command."""
    started = []

    def start(home: Path = tmp_path / "state", within: tuple[str, ...] = (), **options: Any) -> Driver:
        driver = Driver([*within, driver_program], home, **options)
        started.append(driver)
        return driver

    yield start
    for driver in started:
        if not driver.requests.closed:
            driver.kill()


@pytest.fixture
def driver(start: Start) -> Driver:
    """A driver."""
    return start()
