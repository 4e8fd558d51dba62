"""``relive.restart``: a running call begins anew, with its own arguments and the newest code; nobody else notices."""

import gc
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from tests.conftest import Live

import relive


def test_a_call_begins_anew_with_its_own_arguments(live: Live) -> None:
    """Though its body has bound their names to something else."""
    module = live.load(
        "module",
        """
        import relive

        seen = []

        def work(one, /, two, *rest, three=3, **more):
            seen.append((one, two, rest, three, dict(more)))
            one = two = rest = three = None
            more.clear()
            if len(seen) < 3:
                relive.restart(work)
            return len(seen)
        """,
    )
    assert module.work(1, 2, 4, 5, three=6, four=7) == 3
    # What a call was handed in one piece is one object for all of them; nothing else is shared.
    assert module.seen == [(1, 2, (4, 5), 6, {"four": 7})] * 3
    assert module.work(1, two=2) == 4


def test_it_has_the_newest_code(live: Live) -> None:
    module = live.load("module", "def work(update):\n    update()\n    return 'old'\n")

    def update() -> None:
        if "old" in (live.directory / "module.py").read_text():
            live.edit("module.py", "'old'", "'new'", stale={"module:work"})
            relive.restart("module:work")

    assert module.work(update) == "new"


def test_what_is_between_is_left_in_an_orderly_way(live: Live) -> None:
    module = live.load(
        "module",
        """
        import contextlib
        import relive

        told = []

        @contextlib.contextmanager
        def telling(name):
            told.append(f"enter {name}")
            try:
                yield
            finally:
                told.append(f"leave {name}")

        def outer():
            with telling("outer"):
                return middle()

        def middle():
            with telling("middle"):
                return [inner() for _ in range(1)]

        def inner():
            try:
                if len(told) < 6:
                    relive.restart("middle")
                return "done"
            except Exception:
                told.append("an exception")
            finally:
                told.append("finally")
        """,
    )
    assert module.outer() == ["done"]
    once = ["enter middle", "finally", "leave middle"]
    assert module.told == ["enter outer", *once, *once, *once, "leave outer"][: len(module.told)]
    assert module.told.count("enter outer") == 1
    assert module.told.count("an exception") == 0


def test_of_a_recursion_one_activation_begins_anew(live: Live) -> None:
    module = live.load(
        "module",
        """
        import sys
        import relive

        begun = []
        frames = {}

        def down(n):
            begun.append(n)
            frames[n] = sys._getframe()
            if n == 0:
                if len(begun) == 4:
                    relive.restart(down)
                if len(begun) == 5:
                    relive.restart(frames[2])
                return 0
            return 1 + down(n - 1)
        """,
    )
    assert module.down(3) == 3
    assert module.begun == [3, 2, 1, 0, 0, 2, 1, 0]


def test_without_a_target_it_is_the_innermost_live_call(live: Live) -> None:
    module = live.load(
        "module",
        """
        begun = []

        def outer(act):
            begun.append("outer")
            return inner(act)

        def inner(act):
            begun.append("inner")
            act()
        """,
    )

    def act() -> None:
        # This function is not live.
        if len(module.begun) < 4:
            relive.restart()

    module.outer(act)
    assert module.begun == ["outer", "inner", "inner", "inner"]


def test_each_thread_has_its_own_calls(live: Live) -> None:
    module = live.load(
        "module",
        """
        import threading
        import relive

        begun = {}

        def work(barrier):
            own = begun.setdefault(threading.get_ident(), [])
            own.append(1)
            barrier.wait(10)
            if len(own) < 3:
                relive.restart("work")
        """,
    )
    barrier = threading.Barrier(3)
    threads = [threading.Thread(target=module.work, args=[barrier]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(begun) for begun in module.begun.values()] == [3, 3, 3]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("'missing'", "no call of missing is running in this thread"),
        ("len", "no call of len is running in this thread"),
        ("later", "no call of later is running in this thread"),
        ("'other:work'", "no call of other:work is running in this thread"),
        ("sys._getframe(1)", "no call of the frame of test_what_cannot_begin_anew_is_said is running"),
    ],
)
def test_what_cannot_begin_anew_is_said(live: Live, target: str, why: str) -> None:
    text = f"import sys, relive\ndef later(): pass\ndef work():\n    relive.restart({target})\n"
    module = live.load("module", text)
    with pytest.raises(relive.ReliveError, match=why):
        module.work()


def test_nothing_is_live_without_a_session() -> None:
    with pytest.raises(relive.ReliveError, match=r"nothing is live: relive.start\(\) was not called"):
        relive.restart()


def test_restarts_leave_nothing_behind(live: Live) -> None:
    module = live.load(
        "module",
        """
        import relive

        class Held:
            pass

        left = 0

        def work(argument):
            global left
            local = Held()
            left -= 1
            if left > 0:
                relive.restart(work)
            return argument
        """,
    )

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def run(count: int) -> "weakref.ref[object]":
        module.left = count
        argument = module.Held()
        assert module.work(argument) is argument
        return weakref.ref(argument)

    run(1_000)
    gc.collect()
    before, objects = resident(), len(gc.get_objects())
    argument = run(100_000)
    gc.collect()
    assert argument() is None
    assert len(gc.get_objects()) - objects < 100
    assert resident() - before < 4 * 1024 * 1024


def test_a_call_that_raises_raises_as_ever(live: Live) -> None:
    module = live.load("module", "def work(): return 1 / 0\ndef outer(): return work()\n")
    with pytest.raises(ZeroDivisionError) as caught:
        module.outer()
    names = [entry.name for entry in caught.traceback]
    assert names[-2:] == ["outer", "work"]
    with suppress(TypeError):
        module.work(1)
    with pytest.raises(TypeError, match="takes 0 positional arguments but 1 was given"):
        module.work(1)


def test_a_call_that_raises_while_python_ends(tmp_path: Path) -> None:
    text = """
    import os
    import sys

    class C:
        def __del__(self, write=os.write):
            try:
                self.end()
            except ValueError:
                write(1, b"caught ")

        def end(self):
            raise ValueError

    sys.kept = C()
    """
    (tmp_path / "module.py").write_text(dedent(text))
    start = "import relive; relive.start('.', auto=False, hold=True)"
    for program in ("import module", f"{start}; import module"):
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "caught ", "")


def test_on_3_11_that_is_asked_for(live: Live) -> None:
    relive.start(live.directory, auto=False, hold=False)
    module = live.load(
        "module",
        "import relive\nbegun = []\ndef work():\n    begun.append(1)\n    len(begun) > 1 or relive.restart()\n",
    )
    if sys.version_info < (3, 12):
        with pytest.raises(relive.ReliveError, match=r"only after relive.start\(hold=True\)"):
            module.work()
    else:
        module.work()
        assert len(module.begun) == 2
