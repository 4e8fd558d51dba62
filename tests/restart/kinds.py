# ruff: noqa: B009, C416, C417, RUF015, SIM208
"""Functions of every kind, and sites that call them: each function begins anew at its 5,000th call."""

import contextlib
import functools

import relive

CALLS = 5000
calls, called = 0, None


def made(name):
    # At its last call, a function begins anew.
    global calls
    if name == called:
        calls += 1
        if calls == CALLS:
            relive.restart(name)


def f(a, b=2, *, c=3):
    made("f")
    return a


def varied(*args, **kwargs):
    made("varied")
    return args[0]


class C:
    def __init__(self, x=1):
        made("C.__init__")
        self.x = x

    def method(self):
        made("C.method")
        return 1

    @property
    def getter(self):
        made("C.getter")
        return 1

    @getter.setter
    def getter(self, value):
        made("C.getter")

    @classmethod
    def of_class(cls):
        made("C.of_class")
        return 1

    @staticmethod
    def static():
        made("C.static")
        return 1

    def __getitem__(self, index):
        made("C.__getitem__")
        return 1

    def __setitem__(self, index, value):
        made("C.__setitem__")

    def __call__(self):
        made("C.__call__")
        return 1

    def __add__(self, other):
        made("C.__add__")
        return 1

    def __eq__(self, other):
        made("C.__eq__")
        return True

    def __lt__(self, other):
        made("C.__lt__")
        return True

    async def wait(self):
        made("C.wait")
        return 1

    def __reversed__(self):
        made("C.__reversed__")
        yield 1

    def __len__(self):
        made("C.__len__")
        return 1

    def __contains__(self, item):
        made("C.__contains__")
        return True

    def __iter__(self):
        made("C.__iter__")
        return iter((1,))

    def __getattr__(self, name):
        made("C.__getattr__")
        return 1

    def __enter__(self):
        made("C.__enter__")
        return 1

    def __exit__(self, *details):
        made("C.__exit__")

    def __hash__(self):
        made("C.__hash__")
        return 1


class Truth:
    def __bool__(self):
        made("Truth.__bool__")
        return True


class Derived(C):
    pass


class Deep(C):
    def __init__(self):
        super().__init__(2)


class New:
    def __new__(cls):
        made("New.__new__")
        return object.__new__(cls)


class Every:
    def __getattribute__(self, name):
        made("Every.__getattribute__")
        return 1


class Storing:
    def __setattr__(self, name, value):
        made("Storing.__setattr__")


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@decorate
def decorated(a):
    made("decorated")
    return a


def closures():
    def inner():
        made("closures.<locals>.inner")
        return 1

    return inner


async def coroutine(a):
    made("coroutine")
    return a


async def awaiting(a):
    return await coroutine(a)


def generator(a):
    made("generator")
    yield a


def delegating(a):
    yield from generator(a)


async def async_generator(a):
    made("async_generator")
    yield a


async def iterating(a):
    async for item in async_generator(a):
        return item


@contextlib.contextmanager
def context(a):
    made("context")
    yield a


def within():
    with context(1) as value:
        return value


def async_closures():
    async def inner():
        made("async_closures.<locals>.inner")
        return 1

    return inner


def driven(awaitable):
    try:
        awaitable.send(None)
    except StopIteration as end:
        return end.value


(unnamed,) = [lambda: made("<lambda>") or 1]

c, d, e, s, t = C(), Derived(), Every(), Storing(), Truth()
bound, partial = c.method, functools.partial(f, 1)


def with_():
    with c as value:
        return value


def iterate():
    for item in c:
        return item


def set_attribute():
    s.x = 1
    return 1


def set_item():
    c[1] = 1
    return 1


def set_property():
    c.getter = 1
    return 1


SITES = {
    "f": [
        lambda: f(1),
        lambda: f(1, c=4),
        lambda: f(*(1, 2)),
        lambda: f(*(1,), **{"c": 3}),
        lambda: partial(),
        lambda: list(map(f, (1,)))[0],
        lambda: sorted((1,), key=f)[0],
        lambda: functools.reduce(f, (1, 2)),
    ],
    "varied": [lambda: varied(1, 2, x=3), lambda: varied(*(1,), **{"x": 3})],
    "C.__init__": [lambda: C(1).x, lambda: Derived(1).x, lambda: Deep().x - 1, lambda: C(x=1).x, lambda: C(*(1,)).x],
    "C.method": [lambda: c.method(), lambda: bound(), lambda: C.method(c), lambda: d.method()],
    "C.getter": [lambda: c.getter, set_property],
    "C.of_class": [lambda: C.of_class(), lambda: c.of_class()],
    "C.static": [lambda: C.static(), lambda: c.static()],
    "C.__getitem__": [lambda: c[0]],
    "C.__setitem__": [set_item],
    "C.__call__": [lambda: c(), lambda: list(map(lambda it: it(), (c,)))[0]],
    "C.__add__": [lambda: c + 1],
    "C.__eq__": [lambda: int(c == 1), lambda: 1 + (c,).index(0)],
    "C.__lt__": [lambda: int(c < 1)],
    "C.__len__": [lambda: len(c)],
    "C.__contains__": [lambda: int(1 in c)],
    "C.__iter__": [iterate, lambda: [x for x in c][0], lambda: sum(c)],
    "C.__getattr__": [lambda: c.other, lambda: getattr(c, "other")],
    "C.__enter__": [with_],
    "C.__exit__": [with_],
    "C.__hash__": [lambda: hash(c)],
    "Truth.__bool__": [lambda: int(not not t), lambda: 1 if t else 0],
    "New.__new__": [lambda: int(type(New()) is New)],
    "Every.__getattribute__": [lambda: e.x],
    "Storing.__setattr__": [set_attribute],
    "decorated": [lambda: decorated(1)],
    "closures.<locals>.inner": [lambda: closures()()],
    "coroutine": [lambda: driven(coroutine(1)), lambda: driven(awaiting(1)), lambda: driven(coroutine(*(1,)))],
    "C.wait": [lambda: driven(c.wait()), lambda: driven(C.wait(c))],
    "async_closures.<locals>.inner": [lambda: driven(async_closures()())],
    "generator": [
        lambda: next(generator(1)),
        lambda: [x for x in generator(1)][0],
        lambda: list(delegating(1))[0],
        lambda: sum(generator(a=1)),
    ],
    "C.__reversed__": [lambda: next(reversed(c))],
    "async_generator": [lambda: driven(iterating(1))],
    "context": [within],
    "<lambda>": [lambda: unnamed()],
}


def missed():
    """The sites whose calls did not begin anew."""
    global calls, called
    found = []
    for name, sites in SITES.items():
        for index, site in enumerate(sites):
            calls, called = 0, name
            try:
                while calls < CALLS + 100:
                    assert site() == 1
            except BaseException as error:
                found.append(f"{name} {index}: {error!r}")
    return found


def warm():
    for sites in SITES.values():
        for site in sites:
            for _ in range(200):
                site()
