"""A small program as data: modules made of units, which render to source text.

Generated functions take and return integers and call only functions of a lower rank, so every program terminates and
any call of it can be compared between two processes.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

INDENT = "    "
SymbolKind = Literal["int", "function", "class", "list", "dict", "decorator", "touch", "factory", "module", "other"]


@dataclass
class Symbol:
    """A name that a unit binds: what it is, how many numbers it takes, and its rank in the order of calls."""

    name: str
    kind: SymbolKind
    arity: int = 0
    rank: int = 0


@dataclass
class Unit:
    """One top-level statement or definition, with the blank lines and the comment above it."""

    blank_lines: int = field(default=1, kw_only=True)
    comment: str = field(default="", kw_only=True)

    def lines(self) -> list[str]:
        """Return the source lines without indentation, blank lines and comment included."""
        return [*[""] * self.blank_lines, *([f"# {self.comment}"] if self.comment else []), *self.code()]

    def code(self) -> list[str]:
        """Return the source lines of the unit alone."""
        raise NotImplementedError

    def symbols(self) -> list[Symbol]:
        """Return the names that the unit binds."""
        return []


@dataclass
class Statement(Unit):
    """Any statement, as text."""

    text: list[str]
    binds: list[Symbol] = field(default_factory=list)

    def code(self) -> list[str]:
        """Return the text."""
        return self.text

    def symbols(self) -> list[Symbol]:
        """Return the names given with the text."""
        return self.binds


@dataclass
class Constant(Unit):
    """``NAME = VALUE``, or with an annotation."""

    name: str
    value: str
    annotation: str = ""

    def code(self) -> list[str]:
        """Return the assignment."""
        return [f"{self.name}{': ' + self.annotation if self.annotation else ''} = {self.value}"]

    def symbols(self) -> list[Symbol]:
        """Return the name, an integer."""
        return [Symbol(self.name, "int")]


@dataclass
class Import(Unit):
    """An import of a module of the program, or of names from it; ``names`` of one star takes all."""

    module: str
    names: list[tuple[str, str]] = field(default_factory=list)
    alias: str = ""
    relative: bool = False

    def code(self) -> list[str]:
        """Return the statement."""
        source = "." + self.module.rpartition(".")[2] if self.relative else self.module
        if not self.names:
            if self.relative:
                return [f"from . import {source[1:]} as {self.alias}"]
            return [f"import {self.module} as {self.alias}"]
        listed = ", ".join(name if name == alias else f"{name} as {alias}" for name, alias in self.names)
        return [f"from {source} import {listed}"]


@dataclass
class Parameter:
    """A parameter of a function: a number."""

    name: str
    default: str = ""
    annotation: str = ""
    keyword_only: bool = False

    def text(self) -> str:
        """Return the parameter as source."""
        annotated = f"{self.name}: {self.annotation}" if self.annotation else self.name
        if not self.default:
            return annotated
        return f"{annotated} = {self.default}" if self.annotation else f"{annotated}={self.default}"


@dataclass
class Function(Unit):
    """A function or method."""

    name: str
    parameters: list[Parameter]
    body: list[str]
    rank: int = 0
    kind: SymbolKind = "function"
    decorators: list[str] = field(default_factory=list)
    doc: str = ""
    returns: str = ""
    first: str = ""
    is_async: bool = False

    def code(self) -> list[str]:
        """Return the definition."""
        positional = [parameter.text() for parameter in self.parameters if not parameter.keyword_only]
        keyword_only = [parameter.text() for parameter in self.parameters if parameter.keyword_only]
        listed = [*([self.first] if self.first else []), *positional, *(["*", *keyword_only] if keyword_only else [])]
        arrow = f" -> {self.returns}" if self.returns else ""
        keyword = "async def" if self.is_async else "def"
        body = [*([f'"""{self.doc}"""'] if self.doc else []), *self.body]
        return [
            *(f"@{decorator}" for decorator in self.decorators),
            f"{keyword} {self.name}({', '.join(listed)}){arrow}:",
            *indented(body),
        ]

    def symbols(self) -> list[Symbol]:
        """Return the function, callable by number only when it returns one.

        Nothing calls a cached function at import: what a cache holds is the program's history, not its text.
        """
        arity = sum(1 for parameter in self.parameters if not parameter.default and not parameter.keyword_only)
        required = any(parameter.keyword_only and not parameter.default for parameter in self.parameters)
        yields = any(line.lstrip().startswith("yield") for line in self.body)
        cached = any("lru_cache" in decorator for decorator in self.decorators)
        kind = "other" if required or yields or cached or self.is_async else self.kind
        return [Symbol(self.name, kind, arity, self.rank)]


@dataclass
class Class(Unit):
    """A class statement; its members are units."""

    name: str
    members: list[Unit]
    bases: list[str] = field(default_factory=list)
    decorators: list[str] = field(default_factory=list)
    doc: str = ""
    rank: int = 0

    def code(self) -> list[str]:
        """Return the statement."""
        head = f"class {self.name}({', '.join(self.bases)}):" if self.bases else f"class {self.name}:"
        body = [*([f'"""{self.doc}"""'] if self.doc else []), *(line for unit in self.members for line in unit.lines())]
        return [*(f"@{decorator}" for decorator in self.decorators), head, *indented(body or ["pass"])]

    def symbols(self) -> list[Symbol]:
        """Return the class."""
        return [Symbol(self.name, "class", 1, self.rank)]


@dataclass
class Block(Unit):
    """Units in the branches of a compound statement: ``if`` and ``else``, ``try`` and ``except``."""

    branches: list[tuple[str, list[Unit]]]

    def code(self) -> list[str]:
        """Return the statement."""
        return [
            line
            for head, units in self.branches
            for line in (head, *indented([line for unit in units for line in unit.lines()] or ["pass"]))
        ]

    def symbols(self) -> list[Symbol]:
        """Return what every branch binds alike."""
        bound = [{symbol.name: symbol for unit in units for symbol in unit.symbols()} for _, units in self.branches]
        return [symbol for name, symbol in bound[0].items() if all(name in other for other in bound)]


@dataclass
class Module:
    """A module of the program."""

    name: str
    file: str
    units: list[Unit]
    doc: str = ""
    future_annotations: bool = False

    def text(self) -> str:
        """Return the source text."""
        head = [f'"""{self.doc}"""'] if self.doc else []
        head += ["from __future__ import annotations"] if self.future_annotations else []
        return "\n".join([*head, *(line for unit in self.units for line in unit.lines())]) + "\n"


@dataclass
class Program:
    """Modules in the order in which they may import each other, and the counters that keep names and ranks apart."""

    modules: list[Module]
    entry: list[str]
    words: list[str]
    next_rank: int = 0

    def files(self) -> dict[str, str]:
        """Return the source text of each file."""
        return {module.file: module.text() for module in self.modules}

    def new_name(self, generator: random.Random, style: str = "{}") -> str:
        """Return a name that the program has never used."""
        return style.format(self.words.pop(generator.randrange(len(self.words))))

    def new_rank(self) -> int:
        """Return a rank above all others."""
        self.next_rank += 1
        return self.next_rank

    def visible(self, module: Module, before: Unit | None = None) -> list[Symbol]:
        """Return the symbols that the units above ``before`` bind, all of the module's without it."""
        found: dict[str, Symbol] = {}
        for unit in module.units:
            if unit is before:
                break
            for symbol in self._imported(unit) if isinstance(unit, Import) else unit.symbols():
                found[symbol.name] = symbol
        return list(found.values())

    def named(self, name: str) -> Module | None:
        """Return the module of that name."""
        return next((module for module in self.modules if module.name == name), None)

    def rename(self, old: str, new: str) -> None:
        """Rename a name wherever the program says it; names are unique in a program."""
        pattern = re.compile(rf"\b{re.escape(old)}\b")
        for module in self.modules:
            rewrite(module.units, lambda text: pattern.sub(new, text))

    def _imported(self, unit: Import) -> Iterator[Symbol]:
        source = self.named(unit.module)
        if source is None:
            return
        symbols = {symbol.name: symbol for symbol in self.visible(source)}
        if not unit.names:
            for name, symbol in symbols.items():
                if "." not in name:
                    yield Symbol(f"{unit.alias}.{name}", symbol.kind, symbol.arity, symbol.rank)
        elif unit.names == [("*", "*")]:
            yield from (symbol for name, symbol in symbols.items() if "." not in name and not name.startswith("_"))
        else:
            for name, alias in unit.names:
                if name in symbols:
                    yield Symbol(alias, symbols[name].kind, symbols[name].arity, symbols[name].rank)


def indented(lines: list[str]) -> list[str]:
    """Return the lines one level deeper; empty lines stay empty."""
    return [INDENT + line if line else line for line in lines]


def rewrite(value: object, change: Callable[[str], str]) -> None:
    """Apply a change of text to every string in a tree of units, in place."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str):
                value[index] = change(item)
            elif isinstance(item, tuple):
                value[index] = tuple(change(part) if isinstance(part, str) else part for part in item)
                rewrite([part for part in item if not isinstance(part, str)], change)
            else:
                rewrite(item, change)
    elif isinstance(value, Unit | Parameter | Symbol):
        for name, item in vars(value).items():
            if isinstance(item, str) and not (isinstance(value, Import) and name == "module"):
                setattr(value, name, change(item))
            else:
                rewrite(item, change)
