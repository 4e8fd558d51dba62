"""Sessions in which calls can begin anew on every version."""

import sys
from collections.abc import Callable
from importlib.util import find_spec

import pytest
from tests.conftest import Live
from tests.run.conftest import Place, Running
from tests.run.conftest import place as place  # the fixture

# Not every Python comes with its own tests.
collect_ignore = [] if find_spec("test.test_json") else ["test_standard_library.py"]


@pytest.fixture
def live(live: Live) -> Live:
    """A session as elsewhere, which keeps calls."""
    live.session._engine.keep_calls(True)
    return live


@pytest.fixture
def begin(place: Place) -> Callable[..., Running]:
    """Run a program whose module ``app`` is live and has this text, and wait until it says that it is ready."""

    def begin(text: str) -> Running:
        place.write("app.py", text)
        place.write("main.py", "import relive\nrelive.start(hold=True)\nimport app\napp.main()\n")
        running = place.begin(sys.executable, "main.py")
        running.out.until("ready")
        return running

    return begin
