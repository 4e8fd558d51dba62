"""``%autoreload`` and ``%aimport`` on relive's engine: the options, output and meaning of IPython's own."""

import logging
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from relive import _session
from relive._errors import ReliveError
from relive._report import Item, Report
from relive.ipython._updater import Updater

_log = logging.getLogger("autoreload")

_MODES = {
    "": "now",
    "now": "now",
    "0": "off",
    "off": "off",
    "1": "explicit",
    "explicit": "explicit",
    "2": "all",
    "all": "all",
    "3": "complete",
    "complete": "complete",
}


@magics_class
class AutoreloadMagics(Magics):
    """Stands in for ``IPython.extensions.autoreload.AutoreloadMagics``.

    Made on its own, it starts switched off, and its maker registers `pre_run_cell` and `post_execute_hook` for the
    events of these names, as IPython does; ``%load_ext relive`` passes the ``updater`` that it shares.
    """

    shell: Any

    def __init__(self, shell: Any = None, *, updater: Updater | None = None, **kwargs: Any) -> None:
        super().__init__(shell, **kwargs)
        self._reloader = updater or Updater(shell)
        # The session and the path whose directories were made live in it.
        self._looked_along: tuple[_session.Session, tuple[str, ...]] | None = None
        self._last_cell: object = None

    @magic_arguments()
    @argument(
        "mode",
        type=str,
        default="now",
        nargs="?",
        help="""nothing or 'now': apply the edits of all modules, except those excluded by %%aimport, now;
            '0' or 'off': apply none automatically;
            '1' or 'explicit': before each cell, those of the modules named by %%aimport;
            '2' or 'all': before each cell, those of all modules except those excluded by %%aimport;
            '3' or 'complete': as 2, and bring names that an edit adds to a module to the prompt.
            A '-' at the end of the mode is short for --full.""",
    )
    @argument("-p", "--print", action="store_true", default=False, help="Print the names of the modules updated.")
    @argument("-l", "--log", action="store_true", default=False, help="Log the names of the modules updated.")
    @argument("--hide-errors", action="store_true", default=False, help="Do not show edits that cannot be applied.")
    @argument(
        "--full",
        action="store_true",
        default=False,
        help="""Re-execute what an edit leaves stale as well: the engine's mode 'deep', as in mode 3, where 1 and 2 use
            'patch'.""",
    )
    @line_magic
    def autoreload(self, line: str = "") -> None:
        """%autoreload => Apply saved edits to the modules in use, automatically.

        The magic of IPython, on relive's engine. Live are the modules below the current directory and below every
        directory on sys.path that holds no installed packages, and those named by %aimport wherever they are.
        """
        args = parse_argstring(self.autoreload, line)
        mode, full = args.mode.lower(), args.full
        if mode.endswith("-"):
            mode, full = mode[:-1], True
        if mode not in _MODES:
            raise ValueError(f'Unrecognized autoreload mode "{mode}".')
        mode = _MODES[mode]
        updater = self._reloader
        if mode == "off":
            updater.enabled = False
            return
        session = self._look_along_path()
        tell = [each for each, wanted in ((print, args.print), (_log.info, args.log)) if wanted]
        updater.output = AutoreloadOutput(tell, args.hide_errors)
        updater.output.saved_since(session.modules())
        if mode == "now":
            if full:
                session.mode = "deep"
            updater.output.after(updater.update(session, everything=True))
        else:
            updater.enabled = True
            updater.check_all = mode != "explicit"
            updater.autoload_obj = mode == "complete"
            session.mode = "deep" if full or mode == "complete" else "patch"

    @line_magic
    def aimport(self, parameter_s: str = "", stream: TextIO | None = None) -> None:
        """%aimport => Import modules, and choose those that %autoreload updates.

        %aimport
        List the modules that %autoreload updates and those that it does not.

        %aimport foo, bar
        Import the modules 'foo' and 'bar', and mark them to be updated in mode 1.

        %aimport foo as f
        The same for 'foo', under the name 'f'.

        %aimport -foo, bar
        Mark 'foo' not to be updated in any mode, and 'bar' to be updated in mode 1.
        """
        updater = self._reloader
        if not parameter_s.strip():
            print(self._listing(), file=stream or sys.stdout)
            return
        self._look_along_path()
        for part in parameter_s.split(","):
            name, _, alias = (word.strip() for word in part.partition(" as "))
            if name.startswith("-"):
                name = name[1:].strip()
                updater.modules.pop(name, None)
                updater.skip_modules[name] = True
                continue
            # Live before it is imported, so that the text that it executes is known. What has no source never can be.
            with suppress(ReliveError, ImportError, ValueError):
                _session.start(name, auto=False)
            module = import_module(name)
            updater.skip_modules.pop(name, None)
            updater.modules[name] = True
            top = name.partition(".")[0]
            self.shell.push({alias: module} if alias else {top: sys.modules[top]})

    def pre_run_cell(self, info: object) -> None:
        """Update before the cell, if the mode says so: IPython's event of this name."""
        self._last_cell = info
        self._reloader.before_cell(info)

    def post_execute_hook(self) -> None:
        """Take note of what the cell imported: IPython's event ``post_execute``."""
        self.after_cell(self._last_cell)

    def after_cell(self, info: object) -> None:
        """Take note of what a cell imported, and of directories that it put on ``sys.path``."""
        self._reloader.after_cell(info)
        if self._looked_along is not None and _session.session() is not None:
            self._look_along_path()

    def take_over(self, other: Any) -> None:
        """Go on as ``other``, IPython's own magics, was set."""
        theirs = other._reloader
        for name in theirs.modules:
            with suppress(ReliveError, ImportError, ValueError):
                _session.start(name, auto=False)
        self._reloader.modules.update(theirs.modules)
        self._reloader.skip_modules.update(theirs.skip_modules)
        if theirs.enabled:
            self.autoreload("complete" if theirs.autoload_obj else "all" if theirs.check_all else "explicit")

    def _look_along_path(self) -> _session.Session:
        """Make the modules in the directories on ``sys.path`` live; return the session."""
        session = _session.session()
        path = (os.getcwd(), *sys.path)
        if session is None or self._looked_along != (session, path):
            session = _session.start(*_own_directories(path), auto=False)
            self._looked_along = (session, path)
        return session

    def _listing(self) -> str:
        updater = self._reloader
        updated = "all-except-skipped" if updater.check_all else " ".join(sorted(updater.modules))
        return f"Modules to reload:\n{updated}\n\nModules to skip:\n{' '.join(sorted(updater.skip_modules))}"


class AutoreloadOutput:
    """Tells of updates as IPython's autoreload does: nothing by default, errors on stderr.

    What an edit leaves stale is told as an error is. IPython has no word for it, but to keep silent would be to let a
    wrong value pass for a right one.
    """

    def __init__(self, tell: Iterable[Callable[[str], object]], hide_errors: bool) -> None:
        self._tell = tuple(tell)
        self.tells_before = bool(self._tell)
        self._hide_errors = hide_errors
        self._saved_at: dict[str, int] = {}
        self._told: set[str] = set()

    def before(self, modules: frozenset[str]) -> None:
        """Tell which of ``modules`` were saved since the last update; a save that changes nothing counts."""
        self._told = set()
        for name in self.saved_since(modules) if self.tells_before else ():
            self._tell_of(name)

    def saved_since(self, modules: Iterable[str]) -> list[str]:
        """Return those of ``modules`` whose file was saved since the last call; one never seen before is not."""
        saved = []
        for name in sorted(modules):
            try:
                saved_at = os.stat(sys.modules[name].__file__ or "").st_mtime_ns
            except (KeyError, AttributeError, OSError):
                continue
            if self._saved_at.setdefault(name, saved_at) != saved_at:
                self._saved_at[name] = saved_at
                saved.append(name)
        return saved

    def after(self, report: Report) -> None:
        """Tell which modules were updated, and what could not be; a deleted file is no edit, as in IPython."""
        failed = [item for item in report.refused + report.conflicts if os.path.exists(item.file)]
        for name in sorted({_module(item) for item in (*report.applied, *failed)} - self._told):
            self._tell_of(name)
        if self._hide_errors:
            return
        for name, items in groupby(sorted(failed, key=_module), key=_module):
            reasons = "; ".join(f"{item.why} ({item.file}, line {item.line})" for item in items)
            print(f"[autoreload of {name} failed: {reasons}]", file=sys.stderr)
            if _log.hasHandlers():  # without one, logging would print it on stderr once more
                _log.error("Failed to reload module '%s': %s", name, reasons)
        for item in report.stale:
            print(f"[autoreload of {_module(item)}: {item.qualname} is stale: {item.why}]", file=sys.stderr)

    def _tell_of(self, name: str) -> None:
        self._told.add(name)
        for tell in self._tell:
            tell(f"Reloading '{name}'.")


def _module(item: Item) -> str:
    return item.qualname.partition(":")[0]


def _own_directories(path: Iterable[str]) -> list[str]:
    """Return the directories among ``path`` that hold neither the standard library nor installed packages.

    relive's own, where it is installed from a working copy, is none either: it must not exchange what it runs.
    """
    installed = {os.path.realpath(directory) for directory in sysconfig.get_paths().values()}
    installed.add(str(Path(__file__).resolve().parents[2]))
    library = os.path.realpath(sysconfig.get_path("stdlib"))
    found = dict.fromkeys(os.path.realpath(entry or os.getcwd()) for entry in path)
    return [
        directory
        for directory in found
        if os.path.isdir(directory)
        and directory not in installed
        and not directory.startswith(library + os.sep)
        and not {"site-packages", "dist-packages"} & set(directory.split(os.sep))
    ]
