"""What it costs a cell to stand in the log before it runs, beside an append and fdatasync in the same run.

    tools/bench cell                 sets up a release build and runs this

Both files are in the working tree: a temporary directory may be in memory.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from table import duration, proportion

ROOT = Path(__file__).resolve().parent.parent
CELLS = 500


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench-cell-", dir=ROOT / "target") as scratch:
        os.environ["RELIVE_HOME"] = scratch
        os.chdir(scratch)
        sys.path.insert(0, scratch)
        Path("bank.py").write_text("LIMITS = {}\n")
        import relive

        session = relive.start(auto=False)
        bank = __import__("bank")
        for name, text in {"x = 1": "x = 1", "bank.LIMITS['a'] = 1": "bank.LIMITS['a'] = 1"}.items():
            logged, plain = measure(session._engine, text, {"bank": bank}, Path(scratch) / "plain")
            print(f"{name:<24}{duration(logged):>9}{duration(plain):>12} plain{proportion(logged / plain):>8}")
        session.stop()
    return 0


def measure(engine: object, text: str, namespace: dict[str, object], plain: Path) -> tuple[float, float]:
    """The median seconds of logging a cell and noting its end, and of a durable append; the two take turns."""
    logged, appended = [], []
    with plain.open("ab", buffering=0) as file:
        for _ in range(CELLS):
            begun = time.perf_counter()
            engine.cell_done(engine.log_cell(text, namespace), 0.1)  # type: ignore[attr-defined]
            middle = time.perf_counter()
            file.write(b"x" * 400)
            os.fdatasync(file.fileno())
            logged.append(middle - begun)
            appended.append(time.perf_counter() - middle)
    return median(logged), median(appended)


if __name__ == "__main__":
    raise SystemExit(main())
