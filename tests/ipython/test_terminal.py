"""IPython in a terminal, as a user sees it: the simple prompt and the real one."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

BANK = "RATE = 2\nTABLE = [RATE * 10]\n\n\ndef deposit(amount):\n    return amount + RATE\n"


@pytest.fixture
def start(project, tmp_path, open_terminal):
    """Start IPython on a terminal in the project's directory; the function returned takes further arguments."""

    def start(*arguments: str, **environment: str):
        own = {
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "HOME": str(tmp_path),
            "TERM": "xterm",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=nocolor", *arguments]
        terminal = open_terminal(command, {**os.environ, **own, **environment})
        terminal.wait_for("In [1]:")
        return terminal

    return start


PROMPTS = pytest.mark.parametrize("prompt_option", [["--simple-prompt"], []], ids=["simple prompt", "real prompt"])


@PROMPTS
def test_an_edit_is_shown_and_live_in_the_next_cell(project, start, prompt_option):
    project.save("bank.py", BANK)
    terminal = start(*prompt_option)
    terminal.type("%load_ext relive", "In [2]:")
    terminal.type("from bank import deposit, RATE", "In [3]:")
    assert "Out[3]: 3" in terminal.type("deposit(1)", "In [4]:")
    project.save("bank.py", BANK.replace("RATE = 2", "RATE = 5").replace("amount + RATE", "amount * RATE"))
    shown = terminal.type("deposit(3), RATE", "In [5]:")
    assert "Out[4]: (15, 5)" in shown
    assert re.search(r"^relive v\d+: applied .*bank:deposit.*stale bank:TABLE \(", shown, re.MULTILINE)
    assert "relive v" not in terminal.type("deposit(4)", "In [6]:")
    assert "bank:TABLE" in terminal.type("%stale", "In [7]:")


@PROMPTS
def test_a_broken_file_is_told_and_the_session_goes_on(project, start, prompt_option):
    project.save("bank.py", BANK)
    terminal = start("--ext", "relive", *prompt_option)
    terminal.type("import bank", "In [2]:")
    project.edit("bank.py", "def deposit(amount):", "def deposit(amount:")
    shown = terminal.type("bank.deposit(1)", "In [3]:")
    assert "refused bank" in shown
    assert "Out[2]: 3" in shown


@PROMPTS
def test_edit_opens_the_editor_of_the_environment(project, start, prompt_option, tmp_path):
    project.save("bank.py", BANK)
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "file = pathlib.Path(sys.argv[-1])\n"
        "file.write_text(file.read_text().replace('amount + RATE', 'amount + RATE + 1000'))\n"
        "print('called with', sys.argv[1])\n"
    )
    terminal = start(*prompt_option, EDITOR=shlex.join([sys.executable, str(script)]))
    terminal.type("%load_ext relive", "In [2]:")
    terminal.type("import bank", "In [3]:")
    shown = terminal.type("%edit bank.deposit", "In [4]:")
    assert "called with +5" in shown
    assert "applied bank:deposit" in shown
    assert "Out[4]: 1003" in terminal.type("bank.deposit(1)", "In [5]:")


def test_a_configuration_for_ipythons_autoreload_works_with_relive_in_its_place(project, start, tmp_path):
    profile = Path(tmp_path / "ipython" / "profile_default")
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c = get_config()\n"
        "c.InteractiveShellApp.extensions = ['relive']\n"
        "c.InteractiveShellApp.exec_lines = ['%autoreload 2']\n"
    )
    project.save("bank.py", BANK)
    terminal = start("--simple-prompt")
    terminal.type("from bank import deposit", "In [2]:")
    project.edit("bank.py", "amount + RATE", "amount - RATE")
    shown = terminal.type("deposit(1)", "In [3]:")
    assert "Out[2]: -1" in shown
    assert "relive" not in shown
