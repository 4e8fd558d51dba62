"""The standard library's own tests say the same of its modules when these are live, and all their calls relive's.

Not run where Python comes without its tests (``conftest.py``). With ``RELIVE_LIBRARY`` set, as ``tools/test --long``
does, those are run too that take long.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("standard_library.py")

# The roots of a test, beside its own file, as far as the version has them; C twins of modules are tested with them.
TESTS = {
    "abc": ["abc", "_py_abc", "_weakrefset"],
    "argparse": ["argparse"],
    "bisect": ["bisect"],
    "collections": ["collections", "_collections_abc"],
    "configparser": ["configparser"],
    "contextlib": ["contextlib"],
    "contextlib_async": ["contextlib"],
    "copy": ["copy", "copyreg"],
    "csv": ["csv"],
    "dataclasses": ["dataclasses"],
    "difflib": ["difflib"],
    "dis": ["dis", "opcode"],
    "enum": ["enum"],
    "fractions": ["fractions", "numbers"],
    "functools": ["functools"],
    "heapq": ["heapq"],
    "inspect": ["inspect"],
    "ipaddress": ["ipaddress"],
    "json": ["json"],
    "minidom": ["xml"],
    "operator": ["operator"],
    "optparse": ["optparse"],
    "ordered_dict": ["collections"],
    "pprint": ["pprint"],
    "random": ["random", "bisect"],
    "re": ["re"],
    "string": ["string"],
    "textwrap": ["textwrap"],
    "tomllib": ["tomllib"],
    "traceback": ["traceback", "linecache"],
    "types": ["types"],
    "typing": ["typing"],
    "urlparse": ["urllib"],
    "weakset": ["_weakrefset"],
}
LONG_TESTS = {
    "ast": ["ast"],
    "asyncgen": ["asyncio"],
    "bdb": ["bdb"],
    "datetime": ["datetime", "_pydatetime"],
    "decimal": ["decimal", "_pydecimal"],
    "doctest": ["doctest", "pdb", "bdb"],
    "email": ["email"],
    "glob": ["glob", "fnmatch"],
    "logging": ["logging"],
    "pathlib": ["pathlib", "posixpath", "ntpath", "genericpath"],
    "pdb": ["pdb", "bdb", "cmd"],
    "pickle": ["pickle", "copyreg"],
    "queue": ["queue", "threading"],
    "sqlite3": ["sqlite3"],
    "statistics": ["statistics", "fractions"],
    "tempfile": ["tempfile", "random"],
    "threading": ["threading", "_threading_local"],
    "tokenize": ["tokenize"],
    "unittest": ["unittest"],
    "warnings": ["warnings"],
    "weakref": ["weakref", "_weakrefset"],
    "xml_etree": ["xml"],
    "zipfile": ["zipfile"],
}
if os.environ.get("RELIVE_LIBRARY"):
    TESTS |= LONG_TESTS

# Of which tests something else comes, and why that cannot be otherwise.
LIVE = {"dis": {"DisTests.test_loop_quicken", "DisWithFileTests.test_loop_quicken"}}
"""They show a call site as CPython has specialised it, which it does not for calls that are relive's."""
STOOD_FOR = {
    "contextlib": {"ContextManagerTestCase.test_nokeepref"},
    "dis": {
        f"{tests}.test_disassemble_{kind}"
        for tests in ("DisTests", "DisWithFileTests")
        for kind in ("async_generator", "coroutine", "generator")
    },
    "inspect": {
        "TestGetCoroutineState.test_getcoroutinelocals",
        "TestGetGeneratorState.test_getgeneratorlocals",
        "TestGetGeneratorState.test_getgeneratorlocals_empty",
    },
    "traceback": {"TestStack.test_custom_format_frame", "TestStack.test_format_locals"},
    "types": {"CoroutineTests.test_async_def"},
}
"""On 3.11 calls are kept only while something stands for coroutines and generators. These look at the frame, the code
or the variables of one, or want its arguments released before it has yielded (docs/limitations.md)."""
ANEW = {
    (3, 12): {"dis": {"DisTests.test_super_instructions", "DisWithFileTests.test_super_instructions"}},
    (3, 13): {
        "heapq": {"TestErrorHandlingC.test_iterable_args"},
        "zipfile": {"UnseekableTests.test_open_write"},
    },
}
"""On 3.12, since the monitoring by which functions begin anew here shows in their instructions. On 3.13 a class is made
for the first time at a site that has made others before (docs/limitations.md)."""

DEBUGGERS = {"bdb", "doctest", "pdb"}
"""Their tests look at all that their own debugger sees, which is each call that begins anew, too."""


@pytest.fixture(scope="module", params=TESTS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each test of a file: plainly, live, and with each function begun anew; see the program."""
    directory = tmp_path_factory.mktemp(request.param)
    kinds = ("plain", "live") if request.param in DEBUGGERS else ("plain", "live", "anew")
    running = {kind: start(directory / kind, kind, request.param) for kind in kinds}
    for process in running.values():
        told, _ = process.communicate()
        assert process.returncode == 0, told
    return {"name": request.param} | {kind: json.loads((directory / kind / "result").read_text()) for kind in running}


def start(directory: Path, kind: str, name: str) -> subprocess.Popen[str]:
    directory.mkdir()
    # Frozen modules have no file.
    program = [sys.executable, "-X", "frozen_modules=off", PROGRAM]
    roots = [root for root in TESTS[name] if find_spec(root)]
    return subprocess.Popen(
        [*program, directory / "result", kind, f"test_{name}", *roots],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def differences(found: dict[str, Any], kind: str) -> set[str]:
    """The tests of which something else came than plainly, by the names of class and function."""
    plain, other = found["plain"]["outcomes"], found[kind]["outcomes"]
    different = {name for name in plain.keys() | other.keys() if plain.get(name) != other.get(name)}
    return {".".join(name.split(".")[-2:]) for name in different}


def expected(name: str) -> set[str]:
    """The tests that see a difference."""
    return LIVE.get(name, set()) | (STOOD_FOR.get(name, set()) if sys.version_info < (3, 12) else set())


def test_the_same_comes_of_each_test(found: dict[str, Any]) -> None:
    assert "passed" in found["plain"]["outcomes"].values()
    assert differences(found, "live") == expected(found["name"]), found["live"]["told"]
    assert found["live"]["armed"] > 20
    assert found["live"]["unarmed"] == []


def test_and_when_each_function_begins_anew_at_its_first_call(found: dict[str, Any]) -> None:
    """On CPython 3.11, it is one function in each test."""
    if found["name"] in DEBUGGERS:
        return
    anew = ANEW.get(sys.version_info[:2], {}).get(found["name"], set())
    assert differences(found, "anew") == expected(found["name"]) | anew, found["anew"]["told"]
    assert found["anew"]["begun"] > 10
