"""In a terminal the user is asked which changes of a log come back, before anything uses the module."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.changes.test_replay import KILL, START, Place
from tests.conftest import Terminal

RELIVE = str(Path(sys.executable).with_name("relive"))
PICKED = "print('rate is', bank.RATE, 'and', bank.interest(10))"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place with two changes that died with their process."""
    directory = tmp_path / "place"
    directory.mkdir()
    place = Place(directory, tmp_path / "home")
    place.dies(
        "relive.patch('bank', 'RATE = 0.5')\n"
        f"relive.patch('bank', 'def interest(balance):\\n    return balance + 1\\n')\n{KILL}"
    )
    return place


@pytest.fixture
def start(place: Place, open_terminal: Callable[..., Terminal]) -> Callable[[], Terminal]:
    """Start a program that imports `bank` in a terminal, where the list is shown."""

    def start() -> Terminal:
        environment = os.environ | {"RELIVE_HOME": str(place.home), "TERM": "xterm", "NO_COLOR": "1"}
        return open_terminal([sys.executable, "-c", START + PICKED], environment, place.directory)

    return start


def test_what_is_checked_comes_back_and_the_choice_is_remembered(place: Place, start: Callable[[], Terminal]) -> None:
    terminal = start()
    shown = terminal.wait_for("Enter")
    assert "RATE" in shown
    assert "interest" in shown
    # The last one is left off.
    terminal._screen.send("-\r")
    terminal.wait_for("rate is 0.5 and 5.0")
    # Nobody is asked again, here or without a terminal.
    start().wait_for("rate is 0.5 and 5.0")
    assert place.says("[bank.RATE, bank.interest(10)]") == [0.5, 5]


def test_starting_without_changes(place: Place, start: Callable[[], Terminal]) -> None:
    terminal = start()
    terminal.wait_for("Enter")
    terminal._screen.send("n")
    terminal.wait_for("rate is 0.02 and 0.2")
    start().wait_for("rate is 0.02 and 0.2")


def test_deciding_nothing_asks_again(start: Callable[[], Terminal]) -> None:
    for _ in range(2):
        terminal = start()
        terminal.wait_for("Enter")
        terminal._screen.send("q")
        terminal.wait_for("rate is 0.02 and 0.2")


def test_setting_the_log_aside(place: Place, start: Callable[[], Terminal]) -> None:
    terminal = start()
    terminal.wait_for("Enter")
    terminal._screen.send("a")
    terminal.wait_for("rate is 0.02 and 0.2")
    assert not (place.directory / "bank.py.log").exists()
    assert (place.directory / "bank.py.log.aside").exists()
    # The next change began a log that went on after it, and all that had been set aside was back.
    place.dies(f"relive.patch('bank', 'LATER = 1')\n{KILL}")
    assert place.says("[bank.RATE, bank.LATER]", RELIVE_REPLAY="all") == [0.02, 1]


def test_a_conflict_is_merged_by_a_key(place: Place, start: Callable[[], Terminal]) -> None:
    interest = "def interest(balance):\n    low = 1\n\n    return low + balance"
    file = place.directory / "bank.py"
    file.write_text(file.read_text().replace("def interest(balance):\n    return balance * RATE", interest))
    place.dies(f"relive.patch('bank', {interest.replace('low = 1', 'low = 5')!r})\n{KILL}")
    saved = file.read_text().replace("low + balance", "low - balance")
    file.write_text(saved)
    terminal = start()
    terminal.wait_for("Enter")
    terminal._screen.send("m\r")
    terminal.wait_for("rate is 0.5 and -5")
    assert file.read_text() == saved
    # It is remembered.
    start().wait_for("rate is 0.5 and -5")


def test_the_change_that_crashes_is_found_by_trying(place: Place, start: Callable[[], Terminal]) -> None:
    for number in range(6):
        trap = (
            "import os\nif os.path.exists('trap'): os.kill(os.getpid(), 9)" if number == 3 else f"N{number} = {number}"
        )
        place.dies(f"relive.patch('bank', {trap!r})\n{KILL}", RELIVE_REPLAY="all")
    (place.directory / "trap").touch()
    terminal = start()
    terminal.wait_for("Enter")
    terminal._screen.send("b")
    shown = terminal.wait_for("rate is 0.5 and 11")
    assert "the import dies of change" in shown
    assert shown.count("trying") <= 5
    assert place.says("[bank.N0, bank.N5]") == [0, 5]


def test_commands_are_forwarded_to_the_session_that_writes_the_log(place: Place) -> None:
    program = (
        f"{START}session._watch()\n"
        "relive.patch('bank', 'def interest(balance):\\n    return 1\\n')\n"
        "print('ready', flush=True)\n"
        "import sys\n"
        "for line in sys.stdin: print(bank.interest(1), flush=True)\n"
    )
    environment = os.environ | {"RELIVE_HOME": str(place.home), "RELIVE_REPLAY": "none"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=place.directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def ask() -> str:
            print(file=running.stdin, flush=True)
            return running.stdout.readline().strip()

        def command(*arguments: str) -> str:
            done = subprocess.run(
                [RELIVE, *arguments], cwd=place.directory, env=environment, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        try:
            assert running.stdout.readline() == "ready\n"
            assert ask() == "1"
            changes = json.loads(command("log", "bank.py", "--json"))["changes"]
            newest = changes[-1]["n"]
            command("undo", "bank.py", str(newest))
            assert ask() == "0.02"
            command(
                "undo", "bank.py", str(json.loads(command("log", "bank.py", "--json", "--all"))["changes"][-1]["n"])
            )
            assert ask() == "1"
            command("fold", "bank.py")
            assert "    return 1\n" in (place.directory / "bank.py").read_text()
            assert ask() == "1"
        finally:
            running.send_signal(signal.SIGKILL)


def test_a_prompt_shows_the_list_when_it_is_asked_to_recover(
    place: Place, open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """It printed the changes and asked for their numbers."""
    own = {"HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path / "ipython"), "IPY_TEST_SIMPLE_PROMPT": "1"}
    environment = os.environ | own | {"RELIVE_HOME": str(place.home), "TERM": "xterm", "NO_COLOR": "1"}
    relive = str(Path(sys.executable).with_name("relive"))
    terminal = open_terminal([relive, "repl", "--replay", "none"], environment, place.directory)
    terminal.wait_for("In [1]: ")
    terminal.type("import bank", "In [2]: ")
    terminal.send("%recover bank")
    terminal.wait_for("Enter")
    # The last one is left off.
    terminal._screen.send("-\r")
    assert "bank:RATE" in terminal.wait_for("In [3]: ")
    assert "0.5" in terminal.type("bank.RATE", "In [4]: ")
    terminal.send("%recover bank")
    terminal.wait_for("Enter")
    terminal._screen.send("q")
    terminal.wait_for("In [5]: ")
    assert "5.0" in terminal.type("bank.interest(10)", "In [6]: ")


def test_a_merge_is_live_at_once_in_the_session_that_writes_the_log(place: Place) -> None:
    interest = "def interest(balance):\n    low = 1\n\n    return low + balance\n"
    file = place.directory / "bank.py"
    file.write_text(file.read_text().replace("def interest(balance):\n    return balance * RATE\n", interest))
    program = (
        f"{START}session._watch()\nrelive.patch('bank', {interest.replace('low = 1', 'low = 5')!r})\n"
        "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print(bank.interest(1), flush=True)\n"
    )
    environment = os.environ | {"RELIVE_HOME": str(place.home), "RELIVE_REPLAY": "none"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=place.directory,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None

        def ask() -> str:
            print(file=running.stdin, flush=True)
            return running.stdout.readline().strip()

        try:
            assert running.stdout.readline() == "ready\n"
            assert ask() == "6"
            saved = file.read_text().replace("low + balance", "low - balance")
            file.write_text(saved)
            while ask() != "0":
                pass
            log = json.loads(
                subprocess.check_output([RELIVE, "log", "bank.py", "--json"], cwd=place.directory, env=environment)
            )
            *_, number = [change["n"] for change in log["changes"] if change["status"] == "conflict"]
            command = [RELIVE, "recover", "bank.py", "--merge", str(number)]
            told = subprocess.check_output(command, cwd=place.directory, env=environment, text=True)
            assert told == "done; live: bank:interest\n"
            assert ask() == "4"
            assert file.read_text() == saved
        finally:
            running.send_signal(signal.SIGKILL)
