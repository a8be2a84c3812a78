"""The processes that solvers run in: started once, lent to one solve at a time, kept for the next.

A process serves one package only: two that bring the same native library crash together.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .process import SolverProcess


class Pool:
    """Idle processes by package."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[SolverProcess]] = {}

    def warm(self, library: str) -> None:
        """Start a process for this package now, if none waits: it loads while others compute."""
        with self._lock:
            waiting = self._idle.setdefault(library, [])
            if not waiting:
                waiting.append(SolverProcess())

    @contextmanager
    def lend(self, library: str) -> Iterator[SolverProcess]:
        """A process; ended, not kept, when the block fails."""
        process = self._take(library)
        try:
            yield process
        except BaseException:
            process.end()
            raise
        with self._lock:
            self._idle.setdefault(library, []).append(process)

    def _take(self, library: str) -> SolverProcess:
        while True:
            with self._lock:
                waiting = self._idle.get(library)
                process = waiting.pop() if waiting else None
            if process is None:
                return SolverProcess()
            if process.alive:
                return process
            process.end()

    def close(self) -> None:
        """End all that wait."""
        with self._lock:
            waiting = [process for those in self._idle.values() for process in those]
            self._idle.clear()
        for process in waiting:
            process.end()

    def forget(self) -> None:
        """In a forked process: what waits belongs to the parent."""
        self._lock = threading.Lock()
        self._kept = self._idle  # ending them here would end the parent's
        self._idle = {}


POOL = Pool()
"""Of this process. Only time is shared through it: answers do not depend on who answered before."""

atexit.register(POOL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=POOL.forget)
