"""Optima under limits: tighter is never cheaper, more to choose from is never dearer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from infersave import (
    Budget,
    FleetPlan,
    FleetProblem,
    Horizon,
    InfeasibleError,
    Quota,
    Selection,
    SolveOptions,
    Survival,
    solve,
)
from infersave.models.workload import Demand
from infersave.solver.canonical import in_order_of
from infersave.solver.verify import find_violations

FleetMaker = Callable[[int], FleetProblem]
EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-6
SLOW = {204, 218, 235, 282}
"""Seeds whose proof takes seconds."""
SEEDS = sorted(set(range(200, 234)) - SLOW)
ENOUGH = 30
NOTHING = float("inf")


@cache
def planned(problem: FleetProblem) -> FleetPlan | None:
    try:
        return solve(problem, options=EXACT)
    except InfeasibleError:
        return None


def cost(problem: FleetProblem) -> float:
    """The optimum [USD/h]; inf where there is no plan."""
    plan = planned(problem)
    return NOTHING if plan is None else plan.usd_per_hour


def with_demands(
    problem: FleetProblem, change: Callable[[Demand], dict[str, object]]
) -> FleetProblem:
    """The problem with fields of every workload changed."""
    return problem.replace(
        workloads=tuple(w.replace(**change(w)) for w in problem.workloads),
        measured=tuple(m.replace(**change(m)) for m in problem.measured),
    )


def tightened(problem: FleetProblem, plan: FleetPlan) -> Iterator[tuple[str, FleetProblem]]:
    """The problem with one limit tighter, each so that the plan may break it."""
    for index, use in enumerate(plan.limits[: len(problem.quotas)]):
        if use.used >= 1:
            quotas = list(problem.quotas)
            quotas[index] = quotas[index].replace(limit=use.used - 1)
            yield f"quota {use.name}", problem.replace(quotas=tuple(quotas))
    gpus = sum(vm.gpus for vm in plan.vms)
    least = Quota(name="few GPUs", unit="gpus", limit=max(gpus - 1, 0))
    yield "a quota more", problem.replace(quotas=(*problem.quotas, least))
    spent = max(
        sum(vm.usd_per_hour for vm in plan.vms if vm.period in (None, t))
        for t in range(len(problem.hours))
    )
    budget = problem.budget.replace(usd_per_hour=spent * 0.97)
    yield "budget", problem.replace(budget=budget)
    if problem.horizon is not None:
        usd = Budget(usd=plan.usd_per_hour * problem.horizon.total_hours * 0.99)
        yield "budget over the horizon", problem.replace(budget=usd)
        horizon = problem.horizon.replace(min_up_periods=len(problem.hours))
        yield "kept longer", problem.replace(horizon=horizon)
    yield "no spot", with_demands(problem, lambda d: {"max_spot_share": 0.0})
    yield (
        "half the spot",
        with_demands(problem, lambda d: {"max_spot_share": d.max_spot_share / 2}),
    )
    yield "survival", with_demands(problem, _survive_more)
    yield "one VM type", with_demands(problem, _one_type)
    used = plan.vms[0].vm_type
    forbidden = {d.forbid.vm_types for d in problem.demands}
    if forbidden == {None} and any(o.vm_type.name != used for o in problem.offers):
        forbid = Selection(vm_types=(used,))
        yield "a VM type forbidden", with_demands(problem, lambda d: {"forbid": forbid})


def _survive_more(demand: Demand) -> dict[str, object]:
    if demand.requests_per_s is None or demand.survive.vm is not None:
        return {}
    zone = min((demand.survive.zone or 0.3) + 0.3, 1.0)
    return {"survive": Survival(vm=demand.survive.vm, zone=zone)}


def _one_type(demand: Demand) -> dict[str, object]:
    return {} if getattr(demand, "job", None) is not None else {"max_vm_types": 1}


def relabelled(problem: FleetProblem, plan: FleetPlan) -> FleetPlan:
    """The plan with the limits of another problem listed, so that only the truth can betray it."""
    used = {(use.name, use.unit): use.used for use in plan.limits}
    limits: list[tuple[str, str, float]] = [(q.name, q.unit, q.limit) for q in problem.quotas]
    if problem.budget.usd_per_hour is not None:
        limits.append(("budget", "usd_per_hour", problem.budget.usd_per_hour))
    if problem.budget.usd is not None:
        limits.append(("budget", "usd", problem.budget.usd))
    listed = [
        {"name": name, "unit": unit, "limit": limit, "used": used.get((name, unit), 0.0)}
        for name, unit, limit in limits
    ]
    return FleetPlan.model_validate({**plan.model_dump(), "limits": listed})


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tighter_limit_is_never_cheaper(seed: int, limited_fleet: FleetMaker) -> None:
    """And where it makes a plan dearer, the plan without it is refused."""
    problem = limited_fleet(seed)
    plan = planned(problem)
    if plan is None:
        for limit, tight in (
            ("no spot", with_demands(problem, lambda d: {"max_spot_share": 0.0})),
            ("one VM type", with_demands(problem, _one_type)),
        ):
            assert cost(tight) == NOTHING, limit
        return
    for limit, tight in tightened(problem, plan):
        dearer = cost(tight)
        assert dearer >= plan.usd_per_hour * (1 - ROUNDING), limit
        if dearer > plan.usd_per_hour * (1 + ROUNDING):
            assert list(find_violations(tight, relabelled(tight, plan))), f"not caught: {limit}"


@pytest.mark.parametrize("seed", SEEDS)
def test_another_offer_or_zone_never_costs_more(seed: int, limited_fleet: FleetMaker) -> None:
    problem = limited_fleet(seed)
    base = cost(problem)
    first = problem.offers[0]
    elsewhere = first.replace(region="yonder", usd_per_hour=first.usd_per_hour * 0.9)
    more = problem.replace(offers=(*problem.offers, elsewhere))
    assert cost(more) <= base * (1 + ROUNDING)
    zones = problem.replace(zones_per_region=problem.zones_per_region + 1)
    assert cost(zones) <= base * (1 + ROUNDING)
    # An owned VM is paid in any case, and counts against the quotas that name it.
    counted = {name for quota in problem.quotas for name in quota.vm_types or ()}
    if first.vm_type.name not in counted:
        gift = first.replace(region="yonder", purchase="reserved", owned=2, usd_per_hour=1e-9)
        assert cost(problem.replace(offers=(*problem.offers, gift))) <= base * (1 + ROUNDING)


@pytest.mark.parametrize("seed", SEEDS)
def test_order_of_input_is_irrelevant_under_limits(seed: int, limited_fleet: FleetMaker) -> None:
    problem = limited_fleet(seed)
    turned = problem.replace(
        workloads=problem.workloads[::-1],
        measured=problem.measured[::-1],
        offers=problem.offers[::-1],
        calibrations=problem.calibrations[::-1],
        quotas=problem.quotas[::-1],
    )
    plan, again = planned(problem), planned(turned)
    if plan is None or again is None:
        assert plan is again
        return
    assert in_order_of(problem, again).replace(seconds=0.0) == plan.replace(seconds=0.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_and_budget_scale_the_cost(seed: int, limited_fleet: FleetMaker) -> None:
    problem = limited_fleet(seed)
    budget = problem.budget
    if budget.usd_per_hour is not None:
        budget = budget.replace(usd_per_hour=budget.usd_per_hour * 2)
    offers = tuple(o.replace(usd_per_hour=o.usd_per_hour * 2) for o in problem.offers)
    doubled = problem.replace(offers=offers, budget=budget)
    assert cost(doubled) == pytest.approx(cost(problem) * 2, rel=ROUNDING)


def of_services(problem: FleetProblem) -> FleetProblem | None:
    """The problem without its jobs; None if nothing is left."""
    workloads = tuple(w for w in problem.workloads if w.job is None)
    if not workloads and not problem.measured:
        return None
    return problem.replace(workloads=workloads)


def test_a_period_cut_in_two_costs_the_same(limited_fleet: FleetMaker) -> None:
    """Where VMs may come and go, for services: a job does whole batches in a period."""
    compared = 0
    for seed in range(200, 330):
        problem = of_services(limited_fleet(seed))
        if problem is None or problem.horizon is None or seed in SLOW:
            continue
        hours = problem.horizon.hours
        free = Horizon(hours=hours, cyclic=problem.horizon.cyclic)
        cut = free.replace(hours=(hours[0] / 2, hours[0] / 2, *hours[1:]))
        whole = problem.replace(horizon=free)
        halves = _with_profiles(problem, cut)
        assert cost(halves) == pytest.approx(cost(whole), rel=ROUNDING), seed
        compared += 1
        if compared == ENOUGH:
            return
    raise AssertionError(f"only {compared} fleets compared")


def _with_profiles(problem: FleetProblem, cut: Horizon) -> FleetProblem:
    """The first period of every profile twice."""

    def twice(demand: Demand) -> dict[str, object]:
        profile = demand.profile
        return {} if profile is None else {"profile": (profile[0], *profile)}

    return problem.replace(
        horizon=cut,
        workloads=tuple(w.replace(**twice(w)) for w in problem.workloads),
        measured=tuple(m.replace(**twice(m)) for m in problem.measured),
    )


def test_a_horizon_of_one_period_is_none(limited_fleet: FleetMaker) -> None:
    compared = 0
    for seed in range(200, 280):
        problem = of_services(limited_fleet(seed))
        if problem is None or problem.horizon is not None:
            continue
        for horizon in (
            Horizon(hours=(3.0,), startup_s=900.0),
            Horizon(hours=(1.0,), cyclic=False),
        ):
            once = problem.replace(horizon=horizon)
            assert cost(once) == pytest.approx(cost(problem), rel=ROUNDING), seed
        compared += 1
        if compared == ENOUGH:
            return
    raise AssertionError(f"only {compared} fleets compared")
