"""Sessions in which calls can begin anew on every version."""

import pytest
from tests.conftest import Live


@pytest.fixture
def live(live: Live) -> Live:
    """A session as elsewhere, which keeps calls."""
    live.session._engine.keep_calls(True)
    return live
