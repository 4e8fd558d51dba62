"""The options and the output of ``%autoreload`` and ``%aimport``: those of IPython's own."""

import logging
import os
import sys

import pytest

import relive
from relive.ipython import AutoreloadMagics

SHOP = """
PRICE = 10
DOUBLE = PRICE * 2


def total(count):
    return count * PRICE
"""


@pytest.fixture
def shop(project, prompt):
    """The modules ``shop`` and ``other``, alike, and imported at the prompt."""
    project.save("shop.py", SHOP)
    project.save("other.py", SHOP)
    prompt.get("import shop, other")
    return project


def save_again(path):
    """Save a file without a change, at a later time than the clock's grain could hide."""
    status = path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 2_000_000_000))


def price(project, module, value):
    """Save another price."""
    project.save(f"{module}.py", SHOP.replace("PRICE = 10", f"PRICE = {value}"))


@pytest.mark.parametrize("mode", ["2", "all", "ALL", "2-", "3", "complete", "Complete-", "2 --full"])
def test_modes_that_update_all_modules(shop, prompt, mode):
    prompt.get(f"%autoreload {mode}")
    price(shop, "shop", 11)
    price(shop, "other", 12)
    assert prompt.get("shop.PRICE, other.PRICE") == (11, 12)


@pytest.mark.parametrize("mode", ["1", "explicit", "1-"])
def test_modes_that_update_only_what_is_named(shop, prompt, mode):
    prompt.get(f"%autoreload {mode}\n%aimport shop")
    price(shop, "shop", 11)
    price(shop, "other", 12)
    assert prompt.get("shop.PRICE, other.PRICE") == (11, 10)
    prompt.get("%aimport other")
    assert prompt.get("other.PRICE") == 12


@pytest.mark.parametrize("mode", ["0", "off", "OFF"])
def test_modes_that_update_nothing_until_now(shop, prompt, mode):
    prompt.get(f"%autoreload {mode}")
    price(shop, "shop", 11)
    assert prompt.get("shop.PRICE") == 10
    prompt.get("%autoreload")
    assert prompt.get("shop.PRICE") == 11
    price(shop, "shop", 12)
    assert prompt.get("shop.PRICE") == 11
    prompt.get("%autoreload now")
    assert prompt.get("shop.PRICE") == 12


def test_now_updates_in_mode_1_what_is_not_named_too(shop, prompt):
    prompt.get("%autoreload 1\n%aimport shop")
    price(shop, "other", 12)
    assert prompt.get("other.PRICE") == 10
    prompt.get("%autoreload now")
    assert prompt.get("other.PRICE") == 12
    price(shop, "other", 13)
    assert prompt.get("other.PRICE") == 12


@pytest.mark.parametrize("mode", ["1", "2", "3", "now"])
def test_what_is_excluded_waits_in_every_mode(shop, prompt, mode):
    prompt.get(f"%aimport shop\n%aimport -shop\n%autoreload {mode}")
    price(shop, "shop", 11)
    prompt.get(f"%autoreload {mode}")
    assert prompt.get("shop.PRICE") == 10
    prompt.get(f"%aimport shop\n%autoreload {mode}")
    assert prompt.get("shop.PRICE") == 11


@pytest.mark.parametrize(("mode", "double"), [("2", 20), ("2-", 22), ("2 --full", 22), ("1 --full", 22), ("3", 22)])
def test_a_full_reload_executes_what_depends_on_the_edit_as_well(shop, prompt, mode, double):
    prompt.get(f"%autoreload {mode}\n%aimport shop")
    price(shop, "shop", 11)
    cell = prompt.run("shop.DOUBLE")
    assert cell.value == double
    assert ("shop:DOUBLE is stale" in cell.err) is (double == 20)


def test_an_unknown_mode_is_an_error_that_changes_nothing(shop, prompt):
    cell = prompt.run("%autoreload 4")
    assert isinstance(cell.error, ValueError)
    assert "4" in str(cell.error)
    price(shop, "shop", 11)
    assert prompt.get("shop.PRICE") == 11


def test_the_default_is_to_act_silently(shop, prompt):
    prompt.get("%autoreload 2")
    shop.edit("shop.py", "count * PRICE", "PRICE * count")
    cell = prompt.run("pass")
    assert (cell.out, cell.err) == ("", "")


@pytest.mark.parametrize("option", ["-p", "--print", "-p -l", "--print --log"])
def test_print_names_the_modules_updated(shop, prompt, option):
    prompt.get(f"%autoreload 2 {option}")
    assert prompt.run("pass").out == ""
    price(shop, "shop", 11)
    assert prompt.run("pass").out == "Reloading 'shop'.\n"
    assert prompt.run("pass").out == ""


def test_print_names_a_module_that_was_saved_without_a_change_as_ipython_does(shop, prompt):
    prompt.get("%autoreload 2 -p")
    save_again(shop.path("shop.py"))
    assert prompt.run("pass").out == "Reloading 'shop'.\n"
    assert prompt.run("pass").out == ""


def test_print_does_not_name_what_waits(shop, prompt):
    prompt.get("%aimport -shop\n%autoreload 2 -p")
    price(shop, "shop", 11)
    assert prompt.run("pass").out == ""


@pytest.mark.parametrize(("option", "printed"), [("-l", ""), ("--log", ""), ("-l -p", "Reloading 'shop'.\n")])
def test_log_names_the_modules_updated(shop, prompt, caplog, option, printed):
    prompt.get(f"%autoreload 2 {option}")
    price(shop, "shop", 11)
    with caplog.at_level(logging.INFO, logger="autoreload"):
        assert prompt.run("pass").out == printed
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [("INFO", "Reloading 'shop'.")]


def test_an_error_is_told_once_on_stderr_and_the_old_code_runs(shop, prompt):
    prompt.get("%autoreload 2")
    shop.edit("shop.py", "def total(count):", "def total(count:")
    cell = prompt.run("shop.total(1)")
    assert cell.value == 10
    assert cell.err.startswith("[autoreload of shop failed: ")
    assert "shop.py, line " in cell.err
    assert prompt.run("pass").err == ""
    shop.edit("shop.py", "def total(count:", "def total(count, *more):")
    cell = prompt.run("shop.total(1, 2)")
    assert (cell.value, cell.err) == (10, "")


def test_hide_errors_hides_them(shop, prompt):
    prompt.get("%autoreload 2 --hide-errors")
    shop.edit("shop.py", "def total(count):", "def total(count:")
    cell = prompt.run("shop.total(1)")
    assert (cell.value, cell.err) == (10, "")
    prompt.get("%autoreload 2")
    shop.edit("shop.py", "return count", "return return")
    assert "[autoreload of shop failed: " in prompt.run("pass").err


def test_a_deleted_file_is_no_error_and_its_code_runs_on(shop, prompt):
    prompt.get("%autoreload 2")
    shop.path("shop.py").unlink()
    cell = prompt.run("shop.total(1)")
    assert (cell.value, cell.err) == (10, "")
    price(shop, "shop", 11)
    assert prompt.get("shop.total(1)") == 11


def test_what_is_left_stale_is_told_though_ipython_has_no_word_for_it(shop, prompt):
    prompt.get("%autoreload 2")
    price(shop, "shop", 11)
    cell = prompt.run("shop.DOUBLE")
    assert cell.value == 20
    assert cell.err.startswith("[autoreload of shop: shop:DOUBLE is stale: ")


def test_aimport_lists(shop, prompt):
    prompt.get("%autoreload 1")
    assert prompt.run("%aimport").out == "Modules to reload:\n\n\nModules to skip:\n\n"
    prompt.get("%aimport shop, other, -json")
    assert prompt.run("%aimport").out == "Modules to reload:\nother shop\n\nModules to skip:\njson\n"
    prompt.get("%autoreload 2")
    assert prompt.run("%aimport").out == "Modules to reload:\nall-except-skipped\n\nModules to skip:\njson\n"


def test_aimport_moves_a_module_from_one_list_to_the_other(shop, prompt):
    prompt.get("%autoreload 1\n%aimport shop\n%aimport -other, -no_such_module")
    prompt.get("%aimport -shop, other")
    assert prompt.run("%aimport").out == "Modules to reload:\nother\n\nModules to skip:\nno_such_module shop\n"


def test_aimport_imports(project, prompt):
    project.save("one.py", "VALUE = 1\n")
    project.save("pack/__init__.py", "")
    project.save("pack/inner.py", "VALUE = 2\n")
    prompt.get("%aimport one, pack.inner")
    assert prompt.get("one.VALUE, pack.inner.VALUE") == (1, 2)
    prompt.get("%aimport one as first, pack.inner as second")
    assert prompt.get("first.VALUE, second.VALUE") == (1, 2)
    assert prompt.run("%aimport no_such_module").error.name == "no_such_module"
    assert "no_such_module" not in prompt.run("%autoreload 1\n%aimport").out


@pytest.mark.parametrize("name", ["os", "math", "sys"])
def test_aimport_of_what_can_never_be_live_imports_it(prompt, name):
    prompt.get(f"%aimport {name} as imported")
    assert prompt.get("imported") is sys.modules[name]


def test_aimport_makes_a_module_live_wherever_it_is(project, prompt, tmp_path, monkeypatch):
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "installed.py").write_text("VALUE = 1\n")
    (packages / "neighbour.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(packages))
    prompt.get("%autoreload 2\n%aimport installed\nimport neighbour")
    (packages / "installed.py").write_text("VALUE = 2\n")
    (packages / "neighbour.py").write_text("VALUE = 2\n")
    assert prompt.get("installed.VALUE, neighbour.VALUE") == (2, 1)


def test_modules_on_the_path_are_live_but_not_those_installed(project, prompt, tmp_path, monkeypatch):
    for directory in ("library", "site-packages"):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / f"in_{directory[:4]}.py").write_text("VALUE = 1\n")
        monkeypatch.syspath_prepend(str(tmp_path / directory))
    prompt.get("%autoreload 2\nimport in_libr, in_site, json")
    (tmp_path / "library" / "in_libr.py").write_text("VALUE = 2\n")
    (tmp_path / "site-packages" / "in_site.py").write_text("VALUE = 2\n")
    assert prompt.get("in_libr.VALUE, in_site.VALUE") == (2, 1)
    assert "json" not in relive.session().modules()


def test_a_directory_that_a_cell_puts_on_the_path_is_live(project, prompt, tmp_path):
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "later.py").write_text("VALUE = 1\n")
    prompt.get("%autoreload 2")
    prompt.get(f"import sys\nsys.path.append({str(tmp_path / 'late')!r})")
    prompt.get("import later")
    (tmp_path / "late" / "later.py").write_text("VALUE = 2\n")
    assert prompt.get("later.VALUE") == 2


def test_relive_and_autoreload_set_the_same_thing(shop, prompt):
    prompt.get("%autoreload 1")
    assert "of no module only" in prompt.run("%relive").out
    prompt.get("%relive patch")
    price(shop, "shop", 11)
    cell = prompt.run("shop.PRICE")
    assert cell.value == 11
    assert cell.out.startswith("relive v")
    prompt.get("%autoreload 0")
    assert "not applied before cells" in prompt.run("%relive").out


def test_made_alone_it_starts_switched_off_and_needs_only_the_hooks_of_ipythons_own(project, plain_prompt):
    project.save("shop.py", SHOP)
    magics = AutoreloadMagics(plain_prompt.shell)
    plain_prompt.shell.register_magics(magics)
    plain_prompt.shell.events.register("pre_run_cell", magics.pre_run_cell)
    plain_prompt.shell.events.register("post_execute", magics.post_execute_hook)
    plain_prompt.get("import shop\nfrom shop import PRICE as paid")
    assert plain_prompt.run("%aimport").out.startswith("Modules to reload:\n\n")
    assert relive.session() is None
    plain_prompt.get("%autoreload 2")
    price(project, "shop", 11)
    assert plain_prompt.get("shop.PRICE, paid") == (11, 11)
