"""``relive repl``: a prompt whose statements are in a log before they run, and whose edits are live."""

import ast
import asyncio
import code
import importlib.util
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import CodeType, TracebackType
from typing import Any

from relive import _recovery, _run, _session
from relive._cells import Logged, why_failed
from relive._errors import ReliveError
from relive._log import relive_errors
from relive._messages import Messages
from relive._recovery import SELECTION, Place
from relive._report import Report
from relive._session import Mode, Session
from relive._settings import HoldSetting, Replay, replay_policy


def repl(script: str | None, *, mode: Mode, roots: Sequence[str], replay: Replay, hold: HoldSetting = "auto") -> None:
    """Show a prompt, IPython's where it is installed, after running ``script`` in its namespace, if one is given.

    What the last session at a prompt in this directory, or with this script, left, if it died, is brought back first,
    as ``replay`` says.
    """
    try:
        directory = os.getcwd()
        sys.argv = [script or ""]
        if script is not None:
            directory = _run._enter(script)
        elif not sys.flags.safe_path:
            sys.path[0] = ""
        session = _session.started(roots or [directory], mode, auto=False, hold=hold, replay=replay, script=script)
        if problem := session._serve(script or ""):
            tell(f"`relive status` will not find this session: {problem}")
        policy = replay_policy(replay, directory)
        namespace = _run._main_namespace()
        _await_cells(session, policy)
        if script is not None:
            namespace = _run_script(script, session)
        if not (_has_ipython() and _with_ipython(policy)):
            _standard(session, namespace, policy)
    except ReliveError as error:
        sys.exit(f"relive: {error}")


class Console(code.InteractiveConsole):
    """The standard prompt: each statement is logged before it runs, and saved edits are live before that."""

    def __init__(self, session: Session, namespace: dict[str, Any]) -> None:
        super().__init__(namespace, "<stdin>")
        self.place = Place(namespace, self.compile.compiler, asyncio.run)
        self._session = session
        self._names = namespace
        self._messages = Messages(os.getcwd())
        self._source = ""

    def raw_input(self, prompt: str = "") -> str:
        """Apply what was saved, then read a line."""
        if not self.buffer:
            self.update()
        return self._session._engine.read_line(lambda: input(prompt))

    def runsource(self, source: str, filename: str = "<input>", symbol: str = "single") -> bool:
        """Execute a statement when it is complete."""
        self._source = source
        # No Python begins so: the one magic that this prompt has, since what is left off is had in no other way.
        if (words := source.split())[:1] == ["%recover"]:
            recover_again(self._session, self.place, "".join(words[1:]))
            return False
        return super().runsource(source, filename, symbol)

    def runcode(self, code: CodeType) -> None:
        """Execute the statement just read, unless it cannot be logged."""
        self.update()
        logged = Logged(self._session._engine)
        failed: BaseException | None = None
        try:
            if self._logs(logged):
                exec(code, self._names)
        except SystemExit as error:
            failed = error
            raise
        except BaseException as error:
            failed = error
            self.showtraceback()
        finally:
            if report := logged.end(failed):
                self._tell(report)

    def _logs(self, logged: Logged) -> bool:
        """Log the statement just read; False if that cannot be done, which the user is told."""
        if _is_exit(self._source):
            return True
        try:
            logged.begin(self._source, self._names)
        except Exception as error:
            self.write(f"relive: the statement was not executed, because it cannot be logged: {error}\n")
            return False
        return True

    def update(self) -> None:
        """Apply what was saved, and tell what that did."""
        self._tell(self._session.update())

    def _tell(self, report: Report) -> None:
        for line in self._messages.lines(report.to_dict()):
            self.write(f"{line}\n")


def _standard(session: Session, namespace: dict[str, Any], replay: Replay) -> None:
    console = Console(session, namespace)
    _prepare_line_editing()
    if startup := os.environ.get("PYTHONSTARTUP"):
        _run_startup(startup, namespace)
    recover_last(session, console.place, replay)
    version = sys.version.split("\n", 1)[0].strip()
    console.interact(f"Python {version} on {sys.platform}, live; what you type is logged.", exitmsg="")


def recover_last(session: Session, place: Place, replay: Replay) -> None:
    """Bring back what the last session at a prompt here left, if it died and nobody has decided about it."""
    engine = session._engine
    try:
        with relive_errors():
            left = _recovery.find(engine)
            if left is None or not left.is_new:
                return
            tell(left.headline())
            if not _is_brought_back(replay) and replay != "none":
                # Nobody can be asked, and nobody has allowed it.
                tell("nothing is brought back without a terminal; --replay all does it")
                return
            _recovery.recover(engine, left, place, replay=replay, ask=asked, tell=tell)
    except ReliveError as error:
        tell(f"nothing more is brought back: {error}")
    finally:
        engine.awaits_cells(False)


def recover_again(session: Session, place: Place, choice: str) -> None:
    """Do what ``%recover`` is typed for: show what is left, or bring back what is chosen."""
    if choice and not SELECTION.fullmatch(choice):
        tell(f"{choice!r} is no choice; it is all, none, -N (all but the last N), or numbers such as 1-4,6")
        return
    engine = session._engine
    try:
        with relive_errors():
            left = _recovery.find(engine)
            if left is None:
                tell("no session at a prompt here has died and left anything")
            elif choice or left.is_new:
                _recovery.recover(engine, left, place, replay="ask", choice=choice or None, ask=asked, tell=tell)
            else:
                print(left.table())
    except ReliveError as error:
        tell(str(error))


def _await_cells(session: Session, replay: Replay) -> None:
    """Leave what cells did to modules to the cells, which come back later: nobody is asked twice."""
    with suppress(ReliveError), relive_errors():
        if _is_brought_back(replay) and _recovery.find(session._engine):
            session._engine.awaits_cells(True)


def _is_brought_back(replay: Replay) -> bool:
    return replay == "all" or (replay == "ask" and sys.stdin.isatty())


def tell(line: str) -> None:
    """Tell the user something, on stderr."""
    print(f"relive: {line}", file=sys.stderr)


def asked(question: str) -> str:
    """Return the answer to a question, empty if there is none."""
    with suppress(EOFError, KeyboardInterrupt):
        return input(f"relive: {question}")
    print(file=sys.stderr)
    return ""


def _has_ipython() -> bool:
    return importlib.util.find_spec("IPython") is not None


def _with_ipython(policy: Replay) -> bool:
    """Show IPython's prompt until it is left; False if this installation of it does not work."""
    try:
        from relive.ipython._app import prepared

        app = prepared(policy)
    except Exception as error:
        tell(f"IPython cannot be used, so this is Python's own prompt: {why_failed(error)}")
        return False
    app.start()
    return True


def _run_script(script: str, session: Session) -> dict[str, Any]:
    """Run the script as ``python -i`` does: whatever it raises, the prompt comes, with what there is by then."""
    try:
        program, namespace = _run._script(script, session._engine)
        exec(program, namespace)
        session._engine.finish(sys.modules["__main__"])
    except BaseException as error:
        _show(error)
    return vars(sys.modules["__main__"])


def _show(error: BaseException) -> None:
    """Show an exception as ``python`` does, and keep it for `pdb.pm`."""
    own = (__file__, _run.__file__)
    kept: TracebackType | None = error.__traceback__
    while kept is not None and kept.tb_frame.f_code.co_filename in own:
        kept = kept.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, kept
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    sys.excepthook(type(error), error.with_traceback(kept), kept)


def _is_exit(source: str) -> bool:
    """Tell whether a statement only ends the session."""
    with suppress(SyntaxError, ValueError, RecursionError):
        match ast.parse(source).body:
            case [ast.Expr(value=ast.Call(func=ast.Name(id="exit" | "quit")))]:
                return True
    return False


def _prepare_line_editing() -> None:
    """Have what the interpreter's own prompt has: completion, and its history file."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is not None:
        try:
            hook()
        except Exception as error:
            tell(f"no line editing: {why_failed(error)}")


def _run_startup(path: str, namespace: dict[str, Any]) -> None:
    try:
        with open(path, encoding="utf-8") as file:
            exec(compile(file.read(), path, "exec"), namespace)
    except BaseException as error:
        _show(error)
