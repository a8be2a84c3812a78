"""Proved optima, for searches that compare them."""

from __future__ import annotations

import infersave
from infersave import FleetProblem, InfeasibleError, SolveOptions, Status
from infersave.models.outcome import NoPlanError, UnsupportedProgram
from infersave.solver.refuting import REFUTED

EXACT = SolveOptions(relative_gap=0.0, time_limit_s=60.0)
AGREE = 2e-6
"""Relative difference that solvers' tolerances explain."""


class RefutedProof(Exception):
    """A solver claimed a proof that a cheaper plan contradicts."""


def optimum(problem: FleetProblem, backend: str) -> float | None:
    """The proved optimum; inf where it is proved that there is none; None without a proof.

    Raises:
        BackendError: the solver failed.
        RefutedProof: the check of `solve` itself found that it lied.
    """
    try:
        plan = infersave.solve(problem, backend=backend, options=EXACT, formulation="candidates")
    except InfeasibleError:
        return float("inf")
    except (UnsupportedProgram, NoPlanError):
        return None
    if plan.limit == REFUTED:
        raise RefutedProof(f"{backend}: its proof was refuted by a plan for {plan.usd_per_hour}")
    return plan.usd_per_hour if plan.status is Status.OPTIMAL else None
