"""Running someone else's native code: on a clock, in a thread of its own, with stdout kept clean.

A solver's time limit is advice: presolve does not look at the clock, and HiGHS has taken 50 s
on a limit of 2. Waiting in another thread lets the limit, and Ctrl-C, end the wait; the
abandoned solve runs out in the background.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

Result = TypeVar("Result")


def watched(work: Callable[[], Result], seconds: float) -> Result | None:
    """What `work` returns, or None if it is not back in time.

    Args:
        work: the call.
        seconds: how long to wait [s].

    Raises:
        Exception: whatever `work` raised.
    """
    results: list[Result] = []
    errors: list[Exception] = []

    def call() -> None:
        try:
            results.append(work())
        except Exception as error:  # raised again below, in the caller's thread
            errors.append(error)

    with _stdout_on_stderr():
        thread = threading.Thread(target=call, name="infersave solver", daemon=True)
        thread.start()
        thread.join(seconds)
    if errors:
        raise errors[0]
    return results[0] if results else None


@contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    """Point file descriptor 1 at stderr while nobody else can be writing to it.

    HiGHS 1.12 prints a debugging line to stdout in about one solve of a thousand. With other
    threads alive nothing is moved: their output matters more than that line.
    """
    saved = None
    if threading.active_count() == 1:
        with suppress(OSError):  # no stdout, as in a daemon: nothing to protect
            saved = os.dup(1)
    if saved is None:
        yield
        return
    try:
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
            os.dup2(2, 1)
        yield
    finally:
        flush_native()
        os.dup2(saved, 1)
        os.close(saved)


def flush_native() -> None:
    """Empty the C library's buffers: what it still holds would come out on stdout later."""
    with suppress(OSError, AttributeError, TypeError):  # not every platform names its own
        ctypes.CDLL(None).fflush(None)
