"""Leaving VM types out never changes the optimum, and needless ones do go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import infersave
from infersave import SLO, FleetProblem, RequestClass, SolveOptions, Workload, solve
from infersave.solver.candidates import Stream, cheapest_offers, enumerate_streams
from infersave.solver.dominance import without_dominated

FleetMaker = Callable[[int], FleetProblem]
EXACT = SolveOptions(relative_gap=0.0)


def kept_types(services: tuple[Stream, ...]) -> set[str]:
    return {s.machines.keys[k] for s in services for k in s.useful()}


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
    monkeypatch.setattr(
        "infersave.solver.formulation.without_dominated", lambda services, offers: services
    )
    assert solve(doubled, options=EXACT).usd_per_hour == pytest.approx(pruned, rel=1e-6)
    services = tuple(s for s in enumerate_streams(doubled) if s.workload.job is None)
    kept = kept_types(without_dominated(services, cheapest_offers(doubled.offers)))
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
    services = enumerate_streams(problem)
    kept = kept_types(without_dominated(services, cheapest_offers(offers)))
    assert 0 < len(kept) < len(kept_types(services)) / 2
