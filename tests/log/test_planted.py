"""Logs that somebody else put there: they are shown, with all that could deceive escaped, and nothing of them runs."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Start, replace, state
from .forge import MAC, begun

HIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
RUN = "import os; open('ran', 'w').close()"


class Project:
    """A directory with `bank.py`, and a command line in it."""

    def __init__(self, command: Path, directory: Path, home: Path) -> None:
        self.command = command
        self.directory = directory
        self.home = home
        self.source = directory / "bank.py"
        self.log = directory / "bank.py.log"

    def relive(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command, without a terminal."""
        environment = os.environ | {"RELIVE_HOME": str(self.home)}
        return subprocess.run(
            [self.command, *arguments],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def project(command: Path, tmp_path: Path) -> Project:
    """A project that nobody but this user may write to."""
    directory = tmp_path / "project"
    directory.mkdir(mode=0o755)
    (directory / "bank.py").write_text("LIMITS = 1\n")
    return Project(command, directory, tmp_path / "state")


def forge(project: Project, start: Start) -> None:
    """Put together by hand, with all that could deceive who looks at it."""
    log = begun().add(
        "patch tx=1 at=x op=replace target=LIMITS pre=0123456789abcdef post=0123456789abcdef via=patch",
        "-LIMITS = 1",
        rf"\+LIMITS = 2; {RUN} # \x1b[2J\x1b]0;title\x07\u202e",
    )
    log.add(f"commit tx=1 recs=1 mac={MAC}")
    log.add(r'state tx=2 at=x target="\u001b[31mLIMITS\u202e" effect=call via=repl', rf"\|{RUN} # \x1b[8m\x9b")
    log.add(f"commit tx=2 recs=1 mac={MAC}")
    log.add(r'fail tx=2 kind=raised why="\u001b[31mno\u2066"').add(r'note at=x text="\u001b]52;c;\u0007"')
    project.log.write_bytes(log.data)
    project.log.chmod(0o600)


def write(project: Project, start: Start, home: Path | None = None) -> None:
    """Written by relive, by default by this user's."""
    driver = start(home or project.home)
    driver.open(project.source)
    driver.append(replace("LIMITS", "LIMITS = 1\n", f"LIMITS = 2; {RUN}\n"))
    driver.append(state(f"{RUN} # \x1b[8m\u202e"))
    driver.kill()


def write_as_another_user(project: Project, start: Start) -> None:
    """With the key of another user."""
    write(project, start, project.home.with_name("their state"))


def add_a_name(project: Project, start: Start) -> None:
    """With another name, under which somebody may write to it."""
    write(project, start)
    os.link(project.log, project.directory / "mine.py.log")


def let_the_group_write(project: Project, start: Start) -> None:
    """The group may write to it."""
    write(project, start)
    project.log.chmod(0o620)


def let_everybody_write(project: Project, start: Start) -> None:
    """Everybody may write to its directory."""
    write(project, start)
    project.directory.chmod(0o777)


def put_another_in_its_place(project: Project, start: Start) -> None:
    """A log of this user's, of another source in another place, where its text means something else."""
    other = Project(project.command, project.directory / "other", project.home)
    other.directory.mkdir()
    other.source.write_text("LIMITS = 1\n")
    write(other, start)
    # One that this user's relive knows of would be one that was moved.
    data = other.log.read_bytes().replace(b"LIMITS = 2", b"LIMITS = 3")
    project.log.write_bytes(data)
    project.log.chmod(0o600)


PLANTS = [forge, write_as_another_user, add_a_name, let_the_group_write, let_everybody_write]
Plant = Callable[[Project, Start], None]


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_log_is_shown_and_not_run(project: Project, start: Start, plant: Plant) -> None:
    plant(project, start)
    before = project.log.read_bytes()
    found = start(project.home).read(project.source)
    assert {transaction["signed"] for transaction in found["transactions"]} == {"no"}
    assert len(found["transactions"]) == 2

    number = str(next(record["seq"] for record in found["records"] if record["kind"] == "patch"))
    assert f"LIMITS = 2; {RUN}" in project.relive("show", "bank.py", number).stdout
    for arguments in (["log", "bank.py", "--all"], ["show", "bank.py", number], ["log", "bank.py"]):
        shown = project.relive(*arguments)
        assert shown.returncode == 0, shown
        assert "untrusted" in shown.stdout
        assert not HIDDEN.search(shown.stdout + shown.stderr), shown
    for arguments in (
        ["recover", "bank.py", "--all"],
        ["fold", "bank.py"],
        ["fold", "bank.py", "--dry-run"],
        ["undo", "bank.py", number],
        ["trust", "bank.py"],
    ):
        refused = project.relive(*arguments)
        assert refused.returncode == 3, refused
        assert "LIMITS = 2" not in project.source.read_text()
        assert not HIDDEN.search(refused.stdout + refused.stderr), refused
    assert project.source.read_text() == "LIMITS = 1\n"
    assert project.log.read_bytes() == before
    assert not [*project.directory.glob("ran")]


def test_a_log_that_is_a_link_is_not_even_read(project: Project, start: Start) -> None:
    write(project, start)
    elsewhere = project.directory / "elsewhere"
    project.log.rename(elsewhere)
    project.log.symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    found = start(project.home).read(project.source)
    assert (found["tail"], found["transactions"]) == ("foreign", [])
    for arguments in (["log", "bank.py", "--all"], ["recover", "bank.py", "--all"], ["fold", "bank.py"]):
        refused = project.relive(*arguments)
        assert refused.returncode == 6, refused
        assert "symbolic link" in refused.stderr
    assert project.source.read_text() == "LIMITS = 1\n"
    assert elsewhere.read_bytes() == before


def test_a_log_that_was_written_to_by_somebody_else_is_damaged_and_not_run(project: Project, start: Start) -> None:
    put_another_in_its_place(project, start)
    found = start(project.home).read(project.source)
    assert found["tail"] == "damaged"
    assert project.relive("fold", "bank.py").returncode == 4
    assert project.relive("log", "bank.py", "--verify").returncode == 4
    assert project.source.read_text() == "LIMITS = 1\n"


def test_a_log_signed_by_nobody_runs_after_it_was_approved_and_only_as_it_was_shown(
    project: Project, start: Start
) -> None:
    forge(project, start)
    driver = start(project.home)
    assert driver.ask("trust", path=str(project.source)) == 2
    assert {found["signed"] for found in driver.read(project.source)["transactions"]} == {"approved"}
    # The same records with another text: sealed again, but not what was shown.
    changed = begun().add("state tx=1 at=x target=LIMITS effect=call via=repl", f"|{RUN}")
    project.log.write_bytes(changed.add(f"commit tx=1 recs=1 mac={MAC}").data)
    assert {found["signed"] for found in driver.read(project.source)["transactions"]} == {"no"}
