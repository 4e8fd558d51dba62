"""Whether an import dies with some changes of its module's log: tried in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterable

_PROGRAM = """\
import os, sys
_, name, told, count, *places = sys.argv
roots, sys.path[:] = places[: int(count)], places[int(count) :]
import relive
relive.start(*roots, auto=False, replay="all")
try:
    __import__(name)
except BaseException:
    pass
os.write(int(told), b"alive")
"""


def dies(name: str, numbers: Iterable[int], roots: list[str]) -> bool:
    """Tell whether a process dies that imports a module with these changes and no others; an exception is no death."""
    alive, told = os.pipe()
    # Faults are not ours to write down there: the process is meant to die.
    arguments = [name, str(told), str(len(roots)), *roots, *sys.path]
    command = [sys.executable, "-X", "faulthandler", "-c", _PROGRAM, *arguments]
    environment = os.environ | {"RELIVE_ONLY": ",".join(map(str, numbers)), "RELIVE_REPLAY": "all"}
    quiet = subprocess.DEVNULL
    try:
        subprocess.run(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet, pass_fds=[told])
        os.set_blocking(alive, False)
        try:
            return os.read(alive, 5) != b"alive"
        except BlockingIOError:
            return True
    finally:
        os.close(alive)
        os.close(told)
