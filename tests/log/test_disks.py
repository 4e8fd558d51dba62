"""A disk that is full, a limit on files, and `git clean` while the program runs."""

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Driver, RefusedError, Start, state
from .reader import read

NO_ROOM = "the change is not made, because there is no room for it in .*; free some space and make it again"
LINES = "".join(f"x{number} = {number}\n" for number in range(1000))


def append_until_refused(driver: Driver) -> int:
    """Append changes of some 10 KB; how many there was room for."""
    answers = []
    while not answers or "tx" in answers[-1]:
        assert len(answers) < 200, "there was room for everything"
        driver.request("append", name="log", drafts=[state(LINES)])
        answers.append(driver.answer())
    with pytest.raises(RefusedError, match=NO_ROOM):
        driver.append(state(LINES))
    return len(answers) - 1


def check(data: bytes, count: int) -> None:
    """All changes that were acknowledged are there, and nothing of those that were refused."""
    found = read(data)
    assert (found["tail"], len(found["transactions"])) == ("clean", count)
    changes = [record for record in found["records"] if record["kind"] == "state"]
    assert all(len(change["texts"]) == 1000 for change in changes if change["texts"] != [("|", "y = 1")])


def test_a_change_that_a_full_file_system_has_no_room_for_is_refused_and_the_next_one_works(
    start: Start, tmp_path: Path
) -> None:
    """On a tmpfs of 400 KB in a namespace of its own; `unshare` is a part of util-linux."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=400k,mode=700 tmpfs '{disk}' && head -c 100000 /dev/zero > '{disk}/filler'"
    is_permitted = shutil.which("unshare") and not subprocess.run(["unshare", "-rm", "true"], check=False).returncode
    if not is_permitted:
        # A container without user namespaces. A limit on the size of files refuses writes in the same place.
        return check_limit(start, tmp_path)
    driver = start(within=("unshare", "-rm", "sh", "-c", mount + ' && exec "$@"', "sh"))
    inside = Path(f"/proc/{driver.pid}/root")
    driver.open(disk / "bank.py")
    count = append_until_refused(driver)
    assert count > 5
    log = inside / disk.relative_to("/") / "bank.py.log"
    check(log.read_bytes(), count)
    (log.parent / "filler").unlink()
    driver.append(state("y = 1"))
    check(log.read_bytes(), count + 1)
    assert sorted(path.name for path in log.parent.iterdir()) == ["bank.py.log"]
    return None


def check_limit(start: Start, tmp_path: Path) -> None:
    """Let a driver write against a limit on the size of files, and raise it."""
    # Python ignores the signal, and so the write fails; a process that does not is killed (test_kills.py).
    driver = start(restore_signals=False)
    driver.open(tmp_path / "bank.py")
    log = tmp_path / "bank.py.log"
    driver.append(state("y = 1"))
    resource.prlimit(driver.pid, resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    count = append_until_refused(driver) + 1
    assert 1 < count < 15
    check(log.read_bytes(), count)
    resource.prlimit(driver.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    driver.append(state("y = 1"))
    check(log.read_bytes(), count + 1)


def test_a_change_that_goes_beyond_a_limit_on_files_is_refused_and_the_next_one_works(
    start: Start, tmp_path: Path
) -> None:
    check_limit(start, tmp_path)


def test_git_clean_while_the_program_runs_loses_nothing(start: Start, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "bank.py").write_text("x = 0\n")
    (project / ".gitignore").write_text("*.py.log*\n")
    git = ["git", "-C", str(project)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    driver = start()
    driver.open(project / "bank.py")
    for number in range(3):
        driver.append(state(f"x = {number}"))
    log = project / "bank.py.log"
    before = log.read_bytes()
    removed = subprocess.run([*git, "clean", "-fdX"], check=True, capture_output=True, text=True).stdout
    assert removed == "Removing bank.py.log\n"
    assert any("written anew" in notice for notice in driver.append(state("x = 3"))["notices"])
    assert log.read_bytes().startswith(before)
    driver.kill()
    found = start().open(project / "bank.py")["read"]
    assert found["tail"] == "clean"
    assert [transaction["signed"] for transaction in found["transactions"]] == ["mine"] * 4


def test_a_device_in_place_of_the_log_is_left_alone(start: Start, tmp_path: Path) -> None:
    """`bank.py.log -> /dev/full` is how somebody might try to switch the log off."""
    (tmp_path / "bank.py.log").symlink_to("/dev/full")
    driver = start()
    opened = driver.open(tmp_path / "bank.py")
    driver.append(state("x = 1"))
    assert (tmp_path / "bank.py.log").is_symlink()
    assert opened["log"].startswith(str(tmp_path / "state" / "logs"))
    assert "symbolic link" in " ".join(opened["notices"])
