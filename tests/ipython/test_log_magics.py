"""The magics of the change log, over a native part that only answers."""

from dataclasses import dataclass, field

import pytest

import relive
from relive import _native, _recovery

REPORT = {
    "version": 3,
    "seconds": 0.0,
    "applied": [{"qualname": "bank:f", "kind": "function", "why": "added", "file": "bank.py", "line": 1}],
    "stale": [],
    "refused": [],
    "conflicts": [],
}


@dataclass
class Logs:
    """The logs of modules by the names of their files, and what was asked of the engine."""

    changes: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    left: dict[str, object] | None = None
    undone: set[str] = field(default_factory=set)
    settled: list[tuple[int, str]] = field(default_factory=list)

    def add(self, name, number, status="pending", **others):
        """Add a change."""
        known = {"at": f"2026-11-21T02:30:{number:02}Z", "session": "7f3c41", "kind": "define", "target": "f"}
        row = {"n": number, "txn": number, **known, "text": f"def f(): {number}", "outcome": "applied", "why": ""}
        self.changes.setdefault(name, []).append({**row, "status": status, **others})

    def read_log(self, path):
        name = path.rpartition("/")[2]
        known = {"intact": True, "tail": "clean", "problems": [], "verify": 0}
        return {"file": path, "log": f"{path}.log", "changes": self.changes.get(name, []), **known}

    def answer(self, name, result):
        """Return a method of the engine that notes what it was asked."""

        def method(*arguments):
            self.asked.append((name, *arguments))
            return result

        return method

    def prompt_recovery(self):
        return self.left

    def why_it_stays_away(self, source, namespace, is_named):
        return ("it was undone", False) if source in self.undone else None

    def replay_prompt(self, session, numbers):
        self.asked.append(("replay", session, numbers))
        assert self.left is not None
        yield from (change["text"] for change in self.left["changes"] if change["n"] in numbers)

    def settle_prompt(self, back, off, is_over):
        self.settled += [(number, "back") for number in back] + off


@pytest.fixture
def logs(project, prompt, recorder, monkeypatch):
    """The logs of the modules bank and shop, which are live."""
    project.save("bank.py", "X = 1\n")
    project.save("shop.py", "X = 1\n")
    prompt.get("import bank, shop as s")
    logs = Logs()
    monkeypatch.setattr(_native, "read_log", logs.read_log, raising=False)
    monkeypatch.setattr(_native, "merge_conflict", lambda path, number: "<<<<<<<\n" if number == 6 else None)
    monkeypatch.setattr(_native, "has_terminal", lambda: False)
    monkeypatch.setattr("builtins.input", lambda question: pytest.fail(f"asked {question}"))
    answers = {
        "undo": REPORT,
        "recover": REPORT,
        "resolve": REPORT,
        "patch": REPORT,
        "fold": {"diff": "+x\n", "numbers": [5], "left": []},
        "prompt_log": None,
    }
    for name, result in answers.items():
        setattr(recorder, name, logs.answer(name, result))
    recorder.prompt_recovery = logs.prompt_recovery
    recorder.replay_prompt = logs.replay_prompt
    recorder.why_it_stays_away = logs.why_it_stays_away
    recorder.settle_prompt = logs.settle_prompt
    return logs


def refused(prompt, line):
    """Return why a magic was refused, in the words that are shown."""
    cell = prompt.run(line)
    assert cell.error is not None
    return f"{cell.err}{cell.out}"


def test_changes_shows_the_log_of_a_module(prompt, logs):
    logs.add("bank.py", 5)
    assert prompt.get("%changes bank")[5].text == "def f(): 5"
    assert "5  pending" in prompt.run("%changes bank").out
    assert "no changes" in prompt.run("%changes s").out
    assert "no_module" in str(prompt.run("%changes no_module").error)


def test_changes_of_a_session_that_has_logged_nothing(prompt, logs):
    assert prompt.run("%changes").out == "this session has logged nothing yet\n"


def test_patch_is_a_change_of_the_module_that_the_cell_names(project, prompt, recorder, logs):
    report = prompt.get("%%patch s\ndef f():\n    return 1\n")
    assert report.applied[0].qualname == "bank:f"
    assert logs.asked == [("patch", "shop", [], "def f():\n    return 1\n")]
    prompt.get("%%patch bank:Account\ndef f(self): ...")
    assert logs.asked[-1] == ("patch", "bank", ["Account"], "def f(self): ...\n")
    assert recorder.cells[-1].startswith("get_ipython().run_cell_magic('patch'")
    assert "wants the name of a module" in refused(prompt, "%%patch\nx = 1")


def test_undo_takes_back_the_last_change_of_any_module(project, prompt, logs):
    logs.add("bank.py", 5)
    logs.add("shop.py", 7)
    logs.add("shop.py", 9, "undone")
    cell = prompt.run("%undo")
    assert cell.out.startswith("undoing shop 7: def f(): 7\n")
    assert logs.asked == [("undo", str(project.path("shop.py")), 7)]
    prompt.get("%undo bank")
    assert logs.asked[-1] == ("undo", str(project.path("bank.py")), 5)


def test_undo_of_a_number(project, prompt, logs):
    logs.add("bank.py", 5)
    logs.add("shop.py", 5)
    logs.add("shop.py", 7, "undone")
    prompt.get("%undo 7")
    prompt.get("%undo s 5")
    assert [question[1:] for question in logs.asked] == [(str(project.path("shop.py")), number) for number in (7, 5)]
    assert "bank, shop have a change 5 each: name the module" in refused(prompt, "%undo 5")
    assert "there is no change 6 in the log of any live module" in refused(prompt, "%undo 6")
    assert "there is no change 6 in the log of bank" in refused(prompt, "%undo bank 6")
    assert "'x' is no number" in refused(prompt, "%undo bank x")


def test_undo_of_nothing(prompt, logs):
    assert "there is no change that counts" in refused(prompt, "%undo")


def test_fold_writes_the_changes_or_shows_them(project, prompt, logs):
    assert "folded 5\n+x" in prompt.run("%fold bank").out
    prompt.get("%fold --dry-run bank")
    assert [question[1:] for question in logs.asked] == [(str(project.path("bank.py")), dry) for dry in (False, True)]
    assert "wants the name of one module" in refused(prompt, "%fold")


@pytest.mark.parametrize(
    ("choice", "on", "off"),
    [
        ("all", [5, 6, 8], []),
        ("none", [], [5, 6, 8]),
        ("-1", [5, 6], [8]),
        ("-9", [], [5, 6, 8]),
        ("5-6", [5, 6], [8]),
        ("5,7-9", [5, 8], [6]),
    ],
)
def test_recover_applies_the_changes_that_are_chosen(project, prompt, logs, choice, on, off):
    logs.add("bank.py", 4, "folded")
    logs.add("bank.py", 5)
    logs.add("bank.py", 6, "omitted")
    logs.add("bank.py", 7, kind="session")
    logs.add("bank.py", 8, "conflict")
    prompt.get(f"%recover bank {choice}")
    assert logs.asked == [("recover", str(project.path("bank.py")), on, off)]


def test_recover_merges_a_conflict(project, prompt, logs):
    logs.add("bank.py", 5, "conflict")
    assert prompt.get("%recover bank --merge 5")
    assert logs.asked == [("resolve", str(project.path("bank.py")), 5)]
    assert "have both changed the same lines" in refused(prompt, "%recover bank --merge 6")
    for line in ("%recover --merge 5", "%recover bank --merge", "%recover bank --merge five"):
        assert "wants the name of a module and the number of a change" in refused(prompt, line)
    assert len(logs.asked) == 1


@pytest.mark.parametrize(
    ("choice", "on", "off"), [("all", [5, 9], []), ("none", [], [5, 9]), ("-1", [5], [9]), ("5-7", [5, 6, 7], [9])]
)
def test_what_failed_is_only_recovered_if_it_is_named(project, prompt, logs, choice, on, off):
    """One patch that had failed was applied once more with all others, failed, and took them back with it."""
    logs.add("bank.py", 5)
    logs.add("bank.py", 6, "omitted", outcome="raised")
    logs.add("bank.py", 7, "omitted", outcome="refused")
    logs.add("bank.py", 9, "omitted", outcome="unfinished")
    prompt.get(f"%recover bank {choice}")
    assert logs.asked == [("recover", str(project.path("bank.py")), on, off)]


def test_recover_asks_which(project, prompt, logs, monkeypatch):
    logs.add("bank.py", 5)
    logs.add("bank.py", 6, "omitted", why="in flight when the process died")
    monkeypatch.setattr("builtins.input", lambda question: "5")
    cell = prompt.run("%recover bank")
    assert "6  omitted    applied     define  def f(): 6 (in flight when the process died)" in cell.out
    assert logs.asked == [("recover", str(project.path("bank.py")), [5], [6])]
    monkeypatch.setattr("builtins.input", lambda question: "")
    assert prompt.get("%recover bank") is None
    monkeypatch.setattr("builtins.input", lambda question: "most")
    assert "'most' is no choice" in refused(prompt, "%recover bank")
    assert len(logs.asked) == 1


def test_recover_refuses_what_is_no_choice(prompt, logs):
    logs.add("bank.py", 5)
    assert "'sum' is no choice" in refused(prompt, "%recover bank sum")
    assert "there is no change 6 to recover; there are 5" in refused(prompt, "%recover bank 6")
    assert prompt.run("%recover s").out == "s has no changes to recover\n"
    assert logs.asked == []


def left(*statements, auto=(), ask=(), off=()):
    """What a session left, its statements numbered from 1."""
    logs = Logs()
    for number, text in enumerate(statements, 1):
        logs.add("session", number, kind="eval", text=text)
    return {
        "session": "9be1",
        "died": "SIGSEGV",
        "changes": logs.changes["session"],
        "auto": list(auto),
        "ask": list(ask),
        "off": [list(each) for each in off],
        "suspects": [number for number, _ in off],
        "decided": [],
        "needs": [],
        "is_new": True,
    }


def test_recover_brings_back_the_statements_of_a_session_that_died(prompt, recorder, logs, monkeypatch):
    texts = ("x = 1", "def f(): return x", "y = f()", "boom()")
    logs.left = left(*texts, auto=[1, 2], ask=[3], off=[(4, "it was running when the process died")])
    questions = []
    monkeypatch.setattr("builtins.input", lambda question: questions.append(question) or "y")
    cell = prompt.run("%recover")
    assert "left off 4: boom() (it was running when the process died)\n" in cell.out
    assert cell.out.endswith("3 of 4 statements are back; %recover shows the rest\n")
    [question] = questions
    assert question.splitlines()[1:2] == ["    3  y = f()"]
    assert logs.asked == [("replay", "9be1", [1, 2, 3])]
    assert prompt.get("x, y, f()") == (1, 1, 1)
    assert recorder.cells[-4:-1] == list(texts[:3])


def test_statements_that_call_something_come_back_only_with_consent(prompt, recorder, logs, monkeypatch):
    logs.left = left("x = 1", "y = f()", auto=[1], ask=[2])
    monkeypatch.setattr("builtins.input", lambda question: "")
    prompt.run("%recover")
    assert logs.asked == [("replay", "9be1", [1])]
    assert logs.settled == [(2, "not wanted"), (1, "back")]


def test_what_somebody_has_left_off_is_shown_and_comes_back_when_it_is_wanted(prompt, recorder, logs):
    logs.left = left("x = 1", "crash()", off=[(1, "not wanted"), (2, "was running")])
    logs.left |= {"suspects": [2], "decided": [1, 2], "is_new": False}
    table = prompt.get("%recover")
    assert [change.text for change in table.changes] == ["x = 1", "crash()"]
    assert repr(table).startswith("2 statements left off before: %recover all, or a number, brings back\n")
    assert logs.asked == []
    cell = prompt.run("%recover all")
    assert cell.out == "1 of 2 statements are back; %recover shows the rest\n"
    assert logs.settled == [(1, "back")]


def test_what_was_undone_is_left_off(prompt, logs):
    logs.left = left("x = 1", "y = 2", auto=[1, 2])
    logs.undone.add("x = 1")
    out = prompt.run("%recover").out
    assert "1 is not back: x = 1 (it was undone)\n" in out
    assert "1 of 2 statements are back" in out
    assert prompt.get("'x' in globals(), y") == (False, 2)


def test_a_machine_that_was_restarted_is_told_of():
    logs = Logs(left={**left("x = 1", auto=[1]), "died": "unknown", "restarted": True})
    found = _recovery.find(logs)
    assert found is not None
    told = found.headline()
    assert told.startswith("the last session here ended without a word, and the machine was restarted since; 1 ")


def test_errors_of_a_recovery_are_collected(prompt, recorder, logs):
    logs.left = left("x = 1 / 0", "raise SystemExit(3)", "z = 3", auto=[1, 2, 3])
    cell = prompt.run("%recover")
    assert cell.out.splitlines() == [
        "1 is not back: x = 1 / 0 raised ZeroDivisionError: division by zero",
        "2 is not back: raise SystemExit(3) raised SystemExit: 3",
        "1 of 3 statements are back; %recover shows the rest",
    ]
    assert [event[0] for event in recorder.events[-6:]] == ["log", "failed", "log", "failed", "log", "done"]


def test_a_choice_needs_no_consent_and_a_suspect_comes_back_only_by_its_number(prompt, logs):
    logs.left = left("x = 1", "y = str(2)", "z = 3", auto=[1], ask=[2], off=[(3, "it was running")])
    for choice in ("all", "-1", "1-3", "none"):
        prompt.run(f"%recover {choice}")
    assert [question[2] for question in logs.asked] == [[1, 2], [1], [1, 2, 3], []]


def test_recovery_without_a_session_that_died(prompt, logs):
    assert prompt.run("%recover").out == "no session at a prompt here has died and left anything\n"


def test_a_recovered_function_has_its_source_and_future_imports_go_on(prompt, recorder, logs):
    logs.left = left("from __future__ import annotations", "def f(a: no_such): return a", auto=[1, 2])
    prompt.run("%recover")
    assert prompt.get("f.__annotations__") == {"a": "no_such"}
    assert prompt.get("import inspect; inspect.getsource(f)") == "def f(a: no_such): return a\n"
    assert prompt.get("def g(a: no_such): return a\ng.__annotations__") == {"a": "no_such"}


def test_an_interrupted_recovery_stops(prompt, recorder, logs):
    logs.left = left("x = 1", "import os; os.kill(os.getpid(), 2)", "z = 3", auto=[1, 2, 3])
    cell = prompt.run("%recover")
    assert cell.out.splitlines()[-2:] == [
        "interrupted: %recover goes on with what is not back",
        "1 of 3 statements are back; %recover shows the rest",
    ]
    assert logs.settled == [(1, "back")]
    assert recorder.events[-1] == ("failed", recorder._number, "KeyboardInterrupt")
    assert "z" not in prompt.shell.user_ns


def test_loading_tells_that_the_last_session_died(prompt, recorder, logs):
    logs.left = left("x = 1", auto=[1])
    prompt.run("%unload_ext relive")
    session = relive.start(".", auto=False)
    session._engine = recorder
    told = prompt.run("%load_ext relive").out
    assert told.startswith("relive: the last session here died: SIGSEGV; 1 statement of it can come back; %recover ")


def test_what_is_refused_is_told_in_one_line(project, prompt):
    project.save("shop.py", "X = 1\n")
    prompt.get("%relive patch")
    cell = prompt.run("%%patch shop\nX = 2")
    told = "UsageError: shop is not imported yet, so there is nothing to patch; import it first"
    assert [line for line in f"{cell.out}{cell.err}".splitlines() if line] == [told]
    prompt.get("import shop")
    prompt.get("%%patch shop\nX = 2")
    assert prompt.get("shop.X") == 2


@pytest.mark.parametrize("line", ["%fold nomod", "%undo zzz", "%undo zzz 3", "%changes nomod", "%recover bank 99"])
def test_names_and_numbers_that_are_not_there_are_told_in_one_line(prompt, logs, line):
    logs.add("bank.py", 5)
    shown = refused(prompt, line)
    assert shown.startswith("UsageError: "), shown
    assert len(shown.splitlines()) == 1, shown
