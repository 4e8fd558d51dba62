"""The fingerprint notices what an edit can change, names the unit that holds it, and nothing else."""

from types import ModuleType
from typing import Any

import pytest

from .fingerprint import Fingerprinter, Units, differences

BASE = """
import functools

LIMIT = 3
STATE = {"seen": [1, 2]}

def plain(first, second=LIMIT, *, third: int = 4) -> str:
    "What it does."
    def inner():
        return first
    return inner() + second

def deco(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper

@deco
def wrapped(value):
    return value + 1

@functools.lru_cache(maxsize=None)
def cached(value):
    return value + 1

class Base:
    size: int = 1

    @property
    def area(self):
        return self.size

    @staticmethod
    def make(value):
        return value

    def __private(self):
        return 1

class Derived(Base):
    class Inner:
        def deep(self):
            return super()

box = Base()
table = {"plain": plain, "lambda": lambda value: value + 1}
part = functools.partial(plain, 1)
"""


def module(text: str) -> ModuleType:
    made = ModuleType("m")
    exec(compile(text, "m.py", "exec"), vars(made))
    return made


def units(text: str) -> Units:
    return Fingerprinter({"m": module(text)}).units()


def differing(live: Units, fresh: Units, **options: Any) -> list[str]:
    return [difference.qualname for difference in differences(live, fresh, **options)]


def test_two_executions_of_the_same_text_are_equal() -> None:
    assert differing(units(BASE), units(BASE)) == []


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("LIMIT = 3", "LIMIT = 4", ["m:LIMIT", "m:plain"]),
        ("LIMIT = 3", "LIMIT = True", ["m:LIMIT", "m:plain"]),
        ("[1, 2]", "[1, 2.0]", ["m:STATE"]),
        ("[1, 2]", "(1, 2)", ["m:STATE"]),
        ("return first", "return -first", ["m:plain"]),
        ("def inner():", "def inner(x=1):", ["m:plain"]),
        ("third: int", "third: str", ["m:plain"]),
        ("third: int = 4", "third: int = 5", ["m:plain"]),
        ("What it does", "What it did", ["m:plain"]),
        ("return function(*args)", "return function(*args) or 0", ["m:deco", "m:wrapped"]),
        ("@deco\ndef wrapped", "def wrapped", ["m:wrapped"]),
        ("maxsize=None", "maxsize=128", ["m:cached"]),
        ("size: int = 1", "size: str = 1", ["m:Base.size"]),
        ("size: int = 1", "size: int = 2", ["m:Base.size"]),
        ("return self.size", "return -self.size", ["m:Base.area"]),
        ("@property", "@functools.cached_property", ["m:Base.area"]),
        ("@staticmethod", "@classmethod", ["m:Base.make"]),
        ("        return 1\n", "        return 2\n", ["m:Base.__private"]),
        ("Derived(Base)", "Derived(Base, object)", ["m:Derived"]),
        ("Derived(Base)", "Derived", ["m:Derived"]),
        ("return super()", "return self", ["m:Derived.Inner.deep"]),
        ("box = Base()", "box = Base(); box.size = 2", ["m:box"]),
        ("box = Base()", "box = Derived()", ["m:box"]),
        ("lambda value: value + 1", "lambda value: value - 1", ["m:table"]),
        ("plain, 1)", "plain, 2)", ["m:part"]),
        ("LIMIT = 3", "LIMIT = 3; MORE = 1", ["m:MORE"]),
        ("import functools", "import functools; import json", ["m:json"]),
    ],
)
def test_an_edit_shows_in_the_unit_that_it_changes(old: str, new: str, changed: list[str]) -> None:
    assert BASE.count(old) == 1
    assert differing(units(BASE), units(BASE.replace(old, new)), lines=False) == changed


def test_moved_lines_are_told_from_changed_code() -> None:
    moved = BASE.replace("box =", "\n\nbox =").replace("@deco\n", "\n@deco\n")
    assert differing(units(BASE), units(moved), lines=False) == []
    assert "m:wrapped" in differing(units(BASE), units(moved))
    assert "m:plain" not in differing(units(BASE), units(moved))


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ("def plain(first, second=LIMIT, *, third: int = 4) -> str: return 1", "m:plain"),
        ("class Base:\n    size: int = 1", "m:Base"),
    ],
)
def test_an_old_object_kept_under_an_alias_is_a_difference_though_it_looks_the_same(statement: str, path: str) -> None:
    text = f"LIMIT = 3\n{statement}\nalias = {path[2:]}\n"
    live, fresh = module(text), module(text)
    exec(compile("\n" + statement, "m.py", "exec"), vars(live))
    found = differences(Fingerprinter({"m": live}).units(), Fingerprinter({"m": fresh}).units())
    assert [difference.qualname for difference in found] == ["m:alias"]


def test_a_held_object_is_described_as_though_it_stood_in_its_place() -> None:
    made = module(BASE)
    old = dict(vars(made))
    exec(compile(BASE, "m.py", "exec"), vars(made))
    fingerprinter = Fingerprinter({"m": made})
    fresh = fingerprinter.units()
    for name in ("plain", "Base", "Derived"):
        path = f"m:{name}"
        own = {key: value for key, value in fresh.items() if key == path or key.startswith(f"{path}.")}
        differing_units = differing(fingerprinter.held(path, old[name]), own)
        # The old class is derived from the old base, which is another class than the one that stands there now.
        assert differing_units == (["m:Derived"] if name == "Derived" else [])


def test_cycles_and_shared_containers_end() -> None:
    text = "first = []\nfirst.append(first)\nsecond = {'first': first}\nthird = second\n"
    found = Fingerprinter({"m": module(text)})
    described = found.units()
    assert described["m:first"] == {"list": [{"seen": 0}]}
    assert described["m:second"] == {"dict": [["'first'", {"same": "m:first"}]]}
    assert described["m:third"] == {"same": "m:second"}
    assert found.aliases == {"m:second": ["m:third"]}


def test_what_is_the_same_by_chance_is_no_difference() -> None:
    shared = "from typing import Union\nalias = [Union['A', int], Union['A', str]]\n"
    apart = "from typing import ForwardRef, Union\nalias = [Union[ForwardRef('A'), int], Union[ForwardRef('A'), str]]\n"
    assert units(shared)["m:alias"] == units(apart)["m:alias"]
    assert units("names = locals()\nx = 1\n")["m:names"] == {"namespace": "m"}
