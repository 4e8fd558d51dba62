"""Runs seeds in two processes at once, each with a bench of its own."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from .generator import sequence
from .harness import Bench, run, story
from .shrink import shrink

SHRINK_SECONDS = 20
SHRUNK_FAILURES = 3

Outcome = tuple[Counter[str], str]


class _Worker:
    """What a process of the pool keeps from seed to seed."""

    bench: Bench | None = None
    failures = 0


def examine(seed: int, engine: str) -> Outcome:
    """Run a seed; return its tally and the story of its failure, or an empty one. The first few are made small."""
    _Worker.bench = _Worker.bench or Bench(engine)
    done = run(sequence(seed), _Worker.bench)
    if not done.silent:
        return done.tally(), ""
    _Worker.failures += 1
    seconds = SHRINK_SECONDS if _Worker.failures <= SHRUNK_FAILURES else 0
    return done.tally(), story(shrink(done, _Worker.bench, seconds))


@contextmanager
def outcomes(seeds: range, engine: str = "relive") -> Iterator[dict[int, Future[Outcome]]]:
    """Run the seeds in the background, and give their outcomes as they are asked for."""
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            yield {seed: pool.submit(examine, seed, engine) for seed in seeds}
        finally:
            pool.shutdown(cancel_futures=True)
