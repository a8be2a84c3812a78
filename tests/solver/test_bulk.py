"""Splitting by workload: its plan, its bound and its gap, beside the proof of the whole program."""

from __future__ import annotations

import numpy as np
import pytest

from infersave import (
    GPU,
    Budget,
    FleetProblem,
    InfeasibleError,
    MeasuredWorkload,
    Offer,
    Quota,
    SolveOptions,
    Status,
    Survival,
    Throughput,
    UnsupportedOption,
    VMType,
    solve,
)
from infersave.models.hardware import PurchaseOption

PROOF = SolveOptions(relative_gap=0.0, time_limit_s=30.0)
GAP = 1e-3
LOOSE = SolveOptions(relative_gap=GAP, time_limit_s=20.0)
ROUNDING = 2e-6


def vm_type(rng: np.random.Generator, number: int) -> VMType:
    return VMType(
        provider="cloud",
        name=f"vm{number}",
        family=f"family{number % 2}",
        gpu=GPU(name=f"gpu{number % 3}"),
        n_gpus=int(rng.choice([1, 1, 2, 4, 8])),
        vcpus=int(rng.integers(2, 96)),
    )


def offers(rng: np.random.Generator) -> tuple[Offer, ...]:
    found = []
    for number in range(int(rng.integers(2, 7))):
        machine = vm_type(rng, number)
        usd = round(float(rng.uniform(0.5, 3.0)) * machine.n_gpus, 3)
        options: list[tuple[PurchaseOption, float, int]] = [("on_demand", usd, 0)]
        if rng.random() < 0.4:
            options.append(("spot", round(usd * 0.4, 3), 0))
        if rng.random() < 0.3:
            options.append(("reserved", round(usd * 0.6, 3), int(rng.integers(0, 3))))
        found += [
            Offer(vm_type=machine, region="here", purchase=p, usd_per_hour=u, owned=n)
            for p, u, n in options
        ]
    return tuple(found)


def tables(rng: np.random.Generator, machines: list[VMType]) -> tuple[Throughput, ...]:
    found = []
    for machine in machines:
        one = float(rng.uniform(0.3, 3.0))
        for gpus in (1, 2, 4, 8):
            if gpus <= machine.n_gpus and rng.random() < 0.7:
                carried = (one * gpus ** float(rng.uniform(0.7, 1.1)),)
                found.append(Throughput(vm_type=machine.name, n_gpus=gpus, requests_per_s=carried))
    return tuple(found)


def covering(seed: int) -> FleetProblem:
    """Services with one class each; spot caps, zones, quotas, a budget, owned VMs at random."""
    rng = np.random.default_rng((seed, 7))
    sold = offers(rng)
    machines = list({o.vm_type.key: o.vm_type for o in sold}.values())
    capped, zoned = rng.random() < 0.5, rng.random() < 0.3
    demands = []
    for number in range(int(rng.integers(2, 9))):
        throughput = tables(rng, machines) or (
            Throughput(vm_type=machines[0].name, requests_per_s=(1.0,)),
        )
        demands.append(
            MeasuredWorkload(
                name=f"w{number}",
                requests_per_s=float(10 ** rng.uniform(-1, 1)),
                throughput=throughput,
                max_spot_share=float(rng.choice([0.0, 0.3, 0.5, 1.0])) if capped else 1.0,
                survive=Survival(zone=float(rng.choice([0.3, 0.5, 1.0])))
                if zoned and rng.random() < 0.5
                else Survival(),
            )
        )
    quotas = [
        Quota(name="family", families=(machines[0].family,), unit="gpus",
              limit=float(rng.integers(2, 20))),
        Quota(name="all", unit="vms", limit=float(rng.integers(6, 40))),
    ]  # fmt: skip
    return FleetProblem(
        measured=tuple(demands),
        offers=sold,
        quotas=tuple(q for q in quotas if rng.random() < 0.4),
        budget=Budget(usd_per_hour=float(rng.uniform(8, 120))) if rng.random() < 0.3 else Budget(),
        zones_per_region=int(rng.integers(2, 4)),
    )


def optimum(problem: FleetProblem) -> float | None:
    """Cost of the whole program, proved; None when it has no plan."""
    try:
        plan = solve(problem, options=PROOF, formulation="candidates")
    except InfeasibleError:
        return None
    assert plan.status is Status.OPTIMAL
    return plan.usd_per_hour


def test_what_patterns_cannot_say_is_refused() -> None:
    problem = covering(0)
    with pytest.raises(UnsupportedOption, match="ortools:highs"):
        solve(problem, backend="ortools:scip", formulation="patterns")
    survivor = problem.measured[0].replace(survive=Survival(vm=0.5))
    with pytest.raises(UnsupportedOption, match=r"survive\.vm"):
        solve(problem.replace(measured=(survivor,)), formulation="patterns")


@pytest.mark.parametrize("seed", range(250))
def test_the_bound_is_valid_and_the_gap_is_true(seed: int) -> None:
    problem = covering(seed)
    best = optimum(problem)
    try:
        plan = solve(problem, options=LOOSE, formulation="patterns")
    except InfeasibleError:
        assert best is None
        return
    assert best is not None
    assert plan.usd_per_hour_bound is not None
    assert plan.usd_per_hour_bound <= best * (1 + ROUNDING)
    assert plan.usd_per_hour >= best * (1 - ROUNDING)
    claimed = (plan.usd_per_hour - plan.usd_per_hour_bound) / plan.usd_per_hour
    assert plan.gap == pytest.approx(claimed, abs=1e-9)
    assert plan.status is Status.OPTIMAL
    assert plan.usd_per_hour <= best * (1 + GAP + ROUNDING)
