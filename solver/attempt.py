"""Running a solver on a program whose answer the search can do without."""

from __future__ import annotations

from ..models.outcome import BackendError, BackendUnavailable
from .backends.base import run
from .program import Program, Solution, SolveOptions

BACKEND = "ortools:highs"
"""Solves the linear programs, the masters and the plain program."""


def attempt(program: Program, options: SolveOptions) -> Solution | None:
    """The solution, or None where the solver failed on this program.

    Raises:
        BackendUnavailable: it cannot run at all.
    """
    try:
        return run(BACKEND, program, options)
    except BackendUnavailable:
        raise
    except BackendError:
        return None
