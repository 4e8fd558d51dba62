"""Makes a failing sequence small: fewer edits, then fewer definitions, as long as it still fails."""

import ast
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from .generator import Files, Sequence, importable
from .harness import Bench, ProcessError, Run, run


def shrink(failing: Run, bench: Bench, seconds: float) -> Run:
    """Return the smallest run found in the given time that has a silent difference; greedy, never larger."""
    deadline = time.monotonic() + seconds
    best = failing
    steps = failing.sequence.steps[: len(failing.verdicts)]
    best = replace(best, sequence=replace(best.sequence, steps=steps))
    for shorter in (_fewer_steps, _fewer_statements):
        best = _smallest(best, shorter, bench, deadline)
    return best


def _smallest(best: Run, shorter: Callable[[Sequence], Iterator[Sequence]], bench: Bench, deadline: float) -> Run:
    improved = True
    while improved:
        improved = False
        for candidate in shorter(best.sequence):
            if time.monotonic() > deadline:
                return best
            attempt = _failing(candidate, bench)
            if attempt is not None:
                best, improved = attempt, True
                break
    return best


def _failing(candidate: Sequence, bench: Bench) -> Run | None:
    if not _is_sound(candidate):
        return None
    try:
        attempt = run(candidate, bench)
    except (ProcessError, AssertionError):
        bench.drop_live()
        return None
    if not attempt.silent:
        return None
    return replace(attempt, sequence=replace(candidate, steps=candidate.steps[: len(attempt.verdicts)]))


def _is_sound(candidate: Sequence) -> bool:
    """Tell whether broken versions are just those that say so, and break one file of the version that they follow."""
    good = candidate.steps[0].files
    for step in candidate.steps:
        if importable(step.files, candidate.entry) == step.broken:
            return False
        if not step.broken:
            good = step.files
        elif sum(1 for file, text in step.files.items() if good.get(file) != text) > 1:
            return False
    return True


def _fewer_steps(sequence: Sequence) -> Iterator[Sequence]:
    """Leave out one step; the first may go too, so that the program begins later."""
    for index in range(len(sequence.steps) - 1):
        steps = sequence.steps[:index] + sequence.steps[index + 1 :]
        if not steps[0].broken:
            yield replace(sequence, steps=steps)


def _fewer_statements(sequence: Sequence) -> Iterator[Sequence]:
    """Leave out some top-level statements, told by their text without numbers, in every version of a file."""
    files = sorted({file for step in sequence.steps for file in step.files})
    for file in files:
        texts = [step.files.get(file, "") for step in sequence.steps]
        heads = sorted({head for text in texts for head, _, _ in _statements(text)})
        for size in (max(len(heads) // 2, 1), max(len(heads) // 4, 1), 1):
            for start in range(0, len(heads), size):
                gone = set(heads[start : start + size])
                steps = [replace(step, files=_without(step.files, file, gone)) for step in sequence.steps]
                if steps != sequence.steps:
                    yield replace(sequence, steps=steps)


def _without(files: Files, file: str, gone: set[str]) -> Files:
    if file not in files:
        return files
    lines = files[file].splitlines()
    for head, start, end in reversed(_statements(files[file])):
        if head in gone:
            while start > 1 and not lines[start - 2].strip():
                start -= 1
            del lines[start - 1 : end]
    return {**files, file: "\n".join(lines) + "\n"}


def _statements(text: str) -> list[tuple[str, int, int]]:
    """Return what each top-level statement is about, and its first and last line; nothing for broken text."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    found = []
    for node in tree.body:
        start = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
        head = getattr(node, "name", "") or text.splitlines()[node.lineno - 1].partition("=")[0].strip()
        found.append((head, start, node.end_lineno or node.lineno))
    return found
