"""Ctrl-C put off while a change is written down."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deferred() -> Iterator[None]:
    """Let an interrupt that arrives inside take effect at the end of the block, if nothing was raised in it.

    What is logged and what is executed would differ otherwise. Threads other than the main one get no interrupts.
    """
    before = signal.getsignal(signal.SIGINT)
    # A handler that Python did not install cannot be put back.
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if arrived:
        signal.raise_signal(signal.SIGINT)
