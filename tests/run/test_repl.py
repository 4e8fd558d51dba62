"""``relive repl`` in a terminal: what is typed is live and logged, and comes back after a crash."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import Terminal

QUESTION = "[y/N] "


class Prompt:
    """A prompt in a terminal."""

    def __init__(self, terminal: Terminal, shell: str) -> None:
        self.terminal = terminal
        self._shell = shell
        self._count = 0

    def ready(self) -> str:
        """Wait for the prompt, and return what was shown before it."""
        self._count += 1
        return self.terminal.wait_for(f"In [{self._count}]: " if self._shell == "IPython" else ">>> ")

    def type(self, line: str) -> str:
        """Type a statement of one line, and return what is shown up to the next prompt."""
        self.terminal.send(line)
        return self.ready()

    def define(self, line: str) -> None:
        """Type a definition of one line, which at the standard prompt a line without anything ends."""
        if self._shell == "IPython":
            self.type(line)
        else:
            self.terminal.type(line, "... ")
            self.type("")

    def value(self, expression: str) -> str:
        """Return what an expression is shown as."""
        shown = self.type(f"print('value', 'is', repr(({expression})))")
        assert "value is " in shown, shown
        return shown.rpartition("value is ")[2].splitlines()[0]

    def answer(self, word: str) -> str:
        """Answer a question, and return what is shown up to the prompt."""
        self.terminal.send(word)
        return self.ready()

    def die(self, line: str) -> int:
        """Type what ends the process, and return how it ended."""
        self.terminal.send(line)
        return self.terminal.end()


class Repl:
    """Starts ``relive repl`` in a directory of its own, with one of the two prompts."""

    def __init__(self, place, shell: str, open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
        self.place = place
        self.shell = shell
        self._open = open_terminal
        own = {
            "HOME": str(tmp_path),
            "TERM": "dumb",
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "IPY_TEST_SIMPLE_PROMPT": "1",
        }
        self.environment = {**place.environment, **own, "PYTHONDONTWRITEBYTECODE": "1"}
        del self.environment["PYTHONWARNINGS"]
        if shell != "IPython":
            hiding = tmp_path / "hiding"
            hiding.mkdir()
            (hiding / "sitecustomize.py").write_text("import sys\nsys.modules['IPython'] = None\n")
            self.environment["PYTHONPATH"] = str(hiding)

    def open(self, *arguments: str) -> Prompt:
        """Start the program, which may ask something before its prompt."""
        command = [self.place.command, "repl", *arguments]
        return Prompt(self._open(command, self.environment, self.place.directory), self.shell)

    def start(self, *arguments: str) -> Prompt:
        """Start the program and wait for its prompt."""
        prompt = self.open(*arguments)
        prompt.shown = prompt.ready()
        return prompt

    def pending(self, file: str) -> list[str]:
        """Return the targets of the changes that a file does not have."""
        listed = json.loads(self.place.relive("log", file, "--json").stdout)
        return [change["target"] for change in listed["changes"]]


@pytest.fixture(params=["IPython", "standard prompt"])
def repl(request, place, open_terminal, tmp_path) -> Iterator[Repl]:
    """``relive repl`` with IPython, and where that is not installed."""
    place.write("bank.py", "RATE = 2\nLIMITS = {}\n\n\ndef deposit(amount):\n    return amount + RATE\n")
    return Repl(place, request.param, open_terminal, tmp_path)


def test_a_statement_sees_what_was_saved_before_it(repl):
    prompt = repl.start()
    prompt.type("import bank")
    assert prompt.value("bank.deposit(1)") == "3"
    repl.place.edit("bank.py", "amount + RATE", "amount - RATE")
    assert prompt.value("bank.deposit(1)") == "-1"
    repl.place.edit("bank.py", "deposit(amount):", "deposit(amount:")
    assert "syntax error" in prompt.type("x = 1")
    assert prompt.value("bank.deposit(1)") == "-1"
    assert prompt.die("exit()") == 0


def test_a_script_runs_first_and_its_names_are_the_prompts(repl):
    repl.place.write(
        "app.py", "import sys\nLEVEL = 3\nprint(sys.argv, __name__)\n\n\ndef up():\n    return LEVEL + 1\n"
    )
    prompt = repl.start("-i", "app.py")
    assert "['app.py'] __main__" in prompt.shown
    assert prompt.value("up()") == "4"
    repl.place.edit("app.py", "LEVEL + 1", "LEVEL + 10")
    assert prompt.value("up()") == "13"
    assert prompt.value("__import__('__main__').__dict__ is globals()") == "True"
    assert prompt.value("__file__").endswith("app.py'")


def test_a_script_that_raises_leaves_its_names_all_the_same(repl):
    repl.place.write("app.py", "LEVEL = 3\n\n\ndef fail():\n    raise ValueError('no')\n\n\nfail()\n")
    prompt = repl.start("-i", "app.py")
    frames = [line for line in prompt.shown.splitlines() if line.startswith("  File")]
    assert [frame.partition("place/")[2] for frame in frames] == [
        'app.py", line 8, in <module>',
        'app.py", line 5, in fail',
    ]
    assert "ValueError: no" in prompt.shown
    assert prompt.value("LEVEL") == "3"


def test_what_is_typed_with_a_script_becomes_the_scripts_own(repl):
    """It stood in the session's log only, so that no fold could write it into the script."""
    repl.place.write("app.py", "LEVEL = 3\nSEEN = []\n\n\ndef up():\n    return LEVEL + 1\n")
    prompt = repl.start("-i", "app.py")
    prompt.type("import relive; was = up")
    prompt.define("def up(): return LEVEL * 100")
    prompt.type("LEVEL = 5")
    prompt.type("SEEN.append(LEVEL)")
    prompt.define("def own(): return 'not of the script'")
    assert prompt.value("up(), up is was, was()") == "(500, True, 500)"
    prompt.die("import os; os.abort()")
    assert repl.pending("app.py") == ["up", "LEVEL", "SEEN"]

    prompt = repl.open("-i", "app.py")
    assert "SEEN.append(LEVEL)" in prompt.terminal.wait_for(QUESTION)
    prompt.answer("y")
    assert prompt.value("up(), LEVEL, SEEN, own()") == "(500, 5, [5], 'not of the script')"
    prompt.die("exit()")
    assert repl.pending("app.py") == ["up", "LEVEL", "SEEN"]
    assert repl.place.relive("fold", "app.py").returncode == 0
    text = (repl.place.directory / "app.py").read_text()
    assert text == "LEVEL = 5\nSEEN = []\n\n\ndef up(): return LEVEL * 100\n"


def test_what_is_typed_with_a_script_and_needs_more_than_the_script_is_not_folded(repl):
    """A fold wrote `up` and `LEVEL` into a script that has no `helper` and no `base`, and said nothing."""
    text = "LEVEL = 3\n\n\ndef up():\n    return LEVEL + 1\n"
    repl.place.write("app.py", text)
    prompt = repl.start("-i", "app.py")
    prompt.define("def helper(): return LEVEL * 100")
    prompt.define("def up(): return helper()")
    prompt.type("base = 5")
    prompt.type("LEVEL = base")
    assert prompt.value("up()") == "500"
    prompt.die("import os; os.abort()")
    folded = repl.place.relive("fold", "app.py")
    assert folded.stderr.count("it names things of the prompt") == 2
    assert (repl.place.directory / "app.py").read_text() == text
    assert repl.place.relive("run", "--replay", "all", "app.py").returncode == 0

    prompt = repl.open("-i", "app.py")
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("n")
    assert prompt.value("up()") == "500"
    prompt.define("def up(): return LEVEL")
    assert prompt.value("up()") == "5"
    prompt.die("exit()")
    repl.place.relive("fold", "app.py")
    assert (repl.place.directory / "app.py").read_text() == "LEVEL = 3\n\n\ndef up(): return LEVEL\n"


def test_what_was_typed_with_one_script_does_not_come_back_with_another(repl):
    """Sessions were known by their directory alone."""
    repl.place.write("app.py", "LEVEL = 3\n")
    repl.place.write("other.py", "LEVEL = 4\n")
    repl.start("-i", "app.py").die("mine = 1; import os; os.abort()")
    assert "last session" not in repl.start("-i", "other.py").shown
    assert "last session" not in repl.start().shown
    assert "last session" in repl.start("-i", "app.py").shown


@pytest.mark.parametrize(
    ("line", "signal_number", "died"),
    [
        ("os.abort()", signal.SIGABRT, "died: Aborted"),
        ("ctypes.string_at(0)", signal.SIGSEGV, "died: Segmentation fault"),
        ("os.kill(os.getpid(), 9)", signal.SIGKILL, "ended without a word"),
    ],
)
def test_what_was_typed_comes_back_after_a_crash_without_what_crashed(repl, line, signal_number, died):
    prompt = repl.start()
    prompt.type("import bank, ctypes, os")
    prompt.type("base = 4")
    prompt.type("total = bank.deposit(base)")
    prompt.type("bank.LIMITS['daily'] = base")
    prompt.type("broken = 1 / 0")
    prompt.type("base")
    assert prompt.die(line) == -signal_number

    prompt = repl.open()
    asked = prompt.terminal.wait_for(QUESTION)
    assert f"relive: the last session here {died}; " in asked
    assert re.search(rf"left off \d+: {re.escape(line)} \(", asked)
    listed = [each for each in asked.splitlines() if each.startswith("   ")]
    assert [each.split(maxsplit=1)[1] for each in listed] == ["total = bank.deposit(base)"]
    assert "4 of 5 statements are back" in prompt.answer("y")
    assert prompt.value("base, total, bank.LIMITS, 'broken' in globals()") == "(4, 6, {'daily': 4}, False)"

    prompt.die("exit()")
    assert "last session" not in repl.start().shown


def test_what_calls_something_does_not_come_back_without_consent(repl):
    prompt = repl.start()
    prompt.type("base = 4")
    prompt.type("word = str(base)")
    prompt.terminal.process.kill()
    prompt.terminal.end()

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    assert "1 of 2 statements are back" in prompt.answer("n")
    assert prompt.value("base, 'word' in globals()") == "(4, False)"


def test_definitions_come_back_in_their_last_version(repl):
    prompt = repl.start()
    prompt.define("def double(n): return n + n")
    prompt.define("def double(n): return 2 * n")
    prompt.type("four = double(2)")
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("y")
    assert prompt.value("four, double(3)") == "(4, 6)"
    assert prompt.value("__import__('inspect').getsource(double)") == repr("def double(n): return 2 * n\n")


def test_of_a_cell_that_raised_comes_back_what_it_had_done(repl):
    prompt = repl.start()
    prompt.type("one = 1; two = 1 / 0; three = 3")
    prompt.die("import os; os.abort()")
    prompt = repl.start()
    assert "is not back" not in prompt.shown
    assert prompt.value("one, 'two' in globals(), 'three' in globals()") == "(1, False, False)"


def test_a_module_comes_back_with_its_changes_which_are_folded_once(repl):
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("bank.RATE = 5")
    prompt.type("bank.LIMITS['daily'] = bank.RATE * 2")
    prompt.type("bank.LIMITS.update(weekly=20)")
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    asked = prompt.terminal.wait_for(QUESTION)
    assert "bank.LIMITS.update(weekly=20)" in asked
    prompt.answer("y")
    assert prompt.value("bank.deposit(3), bank.LIMITS") == "(8, {'daily': 10, 'weekly': 20})"
    assert "folded" in prompt.type("relive.log('bank').fold()")
    assert prompt.value("bank.deposit(3), bank.LIMITS") == "(8, {'daily': 10, 'weekly': 20})"
    assert prompt.die("exit()") == 0
    text = (repl.place.directory / "bank.py").read_text()
    assert text.startswith("RATE = 5\nLIMITS = {}\n")

    prompt = repl.start()
    assert "bank.py.log has 2 changes that are not in bank.py" in prompt.type("import bank, relive")
    assert prompt.value("bank.RATE, bank.LIMITS") == "(5, {})"
    prompt.type("log = relive.log('bank'); log.recover([change.n for change in log.pending], [])")
    assert prompt.value("bank.RATE, bank.LIMITS") == "(5, {'daily': 10, 'weekly': 20})"


def test_a_definition_assigned_into_a_module_becomes_the_modules_own(repl):
    repl.place.write("app.py", "class Account:\n    LIMIT = 7\n    def limit(self): return 1\n")
    prompt = repl.start()
    prompt.type("import bank, app, relive")
    prompt.type("was = bank.deposit")
    prompt.define("def deposit(amount): return amount * RATE")
    assert "bank:deposit" in prompt.type("bank.deposit = deposit")
    assert prompt.value("bank.deposit(3), was(3), bank.deposit is was") == "(6, 6, True)"
    prompt.define("def limit(self): return self.LIMIT")
    prompt.type("app.Account.limit = limit")
    assert prompt.value("app.Account().limit(), app.Account.limit.__module__") == "(7, 'app')"
    prompt.define("def fresh(): return RATE")
    prompt.type("bank.fresh = fresh")
    assert prompt.value("bank.fresh(), bank.fresh.__module__") == "(2, 'bank')"
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("n")
    assert prompt.value("bank.deposit(3), app.Account().limit(), bank.fresh()") == "(6, 7, 2)"
    prompt.type("relive.log('bank').fold(); relive.log('app').fold()")
    assert "def limit(self): return self.LIMIT" in (repl.place.directory / "app.py").read_text()
    text = (repl.place.directory / "bank.py").read_text()
    assert text.endswith("def deposit(amount): return amount * RATE\n\n\ndef fresh(): return RATE\n")
    assert prompt.value("bank.deposit(3), app.Account().limit(), bank.fresh()") == "(6, 7, 2)"


def test_what_a_cell_patched_comes_back_with_the_cell(repl):
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("relive.patch('bank', 'def deposit(amount):\\n    return amount * RATE')")
    assert prompt.value("bank.deposit(3)") == "6"
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    assert "not in bank.py" not in prompt.answer("y")
    assert prompt.value("bank.deposit(3)") == "6"
    prompt.type("relive.log('bank').fold()")
    assert prompt.value("len(relive.log('bank').pending)") == "0"
    assert prompt.value("bank.deposit(3)") == "6"
    assert (repl.place.directory / "bank.py").read_text().count("def deposit") == 1


def test_state_that_was_undone_does_not_come_back_with_its_cell(repl):
    """The cell was executed again, and with it what had been taken back."""
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("bank.RATE = 9")
    prompt.type("bank.A = 1; bank.B = 2")
    prompt.type("log = relive.log('bank')")
    prompt.type("rate, a, b = log.pending; log.undo(rate.n), log.undo(b.n)")
    prompt.die("import os; os.abort()")
    left_off = ["bank.RATE = 9 (it was undone)", "bank.B = 2 (it was undone)"]
    # What was left off once is not told of again.
    for told in (left_off, []):
        prompt = repl.open()
        prompt.terminal.wait_for(QUESTION)
        shown = prompt.answer("n")
        assert [each for each in left_off if each in shown] == told
        assert shown.count("(it was undone)") == len(told)
        assert prompt.value("bank.RATE, bank.A, hasattr(bank, 'B')") == "(2, 1, False)"
        prompt.type("word = str(7)")
        prompt.die("import os; os.abort()")


def test_what_was_undone_does_not_come_back_where_nothing_else_is_pending(repl):
    """Then nobody had looked at the module's log, and the cell came back as though nothing had been undone."""
    prompt = repl.start()
    prompt.type("import bank, os")
    prompt.type("bank.RATE = 5")
    assert repl.place.relive("undo", "bank.py", "2").returncode == 0
    prompt.die("os.kill(os.getpid(), 9)")
    prompt = repl.start()
    assert "bank.RATE = 5 (it was undone)" in prompt.shown
    assert prompt.value("bank.RATE") == "2"
    assert repl.pending("bank.py") == []


def test_what_was_declined_is_left_off_in_a_directory_of_any_name(repl):
    """The session's log named the file in text that has no bytes but UTF-8, and so another file, which is not there."""
    bank = repl.place.directory / "bank.py"
    repl.place.directory = Path(os.fsdecode(os.fsencode(repl.place.directory) + b"/\xff bad"))
    repl.place.directory.mkdir()
    bank.rename(repl.place.directory / "bank.py")
    prompt = repl.start()
    prompt.type("import bank, os")
    prompt.type("bank.LIMITS.update(a=1)")
    assert repl.pending("bank.py") == ["LIMITS"]
    prompt.die("os.kill(os.getpid(), 9)")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("n")
    assert repl.pending("bank.py") == []


def test_what_the_file_contradicts_by_now_does_not_come_back(repl):
    """It came back as a change of what had been saved since, and a fold wrote over that."""
    prompt = repl.start()
    prompt.type("import bank, os")
    prompt.define("def mine(amount): return 1")
    prompt.type("bank.deposit = mine")
    prompt.die("os.kill(os.getpid(), 9)")
    repl.place.edit("bank.py", "return amount + RATE", "return 9  # edited with care")
    saved = (repl.place.directory / "bank.py").read_text()
    prompt = repl.start()
    assert "bank.deposit = mine (the file says something else by now)" in prompt.shown
    assert prompt.value("bank.deposit(3), mine(3)") == "(9, 1)"
    prompt.die("exit()")
    repl.place.relive("fold", "bank.py")
    assert (repl.place.directory / "bank.py").read_text() == saved


def test_what_was_folded_does_not_come_back(repl):
    prompt = repl.start()
    prompt.type("import bank, os, relive")
    prompt.type("bank.RATE = 5")
    prompt.define("def mine(amount): return 1")
    prompt.type("bank.deposit = mine")
    assert "folded" in prompt.type("relive.log('bank').fold()")
    prompt.die("os.kill(os.getpid(), 9)")
    repl.place.edit("bank.py", "return 1", "return 9")
    repl.place.edit("bank.py", "RATE = 5", "RATE = 6")
    prompt = repl.open()
    # Whether the fold is to be made again.
    prompt.terminal.wait_for(QUESTION)
    assert "bank.RATE = 5 (it was written into the file)" in prompt.answer("n")
    assert prompt.value("bank.deposit(3), bank.RATE") == "(9, 6)"
    assert repl.pending("bank.py") == []


def test_the_policy_may_be_given(repl):
    prompt = repl.start()
    prompt.type("base = 4")
    prompt.type("word = str(base)")
    prompt.die("import os; os.abort()")
    prompt = repl.start("--replay", "none")
    assert "nothing is brought back, as asked" in prompt.shown
    assert prompt.value("'base' in globals()") == "False"
    prompt.die("import os; os.abort()")


def test_all_may_come_back_without_a_question(repl):
    prompt = repl.start()
    prompt.type("base = 4")
    prompt.type("word = str(base)")
    prompt.die("import os; os.abort()")
    prompt = repl.start("--replay", "all")
    assert prompt.value("word") == "'4'"


def test_what_raises_now_is_told_in_one_line_and_the_rest_comes_back(repl):
    data = repl.place.write("data.txt", "7\n")
    prompt = repl.start()
    prompt.type("text = open('data.txt').read()")
    prompt.type("number = int(text)")
    prompt.type("base = 4")
    prompt.die("import os; os.abort()")
    data.unlink()

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    shown = prompt.answer("y")
    told = [line for line in shown.splitlines() if "is not back" in line]
    assert len(told) == 2
    assert "1 is not back: text = open('data.txt').read() raised FileNotFoundError" in told[0]
    assert "2 is not back: number = int(text) (needs 1, which is not back)" in told[1]
    assert "Traceback" not in shown
    assert prompt.value("base") == "4"


def test_a_statement_that_crashes_when_it_is_replayed_is_left_off_the_next_time(repl):
    prompt = repl.start()
    prompt.type("import os")
    prompt.type("base = 4")
    prompt.type("os.path.exists('trap') and os.abort()")
    prompt.type("word = str(base)")
    prompt.terminal.process.kill()
    prompt.terminal.end()
    repl.place.write("trap", "")

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    assert prompt.die("y") == -signal.SIGABRT

    prompt = repl.open()
    asked = prompt.terminal.wait_for(QUESTION)
    assert "os.path.exists('trap') and os.abort() (" in asked.partition("these statements")[0]
    prompt.answer("y")
    assert prompt.value("base, word") == "(4, '4')"


def test_a_statement_that_cannot_be_logged_does_not_run(repl):
    home = Path(repl.environment["RELIVE_HOME"])
    prompt = repl.start()
    prompt.type("base = 4")
    os.rename(home, f"{home}.away")
    home.write_text("not a directory")
    assert "cannot be logged" in prompt.type("base = 5")
    assert "ran it" not in prompt.type("print('ran', 'it')")
    home.unlink()
    os.rename(f"{home}.away", home)
    assert prompt.value("base") == "4"


def test_without_a_terminal_nothing_comes_back_by_itself(repl):
    prompt = repl.start()
    prompt.type("base = 4")
    prompt.die("import os; os.abort()")
    repl.place.environment = repl.environment
    done = repl.place.relive("repl", input="print('base' in globals())\n")
    assert "nothing is brought back without a terminal" in done.stderr
    assert "False" in done.stdout


def test_a_python_of_its_own_is_what_runs(repl):
    assert repl.start().value("__import__('sys').executable") == repr(sys.executable)


def test_a_prompt_answers_other_programs(repl):
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("relive.patch('bank', 'def deposit(amount):\\n    return 7')")

    def relive(*words: str) -> str:
        command = [repl.place.command, *words]
        done = subprocess.run(command, cwd=repl.place.directory, env=repl.environment, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout

    assert f"a prompt (process {prompt.terminal.process.pid})\n" in relive("status")
    # A saved edit waits for the next cell all the same.
    repl.place.write("bank.py", (repl.place.directory / "bank.py").read_text().replace("RATE = 2", "RATE = 3"))
    assert "module bank version 1 (bank.py)" in relive("status")
    assert prompt.value("bank.deposit(1), bank.RATE") == "(7, 3)"
    assert relive("undo", "bank.py", "2") == "done; live: bank:deposit\n"
    assert prompt.value("bank.deposit(1)") == "4"
    if repl.shell != "IPython":
        # A statement is executed by the main thread, which waits for a line.
        prompt.type("relive.patch('bank', 'RATE = 8')")
        [patched] = json.loads(relive("log", "bank.py", "--json"))["changes"]
        assert "done; live: bank:RATE" in relive("undo", "bank.py", str(patched["n"]))
        assert prompt.value("bank.RATE") == "3"
    prompt.type("import subprocess; subprocess.run(['true'])")
    prompt.terminal.send("exit()")
    prompt.terminal.end()
    gone = subprocess.run([repl.place.command, "status"], cwd=repl.place.directory, env=repl.environment)
    assert gone.returncode == 1


@pytest.mark.parametrize("answer", ["", "n", "interrupt"])
def test_what_was_not_wanted_can_be_had_later(repl, answer):
    """One Enter at the question, and the calls were gone: no later start offered them, no command took them."""
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("account = bank.deposit(1)")
    prompt.type("again = account + len('one')")
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    if answer == "interrupt":
        prompt.terminal.process.send_signal(signal.SIGINT)
    else:
        prompt.terminal.send(answer)
    shown = prompt.ready()
    assert "2 of 5 statements are back" in shown
    shown = prompt.type("%recover")
    assert "account = bank.deposit(1) (not wanted)" in shown
    assert "os.abort() (was running when the session died (Aborted))" in shown
    assert "1 of 3 statements are back" in prompt.type("%recover 2")
    assert prompt.value("account, 'again' in globals()") == "(3, False)"
    prompt.die("exit()")

    prompt = repl.start()
    assert "relive:" not in prompt.shown
    assert "no change 2 to recover; there are 3, 5" in prompt.type("%recover 2")
    prompt.type("account = 30")
    assert "1 of 2 statements are back" in prompt.type("%recover all")
    assert prompt.value("again") == "33"
    prompt.die("import os; os.abort()")

    shown = repl.open().terminal.wait_for(QUESTION)
    listed = [each.split(maxsplit=1)[1] for each in shown.splitlines() if each.startswith("   ")]
    assert [each for each in listed if not each.startswith("print")] == ["again = account + len('one')"]


def test_what_was_left_off_is_still_there_after_another_crash(repl):
    prompt = repl.start()
    prompt.type("one = str(1)")
    prompt.type("two = str(2)")
    prompt.die("import os; os.abort()")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("2")
    assert prompt.value("'one' in globals(), two") == "(False, '2')"
    prompt.die("import os; os.abort()")

    prompt = repl.open()
    shown = prompt.terminal.wait_for(QUESTION)
    assert "two = str(2)" in shown
    assert "one = str(1)" not in shown
    assert "4 statements of it can come back, 2 statements left off before" in shown
    prompt.answer("y")
    prompt.type("%recover 1")
    assert prompt.value("one, two") == "('1', '2')"


def test_what_does_not_come_back_does_not_count_in_the_modules_log_either(repl):
    """The assignment was made anew behind the clear, which had not come back: the next program saw no limits."""
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("bank.LIMITS['d'] = 5")
    prompt.type("bank.LIMITS.clear()")
    prompt.die("import os; os.abort()")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.answer("n")
    assert prompt.value("bank.LIMITS") == "{'d': 5}"
    prompt.die("exit()")
    program = repl.place.write("program.py", "import bank\nprint(bank.LIMITS)\n")
    assert repl.place.relive("run", "--replay", "all", program.name).stdout == "{'d': 5}\n"

    prompt = repl.start()
    prompt.type("import relive; relive.log('bank').changes")
    prompt.die("exit()")
    prompt = repl.start("--replay", "all")
    prompt.type("import bank")
    assert prompt.value("bank.LIMITS") == "{'d': 5}"
    prompt.type("%recover all")
    assert prompt.value("bank.LIMITS") == "{}"
    prompt.die("exit()")
    assert repl.place.relive("run", "--replay", "all", program.name).stdout == "{}\n"


def test_what_has_never_been_executed_does_not_come_back(repl):
    """Behind a statement that raised, and is not logged itself since it changes nothing, all was executed at last."""
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("one = 1; 1 / 0; two = 2")
    prompt.type("three = 3; raise ValueError; bank.LIMITS['q'] = 1")
    prompt.type("four = 4; five = int('five'); six = 6")
    prompt.die("import os; os.abort()")
    prompt = repl.start()
    assert "left off 5: five = int('five') (raised ValueError: " in prompt.shown
    names = "sorted({'one', 'two', 'three', 'four', 'five', 'six'} & {*globals()})"
    assert prompt.value(f"{names}, bank.LIMITS") == "(['four', 'one', 'three'], {})"


def test_what_stands_before_the_crash_in_its_cell_comes_back(repl):
    prompt = repl.start()
    prompt.die("kept = 5; import ctypes; ctypes.string_at(0); after = 6")
    prompt = repl.start()
    assert "left off 3: ctypes.string_at(0) (was running when the session died (Segmentation fault))" in prompt.shown
    assert "left off 4: after = 6 (stood behind what was running" in prompt.shown
    assert prompt.value("kept, ctypes.__name__, 'after' in globals()") == "(5, 'ctypes', False)"
    prompt.type("%recover 4")
    assert prompt.value("after") == "6"


def test_a_recovery_that_is_killed_goes_on(repl):
    """What was being replayed was taken for the culprit, and all the rest, which needed it, was lost."""
    slow = "import os, time\nif os.path.exists('slow'): print('importing', flush=True); time.sleep(60)\n"
    repl.place.write("bank.py", slow + "LIMITS = {}\n")
    prompt = repl.start()
    prompt.type("first = 1")
    prompt.type("import bank")
    prompt.type("limits = bank.LIMITS")
    prompt.type("number = str(limits)")
    prompt.terminal.process.kill()
    prompt.terminal.end()
    trap = repl.place.write("slow", "")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.terminal.send("y")
    prompt.terminal.wait_for("importing")
    prompt.terminal.process.kill()
    prompt.terminal.end()
    trap.unlink()

    prompt = repl.open()
    assert "left off 2: import bank (was running when the session died)" in prompt.terminal.wait_for(QUESTION)
    shown = prompt.answer("y")
    assert "3 is not back: limits = bank.LIMITS (needs 2, which is not back)" in shown
    assert "4 is not back: number = str(limits) (needs 3, which is not back)" in shown
    assert "1 of 4 statements are back; %recover shows the rest" in shown
    prompt.die("import os; os.abort()")

    prompt = repl.start()
    shown = prompt.type("%recover all")
    assert "3 of " in shown
    assert prompt.value("first, limits, number") == "(1, {}, '{}')"
    prompt.die("exit()")


@pytest.mark.parametrize("then", ["at once", "at the next start", "after another crash"])
def test_a_recovery_that_is_interrupted_can_be_had_again(repl, then):
    """One Ctrl-C at an import that took long, and all behind it was left off, as though somebody had said so."""
    slow = "import os, time\nif os.path.exists('slow'): print('importing', flush=True); time.sleep(60)\n"
    repl.place.write("bank.py", slow + "LIMITS = {}\n")
    prompt = repl.start()
    prompt.type("first = 1")
    prompt.type("import bank")
    prompt.type("bank.LIMITS['a'] = first")
    prompt.type("number = str(bank.LIMITS)")
    prompt.terminal.process.kill()
    prompt.terminal.end()
    trap = repl.place.write("slow", "")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    prompt.terminal.send("y")
    prompt.terminal.wait_for("importing")
    prompt.terminal.process.send_signal(signal.SIGINT)
    shown = prompt.ready()
    assert "interrupted: %recover goes on with what is not back" in shown
    assert "1 of 4 statements are back" in shown
    trap.unlink()
    if then == "at once":
        prompt.terminal.send("%recover")
    else:
        prompt.die("exit()" if then == "at the next start" else "import os; os.abort()")
        prompt = repl.open()
    assert "number = str(bank.LIMITS)" in prompt.terminal.wait_for(QUESTION)
    assert "not back" not in prompt.answer("y")
    assert prompt.value("first, number, bank.LIMITS") == "(1, \"{'a': 1}\", {'a': 1})"
    prompt.die("exit()")
    assert repl.pending("bank.py") == ["LIMITS"]


def test_what_a_module_has_replayed_by_itself_is_not_done_twice(repl):
    """The module was imported before anything was brought back."""
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("bank.LIMITS.setdefault('n', []).append(1)")
    prompt.type("kept = 5")
    prompt.die("import os; os.abort()")
    prompt = repl.start("--replay", "none")
    prompt.type("import relive, bank; log = relive.log('bank')")
    prompt.type("log.recover([change.n for change in log.pending], [])")
    assert prompt.value("bank.LIMITS") == "{'n': [1]}"
    prompt.type("%recover all")
    assert prompt.value("bank.LIMITS, kept") == "({'n': [1]}, 5)"
    prompt.die("exit()")
    program = repl.place.write("program.py", "import bank\nprint(bank.LIMITS)\n")
    assert repl.place.relive("run", "--replay", "all", program.name).stdout == "{'n': [1]}\n"


def test_what_a_command_left_off_does_not_come_back_with_its_cell(repl):
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("bank.LIMITS['a'] = 1")
    prompt.type("bank.RATE = 7")
    prompt.die("import os; os.abort()")
    repl.place.relive("recover", "bank.py", "--drop-last", "1")
    prompt = repl.start()
    assert "3 is not back: bank.RATE = 7 (you left it off)" in prompt.shown
    assert prompt.value("bank.LIMITS, bank.RATE") == "({'a': 1}, 2)"
    prompt.type("%recover 3")
    assert prompt.value("bank.RATE") == "7"


def test_all_does_not_mean_what_only_a_prompt_can_bring_back(repl):
    """The command said that the next start replays it, and the next start said that it has no such name."""
    prompt = repl.start()
    prompt.type("import bank; base = 4")
    prompt.type("bank.LIMITS['e'] = base")
    prompt.type("bank.LIMITS['f'] = 5")
    prompt.die("import os; os.abort()")
    told = repl.place.relive("recover", "bank.py", "--all").stdout
    assert told.endswith("the next start replays change 5, leaves off change 2\n")
    program = repl.place.write("program.py", "import bank\nprint(bank.LIMITS)\n")
    done = repl.place.relive("run", "--replay", "all", program.name)
    assert (done.stdout, "raised" in done.stderr) == ("{'f': 5}\n", False)
    prompt = repl.start()
    assert prompt.value("bank.LIMITS") == "{'e': 4, 'f': 5}"


def test_a_cell_that_patches_several_times_comes_back_whole(repl):
    """Its first patch took back what all others had done, and these took themselves for undone."""
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("relive.patch('bank', 'X = 1'); relive.patch('bank', 'Z = 2')")
    prompt.type("[relive.patch('bank', f'Y = {n}') and None for n in (1, 2)]")
    prompt.type("relive.patch('bank', 'W = 1'); bank.LIMITS['w'] = 1")
    prompt.die("import os; os.abort()")
    prompt = repl.start("--replay", "all")
    assert prompt.value("bank.X, bank.Y, bank.Z, bank.W, bank.LIMITS") == "(1, 2, 2, 1, {'w': 1})"
    prompt.die("exit()")
    program = repl.place.write("program.py", "from bank import *\nprint(X, Y, Z, W, LIMITS)\n")
    assert repl.place.relive("run", "--replay", "all", program.name).stdout == "1 2 2 1 {'w': 1}\n"


def test_a_patch_that_does_not_come_back_with_its_cell_is_named(repl):
    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("relive.patch('bank', 'X = 1')")
    prompt.type("relive.patch('bank', 'Z = 2')")
    prompt.die("import os; os.abort()")
    listed = json.loads(repl.place.relive("log", "bank.py", "--json").stdout)["changes"]
    repl.place.relive("undo", "bank.py", str(listed[0]["n"]))
    repl.place.relive("recover", "bank.py", "--none")
    prompt = repl.start("--replay", "all")
    assert "bank:X is not patched once more: it was undone" in prompt.shown
    assert "bank:Z is not patched once more: you left it off" in prompt.shown
    assert prompt.value("hasattr(bank, 'X'), hasattr(bank, 'Z')") == "(False, False)"


def test_state_that_was_defined_anew_does_not_come_back(repl):
    """Definitions are put in their places, and state after them: what had been replaced won in the next program."""
    program = repl.place.write("program.py", "import bank\nprint(bank.RATE, bank.LIMITS, bank.FEE, bank.deposit(1))\n")

    def elsewhere() -> str:
        return repl.place.relive("run", "--replay", "all", program.name).stdout

    prompt = repl.start()
    prompt.type("import bank, relive")
    prompt.type("bank.RATE = 7")
    prompt.type("relive.patch('bank', 'RATE = 0.5')")
    prompt.type("bank.LIMITS['a'] = 1")
    prompt.type("relive.patch('bank', 'LIMITS = {\"n\": 1}')")
    prompt.type("bank.LIMITS['b'] = 2")
    prompt.type("relive.patch('bank', 'FEE = 1'); bank.FEE = 5")
    prompt.type("bank.deposit = lambda amount: 1")
    prompt.type("relive.patch('bank', 'def deposit(amount):\\n    return 2')")
    assert prompt.value("bank.RATE, bank.LIMITS") == "(0.5, {'n': 1, 'b': 2})"
    prompt.die("exit()")
    assert elsewhere() == "0.5 {'n': 1, 'b': 2} 5 2\n"
    listed = json.loads(repl.place.relive("log", "bank.py", "--json").stdout)["changes"]
    limits = [change["n"] for change in listed if change["text"].startswith("LIMITS = ")]
    refused = subprocess.run(
        [repl.place.command, "undo", "bank.py", str(limits[0])],
        cwd=repl.place.directory,
        env=repl.environment,
        capture_output=True,
        text=True,
    )
    assert "LIMITS" in refused.stderr
    assert refused.returncode == 1
    repl.place.relive("fold", "bank.py")
    assert elsewhere() == "0.5 {'n': 1, 'b': 2} 5 2\n"


def test_state_is_overtaken_by_a_save(repl):
    prompt = repl.start()
    prompt.type("import bank")
    prompt.type("bank.RATE = 7")
    prompt.type("bank.LIMITS['a'] = 1")
    text = (repl.place.directory / "bank.py").read_text()
    # What only looks otherwise is not executed again.
    text = text.replace("RATE = 2", "RATE = 3").replace("LIMITS = {}", "LIMITS = {  }  # none")
    repl.place.write("bank.py", text)
    assert prompt.value("bank.RATE, bank.LIMITS") == "(3, {'a': 1})"
    prompt.die("exit()")
    program = repl.place.write("program.py", "import bank\nprint(bank.RATE, bank.LIMITS)\n")
    assert repl.place.relive("run", "--replay", "all", program.name).stdout == "3 {'a': 1}\n"


def test_what_needs_something_that_is_not_back_does_not_come_back_with_another_value(repl):
    prompt = repl.start()
    prompt.type("base = 1")
    prompt.type("base = len('1234')")
    prompt.type("double = base * 2")
    prompt.define("def later(): return base")
    prompt.die("import os; os.abort()")
    prompt = repl.open()
    prompt.terminal.wait_for(QUESTION)
    assert "3 is not back: double = base * 2 (needs 2, which is not back)" in prompt.answer("n")
    assert prompt.value("later(), 'double' in globals()") == "(1, False)"
    prompt.type("%recover 3")
    assert prompt.value("double") == "2"


def test_an_interrupted_statement_is_named(repl):
    prompt = repl.start()
    prompt.terminal.send("import time; done = []; [(done.append(n), print('at', n), time.sleep(60)) for n in range(2)]")
    prompt.terminal.wait_for("at 0")
    prompt.terminal.process.send_signal(signal.SIGINT)
    prompt.ready()
    prompt.die("import os; os.abort()")
    shown = repl.start().shown
    assert "left off 3: [(done.append(n), print('at', n)" in shown
    assert "(raised KeyboardInterrupt when it was typed)" in shown


def test_a_change_through_a_name_that_its_cell_imports_is_the_modules(repl):
    """Where the name leads was looked up before the cell had imported anything."""
    repl.place.write("pkg/__init__.py", "")
    repl.place.write("pkg/shop.py", "PRICE = 1\n")
    prompt = repl.start()
    prompt.type("import bank; bank.RATE = 3")
    prompt.type("from pkg import shop as s; s.PRICE = 4")
    prompt.type("import bank as again; again.LIMITS['d'] = 5; 1 / 0; again.RATE = 7")
    assert prompt.value("bank.RATE, bank.LIMITS, s.PRICE") == "(3, {'d': 5}, 4)"
    prompt.die("exit()")
    assert repl.pending("bank.py") == ["RATE", "LIMITS"]
    assert repl.pending("pkg/shop.py") == ["PRICE"]
    prompt = repl.start("--replay", "all")
    prompt.type("import bank, pkg.shop")
    assert prompt.value("bank.RATE, bank.LIMITS, pkg.shop.PRICE") == "(3, {'d': 5}, 4)"


def test_a_change_of_what_was_imported_from_a_module_is_the_modules(repl):
    """It came back with the session only."""
    prompt = repl.start()
    prompt.type("from bank import LIMITS")
    prompt.type("LIMITS['d'] = 5")
    prompt.die("import os; os.abort()")
    prompt = repl.start()
    assert prompt.value("LIMITS, __import__('bank').LIMITS is LIMITS") == "({'d': 5}, True)"
    prompt.die("exit()")
    assert repl.pending("bank.py") == ["LIMITS"]
    repl.place.write("program.py", "import bank\nprint(bank.LIMITS)\n")
    assert repl.place.relive("run", "--replay", "all", "program.py").stdout == "{'d': 5}\n"


def test_one_is_asked_once(repl, tmp_path):
    """What imports a module before the cells come back asked about what the cells did to it."""
    startup = tmp_path / "startup.py"
    startup.write_text("import bank\n")
    repl.environment["PYTHONSTARTUP"] = str(startup)
    prompt = repl.start()
    prompt.type("bank.RATE = 5")
    prompt.type("bank.LIMITS.update(d=5)")
    prompt.die("import os; os.abort()")
    prompt = repl.open()
    assert "bank.LIMITS.update(d=5)" in prompt.terminal.wait_for(QUESTION)
    prompt.answer("y")
    assert prompt.value("bank.RATE, bank.LIMITS") == "(5, {'d': 5})"


def test_an_ipython_that_does_not_work_is_told_in_one_line(place, open_terminal, tmp_path):
    repl = Repl(place, "standard prompt", open_terminal, tmp_path)
    broken = tmp_path / "broken" / "IPython"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('no module named traitlets')\n")
    repl.environment["PYTHONPATH"] = str(broken.parent)
    prompt = repl.start()
    assert "relive: IPython cannot be used, so this is Python's own prompt: ImportError: no module" in prompt.shown
    assert "Traceback" not in prompt.shown
    assert prompt.value("1 + 1") == "2"
