"""``%edit``: a saved edit of a live module's file is live when the editor returns, and the file is not executed."""

import shlex
import sys

import pytest
from IPython.core.error import UsageError

SHOP = """
print("shop is executed")
PRICE = 10


def total(count):
    return count * PRICE


class Order:
    def text(self):
        return "order"
"""


class Editor:
    """A program that replaces a text in the file that it is called with, and notes how it was called."""

    def __init__(self, project, shell):
        self._script = project.path("editor.script")
        self._calls = project.path("editor.calls")
        shell.editor = shlex.join([sys.executable, str(self._script)])

    def will_replace(self, old, new):
        """Say what the next call does."""
        self._script.write_text(
            "import pathlib, sys\n"
            "file = pathlib.Path(sys.argv[-1])\n"
            f"pathlib.Path({str(self._calls)!r}).write_text('\\n'.join(sys.argv[1:]))\n"
            f"file.write_text(file.read_text().replace({old!r}, {new!r}))\n"
        )

    @property
    def arguments(self):
        """How it was called last."""
        return self._calls.read_text().splitlines()


@pytest.fixture
def editor(project, plain_prompt):
    """The editor of the shell."""
    return Editor(project, plain_prompt.shell)


@pytest.fixture
def shop(project, prompt):
    """The module ``shop``, imported at the prompt."""
    project.save("shop.py", SHOP)
    prompt.get("import shop\nfrom shop import total, Order as O, PRICE\norder = O()\nname = 'shop'")
    return project


@pytest.mark.parametrize(
    ("target", "line"),
    [("total", 5), ("shop.total", 5), ("O", 9), ("shop.Order", 9), ("O.text", 10), ("order", 9), ("shop", None)],
)
def test_the_edit_of_what_a_live_module_defines_is_live_at_once(shop, prompt, editor, target, line):
    editor.will_replace("count * PRICE", "count * PRICE + 5")
    cell = prompt.run(f"%edit {target}\nedited = total(1)")
    assert cell.error is None
    assert prompt.shell.user_ns["edited"] == 15
    assert editor.arguments == [*([f"+{line}"] if line else []), str(shop.path("shop.py"))]
    assert "shop is executed" not in cell.out
    assert "Executing" not in cell.out
    assert "relive v" in cell.out
    assert "shop:total" in cell.out


def test_nothing_of_the_file_comes_to_the_prompt(shop, prompt, editor):
    editor.will_replace("PRICE = 10", "PRICE = 20\nFRESH = 1")
    prompt.get("%edit shop.py")
    assert prompt.get("shop.PRICE, shop.FRESH, PRICE, total(1)") == (20, 1, 20, 20)
    assert prompt.get("'FRESH' in globals(), 'Order' in globals()") == (False, False)


@pytest.mark.parametrize(
    "line", ["%ed total", "%edit -x total", "%edit -n 3 total", "%edit shop.py", "%edit ./shop.py"]
)
def test_the_alias_and_the_options_of_ipython_serve(shop, prompt, editor, line):
    editor.will_replace("count * PRICE", "count * PRICE + 5")
    prompt.get(line)
    assert prompt.get("total(1)") == 15
    if "-n 3" in line:
        assert editor.arguments[0] == "+3"


def test_the_previous_edit_again(shop, prompt, editor):
    editor.will_replace("count * PRICE", "count * PRICE + 5")
    prompt.get("%edit total")
    editor.will_replace("PRICE + 5", "PRICE + 6")
    cell = prompt.run("%edit -p")
    assert "shop is executed" not in cell.out
    assert prompt.get("total(1)") == 16


def test_a_refused_edit_is_told_when_the_editor_returns(shop, prompt, editor):
    editor.will_replace("return count * PRICE", "return count *")
    cell = prompt.run("%edit total")
    assert "refused shop" in cell.out
    assert prompt.get("total(1)") == 10


def test_a_file_that_is_no_live_module_is_executed_as_ipython_does(shop, prompt, editor):
    shop.save("script.py", "answer = 41\n")
    editor.will_replace("41", "42")
    cell = prompt.run("%edit script.py")
    assert "Executing edited code" in cell.out
    assert prompt.get("answer") == 42


def test_a_string_is_edited_as_ipython_does(shop, prompt, editor):
    prompt.get("text = 'answer = 1'")
    editor.will_replace("1", "2")
    assert prompt.get("%edit text") == "answer = 2"
    assert prompt.get("answer") == 2


def test_a_range_of_the_history_is_edited_as_ipython_does(shop, prompt, editor):
    prompt.get("answer = 1")
    editor.will_replace("1", "2")
    assert "Executing edited code" in prompt.run("%edit 3").out
    assert prompt.get("answer") == 2


def test_with_updates_off_it_is_ipythons(shop, prompt, editor):
    prompt.get("%relive off")
    editor.will_replace("PRICE = 10", "PRICE = 20")
    cell = prompt.run("%edit total")
    assert "shop is executed" in cell.out
    assert prompt.get("PRICE, shop.PRICE") == (20, 10)


def test_a_wrong_option_is_a_usage_error(shop, prompt, editor):
    assert isinstance(prompt.run("%edit -q total").error, UsageError)


def test_the_help_is_that_of_ipython_with_the_difference(prompt):
    text = prompt.shell.object_inspect_text("%edit")
    assert "live when the editor returns" in text
    assert "-x: do not execute" in text


def test_after_unloading_ipythons_own_is_back(shop, prompt, editor):
    prompt.get("%unload_ext relive")
    editor.will_replace("PRICE = 10", "PRICE = 20")
    assert "shop is executed" in prompt.run("%edit total").out
