"""What every test may use: `live`, a running session over modules in a directory of its own."""

import contextlib
import fcntl
import importlib
import linecache
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import Any

import pytest
from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

import relive

KINDS = {"module", "function", "method", "class", "attribute", "statement", "import", "instance", "frame"}


class Live:
    """A session over one directory, which is on ``sys.path``: write modules, import them, save new versions."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.session = relive.start(directory, auto=False)

    def write(self, path: str, text: str) -> Path:
        """Write a file below the directory, its text dedented."""
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def replace(self, path: str, old: str, new: str) -> Path:
        """Replace the one occurrence of ``old`` in a file."""
        file = self.directory / path
        before = file.read_text(encoding="utf-8")
        assert before.count(old) == 1, f"{old!r} stands {before.count(old)} times in {path}"
        file.write_text(before.replace(old, new), encoding="utf-8")
        return file

    def load(self, name: str, text: str | None = None) -> ModuleType:
        """Import a module by its dotted name, from a new file of this text if one is given."""
        if text is not None:
            self.write(name.replace(".", "/") + ".py", text)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def save(self, path: str, text: str, **expected: Collection[str]) -> relive.Report:
        """Write the new version of a file and `update`."""
        self.write(path, text)
        return self.update(**expected)

    def edit(self, path: str, old: str, new: str, **expected: Collection[str]) -> relive.Report:
        """Replace the one occurrence of ``old`` in a file and `update`."""
        self.replace(path, old, new)
        return self.update(**expected)

    def update(
        self,
        *,
        stale: Collection[str] = (),
        refused: Collection[str] = (),
        possibly_stale: Collection[str] = (),
    ) -> relive.Report:
        """Apply what was saved; the report must name as stale and refused what is expected, and nothing else."""
        report = self.session.update()
        check_report(report)
        assert names(report.refused) == set(refused), report
        assert set(stale) <= names(report.stale) <= {*stale, *possibly_stale}, report
        if not refused:
            assert not list(self.session.update()), "an update with nothing pending must have nothing to say"
        return report

    def is_done(self, *qualnames: str) -> bool:
        """Apply what was saved; False if relive leaves it undone and says so, naming one of ``qualnames``."""
        report = self.session.update()
        check_report(report)
        left = names(report.stale) | names(report.refused)
        assert left <= set(qualnames), report
        return not left

    def snapshot(self, module: ModuleType) -> dict[str, Any]:
        """All that a module holds, down to the code of its methods, by path; see `assert_unchanged`."""
        found: dict[str, Any] = {}
        for name, value in vars(module).items():
            _collect(found, name, value, module.__name__)
        return found

    def assert_unchanged(self, module: ModuleType, before: dict[str, Any]) -> None:
        """Compare with an earlier `snapshot`: the same objects under the same names, with the same code and content."""
        after = self.snapshot(module)
        assert after.keys() == before.keys()
        for path, value in before.items():
            is_equal_enough = path.endswith("()") or isinstance(value, _LITERALS)
            is_same = after[path] == value if is_equal_enough else after[path] is value
            assert is_same, f"{path} was {value!r} and is {after[path]!r}"

    def run(self, script: str, text: str, *, module: str | None = None) -> str:
        """Run a script, or the module of ``-m``, in an interpreter of its own; return what it printed.

        Every warning is an error there, and nothing may be written to standard error.
        """
        self.write(script, text)
        command = [sys.executable, "-W", "error", *(["-m", module] if module else [script])]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout


ESCAPE = re.compile(r"\x1b(\[[0-9;?=>]*[a-zA-Z]|[=>])|\r|\x07")


class Terminal:
    """A program on a pseudo-terminal. It is not forked from this process, which may have threads by now."""

    def __init__(self, arguments: list[str], environment: dict[str, str], directory: Path | None = None) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        # Its controlling terminal, so that keys can interrupt it.
        command = ["setsid", "--ctty", *arguments]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=directory
        )
        os.close(slave)
        self._screen = fdspawn(master, timeout=60, encoding="utf-8")

    def wait_for(self, text: str) -> str:
        """Wait until ``text`` is shown and return what was shown before it, without escape sequences."""
        received = ""
        while text not in (shown := ESCAPE.sub("", received)):
            try:
                self._screen.expect(r"[\s\S]+")
            except (EOF, TIMEOUT, OSError) as error:
                pytest.fail(f"{text!r} was waited for, until {type(error).__name__}; shown was:\n{shown}")
            received += self._screen.after
        return shown

    def send(self, line: str) -> None:
        """Type a line."""
        self._screen.send(line + "\r")

    def type(self, line: str, until: str) -> str:
        """Type a line, and return what is shown up to ``until``."""
        self.send(line)
        return self.wait_for(until)

    def press(self, keys: str) -> None:
        """Type without a line's end."""
        self._screen.send(keys)

    def rest(self) -> str:
        """Wait for the program to end by itself, and return what is shown until then."""
        received = ""
        with contextlib.suppress(EOF, OSError):
            while True:
                self._screen.expect(r"[\s\S]+")
                received += self._screen.after
        return ESCAPE.sub("", received)

    def end(self) -> int:
        """Wait for the program to end by itself and return its exit code, which is negative if a signal ended it."""
        with contextlib.suppress(EOF, OSError):
            while True:
                self._screen.expect(r"[\s\S]+")
        return self.process.wait(60)

    def close(self) -> None:
        """End the program."""
        self.process.kill()
        self.process.wait()
        self._screen.close()


def names(items: Collection[relive.Item]) -> set[str]:
    """Return the qualified names of a report's items."""
    return {item.qualname for item in items}


def check_report(report: relive.Report) -> None:
    """Check what holds of every report: whoever reads an item learns what, where and why."""
    for _, items in report:
        for item in items:
            assert item.qualname, report
            assert item.kind in KINDS, item
            assert item.why.strip(), item
            assert item.file.endswith(".py"), item
            assert item.line >= 1, item
    assert not report.conflicts, report


# Literals are as good as the same when they are equal; all else must be the same object.
_LITERALS = (str, bytes, int, float, tuple, type(None))


def _collect(found: dict[str, Any], path: str, value: Any, module: str) -> None:
    found[path] = value
    if isinstance(value, property):
        for name in ("fget", "fset", "fdel"):
            _collect(found, f"{path}.{name}", getattr(value, name), module)
    elif isinstance(value, staticmethod | classmethod):
        _collect(found, f"{path}.__func__", value.__func__, module)
    elif isinstance(value, FunctionType):
        attributes = ("__code__", "__defaults__", "__kwdefaults__", "__annotations__", "__doc__", "__qualname__")
        found[f"{path}()"] = {name: getattr(value, name) for name in attributes} | vars(value)
    elif isinstance(value, type) and value.__module__ == module:
        for name, member in list(vars(value).items()):
            _collect(found, f"{path}.{name}", member, module)
    elif isinstance(value, list | dict | set) and path != "__builtins__":
        found[f"{path}()"] = repr(value)


def pytest_configure(config: pytest.Config) -> None:
    """Keep keys and logs of tests away from the user's own, and have programs that tests start receive SIGINT."""
    home = tempfile.mkdtemp(prefix="relive-home-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["RELIVE_HOME"] = home
    # Also where the tests run in the background of a shell.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A session that is stopped after the test, with every module that it loaded forgotten."""
    directory = tmp_path / "live"
    directory.mkdir()
    assert relive.session() is None, "a test before this one left its session running"
    sys.path.insert(0, str(directory))
    session = Live(directory)
    try:
        yield session
    finally:
        session.session.stop()
        sys.path.remove(str(directory))
        forget(tmp_path)


@pytest.fixture
def open_terminal() -> Iterator[Callable[..., Terminal]]:
    """Start a program on a terminal: its command, its environment, its directory. It is killed after the test."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: Any) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()


def forget(directory: Path) -> None:
    """Take every module whose file is below a directory out of the interpreter."""
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(place and place.startswith(str(directory) + os.sep) for place in places):
            del sys.modules[name]
    for path in list(sys.path_importer_cache):
        if path.startswith(str(directory)):
            del sys.path_importer_cache[path]
    linecache.clearcache()
