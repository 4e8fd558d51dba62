"""Programs on a terminal in which a call fails."""

from collections.abc import Callable

import pytest
from tests.conftest import Terminal
from tests.run.conftest import Place, place

__all__ = ["place"]

Run = Callable[..., Terminal]


@pytest.fixture
def run(place: Place, open_terminal: Callable[..., Terminal]) -> Run:
    """Run a program of the place by ``relive run`` on a terminal, where holding needs no asking."""

    def run(*words: str, **environment: str) -> Terminal:
        variables = place.environment | {"TERM": "dumb"} | environment
        return open_terminal([place.command, "run", *words], variables, place.directory)

    return run
