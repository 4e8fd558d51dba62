"""The crash story of README.md, typed line by line in a terminal: what is shown is what README says."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Terminal

README = Path(__file__).parents[2] / "README.md"
PROMPTS = ("$ ", ">>> ")
BANNER = re.compile(r"Python \d.* live; what you type is logged\.")
"""A line that README leaves out."""


def blocks(language: str) -> list[str]:
    """Return the texts of README's blocks in a language."""
    every = re.findall(r"^```(\w*)\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for each, text in every if each == language]


def story() -> list[tuple[str, str, list[str]]]:
    """Return what is typed in README's crash story: the prompt, the line, and the lines that it shows."""
    [text] = [block for block in blocks("") if "relive repl" in block and ">>> " in block]
    steps: list[tuple[str, str, list[str]]] = []
    for line in text.splitlines():
        prompt = next((each for each in PROMPTS if line.startswith(each)), None)
        if prompt is None:
            steps[-1][2].append(normal(line))
        else:
            steps.append((prompt, line.removeprefix(prompt), []))
    return steps


def normal(line: str) -> str:
    """Return a line without what differs from one run to the next."""
    line = re.sub(r"in \d+\.\d ms", "in 0.0 ms", line.rstrip()).removesuffix(" (core dumped)")
    return re.sub(r"^change \d+ ", "change N ", line)


def test_what_is_typed_in_the_crash_story_shows_what_readme_says(
    place, open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    [bank] = [block for block in blocks("python") if block.startswith("RATE = ")]
    file = place.write("bank.py", bank)
    # IPython, which would show prompts of its own, is not there.
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "sitecustomize.py").write_text("import sys\nsys.modules['IPython'] = None\n")
    environment = place.environment | {
        "HOME": str(tmp_path),
        "PATH": f"{Path(place.command).parent}:{place.environment['PATH']}",
        "PS1": PROMPTS[0],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(hiding),
        "TERM": "dumb",
    }
    del environment["PYTHONWARNINGS"]
    terminal = open_terminal(["bash", "--norc", "--noprofile", "-i"], environment, place.directory)
    terminal.wait_for(PROMPTS[0])

    steps = story()
    following = [prompt for prompt, _, _ in steps[1:]] + [PROMPTS[0]]
    for (_, typed, expected), prompt in zip(steps, following, strict=True):
        shown = terminal.type(typed, "\n" + prompt).rpartition("\n" + prompt)[0].splitlines()
        assert shown[0] == typed
        lines = [normal(line) for line in shown[1:] if line.strip() and not BANNER.fullmatch(line.strip())]
        assert lines == expected, typed
    assert "self.balance *= 2" in file.read_text(encoding="utf-8")
