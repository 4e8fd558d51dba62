"""A call of every kind can begin anew, from a site that has made it so often that CPython has specialised it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import Live

KINDS = Path(__file__).with_name("kinds.py")


def test_functions_that_are_live_from_their_making(live: Live) -> None:
    kinds = live.load("kinds", KINDS.read_text())
    assert kinds.missed() == []


def test_functions_that_are_live_when_their_calls_are_specialised_already(tmp_path: Path) -> None:
    shutil.copy(KINDS, tmp_path)
    program = (
        "import kinds; kinds.warm(); import relive; relive.start('.', auto=False, hold=True); print(kinds.missed())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
