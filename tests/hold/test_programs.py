"""A program fails deep in a call, its file is edited, and it comes to its end; what came before is not run again."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.conftest import Terminal
from tests.hold.conftest import Run
from tests.run.conftest import Place

PROMPT = "held> "


def test_a_long_run_goes_on_after_a_fix(place: Place, run: Run) -> None:
    place.write(
        "sums.py",
        """
        def share(total, parts):
            asked.append(parts)
            return total / parts


        def shares(total, all_parts):
            return [round(share(total, parts), 2) for parts in all_parts]


        asked = []
        print("long work is done")
        print(shares(10, [1, 3, 0, 4]), asked)
        """,
    )
    terminal = run("sums.py")
    shown = terminal.wait_for(PROMPT)
    assert "long work is done" in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "relive: held in __main__:share" in shown
    place.edit("sums.py", "total / parts", "total / max(parts, 1)")
    shown = terminal.rest()
    assert "relive: __main__:share was edited: its call is made again" in shown
    assert "[10.0, 3.33, 10.0, 2.5] [1, 3, 0, 0, 4]" in shown
    assert "long work is done" not in shown
    assert terminal.end() == 0


def test_of_several_edited_functions_the_outermost_begins_anew(place: Place, run: Run) -> None:
    place.write(
        "depths.py",
        """
        def inner(n):
            print("inner", n)
            return 1 // n


        def outer(n):
            print("outer", n)
            return inner(n)


        print("result", outer(0))
        """,
    )
    terminal = run("depths.py")
    terminal.wait_for(PROMPT)
    text = (place.directory / "depths.py").read_text()
    place.edit(
        "depths.py", text, text.replace("1 // n", "10 // n").replace("inner(n)\n\n\nprint", "inner(n + 5)\n\n\nprint")
    )
    shown = terminal.wait_for("result 2")
    assert "relive: __main__:outer was edited: its call is made again" in shown
    assert shown.count("outer 0") == shown.count("inner 5") == 1


def test_a_syntax_error_is_told_and_the_call_waits_on(place: Place, run: Run) -> None:
    place.write("broken.py", "def work(n):\n    return 1 // n\n\n\nprint('result', work(0))\n")
    terminal = run("broken.py")
    terminal.wait_for(PROMPT)
    place.edit("broken.py", "1 // n", "1 // (n")
    terminal.wait_for("'(' was never closed")
    place.edit("broken.py", "1 // (n", "1 // (n + 1)")
    terminal.wait_for("result 1")
    assert terminal.end() == 0


def test_a_fix_in_a_function_that_only_gave_the_value_needs_a_word(place: Place, run: Run) -> None:
    place.write(
        "given.py",
        """
        def parts():
            return 0


        def work():
            return 6 // parts()


        print("result", work())
        """,
    )
    terminal = run("given.py")
    terminal.wait_for(PROMPT)
    place.edit("given.py", "return 0", "return 3")
    terminal.wait_for("__main__:parts (body changed) live")
    terminal.type("retry", "result 2")
    assert terminal.end() == 0


THREADS = """
import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor


def work(n):
    os.write(1, f"work {n}\\n".encode())
    return 12 // (n - 2)


async def task(n):
    await asyncio.sleep(0)
    return work(n)


async def tasks():
    return await asyncio.gather(*map(task, range(4)))


def pool():
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, range(4)))


def future():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, 2).result()


def thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(work(2)))
    thread.start()
    thread.join()
    return found


def callback():
    return sorted([3, 2, 1], key=work)


def signalled():
    import signal

    found = []
    signal.signal(signal.SIGUSR1, lambda *_: found.append(work(2)))
    os.kill(os.getpid(), signal.SIGUSR1)
    return found


def at_exit():
    import atexit

    atexit.register(work, 2)


def loop():
    return asyncio.run(tasks())


print("result", globals()[sys.argv[1]](), flush=True)
"""


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("loop", "result [-6, -12, 12, 12]"),
        ("pool", "result [-6, -12, 12, 12]"),
        ("future", "result 12"),
        ("thread", "result [12]"),
        ("callback", "result [1, 3, 2]"),
        ("signalled", "result [12]"),
        ("at_exit", "result None"),
    ],
)
def test_wherever_it_was_called_from(name: str, result: str, place: Place, run: Run) -> None:
    place.write("where.py", THREADS)
    terminal = run("where.py", name)
    before = terminal.wait_for(PROMPT)
    place.edit("where.py", "(n - 2)", "(n - 2 or 1)")
    after = _rest(terminal)
    assert result in before + after
    calls = [line for line in (before + after).splitlines() if line.startswith("work")]
    assert calls.count("work 2") == 2
    assert len(calls) == len(set(calls)) + 1


def test_a_thread_that_is_held_leaves_others_running(place: Place, run: Run) -> None:
    place.write(
        "others.py",
        """
        import threading
        import time


        def work():
            return 1 // 0


        thread = threading.Thread(target=work)
        thread.start()
        for number in range(1000):
            if not thread.is_alive():
                break
            time.sleep(0.01)
            if number == 20:
                print("main goes on", flush=True)
        print("over", flush=True)
        """,
    )
    terminal = run("others.py")
    terminal.wait_for("main goes on")
    place.edit("others.py", "1 // 0", "1 // 1")
    terminal.wait_for("over")
    assert terminal.end() == 0


def _rest(terminal: Terminal) -> str:
    shown = terminal.rest()
    assert terminal.end() == 0
    return shown


FLASK = """
from flask import Flask

app = Flask(__name__)
seen = []


@app.route("/share/<int:parts>")
def share(parts):
    seen.append(parts)
    return f"{12 // parts} {seen}"


if __name__ == "__main__":
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"port <{server.port}>", flush=True)
    server.serve_forever()
"""

WSGI = """
from wsgiref.simple_server import make_server

seen = []


def app(environment, start_response):
    parts = int(environment["PATH_INFO"].rpartition("/")[2])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer(parts)]


def answer(parts):
    seen.append(parts)
    return f"{12 // parts} {seen}".encode()


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app)
    print(f"port <{server.server_port}>", flush=True)
    server.serve_forever()
"""


@pytest.mark.parametrize(("program", "held"), [(FLASK, "user-unhandled"), (WSGI, "uncaught")])
def test_a_web_request_is_answered_properly_after_the_fix(program: str, held: str, place: Place, run: Run) -> None:
    place.write("web.py", program)
    terminal = run(f"--hold={held}", "web.py")
    port = _port(terminal)
    assert _get(port, 3) == "4 [3]"
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(_get, port, 0)
        terminal.wait_for(PROMPT)
        place.edit("web.py", "12 // parts", "12 // (parts or 1)")
        assert request.result() == "12 [3, 0, 0]"
    assert _get(port, 2) == "6 [3, 0, 0, 2]"


def test_a_framework_that_answers_every_error_with_a_page_does_so(place: Place, run: Run) -> None:
    """Unless it is said that a library's clause for whatever may go wrong does not count."""
    place.write("web.py", FLASK)
    port = _port(run("--hold", "web.py"))
    with pytest.raises(urllib.error.HTTPError, match="500") as page:
        _get(port, 0)
    page.value.close()


def _port(terminal: Terminal) -> int:
    return int(terminal.wait_for(">").rpartition("<")[2].partition(">")[0])


def _get(port: int, parts: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/share/{parts}", timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def test_a_test_that_is_held_goes_on(place: Place, open_terminal) -> None:
    place.write("conftest.py", "import relive\n\nrelive.start(hold=True)\n")
    place.write("shop.py", "def price(n):\n    return 12 // n\n")
    place.write("test_shop.py", "import shop\n\n\ndef test_price():\n    assert shop.price(0) == 12\n")
    terminal = open_terminal(
        [place.interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider"], place.environment, place.directory
    )
    shown = terminal.wait_for(PROMPT)
    assert "relive: held in shop:price" in shown
    place.edit("shop.py", "12 // n", "12 // (n or 1)")
    terminal.wait_for("1 passed")
    assert terminal.end() == 0


def test_other_programs_see_what_is_held_and_decide(place: Place, run: Run) -> None:
    place.write(
        "asked.py",
        """
        import threading
        import time

        started = []


        def part(n):
            started.append(n)
            return 12 // n


        def work(n):
            print("result", part(n), flush=True)


        one = threading.Thread(target=work, args=(0,), name="one")
        other = threading.Thread(target=work, args=(0,), name="other")
        one.start()
        while not started:
            time.sleep(0.01)
        time.sleep(0.1)
        other.start()
        one.join()
        other.join()
        """,
    )
    terminal = run("asked.py")
    terminal.wait_for(PROMPT)
    for _ in place.deadline():
        held = json.loads(place.relive("held", "--json").stdout)["held"]
        if len(held) == 2:
            break
    assert {one["thread"]: one["name"] for one in held} == {1: "one", 2: "other"}
    assert held[0]["exception"].startswith("ZeroDivisionError: ")
    frames = [(frame["qualname"], frame["line"], frame["live"], frame["number"]) for frame in held[0]["frames"]]
    assert frames == [("__main__:work", 13, True, 2), ("__main__:part", 9, True, 1)]
    assert "thread 2 (other) is held in __main__:part" in place.relive("held").stdout

    which = place.relive("held", "retry")
    assert (which.returncode, which.stderr) == (
        1,
        "relive: threads 1, 2 are held; name one with --thread N, as `relive held` lists them\n",
    )
    unknown = place.relive("held", "restart", "7", "--thread", "2")
    assert (unknown.returncode, "no call that can be made again is called '7'" in unknown.stderr) == (1, True)
    assert place.relive("held", "return", "n", "+", "5", "--thread", "2").returncode == 0
    terminal.wait_for("result 5")
    assert place.relive("held", "return", "-1").returncode == 0
    terminal.wait_for("result -1")
    assert terminal.end() == 0
    assert place.relive("held").returncode == 1


def test_a_thread_that_is_held_at_the_end_goes_on_raising(place: Place, run: Run) -> None:
    place.write(
        "ending.py",
        """
        import sys
        import threading
        import time

        import relive


        def work():
            return 1 // 0


        threading.Thread(target=work, daemon=len(sys.argv) > 1).start()
        time.sleep(0.5)
        if not sys.argv[1:]:
            relive.session().stop()
        print("the end is near", flush=True)
        """,
    )
    for words in ([], ["daemon"]):
        terminal = run("ending.py", *words)
        shown = terminal.rest()
        assert "relive: held in __main__:work" in shown
        assert "the end is near" in shown
        assert terminal.end() == 0


def test_a_call_with_wrong_arguments_is_the_callers_failure(place: Place, run: Run) -> None:
    place.write(
        "arguments.py",
        """
        def add(one):
            return one + 1


        def work(n):
            print("work", n)
            return add(n, 2)


        print("result", work(5))
        """,
    )
    terminal = run("arguments.py")
    shown = terminal.wait_for(PROMPT)
    assert "relive: held in __main__:work" in shown
    place.edit("arguments.py", "add(n, 2)", "add(n)")
    shown = terminal.rest()
    assert "relive: __main__:work was edited" in shown
    assert "result 6" in shown
    assert terminal.end() == 0


def test_a_failing_request_to_relive_is_held_as_any_other(place: Place, run: Run) -> None:
    place.write("typo.py", "import relive\n\n\ndef work():\n    relive.restart('typo')\n\n\nwork()\n")
    terminal = run("typo.py")
    shown = terminal.wait_for(PROMPT)
    assert "relive: held in __main__:work" in shown
    assert "_restart.py" not in shown
    terminal.type("return 1", "")
    assert terminal.end() == 0


def test_what_a_script_says_does_not_undo_what_the_user_said(place: Place, run: Run) -> None:
    place.write("script.py", "import relive\n\nrelive.start()\n\n\ndef work():\n    return 1 // 0\n\n\nwork()\n")
    shown = run("--no-hold", "script.py").rest()
    assert PROMPT not in shown
    assert "ZeroDivisionError" in shown


def test_a_unittest_is_held_too(place: Place, run: Run) -> None:
    place.write(
        "test_case.py",
        """
        import unittest


        def price(n):
            return 12 // n


        class Tests(unittest.TestCase):
            def test_price(self):
                self.assertEqual(price(0), 12)

            def test_skipped(self):
                skip()


        def skip():
            raise unittest.SkipTest("not here")


        unittest.main()
        """,
    )
    terminal = run("test_case.py")
    assert "relive: held in __main__:price" in terminal.wait_for(PROMPT)
    place.edit("test_case.py", "12 // n", "12 // (n or 1)")
    shown = terminal.rest()
    assert "OK (skipped=1)" in shown
    assert terminal.end() == 0


def test_the_debugger_can_be_left(place: Place, run: Run) -> None:
    place.write("debugged.py", "def work():\n    breakpoint()\n    return 1\n\n\nwork()\n")
    terminal = run("debugged.py")
    terminal.wait_for("(Pdb) ")
    terminal.send("q")
    shown = terminal.rest()
    assert PROMPT not in shown
