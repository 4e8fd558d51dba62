"""`relive.patch`: a runtime change becomes live as though it stood in the file, and stands in the log first."""

import importlib
import inspect
import linecache
import subprocess
import sys
import traceback
from textwrap import dedent

import pytest
from tests.conftest import Live

import relive

BANK = """\
    RATE = 0.02


    class Account:
        def __init__(self):
            self.balance = 100.0

        def deposit(self, amount):
            self.balance += amount

        def broken(self):
            return 1 / 0


    def interest(balance):
        return balance * RATE
"""


def applied(report: relive.Report) -> set[str]:
    """Return the names of what was applied; nothing else may be in the report."""
    assert not report.refused, report
    return {item.qualname for item in report.applied}


def test_a_function_is_replaced_in_the_same_object(live: Live) -> None:
    bank = live.load("bank", BANK)
    interest = bank.interest
    report = relive.patch(bank, "def interest(balance):\n    return balance * RATE * 2\n")
    assert applied(report) == {"bank:interest"}
    assert interest is bank.interest
    assert interest(100) == 4
    assert "RATE * 2" not in (live.directory / "bank.py").read_text()
    assert "+    return balance * RATE * 2" in (live.directory / "bank.py.log").read_text()


def test_names_and_classes_too(live: Live) -> None:
    bank = live.load("bank", BANK)
    account = bank.Account()
    assert applied(relive.patch("bank", "RATE = 0.5")) == {"bank:RATE"}
    assert bank.interest(100) == 50
    relive.patch("bank:Account", "def deposit(self, amount):\n    self.balance += 2 * amount\n")
    account.deposit(10)
    assert account.balance == 120
    relive.patch(bank.Account, "def withdraw(self, amount):\n    self.balance -= amount\n")
    account.withdraw(20)
    assert account.balance == 100


def test_lines_of_what_is_in_the_file_stay_and_the_rest_is_shown_behind_it(live: Live) -> None:
    bank = live.load("bank", BANK)
    count = BANK.count("\n")
    relive.patch("bank", "RATE = 1\n\n\ndef failing():\n    first = 1\n    return first / 0\n")
    with pytest.raises(ZeroDivisionError) as caught:
        bank.failing()
    [frame] = traceback.extract_tb(caught.value.__traceback__)[1:]
    assert frame.line == "return first / 0"
    assert frame.lineno is not None
    assert frame.lineno > count
    with pytest.raises(ZeroDivisionError) as caught:
        bank.Account().broken()
    [frame] = traceback.extract_tb(caught.value.__traceback__)[1:]
    assert (frame.lineno, frame.line) == (12, "return 1 / 0")
    assert inspect.getsource(bank.failing) == "def failing():\n    first = 1\n    return first / 0\n"
    linecache.checkcache()
    assert inspect.getsource(bank.interest) == "def interest(balance):\n    return balance * RATE\n"


def test_a_patch_that_raises_changes_nothing(live: Live) -> None:
    bank = live.load("bank", BANK)
    before = live.snapshot(bank)
    report = relive.patch("bank", "RATE = 3\nLIMIT = 1 / 0\n")
    assert [item.qualname for item in report.refused] == ["bank:LIMIT"]
    assert not report.applied
    live.assert_unchanged(bank, before)
    defined = [change for change in relive.log(bank).changes if change.kind == "define"]
    assert [change.outcome for change in defined] == ["raised"] * 2
    assert not relive.log(bank).pending


def test_what_cannot_be_applied_is_refused_as_a_whole(live: Live) -> None:
    bank = live.load("bank", BANK)
    before = live.snapshot(bank)
    report = relive.patch("bank", "RATE = 3\nclass Account(dict):\n    pass\n")
    assert [item.qualname for item in report.refused] == ["bank:Account"]
    live.assert_unchanged(bank, before)
    assert not (live.directory / "bank.py.log").exists()


def test_a_syntax_error_is_told_and_logs_nothing(live: Live) -> None:
    live.load("bank", BANK)
    report = relive.patch("bank", "def f(:\n")
    [item] = report.refused
    assert "syntax error" in item.why
    assert not (live.directory / "bank.py.log").exists()
    with pytest.raises(relive.ReliveError, match="nowhere"):
        relive.patch("nowhere", "X = 1")


def test_a_save_keeps_the_pending_changes(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "def interest(balance):\n    return 7\n")
    live.edit("bank.py", "RATE = 0.02", "RATE = 0.03")
    assert (bank.RATE, bank.interest(1)) == (0.03, 7)
    live.edit("bank.py", "self.balance += amount", "self.balance += 5")
    assert bank.interest(1) == 7
    assert [change.status for change in relive.log(bank).changes if change.kind == "define"] == ["pending"]


def test_a_save_of_the_same_definition_is_a_conflict_and_the_file_wins(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "def interest(balance):\n    return 7\n")
    live.replace("bank.py", "return balance * RATE", "return 8")
    report = live.session.update()
    assert bank.interest(1) == 8
    [item] = report.conflicts
    assert (item.qualname, item.kind, item.line) == ("bank:interest", "function", 15)
    assert not report.refused


def test_a_conflict_is_of_its_own_kind(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank:Account", "def broken(self):\n    return 2\nrate = 1\n")
    relive.patch("bank", "RATE = 5\nclass Other: pass\n")
    text = dedent(BANK).replace("return 1 / 0", "return 3").replace("RATE = 0.02", "RATE = 3\nclass Other:\n    x = 1")
    live.write("bank.py", text.replace("    def deposit", "    rate = 4\n\n    def deposit"))
    kinds = {item.qualname: item.kind for item in live.session.update().conflicts}
    assert kinds == {
        "bank:Account.broken": "method",
        "bank:Account.rate": "attribute",
        "bank:RATE": "statement",
        "bank:Other": "class",
    }
    assert bank.RATE == 3


FEE = """\
def fee(balance):
    low = 1

    high = 2

    return low + high * balance
"""


def test_a_conflict_is_merged_with_what_the_file_says(live: Live) -> None:
    bank = live.load("bank", FEE)
    relive.patch("bank", FEE.replace("low = 1", "low = 10"))
    live.replace("bank.py", "high = 2", "high = 20")
    assert live.session.update().conflicts
    assert bank.fee(1) == 21
    [change] = [change for change in relive.log(bank) if change.status == "conflict"]
    saved = (live.directory / "bank.py").read_text()
    assert applied(relive.log(bank).merge(change.n)) == {"bank:fee"}
    assert bank.fee(1) == 30
    assert (live.directory / "bank.py").read_text() == saved
    [pending] = relive.log(bank).pending
    assert relive.log(bank)[change.n].status == "undone"
    # It is one change now, which a fold writes and an undo takes back.
    relive.log(bank).undo(pending.n)
    assert bank.fee(1) == 21


def test_a_conflict_in_the_same_lines_is_shown_and_left(live: Live) -> None:
    bank = live.load("bank", FEE)
    relive.patch("bank", FEE.replace("low = 1", "low = 10"))
    live.replace("bank.py", "low = 1", "low = 100")
    live.session.update()
    before = (live.directory / "bank.py.log").read_text()
    with pytest.raises(relive.ReliveError) as caught:
        relive.log(bank).merge(2)
    said = str(caught.value)
    assert "nothing was merged" in said
    assert "<<<<<<< the source\n    low = 100\n||||||| before change 2\n    low = 1\n=======\n    low = 10\n" in said
    assert bank.fee(1) == 102
    assert (live.directory / "bank.py.log").read_text() == before


def test_a_save_of_the_very_change_makes_it_part_of_the_source(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "def interest(balance):\n    return 7\n")
    live.edit("bank.py", "return balance * RATE", "return 7")
    assert bank.interest(1) == 7
    assert not relive.log(bank).pending


def test_a_change_is_undone_and_the_undo_too(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "def interest(balance):\n    return 1\n")
    relive.patch("bank", "RATE = 5")
    first, second = relive.log(bank).pending
    report = relive.log(bank).undo(first.n)
    assert report.applied
    assert (bank.interest(1), bank.RATE) == (5, 5)
    undo = relive.log(bank).changes[-1]
    assert undo.kind == "undo"
    relive.log(bank).undo(undo.n)
    assert bank.interest(1) == 1
    relive.log(bank).undo(second.n)
    assert bank.RATE == 0.02


def test_a_fold_writes_the_changes_into_the_file_and_the_code_tells_its_lines(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "def interest(balance):\n    rate = RATE\n    return rate / 0\n")
    interest = bank.interest
    relive.log(bank).fold()
    assert "    return rate / 0\n" in (live.directory / "bank.py").read_text()
    live.update()
    assert interest is bank.interest
    with pytest.raises(ZeroDivisionError) as caught:
        interest(1)
    [frame] = traceback.extract_tb(caught.value.__traceback__)[1:]
    assert (frame.lineno, frame.line) == (17, "return rate / 0")
    assert not relive.log(bank).pending
    assert len(relive.log(bank)) > 0


def test_a_transaction_is_one_change_of_several_modules(live: Live) -> None:
    bank, other = live.load("bank", BANK), live.load("other", "import bank\nLIMIT = 1\n")
    with relive.transaction():
        relive.patch("bank", "RATE = 1")
        relive.patch("other", "LIMIT = 2")
        assert (bank.RATE, other.LIMIT) == (0.02, 1)
    assert (bank.RATE, other.LIMIT) == (1, 2)
    with pytest.raises(RuntimeError, match="changed my mind"):
        change_one_mind()
    assert bank.RATE == 1
    with pytest.raises(relive.ReliveError, match="ZeroDivisionError"):
        change_both("RATE = 9", "LIMIT = 1 / 0")
    assert (bank.RATE, other.LIMIT) == (1, 2)


def test_undoing_a_part_of_a_transaction_undoes_all_of_it(live: Live) -> None:
    """One of the modules went back, and the others stayed."""
    bank, other = live.load("bank", BANK), live.load("other", "LIMIT = 1\n")
    with relive.transaction():
        relive.patch("bank", "RATE = 1\nMORE = 5")
        relive.patch("other", "LIMIT = 2")
    relive.patch("bank", "LATER = 3")
    relive.log(bank).undo(relive.log(bank).pending[0].n)
    assert (bank.RATE, hasattr(bank, "MORE"), other.LIMIT, bank.LATER) == (0.02, False, 1, 3)
    [undo] = [change for change in relive.log(other) if change.kind == "undo"]
    relive.log(other).undo(undo.n)
    assert (bank.RATE, bank.MORE, other.LIMIT) == (1, 5, 2)


def change_one_mind() -> None:
    """Begin a transaction, and leave it by an exception."""
    with relive.transaction():
        relive.patch("bank", "RATE = 9")
        raise RuntimeError("changed my mind")


def change_both(bank: str, other: str) -> None:
    """Patch two modules in one transaction."""
    with relive.transaction():
        relive.patch("bank", bank)
        relive.patch("other", other)


def test_a_module_imported_anew_has_the_changes_of_the_session(live: Live) -> None:
    bank = live.load("bank", BANK)
    relive.patch("bank", "RATE = 0.5")
    importlib.reload(bank)
    assert bank.RATE == 0.5
    del sys.modules["bank"]
    assert live.load("bank").RATE == 0.5


def test_a_log_that_another_process_wrote_is_written_when_that_has_ended(live: Live) -> None:
    live.load("bank", BANK)
    program = (
        "import relive, sys\nrelive.start(auto=False)\nimport bank\nrelive.patch('bank', 'A = 1')\n"
        "print('here', flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=live.directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"here\n"
        [item] = relive.patch("bank", "B = 2").refused
        assert f"another process (number {other.pid} " in item.why
        live.edit("bank.py", "RATE = 0.02", "RATE = 0.03")
        other.communicate()
    assert applied(relive.patch("bank", "B = 2")) == {"bank:B"}
