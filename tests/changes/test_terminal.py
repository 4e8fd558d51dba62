"""In a terminal the user is asked which changes of a log come back, before anything uses the module."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pexpect import EOF
from tests.changes.test_replay import KILL, START, Place
from tests.conftest import Terminal

PICKED = "print('rate is', bank.RATE, 'and', bank.interest(10))"


def squeezed(shown: str) -> str:
    """What is shown, without blanks: the cursor jumps over some of them."""
    return "".join(shown.split())


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
def start(place: Place, open_terminal: Callable[..., Terminal]) -> Callable[..., Terminal]:
    """Start a program that imports `bank` in a terminal, where the list is shown."""

    def start(command: Sequence[str] = (sys.executable, "-c", START + PICKED), **environment: str) -> Terminal:
        environment = os.environ | {"RELIVE_HOME": str(place.home), "TERM": "xterm", "NO_COLOR": "1"} | environment
        return open_terminal([*command], environment, place.directory)

    return start


def test_what_is_checked_comes_back_and_the_choice_is_remembered(place: Place, start: Callable[..., Terminal]) -> None:
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


def test_starting_without_changes(place: Place, start: Callable[..., Terminal]) -> None:
    terminal = start()
    terminal.wait_for("Enter")
    terminal._screen.send("n")
    terminal.wait_for("rate is 0.02 and 0.2")
    start().wait_for("rate is 0.02 and 0.2")


def test_deciding_nothing_asks_again(start: Callable[..., Terminal]) -> None:
    for _ in range(2):
        terminal = start()
        terminal.wait_for("Enter")
        terminal._screen.send("q")
        terminal.wait_for("rate is 0.02 and 0.2")


def test_setting_the_log_aside(place: Place, start: Callable[..., Terminal]) -> None:
    terminal = start()
    terminal.wait_for("Enter")
    # At one key it was gone.
    terminal._screen.send("a")
    terminal.wait_for("y or n")
    terminal._screen.send("n")
    assert (place.directory / "bank.py.log").exists()
    terminal._screen.send("ay")
    terminal.wait_for("rate is 0.02 and 0.2")
    assert not (place.directory / "bank.py.log").exists()
    assert (place.directory / "bank.py.log.aside").exists()
    # The next change began a log that went on after it, and all that had been set aside was back.
    place.dies(f"relive.patch('bank', 'LATER = 1')\n{KILL}")
    assert place.says("[bank.RATE, bank.LATER]", RELIVE_REPLAY="all") == [0.02, 1]


def test_the_change_that_crashes_is_found_by_trying(place: Place, start: Callable[..., Terminal]) -> None:
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


def test_after_a_death_without_a_word_the_culprit_is_found_by_trying(
    place: Place, start: Callable[..., Terminal]
) -> None:
    """All changes were off for ever, without a question: nothing told which of them it was."""
    trap = "import os\nif os.path.exists('trap'): os._exit(9)"
    place.dies(f"relive.patch('bank', {trap!r})\nrelive.patch('bank', 'LAST = 1')\n{KILL}", RELIVE_REPLAY="all")
    (place.directory / "trap").touch()
    assert place.run("", RELIVE_REPLAY="all").returncode == 9
    terminal = start()
    shown = terminal.wait_for("Enter")
    assert "leftoff:theprocessdied" in squeezed(shown)
    terminal._screen.send("b")
    shown = terminal.wait_for("rate is 0.5 and 11")
    assert shown.count("the import dies of change") == 1
    assert place.says("[bank.RATE, bank.LAST]") == [0.5, 1]


def test_after_three_failed_starts_the_session_goes_without_the_log(
    place: Place, start: Callable[..., Terminal]
) -> None:
    trap = "import ctypes, os\nif os.path.exists('trap{}'): ctypes.string_at(0)"
    patches = "\n".join(f"relive.patch('bank', {trap.format(number)!r})" for number in range(3))
    place.dies(f"{patches}\n{KILL}", RELIVE_REPLAY="all")
    for number in range(2):
        (place.directory / f"trap{number}").touch()
        place.dies("", signal.SIGSEGV, RELIVE_REPLAY="all")
    # Nothing is done by itself: the user is asked, whatever the policy.
    (place.directory / "trap2").touch()
    terminal = start(RELIVE_REPLAY="all")
    assert "twostartsdied" in squeezed(terminal.wait_for("Enter"))
    terminal._screen.send("\r")
    terminal._screen.expect(EOF)
    told = "three starts died that replayed changes of bank.py.log: this one goes without it"
    assert place.says("bank.RATE", told, RELIVE_REPLAY="all") == 0.02
    assert place.says("bank.RATE", told, RELIVE_REPLAY="all") == 0.02
    place.command("recover", "bank.py", "--only", "2-5")
    assert place.says("bank.RATE") == 0.5


def test_what_was_done_last_is_marked_after_a_death(start: Callable[..., Terminal]) -> None:
    shown = start().wait_for("Enter")
    assert "thelastsessionendedwithoutaword" in squeezed(shown)
    assert "thelastonedonebefore" in squeezed(shown)


def test_a_log_that_was_moved_is_taken_over_after_one_question(place: Place, start: Callable[..., Terminal]) -> None:
    place.directory = place.directory.rename(place.directory.with_name("moved"))
    terminal = start()
    terminal.wait_for("[y/N]")
    terminal._screen.send("y\r")
    terminal.wait_for("Enter")
    terminal._screen.send("\r")
    terminal.wait_for("rate is 0.5 and 11")
    assert place.says("bank.RATE") == 0.5


def test_who_pipes_something_into_the_program_is_not_asked(place: Place, start: Callable[..., Terminal]) -> None:
    command = f"echo hi | {shlex.quote(sys.executable)} -c {shlex.quote(START + PICKED)} | cat"
    terminal = start(["/bin/sh", "-c", command])
    assert "bank.py.log has 2 changes that are not in bank.py" in terminal.wait_for("rate is 0.02 and 0.2")


class Service:
    """A program with a session that runs on; commands talk to the session, questions to its main thread."""

    IDLE = "while not select.select([sys.stdin], [], [], 0.02)[0]: pass\n"
    """Runs Python code while it waits; without it, the main thread is in a system call."""

    def __init__(self, place: Place, program: str = "", idle: str = IDLE, replay: str = "none") -> None:
        self.place = place
        self.environment = os.environ | {"RELIVE_HOME": str(place.home), "RELIVE_REPLAY": replay}
        loop = f"while True:\n    {idle}    print(eval(sys.stdin.readline()), flush=True)\n"
        text = f"{START}import select, sys\nsession._watch()\n{program}print('ready', flush=True)\n{loop}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", text],
            cwd=place.directory,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, expression: str) -> str:
        """The value of an expression in the program, as text."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(expression, file=self.process.stdin, flush=True)
        return self.process.stdout.readline().strip()

    def command(self, *arguments: str, code: int = 0) -> str:
        """What a command prints."""
        relive = str(Path(sys.executable).with_name("relive"))
        done = subprocess.run(
            [relive, *arguments],
            cwd=self.place.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done
        return done.stdout + done.stderr

    def numbers(self) -> list[int]:
        """The numbers of all changes in the log."""
        return [change["n"] for change in json.loads(self.command("log", "bank.py", "--json", "--all"))["changes"]]


@pytest.fixture
def serve(place: Place) -> Iterator[Callable[..., Service]]:
    """Start programs that are killed in the end."""
    started: list[Service] = []

    def serve(**options: str) -> Service:
        started.append(Service(place, **options))
        return started[-1]

    yield serve
    for service in started:
        with service.process:
            service.process.kill()


def test_commands_are_forwarded_to_the_session_that_writes_the_log(place: Place, serve: Callable[..., Service]) -> None:
    service = serve(program="relive.patch('bank', 'def interest(balance):\\n    return 1\\n')\n", idle="")
    assert service.ask("bank.interest(1)") == "1"
    service.command("undo", "bank.py", str(service.numbers()[-1]))
    assert service.ask("bank.interest(1)") == "0.02"
    service.command("undo", "bank.py", str(service.numbers()[-1]))
    assert service.ask("bank.interest(1)") == "1"
    service.command("fold", "bank.py")
    assert "    return 1\n" in (place.directory / "bank.py").read_text()
    assert service.ask("bank.interest(1)") == "1"


def test_what_executes_statements_is_forwarded_to_the_main_thread(serve: Callable[..., Service]) -> None:
    """Of a service, nothing but functions could be undone: "has statements to execute, for which the program's main
    thread is needed", while the same edit saved in the file was live at once."""
    service = serve(program="relive.patch('bank', 'RATE = 0.25')\n")
    assert service.ask("bank.RATE") == "0.25"
    assert "bank:RATE" in service.command("undo", "bank.py", str(service.numbers()[-1]))
    assert service.ask("bank.RATE") == "0.02"
    service.command("recover", "bank.py", "--all")
    assert service.ask("bank.RATE") == "0.5"


def test_a_main_thread_that_does_not_come_by_is_told_of(serve: Callable[..., Service]) -> None:
    service = serve(program="relive.patch('bank', 'RATE = 0.25')\n", idle="")
    number = service.numbers()[-1]
    told = service.command("undo", "bank.py", str(number), code=1)
    assert "main thread did not come to it in time; nothing was done" in told
    # Nor is it done later.
    assert service.ask("bank.RATE") == "0.25"
    assert service.numbers()[-1] == number


def test_commands_are_forwarded_to_a_session_that_has_only_replayed(
    place: Place, serve: Callable[..., Service]
) -> None:
    """It does not hold the log: the change was taken back, and the process went on with it."""
    first, second = serve(replay="all"), serve(replay="all")
    assert first.ask("bank.interest(10)") == second.ask("bank.interest(10)") == "11"
    # Of several, one can be told.
    assert "bank.py is live in process" in first.command("undo", "bank.py", "5")
    assert sorted(one.ask("bank.interest(10)") for one in (first, second)) == ["11", "5.0"]
    first.command("fold", "bank.py")
    assert "RATE = 0.5\n" in (place.directory / "bank.py").read_text()


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
    relive = str(Path(sys.executable).with_name("relive"))
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
                subprocess.check_output([relive, "log", "bank.py", "--json"], cwd=place.directory, env=environment)
            )
            *_, number = [change["n"] for change in log["changes"] if change["status"] == "conflict"]
            command = [relive, "recover", "bank.py", "--merge", str(number)]
            told = subprocess.check_output(command, cwd=place.directory, env=environment, text=True)
            assert told == "done; live: bank:interest\n"
            assert ask() == "4"
            assert file.read_text() == saved
        finally:
            running.kill()


def test_what_a_forwarded_fold_writes_is_no_edit_of_the_users(place: Place, serve: Callable[..., Service]) -> None:
    """It stood in the log a second time, as saved in an editor; and where a part was left, only that was told."""
    patch = "relive.patch('bank', 'MORE = 1\\ndef interest(balance):\\n    return 5\\n')\n"
    service = serve(program=patch, replay="all")
    assert "written into the file" in service.command("fold", "bank.py")
    assert service.ask("bank.interest(1)") == "5"
    changes = json.loads(service.command("log", "bank.py", "--json", "--all"))["changes"]
    assert [change["kind"] for change in changes if change["kind"] == "edit"] == []
    assert {change["status"] for change in changes if change["kind"] == "session"} == {"folded"}


def test_a_fold_that_leaves_something_says_what_it_wrote(place: Place, serve: Callable[..., Service]) -> None:
    service = serve(program="relive.patch('bank', 'MORE = 1')\n", replay="all")
    file = place.directory / "bank.py"
    file.write_text(file.read_text().replace("RATE = 0.02", "RATE = 0.07"))
    while service.ask("bank.RATE") != "0.07":
        pass
    told = service.command("fold", "bank.py", code=1)
    assert re.search(r"changes .* written into the file", told), told
    assert "change 2 stays in the log: the source has another version of RATE" in told
