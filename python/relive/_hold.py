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
from typing import Any, Self

from relive import _restart, _session
from relive._errors import ReliveError
from relive._failed import Failed, Place
from relive._messages import Messages
from relive._terminal import Terminal

Decision = str | tuple[Any] | None
"""What becomes of a call: None, its exception goes on; "again"; or the value that it returns, in a tuple."""

Told = tuple[str, int, dict[str, Any]]
"""Lines for the user, the exit code of a command, and a JSON document."""

PATIENCE = 2.0
"""After so many seconds whoever asked is told how it stands."""

PROMPT = "held> "

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

relive.hold(False), or %hold off in IPython, switches holding off.
"""

COMMANDS = "retry, restart N, return EXPR, raise, edit, pdb, help"

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


class Asked:
    """A command for a thread that is held."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.said: list[str] = []
        self.is_done = False
        self.refused: ReliveError | None = None


class Held:
    """A thread that is held."""

    def __init__(self, session: "_session.Session", failed: Failed) -> None:
        self.failed = failed
        self.thread = threading.current_thread()
        self.number = 0
        self.listens = False
        self.session = session
        self._decision: tuple[Decision] | None = None
        self._asked: list[Asked] = []

    @property
    def title(self) -> str:
        """What is held, in a few words."""
        return f"{self.failed.name}: {self.failed.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        frames = [place.to_dict() for place in self.failed.places]
        return {"thread": self.number, "name": self.thread.name, "exception": self.failed.message, "frames": frames}

    def decide(self, decision: Decision) -> None:
        """Have the thread go on, soon."""
        self._decision = (decision,)

    def ask(self, line: str) -> "Asked":
        """Have the thread carry out a command, as at its prompt, soon."""
        asked = Asked(line)
        self._asked.append(asked)
        return asked

    def told(self) -> str:
        """Return what is held, and where, in lines."""
        lines = [f"thread {self.number} ({self.thread.name}) is held in {self.title}"]
        for place in reversed(self.failed.places):
            number = "" if place.number is None else f"restart {place.number}"
            lines.append(f"  {number:<12}{place.qualname} ({place.code.co_filename}:{place.line})")
        return "\n".join(lines)

    def wait(self) -> Decision:
        """Wait, on the thread itself, until somebody has decided."""
        with _Desk() as desk:
            while self._decision is None:
                if desk.is_new:
                    desk.tell(self.failed.text() + self._notice(desk.terminal))
                self._look(desk.tell)
                self._answer()
                if self._decision is None:
                    self._read(desk.terminal)
            return self._decision[0]

    def _notice(self, terminal: Terminal | None) -> str:
        if terminal is None:
            return f"relive: thread {self.thread.name} is held in {self.title}; save a fix, or see `relive held`\n"
        return f"relive: held in {self.failed.name}. Save a fix and it goes on, or: {COMMANDS}\n{PROMPT}"

    def _look(self, tell: Callable[[str], object]) -> None:
        """Make the outermost call again whose function was edited."""
        if report := self.session._look():
            _tell_report(report)
        if self.failed.edited() is None:
            return
        # An update is whole when it is over.
        self.session._engine.rest()
        if (edited := self.failed.edited()) is not None:
            tell(f"\nrelive: {edited.qualname} was edited: its call is made again\n")
            self._restart(edited)

    def _answer(self) -> None:
        while self._asked and self._decision is None:
            asked = self._asked.pop(0)
            try:
                self.command(asked.line, asked.said.append)
            except Exception as refused:
                asked.refused = _in_words(refused)
            finally:
                asked.is_done = True

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
            try:
                self.command(line, terminal.write, terminal)
            except Exception as refused:
                terminal.write(f"relive: {_in_words(refused)}\n")
            if self._decision is None:
                terminal.write(PROMPT)

    def command(self, line: str, say: Callable[[str], object], terminal: Terminal | None = None) -> None:
        """Carry out one command, and say what there is to say; raises `ReliveError` if that cannot be done."""
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        match word:
            case "":
                pass
            case "retry" | "r":
                self._decision = ("again",)
            case "restart":
                self._restart(self._numbered(rest))
            case "return":
                self._decision = ((self._evaluated(rest or "None"),),)
            case "raise" | "q" | "quit" | "exit":
                self._decision = (None,)
            case "locals" | "l":
                for name, value in self.failed.variables().items():
                    say(f"{name} = {_short(value)}\n")
            case "p":
                say(f"{_short(self._evaluated(rest))}\n")
            case "where" | "w":
                say(self.failed.text())
            case "edit" | "e" if terminal:
                terminal.edit(self.failed.source, self.failed.line)
                _tell_report(self.session._engine.update())
            case "pdb" if terminal:
                terminal.debug(self.failed.caller, self.failed.error)
            case "help" | "h" | "?":
                say(HELP)
            case _:
                raise ReliveError(f"no such command: {word}; {COMMANDS}")

    def _numbered(self, number: str) -> Place:
        for place in self.failed.places:
            if place.number is not None and number in (str(place.number), place.qualname, place.code.co_qualname):
                return place
        raise ReliveError(f"no call that can be made again is called {number!r}: see the numbers in the traceback")

    def _evaluated(self, expression: str) -> Any:
        """Return the value of the user's expression, where the call failed."""
        try:
            return self.failed.evaluate(expression)
        except Exception as error:
            raise ReliveError(f"{type(error).__name__}: {error}") from None

    def _restart(self, place: Place) -> None:
        if place.number == 1:
            self._decision = ("again",)
        else:
            raise _restart.unwinding(place.frame)


def act(words: list[str], number: int | None) -> Iterator[float | Told]:
    """Tell which threads are held, or have one of them carry out a command: ``relive held``."""
    waiting = held()
    document = {"held": [one.to_dict() for one in waiting]}
    if not words:
        yield "\n".join(one.told() for one in waiting) or "no thread is held", 0, document
        return
    found = [one for one in waiting if number in (None, one.number)]
    if not found:
        raise ReliveError("no thread is held" if number is None else f"no thread {number} is held; see `relive held`")
    if len(found) > 1:
        several = ", ".join(str(one.number) for one in found)
        raise ReliveError(f"threads {several} are held; name one with --thread N, as `relive held` lists them")
    (one,) = found
    asked = one.ask(" ".join(words))
    end = time.monotonic() + PATIENCE
    while not asked.is_done and time.monotonic() < end:
        yield LOOK_EVERY
    if not asked.is_done and one in held():
        raise ReliveError(f"thread {one.number} is busy at its own prompt; it comes to it later")
    if asked.refused is not None:
        raise asked.refused
    yield "".join(asked.said).rstrip() or f"{one.failed.name}: {asked.line}", 0, document


@contextmanager
def _known(held: Held) -> Iterator[None]:
    """Have others know of a thread that is held, and the user told what becomes of what he saves meanwhile."""
    engine = held.session._engine
    with _lock:
        held.number = max((other.number for other in _held), default=0) + 1
        _held.append(held)
        if not engine.is_heard():
            engine.hear(_tell_report)
            held.listens = True
    try:
        yield
    finally:
        with _lock:
            _held.remove(held)
            if held.listens and _held:
                _held[0].listens = True
            elif held.listens:
                engine.hear(None)


class _Desk:
    """Where a held thread talks to the user: on the terminal, when no other thread does; without one, on stderr."""

    def __init__(self) -> None:
        self.terminal: Terminal | None = None
        is_main = threading.current_thread() is threading.main_thread()
        # At a prompt the terminal is the prompt's.
        self._may_be_had = is_main or not _has_prompt()
        self._is_told = False

    @property
    def is_new(self) -> bool:
        """Whether the user is to be told now what is held."""
        if self._is_told or (self._may_be_had and not _terminal_is_taken.acquire(blocking=False)):
            return False
        self._is_told = True
        if self._may_be_had:
            try:
                self.terminal = Terminal.open()
            finally:
                if self.terminal is None:
                    _terminal_is_taken.release()
        return True

    def tell(self, text: str) -> None:
        """Write a text."""
        if self.terminal is None:
            _say(text)
        else:
            self.terminal.write(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.terminal is not None:
            self.terminal.close()
            _terminal_is_taken.release()


def _tell_report(report: Mapping[str, Any]) -> None:
    if lines := list(Messages(os.getcwd()).lines(report)):
        _say("\n".join(["", *lines, ""]))


def _has_prompt() -> bool:
    return hasattr(sys, "ps1") or hasattr(sys.modules["builtins"], "get_ipython")


def release() -> None:
    """Have all threads go on raising that are held: nobody can decide any more."""
    for one in held():
        one.decide(None)
    end = time.monotonic() + 1
    while held() and time.monotonic() < end:
        time.sleep(0.005)


def _in_words(error: Exception) -> ReliveError:
    return error if isinstance(error, ReliveError) else ReliveError(f"{type(error).__name__}: {error}")


def _short(value: Any, limit: int = 2000) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}: its repr raises {type(error).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _say(text: str) -> None:
    with suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
