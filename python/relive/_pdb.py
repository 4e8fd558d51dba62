"""``restart`` in pdb, and in what is made of it, as ipdb is: the call that is looked at begins anew."""

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from relive import _restart, _session
from relive._errors import ReliveError
from relive._messages import Messages

_plain: Callable[[Any, str], Any] | None = None
"""What pdb's own class does."""


def extend(pdb: ModuleType) -> None:
    """Have the debuggers of this module restart calls."""
    global _plain
    if _plain is None:
        _plain = pdb.Pdb.do_restart
        pdb.Pdb.do_restart = do_restart


def take_back(pdb: ModuleType) -> None:
    """Have them do again what they do by themselves."""
    global _plain
    if _plain is not None and pdb.Pdb.do_restart is do_restart:
        pdb.Pdb.do_restart = _plain
    _plain = None


def do_restart(self: Any, arg: str) -> Any:
    """restart [function]

    Begin a call anew, with the arguments that it was made with and the
    newest code: that of the selected frame, or the innermost one of the
    function named, such as bank:Account.deposit.  What was saved is
    applied first.  The program as a whole is restarted by run.
    """
    session = _session.session()
    if session is None or self.curframe is None:
        return _plain and _plain(self, arg)
    report = session.update()
    for line in Messages(os.getcwd()).lines(report.to_dict()):
        self.message(line)
    if report.refused:
        self.error("nothing is restarted, since an edit was not applied; restart again goes without it")
        return None
    name = arg.strip()
    try:
        frame = _restart.meant(_restart.callers(sys._getframe(1)), name or self.curframe)
    except ReliveError as error:
        told = "" if name or session._engine.has_code(self.curframe.f_code) else "; up selects its caller"
        self.error(f"{error}{told}")
        return None
    self.message(f"restarting {frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}")
    self.set_continue()
    # Since 3.13 pdb stops nowhere while it is in its own code, and thinks so until that returns.
    self.enterframe = None
    raise _restart.unwinding(frame, _Begun(self))


class _Begun:
    """Has the debugger go on when the call begins anew: what is raised where it traces ends that."""

    def __init__(self, debugger: Any) -> None:
        self._debugger = debugger

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if name == "has_begun" and self._debugger.breaks:
            if sys.version_info >= (3, 14):
                self._debugger.start_trace()
            else:
                sys.settrace(self._debugger.trace_dispatch)
