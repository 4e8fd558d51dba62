"""Live engines behind one face: relive, and the peers that show how often the harness finds a silent difference."""

import importlib
import logging
import os
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Protocol

from .observe import modules_below

Item = dict[str, Any]
Report = dict[str, Any]


class Engine(Protocol):
    """Something that brings the running modules below a directory up to date with their files."""

    def before_import(self, root: str) -> None:
        """Start, where that must precede the import of the program."""

    def after_import(self) -> None:
        """Start, where the program must have been imported."""

    def update(self) -> Report:
        """Apply the saved edits; return the report, with everything stale now under ``"stale now"``."""

    def stop(self) -> None:
        """End."""


class Relive:
    """relive itself."""

    mode = "patch"

    def before_import(self, root: str) -> None:
        """Start a session on the directory, which applies edits only when told."""
        import relive

        self._session = relive.start(root, auto=False, mode=self.mode)

    def after_import(self) -> None:
        """Nothing is left to do."""

    def update(self) -> Report:
        """Update, and ask for everything stale."""
        from dataclasses import asdict

        report = self._session.update().to_dict()
        return {**report, "stale now": [asdict(item) for item in self._session.stale()]}

    def stop(self) -> None:
        """Stop the session."""
        self._session.stop()


class Deep(Relive):
    """relive in the mode that executes stale statements again."""

    mode = "deep"


class _Peer:
    """A peer names nothing, except the modules that it says it failed to reload."""

    def before_import(self, root: str) -> None:
        """Remember the directory."""
        self._root = root

    def after_import(self) -> None:
        """Nothing is left to do."""

    def update(self) -> Report:
        """Reload; what failed loudly is refused."""
        refused = [_refusal(file, why) for file, why in self._reload()]
        return {"applied": [], "stale": [], "refused": refused, "conflicts": [], "stale now": []}

    def stop(self) -> None:
        """Nothing is left to do."""

    def _reload(self) -> Iterable[tuple[str, str]]:
        raise NotImplementedError


class Reload(_Peer):
    """`importlib.reload` of each module whose file changed, in the order of their import."""

    def after_import(self) -> None:
        """Remember the texts."""
        self._texts = {name: _text(module) for name, module in modules_below(self._root).items()}

    def _reload(self) -> Iterable[tuple[str, str]]:
        for name, module in modules_below(self._root).items():
            if _text(module) == self._texts.get(name):
                continue
            self._texts[name] = _text(module)
            try:
                importlib.reload(module)
            except Exception as error:
                yield str(module.__file__), repr(error)


class Autoreload(_Peer):
    """IPython's autoreload in its default mode, 2, without the shell around it."""

    def after_import(self) -> None:
        """Make the reloader, which notes the present files."""
        from IPython.extensions.autoreload import ModuleReloader

        logging.getLogger("autoreload").disabled = True
        self._reloader = ModuleReloader()
        self._reloader.enabled = True

    def _reload(self) -> Iterable[tuple[str, str]]:
        self._reloader.check()
        yield from ((file, "reload failed") for file in self._reloader.failed)
        for name, module in modules_below(self._root).items():
            _, self._reloader.modules_mtimes[name] = self._reloader.filename_and_mtime(module)


class Jurigged(_Peer):
    """jurigged, refreshed when told instead of by its watcher."""

    def before_import(self, root: str) -> None:
        """Have jurigged note the modules below the directory as they are imported."""
        from jurigged import registry

        super().before_import(root)
        self._registry = registry
        self._errors: list[str] = []
        prefix = os.path.join(os.path.realpath(root), "")
        registry.set_logger(self._note)
        self._sniffer = registry.auto_register(filter=lambda file: os.path.realpath(file).startswith(prefix))

    def _note(self, event: object) -> None:
        if isinstance(event, Exception):
            self._errors.append(repr(event))

    def _reload(self) -> Iterable[tuple[str, str]]:
        for module in modules_below(self._root).values():
            file = str(module.__file__)
            self._errors.clear()
            try:
                code_file = self._registry.get(file)
                if code_file is not None:
                    code_file.refresh()
            except Exception as error:
                self._errors.append(repr(error))
            if self._errors:
                yield file, self._errors[0]


ENGINES: dict[str, type[Engine]] = {
    "relive": Relive,
    "deep": Deep,
    "reload": Reload,
    "autoreload": Autoreload,
    "jurigged": Jurigged,
}


def _refusal(file: str, why: str) -> Item:
    names = [name for name, module in sys.modules.items() if getattr(module, "__file__", None) == file]
    return {"qualname": names[0] if names else file, "kind": "module", "why": why, "file": file, "line": 1}


def _text(module: ModuleType) -> str:
    with open(str(module.__file__), encoding="utf-8") as file:
        return file.read()
