"""Seeded programs, and sequences of edits of them as they would be saved.

Each step of a sequence is a whole version of the files, so that steps can be dropped from a failing sequence and
what is left is still a sequence of valid versions.
"""

import copy
import random
import sys
import warnings
from dataclasses import dataclass, field
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from . import edits, parts
from .program import Function, Import, Module, Program, Statement, Unit

Files = dict[str, str]


@dataclass
class Step:
    """One save: the files as they are after it, and how it is written to disk.

    A broken version does not compile or raises when it is imported: it must be refused, and the program live on as
    the version before it.
    """

    files: Files
    note: str
    broken: bool = False
    manner: str = "write"


@dataclass
class Sequence:
    """A program and the saves that change it; the first step is the program as first imported."""

    seed: int
    entry: list[str]
    steps: list[Step] = field(default_factory=list)


def sequence(seed: int, length: int = 12) -> Sequence:
    """Return the sequence of that seed: the same on every run of one version of Python."""
    generator = random.Random(seed)
    current = _importable_program(generator, seed)
    made = Sequence(seed, current.entry, [Step(current.files(), "the program")])
    history = [current]
    while len(made.steps) <= length or made.steps[-1].broken:
        if generator.random() < 0.1:
            made.steps += _broken_and_fixed(generator, current)
            continue
        changed, note = _edited(generator, current, history)
        if changed.files() == current.files():
            continue
        current = changed
        history.append(current)
        made.steps.append(Step(current.files(), note))
    for step in made.steps[1:]:
        step.manner = generator.choices(["write", "rename", "old time"], [6, 3, 1])[0]
    return made


def program(generator: random.Random, seed: int) -> Program:
    """Return a program of two or three modules; not every one is importable."""
    is_package = generator.random() < 0.4
    stem = f"s{seed}"
    names = ["core", "shapes", "app"][: generator.choice([2, 3, 3])]
    qualified = [f"{stem}.{name}" if is_package else f"{stem}_{name}" for name in names]
    files = [f"{stem}/{name}.py" if is_package else f"{stem}_{name}.py" for name in names]
    words = [*parts.WORDS, *(f"{word}_{number}" for number in (2, 3) for word in parts.WORDS)]
    made = Program([], qualified, words)
    for name, file in zip(qualified, files, strict=True):
        module = Module(name, file, [], future_annotations=generator.random() < 0.15)
        module.doc = parts.docstring(generator) if generator.random() < 0.5 else ""
        made.modules.append(module)
        _fill(generator, made, module, is_package)
    if is_package:
        made.modules.append(_package(generator, made, stem))
        made.entry = [stem, *qualified]
    elif generator.random() < 0.2 and not any(_takes_all(unit) for module in made.modules for unit in module.units):
        last = made.modules[-1].name
        made.modules[0].units.append(Statement([f"import {last} as {made.new_name(generator)}"]))
    return made


def _takes_all(unit: Unit) -> bool:
    """Tell a star import: in a circle, what it takes depends on how far the other module has come."""
    return isinstance(unit, Import) and unit.names == [("*", "*")]


def _fill(generator: random.Random, made: Program, module: Module, is_package: bool) -> None:
    libraries = ("dataclasses", "enum", "functools", "typing")
    module.units += [Statement([f"import {library}"], blank_lines=0) for library in libraries]
    for earlier in made.modules[:-1]:
        module.units += imports(generator, made, earlier, is_package and generator.random() < 0.6)

    def add(*units: Unit) -> None:
        module.units += units

    for _ in range(generator.randrange(1, 4)):
        add(*parts.statement(generator, made, module))
    add(*parts.state(generator, made, module))
    for _ in range(generator.randrange(0, 3)):
        add(parts.decorator(generator, made, module))
    for _ in range(generator.randrange(2, 6)):
        add(parts.function(generator, made, module))
    for _ in range(generator.randrange(1, 3)):
        add(parts.class_(generator, made, module))
    for make, chance in ((parts.dispatch, 0.25), (parts.enumeration, 0.35)):
        if generator.random() < chance:
            add(*make(generator, made))
    if generator.random() < 0.5:
        add(*parts.factory(generator, made, module))
    for _ in range(generator.randrange(2, 6)):
        add(*parts.statement(generator, made, module))
    for unit in module.units[len(libraries) :]:
        unit.blank_lines = generator.randrange(3)
        if generator.random() < 0.1:
            unit.comment = parts.docstring(generator)


def imports(generator: random.Random, made: Program, source: Module, relative: bool) -> list[Unit]:
    """Return imports of what another module binds: by name, under another name, with a star, or the module itself."""
    names = [symbol.name for symbol in made.visible(source) if "." not in symbol.name]
    units: list[Unit] = []
    if names and generator.random() < 0.15:
        units.append(Import(source.name, [("*", "*")], relative=relative))
    elif names:
        chosen = generator.sample(names, min(len(names), generator.randrange(1, 6)))
        pairs = [(name, name if generator.random() < 0.8 else f"{name}_alias") for name in chosen]
        units.append(Import(source.name, pairs, relative=relative))
    if generator.random() < 0.5:
        units.append(Import(source.name, alias=made.new_name(generator), relative=relative))
    return units


def _package(generator: random.Random, made: Program, stem: str) -> Module:
    units: list[Unit] = []
    for module in made.modules:
        names = [symbol.name for symbol in made.visible(module) if "." not in symbol.name]
        chosen = generator.sample(names, min(len(names), 3))
        if chosen:
            units.append(Import(module.name, [(name, name) for name in chosen], relative=True))
    exported = [name for unit in units if isinstance(unit, Import) for name, _ in unit.names]
    units.append(Statement([f"__all__ = {sorted(exported)!r}"]))
    return Module(stem, f"{stem}/__init__.py", units, doc=parts.docstring(generator))


def _importable_program(generator: random.Random, seed: int) -> Program:
    while True:
        candidate = program(generator, seed)
        if importable(candidate.files(), candidate.entry):
            return candidate


def _edited(generator: random.Random, current: Program, history: list[Program]) -> tuple[Program, str]:
    if len(history) > 1 and generator.random() < 0.06:
        return copy.deepcopy(generator.choice(history)), "revert to an earlier version"
    changed, notes = copy.deepcopy(current), []
    for _ in range(generator.choices([1, 2, 3], [65, 25, 10])[0]):
        candidate = copy.deepcopy(changed)
        note = generator.choice(edits.EDITS)(generator, candidate)
        if note and importable(candidate.files(), candidate.entry):
            changed = candidate
            notes.append(note)
    return changed, "; ".join(notes)


def _broken_and_fixed(generator: random.Random, current: Program) -> list[Step]:
    """Return a version that cannot be imported, with a good edit of the same file, and maybe the fix alone."""
    files = current.files()
    broken = copy.deepcopy(current)
    module = generator.choice(broken.modules)
    if generator.random() < 0.5:
        text = files[module.file].splitlines()
        text.insert(generator.randrange(len(text) + 1), generator.choice(["def (:", "x = (", "  return]", "'''"]))
        broken_files, note = {**files, module.file: "\n".join(text) + "\n"}, f"break the syntax of {module.name}"
    else:
        functions = [unit for unit in module.units if isinstance(unit, Function) and unit.kind == "function"]
        if functions and generator.random() < 0.6:
            generator.choice(functions).body.insert(0, f"if {generator.randrange(9)} > 9: return 0")
        place = generator.randrange(len(module.units) + 1)
        module.units.insert(place, parts.raising(generator))
        broken_files, note = broken.files(), f"a statement of {module.name} raises"
    if importable(broken_files, current.entry):
        return []
    fix = [Step(files, "the fix: back to the version before")] if generator.random() < 0.5 else []
    return [Step(broken_files, note, broken=True), *fix]


class _TextLoader(InspectLoader):
    def __init__(self, text: str, is_package: bool) -> None:
        self._text, self._is_package = text, is_package

    def get_source(self, fullname: str) -> str:
        return self._text

    def is_package(self, fullname: str) -> bool:
        return self._is_package


class _TextFinder(MetaPathFinder):
    def __init__(self, files: Files) -> None:
        self._files = files

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        stem = fullname.replace(".", "/")
        for file, is_package in ((f"{stem}.py", False), (f"{stem}/__init__.py", True)):
            if file in self._files:
                return ModuleSpec(fullname, _TextLoader(self._files[file], is_package), is_package=is_package)
        return None


def importable(files: Files, entry: list[str]) -> bool:
    """Tell whether the modules can be imported, by importing them here."""
    finder = _TextFinder(files)
    before = set(sys.modules)
    sys.meta_path.insert(0, finder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A version that is not used may drop a coroutine unawaited.
            return _imports(entry)
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == entry[0].partition(".")[0] or name in entry or finder.find_spec(name):
                del sys.modules[name]


def _imports(entry: list[str]) -> bool:
    try:
        for name in entry:
            __import__(name)
    except Exception:
        return False
    return True
