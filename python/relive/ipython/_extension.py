"""``%load_ext relive``: hooks and magics put into a shell, and taken out again."""

import sys
from contextlib import suppress
from typing import Any

from relive import _recovery, _session
from relive._cells import CellEngine
from relive._errors import ReliveError
from relive._log import relive_errors
from relive.ipython._log import CellLog
from relive.ipython._log_magics import LogMagics
from relive.ipython._magics import ReliveMagics
from relive.ipython._updater import Updater
from relive.ipython.autoreload import AutoreloadMagics

_loaded: "dict[Any, Extension]" = {}


def load(shell: Any) -> None:
    """Start a session, unless one runs, and register the hooks and magics with ``shell``; a second call does nothing.

    The session's root is the current directory. It has no thread: edits are applied before each cell.
    """
    if shell not in _loaded:
        _loaded[shell] = Extension(shell)


def unload(shell: Any) -> None:
    """Undo `load`: ``shell`` gets back the magics that it had, and a session that `load` started ends."""
    if extension := _loaded.pop(shell, None):
        extension.remove()


class Extension:
    """What `load` put into one shell, and what it needs to take it out again."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._session = None
        if _session.session() is None:
            self._session = _session.start(auto=False)
        self._updater = Updater(shell)
        self._updater.enabled = self._updater.check_all = True
        for source in shell.history_manager.input_hist_parsed:
            self._updater.imports.read(source)
        self._autoreload = AutoreloadMagics(shell, updater=self._updater)
        self._magics = (ReliveMagics(shell, self._updater), LogMagics(shell, self._updater), self._autoreload)
        self._own = {
            (kind, name): function
            for magics in self._magics
            for kind, functions in magics.magics.items()
            for name, function in functions.items()
        }
        self._replaced: dict[tuple[str, str], Any] = {}
        self._set_aside: list[tuple[str, Any]] = []
        self._register_magics()
        self._set_autoreload_aside()
        self._log = CellLog(shell, _engine, lambda report: self._updater.output.after(report))
        # First: an interrupt of the update must not keep the cell from the log.
        shell.events.register("pre_run_cell", self._log.before_cell)
        shell.events.register("pre_run_cell", self._updater.before_cell)
        shell.events.register("post_run_cell", self._log.after_cell)
        shell.events.register("post_run_cell", self._after_cell)
        shell.ast_transformers.append(self._log)
        if not getattr(shell.parent, "relive_recovers", False):
            _tell_of_last_session()

    def remove(self) -> None:
        """Take hooks and magics out, and end the session if it is this extension's own."""
        events = self._shell.events
        events.unregister("pre_run_cell", self._log.before_cell)
        events.unregister("pre_run_cell", self._updater.before_cell)
        events.unregister("post_run_cell", self._log.after_cell)
        events.unregister("post_run_cell", self._after_cell)
        with suppress(ValueError):
            self._shell.ast_transformers.remove(self._log)
        for (kind, name), ours in self._own.items():
            table = self._table(kind)
            if table.get(name) is ours:
                if self._replaced[kind, name] is None:
                    del table[name]
                else:
                    table[name] = self._replaced[kind, name]
        manager = self._shell.magics_manager
        for magics in self._magics:
            self._shell.configurables.remove(magics)
            if manager.registry.get(type(magics).__name__) is magics:
                del manager.registry[type(magics).__name__]
        for event, hook in self._set_aside:
            events.register(event, hook)
        if self._session is not None and self._session is _session.session():
            self._session.stop()

    def _after_cell(self, result: Any) -> None:
        self._autoreload.after_cell(result.info)
        # Noticed after the cell that loads it, so that it never runs beside relive.
        if self._table("line").get("autoreload") is not self._own["line", "autoreload"]:
            self._register_magics()
            self._set_autoreload_aside()

    def _register_magics(self) -> None:
        for (kind, name), ours in self._own.items():
            present = self._table(kind).get(name)
            if present is not ours:
                self._replaced[kind, name] = present
        self._shell.register_magics(*self._magics)

    def _set_autoreload_aside(self) -> None:
        """Unhook IPython's own autoreload, if it is loaded: two at work would update each module twice."""
        owner = None
        for event, hooks in self._shell.events.callbacks.items():
            for hook in tuple(hooks):
                if type(getattr(hook, "__self__", None)).__module__ == "IPython.extensions.autoreload":
                    owner = hook.__self__
                    self._shell.events.unregister(event, hook)
                    self._set_aside.append((event, hook))
        if owner is not None:
            print(
                "relive: IPython's own autoreload is loaded as well, and two would update each module twice. relive "
                "stands in for it: %autoreload and %aimport are relive's until %unload_ext relive.",
                file=sys.stderr,
            )
            self._autoreload.take_over(owner)

    def _table(self, kind: str) -> dict[str, Any]:
        table: dict[str, Any] = self._shell.magics_manager.magics[kind]
        return table


def _engine() -> CellEngine | None:
    session = _session.session()
    return session._engine if session is not None else None


def _tell_of_last_session() -> None:
    """Tell that the last session at a prompt here died, if it left anything."""
    session = _session.session()
    try:
        with relive_errors():
            left = _recovery.find(session._engine) if session else None
    except ReliveError as error:
        print(f"relive: what the last session here left cannot be read: {error}", file=sys.stderr)
    else:
        if left is not None and left.is_new and session is not None:
            # What the cells did to modules comes back with them.
            session._engine.awaits_cells(True)
            print(f"relive: {left.headline()}; %recover shows it")
