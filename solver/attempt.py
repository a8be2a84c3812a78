"""Running a solver on a program whose answer the search can do without."""

from __future__ import annotations

from dataclasses import replace

from ..models.outcome import BackendError, BackendUnavailable
from .backends.running import run
from .program import Program, Solution, SolveOptions

BACKEND = "ortools:highs"
"""Solves the linear programs; splitting by workload is offered under its name."""

INTEGER_BACKEND = "ortools:scip"
"""Solves the masters and the plain program: on masters of 100 and 300 workloads under limits it
found in 1 to 3 s plans that HiGHS had not found in 3 s, or found half as soon."""

SOLVERS = f"{BACKEND}, {INTEGER_BACKEND}"
"""Who solved what was split by workload."""


def attempt(program: Program, options: SolveOptions) -> Solution | None:
    """The solution, or None where the solver failed on this program.

    Nothing is told of its progress: its money is not the caller's.

    Raises:
        BackendUnavailable: it cannot run at all.
    """
    try:
        backend = INTEGER_BACKEND if program.integer.any() else BACKEND
        return run(backend, program, replace(options, on_bounds=None, threads=1, native={}))
    except BackendUnavailable:
        raise
    except BackendError:
        return None
