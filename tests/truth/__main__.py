"""Run single sequences and tell their stories: ``python -m tests.truth 17 18 --engine relive --shrink 30``."""

import argparse
from collections import Counter

from .engines import ENGINES
from .generator import sequence
from .harness import TALLIED, Bench, ProcessError, run, story
from .shrink import shrink


def main() -> int:
    """Run the given seeds; the exit code is 1 when one has a silent difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("seeds", nargs="+", help="seeds, or ranges such as 100-199")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="relive")
    parser.add_argument("--length", type=int, default=12, help="edits in a sequence")
    parser.add_argument("--shrink", type=float, default=30, metavar="SECONDS", help="time to make a failure small")
    parser.add_argument("--print", action="store_true", help="print the files of every step, and run nothing")
    parser.add_argument("--summary", action="store_true", help="one line for each failing seed instead of its story")
    parser.add_argument("--no-lines", action="store_true", help="disregard line numbers")
    options = parser.parse_args()
    first_and_last = [seed.split("-") for seed in options.seeds]
    seeds = [seed for pair in first_and_last for seed in range(int(pair[0]), int(pair[-1]) + 1)]
    if options.print:
        for seed in seeds:
            _print_files(seed, options.length)
        return 0
    bench = Bench(options.engine, lines=not options.no_lines)
    counts: Counter[str] = Counter()
    failed = 0
    for seed in seeds:
        try:
            done = run(sequence(seed, options.length), bench)
        except ProcessError as error:
            failed += 1
            print(f"seed {seed}: {error}")
            continue
        counts.update(done.tally())
        if done.silent:
            failed += 1
            if options.summary:
                print(f"seed {seed}, {done.verdicts[-1].step.note}: {done.silent[0]}")
            else:
                print(story(shrink(done, bench, options.shrink)), "\n")
    bench.close()
    counted = ", ".join(f"{counts[kind]} {kind}" for kind in TALLIED)
    print(f"{len(seeds)} sequences, {failed} failed: {counted}")
    return 1 if failed else 0


def _print_files(seed: int, length: int) -> None:
    for number, step in enumerate(sequence(seed, length).steps):
        print(f"===== seed {seed}, step {number}: {step.note}{' (broken)' if step.broken else ''}, by {step.manner}")
        for file, text in step.files.items():
            print(f"----- {file}\n{text}")


if __name__ == "__main__":
    raise SystemExit(main())
