"""What must hold of any optimum, whatever the numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import SLO, FleetProblem, InfeasibleError, SolveOptions, solve
from infersave.solver.canonical import in_order_of

FleetMaker = Callable[[int], FleetProblem]
SEEDS = range(300, 330)
EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-6


def cost(problem: FleetProblem) -> float:
    """The optimum [USD/h]; inf where there is no plan."""
    try:
        return solve(problem, options=EXACT).usd_per_hour
    except InfeasibleError:
        return float("inf")


def dearer(problem: FleetProblem, factor: float) -> FleetProblem:
    offers = tuple(o.replace(usd_per_hour=o.usd_per_hour * factor) for o in problem.offers)
    return problem.replace(offers=offers)


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_scale_the_cost(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    base = cost(problem)
    for factor in (2.0**-20, 3.7, 2.0**16):
        assert cost(dearer(problem, factor)) == pytest.approx(base * factor, rel=ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_dearer_offer_never_makes_a_cheaper_plan(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    base = cost(problem)
    for index, offer in enumerate(problem.offers):
        offers = list(problem.offers)
        offers[index] = offer.replace(usd_per_hour=offer.usd_per_hour * 1.5)
        assert cost(problem.replace(offers=tuple(offers))) >= base * (1 - ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_another_vm_type_never_costs_more(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    base = cost(problem)
    for index in range(len(problem.offers)):
        fewer = problem.offers[:index] + problem.offers[index + 1 :]
        assert cost(problem.replace(offers=fewer)) >= base * (1 - ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_looser_slo_never_costs_more(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    base = cost(problem)
    for index, workload in enumerate(problem.workloads):
        slo = workload.slo
        looser = SLO(
            tokens_per_s=None if slo.tokens_per_s is None else slo.tokens_per_s / 2,
            ttft_s=None if slo.ttft_s is None else slo.ttft_s * 2,
            tpot_s=None,
        )
        workloads = list(problem.workloads)
        workloads[index] = workload.replace(slo=looser)
        assert cost(problem.replace(workloads=tuple(workloads))) <= base * (1 + ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_less_demand_never_costs_more(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    base = cost(problem)
    halved = tuple(
        w.replace(requests_per_s=w.requests_per_s / 2) if w.requests_per_s else w
        for w in problem.workloads
    )
    assert cost(problem.replace(workloads=halved)) <= base * (1 + ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_forbidding_offload_never_costs_less(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    forbidden = tuple(w.replace(offload=False) for w in problem.workloads)
    assert cost(problem.replace(workloads=forbidden)) >= cost(problem) * (1 - ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_input_order_is_irrelevant(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    turned = problem.replace(
        workloads=problem.workloads[::-1],
        offers=problem.offers[::-1],
        calibrations=problem.calibrations[::-1],
    )
    try:
        plan = solve(problem, options=EXACT)
    except InfeasibleError:
        assert cost(turned) == float("inf")
        return
    again = in_order_of(problem, solve(turned, options=EXACT))
    assert again.replace(seconds=0.0) == plan.replace(seconds=0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_together_never_costs_more_than_apart(seed: int, random_fleet: FleetMaker) -> None:
    problem = random_fleet(seed)
    apart = sum(cost(problem.replace(workloads=(w,))) for w in problem.workloads)
    assert cost(problem) <= apart * (1 + ROUNDING)
