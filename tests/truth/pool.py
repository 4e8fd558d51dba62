"""Runs seeds in two processes at once, each with a bench of its own; ``python -m tests.truth.pool ENGINE`` is one.

Requests are seeds and answers are outcomes, as JSON, one a line.
"""

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .fresh import write_line
from .generator import sequence
from .harness import Bench, Process, run, story
from .shrink import shrink

SHRINK_SECONDS = 20
SHRUNK_FAILURES = 3


@dataclass
class Outcome:
    """How a seed came out: its tally, and the story of its failure, or an empty one."""

    tally: dict[str, int]
    failure: str


@contextmanager
def outcomes(seeds: range, engine: str = "relive") -> Iterator[dict[int, Future[Outcome]]]:
    """Run the seeds in the background, and give their outcomes as they are asked for."""
    own = threading.local()
    workers: list[Process] = []

    def start() -> None:
        own.worker = Process("tests.truth.pool", engine)
        workers.append(own.worker)

    def examine(seed: int) -> Outcome:
        return Outcome(**own.worker.ask({"seed": seed}))

    with ThreadPoolExecutor(min(2, os.cpu_count() or 1), initializer=start) as pool:
        try:
            yield {seed: pool.submit(examine, seed) for seed in seeds}
        finally:
            pool.shutdown(cancel_futures=True)
            for worker in workers:
                worker.close()


def main() -> None:
    """Answer requests until standard input ends. The first few failures are made small, which takes time."""
    bench = Bench(sys.argv[1])
    failures = 0
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        for line in sys.stdin.buffer:
            request: dict[str, Any] = json.loads(line)
            done = run(sequence(request["seed"]), bench)
            failure = ""
            if done.silent:
                failures += 1
                failure = story(shrink(done, bench, SHRINK_SECONDS if failures <= SHRUNK_FAILURES else 0))
            write_line(answers, {"tally": done.tally(), "failure": failure})
    bench.close()


if __name__ == "__main__":
    main()
