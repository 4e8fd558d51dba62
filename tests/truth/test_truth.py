"""After any sequence of edits the live program equals a freshly imported one, except where a report says otherwise.

``RELIVE_TRUTH_SEEDS`` sets how many sequences run (5,000 for a long night), ``RELIVE_TRUTH_START`` the first seed.
``python -m tests.truth SEED`` runs one and tells its story.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from .generator import sequence
from .harness import TALLIED, Bench, run, story
from .pool import outcomes
from .shrink import shrink

FIRST_SEED = int(os.environ.get("RELIVE_TRUTH_START", "0"))
SEEDS = range(FIRST_SEED, FIRST_SEED + int(os.environ.get("RELIVE_TRUTH_SEEDS", "300")))


@pytest.fixture(scope="module", params=["relive", "deep"])
def outcome(request: pytest.FixtureRequest) -> Iterator[Callable[[int], str]]:
    """Tell the story of a seed that failed in one of the modes, or nothing; all of them run in the background."""
    told_of = [item.callspec.params for item in request.session.items if "outcome" in item.fixturenames]
    asked = {params["seed"] for params in told_of if params["outcome"] == request.param}
    total: Counter[str] = Counter()
    with outcomes(range(min(asked), max(asked) + 1), request.param) as futures:

        def told(seed: int) -> str:
            outcome = futures[seed].result()
            total.update(outcome.tally)
            return outcome.failure

        yield told
    counts = ", ".join(f"{total[kind]} {kind}" for kind in TALLIED)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\ntruth, {request.param}: {counts}")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_live_program_equals_a_fresh_one_or_the_report_says_otherwise(
    seed: int, outcome: Callable[[int], str]
) -> None:
    failure = outcome(seed)
    if failure:
        pytest.fail(failure, pytrace=False)


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
