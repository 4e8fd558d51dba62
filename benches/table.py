"""The figures of all cases as a table: aligned, or in Markdown."""

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cases import Case


@dataclass(frozen=True)
class Figure:
    """A median in seconds, and what is to be said beside it."""

    seconds: float | None
    remark: str = ""

    def __str__(self) -> str:
        told = "" if self.seconds is None else duration(self.seconds)
        return " ".join(part for part in (told, self.remark) if part)


@dataclass(frozen=True)
class Row:
    """A case and its figures by engine."""

    case: Case
    figures: dict[str, Figure]

    @property
    def seconds(self) -> float | None:
        """The figure of relive."""
        return self.figures["relive"].seconds

    @property
    def ratio(self) -> float | None:
        """The figure of relive to that of the best of the engines that it is compared with."""
        peers = [self.figures[name].seconds for name in self.case.compared_with if name in self.figures]
        known = [seconds for seconds in peers if seconds is not None]
        return self.seconds / min(known) if known and self.seconds is not None else None

    def verdict(self, rows: Sequence["Row"]) -> str:
        """The target, and whether it is met; ``rows`` are all that were measured."""
        target = self.case.target
        if target is None or self.seconds is None:
            return ""
        limits = []
        if target.seconds is not None:
            limits.append(target.seconds)
        if target.times_peer is not None and self.ratio is not None:
            limits.append(target.times_peer * self.seconds / self.ratio)
        if target.times_row is not None:
            times, name = target.times_row
            limits += [times * row.seconds for row in rows if row.case.name == name and row.seconds is not None]
        met = limits and all(self.seconds <= limit for limit in limits)
        return f"{target.text}: {'met' if met else 'missed'}"


ENGINES = ("relive", "plain", "autoreload 2", "jurigged")
HEADINGS = ("case", *ENGINES, "relive : best", "target")


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    unit, size = next(((unit, size) for unit, size in (("s", 1.0), ("ms", 1e-3)) if seconds >= size), ("µs", 1e-6))
    value = seconds / size
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.{1 if value >= 10 else 2}f} {unit}"


def proportion(ratio: float | None) -> str:
    """A ratio as people say it: 1/12 or 1.5."""
    if ratio is None:
        return ""
    if ratio > 0.8:
        return f"{ratio:.2f}"
    return f"1/{1 / ratio:,.0f}" if ratio < 0.1 else f"1/{1 / ratio:.1f}"


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Lines for a terminal."""
    cells = [HEADINGS, *_cells(rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    for line in cells:
        last = len(line) - 1
        yield "  ".join(
            text.ljust(width) if column in (0, last) else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
    yield ""
    yield conditions()


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """A table for a page."""
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---|" + "---:|" * (len(HEADINGS) - 2) + "---|"
    for line in _cells(rows):
        yield f"| {' | '.join(line)} |"
    yield ""
    yield conditions()


def conditions() -> str:
    """The machine and the versions, in a sentence."""
    import relive._native

    is_editable = "site-packages" not in Path(relive._native.__file__).parts
    build = "an UNOPTIMISED build (use tools/bench)" if is_editable else "a release build"
    return (
        f"CPython {platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores; "
        f"relive {version('relive')}, {build}, IPython {version('ipython')}, jurigged {version('jurigged')}."
    )


def _cells(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        figures = (str(row.figures[engine]) if engine in row.figures else "" for engine in ENGINES)
        yield (row.case.title, *figures, proportion(row.ratio), row.verdict(rows))
