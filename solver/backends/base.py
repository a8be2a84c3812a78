"""What a backend is, how one is found by name, and the one way to run it.

A backend turns arrays into arrays. It declares what it cannot do as a reason in words;
`run` turns the reason into an error before anything is solved.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Protocol

from ...models.outcome import (
    BackendUnavailable,
    CatalogError,
    Status,
    UnsupportedOption,
    UnsupportedProgram,
)
from ..program import Program, Solution, SolveOptions
from .finish import Answer, crossed, feasible_hint, finish


class Backend(Protocol):
    """A solver that answers programs."""

    @property
    def name(self) -> str:
        """How users call it, such as `ortools:highs`."""

    def available(self) -> str | None:
        """Why it cannot run in this process, or None."""

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """Why it cannot answer this program or honour these options, or None.

        With the default options the reason concerns the program alone.
        """

    def solve(self, program: Program, options: SolveOptions) -> Solution:
        """The answer, through `finish`. Raises BackendError when the solver fails."""


def backend_names() -> tuple[str, ...]:
    """The backends that an installation brings, the default first."""
    from . import exhaustive, ortools, pulp

    return (*ortools.NAMES, pulp.NAME, exhaustive.NAME)


def get_backend(name: str) -> Backend:
    """The backend of that name, in any case of letters; loads no solver.

    Raises:
        CatalogError: nobody answers to the name; offers the nearest ones.
    """
    from . import exhaustive, ortools, pulp

    folded = name.casefold()
    if folded in ortools.NAMES:
        return ortools.OrTools(folded)
    if folded == exhaustive.NAME:
        return exhaustive.Exhaustive()
    known = {n.casefold(): n for n in pulp.known_names()}
    if folded in known:
        return pulp.Pulp(known[folded])
    raise CatalogError.unknown("backend", name, {*backend_names(), *known.values()})


def run(name: str, program: Program, options: SolveOptions | None = None) -> Solution:
    """Check the program, find the backend, let it refuse, then solve.

    Raises:
        ProblemError: the program holds a number that makes some solver answer wrongly.
        CatalogError: no such backend.
        BackendUnavailable, UnsupportedProgram, UnsupportedOption: with the reason.
        BackendError: the solver failed, or its point does not stand up.
    """
    program.check()
    options = options or SolveOptions()
    backend = get_backend(name)
    if reason := backend.refusal(program, SolveOptions()):
        raise UnsupportedProgram(f"{backend.name} cannot answer this program: {reason}")
    if reason := backend.refusal(program, options):
        raise UnsupportedOption(f"{backend.name} cannot honour these options: {reason}")
    if reason := backend.available():
        raise BackendUnavailable(f"{backend.name} cannot run here: {reason}")
    # HiGHS fails on a hint outside the bounds; one that is no point would help nobody.
    program = replace(program, hint=feasible_hint(program))
    if crossed(program):  # solvers disagree whether that is infeasible or an error
        return finish(program, options, Answer(Status.INFEASIBLE), backend.name, time.monotonic())
    return backend.solve(program, options)
