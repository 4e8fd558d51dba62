"""Small programs and one or two edits of each, judged as the random ones are: right, or named; never silent.

A story in `stories/` is a title (``==``), the files of each edit as a diff of all their lines (``--``, then ``-`` was,
``+`` is, nothing: both), and what the report must name after it: stale or refused, and nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .generator import Files, Sequence, Step
from .harness import Bench, Run, run, story


@dataclass
class Story:
    """Versions of a program, and what the report of each edit must name."""

    title: str
    versions: list[Files] = field(default_factory=lambda: [{}])
    named: list[set[str]] = field(default_factory=list)

    def read(self, line: str, file: str) -> None:
        """Take in a line of a diff."""
        before, after = self.versions[-2:]
        if line[:1] != "+" and len(self.named) == 0:
            before[file] = before.get(file, "") + line[2:] + "\n"
        if line[:1] != "-":
            after[file] = after.get(file, "") + line[2:] + "\n"


def _stories() -> list[Story]:
    found: list[Story] = []
    for path in sorted((Path(__file__).parent / "stories").glob("*.txt")):
        file, is_new_edit = "", True
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("== "):
                found.append(Story(line[3:]))
                is_new_edit = True
            elif line.startswith("-- "):
                if is_new_edit:
                    found[-1].versions.append({})
                file, is_new_edit = line[3:], False
                for version in found[-1].versions[-2:]:
                    version.setdefault(file, "")
            elif line.startswith("named: "):
                found[-1].named.append({name.replace("_", " ") if "<" in name else name for name in line.split()[1:]})
                found[-1].named[-1].discard("nothing")
                is_new_edit = True
            elif line and not is_new_edit:
                found[-1].read(line, file)
    return found


def _told(told: Story, bench: Bench) -> Run:
    modules = [file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in told.versions[0]]
    steps = [Step(files, "the next version") for files in told.versions]
    return run(Sequence(0, sorted(modules), steps), bench)


@pytest.fixture(scope="module", params=["relive", "deep"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = Bench(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("told", _stories(), ids=lambda told: told.title.replace(" ", "-"))
def test_what_differs_is_named(told: Story, bench: Bench) -> None:
    done = _told(told, bench)
    assert not done.silent, story(done)
    if bench.engine == "relive":
        reports = [verdict.report for verdict in done.verdicts[1:]]
        named = [{item["qualname"] for item in [*report["stale"], *report["refused"]]} for report in reports]
        assert named == told.named
