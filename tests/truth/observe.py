"""What both processes do alike: import a program's modules, fingerprint them, and call what can be called."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import CoroutineType, FunctionType, GeneratorType, ModuleType
from typing import Any

from .fingerprint import LRU_CACHE_TYPE, Fingerprinter

# Calling these would change the program's state, or needs more than numbers.
UNPROBED_PREFIXES = ("touch_", "deco_", "_")
_ARGUMENTS = (3, 5, 2, 7, 4, 6)


def import_all(names: Sequence[str]) -> dict[str, str]:
    """Import each module; return the error of each that could not be."""
    failed = {}
    for name in names:
        try:
            importlib.import_module(name)
        except (Exception, SystemExit) as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def modules_below(root: str) -> dict[str, ModuleType]:
    """Return the imported modules whose source is below the directory, by name."""
    prefix = os.path.join(os.path.realpath(root), "")
    return {
        name: module
        for name, module in list(sys.modules.items())
        if os.path.realpath(getattr(module, "__file__", None) or "").startswith(prefix)
    }


def probe_all(modules: dict[str, ModuleType], fingerprinter: Fingerprinter) -> dict[str, list[Any]]:
    """Call what the modules define with small numbers; return the described outcome of each call by qualified name."""
    outcomes: dict[str, list[Any]] = {}
    for name, module in sorted(modules.items()):
        for key, value in sorted(vars(module).items()):
            path = f"{name}:{key}"
            if key.startswith(UNPROBED_PREFIXES) or fingerprinter.home(value) != path:
                continue
            if isinstance(value, type):
                for member, outcome in _probe_class(value, fingerprinter):
                    outcomes[f"{path}.{member}"] = outcome
            elif callable(value):
                outcomes[path] = probe(value, fingerprinter)
    return outcomes


def probe(function: Callable[..., Any], fingerprinter: Fingerprinter) -> list[Any]:
    """Call a function twice with small numbers and describe what comes back, exceptions included."""
    return [_call(function, offset, fingerprinter) for offset in (0, 1)]


def _call(function: Callable[..., Any], offset: int, fingerprinter: Fingerprinter) -> Any:
    try:
        positional, named = _arguments(function, offset)
        result = _settled(function(*positional, **named))
        if isinstance(result, FunctionType):
            positional, named = _arguments(result, offset)
            result = _settled(result(*positional, **named))
    except Exception as error:
        return [type(error).__name__, str(error)]
    return fingerprinter.value(result)


def _settled(result: Any) -> Any:
    if isinstance(result, GeneratorType):
        return list(result)
    if isinstance(result, CoroutineType):
        try:
            result.send(None)
        except StopIteration as finished:
            return finished.value
        result.close()
    return result


def _arguments(function: Callable[..., Any], offset: int) -> tuple[list[int], dict[str, int]]:
    positional: list[int] = []
    named: dict[str, int] = {}
    for index, parameter in enumerate(inspect.signature(function).parameters.values()):
        if parameter.default is not parameter.empty:
            continue
        number = _ARGUMENTS[index % len(_ARGUMENTS)] + offset
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional.append(number)
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = number
    return positional, named


def _probe_class(cls: type, fingerprinter: Fingerprinter) -> Iterator[tuple[str, list[Any]]]:
    try:
        positional, named = _arguments(cls, 0)
        instance = cls(*positional, **named)
    except Exception as error:
        yield "__init__", [type(error).__name__, str(error)]
        return
    yield "__init__", [fingerprinter.value(instance)]
    for name in sorted({name for base in cls.__mro__[:-1] for name in vars(base) if not name.startswith("_")}):
        if name.startswith(UNPROBED_PREFIXES):
            continue
        try:
            member = getattr(instance, name)
        except Exception as error:
            yield name, [type(error).__name__, str(error)]
            continue
        if isinstance(member, type):
            yield name, [fingerprinter.value(member)]
        else:
            yield name, probe(member, fingerprinter) if callable(member) else [fingerprinter.value(member)]


def classes_and_functions(modules: dict[str, ModuleType]) -> Iterator[tuple[str, str, Any]]:
    """Yield what a session could hold, with its path and kind: functions, classes and methods that the modules define.

    What a statement computed, such as a closure or a partial, is a value: nothing can make an old one a new one.
    """
    for name, module in modules.items():
        for key, value in list(vars(module).items()):
            if not isinstance(value, type | FunctionType | LRU_CACHE_TYPE):
                continue
            if (value.__module__, value.__qualname__) == (name, key):
                yield f"{name}:{key}", "class" if isinstance(value, type) else "function", value
                if isinstance(value, type):
                    yield from _methods(f"{name}:{key}", value)


def _methods(path: str, cls: type) -> Iterator[tuple[str, str, Any]]:
    for key, member in list(vars(cls).items()):
        function = getattr(member, "__func__", member)
        if isinstance(function, FunctionType) and function.__module__ == cls.__module__:
            yield f"{path}.{key}", "function" if function is member else type(member).__name__, function
