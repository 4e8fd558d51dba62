"""A Jupyter kernel with relive, driven as a notebook drives it."""

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

SHOP = "PRICE = 10\nDOUBLE = PRICE * 2\n\n\ndef total(count):\n    return count * PRICE\n"


@dataclass
class Output:
    """What a front end shows for a cell: the text streams, and the results by type of data."""

    text: str = ""
    data: dict[str, str] = field(default_factory=dict)
    error: str = ""


class Notebook:
    """A kernel and its client."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self._client = client

    def run(self, cell: str) -> Output:
        """Execute a cell and wait until the kernel is idle again."""
        output = Output()

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            match message["msg_type"]:
                case "stream":
                    output.text += content["text"]
                case "execute_result" | "display_data":
                    output.data.update(content["data"])
                case "error":
                    output.error = content["evalue"]

        reply = self._client.execute_interactive(cell, output_hook=collect, timeout=60)
        output.data.update({"payload": str(reply["content"].get("payload"))})
        return output

    def die(self, cell: str) -> None:
        """Execute a cell that ends the kernel."""
        self._client.execute(cell)
        assert self._manager.provisioner.process.wait(60) != 0


@pytest.fixture
def start(project, tmp_path, monkeypatch):
    """Start kernels in the project's directory."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    started = []

    def start() -> Notebook:
        started.append(start_new_kernel(kernel_name="python3", cwd=os.getcwd(), startup_timeout=60))
        return Notebook(*started[-1])

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        manager.context.destroy()


@pytest.fixture
def notebook(start):
    """A kernel."""
    return start()


def test_a_notebook_sees_edits_as_a_terminal_does(project, notebook):
    project.save("shop.py", SHOP)
    assert notebook.run("%load_ext relive").text == ""
    assert notebook.run("import shop\nfrom shop import total, PRICE\ntotal(1)").data["text/plain"] == "10"

    project.edit("shop.py", "PRICE = 10", "PRICE = 11")
    edited = notebook.run("total(1), PRICE")
    assert edited.data["text/plain"] == "(11, 11)"
    assert edited.text.startswith("relive v")
    assert edited.text.count("\n") == 1
    assert "stale shop:DOUBLE" in edited.text
    assert notebook.run("PRICE").text == ""

    assert "shop:DOUBLE" in notebook.run("%stale").text
    rerun = notebook.run("%rerun DOUBLE")
    assert "<table>" in rerun.data["text/html"]
    assert notebook.run("shop.DOUBLE").data["text/plain"] == "22"

    notebook.run("%relive off")
    project.edit("shop.py", "count * PRICE", "count * PRICE + 1")
    assert notebook.run("total(1)").data["text/plain"] == "11"
    now = notebook.run("%relive now")
    assert "shop:total" in now.data["text/html"]
    assert "shop:total" in now.data["text/plain"]
    assert notebook.run("total(1)").data["text/plain"] == "12"

    notebook.run("%autoreload 2 -p")
    project.edit("shop.py", "PRICE + 1", "PRICE + 2")
    printed = notebook.run("total(1)")
    assert (printed.data["text/plain"], printed.text) == ("13", "Reloading 'shop'.\n")

    assert "invalid choice" in notebook.run("%relive of").text
    # A kernel has no editor: it asks the front end to open the file.
    assert "edit_magic" in notebook.run("%edit total").data["payload"]


def test_cells_come_back_after_the_kernel_has_died(project, start):
    project.save("shop.py", SHOP)
    notebook = start()
    notebook.run("%load_ext relive")
    notebook.run("import os, shop")
    notebook.run("count = 3")
    notebook.run("sum = shop.total(count)")
    notebook.die("os.abort()")

    notebook = start()
    assert "%recover shows it" in notebook.run("%load_ext relive").text
    shown = notebook.run("%recover")
    assert "%recover followed by all" in shown.text
    assert "<code>sum = shop.total(count)</code>" in shown.data["text/html"]
    assert "os.abort()" in shown.data["text/plain"]
    assert "3 of 4 statements are back" in notebook.run("%recover all").text
    assert notebook.run("count, sum").data["text/plain"] == "(3, 30)"
    assert "import os, shop" in notebook.run("%changes").data["text/html"]


def test_a_patch_of_a_module_is_folded_into_its_file(project, notebook):
    project.save("shop.py", SHOP)
    notebook.run("%load_ext relive\nimport shop")
    patched = notebook.run("%%patch shop\ndef total(count):\n    return count * PRICE + 1\n")
    assert "shop:total" in patched.data["text/html"]
    assert notebook.run("shop.total(2)").data["text/plain"] == "21"
    assert "def total(count): …" in notebook.run("%changes shop").data["text/plain"]
    assert "+    return count * PRICE + 1" in notebook.run("%fold shop").data["text/plain"]
    assert "PRICE + 1" in project.path("shop.py").read_text()
    assert notebook.run("shop.total(2)").data["text/plain"] == "21"
