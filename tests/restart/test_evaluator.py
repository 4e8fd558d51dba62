"""On CPython 3.11 relive evaluates frames while holding is on, as other tools do: each leaves the others alone."""

import ctypes
import mmap
import platform
import sys
from collections.abc import Iterator

import pytest
from tests.conftest import Live

import relive

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 12), reason="relive evaluates no frames there")

DOWN = "def down(n, act):\n    return down(n - 1, act) if n else act()\n"


class Evaluators:
    """Who evaluates frames: CPython, or one of a tool's that does the same."""

    def __init__(self) -> None:
        api = ctypes.pythonapi
        self._get, self._set = api._PyInterpreterState_GetEvalFrameFunc, api._PyInterpreterState_SetEvalFrameFunc
        self._get.restype, self._get.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        self._set.restype, self._set.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p]
        api.PyInterpreterState_Get.restype = ctypes.c_void_p
        self._interpreter = api.PyInterpreterState_Get()
        self.python = ctypes.cast(api._PyEval_EvalFrameDefault, ctypes.c_void_p).value
        # A function that jumps to CPython's.
        address = ctypes.c_uint64(self.python)
        code = {
            "x86_64": b"\x48\xb8" + bytes(address) + b"\xff\xe0",
            "aarch64": b"\x50\x00\x00\x58\x00\x02\x1f\xd6" + bytes(address),
        }[platform.machine()]
        self._page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._page.write(code)
        self.tool = ctypes.addressof(ctypes.c_char.from_buffer(self._page))

    def now(self) -> int:
        return self._get(self._interpreter)

    def set(self, evaluator: int) -> None:
        self._set(self._interpreter, evaluator)


@pytest.fixture
def evaluators() -> Iterator[Evaluators]:
    evaluators = Evaluators()
    yield evaluators
    evaluators.set(evaluators.python)


def hold(live: Live, hold: bool) -> None:
    relive.start(live.directory, auto=False, hold=hold)


def test_holding_that_ends_deep_in_a_recursion_has_ended(live: Live, evaluators: Evaluators) -> None:
    """Frames nested deep are left to CPython; what comes back from there once set ours again in any case."""
    module = live.load("module", DOWN)
    assert evaluators.now() != evaluators.python
    module.down(300, lambda: hold(live, False))
    assert evaluators.now() == evaluators.python
    hold(live, True)
    module.down(300, live.session.stop)
    assert evaluators.now() == evaluators.python


def test_the_evaluator_of_a_tool_that_came_later_stays(live: Live, evaluators: Evaluators) -> None:
    module = live.load("module", DOWN)
    module.down(300, lambda: evaluators.set(evaluators.tool))
    assert evaluators.now() == evaluators.tool
    hold(live, False)
    assert evaluators.now() == evaluators.tool
    live.session.stop()
    assert evaluators.now() == evaluators.tool


def test_the_evaluator_of_a_tool_that_was_there_before_comes_back(live: Live, evaluators: Evaluators) -> None:
    hold(live, False)
    evaluators.set(evaluators.tool)
    hold(live, True)
    assert evaluators.now() != evaluators.tool
    module = live.load("module", DOWN)
    assert module.down(300, lambda: evaluators.now()) == evaluators.tool
    live.session.stop()
    assert evaluators.now() == evaluators.tool
