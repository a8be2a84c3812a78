"""Which quotas and budgets leave no plan: the least that would have to give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.outcome import BackendError
from .attempt import attempt
from .backends.running import run
from .builder import ProgramBuilder
from .caps import add_elastic_limits
from .formulation import add_demand
from .program import Solution, SolveOptions
from .variables import Estate

EXCEEDED = 1e-6
"""Part of a limit below which it is met: the solvers' feasibility tolerance."""


def binding_limits(estate: Estate, backend: str, options: SolveOptions) -> list[str]:
    """The limits that a plan must exceed, one line each; empty where they are not to blame.

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
    lines = []
    for cap, column in relaxed:
        excess = float(solution.values[column[0]])
        if excess > EXCEEDED:
            needed = cap.limit + excess * cap.scale
            what = "budget" if cap.name == "budget" else f"quota {cap.name!r}"
            said = f"{needed:.4g} {cap.unit} would be needed, the limit is {cap.limit:g}"
            lines.append(f"{what}: {said}")
    return lines
