"""Code whose text is not all in its file tells the lines at which the text is shown."""

import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from relive import _native

LIBRARY = Path(sysconfig.get_path("stdlib"))
FILES = [
    "abc.py",
    "argparse.py",
    "ast.py",
    "asyncio/tasks.py",
    "dataclasses.py",
    "difflib.py",
    "enum.py",
    "functools.py",
    "inspect.py",
    "typing.py",
]

Pieces = list[tuple[int, int, int]]


@pytest.mark.parametrize("name", FILES)
def test_each_instruction_is_on_the_line_where_its_text_is_shown(name: str) -> None:
    text = (LIBRARY / name).read_text(encoding="utf-8")
    before, after = compile(text, name, "exec"), compile(text, name, "exec")
    pieces = scattered(text.count("\n") + 1, random.Random(name))
    _native.TestedHost.relocate(after, pieces)
    pairs = list(zip(codes(before), codes(after), strict=True))
    assert len(pairs) > 10
    for one, other in pairs:
        assert other.co_firstlineno == shown(one.co_firstlineno, pieces)
        for (line, end, *columns), (new_line, new_end, *new_columns) in zip(
            one.co_positions(), other.co_positions(), strict=True
        ):
            assert new_line == (line and shown(line, pieces))
            if end is None or shown(end, pieces) - (new_line or 0) == end - (line or 0):
                assert (new_end, new_columns) == (end and shown(end, pieces), columns)
            else:  # it begins in one piece and ends in another: only the line is told
                assert new_columns in ([None, None], columns)


@pytest.mark.parametrize("name", FILES)
def test_where_nothing_is_elsewhere_the_table_stays_as_it_is(name: str) -> None:
    text = (LIBRARY / name).read_text(encoding="utf-8")
    before, after = compile(text, name, "exec"), compile(text, name, "exec")
    _native.TestedHost.relocate(after, [(1, text.count("\n") + 1, 1)])
    assert [code.co_linetable for code in codes(after)] == [code.co_linetable for code in codes(before)]


def scattered(line_count: int, dice: random.Random) -> Pieces:
    """Return pieces that cover a text: some lines stay, others are shown behind its end."""
    pieces, next_line, end = [], 1, line_count + 1
    while next_line <= line_count:
        last = min(next_line + dice.randrange(60), line_count)
        if dice.random() < 0.5:
            pieces.append((next_line, last, next_line))
        else:
            pieces.append((next_line, last, end))
            end += last + 1 - next_line
        next_line = last + 1
    return pieces


def shown(line: int, pieces: Pieces) -> int:
    """Return where a line of the text is shown."""
    return next((place + line - first for first, last, place in pieces if first <= line <= last), line)


def codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those nested in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)
