"""The contract of `Host`, kept by the host on CPython, both directly and at the other end of a socket pair."""

import gc
import linecache
import sys
import traceback
from textwrap import dedent

import pytest

TEXT = dedent("""
    LIMIT = 1
    CACHE = {}

    def f(x=1):
        "Doc."
        return "old", x

    class C:
        option = 1

        def method(self):
            return "old"

    def last():
        return "last"
""")


# Facts.


def test_facts_say_what_is_asked(start):
    program = start(m=TEXT, n="from m import CACHE as kept, f\n")
    instances = [program["m"].C(), program["m"].C()]
    classes = [{"path": [path], "count_instances": True} for path in ("C", "f", "Gone")]
    facts = program.facts({"name": "m", "classes": classes, "names": ["CACHE", "f", "last"]}, {"name": "absent"})
    assert facts["python"] == sys.version_info.minor
    m, absent = facts["modules"]["m"], facts["modules"]["absent"]
    assert (m["is_loaded"], absent["is_loaded"], m["running_line"]) == (True, False, None)
    assert [(found["instances"], found["obstacle"]) for found in m["classes"]] == [
        (len(instances), None),
        (0, "what is live under its name is no class"),
        (0, "what is live under its name is no class"),
    ]
    assert sorted((holder["name"], holder["importer"], holder["alias"]) for holder in m["holders"]) == [
        ("CACHE", "n", "kept"),
        ("f", "n", "f"),
    ]


def test_facts_change_nothing(start):
    program = start(m=TEXT, n="from m import *\n")
    before = program.picture()
    classes = [{"path": ["C"], "count_instances": True}]
    other = TEXT.replace("old", "new")
    program.facts({"name": "m", "classes": classes, "names": ["f", "C"], "text": other}, frames=True)
    assert program.picture() == before


def test_odd_names(start):
    """What JSON or UTF-8 has no form for is not worth a failure."""
    program = start(m="CACHE = {}\n", n="from m import CACHE\n")
    n = vars(program["n"])
    n[1] = n[None] = n["\udc80"] = n["\0"] = n["\u2028\U0001f40d"] = n["CACHE"]
    facts = program.facts({"name": "m", "names": ["CACHE", "\0", ""]})
    aliases = {holder["alias"] for holder in facts["modules"]["m"]["holders"]}
    assert aliases == {"CACHE", "\0", "\u2028\U0001f40d"}


# Compiling.


def test_compiling_changes_nothing(start):
    program = start(m=TEXT, n="from m import LIMIT\n")
    before = program.picture()
    program.compile(program.plan(m=TEXT.replace("LIMIT = 1", "LIMIT = print(1 / 0)").replace("old", "new")))
    assert program.picture() == before


def test_a_syntax_error_is_told_with_its_module_and_line(start):
    program = start(m="def f():\n    pass\n", n="X = 1\n")
    before = program.picture()
    plan = program.plan(n="X = 2\n", m="def f():\n    break\n")
    error = program.refused(program.compile, plan)
    assert (error.kind, error.details["line"]) == ("Syntax", 2)
    assert error.details["message"] == "'break' outside loop"
    assert plan["modules"][error.details["module"]]["name"] == "m"
    assert program.picture() == before


def test_what_is_no_text_to_cpython_is_a_syntax_error(start):
    program = start(m="X = 1\n")
    plan = program.plan(m="X = 2\n")
    plan["modules"][0]["excerpts"] = ["X = '\0'\n"]
    assert program.refused(program.compile, plan).kind == "Syntax"


# What is applied.


def test_functions_and_classes_keep_their_identity(start):
    program = start(m=TEXT)
    m = program["m"]
    f, c, method, instance = m.f, m.C, m.C.method, m.C()
    bound, table = instance.method, {"f": m.f}
    applied = program.edit(m=TEXT.replace("old", "new"))
    assert applied == {"rebound": [], "stale": []}
    assert (m.f, m.C, m.C.method) == (f, c, method)
    assert (table["f"](), bound(), instance.method()) == (("new", 1), "new", "new")


def test_names_with_another_value_are_reported(start):
    program = start(m="A = 1\nB = 1\nC = 1\ndef f(): return 1\n")
    applied = program.edit(m="A = 2\nB = 2 - 1\nD = 1\ndef f(): return 2\n")
    assert sorted(applied["rebound"]) == [["m", "A"], ["m", "C"], ["m", "D"]]
    assert applied["stale"] == []


@pytest.mark.parametrize(
    "value", ["\u2028\x85\x0c", "\U0001f40d\ufeff\ufffe", '\x01\x7f\t\\"', str(10**4000), "\\udc80"]
)
def test_odd_text(start, value):
    program = start(m="X = 1\ndef f(): return X\n")
    text = f"X = '{value}'\ndef f(): return X, '{value}'\n"
    program.edit(m=text)
    expected = eval(f"'{value}'")
    assert program["m"].f() == (expected, expected)
    assert "".join(linecache.getlines(program.file("m"))) == text


def test_several_modules_are_applied_as_one(start):
    program = start(m="LIMIT = 1\ndef f(): return 1\n", n="from m import LIMIT\ndef g(): return LIMIT\n")
    applied = program.edit(m="LIMIT = 2\ndef f(): return 2\n", n="from m import LIMIT\ndef g(): return -LIMIT\n")
    assert applied["rebound"] == [["m", "LIMIT"]]
    assert (program["m"].f(), program["n"].g(), program["n"].LIMIT) == (2, -2, 2)


def test_a_copy_that_the_program_has_replaced_stays(start):
    program = start(m="LIMIT = 1\n", n="from m import LIMIT\n")
    program["n"].LIMIT = "mine"
    program.edit(m="LIMIT = 2\n")
    assert (program["m"].LIMIT, program["n"].LIMIT) == (2, "mine")


def test_lines_move(start):
    text = "def f():\n    return 1 / 0\n\ndef g():\n    yield 1\n    yield 1 / 0\n"
    program = start(m=text)
    f, suspended = program["m"].f, program["m"].g()
    code, _ = f.__code__, next(suspended)
    program.edit(m="# one\n# two\n\n" + text)
    assert f.__code__ is code
    for call, line in ((f, 5), (lambda: next(suspended), 9)):
        with pytest.raises(ZeroDivisionError) as caught:
            call()
        entry = traceback.extract_tb(caught.value.__traceback__)[-1]
        assert (entry.lineno, entry.line.split()[-3:]) == (line, ["1", "/", "0"])


def test_what_is_removed_is_given_back(start):
    program = start(m="X = []\ndef f(): return 1\n")
    m = program["m"]
    x, f = m.X, m.f
    plan = program.plan(m="")
    program.compile(plan)
    assert sorted(program.apply(plan)["rebound"]) == [["m", "X"], ["m", "f"]]
    assert not hasattr(m, "X")
    assert not hasattr(m, "f")
    program.edit(m="X = []\ndef f(): return 1\n")
    assert (m.X is x, m.f is f) == (True, True)


def test_modules_of_before(start):
    """A host that did not see a module's execution finds its functions by their lines."""
    program = start(is_seen=False, m=TEXT)
    f, method = program["m"].f, program["m"].C().method
    program.edit(m=TEXT.replace("old", "new"))
    assert (f(), method()) == (("new", 1), "new")
    program.edit(m="# moved\n" + TEXT.replace("old", "newer"))
    assert (f(), method()) == (("newer", 1), "newer")


# What could not follow.


def test_a_closure_that_cannot_follow_is_reported(start):
    text = "def outer(a, b):\n    def inner():\n        return {}\n    return inner\n"
    program = start(m=text.format("a"))
    inner = program["m"].outer(1, 2)
    [item] = program.edit(m=text.format("a, b"))["stale"]
    assert (item["qualname"], item["kind"], item["file"]) == ("m:outer", "function", program.file("m"))
    assert item["why"] == "a closure made before keeps its old code: it holds no variable b"
    assert (inner(), program["m"].outer(1, 2)()) == (1, (1, 2))


def test_calls_that_run_on_are_reported_until_they_end(start):
    program = start(m="def g():\n    yield 1\n    yield 'old'\n")
    suspended = program["m"].g()
    next(suspended)
    [item] = program.edit(m="def g():\n    yield 1\n    yield 'new'\n")["stale"]
    assert (item["qualname"], item["kind"]) == ("m:g", "frame")
    assert program.facts(frames=True)["frames"] == [item]
    assert [*suspended] == ["old"]
    del suspended
    gc.collect()
    assert program.facts(frames=True)["frames"] == []


# All or nothing.

BROKEN = dedent("""
    LIMIT = 2
    CACHE = {"new": 1}
    ADDED = 1

    def f(x=2, *, y=3):
        "New doc."
        return "new", x

    class C:
        option = 2
        added = 3

        def method(self):
            return "new"

    def last():
        return "last"

    ended = 1 / 0
""")


@pytest.mark.parametrize("value", ["1 / 0", "len(f()) / 0"], ids=["before code is exchanged", "with the new code"])
def test_a_statement_that_raises_undoes_everything(start, value):
    program = start(m=TEXT, n="from m import LIMIT, f\nfrom m import *\n")
    before = program.picture()
    text = BROKEN.replace("1 / 0", value)
    plan = program.plan(n="from m import LIMIT, f\nfrom m import *\nOWN = 1\n", m=text)
    program.compile(plan)
    error = program.refused(program.apply, plan)
    assert error.kind == "Raised"
    assert error.details["message"] == "ZeroDivisionError: division by zero"
    assert error.details["line"] == text.count("\n")
    step = plan["steps"][error.details["step"]]
    assert step["action"]["Execute"]["names"] == ["ended"]
    exchanged = [step["action"] for step in plan["steps"][: error.details["step"]] if "Exchange" in step["action"]]
    assert bool(exchanged) == ("f()" in value)
    assert program.picture() == before


def test_after_a_failure_the_next_plan_is_applied(start):
    program = start(m=TEXT)
    f, method = program["m"].f, program["m"].C().method
    plan = program.plan(m=BROKEN)
    program.compile(plan)
    program.refused(program.apply, plan)
    program.edit(m=BROKEN.replace("1 / 0", "1"))
    assert (f(), method(), program["m"].ended) == (("new", 2), "new", 1)


@pytest.mark.parametrize("error", ["SystemExit(3)", "KeyboardInterrupt", "ValueError('\\udc80 \\0 \\n \U0001f40d')"])
def test_whatever_is_raised_is_told(start, error):
    program = start(m=TEXT)
    before = program.picture()
    plan = program.plan(m=f"{TEXT}raise {error}\n")
    program.compile(plan)
    told = program.refused(program.apply, plan)
    assert told.kind == "Raised"
    assert told.details["message"].startswith(error.split("(")[0])
    assert program.picture() == before


def test_a_module_that_is_not_loaded_any_more(start, monkeypatch):
    program = start(m=TEXT, n="Y = 1\n")
    before = program.picture()
    plan = program.plan(n="Y = 2\n", m=TEXT.replace("LIMIT = 1", "LIMIT = 2"))
    program.compile(plan)
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "m")
        error = program.refused(program.apply, plan)
    assert (error.kind, error.details["message"]) == ("Raised", "RuntimeError: m is not loaded any more")
    assert program.picture() == before


# Only the plan that was compiled last.

NOT_COMPILED = "the plan is not the one that was compiled last"


def test_a_plan_that_was_not_compiled(start):
    program = start(m=TEXT)
    before = program.picture()
    error = program.refused(program.apply, program.plan(m=TEXT.replace("old", "new")))
    assert (error.kind, error.details) == ("Internal", NOT_COMPILED)
    assert program.picture() == before


def test_another_plan_than_the_one_compiled(start):
    """A host must not carry out the steps of one plan with the code of another."""
    program = start(m=TEXT)
    before = program.picture()
    one, other = (program.plan(m=TEXT.replace("old", new)) for new in ("one", "other"))
    program.compile(one)
    program.compile(other)
    assert program.refused(program.apply, one).details == NOT_COMPILED
    assert program.refused(program.apply, other).details == NOT_COMPILED, "the first answer ends it"
    assert program.picture() == before


def test_a_plan_whose_successor_did_not_compile(start):
    program = start(m="def f():\n    return 1\n")
    before = program.picture()
    plan = program.plan(m="def f():\n    return 2\n")
    program.compile(plan)
    program.refused(program.compile, program.plan(m="def f():\n    break\n"))
    assert program.refused(program.apply, plan).details == NOT_COMPILED
    assert program.picture() == before


def test_a_plan_is_applied_once(start):
    program = start(m="L = []\nL.append(1)\n")
    plan = program.plan(m="L = []\nL.append(2)\n")
    program.compile(plan)
    program.apply(plan)
    assert program.refused(program.apply, plan).details == NOT_COMPILED
    assert program["m"].L == [1, 2]


def test_a_plan_that_is_none(start):
    program = start(m=TEXT)
    plan = program.plan(m=TEXT.replace("old", "new"))
    plan["steps"][0]["module"] = 1
    error = program.refused(program.compile, plan)
    assert (error.kind, error.details) == ("Internal", "the plan names a module that it does not have")


# A host whose connection is lost.


@pytest.mark.parametrize("start", ["socket"], indirect=True)
def test_a_lost_interpreter(start):
    program = start(m=TEXT)
    plan = program.plan(m=TEXT.replace("old", "new"))
    before = program.picture()
    program.compile(plan)
    program.host.cut()
    told = [
        program.refused(program.apply, plan),
        program.refused(program.compile, plan),
        program.refused(program.facts),
    ]
    assert {error.kind for error in told} == {"Internal"}
    assert all(error.details.startswith("the connection to the interpreter is lost: ") for error in told)
    assert program.picture() == before
