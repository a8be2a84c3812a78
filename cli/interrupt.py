"""Ctrl-C and SIGTERM while a plan is computed: the best plan so far, not a traceback."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SHELL = 128
"""Added to a signal's number, it is the exit status of what the signal ended."""


class Interruption(threading.Event):
    """Set by the first signal; `number` says by which.

    Attributes:
        number: of the signal; 0 before any.
    """

    number = 0

    def exit_status(self, otherwise: int = 0) -> int:
        """Of a command that answered what it had."""
        return SHELL + self.number if self.number else otherwise


@contextmanager
def unwinding() -> Iterator[None]:
    """SIGTERM ends what runs inside as Ctrl-C does: what is open is closed first."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to whoever runs the main thread
        return

    def handle(number: int, frame: FrameType | None) -> None:
        raise SystemExit(SHELL + number)

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """An event that the first signal sets; the second ends the command at once."""
    asked = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # signals belong to whoever runs the main thread
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.number = number
        asked.set()
        if sys.stderr is not None and sys.stderr.isatty():
            print("\nstopping with the best plan so far; again: at once", file=sys.stderr)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
