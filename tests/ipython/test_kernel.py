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

    def __init__(self, client: Any) -> None:
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


@pytest.fixture
def notebook(project, tmp_path, monkeypatch):
    """A kernel in the project's directory."""
    for variable in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    manager, client = start_new_kernel(kernel_name="python3", cwd=os.getcwd(), startup_timeout=60)
    yield Notebook(client)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    manager.cleanup_resources()
    manager.context.destroy()


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
