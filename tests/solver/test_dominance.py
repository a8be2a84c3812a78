"""Leaving VM types out never changes the optimum, and needless ones do go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import infersave
from infersave import SLO, FleetProblem, RequestClass, SolveOptions, Workload, solve
from infersave.solver.dominance import without_dominated
from infersave.solver.estate import survey
from infersave.solver.solve import DEFAULT_BACKEND
from infersave.solver.variables import Estate

FleetMaker = Callable[[int], FleetProblem]
EXACT = SolveOptions(relative_gap=0.0)


def kept_types(estate: Estate) -> set[str]:
    places = {int(p) for s in estate.services for p in s.place}
    return {estate.market.places[p].offer.vm_type.key for p in places}


@pytest.mark.parametrize("seed", range(600, 640))
def test_the_optimum_stays(
    seed: int, random_fleet: FleetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = random_fleet(seed)
    # Twins at a higher price, so that something can be dominated.
    twins = tuple(
        offer.replace(
            vm_type=offer.vm_type.replace(name=f"{offer.vm_type.name}-twin"),
            usd_per_hour=offer.usd_per_hour * 1.1,
        )
        for offer in problem.offers
    )
    doubled = problem.replace(offers=problem.offers + twins)
    try:
        pruned = solve(doubled, options=EXACT).usd_per_hour
    except infersave.InfeasibleError:
        pytest.skip("this fleet has no plan")
    kept = kept_types(without_dominated(survey(doubled, DEFAULT_BACKEND, EXACT)))
    monkeypatch.setattr("infersave.solver.solve.without_dominated", lambda estate: estate)
    assert solve(doubled, options=EXACT).usd_per_hour == pytest.approx(pruned, rel=1e-6)
    assert not any(key.endswith("-twin") for key in kept)


def test_half_of_the_real_vm_types_are_needless() -> None:
    workload = Workload(
        name="chat",
        architecture=infersave.load_architecture("meta-llama/Llama-3.1-8B"),
        requests_per_s=5.0,
        requests=(RequestClass(input_tokens=512, output_tokens=256),),
        slo=SLO(tpot_s=0.1),
    )
    offers = infersave.load_catalog().select(provider="aws", regions="us-east-1").offers
    problem = FleetProblem(
        workloads=(workload,), offers=offers, calibrations=infersave.load_calibrations()
    )
    estate = survey(problem, DEFAULT_BACKEND, EXACT)
    kept = kept_types(without_dominated(estate))
    assert 0 < len(kept) < len(kept_types(estate)) / 2
