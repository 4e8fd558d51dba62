"""What the environment and ``[tool.relive]`` of a project say, below what a caller says."""

import os
from pathlib import Path
from typing import Any, Literal, get_args

from relive._errors import ReliveError

Replay = Literal["ask", "all", "none"]

_LOOSENESS = ("none", "ask", "all")


def replay_policy(asked: str, directory: str) -> Replay:
    """Return what is done with unfolded changes at an import: what was asked for, over ``RELIVE_REPLAY``.

    A project file can only tighten it: it comes with a clone. Raises `ReliveError` for what is no policy.
    """
    said = os.environ.get("RELIVE_REPLAY") or "ask"
    policy = asked if asked != "ask" else said
    source = "replay" if asked != "ask" else "RELIVE_REPLAY"
    _check(policy, source)
    if "replay" in (project := _project(directory)):
        _check(project["replay"], "replay in [tool.relive]")
        policy = min(policy, project["replay"], key=_LOOSENESS.index)
    return policy  # type: ignore[return-value]


def _check(policy: Any, source: str) -> None:
    if policy not in get_args(Replay):
        raise ReliveError(f"{source} is {policy!r}: it is 'ask', 'all' or 'none'")


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
