"""Coroutines and generators begin anew while holding is on; nobody can tell that something stands for them."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest
from tests.conftest import Live

import relive

UNNOTICED = Path(__file__).with_name("unnoticed.py")


def test_a_coroutine_begins_anew_with_its_own_arguments(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        told = []

        async def work(one, /, two, *rest, three=3, **more):
            told.append((one, two, rest, three, dict(more)))
            one = two = rest = three = None
            more.clear()
            await asyncio.sleep(0)
            if len(told) < 4:
                relive.restart(work)
            return len(told)

        async def outer():
            told.append("outer")
            return await work(1, 2, 4, 5, three=6, four=7)
        """,
    )
    assert asyncio.run(module.outer()) == 4
    assert module.told == ["outer"] + [(1, 2, (4, 5), 6, {"four": 7})] * 3


def test_it_has_the_newest_code(live: Live) -> None:
    """A long run fails late: the coroutine is edited while it runs, and what came before is not done again."""
    module = live.load(
        "module",
        """
        import asyncio

        told = []

        async def main(update):
            told.append("hours of work")
            return await step(update)

        async def step(update):
            await asyncio.sleep(0)
            update()
            return "old"
        """,
    )

    def update() -> None:
        if '"old"' in (live.directory / "module.py").read_text():
            live.edit("module.py", '"old"', '"new"', stale={"module:step"})
            relive.restart("module:step")

    assert asyncio.run(module.main(update)) == "new"
    assert module.told == ["hours of work"]


def test_one_further_up_begins_anew_and_what_is_between_is_left_in_an_orderly_way(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import contextlib
        import relive

        told = []

        class Telling:
            async def __aenter__(self):
                await asyncio.sleep(0)
                told.append("enter")

            async def __aexit__(self, kind, *details):
                await asyncio.sleep(0)
                told.append(f"leave {kind and kind.__name__}")

        @contextlib.asynccontextmanager
        async def telling():
            told.append("begin")
            try:
                yield
            finally:
                await asyncio.sleep(0)
                told.append("end")

        async def numbers():
            for number in range(2):
                await asyncio.sleep(0)
                yield number

        async def outer():
            told.append("outer")
            async with Telling():
                return await middle()

        async def middle():
            told.append("middle")
            async with Telling(), telling():
                return [await inner() async for _ in numbers()]

        async def inner():
            try:
                await asyncio.sleep(0)
                plain()
            except Exception:
                told.append("an exception")
            finally:
                await asyncio.sleep(0)
            return "done"

        def plain():
            if told.count("middle") < 3:
                relive.restart(middle)
        """,
    )
    assert asyncio.run(module.outer()) == ["done", "done"]
    once = ["middle", "enter", "begin", "end", "leave Restart"]
    last = ["middle", "enter", "begin", "end", "leave None"]
    assert module.told == ["outer", "enter", *once, *once, *last, "leave None"]


def test_of_a_recursion_one_activation_begins_anew(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import sys
        import relive

        begun = []
        frames = {}

        async def down(n):
            begun.append(n)
            frames[n] = sys._getframe()
            await asyncio.sleep(0)
            if n == 0:
                if len(begun) == 4:
                    relive.restart(down)
                if len(begun) == 5:
                    relive.restart(frames[2])
                return 0
            return 1 + await down(n - 1)
        """,
    )
    assert asyncio.run(module.down(3)) == 3
    assert module.begun == [3, 2, 1, 0, 0, 2, 1, 0]


TASKS = """
import asyncio
import relive

begun = {}


async def work(name, times=3):
    begun.setdefault(name, []).append(1)
    await asyncio.sleep(0)
    if len(begun[name]) < times:
        relive.restart()
    return name


async def gathered():
    return await asyncio.gather(work("a"), work("b"), asyncio.create_task(work("c")))


async def grouped():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(name)) for name in "abc"]
    return [task.result() for task in tasks]


async def timed():
    async with asyncio.timeout(60):
        return [await work("a"), await asyncio.wait_for(work("b"), 60), await asyncio.shield(work("c"))]
"""


@pytest.mark.parametrize("how", ["gathered", "grouped", "timed"])
def test_each_task_has_its_own_calls(live: Live, how: str) -> None:
    module = live.load("module", TASKS)
    assert asyncio.run(getattr(module, how)()) == ["a", "b", "c"]
    assert {name: len(begun) for name, begun in module.begun.items()} == {"a": 3, "b": 3, "c": 3}


def test_each_thread_has_its_own_loop(live: Live) -> None:
    module = live.load("module", TASKS)
    threads = [threading.Thread(target=asyncio.run, args=[module.work(name)]) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: len(begun) for name, begun in module.begun.items()} == {"a": 3, "b": 3, "c": 3}


def test_what_runs_the_loop_begins_anew(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        told = []

        def main():
            told.append("main")
            return asyncio.run(work())

        async def work():
            told.append("work")
            await asyncio.sleep(0)
            if len(told) < 6:
                relive.restart(main)
            return len(told)
        """,
    )
    assert module.main() == 6
    assert module.told == ["main", "work"] * 3


def test_what_is_being_cancelled_or_closed_does_not(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        told = []

        def plain():
            told.append("plain")
            if told.count("plain") == 1:
                relive.restart()

        async def work():
            told.append("work")
            try:
                await asyncio.sleep(60)
            finally:
                plain()
                try:
                    relive.restart()
                except relive.ReliveError as error:
                    told.append(str(error))

        async def main():
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return task.cancelled()
        """,
    )
    why = "work cannot begin anew: it is a coroutine that is being cancelled or closed"
    assert asyncio.run(module.main())
    assert module.told == ["work", "plain", "plain", why]

    async def close() -> None:
        made = module.work()
        made.send(None)
        made.close()

    module.told.clear()
    asyncio.run(close())
    assert module.told == ["work", "plain", "plain", why]


def test_what_was_cancelled_and_has_begun_anew_is_cancelled(live: Live) -> None:
    """Somebody cancels the task while the call is being left."""
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        told = []

        async def work(task):
            told.append("work")
            if len(told) == 2:
                await asyncio.sleep(60)
            try:
                await asyncio.sleep(0)
                relive.restart(work)
            finally:
                task().cancel()

        async def main():
            await work(asyncio.current_task)
        """,
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(module.main())
    assert module.told == ["work", "work"]


def test_a_call_that_cpython_leaves_out_is_not_taken_for_its_caller(live: Live) -> None:
    """While an exception is thrown through an asynchronous generator, its frame seems to be called by who awaits it."""
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        told = []

        async def numbers():
            told.append("numbers")
            try:
                async with asyncio.timeout(0.001):
                    await asyncio.sleep(60)
            except TimeoutError:
                if told.count("numbers") < 2:
                    relive.restart()
            yield 1

        async def main():
            told.append("main")
            async for number in numbers():
                pass
        """,
    )
    if sys.version_info < (3, 14):
        with pytest.raises(
            relive.ReliveError, match=r"numbers cannot begin anew: it is a generator, .*, or an exception was thrown"
        ):
            asyncio.run(module.main())
        assert module.told == ["main", "numbers"]
    else:
        # Here CPython links the frames.
        asyncio.run(module.main())
        assert module.told == ["main", "numbers", "numbers"]


GENERATORS = """
import asyncio
import contextlib
import types
import relive

told = []


def again(name, times=3):
    told.append(name)
    if told.count(name) < times:
        relive.restart(name)


def count(start, stop):
    again("count")
    while start < stop:
        yield start
        start += 1
    return "over"


def empty():
    again("empty")
    return "empty"
    yield


def outer():
    return [(yield from count(0, 2)), (yield from empty())]


async def count_slowly(start, stop):
    await asyncio.sleep(0)
    again("count_slowly")
    for number in range(start, stop):
        await asyncio.sleep(0)
        yield number


@types.coroutine
def asking(question):
    again("asking")
    return (yield question)


async def answered():
    return await asking("what?")


@contextlib.contextmanager
def context(value):
    again("context")
    yield value


@contextlib.asynccontextmanager
async def slow_context(value):
    again("slow_context")
    yield value


async def main():
    with context(1) as one:
        async with slow_context(2) as two:
            return one, two, [number async for number in count_slowly(1, 4)]


def late():
    yield 1
    relive.restart()


async def slowly_late():
    yield 1
    relive.restart()


async def iterate(made):
    return [it async for it in made]


def squares():
    again("squares")
    return sum(number * again_in_expression(number) for number in range(3))


def again_in_expression(number):
    again("squares", 6)
    return number
"""


def test_a_generator_begins_anew_until_it_has_yielded(live: Live) -> None:
    module = live.load("module", GENERATORS)
    made = module.outer()
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(StopIteration) as end:
        next(made)
    assert end.value.value == ["over", "empty"]
    assert module.told == ["count"] * 3 + ["empty"] * 3
    made = module.answered()
    assert made.send(None) == "what?"
    with pytest.raises(StopIteration) as end:
        made.send("that")
    assert end.value.value == "that"
    assert asyncio.run(module.main()) == (1, 2, [1, 2, 3])
    assert module.told[6:] == ["asking"] * 3 + ["context"] * 3 + ["slow_context"] * 3 + ["count_slowly"] * 3


def test_one_that_has_yielded_says_so(live: Live) -> None:
    module = live.load("module", GENERATORS)
    with pytest.raises(relive.ReliveError, match="late cannot begin anew: it is a generator that has yielded"):
        list(module.late())
    with pytest.raises(relive.ReliveError, match="slowly_late cannot begin anew: it is a generator that has yielded"):
        asyncio.run(module.iterate(module.slowly_late()))


def test_a_generator_expression_is_part_of_its_function(live: Live) -> None:
    module = live.load("module", GENERATORS)
    assert module.squares() == 5
    assert module.told[-1] == "squares"


def test_restarts_leave_nothing_behind(live: Live) -> None:
    module = live.load(
        "module",
        """
        import asyncio
        import relive

        class Held:
            pass

        left = 0

        def again(name):
            global left
            left -= 1
            if left > 0:
                relive.restart(name)

        async def work(argument):
            local = Held()
            await asyncio.sleep(0)
            again("work")
            return argument

        async def numbers(argument):
            local = Held()
            again("numbers")
            yield argument

        def generate(argument):
            local = Held()
            again("generate")
            yield argument

        async def main(count):
            global left
            argument = Held()
            left = count
            assert await work(argument) is argument
            left = count
            async for it in numbers(argument):
                assert it is argument
            left = count
            for it in generate(argument):
                assert it is argument
            return argument
        """,
    )

    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def run(count: int) -> "weakref.ref[object]":
        return weakref.ref(asyncio.run(module.main(count)))

    run(1_000)
    gc.collect()
    before, objects = resident(), len(gc.get_objects())
    argument = run(10_000)
    gc.collect()
    assert argument() is None
    assert len(gc.get_objects()) - objects < 100
    assert resident() - before < 4 * 1024 * 1024


def test_nobody_notices(live: Live, tmp_path: Path) -> None:
    """Whatever a program looks at is as without relive, and so is what it is told."""
    text = UNNOTICED.read_text()
    (tmp_path / "plain.py").write_text(text)
    sys.path.insert(0, str(tmp_path))
    try:
        expected = live.load("plain").seen()
    finally:
        sys.path.remove(str(tmp_path))
    module = live.load("unnoticed", text)
    for _ in range(3):
        assert module.seen() == expected


RUNNING = """
import asyncio
import relive

begun = []


async def work():
    begun.append(1)
    await asyncio.sleep(0)
    relive.restart()


def generate():
    relive.restart()
    yield


def made():
    async def inner():
        if len(begun) < 2:
            begun.append(1)
            relive.restart()
        return len(begun)

    return inner


class C:
    async def method(self):
        begun.append(1)
        if len(begun) < 2:
            relive.restart()
"""


def test_that_is_asked_for(live: Live) -> None:
    """A frame more for each of them costs something, and shows: only where somebody wants to hold."""
    relive.start(live.directory, auto=False, hold=False)
    module = live.load("module", RUNNING)
    coroutine, generator = module.work(), module.generate()
    assert coroutine.cr_code is module.work.__code__
    assert generator.gi_code is module.generate.__code__
    why = (
        r"only after relive.start\(hold=True\)"
        if sys.version_info < (3, 12)
        else r"work cannot begin anew: it is a coroutine, whose calls were not kept without relive.start\(hold=True\)"
    )
    with pytest.raises(relive.ReliveError, match=why):
        asyncio.run(coroutine)
    relive.start(live.directory, auto=False, hold=True)
    module.begun.clear()
    why = "generate cannot begin anew: it is a generator, whose calls were not kept when it was called"
    with pytest.raises(relive.ReliveError, match=why):
        next(generator)
    asyncio.run(module.C().method())
    assert len(module.begun) == 2
    module.begun.clear()
    assert asyncio.run(module.made()()) == 2
    relive.start(live.directory, auto=False, hold=False)
    coroutine = module.work()
    assert coroutine.cr_code is module.work.__code__
    coroutine.close()


def test_calls_that_run_when_the_session_ends_go_on(live: Live) -> None:
    module = live.load("module", TASKS)

    async def main() -> str:
        task = asyncio.create_task(module.work("a", 1))
        await asyncio.sleep(0)
        live.session.stop()
        return await task

    assert asyncio.run(main()) == "a"
    coroutine = module.work("b")
    assert coroutine.cr_code is module.work.__code__
    coroutine.close()


def test_awaits_are_nested_as_deep_as_ever(live: Live) -> None:
    """But for what stands for the outermost of them."""
    module = live.load(
        "module",
        """
        async def down(n):
            return 0 if n == 0 else 1 + await down(n - 1)

        def walk(n):
            yield n
            if n:
                yield from walk(n - 1)
        """,
    )
    depth = sys.getrecursionlimit() - 250
    assert asyncio.run(module.down(depth)) == depth
    assert len(list(module.walk(depth))) == depth + 1


def test_a_coroutine_that_nobody_awaits_while_python_ends(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("async def work(): pass\ndef count(): yield 1\n")
    program = (
        "import relive; relive.start('.', auto=False, hold=True); import module\n"
        "kept = [module.work(), module.count()]; next(kept[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("coroutine 'work' was never awaited") == 1
