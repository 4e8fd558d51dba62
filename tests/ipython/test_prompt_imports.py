"""Names imported in cells follow their module, as long as they still are what was imported."""

import sys

import pytest

import relive

SHOP = """
PRICE = 10
NAMES = ["pen"]


def total(count):
    return count * PRICE


class Order:
    def text(self):
        return "order"
"""


@pytest.fixture
def shop(project, prompt):
    """The module ``shop``, which no cell has imported yet."""
    project.save("shop.py", SHOP)
    return project


@pytest.mark.parametrize(
    "cell",
    [
        "from shop import PRICE as seen",
        "from shop import (NAMES, PRICE as seen)",
        "from shop import PRICE\nseen = None\nfrom shop import PRICE as seen",
        "if True:\n    from shop import PRICE as seen",
        "try:\n    from shop import PRICE as seen\nexcept ImportError:\n    pass",
        "for _ in range(2):\n    from shop import PRICE as seen",
        "with open('shop.py'):\n    from shop import PRICE as seen",
        "match 1:\n    case 1:\n        from shop import PRICE as seen",
        "%time from shop import PRICE as seen",
        "%%time\nfrom shop import PRICE as seen",
        "%%capture\nfrom shop import PRICE as seen",
        "import asyncio\nawait asyncio.sleep(0)\nfrom shop import PRICE as seen",
        "from shop import PRICE as seen\n1 / 0",
    ],
)
def test_a_name_follows_wherever_the_cell_imported_it(shop, prompt, cell):
    prompt.run(cell)
    assert prompt.get("seen") == 10
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    assert prompt.get("seen") == 11
    shop.edit("shop.py", "PRICE = 11", "PRICE = 12")
    assert prompt.get("seen") == 12


@pytest.mark.parametrize(
    "cell",
    [
        "PRICE = 10",
        "PRICE: int = 10",
        "PRICE += 0",
        "(PRICE := 10)",
        "PRICE, other = 10, 1",
        "for PRICE in [10]: pass",
        "import contextlib\nwith contextlib.nullcontext(10) as PRICE: pass",
        "match 10:\n    case PRICE: pass",
        "match [1, 10]:\n    case [1, *_] as PRICE: PRICE = PRICE[1]",
        "del PRICE\nPRICE = 10",
        "if True:\n    PRICE = 10",
        "import shop\nPRICE = shop.PRICE",
    ],
)
def test_a_name_that_the_user_binds_is_the_users_own(shop, prompt, cell):
    """10 is the same object wherever it comes from, so what the name holds does not tell."""
    prompt.get("from shop import PRICE")
    prompt.get(cell)
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    assert prompt.get("PRICE") == 10


@pytest.mark.parametrize(
    "cell",
    [
        "[PRICE for PRICE in [1]]",
        "def f():\n    PRICE = 1\nf()",
        "class C:\n    PRICE = 1",
        "g = lambda PRICE: PRICE\ng(1)",
        "'PRICE = 1'",
        "PRICE == 1",
        "total(PRICE) if 'total' in globals() else PRICE",
    ],
)
def test_a_cell_that_only_looks_like_binding_the_name_changes_nothing(shop, prompt, cell):
    prompt.get("from shop import PRICE")
    prompt.get(cell)
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    assert prompt.get("PRICE") == 11


def test_functions_and_classes_are_the_same_objects_brought_up_to_date(shop, prompt):
    prompt.get("from shop import total, Order as O\norder = O()\nheld = [total]")
    shop.edit("shop.py", "count * PRICE", "count * PRICE + 1")
    shop.edit("shop.py", '"order"', '"new order"')
    assert prompt.get("total(1), held[0](1), order.text(), isinstance(order, O)") == (11, 11, "new order", True)


def test_one_name_may_be_held_under_two(shop, prompt):
    prompt.get("from shop import PRICE as a")
    prompt.get("from shop import PRICE")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    assert prompt.get("a, PRICE") == (11, 11)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("from shop import PRICE as NAMES", "from shop import NAMES", ["ink"]),
        ("from shop import NAMES", "from shop import PRICE as NAMES", 11),
    ],
)
def test_of_two_imports_under_one_name_the_later_counts(shop, prompt, first, second, expected):
    prompt.get(first)
    prompt.get(second)
    shop.save("shop.py", SHOP.replace("PRICE = 10", "PRICE = 11").replace("pen", "ink"))
    assert prompt.get("NAMES") == expected


def test_an_import_that_failed_is_not_followed(shop, prompt):
    prompt.get("MISSING = 10")
    assert isinstance(prompt.run("from shop import MISSING").error, ImportError)
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11\nMISSING = 12")
    assert prompt.get("MISSING") == 10


def test_a_value_that_the_program_rebinds_in_the_module_stays_at_the_prompt_as_in_python(shop, prompt):
    prompt.get("import shop\nfrom shop import PRICE")
    prompt.get("shop.PRICE = 99")
    shop.edit("shop.py", "count * PRICE", "PRICE * count")
    assert prompt.get("PRICE, shop.PRICE") == (10, 99)


def test_star_imports_follow_with_the_names_added(shop, prompt):
    prompt.get("from shop import *")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11\nCOLOUR = 'red'\n_secret = 1")
    assert prompt.get("PRICE, COLOUR, '_secret' in globals()") == (11, "red", False)
    shop.edit("shop.py", "'red'", "'blue'")
    assert prompt.get("COLOUR") == "blue"


def test_star_imports_obey_all(project, prompt):
    project.save("shop.py", "__all__ = ['A']\nA = 1\nB = 1\n_C = 1\n")
    prompt.get("from shop import *")
    project.save("shop.py", "__all__ = ['A', '_C']\nA = 2\nB = 2\n_C = 2\nD = 2\n")
    assert prompt.get("A, _C, 'B' in globals(), 'D' in globals()") == (2, 2, False, False)


def test_a_star_import_never_takes_a_variable_of_the_user(shop, prompt):
    prompt.get("from shop import *")
    prompt.get("COLOUR = 'mine'")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 10\nCOLOUR = 'red'")
    assert prompt.get("COLOUR") == "mine"


def test_a_star_import_that_was_not_executed_brings_nothing(shop, prompt):
    prompt.get("import shop\nif not shop:\n    from shop import *")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 10\nCOLOUR = 'red'")
    assert prompt.get("'COLOUR' in globals(), shop.COLOUR") == (False, "red")


def test_a_name_that_the_module_loses_stays_and_is_named_once(shop, prompt):
    prompt.get("from shop import *")
    shop.edit("shop.py", "PRICE = 10\n", "PRICE = 10\nCOLOUR = 'red'\n")
    assert prompt.get("COLOUR") == "red"
    shop.edit("shop.py", "COLOUR = 'red'\n", "")
    cell = prompt.run("COLOUR")
    assert cell.value == "red"
    assert "stale __main__:COLOUR" in cell.out.splitlines()[0]
    assert "COLOUR" not in prompt.run("pass").out
    assert "__main__:COLOUR" in prompt.run("%stale").out


def test_a_name_that_comes_back_follows_again(shop, prompt):
    prompt.get("from shop import PRICE, NAMES")
    shop.edit("shop.py", "NAMES = ", "OTHER = ")
    assert prompt.get("NAMES") == ["pen"]
    shop.edit("shop.py", 'OTHER = ["pen"]', 'NAMES = ["ink"]')
    assert prompt.get("NAMES") == ["ink"]
    assert prompt.run("%stale").out == "nothing is stale\n"


def test_a_lost_name_that_the_user_binds_is_no_longer_stale(shop, prompt):
    prompt.get("from shop import NAMES")
    shop.edit("shop.py", "NAMES = ", "OTHER = ")
    prompt.get("pass")
    prompt.get("NAMES = 5")
    assert prompt.run("%stale").out == "nothing is stale\n"


def test_names_of_submodules_and_of_packages_follow(project, prompt):
    project.save("pack/__init__.py", "from pack.inner import VALUE\n")
    project.save("pack/inner.py", "VALUE = 1\n")
    prompt.get("from pack import VALUE as outer\nfrom pack.inner import VALUE as inner")
    project.edit("pack/inner.py", "VALUE = 1", "VALUE = 2")
    assert prompt.get("outer, inner") == (2, 2)


def test_imports_typed_before_relive_was_loaded_follow(project, plain_prompt):
    project.save("shop.py", SHOP)
    plain_prompt.get("from shop import PRICE")
    plain_prompt.get("from shop import NAMES as names")
    plain_prompt.get("%load_ext relive")
    project.save("shop.py", SHOP.replace("PRICE = 10", "PRICE = 11").replace("pen", "ink"))
    assert plain_prompt.get("PRICE, names") == (11, ["ink"])


def test_an_update_called_in_a_cell_reaches_the_prompt(shop, prompt):
    prompt.get("import relive\nfrom shop import PRICE")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    prompt.get("%relive off")
    shop.edit("shop.py", "PRICE = 11", "PRICE = 12")
    prompt.get("report = relive.session().update()")
    assert prompt.get("PRICE") == 12


def test_names_of_modules_outside_the_roots_are_left_alone(shop, prompt, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "far.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    prompt.get("from far import VALUE")
    (tmp_path / "elsewhere" / "far.py").write_text("VALUE = 2\n")
    cell = prompt.run("VALUE")
    assert (cell.value, cell.out.startswith("Out")) == (1, True)
    relive.start(str(tmp_path / "elsewhere"), auto=False)
    (tmp_path / "elsewhere" / "far.py").write_text("VALUE = 3\n")
    assert prompt.get("VALUE") == 3


def test_resetting_the_prompt_forgets_its_names(shop, prompt):
    prompt.get("from shop import PRICE")
    prompt.get("%reset -f")
    shop.edit("shop.py", "PRICE = 10", "PRICE = 11")
    assert prompt.get("'PRICE' in globals()") is False


def test_names_of_a_module_that_was_unloaded_are_left_alone(shop, prompt):
    shop.save("other.py", "VALUE = 1\n")
    prompt.get("import other, sys\nfrom shop import PRICE\ndel sys.modules['shop']")
    shop.edit("other.py", "1", "2")
    cell = prompt.run("PRICE, other.VALUE")
    assert cell.value == (10, 2)
    assert "PRICE" not in cell.out.splitlines()[0]


def test_a_module_that_is_imported_afresh_has_its_own_names(shop, prompt):
    prompt.get("import sys\nfrom shop import NAMES as old")
    shop.edit("shop.py", "count * PRICE", "PRICE * count")
    prompt.get("del sys.modules['shop']\nfrom shop import NAMES as new")
    shop.edit("shop.py", "pen", "ink")
    assert prompt.get("old, new") == (["pen"], ["ink"])
    assert "shop" in sys.modules
