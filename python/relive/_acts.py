"""What other programs ask for about the calls that this one is executing, in steps that do not wait."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from relive import _demand
from relive._errors import ReliveError

Told = tuple[str, int, dict[str, Any]]
"""A line for the user, the exit code of the command, and a JSON document."""


def _held(words: list[str], thread: int | None) -> Iterator[float | Told]:
    # Most programs never fail.
    from relive._hold import act

    return act(words, thread)


Deed = Callable[[list[str], int | None], Iterator[float | Told]]
"""What a command does, given the words after it and the number of a thread: yields how many seconds to wait before the
next step, or what to tell, once; after that it may go on."""

DEEDS: dict[str, Deed] = {"restart": _demand.restart, "held": _held}
"""By what is typed after ``relive``."""


def steps(verb: str, words: list[str], thread: int | None) -> Iterator[float | tuple[str, int, str]]:
    """Do what is asked for, on the thread that answers other programs."""
    try:
        if verb not in DEEDS:
            raise ReliveError(f"the relive of this session knows no {verb!r}; nothing was done")
        for step in DEEDS[verb](words, thread):
            if isinstance(step, float):
                yield step
            else:
                text, code, document = step
                yield text, code, json.dumps(document)
    except ReliveError as error:
        yield str(error), 1, json.dumps({"error": str(error)})
