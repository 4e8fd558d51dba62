"""The votes, kept in memory."""

from collections import Counter
from threading import Lock


class Ballot:
    """Who has how many votes; any thread may add to it."""

    def __init__(self):
        self._lock = Lock()
        self._votes = Counter()

    def add(self, dish):
        """Count a vote."""
        with self._lock:
            self._votes[normal(dish)] += 1

    def counts(self):
        """Return the votes of every dish, most first."""
        with self._lock:
            return Counter(dict(self._votes.most_common()))

    def leader(self):
        """Return the dish with the most votes; None before the first."""
        return next(iter(self.counts()), None)


def normal(dish):
    """Return the name under which votes for a dish are counted."""
    return dish.strip()


BALLOT = Ballot()
