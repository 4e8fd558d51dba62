"""Programs that fork: they go on with the code they have, and nothing of relive shows, warnings being errors."""

import os
import re
import signal
import urllib.request

import pytest

FORKS = """
    import os
    import sys
    import threading

    def f():
        return "old"

    def child():
        # No thread of relive is there, and the parent's file events are not taken away.
        links = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
                 if os.path.lexists(f"/proc/self/fd/{number}")]
        assert not [link for link in links if "inotify" in link], links
        assert len(os.listdir("/proc/self/task")) == 1
        sys.stdin.readline()
        print("child", f(), flush=True)

    if __name__ == "__main__":
        for line in sys.stdin:
            if line == "fork\\n":
                pid = os.fork()
                if pid == 0:
                    print("forked", flush=True)
                    child()
                    os._exit(0)
                assert os.waitpid(pid, 0)[1] == 0
            print("parent", f(), flush=True)
    """


def test_fork(place):
    """a child keeps the code of its birth; the parent is edited while the child runs, and after"""
    place.write("app.py", FORKS)
    running = place.start("run", "app.py")
    assert running.ask("a") == "parent old"
    assert running.ask("fork") == "forked"
    place.edit("app.py", '"old"', '"new"')
    running.err.until("__main__:f (body changed) live")
    assert running.ask("b") == "child old"
    assert running.out.next() == "parent new"
    assert running.ask("fork") == "forked"
    place.edit("app.py", '"new"', '"newer"')
    running.err.until("__main__:f (body changed) live")
    assert running.ask("b") == "child new"
    assert running.out.next() == "parent newer"
    assert place.relive("status").returncode == 0
    assert running.end() == 0
    assert len(running.err.seen) == 2


def test_many_forks(place):
    """no fork of many warns of a thread, from whichever thread it is made, and the session goes on after them"""
    place.write(
        "app.py",
        """
        import os
        import sys
        import threading

        def f():
            return "old"

        def forks():
            for _ in range(100):
                if (pid := os.fork()) == 0:
                    os._exit(7)
                assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

        if __name__ == "__main__":
            forks()
            print("done", flush=True)
            for line in sys.stdin:
                print(f(), flush=True)
        """,
    )
    running = place.start("run", "app.py")
    running.out.until("done")
    place.edit("app.py", '"old"', '"new"')
    assert "live" in running.err.next()
    assert running.ask("a") == "new"
    assert running.end() == 0
    assert len(running.err.seen) == 1


def test_forks_while_edited(place):
    """edits are saved and forks made at the same time; at the end the newest version runs"""
    place.write(
        "app.py",
        """
        import os
        import sys
        import threading

        def f():
            return 0

        def fork():
            if (pid := os.fork()) == 0:
                assert f() >= 0
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0

        if __name__ == "__main__":
            for line in sys.stdin:
                fork()
                print(f(), flush=True)
        """,
    )
    running = place.start("run", "app.py")
    for version in range(30):
        place.edit("app.py", f"return {version}\n", f"return {version + 1}\n")
        running.ask("a")
    assert running.ask_until("30") == "30"
    assert running.end() == 0
    assert {line for line in running.err.seen if " live in " not in line} == set()


def test_fork_in_a_statement_of_an_edit(place):
    """a statement of an edit may fork; both processes go on, the parent's is edited further"""
    place.write(
        "app.py",
        """
        import os
        import sys

        PID = None

        def f():
            return "old"

        if __name__ == "__main__":
            for line in sys.stdin:
                print(f(), PID is not None, flush=True)
                if PID == 0:
                    os._exit(7)
                if PID and (ended := os.waitpid(PID, os.WNOHANG)) != (0, 0):
                    assert os.waitstatus_to_exitcode(ended[1]) == 7
                    PID = None
        """,
    )
    running = place.start("run", "app.py")
    assert running.ask("a") == "old False"
    place.edit("app.py", "PID = None\n\ndef", "PID = os.fork()\n\ndef")
    running.err.until("waits for the main thread")
    running.say("b")
    running.err.until("__main__:PID (changed) live")
    place.edit("app.py", '"old"', '"new"')
    running.err.until("__main__:f (body changed) live")
    # Both read the same input, until the child has had a line of it.
    running.ask_until("new False")
    assert running.end() == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(place, method):
    """a pool works as ever, and its parent is edited"""
    place.write(
        "app.py",
        f"""
        import multiprocessing
        import sys

        def f(x):
            return "old", x

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            with context.Pool(2) as pool:
                for line in sys.stdin:
                    print(pool.map(f, [1, 2]), f(3), flush=True)
                pool.close()
                pool.join()
        """,
    )
    running = place.start("run", "app.py")
    assert running.ask("a") == "[('old', 1), ('old', 2)] ('old', 3)"
    place.edit("app.py", '"old", x', '"new", x')
    running.err.until("__main__:f (body changed) live")
    answer = running.ask("b")
    assert answer.endswith(" ('new', 3)")
    if method == "fork":
        # Of the others, one may have been started, and have imported the file, after the edit.
        assert answer == "[('old', 1), ('old', 2)] ('new', 3)"
    assert running.end() == 0
    assert len(running.err.seen) == 1


def test_subprocesses(place):
    """programs that are executed inherit nothing"""
    place.write(
        "app.py",
        """
        import os
        import subprocess
        import sys

        script = "import os; print(sorted(os.listdir('/proc/self/fd'), key=int)[:3], len(os.listdir('/proc/self/fd')))"
        for options in ({}, {"preexec_fn": os.getpid}, {"close_fds": False}):
            subprocess.run([sys.executable, "-c", script], check=True, **options)
        """,
    )
    running = place.start("run", "app.py")
    assert running.end() == 0
    assert len(set(running.out.seen)) == 1
    assert running.err.seen == []


def test_session_in_a_child(place):
    """a child may stop the session that it has inherited and start one of its own"""
    place.write(
        "app.py",
        """
        import os
        import sys
        import relive

        def f():
            return "old"

        if __name__ == "__main__":
            parent = relive.session()
            if (pid := os.fork()) == 0:
                assert relive.session() is parent
                assert not parent.update()
                assert "__main__" in parent.modules()
                assert parent.stale() == ()
                parent.stop()
                session = relive.start(os.getcwd(), auto=False)
                file = os.path.join(os.getcwd(), "app.py")
                with open(file) as stream:
                    text = stream.read()
                with open(file, "w") as stream:
                    stream.write(text.replace('"' + 'old"', '"' + 'new"'))
                print(session.update(), f(), flush=True)
                session.stop()
                sys.exit(0)
            assert os.waitpid(pid, 0)[1] == 0
        """,
    )
    running = place.start("run", "app.py")
    assert running.end() == 0, running.err.seen
    assert running.out.seen[0].endswith("__main__:f (body changed) new")


def test_gunicorn(place):
    """a server that forks two workers: they serve the code that they began with, its master is stopped as ever"""
    place.write(
        "app.py",
        """
        import os

        def text():
            return "old"

        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [f"{text()} {os.getpid()}".encode()]
        """,
    )
    words = ["-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0", "--worker-tmp-dir", str(place.directory)]
    running = place.start("run", *words, "app:app")
    address = re.search(r"http://[\d.:]+", running.err.until("Listening at: http://")).group()
    workers = {int(re.search(r"pid: (\d+)", running.err.until("Booting worker")).group(1)) for _ in range(2)}

    def get():
        with urllib.request.urlopen(address, timeout=30) as answer:
            text, pid = answer.read().decode().split()
        return text, int(pid)

    text, pid = get()
    assert text == "old"
    assert pid in workers
    # Of another length, or Python may take the bytecode of a file saved in the same second for current.
    place.edit("app.py", '"old"', '"newer"')
    os.kill(pid, signal.SIGTERM)
    # The worker that takes the place of the old one imports the module anew.
    workers.add(int(re.search(r"pid: (\d+)", running.err.until("Booting worker")).group(1)))
    for _ in place.deadline():
        text, pid = get()
        if text == "newer":
            break
    assert pid in workers
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 0
    assert not [line for line in running.err.seen if "Traceback" in line or "DeprecationWarning" in line]
