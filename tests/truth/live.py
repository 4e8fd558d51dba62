"""The live process: imports programs, holds their objects as a session would, applies edits, describes the outcome.

Many programs run in one process, one after the other. Requests and answers are JSON, one a line.
``python -m tests.truth.live ENGINE`` starts it.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from .engines import ENGINES, Engine
from .fingerprint import Fingerprinter
from .fresh import write_line
from .observe import UNPROBED_PREFIXES, classes_and_functions, import_all, modules_below, probe, probe_all


class Program:
    """One live program: its modules, the engine that keeps them up to date, and what was taken from them earlier."""

    def __init__(self, request: dict[str, Any], engine: Engine) -> None:
        self._engine = engine
        self._root: str = request["root"]
        self._path: list[str] = request["path"]
        self._probes: bool = request.get("probe", False)
        self._held: dict[str, list[tuple[str, Any]]] = {}
        self._instances: dict[str, list[Any]] = {}
        sys.path[:0] = self._path
        importlib.invalidate_caches()
        engine.before_import(self._root)
        self.failed = import_all(request["modules"])
        engine.after_import()
        self._before = set(modules_below(self._root))

    def take(self) -> None:
        """Take the functions, classes and one instance of each class, as ``from m import x`` and use would."""
        modules = modules_below(self._root)
        for path, kind, value in classes_and_functions(modules):
            held = self._held.setdefault(path, [])
            if not any(known is value for _, known in held):
                held.append((kind, value))
            if isinstance(value, type) and self._probes:
                self._take_instance(path, value)

    def _take_instance(self, path: str, cls: type) -> None:
        try:
            instance = cls(3)
        except Exception:
            return
        self._instances.setdefault(path, []).append(instance)

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        """Apply the saved edits and describe the modules, what was held, and what calls return."""
        self._forget(request.get("gone", []))
        self.take()
        report = self._engine.update()
        failed = import_all(request.get("modules", []))
        modules = modules_below(self._root)
        fingerprinter = Fingerprinter(modules)
        answer = {
            "report": report,
            "failed": failed,
            "units": fingerprinter.units(),
            "aliases": fingerprinter.aliases,
            "modules": list(modules),
            "held": list(self._describe_held(fingerprinter)),
            "instances": self._strangers(fingerprinter),
        }
        # Calls come last: they may fill caches and so change what is described.
        answer["probes"] = probe_all(modules, fingerprinter) if self._probes else {}
        return answer

    def _forget(self, paths: list[str]) -> None:
        for path in paths:
            self._held.pop(path, None)
            self._instances.pop(path, None)

    def _describe_held(self, fingerprinter: Fingerprinter) -> Any:
        for path, objects in sorted(self._held.items()):
            for kind, held in objects:
                if fingerprinter.home(held) == path:
                    continue
                described = {"path": path, "kind": kind, "units": fingerprinter.held(path, held)}
                callable_by_number = not path.rpartition(":")[2].rpartition(".")[2].startswith(UNPROBED_PREFIXES)
                if self._probes and callable_by_number and "." not in path.rpartition(":")[2]:
                    described["outcome"] = None if isinstance(held, type) else probe(held, fingerprinter)
                yield described

    def _strangers(self, fingerprinter: Fingerprinter) -> list[str]:
        """Return the classes of which some instance made earlier is no longer an instance."""
        return [
            path
            for path, instances in sorted(self._instances.items())
            if any(fingerprinter.home(type(instance)) != path for instance in instances)
        ]

    def close(self) -> None:
        """End the session and forget the modules, so that nothing leaks into the next program."""
        self._engine.stop()
        for name in modules_below(self._root):
            del sys.modules[name]
        for entry in self._path:
            sys.path.remove(entry)


def main() -> None:
    """Answer requests until standard input ends."""
    sys.dont_write_bytecode = True
    engine_name = sys.argv[1]
    sys.argv[:] = [""]
    program: Program | None = None
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        for line in sys.stdin.buffer:
            request = json.loads(line)
            if request["do"] == "start":
                program = Program(request, ENGINES[engine_name]())
                write_line(answers, {"failed": program.failed, "modules": list(modules_below(request["root"]))})
                continue
            assert program is not None, "the first request must start a program"
            actions: dict[str, Callable[[], Any]] = {
                "update": lambda: program.update(request),  # noqa: B023 - called in this very turn
                "close": program.close,
            }
            write_line(answers, actions[request["do"]]())


if __name__ == "__main__":
    main()
