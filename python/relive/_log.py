"""Runtime changes and their log: `patch`, `transaction`, `log`, and what they return."""

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from html import escape
from importlib.util import find_spec
from textwrap import dedent
from types import ModuleType, TracebackType
from typing import Any

from relive import _native, _session
from relive._errors import ReliveError
from relive._report import Report

_NOTHING = Report(version=0, seconds=0.0, applied=(), stale=(), refused=(), conflicts=())
_MAGIC = re.compile(r"get_ipython\(\)\.run_(line|cell)_magic\((.*)\)", re.DOTALL)
_SHOWN = 60
"""How many characters of a change's text are shown in a table."""


class NoChangeError(ReliveError, IndexError):
    """A change log has no change of this number."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change that stands in a log.

    ``n`` is its number and ``txn`` that of its transaction; ``at`` when it was written, in UTC; ``kind`` define,
    remove, eval, edit, undo, fold or session; ``status`` pending, folded, undone, omitted, conflict, in-source,
    untrusted or newer, ``why`` the reason in words; ``outcome`` applied, raised, refused or unfinished: written but
    never confirmed, the suspect after a crash.
    """

    n: int
    txn: int
    at: str
    session: str
    kind: str
    target: str
    text: str
    status: str
    outcome: str
    why: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Change":
        """Build the change from its JSON form; what a newer relive adds to that is left out."""
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})

    def __str__(self) -> str:
        why = f" ({one_line(self.why)})" if self.why else ""
        return f"{self.n:>5}  {self.status:<9}  {self.outcome:<10}  {self.kind:<6}  {self._said()}{why}"

    def _row(self) -> tuple[str, ...]:
        return (str(self.n), self.status, self.outcome, self.kind, self._said(), one_line(self.why))

    def _said(self) -> str:
        said = first_line(self.text) or self.target
        return printable(self.target) if self.kind == "remove" else said


@dataclass(frozen=True, slots=True, repr=False)
class ChangeTable:
    """Changes as they are shown: lines of text, in Jupyter a table."""

    caption: str
    changes: tuple[Change, ...]

    def __repr__(self) -> str:
        return "\n".join([self.caption, *map(str, self.changes)])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("n", "status", "outcome", "kind", "change", "why"))
        rows = "".join(
            f"<tr>{''.join(f'<td><code>{escape(cell)}</code></td>' for cell in change._row())}</tr>"
            for change in self.changes
        )
        return f"<table><caption>{escape(self.caption)}</caption><tr>{head}</tr>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a log is intact: that is its truth value.

    ``code`` is the exit code of ``relive log FILE --verify``, ``tail`` clean or torn, ``problems`` what is wrong.
    """

    code: int
    tail: str
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.code == 0


@dataclass(frozen=True, slots=True, repr=False)
class Fold:
    """What `ChangeLog.fold` wrote into the source file.

    ``numbers`` are those of the changes written, ``left`` those that were not, each with the reason; ``diff`` is what
    the file has gained and lost.
    """

    diff: str
    numbers: tuple[int, ...]
    left: tuple[tuple[int, str], ...]

    def __repr__(self) -> str:
        folded = ", ".join(map(str, self.numbers)) or "nothing"
        left = "".join(f"; left {number} ({printable(why)})" for number, why in self.left)
        return f"folded {folded}{left}\n{printable(self.diff)}".rstrip()


class ChangeLog:
    """The change log of one source file, or of the session at a prompt; made by `log`.

    Read anew whenever it or its source has changed on disk. Its length and iteration are those of ``changes``;
    ``log[12]`` is the change of number 12.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        self._read: tuple[Any, dict[str, Any]] | None = None

    @property
    def file(self) -> str:
        """The source file."""
        return str(self._document()["file"])

    @property
    def path(self) -> str:
        """The log's own file, which need not exist before the first change."""
        return str(self._document()["log"])

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, oldest first."""
        return tuple(map(Change.from_dict, self._document()["changes"]))

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are neither in the source, undone nor left out."""
        return tuple(change for change in self.changes if change.status == "pending")

    def verify(self) -> Verification:
        """Tell whether the log is intact, and what is wrong with it."""
        document = self._document()
        return Verification(int(document["verify"]), str(document["tail"]), tuple(document.get("problems", ())))

    def undo(self, number: int) -> Report:
        """Take a change back: the definition that it changed is as it was before, also where it is live.

        Raises `ReliveError` if a later change of the same definition counts.
        """
        with relive_errors():
            if (session := _session.session()) is not None:
                return _unrefused(Report.from_dict(session._engine.undo(self._path, number)))
            _native.undo_log(self._path, number)
            return _NOTHING

    def merge(self, number: int) -> Report:
        """Merge a change that is in conflict with what its source file says now: a new change takes its place.

        Raises `ReliveError`, which shows both, if they have changed the same lines. Nothing is written into the file.
        """
        with relive_errors():
            if (both := _native.merge_conflict(self._path, number)) is not None:
                raise ReliveError(
                    f"change {number} and {self.file} have both changed the same lines, and nothing was merged; "
                    f"write them into {self.file} as they should be, then undo change {number}:\n{both}"
                )
            if (session := _session.session()) is not None:
                return _unrefused(Report.from_dict(session._engine.resolve(self._path, number)))
            _native.merge_log(self._path, number)
            return _NOTHING

    def fold(self, *, dry_run: bool = False) -> Fold:
        """Write the pending changes into the source file; with ``dry_run`` only say what would be written.

        Formatting and comments around the changed definitions stay byte for byte.
        """
        with relive_errors():
            session = _session.session()
            engine = session and session._engine
            done = engine.fold(self._path, dry_run) if engine else _native.fold_log(self._path, dry_run)
        left = tuple((number, why) for number, why in done["left"])
        return Fold(diff=done["diff"], numbers=tuple(done["numbers"]), left=left)

    def recover(self, on: list[int], off: list[int]) -> Report:
        """Apply the changes of the numbers ``on`` and leave off those of ``off``; the choice is logged."""
        engine = _running()._engine
        with relive_errors():
            return Report.from_dict(engine.recover(self._path, on, off))

    def decide(self) -> Callable[[], Report] | None:
        """Have the user choose in the terminal what is applied, left off and merged; return what does so."""
        with relive_errors():
            decided = _native.decide_changes(self._path)
        if decided is None:
            return None
        on, off, merged = decided

        def apply() -> Report:
            for number in merged:
                self.merge(number)
            return self.recover(on, off)

        return apply

    def __len__(self) -> int:
        return len(self._document()["changes"])

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __getitem__(self, number: int) -> Change:
        for change in self._document()["changes"]:
            if change["n"] == number:
                return Change.from_dict(change)
        raise NoChangeError(f"{self.path} has no change {number}")

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> "ChangeTable":
        return ChangeTable(self._caption(), self.changes)

    def _caption(self) -> str:
        changes = len(self)
        text = f"{printable(self.path)}: {changes or 'no'} change{'' if changes == 1 else 's'}"
        if pending := len(self.pending):
            text += f", {pending} pending"
        return "; ".join([text, *map(printable, self._document().get("problems", ()))])

    def _document(self) -> dict[str, Any]:
        if self._read is not None:
            seen, document = self._read
            if seen == self._seen(document):
                return document
        with relive_errors():
            document = _native.read_log(self._path)
        self._read = self._seen(document), document
        return document

    def _seen(self, document: Mapping[str, Any]) -> list[tuple[int, int, int] | None]:
        """Return what tells whether the log or its source has changed since it was read."""
        seen: list[tuple[int, int, int] | None] = []
        for name in ("log", "file"):
            try:
                status = os.stat(os.path.join(os.path.dirname(self._path), document[name]))
            except OSError:
                seen.append(None)
            else:
                seen.append((status.st_mtime_ns, status.st_size, status.st_ino))
        return seen


class Transaction:
    """Patches that are one change: all or nothing; made by `transaction`.

    After the ``with`` block, ``report`` tells what became live. Nobody may look at it, so the end of the block raises
    `ReliveError` if the change was refused.
    """

    def __init__(self) -> None:
        self.report = _NOTHING

    def __enter__(self) -> "Transaction":
        self._engine = _running()._engine
        with relive_errors():
            self._engine.begin_transaction()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with relive_errors():
            if kind is not None:
                self._engine.abort_transaction()
                return
            self.report = Report.from_dict(self._engine.commit_transaction())
        if self.report.refused:
            reasons = "; ".join(map(str, self.report.refused))
            raise ReliveError(f"nothing of the transaction was applied: {reasons}")


def patch(module_or_name: ModuleType | type | str, source: str) -> Report:
    """Make the definitions and statements of ``source`` live as though they stood in the module's file.

    They replace those of the same name or come at the end, in the module or, where a class is given or named
    (``bank:Account``), in its body. They are in the module's change log before they are live. All or nothing: what
    cannot be applied is refused as a whole. Raises `ReliveError` if the module is not live, and if the change cannot be
    logged.
    """
    module, scope = _scope(module_or_name)
    session = _running()
    with relive_errors():
        report = Report.from_dict(session._engine.patch(module, scope, dedent(source)))
    if report.refused and module not in sys.modules:
        raise ReliveError(f"{module} is not imported yet, so there is nothing to patch; import it first")
    if report.refused and module not in session.modules():
        raise ReliveError(f"{module} is no live module, so it cannot be patched; live are those below a root")
    return report


def transaction() -> Transaction:
    """Return a context manager: the patches inside are one change, which an exception takes back as a whole."""
    return Transaction()


def log(module_or_path: ModuleType | str | os.PathLike[str]) -> ChangeLog:
    """Return the change log of a module, given itself, by name or by the path of its source or log."""
    return ChangeLog(_source(module_or_path))


@contextmanager
def relive_errors() -> Iterator[None]:
    """Raise as `ReliveError` what the native part raises on purpose."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise ReliveError(str(error)) from error


def printable(text: str) -> str:
    """Return text of a log as it can be shown: nothing in it moves the cursor or hides what follows."""
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def one_line(text: str) -> str:
    """Return text of a log in one line."""
    return printable(" ".join(text.split()))


def as_typed(text: str) -> str:
    """Return a magic as it was typed, given the Python that IPython makes of it; any other text as it is."""
    found = _MAGIC.fullmatch(text.strip())
    if found is None:
        return text
    try:
        name, *rest = ast.literal_eval(f"({found[2]},)")
        line, cell = (*rest, "")[:2]
    except (ValueError, SyntaxError, TypeError):
        return text
    mark = "%" if found[1] == "line" else "%%"
    return f"{mark}{name} {line}".rstrip() + (f"\n{cell}" if cell else "")


def first_line(text: str) -> str:
    """Return the beginning of a text of a log, in one line."""
    lines = as_typed(text).strip().splitlines()
    shown = printable(lines[0]) if lines else ""
    return f"{shown[:_SHOWN]} …" if len(lines) > 1 or len(shown) > _SHOWN else shown


def _unrefused(report: Report) -> Report:
    if report.refused:
        raise ReliveError("; ".join(item.why for item in report.refused))
    return report


def _running() -> _session.Session:
    session = _session.session()
    if session is None:
        raise ReliveError("no relive session is running; relive.start() starts one")
    return session


def _scope(target: ModuleType | type | str) -> tuple[str, list[str]]:
    """Return the module's name and the names of the classes inside of it."""
    if isinstance(target, ModuleType):
        return target.__name__, []
    module, _, qualname = (
        target.partition(":") if isinstance(target, str) else (target.__module__, "", target.__qualname__)
    )
    scope = qualname.split(".") if qualname else []
    if "<locals>" in scope:
        raise ReliveError(f"{qualname} is defined in a function, so a change of it alone could not be told from others")
    return module, scope


def _source(target: ModuleType | str | os.PathLike[str]) -> str:
    if isinstance(target, str) and target in sys.modules:
        target = sys.modules[target]
    if isinstance(target, ModuleType):
        file = getattr(target, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py"):
            raise ReliveError(f"{target.__name__} has no source file, so it has no change log")
        return file
    path = os.fspath(target)
    if os.sep in path or path.endswith((".py", ".log")) or os.path.isfile(path):
        return path
    try:
        spec = find_spec(path)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise ReliveError(f"{path!r} is neither a module with a source file nor the path of one")
    return spec.origin
