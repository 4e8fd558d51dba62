"""What it costs to find out, where an exception comes out of a live function, who will catch it.

Run by ``tools/bench hold``: the same calls with holding on and off, which take turns. What is printed is what each
frame costs more that the exception passes, in microseconds.
"""

import contextlib
import os
import statistics
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

DEPTH = 100
TIMES = 50
ROUNDS = 21

PROGRAM = """
import contextlib


class Known(Exception):
    pass


def raised_again(depth):
    if depth == 0:
        raise Known
    try:
        raised_again(depth - 1)
    except Known as error:
        last = error
        raise


def passed(depth):
    if depth == 0:
        raise KeyError("passed")
    try:
        passed(depth - 1)
    except (ValueError, OSError):
        return None
    finally:
        depth = 0


def suppressed_elsewhere(depth):
    if depth == 0:
        raise Known
    with contextlib.suppress(ValueError):
        suppressed_elsewhere(depth - 1)


def caught(depth):
    if depth:
        try:
            caught(depth - 1)
        except Known:
            pass
    raise Known
"""

CASES = {
    "caught and raised again by each": "raised_again",
    "each has clauses for others, and a finally": "passed",
    "each is within a suppress of others": "suppressed_elsewhere",
    "caught by each, which raises a new one": "caught",
}


def main() -> int:
    """Print a line for each case."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ["RELIVE_HOME"] = directory
        Path(directory, "program.py").write_text(textwrap.dedent(PROGRAM))
        sys.path.insert(0, directory)
        import relive

        session = relive.start(directory, auto=False, hold=False)
        # Calls are kept in both: what is measured is the decision.
        session._engine.keep_calls(True)
        import program

        for told, name in CASES.items():
            run = repeated(getattr(program, name))
            costs = []
            for _ in range(ROUNDS):
                seconds = {}
                for filter in ("off", "uncaught"):
                    session._engine.hold(filter, unheld)
                    session._engine.keep_calls(True)
                    seconds[filter] = run()
                costs.append((seconds["uncaught"] - seconds["off"]) / TIMES / DEPTH * 1e6)
            low, middle, high = min(costs), statistics.median(costs), max(costs)
            print(f"{told:<45} {middle:6.2f} µs a frame ({low:.2f} to {high:.2f})")
        session.stop()
    return 0


def unheld(error: BaseException, caller: object) -> None:
    """Fail: all of them are caught."""
    raise AssertionError("held")


def repeated(function: Callable[[int], object]) -> Callable[[], float]:
    """Return what runs a function so many times, and says how many seconds that took."""

    def run() -> float:
        begin = time.perf_counter()
        for _ in range(TIMES):
            with contextlib.suppress(Exception):
                function(DEPTH)
        return time.perf_counter() - begin

    return run


if __name__ == "__main__":
    sys.exit(main())
