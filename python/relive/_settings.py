"""What the environment and ``[tool.relive]`` of a project say, below what a caller says."""

import os
import sys
from pathlib import Path
from typing import Any, Literal, get_args

from relive._errors import ReliveError

Replay = Literal["ask", "all", "none"]
Sync = Literal["full", "process"]
HoldFilter = Literal["uncaught", "user-unhandled"]
HoldSetting = Literal["auto", "off", "uncaught", "user-unhandled"]
_SWITCHES = {"1": "on", "true": "on", "0": "off", "false": "off"}


def replay_policy(asked: str, directory: str) -> Replay:
    """Return what is done with unfolded changes at an import: what was asked for, over ``RELIVE_REPLAY``.

    A project file can only tighten it: it comes with a clone. Raises `ReliveError` for what is no policy.
    """
    said = os.environ.get("RELIVE_REPLAY") or "ask"
    policy = asked if asked != "ask" else said
    source = "replay" if asked != "ask" else "RELIVE_REPLAY"
    check(policy, source, Replay)
    tightened = _tightened("replay", policy, directory, Replay, ("none", "ask", "all"))
    if tightened != policy and (asked != "ask" or "RELIVE_REPLAY" in os.environ):
        # Whoever asked for more would look for the reason everywhere else.
        print(
            f"relive: replay is {tightened!r} and not {policy!r}, because [tool.relive] of pyproject.toml says so",
            file=sys.stderr,
        )
    return tightened  # type: ignore[return-value]


def sync_mode(directory: str) -> Sync:
    """Return what a logged change survives: what ``RELIVE_SYNC`` says, and "full" where that says nothing.

    A project file can only tighten it. Raises `ReliveError` for what is no mode.
    """
    mode = os.environ.get("RELIVE_SYNC") or "full"
    check(mode, "RELIVE_SYNC", Sync)
    return _tightened("sync", mode, directory, Sync, ("full", "process"))  # type: ignore[return-value]


def holding(asked: HoldSetting, usual: HoldFilter, directory: str) -> HoldFilter | None:
    """Return which exceptions are held: what was asked for, over ``RELIVE_HOLD``; None if none are.

    "auto" holds those of the ``usual`` filter, if standard input is a terminal. A project file can only turn it off.
    Raises `ReliveError` for what is none of these.
    """
    said: str = asked
    if asked == "auto":
        said = os.environ.get("RELIVE_HOLD", "").lower() or "auto"
        said = _SWITCHES.get(said, said)
        check(said, "RELIVE_HOLD", Literal["auto", "on", "off", "uncaught", "user-unhandled"])
    if said == "auto":
        said = "on" if sys.stdin is not None and sys.stdin.isatty() else "off"
    if said == "off":
        return None
    allowed = _project(directory).get("hold", True)
    if allowed is True:
        return usual if said == "on" else said  # type: ignore[return-value]
    if allowed is not False:
        raise ReliveError(f"hold in [tool.relive] is {allowed!r}: it is true or false")
    if asked != "auto":
        print("relive: nothing is held, because [tool.relive] of pyproject.toml says so", file=sys.stderr)
    return None


def _tightened(name: str, value: str, directory: str, known: Any, looseness: tuple[str, ...]) -> str:
    """Return the tighter one of a value and what the project says."""
    project = _project(directory)
    if name not in project:
        return value
    check(project[name], f"{name} in [tool.relive]", known)
    tighter: str = min(value, project[name], key=looseness.index)
    return tighter


def check(value: Any, source: str, known: Any) -> None:
    """Raise `ReliveError` for a value that is not known."""
    if value not in get_args(known):
        *others, last = map(repr, get_args(known))
        raise ReliveError(f"{source} is {value!r}: it is {', '.join(others)} or {last}")


def _project(directory: str) -> dict[str, Any]:
    """Return the settings of the project file in a directory, or in the nearest one above it that has one."""
    for place in (Path(directory), *Path(directory).parents):
        file = place / "pyproject.toml"
        if file.is_file():
            # Most programs have none: its reader is only loaded for one.
            import tomllib

            try:
                settings = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("relive", {})
            except (OSError, ValueError) as error:
                raise ReliveError(f"{file} cannot be read: {error}") from error
            return settings if isinstance(settings, dict) else {}
    return {}
