# ruff: noqa: SIM105
"""What a program can tell of its coroutines and generators: each function returns what it has seen."""

import asyncio
import contextlib
import contextvars
import gc
import inspect
import sys
import traceback
import types
import warnings
import weakref

VARIABLE = contextvars.ContextVar("VARIABLE", default=0)


class Error(Exception):
    pass


class Key:
    pass


async def coroutine(value=1):
    await asyncio.sleep(0)
    return value


async def failing():
    await asyncio.sleep(0)
    raise Error("failing")


def generator(told=None):
    """Tell what is sent and thrown, and return."""
    told = [] if told is None else told
    told.append("begun")
    item = 0
    try:
        while True:
            try:
                sent = yield item
            except Error as error:
                told.append(f"caught {error}")
                sent = None
                item += 10
            else:
                told.append(sent)
                item += 1
            if sent == "end":
                return "returned"
            if sent == "raise":
                raise Error("raised")
    finally:
        told.append("finally")


async def async_generator(told, count=3):
    try:
        for item in range(count):
            try:
                told.append((yield item))
            except Error as error:
                told.append(f"caught {error}")
                yield "after"
    finally:
        await asyncio.sleep(0)
        told.append("finally")


@types.coroutine
def awaitable():
    sent = yield "asked"
    return sent


@contextlib.contextmanager
def context(told):
    told.append("enter")
    try:
        yield "value"
    except Error as error:
        told.append(f"caught {error}")
    finally:
        told.append("leave")


@contextlib.asynccontextmanager
async def async_context(told):
    told.append("enter")
    await asyncio.sleep(0)
    try:
        yield "value"
    except Error as error:
        told.append(f"caught {error}")
    finally:
        told.append("leave")


def outcome(act, *arguments):
    try:
        return "value", act(*arguments)
    except BaseException as error:
        return type(error).__name__, str(error), getattr(error, "value", None), names_of(error)


def names_of(error):
    """The functions and lines of a traceback, and what the exception was raised from."""
    trace = traceback.extract_tb(error.__traceback__)
    ours = [(entry.name, entry.lineno) for entry in trace if entry.filename == __file__]
    others = [entry.filename for entry in trace if "_again" in entry.filename]
    context = error.__context__ and (type(error.__context__).__name__, names_of(error.__context__))
    return ours, others, context, type(error.__cause__).__name__


def drive(made):
    """Run a coroutine that waits for nothing real."""
    told = []
    while True:
        try:
            told.append(made.send(None))
        except StopIteration as end:
            return told, end.value


def what_they_are():
    made = [coroutine(), generator(), async_generator([]), awaitable()]
    tests = [inspect.iscoroutine, asyncio.iscoroutine, inspect.isgenerator, inspect.isasyncgen, inspect.isawaitable]
    seen = [[type(it).__name__, it.__name__, it.__qualname__, *[test(it) for test in tests]] for it in made]
    made[0].close()
    seen += [
        [inspect.iscoroutinefunction(it), inspect.isgeneratorfunction(it), inspect.isasyncgenfunction(it)]
        for it in (coroutine, generator, async_generator, awaitable)
    ]
    return seen


def states():
    one, two = coroutine(), generator()
    seen = [inspect.getcoroutinestate(one), inspect.getgeneratorstate(two), one.cr_await, two.gi_yieldfrom]
    one.send(None), next(two)
    seen += [inspect.getcoroutinestate(one), inspect.getgeneratorstate(two), one.cr_running, two.gi_running]
    one.close(), two.close()
    return seen, inspect.getcoroutinestate(one), inspect.getgeneratorstate(two), one.cr_frame, two.gi_frame


def never_awaited():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        coroutine()
        gc.collect()
        made = coroutine()
        made.close()
        del made
        generator(), async_generator([]), awaitable()
        gc.collect()
    return [str(warning.message) for warning in caught]


def never_awaited_with_its_origin():
    sys.set_coroutine_origin_tracking_depth(2)
    try:
        made = coroutine()
        origin = [(line, name) for _, line, name in made.cr_origin]
        made.close()
    finally:
        sys.set_coroutine_origin_tracking_depth(0)
    return origin


def wrong_arguments():
    return [
        outcome(coroutine, 1, 2),
        outcome(generator, 1, 2),
        outcome(async_generator),
        outcome(lambda: coroutine(other=1)),
    ]


def sent_and_thrown():
    told = []
    one = generator(told)
    seen = [outcome(one.send, 1), outcome(next, one), outcome(one.send, "first"), outcome(one.throw, Error("x"))]
    seen += [outcome(next, one), outcome(one.send, 5), outcome(one.throw, Error("y")), outcome(one.send, "end")]
    seen += [outcome(next, one), outcome(one.throw, Error("z"))]
    return seen, told


def thrown_at_once():
    told = []
    one, two, three = generator(told), generator(told), generator(told)
    next(one), next(two), next(three)
    seen = [outcome(one.throw, Error("x")), outcome(one.throw, KeyError("y")), outcome(two.throw, StopIteration(1))]
    seen += [outcome(generator(told).throw, Error("z"))[:3], outcome(three.send, "raise"), outcome(three.close)]
    return seen, told


def closed():
    told = []
    one, two, three = generator(told), generator(told), generator(told)
    next(one), next(two), next(two)
    seen = [outcome(one.close), outcome(two.close), outcome(three.close), outcome(one.close), outcome(next, three)]
    four = generator(told)
    next(four)
    del four
    gc.collect()
    return seen, told


def stubborn():
    def ignores():
        ignored = False
        while True:
            try:
                yield 1
            except GeneratorExit:
                if ignored:
                    return
                ignored = True

    one, two = ignores(), ignores()
    next(one), next(two), next(two)
    return outcome(one.close), outcome(two.close)


def returned_when_closed():
    def returns():
        try:
            yield 1
        except GeneratorExit:
            return "returned"

    one = returns()
    next(one)
    return outcome(one.close)


def returned():
    def empty(value):
        return value
        yield

    def outer():
        return [(yield from empty(1)), (yield from empty((2, 3))), (yield from empty(Error())).__class__.__name__]

    return outcome(next, outer()), list(empty(1)), outcome(next, empty(None))


def delegated():
    told = []

    def outer():
        return (yield from generator(told))

    one = outer()
    return [outcome(next, one), outcome(one.send, 1), outcome(one.throw, Error("x")), outcome(one.send, "end")], told


def reentered():
    def itself():
        yield outcome(next, made)
        yield outcome(next, made)

    made = itself()
    return next(made), next(made)


def awaited():
    async def outer():
        return await awaitable()

    made = outer()
    return made.send(None), outcome(made.send, "answer"), drive(coroutine(5)), outcome(drive, failing())


def raised_while_handled():
    def contexts():
        try:
            yield 1
        except Error:
            pass
        yield sys.exc_info()[0]
        raise KeyError("another")

    one, two = contexts(), contexts()
    next(one), next(two)
    seen = [outcome(one.throw, Error("x")), outcome(next, one)]
    try:
        raise ValueError
    except ValueError:
        seen += [outcome(next, two), outcome(next, two)]
    return seen


def managed():
    told, seen = [], []
    for error in (None, Error("inside"), KeyError("inside"), StopIteration("inside")):

        def within(error=error):
            with context(told) as value:
                told.append(value)
                if error is not None:
                    raise error

        async def async_within(error=error):
            async with async_context(told) as value:
                told.append(value)
                if error is not None:
                    raise error

        seen += [outcome(within), outcome(asyncio.run, async_within())]
    return seen, told


def variables():
    def generate():
        VARIABLE.set(VARIABLE.get() + 1)
        yield VARIABLE.get()
        VARIABLE.set(VARIABLE.get() + 1)
        yield VARIABLE.get()

    async def set_it():
        VARIABLE.set(VARIABLE.get() + 10)
        await asyncio.sleep(0)
        return VARIABLE.get()

    async def main():
        return [await set_it(), VARIABLE.get(), await asyncio.create_task(set_it()), VARIABLE.get()]

    context = contextvars.copy_context()
    return context.run(list, generate()), context.run(asyncio.run, main()), VARIABLE.get()


def iterated():
    told = []

    async def main():
        seen = [item async for item in async_generator(told)]
        one = async_generator(told)
        seen += [await one.asend(None), await one.asend("sent"), await one.athrow(Error("x")), await one.__anext__()]
        await one.aclose()
        for act in (one.__anext__, one.aclose):
            try:
                seen.append(await act())
            except BaseException as error:
                seen.append(type(error).__name__)
        two = async_generator(told)
        seen.append(await two.__anext__())
        seen.append(two.ag_running)
        await two.aclose()
        try:
            await async_generator(told).athrow(KeyError("never begun"))
        except KeyError as error:
            seen.append(error.args)
        three = async_generator(told)
        await three.__anext__()
        try:
            await three.athrow(KeyError("begun"))
        except KeyError as error:
            seen.append(names_of(error))
        return seen

    return asyncio.run(main()), told


def left_to_the_loop():
    told = []

    async def main():
        async for _ in async_generator(told):
            break
        gc.collect()
        await asyncio.sleep(0.01)
        told.append("in main")
        kept.append(async_generator(told))
        await kept[0].__anext__()
        kept.append(async_generator(told))

    kept = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    return told, [str(warning.message) for warning in caught]


def asynchronous_hooks():
    told = []
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(lambda it: told.append(it.__qualname__), lambda it: told.append("final"))
    try:
        made = async_generator(told)
        outcome(made.__anext__().send, None)
        del made
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return told


def cancelled():
    told = []

    async def waits():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise
        finally:
            await asyncio.sleep(0)
            told.append("finally")

    async def outer():
        await waits()

    async def main():
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        task.cancel("why")
        try:
            await task
        except asyncio.CancelledError as error:
            told.append((task.cancelled(), str(error)))
        try:
            async with asyncio.timeout(0.001):
                await outer()
        except TimeoutError:
            told.append("timed out")
        try:
            await asyncio.wait_for(outer(), 0.001)
        except TimeoutError:
            told.append("timed out")
        return await asyncio.gather(coroutine(1), failing(), coroutine(2), return_exceptions=True)

    return [str(it) for it in asyncio.run(main())], told


def grouped():
    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine(number), name=f"task {number}") for number in range(3)]
        seen = [task.result() for task in tasks]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(failing())
                group.create_task(asyncio.sleep(60))
        except* Error as error:
            seen.append([names_of(one) for one in error.exceptions])
        return seen

    return asyncio.run(main())


def eager():
    if sys.version_info < (3, 12):
        return None

    async def at_once():
        return 5

    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        task = asyncio.create_task(at_once())
        return task.done(), await task, await asyncio.create_task(coroutine())

    return asyncio.run(main())


def tasks():
    async def main():
        task = asyncio.create_task(coroutine())
        await asyncio.sleep(0)
        seen = [task.get_coro().__qualname__, len(task.get_stack()), "coroutine() running" in repr(task)]
        await task
        return seen

    return asyncio.run(main())


def released():
    told = []

    def generate(key):
        del key
        yield 1

    async def run(key):
        del key

    for made in (generate, run):
        key = Key()
        reference = weakref.ref(key)
        one = made(key)
        del key
        outcome(one.send, None)
        outcome(one.send, None)
        told.append(reference())
        one = failing()
        reference = weakref.ref(one)
        told.append(outcome(drive, one)[0])
        del one
        told.append(reference())
    return told


def cyclic():
    key = Key()
    key.made = generator(key)
    reference = weakref.ref(key)
    del key
    gc.collect()
    return reference()


def recursive(depth=400):
    async def down(n):
        return 0 if n == 0 else 1 + await down(n - 1)

    def walk(n):
        yield n
        if n:
            yield from walk(n - 1)

    return drive(down(depth)), sum(walk(depth))


PROBES = [
    value
    for name, value in list(globals().items())
    if isinstance(value, types.FunctionType)
    and value.__module__ == __name__
    and name not in ("coroutine", "failing", "generator", "async_generator", "awaitable", "context", "async_context")
    and name not in ("outcome", "names_of", "drive")
]


def seen():
    """What each has seen, by its name."""
    return {probe.__name__: probe() for probe in PROBES}
