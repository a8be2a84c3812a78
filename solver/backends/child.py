"""The process that solvers run in: requests on stdin, replies on stdout, until stdin ends.

    python -m infersave.solver.backends.child PARENT_PID PRIVATE_FOLDER

File descriptor 1 is moved away before any solver is loaded: they print whatever they are told
not to. When the parent dies, so does this process with all that it has started.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...models.outcome import BackendError, UnsupportedOption
from .base import get_backend
from .canaries import failure
from .messages import Bounds, Failed, Reply, Request, SelfTest, Stop, Tested, Work, Write, Written
from .writing import write_here

FOLDER_PREFIX = "infersave-"
"""Of the private folder of each process."""

WATCH_S = 0.2
"""How often a child looks whether its parent still lives [s]."""


class Child:
    """Answers one request at a time; each in a thread of its own.

    HiGHS fixes its thread count per calling thread, and fails on another one.
    """

    def __init__(self, replies: BinaryIO) -> None:
        self._replies = replies
        self._writing = threading.Lock()
        self._stop = threading.Event()

    def take(self, request: Request) -> None:
        """Begin to answer, or stop what is being answered."""
        if isinstance(request, Stop):
            self._stop.set()
            return
        self._stop.clear()
        threading.Thread(target=self._work, args=(request,), daemon=True).start()

    def _work(self, request: Work) -> None:
        try:
            reply = self._answer(request)
        except BackendError as error:
            reply = Failed(str(error), isinstance(error, UnsupportedOption))
        except MemoryError:
            reply = Failed(f"{request.backend} ran out of memory")
        except Exception as error:  # a solver's own; the parent says it in its name
            reply = Failed(f"{request.backend} failed: {type(error).__name__}: {error}")
        self._send(reply)

    def _answer(self, request: Work) -> Reply:
        if isinstance(request, Write):
            _limit_memory(None)  # a solve before may have left one
            return Written(write_here(request.program, request.form))
        backend = get_backend(request.backend)
        if isinstance(request, SelfTest):
            _limit_memory(None)
            return Tested(backend.loadable() or failure(backend))
        _limit_memory(request.options.memory_limit_bytes)
        return backend.answer(request.program, request.options, self._say, self._stop)

    def _say(self, incumbent: float | None, bound: float | None) -> None:
        self._send(Bounds(incumbent, bound))

    def _send(self, reply: Reply) -> None:
        with self._writing, suppress(OSError):  # a parent that is gone needs no reply
            pickle.dump(reply, self._replies, pickle.HIGHEST_PROTOCOL)
            self._replies.flush()


def _limit_memory(limit_bytes: float | None) -> None:
    """Hold the address space of this process to a limit [bytes], where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = hard if limit_bytes is None else int(limit_bytes)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _die_with(parent: int, folder: str) -> None:
    """End this process once the parent is gone; stdin may outlive it in another child."""
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    _end(folder)


def _end(folder: str) -> None:
    """End this process and what it has started, and leave no file behind."""
    if Path(folder).name.startswith(FOLDER_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    if os.name == "posix":
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main(parent: int, folder: str) -> None:
    """Answer until stdin ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if os.name == "posix":
        threading.Thread(target=_die_with, args=(parent, folder), daemon=True).start()
    child = Child(replies)
    with suppress(EOFError):
        while True:
            child.take(pickle.load(sys.stdin.buffer))
    _end(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
