"""What can be done where a call is held, and when none is."""

import pytest
from tests.hold.conftest import Run
from tests.run.conftest import Place

PROMPT = "held> "
PROGRAM = """
import json


def part(total, parts):
    \"\"\"Fail.\"\"\"
    word = "é" * 3
    return json.loads(str(total // parts))


def work(total):
    print("work", total)
    return part(total, 0)


try:
    result = work(12)
finally:
    print("finally")
print("result", result)
"""


@pytest.fixture
def program(place: Place) -> None:
    place.write("program.py", PROGRAM)


@pytest.mark.usefixtures("program")
def test_the_traceback_numbers_the_calls_that_can_be_made_again(place: Place, run: Run) -> None:
    shown = run("program.py").wait_for(PROMPT)
    lines = [line.strip("\r") for line in shown.splitlines()]
    file = place.directory / "program.py"
    assert f'  File "{file}", line 16, in <module>' in lines
    assert f'2 File "{file}", line 12, in work' in lines
    assert f'1 File "{file}", line 7, in part' in lines
    assert lines[-3].startswith("ZeroDivisionError: ")
    assert "finally" not in lines


@pytest.mark.usefixtures("program")
def test_a_value_can_be_returned_instead(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    assert "NameError" in terminal.type("return nonsense", PROMPT)
    assert "result 36" in terminal.type("return total * 3", "result 36") + "result 36"
    assert terminal.end() == 0


@pytest.mark.usefixtures("program")
def test_a_call_further_up_can_be_made_again(place: Place, run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    assert "work 12" in terminal.type("restart 2", PROMPT)
    assert "no call that can be made again is called '7'" in terminal.type("restart 7", PROMPT)
    terminal.type("return 5", "result 5")
    assert terminal.end() == 0


@pytest.mark.usefixtures("program")
def test_the_exception_can_go_on_and_is_not_held_again(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    terminal.send("raise")
    shown = terminal.rest()
    assert PROMPT not in shown
    assert shown.index("finally") < shown.index("ZeroDivisionError")
    assert "relive" not in shown
    assert terminal.end() == 1


@pytest.mark.usefixtures("program")
def test_the_end_of_input_lets_it_go_on(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    terminal.press("\x04")
    assert "ZeroDivisionError" in terminal.rest()
    assert terminal.end() == 1


@pytest.mark.usefixtures("program")
def test_an_interrupt_ends_the_program(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    terminal.press("\x03")
    shown = terminal.rest()
    assert "KeyboardInterrupt" in shown
    assert "_hold.py" not in shown
    assert terminal.end() != 0


@pytest.mark.usefixtures("program")
def test_variables_are_shown(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    shown = terminal.type("locals", PROMPT)
    assert "total = 12\nparts = 0\nword = 'ééé'" in shown
    assert "'ééé!'" in terminal.type("p word + '!'", PROMPT)
    assert "ZeroDivisionError" in terminal.type("p 1 / 0", PROMPT)
    assert "line 12, in work" in terminal.type("where", PROMPT)
    assert "make the call again" in terminal.type("help", PROMPT)
    assert "no such command: nonsense" in terminal.type("nonsense", PROMPT)


@pytest.mark.usefixtures("program")
def test_the_debugger_shows_the_failed_stack(run: Run) -> None:
    terminal = run("program.py")
    terminal.wait_for(PROMPT)
    terminal.type("pdb", "(Pdb) ")
    assert "12" in terminal.type("p total", "(Pdb) ")
    assert "work(12)" in terminal.type("where", "(Pdb) ")
    terminal.type("quit", PROMPT)
    terminal.type("return 1", "result 1")
    assert terminal.end() == 0


@pytest.mark.usefixtures("program")
def test_what_is_saved_in_the_editor_makes_the_call_again(place: Place, run: Run) -> None:
    editor = place.write(
        "editor.py",
        """
        import sys

        line, file = sys.argv[1:]
        text = open(file).read()
        assert line == "+7" and "total // parts" in text.splitlines()[6]
        open(file, "w").write(text.replace("// parts", "// (parts or 3)"))
        """,
    )
    terminal = run("program.py", EDITOR=f"{place.interpreter} {editor}", VISUAL="")
    terminal.wait_for(PROMPT)
    shown = terminal.type("edit", "result 4")
    assert "__main__:part (body changed) live" in shown
    assert "work 12" not in shown
    assert terminal.end() == 0


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("words", "environment"),
    [(["--no-hold"], {}), ([], {"RELIVE_HOLD": "0"}), (["--no-hold"], {"RELIVE_HOLD": "1"})],
)
def test_nothing_is_held_if_asked_not_to(words: list[str], environment: dict[str, str], run: Run) -> None:
    terminal = run(*words, "program.py", **environment)
    shown = terminal.rest()
    assert PROMPT not in shown
    assert "ZeroDivisionError" in shown
    assert terminal.end() == 1


@pytest.mark.usefixtures("program")
def test_nothing_is_held_without_a_terminal(place: Place) -> None:
    ended = place.relive("run", "program.py")
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("ZeroDivisionError")


@pytest.mark.usefixtures("program")
def test_a_project_can_turn_it_off_and_not_on(place: Place, run: Run) -> None:
    place.write("pyproject.toml", "[tool.relive]\nhold = false\n")
    shown = run("--hold", "program.py").rest()
    assert "relive: nothing is held, because [tool.relive] of pyproject.toml says so" in shown
    assert PROMPT not in shown
    place.write("pyproject.toml", "[tool.relive]\nhold = true\n")
    assert place.relive("run", "program.py").returncode == 1


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (["--hold=some"], {}, "invalid value 'some' for '--hold[=<WHICH>]'"),
        ([], {"RELIVE_HOLD": "some"}, "relive: RELIVE_HOLD is 'some': it is 'auto', 'on', 'off'"),
    ],
)
def test_what_is_no_setting_is_told(words: list[str], environment: dict[str, str], said: str, run: Run) -> None:
    terminal = run(*words, "program.py", **environment)
    assert said in terminal.rest()
    assert terminal.end() != 0


def test_holding_is_turned_on_and_off_by_the_program(place: Place, run: Run) -> None:
    place.write(
        "switched.py",
        """
        import threading
        import relive

        relive.hold(False)
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        print("not held", flush=True)
        relive.hold(True)
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        """,
    )
    terminal = run("switched.py")
    shown = terminal.wait_for(PROMPT)
    assert shown.index("not held") < shown.index("relive: held in __main__:<lambda>")
    terminal.type("return 1", "")
    assert terminal.end() == 0


def test_a_fork_holds_nothing(place: Place, run: Run) -> None:
    place.write(
        "forking.py",
        """
        import os


        def work():
            return 1 // 0


        child = os.fork()
        if not child:
            try:
                work()
            finally:
                os._exit(7)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """,
    )
    terminal = run("forking.py")
    shown = terminal.rest()
    assert PROMPT not in shown
    assert "child 7" in shown


def test_a_statement_that_an_edit_executes_is_not_held(place: Place, run: Run) -> None:
    """What is wrong with it is in the report."""
    place.write(
        "edited.py",
        """
        import time


        def half(n):
            return 12 // n


        VALUE = half(3)
        print("ready", flush=True)
        while VALUE != 6:
            time.sleep(0.01)
        print("over", flush=True)
        """,
    )
    terminal = run("edited.py")
    terminal.wait_for("ready")
    place.edit("edited.py", "half(3)", "half(0)")
    shown = terminal.wait_for("not applied")
    place.edit("edited.py", "half(0)", "half(2)")
    terminal.wait_for("over")
    assert PROMPT not in shown
