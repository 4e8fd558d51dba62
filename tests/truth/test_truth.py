"""After any sequence of edits the live program equals a freshly imported one, except where a report says otherwise.

``RELIVE_TRUTH_SEEDS`` sets how many sequences run (5,000 for a long night), ``RELIVE_TRUTH_START`` the first seed.
``python -m tests.truth SEED`` runs one and tells its story.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from .generator import sequence
from .harness import TALLIED, Bench, Run, run, story
from .shrink import shrink

FIRST_SEED = int(os.environ.get("RELIVE_TRUTH_START", "0"))
SEEDS = int(os.environ.get("RELIVE_TRUTH_SEEDS", "60"))
SHRINK_SECONDS = 20
SHRUNK_FAILURES = 3


# Sequences that end in a difference which no report names: each is a bug to be mended. A seed that comes out right
# again fails until it is taken off the list.
KNOWN_SILENT = {
    0: "a registration with singledispatch that was duplicated and undone: the registry keeps the other definition",
    9: "a function moved to another module: what was taken before is another object than the new one",
}
if sys.version_info < (3, 12):
    KNOWN_SILENT[27] = "a rename in two modules that is refused as a whole: line numbers of a class in the second"


class Tally:
    """The bench that all sequences share, and how their units came out."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.counts: Counter[str] = Counter()
        self.failures = 0
        self.known: set[int] = set()

    def told(self, failed: Run) -> str:
        """Return the story of a failure; the first few are made small, which takes time."""
        self.failures += 1
        return story(shrink(failed, self.bench, SHRINK_SECONDS if self.failures <= SHRUNK_FAILURES else 0))


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    made = Tally()
    yield made
    made.bench.close()
    counts = ", ".join(f"{made.counts[kind]} {kind}" for kind in TALLIED)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\ntruth: {counts}")


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_the_live_program_equals_a_fresh_one_or_the_report_says_otherwise(seed: int, tally: Tally) -> None:
    done = run(sequence(seed), tally.bench)
    tally.counts.update(done.tally())
    if done.silent and seed not in KNOWN_SILENT:
        pytest.fail(tally.told(done), pytrace=False)
    tally.known.update({seed} if done.silent else ())


def test_the_list_of_known_silent_differences_is_true(tally: Tally) -> None:
    """A known difference that is gone has to leave the list."""
    assert {seed for seed in KNOWN_SILENT if FIRST_SEED <= seed < FIRST_SEED + SEEDS} == tally.known


def test_the_harness_sees_what_importlib_reload_leaves_behind() -> None:
    """A harness that never fails proves nothing: plain reloading must show silent differences, and small ones."""
    bench = Bench("reload")
    try:
        failing = [done for done in (run(sequence(seed), bench) for seed in range(4)) if done.silent]
        assert len(failing) >= 3
        small = shrink(failing[0], bench, seconds=5)
        assert len(small.sequence.steps) <= len(failing[0].sequence.steps)
        assert "SILENT" in story(small)
    finally:
        bench.close()
