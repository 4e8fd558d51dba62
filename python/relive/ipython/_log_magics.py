"""``%changes``, ``%recover``, ``%undo``, ``%fold`` and ``%%patch``."""

import functools
import os
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from IPython.core.error import StdinNotImplementedError, UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from relive import _log, _native, _recovery
from relive._errors import ReliveError
from relive._log import Change, ChangeLog, ChangeTable, Fold
from relive._recovery import SELECTION, Place, selected
from relive._report import Report
from relive.ipython._updater import Updater, running_session

_CHOICES = "all, none, -N (all but the last N), or numbers such as 1-4,6"
_OFFERED = frozenset({"pending", "omitted", "conflict"})
"""The status of those changes that ``%recover`` can apply."""
_FAILED = frozenset({"raised", "refused"})
"""The outcome of those that never took effect."""
_APPLICABLE = frozenset({"define", "remove", "eval"})
"""Their kind."""

P = ParamSpec("P")
R = TypeVar("R")


def _in_one_line(magic: Callable[P, R]) -> Callable[P, R]:
    """Have what relive refuses on purpose shown without a traceback: it is no fault of a program."""

    @functools.wraps(magic)
    def told(*arguments: P.args, **options: P.kwargs) -> R:
        try:
            return magic(*arguments, **options)
        except ReliveError as error:
            raise UsageError(str(error)) from error

    return told


@magics_class
class LogMagics(Magics):
    """The magics of the change log."""

    shell: Any

    def __init__(self, shell: Any, updater: Updater) -> None:
        super().__init__(shell)
        self._updater = updater

    @line_magic
    @_in_one_line
    def changes(self, line: str) -> ChangeLog | None:
        """%changes [MODULE] => Show the change log of a module, or of this session."""
        words = _words(line, 1, "%changes [MODULE]")
        if words:
            return self._log(words[0])
        path = running_session()._engine.prompt_log()
        if path is None:
            print("this session has logged nothing yet")
            return None
        return ChangeLog(path)

    @line_magic
    @_in_one_line
    def recover(self, line: str) -> Report | ChangeTable | None:
        """%recover [MODULE] [all|none|-N|1-4,6] => Apply changes that are in a log but not in the source.

        %recover MODULE --merge N => Merge change N, which is in conflict with the source, with what that says now.

        'all' applies all of them but those that failed, '-N' all but the last N, '1-4,6' those of these numbers, 'none'
        none; what is left off stays in the log. Without a choice they are shown in a list to choose from, with the
        reason of each. Without a module they are the statements of the last session at a prompt here, if it died.
        """
        words = line.split()
        if "--merge" in words:
            return self._merge(words)
        words = _words(line, 2, "%recover [MODULE] [all|none|-N|1-4,6]")
        choice = words.pop() if words and SELECTION.fullmatch(words[-1]) else None
        if len(words) > 1:
            raise UsageError(f"{words[1]!r} is no choice; it is {_CHOICES}")
        return self._recover_module(words[0], choice) if words else self._recover_prompt(choice)

    @line_magic
    @_in_one_line
    def undo(self, line: str) -> Report:
        """%undo [MODULE] [N] => Take back the change of number N, or the last one that counts.

        Without a module it is a change of any live module; a number that several of them have needs it.
        """
        words = _words(line, 2, "%undo [MODULE] [N]")
        number = int(words.pop()) if words and words[-1].isdecimal() else None
        if len(words) > 1:
            raise UsageError(f"{words[1]!r} is no number of a change")
        session = running_session()
        names = words or sorted(session.modules())
        found: list[tuple[Change, ChangeLog, str]] = []
        for name in names:
            log = self._log(name)
            changes = log.pending if number is None else [change for change in log if change.n == number]
            found += [(change, log, name) for change in changes]
        if not found:
            what = "no change that counts" if number is None else f"no change {number}"
            raise UsageError(f"there is {what} in the log of {words[0] if words else 'any live module'}")
        if number is not None and len(found) > 1:
            modules = ", ".join(name for _, _, name in found)
            raise UsageError(f"{modules} have a change {number} each: name the module")
        change, log, name = max(found, key=lambda each: (each[0].at, each[0].n))
        print(f"undoing {name} {change.n}: {_log.first_line(change.text) or _log.printable(change.target)}")
        return self._updater.apply(session, lambda: log.undo(change.n))

    @line_magic
    @_in_one_line
    def fold(self, line: str) -> Fold:
        """%fold MODULE [--dry-run] => Write the pending changes of a module into its source file."""
        words = _words(line, 2, "%fold MODULE [--dry-run]")
        is_dry = "--dry-run" in words
        if is_dry:
            words.remove("--dry-run")
        if len(words) != 1:
            raise UsageError("%fold MODULE [--dry-run] wants the name of one module")
        return self._log(words[0]).fold(dry_run=is_dry)

    @cell_magic
    @_in_one_line
    def patch(self, line: str, cell: str) -> Report:
        """%%patch MODULE => Make the definitions of the cell live in a module, as though they stood in its file.

        They are in the module's change log, and %fold writes them into the file. MODULE may name a class in it
        (bank:Account), whose members the definitions then are.
        """
        words = _words(line, 1, "%%patch MODULE")
        if not words:
            raise UsageError("%%patch MODULE wants the name of a module")
        return self._updater.apply(running_session(), lambda: _log.patch(self._module(words[0]), cell))

    def _module(self, name: str) -> str:
        """Return the module's own name, where ``name`` is a variable that holds it."""
        head, colon, scope = name.partition(":")
        module = getattr(self.shell.user_ns.get(head), "__spec__", None)
        return f"{getattr(module, 'name', head)}{colon}{scope}"

    def _log(self, name: str) -> ChangeLog:
        is_path = os.sep in name or name.endswith((".py", ".log"))
        return _log.log(name if is_path else self._module(name))

    def _merge(self, words: list[str]) -> Report:
        match words:
            case [name, "--merge", number] | ["--merge", number, name] if number.isdecimal():
                log = self._log(name)
            case _:
                raise UsageError("%recover MODULE --merge N wants the name of a module and the number of a change")
        return self._updater.apply(running_session(), lambda: log.merge(int(number)))

    def _recover_module(self, name: str, choice: str | None) -> Report | ChangeTable | None:
        log = self._log(name)
        offered = tuple(change for change in log if change.status in _OFFERED and change.kind in _APPLICABLE)
        if not offered:
            print(f"{name} has no changes to recover")
            return None
        session = running_session()
        if choice is None and not self._is_kernel and _native.has_terminal():
            decided = log.decide()
            return self._updater.apply(session, decided) if decided else None
        if choice is None:
            table = ChangeTable(f"changes of {name} that are not in its source:", offered)
            if self._is_kernel:
                print(f"%recover {name} followed by {_CHOICES} applies them")
                return table
            print(table)
            choice = self._asked(f"recover which ({_CHOICES})? ")
            if not choice:
                return None
            if not SELECTION.fullmatch(choice):
                raise UsageError(f"{choice!r} is no choice; it is {_CHOICES}")
        # What failed never took effect: it is meant only if it is named, and is off anyway if it is not.
        failed = {change.n for change in offered if change.outcome in _FAILED}
        is_named = choice[0].isdecimal()
        on, off = selected([change.n for change in offered if is_named or change.n not in failed], choice)
        off = [number for number in off if number not in failed]
        return self._updater.apply(session, lambda: log.recover(on, off))

    def _recover_prompt(self, choice: str | None) -> ChangeTable | None:
        engine = running_session()._engine
        with _log.relive_errors():
            left = _recovery.find(engine)
            if left is None:
                print("no session at a prompt here has died and left anything")
                return None
            if choice is None and (self._is_kernel or not left.is_new):
                print(f"%recover followed by {_CHOICES} executes them again")
                return left.table()
            place = place_in(self.shell)
            _recovery.recover(engine, left, place, replay="ask", choice=choice, ask=self._asked, tell=print)
            return None

    @property
    def _is_kernel(self) -> bool:
        return hasattr(self.shell, "kernel")

    @staticmethod
    def _asked(question: str) -> str:
        """Return the answer to a question, empty where nobody can be asked."""
        try:
            return input(question).replace(" ", "")
        except (EOFError, StdinNotImplementedError):
            return ""


def place_in(shell: Any) -> Place:
    """Return where statements of an earlier session are executed again in a shell."""
    return Place(shell.user_ns, shell.compile, shell.loop_runner)


def _words(line: str, most: int, usage: str) -> list[str]:
    words = line.split()
    if len(words) > most:
        raise UsageError(f"{usage} was given {line.strip()!r}")
    return words
