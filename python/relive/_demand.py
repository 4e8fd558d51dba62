"""``relive restart``: a call begins anew because another program asks for it, in whichever thread it runs.

The exception that unwinds to the call has to be raised by its own thread, at a place where Python looks for signals, so
that ``with`` and ``finally`` do what they are there for; and only if the call runs still by then.

- The main thread is told by a signal (`relive._wake`), which also ends what it waits for in C.
- Another one, and the main thread where the program uses that signal, notices by events of its own code
  (`sys.monitoring`) when it executes bytecode again.
- On CPython 3.11, which has no such events, the exception is one of `PyThreadState_SetAsyncExc`. That cannot be taken
  back, so the thread must be where it looks for one at once.
"""

import os
import sys
from _thread import RLock, get_ident
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dis import get_instructions, opmap, opname
from time import monotonic
from types import CodeType, FrameType
from typing import Any, NamedTuple, Protocol

from relive import _restart, _wake
from relive._errors import ReliveError
from relive._native import Engine, Restart

PATIENCE = 1.0
"""After so many seconds whoever asked is told how it stands."""

OFTEN = 0.01
SELDOM = 0.5
"""How many seconds to wait before looking again: at first, and later."""

Told = tuple[str, int, dict[str, Any]]

_open: list["Demand"] = []
"""What has not come to its end."""


def restart(words: list[str], number: int | None) -> Iterator[float | Told]:
    """Begin a call anew: that of the function named, else that of the innermost live function."""
    demand = _found(words[0] if words else None, number)
    for other in _open:
        other.give_way_to(demand)
    _open.append(demand)
    try:
        yield from _followed(demand)
    finally:
        _open.remove(demand)


def _followed(demand: "Demand") -> Iterator[float | Told]:
    end = monotonic() + PATIENCE
    is_told = False
    with _road(demand) as road:
        while demand.is_running():
            if not is_told and monotonic() > end:
                is_told = True
                road.rest()
                yield demand.waits()
            road.knock()
            yield SELDOM if is_told else OFTEN
    while demand.is_raised and not demand.has_begun and not is_told and monotonic() < end:
        yield OFTEN
    if not is_told:
        yield demand.outcome()


class Thread(NamedTuple):
    """A thread of the program."""

    ident: int
    number: int
    """By which the user knows it: the system's."""
    name: str
    is_main: bool

    def told(self) -> str:
        """Return what it is called in a sentence."""
        return "the main thread" if self.is_main else f"thread {self.number} ({self.name})"


class Demand:
    """A call that is to begin anew."""

    def __init__(self, thread: Thread, stack: list[FrameType], call: FrameType) -> None:
        self.thread = thread
        self.name = f"{call.f_globals.get('__name__')}:{call.f_code.co_qualname}"
        self.is_raised = False
        self._is_sent = False
        """It is raised as soon as the thread executes bytecode."""
        self.has_begun = False
        """Set by what makes the call again."""
        self._engine = _restart.keeper()
        self._call: FrameType | None = call
        self._look(stack)

    def arrives(self, innermost: FrameType, jump: tuple[int, int] | None = None) -> None:
        """Raise what has the call begin anew, if it runs still and all that it would interrupt is the user's code.

        To be called on its thread. ``jump`` is from where to where the frame is about to go.
        """
        if not self.can_unwind(innermost):
            return
        to = _landing(innermost, jump)
        if sys.version_info >= (3, 12) and to is not None:
            EVENTS.land(self, innermost, to)
            return
        self.lands(innermost)

    def lands(self, innermost: FrameType) -> None:
        """Raise it, where that is known to be possible."""
        self._look(_restart.callers(innermost))
        raise self.unwinding()

    def can_unwind(self, innermost: FrameType) -> bool:
        """Tell whether the call runs below this frame, and all that would be interrupted is the user's code."""
        if (
            self.is_raised
            or self._is_sent
            or self._engine.is_in_use()
            or innermost.f_code.co_filename.startswith("<frozen importlib")
        ):
            return False
        for frame in _restart.callers(innermost):
            if frame is self._call:
                return True
            if frame.f_code.co_filename.startswith(_OWN):
                return False
        return False

    def unwinding(self, kind: type[Restart] = Restart) -> Restart:
        """Return the exception."""
        assert self._call is not None
        self.is_raised = True
        restart = _restart.unwinding(self._call, self, kind)
        # From here on the frames are the thread's own, which is to be the one that destroys them.
        self._call = None
        return restart

    def raise_in(self, innermost: FrameType, at: int, kind: type[Restart]) -> None:
        """Have its thread raise the exception, if its innermost frame is still at this instruction."""
        self._is_sent = self._engine.raise_in(self.thread.ident, innermost, at, kind)

    def give_way_to(self, other: "Demand") -> None:
        """Come to nothing, if another demand is of the same call."""
        if self._call is other._call and not self._is_sent:
            self._call = None

    def is_running(self) -> bool:
        """Tell whether the call is one that runs still, and nothing was raised in it."""
        if self.is_raised or not (stack := self.stack()):
            return False
        self._look(stack)
        return True

    def stack(self) -> list[FrameType]:
        """Return the frames of the thread down to that of the call; none if it does not run any more."""
        stack = self._engine.stacks().get(self.thread.ident, [])
        return stack[: stack.index(self._call) + 1] if self._call in stack else []

    def waits(self) -> Told:
        """Return what to tell of one that cannot begin anew yet."""
        there = "could not be woken" if self.thread.is_main else "is"
        text = f"{self.name} begins anew when {self.thread.told()} comes back to it; it {there} at {self.place}"
        return self.told(0, "waits", text)

    def outcome(self) -> Told:
        """Return what to tell of one that does not wait."""
        if self.has_begun:
            text = f"{self.name} has begun anew in {self.thread.told()}; it was at {self.place}"
            return self.told(0, "restarted", text)
        if self.is_raised or self._is_sent:
            why = "a finally clause still runs, or an except clause has caught what was to reach it"
            return self.told(
                1, "interrupted", f"{self.name} was interrupted at {self.place} and has not begun anew: {why}"
            )
        return self.told(1, "returned", f"{self.name} returned before it could begin anew; nothing was done")

    def told(self, code: int, state: str, text: str) -> Told:
        """Return what to tell."""
        thread = {"thread": self.thread.number, "name": self.thread.name}
        return text, code, {"restart": {"qualname": self.name, "state": state, **thread, "frames": self._documents}}

    def _look(self, stack: Iterable[FrameType]) -> None:
        """Remember where the thread is, for the user."""
        frames = []
        for frame in stack:
            if not frame.f_code.co_filename.startswith(_OWN):
                frames.append(frame)
            if frame is self._call:
                break
        self._documents = [self._document(frame) for frame in frames]
        live = next((frame for frame in frames if self._engine.has_code(frame.f_code)), frames[0])
        self.place = _place(live)
        if live is not frames[0]:
            self.place += f", in {frames[0].f_code.co_qualname} ({_place(frames[0])})"

    def _document(self, frame: FrameType) -> dict[str, Any]:
        name = f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"
        is_live = self._engine.has_code(frame.f_code)
        return {"qualname": name, "file": frame.f_code.co_filename, "line": frame.f_lineno, "live": is_live}


_OWN = os.path.dirname(__file__) + os.sep


def _found(target: str | None, number: int | None) -> Demand:
    """Return the one call that is meant; raise `ReliveError` if there is none, or if several threads make one."""
    threads = [each for each in _stacks() if number in (None, each[0].number)]
    if not threads and number is not None:
        raise ReliveError(f"there is no thread {number}; nothing was done")
    found = [(*each, calls) for each in threads if (calls := _restart.calls(each[1], target))]
    if not found:
        where = "now" if number is None else f"in {threads[0][0].told()}"
        raise ReliveError(f"no call of {_restart.told(target)} is running {where}; nothing was done")
    if len(found) > 1:
        found.sort(key=lambda each: (not each[0].is_main, each[0].number))
        several = ", ".join(f"{each[0].number} ({each[0].name})" for each in found)
        raise ReliveError(f"threads {several} run {_restart.told(target)}; name one with --thread N")
    ((thread, stack, calls),) = found
    return Demand(thread, stack, _restart.able(calls))


def _stacks() -> Iterator[tuple[Thread, list[FrameType]]]:
    """Yield each thread but this one, with its frames, the innermost first."""
    # Not imported here: until 3.12 whatever thread imports it is taken for the main one.
    threading = sys.modules.get("threading")
    known = {thread.ident: thread for thread in threading.enumerate()} if threading is not None else {}
    main = _wake.main_thread()
    for ident, stack in Engine.stacks().items():
        thread = known.get(ident)
        if ident == get_ident():
            continue
        if ident == main:
            yield Thread(ident, os.getpid(), "MainThread", True), stack
        elif thread is not None:
            yield Thread(ident, thread.native_id or ident, thread.name, False), stack
        else:
            yield Thread(ident, ident, "not made by threading", False), stack


def _place(frame: FrameType) -> str:
    """Return where a frame is, as one types it in the current directory."""
    file = frame.f_code.co_filename
    with suppress(OSError):
        file = file.removeprefix(os.path.join(os.getcwd(), ""))
    return f"{file}:{frame.f_lineno}"


class Road(Protocol):
    """How a thread is reached."""

    def knock(self) -> None:
        """Have it raise what is due, soon."""

    def rest(self) -> None:
        """Do no more than what costs nothing."""


@contextmanager
def _road(demand: Demand) -> Iterator[Road]:
    if demand.thread.is_main and _wake.can_wake():
        woken = _Woken(demand)
        _wake.due.append(woken.arrives)
        try:
            yield woken
        finally:
            woken.rest()
            _wake.due.remove(woken.arrives)
            if sys.version_info >= (3, 12):
                EVENTS.remove(demand)
    elif sys.version_info >= (3, 12):
        EVENTS.add(demand)
        try:
            yield EVENTS
        finally:
            EVENTS.remove(demand)
    else:
        yield _Raised(demand)


class _Woken:
    """The main thread, told by a signal."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand
        self._is_pending = False
        self._knocks = 0
        self._is_resting = False

    def arrives(self, innermost: FrameType) -> None:
        self._is_pending = False
        self._demand.arrives(innermost)
        if sys.version_info >= (3, 12):
            # It was not in the user's code. Events tell when it is, which may be for a moment only.
            EVENTS.add(self._demand)
            EVENTS.knock()

    def knock(self) -> None:
        self._knocks += 1
        if not self._is_pending:
            self._is_pending = True
            _wake.knock()
        # Where it executes bytecode, the kernel need not hear of it.
        if self._knocks > 1 and not self._is_resting:
            _wake.wake()

    def rest(self) -> None:
        self._is_resting = True
        _wake.rest()


if sys.version_info >= (3, 12):
    _EVENT = sys.monitoring.events

    class _Events:
        """All threads that are to notice by events of their code.

        Those that come where the interpreter itself looks for signals: after a jump back, at the beginning of a call
        and after a call of C. ``with`` would not be left in an orderly way elsewhere.
        """

        LOOKS = _EVENT.JUMP | _EVENT.PY_START | _EVENT.PY_RESUME | _EVENT.CALL

        def __init__(self) -> None:
            self._demands: list[Demand] = []
            self._landings: list[tuple[Demand, FrameType, int]] = []
            """Where a thread is about to go."""
            self._watched: dict[CodeType, int] = {}
            self._tool: int | None = None
            # Reentrant: whoever holds it may be interrupted by a signal.
            self._lock = RLock()

        def add(self, demand: Demand) -> None:
            """Have the demand arrive when its thread executes bytecode, after a `knock`."""
            if demand not in self._demands:
                self._demands.append(demand)

        def remove(self, demand: Demand) -> None:
            """Forget the demand."""
            with self._lock:
                self._demands = [each for each in self._demands if each is not demand]
                self._landings = [each for each in self._landings if each[0] is not demand]
            self.knock()

        def land(self, demand: Demand, frame: FrameType, to: int) -> None:
            """Have the demand arrive when the frame has jumped to this instruction, which it does next."""
            with self._lock:
                self._landings.append((demand, frame, to))
            self.knock()

        def knock(self) -> None:
            with self._lock:
                wanted = {frame.f_code: self.LOOKS for demand in self._demands for frame in demand.stack()}
                for _, frame, _ in self._landings:
                    wanted[frame.f_code] = wanted.get(frame.f_code, 0) | _EVENT.INSTRUCTION
                if wanted and self._tool is None:
                    self._begin()
                if self._tool is not None:
                    for code in self._watched.keys() | wanted.keys():
                        if self._watched.get(code) != wanted.get(code):
                            sys.monitoring.set_local_events(self._tool, code, wanted.get(code, 0))
                self._watched = wanted
                if not wanted and self._tool is not None:
                    for event in self._calls:
                        sys.monitoring.register_callback(self._tool, event, None)
                    sys.monitoring.free_tool_id(self._tool)
                    self._tool = None

        def rest(self) -> None:
            pass

        def _begin(self) -> None:
            tool = next((tool for tool in (4, 3) if sys.monitoring.get_tool(tool) is None), None)
            if tool is None:
                raise ReliveError("both free tools of sys.monitoring are in use, so the thread cannot be reached")
            sys.monitoring.use_tool_id(tool, "relive")
            self._tool = tool
            for event, call in self._calls.items():
                sys.monitoring.register_callback(tool, event, call)

        @property
        def _calls(self) -> dict[int, Callable[..., None]]:
            looks = (_EVENT.PY_START, _EVENT.PY_RESUME, _EVENT.C_RETURN)
            return {_EVENT.JUMP: self._jumps, _EVENT.INSTRUCTION: self._executes} | dict.fromkeys(looks, self._looks)

        def _looks(self, *_: Any) -> None:
            for demand in self._here():
                demand.arrives(sys._getframe(1))

        def _jumps(self, code: CodeType, at: int, to: int) -> None:
            for demand in self._here() if to < at else ():
                demand.arrives(sys._getframe(1), (at, to))

        def _executes(self, code: CodeType, at: int) -> None:
            frame = sys._getframe(1)
            if landed := [each for each in self._landings if each[1] is frame]:
                with self._lock:
                    self._landings = [each for each in self._landings if each[1] is not frame]
                self.knock()
                for demand, _, to in landed:
                    if to == at and demand.can_unwind(frame):
                        demand.lands(frame)

        def _here(self) -> list[Demand]:
            """Return the demands of this thread."""
            return [demand for demand in self._demands if demand.thread.ident == get_ident()]

    EVENTS = _Events()


def _landing(frame: FrameType, jump: tuple[int, int] | None = None) -> int | None:
    """Return the instruction that a frame executes next, if what is raised here would not reach the handler around it.

    On CPython 3.12 and 3.13 the jump back of a ``while`` loop has none: the ``finally`` around it would not run. On
    3.14 the call that enters a ``with`` block comes before its handler: a lock would stay locked.
    """
    code, at = frame.f_code, frame.f_lasti
    if jump is not None:
        at, to = jump
    else:
        name = opname[code.co_code[at]] if at >= 0 else ""
        if "JUMP_BACKWARD" in name:
            to = next(each.argval for each in get_instructions(code) if each.offset == at)
        elif name.startswith("CALL"):
            to = next(each.offset for each in get_instructions(code) if each.offset > at)
        else:
            return None
    return to if _depth(code, to) > _depth(code, at) else None


def _depth(code: CodeType, at: int) -> int:
    """Return how much is on the stack where what is raised at an instruction is handled; -1 where it is not.

    That is what the table of exceptions says, numbers of 6 bits a byte: ``Objects/exception_handling_notes.txt`` of
    CPython.
    """
    numbers: list[int] = []
    is_continued = False
    for byte in code.co_exceptiontable:
        numbers[len(numbers) - is_continued :] = [(numbers[-1] << 6 if is_continued else 0) | byte & 63]
        is_continued = bool(byte & 64)
    entries = zip(numbers[0::4], numbers[1::4], numbers[3::4], strict=True)
    return next((depth >> 1 for start, length, depth in entries if 2 * start <= at < 2 * (start + length)), -1)


class _Raised:
    """A thread of CPython 3.11 in which an exception is raised."""

    LOOKS = frozenset(
        opmap.get(name, -1)
        for name in (
            "RESUME",
            "PRECALL",
            "CALL",
            "CALL_FUNCTION_EX",
            "JUMP_BACKWARD",
            "POP_JUMP_BACKWARD_IF_TRUE",
            "POP_JUMP_BACKWARD_IF_FALSE",
            "POP_JUMP_BACKWARD_IF_NONE",
            "POP_JUMP_BACKWARD_IF_NOT_NONE",
        )
    )
    """The instructions after which it is looked for."""

    def __init__(self, demand: Demand) -> None:
        self._demand = demand

    def knock(self) -> None:
        demand = self._demand
        innermost = next(iter(demand.stack()), None)
        if innermost is None:
            return
        at = innermost.f_lasti
        looks = at >= 0 and innermost.f_code.co_code[at] in self.LOOKS
        if not looks or not demand.can_unwind(innermost) or _landing(innermost) is not None:
            return
        # It is the class that is handed over: that makes the exception when it is looked at.
        made = {"__new__": staticmethod(demand.unwinding), "__init__": lambda restart: None}
        kind = type("Restart", (Restart,), made)
        demand.raise_in(innermost, at, kind)

    def rest(self) -> None:
        pass
