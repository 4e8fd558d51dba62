"""The guide names everybody who catches whatever comes and counts as nobody."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_guide_has_the_table_of_boundaries() -> None:
    source = (ROOT / "crates/relive_python/src/hold/boundaries.rs").read_text()
    known = re.findall(r'"([^"]+)",\s*"([^"]+)",\s*Boundary::Nobody', source)
    assert len(known) > 30
    guide = (ROOT / "docs/guide.md").read_text()
    named = set()
    for entry in re.findall(r"(`\w[\w.]*:[^`]+`(?:, `[^`]+`)*)", guide):
        module, _, rest = entry.replace("`", "").partition(":")
        named |= {(module, function) for function in rest.split(", ")}
    assert set(known) <= named
