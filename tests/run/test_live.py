"""Edits of a program that runs under ``relive run``."""

import re
import signal
import socket

import pytest

TALK = """
import sys

import helper

LIMIT = 1
CALLS = []


def answer(word):
    CALLS.append(word)
    return f"{word} {helper.mark()} {LIMIT} {len(CALLS)}"


if __name__ == "__main__":
    for line in sys.stdin:
        print(answer(line.strip()), flush=True)
"""


@pytest.fixture
def talk(place):
    """A program that answers each line that it reads; its second module is ``helper``."""
    place.write("app.py", TALK)
    place.write("helper.py", "def mark():\n    return 'old'\n")
    running = place.start("run", "app.py")
    assert running.ask("a") == "a old 1 1"
    return running


def test_code(place, talk):
    """a body changes while the main thread waits for input; what the program has collected stays"""
    place.edit("helper.py", "'old'", "'new'")
    line = talk.err.next()
    assert re.fullmatch(r"relive: helper\.py: helper:mark \(body changed\) live in \d+\.\d ms", line), line
    assert talk.ask("b") == "b new 1 2"
    place.edit("app.py", "{word} ", "<{word}> ")
    assert talk.err.next().startswith("relive: app.py: __main__:answer (body changed) live in ")
    assert talk.ask("c") == "<c> new 1 3"
    assert talk.end() == 0
    assert len(talk.err.seen) == 2


def test_statement(place, talk):
    """a constant changes when the main thread gets to it"""
    place.edit("app.py", "LIMIT = 1", "LIMIT = 2")
    assert talk.err.next().startswith("relive: app.py:1: __main__ not applied: waits for the main thread")
    assert talk.ask_until_told("").startswith("relive: app.py: __main__:LIMIT (changed) live in ")
    assert talk.ask("c").startswith("c old 2 ")


def test_syntax_error(place, talk):
    """a file that does not parse is refused in one line, and its correction is applied"""
    place.edit("helper.py", "return 'old'", "return (")
    line = talk.err.next()
    assert line.startswith("relive: helper.py:2: helper not applied: syntax error: '(' was never closed"), line
    assert talk.ask("b") == "b old 1 2"
    place.edit("helper.py", "return (", "return 'new'")
    assert talk.err.next().startswith("relive: helper.py: helper:mark (body changed) live in ")
    assert talk.ask("c") == "c new 1 3"


def test_half_written(place, talk):
    """a file that does not parse only until the editor has written the rest is never refused"""
    file = place.directory / "helper.py"
    for half, whole in ((b"def mark():\n    return (", b"'new')\n"), (b"", b"def mark():\n    return 'newer'\n")):
        with file.open("wb", buffering=0) as stream:
            stream.write(half)
            stream.write(whole)
        assert "live" in talk.err.next()
    file.unlink()
    file.write_text("def mark():\n    return 'newest'\n")
    assert "live" in talk.err.next()
    assert talk.ask("b") == "b newest 1 2"
    assert talk.end() == 0
    assert len(talk.err.seen) == 3


def test_statement_that_raises(place, talk):
    """a statement that raises is undone as a whole, and the program runs on"""
    place.edit("helper.py", "def mark", "LEFT = 1\nTOTAL = 1 / 0\n\ndef mark")
    line = talk.ask_until_told("ZeroDivisionError")
    assert line.startswith("relive: helper.py:2: helper:TOTAL not applied: ZeroDivisionError: division by zero"), line
    place.edit("helper.py", "1 / 0", "8 / 2")
    place.edit("app.py", "{LIMIT} ", "{helper.TOTAL} ")
    assert talk.ask_until("4.0").startswith("again old 4.0 ")


def test_stale(place, talk):
    """what rests on an old value is named, by the program and by `relive stale`; deep mode executes it again"""
    place.write("table.py", "from helper import mark\n\nTABLE = [mark()]\n")
    place.edit("app.py", "import helper", "import helper\nimport table")
    place.edit("app.py", "{LIMIT}", "{table.TABLE}")
    talk.ask_until("['old']")
    place.edit("helper.py", "'old'", "'new'")
    line = talk.err.until("stale")
    assert line.startswith(
        "relive: table.py:3: table:TABLE stale: what it computed rests on mark, which has changed"
    ), line
    assert "['old']" in talk.ask("c")
    done = place.relive("stale")
    assert done.stdout.startswith("table.py:3: table:TABLE: what it computed rests on")
    assert (done.returncode, done.stderr) == (0, "")


def test_deep(place):
    """deep mode executes again what an edit of a function leaves stale, on the main thread"""
    place.write("helper.py", "def mark():\n    return 'old'\n")
    place.write(
        "app.py",
        """
        import sys
        import threading
        from helper import mark

        TABLE = [mark(), threading.current_thread() is threading.main_thread()]

        if __name__ == "__main__":
            for line in sys.stdin:
                print(TABLE, flush=True)
        """,
    )
    running = place.start("run", "--mode", "deep", "app.py")
    assert running.ask("a") == "['old', True]"
    place.edit("helper.py", "'old'", "'new'")
    running.err.until("helper:mark (body changed) live")
    running.ask_until("['new', True]")
    assert "executed again" in running.err.until("__main__:TABLE (")


def test_module_of_a_package(place):
    """``-m package``: the package, its main module and what they import are live"""
    place.write("pkg/__init__.py", "")
    place.write("pkg/part.py", "def f():\n    return 'old'\n")
    place.write(
        "pkg/__main__.py",
        """
        import sys
        from pkg.part import f

        def g():
            return f() + " old"

        if __name__ == "__main__":
            for line in sys.stdin:
                print(g(), sys.argv[1:], flush=True)
        """,
    )
    running = place.start("run", "-m", "pkg", "--json", "word")
    assert running.ask("a") == "old old ['--json', 'word']"
    place.edit("pkg/part.py", "'old'", "'new'")
    assert running.err.next().startswith("relive: pkg/part.py: pkg.part:f (body changed) live in ")
    place.edit("pkg/__main__.py", '" old"', '" new"')
    assert running.err.next().startswith("relive: pkg/__main__.py: __main__:g (body changed) live in ")
    assert running.ask("b") == "new new ['--json', 'word']"


def test_roots(place):
    """only what is below the roots is live"""
    place.write(
        "app/app.py", "import sys\nsys.path.append('lib')\nimport one, relive\nprint(*relive.session().modules())\n"
    )
    place.write("lib/one.py", "")
    assert place.relive("run", "app/app.py").stdout == "__main__\n"
    assert place.relive("run", "--root", "lib", "app/app.py").stdout == "one\n"
    assert place.relive("run", "--root=lib", "--root", "app", "app/app.py").stdout == "__main__ one\n"


def test_main_thread_blocked(place):
    """code goes live while the main thread is blocked in a system call; statements follow when it comes back"""
    place.write(
        "app.py",
        """
        import socket
        import sys
        import threading

        def f():
            return "old"

        APPLIED_BY_MAIN = None

        def answer():
            for line in sys.stdin:
                print(f(), APPLIED_BY_MAIN, flush=True)

        if __name__ == "__main__":
            threading.Thread(target=answer).start()
            server = socket.create_server(("127.0.0.1", 0))
            print(server.getsockname()[1], flush=True)
            server.accept()
            print("accepted", flush=True)
        """,
    )
    running = place.start("run", "app.py")
    port = int(running.out.next())
    assert running.ask("a") == "old None"
    place.edit("app.py", '"old"', '"new"')
    running.err.until("__main__:f (body changed) live")
    assert running.ask("b") == "new None"
    place.edit("app.py", "MAIN = None", "MAIN = threading.current_thread() is threading.main_thread()")
    running.err.until("not applied: waits for the main thread")
    assert running.ask("c") == "new None"
    status = place.relive("status").stdout
    assert "  waiting app.py:1: __main__: waits for the main thread" in status
    with socket.create_connection(("127.0.0.1", port)):
        running.err.until("__main__:APPLIED_BY_MAIN (")
    running.out.until("accepted")
    assert running.ask("d") == "new True"
    assert "waiting" not in place.relive("status").stdout
    assert running.end() == 0


def test_interrupted_while_edited(place, talk):
    """SIGINT ends the program as ever, an edit or not"""
    place.edit("helper.py", "'old'", "'new'")
    talk.err.next()
    talk.process.send_signal(signal.SIGINT)
    assert talk.end() == -signal.SIGINT
    assert talk.err.seen[-1] == "KeyboardInterrupt"


def test_imported_later(place, talk):
    """a module that an edit brings in is live at once"""
    place.write("late.py", "def f():\n    return 'late'\n")
    place.edit("app.py", "import helper", "import helper\nimport late")
    place.edit("app.py", "helper.mark()", "late.f()")
    talk.ask_until("late")
    place.edit("late.py", "'late'", "'later'")
    talk.err.until("late:f (body changed) live")
    assert "later" in talk.ask("c")


def test_tracebacks_of_edited_code(place, talk):
    """a traceback shows the lines that run"""
    place.edit("helper.py", "def mark():\n    return 'old'\n", "# moved\n\ndef mark():\n    raise ValueError('new')\n")
    talk.err.until("helper:mark (body changed) live")
    talk.say("b")
    assert talk.end() == 1
    shown = talk.err.seen
    assert shown[-1] == "ValueError: new"
    assert f'  File "{place.directory}/helper.py", line 4, in mark' in shown
    assert "    raise ValueError('new')" in shown


@pytest.mark.parametrize("closed", [2, 1])
def test_closed_output(place, closed):
    """a program that has closed its standard streams is edited all the same"""
    place.write(
        "app.py",
        f"""
        import os, sys
        def f():
            return 3
        out = os.dup(1)
        os.close({closed})
        for line in sys.stdin:
            os.write(out, b"%d\\n" % f())
        os._exit(0)
        """,
    )
    running = place.start("run", "app.py")
    assert running.ask("a") == "3"
    place.edit("app.py", "3", "4")
    running.ask_until("4")
    assert running.end() == 0
