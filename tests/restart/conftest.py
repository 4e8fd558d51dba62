"""Sessions in which calls can begin anew on every version."""

import pytest
from tests.conftest import Live

import relive


@pytest.fixture
def live(live: Live) -> Live:
    """A session as elsewhere, which keeps calls."""
    relive.start(live.directory, auto=False, hold=True)
    return live
