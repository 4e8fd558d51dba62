"""Cells written into the session's log before they are executed."""

import ast
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from IPython.core.error import InputRejected

from relive._cells import CellEngine, Logged
from relive._report import Report
from relive.ipython._updater import executed_source

_LOOKING = (
    *("alias_magic", "changes", "colors", "config", "doctest_mode", "hist", "history", "hold", "load", "lsmagic"),
    *("magic", "page", "pdef", "pdoc", "pfile", "pinfo", "pinfo2", "pprint", "precision", "psearch", "psource", "pwd"),
    *("pycat", "quickref", "recall", "relive", "rep", "restart", "stale", "tb", "who", "who_ls", "whos", "xmode"),
)
"""Magics that show something, or set how it is shown: nothing that a session has to be brought back to."""

_LOGGED_ELSEWHERE = ("fold", "recover", "undo")
"""Magics that write into logs themselves."""

_LEAVING = ("exit", "quit", "unload_ext")
"""What ends a session, or its log. Never refused, so that one whose cells cannot be logged can be gone on with."""

_HANDING_ON = ("cpaste", "ed", "edit", "paste", "rerun")
"""Magics that execute a text which stands elsewhere: that is logged, not the magic."""

_UNLOGGED = frozenset((*_LOOKING, *_LOGGED_ELSEWHERE, *_LEAVING, *_HANDING_ON))


class CellRejectedError(InputRejected):
    """A cell could not be logged, and so was not executed."""

    def _render_traceback_(self) -> list[str]:
        return [f"relive: {self}"]


@dataclass
class _Cell:
    """A cell that is being executed."""

    typed: str
    source: str
    logged: Logged | None = None
    hands_on: bool = False
    is_seen: bool = False


class CellLog:
    """Logs the cells of one shell: before each is executed, and what became of it after.

    An event cannot keep IPython from executing a cell, and an input transformer is also called for texts that are
    only looked at. So this is a transformer of syntax trees: it is called when the cell is known to be Python, after
    the edits were applied that the events apply, and directly before the cell runs, or does not. Magics such as
    ``%%time`` have it called again for what they execute inside of a cell, which is part of that cell.
    """

    def __init__(self, shell: Any, engine: Callable[[], CellEngine | None], tell: Callable[[Report], object]) -> None:
        self._shell = shell
        self._engine = engine
        self._tell = tell
        # By thread: a kernel may execute cells in several.
        self._open: dict[int, list[_Cell]] = {}

    def before_cell(self, info: Any) -> None:
        """Take note of what is about to be executed: IPython's ``pre_run_cell``."""
        cells = self._open.setdefault(threading.get_ident(), [])
        # Without a place in the history it is what a configuration or a front end wants, not what the user typed.
        is_own = cells[-1].hands_on if cells else info.store_history
        if is_own and (source := executed_source(self._shell, info)) is not None:
            cells.append(_Cell(info.raw_cell, source))

    def visit(self, tree: ast.AST) -> ast.AST:
        """Log the cell that is about to be executed, or reject it: called by IPython with its syntax tree."""
        engine = self._engine()
        cells = self._open.get(threading.get_ident())
        if not cells or cells[-1].is_seen or engine is None:
            return tree
        cell = cells[-1]
        cell.is_seen = True
        used = [_magic(statement) for statement in getattr(tree, "body", ())]
        cell.hands_on = any(name in _HANDING_ON for name in used)
        if all(name in _UNLOGGED for name in used):
            return tree
        cell.logged = Logged(engine)
        try:
            cell.logged.begin(cell.source, self._shell.user_ns)
        # Whatever it is: any other exception would have IPython go on without a log.
        except Exception as error:
            raise CellRejectedError(
                f"the cell was not executed, because it cannot be logged: {error}\n"
                "Once that is mended, execute it again; %unload_ext relive goes on without a log."
            ) from error
        return tree

    def after_cell(self, result: Any) -> None:
        """Note what became of the cell: IPython's ``post_run_cell``; None stands for one that was broken off."""
        cells = self._open.get(threading.get_ident())
        if not cells or (result is not None and result.info.raw_cell is not cells[-1].typed):
            return
        cell = cells.pop()
        if not cells:
            del self._open[threading.get_ident()]
        if cell.logged is not None:
            error = "broken off" if result is None else result.error_before_exec or result.error_in_exec
            if report := cell.logged.end(error):
                self._tell(report)


def _magic(statement: ast.AST) -> str | None:
    """Return the name of the magic that a statement runs, ``exit`` or ``quit``; None for any other."""
    match statement:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(
                    value=ast.Call(func=ast.Name(id="get_ipython")), attr="run_line_magic" | "run_cell_magic"
                ),
                args=[ast.Constant(value=str(name)), *_],
            )
        ):
            return name
        case ast.Expr(value=ast.Name(id="exit" | "quit" as name)):
            return name
        case ast.Expr(value=ast.Call(func=ast.Name(id="exit" | "quit" as name))):
            return name
    return None
