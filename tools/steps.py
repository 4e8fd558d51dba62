"""Commands run one after the other: one line each, the output only of the one that fails, the tests counted."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]


class StepFailedError(Exception):
    """A step ended with an error; its output has been printed."""


@dataclass(frozen=True)
class Tally:
    """How many tests passed and failed; an error outside of a test counts as a failure."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.passed + other.passed, self.failed + other.failed)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


class Steps:
    """Runs steps in a directory and sums up the tests that they ran."""

    def __init__(self, directory: Path, *, verbose: bool = False, keep_going: bool = False) -> None:
        self.tally = Tally()
        self._directory = directory
        self._verbose = verbose
        self._keep_going = keep_going

    def check(self, title: str, command: Command, environment: Mapping[str, str] | None = None) -> None:
        """Run a step on which no other depends: where `Steps` keeps going, a failure is only counted."""
        try:
            self.run(title, command, environment)
        except StepFailedError:
            if not self._keep_going:
                raise

    def run(self, title: str, command: Command, environment: Mapping[str, str] | None = None) -> None:
        """Run a command with additions to the environment, and print its title and time.

        Raises `StepFailedError` for an exit code other than 0.
        """
        print(f"{title:<44}", end="\n" if self._verbose else "", flush=True)
        started = time.perf_counter()
        code, output = self._execute([os.fspath(part) for part in command], environment or {})
        seconds = time.perf_counter() - started
        tally = count_tests(output)
        self.tally += tally
        told = f"{seconds:7.1f} s" + (f"   {tally}" if tally != Tally() else "")
        if code == 0:
            print(told, flush=True)
            return
        # A check that is no test, or a test run that never came to its summary, must not look like a success.
        if tally.failed == 0:
            self.tally += Tally(failed=1)
        print(f"{told}   FAILED with exit code {code}")
        if not self._verbose:
            sys.stdout.write(output)
        print(f"failed: {title}: {' '.join(os.fspath(part) for part in command)}", flush=True)
        raise StepFailedError(title)

    def _execute(self, command: list[str], environment: Mapping[str, str]) -> tuple[int, str]:
        lines: list[str] = []
        with subprocess.Popen(
            command,
            cwd=self._directory,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                if self._verbose:
                    sys.stdout.write(line)
                    sys.stdout.flush()
        return process.returncode, "".join(lines)


_CARGO_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed", re.MULTILINE)
_PYTEST_RESULT = re.compile(r"^=*\s*((?:\d+ \w+,? )+)in [\d.]+s\b.*$", re.MULTILINE)
_PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?)\b")


def count_tests(output: str) -> Tally:
    """Read the closing lines of ``cargo test`` and pytest in the output of a step."""
    tally = Tally()
    for passed, failed in _CARGO_RESULT.findall(output):
        tally += Tally(int(passed), int(failed))
    for line in _PYTEST_RESULT.findall(output):
        for number, outcome in _PYTEST_COUNT.findall(line):
            tally += Tally(passed=int(number)) if outcome == "passed" else Tally(failed=int(number))
    return tally
