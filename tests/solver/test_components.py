"""Parts that share nothing are planned apart, and add up to the plan of the whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import (
    Budget,
    FleetProblem,
    InfeasibleError,
    Quota,
    Selection,
    SolveOptions,
    solve,
)
from infersave.solver.components import split
from infersave.solver.estate import survey
from infersave.solver.progress import Progress
from infersave.solver.solve import DEFAULT_BACKEND

FleetMaker = Callable[[int], FleetProblem]
EXACT = SolveOptions(relative_gap=0.0)


def beside(left: FleetProblem, right: FleetProblem) -> FleetProblem:
    """Two fleets in one problem, each kept to its own region."""

    def moved(problem: FleetProblem, region: str) -> FleetProblem:
        stay = Selection(regions=(region,))
        return problem.replace(
            offers=tuple(o.replace(region=region) for o in problem.offers),
            workloads=tuple(
                w.replace(name=f"{region} {w.name}", allow=stay) for w in problem.workloads
            ),
        )

    west, east = moved(left, "west"), moved(right, "east")
    renamed = tuple(
        o.replace(
            vm_type=o.vm_type.replace(
                name=f"e-{o.vm_type.name}",
                gpu=o.vm_type.gpu.replace(name=f"e-{o.vm_type.gpu.name}"),
            )
        )
        for o in east.offers
    )
    return FleetProblem(
        workloads=west.workloads + east.workloads,
        offers=west.offers + renamed,
        calibrations=west.calibrations
        + tuple(c.replace(gpu=f"e-{c.gpu}") for c in east.calibrations),
        billing=left.billing,
    )


def planned(problem: FleetProblem) -> float:
    try:
        return solve(problem, options=EXACT).usd_per_hour
    except InfeasibleError:
        pytest.skip("this fleet has no plan")


@pytest.mark.parametrize("seed", range(700, 712))
def test_the_parts_add_up(seed: int, random_fleet: FleetMaker) -> None:
    left, right = random_fleet(seed), random_fleet(seed + 100)
    right = right.replace(billing=left.billing)
    whole = beside(left, right)
    apart = planned(left) + planned(right)
    assert len(split(survey(whole, DEFAULT_BACKEND, EXACT))) >= 2
    one = solve(whole, options=EXACT)
    assert one.usd_per_hour == pytest.approx(apart, rel=1e-6)
    both = solve(whole, options=SolveOptions(relative_gap=0.0, threads=2))
    assert both.replace(seconds=0.0) == one.replace(seconds=0.0)
    # A budget couples everything: planned as one, at the same cost.
    rich = whole.replace(budget=Budget(usd_per_hour=apart * 2))
    assert len(split(survey(rich, DEFAULT_BACKEND, EXACT))) == 1
    assert planned(rich) == pytest.approx(apart, rel=1e-6)


def test_a_quota_joins_what_it_counts(random_fleet: FleetMaker) -> None:
    left, right = random_fleet(701), random_fleet(801)
    whole = beside(left, right.replace(billing=left.billing))
    apart = len(split(survey(whole, DEFAULT_BACKEND, EXACT)))
    joined = whole.replace(quotas=(Quota(name="all", limit=1e4, unit="gpus"),))
    assert len(split(survey(joined, DEFAULT_BACKEND, EXACT))) == 1 < apart


def test_progress_is_told(random_fleet: FleetMaker) -> None:
    told: list[Progress] = []
    for seed in range(20):
        problem = random_fleet(seed)
        try:
            plan = solve(problem, options=EXACT, on_progress=told.append)
        except InfeasibleError:
            continue
        for progress in told:
            assert progress.usd_per_hour_bound is not None
            assert progress.usd_per_hour is not None
            assert progress.usd_per_hour_bound <= plan.usd_per_hour * (1 + 1e-6)
            assert 1 <= progress.part <= progress.parts
        if told:
            return
    pytest.fail("no solve said anything")
