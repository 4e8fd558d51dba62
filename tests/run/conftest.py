"""Programs run from outside: by ``relive run``, or by ``python`` to compare with."""

import os
import queue
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import IO

import pytest

RELIVE = str(Path(sysconfig.get_path("scripts"), "relive"))
PATIENCE = 30.0
"""Seconds after which a test gives up on something that is bound to happen."""


class Lines:
    """What a process writes to one of its streams, line by line, as it arrives."""

    def __init__(self, stream: IO[str]) -> None:
        self.seen: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, args=(stream,))
        self._reader.start()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self._arriving.put(line.rstrip("\n"))
        self._arriving.put(None)

    def next(self) -> str:
        """Return the next line, when it is there."""
        line = None if self._has_ended else self._arriving.get(timeout=PATIENCE)
        self._has_ended = line is None
        assert line is not None, "\n".join(["the stream has ended after:", *self.seen])
        self.seen.append(line)
        return line

    def until(self, text: str) -> str:
        """Return the next line that contains ``text``, when it is there."""
        while text not in (line := self.next()):
            pass
        return line

    def has(self, text: str) -> bool:
        """Whether a line that has arrived since the last look contains ``text``."""
        while not self._arriving.empty():
            if text in self.next():
                return True
        return False

    def rest(self) -> list[str]:
        """Return the lines up to the end of the stream, which is near."""
        rest = []
        while not self._has_ended and (line := self._arriving.get(timeout=PATIENCE)) is not None:
            rest.append(line)
        self._has_ended = True
        self.seen += rest
        self._reader.join()
        return rest


class Running:
    """A process that was started and is talked to."""

    def __init__(self, command: Sequence[str], directory: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def say(self, line: str) -> None:
        """Write a line to the process."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """Write a line to the process and return the line that it writes next."""
        self.say(line)
        return self.out.next()

    def ask_until(self, text: str) -> str:
        """Keep the main thread of a program awake that answers lines, until it answers something with ``text``."""
        for _ in Place.deadline():
            if text in (line := self.ask("again")):
                return line
        raise AssertionError

    def ask_until_told(self, text: str) -> str:
        """Keep the main thread of a program awake that answers lines, until a line on stderr contains ``text``."""
        for _ in Place.deadline():
            self.ask("again")
            if self.err.has(text):
                return self.err.seen[-1]
        raise AssertionError

    def end(self) -> int:
        """Close the standard input and return the exit code, when the process has ended."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        self.out.rest()
        self.err.rest()
        return code


class Place:
    """A directory with programs in it, and relive's state kept apart from the user's."""

    def __init__(self, directory: Path, home: Path) -> None:
        self.directory = directory
        self.home = home
        self.command = RELIVE
        self.interpreter = sys.executable
        self.environment = os.environ | {"RELIVE_HOME": str(home), "PYTHONWARNINGS": "error"}
        # A debugger or coverage of the tests themselves is none of the programs' business.
        for name in ("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)
        self._running: list[Running] = []

    def write(self, path: str, text: str) -> Path:
        """Write a file below the directory, its text dedented."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace the one occurrence of a text in a file, as most editors do: by a new file of the same name."""
        file = self.directory / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        beside = file.with_name(file.name + ".new")
        beside.write_text(text.replace(old, new), encoding="utf-8")
        os.replace(beside, file)

    def start(self, *words: str) -> Running:
        """Start ``relive`` with these arguments."""
        return self.begin(RELIVE, *words)

    def begin(self, *command: str) -> Running:
        """Start a program."""
        running = Running(command, self.directory, self.environment)
        self._running.append(running)
        return running

    def relive(self, *words: str, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``relive`` with these arguments until it ends."""
        return self._run([RELIVE, *words], input)

    def python(self, *words: str, input: str = "") -> subprocess.CompletedProcess[str]:
        """Run ``python`` with these arguments until it ends."""
        return self._run([sys.executable, *words], input)

    def _run(self, command: Sequence[str], input: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    @staticmethod
    def deadline() -> Iterator[None]:
        """Yield until `PATIENCE` is over, for what nothing tells of but asking."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            yield
        raise AssertionError("it did not happen in time")

    def kill(self) -> None:
        """Kill what still runs."""
        for running in self._running:
            if running.process.poll() is None:
                running.process.kill()
            running.end()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty directory to run programs in."""
    directory = tmp_path / "place"
    directory.mkdir()
    place = Place(directory, tmp_path / "home")
    yield place
    place.kill()
