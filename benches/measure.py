"""One measurement in a process of its own: ``python benches/measure.py CASE ENGINE SIZE DIRECTORY SECONDS``.

Prints one JSON object: seconds by name of what was measured, and whether the program was right after the last edit.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import programs
from engines import ENGINES, Engine

EDITS = 7
CELLS = 100
HEAP = 1_000_000


class Bench:
    """A directory of modules, an engine over it, and a budget of time."""

    def __init__(self, engine: str, size: int, directory: Path, budget: float) -> None:
        self.size = size
        self.directory = directory
        self._ends = time.monotonic() + budget
        self._clock = time.time()
        sys.path.insert(0, str(directory))
        # Every engine works in the same heap, with IPython in it as in a real session.
        import IPython.extensions.autoreload  # noqa: F401

        self.engine: Engine = ENGINES[engine](directory)

    def save(self, name: str, text: str) -> Path:
        """Write a module as an editor does, two seconds after the save before: the peers compare times of files."""
        path = self.directory / f"{name}.py"
        path.write_text(text)
        self._clock += 2
        os.utime(path, (self._clock, self._clock))
        return path

    def edits(self, count: int, save: Callable[[int], list[Path]]) -> list[float]:
        """Make edits 1 to ``count``, as long as there is time, and return what bringing each one in took."""
        seconds = []
        for version in range(1, count + 1):
            saved = save(version)
            seconds.append(_seconds(partial(self.engine.update, saved)))
            if time.monotonic() > self._ends:
                break
        return seconds


def edit(bench: Bench, *, inserted: int = 0) -> dict[str, Any]:
    """The body of the function in the middle of a module; with ``inserted``, as many lines at the top as well."""

    def text(version: int) -> str:
        return programs.module(bench.size, version=version, inserted=version * inserted)

    bench.save("edited", text(0))
    [module] = bench.engine.load(["edited"])
    function = getattr(module, f"compute_{programs.middle_function(bench.size)}")
    bench.engine.settle()
    seconds = bench.edits(EDITS, lambda version: [bench.save("edited", text(version))])
    # The first edit of a session is a case of its own.
    return {"seconds": median(seconds[1:] or seconds), "right": function(()) == len(seconds)}


def insert(bench: Bench) -> dict[str, Any]:
    """The same, and one more line at the top of the module."""
    return edit(bench, inserted=1)


def session(bench: Bench) -> dict[str, Any]:
    """A hundred edits in one session: the first and the hundredth."""
    bench.save("edited", programs.module(bench.size))
    [module] = bench.engine.load(["edited"])
    function = getattr(module, f"compute_{programs.middle_function(bench.size)}")
    bench.engine.settle()
    seconds = bench.edits(100, lambda version: [bench.save("edited", programs.module(bench.size, version=version))])
    # One edit is a noisy sample: the last five stand for the hundredth.
    return {"first": seconds[0], "last": median(seconds[-5:]), "right": function(()) == len(seconds)}


def cell(bench: Bench) -> dict[str, Any]:
    """A cell while nothing was saved and so many modules are loaded."""
    bench.engine.load(programs.write_package_tree(bench.directory, bench.size))
    bench.engine.settle()
    return {"seconds": _seconds(bench.engine.cell, CELLS), "right": True}


def imports(bench: Bench) -> dict[str, Any]:
    """The first import of so many modules whose bytecode is cached; the directory is written by `prepare`."""
    names = json.loads((bench.directory / "names.json").read_text())
    return {"seconds": _seconds(lambda: bench.engine.load(names)), "right": True}


def prepare(bench: Bench) -> dict[str, Any]:
    """Write the modules of `imports` and their bytecode."""
    names = programs.write_package_tree(bench.directory, bench.size, lines=200)
    (bench.directory / "names.json").write_text(json.dumps(names))
    bench.engine.load(names)
    return {"seconds": 0.0, "right": True}


def instances(bench: Bench) -> dict[str, Any]:
    """A method of a class that has so many live instances."""
    bench.save("things", programs.class_module(1))
    [module] = bench.engine.load(["things"])
    things = [module.Thing0() for _ in range(bench.size)]
    bench.engine.settle()
    seconds = bench.edits(EDITS, lambda version: [bench.save("things", programs.class_module(1, version=version))])
    return {"seconds": median(seconds[1:] or seconds), "right": things[0].value() == len(seconds)}


def classes(bench: Bench) -> dict[str, Any]:
    """One method of each of so many classes, in one save, in a large heap."""
    bench.save("things", programs.class_module(bench.size))
    [module] = bench.engine.load(["things"])
    heap = [[number] for number in range(HEAP)]
    things = [getattr(module, f"Thing{number}")() for number in range(bench.size)]
    bench.engine.settle()

    def save(version: int) -> list[Path]:
        return [bench.save("things", programs.class_module(bench.size, version=version))]

    seconds = bench.edits(EDITS, save)
    right = {thing.value() for thing in things} == {len(seconds)} and len(heap) == HEAP
    return {"seconds": median(seconds[1:] or seconds), "right": right}


MEASUREMENTS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    function.__name__: function for function in (edit, insert, session, cell, imports, prepare, instances, classes)
}


def _seconds(action: Callable[[], object], times: int = 1) -> float:
    """Do something so many times and return the median time of one."""
    # What the set-up left for the collector must not be paid for here.
    gc.collect()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def main() -> None:
    """Measure what the command line says."""
    case, engine, size, directory, budget = sys.argv[1:]
    bench = Bench(engine, int(size), Path(directory), float(budget))
    result = MEASUREMENTS[case](bench)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
