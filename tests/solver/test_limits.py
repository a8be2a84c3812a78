"""Every kind of limit at once, at random: two solvers, one optimum, and every plan verified."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import FleetProblem, InfeasibleError, SolveOptions, Status, solve

FleetMaker = Callable[[int], FleetProblem]
EXACT = SolveOptions(relative_gap=0.0)
SOLVERS = ("ortools:highs", "ortools:scip")
SLOW = {113}
"""Seeds whose proof takes seconds."""


def outcome(problem: FleetProblem, backend: str) -> float | str:
    try:
        plan = solve(problem, backend=backend, options=EXACT)
    except InfeasibleError:
        return "infeasible"
    assert plan.status is Status.OPTIMAL
    assert plan.usd_per_hour_bound is not None
    return plan.usd_per_hour


@pytest.mark.parametrize("seed", sorted(set(range(120)) - SLOW))
def test_solvers_agree_under_limits_of_every_kind(seed: int, limited_fleet: FleetMaker) -> None:
    problem = limited_fleet(seed)
    first, second = (outcome(problem, backend) for backend in SOLVERS)
    assert first == (second if isinstance(second, str) else pytest.approx(second, rel=1e-6))
