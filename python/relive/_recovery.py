"""What a session at a prompt left when it died, brought back into another."""

import ast
import codeop
import inspect
import linecache
import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from relive._cells import CellEngine, Logged, why_failed
from relive._errors import ReliveError
from relive._log import Change, ChangeTable, first_line, printable
from relive._settings import Replay

SELECTION = re.compile(r"all|none|-\d+|\d+(-\d+)?(,\d+(-\d+)?)*")
"""Which changes are to be applied, as users say it; see `selected`."""


class PromptEngine(CellEngine, Protocol):
    """What of the engine knows about the sessions at prompts before this one."""

    def prompt_recovery(self) -> dict[str, Any] | None:
        """Return what the session left that died here, if one did: in this directory, or with this script."""

    def replay_prompt(self, session: str, numbers: list[int]) -> Iterator[str]:
        """Yield the statements of these numbers, each when it is about to be executed."""

    def is_undone(self, source: str, namespace: dict[str, Any]) -> bool:
        """Tell whether all that the statement yielded last did to live modules was taken back later."""


@dataclass(frozen=True)
class Left:
    """What a session left: its statements, and the numbers of those that are replayed by policy and by consent.

    ``off`` has those that are left off, each with the reason.
    """

    session: str
    died: str
    changes: tuple[Change, ...]
    auto: tuple[int, ...]
    ask: tuple[int, ...]
    off: tuple[tuple[int, str], ...]
    restarted: bool = False
    """Whether the machine was restarted since."""

    def headline(self) -> str:
        """Return in one line what happened."""
        how = f"died: {printable(self.died)}"
        if self.died == "unknown":
            how = "ended without a word" + (", and the machine was restarted since" if self.restarted else "")
        count = len(self.auto) + len(self.ask)
        return f"the last session here {how}; {count} statement{'' if count == 1 else 's'} of it can come back"

    def table(self) -> ChangeTable:
        """Return the statements, to be shown."""
        return ChangeTable(self.headline(), self.changes)

    def text(self, number: int) -> str:
        """Return the beginning of a statement."""
        return next((first_line(change.text) for change in self.changes if change.n == number), "")

    def raised_cell(self, number: int) -> tuple[str, int] | None:
        """Return the cell that a statement stood in, if it raised when it was typed; None if it came to its end."""
        [change] = [change for change in self.changes if change.n == number]
        return (change.session, change.txn) if change.outcome == "raised" else None

    def chosen(self, choice: str) -> list[int]:
        """Return the numbers that are meant by ``choice``; what is left off is meant only by its number."""
        offered = sorted((*self.auto, *self.ask))
        if choice[0].isdigit():
            offered = sorted({*offered, *(number for number, _ in self.off)})
        return selected(offered, choice)[0]


@dataclass(frozen=True)
class Place:
    """Where statements are executed again: in ``namespace``, compiled by ``compiler``; ``wait`` runs a coroutine."""

    namespace: dict[str, Any]
    compiler: codeop.Compile
    wait: Callable[[Coroutine[Any, Any, Any]], Any]


def find(engine: PromptEngine) -> Left | None:
    """Return what the last session left that died in the session's directory, or with its script."""
    found = engine.prompt_recovery()
    if found is None:
        return None
    return Left(
        session=found["session"],
        died=found["died"],
        changes=tuple(map(Change.from_dict, found["changes"])),
        auto=tuple(found["auto"]),
        ask=tuple(found["ask"]),
        off=tuple((number, why) for number, why in found["off"]),
        restarted=found.get("restarted", False),
    )


def recover(
    engine: PromptEngine,
    left: Left,
    place: Place,
    *,
    replay: Replay,
    choice: str | None = None,
    confirm: Callable[[str], bool],
    tell: Callable[[str], object],
) -> None:
    """Execute the statements again that a session left, and log each anew.

    What defines, imports or assigns without a call comes back by policy; what calls something after one confirmation
    that lists it all, unless ``replay`` is "all" or ``choice`` says it. Errors are told at the end, each in one line.
    """
    for number, why in left.off:
        tell(f"left off {number}: {left.text(number)} ({printable(why)})")
    if choice is not None:
        numbers = left.chosen(choice)
    elif replay == "none":
        tell("nothing is brought back, as asked")
        return
    else:
        numbers = sorted(left.auto)
        if left.ask and (replay == "all" or confirm(_question(left))):
            numbers = sorted((*left.auto, *left.ask))
    errors = []
    back = 0
    # Of a cell that raised, what stands behind the statement that did has never been executed.
    over: set[tuple[str, int]] = set()
    try:
        for index, text in enumerate(engine.replay_prompt(left.session, numbers)):
            number = numbers[index]
            cell = left.raised_cell(number)
            if cell in over:
                continue
            if engine.is_undone(text, place.namespace):
                tell(f"left off {number}: {left.text(number)} (it was undone)")
                continue
            error = _execute_again(engine, number, text, place)
            if error is None:
                back += 1
            elif cell is not None:
                over.add(cell)
            else:
                errors.append(f"{number} is not back: {first_line(text)} raised {printable(why_failed(error))}")
    except KeyboardInterrupt:
        errors.append("interrupted; what comes after is not back")
    except OSError as error:
        errors.append(f"what comes after is not back, because it cannot be logged: {error}")
    for line in errors:
        tell(line)
    tell(f"{back} of {len(left.changes)} statements are back")


def selected(numbers: list[int], choice: str) -> tuple[list[int], list[int]]:
    """Return which of ``numbers`` are meant by ``choice`` and which are not.

    A choice is all, none, -N (all but the last N) or numbers such as 1-4,6. Raises `ReliveError` for a number that is
    not among them.
    """
    if choice == "all":
        on = set(numbers)
    elif choice == "none":
        on = set()
    elif choice.startswith("-"):
        on = set(numbers[: max(len(numbers) - int(choice[1:]), 0)])
    else:
        on = set()
        for part in choice.split(","):
            first, _, last = part.partition("-")
            among = {number for number in numbers if int(first) <= number <= int(last or first)}
            if not among:
                raise ReliveError(f"there is no change {part} to recover; there are {', '.join(map(str, numbers))}")
            on |= among
    return [number for number in numbers if number in on], [number for number in numbers if number not in on]


def _question(left: Left) -> str:
    lines = [f"{number:>5}  {left.text(number)}" for number in left.ask]
    return "\n".join(["these statements call something:", *lines, "execute them again? [y/N] "])


def _execute_again(engine: CellEngine, number: int, text: str, place: Place) -> BaseException | None:
    """Execute a statement, logged anew, and return what it raised; an interrupt comes out."""
    logged = Logged(engine)
    try:
        logged.begin(text, place.namespace)
    except KeyboardInterrupt as interrupt:
        logged.end(interrupt)
        raise
    error: BaseException | None = None
    try:
        _execute(number, text, place)
    except BaseException as raised:
        error = raised
    logged.end(error)
    if isinstance(error, KeyboardInterrupt):
        raise error
    return error


def _execute(number: int, text: str, place: Place) -> None:
    name = f"<recovered {number}>"
    source = text.rstrip("\n") + "\n"
    # For tracebacks and inspect.getsource.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    compiler = place.compiler
    awaits = compiler.flags & ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        # It remembers the __future__ imports for what is typed later.
        code = compiler(source, name, "exec")
    finally:
        compiler.flags = compiler.flags & ~ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | awaits
    result = eval(code, place.namespace)
    if inspect.iscoroutine(result):
        place.wait(result)
