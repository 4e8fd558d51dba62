"""`auto`: a session that applies edits by itself, over a directory on ``sys.path``."""

import contextlib
import importlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

import relive

PATIENCE = 30.0
"""Seconds after which a test gives up on something that is bound to happen."""


class Auto:
    """Save files and hear what the session makes of it; the main thread is kept awake meanwhile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.session = relive.start(directory, auto=False)
        # Reports come in the midst of what the main thread does, waiting for them included: no other queue allows that.
        self._reports: queue.SimpleQueue[tuple[relive.Report, threading.Thread]] = queue.SimpleQueue()
        self.watch(self._hear)

    def watch(self, listener: Any) -> None:
        """Have reports told to ``listener``."""
        assert self.session._watch(listener) is None

    def _hear(self, report: dict[str, Any]) -> None:
        self._reports.put((relive.Report.from_dict(report), threading.current_thread()))

    def load(self, name: str, text: str) -> ModuleType:
        """Write a module and import it."""
        self.save(name, text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def save(self, name: str, text: str) -> None:
        """Write a module's file, as most editors do: a new file takes the place of the old one."""
        file = self.directory / f"{name}.py"
        beside = file.with_suffix(".new")
        beside.write_text(dedent(text), encoding="utf-8")
        os.replace(beside, file)

    def report(self) -> relive.Report:
        """Return the next report, when it is there."""
        return self.told()[0]

    def told(self) -> tuple[relive.Report, threading.Thread]:
        """Return the next report and the thread that told it, when it is there."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                # A main thread that is blocked for long executes no statements.
                return self._reports.get(timeout=0.005)
            except queue.Empty:
                continue
        raise AssertionError("nothing was reported")

    def is_silent(self) -> bool:
        """Whether nothing was reported that `report` has not returned."""
        return self._reports.empty()


def relive_threads() -> list[str]:
    """Return the threads of relive that the kernel knows of in this process, as its numbers for them."""
    tasks = Path("/proc/self/task")
    found = []
    for task in tasks.iterdir():
        # Other threads may end at any time.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if (task / "comm").read_text() == "relive\n":
                found.append(task.name)
    return found


@pytest.fixture
def threads() -> Callable[[], list[str]]:
    """The function that finds relive's threads."""
    return relive_threads


@pytest.fixture
def auto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Auto]:
    """A session with a thread, that is stopped after the test."""
    monkeypatch.setenv("RELIVE_HOME", str(tmp_path / "home"))
    directory = tmp_path / "live"
    directory.mkdir()
    monkeypatch.syspath_prepend(directory)
    known = set(sys.modules)
    running = Auto(directory)
    try:
        yield running
    finally:
        running.session.stop()
        assert not relive_threads(), "the session's thread has outlived it"
        for name in set(sys.modules) - known:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(directory)):
                del sys.modules[name]
