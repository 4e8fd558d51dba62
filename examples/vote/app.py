"""A vote over HTTP: see README.md beside this file."""

import sys

import crowd
from ballot import BALLOT
from flask import Flask

TITLE = "Lunch"

app = Flask(__name__)


@app.get("/")
def results():
    """Return how the vote stands."""
    return {"title": TITLE, "votes": BALLOT.counts(), "leader": BALLOT.leader()}


@app.post("/votes/<dish>")
def vote(dish):
    """Vote for a dish, on the list or not."""
    BALLOT.add(dish)
    return {"votes": BALLOT.counts()[dish]}


if __name__ == "__main__":
    crowd.start(BALLOT)
    app.run(port=int(sys.argv[1]) if len(sys.argv) > 1 else 8000)
