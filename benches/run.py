"""relive beside its peers, in the same run: medians, ratios and targets.

    tools/bench                       sets up a release build and runs this: all cases, some twenty minutes
    tools/bench --quick               fewer runs, without the cases in which a peer takes minutes
    tools/bench edit-1000 cell-5000   only these cases
    tools/bench --markdown            the table of docs/benchmarks.md

Every measurement has a process of its own; engines take turns, so that a busy moment of the machine hits them all.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import table
from cases import CASES, Case

HERE = Path(__file__).resolve().parent
BUDGET = 30.0
LIMIT = 500.0


@dataclass
class Figures:
    """What the runs of one measurement gave."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    is_wrong: bool = False
    failure: str = ""

    @property
    def is_slow(self) -> bool:
        """Whether one run is enough: a figure of many seconds does not hang on the luck of a run."""
        return any(seconds > 10 for runs in self.seconds.values() for seconds in runs)

    def cell(self, measured: str) -> table.Figure:
        """The median of one of the things measured."""
        runs = self.seconds[measured]
        return table.Figure(median(runs) if runs else None, "wrong" if self.is_wrong else self.failure)


Results = dict[tuple[str, int, str], Figures]


def main() -> int:
    """Measure and print."""
    options = parse()
    if options.list:
        print("\n".join(f"{case.name:<14}{case.title}" for case in CASES))
        return 0
    chosen = [case for case in CASES if case.name in options.cases]
    if not options.cases:
        chosen = [case for case in CASES if not (options.quick and case.is_slow)]
    results: Results = {}
    with tempfile.TemporaryDirectory(prefix="relive-bench-") as scratch:
        for case in chosen:
            if (case.function, case.size, case.engines[0]) not in results:
                results.update(measure(case, options.runs or (2 if options.quick else 5), Path(scratch)))
    rows = []
    for case in chosen:
        figures = {engine: results[case.function, case.size, engine].cell(case.measured) for engine in case.engines}
        rows.append(table.Row(case, figures))
    print("\n".join(table.markdown(rows) if options.markdown else table.aligned(rows)))
    return 0


def measure(case: Case, runs: int, scratch: Path) -> Results:
    """Run a case with each of its engines, in turns."""
    figures = {engine: Figures() for engine in case.engines}
    shared = scratch / f"{case.function}-{case.size}"
    if case.function == "imports":
        shared.mkdir()
        run("prepare", "plain", case.size, shared)
    for turn in range(runs):
        for engine, found in figures.items():
            if found.failure or found.is_slow:
                continue
            progress(f"{case.name}: {engine}, run {turn + 1} of {runs}")
            directory = shared if case.function == "imports" else scratch / f"{case.name}-{engine}-{turn}"
            directory.mkdir(exist_ok=True)
            try:
                result = run(case.function, engine, case.size, directory)
            except subprocess.TimeoutExpired:
                found.failure = f"over {LIMIT:.0f} s"
            except subprocess.CalledProcessError as error:
                found.failure = "failed"
                print(f"{case.name}, {engine}:\n{error.stderr}", file=sys.stderr)
            else:
                found.is_wrong |= not result.pop("right")
                for name, seconds in result.items():
                    found.seconds[name].append(seconds)
    progress("")
    return {(case.function, case.size, engine): found for engine, found in figures.items()}


def run(function: str, engine: str, size: int, directory: Path) -> dict[str, float]:
    """Run one measurement in a process."""
    command = [sys.executable, str(HERE / "measure.py"), function, engine, str(size), str(directory), str(BUDGET)]
    disturbing = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP")
    environment = {key: value for key, value in os.environ.items() if key not in disturbing}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT, env=environment)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def progress(text: str) -> None:
    """Show on a terminal what is going on."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[[], *(case.name for case in CASES)], metavar="CASE")
    parser.add_argument("--quick", action="store_true", help="two runs each, without the slow cases")
    parser.add_argument("--runs", type=int, help="processes for each measurement (5; with --quick 2)")
    parser.add_argument("--markdown", action="store_true", help="print a table in Markdown")
    parser.add_argument("--list", action="store_true", help="list the cases")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
