"""A cell in which a call of a live function fails asks for what to do, as ipdb does."""

import os
import sys

import pytest

BANK = "def share(total, parts):\n    return total // parts\n"
PROMPT = "held> "


@pytest.fixture
def terminal(project, tmp_path, open_terminal):
    project.save("bank.py", BANK)
    own = {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", "--simple-prompt"]
    terminal = open_terminal(command, {**os.environ, **own})
    terminal.wait_for("In [1]:")
    terminal.type("%load_ext relive", "In [2]:")
    terminal.type("import bank", "In [3]:")
    return terminal


def test_a_cell_goes_on_after_a_fix(project, terminal):
    shown = terminal.type("[bank.share(12, n) for n in (3, 0, 2)]", PROMPT)
    assert "relive: held in bank:share" in shown
    project.edit("bank.py", "total // parts", "total // (parts or 1)")
    shown = terminal.wait_for("In [4]:")
    assert "relive: bank:share was edited: its call is made again" in shown
    assert "Out[3]: [4, 12, 6]" in shown


def test_what_goes_on_is_shown_as_ever(terminal):
    terminal.type("bank.share(12, 0)", PROMPT)
    shown = terminal.type("raise", "In [4]:")
    assert "ZeroDivisionError" in shown
    assert "_hold.py" not in shown


def test_it_is_switched_on_and_off(terminal):
    assert "holding is on" in terminal.type("%hold", "In [4]:")
    assert "holding is off" in terminal.type("%hold off", "In [5]:")
    shown = terminal.type("bank.share(12, 0)", "In [6]:")
    assert "ZeroDivisionError" in shown
    assert PROMPT not in shown
    assert "%hold takes 'on' or 'off', but was given 'maybe'" in terminal.type("%hold maybe", "In [7]:")
    terminal.type("%hold on", "In [8]:")
    terminal.type("bank.share(12, 0)", PROMPT)
    assert "Out[8]: 7" in terminal.type("return 7", "In [9]:")


def test_what_the_user_catches_is_not_held(terminal):
    terminal.type("import contextlib", "In [4]:")
    shown = terminal.type("with contextlib.suppress(ZeroDivisionError): bank.share(12, 0)", "In [5]:")
    assert PROMPT not in shown


def test_a_thread_of_the_program_leaves_the_prompt_alone(project, terminal):
    terminal.type("import threading", "In [4]:")
    terminal.type("one = threading.Thread(target=bank.share, args=(12, 0), name='one'); one.start()", "In [5]:")
    shown = terminal.type("import time; time.sleep(0.3)", "In [6]:")
    assert "held:    one in bank:share: ZeroDivisionError" in terminal.type("%relive", "In [7]:")
    project.edit("bank.py", "total // parts", "total // (parts or 1)")
    terminal.type("one.join()", "In [8]:")
    assert PROMPT not in shown
