"""``%relive``, ``%stale`` and ``%rerun``."""

import pytest
from IPython.core.error import UsageError

import relive

BANK = """
RATE = 2
TABLE = [RATE * 10]
LIMIT = RATE + 100


def deposit(amount):
    return amount + RATE
"""


@pytest.fixture
def bank(project, prompt):
    """The module ``bank``, imported at the prompt."""
    project.save("bank.py", BANK)
    prompt.get("import bank")
    return project


def test_the_status_names_mode_roots_versions_and_what_is_stale(bank, prompt):
    before = prompt.run("%relive").out
    assert "patch" in before
    assert str(bank.directory) in before
    assert "1 live; changed: none" in before
    assert "stale:   nothing" in before
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    prompt.run("pass")
    after = prompt.run("%relive").out
    version = relive.session().modules()["bank"].version
    assert f"changed: bank v{version}" in after
    assert "bank:TABLE" in after
    assert "bank:LIMIT" in after


def test_patch_leaves_the_stale_and_deep_recomputes_it(bank, prompt):
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    assert prompt.get("bank.TABLE") == [20]
    prompt.run("%relive deep")
    assert "mode:    deep" in prompt.run("%relive").out
    bank.edit("bank.py", "RATE = 3", "RATE = 4")
    assert prompt.get("bank.RATE, bank.TABLE, bank.LIMIT") == (4, [40], 104)
    prompt.run("%relive patch")
    bank.edit("bank.py", "RATE = 4", "RATE = 5")
    assert prompt.get("bank.RATE, bank.TABLE") == (5, [40])


def test_off_leaves_edits_until_now_or_until_a_mode_is_set(bank, prompt):
    prompt.run("%relive off")
    bank.edit("bank.py", "amount + RATE", "amount - RATE")
    cell = prompt.run("bank.deposit(10)")
    assert (cell.value, cell.out.startswith("Out")) == (12, True)
    assert "not applied before cells" in prompt.run("%relive").out
    assert prompt.get("%relive now").applied[0].qualname == "bank:deposit"
    assert prompt.get("bank.deposit(10)") == 8
    bank.edit("bank.py", "amount - RATE", "amount * RATE")
    assert prompt.get("bank.deposit(10)") == 8
    prompt.run("%relive patch")
    assert prompt.get("bank.deposit(10)") == 20


def test_now_displays_its_report_as_text_and_as_a_table(bank, prompt):
    prompt.run("%relive off")
    bank.edit("bank.py", "amount + RATE", "amount - RATE")
    cell = prompt.run("%relive now")
    assert isinstance(cell.value, relive.Report)
    assert "bank:deposit" in cell.out
    html = cell.value._repr_html_()
    assert html.startswith("<table>")
    assert "bank:deposit" in html
    assert prompt.get("report = %relive now\nlen(report.applied)") == 0


@pytest.mark.parametrize(
    "line", ["%relive of", "%relive patch deep", "%relive --deep", "%stale bank", "%rerun bank:NO"]
)
def test_bad_input_is_a_usage_error_that_says_what_is_possible(bank, prompt, line):
    cell = prompt.run(line)
    assert isinstance(cell.error, UsageError)
    assert cell.err.startswith("UsageError: ")
    assert "Traceback" not in cell.out
    mode = prompt.run("%relive").out.splitlines()[0]
    assert mode == "mode:    patch; edits are applied before each cell"


def test_an_unknown_action_lists_the_known_ones(prompt):
    message = prompt.run("%relive of").err
    assert all(action in message for action in ("patch", "deep", "off", "now"))


@pytest.mark.parametrize(
    ("magic", "word"),
    [("relive", "deep"), ("stale", "older version"), ("rerun", "dependency order"), ("autoreload", "--hide-errors")],
)
def test_help_describes_the_magics(prompt, magic, word):
    assert word in prompt.shell.object_inspect_text(f"%{magic}")


def test_stale_lists_reasons_and_places(bank, prompt):
    assert prompt.run("%stale").out == "nothing is stale\n"
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    prompt.run("pass")
    lines = prompt.run("%stale").out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["bank:TABLE", "bank:LIMIT"]
    assert lines[0].endswith("bank.py:2]")


def test_rerun_without_names_re_executes_all_that_is_stale(bank, prompt):
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    prompt.run("pass")
    report = prompt.get("%rerun")
    assert {item.qualname for item in report.applied} == {"bank:TABLE", "bank:LIMIT"}
    assert prompt.get("bank.TABLE, bank.LIMIT") == ([30], 103)
    assert prompt.run("%stale").out == "nothing is stale\n"


def test_rerun_goes_by_dependency_whatever_the_names(project, prompt):
    """What is computed last has the name that sorts first."""
    project.save("chain.py", "START = 1\nC = START + 1\nB = C + 1\nA = B + 1\n")
    prompt.get("import chain")
    project.edit("chain.py", "START = 1", "START = 10")
    prompt.get("%rerun")
    assert prompt.get("chain.A, chain.B, chain.C") == (13, 12, 11)
    assert prompt.run("%stale").out == "nothing is stale\n"


@pytest.mark.parametrize("name", ["bank:TABLE", "TABLE"])
def test_rerun_re_executes_what_is_named(bank, prompt, name):
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    prompt.run("pass")
    prompt.get(f"%rerun {name}")
    assert prompt.get("bank.TABLE, bank.LIMIT") == ([30], 102)


def test_rerun_takes_a_statement_that_binds_nothing_by_its_line(project, prompt):
    project.save("log.py", "LEVEL = 1\nseen = []\nseen.append(LEVEL)\n")
    prompt.get("import log")
    project.edit("log.py", "LEVEL = 1", "LEVEL = 2")
    prompt.run("pass")
    assert "log:<line 3>" in prompt.run("%stale").out
    prompt.get("%rerun log:<line 3>")
    assert prompt.get("log.seen") == [1, 2]


def test_rerun_asks_which_when_a_short_name_is_that_of_two(bank, prompt):
    bank.save("till.py", BANK)
    prompt.get("import till")
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    bank.edit("till.py", "RATE = 2", "RATE = 3")
    prompt.run("pass")
    message = prompt.run("%rerun TABLE").err
    assert "bank:TABLE" in message
    assert "till:TABLE" in message


def test_rerun_of_the_history_is_still_ipythons(bank, prompt):
    prompt.get("counted = 0")
    prompt.get("counted += 1")
    cell = prompt.run("%rerun 4")
    assert "Executing" in cell.out
    assert prompt.get("counted") == 2


def test_a_rerun_that_rebinds_a_name_reaches_the_prompt(bank, prompt):
    prompt.get("from bank import TABLE, LIMIT as limit")
    bank.edit("bank.py", "RATE = 2", "RATE = 3")
    assert prompt.get("TABLE, limit") == ([20], 102)
    prompt.get("%rerun")
    assert prompt.get("TABLE, limit") == ([30], 103)
