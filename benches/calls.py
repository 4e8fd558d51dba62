"""What it costs that calls of live functions can begin anew: the same programs, all of them live, and plain.

Run by ``tools/bench calls``. Each program runs in pairs of processes, a live one and a plain one that take turns. What
counts is the time of the processor.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self


class Worker:
    """A process that runs a program, plain or live, whenever it is asked to."""

    def __init__(self, kind: str, name: str, directory: Path) -> None:
        command = [sys.executable, __file__, "--worker", kind, name]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "RELIVE_HOME": str(directory)}
        self._process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def seconds(self, times: int) -> float:
        """Run the program so many times."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def work(kind: str, name: str) -> None:
    """Be a worker."""
    if kind == "live":
        import relive

        sys.path.insert(0, str(Path(__file__).parent))
        # The programs themselves, and what they run on.
        session = relive.start("call_programs", auto=False, hold=False)
        # Later versions keep calls of functions anyway.
        session._engine.keep_calls(sys.version_info < (3, 12))
    import call_programs

    if kind == "live":
        for root in call_programs.roots(name):
            relive.start(root, auto=False)
    run = call_programs.workload(name)
    for times in map(int, sys.stdin):
        begin = time.process_time()
        for _ in range(times):
            run()
        print(time.process_time() - begin, flush=True)


@dataclass
class Pair:
    """What a pair of processes took, in seconds."""

    plain: float
    live: float
    first_ratio: float

    @classmethod
    def measured(cls, name: str, rounds: int, seconds: float) -> Self:
        """Let both run a program once, and then so many rounds of so many seconds."""
        with (
            tempfile.TemporaryDirectory() as directory,
            Worker("plain", name, Path(directory)) as plain,
            Worker("live", name, Path(directory)) as live,
        ):
            first = plain.seconds(1)
            first_ratio = live.seconds(1) / first
            times = max(1, round(seconds / first))
            taken = [(plain.seconds(times) / times, live.seconds(times) / times) for _ in range(rounds)]
        return cls(*(statistics.median(column) for column in zip(*taken, strict=True)), first_ratio)

    @property
    def ratio(self) -> float:
        return self.live / self.plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these programs")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of processes a program")
    parser.add_argument("--rounds", type=int, default=9, help="rounds a pair, after the first")
    parser.add_argument("--seconds", type=float, default=0.2, help="about how long a round takes")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    import call_programs

    print(f"CPython {sys.version.split()[0]}\n")
    print("| program | plain, ms | live / plain | lowest, highest | once, from cold |\n|---|---:|---:|---|---:|")
    for name in options.names or [*call_programs.SMALL, *call_programs.REAL]:
        pairs = [Pair.measured(name, options.rounds, options.seconds) for _ in range(options.pairs)]
        plain, ratio, first = (
            statistics.median(getattr(pair, field) for pair in pairs) for field in ("plain", "ratio", "first_ratio")
        )
        ratios = [pair.ratio for pair in pairs]
        print(
            f"| {name} | {plain * 1000:.1f} | {ratio:.2f} | {min(ratios):.2f}, {max(ratios):.2f} | {first:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
