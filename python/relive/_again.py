"""What stands for a call of a coroutine or generator function that can begin anew: a real coroutine or generator.

It passes on whatever happens to it, so that nobody notices, until the call comes back with an exception: then it may
begin anew. Tracebacks do not show it.
"""

import sys
from collections.abc import AsyncGenerator, Generator
from functools import partial
from types import FrameType, FunctionType
from types import coroutine as awaitable
from typing import Any

from relive._native import Call


async def coroutine(call: Call) -> Any:
    """Stand for a coroutine."""
    made = call.begin()
    while True:
        try:
            return await made
        except BaseException as error:
            _leave_out_this_frame(error)
            made = call.again(error)
            if made is None:
                raise


def generator(call: Call) -> Generator[Any, Any, Any]:
    """Stand for a generator. It can begin anew until it has yielded."""
    step: Any
    try:
        item = call.first()
        begun = call.made
        while True:
            try:
                sent = yield item
            except BaseException as error:
                _leave_out_this_frame(error)
                step = partial(begun.throw, error)
            else:
                if sent is None:
                    return (yield from begun)
                step = partial(begun.send, sent)
            # Not within the clause above: what is handled there is not what the generator handles.
            item, step = step(), None
    except StopIteration as end:
        return end.value
    except BaseException as error:
        _leave_out_this_frame(error)
        raise


async def async_generator(call: Call) -> AsyncGenerator[Any, Any]:
    """Stand for an asynchronous generator. It can begin anew until it has yielded."""
    made = call.begin()
    step = _first(made)
    while True:
        try:
            item = await step
        except StopAsyncIteration:
            return
        except BaseException as error:
            _leave_out_this_frame(error)
            made = call.again(error)
            if made is None:
                raise
        else:
            break
        step = _first(made)
    call.has_yielded()
    try:
        while True:
            try:
                sent = yield item
            except BaseException as error:
                _leave_out_this_frame(error)
                step = made.athrow(error)
            else:
                step = made.asend(sent)
            item, step = await step, None
    except StopAsyncIteration:
        return
    except BaseException as error:
        _leave_out_this_frame(error)
        raise


async def ended_coroutine(value: Any) -> Any:
    """Stand for a coroutine that has returned a value."""
    return value


def ended_generator(value: Any) -> Generator[Any, Any, Any]:
    """Stand for a generator that has returned a value."""
    return value
    yield


async def ended_async_generator(_: Any) -> AsyncGenerator[Any, Any]:
    """Stand for an asynchronous generator that has come to its end."""
    return
    yield


# A generator that can be awaited.
awaitable_generator = awaitable(FunctionType(generator.__code__, globals()))

_CODES = {stand_in.__code__ for stand_in in (coroutine, generator, async_generator, awaitable_generator)}


def call_of(frame: FrameType) -> Call | None:
    """Return the call that is made in the frame of a coroutine or generator, if something stands for it there."""
    above = frame.f_back
    if above is None or above.f_code not in _CODES:
        return None
    call: Call = above.f_locals["call"]
    # CPython leaves out asynchronous generators that an exception is thrown through.
    frames = (getattr(call.made, name, None) for name in ("cr_frame", "gi_frame", "ag_frame"))
    return call if any(it is frame for it in frames) else None


def _first(made: AsyncGenerator[Any, Any]) -> Any:
    """Begin what one of ours stands for: no event loop is told of it, which would close both."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, _leave)
    try:
        return made.__anext__()
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _leave(_: object) -> None:
    """What stands for it closes it."""


def _leave_out_this_frame(error: BaseException) -> None:
    trace = error.__traceback__
    if trace is not None and trace.tb_frame is sys._getframe(1):
        error.__traceback__ = trace.tb_next
