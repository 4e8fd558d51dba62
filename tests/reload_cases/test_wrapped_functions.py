"""Functions that live inside other objects: closures, lambdas, decorated, registered and generated functions."""

import functools

import pytest


def test_live_closure(live):
    """live closure: inner function body edited, captured values kept"""
    m = live.load(
        "m",
        """
        def make(start):
            total = start

            def add(x):
                nonlocal total
                total += x
                return "old", total

            return add
        """,
    )
    add, other = m.make(10), m.make(100)
    assert add(1) == ("old", 11)
    live.edit("m.py", '"old", total', '"new", total * 2')
    assert add(1) == ("new", 24)
    assert other(0) == ("new", 200)
    assert m.make(0)(1) == ("new", 2)


def test_closure_loses_a_free_variable(live):
    """live closure whose set of free variables changes (one less)"""
    m = live.load("m", "def make(a, b):\n    def inner():\n        return a, b\n    return inner\n")
    inner = m.make(1, 2)
    live.replace("m.py", "return a, b", "return 'only', a")
    is_done = live.is_done("m:make.<locals>.inner", "m:make")
    assert inner() == (("only", 1) if is_done else (1, 2))
    assert m.make(3, 4)() == ("only", 3)


def test_closure_gains_a_free_variable(live):
    """live closure whose set of free variables changes (one more, whose value nothing has kept)"""
    m = live.load("m", "def make(a, b):\n    def inner():\n        return 'old', a\n    return inner\n")
    inner = m.make(1, 2)
    live.replace("m.py", "return 'old', a", "return 'new', a, b")
    assert not live.is_done("m:make.<locals>.inner", "m:make"), "the value of b is gone, and the report must say so"
    assert inner() == ("old", 1)
    assert m.make(3, 4)() == ("new", 3, 4)


def test_imported_lambda(live):
    """module-level lambda edited, `from m import h`"""
    m = live.load("m", "h = lambda x: x + 1\n")
    n = live.load("n", "from m import h\n\ndef call():\n    return h(1)\n")
    h = m.h
    live.edit("m.py", "x + 1", "x + 100")
    assert (m.h(1), n.call(), h(1)) == (101, 101, 101)


def test_lambda_in_a_dispatch_table(live):
    """lambda inside a module-level dispatch dict that other code holds"""
    m = live.load("m", "TABLE = {'plus': lambda x: x + 1, 'minus': lambda x: x - 1}\n")
    n = live.load("n", "from m import TABLE\n\nHELD = [TABLE]\n\ndef call(name):\n    return TABLE[name](1)\n")
    plus = m.TABLE["plus"]
    m.TABLE["plugin"] = lambda x: "plugin"
    live.edit("m.py", "x + 1", "x + 100")
    assert n.call("plus") == m.TABLE["plus"](1) == 101
    assert n.HELD[0]["plus"](1) == plus(1) == 101
    assert (n.call("minus"), n.call("plugin")) == (0, "plugin")


WRAPS = """
    import functools

    def counted(f):
        calls = 0

        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            nonlocal calls
            calls += 1
            wrapper.calls = calls
            return f(*args, **kwargs)

        return wrapper

    @counted
    def f(x=1):
        return "old", x
"""


def test_wrapped_function(live):
    """body of a functools.wraps-decorated function edited; `from m import f`; wrapper state kept"""
    m = live.load("m", WRAPS)
    n = live.load("n", "from m import f\n")
    f = m.f
    f(), f()
    live.edit("m.py", '"old", x', '"new", x * 2')
    assert m.f is f
    assert (f(2), n.f(2), m.f(2)) == (("new", 4),) * 3
    assert f.calls == 5


def test_default_of_a_wrapped_function(live):
    """body of a functools.wraps-decorated function edited: its default too"""
    m = live.load("m", WRAPS)
    f = m.f
    f()
    live.edit("m.py", "x=1", "x=5")
    assert f() == m.f() == ("old", 5)


def test_decorator_body(live):
    """decorator's own body edited (same module): decorated functions follow"""
    m = live.load("m", WRAPS)
    f = m.f
    live.edit("m.py", "return f(*args, **kwargs)", 'return "wrapped", f(*args, **kwargs)')
    assert f(2) == m.f(2) == ("wrapped", ("old", 2))
    assert f.calls == 2


def test_decorator_in_another_module(live):
    """decorator defined in another module edited: decorated functions follow"""
    live.load("deco", "def twice(f):\n    def wrapper():\n        return f() * 2\n    return wrapper\n")
    m = live.load("m", "from deco import twice\n\n@twice\ndef f():\n    return 'x'\n")
    n = live.load("n", "from m import f\n")
    f = m.f
    live.edit("deco.py", "f() * 2", "f() * 3")
    assert (f(), m.f(), n.f()) == ("xxx",) * 3


@pytest.mark.parametrize("mode", ["patch", "deep"])
def test_decorator_does_something_else(live, mode):
    """decorator's own body edited so that it returns something else: decorated again, or named as stale"""
    m = live.load("m", "def deco(f):\n    return f\n\n@deco\ndef f():\n    return 'x'\n")
    live.session.mode = mode
    live.replace("m.py", "    return f\n", "    return lambda: f().upper()\n")
    if mode == "patch":
        live.update(stale=["m:f"])
        assert m.f() == "x"
        assert not live.session.rerun("m:f").refused
    else:
        live.update()
    assert m.f() == "X"
    assert live.session.stale() == ()


def test_decorator_added(live):
    """decorator added to an existing function"""
    m = live.load("m", "def loud(f):\n    return lambda: f().upper()\n\ndef f():\n    return 'x'\n")
    n = live.load("n", "from m import f\n\ndef call():\n    return f()\n")
    plain = m.f
    live.edit("m.py", "def f():", "@loud\ndef f():")
    assert (m.f(), n.call()) == ("X", "X")
    assert n.f is m.f
    assert plain() in ("x", "X")
    live.edit("m.py", "'x'", "'y'")
    assert (m.f(), n.call()) == ("Y", "Y")
    assert plain() in ("y", "Y"), "the plain function is still part of the program and must not stay at an old version"


def test_decorator_added_while_held(live):
    """decorator added to an existing function: a statement that kept the plain one is mended or named as stale"""
    live.load("m", "def loud(f):\n    return lambda: f().upper()\n\ndef f():\n    return 'x'\n")
    n = live.load("n", "from m import f\n\nHOOKS = [f]\n")
    live.replace("m.py", "def f():", "@loud\ndef f():")
    assert n.HOOKS[0]() == ("X" if live.is_done("n:HOOKS") else "x")
    assert n.f() == "X"


def test_decorator_removed(live):
    """decorator removed from a function"""
    m = live.load("m", "def loud(f):\n    return lambda: f().upper()\n\n@loud\ndef f():\n    return 'x'\n")
    n = live.load("n", "from m import f\n\ndef call():\n    return f()\n")
    live.edit("m.py", "@loud\n", "")
    assert (m.f(), n.call()) == ("x", "x")
    assert n.f is m.f
    assert m.f.__qualname__ == "f"
    live.edit("m.py", "'x'", "'y'")
    assert (m.f(), n.call()) == ("y", "y")


def test_edited_twice_then_its_decorator(live):
    """edit function twice, then edit only its decorator: the function must not revert to an older body"""
    m = live.load("m", WRAPS)
    f = m.f
    live.edit("m.py", '"old", x', '"second", x')
    live.edit("m.py", '"second", x', '"third", x')
    live.edit("m.py", "return f(*args, **kwargs)", "return [f(*args, **kwargs)]")
    assert f(1) == m.f(1) == [("third", 1)]
    live.edit("m.py", "@counted\n", "@functools.lru_cache\n@counted\n")
    assert m.f(2) == [("third", 2)]


def test_decorators_of_one_name(live):
    """same-named decorators in two modules: editing one must not inject or touch the other's functions"""
    decorator = "def deco(f):\n    def wrapper():\n        return '{0}', f()\n    return wrapper\n\n"
    text = decorator + "@deco\ndef f():\n    return '{0}'\n"
    a, b = live.load("a", text.format("a")), live.load("b", text.format("b"))
    before = live.snapshot(b)
    held, other = b.f, a.f
    live.edit("a.py", "'a', f()", "'edited', f(), other()")
    live.edit("a.py", "def deco", "def other():\n    return 1\n\n\ndef deco")
    assert a.f() == other() == ("edited", "a", 1)
    assert held() == ("b", "b")
    live.assert_unchanged(b, before)


def test_lru_cache(live):
    """functools.lru_cache function edited: no stale cached result"""
    m = live.load("m", "import functools\n\n@functools.lru_cache\ndef f(x):\n    return 'old', x\n")
    n = live.load("n", "from m import f\n")
    f = m.f
    assert f(1) == n.f(1) == ("old", 1)
    live.edit("m.py", "'old'", "'new'")
    assert f(1) == n.f(1) == m.f(1) == ("new", 1)


def test_singledispatch(live):
    """functools.singledispatch implementation edited"""
    m = live.load(
        "m",
        """
        import functools

        @functools.singledispatch
        def show(value):
            return "object"

        @show.register
        def _(value: int):
            return "int"

        @show.register(list)
        def _(value):
            return "list"
        """,
    )
    n = live.load("n", "from m import show\n")
    show = m.show
    assert (show(1), show([]), show("")) == ("int", "list", "object")
    live.edit("m.py", '"int"', '"INT"')
    assert m.show is show
    assert (show(1), n.show([]), show("")) == ("INT", "list", "object")
    live.edit("m.py", '"object"', '"OBJECT"', possibly_stale=["m:_"])
    assert (show(1), n.show([]), show("")) == ("INT", "list", "OBJECT")


REGISTER = """
    HANDLERS = []

    def register(f):
        HANDLERS.append(f)
        return f

    @register
    def on_event():
        return "old"

    @register
    def on_other():
        return "other"
"""


def test_register_decorator(live):
    """@register side-effect decorator: edited handler is new and registered exactly once"""
    m = live.load("m", REGISTER)
    n = live.load("n", "from m import HANDLERS\n\ndef fire():\n    return [handler() for handler in HANDLERS]\n")
    live.edit("m.py", '"old"', '"new"')
    assert n.fire() == ["new", "other"]
    live.edit("m.py", "def on_event():", "def on_event(default=1):")
    assert n.fire() == ["new", "other"]
    assert n.HANDLERS[0] is m.on_event


def test_register_decorator_in_another_module(live):
    """@register side-effect decorator of another module: edited handler is new and registered exactly once"""
    hub = live.load("hub", REGISTER)
    m = live.load("m", "import hub\n\n@hub.register\ndef handler():\n    return 'old'\n")
    live.edit("m.py", "'old'", "'new'")
    assert [handler() for handler in hub.HANDLERS] == ["old", "other", "new"]
    assert hub.HANDLERS[2] is m.handler


def test_contextmanager(live):
    """contextlib.contextmanager function edited, `from m import ctx`"""
    m = live.load(
        "m", "import contextlib\n\n@contextlib.contextmanager\ndef ctx(x):\n    yield 'old', x\n\nmanager = ctx(0)\n"
    )
    n = live.load("n", "from m import ctx\n\ndef enter():\n    with ctx(1) as value:\n        return value\n")
    ctx = m.ctx
    live.edit("m.py", "'old', x", "'new', x", possibly_stale=["m:manager", "m:ctx"])
    with ctx(2) as value:
        assert value == ("new", 2)
    assert n.enter() == ("new", 1)


def test_alias_rebinding(live):
    """alias rebinding must not rewrite the aliased function (ipython #14944)"""
    m = live.load("m", "def a():\n    return 'a'\n\ndef b():\n    return 'b'\n\nalias = a\n")
    n = live.load("n", "from m import a, b, alias\n")
    a, b = m.a, m.b
    live.edit("m.py", "alias = a", "alias = b")
    assert (a(), b(), m.alias(), n.alias()) == ("a", "b", "b", "b")
    assert (m.a, m.b, n.a, n.b) == (a, b, a, b)
    assert m.alias is b


def test_partial_at_module_level(live):
    """edited function already stored in functools.partial: by a statement of its own module"""
    m = live.load("m", "import functools\n\ndef f(x):\n    return 'old', x\n\ng = functools.partial(f, 1)\n")
    g, method = m.g, functools.partial(m.g)
    live.edit("m.py", "'old', x", "'new', x", possibly_stale=["m:g"])
    assert (g(), m.g(), method()) == (("new", 1),) * 3
    assert m.g is g


@pytest.mark.parametrize(
    "text",
    [
        """
        for name in ("get", "set"):
            exec(f"def {name}():\\n    return 'old', {name!r}")
        """,
        """
        def make(name):
            def generated():
                return 'old', name
            return generated

        for name in ("get", "set"):
            globals()[name] = make(name)
        """,
    ],
    ids=["exec", "loop"],
)
def test_generated_functions(live, text):
    """module-level loop/exec-generated functions edited"""
    m = live.load("m", text)
    n = live.load("n", "from m import get as getter\n\ndef call():\n    return getter()\n")
    live.edit("m.py", "'old'", "'new'", possibly_stale=["m:name"])
    assert (m.get(), m.set()) == (("new", "get"), ("new", "set"))
    assert n.call() == ("new", "get")
    assert n.getter is m.get


def test_annotation_removed_below_wraps(live):
    """an annotation removed from a functools.wraps-decorated function: the wrapper's copy goes too"""
    m = live.load(
        "m",
        """
        import functools

        def deco(f):
            @functools.wraps(f)
            def wrapper(*args):
                return f(*args)
            return wrapper

        @deco
        def g(x: int):
            return x
        """,
    )
    g = m.g
    assert g.__annotations__ == {"x": int}
    live.edit("m.py", "x: int", "x")
    assert g.__annotations__ == {}
    live.edit("m.py", "def g(x)", "def g(x: str)")
    assert g.__annotations__ == {"x": str}


def test_decorator_that_keeps_the_code(live):
    """body of a function edited whose decorator keeps its code object, as jinja2.debug does to hide frames"""
    m = live.load(
        "m",
        """
        INTERNAL = set()

        def internal(function):
            INTERNAL.add(function.__code__)
            return function

        @internal
        def f():
            return 1

        class C:
            @internal
            def method(self):
                return 1
        """,
    )
    for line in ("    return 1\n\nclass", "        return 1\n"):
        live.edit("m.py", line, line.replace("1", "2"), stale=["m:INTERNAL"])
    assert (m.f(), m.C().method()) == (2, 2)
    assert m.f.__code__ not in m.INTERNAL
