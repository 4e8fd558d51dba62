"""A change of several modules stands in several logs, and is undone as a whole or not at all; torn, it is named."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.changes.test_replay import BANK, KILL, Place
from tests.conftest import Live

import relive

BOTH = "with relive.transaction():\n    relive.patch('bank', 'RATE = 9')\n    relive.patch('other', 'LIMIT = 2')\n"
VALUES = "[bank.RATE, __import__('other').LIMIT]"


class Torn(Place):
    """A place with a change of `bank.py` and `other.py`, number 3 in either log."""

    def __init__(self, tmp_path: Path) -> None:
        directory = tmp_path / "project"
        directory.mkdir()
        super().__init__(directory, tmp_path / "home")
        (directory / "other.py").write_text("LIMIT = 1\n")
        self.dies(f"import other\n{BOTH}{KILL}")
        self.other = directory / "other.py.log"

    def relive(self, *arguments: str) -> tuple[int, str]:
        """Run `relive`; its exit code, and what it says."""
        done = subprocess.run(
            [str(Path(sys.executable).with_name("relive")), *arguments],
            cwd=self.directory,
            env=os.environ | {"RELIVE_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def logs(self) -> list[bytes]:
        """All bytes of all logs."""
        return [log.read_bytes() for log in sorted(self.directory.glob("*.log*"))]


@pytest.fixture
def torn(tmp_path: Path) -> Torn:
    """A change of two modules, one of whose logs a test takes away."""
    return Torn(tmp_path)


def lost(what: str, log: Path) -> None:
    """Let something happen to a log."""
    if what == "gone":
        log.unlink()
    elif what == "damaged":
        log.write_text(re.sub(r"(?m)^\+LIMIT = 2$", "+LIMIT = 5", log.read_text()))
    elif what == "no change log":
        log.write_text("2026-11-21 12:00 started\n")
    elif what == "untrusted":
        log.chmod(0o666)


@pytest.mark.parametrize(("what", "code"), [("gone", 1), ("damaged", 4), ("no change log", 6), ("untrusted", 3)])
def test_a_change_of_which_a_part_is_not_to_be_had_is_not_undone(torn: Torn, what: str, code: int) -> None:
    """One half was taken back, and of the other, which went on, not a word was said."""
    lost(what, torn.other)
    before = torn.logs()
    done, told = torn.relive("undo", "bank.py", "3")
    assert done == code, told
    assert "change 3 cannot be undone without its part of other.py, whose log " in told
    assert what in told
    assert "`relive recover bank.py` can leave off what is here" in told
    assert torn.logs() == before
    assert "change 3 lacks its part of other.py, whose log" in torn.relive("log", "bank.py")[1]
    done = torn.run("print(bank.RATE)", RELIVE_REPLAY="all")
    assert done.stdout == "9\n"
    assert "bank.py.log: change 3 is replayed without its part of other.py, whose log" in done.stderr
    # What is here is left off, once somebody says so.
    done, told = torn.relive("recover", "bank.py", "--none")
    assert "change 3 lacks its part of other.py" in told
    done = torn.run("print(bank.RATE)", RELIVE_REPLAY="all")
    assert (done.stdout, done.stderr) == ("0.02\n", "")


@pytest.mark.parametrize("first", ["bank.py", "other.py"])
def test_a_change_of_which_a_part_is_in_the_source_is_undone_as_a_whole(torn: Torn, first: str) -> None:
    (torn.directory / "bank.py").write_text(BANK)
    code, told = torn.relive("fold", "bank.py")
    assert code == 0, told
    assert "RATE = 9" in (torn.directory / "bank.py").read_text()
    code, told = torn.relive("undo", first, "3")
    assert code == 0, told
    assert torn.says(VALUES, RELIVE_REPLAY="all") == [0.02, 1]


def test_a_change_of_which_a_part_cannot_be_taken_out_of_the_source_is_not_undone(torn: Torn) -> None:
    assert torn.relive("fold", "bank.py")[0] == 0
    source = torn.directory / "bank.py"
    source.write_text(source.read_text().replace("RATE = 9", "RATE = 10"))
    before = torn.logs()
    code, told = torn.relive("undo", "other.py", "3")
    assert code == 1
    assert "change 3 cannot be undone without its part of bank.py: " in told
    assert "the source says something else by now" in told
    assert torn.logs() == before


def test_a_session_undoes_what_is_in_the_log_of_a_module_that_it_has_not_loaded(torn: Torn) -> None:
    """It took its half back, and said who could do the other."""
    done = torn.run("relive.log('bank').undo(3)\nprint(bank.RATE)", RELIVE_REPLAY="all")
    assert (done.returncode, done.stdout) == (0, "0.02\n"), done.stderr
    assert "other.py: taken back with it" in done.stderr
    assert torn.says(VALUES, RELIVE_REPLAY="all") == [0.02, 1]


@pytest.mark.parametrize("what", ["gone", "damaged", "no change log", "untrusted"])
def test_a_session_undoes_all_of_a_change_or_nothing(torn: Torn, what: str) -> None:
    lost(what, torn.other)
    program = (
        "try: relive.log('bank').undo(3)\nexcept relive.ReliveError as error: print(error)\n"
        "print(bank.RATE, [change.n for change in relive.log('bank').pending])"
    )
    *told, last = torn.run(program, RELIVE_REPLAY="all").stdout.splitlines()
    assert "change 3 cannot be undone without its part of other.py, whose log" in "".join(told)
    assert last == "9 [3]"


def test_a_change_is_undone_by_the_session_that_has_one_of_its_modules(torn: Torn) -> None:
    program = (
        "import time\nprint('here', flush=True)\nwhile bank.RATE == 9: time.sleep(0.01)\ninput()\nprint(bank.RATE)"
    )
    command = [sys.executable, "-c", f"import relive\nsession = relive.start()\nimport bank\n{program}"]
    environment = os.environ | {"RELIVE_HOME": str(torn.home), "RELIVE_REPLAY": "all"}
    with subprocess.Popen(
        command, cwd=torn.directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == "here\n"
        code, told = torn.relive("undo", "other.py", "3")
        assert code == 0, told
        out, _ = session.communicate("\n", timeout=60)
        assert out == "0.02\n"
    assert torn.says(VALUES, RELIVE_REPLAY="all") == [0.02, 1]


def test_a_change_of_live_modules_is_not_undone_without_the_log_of_one(live: Live) -> None:
    bank, other = live.load("bank", BANK), live.load("other", "LIMIT = 1\n")
    with relive.transaction():
        relive.patch("bank", "RATE = 1")
        relive.patch("other", "LIMIT = 2")
    (live.directory / "other.py.log").unlink()
    [change] = relive.log(bank).pending
    with pytest.raises(relive.ReliveError, match=r"cannot be undone without its part of other\.py, whose log is gone"):
        relive.log(bank).undo(change.n)
    assert (bank.RATE, other.LIMIT) == (1, 2)
