"""A statement or cell typed at a prompt, in the session's log: written before it is executed, confirmed after."""

import sys
import time
from itertools import islice
from typing import Any, Protocol

from relive import _interrupts
from relive._report import Report


class CellEngine(Protocol):
    """What of the engine writes cells down."""

    def log_cell(self, source: str, namespace: dict[str, Any]) -> int | None:
        """Return the number of the cell's transaction when it is durable; None if there is nothing to log."""

    def cell_done(self, number: int, milliseconds: float) -> dict[str, Any]:
        """Note that the cell has been executed; return the report of what became live with it."""

    def cell_failed(self, number: int, why: str, at: tuple[int, int] | None) -> None:
        """Note that the cell raised, where `raised_at` says."""


class Logged:
    """What is known of one cell in the log, if there is anything in it to log."""

    _told = ""

    def __init__(self, engine: CellEngine) -> None:
        self._engine = engine
        self._number: int | None = None
        self._names: dict[str, Any] = {}
        self._began = 0.0

    def begin(self, source: str, namespace: dict[str, Any]) -> None:
        """Log the cell, whose names are those of ``namespace``; raise what `CellEngine.log_cell` raises.

        An interrupt comes out when it is logged, so that `end` must be called then, too.
        """
        with _interrupts.deferred():
            self._names = namespace
            self._number = self._engine.log_cell(source, namespace)
            self._began = time.perf_counter()

    def end(self, error: BaseException | str | None) -> Report | None:
        """Note that it has been executed, or why it failed; what cannot be noted is told, once.

        Returns what became live with it: definitions that it assigned into modules.
        """
        milliseconds = (time.perf_counter() - self._began) * 1000
        number, self._number = self._number, None
        if number is None:
            return None
        try:
            with _interrupts.deferred():
                if error is None:
                    return Report.from_dict(self._engine.cell_done(number, milliseconds))
                if isinstance(error, str):
                    self._engine.cell_failed(number, error, None)
                else:
                    self._engine.cell_failed(number, why_failed(error), raised_at(error, self._names))
        except OSError as problem:
            if str(problem) != Logged._told:
                Logged._told = str(problem)
                print(f"relive: what became of the cell is not logged: {problem}", file=sys.stderr)
        return None


def raised_at(error: BaseException, namespace: dict[str, Any]) -> tuple[int, int]:
    """Return the line and column of a cell where an exception came out of it; (0, 0): it was not executed at all."""
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals is namespace and frame.f_code.co_name.startswith(("<module>", "<cell ")):
            places = islice(frame.f_code.co_positions(), traceback.tb_lasti // 2, None)
            line, _, column, _ = next(places, (None, None, None, None))
            return (line or traceback.tb_lineno, column or 0)
        traceback = traceback.tb_next
    return (0, 0)


def why_failed(error: BaseException) -> str:
    """Return an exception in one line, as the log keeps it."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
