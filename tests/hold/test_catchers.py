"""Whether somebody above catches an exception is known before it is on its way: it is held if nobody does.

What is expected is not only written down: each shape of code is run as well, to see what comes out of it.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.conftest import Live

EXPECTED = ("ends", "leaves", "late", "wrapped", "never")
SHAPES = Path(__file__).with_name("catchers.py")


class Held:
    """What is held, each with the name of the function whose call that was. All of it goes on."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.functions: list[str | None] = []

    def __call__(self, error: BaseException, caller: FrameType) -> None:
        entry = error.__traceback__
        self.errors.append(error)
        self.functions.append(entry and entry.tb_frame.f_code.co_name)


# Some leave a `finally`, which CPython 3.14 warns of.
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_who_catches(live: Live) -> None:
    shapes = live.load("shapes", SHAPES.read_text())
    names = [name for name in vars(shapes) if name.rpartition("_")[2] in EXPECTED]
    assert len(names) > 100
    wrong = []
    for name in names:
        held = Held()
        live.session._engine.hold("uncaught", held)
        raised = outcome(getattr(shapes, name))
        live.session._engine.hold("off")
        if problem := compare(name.rpartition("_")[2], held, raised):
            wrong.append(f"{name}: {problem}")
    assert not wrong


def outcome(function: Callable[[], Any]) -> list[BaseException]:
    """Run a function in a thread, where nobody catches anything; what has come out of it."""
    raised: list[BaseException] = []
    before = threading.excepthook
    threading.excepthook = lambda arguments: raised.append(arguments.exc_value)  # type: ignore[arg-type]
    try:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()
    finally:
        threading.excepthook = before
    return raised


def compare(expected: str, held: Held, raised: list[BaseException]) -> str | None:
    """Say what is wrong with what was held, if anything is."""
    if expected == "never":
        return f"held {held.errors}" if held.errors else None
    if bool(raised) != (expected != "ends"):
        return f"says that it {expected}, and raised {raised}"
    if expected == "wrapped":
        raised = [part for group in raised if isinstance(group, ExceptionGroup) for part in group.exceptions]
        if held.errors[:1] != raised:
            return f"raised {raised} in a group, held {held.errors} in {held.functions}"
    elif held.errors != raised:
        return f"raised {raised}, held {held.errors} in {held.functions}"
    is_at_once = bool(held.functions) and held.functions[0] in ("fail", "fail_with_group")
    if raised and is_at_once != (expected != "late"):
        return f"held in {held.functions}"
    return None
