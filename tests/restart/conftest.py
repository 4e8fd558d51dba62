"""Sessions in which calls can begin anew on every version."""

from importlib.util import find_spec

import pytest
from tests.conftest import Live

# Not every Python comes with its own tests.
collect_ignore = [] if find_spec("test.test_json") else ["test_standard_library.py"]


@pytest.fixture
def live(live: Live) -> Live:
    """A session as elsewhere, which keeps calls."""
    live.session._engine.keep_calls(True)
    return live
