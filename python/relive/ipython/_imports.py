"""The names that cells imported from modules, so that an update can rebind them at the prompt."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from relive._report import Item
from relive._session import Session

_MISSING = object()


class Origin(NamedTuple):
    """Where a name at the prompt was imported from: ``from module import name``."""

    module: str
    name: str


class _Imported(NamedTuple):
    """What a name at the prompt was imported from and holds since."""

    origin: Origin
    value: object


class PromptImports:
    """Follows ``from module import …`` as the cells of one shell execute it.

    A name follows its module as long as it still is what was imported: once a cell binds it to something else, it is
    the user's own, and once the program itself rebinds it in the module, it is what it was, as everywhere in Python.
    ``namespace`` gives the shell's user namespace, which IPython may replace.
    """

    def __init__(self, namespace: Callable[[], dict[str, Any]]) -> None:
        self._namespace = namespace
        self._imported: dict[str, _Imported] = {}
        # Names whose module has them no longer; should it get one back, that name follows again.
        self._left: dict[str, _Imported] = {}
        # Star imports: module to the names of it that were public when last seen; what comes later is a name added.
        self._stars: dict[str, frozenset[str]] = {}
        self._live: frozenset[str] = frozenset()
        self._live_below: tuple[str, ...] | None = None
        self._versions: dict[str, int] = {}

    def read(self, source: str) -> None:
        """Take note of what the cell ``source``, which has just been executed, imported and what it bound otherwise."""
        known = (*self._imported, *self._left)
        if "import" not in source and not any(alias in source for alias in known):
            return
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return  # the cell has failed as well, before it could bind anything
        for binding in _bindings(tree.body):
            if isinstance(binding, str):
                self._forget(binding)
            else:
                self._read_import(binding)

    def imported_by_name(self, module: str) -> bool:
        """Tell whether the prompt imported single names of ``module``, and never all of them."""
        return module not in self._stars and any(each.origin.module == module for each in self._imported.values())

    def follow(self, session: Session, *, updated: bool) -> tuple[Item, ...]:
        """Rebind the names whose live module was edited and holds something else now; add what star imports bring.

        ``updated`` says that code has been exchanged since the last call, and nothing else has run; otherwise the
        modules' versions tell whether it was an edit or the program that rebound a name. Return the names left as they
        are because their module no longer has them.
        """
        self._find_live(session)
        namespace = self._namespace()
        moved = []
        for alias, (origin, value) in tuple(self._imported.items()):
            if origin.module not in self._live:
                continue
            if namespace.get(alias, _MISSING) is not value:
                del self._imported[alias]
            elif _module_names(origin.module).get(origin.name, _MISSING) is not value:
                moved.append(alias)
        if not (moved or updated):
            return ()
        versions = _versions(session)
        live = self._live & versions.keys()
        edited = {name for name in live if updated or versions[name] > self._versions.get(name, 0)}
        self._versions = versions
        self._bring_back(edited)
        left = [item for alias in moved if (item := self._move(alias, edited))]
        for module in self._stars.keys() & edited:
            public = _public_names(module)
            self.add(module, public - self._stars[module])
            self._stars[module] = public
        return tuple(left)

    def add(self, module: str, names: Iterable[str]) -> None:
        """Bring ``names`` of ``module`` to the prompt, except where the user has a variable of that name."""
        namespace = self._namespace()
        for name in names:
            if name not in namespace:
                namespace[name] = _module_names(module)[name]
                self._note(name, Origin(module, name))

    def stale(self) -> tuple[Item, ...]:
        """Return the names that still hold what their module no longer has."""
        namespace = self._namespace()
        left = self._left.items()
        return tuple(_left_item(alias, each.origin) for alias, each in left if namespace.get(alias) is each.value)

    def _move(self, alias: str, edited: set[str]) -> Item | None:
        """Rebind ``alias``, whose module holds something else now, or leave it, for the reason returned."""
        origin, value = self._imported.pop(alias)
        if origin.module not in edited:
            return None
        current = _module_names(origin.module).get(origin.name, _MISSING)
        if current is _MISSING:
            self._left[alias] = _Imported(origin, value)
            return _left_item(alias, origin)
        self._namespace()[alias] = current
        self._imported[alias] = _Imported(origin, current)
        return None

    def _bring_back(self, edited: set[str]) -> None:
        """Let names follow again whose module has got them back."""
        namespace = self._namespace()
        for alias, (origin, value) in tuple(self._left.items()):
            if namespace.get(alias, _MISSING) is not value:
                del self._left[alias]
            elif origin.module in edited and origin.name in _module_names(origin.module):
                del self._left[alias]
                namespace[alias] = _module_names(origin.module)[origin.name]
                self._note(alias, origin)

    def _find_live(self, session: Session) -> None:
        """Find which modules that names were imported from are live, if that can have changed."""
        roots = session.roots
        if roots != self._live_below:
            self._live_below = roots
            self._versions = _versions(session)
            # Names of modules that are not live are never looked at again; what the user deleted must not be kept.
            namespace = self._namespace()
            for alias, each in tuple(self._imported.items()):
                if namespace.get(alias, _MISSING) is not each.value:
                    del self._imported[alias]
            modules = {each.origin.module for each in (*self._imported.values(), *self._left.values())}
            self._live = frozenset((modules | self._stars.keys()) & self._versions.keys())

    def _read_import(self, node: ast.ImportFrom) -> None:
        if node.module is None or node.level or node.module not in sys.modules:
            return
        for name in node.names:
            if name.name == "*":
                public = _public_names(node.module)
                for each in public:
                    self._note(each, Origin(node.module, each))
                # A branch that was not taken brought none of them.
                if not public or public & self._imported.keys():
                    self._stars[node.module] = public
                    self._live_below = None
            else:
                self._note(name.asname or name.name, Origin(node.module, name.name))

    def _note(self, alias: str, origin: Origin) -> None:
        """Follow ``alias`` from now on, if the import was in fact executed."""
        self._forget(alias)
        value = _module_names(origin.module).get(origin.name, _MISSING)
        if value is not _MISSING and self._namespace().get(alias, _MISSING) is value:
            self._imported[alias] = _Imported(origin, value)
            self._live_below = None

    def _forget(self, alias: str) -> None:
        self._imported.pop(alias, None)
        self._left.pop(alias, None)


def _module_names(module: str) -> dict[str, Any]:
    """Return the namespace of a loaded module; ``vars``, since a module's own ``__getattr__`` must not run here."""
    return getattr(sys.modules.get(module), "__dict__", {})


def _public_names(module: str) -> frozenset[str]:
    """Return the names that ``from module import *`` binds."""
    names = _module_names(module)
    exported = names.get("__all__")
    if exported is None:
        return frozenset(name for name in names if not name.startswith("_"))
    return frozenset(name for name in exported if name in names)


def _versions(session: Session) -> dict[str, int]:
    return {name: module.version for name, module in session.modules().items()}


def _left_item(alias: str, origin: Origin) -> Item:
    why = f"imported at the prompt; {origin.module} has no {origin.name} any more"
    return Item(qualname=f"__main__:{alias}", kind="import", why=why, file="<prompt>", line=0)


def _bindings(statements: Iterable[ast.AST]) -> Iterator[ast.ImportFrom | str]:
    """Yield, in the order of the text, the from-imports of a cell and the names that it binds in any other way.

    Bodies of functions and classes and the variables of comprehensions are scopes of their own.
    """
    for node in statements:
        match node:
            case ast.ImportFrom():
                yield node
            case ast.Import(names=names):
                yield from (name.asname or name.name.partition(".")[0] for name in names)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic" | "run_cell_magic"),
                args=[_, *_, ast.Constant(value=str() as body)],
            ):
                yield from _magic_imports(body)
            case (
                ast.ExceptHandler(name=str() as name)
                | ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
                | ast.MatchMapping(rest=str() as name)
            ):
                yield name
                yield from _bindings(ast.iter_child_nodes(node))
            case _:
                yield from _bindings(ast.iter_child_nodes(node))


def _magic_imports(body: str) -> Iterator[ast.ImportFrom]:
    """Yield the from-imports in what a magic executes, ``%time`` for one, if it is Python.

    Nothing but imports: whether the magic binds the rest in the user namespace is not known here.
    """
    try:
        statements = ast.parse(body).body if "import" in body else []
    except (SyntaxError, ValueError):
        return
    yield from (binding for binding in _bindings(statements) if isinstance(binding, ast.ImportFrom))
