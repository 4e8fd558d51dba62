"""README's story of a call that fails: what the terminal shows is what README says."""

import re
from pathlib import Path

from tests.hold.conftest import Run
from tests.run.conftest import Place

README = Path(__file__).parents[2] / "README.md"
PROMPT = "held> "


def blocks() -> tuple[str, list[str]]:
    """Return the program of the story, and the lines that the terminal shows."""
    section = README.read_text(encoding="utf-8").partition("## A call that fails\n")[2].partition("\n## ")[0]
    program, shown = re.findall(r"^```\w*\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    command, *lines = shown.splitlines()
    assert command == "$ relive run shares.py"
    return program, lines


def test_what_is_shown_is_what_readme_says(place: Place, run: Run) -> None:
    program, expected = blocks()
    place.write("shares.py", program)
    terminal = run("shares.py")
    shown = terminal.wait_for(PROMPT)
    text = (place.directory / "shares.py").read_text()
    line = text.splitlines()[1]
    place.edit("shares.py", line, line.replace("people", "max(people, 1)"))
    shown += terminal.rest()
    assert terminal.end() == 0
    shown = re.sub(r"in \d+\.\d ms", "in 16.0 ms", shown.replace(f"{place.directory}/", ""))
    assert [line.rstrip() for line in shown.splitlines() if line.strip()] == expected
