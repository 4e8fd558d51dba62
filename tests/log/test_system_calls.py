"""System calls of the real program that fail, under strace; run where RELIVE_STRACE is set (`tools/test --long` does).

Without strace, crates/relive_log/tests/log/failure.rs shows the same through `Storage`, for every call.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Driver, Start, state

Strace = Callable[..., Driver]


@pytest.fixture
def strace(start: Start, tmp_path: Path) -> Strace:
    """A driver under strace, with options of strace."""

    def run(*options: str) -> Driver:
        return start(within=("strace", "-qq", "-f", "-o", str(tmp_path / "trace"), *options))

    return run


FAILURES = ["write:error=ENOSPC", "write:error=EIO", "fdatasync:error=EIO", "fsync:error=EIO", "renameat2:error=EACCES"]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("when", range(1, 6))
def test_a_call_that_fails_refuses_one_change_and_no_other(
    strace: Strace, start: Start, tmp_path: Path, failure: str, when: int
) -> None:
    log = tmp_path / "bank.py.log"
    call = failure.partition(":")[0]
    # The key and what was created are elsewhere; each other call is about the log.
    paths = [f"--trace-path={log}"] if call in ("write", "fdatasync") else []
    driver = strace(*paths, f"--trace={call}", f"--inject={failure}:when={when}")
    driver.open(tmp_path / "bank.py")
    acknowledged, refused = [], []
    for number in range(6):
        driver.request("append", name="log", drafts=[state(f"x = {number}")])
        answer = driver.answer()
        if "error" in answer:
            assert "the change is not made" in answer["error"]
            refused.append(number)
        else:
            acknowledged.append(number)
    injected = (tmp_path / "trace").read_text().count("(INJECTED)")
    assert len(refused) <= injected <= 1
    assert injected or call in ("fsync", "renameat2")
    driver.kill()
    found = start().read(tmp_path / "bank.py")
    assert found["tail"] == "clean"
    texts = [record["texts"] for record in found["records"] if record["kind"] == "state"]
    counting = [transaction for transaction in found["transactions"] if transaction["fate"] != "refused"]
    assert texts == [[["|", f"x = {number}"]] for number in acknowledged]
    assert len(counting) == len(acknowledged)


@pytest.mark.parametrize("call", ["write", "fdatasync", "pwrite64", "fsync", "renameat2", "openat", "flock"])
@pytest.mark.parametrize("when", range(1, 7))
def test_a_process_killed_at_any_call_loses_nothing(
    strace: Strace, start: Start, tmp_path: Path, call: str, when: int
) -> None:
    driver = strace(f"--trace={call}", f"--inject={call}:signal=KILL:when={when}")
    acknowledged = 0
    try:
        driver.request("open", name="log", source=str(tmp_path / "bank.py"), session="9be1")
        for number in range(4):
            driver.request("append", name="log", drafts=[state(f"x = {number}")])
        while (answer := driver.answer()) is not None:
            acknowledged += "tx" in answer
            if acknowledged == 4:
                break
    except BrokenPipeError:
        pass
    driver.end()
    other = start()
    found = other.open(tmp_path / "bank.py")["read"]
    assert found["tail"] in ("clean", "missing")
    assert acknowledged <= len(found["transactions"]) <= acknowledged + 1
    other.append(state("x = 5"))


def test_a_change_is_acknowledged_after_it_is_on_the_disk_and_not_before(strace: Strace, tmp_path: Path) -> None:
    driver = strace("--trace=write,fdatasync,fsync", "--decode-fds=path")
    driver.open(tmp_path / "bank.py")
    for number in range(3):
        driver.append(state(f"x = {number}"))
    driver.end()
    calls = []
    for line in (tmp_path / "trace").read_text().splitlines():
        if found := re.search(
            rf"(write|fdatasync|fsync)\((\d+)<({re.escape(str(tmp_path))}(?:/bank.py.log)?|pipe:.*?)>", line
        ):
            what = "answer" if found[2] == "1" else "directory" if found[1] == "fsync" else "log"
            calls.append(f"{found[1]} {what}")
    change = ["write log", "fdatasync log", "write answer"]
    assert calls == ["write answer", *change[:2], "fsync directory", *change[2:], *change, *change]
