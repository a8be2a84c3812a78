"""Both forms of the program, all solvers and the oracle give one optimum."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import (
    FleetPlan,
    FleetProblem,
    InfeasibleError,
    SolveOptions,
    Status,
    solve,
)
from infersave.solver.formulation import Formulation

FLEETS = 240
BLOCKS = 12
AGREE = 1e-6
EXACT = SolveOptions(relative_gap=0.0)

SOLVERS = ("ortools:highs", "ortools:scip", "ortools:cp-sat", "pulp:cbc", "exhaustive")


def cost(
    problem: FleetProblem, backend: str, formulation: Formulation = "candidates"
) -> float | None:
    """The proved optimum, or None where it is proved that there is none."""
    try:
        plan: FleetPlan = solve(problem, backend=backend, options=EXACT, formulation=formulation)
    except InfeasibleError:
        return None
    assert plan.status is Status.OPTIMAL
    # The program's own optimum, not only the plan read from it.
    assert plan.gap is None or plan.gap <= AGREE
    return plan.usd_per_hour


@pytest.mark.parametrize("block", range(BLOCKS))
def test_forms_and_solvers_agree(block: int, random_fleet: Callable[[int], FleetProblem]) -> None:
    for seed in range(block * FLEETS // BLOCKS, (block + 1) * FLEETS // BLOCKS):
        problem = random_fleet(seed)
        costs = {solver: cost(problem, solver) for solver in SOLVERS}
        costs["layers by highs"] = cost(problem, "ortools:highs", "layers")
        costs["layers by scip"] = cost(problem, "ortools:scip", "layers")
        reference = costs["exhaustive"]
        expected = None if reference is None else pytest.approx(reference, rel=AGREE)
        assert all(value == expected for value in costs.values()), (seed, costs)
