"""When the live modules of a shell are updated, which of them, and how it is told."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

from IPython.core.error import UsageError

from relive import _session
from relive._report import Item, Report
from relive._session import Session
from relive.ipython._imports import PromptImports

_NAMED = {"applied": 4, "stale": 2, "refused": 2, "conflicts": 2}
"""How many items of a group are named in the one-line form of a report; all but the applied come with the reason."""


class Output(Protocol):
    """How a shell tells of an update that nobody asked for: `OneLine`, or the form of IPython's autoreload."""

    tells_before: bool
    """Whether `before` has anything to tell; to find the modules takes time at each cell."""

    def before(self, modules: frozenset[str]) -> None:
        """Called before an update of ``modules``."""

    def after(self, report: Report) -> None:
        """Called with what the update did."""


class OneLine:
    """Tells of an update in one line, and of none that did nothing."""

    tells_before = False

    def before(self, modules: frozenset[str]) -> None:
        """Say nothing."""

    def after(self, report: Report) -> None:
        """Print the line."""
        if line := one_line(report):
            print(line)


class Updater:
    """Applies saved edits before each cell of one shell.

    The attributes that decide which edits are applied are named as in the object behind IPython's ``%autoreload``,
    which this one stands in for.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.imports = PromptImports(lambda: shell.user_ns)
        self.output: Output = OneLine()
        self.enabled = False
        """Update before each cell."""
        self.check_all = False
        """All live modules, not only those in ``modules``."""
        self.autoload_obj = False
        """Bring names that an edit adds to a module to the prompt."""
        self.modules: dict[str, bool] = {}
        """The modules named by ``%aimport``."""
        self.skip_modules: dict[str, bool] = {}
        """The modules whose edits wait."""
        self._version = 0

    def before_cell(self, info: object = None) -> None:
        """Update, if a session runs and updates are on: IPython's ``pre_run_cell``."""
        if self.enabled and (session := _session.session()) is not None:
            self.output.after(self.update(session))

    def after_cell(self, info: Any) -> None:
        """Take note of what the cell imported, and of edits that it applied itself, with ``session.update()``.

        ``info`` is IPython's ``ExecutionInfo``.
        """
        if source := executed_source(self._shell, info):
            self.imports.read(source)
        session = _session.session()
        if session is not None and (left := self.imports.follow(session, updated=False)):
            self.output.after(Report(self._version, 0.0, applied=(), stale=left, refused=(), conflicts=()))

    def update(self, session: Session, *, everything: bool = False) -> Report:
        """Apply the edits of the modules that are not to wait; ``everything``: of those not named by ``%aimport`` too.

        The report names, among the stale, what the prompt imported and its module no longer has.
        """
        waiting = frozenset(self.skip_modules)
        live: frozenset[str] = frozenset()
        if self.autoload_obj or not self.check_all or self.output.tells_before:
            live = frozenset(session.modules())
            if not (self.check_all or everything):
                waiting |= live - self.modules.keys()
            self.output.before(live - waiting)
        names = {module: _names(module) for module in live - waiting} if self.autoload_obj else {}
        report = self.apply(session, lambda: session.update(skip=waiting))
        for module, known in names.items() if report else ():
            if not self.imports.imported_by_name(module):
                self.imports.add(module, (name for name in _names(module) - known if not name.startswith("__")))
        return report

    def rerun(self, session: Session, *qualnames: str) -> Report:
        """Re-execute stale statements; names imported at the prompt follow as after an update."""
        return self.apply(session, lambda: session.rerun(*qualnames))

    def stale(self, session: Session) -> tuple[Item, ...]:
        """Return what is stale, in live modules in the order of their text, then at the prompt."""
        return (*sorted(session.stale(), key=lambda item: (item.file, item.line)), *self.imports.stale())

    def apply(self, session: Session, action: Callable[[], Report]) -> Report:
        """Have ``action`` change what is live; names imported at the prompt follow."""
        report = action()
        if report.version == self._version and not any(True for _ in report):
            return report
        self._version = report.version
        left = self.imports.follow(session, updated=True)
        return replace(report, stale=left + report.stale)


def running_session() -> Session:
    """Return the running session, or fail as a magic does."""
    session = _session.session()
    if session is None:
        raise UsageError("no relive session is running; %relive patch starts one")
    return session


def executed_source(shell: Any, info: Any) -> str | None:
    """Return the Python that a cell was turned into, given IPython's ``ExecutionInfo``; None if it is no Python."""
    source: str | None = getattr(info, "transformed_cell", None)
    if source is None and info is not None:  # early versions of IPython 9 tell only what was typed
        with suppress(SyntaxError):
            source = shell.transform_cell(info.raw_cell)
    return source


def one_line(report: Report) -> str:
    """Return the report as one line of text, empty if the update did nothing.

    Names the first of what was applied, and with the reason the first of what was refused or left stale.
    """
    parts = []
    for group, items in report:
        named = items[: _NAMED[group]]
        told = ", ".join(item.qualname if group == "applied" else " ".join(str(item).split()) for item in named)
        more = f" and {len(items) - len(named)} more" if len(items) > len(named) else ""
        parts.append(f"{group} {told}{more}")
    return f"relive v{report.version}: {'; '.join(parts)}" if parts else ""


def _names(module: str) -> frozenset[str]:
    return frozenset(getattr(sys.modules.get(module), "__dict__", ()))
