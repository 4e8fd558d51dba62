"""What an update did, as immutable values: `Report`, its `Item`s, and `ModuleVersion`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

GROUPS = ("applied", "stale", "refused", "conflicts")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that an update did, left or refused.

    ``qualname`` is ``pkg.mod:Class.method``, ``pkg.mod:NAME``, or ``pkg.mod:<line 12>`` for a statement that binds
    nothing; ``kind`` is module, function, method, class, attribute, statement, import, instance or frame; ``why`` is
    the reason in words; ``line`` counts from 1 in ``file``.
    """

    qualname: str
    kind: str
    why: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.qualname} ({self.why})"


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What one update did. True when something was applied or failed.

    ``version`` is the session's version number after it, ``seconds`` the time from first sight of the edit to live.
    """

    version: int
    seconds: float
    applied: tuple[Item, ...]
    stale: tuple[Item, ...]
    refused: tuple[Item, ...]
    conflicts: tuple[Item, ...]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Report":
        """Build the report from the JSON form of `to_dict`."""
        groups = {group: tuple(Item(**item) for item in data[group]) for group in GROUPS}
        return cls(version=data["version"], seconds=data["seconds"], **groups)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, fit for ``json.dumps``."""
        groups = {group: [asdict(item) for item in getattr(self, group)] for group in GROUPS}
        return {"version": self.version, "seconds": self.seconds, **groups}

    def __bool__(self) -> bool:
        return bool(self.applied or self.refused or self.conflicts)

    def __iter__(self) -> Iterator[tuple[str, tuple[Item, ...]]]:
        """Yield the groups that are not empty, by name."""
        return ((group, getattr(self, group)) for group in GROUPS if getattr(self, group))

    def __repr__(self) -> str:
        if not any(True for _ in self):
            return f"relive v{self.version}: nothing to apply"
        groups = "; ".join(f"{group} {', '.join(map(str, items))}" for group, items in self)
        return f"relive v{self.version} in {self.seconds * 1000:.1f} ms: {groups}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{group}</td><td><code>{escape(item.qualname)}</code></td><td>{item.kind}</td>"
            f"<td>{escape(item.why)}</td><td>{escape(item.file)}:{item.line}</td></tr>"
            for group, items in self
            for item in items
        )
        caption = f"relive v{self.version}, {self.seconds * 1000:.1f} ms"
        return f"<table><caption>{caption}</caption>{rows}</table>"


@dataclass(frozen=True, slots=True)
class ModuleVersion:
    """Which version of a module runs.

    ``version`` is the session's version number of the last edit applied to it, 0 for none; ``base`` is "file" when
    the text that it was executed from is known, "unknown" when it was imported before the session began and differs
    from its file.
    """

    name: str
    file: str
    version: int
    base: str
