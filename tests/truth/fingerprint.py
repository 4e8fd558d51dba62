"""A canonical description of live modules as plain data, comparable between processes.

A fingerprint maps each unit (``pkg.mod:NAME``, ``pkg.mod:Class.method``) to a description made of dicts, lists and
strings. An object that has a home, that is a unit which defines it, is described there and nowhere else; every other
place says ``{"ref": home}``, so an old object that lingers under an alias shows as a difference of identity. Nothing
that depends on the process (addresses, hash order, specialised bytecode) enters a description.
"""

import dis
import enum
import functools
import json
import os
import re
import sys
import typing
import zlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import SourceFileLoader
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GenericAlias,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    UnionType,
)
from typing import Any, NamedTuple

Units = dict[str, Any]

LINE_KEYS = frozenset({"line", "line stored", "lines", "columns"})

_ATOMS = (bool, int, float, complex, str, bytes, bytearray, range, slice, type(...), type(NotImplemented))
_MODULE_NAMES_LEFT_OUT = {
    *("__annotate__", "__annotations__", "__conditional_annotations__", "__builtins__", "__cached__", "__file__"),
    *("__loader__", "__path__", "__spec__", "__warningregistry__"),
}
_CLASS_NAMES_LEFT_OUT = {
    *("__annotate__", "__annotate_func__", "__annotations__", "__annotations_cache__", "__conditional_annotations__"),
    *("__classdictcell__", "__dict__", "__firstlineno__", "__slotnames__", "__static_attributes__", "__weakref__"),
    *("__doc__", "__module__", "_abc_impl"),
}
# Types of the standard library whose state is worth comparing and safe to walk; of others only the type is said.
_STATEFUL_HOMES = frozenset({"collections", "dataclasses", "enum", "functools", "types"})
_REPR_HOMES = frozenset({"datetime", "decimal", "fractions", "pathlib", "re", "string", "typing", "uuid", "zoneinfo"})
LRU_CACHE_TYPE = type(functools.lru_cache(lambda: None))
_GENERIC_TYPES = (GenericAlias, UnionType, type(typing.List[int]), type(typing.Union[int, str]))  # noqa: UP006, UP007


class Leaf(NamedTuple):
    """One differing leaf of a unit: where in the description, both values, and the classes whose instances hold it."""

    where: str
    live: Any
    fresh: Any
    owners: frozenset[str]


class Difference(NamedTuple):
    """A unit whose descriptions differ; ``live`` and ``fresh`` are those of its first differing leaf."""

    qualname: str
    live: Any
    fresh: Any
    where: str
    leaves: tuple[Leaf, ...]

    def __str__(self) -> str:
        return f"{self.qualname} at {self.where or 'itself'}: live {_short(self.live)}, fresh {_short(self.fresh)}"


def differences(live: Units, fresh: Units, *, lines: bool = True) -> list[Difference]:
    """Return the units that differ between two fingerprints, sorted; ``lines=False`` disregards line numbers."""
    found = []
    for qualname in sorted(live.keys() | fresh.keys()):
        ours, theirs = live.get(qualname, "<missing>"), fresh.get(qualname, "<missing>")
        if ours != theirs:
            leaves = tuple(_leaves(ours, theirs, "", frozenset(), lines))
            if leaves:
                found.append(Difference(qualname, leaves[0].live, leaves[0].fresh, leaves[0].where, leaves))
    return found


def _leaves(live: Any, fresh: Any, where: str, owners: frozenset[str], lines: bool) -> Iterator[Leaf]:
    if live == fresh:
        return
    if isinstance(live, dict) and isinstance(fresh, dict) and live.keys() == fresh.keys():
        if "instance" in live and live["instance"] == fresh["instance"] and isinstance(live["instance"], dict):
            owners = owners | {live["instance"].get("ref", "")}
        for key in live:
            if lines or key not in LINE_KEYS:
                yield from _leaves(live[key], fresh[key], f"{where}.{key}" if where else key, owners, lines)
    elif isinstance(live, list) and isinstance(fresh, list) and len(live) == len(fresh):
        for index, (ours, theirs) in enumerate(zip(live, fresh, strict=True)):
            yield from _leaves(ours, theirs, f"{where}[{index}]", owners, lines)
    elif lines or _without_lines(live) != _without_lines(fresh):
        yield Leaf(where, live, fresh, owners)


def _without_lines(description: Any) -> Any:
    if isinstance(description, dict):
        return {key: _without_lines(value) for key, value in description.items() if key not in LINE_KEYS}
    if isinstance(description, list):
        return [_without_lines(value) for value in description]
    return description


def names_read(description: Any) -> set[str]:
    """Return the names that the code in a description refers to, and the last parts of the homes that it refers to."""
    found: set[str] = set()
    if isinstance(description, dict):
        found.update(description.get("names", ()))
        for key in ("ref", "same"):
            if isinstance(description.get(key), str):
                found.add(description[key].rpartition(":")[2].rpartition(".")[2])
        for value in description.values():
            found |= names_read(value)
    elif isinstance(description, list):
        for value in description:
            found |= names_read(value)
    return found


def _short(description: Any, width: int = 160) -> str:
    text = description if isinstance(description, str) else json.dumps(description)
    return text if len(text) <= width else f"{text[:width]}… ({len(text)} characters)"


class Fingerprinter:
    """Describes the given modules, and objects in terms of them."""

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self._modules = dict(sorted(modules.items()))
        self._owners = {id(vars(module)): name for name, module in self._modules.items()}
        self._homes: dict[int, str] = {}
        self._unit = ""
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # An object that dies while others are described would lend them its address.
        self.aliases: dict[str, list[str]] = {}
        bindings = [
            (f"{name}:{key}", value)
            for name, module in self._modules.items()
            for key, value in sorted(vars(module).items(), key=lambda item: str(item[0]))
            if key not in _MODULE_NAMES_LEFT_OUT
        ]
        for path, value in bindings:
            self._settle(path, value)
        for path, value in bindings:
            # A package that claims a class by setting its `__module__` is its home; the module of its text is another.
            home = self._homes.get(id(value), path)
            if home != path and path.partition(":")[0] == self._defining_module(value):
                self.aliases.setdefault(home, []).append(path)
        # What has no home by its own qualified name lives under the first name bound to it.
        for path, value in bindings:
            if _has_identity(value, self._modules):
                home = self._homes.setdefault(id(value), path)
                if home != path:
                    self.aliases.setdefault(home, []).append(path)

    def units(self) -> Units:
        """Describe every module: the fingerprint."""
        units: Units = {}
        for name, module in self._modules.items():
            annotations = _annotations(module)
            for key in sorted(annotations.keys() | vars(module).keys() - _MODULE_NAMES_LEFT_OUT, key=str):
                value = vars(module).get(key, _Absent)
                units.update(self._describe_binding(f"{name}:{key}", value, annotations.get(key, _Absent)))
        return units

    def held(self, path: str, held: Any) -> Units:
        """Describe an object that was taken from ``path`` earlier, as though it still stood there."""
        homes = dict(self._homes)
        self._settle(path, held, claimed=True)
        try:
            return self._describe_binding(path, held, _Absent)
        finally:
            self._homes = homes

    def value(self, value: Any, path: str = "") -> Any:
        """Describe one value on its own."""
        self._unit, self._seen = path, {}
        return self._value(value)

    def home(self, value: Any) -> str | None:
        """Return the unit that defines a function or class, or that binds another object with an identity."""
        return self._homes.get(id(value))

    def _defining_module(self, value: Any) -> str | None:
        members = vars(value).values() if isinstance(value, type) else (value,)
        functions = (member for member in members if isinstance(member, FunctionType))
        return next((self._owners.get(id(function.__globals__)) for function in functions), None)

    def _settle(self, path: str, value: Any, claimed: bool = False) -> None:
        for function in _underlying(value):
            if claimed or f"{function.__module__}:{function.__qualname__}" == path:
                self._homes[id(function)] = path
        if isinstance(value, type) and (claimed or f"{value.__module__}:{value.__qualname__}" == path):
            if self._homes.get(id(value)) == path and not claimed:
                return
            self._homes[id(value)] = path
            for key, member in list(vars(value).items()):
                self._settle(f"{path}.{_unmangled(key, value)}", member, claimed and _defined_by(member, value))

    def _describe_binding(self, path: str, value: Any, annotation: Any) -> Units:
        self._unit, self._seen = path, {}
        if isinstance(value, type) and self._homes.get(id(value)) == path:
            units = self._class_units(path, value)
        else:
            units = {path: self._value(value)} if value is not _Absent else {path: "<no value>"}
        if annotation is not _Absent:
            self._unit, self._seen = path, {}
            units[path] = {"value": units[path], "annotation": self._value(annotation)}
        return units

    def _class_units(self, path: str, cls: type) -> Units:
        units: Units = {path: self._class_header(cls)}
        annotations = _annotations(cls)
        members = _class_members(cls)
        for key in sorted(annotations.keys() | members.keys()):
            member = members.get(key, _Absent)
            units.update(self._describe_binding(f"{path}.{key}", member, annotations.get(key, _Absent)))
        return units

    def _class_header(self, cls: type) -> dict[str, Any]:
        return {
            "class": cls.__qualname__,
            "name": cls.__name__,
            "module": cls.__module__,
            "doc": self._value(vars(cls).get("__doc__")),
            "bases": [self._value(base) for base in cls.__bases__],
            "metaclass": self._value(type(cls)),
            "annotated": list(_annotations(cls)),
            "line": vars(cls).get("__firstlineno__"),
        }

    def _value(self, value: Any) -> Any:
        if value is None or type(value) in _ATOMS:
            return repr(value)
        if type(value) is tuple and _is_plain(value):
            return repr(value)
        home = self._homes.get(id(value))
        if home is not None and home != self._unit:
            return {"ref" if isinstance(value, type | FunctionType) else "same": home}
        if isinstance(value, type | FunctionType) and _is_of_library(value, self._modules):
            return {"ref": f"{value.__module__}:{value.__qualname__}"}
        if isinstance(value, _GENERIC_TYPES):
            return self._generic(value)  # Equal ones are as good as the same one; whether they are is chance.
        if isinstance(value, typing.ForwardRef):
            return {"forward reference": value.__forward_arg__}
        if id(value) in self._owners:
            return {"namespace": self._owners[id(value)]}  # Its names are units of their own.
        if id(value) in self._seen:
            return {"seen": self._seen[id(value)]}
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return self._whole(value)

    def _whole(self, value: Any) -> Any:
        if isinstance(value, type):
            return self._class(value)
        if type(value) is dict:
            return {"dict": self._mapping(value)}
        if type(value) in (set, frozenset):
            return self._set(value)
        if type(value) in (list, tuple):
            return self._sequence(value)
        for types, describe in _DESCRIBERS:
            if isinstance(value, types):
                return describe(self, value)
        return self._instance(value)

    def _class(self, cls: type) -> Any:
        annotations = _annotations(cls)
        return {
            **self._class_header(cls),
            "members": [[key, self._value(member)] for key, member in sorted(_class_members(cls).items())],
            "annotations": [[key, self._value(annotation)] for key, annotation in annotations.items()],
        }

    def _function(self, function: FunctionType) -> Any:
        owner = self._owners.get(id(function.__globals__))
        attributes = {key: item for key, item in vars(function).items() if key != "__wrapped__"}
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        whole = {
            "function": function.__qualname__,
            "defaults": self._value(function.__defaults__),
            "keyword defaults": self._mapping(function.__kwdefaults__ or {}),
            "attributes": self._mapping(attributes),
            "closure": [[name, self._cell(cell)] for name, cell in cells],
            "wrapped": self._value(vars(function).get("__wrapped__")),
        }
        if owner is None:
            # Code of a library is the same in both processes; what its closure captured is the program's.
            return {**whole, "module": function.__module__}
        return {
            **whole,
            "name": function.__name__,
            "module": function.__module__,
            "globals": owner,
            "doc": self._value(function.__doc__),
            "annotations": self._mapping(_annotations(function)),
            "type parameters": self._value(getattr(function, "__type_params__", ())),
            "code": self._code(function.__code__),
        }

    def _cell(self, cell: Any) -> Any:
        try:
            return self._value(cell.cell_contents)
        except ValueError:
            return "<empty cell>"

    def _code(self, code: CodeType) -> dict[str, Any]:
        # `co_code` is the bytecode as compiled: without specialisation, instrumentation and inline cache contents.
        bytecode, constants = bytearray(code.co_code), [self._constant(constant) for constant in code.co_consts]
        line_stored = _line_stored(code, bytecode, constants) if "__firstlineno__" in code.co_names else None
        return {
            "name": code.co_name,
            "qualname": code.co_qualname,
            "bytecode": bytecode.hex(),
            "names": list(code.co_names),
            "constants": constants,
            "variables": [list(code.co_varnames), list(code.co_cellvars), list(code.co_freevars)],
            "arguments": [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount],
            "flags": code.co_flags,
            "stack size": code.co_stacksize,
            "exceptions": code.co_exceptiontable.hex(),
            "file": os.path.basename(code.co_filename),
            "line": code.co_firstlineno,
            "line stored": line_stored,
            "lines": [[end, line] for _, end, line in code.co_lines()],
            "columns": zlib.crc32(repr(list(code.co_positions())).encode()),
        }

    def _constant(self, constant: Any) -> Any:
        if isinstance(constant, CodeType):
            return self._code(constant)
        if isinstance(constant, frozenset):
            return {"frozenset": sorted(map(repr, constant))}
        return repr(constant)

    def _mapping(self, mapping: Mapping[Any, Any]) -> Any:
        return [[self._value(key), self._value(value)] for key, value in list(mapping.items())]

    def _sequence(self, value: Iterable[Any]) -> Any:
        return {type(value).__name__: [self._value(item) for item in value]}

    def _set(self, value: Iterable[Any]) -> Any:
        return {type(value).__name__: sorted((self._value(item) for item in value), key=json.dumps)}

    def _generic(self, value: Any) -> Any:
        origin = getattr(value, "__origin__", type(value))
        return {"generic": self._value(origin), "of": [self._value(item) for item in value.__args__]}

    def _parts(self, kind: str, *parts: Any) -> Any:
        return {kind: [self._value(part) for part in parts]}

    def _lru_cache(self, value: Any) -> Any:
        # The hits and misses are the program's history, not its code; what a cache still holds shows when it is called.
        attributes = {key: item for key, item in vars(value).items() if key != "__wrapped__"}
        parameters = self._mapping(value.cache_parameters())
        return {
            "lru_cache": parameters,
            "attributes": self._mapping(attributes),
            "wrapped": self._value(value.__wrapped__),
        }

    def _builtin(self, value: BuiltinFunctionType) -> Any:
        owner = value.__self__
        return {"builtin": value.__qualname__, "of": None if isinstance(owner, ModuleType) else self._value(owner)}

    def _type_variable(self, value: Any) -> Any:
        lazy = ("__bound__", "__constraints__", "__default__", "__value__")
        return {type(value).__name__: value.__name__, "parts": [self._value(_evaluate(value, name)) for name in lazy]}

    def _instance(self, value: Any) -> Any:
        cls = type(value)
        described: dict[str, Any] = {"instance": self._value(cls)}
        home = cls.__module__.partition(".")[0]
        if home in _REPR_HOMES:
            return {**described, "repr": repr(value)}
        if cls.__module__ not in self._modules and home not in _STATEFUL_HOMES:
            return described
        contents = _builtin_contents(value)
        if contents is not _Absent:
            described["contents"] = self._whole_contents(contents)
        state = {**_slots(value), **getattr(value, "__dict__", {})}
        if isinstance(value, functools.cached_property):
            state.pop("lock", None)
        described["state"] = [[str(key), self._value(item)] for key, item in sorted(state.items(), key=str)]
        return described

    def _whole_contents(self, contents: Any) -> Any:
        if isinstance(contents, dict):
            return self._mapping(contents)
        if isinstance(contents, frozenset):
            return self._set(contents)
        return [self._value(item) for item in contents] if isinstance(contents, list) else repr(contents)


_DESCRIBERS: tuple[tuple[Any, Any], ...] = (
    (FunctionType, Fingerprinter._function),
    (ModuleType, lambda self, value: {"module": value.__name__}),
    (SourceFileLoader, lambda self, value: {"loader": value.name}),  # A live engine may well use one of its own.
    (staticmethod, lambda self, value: self._parts("staticmethod", value.__func__)),
    (classmethod, lambda self, value: self._parts("classmethod", value.__func__)),
    (property, lambda self, value: self._parts("property", value.fget, value.fset, value.fdel, value.__doc__)),
    (MethodType, lambda self, value: self._parts("method", value.__func__, value.__self__)),
    (functools.partial, lambda self, value: self._parts("partial", value.func, value.args, value.keywords)),
    (LRU_CACHE_TYPE, Fingerprinter._lru_cache),
    (BuiltinFunctionType, Fingerprinter._builtin),
    ((MemberDescriptorType, GetSetDescriptorType), lambda self, value: {"descriptor": value.__name__}),
    (MappingProxyType, lambda self, value: {"mappingproxy": self._mapping(value)}),
    (CodeType, lambda self, value: {"code": self._code(value)}),
    (re.Pattern, lambda self, value: {"pattern": repr(value.pattern), "flags": value.flags}),
    (typing.TypeVar, Fingerprinter._type_variable),
    (BaseException, lambda self, value: {"instance": self._value(type(value)), "arguments": self._value(value.args)}),
)
if sys.version_info >= (3, 12):
    _DESCRIBERS += ((typing.TypeAliasType, Fingerprinter._type_variable),)


class _Absent:
    """Stands for "there is no such value", where None is a value."""


def _line_stored(code: CodeType, bytecode: bytearray, constants: list[Any]) -> Any:
    """Return the line number that the code of a class body stores (3.13+), and blank it in bytecode and constants."""
    previous = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_NAME" and instruction.argval == "__firstlineno__" and previous is not None:
            if previous.opname == "LOAD_CONST":
                constants[previous.arg or 0] = "<line>"
            else:
                bytecode[previous.offset + 1] = 0
            return previous.argval
        previous = instruction
    return None


def _has_identity(value: Any, modules: Mapping[str, ModuleType]) -> bool:
    """Tell whether it matters that names hold the same object: one that can change, or a function without a name."""
    if isinstance(value, FunctionType):
        return "." in value.__qualname__ or value.__name__ == "<lambda>"
    if isinstance(value, type | enum.Enum):
        return False
    holders = (list, dict, set, bytearray, functools.partial, LRU_CACHE_TYPE)
    return isinstance(value, holders) or type(value).__module__ in modules


def _is_plain(value: tuple[Any, ...]) -> bool:
    return all(item is None or type(item) in _ATOMS or (type(item) is tuple and _is_plain(item)) for item in value)


def _underlying(value: Any) -> Iterator[Any]:
    """Yield the functions that a namespace entry gives its qualified name to."""
    if isinstance(value, property):
        candidates: tuple[Any, ...] = (value.fget, value.fset, value.fdel)
    elif isinstance(value, staticmethod | classmethod):
        candidates = (value.__func__,)
    elif isinstance(value, functools.cached_property):
        candidates = (value.func,)
    else:
        candidates = (value,)
    yield from (candidate for candidate in candidates if isinstance(candidate, FunctionType | LRU_CACHE_TYPE))


def _defined_by(member: Any, cls: type) -> bool:
    prefix = f"{cls.__qualname__}."
    if isinstance(member, type):
        return member.__module__ == cls.__module__ and member.__qualname__ == prefix + member.__name__
    return any(function.__qualname__.startswith(prefix) for function in _underlying(member))


def _class_members(cls: type) -> dict[str, Any]:
    members = list(vars(cls).items())
    return {_unmangled(key, cls): member for key, member in members if key not in _CLASS_NAMES_LEFT_OUT}


def _unmangled(name: str, cls: type) -> str:
    """Return a private name of a class as the source spells it, which is how its qualified name has it."""
    prefix = f"_{cls.__name__.lstrip('_')}__"
    return f"__{name[len(prefix) :]}" if name.startswith(prefix) and not name.endswith("__") else name


def _is_of_library(value: Any, modules: Mapping[str, ModuleType]) -> bool:
    """Tell whether a class or function belongs to a module outside the described ones and is found there by name."""
    if value.__module__ in modules:
        return False
    if isinstance(value, type):
        return True
    found: Any = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _annotations(owner: Any) -> dict[str, Any]:
    """Return the evaluated annotations of a function, class or module; names that do not resolve stay references."""
    if sys.version_info < (3, 14):
        found = owner.__annotations__ if isinstance(owner, FunctionType) else vars(owner).get("__annotations__", {})
        return dict(found)
    try:
        return dict(owner.__annotations__)
    except Exception:
        import annotationlib

        return dict(annotationlib.get_annotations(owner, format=annotationlib.Format.FORWARDREF))


def _evaluate(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _builtin_contents(value: Any) -> Any:
    """Return what an instance of a subclass of a built-in container or scalar contains."""
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, set | frozenset):
        return frozenset(value)
    if isinstance(value, list | tuple):
        return list(value)
    for scalar in (int, float, complex, str, bytes):
        if isinstance(value, scalar):
            return scalar.__new__(scalar, value) if scalar is not str else str.__str__(value)
    if type(value).__module__ == "collections" and type(value).__name__ == "deque":
        return list(value)
    return _Absent


def _slots(value: Any) -> dict[str, Any]:
    found = {}
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            if name in ("__dict__", "__weakref__"):
                continue
            mangled = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and name[-2:] != "__" else name
            try:
                found[mangled] = getattr(value, mangled)
            except (AttributeError, TypeError):
                continue  # Not set, or a slot that no longer fits the instance.
    return found
