"""Where calls that can begin anew would cost too much, they step aside."""

import ctypes
import sys

import pytest
from tests.conftest import Live

import relive

DEEP = """
import relive

begun = []


def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def once():
    begun.append(1)
    if len(begun) == 1:
        relive.restart()
    return len(begun)


class Tree:
    def __init__(self, depth):
        self.child = Tree(depth - 1) if depth else None

    def length(self):
        return 1 + self.child.length() if self.child is not None else 1
"""


def test_recursion_goes_as_deep_as_ever(live: Live) -> None:
    deep = live.load("deep", DEEP)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(30_000)
    try:
        assert deep.down(25_000) == 25_000
        assert deep.even(25_000)
        # Not by way of C, where plain Python stops early, too.
        assert deep.Tree(150).length() == 151
    finally:
        sys.setrecursionlimit(limit)
    assert deep.once() == 2
    # All of them are back.
    assert deep.down(90) == 90
    with pytest.raises(RecursionError):
        deep.down(2_000)


HOT = """
import relive

restarts = 0


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def small(again):
    global restarts
    if again and not restarts:
        restarts += 1
        relive.restart("small")
    return 1


def caller():
    for _ in range(400_000):
        small(False)
    return small(True)


def outer():
    global restarts
    if restarts:
        return "once more"
    for _ in range(400_000):
        small(False)
    restarts = 1
    relive.restart("outer")
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="every frame is evaluated by relive, or none")
def test_what_is_called_very_often_is_called_plainly(live: Live) -> None:
    hot = live.load("hot", HOT)
    assert hot.fib(25) == 75_025
    with pytest.raises(relive.ReliveError, match="small is called so often that its calls are not kept"):
        hot.caller()
    hot.restarts = 0
    assert hot.outer() == "once more"
    live.edit("hot.py", "return 1\n", "return 2\n", stale=[])
    hot.restarts = 0
    assert hot.small(True) == 2
    assert hot.restarts == 1


TRACES = """
class C:
    def __init__(self):
        pass


class D(C):
    pass


def f():
    return C(), D()
"""


def test_a_session_that_ends_leaves_no_trace(live: Live) -> None:
    plain = live.load("plain", TRACES)
    plain.f()
    live.session.stop()
    assert allocation(plain.C) == allocation(plain.D) == allocation(Live)
    assert [type(made) for made in plain.f()] == [plain.C, plain.D]
    assert allocation(plain.C) == allocation(Live)


def allocation(class_: type) -> int:
    """What CPython calls to allocate the instances of a class."""
    slot = ctypes.pythonapi.PyType_GetSlot
    slot.restype, slot.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_int]
    Py_tp_alloc = 47  # noqa: N806
    return slot(class_, Py_tp_alloc)
