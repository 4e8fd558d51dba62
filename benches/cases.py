"""What is measured, against whom, and what relive aims at."""

from dataclasses import dataclass

EDITORS = ("relive", "autoreload 2", "jurigged")
# jurigged has nothing to do at a cell: a thread of its own waits for events.
POLLING = ("relive", "autoreload 2")


@dataclass(frozen=True)
class Target:
    """An aim in words, and its limits: seconds, times the best peer, times relive's figure in another row."""

    text: str
    seconds: float | None = None
    times_peer: float | None = None
    times_row: tuple[float, str] | None = None


@dataclass(frozen=True)
class Case:
    """One row of the table; ``measured`` is the key of the figure in what `measure` prints."""

    name: str
    title: str
    function: str
    size: int
    engines: tuple[str, ...] = EDITORS
    measured: str = "seconds"
    target: Target | None = None
    compared_with: tuple[str, ...] = ("autoreload 2", "jurigged")
    """The engines of which the best is what relive's ratio is taken to."""
    is_slow: bool = False
    """Left out by ``--quick``: minutes, because of a peer."""


TEN_MS = Target("10 ms", seconds=0.010)
# The figures of single edits vary by a tenth from run to run.
AS_FIRST = Target("the same as the first", times_row=(1.1, "first"))

CASES = (
    Case("edit-50", "edit a function body, 50 lines", "edit", 50),
    Case(
        "edit-1000",
        "edit a function body, 1,000 lines",
        "edit",
        1_000,
        target=Target("2 ms and 1/10 of the best peer", seconds=0.002, times_peer=0.1),
    ),
    Case("edit-10000", "edit a function body, 10,000 lines", "edit", 10_000, target=TEN_MS, is_slow=True),
    Case("insert-50", "the same and insert a line at the top, 50 lines", "insert", 50),
    Case("insert-1000", "the same and insert a line at the top, 1,000 lines", "insert", 1_000),
    Case(
        "insert-10000",
        "the same and insert a line at the top, 10,000 lines",
        "insert",
        10_000,
        target=TEN_MS,
        is_slow=True,
    ),
    Case("first", "first edit of a session, 1,000 lines", "session", 1_000, measured="first"),
    Case("hundredth", "hundredth edit of a session, 1,000 lines", "session", 1_000, measured="last", target=AS_FIRST),
    Case("cell-100", "a cell when nothing changed, 100 modules", "cell", 100, POLLING),
    Case("cell-1000", "a cell when nothing changed, 1,000 modules", "cell", 1_000, POLLING),
    Case(
        "cell-5000",
        "a cell when nothing changed, 5,000 modules",
        "cell",
        5_000,
        POLLING,
        target=Target("0.1 ms, flat", seconds=0.0001),
    ),
    Case(
        "import-1000",
        "first import of 1,000 modules of 200 lines",
        "imports",
        1_000,
        ("relive", "plain", "jurigged"),
        target=Target("1.15 times plain", times_peer=1.15),
        compared_with=("plain",),
    ),
    Case(
        "instances",
        "edit a method of a class with 1,000,000 instances",
        "instances",
        1_000_000,
        target=Target("2 ms", seconds=0.002),
    ),
    Case(
        "classes",
        "edit 100 classes at once in a heap of 1,000,000 objects",
        "classes",
        100,
        target=Target("20 ms", seconds=0.020),
    ),
)
