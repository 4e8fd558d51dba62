"""Logs hold what was typed, so git is to be told of them: relive offers that, once for each repository."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.changes.test_replay import Place

HINT = "relive: bank.py.log is not ignored by git: `relive log bank.py --exclude` adds *.py.log* to .git/info/exclude\n"
PATCH = "relive.patch('bank', 'A = 1'); relive.patch('bank', 'B = 1')"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place in the working tree of a repository."""
    directory = tmp_path / "place"
    directory.mkdir()
    git(directory, "init", "--quiet")
    return Place(directory, tmp_path / "home")


def git(directory: Path, *words: str) -> str:
    """Run git, by nobody's configuration."""
    command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *words]
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


def relive(place: Place, *words: str) -> tuple[str, str, int]:
    """Run a command; what it says and its exit code."""
    command = [str(Path(sys.executable).with_name("relive")), *words]
    environment = {"RELIVE_HOME": str(place.home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=place.directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return done.stdout, done.stderr, done.returncode


def told(place: Place, program: str) -> str:
    """Return what a program says on stderr."""
    done = place.run(program, RELIVE_REPLAY="none")
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_it_is_said_once_for_each_repository(place: Place) -> None:
    (place.directory / "shop.py").write_text("X = 1\n")
    assert told(place, f"{PATCH}; import shop; relive.patch('shop', 'A = 1')") == HINT
    (place.directory / "bank.py.log").unlink()
    assert told(place, PATCH) == ""


def test_the_command_has_git_ignore_the_logs(place: Place) -> None:
    told(place, PATCH)
    assert "bank.py.log" in git(place.directory, "status", "--porcelain")
    said = "*.py.log* is in .git/info/exclude now: git ignores change logs, for you alone\n"
    assert relive(place, "log", "bank.py", "--exclude") == (said, "", 0)
    (place.directory / "bank.py.log.torn").touch()
    assert ".log" not in git(place.directory, "status", "--porcelain")
    before = (place.directory / ".git/info/exclude").read_text()
    assert before.endswith("\n*.py.log*\n")
    assert relive(place, "log", "bank.py.log", "--exclude") == ("git ignores bank.py.log already\n", "", 0)
    assert (place.directory / ".git/info/exclude").read_text() == before


def test_nothing_is_said_where_git_does_not_see_the_log(place: Place, tmp_path: Path) -> None:
    (place.directory / ".gitignore").write_text("*.log\n")
    assert told(place, PATCH) == ""
    (tmp_path / "outside").mkdir()
    outside = Place(tmp_path / "outside", tmp_path / "home")
    assert told(outside, PATCH) == ""
    assert relive(outside, "log", "bank.py", "--exclude") == ("", "relive: bank.py is in no working tree of git\n", 1)


def test_a_working_tree_that_was_added_shares_its_patterns(place: Place, tmp_path: Path) -> None:
    git(place.directory, "add", "bank.py")
    git(place.directory, "commit", "--quiet", "--message", "bank")
    git(place.directory, "worktree", "add", "--quiet", "../other")
    other = Place(tmp_path / "other", tmp_path / "home")
    shared = place.directory / ".git/info/exclude"
    assert told(other, PATCH) == HINT.replace(".git/info/exclude", str(shared))
    assert relive(other, "log", "bank.py", "--exclude")[2] == 0
    assert shared.read_text().endswith("*.py.log*\n")
    assert git(other.directory, "status", "--porcelain") == ""
    # It is one repository, so nothing is said of it again.
    assert told(place, PATCH) == ""


def test_a_gitignore_that_says_otherwise_is_named(place: Place) -> None:
    (place.directory / ".gitignore").write_text("!*.log\n")
    out, problem, code = relive(place, "log", "bank.py", "--exclude")
    assert (out, code) == ("", 1)
    assert "a .gitignore says otherwise of bank.py.log" in problem
