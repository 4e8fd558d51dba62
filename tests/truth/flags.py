"""What the reports of a session have named so far, and which differences that excuses."""

import ast
import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import takewhile
from typing import Any

from .fingerprint import LINE_KEYS, Difference, Leaf, Units, names_read

Item = dict[str, Any]

# These name objects made by a unit, not the unit: they excuse a difference inside such an object only.
_OBJECT_KINDS = frozenset({"instance", "frame"})


class Flags:
    """The stale and refused items in force, as a set of qualified names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._instances: set[str] = set()
        self._refused: set[str] = set()
        self._refused_modules: set[str] = set()
        # Modules of which a save was refused whole: what did not change in it stands on the old lines.
        self._unmoved: set[str] = set()
        self._statements: dict[tuple[str, str], set[str]] = {}

    def update(self, report: Mapping[str, Any], texts: Iterable[Mapping[str, str]], reach: "Reach") -> None:
        """Take in one update's report; ``texts`` are the versions of each module's text that its lines may mean.

        A refusal lasts until the unit, or for a whole module anything in it, is applied; staleness is what the session
        says it is now.
        """
        texts = list(texts)
        stale = [*report["stale"], *report.get("stale now", ())]
        applied = {str(item["qualname"]) for item in report["applied"]}
        modules = {name.partition(":")[0] for name in applied}
        self._refused -= applied
        self._refused_modules -= modules
        self._unmoved -= modules
        for item in (*report["refused"], *report["conflicts"]):
            # A statement that raised takes the whole save of its file with it.
            if item["kind"] == "module" or item["why"].endswith("undone, the old code runs on"):
                self._refused_modules.add(_module(item))
            elif _module(item) not in modules:
                self._unmoved.add(_module(item))
            self._refused |= self._named(item, texts, reach)
        self._instances = {item["qualname"] for item in stale if item["kind"] in _OBJECT_KINDS}
        self.names = self._refused.union(*(self._named(item, texts, reach) for item in stale))

    def __bool__(self) -> bool:
        return bool(self.names or self._refused_modules or self._instances)

    def covers(self, qualname: str) -> bool:
        """Tell whether a unit was named: itself, a class or statement that it is part of, or its module."""
        module = qualname.partition(":")[0]
        if module in self._refused_modules or module in self.names:
            return True
        # A package has each of its modules as an attribute.
        if qualname.replace(":", ".") in self._refused_modules:
            return True
        return any(qualname == name or qualname.startswith(f"{name}.") for name in self.names)

    def needless(self, report: Mapping[str, Any], differing: set[str], fresh: Units) -> int:
        """Count the units that an update named as stale though they equal fresh ones: each teaches users to skip."""
        named = {item["qualname"] for item in report["stale"] if item["kind"] not in _OBJECT_KINDS} & fresh.keys()
        return sum(1 for name in named if not any(each == name or each.startswith(f"{name}.") for each in differing))

    def covers_instances(self, qualname: str) -> bool:
        """Tell whether a report said that objects made by a class, or by one that it is part of, stay old."""
        return any(qualname == name or qualname.startswith(f"{name}.") for name in self._instances)

    def excuses(self, difference: Difference, aliases: Mapping[str, list[str]]) -> bool:
        """Tell whether the report named the differing unit, another name of the same object, or its old instances."""
        names = [difference.qualname]
        for home in (difference.qualname, *owning_classes(difference.qualname)):
            names += (alias + difference.qualname[len(home) :] for alias in aliases.get(home, ()))
        if any(map(self.covers, names)):
            return True
        leaves = difference.leaves
        if difference.qualname.partition(":")[0] in self._unmoved and all(map(_is_of_lines, leaves)):
            return True
        return all(leaf.owners & self._instances for leaf in leaves)

    def excuses_outcome(self, qualname: str, reach: "Reach") -> bool:
        """Tell whether what a call returned can depend on something named, going by the names that the code reads."""
        if not self:
            return False
        owner, _, _ = qualname.rpartition(".")
        # A member may be inherited, so a call of one is taken to read what its class and its bases read.
        reached = reach.all(owner if ":" in owner else qualname) | {qualname}
        if self._refused_modules & {path.partition(":")[0] for path in reached}:
            return True
        named = {_last(name) for name in self.names | self._instances}
        return bool(named & {_last(path) for path in reached}) or any(map(self.covers, reached))

    def _named(self, item: Item, texts: list[Mapping[str, str]], reach: "Reach") -> set[str]:
        if item["kind"] in _OBJECT_KINDS:
            return set()
        module, _, name = item["qualname"].partition(":")
        if not name.startswith("<line "):
            return {item["qualname"]}
        key = (item["qualname"], item["why"])
        if key not in self._statements:
            line = int(name.removeprefix("<line ").removesuffix(">"))
            mentioned = {f"{module}:{found}" for text in texts for found in _names_at(text.get(module, ""), line)}
            # A statement such as `fill(3)` names what `fill` changes, too: one step, or it would excuse everything.
            self._statements[key] = mentioned.union(*map(reach.step, mentioned))
        return self._statements[key]


class Reach:
    """Which units the code of others can reach, going by the names that it reads; a generous estimate."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._sorted = sorted(units)
        self._by_name: dict[str, list[str]] = {}
        for path in self._sorted:
            self._by_name.setdefault(_last(path), []).append(path)

    @cache  # noqa: B019 - lives as long as one fingerprint
    def step(self, path: str) -> frozenset[str]:
        """Return the units that a unit and its members read, and the members."""
        first = bisect_left(self._sorted, f"{path}.")
        members = takewhile(lambda other: other.startswith(f"{path}."), self._sorted[first:])
        found = set(members)
        names = set[str]().union(*(names_read(self._units.get(each)) for each in (path, *found)))
        return frozenset(found | {other for name in names for other in self._by_name.get(name, ())})

    def all(self, path: str) -> set[str]:
        """Return the unit and everything that it reaches, over any number of steps."""
        found: set[str] = set()
        waiting = [path]
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self.step(path)
        return found

    def is_cached(self, path: str) -> bool:
        """Tell whether a unit is a function with a cache around it."""
        return '"lru_cache"' in json.dumps(self._units.get(path))


def module_name(file: str, root: str) -> str:
    """Return the dotted name of the module that a file relative to the root defines."""
    parts = os.path.relpath(file, root).removesuffix(".py").split(os.sep)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names_at(text: str, line: int) -> set[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set()
    statements = [node for node in tree.body if node.lineno <= line <= (node.end_lineno or node.lineno)]
    return {node.id for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Name)}


def owning_classes(path: str) -> list[str]:
    """Return the classes that a unit is a member of, innermost first."""
    module, _, name = path.partition(":")
    parts = name.split(".")
    return [f"{module}:{'.'.join(parts[:count])}" for count in range(len(parts) - 1, 0, -1)]


def _is_of_lines(leaf: Leaf) -> bool:
    return leaf.where.rpartition(".")[2].partition("[")[0] in LINE_KEYS


def _module(item: Item) -> str:
    return str(item["qualname"]).partition(":")[0]


def _last(path: str) -> str:
    return path.rpartition(":")[2].rpartition(".")[2]
