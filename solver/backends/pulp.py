"""CBC, bundled with PuLP, and any other solver that PuLP drives and that is installed here.

PuLP tells no dual bound, so the gap of its solutions is unknown even when CBC claims a
proof: `bound` is None, and OPTIMAL rests on the solver's word alone.

Importing PuLP loads highspy where that is installed, and the two together crash OR-Tools.
PuLP therefore runs in this process only when highspy is absent and the solver is CBC,
itself another process; otherwise in a child (`pulp_child`) under a watchdog.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ...models.outcome import BackendError, Status
from ..program import Program, Solution, SolveOptions
from .finish import Answer, finish
from .pulp_model import CBC, EXACT, GAPS, OTHERS, answer_here
from .watch import watched

NAME = "pulp:cbc"

GRACE_S = 10.0
"""How long past the time limit PuLP may take to write the model and read the answer [s]."""

WRONG_HIGHSPY = ("1.13.", "1.14.")
"""Releases of HiGHS that call wrong answers optimal."""


def known_names() -> tuple[str, ...]:
    """Every `pulp:` name, installed or not."""
    return (NAME, *(f"pulp:{solver}" for solver in (*GAPS, *EXACT, *OTHERS)))


@dataclass(frozen=True, slots=True)
class Pulp:
    """One of `known_names()`."""

    name: str

    @property
    def solver(self) -> str:
        """The solver as PuLP calls it, or `cbc` for the bundled one."""
        return self.name.removeprefix("pulp:")

    def available(self) -> str | None:
        """Why PuLP or this solver cannot run here, or None."""
        if find_spec("pulp") is None:
            return "the package pulp is not installed"
        if not version("pulp").startswith("3."):
            return f"pulp {version('pulp')} is not of the 3 series, the last to bundle a solver"
        if self.solver in OTHERS:
            return "PuLP would drop options on the way to it, and say nothing"
        if self.solver == "HiGHS" and find_spec("highspy") is not None:
            highspy = version("highspy")
            if highspy.startswith(WRONG_HIGHSPY):
                return f"highspy {highspy} calls wrong answers optimal"
        if any(character.isspace() for character in tempfile.gettempdir()):
            return "PuLP cannot use a temporary folder with a space in its name; set TMPDIR"
        if self.solver != CBC:
            with _private_folder() as folder:
                listed = _child({"solver": self.solver}, folder, GRACE_S)
            if listed is None or not listed["available"]:
                return f"PuLP finds no {self.solver} here"
        return None

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """Options that the wrapper of this solver would drop."""
        if options.threads > 1 and self.solver in EXACT:
            return "it runs on 1 thread"
        if options.seed and self.solver != CBC:
            return "PuLP passes no seed on to it"
        return None

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """Solve here or in a child, inside a private folder that is removed afterwards.

        Raises:
            BackendError: the solver or the child failed.
        """
        started = time.monotonic()
        label = f"{self.name} {version('pulp')}"
        limit = options.time_limit_s
        if limit == 0:  # some wrappers read 0 as no limit at all
            return finish(program, options, Answer(Status.NO_PLAN, limit="time"), label, started)
        with _private_folder() as folder:
            if self.solver == CBC and find_spec("highspy") is None:
                found = watched(lambda: answer_here(program, options, CBC, folder), limit + GRACE_S)
            else:
                found = self._in_child(program, options, folder)
        answer = found or Answer(Status.NO_PLAN, limit="time")
        return finish(program, options, answer, label, started)

    def _in_child(self, program: Program, options: SolveOptions, folder: str) -> Answer | None:
        """What the child answers; None when it had to be killed."""
        request = {"solver": self.solver, "folder": folder, **to_json(program, options)}
        reply = _child(request, folder, options.time_limit_s + GRACE_S)
        return None if reply is None else Answer(**{**reply, "claim": Status(reply["claim"])})


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one solve; a solver that was given up may still be writing at its end."""
    return tempfile.TemporaryDirectory(prefix="infersave-", ignore_cleanup_errors=True)


def _child(request: dict[str, Any], folder: str, timeout: float) -> dict[str, Any] | None:
    """A child's reply to a request; None when it had to be killed.

    Raises:
        BackendError: it failed, with the last line it wrote.
    """
    paths = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    process = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.pulp_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,  # what a solver leaves behind stays in it
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
        text=True,
    )
    try:
        reply, complaint = process.communicate(json.dumps(request), timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    if process.returncode:
        last = (complaint.strip().splitlines() or ["it said nothing"])[-1]
        raise BackendError(f"the child of pulp:{request['solver']} failed: {last}")
    return dict(json.loads(reply))


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a child that still runs and the solver that it started, and collect it."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()


def to_json(program: Program, options: SolveOptions) -> dict[str, Any]:
    """Program and options as plain data."""
    arrays = {f.name: getattr(program, f.name) for f in fields(program)}
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in arrays.items()}
    return {"program": plain, "options": asdict(options)}


def from_json(request: dict[str, Any]) -> tuple[Program, SolveOptions]:
    """What `to_json` wrote."""
    kinds = {"integer": np.bool_, "indptr": np.int64, "indices": np.int64}
    program = {
        name: np.array(value, kinds.get(name, np.float64)) if isinstance(value, list) else value
        for name, value in request["program"].items()
    }
    return Program(**program), SolveOptions(**request["options"])
