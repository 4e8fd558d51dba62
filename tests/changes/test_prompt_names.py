"""What is typed at a prompt, and what its names mean in the module that it changes."""

from types import ModuleType
from typing import Any

import pytest
from tests.conftest import Live

import relive

BANK = """\
    import math

    RATE = 2
    LIMITS = {}


    def deposit(amount):
        return amount + RATE


    class Account:
        fee = 1

        def limit(self):
            return 1
"""


class Prompt:
    """A prompt without a terminal: its cells are logged, executed and confirmed as at any other."""

    def __init__(self, live: Live) -> None:
        self.bank: ModuleType = live.load("bank", BANK)
        self.names: dict[str, Any] = {"__name__": "__main__", "bank": self.bank}
        self._live = live
        self.engine = live.session._engine

    def type(self, *cells: str) -> None:
        """Execute cells, each of which comes to its end."""
        for cell in cells:
            number = self.engine.log_cell(cell, self.names)
            exec(compile(cell, "<cell>", "exec"), self.names)
            if number is not None:
                report = relive.Report.from_dict(self.engine.cell_done(number, 1.0))
                assert not report.refused, report

    def logged(self, module: str = "bank") -> dict[str, str]:
        """Return what the log of a module has, and what is to become of each."""
        changes = [change for change in relive.log(module).changes if change.kind in ("define", "eval")]
        return {change.target: f"{change.kind} {change.status}" for change in changes}

    def folded(self) -> str:
        """Return the text of `bank.py` after a fold."""
        relive.log("bank").fold()
        return (self._live.directory / "bank.py").read_text()


@pytest.fixture
def prompt(live: Live) -> Prompt:
    """A prompt that has imported `bank`."""
    return Prompt(live)


OWN = {"f": "define pending"}
OF_PROMPT = {"f": "eval omitted"}


@pytest.mark.parametrize(
    "cells",
    [
        ["def helper(): return 3", "def f(): return helper()", "bank.f = f"],
        ["def helper(): return 3\ndef f(): return helper()\nbank.f = f"],
        ["RATE = 3", "def f(): return RATE", "bank.f = f"],
        ["RATE = 3\ndef f(): return RATE\nbank.f = f"],
        ["import operator", "def f(): return operator.add(1, 2)", "bank.f = f"],
        ["import operator\ndef f(): return operator.add(1, 2)\nbank.f = f"],
        ["limit = 3", "def f(value=limit): return value", "bank.f = f"],
        ["same = lambda function: function", "@same\ndef f(): return 3", "bank.f = f"],
        ["base = 3", "class f:\n    def __new__(cls): return base", "bank.f = f"],
        ["base = 3", "f = 1\ndef g(): return base if f else g()", "bank.f = g"],
        ["def f(): return bank.RATE + 1", "bank.f = f"],
        ["helper = lambda: 3", "bank.helper = helper", "def f(): return helper()", "bank.f = f"],
    ],
)
def test_a_definition_that_names_something_of_the_prompt_stays_the_prompts(prompt: Prompt, cells, capsys) -> None:
    """It was made the module's own, where the name was not known or meant something else, and was folded so."""
    prompt.type(*cells)
    assert prompt.bank.f() == 3
    assert prompt.logged().items() >= OF_PROMPT.items()
    assert "bank:f is not made the module's own, and is not folded: it names " in capsys.readouterr().err
    assert "def f" not in prompt.folded()
    assert prompt.logged().items() >= OF_PROMPT.items()


@pytest.mark.parametrize(
    "cells",
    [
        ["def f(): return deposit(1)", "bank.f = f"],
        ["from bank import RATE, deposit", "def f(): return deposit(RATE - 1)", "bank.f = f"],
        ["import math", "def f(): return int(math.pi)", "bank.f = f"],
        ["import math\ndef f(): return int(math.pi)\nbank.f = f"],
        ["import math, os\ndef f(): return int(math.pi)\nbank.f = f"],
        ["def f(n=3): return n and 1 + f(n - 1)", "bank.f = f"],
        [
            "def f(n=3): return n and 1 + f(n - 1)",
            "bank.f = f",
            "def f(n=3): return f(n - 1) + 1 if n else 0",
            "bank.f = f",
        ],
        ["def f(): return __name__ and 3", "bank.f = f"],
    ],
)
def test_a_definition_whose_names_the_module_has_becomes_its_own(prompt: Prompt, cells, capsys) -> None:
    prompt.type(*cells)
    assert prompt.bank.f() == 3
    assert prompt.bank.f.__module__ == "bank"
    assert prompt.logged() == OWN
    assert capsys.readouterr().err == ""
    assert "def f" in prompt.folded()


@pytest.mark.parametrize(
    "cells",
    [
        ["def helper(): return 3", "bank.helper = helper", "def f(): return helper()", "bank.f = f"],
        ["def helper(): return 3", "def f(): return helper()", "bank.helper = helper; bank.f = f"],
        ["def helper(): return 3\ndef f(): return helper()\nbank.helper = helper\nbank.f = f"],
        ["def f(): return helper()", "bank.f = f", "def helper(): return 3", "bank.helper = helper"],
    ],
)
def test_definitions_that_are_put_into_a_module_one_after_the_other_may_name_each_other(prompt: Prompt, cells) -> None:
    prompt.type(*cells)
    assert prompt.bank.f() == 3
    assert prompt.logged() == {"helper": "define pending", "f": "define pending"}
    assert "def helper" in prompt.folded()


def test_another_definition_of_the_name_is_not_the_modules(prompt: Prompt) -> None:
    prompt.type("def helper(): return 4", "bank.helper = helper")
    prompt.type("def helper(): return 3", "def f(): return helper()", "bank.f = f")
    assert prompt.bank.f() == 3
    assert prompt.logged() == {"helper": "define pending"} | OF_PROMPT


def test_a_method_may_not_name_what_only_the_prompt_has_either(prompt: Prompt) -> None:
    prompt.type("fees = 3", "def limit(self): return fees", "bank.Account.limit = limit")
    assert prompt.bank.Account().limit() == 3
    assert prompt.logged() == {"Account": "eval omitted"}
    prompt.type("def limit(self): return RATE", "bank.Account.limit = limit")
    assert prompt.bank.Account().limit() == 2
    assert prompt.logged()["Account.limit"] == "define pending"


def test_what_a_star_import_has_brought_counts_as_bound(prompt: Prompt, live: Live) -> None:
    prompt.names["stars"] = live.load("stars", "from string import *")
    prompt.type("from string import digits", "def f(): return digits", "stars.f = f")
    assert prompt.logged("stars") == OWN


def test_a_definition_in_the_cell_that_first_imports_its_module_stays_the_prompts(
    prompt: Prompt, live: Live, capsys
) -> None:
    """It was said to be live, and what stood in the module was the prompt's, which knew no name of the module."""
    live.write("fees.py", "RATE = 2\n\n\ndef fee(amount):\n    return amount + RATE\n")
    prompt.type("import fees\ndef fee(amount): return amount * 3\nfees.fee = fee")
    assert prompt.names["fees"].fee(2) == 6
    assert "fees:fee is not made the module's own, and is not folded: it stands in the cell" in capsys.readouterr().err
    assert prompt.logged("fees") == {"fee": "eval omitted"}


def test_what_a_shell_puts_around_a_built_in_function_is_the_function(prompt: Prompt) -> None:
    """IPython has an `open` of its own."""
    prompt.names["functools"] = __import__("functools")
    prompt.type("@functools.wraps(open)\ndef open(*arguments): raise ValueError")
    prompt.type("def f():\n    with open(__file__) as file:\n        return file.read()", "bank.f = f")
    assert prompt.logged() == OWN
    assert "RATE = 2" in prompt.bank.f()


IMPORTED = "from bank import LIMITS, Account"


@pytest.mark.parametrize(
    ("cells", "logged"),
    [
        ([IMPORTED, "LIMITS['w'] = 2"], {"LIMITS": "eval pending"}),
        ([IMPORTED, "LIMITS.update(w=2)"], {"LIMITS": "eval pending"}),
        ([f"{IMPORTED}; LIMITS['w'] = 2"], {"LIMITS": "eval pending"}),
        ([IMPORTED, "del LIMITS['a']"], {"LIMITS": "eval pending"}),
        ([IMPORTED, "base = 2", "LIMITS['w'] = base"], {"LIMITS": "eval omitted"}),
        ([IMPORTED, "Account.fee = 2", "setattr(Account, 'name', 'x')"], {"Account": "eval pending"}),
        ([IMPORTED, "def limit(self): return RATE", "Account.limit = limit"], {"Account.limit": "define pending"}),
        ([f"{IMPORTED}\ndef limit(self): return RATE\nAccount.limit = limit"], {"Account.limit": "define pending"}),
        (["from shop import LIMITS", "LIMITS['w'] = 2"], {"LIMITS": "eval pending"}),
        ([IMPORTED, "LIMITS = {}"], {}),
        ([IMPORTED, "LIMITS = {}", "LIMITS['w'] = 2"], {}),
        ([IMPORTED, "LIMITS = {}; LIMITS['w'] = 2"], {}),
        ([f"{IMPORTED}; LIMITS = {{}}; LIMITS['w'] = 2"], {}),
        (["from bank import LIMITS as limits", "limits['w'] = 2"], {}),
        (["account = bank.Account()", "account.fee = 2"], {}),
    ],
)
def test_what_is_imported_from_a_module_by_its_name_is_the_modules(prompt: Prompt, live: Live, cells, logged) -> None:
    """`bank.LIMITS["w"] = 2` was the module's, and the same with an imported `LIMITS` was not."""
    live.load("shop", "from bank import LIMITS")
    prompt.bank.LIMITS["a"] = 1
    prompt.type(*cells)
    assert prompt.logged() == logged
    assert prompt.logged("shop") == {}


def test_what_two_modules_have_under_a_name_belongs_to_neither(prompt: Prompt, live: Live) -> None:
    live.load("shop", "import bank\nLIMITS = bank.LIMITS")
    prompt.type(IMPORTED, "LIMITS['w'] = 2")
    assert prompt.logged() == {}


@pytest.mark.parametrize(
    "cells",
    [
        ["def f(): return 1", "g = f; f = lambda: g() + 2", "bank.f = f"],
        ["def f(): return 1", "g = f; f = lambda: g() + 2; bank.f = f"],
        ["def f(): return 1\ng = f\nf = lambda: g() + 2\nbank.f = f"],
        ["def f(): return 1", "def g(): return 3", "for f in [g]: pass", "bank.f = f"],
        ["def f(): return 1", "from string import digits as f", "f = lambda: 3", "bank.f = f"],
    ],
)
def test_a_name_that_was_bound_anew_is_no_definition_any_more(prompt: Prompt, cells) -> None:
    """The module was given the definition as it had been typed, without what it was wrapped in since."""
    prompt.type(*cells)
    assert prompt.bank.f() == 3
    assert prompt.logged() == OF_PROMPT


def test_what_a_cell_that_failed_has_defined_is_not_taken_for_what_was_typed_before(prompt: Prompt) -> None:
    prompt.type("def f(): return 1")
    failing = "def f(): return 3\n1 / 0"
    number = prompt.engine.log_cell(failing, prompt.names)
    with pytest.raises(ZeroDivisionError):
        exec(failing, prompt.names)
    prompt.engine.cell_failed(number, "ZeroDivisionError", (2, 0))
    prompt.type("bank.f = f")
    assert prompt.bank.f() == 3
    assert prompt.logged() == OF_PROMPT
