"""``relive status`` and ``relive stale``: asked in another terminal."""

import contextlib
import json
import os
import signal
import stat
import subprocess

WAIT = "import sys\nprint('ready', flush=True)\nsys.stdin.read()\n"


def start(place, name="app.py", text=WAIT):
    place.write(name, text)
    running = place.start("run", name)
    running.out.until("ready")
    return running


def sockets(place):
    return list((place.home / "run").iterdir())


def test_no_session(place):
    for command in ("status", "stale"):
        done = place.relive(command)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"relive: no running session was started in {place.directory}; "
            "`relive run SCRIPT` or relive.start() starts one\n"
        )
        done = place.relive(command, "--json")
        assert (done.returncode, json.loads(done.stdout)) == (1, {"sessions": []})


def test_one_session(place):
    place.write("part.py", "X = 1\n")
    running = start(place, text="import part\n" + WAIT)
    done = place.relive("status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (session,) = json.loads(done.stdout)["sessions"]
    assert session == {
        "pid": running.process.pid,
        "program": "app.py",
        "directory": str(place.directory),
        "python": place.python("-c", "import platform; print(platform.python_version())").stdout.strip(),
        "relive": place.relive("--version").stdout.split()[1],
        "mode": "patch",
        "sync": "full",
        "version": 0,
        "roots": [str(place.directory)],
        "is_updating": False,
        "modules": [
            {"name": "__main__", "file": str(place.directory / "app.py"), "version": 0, "base": "file"},
            {"name": "part", "file": str(place.directory / "part.py"), "version": 0, "base": "file"},
        ],
        "stale": [],
        "waiting": [],
    }
    text = place.relive("status").stdout
    assert text.startswith(f"app.py (process {running.process.pid})\n  version 0, mode patch, Python ")
    assert place.relive("stale").stdout == "nothing is stale\n"
    stale = json.loads(place.relive("stale", "--json").stdout)
    assert stale == {"sessions": [{"pid": running.process.pid, "program": "app.py", "stale": []}]}
    assert running.end() == 0
    assert sockets(place) == []


def test_several_sessions(place):
    """all sessions of the directory are told of, and none of other directories"""
    many = [start(place, f"app{number}.py") for number in range(3)]
    place.write("sub/app.py", WAIT)
    other = place.start("run", "sub/app.py")
    other.out.until("ready")
    pids = sorted(running.process.pid for running in [*many, other])
    document = json.loads(place.relive("status", "--json").stdout)
    assert [session["pid"] for session in document["sessions"]] == pids
    place.directory = place.directory / "sub"
    assert place.relive("status").returncode == 1


def test_module_is_named(place):
    place.write("pkg/__init__.py", "")
    place.write("pkg/__main__.py", WAIT)
    running = place.start("run", "-m", "pkg")
    running.out.until("ready")
    assert place.relive("status").stdout.startswith(f"-m pkg (process {running.process.pid})\n")


def test_owner_only(place):
    start(place)
    assert stat.S_IMODE((place.home / "run").stat().st_mode) == 0o700
    (path,) = sockets(place)
    assert stat.S_ISSOCK(path.stat().st_mode)


def test_killed(place):
    """what a killed program leaves behind is cleared away"""
    running = start(place)
    running.process.send_signal(signal.SIGKILL)
    assert running.end() == -signal.SIGKILL
    assert len(sockets(place)) == 1
    assert place.relive("status").returncode == 1
    assert sockets(place) == []


def test_busy_program(place):
    """a program that is busy in Python answers; so does one that executes a statement of an edit for long"""
    running = start(
        place,
        text="""
        import sys
        import threading

        GATE = 1

        def work():
            while True:
                pass

        threading.Thread(target=work, daemon=True).start()
        print("ready", flush=True)
        for line in sys.stdin:
            print(GATE, flush=True)
        """,
    )
    assert place.relive("status").returncode == 0
    fifo = place.directory / "fifo"
    os.mkfifo(fifo)
    place.edit("app.py", "GATE = 1", f"GATE = open({str(fifo)!r}).read()")
    with os.fdopen(writing_end(place, fifo, running), "w") as gate:
        (session,) = json.loads(place.relive("status", "--json").stdout)["sessions"]
        assert session["is_updating"]
        assert session["version"] == 0
        gate.write("open")
    running.err.until("__main__:GATE (changed) live")
    assert not json.loads(place.relive("status", "--json").stdout)["sessions"][0]["is_updating"]


def writing_end(place, fifo, running):
    """Open a fifo when the program, kept awake, has opened its own end."""
    for _ in place.deadline():
        running.say("a")
        with contextlib.suppress(OSError):
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)


def test_stopped_program(place):
    """a session that does not answer is named, and the exit code says that there is no answer"""
    running = start(place)
    running.process.send_signal(signal.SIGSTOP)
    try:
        done = place.relive("status", "--json")
    finally:
        running.process.send_signal(signal.SIGCONT)
    assert done.returncode == 1
    assert [session["pid"] for session in json.loads(done.stdout)["sessions"]] == [running.process.pid]
    assert f"the session of process {running.process.pid} does not answer" in done.stderr


def test_session_of_a_script(place):
    """a session started by `relive.start()` is found too, and one without auto is not there to answer"""
    text = """
    import sys, relive
    session = relive.start(auto={auto})
    print("ready", flush=True)
    sys.stdin.readline()
    session.stop()
    print("stopped", flush=True)
    sys.stdin.read()
    """
    for auto in (True, False):
        place.write("script.py", text.format(auto=auto))
        process = subprocess.Popen(
            [place.interpreter, "script.py"],
            cwd=place.directory,
            env=place.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout.readline() == "ready\n"
            assert place.relive("status").returncode == (0 if auto else 1)
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "stopped\n"
            assert place.relive("status").returncode == 1
            process.stdin.close()


def test_completions(place):
    for shell in ("bash", "zsh", "fish"):
        done = place.relive("completions", shell)
        assert (done.returncode, done.stderr) == (0, "")
        assert "status" in done.stdout
    assert place.relive("completions", "teletype").returncode == 2


def test_closed_pipe(place):
    """`relive completions bash | head` ends quietly"""
    done = subprocess.run(
        f"'{place.command}' completions bash | head -c 1; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
