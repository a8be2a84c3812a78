"""Which quotas and budgets leave no plan: the least that would have to give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.outcome import BackendError, Conflict
from .attempt import attempt
from .backends.running import run
from .builder import ProgramBuilder
from .caps import add_elastic_limits
from .formulation import add_demand
from .program import Solution, SolveOptions
from .variables import Estate

EXCEEDED = 1e-6
"""Part of a limit below which it is met: the solvers' feasibility tolerance."""


def binding_limits(estate: Estate, backend: str, options: SolveOptions) -> list[Conflict]:
    """The limits that a plan must exceed; empty where they are not to blame.

    The sum of all excesses, each as a part of its limit, is made least: another set of
    limits may do as well.
    """
    builder = ProgramBuilder()
    variables = add_demand(builder, estate)
    relaxed = add_elastic_limits(builder, variables)
    if not relaxed:
        return []
    program = builder.build()
    cost = np.zeros(program.n_columns)
    cost[[int(column[0]) for _, column in relaxed]] = 1.0
    elastic = replace(program, cost=cost)
    try:
        solution: Solution | None = run(backend, elastic, options)
    except BackendError:  # that there is no plan is proved; only the reasons are missing
        solution = attempt(elastic, options)
    if solution is None or solution.values is None:
        return []
    found = []
    for cap, column in relaxed:
        excess = float(solution.values[column[0]])
        if excess > EXCEEDED:
            needed = cap.limit + excess * cap.scale
            found.append(Conflict(cap.name, cap.unit, cap.limit, needed))
    return found


def in_words(conflict: Conflict) -> str:
    """A limit in one line."""
    what = "budget" if conflict.subject == "budget" else f"quota {conflict.subject!r}"
    needed = f"{conflict.needed:.4g} {conflict.rule} would be needed"
    return f"{what}: {needed}, the limit is {conflict.asked:g}"
