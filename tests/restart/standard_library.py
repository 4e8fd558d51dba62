"""Runs a test file of CPython's own in an interpreter of its own: plainly, or with what it tests live.

``python standard_library.py RESULT plain|live|anew TEST ROOT…`` writes to the file RESULT, as JSON, what came of each
test and of how many live functions calls are relive's. With ``anew``, each function begins anew at its first call.
"""

import ctypes
import gc
import importlib
import io
import json
import sys
import types
import unittest
from typing import Any

import relive
from relive._restart import SUSPENDS

OPTIMISED, NEWLOCALS = 0x1, 0x2


class Outcomes(unittest.TextTestResult):
    """What came of each test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.of: dict[str, str] = {}

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.of.setdefault(test.id(), "passed")

    def addFailure(self, test: unittest.TestCase, error: Any) -> None:  # noqa: N802
        super().addFailure(test, error)
        self.of[test.id()] = "failed"

    addError = addFailure  # noqa: N815

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, error: Any) -> None:  # noqa: N802
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.of[test.id()] = "failed"

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        self.of[test.id()] = "skipped"

    def addExpectedFailure(self, test: unittest.TestCase, error: Any) -> None:  # noqa: N802
        self.of[test.id()] = "failed as expected"

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        self.of[test.id()] = "passed unexpectedly"


def is_ours(code: types.CodeType) -> bool:
    """Whether calls of a function with this code should be ones that can begin anew."""
    is_function = code.co_flags & (OPTIMISED | NEWLOCALS | SUSPENDS) == OPTIMISED | NEWLOCALS
    return is_function and relive.session()._engine.has_code(code)


def armed() -> tuple[int, list[str]]:
    """Of how many live functions calls are relive's, asked of CPython; and the names of those of which they are not."""
    live = [it for it in gc.get_objects() if type(it) is types.FunctionType and is_ours(it.__code__)]
    api = ctypes.pythonapi
    if sys.version_info < (3, 12):
        evaluator = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(("_PyInterpreterState_GetEvalFrameFunc", api))
        interpreter = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyInterpreterState_Get", api))()
        plain = ctypes.cast(api._PyEval_EvalFrameDefault, ctypes.c_void_p).value
        return (len(live), []) if evaluator(interpreter) != plain else (0, [it.__qualname__ for it in live])
    call_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(("PyVectorcall_Function", api))
    plain = call_of(armed)
    unarmed = [it for it in live if call_of(it) == plain]
    stepped_aside = relive.session()._engine.has_stepped_aside
    return len(live) - len(unarmed), [it.__qualname__ for it in unarmed if not stepped_aside(it.__code__)]


begun: set[types.CodeType] = set()


def called(frame: types.FrameType) -> None:
    """Have a live function begin anew at its first call, before it has done anything."""
    code = frame.f_code
    if code not in begun and is_ours(code):
        begun.add(code)
        relive.restart(frame)


def watch_calls() -> None:
    """Have each call of a function reported to `called`."""
    if sys.version_info < (3, 12):
        # An exception takes it away: one function begins anew in each test.
        sys.setprofile(lambda frame, event, _: called(frame) if event == "call" else None)
    elif sys.monitoring.get_tool(4) is None:

        def start(*_: Any) -> Any:
            called(sys._getframe(1))
            return sys.monitoring.DISABLE

        sys.monitoring.use_tool_id(4, "standard_library")
        sys.monitoring.register_callback(4, sys.monitoring.events.PY_START, start)
        sys.monitoring.set_events(4, sys.monitoring.events.PY_START)


class Anew(Outcomes):
    """Has functions begin anew besides."""

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().startTest(test)
        watch_calls()


def main(result: str, kind: str, test: str, *roots: str) -> None:
    if kind != "plain":
        session = relive.start(*roots, f"test.{test}", auto=False)
        # Later versions keep calls of functions anyway. Holding would wait: nobody is there to decide.
        session._engine.keep_calls(sys.version_info < (3, 12))
    module = importlib.import_module(f"test.{test}")
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    stream = io.StringIO()
    outcomes = unittest.TextTestRunner(stream, resultclass=Anew if kind == "anew" else Outcomes).run(suite)
    found = {"outcomes": outcomes.of, "told": stream.getvalue(), "begun": len(begun)}
    if kind != "plain":
        found["armed"], found["unarmed"] = armed()
    with open(result, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
