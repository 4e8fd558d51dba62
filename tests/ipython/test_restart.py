"""``%restart``: the function from which a nested prompt was opened begins anew; and a cell restarted from outside."""

import os
import subprocess
import sys

APP = """
import IPython

done = []


def price(amount):
    done.append("price")
    factor = 2
    amount = amount * factor
    IPython.embed(colors="nocolor", simple_prompt=True, banner1="", confirm_exit=False)
    return amount


def order(amounts):
    done.append("order")
    return sum([price(amount) for amount in amounts])


def main():
    print("total", order([1, 10]), *done)
    print("end", __import__("sys").gettrace())
"""


def nested(project, tmp_path, open_terminal):
    project.save("app.py", APP)
    project.save("main.py", "import relive\nrelive.start(hold=True)\nimport app\napp.main()\n")
    own = {"IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path), "TERM": "xterm"}
    terminal = open_terminal([sys.executable, "main.py"], os.environ | own)
    terminal.wait_for("In [1]:")
    terminal.type("%load_ext relive", "In [2]:")
    return terminal


def test_the_function_of_a_nested_prompt_begins_anew(project, tmp_path, open_terminal):
    terminal = nested(project, tmp_path, open_terminal)
    project.edit("app.py", "    factor = 2\n", "    factor = 3\n")
    project.edit(
        "app.py", '    IPython.embed(colors="nocolor", simple_prompt=True, banner1="", confirm_exit=False)\n', ""
    )
    shown = terminal.type("%restart", "end None")
    assert "restarting app:price" in shown
    assert "total 33 order price price price" in shown
    assert terminal.end() == 0


def test_or_the_one_that_is_named(project, tmp_path, open_terminal):
    terminal = nested(project, tmp_path, open_terminal)
    assert "no call of missing is running in this thread" in terminal.type("%restart missing", "In [3]:")
    project.edit(
        "app.py", '    IPython.embed(colors="nocolor", simple_prompt=True, banner1="", confirm_exit=False)\n', ""
    )
    assert "total 22 order price order price price" in terminal.type("%restart app:order", "end None")
    assert terminal.end() == 0


def test_at_a_plain_prompt_nothing_runs(prompt, project):
    project.save("bank.py", "def deposit(): pass\n")
    prompt.get("import relive, bank; relive.start(hold=True, auto=False)")
    assert "no call of a live function is running in this thread" in prompt.run("%restart").err


LOOP = """
import relive

relive.start(hold=True, auto=False)


def loop():
    print("it", "loops")
    while True:
        pass
"""


def test_a_cell_that_does_not_end_is_restarted_from_another_terminal(project, tmp_path, open_terminal):
    project.save("loop.py", LOOP)
    own = {"IPYTHONDIR": str(tmp_path / "ipython"), "HOME": str(tmp_path), "TERM": "xterm", "NO_COLOR": "1"}
    environment = os.environ | own | {"PROMPT_TOOLKIT_NO_CPR": "1"}
    relive = [sys.executable, "-m", "relive"]
    terminal = open_terminal([*relive, "repl"], environment)
    terminal.wait_for("In [1]:")
    terminal.type("import loop", "In [2]:")
    terminal.type("loop.loop()", "it loops")
    project.edit("loop.py", "        pass\n", "        return 'ended'\n")
    done = subprocess.run([*relive, "restart"], env=environment, capture_output=True, text=True)
    assert "loop:loop has begun anew in the main thread" in done.stdout, done
    assert "'ended'" in terminal.wait_for("In [3]:")
