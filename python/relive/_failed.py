"""The stack of a call that failed: where it failed, who has called it, and which of these calls can be made again."""

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

from relive import _restart
from relive._native import Engine

OWN = os.path.dirname(__file__) + os.sep


@dataclass(frozen=True)
class Place:
    """A call on the stack, and where it is."""

    frame: FrameType
    line: int
    is_live: bool
    number: int | None
    """By which it is known if it can be made again, counted from the one that failed outwards; None if it cannot."""
    functions: tuple[FunctionType, ...]
    """The functions that had its code when it failed."""
    summary: traceback.FrameSummary

    @property
    def code(self) -> CodeType:
        """What it runs."""
        return self.frame.f_code

    @property
    def qualname(self) -> str:
        """Its function, as reports have it."""
        return f"{self.frame.f_globals.get('__name__')}:{self.code.co_qualname}"

    @property
    def is_edited(self) -> bool:
        """Its function has other code now."""
        return any(function.__code__ is not self.code for function in self.functions)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        file = self.code.co_filename
        return {
            "qualname": self.qualname,
            "file": file,
            "line": self.line,
            "live": self.is_live,
            "number": self.number,
        }


class Failed:
    """A call that came back with an exception to ``caller``."""

    def __init__(self, engine: Engine, error: BaseException, caller: FrameType | None) -> None:
        self.error = error
        self.caller = caller
        entries = traceback.walk_tb(error.__traceback__)
        told = traceback.TracebackException.from_exception(error, limit=None).stack
        inner = [(*entry, summary) for entry, summary in zip(entries, told, strict=False) if not _is_own(entry[0])]
        raised = [(frame, line) for frame, line, _ in inner]
        callers = [(frame, frame.f_lineno) for frame in _callers(caller) if not _is_own(frame)]
        frames = [*reversed(callers), *raised]
        live = [engine.has_code(frame.f_code) for frame, _ in frames]
        # What is above has called the program.
        first = live.index(True) if True in live else 0
        frames, live = frames[first:], live[first:]
        outer = len(frames) - len(raised)
        functions = engine.functions_of([frame.f_code for frame, _ in frames])
        summaries = [
            *traceback.StackSummary.extract(iter(frames[:outer])),
            *(summary for _, _, summary in inner),
        ]
        numbers = self._numbers(engine, frames, live, outer)
        self.places = [
            Place(frame, line, is_live, number, tuple(of), summary)
            for (frame, line), is_live, number, of, summary in zip(
                frames, live, numbers, functions, summaries, strict=True
            )
        ]
        self._own = self.places[outer] if raised else None

    @staticmethod
    def _numbers(engine: Engine, frames: list[tuple[FrameType, int]], live: list[bool], outer: int) -> list[int | None]:
        """Number the calls that can be made again, from the one that failed outwards."""
        numbers: list[int | None] = [None] * len(frames)
        count = 0
        for index in range(min(outer, len(frames) - 1), -1, -1):
            if index == outer or (live[index] and _restart.why_not(engine, frames[index][0]) is None):
                count += 1
                numbers[index] = count
        return numbers

    @property
    def name(self) -> str:
        """The function whose call failed."""
        return self._own.qualname if self._own else "a call"

    @property
    def message(self) -> str:
        """What was raised, in one line."""
        lines = traceback.format_exception_only(self.error)
        # Notes come after it, and the place of a syntax error before it.
        return next(line for line in lines if not line.startswith(" ")).splitlines()[0]

    @property
    def source(self) -> str:
        """The file to edit."""
        return self._failing().code.co_filename

    @property
    def line(self) -> int:
        """The line to edit."""
        return self._failing().line

    def _failing(self) -> Place:
        """Return the innermost live place."""
        return next(place for place in reversed(self.places) if place.is_live)

    def text(self) -> str:
        """Return the traceback, with the numbers of the calls that can be made again."""
        told = traceback.TracebackException.from_exception(self.error)
        stack = told.stack
        before = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
        link = "was the direct cause of" if told.__cause__ else "led to"
        lines = [*before.format(), f"\nThe above exception {link} the following:\n\n"] if before else []
        lines.append("Traceback (most recent call last):\n")
        for place in self.places:
            text = stack.format_frame_summary(place.summary)
            number = "" if place.number is None else str(place.number)
            lines.append(f"{number:<2}{text[2:]}" if text.startswith("  ") else text)
        return "".join([*lines, *told.format_exception_only()])

    def edited(self) -> Place | None:
        """Return the outermost call that can be made again whose function, or what it called in vain, was edited."""
        edited = [index for index, place in enumerate(self.places) if place.is_edited]
        if not edited:
            return None
        able = [place for place in self.places[: edited[0] + 1] if place.number is not None]
        return able[-1] if able else next(place for place in self.places if place.number is not None)

    def variables(self) -> dict[str, Any]:
        """Return the variables of the function whose call failed."""
        return dict(self._own.frame.f_locals) if self._own else {}

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression where the call failed."""
        names = self._own.frame.f_globals if self._own else {}
        return eval(expression, names, self.variables())


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(OWN)


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
