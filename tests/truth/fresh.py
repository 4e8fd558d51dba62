"""The fresh interpreter: for each request a forked child imports the program and describes it.

A fork of a process that has imported nothing of any program costs milliseconds where a new interpreter costs tens.
Requests and answers are JSON, one a line. ``python -m tests.truth.fresh`` starts it.
"""

import json
import os
import sys
from typing import Any, BinaryIO

from .fingerprint import Fingerprinter
from .observe import import_all, modules_below, probe_all


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Import the modules that the request names and describe what they and their imports define."""
    sys.path[:0] = request["path"]
    failed = import_all(request["modules"])
    modules = modules_below(request["root"])
    fingerprinter = Fingerprinter(modules)
    units = fingerprinter.units()
    probes = probe_all(modules, fingerprinter) if request.get("probe") else {}
    return {
        "units": units,
        "aliases": fingerprinter.aliases,
        "probes": probes,
        "modules": list(modules),
        "failed": failed,
    }


def main() -> None:
    """Answer requests until standard input ends."""
    sys.dont_write_bytecode = True
    sys.argv[:] = [""]
    answers = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with os.fdopen(answers, "wb") as stream:
                    write_line(stream, describe(json.loads(line)))
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if status:
            os.write(answers, b'{"crashed": %d}\n' % status)


def write_line(stream: BinaryIO, answer: Any) -> None:
    """Write one answer."""
    stream.write(json.dumps(answer).encode() + b"\n")
    stream.flush()


if __name__ == "__main__":
    main()
