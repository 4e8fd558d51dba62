"""CPython's own tests of modules full of coroutines and generators pass where these are live, and holding is on."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAM = """
import sys
import unittest

import relive

root, *tests = sys.argv[1:]
session = relive.start(root, auto=False)
# Whatever is held goes on.
session._engine.hold("uncaught", lambda error, caller: None)
result = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromNames(tests))
print([test.id() for test, _ in result.failures + result.errors], result.testsRun > 100)
"""


@pytest.mark.skipif(find_spec("test.test_contextlib") is None, reason="this build of Python has no tests")
@pytest.mark.parametrize(
    ("root", "tests"),
    [
        ("contextlib", ["test_contextlib", "test_contextlib_async"]),
        ("asyncio", [f"test_asyncio.test_{name}" for name in ("taskgroups", "timeouts", "queues", "locks")]),
    ],
)
def test_they_pass(root: str, tests: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, root, *(f"test.{name}" for name in tests)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "[] True\n", done.stderr
