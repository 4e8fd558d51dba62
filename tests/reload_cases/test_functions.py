"""Edited functions: who holds one calls the new version."""

import asyncio
import functools
import inspect
import sys
import threading
from queue import Queue
from textwrap import dedent
from types import ModuleType

import pytest

F = """
    def f():
        return 1
"""


def test_called_through_module_attribute(live):
    """function body edit, called through module attribute"""
    m = live.load("m", F)
    report = live.edit("m.py", "return 1", "return 2")
    assert m.f() == 2
    assert [(item.qualname, item.kind) for item in report.applied] == [("m:f", "function")]


def test_early_bound_reference(live):
    """function body edit seen by REPL `from m import f`"""
    f = live.load("m", F).f
    live.edit("m.py", "return 1", "return 2")
    assert f() == 2


def test_imported_by_another_module(live):
    """function body edit seen by `from m import f` in another (unchanged) module"""
    live.load("m", F)
    n = live.load("n", "from m import f\nfrom m import f as g\n\ndef call():\n    return f(), g()\n")
    live.edit("m.py", "return 1", "return 2")
    assert n.call() == (2, 2)


def test_stored_in_containers(live):
    """edited function already stored in list / dict / functools.partial / callback"""
    m = live.load("m", "def f(x):\n    return 1, x\n")
    n = live.load("n", "import m\nHOOKS = [m.f]\nTABLE = {'key': m.f}\n\nclass Button:\n    click = None\n")
    partial = functools.partial(m.f, "x")
    method = functools.partialmethod(m.f)
    button = n.Button()
    button.click = m.f
    live.edit("m.py", "return 1, x", "return 2, x")
    calls = [n.HOOKS[0], n.TABLE["key"], button.click, method.func]
    assert [call("x") for call in calls] + [partial()] == [(2, "x")] * 5


def test_defaults(live):
    """default and keyword-only default values edited"""
    f = live.load("m", "def f(a=1, *, b=2):\n    return a, b\n").f
    live.edit("m.py", "a=1, *, b=2", "a=10, *, b=20")
    assert f() == (10, 20)
    assert (f.__defaults__, f.__kwdefaults__) == ((10,), {"b": 20})
    live.edit("m.py", "a=10, *, b=20", "a=10, *, b")
    assert f(b=3) == (10, 3)
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument"):
        f()


def test_signature(live):
    """signature edited (parameters added and removed)"""
    f = live.load("m", "def f(a, b):\n    return a, b\n").f
    live.save("m.py", "def f(a, /, c=5, *rest, d, **others):\n    return a, c, rest, d, others\n")
    assert f(1, d=2) == (1, 5, (), 2, {})
    assert f(1, 2, 3, d=4, e=6) == (1, 2, (3,), 4, {"e": 6})
    assert str(inspect.signature(f)) == "(a, /, c=5, *rest, d, **others)"
    live.save("m.py", "def f():\n    return 'none'\n")
    assert f() == "none"
    with pytest.raises(TypeError):
        f(1, d=2)


def test_doc_and_annotations(live):
    """__doc__ and __annotations__ of an old reference updated"""
    f = live.load("m", 'def f(a: int) -> int:\n    """Old."""\n    return a\n').f
    live.save("m.py", 'def f(a: str, b: float = 1.0) -> str:\n    """New."""\n    return a\n')
    assert f.__doc__ == "New."
    assert f.__annotations__ == {"a": str, "b": float, "return": str}
    live.save("m.py", "def f(a):\n    return a\n")
    assert (f.__doc__, f.__annotations__) == (None, {})


def test_identity(live):
    """function identity preserved (m.f is the same object after the edit)"""
    m = live.load("m", F)
    f = m.f
    for version in range(2, 6):
        live.save("m.py", f"def f(x={version}):\n    return x\n")
        assert m.f is f
        assert f() == version


def test_added(live):
    """function added to the module"""
    m = live.load("m", F)
    f = m.f
    live.edit("m.py", "return 1\n", "return g()\n\ndef g():\n    return 'added'\n")
    assert f() == "added"
    assert (m.g.__module__, m.g.__qualname__, m.g.__globals__ is vars(m)) == ("m", "g", True)


def test_deleted(live):
    """function deleted from the module"""
    m = live.load("m", F + "    def g():\n        return f()\n")
    f, g = m.f, m.g
    live.save("m.py", "def g():\n    return 'alone'\n")
    assert not hasattr(m, "f")
    assert m.g is g
    assert g() == "alone"
    assert f() == 1


def test_deleted_while_imported_elsewhere(live):
    """function deleted from the module: a module that imported it still holds it, and the report says so"""
    live.load("m", F + "    def g():\n        return 2\n")
    n = live.load("n", "from m import f, g\n")
    live.save("m.py", "def g():\n    return 3\n", stale=["n:f"])
    assert n.g() == 3
    assert n.f() == 1


def test_suspended_generator(live):
    """generator function: suspended generator finishes, new generators use new code"""
    m = live.load("m", "def count():\n    yield 1\n    yield 2\n")
    generate = m.count
    suspended = generate()
    assert next(suspended) == 1
    live.save("m.py", "def count():\n    yield 10\n    yield 20\n    yield 30\n", stale=["m:count"])
    assert list(suspended) == [2]
    assert list(generate()) == [10, 20, 30]
    assert live.session.stale() == (), "a frame that has finished is not stale any more"


def test_async_function(live):
    """async function edit"""
    m = live.load("m", "async def f():\n    return 1\n\nasync def numbers():\n    yield 1\n")
    f, numbers = m.f, m.numbers

    async def run():
        return await f(), [number async for number in numbers()]

    assert asyncio.run(run()) == (1, [1])
    live.save("m.py", "async def f():\n    return 2\n\nasync def numbers():\n    yield 2\n    yield 3\n")
    assert asyncio.run(run()) == (2, [2, 3])


def test_coroutine_suspended_during_the_edit(live):
    """async function edit: a coroutine that awaits goes on with its own code, the next one has the new code"""
    m = live.load("m", "async def f(event):\n    await event.wait()\n    return 'old'\n")
    f = m.f

    async def run():
        event = asyncio.Event()
        waiting = asyncio.create_task(f(event))
        await asyncio.sleep(0)
        live.edit("m.py", "'old'", "'new'", stale=["m:f"])
        event.set()
        return await waiting, await f(event)

    assert asyncio.run(run()) == ("old", "new")


def test_long_running_loop_in_another_thread(live):
    """long-running loop in another thread picks up an edited helper on its next call"""
    m = live.load(
        "m",
        """
        def helper():
            return "old"

        def loop(ask, answers):
            while ask.get():
                answers.put(helper())
        """,
    )
    ask, answers = Queue(), Queue()
    thread = threading.Thread(target=m.loop, args=(ask, answers))
    thread.start()
    try:
        ask.put(True)
        assert answers.get(timeout=10) == "old"
        live.edit("m.py", '"old"', '"new"')
        ask.put(True)
        assert answers.get(timeout=10) == "new"
    finally:
        ask.put(False)
        thread.join(timeout=10)
    assert not thread.is_alive()


def test_running_function_is_edited(live):
    """the running function itself is edited: the frame keeps running correctly, the next call has the new code"""
    m = live.load("m", "def f(callback):\n    value = 'old'\n    callback()\n    return value, helper()\n\n")
    m.helper = lambda: "helper"
    f = m.f
    reports = []

    def save():
        live.replace("m.py", "value = 'old'\n    callback()", "callback()\n    value = 'new'")
        reports.append(live.session.update())

    assert f(save) == ("old", "helper")
    assert f(lambda: None) == ("new", "helper")
    assert not reports[0].refused
    assert {(item.qualname, item.kind) for item in reports[0].stale} <= {("m:f", "frame")}


def test_future_annotations(live):
    """`from __future__ import annotations` respected in edited function"""
    m = live.load("m", "from __future__ import annotations\n\ndef f(x: Missing):\n    return 1\n")
    f = m.f
    live.save("m.py", "from __future__ import annotations\n\ndef f(x: Missing, y: Other = 2):\n    return y\n")
    assert f(0) == 2
    assert f.__annotations__ == {"x": "Missing", "y": "Other"}


CONDITIONAL = """
    import sys

    if sys.version_info >= (3, 0):
        def chosen():
            return 1
    else:
        def chosen():
            return "never"

    try:
        import json

        def tried():
            return 1
    except ImportError:
        def tried():
            return "never"
"""


def test_inside_if_and_try(live):
    """function defined inside `if`/`try` at module level edited"""
    m = live.load("m", CONDITIONAL)
    chosen, tried = m.chosen, m.tried
    live.save("m.py", CONDITIONAL.replace("return 1", "return 2"))
    assert (chosen(), tried()) == (2, 2)
    assert (m.chosen, m.tried) == (chosen, tried)


def test_inside_the_branch_not_taken(live):
    """function defined inside `if`/`try` at module level edited: the other branch's version stays out"""
    m = live.load("m", CONDITIONAL)
    chosen, tried = m.chosen, m.tried
    edited = CONDITIONAL.replace("never", "not this time either")
    live.save("m.py", edited)
    assert (chosen(), tried()) == (1, 1)
    live.save("m.py", edited.replace("return 1", "return 2"))
    assert (chosen(), tried()) == (2, 2)
    assert (m.chosen, m.tried) == (chosen, tried)


def test_custom_attributes(live):
    """custom attributes set on a function at run time survive an edit"""
    f = live.load("m", F).f
    f.calls, f.tag = 7, ["seen"]
    tag = f.tag
    live.edit("m.py", "return 1", "return 2")
    assert (f(), f.calls) == (2, 7)
    assert f.tag is tag


def test_becomes_a_class(live):
    """function replaced by a class of the same name (kind change)"""
    live.load("m", F)
    n = live.load("n", "from m import f\n\ndef call():\n    return f()\n")
    m = live.load("m")
    live.save("m.py", "class f:\n    value = 2\n")
    assert isinstance(m.f, type)
    assert n.f is m.f
    assert n.call().value == 2
    live.save("m.py", F)
    assert n.call() == 1


def test_swapped_in_the_file(live):
    """two functions swapped/moved in the file, no semantic change: identity and state untouched"""
    first, second = "def f(x=[]):\n    x.append(1)\n    return x\n\n\n", "def g():\n    return 'g'\n\n\n"
    m = live.load("m", first + second)
    m.f()
    before = live.snapshot(m)
    code = m.f.__code__.co_code
    live.save("m.py", second + first)
    after = live.snapshot(m)
    assert {name: after[name] for name in ("f", "g")} == {name: before[name] for name in ("f", "g")}
    assert m.f.__code__.co_code == code
    assert m.f() == [1, 1]
    assert (m.g.__code__.co_firstlineno, m.f.__code__.co_firstlineno) == (1, 5)


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ("def f():\n    return 1\n", "def f():\n    return [LIMIT + i for i in range(2)]\n", [10, 11]),
        ("def f():\n    return 1\n", "def f():\n    return {i: LIMIT for i in range(2) if LIMIT}\n", {0: 10, 1: 10}),
        ("def f():\n    return 1\n", "def f():\n    return (limit := LIMIT) + limit\n", 20),
        (
            "def f():\n    return 1\n",
            "def f():\n    match LIMIT, 2:\n        case int(a), b if a == LIMIT:\n            return a + b\n",
            12,
        ),
        ("def f():\n    return 1\n", "def f():\n    return (lambda: (lambda: LIMIT)())()\n", 10),
    ],
    ids=["list", "dict", "walrus", "match", "nested lambda"],
)
def test_globals_object(live, old, new, result):
    """type-annotated default / comprehension / walrus / match bodies: f.__globals__ is m.__dict__"""
    m = live.load("m", "LIMIT = 10\n" + old)
    f = m.f
    live.save("m.py", "LIMIT = 10\n" + new)
    assert f() == result
    assert f.__globals__ is vars(m)
    m.LIMIT = 100
    assert f() != result, "the edited function must read the module's own names"


def test_globals_object_with_annotated_default(live):
    """type-annotated default / comprehension / walrus / match bodies: f.__globals__ is m.__dict__"""
    m = live.load("m", "LIMIT = 10\n\ndef f(x: int = 1):\n    return x\n")
    f = m.f
    live.edit("m.py", "x: int = 1", "x: int = LIMIT * 2")
    assert f() == 20
    assert f.__globals__ is vars(m)
    assert f.__annotations__ == {"x": int}


if sys.version_info >= (3, 12):

    def test_generic_function(live):
        """PEP 695 generic function `def f[T](x: T)` edited"""
        m = live.load(
            "m", "def f[T](x: T) -> T:\n    return x\n\nclass Box[T]:\n    def get(self) -> T:\n        return 1\n"
        )
        f, box = m.f, m.Box()
        parameter = f.__type_params__
        live.edit("m.py", "return x", "return [x]")
        live.edit("m.py", "return 1", "return 2")
        assert (f(1), box.get()) == ([1], 2)
        assert m.f is f
        assert [str(each) for each in f.__type_params__] == ["T"]
        assert f.__annotations__ == {"x": f.__type_params__[0], "return": f.__type_params__[0]}
        assert [str(each) for each in parameter] == ["T"]

    def test_function_becomes_generic(live):
        """PEP 695 generic function: type parameters added and removed"""
        m = live.load("m", "def f(x):\n    return x\n")
        f = m.f
        live.save("m.py", "def f[T: int, *Ts, **P](x: T = 5) -> T:\n    return x\n")
        assert f() == 5
        assert [each.__name__ for each in f.__type_params__] == ["T", "Ts", "P"]
        assert f.__annotations__["x"] is f.__type_params__[0]
        live.save("m.py", "def f(x):\n    return x, x\n")
        assert (f(1), f.__type_params__) == ((1, 1), ())


@pytest.mark.parametrize("held", ["m.f", "n.f", "local"])
def test_twenty_saves(live, held):
    """many edits in a row to the same function (20 saves), held reference current"""
    m = live.load("m", F)
    n = live.load("n", "from m import f\n")
    local = m.f
    for version in range(2, 22):
        live.save("m.py", f"def f():\n    return {version}\n")
        assert {"m.f": m.f, "n.f": n.f, "local": local}[held]() == version


@pytest.mark.parametrize("first", [True, False], ids=["added", "removed"])
def test_future_annotations_come_and_go(live, first):
    """`from __future__ import annotations` added or removed: annotations of unchanged functions are made anew"""
    future = "from __future__ import annotations\n"
    text = """
        from enum import Enum
        from functools import wraps

        X: int = 1
        CACHE = []

        def keep(function):
            @wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper

        def f(a: int, b: "list" = CACHE) -> str:
            return "f"

        @keep
        def g(a: int) -> str:
            def inner(b: int):
                return b
            return inner.__annotations__

        class C:
            y: int = 1

            @property
            def value(self) -> int:
                return 1

            @classmethod
            def make(cls, other: "C") -> None:
                pass

        class E(Enum):
            A = 1

            def method(self) -> int:
                return 1
    """
    text = dedent(text)
    before, after = (text, future + text) if first else (future + text, text)
    m = live.load("m", before)
    f, g, method, cache = m.f, m.g, m.E.A.method, m.CACHE
    m.f.__defaults__[0].append("at run time")
    live.save("m.py", after)
    module = ModuleType("fresh")
    namespace = vars(module)
    exec(compile(after, "fresh", "exec", dont_inherit=True), namespace)
    fresh = namespace["C"]

    def annotations(*objects):
        return [each.__annotations__ for each in objects]

    assert annotations(f, g, m.C) == annotations(namespace["f"], namespace["g"], fresh)
    assert annotations(m.C.value.fget, m.C.make.__func__) == annotations(fresh.value.fget, fresh.make.__func__)
    assert m.__annotations__ == module.__annotations__
    assert g(1) == namespace["g"](1)
    assert annotations(method) == annotations(namespace["E"].method)
    assert f.__defaults__[0] is cache
    assert cache == ["at run time"]


def test_functions_of_a_loop_that_runs_again(live):
    """function made by a loop, held by several names while the loop runs again with other values"""
    loop = """
        BY_POWER = {}
        for power in (1, 2, %d):
            def raised(value, power=power):
                return value ** power
            BY_POWER[power] = raised
    """
    m = live.load("m", loop % 3)
    held = [m.raised]
    live.edit("m.py", "2, 3", "2, 33", stale=["m:BY_POWER"])
    held.append(m.BY_POWER[33])
    live.edit("m.py", "2, 33", "2, 3", stale=["m:BY_POWER"])
    assert [function.__defaults__ for function in held] == [(3,)] * 2
