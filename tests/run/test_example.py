"""The web service in examples/vote, driven from outside: real requests while its files are edited on disk."""

import json
import os
import re
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


class Service:
    """The running service, and the directory of its source files."""

    def __init__(self, place, running):
        self.place = place
        self.running = running
        self.address = re.search(r"http://[\d.:]+", running.err.until("Running on http://")).group()

    def get(self):
        """Return the results."""
        with urllib.request.urlopen(self.address + "/", timeout=30) as answer:
            return json.load(answer)

    def vote(self, dish):
        """Vote and return the dish's votes."""
        request = urllib.request.Request(f"{self.address}/votes/{dish}", method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["votes"]

    def edit(self, file, old, new, told):
        """Edit a file and return what is said of it on stderr, among the lines of the server's own."""
        self.place.edit(file, old, new)
        while not (line := self.running.err.until(told)).startswith("relive: "):
            pass
        return line


@pytest.fixture
def service(place):
    shutil.copytree(EXAMPLES / "vote", place.directory, dirs_exist_ok=True)
    # Flask's own dependencies have warnings of their own.
    place.environment["PYTHONWARNINGS"] = "default"
    return Service(place, place.start("run", "app.py", "0"))


def test_vote(service):
    """edits of a response, a helper, a constant and an import, a mistake and a failing statement: no vote is lost"""
    assert service.get()["title"] == "Lunch"
    assert [service.vote("Pizza") for _ in range(3)] == [1, 2, 3]

    # A field more in a response.
    line = service.edit(
        "app.py", '"leader": BALLOT.leader()', '"leader": BALLOT.leader(), "pid": os.getpid()', "results"
    )
    assert line.startswith("relive: app.py: __main__:results (body changed) live in ")
    with pytest.raises(urllib.error.HTTPError, match="500") as failed:
        service.get()
    failed.value.close()

    # The import that it needs, and another title.
    service.edit("app.py", "import sys", "import os\nimport sys", "__main__:os")
    assert service.get()["pid"] == service.running.process.pid
    service.edit("app.py", 'TITLE = "Lunch"', 'TITLE = "Dinner"', "__main__:TITLE (changed) live")
    results = service.get()
    assert results["title"] == "Dinner"
    assert results["votes"]["Pizza"] == 3

    # A helper in another module.
    line = service.edit("ballot.py", "return dish.strip()", "return dish.strip().lower()", "ballot:normal")
    assert line.startswith("relive: ballot.py: ballot:normal (body changed) live in ")
    service.vote("Pizza")
    assert service.get()["votes"]["pizza"] == 1
    assert service.get()["votes"]["Pizza"] == 3

    # The crowd, in the midst of its loop.
    service.edit("crowd.py", "return random.choice(DISHES)", 'return "pizza"', "crowd:choice")
    before = service.get()["votes"]
    for _ in service.place.deadline():
        now = service.get()["votes"]
        if now["pizza"] >= 5:
            break
    assert {dish: votes for dish, votes in now.items() if dish != "pizza"} == {
        dish: votes for dish, votes in before.items() if dish != "pizza"
    }

    # A mistake, and its correction.
    line = service.edit("ballot.py", "return dish.strip().lower()", "return dish.strip(.lower()", "syntax error")
    assert line.startswith("relive: ballot.py:")
    assert service.get()["leader"] is not None
    service.edit(
        "ballot.py", "return dish.strip(.lower()", "return dish.strip().upper()", "ballot:normal (body changed)"
    )

    # A statement that fails: what came with it is not applied either.
    line = service.edit("app.py", "TITLE = ", "assert BALLOT.leader() is None\nTITLE = ", "not applied: AssertionError")
    assert line.startswith("relive: app.py:")
    # A route in a service that has answered is what Flask itself does not allow.
    service.place.edit("app.py", "assert BALLOT.leader() is None\n", "")
    line = service.edit(
        "app.py",
        "if __name__",
        '@app.get("/again")\ndef again():\n    return "again"\n\n\nif __name__',
        "AssertionError",
    )
    assert "The setup method 'get' can no longer be called" in line

    votes = service.get()["votes"]
    assert votes["Pizza"] == 3
    assert votes["pizza"] >= 5
    (session,) = json.loads(service.place.relive("status", "--json").stdout)["sessions"]
    assert session["pid"] == service.running.process.pid
    assert session["version"] >= 6
    versions = {module["name"]: module["version"] for module in session["modules"]}
    assert set(versions) == {"__main__", "ballot", "crowd"}
    assert all(versions.values())
    service.running.process.send_signal(signal.SIGINT)
    assert service.running.end() in (0, -signal.SIGINT)


def test_orbit(place):
    """the planet stays where it is while its laws change"""
    shutil.copy(EXAMPLES / "orbit.py", place.directory)
    running = place.start("run", "orbit.py")
    assert "* " in running.out.next()
    place.edit("orbit.py", 'STAR = "*"', 'STAR = "@"')
    running.err.until("__main__:STAR (changed) live")
    running.out.until("@")
    place.edit("orbit.py", "away", "km")
    running.err.until("__main__:draw (body changed) live")
    line = running.out.until("km")
    assert "@" in line or "o" in line
    assert float(line.split()[-2]) != 20.0
    os.kill(running.process.pid, signal.SIGKILL)
    running.end()
