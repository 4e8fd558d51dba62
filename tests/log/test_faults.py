"""docs/faults.md says which test shows what; each of them must be there."""

import re

from .conftest import ROOT


def test_the_tests_that_the_page_of_faults_names_are_there() -> None:
    named = set(re.findall(r"`((?:test_)?[a-z]+(?:_[a-z0-9]+){3,})`", (ROOT / "docs" / "faults.md").read_text()))
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "crates").rglob("*.rs")]
    there = {name for file in files for name in re.findall(r"^ *(?:fn|def) (\w+)\(", file.read_text(), re.MULTILINE)}
    assert len(named) > 50
    assert sorted(named - there) == []


def test_the_second_reader_is_tiny() -> None:
    assert len((ROOT / "tests" / "log" / "reader.py").read_text().splitlines()) <= 150
