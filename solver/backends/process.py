"""A process that solvers run in, seen from the parent: start it, ask it, watch it, end it.

It is started fresh (never forked: a forked HiGHS hangs), in a session and a folder of its own,
and killed with all that it has started when it is late, dead or no longer wanted.
"""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...models.outcome import BackendUnavailable
from ..deadline import Deadline
from ..logs import LOG
from .child import FOLDER_PREFIX
from .messages import Bounds, Reply, Request, Stop, Work

POLL_S = 0.05
"""How often a cancel token is looked at [s]."""

STOP_S = 0.1
"""How long a solver that is told to stop may take to answer what it has [s]."""

OnBounds = Callable[[Bounds], None]


class Died(Exception):
    """The process ended before it answered; the message says how."""


class Late(Exception):
    """The answer did not come in time; the process is still at it, and must be ended."""


class SolverProcess:
    """One process; it answers one request at a time.

    Raises:
        BackendUnavailable: no process can be started here.
    """

    def __init__(self) -> None:
        try:
            # No TemporaryDirectory: its finalizer would also run in a process forked from this one.
            self._folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX)
            self._complaints = Path(self._folder) / "stderr"
            self._process = self._started()
        except OSError as error:
            raise BackendUnavailable(f"no process can be started for solvers: {error}") from error
        self._replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="infersave replies", daemon=True)
        self._reader.start()
        LOG.debug("solver process %d started", self.pid)

    def _started(self) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
        folder = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._folder)
        with self._complaints.open("wb") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.child", str(os.getpid()), self._folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=self._folder,
                env={**os.environ, **folder, "PYTHONPATH": paths},
                start_new_session=True,
            )

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
            while True:
                self._replies.put(pickle.load(self._process.stdout))
        self._replies.put(None)

    @property
    def pid(self) -> int:
        """Of the process, and of its session."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def ask(self, request: Work, deadline: Deadline, on_bounds: OnBounds | None = None) -> Reply:
        """The reply.

        Raises:
            Died: it ended instead.
            Late: the deadline passed, or a solver that was told to stop did not.
        """
        self._send(request)
        told = False
        while True:
            if deadline.cancelled and not told:
                told, deadline = True, Deadline.within(STOP_S)
                self._send(Stop())
            try:
                reply = self._replies.get(timeout=min(max(deadline.left_s, 1e-3), POLL_S))
            except queue.Empty:
                if deadline.over and (told or not deadline.cancelled):
                    raise Late from None
                continue
            if reply is None:
                raise Died(self._last_words())
            if not isinstance(reply, Bounds):
                return reply
            if on_bounds is not None:
                on_bounds(reply)

    def _send(self, request: Request) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(request, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError as error:
            raise Died(self._last_words()) from error

    def _last_words(self) -> str:
        """How it ended: the signal or status, and the last line that it wrote."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.returncode
        how = f"status {code}"
        if code is not None and code < 0:
            with suppress(ValueError):
                how = signal.Signals(-code).name
        lines = self._complaints.read_text(errors="replace").strip().splitlines()
        return f"{how}: {lines[-1]}" if lines else how

    def end(self) -> None:
        """Kill it and all that it has started, and remove its folder."""
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):  # its children may outlive it
                os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        LOG.debug("solver process %d ended", self.pid)
