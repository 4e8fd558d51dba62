"""``%relive``, ``%stale``, ``%rerun``, ``%hold``, ``%restart``, and ``%edit`` for the files of live modules."""

import os
import re
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.core.magics.code import CodeMagics
from IPython.core.oinspect import find_file
from IPython.utils.path import get_py_filename

from relive import _restart, _session
from relive._errors import ReliveError
from relive._hold import held, hold
from relive._report import Item, Report
from relive._session import Session
from relive.ipython._updater import OneLine, Updater, running_session

_QUALNAME = re.compile(r"[^\s<]*<[^>]*>|\S+")
"""A qualified name in a magic's line: that of a statement, ``bank:<line 12>``, has a space in it."""

_HISTORY = re.compile(r"\s*(-.*|[\d~/:-][\d\s~/:-]*)")
"""The arguments of IPython's own ``%rerun``."""


@magics_class
class ReliveMagics(Magics):
    """relive's own magics, for a shell whose edits ``updater`` applies.

    ``%edit`` and ``%rerun`` of ``shell`` as it is go on to serve for what is not relive's.
    """

    shell: Any

    def __init__(self, shell: Any, updater: Updater) -> None:
        super().__init__(shell)
        self._updater = updater
        self._edit_anything: Callable[[str], Any] = shell.find_line_magic("edit")
        self._rerun_history: Callable[[str], Any] = shell.find_line_magic("rerun")
        self._edited_before = ""
        if not isinstance(getattr(self._edit_anything, "__self__", None), CodeMagics):
            # A kernel's %edit opens the file in the front end and executes nothing: nothing to do otherwise.
            del self.magics["line"]["edit"]

    @magic_arguments()
    @argument(
        "action",
        nargs="?",
        choices=("patch", "deep", "off", "now"),
        help="""nothing: show the mode, the roots, the versions of changed modules, and what is stale;
            'patch': before each cell, re-execute what changed, and name what that leaves stale;
            'deep': re-execute the stale as well, in dependency order;
            'off': apply no edits before cells;
            'now': apply them now, and return the report.""",
    )
    @line_magic
    def relive(self, line: str) -> Report | None:
        """%relive => Show or set how saved edits are applied."""
        action = parse_argstring(self.relive, line).action
        if action == "now":
            return self._updater.update(running_session(), everything=True)
        if action == "off":
            self._updater.enabled = False
        elif action is not None:
            session = _session.session() or _session.start(auto=False)
            session.mode = action
            self._updater.enabled = self._updater.check_all = True
            self._updater.autoload_obj = False
            self._updater.output = OneLine()
        else:
            print(self._status(running_session()))
        return None

    @line_magic
    def stale(self, line: str) -> None:
        """%stale => List what still holds what an older version of the code computed, and why."""
        if line.strip():
            raise UsageError(f"%stale takes no argument, but was given {line.strip()!r}")
        items = self._updater.stale(running_session())
        print("\n".join(map(_described, items)) or "nothing is stale")

    @line_magic
    def rerun(self, line: str) -> Report | None:
        """%rerun => Re-execute stale statements, in dependency order, and return the report.

        %rerun
        All that is stale.

        %rerun bank:TABLE bank:<line 12>
        These, named as %stale names them; the part after the colon is enough where only one has it.

        With an option or a range of the input history (%rerun 3-5, %rerun -l 1) it is IPython's own %rerun.
        """
        if _HISTORY.fullmatch(line):
            self._rerun_history(line)
            return None
        session = running_session()
        stale = [item.qualname for item in session.stale()]
        return self._updater.rerun(session, *(_stale_qualname(name, stale) for name in _QUALNAME.findall(line)))

    @line_magic
    def hold(self, line: str) -> None:
        """%hold => Say whether a call of a live function is held that fails; `%hold on` and `%hold off` switch it.

        A cell in which a call is held asks for what to do: a saved fix of the function makes the call again.
        """
        action = line.strip()
        session = running_session()
        if action in ("on", "off"):
            hold(action == "on")
        elif action:
            raise UsageError(f"%hold takes 'on' or 'off', but was given {action!r}")
        print(f"holding is {'on' if session._engine.holds() else 'off'}")

    @line_magic
    def restart(self, line: str) -> None:
        """%restart => Begin a running call anew, with its own arguments and the newest code, and leave this prompt.

        %restart
        The innermost live function: the one from which a nested prompt, as IPython.embed() is one, was opened.

        %restart bank:Account.deposit
        The innermost call of this one.
        """
        stack = tuple(_restart.callers(sys._getframe(1)))
        try:
            call = _restart.meant(stack, line.strip() or None)
        except ReliveError as error:
            raise UsageError(f"{error}; a call that runs elsewhere is begun anew by `relive restart`") from error
        print(f"restarting {call.f_globals.get('__name__')}:{call.f_code.co_qualname}")
        between = stack[: stack.index(call)]
        shells = [index for index, frame in enumerate(between) if frame.f_globals["__name__"].startswith("IPython.")]
        # IPython would catch what unwinds: it is raised where the prompt was opened.
        _restart.raise_at(stack[max(shells) + 1], _restart.unwinding(call))
        self.shell.ask_exit()

    @line_magic
    def edit(self, parameter_s: str = "") -> Any:
        """Bring up an editor.

        What is saved to the file of a live module is live when the editor returns; the file is not executed at the
        prompt. Everything else is as IPython has it:
        """
        if not self._updater.enabled or not self._edits_live_file(parameter_s):
            return self._edit_anything(parameter_s)
        result = self._edit_anything(f"-x {parameter_s}")
        self._updater.before_cell()
        return result

    edit.__doc__ = f"{edit.__doc__}\n{CodeMagics.edit.__doc__}"

    def _edits_live_file(self, line: str) -> bool:
        """Tell whether ``%edit line`` opens the file of a live module: one named, or the one that defines an object."""
        session = _session.session()
        options, target = self.parse_options(line, "prxn:")
        if "p" in options:
            target = self._edited_before
        self._edited_before = target
        file = self._file_of(target) if target and session is not None else None
        if session is None or file is None:
            return False
        return os.path.realpath(file) in {os.path.realpath(module.file) for module in session.modules().values()}

    def _file_of(self, target: str) -> str | None:
        """Return the file that ``%edit target`` opens, if it is one's name or a dotted name: nothing is evaluated."""
        try:
            return str(get_py_filename(target))
        except OSError:
            pass
        first, *attributes = target.split(".")
        try:
            value = self.shell.user_ns[first]
            for attribute in attributes:
                value = getattr(value, attribute)
        except (KeyError, AttributeError):
            return None
        # A string is edited itself.
        return None if isinstance(value, str) else find_file(value)

    def _status(self, session: Session) -> str:
        updater = self._updater
        modules = session.modules().values()
        changed = sorted((module for module in modules if module.version), key=lambda module: module.name)
        when = "applied before each cell" if updater.enabled else "not applied before cells (%relive now applies them)"
        if updater.enabled and not updater.check_all:
            when += f", of {', '.join(sorted(updater.modules)) or 'no module'} only"
        lines = [
            f"mode:    {session.mode}; edits are {when}",
            f"roots:   {', '.join(map(str, session.roots))}",
            f"modules: {len(modules)} live; changed: {_listed(f'{each.name} v{each.version}' for each in changed)}",
        ]
        if session._engine.sync == "process":
            lines.append("changes: survive the end of the process, not a power loss (RELIVE_SYNC)")
        lines += [f"held:    {one.thread.name} in {one.title}" for one in held()]
        if updater.skip_modules:
            lines.append(f"waiting: the edits of {', '.join(sorted(updater.skip_modules))}")
        stale = updater.stale(session)
        lines.append(f"stale:   {len(stale) or 'nothing'}")
        return "\n".join([*lines, *(f"  {_described(item)}" for item in stale)])


def _stale_qualname(name: str, stale: list[str]) -> str:
    """Return which of ``stale`` is meant by ``name``: itself, or the only one with it after the colon."""
    if name in stale:
        return name
    matching = [qualname for qualname in stale if qualname.partition(":")[2] == name]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f"{name} is ambiguous: it is one of {', '.join(matching)}")
    raise UsageError(f"{name} is no stale statement of a live module; those are: {', '.join(stale) or 'none'}")


def _described(item: Item) -> str:
    where = f" [{item.file}:{item.line}]" if item.line else ""
    return f"{item.qualname}: {' '.join(item.why.split())}{where}"


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"
