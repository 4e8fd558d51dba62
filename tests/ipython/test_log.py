"""Cells are in the log before they run, each once, or do not run."""

import os
import signal

import pytest
from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.completer import provisionalcompleter

import relive
from relive._log import ChangeLog


def ran(recorder):
    """What happened, the updates before cells left out."""
    return [event for event in recorder.events if event != "update"]


def test_a_cell_is_logged_before_it_runs_and_confirmed_after(prompt, recorder):
    prompt.get("events.append('ran')")
    assert recorder.events == ["update", ("log", "events.append('ran')\n"), "ran", ("done", 1)]
    prompt.get("x = 1\ny = 2")
    assert recorder.events[-2:] == [("log", "x = 1\ny = 2\n"), ("done", 2)]


def test_a_definition_assigned_into_a_module_is_told_when_it_is_the_modules_own(prompt, recorder):
    item = relive.Item("bank:f", "function", "added", "bank.py", 1)
    recorder.report = relive.Report(3, 0.0, (item,), (), (), ()).to_dict()
    assert prompt.run("x = 1").out == "relive v3: applied bank:f\n"


def test_why_a_cell_failed_is_logged(prompt, recorder):
    prompt.run("events.append('ran')\n{}['a\\nb']")
    assert ran(recorder)[1:] == ["ran", ("failed", 1, "KeyError: 'a\\nb'")]
    prompt.run("raise ValueError('one\\n  two')")
    assert recorder.events[-1] == ("failed", 2, "ValueError: one two")


def test_what_compiles_only_half_is_confirmed_as_failed(prompt, recorder):
    prompt.run("return 1")
    [_, failed] = ran(recorder)
    assert failed[:2] == ("failed", 1)
    assert failed[2].startswith("SyntaxError: 'return' outside function")


def test_a_cell_that_cannot_be_logged_does_not_run(prompt, recorder):
    recorder.problem = OSError("[Errno 28] No space left on device: 'cells.log'")
    cell = prompt.run("events.append('ran')")
    assert "cannot be logged" in str(cell.error)
    assert "relive: the cell was not executed" in cell.out
    assert "No space left on device: 'cells.log'" in cell.out
    assert "Traceback" not in cell.out + cell.err
    assert ran(recorder) == []

    recorder.problem = None
    prompt.get("events.append('ran')")
    assert ran(recorder) == [("log", "events.append('ran')\n"), "ran", ("done", 1)]


def test_whatever_goes_wrong_cells_are_not_run_without_a_log(prompt, recorder):
    recorder.problem = RuntimeError("poisoned")
    for _ in range(2):
        assert "poisoned" in str(prompt.run("events.append('ran')").error)
    assert ran(recorder) == []


def test_one_can_go_on_without_a_log(prompt, recorder):
    recorder.problem = OSError("disk full")
    assert "%unload_ext relive" in prompt.run("x = 1").out
    assert prompt.run("%unload_ext relive").error is None
    prompt.get("x = 2")
    assert prompt.shell.user_ns["x"] == 2
    assert recorder.cells == []


def test_what_is_no_python_is_not_logged(prompt, recorder):
    prompt.run("x = = 1")
    prompt.run("def f(:\n    pass")
    assert ran(recorder) == []


@pytest.mark.parametrize(
    "cell",
    ["x?", "x??", "?x", "%pwd", "%who", "%whos int", "# nothing", "", "  \n", "%history -n 1", "%stale", "%relive"],
)
def test_a_cell_that_only_looks_is_not_logged(prompt, recorder, cell):
    prompt.shell.user_ns["x"] = 1
    prompt.run(cell)
    assert ran(recorder) == []


def test_what_is_only_looked_at_is_not_logged(prompt, recorder):
    assert prompt.shell.check_complete("for x in y:")[0] == "incomplete"
    assert prompt.shell.check_complete("x = 1")[0] == "complete"
    prompt.shell.transform_cell("%time x = 1")
    with provisionalcompleter():
        assert list(prompt.shell.Completer.completions("pri", 3))
    assert ran(recorder) == []


@pytest.mark.parametrize(
    "cell",
    [
        "%time x = 1",
        "%%time\nx = 1",
        "%%capture\nx = 1",
        "%%timeit -n1 -r1\nx = 1",
        "get_ipython().run_cell('x = 1')",
        "get_ipython().run_cell('x = 1', store_history=True)",
    ],
)
def test_what_a_cell_executes_inside_is_part_of_it(prompt, recorder, cell):
    prompt.run(cell)
    assert [event[0] for event in ran(recorder)] == ["log", "done"]
    assert recorder.cells[0].startswith("get_ipython().run_")


def test_a_magic_is_logged_as_the_python_that_it_is(prompt, recorder):
    prompt.run("%time x = 1")
    assert recorder.cells == ["get_ipython().run_line_magic('time', 'x = 1')\n"]


def test_what_is_pasted_is_logged_and_not_the_magic_that_pastes_it(prompt, recorder):
    prompt.shell.set_hook("clipboard_get", lambda shell: "x = 1\ny = 2")
    prompt.run("%paste -q")
    assert ran(recorder) == [("log", "x = 1\ny = 2\n"), ("done", 1)]


def test_what_a_front_end_executes_for_itself_is_not_logged(prompt, recorder):
    prompt.shell.run_cell("x = 1", silent=True)
    prompt.shell.run_cell("x = 1", store_history=False)
    assert ran(recorder) == []


def test_a_cell_that_awaits_is_logged_once(prompt, recorder):
    prompt.get("import asyncio\nawait asyncio.sleep(0)\nevents.append('ran')")
    get_asyncio_loop().close()
    assert [event if event == "ran" else event[0] for event in ran(recorder)] == ["log", "ran", "done"]


def test_edits_are_live_before_the_cell_is_logged(project, prompt, recorder):
    project.save("bank.py", "RATE = 2\n")
    prompt.get("import bank")
    project.edit("bank.py", "2", "3")
    recorder.while_logging = lambda: recorder.events.append(prompt.shell.user_ns["bank"].RATE)
    prompt.get("bank.RATE")
    assert 3 in recorder.events


def test_an_interrupt_while_a_cell_is_logged_keeps_it_from_running_and_is_logged(prompt, recorder):
    recorder.while_logging = lambda: os.kill(os.getpid(), signal.SIGINT)
    cell = prompt.run("events.append('ran')")
    assert isinstance(cell.error, KeyboardInterrupt)
    assert ran(recorder) == [("log", "events.append('ran')\n"), ("failed", 1, "KeyboardInterrupt")]

    recorder.while_logging = lambda: None
    prompt.get("events.append('ran')")
    assert ran(recorder)[2:] == [("log", "events.append('ran')\n"), "ran", ("done", 2)]


def test_an_interrupted_cell_has_failed(prompt, recorder):
    prompt.run("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nevents.append('ran')")
    assert ran(recorder)[1:] == [("failed", 1, "KeyboardInterrupt")]


def test_what_became_of_a_cell_is_told_once_if_it_cannot_be_logged(prompt, recorder):
    def fail(*arguments):
        raise OSError("the log is gone")

    recorder.cell_done = fail
    cell = prompt.run("x = 1")
    assert cell.error is None
    assert cell.err == "relive: what became of the cell is not logged: the log is gone\n"
    assert prompt.run("x = 2").err == ""


@pytest.mark.parametrize("word", ["exit", "quit", "exit()"])
def test_the_end_is_not_logged(prompt, recorder, word):
    prompt.run(word)
    prompt.shell.ask_exit = False
    assert ran(recorder) == []


def test_nothing_is_logged_after_the_session_has_ended(prompt, recorder):
    relive.session().stop()
    prompt.get("x = 1")
    assert ran(recorder) == []


def test_what_only_a_newer_python_can_parse_is_logged_as_a_whole(project, prompt):
    engine = relive.session()._engine
    number = engine.log_cell("lazily import this\n", {})
    engine.cell_failed(number, "SyntaxError")
    [change] = [each for each in ChangeLog(engine.prompt_log()) if each.kind == "eval"]
    assert (change.text, change.target) == ("lazily import this", "-")
    assert engine.log_cell("lazily import this  # relive: nolog\n", {}) is None


def test_what_is_defined_at_a_prompt_is_in_conflict_with_no_file(prompt):
    """A function that was defined twice was called a conflict: its source file was not there."""
    prompt.get("def f(): return 1")
    prompt.get("def f(): return 2")
    changes = [change for change in prompt.get("%changes") if change.kind == "define"]
    assert [(change.status, change.why) for change in changes] == [("pending", "")] * 2
