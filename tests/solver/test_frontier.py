"""The least cost against one parameter: against enumeration and against separate solves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest

from infersave import (
    Budget,
    FleetProblem,
    Frontier,
    InfeasibleError,
    ProblemError,
    Quota,
    SolveOptions,
    Status,
    frontier,
    load_problem,
    solve,
)
from infersave.models.field_path import keys_of, with_value
from infersave.models.frontier import EXACT
from infersave.solver.solve import plan_and_decision
from infersave.solver.whatif.attempts import Attempts, Outcome
from infersave.solver.whatif.curve import Curve
from infersave.solver.whatif.parameter import parameter_of
from infersave.solver.whatif.stretch import stretches

FleetMaker = Callable[[int], FleetProblem]
MeasuredFleet = Callable[[int], tuple[FleetProblem, np.ndarray, np.ndarray]]
TPOT = "workloads[chat].slo.tpot_s"
DEMAND = "workloads[chat].requests_per_s"
TYPES = ("g5.xlarge", "g6e.xlarge", "g7e.2xlarge", "p5.4xlarge")
AGREE = 3e-6
"""Costs of two proofs to a gap of 1e-6."""


@pytest.fixture(scope="module")
def chat() -> FleetProblem:
    """One service on four VM types."""
    problem = load_problem("example:two-workloads")
    offers = tuple(o for o in problem.offers if o.vm_type.name in TYPES)
    return problem.replace(workloads=problem.workloads[:1], offers=offers)


def cost(problem: FleetProblem, path: str, value: float) -> float:
    """What `solve` says; infinite without a plan."""
    try:
        return solve(with_value(problem, keys_of(problem, path), value)).usd_per_hour
    except InfeasibleError:
        return float("inf")


def costs(found: Frontier) -> list[float]:
    """Of the points, from the one that asks least."""
    usd = [float("inf") if p.usd_per_hour is None else p.usd_per_hour for p in found.points]
    return usd if found.asks_more == "raised" else usd[::-1]


@pytest.mark.parametrize("seed", range(6))
def test_every_step_of_a_demand_is_that_of_enumeration(
    seed: int, measured_fleet: MeasuredFleet
) -> None:
    problem, prices, rates = measured_fleet(seed)
    fleets = [np.array(n) for n in product(range(9), repeat=3)]
    known = sorted((float(n @ prices), float(n @ rates)) for n in fleets)
    best, expected = 0.0, []
    for usd, carried in known:  # the cheapest that carry more than all before them
        if carried > best:
            expected.append((usd, carried))
            best = carried
    found = frontier(problem, "measured[w].requests_per_s", 0.1, 6.0, resolution=0.0)
    assert found.complete
    last = next(i for i, (_, carried) in enumerate(expected) if carried >= 6.0)
    inside = [(u, c) for u, c in expected[: last + 1] if c > 0.1]
    assert [p.usd_per_hour for p in found.points] == pytest.approx([u for u, _ in inside])
    ends = [p.high for p in found.points[:-1]]
    assert ends == pytest.approx([c for _, c in inside[:-1]], rel=2 * EXACT)
    assert {p.end for p in found.points[:-1]} <= {"exact"}


@pytest.mark.parametrize(("path", "low", "high"), [(TPOT, 0.01, 0.1), (DEMAND, 1.0, 30.0)])
def test_stretches_cost_what_separate_solves_do(
    chat: FleetProblem, path: str, low: float, high: float
) -> None:
    found = frontier(chat, path, low, high)
    assert found.complete
    assert (found.points[0].low, found.points[-1].high) == (low, high)
    assert costs(found) == sorted(costs(found))
    assert len(found.points) > 3
    rng = np.random.default_rng(1)
    for point in found.points:
        for part in (0.0, float(rng.uniform()), 1.0):
            value = point.low + part * (point.high - point.low)
            assert cost(chat, path, value) == pytest.approx(point.usd_per_hour, rel=AGREE)
            assert point.usd_per_hour_bound == pytest.approx(point.usd_per_hour, rel=AGREE)


def test_an_exact_step_is_one(chat: FleetProblem) -> None:
    found = frontier(chat, DEMAND, 1.0, 30.0)
    exact = [p for p in found.points if p.end == "exact"]
    assert exact
    for point in exact:
        assert cost(chat, DEMAND, point.high) == pytest.approx(point.usd_per_hour, rel=AGREE)
        beyond = cost(chat, DEMAND, point.high * (1 + 2 * EXACT))
        assert beyond > (point.usd_per_hour or 0.0) * (1 + AGREE)


def test_where_there_is_no_plan_is_a_point_with_its_reason(chat: FleetProblem) -> None:
    found = frontier(chat, TPOT, 0.0005, 0.05)
    none = found.points[0]
    assert (none.status, none.usd_per_hour, none.vms) == (Status.INFEASIBLE, None, ())
    assert "tpot_s" in none.reason
    assert cost(chat, TPOT, none.high) == float("inf")
    assert found.points[1].status is Status.OPTIMAL
    assert cost(chat, TPOT, found.points[1].low) < float("inf")


def test_a_quota_changes_the_cost_at_whole_numbers(chat: FleetProblem) -> None:
    quota = Quota(name="big", vm_types=("g7e.2xlarge", "p5.4xlarge"), limit=2)
    capped = chat.replace(quotas=(quota,))
    found = frontier(capped, "quotas[big].limit", 0.0, 4.0)
    assert all(p.low == int(p.low) and p.high == int(p.high) for p in found.points)
    assert [p.low for p in found.points] == [0.0, 1.0]
    for point in found.points:
        usd = cost(capped, "quotas[big].limit", point.low)
        assert usd == pytest.approx(point.usd_per_hour, rel=AGREE)


def test_a_budget_pays_for_the_demand_that_costs_as_much(chat: FleetProblem) -> None:
    found = frontier(chat, "budget.usd_per_hour", 0.5, 9.0)
    assert found.points[0].status is Status.INFEASIBLE
    assert "costs USD 1.006" in found.points[0].reason
    assert {point.end for point in found.points} == {"exact"}
    factors = [p.demand_factor or 0.0 for p in found.points]
    assert factors == sorted(factors)
    for point, after in pairwise(found.points[1:]):
        assert point.demand_factor is not None
        paid = 12.0 * point.demand_factor
        assert cost(chat, DEMAND, paid) <= point.low * (1 + AGREE)
        assert cost(chat, DEMAND, paid * (1 + 2 * EXACT)) == pytest.approx(after.low, rel=AGREE)
        assert point.high == after.low


def test_a_factor_on_all_demand_leaves_jobs_alone() -> None:
    problem = load_problem("example:two-workloads")
    twice = parameter_of(problem, "demand").at(2.0)
    assert [w.requests_per_s for w in twice.workloads] == [24.0, None]
    assert twice.workloads[1] == problem.workloads[1]


def test_what_no_plan_tells_is_bisected_and_says_so(chat: FleetProblem) -> None:
    found = frontier(chat, "confidence", 0.5, 0.9, tolerance=0.01)
    assert {p.end for p in found.points} <= {"within tolerance", "below resolution", "range"}
    assert costs(found) == sorted(costs(found))
    for left, right in pairwise(found.points):
        if left.end == "within tolerance":
            assert right.low - left.high <= 0.01 * right.low
    for point in found.points:
        assert cost(chat, "confidence", point.low) == pytest.approx(point.usd_per_hour, rel=AGREE)


def test_too_few_solves_leave_it_open_and_the_ends_right(chat: FleetProblem) -> None:
    found = frontier(chat, DEMAND, 1.0, 30.0, most_solves=2)
    assert (found.complete, found.solves, len(found.points)) == (False, 2, 2)
    assert found.points[0].end == "open"
    assert costs(found) == pytest.approx([cost(chat, DEMAND, 1.0), cost(chat, DEMAND, 30.0)])


def test_a_gap_is_respected(chat: FleetProblem) -> None:
    found = frontier(chat, DEMAND, 1.0, 30.0, options=SolveOptions(relative_gap=0.3))
    for point in found.points:
        for value in (point.low, point.high):
            truth = cost(chat, DEMAND, value)
            assert (point.usd_per_hour_bound or 0.0) <= truth * (1 + AGREE)
            assert truth <= (point.usd_per_hour or 0.0) * (1 + AGREE)


def test_it_can_be_stopped(chat: FleetProblem) -> None:
    stop = threading.Event()
    told: list[int] = []

    def on_solve(count: int) -> None:
        told.append(count)
        if count == 3:
            stop.set()

    found = frontier(chat, DEMAND, 1.0, 30.0, options=SolveOptions(cancel=stop), on_solve=on_solve)
    assert (found.complete, told) == (False, [1, 2, 3])


@pytest.mark.parametrize(
    ("path", "low", "high", "said"),
    [
        ("workloads[nobody].requests_per_s", 1, 2, "there is no 'nobody' among 2 here"),
        ("workloads[nightly-summaries].job.deadline_s", 1, 2, "must be one of demand, "),
        ("workloads[nightly-summaries].requests_per_s", 1, 2, "not both"),
        (TPOT, 2, 1, "LOW < HIGH"),
        (TPOT, 0, 1, r"workloads\[0\].slo.tpot_s = 0.0: .*greater than 0"),
        ("confidence", 0.2, 0.9, "confidence = 0.2"),
        ("", 1, 2, "must be the path of a field"),
    ],
)
def test_what_is_no_parameter_is_refused(path: str, low: float, high: float, said: str) -> None:
    with pytest.raises(ProblemError, match=said):
        frontier(load_problem("example:two-workloads"), path, float(low), float(high))


def test_a_budget_over_periods_is_refused() -> None:
    with pytest.raises(ProblemError, match="look at demand"):
        frontier(load_problem("example:day"), "budget.usd_per_hour", 1.0, 9.0)


def test_a_budget_that_is_there_does_not_cap_its_own_frontier(chat: FleetProblem) -> None:
    tight = chat.replace(budget=Budget(usd_per_hour=5.0))
    found = frontier(tight, "budget.usd_per_hour", 5.0, 8.0)
    assert found.points[-1].usd_per_hour is not None
    assert found.points[-1].usd_per_hour > 5.0


@pytest.mark.parametrize("seed", [0, 3, 6, 8, 9, 11])
def test_under_any_limits_more_demand_costs_no_less(limited_fleet: FleetMaker, seed: int) -> None:
    problem = limited_fleet(seed)
    if all(demand.requests_per_s is None for demand in problem.demands):
        pytest.skip("this seed has only jobs")
    found = frontier(problem, "demand", 0.6, 1.8, most_solves=12)
    assert costs(found) == sorted(costs(found))
    parameter = parameter_of(problem, "demand")
    for point in found.points[:4]:
        for value in (point.low, point.high):
            try:
                usd = solve(parameter.at(value)).usd_per_hour
            except InfeasibleError:
                usd = float("inf")
            assert usd == pytest.approx(point.usd_per_hour or float("inf"), rel=AGREE)


def test_a_plan_for_more_stands_in_for_a_dearer_one_for_less(chat: FleetProblem) -> None:
    parameter = parameter_of(chat, DEMAND)
    plan, decision = plan_and_decision(parameter.at(10.0), "ortools:highs", SolveOptions())
    stopped = plan.replace(
        status=Status.FEASIBLE, usd_per_hour=2 * plan.usd_per_hour, usd_per_hour_bound=1.0, gap=0.5
    )
    options = SolveOptions()
    curve = Curve(parameter, Attempts("", options, options.deadline(), 9, lambda count: None))
    curve.take(8.0, Outcome(stopped.status, stopped, decision))
    curve.take(10.0, Outcome(plan.status, plan, decision))
    (only,) = (stretch.described(chat) for stretch in stretches(curve))
    assert (only.low, only.high, only.status) == (8.0, 10.0, Status.FEASIBLE)
    assert (only.usd_per_hour, only.usd_per_hour_bound) == (plan.usd_per_hour, 1.0)
