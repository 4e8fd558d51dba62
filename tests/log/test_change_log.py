"""`relive.log`, `relive.patch` and `relive.transaction`, over a native part that only answers."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

import relive
from relive import _native, _session
from relive._log import Fold, NoChangeError, first_line, printable

REPORT = {"version": 3, "seconds": 0.0, "applied": [], "stale": [], "refused": [], "conflicts": []}


def change(number, status="pending", **others):
    return {
        "n": number,
        "txn": number,
        "at": "2026-11-21T02:30:11.123Z",
        "session": "7f3c41",
        "kind": "define",
        "target": "step",
        "text": "def step(): ...",
        "status": status,
        "outcome": "applied",
        "why": "",
        **others,
    }


class Native:
    """Logs that are told by a test, and what was asked of them."""

    def __init__(self) -> None:
        self.changes: list[dict[str, object]] = []
        self.asked: list[tuple[object, ...]] = []
        self.problem: Exception | None = None
        self.verify = 0
        self.problems: list[str] = []

    def read_log(self, path):
        self._ask("read", path)
        tail = "torn" if self.verify == 1 else "clean"
        return {
            "file": path,
            "log": f"{path}.log",
            "intact": not self.verify,
            "tail": tail,
            "changes": self.changes,
            "problems": self.problems,
            "verify": self.verify,
        }

    def undo_log(self, path, number):
        self._ask("undo", path, number)

    def fold_log(self, path, dry_run):
        self._ask("fold", path, dry_run)
        return {"diff": "-a\n+b\n", "numbers": [5], "left": [[6, "conflict"]]}

    def _ask(self, *question):
        self.asked.append(question)
        if self.problem is not None:
            raise self.problem


class Engine(Native):
    """An engine that answers likewise."""

    def undo(self, path, number):
        self._ask("undo", path, number)
        return REPORT

    def fold(self, path, dry_run):
        return self.fold_log(path, dry_run)

    def patch(self, module, scope, source):
        self._ask("patch", module, scope, source)
        return REPORT

    def begin_transaction(self):
        self._ask("begin")

    def commit_transaction(self):
        self._ask("commit")
        return REPORT

    def abort_transaction(self):
        self._ask("abort")


@pytest.fixture
def native(monkeypatch):
    native = Native()
    for name in ("read_log", "undo_log", "fold_log"):
        monkeypatch.setattr(_native, name, getattr(native, name), raising=False)
    return native


@pytest.fixture
def engine(native, monkeypatch):
    """The engine of a running session."""

    class Running:
        _engine = Engine()

    monkeypatch.setattr(_session, "_running", Running())
    return Running._engine


@pytest.fixture
def source(tmp_path):
    """A source file with a log beside it."""
    file = tmp_path / "heat.py"
    file.write_text("def step(): ...\n")
    Path(f"{file}.log").write_text("")
    return file


def test_a_log_is_a_sequence_of_changes_by_their_numbers(native, source):
    native.changes = [change(5), change(8, "undone"), change(12)]
    log = relive.log(source)
    assert len(log) == 3
    assert [each.n for each in log] == [5, 8, 12]
    assert log[8].status == "undone"
    assert log.changes == tuple(log)
    assert [each.n for each in log.pending] == [5, 12]
    with pytest.raises(NoChangeError, match=r"heat\.py\.log has no change 6"):
        log[6]
    assert issubclass(NoChangeError, relive.ReliveError)


def test_a_change_is_immutable_and_keeps_what_it_knows(native, source):
    native.changes = [change(5, later_versions_add="this")]
    [found] = relive.log(source)
    assert isinstance(found, relive.Change)
    assert found.target == "step"
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.n = 6


def test_a_log_is_read_again_when_it_has_changed_and_not_otherwise(native, source):
    log = relive.log(source)
    assert (len(log), len(log)) == (0, 0)
    assert len(native.asked) == 1
    native.changes = [change(5)]
    Path(f"{source}.log").write_text("more")
    assert len(log) == 1
    os.replace(source, f"{source}.old")
    assert len(log) == 1
    assert len(native.asked) == 3


def test_a_log_shows_itself_and_hides_nothing(native, source):
    native.changes = [
        change(5, text="def step():\n    return 1", why="in flight when the process died", outcome="unfinished"),
        change(8, "undone", kind="remove", target="old", text=""),
        change(9, kind="eval", text="x = '\x1b[2J\u202e<b>'"),
    ]
    native.problems = ["the last 3 bytes are torn"]
    native.verify = 1
    log = relive.log(source)
    lines = repr(log).splitlines()
    assert lines[0] == f"{source}.log: 3 changes, 2 pending; the last 3 bytes are torn"
    assert lines[1] == "    5  pending    unfinished  define  def step(): … (in flight when the process died)"
    assert lines[2] == "    8  undone     applied     remove  old"
    assert lines[3].endswith(r"x = '\x1b[2J\u202e<b>'")
    html = log._repr_html_()
    assert "<td><code>unfinished</code></td>" in html
    assert "&lt;b&gt;" in html
    assert "\x1b" not in html


def test_verify_is_true_of_an_intact_log(native, source):
    assert relive.log(source).verify()
    native.verify, native.problems = 4, ["line 7 was changed"]
    verdict = relive.log(source).verify()
    assert not verdict
    assert (verdict.code, verdict.problems) == (4, ("line 7 was changed",))


def test_without_a_session_logs_are_undone_and_folded_all_the_same(native, source):
    log = relive.log(str(source))
    assert not log.undo(5)
    fold = log.fold(dry_run=True)
    assert fold == Fold("-a\n+b\n", (5,), ((6, "conflict"),))
    assert repr(fold) == "folded 5; left 6 (conflict)\n-a\n+b"
    assert native.asked == [("undo", str(source), 5), ("fold", str(source), True)]


def test_in_a_session_its_engine_does_it(engine, native, source):
    assert relive.log(source).undo(5).version == 3
    relive.log(source).fold()
    assert engine.asked == [("undo", str(source), 5), ("fold", str(source), False)]


def test_a_log_is_named_by_module_or_path(native, source, monkeypatch):
    monkeypatch.syspath_prepend(str(source.parent))
    monkeypatch.chdir(source.parent)
    for target in (str(source), "heat.py", Path("heat.py"), "./heat.py", "heat", json):
        relive.log(target).verify()
    assert {asked for _, asked in native.asked[:-1]} == {str(source)}
    assert native.asked[-1] == ("read", json.__file__)
    relive.log("json").verify()
    assert native.asked[-1] == ("read", json.__file__)
    relive.log("heat.py.log").verify()
    assert native.asked[-1] == ("read", f"{source}.log")


@pytest.mark.parametrize("target", ["no_such_module", "sys", "no such", "json.no_such"])
def test_what_has_no_source_has_no_log(native, target):
    with pytest.raises(relive.ReliveError, match="source file"):
        relive.log(target)


def test_what_the_native_part_refuses_is_an_error_of_relives(native, source):
    native.problem = OSError("heat.py.log is not yours")
    with pytest.raises(relive.ReliveError, match=r"^heat\.py\.log is not yours$"):
        len(relive.log(source))


def test_a_patch_names_a_module_or_a_class_in_it(engine):
    relive.patch("bank", "def f(): ...")
    relive.patch("pkg.bank:Account.Inner", "def f(): ...")
    relive.patch(json, "def f(): ...")
    relive.patch(json.JSONDecoder, "\n    def f():\n        return 1\n    ")
    assert engine.asked == [
        ("patch", "bank", [], "def f(): ..."),
        ("patch", "pkg.bank", ["Account", "Inner"], "def f(): ..."),
        ("patch", "json", [], "def f(): ..."),
        ("patch", "json.decoder", ["JSONDecoder"], "\ndef f():\n    return 1\n"),
    ]


def test_a_class_of_a_function_cannot_be_patched(engine):
    class Local:
        pass

    with pytest.raises(relive.ReliveError, match="is defined in a function"):
        relive.patch(Local, "def f(): ...")


def test_a_patch_that_cannot_be_logged_is_an_error(engine):
    engine.problem = OSError("disk full")
    with pytest.raises(relive.ReliveError, match="disk full"):
        relive.patch("bank", "X = 1")


def test_patches_want_a_session(native):
    assert relive.session() is None
    with pytest.raises(relive.ReliveError, match=r"relive\.start\(\) starts one"):
        relive.patch("bank", "X = 1")
    with pytest.raises(relive.ReliveError, match=r"relive\.start\(\) starts one"), relive.transaction():
        pass


def test_a_transaction_is_committed_at_its_end_and_tells_what_it_did(engine):
    with relive.transaction() as transaction:
        relive.patch("bank", "X = 1")
        relive.patch("shop", "X = 2")
    assert transaction.report.version == 3
    assert [question[0] for question in engine.asked] == ["begin", "patch", "patch", "commit"]


def test_an_exception_takes_a_transaction_back(engine):
    def fail():
        with relive.transaction():
            relive.patch("bank", "X = 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [question[0] for question in engine.asked] == ["begin", "patch", "abort"]


def test_a_transaction_that_is_refused_is_an_error_at_its_end(engine, monkeypatch):
    item = dataclasses.asdict(relive.Item("bank:X", "attribute", "ZeroDivisionError: …", "bank.py", 1))
    monkeypatch.setattr(engine, "commit_transaction", lambda: REPORT | {"refused": [item]})
    with (
        pytest.raises(relive.ReliveError, match=r"nothing .* applied: bank:X \(ZeroDivisionError"),
        relive.transaction(),
    ):
        relive.patch("bank", "X = 1 / 0")


def test_text_of_a_log_cannot_do_anything_to_a_terminal():
    assert printable("a\tb\nc é 漢") == "a\tb\nc é 漢"
    assert printable("\x1b]0;x\x07 \u202e \u200b \ud800 \ufeff \x85") == (
        "\\x1b]0;x\\x07 \\u202e \\u200b \\ud800 \\ufeff \\x85"
    )


def test_magics_are_shown_as_they_were_typed():
    magic = "get_ipython().run_{}_magic({})".format
    assert first_line(magic("line", "'time', 'x = f(\\'a\\')'")) == "%time x = f('a')"
    assert first_line(magic("cell", "'patch', 'bank', 'def f(): ...\\nx = 1\\n'")) == "%%patch bank …"
    assert first_line(magic("line", "'pwd', ''")) == "%pwd"
    for other in (magic("line", "name, 'x'"), magic("line", "'x"), "get_ipython().system('ls')", "x = 1"):
        assert first_line(other) == other
