"""``restart`` in pdb, and in IPython's debugger, which ipdb is made of: at a ``breakpoint()``, on a real terminal."""

import os
import sys

import pytest

APP = """
import sys

done = []


def price(amount):
    done.append("price")
    factor = 2
    amount = amount * factor
    breakpoint()
    return amount


def order(amounts):
    done.append("order")
    total = 0
    for amount in amounts:
        total += price(amount)
    return total


def main():
    try:
        print("total", order([1, 10]), *done)
    finally:
        print("end", sys.gettrace())
"""


@pytest.fixture(params=["pdb", "ipdb"])
def debug(request, place, open_terminal):
    """Run a program to its first breakpoint; the text that is shown at the prompt comes with it."""

    def debug(text=APP, stop="breakpoint()"):
        place.write("app.py", text)
        place.write("main.py", "import relive\nrelive.start(hold=True)\nimport app\napp.main()\n")
        own = {"PYTHONWARNINGS": "default", "TERM": "dumb", "IPYTHONDIR": str(place.home / "ipython"), "NO_COLOR": "1"}
        if request.param == "ipdb":
            own["PYTHONBREAKPOINT"] = "IPython.core.debugger.set_trace"
        terminal = open_terminal([sys.executable, "main.py"], place.environment | os.environ | own, place.directory)
        terminal.prompt = f"{request.param}> " if request.param == "ipdb" else "(Pdb) "
        terminal.wait_for(terminal.prompt)
        return terminal

    return debug


def test_the_function_that_is_looked_at_begins_anew(place, debug):
    """With its own arguments, and with the code that was saved while the prompt waited."""
    terminal = debug()
    place.edit("app.py", "    factor = 2\n", "    factor = 3\n")
    place.edit("app.py", "    breakpoint()\n", "")
    shown = terminal.type("restart", "end")
    assert "app:price (body changed) live in" in shown
    assert "restarting app:price" in shown
    # The second call is made once, the first one twice; what called them goes on.
    assert "total 33 order price price price" in shown
    assert terminal.end() == 0


def test_a_frame_further_up_is_selected_or_named(place, debug):
    terminal = debug()
    terminal.type("up", terminal.prompt)
    assert "restarting app:order" in terminal.type("restart", terminal.prompt)
    assert "restarting app:order" in terminal.type("restart app:order", terminal.prompt)
    place.edit("app.py", "    breakpoint()\n", "")
    assert "total 22 order price order price order price order price price" in terminal.type("restart order", "end")
    assert terminal.end() == 0


def test_what_cannot_be_restarted_is_said(place, debug):
    terminal = debug()
    assert "no call of missing is running in this thread" in terminal.type("restart missing", terminal.prompt)
    for _ in range(3):
        terminal.type("up", terminal.prompt)
    shown = terminal.type("restart", terminal.prompt)
    assert "no call of the frame of <module> is running in this thread" in shown
    place.edit("app.py", "    factor = 2\n", "    factor = (2\n")
    assert "nothing is restarted, since an edit was not applied" in terminal.type("restart price", terminal.prompt)
    assert "Begin a call anew" in terminal.type("help restart", terminal.prompt)
    place.edit("app.py", "    factor = (2\n    amount = amount * factor\n    breakpoint()\n", "    factor = 1\n")
    assert "total 11" in terminal.type("restart price", "end")
    assert terminal.end() == 0


def test_breakpoints_set_at_the_prompt_stay(place, debug):
    terminal = debug()
    place.edit("app.py", "    breakpoint()\n", "    done.append('late')\n")
    terminal.type("b order", terminal.prompt)
    terminal.type("b price", terminal.prompt)
    shown = terminal.type("restart price", terminal.prompt)
    assert 'done.append("price")' in shown
    terminal.type("clear 1", terminal.prompt)
    terminal.type("clear 2", terminal.prompt)
    assert "total 22" in terminal.type("continue", "end")
    assert terminal.end() == 0


def test_a_session_that_ends_takes_it_back(live):
    import pdb

    ours = pdb.Pdb.do_restart
    assert ours.__module__ == "relive._pdb"
    live.session.stop()
    assert pdb.Pdb.do_restart is pdb.Pdb.do_run
