"""Runs sequences of edits in a live process, compares each outcome with a fresh interpreter, and judges differences.

A unit that a save changed, or that differs after it, is right (live equals fresh), flagged (it differs, and a report
named it as stale or refused), or silent. Silent is what must never be. The one exception is mutated state: a container
that an unchanged literal bound, and that other statements have filled since, keeps what the program put into it.
"""

import ast
import difflib
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .fingerprint import Difference, Units, differences
from .flags import Flags, Reach, module_name, owning_classes
from .generator import Files, Sequence, Step

ANSWER_SECONDS = 60
TALLIED = ("edits", "right", "flagged", "mutated", "silent", "needless flags")
_PROJECT = Path(__file__).resolve().parents[2]


class ProcessError(Exception):
    """A process of the harness died or stopped answering; the message says which and what it last printed."""


class Process:
    """A child process that answers one JSON line to each."""

    def __init__(self, *command: str, python: str = sys.executable) -> None:
        self._name = " ".join(command)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [python, "-X", "faulthandler", "-m", *command],
            cwd=_PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._pending = b""

    def ask(self, request: dict[str, Any]) -> Any:
        """Send a request and return the answer. Raises `ProcessError` when none comes."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ProcessError(self._last_words("died")) from None
        return json.loads(self._line())

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._pending[-65536:]:
            ready, _, _ = select.select([descriptor], [], [], ANSWER_SECONDS)
            if not ready:
                raise ProcessError(self._last_words(f"gave no answer in {ANSWER_SECONDS} s"))
            piece = os.read(descriptor, 1 << 20)
            if not piece:
                self._process.wait()
                raise ProcessError(self._last_words(f"died (exit code {self._process.returncode})"))
            self._pending += piece
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _last_words(self, what: str) -> str:
        self._errors.seek(0)
        return f"{self._name} {what}\n{self._errors.read()[-4000:].decode(errors='replace')}"

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            try:
                stream.close()
            except BrokenPipeError:
                continue


class Bench:
    """A live process with an engine and a fresh one beside it, for any number of sequences.

    ``lines=False`` disregards line numbers, to see what else is wrong where they are.
    """

    def __init__(self, engine: str = "relive", *, lines: bool = True) -> None:
        self.engine = engine
        self.lines = lines
        self.fresh = Process("tests.truth.fresh")
        self._live: Process | None = None

    @property
    def live(self) -> Process:
        """The live process, started anew where the last one died."""
        if self._live is None:
            self._live = Process("tests.truth.live", self.engine)
        return self._live

    def drop_live(self) -> None:
        """End the live process; the next sequence gets another."""
        if self._live is not None:
            self._live.close()
            self._live = None

    def close(self) -> None:
        """End both processes."""
        self.drop_live()
        self.fresh.close()


@dataclass
class Verdict:
    """How one step came out; ``silent`` are the differences that no report named, worst of all."""

    step: Step
    before: Files
    touched: set[str] = field(default_factory=set)
    right: int = 0
    needless: int = 0
    flagged: list[Difference] = field(default_factory=list)
    silent: list[Difference] = field(default_factory=list)
    mutated: list[Difference] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """A sequence as it ran, up to its first silent difference."""

    sequence: Sequence
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def silent(self) -> list[Difference]:
        """The silent differences of the last step that ran."""
        return self.verdicts[-1].silent if self.verdicts else []

    def tally(self) -> Counter[str]:
        """Count the edits, and the units by how they came out; see `TALLIED`."""
        counts = Counter({"edits": len(self.verdicts) - 1})
        before: set[str] = set()
        for verdict in self.verdicts:
            # What an earlier save left flagged and this one did not touch is not counted again.
            flagged = {difference.qualname for difference in verdict.flagged}
            counts["flagged"] += len(flagged - before | flagged & verdict.touched)
            before = flagged
            counts["right"] += verdict.right
            counts["needless flags"] += verdict.needless
            counts["silent"] += len(verdict.silent)
            counts["mutated"] += len(verdict.mutated)
        return counts


def run(sequence: Sequence, bench: Bench) -> Run:
    """Run a sequence until its end or its first silent difference."""
    directory = Path(tempfile.mkdtemp(prefix=f"truth-{sequence.seed}-"))
    try:
        return _Runner(sequence, bench, directory).run()
    except ProcessError:
        bench.drop_live()
        raise
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Runner:
    def __init__(self, sequence: Sequence, bench: Bench, directory: Path) -> None:
        self._sequence, self._bench, self._directory = sequence, bench, directory
        self._place = {"root": str(directory), "path": [str(directory)], "modules": sequence.entry, "probe": True}
        self._flags = Flags()
        self._files: Files = {}
        self._good_texts: dict[str, str] = {}
        self._touched: set[str] = set()
        self._kinds: dict[str, tuple[str, int]] = {}
        self._saved_at = 0

    def run(self) -> Run:
        made = Run(self._sequence)
        first, *saves = self._sequence.steps
        self._save(first)
        expected = self._fresh()
        started = self._bench.live.ask({"do": "start", **self._place})
        assert not started["failed"], f"the program cannot be imported: {started['failed']}"
        saves.insert(0, Step(first.files, "nothing saved yet"))
        for step in saves:
            before = self._files
            self._save(step)
            previous = expected
            expected = previous if step.broken else self._fresh()
            answer = self._bench.live.ask({"do": "update", "gone": self._long_gone(expected)})
            verdict = self._judge(Verdict(step, before), previous, expected, answer)
            made.verdicts.append(verdict)
            if verdict.silent:
                break
        self._bench.live.ask({"do": "close"})
        return made

    def _save(self, step: Step) -> None:
        for file in self._files.keys() - step.files.keys():
            (self._directory / file).unlink()
        for file, text in step.files.items():
            if self._files.get(file) == text:
                continue
            path = self._directory / file
            path.parent.mkdir(exist_ok=True)
            target = path.with_suffix(".tmp") if step.manner == "rename" else path
            target.write_text(text, encoding="utf-8")
            if self._bench.engine not in ("relive", "deep"):
                # The peers go by the time of the last change, which two saves in quick succession can share.
                self._saved_at += 1
                os.utime(target, (self._saved_at + 2_000_000_000, self._saved_at + 2_000_000_000))
            elif step.manner == "old time":
                os.utime(target, (1_000_000_000, 1_000_000_000))
            if target != path:
                target.replace(path)
        self._files = step.files

    def _fresh(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._bench.fresh.ask(self._place)
        assert "crashed" not in answer, f"the fresh interpreter crashed: {answer}"
        assert not answer["failed"], f"a version that should be importable is not: {answer['failed']}"
        return answer

    def _long_gone(self, expected: dict[str, Any]) -> list[str]:
        """Return the units that were missing, or of another kind, in two versions in a row.

        What was held of them is of the past: a name that comes back later is a new thing.
        """
        gone = []
        for path in self._kinds.keys() | expected["units"].keys():
            kind = kind_of(expected["units"].get(path))
            known, missed = self._kinds.get(path, (kind, 0))
            missed = 0 if kind == known else missed + 1
            if missed > 1:
                gone.append(path)
                known, missed = kind, 0
            self._kinds[path] = (known, missed)
        return gone

    def _judge(self, verdict: Verdict, previous: Any, expected: Any, answer: Any) -> Verdict:
        verdict.report = answer["report"]
        fresh: Units = expected["units"]
        versions = [self._texts(files) for files in (verdict.before, verdict.step.files)]
        report = answer["report"] if not verdict.step.broken else {**answer["report"], "refused": [], "conflicts": []}
        reach = Reach(fresh)
        self._flags.update(report, versions, reach)
        if verdict.step.files == verdict.before and any(answer["report"][group] for group in ("applied", "refused")):
            verdict.silent.append(_difference("the report", "an edit", "nothing, as no file changed"))
        if verdict.step.broken and not answer["report"]["refused"]:
            verdict.silent.append(_difference("the broken version", "not refused", "refused"))
        found = _present(self._differences(answer["units"], fresh), expected["modules"])
        found += self._held_differences(answer["held"], expected, reach)
        found += [
            _early_bound(_difference(path, "no longer an instance of it", "an instance", "instances made earlier"))
            for path in answer["instances"]
            if kind_of(fresh.get(path)) == "class"
        ]
        aliases = {**answer["aliases"], **expected["aliases"]}
        good = [self._good_texts, self._good_texts if verdict.step.broken else versions[1]]
        self._good_texts = good[1]
        for difference in _unique(found):
            if self._flags.excuses(difference, aliases):
                verdict.flagged.append(difference)
            elif _is_mutated_state(difference, [difference.qualname, *aliases.get(difference.qualname, ())], good):
                verdict.mutated.append(difference)
            else:
                verdict.silent.append(difference)
        verdict.touched = {difference.qualname for difference in differences(previous["units"], fresh)}
        self._touched |= verdict.touched
        if not verdict.silent:
            self._judge_outcomes(verdict, expected, answer, reach)
        wrong = {difference.qualname for difference in [*verdict.flagged, *verdict.silent]}
        verdict.right = len(verdict.touched - wrong)
        verdict.needless = self._flags.needless(answer["report"], wrong, fresh)
        return verdict

    def _judge_outcomes(self, verdict: Verdict, expected: Any, answer: Any, reach: Reach) -> None:
        """Compare what calls return, now that the descriptions agree or are flagged: what caches hold shows here."""
        for path, outcome in expected["probes"].items():
            live = answer["probes"].get(path, "not callable")
            if live != outcome and not self._flags.excuses_outcome(path, reach):
                kind = verdict.mutated if self._may_be_cached(path, reach) else verdict.silent
                kind.append(_difference(path, live, outcome, "what a call returns"))

    def _may_be_cached(self, path: str, reach: Reach) -> bool:
        """Tell whether a cache that the program filled may answer, whose function called what has changed since.

        A cache whose own function was edited must be empty; what that function calls is the program's affair.
        """
        caches = [each for each in reach.all(path) if reach.is_cached(each)]
        return any((reach.all(each) - {each}) & self._touched for each in caches)

    def _held_differences(self, held: list[Any], expected: Any, reach: Reach) -> list[Difference]:
        """Compare objects taken earlier with what stands fresh under their name; decorated ones by what they do."""
        found = []
        fresh: Units = expected["units"]
        for item in held:
            path: str = item["path"]
            if path.partition(":")[0] not in expected["modules"] or kind_of(fresh.get(path)) != item["kind"]:
                continue
            ours, theirs = _undescribed(item["units"].get(path)), _undescribed(fresh[path])
            if "class" in ours and "class" in theirs:
                named = {key: value for key, value in fresh.items() if key == path or key.startswith(f"{path}.")}
                found += [_early_bound(each) for each in self._differences(item["units"], named)[:1]]
            elif _is_plain(ours) and _is_plain(theirs):
                found += map(_early_bound, self._differences({path: ours}, {path: theirs}))
            elif path in expected["probes"] and "class" not in ours and "class" not in theirs:
                live, outcome = item.get("outcome"), expected["probes"][path]
                excused = self._flags.excuses_outcome(path, reach) or self._may_be_cached(path, reach)
                if live != outcome and not excused:
                    found.append(_early_bound(_difference(path, live, outcome, "what a call returns")))
        return found

    def _differences(self, live: Units, fresh: Units) -> list[Difference]:
        return differences(live, fresh, lines=self._bench.lines)

    def _texts(self, files: Files) -> dict[str, str]:
        return {module_name(file, "."): text for file, text in files.items()}


def _present(found: list[Difference], modules: list[str]) -> list[Difference]:
    """Leave out modules that the new version no longer imports: a fresh interpreter has nothing to compare.

    They stay in ``sys.modules``, and a package keeps them as attributes.
    """
    return [
        difference
        for difference in found
        if difference.qualname.partition(":")[0] in modules
        and not (difference.fresh == "<missing>" and _submodule(difference) not in (None, *modules))
    ]


def _submodule(difference: Difference) -> str | None:
    """Return the name of the submodule that a package's attribute is, if it is one."""
    name = difference.qualname.replace(":", ".")
    return name if difference.live == {"module": name} else None


def _is_mutated_state(difference: Difference, names: list[str], versions: list[dict[str, str]]) -> bool:
    kinds = [next(iter(side), "") if isinstance(side, dict) else "" for side in (difference.live, difference.fresh)]
    if difference.where.partition("[")[0] not in ("", "list", "dict", "set") or "class" in kinds:
        return False
    for module, _, name in (qualname.partition(":") for qualname in names):
        before, after = (_literal_bound_to(name, version.get(module, "")) for version in versions)
        if before is not None and before == after:
            return True
    return False


def _literal_bound_to(name: str, text: str) -> str | None:
    """Return the list, dict or set that the only statement binding the name binds to it, if it mentions no name."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    found = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]
    ]
    if len(found) != 1 or not isinstance(found[0], ast.List | ast.Dict | ast.Set):
        return None
    return None if any(isinstance(node, ast.Name) for node in ast.walk(found[0])) else ast.dump(found[0])


def _difference(qualname: str, live: Any, fresh: Any, where: str = "") -> Difference:
    from .fingerprint import Leaf

    return Difference(qualname, live, fresh, where, (Leaf(where, live, fresh, frozenset()),))


def _unique(found: list[Difference]) -> list[Difference]:
    return list({difference.qualname: difference for difference in reversed(found)}.values())[::-1]


def kind_of(description: Any) -> str:
    """Return what a described unit is to who holds it: a static method cannot become a plain one for its holders."""
    if not isinstance(description, dict):
        return "other"
    for kind in ("class", "staticmethod", "classmethod", "property"):
        if kind in description:
            return kind
    return "function"


def _early_bound(difference: Difference) -> Difference:
    """Mark a difference of an object taken earlier: saying that old objects of the class stay old excuses it."""
    owners = {difference.qualname, *owning_classes(difference.qualname)}
    leaves = tuple(leaf._replace(owners=leaf.owners | owners) for leaf in difference.leaves)
    return difference._replace(where=f"an early-bound object, {difference.where}", leaves=leaves)


def _undescribed(description: Any) -> dict[str, Any]:
    """Return the description of the function in a static or class method, else the description; {} for no object."""
    if not isinstance(description, dict):
        return {}
    for kind in ("staticmethod", "classmethod"):
        if kind in description:
            return _undescribed(description[kind][0])
    return description


def _is_plain(description: dict[str, Any]) -> bool:
    return "code" in description and description["wrapped"] == "None"


def story(run: Run) -> str:
    """Tell a silent difference: what was saved, what differs, and what the report said."""
    verdict = run.verdicts[-1]
    lines = [
        f"seed {run.sequence.seed}: {len(verdict.silent)} silent difference(s) after {len(run.verdicts) - 1} edit(s)"
    ]
    lines += [f"  edit {number}: {each.step.note}" for number, each in enumerate(run.verdicts) if number]
    lines += ["", *(f"  SILENT {difference}" for difference in verdict.silent[:12]), ""]
    for file in sorted(verdict.before.keys() | verdict.step.files.keys()):
        before, after = (files.get(file, "").splitlines() for files in (verdict.before, verdict.step.files))
        width = len(before) + len(after) if len(before) < 60 else 4
        lines += difflib.unified_diff(before, after, f"{file} before", f"{file} after", lineterm="", n=width)
        if before == after and len(before) < 60:
            lines += [f"--- {file}, unchanged", *(f" {line}" for line in before)]
    lines += ["", f"report: {json.dumps(verdict.report, indent=1)[:3000]}"]
    return "\n".join(lines)
