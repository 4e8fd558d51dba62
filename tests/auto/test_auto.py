"""Saved edits take effect by themselves."""

import os
import subprocess
import sys
import threading
import time

import pytest

import relive

OLD = "X = 1\n\ndef f():\n    return 'old'\n"
NEW = "X = 1\n\ndef f():\n    return 'new'\n"


def names(items):
    return {item.qualname for item in items}


def test_code(auto):
    """code is exchanged in the same function, by a thread that is not the program's"""
    m = auto.load("m", OLD)
    f = m.f
    auto.save("m", NEW)
    report, thread = auto.told()
    assert names(report.applied) == {"m:f"}
    assert (f(), m.f) == ("new", f)
    assert thread is not threading.main_thread()


def test_statement(auto):
    """a plan that executes statements is applied whole, on the main thread"""
    text = "import threading\nMAIN = {}\n\ndef f():\n    return {}\n"
    m = auto.load("m", text.format("None", 1))
    auto.save("m", text.format("threading.current_thread() is threading.main_thread()", 2))
    report, thread = auto.told()
    assert names(report.applied) == {"m:MAIN", "m:f"}
    assert (m.MAIN, m.f()) == (True, 2)
    assert thread is threading.main_thread()


def test_default_argument(auto):
    """a definition whose defaults are evaluated anew is a statement"""
    m = auto.load("m", "import threading\n\ndef f(x=None):\n    return x\n")
    auto.save("m", "import threading\n\ndef f(x=threading.current_thread().name):\n    return x\n")
    auto.report()
    assert m.f() == threading.main_thread().name


def test_several_modules(auto):
    """of modules that have nothing to do with one another, each is applied when it can be"""
    m, n = auto.load("m", OLD), auto.load("n", "Y = 1\n")
    auto.save("m", NEW)
    auto.save("n", "Y = 2\n")
    applied = set()
    while applied != {"m:f", "n:Y"}:
        applied |= names(auto.report().applied)
    assert (m.f(), n.Y) == ("new", 2)


def test_latency(auto):
    """an edit is live well within a second of being saved"""
    m = auto.load("m", OLD)
    waits = []
    for text in (NEW, OLD) * 3:
        start = time.monotonic()
        auto.save("m", text)
        report = auto.report()
        waits.append(time.monotonic() - start)
        assert report.seconds <= waits[-1]
    assert min(waits) < 1.0
    assert m.f() == "old"


def test_half_written(auto):
    """a file that does not parse while it is being written is no syntax error"""
    m = auto.load("m", OLD)
    file = auto.directory / "m.py"
    with file.open("wb", buffering=0) as stream:
        for line in NEW.replace("'new'", "(\n'new'\n)").encode().splitlines(keepends=True):
            stream.write(line)
    assert names(auto.report().applied) == {"m:f"}
    assert m.f() == "new"
    assert auto.is_silent()


def test_syntax_error(auto):
    """a file that goes on not to parse is refused once, not at once; the other modules go on"""
    m, n = auto.load("m", OLD), auto.load("n", OLD)
    start = time.monotonic()
    auto.save("m", "def f(:\n")
    report = auto.report()
    assert time.monotonic() - start >= 0.3
    assert names(report.refused) == {"m"}
    assert "syntax error" in report.refused[0].why
    auto.save("n", NEW)
    assert names(auto.report().applied) == {"n:f"}
    auto.save("m", NEW)
    assert names(auto.report().applied) == {"m:f"}
    assert (m.f(), n.f()) == ("new", "new")
    assert auto.is_silent()


def test_file_gone(auto):
    """a file that is gone and stays away is told of once; one that comes back at once is not"""
    m = auto.load("m", OLD)
    file = auto.directory / "m.py"
    file.unlink()
    file.write_text(NEW)
    assert names(auto.report().applied) == {"m:f"}
    file.unlink()
    assert "its file is gone" in auto.report().refused[0].why
    file.write_text(OLD)
    assert names(auto.report().applied) == {"m:f"}
    assert m.f() == "old"


def test_statement_that_raises(auto):
    """nothing of the edit stays, and the next save is applied"""
    m = auto.load("m", OLD)
    auto.save("m", NEW.replace("X = 1", "X = 1 / 0"))
    report = auto.report()
    assert names(report.refused) == {"m:X"}
    assert (m.X, m.f()) == (1, "old")
    auto.save("m", NEW.replace("X = 1", "X = 2"))
    auto.report()
    assert (m.X, m.f()) == (2, "new")


def test_statement_that_interrupts(auto):
    """KeyboardInterrupt in a statement of an edit is its failure, and ends nothing else"""
    m = auto.load("m", OLD)
    auto.save("m", OLD.replace("X = 1", "raise KeyboardInterrupt"))
    assert "KeyboardInterrupt" in auto.report().refused[0].why
    assert m.X == 1


def test_deep(auto):
    """in deep mode what an edit leaves stale is executed again, on the main thread"""
    auto.session.mode = "deep"
    text = "import threading\n\ndef f():\n    return {!r}\n\nTABLE = [f(), threading.current_thread().name]\n"
    m = auto.load("m", text.format("old"))
    auto.save("m", text.format("new"))
    assert names(auto.report().applied) == {"m:f"}
    assert names(auto.report().applied) == {"m:TABLE"}
    assert ["new", threading.main_thread().name] == m.TABLE
    assert auto.session.stale() == ()


def test_update_beside_it(auto):
    """`update` works from every thread beside it; nothing is lost, nothing applied twice"""
    text = "def f():\n    return {}\n\nLOG.append({})\n"
    auto.load("log", "LOG = []\n")
    m = auto.load("m", "from log import LOG\n" + text.format(0, 0))
    stop = threading.Event()
    versions = []

    def update():
        while not stop.is_set():
            versions.append(auto.session.update().version)

    threads = [threading.Thread(target=update) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        auto.save("m", "from log import LOG\n" + text.format(number, number))
    stop.set()
    for thread in threads:
        thread.join()
    assert not auto.session.update().refused
    assert m.f() == 39
    assert sorted(set(m.LOG)) == m.LOG
    assert m.LOG[-1] == 39


def test_imported_while_updating(auto):
    """a module that a statement of an edit imports is live at once, and so is one that a thread imports meanwhile"""
    auto.load("m", "import threading\n")
    auto.save("late", OLD)
    auto.save("m", "import threading\nimport late\n")
    assert names(auto.report().applied) == {"m:late"}
    auto.save("late", NEW)
    assert names(auto.report().applied) == {"late:f"}
    assert sys.modules["late"].f() == "new"


def test_listener_that_raises(auto, monkeypatch):
    """its exception is shown as one that nobody can catch, and updating goes on"""
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: shown.append(unraisable.exc_value))
    m = auto.load("m", OLD)
    heard = threading.Event()

    def listen(report):
        heard.set()
        raise ValueError("deaf")

    auto.watch(listen)
    auto.save("m", NEW)
    assert heard.wait(30)
    auto.watch(auto._hear)
    auto.save("m", OLD)
    auto.report()
    assert [str(error) for error in shown] == ["deaf"]
    assert m.f() == "old"


def test_internal_error(auto, monkeypatch, capfd):
    """where relive itself fails, it leaves the module alone and says so once; the others are updated"""
    m, n = auto.load("m", OLD), auto.load("n", OLD)

    def broken():
        raise RuntimeError("no frames today")

    monkeypatch.setattr(sys, "_current_frames", broken)
    auto.save("m", NEW)
    (item,) = auto.report().refused
    assert "relive failed" in item.why
    assert "no frames today" in item.why
    monkeypatch.undo()
    auto.save("m", NEW + "\n\ndef g():\n    pass\n")
    auto.save("n", NEW)
    assert names(auto.report().applied) == {"n:f"}
    assert (m.f(), n.f()) == ("old", "new")
    assert auto.is_silent()
    assert capfd.readouterr() == ("", "")


def test_internal_error_without_a_listener(auto, monkeypatch):
    """with nobody to tell, it is said on stderr, once"""
    auto.load("m", OLD)
    auto.session.stop()
    session = relive.start(auto.directory)
    said = []
    heard = threading.Event()

    class Stream:
        def write(self, text):
            said.append(text)
            heard.set()

    monkeypatch.setattr(sys, "stderr", Stream())
    monkeypatch.setattr(sys, "_current_frames", None)
    try:
        auto.save("m", NEW)
        assert heard.wait(30)
    finally:
        monkeypatch.undo()
        session.stop()
    (line,) = said
    assert line.startswith("relive: m: relive failed: ")
    assert line.endswith("\n")


def tasks():
    """Return the threads of this process that the kernel knows of."""
    return set(os.listdir("/proc/self/task"))


def test_threads(auto):
    """there is one thread, once, and none after `stop`; without auto there is none at all"""
    with_it = tasks()
    relive.start(auto.directory)
    auto.watch(auto._hear)
    assert tasks() == with_it
    auto.session.stop()
    without = tasks()
    assert without < with_it
    assert len(with_it - without) == 1
    for _ in range(20):
        session = relive.start(auto.directory)
        assert len(tasks() - without) == 1
        session.stop()
        assert tasks() == without
    session = relive.start(auto.directory, auto=False)
    assert tasks() == without
    session.stop()


def test_stopped(auto):
    """after `stop` no save is seen; the live code stays"""
    m = auto.load("m", OLD)
    auto.session.stop()
    auto.save("m", NEW)
    assert m.f() == "old"
    assert auto.is_silent()
    session = relive.start(auto.directory)
    session._watch(auto._hear)
    assert names(auto.report().applied) == {"m:f"}
    assert m.f() == "new"
    session.stop()


def test_stopped_by_its_listener(auto, threads):
    """the thread that tells of an update may be the one to stop the session"""
    auto.load("m", OLD)
    stopped = threading.Event()

    def stop(report):
        auto.session.stop()
        stopped.set()

    auto.watch(stop)
    auto.save("m", NEW)
    assert stopped.wait(30)
    assert relive.session() is None
    end = time.monotonic() + 30
    while threads():
        assert time.monotonic() < end


def test_prints_nothing(tmp_path):
    """`start` by itself prints nothing, whatever is applied or refused, and the process ends cleanly with its thread"""
    (tmp_path / "m.py").write_text(OLD)
    script = """
        import relive, sys, threading, m
        heard = threading.Semaphore(0)
        session = relive.start()
        session._watch(lambda report: heard.release())
        for text in sys.argv[1:]:
            open("m.py", "w").write(text)
            assert heard.acquire(timeout=30)
        assert m.f() == "new"
        """
    command = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", "if True:" + script, NEW, "def f("]
    environment = os.environ | {"RELIVE_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "os._exit(3)", "1 / 0", "session.stop()", "del session"])
def test_end_of_process(tmp_path, end):
    """a process ends as without relive, in whatever state its thread is"""
    (tmp_path / "m.py").write_text(OLD)
    script = (
        f"import os, sys, relive, m\nsession = relive.start()\nopen('m.py', 'a').close()\nos.utime('m.py')\n{end}\n"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    environment = os.environ | {"RELIVE_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == {"1 / 0": 1, "sys.exit(3)": 3, "os._exit(3)": 3}.get(end, 0)
    assert done.stdout == ""
    assert ("ZeroDivisionError" in done.stderr) == bool(done.stderr) == (end == "1 / 0")
