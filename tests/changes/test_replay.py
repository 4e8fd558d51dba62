"""After the end of a process, changes of a module's log come back with its import, as far as that is wanted."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BANK = """\
import sys

RATE = 0.02
LIMITS = {}
AT_IMPORT = RATE * 100


def interest(balance):
    return balance * RATE


class Account:
    def deposit(self, amount):
        return amount
"""
START = "import relive\nsession = relive.start(auto=False)\nimport bank\n"


class Place:
    """A directory with `bank.py`, in which programs are run, each in a process of its own."""

    def __init__(self, directory: Path, home: Path) -> None:
        self.directory = directory
        self.home = home
        (directory / "bank.py").write_text(BANK)

    def run(self, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a program that begins with a session and the import of `bank`; what it prints is text."""
        return subprocess.run(
            [sys.executable, "-c", START + program],
            cwd=self.directory,
            env=os.environ | {"RELIVE_HOME": str(self.home)} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def dies(self, program: str, number: int = signal.SIGKILL, **environment: str) -> None:
        """Run a program that ends by a signal."""
        done = self.run(program, **environment)
        assert done.returncode == -number, done.stderr

    def says(self, expression: str, told: str = "", **environment: str) -> Any:
        """Return the value of an expression in a new process, through JSON; each line on stderr has ``told`` in it."""
        done = self.run(f"import json; print(json.dumps({expression}))", **environment)
        assert done.returncode == 0, done.stderr
        assert all(told and told in line for line in done.stderr.splitlines()), done.stderr
        return json.loads(done.stdout)

    def command(self, *arguments: str) -> str:
        """Return what a command says."""
        relive = str(Path(sys.executable).with_name("relive"))
        environment = os.environ | {"RELIVE_HOME": str(self.home)}
        done = subprocess.run(
            [relive, *arguments], cwd=self.directory, env=environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout + done.stderr

    @property
    def log(self) -> str:
        """The text of the log."""
        return (self.directory / "bank.py.log").read_text()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place of its own, with a state directory of its own."""
    directory = tmp_path / "place"
    directory.mkdir()
    return Place(directory, tmp_path / "home")


LEFT_OFF = "is left off, because a process died that replayed it"
SUSPECTS = "are left off, because a process died that replayed them, of which one is not known"
SEE_LOG = "left off: `relive log bank.py` says why"
KILL = "import os; os.kill(os.getpid(), 9)"


def test_changes_are_part_of_the_text_that_is_executed(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    assert place.says("[bank.RATE, bank.AT_IMPORT, bank.interest(10)]", RELIVE_REPLAY="all") == [0.5, 50, 5]
    assert place.says("[bank.RATE, bank.AT_IMPORT]", RELIVE_REPLAY="none") == [0.02, 2]


def test_without_a_terminal_nothing_comes_back_by_itself_and_that_is_said(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    done = place.run("print(bank.RATE)")
    assert done.stdout == "0.02\n"
    assert "bank.py.log has 1 change that is not in bank.py" in done.stderr
    assert "relive recover bank.py" in done.stderr


def test_what_was_in_flight_when_the_process_died_is_left_off(place: Place) -> None:
    place.dies(
        "relive.patch('bank', 'def interest(balance):\\n    return 7\\n')\n"
        "relive.patch('bank', 'import os\\nRATE = os.kill(os.getpid(), 9)')"
    )
    assert place.log.rstrip().splitlines()[-1].startswith("@commit")
    assert place.says("[bank.RATE, bank.interest(1)]", SEE_LOG, RELIVE_REPLAY="all") == [0.02, 7]
    # The choice was not made by anybody: it is offered again, as it is.
    assert place.says("[bank.RATE, bank.interest(1)]", SEE_LOG, RELIVE_REPLAY="all") == [0.02, 7]


def test_a_replay_that_dies_does_so_once(place: Place) -> None:
    trap = "import os, pathlib\nif pathlib.Path('trap').exists(): os.kill(os.getpid(), 9)\n"
    place.dies(
        "relive.patch('bank', 'def interest(balance):\\n    return 7\\n')\n" + f"relive.patch('bank', {trap!r})\n{KILL}"
    )
    (place.directory / "trap").touch()
    place.dies("", RELIVE_REPLAY="all")
    # Those that were replayed together are suspects together.
    assert place.says("bank.interest(1) != 7", SUSPECTS, RELIVE_REPLAY="all")
    (place.directory / "trap").unlink()
    assert place.says("bank.interest(1) != 7", "`relive recover bank.py` decides", RELIVE_REPLAY="all")


def test_three_deaths_and_the_log_is_not_looked_at(place: Place) -> None:
    kill = "__import__('os').kill(__import__('os').getpid(), 9)"
    state = f"LIMITS.update(here=__import__('os').path.exists('trap') and {kill})"
    place.dies(
        "engine = session._engine\n"
        f"number = engine.log_cell({'bank.' + state!r}, {{'bank': bank}})\n"
        f"engine.cell_done(number, 1.0)\n{KILL}"
    )
    (place.directory / "trap").touch()
    place.dies("", RELIVE_REPLAY="all")
    assert place.says("bank.LIMITS", LEFT_OFF, RELIVE_REPLAY="all") == {}


def test_state_comes_back_after_the_module(place: Place) -> None:
    place.dies(
        "engine = session._engine\n"
        "for text in ['bank.LIMITS[\"daily\"] = 500', 'bank.Account.fee = 3', 'setattr(bank, \"NEW\", 4)']:\n"
        "    number = engine.log_cell(text, {'bank': bank})\n"
        "    exec(text)\n"
        f"    engine.cell_done(number, 1.0)\n{KILL}"
    )
    assert place.says("[bank.LIMITS, bank.Account.fee, bank.NEW]", RELIVE_REPLAY="all") == [{"daily": 500}, 3, 4]
    assert "|NEW = 4\n" in place.log


def test_an_error_in_one_statement_is_told_and_the_rest_comes_back(place: Place) -> None:
    place.dies(
        "engine = session._engine\n"
        "for text in ['bank.A = 1', 'bank.B = bank.A', 'del bank.A', 'bank.C = bank.A', 'bank.D = 2']:\n"
        "    number = engine.log_cell(text, {'bank': bank})\n"
        f"    engine.cell_done(number, 1.0)\n{KILL}"
    )
    done = place.run("print(bank.B, bank.D, hasattr(bank, 'C'))", RELIVE_REPLAY="all")
    assert done.stdout == "1 2 False\n"
    [line] = done.stderr.splitlines()
    assert "is not replayed: NameError: name 'A' is not defined" in line


def test_a_definition_assigned_into_a_module_comes_back_as_one(place: Place) -> None:
    cell = "def deposit(self, amount):\n    return amount * 3\nbank.Account.deposit = deposit\n"
    place.dies(
        "engine = session._engine\n"
        f"number = engine.log_cell({cell!r}, {{'bank': bank}})\n"
        f"exec({cell!r})\n"
        f"engine.cell_done(number, 1.0)\nassert bank.Account().deposit(2) == 6\n{KILL}"
    )
    assert "+        return amount * 3" in place.log
    assert place.says("bank.Account().deposit(2)", RELIVE_REPLAY="all") == 6


TYPED = """\
sys = __import__("sys")
(__import__("pathlib").Path("other.py")).write_text("X = 1\\n")
sys.path.insert(0, "")
import other
def typed(text, is_done=True):
    number = session._engine.log_cell(text, {"bank": bank, "other": other})
    exec(text)
    if is_done:
        session._engine.cell_done(number, 1.0)
"""


def test_what_was_typed_does_not_rest_on_the_log_of_its_session(place: Place) -> None:
    """It was "part of a transaction that was never completed" once `$RELIVE_HOME/sessions` was tidied up: not replayed,
    and neither `recover` nor `fold` could take it."""
    place.run(f"{TYPED}typed('bank.RATE = 3')\nsession.stop()")
    assert "within=" not in place.log
    assert "cause=" in place.log
    shutil.rmtree(place.home / "sessions")
    assert place.says("bank.RATE", RELIVE_REPLAY="all") == 3
    fold = "import relive\nprint(relive.log('bank.py').fold().numbers)"
    done = subprocess.run(
        [sys.executable, "-c", fold],
        cwd=place.directory,
        env=os.environ | {"RELIVE_HOME": str(place.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(2,)\n"
    assert "RATE = 3\n" in (place.directory / "bank.py").read_text()


def test_a_directory_may_have_any_name(tmp_path: Path) -> None:
    """A path went through text that has no bytes but UTF-8: each patch and each `bank.RATE = 3` was refused."""
    directory = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff bad"))
    directory.mkdir()
    place = Place(directory, tmp_path / "home")
    program = (
        "report = relive.patch('bank', 'def interest(balance):\\n    return 7\\n')\n"
        "assert not report.refused, report\n"
        "print([change.target for change in relive.log('bank').pending])\n"
        "source = __import__('pathlib').Path('bank.py')\n"
        "source.write_text(source.read_text().replace('return amount', 'return amount * 2'))\n"
        "assert not session.update().refused\n"
        "print(bank.Account().deposit(4), bank.interest(1), bank.RATE)\nsession.stop()"
    )
    done = place.run(f"{TYPED}typed('bank.RATE = 3')\n{program}")
    assert (done.stdout, done.stderr) == ("['RATE', 'interest']\n8 7 3\n", "")
    command = [str(Path(sys.executable).with_name("relive")), "log", "--json", directory / "bank.py"]
    environment = os.environ | {"RELIVE_HOME": str(place.home)}
    told = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert b'"file":"\\udcff bad/bank.py"' in told.stdout
    document = json.loads(told.stdout)
    assert document["log"] == f"{directory.name}/bank.py.log"
    assert place.says("[bank.interest(1), bank.RATE]", RELIVE_REPLAY="all") == [7, 3]
    assert place.run("print(relive.log(bank).fold().numbers)", RELIVE_REPLAY="all").stdout == "(2, 5)\n"
    assert place.says("[bank.interest(1), bank.RATE]") == [7, 3]


def test_a_change_of_two_modules_that_was_completed_stays_so_without_the_log_of_its_session(place: Place) -> None:
    place.run(f"{TYPED}typed('bank.RATE = 9\\nother.X = 9')\nsession.stop()")
    assert "within=" in place.log
    shutil.rmtree(place.home / "sessions")
    assert place.says("bank.RATE", RELIVE_REPLAY="all") == 9


def test_a_change_of_two_modules_that_was_not_completed_changes_none(place: Place) -> None:
    place.dies(f"{TYPED}typed('bank.RATE = 9\\nother.X = 9', is_done=False)\n{KILL}")
    [own] = (place.home / "sessions").glob("*.log")
    text = own.read_bytes()
    own.write_bytes(text[: text.index(b"@state")])
    for _ in range(2):
        assert place.says("bank.RATE", RELIVE_REPLAY="all") == 0.02


def test_a_change_of_two_modules_is_taken_back_and_left_off_as_one(place: Place) -> None:
    (place.directory / "other.py").write_text("LIMIT = 1\n")
    both = "with relive.transaction():\n    relive.patch('bank', 'RATE = 9')\n    relive.patch('other', 'LIMIT = 2')\n"
    place.dies(f"import other\n{both}{KILL}")
    relive = str(Path(sys.executable).with_name("relive"))

    def command(*arguments: str) -> str:
        environment = os.environ | {"RELIVE_HOME": str(place.home)}
        done = subprocess.run(
            [relive, *arguments], cwd=place.directory, env=environment, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def values() -> Any:
        return place.says("[bank.RATE, __import__('other').LIMIT]", RELIVE_REPLAY="all")

    assert values() == [9, 2]
    assert "change 3 of other.py: taken back with it\n" in command("undo", "bank.py", "3")
    assert values() == [0.02, 1]
    [number] = re.findall(r"(\d+) .* undo ", command("log", "--all", "bank.py"))
    assert "other.py: taken back with it\n" in command("undo", "bank.py", number)
    assert values() == [9, 2]
    assert "other.py: change 3 left off with it\n" in command("recover", "bank.py", "--none")
    assert values() == [0.02, 1]
    assert "bank.py: change 3 replayed with it\n" in command("recover", "other.py", "--only", "3")
    assert values() == [9, 2]


def test_what_is_typed_does_not_run_if_the_log_of_its_module_cannot_be_written(place: Place) -> None:
    """The session's log has it by then, and says that it was refused."""
    spoil = "__import__('pathlib').Path('bank.py.log').write_text('another program\\n')\n"
    lock = "__import__('shutil').rmtree(__import__('os').environ['RELIVE_HOME'] + '/logs', ignore_errors=True)\n"
    block = "__import__('pathlib').Path(__import__('os').environ['RELIVE_HOME'] + '/logs').touch()\n"
    attempt = "try: typed('bank.RATE = 3')\nexcept Exception as error: print(error)\nprint(bank.RATE)"
    done = place.run(f"{TYPED}{spoil}{lock}{block}{attempt}")
    *told, rate = done.stdout.splitlines()
    assert "cannot" in told[0], done
    assert rate == "0.02"
    [own] = (place.home / "sessions").glob("*.log")
    assert "@fail" in own.read_text()


def test_a_traceback_names_lines_of_the_file_and_shows_those_that_are_not_in_it(place: Place) -> None:
    text = "def interest(balance):\n    first = 1\n    return balance / 0\n"
    place.dies(f"relive.patch('bank', {text!r})\n{KILL}")
    program = (
        "import traceback\n"
        "try: bank.interest(1)\n"
        "except ZeroDivisionError as error: print([f.line for f in traceback.extract_tb(error.__traceback__)][-1])\n"
        "print(bank.Account.deposit.__code__.co_firstlineno)"
    )
    done = place.run(program, RELIVE_REPLAY="all")
    assert done.stdout == f"return balance / 0\n{BANK.splitlines().index('    def deposit(self, amount):') + 1}\n"


def test_a_change_that_raises_is_left_off_and_the_rest_comes_back(place: Place) -> None:
    """It took the program down, and with it all other changes for ever: they were said to have killed a process."""
    patches = ["A1 = 1", "import os", "A2 = os.environ['TOKEN_X']", "A3 = 3", "def f(): return 4"]
    program = f"import os\nos.environ['TOKEN_X'] = '1'\nfor text in {patches!r}: relive.patch('bank', text)\n{KILL}"
    place.dies(program)
    there = "[name for name in ('A1', 'A2', 'A3', 'f') if hasattr(bank, name)]"
    done = place.run(f"print({there})", RELIVE_REPLAY="all")
    assert done.stdout == "['A1', 'A3', 'f']\n"
    [line] = done.stderr.splitlines()
    assert "change 8 of bank is not replayed: KeyError: 'TOKEN_X'; it is left off" in line
    # That stays so, whatever command is asked.
    assert place.says(there, SEE_LOG, RELIVE_REPLAY="all", TOKEN_X="1") == ["A1", "A3", "f"]
    assert "left off: it raised when it was replayed: KeyError: 'TOKEN_X'" in place.command("log", "bank.py")
    assert "change 8 stays in the log" in place.command("fold", "bank.py")
    assert "TOKEN_X" not in (place.directory / "bank.py").read_text()
    place.command("recover", "bank.py", "--all")
    assert place.says(there, TOKEN_X="1") == ["A1", "A2", "A3", "f"]


def test_a_changed_function_that_raises_as_the_module_is_executed_is_left_off(place: Place) -> None:
    file = place.directory / "bank.py"
    file.write_text(file.read_text() + "\nFIRST = interest(10)\n")
    text = "def interest(balance):\n    return balance / len(LIMITS)\n"
    place.dies(f"bank.LIMITS['a'] = 1\nrelive.patch('bank', 'RATE = 0.5')\nrelive.patch('bank', {text!r})\n{KILL}")
    done = place.run("print(bank.FIRST)", RELIVE_REPLAY="all")
    assert done.stdout == "5.0\n"
    assert "change 5 of bank is not replayed: ZeroDivisionError" in done.stderr


def test_a_package_whose_change_raises_keeps_the_modules_that_it_has_imported(place: Place) -> None:
    """They are imported once, and only then become attributes of their package, which is executed twice."""
    package = place.directory / "pk"
    package.mkdir()
    (package / "__init__.py").write_text("from .a import f\nV = 1\nprint('executed', 'a' in vars())\n")
    (package / "a.py").write_text("def f(): return 1\n")
    program = "import pk, os\nos.environ['T'] = '1'\nrelive.patch('pk', 'import os\\nW = os.environ[\"T\"]')\n"
    place.dies(program + KILL)
    shown = "import pk, pk.a\nprint(pk.a.f(), pk.V, hasattr(pk, 'W'), vars(pk)['os'].name)"
    done = place.run(shown, RELIVE_REPLAY="all")
    assert done.stdout.splitlines()[-2:] == ["executed True", "1 1 False posix"], done.stderr


def test_if_no_change_can_be_told_to_be_responsible_the_file_is_executed_as_it_is(place: Place) -> None:
    file = place.directory / "bank.py"
    file.write_text(file.read_text() + "\nif RATE > 0.4: raise ValueError(RATE)\n")
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\nrelive.patch('bank', 'LAST = 1')\n{KILL}")
    done = place.run("print(bank.RATE, hasattr(bank, 'LAST'))", RELIVE_REPLAY="all")
    assert done.stdout == "0.02 False\n"
    [line] = done.stderr.splitlines()
    assert "with the changes of its log it raised ValueError: 0.5" in line
    assert "relive recover bank.py" in line
    assert "@skip" not in place.log


def test_an_import_that_fails_without_changes_too_blames_none(place: Place) -> None:
    """The user's own exception was said to come from the log's changes, and they were off from then on."""
    place.dies(f"relive.patch('bank', 'def interest(balance):\\n    return 7\\n')\n{KILL}")
    file = place.directory / "bank.py"
    text = file.read_text()
    file.write_text(text + "\n1 / 0\n")
    done = place.run("", RELIVE_REPLAY="all")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "relive:" not in done.stderr
    assert "_import.py" not in done.stderr
    file.write_text(text)
    assert place.says("bank.interest(1)", RELIVE_REPLAY="all") == 7


SEGFAULT = "import ctypes, os\nif os.path.exists('trap'): ctypes.string_at(0)\n"


def test_the_change_is_named_that_a_replay_died_in(place: Place) -> None:
    """All changes are merged into one text, and so all of them were off after one death."""
    place.dies(f"for text in ('A1 = 1', {SEGFAULT!r}, 'A2 = 2'): relive.patch('bank', text)\n{KILL}")
    (place.directory / "trap").touch()
    place.dies("", signal.SIGSEGV, RELIVE_REPLAY="all")
    there = "[hasattr(bank, name) for name in ('A1', 'A2')]"
    done = place.run(f"print({there})", RELIVE_REPLAY="all")
    assert done.stdout == "[True, True]\n"
    [line] = done.stderr.splitlines()
    assert LEFT_OFF in line
    assert place.says(there, SEE_LOG, RELIVE_REPLAY="all") == [True, True]
    listed = place.command("log", "bank.py")
    assert "left off: the process died when it was replayed: Segmentation fault" in listed
    assert "stays in the log: left off: the process died" in place.command("fold", "bank.py")
    assert "string_at" not in (place.directory / "bank.py").read_text()


def test_after_two_failed_starts_nothing_is_done_by_itself(place: Place) -> None:
    place.dies("".join(f"relive.patch('bank', {SEGFAULT.replace('trap', f'trap{n}')!r})\n" for n in (1, 2)) + KILL)
    place.dies(f"relive.patch('bank', 'LAST = 1')\n{KILL}", RELIVE_REPLAY="all")
    for number in (1, 2):
        (place.directory / f"trap{number}").touch()
        place.dies("", signal.SIGSEGV, RELIVE_REPLAY="all")
    done = place.run("print(hasattr(bank, 'LAST'))", RELIVE_REPLAY="all")
    assert done.stdout == "False\n"
    assert "two starts died that replayed changes of bank.py.log, so nothing of it is replayed by itself" in done.stderr
    # Once somebody has decided, all is as it was before.
    place.command("recover", "bank.py", "--all")
    for number in (1, 2):
        (place.directory / f"trap{number}").unlink()
    assert place.says("bank.LAST", RELIVE_REPLAY="all") == 1


def test_a_start_is_not_taken_for_dead_while_it_runs(place: Place) -> None:
    """Of several starts at the same time one took another's note of what it replays for that of a dead process."""
    place.dies(f"relive.patch('bank', 'import time\\ntime.sleep(0.2)')\nrelive.patch('bank', 'RATE = 0.5')\n{KILL}")
    environment = os.environ | {"RELIVE_HOME": str(place.home), "RELIVE_REPLAY": "all"}
    command = [sys.executable, "-c", START + "print(bank.RATE)"]
    pipe = subprocess.PIPE
    for _ in range(2):
        starts = [
            subprocess.Popen(command, cwd=place.directory, env=environment, stdout=pipe, stderr=pipe, text=True)
            for _ in range(4)
        ]
        assert [start.communicate(timeout=60) for start in starts] == [("0.5\n", "")] * 4


@pytest.mark.parametrize("how", ["app.py", "-m app", "-m pk"])
def test_changes_of_the_program_itself_come_back(place: Place, how: str) -> None:
    """`relive run -m` executed the file as it is, without a word."""
    (place.directory / "pk").mkdir()
    text = (
        "import os, sys, relive\nK = 1\n"
        "if 'make' in sys.argv: relive.patch('__main__', 'K = 2'); os.kill(os.getpid(), 9)\nprint(K)\n"
    )
    for file in ("app.py", "pk/__main__.py"):
        (place.directory / file).write_text(text)
    place.command("run", *how.split(), "make")
    for _ in range(4):
        assert place.command("run", "--replay", "all", *how.split()) == "2\n"


def test_state_of_the_program_itself_comes_back_at_its_prompt(place: Place) -> None:
    (place.directory / "app.py").write_text("LIMITS = {}\n")

    def typed(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "relive", *arguments, "app.py"],
            cwd=place.directory,
            env=os.environ | {"RELIVE_HOME": str(place.home)},
            input="print(LIMITS)\nLIMITS['a'] = 1\n",
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    assert "{}" in typed("repl", "-i")
    assert "{'a': 1}" in typed("repl", "--replay", "all", "-i")
    assert "2 changes of state are not replayed in the program itself" in typed("run", "--replay", "all")


def test_a_syntax_error_of_the_file_is_shown_as_python_shows_it(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'LAST = 1')\n{KILL}")
    file = place.directory / "bank.py"
    file.write_text(file.read_text() + "def broken(:\n    pass\n")
    with_log = place.run("", RELIVE_REPLAY="all")
    (place.directory / "bank.py.log").unlink()
    without = place.run("", RELIVE_REPLAY="all")
    assert with_log.stderr == without.stderr
    assert "    def broken(:\n               ^\n" in with_log.stderr


def test_a_log_that_was_moved_says_how_to_take_it_over(place: Place) -> None:
    """Neither the next start nor any later one said that there was a log."""
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    place.directory = place.directory.rename(place.directory.with_name("moved"))
    done = place.run("print(bank.RATE)", RELIVE_REPLAY="all")
    assert done.stdout == "0.02\n"
    [line] = done.stderr.splitlines()
    assert "was written for a source in another place" in line
    assert "`relive trust bank.py` takes it over" in line


def test_what_somebody_else_wrote_is_not_run(place: Place, tmp_path: Path) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    place.home = tmp_path / "another"
    done = place.run("print(bank.RATE)", RELIVE_REPLAY="all")
    assert done.stdout == "0.02\n"
    [line] = done.stderr.splitlines()
    assert "bank.py.log has changes that your relive did not write" in line
    assert "`relive trust bank.py` shows them and asks" in line


def test_what_somebody_else_decided_is_no_decision(place: Place, tmp_path: Path) -> None:
    """Who can append to a log could have had the user's own changes replayed without a question."""
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    relive = str(Path(sys.executable).with_name("relive"))
    environment = os.environ | {"RELIVE_HOME": str(tmp_path / "another")}
    decide = f"import relive\nrelive.start(auto=False)\nimport bank\nrelive.log('bank').recover([2], [])\n{KILL}"
    subprocess.run([sys.executable, "-c", decide], cwd=place.directory, env=environment, capture_output=True)
    assert "@unskip" in place.log
    done = place.run("print(bank.RATE)")
    assert done.stdout == "0.02\n"
    mine = os.environ | {"RELIVE_HOME": str(place.home)}
    subprocess.run([relive, "recover", "bank.py", "--all"], cwd=place.directory, env=mine, check=True)
    assert place.says("bank.RATE") == 0.5


@pytest.mark.parametrize("how", ["link", "writable directory", "writable log"])
def test_a_log_that_another_could_have_planted_is_not_run(place: Place, how: str, tmp_path: Path) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    log = place.directory / "bank.py.log"
    if how == "link":
        log.rename(tmp_path / "elsewhere")
        log.symlink_to(tmp_path / "elsewhere")
    elif how == "writable directory":
        place.directory.chmod(0o777)
    else:
        log.chmod(0o666)
    done = place.run("print(bank.RATE)", RELIVE_REPLAY="all")
    assert done.stdout == "0.02\n"
    assert "bank.py.log" in done.stderr


def test_a_project_file_can_only_tighten_the_policy(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    settings = place.directory / "pyproject.toml"
    settings.write_text('[tool.relive]\nreplay = "all"\n')
    assert place.run("print(bank.RATE)").stdout == "0.02\n"
    settings.write_text('[tool.relive]\nreplay = "none"\n')
    # Not without a word.
    told = "replay is 'none' and not 'all', because [tool.relive] of pyproject.toml says so"
    assert place.says("bank.RATE", told, RELIVE_REPLAY="all") == 0.02
    assert place.says("bank.RATE") == 0.02
    settings.write_text('[tool.relive]\nreplay = "perhaps"\n')
    assert "it is 'ask', 'all' or 'none'" in place.run("").stderr


def test_a_log_is_undone_and_folded_without_a_session(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\nrelive.patch('bank', 'LAST = 1')\n{KILL}")
    program = (
        "import relive\nlog = relive.log('bank.py')\nlog.undo(log.pending[0].n)\n"
        "try: log.undo(99)\nexcept relive.ReliveError as error: print(error)\n"
        "print(log.fold().numbers)"
    )
    environment = os.environ | {"RELIVE_HOME": str(place.home)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=place.directory,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    told, folded = done.stdout.splitlines()
    assert "has no change 99" in told
    assert folded == "(5,)"
    text = (place.directory / "bank.py").read_text()
    assert "LAST = 1" in text
    assert "RATE = 0.02" in text


def test_what_is_folded_is_not_replayed(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\nrelive.log(bank).fold()\n{KILL}")
    assert "RATE = 0.5" in (place.directory / "bank.py").read_text()
    assert place.says("bank.RATE") == 0.5


def test_a_fold_in_a_session_writes_only_what_is_live_there(place: Place) -> None:
    """A change that had been left off was folded, and so executed, behind the user's back."""
    place.dies(f"relive.patch('bank', 'BAD = 1')\n{KILL}")
    fold = "relive.patch('bank', 'GOOD = 2')\nrelive.log(bank).fold()\nprint(hasattr(bank, 'BAD'))"
    done = place.run(fold, RELIVE_REPLAY="none")
    assert done.stdout == "False\n"
    text = (place.directory / "bank.py").read_text()
    assert "GOOD = 2" in text
    assert "BAD" not in text
    assert place.says("bank.BAD", RELIVE_REPLAY="all") == 1


def test_a_statement_that_changes_two_things_is_replayed_once(place: Place) -> None:
    cell = "bank.X, bank.Y = bank.LIMITS.setdefault('n', []).append(1), 2"
    place.dies(
        f"engine = session._engine\nnumber = engine.log_cell({cell!r}, {{'bank': bank}})\n{cell}\n"
        f"engine.cell_done(number, 1.0)\n{KILL}"
    )
    assert place.says("bank.LIMITS", RELIVE_REPLAY="all") == {"n": [1]}


def test_what_needs_names_of_the_prompt_is_not_replayed_without_them(place: Place) -> None:
    cell = "for key in 'cd': bank.LIMITS[key] = key"
    place.dies(
        f"number = session._engine.log_cell({cell!r}, {{'bank': bank}})\nsession._engine.cell_done(number, 1.0)\n{KILL}"
    )
    assert place.says("bank.LIMITS", SEE_LOG, RELIVE_REPLAY="all") == {}
    assert "it names things of the prompt" in place.command("log", "bank.py")
    # After a fold it is still there.
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}", RELIVE_REPLAY="all")
    place.command("fold", "bank.py")
    assert "it names things of the prompt" in place.command("log", "bank.py")


def test_the_start_after_a_replay_that_died_says_what_is_left_off(place: Place) -> None:
    trap = "import os, pathlib\nif pathlib.Path('trap').exists(): os.kill(os.getpid(), 9)\n"
    place.dies(f"relive.patch('bank', {trap!r})\n{KILL}")
    (place.directory / "trap").touch()
    place.dies("", RELIVE_REPLAY="all")
    done = place.run("", RELIVE_REPLAY="all")
    assert SUSPECTS in done.stderr


class Prompt:
    """Cells that are executed as at a prompt, and come back in another process."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def dies(self, *cells: str) -> None:
        """Execute cells in a process that is killed then."""
        self.place.dies(f"{self._recovered()}for cell in {cells!r}: run(cell)\n{KILL}")

    def says(self, expression: str) -> Any:
        """Bring back what was typed, and return the value of an expression."""
        done = self.place.run(f"{self._recovered()}import json\nprint(json.dumps({expression}))")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @staticmethod
    def _recovered() -> str:
        return (
            "engine = session._engine\n"
            "def run(cell):\n"
            "    number = engine.log_cell(cell, globals())\n"
            "    exec(cell, globals())\n"
            "    if number is not None: engine.cell_done(number, 1.0)\n"
            "if left := engine.prompt_recovery():\n"
            "    for cell in engine.replay_prompt(left['session'], left['auto'] + left['ask']): run(cell)\n"
        )


def test_the_line_on_which_a_cell_died_tells_what_had_been_executed(place: Place) -> None:
    """All statements of the cell were left off, also what had run for hours before the one that crashed."""
    cell = "word = str(4)\nkept = 5\nimport ctypes; after = ctypes.string_at(\n    0\n)\nlast = 6\n"
    place.dies(
        f"session._engine.log_cell({cell!r}, globals())\nexec(compile({cell!r}, '<stdin>', 'exec'), globals())",
        signal.SIGSEGV,
    )
    found = place.says("{k: session._engine.prompt_recovery()[k] for k in ('auto', 'ask', 'off')}")
    assert (found["auto"], found["ask"]) == ([2, 3], [1])
    died = "was running when the session died (Segmentation fault)"
    assert found["off"] == [[4, died], [5, f"stood behind what {died}"]]
    settle = "session._engine.settle_prompt([2, 3], [(1, 'not wanted')], True)"
    found = place.says(f"session._engine.prompt_recovery() and {settle} or session._engine.prompt_recovery()")
    assert (found["auto"], found["ask"], found["decided"]) == ([], [], [1])
    assert found["off"] == [[1, "not wanted"], [4, died], [5, f"stood behind what {died}"]]


def test_what_is_left_off_at_a_prompt_does_not_come_back_with_its_module(place: Place) -> None:
    """A program that imported the module had what its user had not wanted back."""
    logged = "engine = session._engine\nengine.cell_done(engine.log_cell({!r}, globals()), 1.0)\n"
    place.dies(f"{logged.format('bank.LIMITS.update(d=5)')}{KILL}")
    assert place.says("bank.LIMITS", RELIVE_REPLAY="all") == {"d": 5}
    off = "session._engine.settle_prompt([], [(1, 'not wanted')], True)"
    assert place.says(f"session._engine.prompt_recovery() and {off}", "bank.py.log has 1 change") is None
    assert place.says("bank.LIMITS", RELIVE_REPLAY="all") == {}
    assert 'why="not wanted"' in place.log


def test_logs_of_sessions_are_not_kept_for_ever(place: Place) -> None:
    """No log of a prompt was ever removed, and each start reads them all."""
    logged = "engine = session._engine\nengine.cell_done(engine.log_cell({!r}, globals()), 1.0)\n"
    assert place.run(logged.format("bank.LIMITS['d'] = 5")).returncode == 0
    sessions = place.home / "sessions"
    [first] = sessions.iterdir()
    assert place.run(logged.format("x = 1")).returncode == 0
    [other] = {*sessions.iterdir()} - {first}
    for number in range(120):
        (sessions / f"{number:08x}.log").write_bytes(other.read_bytes())
    assert place.says("session._engine.prompt_recovery()", "bank.py.log has 1 change") is None
    assert len([*sessions.iterdir()]) == 100
    assert first not in sessions.iterdir()
    assert place.says("bank.LIMITS", RELIVE_REPLAY="all") == {"d": 5}


def test_what_was_left_off_long_ago_is_given_up(place: Place) -> None:
    program = (
        "engine = session._engine\n"
        "if left := engine.prompt_recovery():\n"
        "    engine.settle_prompt([], [(number, 'not wanted') for number in left['auto']], True)\n"
        "engine.cell_done(engine.log_cell('x = 1', globals()), 1.0)\n"
    )
    for _ in range(23):
        place.dies(f"{program}{KILL}")
    found = place.says("session._engine.prompt_recovery()")
    assert (len(found["auto"]), len(found["decided"])) == (1, 19)


def test_what_has_come_back_twice_counts_once(place: Place) -> None:
    """Each recovery left one more pending change, and all of them were replayed later."""
    prompt = Prompt(place)
    prompt.dies("bank.LIMITS['n'] = bank.LIMITS.get('n', 0) + 1", "relive.patch('bank', 'RATE = 0.5')")
    prompt.dies("1 + 1")
    assert prompt.says("[bank.LIMITS, bank.RATE]") == [{"n": 1}, 0.5]
    relive = str(Path(sys.executable).with_name("relive"))
    environment = os.environ | {"RELIVE_HOME": str(place.home)}
    subprocess.run([relive, "recover", "bank.py", "--all"], cwd=place.directory, env=environment, check=True)
    assert place.says("[bank.LIMITS, bank.RATE]", RELIVE_REPLAY="all") == [{"n": 1}, 0.5]
    pending = "[change.n for change in relive.log('bank').pending]"
    assert len(place.says(pending, RELIVE_REPLAY="all")) == 2


def test_a_patch_that_was_undone_does_not_come_back_with_its_cell(place: Place) -> None:
    prompt = Prompt(place)
    prompt.dies("relive.patch('bank', 'RATE = 0.5')", "relive.log('bank').undo(relive.log('bank').pending[-1].n)")
    assert prompt.says("bank.RATE") == 0.02


def test_a_save_in_a_read_only_directory_is_logged_elsewhere_and_told_once(place: Place) -> None:
    if os.geteuid() == 0:
        # Root writes anywhere: a file of that name that is no log has the same effect.
        (place.directory / "bank.py.log").write_text("2026-11-21 10:00 nohup output\n")
    else:
        place.directory.chmod(0o555)
    program = "for value in (1, 2): relive.patch('bank', f'RATE = {value}')\nprint(bank.RATE)"
    done = place.run(program)
    assert done.stdout == "2\n"
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert place.says("bank.RATE", RELIVE_REPLAY="all") == 2


def test_a_change_need_not_survive_a_power_loss_if_the_user_says_so_and_the_project_does_not_forbid_it(
    place: Place,
) -> None:
    said = "session._engine.sync"
    assert place.says(said) == "full"
    assert place.says(said, RELIVE_SYNC="process") == "process"
    settings = place.directory / "pyproject.toml"
    settings.write_text('[tool.relive]\nsync = "process"\n')
    assert place.says(said) == "full"
    settings.write_text('[tool.relive]\nsync = "full"\n')
    assert place.says(said, RELIVE_SYNC="process") == "full"
    settings.unlink()
    done = place.run("", RELIVE_SYNC="off")
    assert "RELIVE_SYNC is 'off': it is 'full' or 'process'" in done.stderr
    # What was acknowledged is there after the end of the process, however that came.
    place.dies(f"for value in range(5): relive.patch('bank', f'RATE = {{value}}')\n{KILL}", RELIVE_SYNC="process")
    assert place.says("bank.RATE", RELIVE_REPLAY="all") == 4


def test_what_processes_left_that_ended_without_a_word_is_removed(place: Place) -> None:
    crashes = place.home / "crashes"
    place.dies(KILL)
    place.dies("import os; os.abort()", signal.SIGABRT)
    said = {file for file in crashes.iterdir() if file.stat().st_size}
    assert len(said) == 1
    # A process that lives keeps its file, and one that had something to say did not die in vain.
    other = "import subprocess, sys; " + f"subprocess.run([sys.executable, '-c', {START!r}], check=True)"
    files = "sorted(str(file) for file in pathlib.Path(session._engine.crash_file()).parent.iterdir())"
    program = f"{other}; import json, pathlib; print(json.dumps([str(session._engine.crash_file()), {files}]))"
    done = place.run(program)
    own, found = json.loads(done.stdout)
    assert set(map(Path, found)) == {Path(own), *said}
    assert set(crashes.iterdir()) == said


def test_a_log_in_the_state_directory_is_named_by_its_source(place: Place) -> None:
    """Its name there begins with a hash: "4124414ee060a704-bank.py.log has 1 change"."""
    place.directory.chmod(0o777)
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    assert not (place.directory / "bank.py.log").exists()
    told = place.run("").stderr
    assert "relive: the log of bank.py has 1 change that is not in bank.py" in told


def test_a_decision_says_whose_it_is(place: Place) -> None:
    place.dies(f"relive.patch('bank', 'RATE = 0.5')\n{KILL}")
    place.run("relive.log('bank').recover([], [2])", RELIVE_REPLAY="all")
    assert 'why="you said so"' in place.log


def test_of_an_installed_package_it_is_said_once_that_nothing_comes_back(place: Place) -> None:
    packages = place.directory / "site-packages"
    packages.mkdir()
    (packages / "vendored.py").write_text("X = 1\n")
    program = (
        "import sys\nsys.path.insert(0, 'site-packages')\nrelive.start('site-packages')\nimport vendored\n"
        "for text in 'X = 2', 'X = 3': relive.patch('vendored', text)\nprint(vendored.X)"
    )
    done = place.run(program)
    assert done.stdout == "3\n"
    [line] = done.stderr.splitlines()
    assert "vendored.py is an installed package's: what changes in it is logged, but no import replays it" in line
