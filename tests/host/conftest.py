"""`start`: a program and the host on this interpreter, once used directly and once through a socket pair."""

import json
import linecache
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from relive import _native


class HostError(Exception):
    """What a host answers when it did not do what it was asked: `Syntax`, `Raised` or `Internal`."""

    def __init__(self, kind: str, details: Any) -> None:
        super().__init__(f"{kind}: {details}")
        self.kind = kind
        self.details = details


class Program:
    """Modules that are executed before the eyes of a host, and the host."""

    def __init__(self, directory: Path, *, over_socket: bool, is_seen: bool, texts: dict[str, str]) -> None:
        self.directory = directory
        codes, modules = {}, []
        for name, text in texts.items():
            (directory / f"{name}.py").write_text(text, encoding="utf-8")
            codes[name] = compile(text, self.file(name), "exec")
            modules.append((name, self.file(name), text, codes[name] if is_seen else None))
        self.host = _native.TestedHost(modules, over_socket)
        for name, code in codes.items():
            module = sys.modules[name] = ModuleType(name)
            module.__file__ = self.file(name)
            exec(code, module.__dict__)
        self.names = [*texts]

    def file(self, name: str) -> str:
        """Return the path of a module's file."""
        return str(self.directory / f"{name}.py")

    def __getitem__(self, name: str) -> ModuleType:
        return sys.modules[name]

    def plan(self, **texts: str) -> dict[str, Any]:
        """Plan to bring modules to new texts."""
        return json.loads(self.host.plan([*texts.items()]))

    def facts(self, *modules: dict[str, Any], frames: bool = False) -> dict[str, Any]:
        """Ask the host what is live."""
        asked = [{"classes": [], "names": [], "text": None} | module for module in modules]
        return _answer(self.host.facts(json.dumps({"modules": asked, "live": self.names, "frames": frames})))

    def compile(self, plan: dict[str, Any]) -> None:
        """Have the host compile a plan."""
        assert _answer(self.host.compile(json.dumps(plan))) is None

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Have the host apply the plan that it has compiled."""
        return _answer(self.host.apply(json.dumps(plan)))

    def edit(self, **texts: str) -> dict[str, Any]:
        """Plan, compile and apply."""
        plan = self.plan(**texts)
        self.compile(plan)
        return self.apply(plan)

    def refused(self, call: Callable[..., Any], *arguments: Any) -> HostError:
        """Return the error that one of these calls raises."""
        with pytest.raises(HostError) as caught:
            call(*arguments)
        return caught.value

    def picture(self) -> dict[str, Any]:
        """Tell all that an edit could change: which objects there are, with their code, its lines and their attributes.

        Equal pictures mean that nothing has changed.
        """
        found: dict[str, Any] = {
            "linecache": {self.file(name): linecache.cache.get(self.file(name)) for name in self.names}
        }
        for name in self.names:
            _depict(found, name, vars(self[name]), name)
        return found


def _answer(outcome: str) -> Any:
    [(result, value)] = json.loads(outcome).items()
    if result == "Ok":
        return value
    [(kind, details)] = value.items()
    raise HostError(kind, details)


def _depict(found: dict[str, Any], path: str, names: Any, module: str) -> None:
    for name, value in list(names.items()):
        inner = f"{path}.{name}"
        found[inner] = id(value)
        value = getattr(value, "__func__", value)
        if isinstance(value, FunctionType):
            parts = ("__defaults__", "__kwdefaults__", "__closure__", "__doc__", "__name__", "__qualname__")
            found[f"{inner}()"] = [getattr(value, part) for part in parts], vars(value).copy(), _code(value.__code__)
        elif isinstance(value, type) and value.__module__ == module:
            _depict(found, inner, vars(value), module)
        elif isinstance(value, list | dict | set) and name != "__builtins__":
            found[f"{inner}{{}}"] = repr(value)


def _code(code: CodeType) -> list[Any]:
    nested = [_code(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return [id(code), code.co_firstlineno, list(code.co_lines()), nested]


Start = Callable[..., Program]


@pytest.fixture(params=["direct", "socket"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Start a program from the texts of its modules; ``is_seen=False`` hides their execution from the host."""
    programs = []

    def start(*, is_seen: bool = True, **texts: str) -> Program:
        program = Program(tmp_path, over_socket=request.param == "socket", is_seen=is_seen, texts=texts)
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.host.close()
        for name in program.names:
            del sys.modules[name]
