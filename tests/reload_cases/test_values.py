"""Edited values: what a statement bound is new where the statement is, and kept where it is not."""

import pytest

STATE = """
    CACHE = {}
    LIMIT = 1
    connection = object()

    def f():
        return "old"
"""


def test_constant(live):
    """module constant (literal) edited, m.X"""
    m = live.load("m", "X = 1\n\ndef f():\n    return X\n")
    report = live.edit("m.py", "X = 1", "X = 2")
    assert (m.X, m.f()) == (2, 2)
    assert [item.qualname for item in report.applied] == ["m:X"]


def test_constant_removed(live):
    """constant removed"""
    m = live.load("m", "X = 1\nY = [2]\n\ndef f():\n    return Y\n")
    f, y = m.f, m.Y
    live.edit("m.py", "X = 1\n", "")
    assert not hasattr(m, "X")
    assert m.f is f
    assert f() is y


@pytest.mark.parametrize(
    ("old", "new", "limit"),
    [
        ('"old"', '"new"', 1),
        ("LIMIT = 1", "LIMIT = 2", 2),
        ("LIMIT = 1", "LIMIT = sorted([3])[0]", 3),
        ("LIMIT = 1\n", "", None),
    ],
    ids=["function", "constant", "non-literal", "removed"],
)
def test_state_survives(live, old, new, limit):
    """module-level mutable state / expensive state survives a function edit and an edit of *another* statement"""
    m = live.load("m", STATE)
    n = live.load("n", "from m import CACHE, connection\n")
    m.CACHE["key"] = "value"
    cache, connection = m.CACHE, m.connection
    live.edit("m.py", old, new)
    assert m.CACHE is n.CACHE is cache
    assert m.CACHE == {"key": "value"}
    assert m.connection is n.connection is connection
    assert m.f() == ("new" if "new" in new else "old")
    assert getattr(m, "LIMIT", None) == limit


def test_state_survives_a_non_literal_edit(live):
    """expensive module state survives an edit of an unrelated *non-literal* top-level statement"""
    m = live.load("m", STATE + "    pattern = sorted('ba')\n")
    connection = m.connection
    live.edit("m.py", "sorted('ba')", "sorted('dc')")
    assert m.connection is connection
    assert m.pattern == ["c", "d"]


@pytest.mark.parametrize("mode", ["patch", "deep"])
def test_derived_constant(live, mode):
    """derived constant recomputed (A edited, B = A * 3 untouched in text)"""
    m = live.load("m", "A = 1\nB = A * 3\nC = [B]\nunrelated = object()\n")
    n = live.load("n", "import m\nfrom m import A as imported\n\nX = m.A + 1\nY = imported + 1\n")
    unrelated = m.unrelated
    live.session.mode = mode
    live.replace("m.py", "A = 1", "A = 10")
    if mode == "patch":
        report = live.update(stale=["m:B", "m:C", "n:X", "n:Y"])
        assert {"m:B", "m:C", "n:X", "n:Y"} == {item.qualname for item in live.session.stale()}
        causes = {"m:B": "A", "m:C": "B", "n:X": "A", "n:Y": "imported"}
        assert all(causes[item.qualname] in item.why for item in report.stale), "the reason names the cause"
        assert (m.A, m.B, m.C, n.X, n.Y, n.imported) == (10, 3, [3], 2, 2, 10)
        assert not live.session.rerun().refused
    else:
        live.update()
    assert (m.A, m.B, m.C, n.X, n.Y, n.imported) == (10, 30, [30], 11, 11, 10)
    assert m.unrelated is unrelated
    assert live.session.stale() == ()


def test_rerun_of_one(live):
    """derived constant recomputed: `rerun` of one stale statement leaves the others stale"""
    m = live.load("m", "A = 1\nB = A * 3\nC = A * 5\n")
    live.edit("m.py", "A = 1", "A = 2", stale=["m:B", "m:C"])
    assert [item.qualname for item in live.session.rerun("m:B").applied] == ["m:B"]
    assert (m.B, m.C) == (6, 5)
    assert [item.qualname for item in live.session.stale()] == ["m:C"]


def test_derived_from_a_function(live):
    """derived constant recomputed: what an edited function computed at import is named as stale"""
    m = live.load("m", "def compute():\n    return 1\n\nX = compute()\nY = [compute]\n")
    live.edit("m.py", "return 1", "return 2", stale=["m:X"])
    assert (m.X, m.Y[0]()) == (1, 2)
    live.session.rerun("m:X")
    assert m.X == 2


def test_no_longer_stale(live):
    """derived constant recomputed: an edit of the derived statement itself makes it current"""
    m = live.load("m", "A = 1\nB = A * 3\n")
    live.edit("m.py", "A = 1", "A = 2", stale=["m:B"])
    live.edit("m.py", "A * 3", "A * 4")
    assert m.B == 8
    assert live.session.stale() == ()


@pytest.mark.parametrize("mode", ["patch", "deep"])
def test_derived_default(live, mode):
    """default argument derived from an edited constant"""
    m = live.load("m", "LIMIT = 1\n\ndef f(x=LIMIT, *, y=LIMIT * 2):\n    return x, y\n")
    n = live.load("n", "from m import LIMIT, f\n\nclass C:\n    def method(self, x=LIMIT):\n        return x\n")
    f, instance = m.f, n.C()
    live.session.mode = mode
    live.replace("m.py", "LIMIT = 1", "LIMIT = 5")
    if mode == "patch":
        live.update(stale=["m:f", "n:C.method"])
        assert (f(), instance.method()) == ((1, 2), 1)
        assert not live.session.rerun().refused
    else:
        live.update()
    assert f() == n.f() == (5, 10)
    assert instance.method() == 5
    assert m.f is f


def test_side_effects(live):
    """top-level side effects not re-executed by a function edit"""
    n = live.load("n", "EVENTS = []\n")
    m = live.load("m", "import n\n\nn.EVENTS.append('import')\n\ndef f():\n    return 1\n")
    live.edit("m.py", "return 1", "return 2")
    live.edit("m.py", "def f():", "X = 1\n\ndef f(a=0):")
    assert m.f() == 2
    assert n.EVENTS == ["import"]


def test_comment_only(live):
    """comment-only edit: nothing re-executed, identity kept"""
    n = live.load("n", "EVENTS = []\n")
    text = "import n\n\nn.EVENTS.append('import')\nX = [1]\n\n\nclass C:\n    def method(self):\n        return 1\n"
    m = live.load("m", text)
    before = {name: value for name, value in vars(m).items() if not name.startswith("__")}
    text = text.replace("X = [1]", "X = [  # Why.\n    1\n]").replace("return 1", "return (1)  # One.")
    live.save("m.py", "# A new comment.\n" + text)
    after = {name: value for name, value in vars(m).items() if not name.startswith("__")}
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert n.EVENTS == ["import"]
    live.edit("m.py", "return (1)", "return (2)")
    assert before["C"]().method() == 2


def test_injected_names(live):
    """names injected into the module at run time (monkeypatch, plugin) survive a function edit"""
    m = live.load("m", "def f():\n    return plugin(), 'old'\n")
    m.plugin = lambda: "plugin"
    plugin = m.plugin
    live.edit("m.py", "'old'", "'new'")
    assert m.f() == ("plugin", "new")
    assert m.plugin is plugin


def test_monkeypatched_function(live):
    """monkeypatched function is not silently un-patched by an unrelated edit"""
    m = live.load(
        "m", "def f():\n    return 1\n\ndef g():\n    return f()\n\nclass C:\n    def method(self):\n        return 1\n"
    )
    instance = m.C()
    m.f = lambda: "patched"
    m.C.method = lambda self: "patched"
    live.edit("m.py", "return f()", "return f(), 'edited'")
    live.edit("m.py", "class C:\n", "class C:\n    x = 1\n\n")
    assert m.g() == ("patched", "edited")
    assert instance.method() == "patched"


ASSIGNMENTS = """
    a: {kind} = {value}
    b, (c, *d) = {value}, ({value}, {value})
    e = 1
    e += {value}
    f = g = [{value}]
    for h in range({value}):
        pass
    (i := {value})
    j: {kind}
"""


def test_forms_of_assignment(live):
    """annotated/tuple/augmented assignments at module level edited"""
    m = live.load("m", ASSIGNMENTS.format(kind="int", value=2))
    live.save("m.py", ASSIGNMENTS.format(kind="float", value=5))
    assert (m.a, m.b, m.c, m.d, m.e, m.f, m.h, m.i) == (5, 5, 5, [5], 6, [5], 4, 5)
    assert m.f is m.g
    assert m.__annotations__ == {"a": float, "j": float}


def test_one_annotated_statement_executed_again(live):
    """an annotated statement that is executed again leaves the annotations of the others alone"""
    m = live.load("m", "A = 1\nB = 2\na: int = A + 1\nb: str = B\nc: bytes\nif B:\n    d: bool = B\n    e: list\n")
    annotations = dict(m.__annotations__)
    live.edit("m.py", "A + 1", "A + 2")
    assert m.a == 3
    assert m.__annotations__ == annotations
    live.edit("m.py", "b: str", "b: bytes")
    assert m.__annotations__ == annotations | {"b": bytes}
    live.edit("m.py", "b: bytes = B\n", "")
    del annotations["b"]
    assert m.__annotations__ == annotations


def test_augmented_base_edited(live):
    """augmented assignments at module level edited: the assignment before them"""
    m = live.load("m", "names = ['a']\nnames += ['b']\ntotal = 1\ntotal += 1\n")
    live.edit("m.py", "['a']", "['x']")
    live.edit("m.py", "total = 1", "total = 10")
    assert (m.names, m.total) == (["x", "b"], 11)


def test_docstring_and_all(live):
    """module docstring and __all__ edited"""
    m = live.load("m", '"""Old."""\n\n__all__ = ["f"]\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n')
    n = live.load("n", "from m import *\n\ndef call():\n    return g()\n")
    live.save("m.py", '"""New."""\n\n__all__ = ["f", "g"]\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n')
    assert (m.__doc__, m.__all__, n.call()) == ("New.", ["f", "g"], 2)
    live.save("m.py", '__all__ = ["f", "g"]\n\ndef f():\n    return 1\n\ndef g():\n    return 2\n')
    assert m.__doc__ is None


def test_builtin_shadowed(live):
    """edit makes a global name a builtin shadow / deletes it: callers see it"""
    m = live.load("m", "def call():\n    return len('abc')\n")
    call = m.call
    assert {call() for _ in range(100)} == {3}
    live.edit("m.py", "def call", "def len(x):\n    return 'shadow', x\n\ndef call")
    assert call() == ("shadow", "abc")
    live.edit("m.py", "def len(x):\n    return 'shadow', x\n\n", "")
    assert {call() for _ in range(100)} == {3}


def test_global_deleted(live):
    """edit makes a global name a builtin shadow / deletes it: a `del` statement is added"""
    m = live.load("m", "X = 1\n\ndef f():\n    return X\n")
    live.edit("m.py", "def f():\n    return X", "del X\n\ndef f():\n    return 'gone'")
    assert (hasattr(m, "X"), m.f()) == (False, "gone")
