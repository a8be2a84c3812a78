"""What would have to give: each suggestion is enough, at its cost, and no more than needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from infersave import (
    SLO,
    Budget,
    FleetProblem,
    InfeasibleError,
    NoPlanError,
    Quota,
    Reasons,
    SolveOptions,
    explain,
    solve,
    verify,
)
from infersave.models.field_path import with_field
from infersave.models.relaxation import TOLERANCE, Explanation
from infersave.solver.reasons.knobs import Knob
from infersave.solver.reasons.relaxing import _nearest

OPTIONS = SolveOptions(relative_gap=0.0, time_limit_s=60.0)
AGREE = 1e-6
FleetMaker = Callable[[int], FleetProblem]


def impossible(problem: FleetProblem, seed: int) -> FleetProblem:
    """A fleet with something that leaves no plan: a budget, a quota, or an SLO."""
    rng = np.random.default_rng(seed)
    kind = seed % 3
    if kind == 0:
        return problem.replace(budget=Budget(usd_per_hour=float(rng.uniform(0.01, 0.4))))
    if kind == 1:
        quota = Quota(name="all", regions=("here",), unit="gpus", limit=0.0)
        return problem.replace(quotas=(quota,))
    first = problem.workloads[0]
    slo = SLO(tpot_s=float(rng.uniform(1e-6, 1e-4)), ttft_s=first.slo.ttft_s)
    requests = tuple(r.replace(output_tokens=64) for r in first.requests)
    changed = first.replace(slo=slo, requests=requests)
    return problem.replace(workloads=(changed, *problem.workloads[1:]))


def explained(seed: int, random_fleet: FleetMaker) -> tuple[FleetProblem, Explanation] | None:
    """A problem without a plan and what would give it one; None where it has a plan."""
    problem = impossible(random_fleet(seed), seed)
    found = explain(problem, options=OPTIONS)
    return (problem, found) if isinstance(found, Explanation) else None


@pytest.mark.parametrize("seed", range(30))
def test_every_suggestion_is_enough_at_its_cost(seed: int, random_fleet: FleetMaker) -> None:
    case = explained(seed, random_fleet)
    if case is None:
        return
    problem, found = case
    with pytest.raises(InfeasibleError):
        solve(problem, options=OPTIONS)
    assert found.relaxations, found.reasons
    for way in found.relaxations[:3]:
        mended = way.applied(problem)
        plan = solve(mended, options=OPTIONS)
        assert plan.usd_per_hour == pytest.approx(way.usd_per_hour, rel=AGREE)
        verify(mended, plan)
    costs = [(len(way.changes), way.usd_per_hour) for way in found.relaxations]
    assert costs == sorted(costs)


@pytest.mark.parametrize("seed", range(12))
def test_a_little_less_would_not_do(seed: int, random_fleet: FleetMaker) -> None:
    case = explained(seed, random_fleet)
    if case is None:
        return
    problem, found = case
    for way in found.relaxations:
        change = way.changes[-1]
        numbers = isinstance(change.was, float) and isinstance(change.now, int | float)
        if not way.minimal or not numbers:
            continue
        if change.field.startswith("quotas"):
            less = change.now - 1.0
        else:  # rounded to three digits, and found within the tolerance
            less = change.now + (change.was - change.now) * 3 * TOLERANCE
            if abs(less - change.now) < 3 * TOLERANCE * abs(change.now):
                less = change.now * (1 + np.sign(change.was - change.now) * 3 * TOLERANCE)
            if (less - change.was) * (change.now - change.was) <= 0:
                continue
        with pytest.raises(InfeasibleError):
            solve(with_field(way.applied(problem), change.field, less), options=OPTIONS)


def test_two_wrongs_need_two_changes(random_fleet: FleetMaker) -> None:
    base = random_fleet(1)
    first = base.workloads[0].replace(slo=SLO(ttft_s=1e-5, e2e_s=1e-5), batch=None)
    problem = base.replace(workloads=(first,))
    found = explain(problem, options=OPTIONS)
    assert isinstance(found, Explanation)
    assert all(len(way.changes) >= 2 for way in found.relaxations)
    assert found.relaxations


def test_a_plan_where_there_is_one(random_fleet: FleetMaker) -> None:
    seed = next(s for s in range(20) if _feasible(random_fleet(s)))
    assert isinstance(explain(random_fleet(seed), options=OPTIONS), Reasons)


def _feasible(problem: FleetProblem) -> bool:
    try:
        solve(problem, options=OPTIONS)
    except InfeasibleError:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("budget.usd_per_hour", 3.0),
        ("workloads[0].slo.tpot_s", 0.5),
        ("workloads[0].requests[0].input_tokens", 7),
        ("confidence", 0.75),
    ],
)
def test_a_field_by_its_path(path: str, value: Any, random_fleet: FleetMaker) -> None:
    problem = random_fleet(0)
    holder: Any = with_field(problem, path, value)
    for step in path.replace("[", ".").replace("]", "").split("."):
        holder = holder[int(step)] if step.isdigit() else getattr(holder, step)
    assert holder == value
    assert with_field(problem, path, value) != problem


@pytest.mark.parametrize("least", [0.02, 0.37, 0.99])
def test_from_nothing_the_least_share_is_found(least: float) -> None:
    knob = Knob("workloads[0].max_spot_share", "w", "raise", 0.0, 1.0)
    found = _nearest(0.0, knob, lambda share: share >= least)
    assert isinstance(found, float)
    assert least <= found <= min(least * (1 + 2 * TOLERANCE), 1.0)


def test_without_time_nothing_is_claimed(random_fleet: FleetMaker) -> None:
    with pytest.raises(NoPlanError, match="limit was reached"):
        explain(impossible(random_fleet(3), 3), options=SolveOptions(time_limit_s=0.0))
