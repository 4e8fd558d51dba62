"""How modules become live: a finder that wraps the loader of source files below the roots, and `adopt`."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType

from relive._native import Engine


class LiveLoader(SourceFileLoader):
    """A source loader that tells the engine which code a module executes.

    It hooks `get_code` rather than `exec_module`, so that no frame of relive shows in a traceback of the import.
    """

    def __init__(self, name: str, path: str, engine: Engine) -> None:
        super().__init__(name, path)
        self._engine = engine
        self.replays = engine.has_log(path)
        """Its change log may have something to replay."""
        if self.replays:
            # Native, so that no frame of relive shows in a traceback of the import.
            self.exec_module = partial(engine.execute, self)  # type: ignore[method-assign]

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code object, known to the engine before any of it runs."""
        # Before the source is read, so that a save in between is seen as an edit.
        self._engine.register(fullname, self.path)
        try:
            code = self._engine.begin(fullname) if self.replays else None
            if code is None:
                code = super().get_code(fullname)
        except SyntaxError as error:
            raise error.with_traceback(None) from None
        if code is not None:
            self._engine.executes(fullname, code)
        return code


class DebuggerLoader(SourceFileLoader):
    """A loader of pdb, whose debuggers can restart calls then."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute pdb, and extend it."""
        super().exec_module(module)
        from relive import _pdb

        _pdb.extend(module)


class LiveFinder:
    """First on ``sys.meta_path``: finds nothing itself, wraps what the other finders find below the roots."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the finders after this one give, its loader live where the source is."""
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(name, path, target)
            if spec is None:
                continue
            if type(spec.loader) is SourceFileLoader and self._engine.is_live(spec.loader.path):
                spec.loader = LiveLoader(spec.loader.name, spec.loader.path, self._engine)
            elif name == "pdb" and type(spec.loader) is SourceFileLoader:
                spec.loader = DebuggerLoader(name, spec.loader.path)
            return spec
        return None


def install(engine: Engine) -> LiveFinder:
    """Put a finder for ``engine`` first on ``sys.meta_path`` and return it."""
    finder = LiveFinder(engine)
    sys.meta_path.insert(0, finder)
    if (pdb := sys.modules.get("pdb")) is not None:
        from relive import _pdb

        _pdb.extend(pdb)
    return finder


def uninstall(finder: LiveFinder) -> None:
    """Take the finder off ``sys.meta_path``; modules that it loaded stay as they are."""
    if finder in sys.meta_path:
        sys.meta_path.remove(finder)
    if (own := sys.modules.get("relive._pdb")) is not None:
        own.take_back(sys.modules["pdb"])


def adopt(engine: Engine, modules: Mapping[str, ModuleType]) -> None:
    """Make those modules live that were imported before the session began and whose source is below a root."""
    found = []
    for name, module in list(modules.items()):
        file = getattr(module, "__file__", None)
        is_source = name == "__main__" or isinstance(getattr(module, "__loader__", None), SourceFileLoader)
        if is_source and isinstance(file, str) and file.endswith(".py") and engine.is_live(file):
            found.append((name, file))
    engine.adopt(found)
