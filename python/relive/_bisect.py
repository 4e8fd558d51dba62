"""Whether an import dies with some changes of its module's log: tried in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable

_PROGRAM = """\
import sys
_, name, count, *places = sys.argv
roots, sys.path[:] = places[: int(count)], places[int(count) :]
import relive
relive.start(*roots, auto=False, replay="all")
__import__(name)
"""


def dies(name: str, numbers: Iterable[int], roots: list[str]) -> bool:
    """Tell whether a process dies by a signal that imports a module with these changes and no others."""
    # Faults are not ours to write down there: the process is meant to die.
    command = [sys.executable, "-X", "faulthandler", "-c", _PROGRAM, name, str(len(roots)), *roots, *sys.path]
    environment = os.environ | {"RELIVE_ONLY": ",".join(map(str, numbers)), "RELIVE_REPLAY": "all"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode < 0
