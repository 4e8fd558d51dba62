"""`start`, `session` and `Session`: the thin Python face of the native engine."""

import atexit
import os
import sys
from collections.abc import Callable, Mapping, Sequence, Set
from importlib.util import find_spec
from types import FrameType
from typing import Any, Literal

from relive import _import, _wake
from relive._crash import CrashFile
from relive._errors import ReliveError
from relive._native import Engine
from relive._report import Item, ModuleVersion, Report
from relive._settings import HoldFilter, HoldSetting, Replay, Sync, check, holding, replay_policy, sync_mode

Mode = Literal["patch", "deep"]
_running: "Session | None" = None
_follows_forks = False


def start(
    *roots: str | os.PathLike[str],
    mode: Mode = "patch",
    auto: bool = True,
    hold: bool | Literal["auto"] = "auto",
    hold_filter: HoldFilter = "uncaught",
    replay: Replay = "ask",
) -> "Session":
    """Make the modules below ``roots`` live and return the session.

    ``roots`` are directories or importable package names; without any, the current directory. ``mode`` "patch"
    re-executes what changed and reports what that leaves stale, "deep" also re-executes the stale, in dependency
    order. ``auto`` applies a saved edit as soon as it is seen, without waiting for `Session.update`. ``replay`` says
    what is done with changes in a module's log that its source does not have, when it is imported: "ask" on a
    terminal, and else leave them off and say so; replay "all"; or "none". ``hold`` says whether a thread is held whose
    exception nobody above will catch: "auto" means, if standard input is a terminal. With the ``hold_filter``
    "user-unhandled" so is one whose exception only a library would catch, by a clause for whatever may go wrong.
    `restart` needs it for coroutines and generators, and on CPython 3.11 for all calls, of which each costs something
    then.

    A second call returns the running session with the new roots added. Raises `ReliveError` for a root that is
    neither a directory nor an importable package, and for an unknown mode.
    """
    check(hold_filter, "hold_filter", HoldFilter)
    setting: HoldSetting = hold_filter if hold is True else hold or "off"
    return started(roots or (os.getcwd(),), mode, auto=auto, hold=setting, hold_filter=hold_filter, replay=replay)


def started(
    roots: Sequence[str | os.PathLike[str]],
    mode: Mode,
    *,
    auto: bool,
    replay: Replay,
    hold: HoldSetting = "auto",
    hold_filter: HoldFilter = "uncaught",
    script: str | None = None,
) -> "Session":
    """Do what `start` does; where there is a prompt, it has the names of ``script``."""
    global _running
    directories = [_root_directory(root) for root in roots]
    _check_mode(mode)
    policy = replay_policy(replay, directories[0])
    held = holding(hold, hold_filter, directories[0])
    is_new = _running is None
    if _running is None:
        _running = Session(mode, policy, sync_mode(directories[0]), script)
    if is_new or hold != "auto":
        _running._hold_filter = hold_filter
        _running._hold(held)
    for directory in directories:
        _running._add_root(directory)
    if auto:
        _running._watch()
    return _running


def session() -> "Session | None":
    """Return the running session, or None."""
    return _running


class Session:
    """A running live session; made by `start`."""

    def __init__(self, mode: Mode, replay: Replay = "ask", sync: Sync = "full", script: str | None = None) -> None:
        library = os.path.realpath(os.path.dirname(os.__file__))
        self._engine = Engine(mode, library, replay, sync, script)
        self._finder = _import.install(self._engine)
        self._crash_file = CrashFile(self._engine.crash_file())
        self._hold_filter: HoldFilter = "uncaught"
        _follow_forks()
        atexit.register(self._close)

    @property
    def mode(self) -> str:
        """ "patch" or "deep"; see `start`."""
        return self._engine.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        _check_mode(mode)
        self._engine.mode = mode

    @property
    def roots(self) -> tuple[str, ...]:
        """The directories whose modules are live."""
        return tuple(map(str, self._engine.roots()))

    def update(self, *, skip: Set[str] = frozenset()) -> Report:
        """Apply every edit that was saved before the call, and return when the code is live.

        Edits of the modules named in ``skip`` wait for a later update. Nothing pending gives an empty report. Never
        raises for what is wrong with an edit: that is in the report.
        """
        return Report.from_dict(self._engine.update(frozenset(skip)))

    def stale(self) -> tuple[Item, ...]:
        """Return everything that still holds what an older version computed, whichever update made it so."""
        return tuple(Item(**item) for item in self._engine.stale())

    def rerun(self, *qualnames: str) -> Report:
        """Re-execute the stale statements named by ``qualnames``; without any, all of them, in dependency order."""
        return Report.from_dict(self._engine.rerun(list(qualnames)))

    def modules(self) -> Mapping[str, ModuleVersion]:
        """Return the live modules by name."""
        return {module["name"]: ModuleVersion(**module) for module in self._engine.modules()}

    def stop(self) -> None:
        """End the session. The live code stays as it is; later edits are no longer seen."""
        global _running
        _import.uninstall(self._finder)
        self._close()
        atexit.unregister(self._close)
        if _running is self:
            _running = None

    def __repr__(self) -> str:
        return f"<relive session: mode {self.mode}, {len(self.modules())} live modules below {', '.join(self.roots)}>"

    def _hold(self, held: HoldFilter | None) -> None:
        """Have exceptions held from now on that a filter lets through, or none."""
        if held is None:
            self._engine.hold("off")
        else:
            self._hold_filter = held
            self._engine.hold(held, _decide)

    def _look(self) -> dict[str, Any] | None:
        """Apply what was saved; the report, if nobody else tells it."""
        return None if self._engine.applies() else self._engine.update()

    def _close(self) -> None:
        _wake.leave()
        self._engine.hold("off")
        if (hold := sys.modules.get("relive._hold")) is not None:
            hold.release()
        self._engine.close()
        self._crash_file.close()

    def _add_root(self, directory: str) -> None:
        self._engine.add_root(directory)
        _import.adopt(self._engine, sys.modules)
        self._engine.arm()

    def _watch(
        self, on_report: Callable[[dict[str, Any]], object] | None = None, program: str | None = None
    ) -> str | None:
        _wake.listen()
        return self._engine.watch(on_report, program)

    def _serve(self, program: str) -> str | None:
        _wake.listen()
        return self._engine.serve(program)


def _decide(error: BaseException, caller: FrameType | None) -> str | tuple[Any] | None:
    # Most programs never fail.
    from relive._hold import decide

    return decide(error, caller)


def _follow_forks() -> None:
    """Have every fork of the process told to the session that runs then: hooks cannot be taken back."""
    global _follows_forks
    if not _follows_forks and hasattr(os, "register_at_fork"):
        _follows_forks = True
        os.register_at_fork(
            before=_told(Engine.before_fork),
            after_in_parent=_told(Engine.after_fork_in_parent),
            after_in_child=_forked,
        )


def _told(event: Callable[[Engine], None]) -> Callable[[], None]:
    """Return a hook that tells the engine of the session that runs then."""

    def tell() -> None:
        if _running is not None:
            event(_running._engine)

    return tell


def _forked() -> None:
    """Leave what a forked process shares with its parent to that."""
    if _running is not None:
        _running._engine.after_fork_in_child()
        _running._crash_file.leave()


def _root_directory(root: str | os.PathLike[str]) -> str:
    path = os.fspath(root)
    if os.path.isdir(path):
        return os.path.realpath(path)
    spec = find_spec(path) if path.isidentifier() or all(part.isidentifier() for part in path.split(".")) else None
    if spec is None:
        raise ReliveError(f"{path!r} is neither a directory nor an importable package; name one of these as a root")
    locations = spec.submodule_search_locations
    if locations:
        return os.path.realpath(next(iter(locations)))
    if spec.origin and os.path.isfile(spec.origin):
        return os.path.realpath(spec.origin)
    raise ReliveError(f"{path!r} has no source file, so it cannot be live")


def _check_mode(mode: str) -> None:
    if mode not in ("patch", "deep"):
        raise ReliveError(f"unknown mode {mode!r}: it is 'patch' or 'deep'")
