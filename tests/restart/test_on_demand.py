"""``relive restart``: a call is begun anew from another terminal, in any thread, whatever that waits for."""

import json
import socket
from collections import Counter

import pytest

WAITS = """
import asyncio, os, queue, select, signal, socket, subprocess, sys, threading, time

begun = []

def wait():
    begun.append(1)
    if len(begun) > 1:
        return "over"
    told.append("waits")
    print("ready", flush=True)
    try:
        {wait}
    finally:
        told.append("left")

told = []

def main():
    print(wait(), *told, flush=True)
"""


def test_an_endless_loop_ends_with_the_edit_that_ends_it(place, begin):
    """The edit is saved just before, and not seen yet by then; arguments are those of the call."""
    running = begin(
        """
        rounds = 0

        def loop(limit):
            global rounds
            print("ready", flush=True)
            while True:
                rounds += 1
                limit = -1
            return limit

        def main():
            print("result", loop(7), rounds > 0, flush=True)
        """
    )
    place.edit("app.py", "while True:", "while limit < 0:")
    done = place.relive("restart", "loop")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("app:loop has begun anew in the main thread; it was at app.py:")
    assert running.out.until("result") == "result 7 True"
    assert running.end() == 0


@pytest.mark.parametrize(
    "wait",
    [
        "time.sleep(1000)",
        "(lock := threading.Lock()).acquire() and lock.acquire(timeout=1000)",
        "threading.Event().wait()",
        "queue.Queue().get()",
        "(pair := socket.socketpair())[0].recv(1)",
        "os.read(os.pipe()[0], 1)",
        "select.select([os.pipe()[0]], [], [])",
        "subprocess.run(['sleep', '1000'])",
        "(thread := threading.Thread(target=time.sleep, args=[1000], daemon=True)).start() or thread.join()",
        "sys.stdin.read()",
        "signal.pause()",
        "asyncio.run(asyncio.sleep(1000))",
    ],
)
def test_a_main_thread_that_waits_in_c_is_woken(place, begin, wait):
    running = begin(WAITS.replace("{wait}", wait))
    done = place.relive("restart", "wait")
    assert done.stdout.startswith("app:wait has begun anew in the main thread; it was at app.py:"), done
    assert running.out.next() == "over waits left"
    assert running.end() == 0


def test_a_program_that_uses_the_signal_is_left_alone(place, begin):
    """Its main thread notices when it executes bytecode again."""
    running = begin(
        """
        import signal, sys, time

        begun = []
        signal.signal(signal.SIGURG, lambda number, frame: begun.append("a signal"))

        def loop():
            begun.append(1)
            if len(begun) > 1:
                return begun
            print("ready", flush=True)
            sys.stdin.readline()
            while True:
                pass

        def main():
            print(loop(), flush=True)
        """
    )
    done = place.relive("restart", "loop")
    assert done.returncode == 0
    assert "app:loop begins anew when the main thread comes back to it; it could not be woken at app.py:" in done.stdout
    running.say("a line")
    assert running.out.next() == "[1, 1]"
    assert running.end() == 0


def test_a_signal_that_is_blocked_wakes_nobody(place, begin):
    """That is said, and nothing is left behind when it is let through later."""
    running = begin(
        """
        import signal, sys

        begun = []
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})

        def wait():
            begun.append(1)
            if len(begun) > 1:
                return begun
            print("ready", flush=True)
            sys.stdin.readline()
            return "it was not begun anew"

        def main():
            print(wait(), flush=True)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG})
        """
    )
    assert "could not be woken at app.py:" in place.relive("restart", "wait").stdout
    running.say("a line")
    assert running.out.next() == "[1, 1]"
    assert running.end() == 0


def test_another_thread_is_waited_for(place, begin):
    """The answer says where it sits."""
    running = begin(
        """
        import sys, threading

        begun = []

        def work(queue):
            begun.append(threading.current_thread().name)
            if len(begun) > 1:
                return
            print("ready", flush=True)
            sys.stdin.readline()
            while True:
                pass

        def main():
            worker = threading.Thread(target=work, args=[1], name="worker", daemon=True)
            worker.start()
            worker.join()
            print(begun, flush=True)
        """
    )
    done = place.relive("restart", "work", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    restart = json.loads(done.stdout)["restart"]
    assert {"qualname": "app:work", "state": "waits", "name": "worker"}.items() <= restart.items()
    last = restart["frames"][-1]
    assert (last["qualname"], last["live"], last["file"]) == ("app:work", True, str(place.directory / "app.py"))
    running.say("a line")
    assert running.out.next() == "['worker', 'worker']"
    assert running.end() == 0


def test_another_thread_that_is_busy_begins_anew_at_once(place, begin):
    running = begin(
        """
        import threading

        begun = []

        def work():
            begun.append(threading.current_thread().name)
            if len(begun) > 1:
                return
            print("ready", flush=True)
            while True:
                pass

        def main():
            worker = threading.Thread(target=work, name="worker")
            worker.start()
            worker.join()
            print(begun, flush=True)
        """
    )
    done = place.relive("restart", "app:work")
    assert "app:work has begun anew in thread " in done.stdout, done
    assert running.out.next() == "['worker', 'worker']"
    assert running.end() == 0


def test_of_a_recursion_the_innermost_call_begins_anew(place, begin):
    running = begin(
        """
        begun = []

        def down(n):
            begun.append(n)
            if n:
                return down(n - 1) + 1
            if begun.count(0) > 1:
                return 0
            print("ready", flush=True)
            while True:
                pass

        def main():
            print(down(3), begun, flush=True)
        """
    )
    assert place.relive("restart", "down").returncode == 0
    assert running.out.next() == "3 [3, 2, 1, 0, 0]"
    assert running.end() == 0


def test_what_cannot_be_done_is_said(place, begin):
    running = begin(
        """
        import sys, threading

        def wait():
            sys.stdin.read()

        def other(event):
            event.wait()

        def count():
            yield 1
            yield wait()

        def main():
            event = threading.Event()
            for name in ("one", "two"):
                threading.Thread(target=other, args=[event], name=name).start()
            print("ready", flush=True)
            list(count())
            event.set()
        """
    )
    for words, why in (
        (["missing"], "no call of missing is running now; nothing was done"),
        (["other:wait"], "no call of other:wait is running now; nothing was done"),
        (["--thread", "1"], "there is no thread 1; nothing was done"),
        (["other", "--thread", str(running.process.pid)], "no call of other is running in the main thread"),
        (["count"], "count cannot begin anew: it is a generator that has yielded"),
        (["other"], "(two) run other; name one with --thread N"),
        ([], f"threads {running.process.pid} (MainThread), "),
        (["wait", "--pid", "1"], "process 1 has no session that was started in "),
    ):
        done = place.relive("restart", *words)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert why in done.stderr, done
        assert done.stderr.startswith("relive: ")
        assert done.stderr.count("\n") == 1
        document = json.loads(place.relive("restart", *words, "--json").stdout)
        assert why in document["error"]
    assert place.relive("restart", "--thread", "main").returncode == 2
    assert running.end() == 0
    done = place.relive("restart")
    assert (done.returncode, done.stderr.count("no running session was started in ")) == (1, 1)


def test_what_catches_everything_is_said(place, begin):
    running = begin(
        """
        import sys

        def stubborn():
            try:
                print("ready", flush=True)
                sys.stdin.readline()
            except BaseException as error:
                print(type(error).__name__, flush=True)
            sys.stdin.readline()

        def main():
            stubborn()
        """
    )
    done = place.relive("restart", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["restart"]["state"] == "interrupted"
    assert running.out.next() == "Restart"
    assert running.end() == 0


def test_an_import_is_not_interrupted(place, begin):
    """The machinery of imports, that is: the call waits until the user's own code runs, which a module's may be."""
    place.write("part.py", "import sys\nsys.stdin.readline()\n")
    place.write("small.py", "")
    running = begin(
        """
        import os, sys

        begun = []
        places = []

        def module():
            begun.append(1)
            if len(begun) == 1:
                print("ready", flush=True)
                import part

        def machinery():
            while not os.path.exists("stop"):
                try:
                    import small
                    del sys.modules["small"]
                except BaseException as error:
                    while error.__traceback__.tb_next:
                        error.__traceback__ = error.__traceback__.tb_next
                    places.append(error.__traceback__.tb_frame.f_code.co_filename)
                    raise

        def main():
            module()
            print("part" in sys.modules, flush=True)
            machinery()
            print({place for place in places if place.startswith("<")}, flush=True)
        """
    )
    assert "has begun anew" in place.relive("restart", "module").stdout
    assert running.out.next() == "False"
    for _ in range(20):
        assert place.relive("restart", "machinery").returncode == 0
    place.write("stop", "")
    assert running.out.next() == "set()"
    assert running.end() == 0


def test_a_session_of_relive_run(place):
    place.write(
        "app.py",
        """
        import time
        import relive
        relive.start(hold=True)
        begun = []

        def work():
            begun.append(1)
            if len(begun) == 1:
                print("ready", flush=True)
                time.sleep(1000)
            print("done", flush=True)

        work()
        """,
    )
    running = place.start("run", "app.py")
    running.out.until("ready")
    assert "__main__:work has begun anew" in place.relive("restart").stdout
    assert running.out.next() == "done"
    assert running.end() == 0


def test_it_leaves_no_trace(place, begin):
    """Neither in what signals do nor in what is monitored."""
    running = begin(
        """
        import signal, sys, threading, relive

        def restarted(count=[0]):
            count[0] += 1
            while count[0] == 1:
                pass

        def state():
            mask = next(line for line in open("/proc/self/status") if line.startswith("SigCgt"))
            caught = bool(int(mask.split()[1], 16) >> (signal.SIGURG - 1) & 1)
            monitoring = getattr(sys, "monitoring", None)
            tools = [monitoring.get_tool(tool) for tool in range(6)] if monitoring else []
            return caught, [tool for tool in tools if tool]

        def main():
            before = state()
            print("ready", flush=True)
            restarted()
            worker = threading.Thread(target=restarted, args=[[0]])
            worker.start()
            print("again", flush=True)
            worker.join()
            for line in sys.stdin:
                break
            print(before, state(), flush=True)
            relive.session().stop()
            print(signal.getsignal(signal.SIGURG) is signal.SIG_DFL, flush=True)
        """
    )
    assert place.relive("restart").returncode == 0
    running.out.until("again")
    assert place.relive("restart", "restarted").returncode == 0
    running.say("")
    assert running.out.next() == "(False, []) (False, [])"
    assert running.out.next() == "True"
    assert running.end() == 0


STRESS = """
import random, sys, threading, _thread

stopped = []
counts = {"begun": 0, "left": 0, "calls": 0, "wrong": 0, "leaked": 0}
lock = threading.Lock()

def work(n):
    counts["begun"] += 1
    try:
        total, steps = 0, n
        while n:
            with lock:
                total += n
            n -= 1
            min(n, total)
    finally:
        counts["left"] += 1
    return total - steps * (steps + 1) // 2

def between(n):
    try:
        return sum(range(n)) - n * (n - 1) // 2
    except BaseException:
        counts["leaked"] += 1
        raise

def busy():
    while not stopped:
        try:
            counts["calls"] += 1
            counts["wrong"] += work(random.randrange(1, 3000)) or between(random.randrange(100))
        except BaseException:
            counts["leaked"] += 1

def listen():
    print("ready", flush=True)
    sys.stdin.readline()
    stopped.append(1)

def main():
    # Who waits is a thread of C alone, so that it makes no call of a live function that may be meant.
    other, own = (listen, busy) if {is_main} else (busy, listen)
    thread = threading.Thread(target=other)
    thread.start()
    own()
    thread.join()
    print(counts["begun"] - counts["left"], counts["wrong"], counts["leaked"], lock.locked(), flush=True)
    print(counts["begun"] - counts["calls"], flush=True)
"""


@pytest.mark.parametrize("is_main", [True, False], ids=["main thread", "another thread"])
def test_five_hundred_restarts_of_a_busy_program(place, begin, is_main):
    """At random moments: each begins one call anew, or none; nothing else in the program notices."""
    running = begin(STRESS.replace("{is_main}", str(is_main)))
    (path,) = (place.home / "run").iterdir()
    states = Counter()
    while states.total() < 500:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(json.dumps({"ask": "act", "verb": "restart", "words": ["work"]}).encode() + b"\n")
            document = json.loads(client.makefile().readline())["document"]
        if "restart" in document:
            states[document["restart"]["state"]] += 1
        else:
            # It is just being called.
            assert document["error"] == "no call of work is running now; nothing was done"
    running.say("")
    assert running.out.next() == "0 0 0 False", states
    # Some begin anew before they have counted themselves.
    assert 200 < int(running.out.next()) <= states["restarted"]
    assert set(states) <= {"restarted", "returned"}
    assert running.end() == 0
