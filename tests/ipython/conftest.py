"""A project on disk, and an IPython shell in this process whose cells import from it."""

import atexit
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from IPython.terminal.interactiveshell import TerminalInteractiveShell
from traitlets.config import Config

import relive


class Project:
    """Source files in the current directory, as an editor saves them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """Return the path of a file of the project."""
        return self.directory / name

    def save(self, name: str, text: str) -> None:
        """Write a file as a whole."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        importlib.invalidate_caches()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the only occurrence of a text in a file."""
        text = self.path(name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
        self.path(name).write_text(text.replace(old, new), encoding="utf-8")


@dataclass(frozen=True)
class Cell:
    """What executing a cell gave: the value displayed, the exception, and what was printed."""

    value: Any
    error: BaseException | None
    out: str
    err: str


class Prompt:
    """A shell, typed at."""

    def __init__(self, shell: TerminalInteractiveShell) -> None:
        self.shell = shell

    def run(self, cell: str) -> Cell:
        """Execute a cell, which may fail."""
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            result = self.shell.run_cell(dedent(cell), store_history=True)
        error = result.error_before_exec or result.error_in_exec
        return Cell(result.result, error, out.getvalue(), err.getvalue())

    def get(self, cell: str) -> Any:
        """Execute a cell, which must not fail, and return its value."""
        ran = self.run(cell)
        assert ran.error is None, ran
        return ran.value

    def magics(self) -> dict[str, Any]:
        """Return the line magics by name."""
        return dict(self.shell.magics_manager.magics["line"])

    def hooks(self) -> dict[str, list[Any]]:
        """Return what is registered for the events of the shell."""
        return {event: list(hooks) for event, hooks in self.shell.events.callbacks.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty directory, which is the current one and the first on ``sys.path``; its modules are forgotten after."""
    directory = (tmp_path / "project").resolve()
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.syspath_prepend(str(directory))
    # A second save within a second, of the same size, would otherwise be hidden by the bytecode of the first.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("RELIVE_HOME", str(tmp_path / "home"))
    yield Project(directory)
    if session := relive.session():
        session.stop()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path.resolve()) + os.sep):
            del sys.modules[name]


@pytest.fixture
def plain_prompt(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prompt]:
    """A shell without relive."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    config.TerminalInteractiveShell.simple_prompt = True
    config.InteractiveShell.colors = "nocolor"
    state = {name: getattr(sys, name) for name in ("displayhook", "excepthook", "path")}
    state["path"] = list(sys.path)
    shell = TerminalInteractiveShell.instance(config=config)
    yield Prompt(shell)
    shell.run_line_magic("unload_ext", "relive")
    shell.atexit_operations()
    atexit.unregister(shell.atexit_operations)
    shell.restore_sys_module_state()
    TerminalInteractiveShell.clear_instance()
    for name, value in state.items():
        setattr(sys, name, value)


@pytest.fixture
def prompt(plain_prompt: Prompt) -> Prompt:
    """A shell after ``%load_ext relive``."""
    assert plain_prompt.run("%load_ext relive") == Cell(None, None, "", "")
    return plain_prompt


class CellRecorder:
    """An engine whose log of cells is a list, in which cells may note when they run."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.events: list[Any] = []
        self.problem: Exception | None = None
        self.while_logging: Callable[[], object] = lambda: None
        self.report: dict[str, Any] = relive.Report(0, 0.0, (), (), (), ()).to_dict()
        self._number = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    @property
    def cells(self) -> list[str]:
        """What was logged."""
        return [event[1] for event in self.events if event[0] == "log"]

    def update(self, *arguments: Any) -> Any:
        """Apply edits."""
        self.events.append("update")
        return self._engine.update(*arguments)

    def log_cell(self, source: str, namespace: dict[str, Any]) -> int | None:
        """Log a cell, or raise the problem that there is."""
        assert isinstance(namespace, dict)
        self.while_logging()
        if self.problem is not None:
            raise self.problem
        self._number += 1
        self.events.append(("log", source))
        return self._number

    def cell_done(self, number: int, milliseconds: float) -> dict[str, Any]:
        """Log that a cell ran."""
        assert milliseconds >= 0
        self.events.append(("done", number))
        return self.report

    def cell_failed(self, number: int, why: str, at: tuple[int, int] | None) -> None:
        """Log that a cell failed."""
        self.events.append(("failed", number, why))


@pytest.fixture
def recorder(prompt: Prompt) -> CellRecorder:
    """The cells that are logged of `prompt`; its ``events`` are the variable ``events`` there."""
    session = relive.session()
    assert session is not None
    recorder = CellRecorder(session._engine)
    session._engine = recorder
    prompt.shell.user_ns["events"] = recorder.events
    return recorder
