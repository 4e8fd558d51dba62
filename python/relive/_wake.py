"""The signal by which the main thread is woken where it waits in C: a call there is begun anew at once.

Python calls its handlers of signals where C was waiting, and nothing else. So one is set when a session begins, for a
signal that programs have no use for. The kernel knows of it only while somebody is being woken: all else that
this signal does, which is nothing, stays so.
"""

import _signal  # type: ignore[import-not-found]
import sys
from _thread import get_ident, interrupt_main
from collections.abc import Callable
from types import FrameType

from relive._native import Engine

SIGNAL: int = _signal.SIGURG

due: list[Callable[[FrameType], None]] = []
"""What the main thread does when it is woken, given its innermost frame."""

_main: int | None = None


def listen() -> None:
    """Have the main thread be one that can be woken, if this is it, unless the program uses the signal."""
    global _main
    if _signal.getsignal(SIGNAL) is not _signal.SIG_DFL or not Engine.interrupts(SIGNAL, True):
        return
    try:
        _signal.signal(SIGNAL, _woken)
        _main = get_ident()
    except ValueError:  # another thread
        pass
    Engine.interrupts(SIGNAL, False)


def leave() -> None:
    """Have the signal be as it was."""
    if can_wake():
        try:
            _signal.signal(SIGNAL, _signal.SIG_DFL)
        except ValueError:  # another thread: what stays does nothing
            Engine.interrupts(SIGNAL, False)


def can_wake() -> bool:
    """Tell whether the main thread can be woken: the program has taken the signal for nothing else."""
    return _signal.getsignal(SIGNAL) is _woken


def main_thread() -> int | None:
    """Return the main thread's identifier, if it is known."""
    threading = sys.modules.get("threading")
    return threading.main_thread().ident if _main is None and threading is not None else _main


def knock() -> None:
    """Have the main thread do what is due when it executes bytecode."""
    interrupt_main(SIGNAL)  # type: ignore[arg-type]


def wake() -> None:
    """Have the main thread come back from a call of the system that it waits in, as well."""
    if can_wake() and Engine.interrupts(SIGNAL, True):
        _signal.pthread_kill(_main, SIGNAL)


def rest() -> None:
    """Have the kernel forget the signal again."""
    if can_wake():
        Engine.interrupts(SIGNAL, False)


def _woken(number: int, frame: FrameType | None) -> None:
    if frame is not None:
        for act in tuple(due):
            act(frame)
