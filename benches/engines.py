"""The engines under measurement behind one face, each driven as its own front end drives it."""

import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


class Engine:
    """Plain Python: imports, and brings nothing up to date."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def load(self, names: Sequence[str]) -> list[ModuleType]:
        """Import modules below the root."""
        return [importlib.import_module(name) for name in names]

    def settle(self) -> None:
        """What happens once after the imports: a cell in which nothing changed."""
        self.cell()

    def cell(self) -> None:
        """What the engine does before or after every cell."""

    def update(self, saved: Sequence[Path]) -> None:
        """Bring the program up to date with the files that were saved."""
        raise NotImplementedError


class Relive(Engine):
    """relive, told to update as the IPython extension tells it."""

    def __init__(self, root: Path) -> None:
        import relive

        super().__init__(root)
        self._session = relive.start(root, auto=False)

    def cell(self) -> None:
        """Update."""
        self._session.update()

    def update(self, saved: Sequence[Path]) -> None:
        """Update; the session finds out by itself what was saved."""
        self._session.update()


class Autoreload(Engine):
    """IPython's autoreload, mode 2: the check of its ``pre_run_cell``, the notes of its ``post_execute``."""

    def __init__(self, root: Path) -> None:
        from IPython.extensions.autoreload import ModuleReloader

        super().__init__(root)
        logging.getLogger("autoreload").disabled = True
        self._reloader = ModuleReloader()
        self._reloader.enabled = True
        self._loaded = set(sys.modules)

    def cell(self) -> None:
        """Check all modules, and note the times of new ones."""
        self._reloader.check()
        new = set(sys.modules) - self._loaded
        for name in new:
            _, modified = self._reloader.filename_and_mtime(sys.modules[name])
            if modified is not None:
                self._reloader.modules_mtimes[name] = modified
        self._loaded.update(new)

    def update(self, saved: Sequence[Path]) -> None:
        """Check all modules; it finds out by itself what was saved."""
        self._reloader.check()


class Jurigged(Engine):
    """jurigged: its import hook, and the refresh that its watcher makes after an event.

    The refresh is called directly: neither the event, nor the debounce of 50 ms, nor the observer thread are counted.
    """

    def __init__(self, root: Path) -> None:
        import jurigged
        from jurigged.live import Watcher
        from jurigged.register import registry

        super().__init__(root)
        self._watcher: Any = jurigged.watch(str(root), logger=self._note, autostart=False)
        assert isinstance(self._watcher, Watcher)
        self._registry = registry

    def _note(self, event: object) -> None:
        if isinstance(event, Exception):
            raise event

    def update(self, saved: Sequence[Path]) -> None:
        """Refresh the saved files, whose events the watcher would have got."""
        for path in saved:
            self._watcher.refresh(str(path))


ENGINES: dict[str, type[Engine]] = {
    "relive": Relive,
    "plain": Engine,
    "autoreload 2": Autoreload,
    "jurigged": Jurigged,
}
