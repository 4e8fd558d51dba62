"""``%load_ext relive``: what it puts into a shell, and that it takes all of it out again."""

import os
import threading

import pytest

import relive

BANK = """
RATE = 2
TABLE = [RATE * 10]


def deposit(amount):
    return amount + RATE
"""


def thread_count() -> int:
    """Count the threads of the process: native ones too, where the system lists them."""
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()


def test_an_edit_is_live_in_the_next_cell_and_told_in_one_line(project, prompt):
    project.save("bank.py", BANK)
    prompt.run("import bank")
    project.edit("bank.py", "amount + RATE", "amount + RATE + 100")
    cell = prompt.run("bank.deposit(1)")
    assert cell.value == 103
    lines = cell.out.splitlines()
    assert lines[0].startswith("relive v")
    assert "bank:deposit" in lines[0]
    assert not any("relive" in line for line in lines[1:])


def test_nothing_is_said_when_nothing_changed(project, prompt):
    project.save("bank.py", BANK)
    assert prompt.run("import bank").out == ""
    assert prompt.run("kept = 1").out == ""
    project.save("bank.py", BANK)
    assert prompt.run("kept = 2").out == ""


def test_what_an_edit_leaves_stale_is_named_once_with_its_reason(project, prompt):
    project.save("bank.py", BANK)
    prompt.run("import bank")
    project.edit("bank.py", "RATE = 2", "RATE = 3")
    cell = prompt.run("bank.TABLE")
    assert cell.value == [20]
    assert "stale bank:TABLE (" in cell.out.splitlines()[0]
    assert prompt.run("pass").out == ""


def test_a_file_that_cannot_be_compiled_is_refused_once_and_then_fixed(project, prompt):
    project.save("bank.py", BANK)
    prompt.run("import bank")
    project.edit("bank.py", "def deposit(amount):", "def deposit(amount:")
    broken = prompt.run("bank.deposit(1)")
    assert broken.value == 3
    assert "refused bank" in broken.out.splitlines()[0]
    assert prompt.run("pass").out == ""
    project.save("bank.py", BANK.replace("amount + RATE", "amount * 7"))
    assert prompt.get("bank.deposit(1)") == 7


def test_many_changes_are_counted_rather_than_all_named(project, prompt):
    names = [f"f{number}" for number in range(20)]
    project.save("wide.py", "\n".join(f"def {name}(): return 1" for name in names))
    prompt.run("import wide")
    project.save("wide.py", "\n".join(f"def {name}(): return 2" for name in names))
    line = prompt.run("pass").out
    assert line.count("\n") == 1
    assert "and 16 more" in line
    assert len(line) < 200


def test_loading_starts_a_session_below_the_current_directory_without_a_thread(project, plain_prompt):
    before = thread_count()
    plain_prompt.run("%load_ext relive")
    session = relive.session()
    assert session is not None
    assert session.roots == (str(project.directory),)
    project.save("bank.py", BANK)
    plain_prompt.run("import bank")
    project.edit("bank.py", "RATE = 2", "RATE = 3")
    plain_prompt.run("pass")
    assert thread_count() == before


def test_loading_keeps_a_session_that_runs_and_so_does_unloading(project, plain_prompt):
    project.save("lib/bank.py", BANK)
    session = relive.start("lib", auto=False)
    plain_prompt.run("%load_ext relive")
    assert relive.session() is session
    assert session.roots == (str(project.path("lib")),)
    plain_prompt.run("%unload_ext relive")
    assert relive.session() is session


def test_unloading_takes_out_all_that_loading_put_in(project, plain_prompt):
    # Loaded on demand otherwise, and so not the same object before and after.
    shadowed = {name: plain_prompt.shell.find_line_magic(name) for name in ("edit", "rerun")}
    magics, hooks = plain_prompt.magics(), plain_prompt.hooks()
    plain_prompt.run("%load_ext relive")
    added = plain_prompt.magics().keys() - magics.keys()
    assert all(plain_prompt.magics()[name] != function for name, function in shadowed.items())
    own = {"relive", "stale", "hold", "restart", "changes", "recover", "undo", "fold"}
    assert added == own | {"autoreload", "aimport"}
    assert "patch" in plain_prompt.shell.magics_manager.magics["cell"]
    plain_prompt.run("%unload_ext relive")
    assert plain_prompt.magics().keys() == magics.keys()
    assert {name: plain_prompt.magics()[name] for name in shadowed} == shadowed
    assert "patch" not in plain_prompt.shell.magics_manager.magics["cell"]
    assert plain_prompt.hooks() == hooks
    assert plain_prompt.shell.ast_transformers == []
    assert [each for each in plain_prompt.shell.configurables if type(each).__module__.startswith("relive")] == []
    assert not {"ReliveMagics", "LogMagics", "AutoreloadMagics"} & plain_prompt.shell.magics_manager.registry.keys()
    assert relive.session() is None


def test_after_unloading_edits_are_left_alone(project, prompt):
    project.save("bank.py", BANK)
    prompt.run("import bank")
    prompt.run("%unload_ext relive")
    project.edit("bank.py", "amount + RATE", "amount - RATE")
    cell = prompt.run("bank.deposit(1)")
    assert (cell.value, cell.out) == (3, "Out[4]: 3\n")


def test_loading_twice_changes_nothing(project, prompt):
    hooks, magics = prompt.hooks(), prompt.magics()
    relive.load_ipython_extension(prompt.shell)
    assert prompt.hooks() == hooks
    assert prompt.magics() == magics


def test_the_extension_can_be_reloaded(project, prompt):
    assert prompt.run("%reload_ext relive").error is None
    project.save("bank.py", BANK)
    prompt.run("from bank import RATE")
    project.edit("bank.py", "RATE = 2", "RATE = 3")
    assert prompt.get("RATE") == 3
    prompt.run("%unload_ext relive")
    assert isinstance(prompt.run("%relive").error, Exception)


def test_unloading_without_loading_does_nothing(project, plain_prompt):
    hooks = plain_prompt.hooks()
    relive.unload_ipython_extension(plain_prompt.shell)
    assert plain_prompt.hooks() == hooks


def test_cells_run_on_when_the_user_stops_the_session(project, prompt):
    prompt.run("import relive\nrelive.session().stop()")
    assert prompt.run("1 + 1").out == "Out[3]: 2\n"
    assert "%relive patch" in prompt.run("%relive").err
    assert prompt.run("%relive patch").err == ""
    assert relive.session() is not None


def test_a_cell_that_is_silent_applies_nothing(project, prompt):
    """Front ends send silent cells of their own; what they print would land nowhere."""
    project.save("bank.py", BANK)
    prompt.run("import bank")
    project.edit("bank.py", "amount + RATE", "amount - RATE")
    prompt.shell.run_cell("before = bank.deposit(1)", silent=True)
    assert prompt.get("before, bank.deposit(1)") == (3, -1)


@pytest.mark.parametrize("mode", ["", "%autoreload 1", "%autoreload 2", "%autoreload 3"])
def test_autoreload_of_ipython_is_replaced_with_its_settings_and_given_back(project, plain_prompt, mode):
    project.save("bank.py", BANK)
    project.save("other.py", BANK)
    plain_prompt.run(f"%load_ext autoreload\n%aimport bank\n%aimport -other\n{mode}")
    magics, hooks = plain_prompt.magics(), plain_prompt.hooks()
    loaded = plain_prompt.run("%load_ext relive")
    assert loaded.err.count("IPython's own autoreload") == 1
    listing = plain_prompt.run("%aimport").out
    assert listing.startswith("Modules to reload:\n" + ("bank\n" if mode == "%autoreload 1" else "all-except-skipped"))
    assert listing.endswith("Modules to skip:\nother\n")
    project.edit("bank.py", "amount + RATE", "amount - RATE")
    edited = plain_prompt.run("bank.deposit(1)")
    assert edited.value == -1
    assert ("relive v" in edited.out) is (mode == "")
    assert edited.err == ""
    plain_prompt.run("%unload_ext relive")
    assert plain_prompt.hooks() == hooks
    assert plain_prompt.magics()["autoreload"] is magics["autoreload"]


def test_autoreload_of_ipython_loaded_later_is_replaced_after_that_cell(project, prompt):
    project.save("bank.py", BANK)
    ours = prompt.magics()["autoreload"]
    cell = prompt.run("%load_ext autoreload\n%autoreload 2\nimport bank")
    assert cell.err.count("IPython's own autoreload") == 1
    assert prompt.magics()["autoreload"] is ours
    project.edit("bank.py", "RATE = 2", "RATE = 3")
    edited = prompt.run("bank.RATE, bank.TABLE")
    assert edited.value == (3, [20])
    assert "IPython's own" not in edited.err
    prompt.run("%unload_ext relive")
    assert type(prompt.magics()["autoreload"].__self__).__module__ == "IPython.extensions.autoreload"
