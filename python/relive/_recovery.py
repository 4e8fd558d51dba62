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

    def awaits_cells(self, awaits: bool) -> None:
        """Have what the cells found did to modules be left to the cells, or not any more."""

    def replay_prompt(self, session: str, numbers: list[int]) -> Iterator[str]:
        """Yield the statements of these numbers, each when it is about to be executed."""

    def why_it_stays_away(self, source: str, namespace: dict[str, Any], is_named: bool) -> tuple[str, bool] | None:
        """Return why the statement yielded last is not executed, if it is not, and whether what it did is live already.

        That goes by what has become of all that it did to live modules. ``is_named``: somebody has named it since.
        """

    def settle_prompt(self, back: list[int], off: list[tuple[int, str]], is_over: bool) -> None:
        """Remember which statements are back, and which are left off and why."""


@dataclass(frozen=True)
class Left:
    """What sessions left: their statements, and the numbers of those that are replayed by policy and by consent.

    ``off`` has those that are left off, each with the reason; ``suspects`` those of them that come back only by their
    number; ``decided`` those that somebody has left off before. ``needs`` has those that others need, by the number of
    the one that needs them. ``is_new``: nobody has been told of some of it.
    """

    session: str
    died: str
    changes: tuple[Change, ...]
    auto: tuple[int, ...]
    ask: tuple[int, ...]
    off: tuple[tuple[int, str], ...]
    suspects: frozenset[int]
    decided: frozenset[int]
    needs: dict[int, tuple[int, ...]]
    is_new: bool
    restarted: bool = False
    """Whether the machine was restarted since."""

    def headline(self) -> str:
        """Return in one line what happened."""
        before = f"{_count(len(self.decided))} left off before" if self.decided else ""
        if not self.is_new:
            return f"{before}: %recover all, or a number, brings back"
        how = f"died: {printable(self.died)}"
        if self.died == "unknown":
            how = "ended without a word" + (", and the machine was restarted since" if self.restarted else "")
        can = f"{_count(len(self.auto) + len(self.ask))} of it can come back"
        return f"the last session here {how}; {can}" + (f", {before}" if before else "")

    def table(self) -> ChangeTable:
        """Return the statements, to be shown."""
        return ChangeTable(self.headline(), self.changes)

    def text(self, number: int) -> str:
        """Return the beginning of a statement."""
        return next((first_line(change.text) for change in self.changes if change.n == number), "")

    def chosen(self, choice: str) -> list[int]:
        """Return the numbers that are meant by ``choice``; a suspect is meant only by its number."""
        every = {*self.auto, *self.ask, *(number for number, _ in self.off)}
        offered = every if choice[0].isdigit() else every - self.suspects
        return selected(sorted(offered), choice)[0]

    def undecided(self) -> dict[int, str]:
        """Return the numbers of those about which nobody has decided, each with why it does not come back."""
        why = dict.fromkeys((*self.auto, *self.ask), "not wanted") | dict(self.off)
        return {number: why[number] for number in sorted(why) if number not in self.decided}


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
        suspects=frozenset(found["suspects"]),
        decided=frozenset(found["decided"]),
        needs={number: tuple(needed) for number, needed in found["needs"]},
        is_new=found["is_new"],
        restarted=found.get("restarted", False),
    )


def recover(
    engine: PromptEngine,
    left: Left,
    place: Place,
    *,
    replay: Replay,
    choice: str | None = None,
    ask: Callable[[str], str],
    tell: Callable[[str], object],
) -> None:
    """Execute the statements again that a session left, and log each anew.

    What defines, imports or assigns without a call comes back by policy; what calls something after one question that
    lists it all, unless ``replay`` is "all" or ``choice`` says it. What needs something that is not back does not come
    back either, unless it is named. Errors are told at the end, each in one line. What does not come back stays
    available; after an interrupt, as undecided as before.
    """
    for number, why in left.off:
        if number not in left.decided:
            tell(f"left off {number}: {left.text(number)} ({printable(why)})")
    named: list[int] = []
    if choice is not None:
        numbers = left.chosen(choice)
        named = numbers if choice[0].isdigit() else []
    elif replay == "none":
        tell("nothing is brought back, as asked")
        return
    else:
        numbers = sorted(left.auto)
        if replay == "all":
            numbers = sorted((*left.auto, *left.ask))
        elif left.ask:
            numbers = sorted({*left.auto, *_answered(left, ask(_question(left)), tell)})
    told = []
    back: set[int] = set()
    off: dict[int, str] = {}
    try:
        # Decided now: if this process dies meanwhile, the next one does not ask again.
        engine.settle_prompt([], [each for each in left.undecided().items() if each[0] not in numbers], False)
        for number, text in zip(numbers, engine.replay_prompt(left.session, numbers), strict=True):
            missing = {*left.needs.get(number, ())} - back
            away = engine.why_it_stays_away(text, place.namespace, choice is not None)
            if away and away[1]:
                back.add(number)
            elif away or (missing and number not in named):
                off[number] = away[0] if away else f"needs {min(missing)}, which is not back"
                told.append(f"{number} is not back: {left.text(number)} ({off[number]})")
            elif error := _execute_again(engine, number, text, place):
                off[number] = f"raised {why_failed(error)} when it was executed again"
                told.append(f"{number} is not back: {left.text(number)} raised {printable(why_failed(error))}")
            else:
                back.add(number)
    except KeyboardInterrupt:
        told.append("interrupted: %recover goes on with what is not back")
    except OSError as error:
        told.append(f"what comes after is not back, because it cannot be logged: {error}")
    try:
        engine.settle_prompt(sorted(back), [*off.items()], True)
    except OSError as error:
        told.append(f"which of them are back is not written down: {error}")
    for line in told:
        tell(line)
    rest = len(left.changes) - len(back)
    tell(f"{len(back)} of {len(left.changes)} statements are back" + ("; %recover shows the rest" if rest else ""))


def _answered(left: Left, answer: str, tell: Callable[[str], object]) -> list[int]:
    """Return the numbers of the statements with calls that an answer to the question means."""
    answer = answer.replace(" ", "").lower()
    if answer in ("y", "yes"):
        return list(left.ask)
    if SELECTION.fullmatch(answer) and answer[0].isdigit():
        try:
            return left.chosen(answer)
        except ReliveError as error:
            tell(str(error))
    return []


def _count(number: int) -> str:
    return f"{number} statement{'' if number == 1 else 's'}"


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
    return "\n".join(["these statements call something:", *lines, "execute them again? (or numbers: 1-4,6) [y/N] "])


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
