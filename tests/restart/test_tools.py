"""Tools that watch a program see of live functions what they see of plain ones; calls begin anew beside them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from .debugger import Debugger

WORK = """
class Tally:
    def __init__(self, start=0):
        self.total = start

    def add(self, number, *, twice=False):
        self.total += number
        if twice:
            return self.add(number)
        return self

    @property
    def half(self):
        return self.total / 2

    def __repr__(self):
        return "Tally"


def numbers(count):
    yield from range(count)


def deeper(depth):
    if depth:
        return deeper(depth - 1)
    return fail()


def fail():
    return 1 / 0


def key(number):
    return -number


begun = []


def unsteady(begin_anew, *arguments):
    begun.append(arguments)
    if len(begun) < 3:
        begin_anew()
    if len(begun) > 5:
        return None
    return len(arguments)


def work():
    tally = Tally(1)
    for number in numbers(3):
        tally.add(number, twice=True)
    found = [*sorted([3, 1, 2], key=key), *map(key, (4, 5)), tally.half]
    try:
        deeper(2)
    except ZeroDivisionError:
        found.append(0)
    return found
"""

START = """
import os, sys
here = os.path.dirname(os.path.abspath(__file__))
begin_anew = lambda: None
if sys.argv[1] == "live":
    import relive
    relive.start(os.path.join(here, "live"), auto=False)._engine.keep_calls(sys.version_info < (3, 12))
    begin_anew = lambda: relive.restart("unsteady")
sys.path.insert(0, os.path.join(here, "live"))
import work
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program with ``work`` plain or live; return what it printed."""
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "work.py").write_text(WORK)

    def run(kind: str, program: str, *interpreter: str | Path) -> str:
        (tmp_path / "main.py").write_text(START + dedent(program))
        command = [sys.executable, *interpreter, tmp_path / "main.py", kind]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout

    return run


def same(run: Run, program: str, *interpreter: str) -> str:
    """What a program prints, which must be the same where it is live."""
    # But for the numbers of threads.
    plain, live = (re.sub("0x[0-9a-f]+", "0x", run(kind, program, *interpreter)) for kind in ("plain", "live"))
    assert live == plain
    return live


TRACE = """
seen = []

def trace(frame, event, argument):
    if frame.f_code.co_filename == work.__file__:
        seen.append((event, frame.f_code.co_name, frame.f_lineno))
    return trace
"""


def test_settrace(run: Run) -> None:
    seen = same(run, TRACE + "sys.settrace(trace)\nwork.work()\nsys.settrace(None)\nprint(*seen, sep='\\n')")
    assert "('call', 'key', 34)" in seen
    assert "('exception', 'fail', 31)" in seen


def test_setprofile_in_threads(run: Run) -> None:
    program = """
        import threading

        threading.setprofile(trace)
        thread = threading.Thread(target=work.work)
        thread.start()
        thread.join()
        print(*seen, sep='\\n')
        """
    assert "('return', 'half', 14)" in same(run, TRACE + dedent(program))


WITHOUT_GENERATOR = """
if sys.version_info < (3, 12):
    # Where calls are kept, what stands for a generator is seen, too.
    work.numbers = range
"""


def test_pdb(run: Run) -> None:
    program = """
        import io, pdb

        shown = io.StringIO()
        pdb.Pdb(stdin=io.StringIO("step\\n" * 40 + "where\\ncontinue\\n"), stdout=shown).runcall(work.work)
        print(shown.getvalue())
        """
    shown = same(run, WITHOUT_GENERATOR + dedent(program))
    assert "work.py(7)add()" in shown
    assert "--Return--" in shown


def test_cprofile(run: Run) -> None:
    program = """
        import cProfile, pstats

        profile = cProfile.Profile()
        profile.runcall(work.work)
        if "anew" in sys.argv:
            profile.runcall(work.unsteady, begin_anew)
        for (file, line, name), (primitive, calls, _, _, callers) in sorted(pstats.Stats(profile).stats.items()):
            if file == work.__file__:
                print(name, primitive, calls, [(caller[2], counts[:2]) for caller, counts in sorted(callers.items())])
        """
    program = WITHOUT_GENERATOR + dedent(program)
    assert "add 3 6 [('add', (3, 3)), ('work', (3, 3))]" in same(run, program)
    assert "unsteady 3 3" in run("live", program.replace('"anew" in sys.argv', "True"))


def test_tracebacks_and_faulthandler(run: Run) -> None:
    program = """
        import faulthandler, inspect, traceback

        try:
            work.deeper(3)
        except ZeroDivisionError:
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
        told = []
        work.fail = lambda: (faulthandler.dump_traceback(sys.stdout), told.extend(inspect.stack(0)))
        work.deeper(3)
        print(*((frame.function, frame.lineno) for frame in told))
        """
    told = same(run, program)
    assert "in deeper\n    return fail()" in told
    assert 'work.py", line 27 in deeper' in told
    assert "relive" not in told


MONITORING = """
monitoring = sys.monitoring
monitoring.use_tool_id(3, "test")
events = monitoring.events
names = [name for name in "PY_START PY_RETURN PY_YIELD PY_RESUME PY_UNWIND CALL RAISE LINE".split()]

def told(name):
    # Offsets are those of the call, but a call that is made by way of C raises at its end, not at its beginning.
    def tell(code, place, callable="", argument=""):
        if code.co_filename == work.__file__:
            print(name, code.co_name, place if name == "LINE" else "", getattr(callable, "__qualname__", callable))
    return tell

for name in names:
    monitoring.register_callback(3, getattr(events, name), told(name))
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="3.11 has no sys.monitoring")
def test_a_tool_of_sys_monitoring(run: Run) -> None:
    begin = "monitoring.set_events(3, sum(getattr(events, name) for name in names))\n"
    seen = same(run, f"{MONITORING}{begin}work.work()\nmonitoring.set_events(3, 0)\n")
    for line in ("PY_START add", "CALL add  Tally.add", "PY_UNWIND fail", "CALL work  sorted"):
        assert line in seen
    warm = "for _ in range(5000): work.work()\n"
    assert seen == same(run, f"{MONITORING}{warm}{begin}work.work()\nmonitoring.set_events(3, 0)\n")
    anew = run("live", f"{MONITORING}{begin}work.unsteady(begin_anew)\nmonitoring.set_events(3, 0)\n").splitlines()
    ended = [line.split()[0] for line in anew if line.startswith("PY_")]
    assert ended == ["PY_START", "PY_UNWIND", "PY_START", "PY_UNWIND", "PY_START", "PY_RETURN"]


CORES = ["ctrace", "pytrace", *(["sysmon"] if sys.version_info >= (3, 12) else [])]


@pytest.mark.parametrize("core", CORES)
def test_coverage(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, core: str) -> None:
    monkeypatch.setenv("COVERAGE_CORE", core)
    found = []
    for kind in ("plain", "live"):
        data = tmp_path / f"{kind}.data"
        program = "work.work()\nprint(work.unsteady(begin_anew, 1, 2), len(work.begun))"
        coverage = ["-m", "coverage", "run", f"--data-file={data}", "--include=*/work.py"]
        assert run(kind, program, *coverage) == ("2 3\n" if kind == "live" else "2 1\n")
        report = [sys.executable, "-m", "coverage", "json", f"--data-file={data}", "-q", "-o", "-"]
        done = subprocess.run(report, cwd=tmp_path, capture_output=True, text=True, check=True)
        [file] = json.loads(done.stdout)["files"].values()
        found.append((file["executed_lines"], file["missing_lines"]))
    assert found[0] == found[1]
    # The line of a representation, and one that only a sixth call reaches.
    assert found[0][1] == [17, 46]


def test_debugpy(tmp_path: Path, run: Run) -> None:
    """A breakpoint in a live function is hit at each of its calls, those that are made again too."""
    run("live", "")
    program = "print(work.work())\nprint(work.unsteady(begin_anew, 'one', 'two'))\nprint(work.work())\n"
    (tmp_path / "main.py").write_text(START + program)
    with Debugger(tmp_path / "main.py", "live") as debugger:
        debugger.attach({tmp_path / "live" / "work.py": [31, 42]})
        hits = []
        while (frames := debugger.stopped()) is not None:
            hits.append([frame["name"] for frame in frames][:4])
            if hits[-1][0] == "unsteady":
                assert debugger.evaluate("arguments", frames[0]) == "('one', 'two')"
                assert debugger.evaluate("len(begun)", frames[0]) == str(len(hits) - 2)
            debugger.go_on()
        printed = debugger.printed()
    failing = ["fail", "deeper", "deeper", "deeper"]
    unsteady = ["unsteady", "<module>"]
    assert hits == [failing, unsteady, unsteady, unsteady, failing]
    assert printed == "[3, 2, 1, -4, -5, 3.5, 0]\n2\n[3, 2, 1, -4, -5, 3.5, 0]\n"
