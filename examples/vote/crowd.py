"""Voters who vote all the time, on a thread."""

import random
import threading
import time

DISHES = ("soup", "noodles", "curry")
PAUSE = 0.2


def choice():
    """Return what the next voter votes for."""
    return random.choice(DISHES)


def start(ballot):
    """Let the crowd vote until the program ends."""
    threading.Thread(target=_vote, args=(ballot,), daemon=True).start()


def _vote(ballot):
    while True:
        ballot.add(choice())
        time.sleep(PAUSE)
