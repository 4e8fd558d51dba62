"""A call that failed and that nobody above will save is held: its thread waits until somebody says what becomes of it.

What is held is shown on the terminal, with a prompt; other programs of the same user can ask and answer too. Saving an
edit of a function on the failed stack makes the call again by itself.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from relive import _restart, _session
from relive._errors import ReliveError
from relive._failed import Failed, Place
from relive._messages import Messages
from relive._terminal import Terminal

Decision = str | tuple[Any] | None
"""What becomes of a call: None, its exception goes on; "again"; or the value that it returns, in a tuple."""

LOOK_EVERY = 0.05
"""Seconds between two looks at whether somebody has answered or saved something."""

HELP = """\
retry          make the call again (1), with its own arguments and the newest code
restart N      make call N again instead
return EXPR    have the call return a value; EXPR sees the variables of the failed function
raise          let the exception go on (also: the end of input)
edit           open $EDITOR at the line; what is saved is live, and makes the call again
locals         show the variables of the failed function
p EXPR         show a value
pdb            look around in the debugger; `quit` comes back here
where          show the traceback again
"""

COMMANDS = "retry, restart N, return EXPR, raise, edit, locals, p EXPR, pdb, where, help"

_held: list["Held"] = []
_lock = threading.Lock()
_terminal_is_taken = threading.Lock()


def hold(on: bool = True) -> None:
    """Have exceptions that nobody will catch held, or not any more: those of the functions of live modules.

    Raises `ReliveError` if no session is running.
    """
    session = _session.session()
    if session is None:
        raise ReliveError("nothing is live: relive.start() was not called")
    session._hold(session._hold_filter if on else None)


def decide(error: BaseException, caller: FrameType | None) -> Decision:
    """Wait until somebody says what becomes of the call that came back with an exception."""
    session = _session.session()
    if session is None or sys.is_finalizing():
        return None
    held = Held(session, Failed(session._engine, error, caller))
    with _known(held):
        return held.wait()


def held() -> list["Held"]:
    """Return the threads that are held, the first to be held first."""
    with _lock:
        return list(_held)


class Held:
    """A thread that is held."""

    def __init__(self, session: "_session.Session", failed: Failed) -> None:
        self.failed = failed
        self.thread = threading.current_thread()
        self.number = 0
        self._session = session
        self._decision: tuple[Decision] | None = None
        self._asked: list[tuple[str, Callable[[str], object], threading.Event]] = []

    @property
    def title(self) -> str:
        """What is held, in a few words."""
        return f"{self.failed.name}: {self.failed.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        frames = [place.to_dict() for place in self.failed.places]
        return {"thread": self.number, "name": self.thread.name, "exception": self.failed.message, "frames": frames}

    def ask(self, words: str, say: Callable[[str], object]) -> bool:
        """Have the thread carry out a command, as at its prompt; whether it has come to it in time."""
        done = threading.Event()
        self._asked.append((words, say, done))
        return done.wait(2)

    def wait(self) -> Decision:
        """Wait, on the thread itself, until somebody has decided."""
        with _terminal() as terminal, _heard(self._session):
            tell = terminal.write if terminal else _say
            tell(self.failed.text())
            if terminal is None:
                _say(f"relive: thread {self.thread.name} is held in {self.title}; save a fix, or see `relive held`\n")
            else:
                terminal.write(f"relive: held in {self.failed.name}. Save a fix and it goes on, or: {COMMANDS}\nheld> ")
            while self._decision is None:
                self._look(tell)
                self._answer()
                if self._decision is None:
                    self._read(terminal)
            return self._decision[0]

    def _look(self, tell: Callable[[str], object]) -> None:
        """Make the outermost call again whose function was edited."""
        if report := self._session._look():
            _tell_report(report)
        if self.failed.edited() is None:
            return
        # An update is whole when it is over.
        self._session._engine.rest()
        if (edited := self.failed.edited()) is not None:
            tell(f"\nrelive: {edited.qualname} was edited: its call is made again\n")
            self._restart(edited)

    def _answer(self) -> None:
        while self._asked and self._decision is None:
            words, say, done = self._asked.pop(0)
            try:
                self.command(words, say)
            finally:
                done.set()

    def _read(self, terminal: Terminal | None) -> None:
        if terminal is None:
            time.sleep(LOOK_EVERY)
            return
        try:
            line = terminal.line(LOOK_EVERY)
        except EOFError:
            terminal.write("\n")
            line = "raise"
        if line is not None:
            self.command(line, terminal.write, terminal)
            if self._decision is None:
                terminal.write("held> ")

    def command(self, line: str, say: Callable[[str], object], terminal: Terminal | None = None) -> None:
        """Carry out one command, and say what there is to say."""
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        match word:
            case "":
                pass
            case "retry" | "r":
                self._decision = ("again",)
            case "restart":
                self._restart_numbered(rest, say)
            case "return":
                with _told(say):
                    self._decision = ((self.failed.evaluate(rest or "None"),),)
            case "raise" | "q" | "quit" | "exit":
                self._decision = (None,)
            case "locals" | "l":
                for name, value in self.failed.variables().items():
                    say(f"{name} = {_short(value)}\n")
            case "p":
                with _told(say):
                    say(f"{self.failed.evaluate(rest)!r}\n")
            case "where" | "w":
                say(self.failed.text())
            case "edit" | "e" if terminal:
                terminal.edit(self.failed.source, self.failed.line)
                _tell_report(self._session._engine.update())
            case "pdb" if terminal:
                terminal.debug(self.failed.caller, self.failed.error)
            case "help" | "h" | "?":
                say(HELP)
            case _:
                say(f"relive: no such command: {word}; {COMMANDS}\n")

    def _restart_numbered(self, number: str, say: Callable[[str], object]) -> None:
        place = next((place for place in self.failed.places if number in (str(place.number), place.qualname)), None)
        if place is None or place.number is None:
            say(f"relive: no call that can be made again is called {number!r}: see the numbers in the traceback\n")
        else:
            self._restart(place)

    def _restart(self, place: Place) -> None:
        if place.number == 1:
            self._decision = ("again",)
        else:
            raise _restart.unwinding(place.frame)


@contextmanager
def _known(held: Held) -> Iterator[None]:
    """Have others know of a thread that is held."""
    with _lock:
        held.number = max((other.number for other in _held), default=0) + 1
        _held.append(held)
    try:
        yield
    finally:
        with _lock:
            _held.remove(held)


@contextmanager
def _terminal() -> Iterator[Terminal | None]:
    """Open the terminal, if there is one; one thread at a time has it, and none but the main thread at a prompt."""
    is_main = threading.current_thread() is threading.main_thread()
    terminal = Terminal.open() if is_main or not _has_prompt() else None
    if terminal is None:
        yield None
        return
    with terminal, _terminal_is_taken:
        yield terminal


@contextmanager
def _heard(session: "_session.Session") -> Iterator[None]:
    """Have the user told what becomes of what is saved, unless he is anyway."""
    engine = session._engine
    if engine.is_heard():
        yield
        return
    engine.hear(_tell_report)
    try:
        yield
    finally:
        engine.hear(None)


def _tell_report(report: Mapping[str, Any]) -> None:
    if lines := list(Messages(os.getcwd()).lines(report)):
        _say("\n".join(["", *lines, ""]))


def _has_prompt() -> bool:
    return hasattr(sys, "ps1") or hasattr(sys.modules["builtins"], "get_ipython")


@contextmanager
def _told(say: Callable[[str], object]) -> Iterator[None]:
    """Say what the user's expression raises."""
    try:
        yield
    except Exception as error:
        say(f"{type(error).__name__}: {error}\n")


def _short(value: Any, limit: int = 200) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}: its repr raises {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _say(text: str) -> None:
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
