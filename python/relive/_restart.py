"""``relive.restart``: a call of a live function begins anew, with its own arguments and the newest code."""

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any, NoReturn

from relive import _session
from relive._errors import ReliveError
from relive._native import Engine, Restart

SUSPENDS = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ITERABLE_COROUTINE | inspect.CO_ASYNC_GENERATOR


def restart(target: Any = None) -> NoReturn:
    """Begin a running call anew, with the arguments that it was made with and the newest code of its function.

    ``target`` is a function, the name of one as a report has it (``bank:Account.deposit``; without the module where
    that is clear), or a frame; without it, the innermost live function of this thread is meant, and of several calls
    of a function the innermost. ``finally`` clauses and ``with`` blocks between here and there are left in an orderly
    way. Callers do not notice. Does not return: raises what unwinds to that call.

    Raises `ReliveError` if no such call is running in this thread, or if it cannot begin anew: that of a generator that
    has yielded, of a coroutine that is being cancelled, and calls that are made so often that keeping them would cost
    too much.
    """
    raise unwinding(meant(callers(sys._getframe(1)), target))


def unwinding(frame: FrameType, told: Any = None, kind: type[Restart] = Restart) -> Restart:
    """Return what has the call of a frame begin anew when raised in its thread; ``told.has_begun`` is set then."""
    restart = Restart.__new__(kind, frame.f_back, told)
    restart.args = (f"the call of {frame.f_code.co_qualname} cannot begin anew: it was not made through relive",)
    return restart


def meant(stack: Iterable[FrameType], target: Any) -> FrameType:
    """Return the frame of the call that is meant; raise `ReliveError` if there is none that can begin anew.

    ``stack`` are frames of this thread, the innermost first.
    """
    found = calls(stack, target)
    if not found:
        raise ReliveError(f"no call of {told(target)} is running in this thread")
    return able(found)


def raise_at(frame: FrameType, error: BaseException) -> None:
    """Have an exception raised when this thread comes back to a frame."""

    def arrive(frame: FrameType, event: str, argument: Any) -> NoReturn:
        raise error

    frame.f_trace_opcodes = True
    frame.f_trace = arrive
    # Any function will do: it is the one of the frame that is called, and what that raises ends the tracing.
    sys.settrace(lambda *_: None)


def calls(stack: Iterable[FrameType], target: Any) -> list[FrameType]:
    """Return the frames of those calls of live functions that may be meant, the innermost first.

    Raises `ReliveError` where none are kept.
    """
    engine = keeper()
    return [frame for frame in stack if engine.has_code(frame.f_code) and _is_meant(frame, target)]


def able(found: Sequence[FrameType]) -> FrameType:
    """Return the first of these calls that can begin anew; raise `ReliveError` if none can."""
    engine = keeper()
    frame = next((frame for frame in found if not engine.has_stepped_aside(frame.f_code)), None)
    if frame is None:
        name = found[0].f_code.co_qualname
        raise ReliveError(f"{name} is called so often that its calls are not kept; restart the function that calls it")
    if why := why_not(engine, frame):
        raise ReliveError(f"{frame.f_code.co_qualname} cannot begin anew: {why}")
    return frame


def why_not(engine: Engine, frame: FrameType) -> str | None:
    """Say why the call of a frame cannot begin anew, if it cannot."""
    code = frame.f_code
    if not _is_function(code):
        return "it is no call of a function"
    if engine.has_stepped_aside(code):
        return "it is called so often that its calls are not kept"
    return _why_not_suspended(frame, engine.keeps_calls()) if code.co_flags & SUSPENDS else None


def keeper() -> Engine:
    """Return what keeps calls; raise `ReliveError` where nothing does."""
    session = _session.session()
    if session is None:
        raise ReliveError("nothing is live: relive.start() was not called")
    if sys.version_info < (3, 12) and not session._engine.keeps_calls():
        raise ReliveError("on CPython 3.11 calls can begin anew only after relive.start(hold=True)")
    return session._engine


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame, its caller, and so on."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def told(target: Any) -> str:
    """Return what is meant in words."""
    if target is None:
        return "a live function"
    if isinstance(target, FrameType):
        return f"the frame of {target.f_code.co_qualname}"
    return str(getattr(target, "__qualname__", target))


def _why_not_suspended(frame: FrameType, keeps_calls: bool) -> str | None:
    """Say why the call of a coroutine or generator cannot begin anew, if it cannot."""
    from relive._again import call_of

    code = frame.f_code
    kind = "generator" if code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR) else "coroutine"
    # What is told to end may run by itself, and not by way of what stands for it.
    if _is_ending():
        return f"it is a {kind} that is being cancelled or closed"
    call = call_of(frame)
    if call is None:
        why = "when it was called" if keeps_calls else "without relive.start(hold=True)"
        if keeps_calls and code.co_flags & inspect.CO_ASYNC_GENERATOR:
            why += ", or an exception was thrown into it"
        return f"it is a {kind}, whose calls were not kept {why}"
    return None if call.can_begin_anew() else "it is a generator that has yielded"


def _is_ending() -> bool:
    """Whether what runs has been told to end."""
    error = sys.exception()
    while error is not None:
        if isinstance(error, GeneratorExit):
            return True
        error = error.__context__
    asyncio = sys.modules.get("asyncio")
    try:
        task = asyncio and asyncio.current_task()
    except RuntimeError:
        return False
    return bool(task and task.cancelling())


def _is_meant(frame: FrameType, target: Any) -> bool:
    code = frame.f_code
    if not _is_function(code):
        return False
    if target is None:
        return True
    if isinstance(target, FrameType):
        return frame is target
    if isinstance(target, str):
        module, _, name = target.rpartition(":")
        return code.co_qualname == name and module in ("", frame.f_globals.get("__name__"))
    own = _code_of(target)
    # What runs may be an older version of it.
    return own is not None and (own.co_filename, own.co_qualname) == (code.co_filename, code.co_qualname)


def _is_function(code: CodeType) -> bool:
    return code.co_name not in ("<module>", "<genexpr>") and bool(code.co_flags & inspect.CO_NEWLOCALS)


def _code_of(target: Any) -> CodeType | None:
    function = inspect.unwrap(getattr(target, "__func__", target))
    return getattr(function, "__code__", None)
