"""An old proof that is said to hold holds; and it often does, so that nothing is searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import infersave.solver.replanning.replan as replanning
from infersave import (
    Disturbance,
    FleetProblem,
    InfeasibleError,
    Planner,
    Replan,
    SolveOptions,
    solve,
)
from infersave.solver.precedent import Precedent, settled
from infersave.solver.replanning.harder import harder
from infersave.solver.solve import Decided, decide_estate

FleetMaker = Callable[[int], FleetProblem]
COSTLY = Disturbance(start_usd=1.0, stop_usd=1.0, move_usd=1.0)
EXACT = SolveOptions(relative_gap=0.0)
ROUNDING = 1e-6
STEPS = (0.6, 0.9, 0.98, 1.02, 1.1, 1.5)


def of_services(problem: FleetProblem) -> FleetProblem | None:
    """The problem without jobs and horizon; None where nothing is left."""
    services = tuple(w.replace(profile=None) for w in problem.workloads if w.job is None)
    if not services and not problem.measured:
        return None
    measured = tuple(m.replace(profile=None) for m in problem.measured)
    budget = problem.budget.replace(usd=None)
    return problem.replace(workloads=services, measured=measured, horizon=None, budget=budget)


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every search."""
    found: list[int] = []

    def counted(*arguments: object, **options: object) -> Decided:
        found.append(1)
        return decide_estate(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(replanning, "decide_estate", counted)
    return found


def walk(planner: Planner, rng: np.random.Generator) -> Iterator[str]:
    """Small changes of demands and prices, one after the other."""
    for _ in range(6):
        problem = planner.problem
        factor = float(rng.choice(STEPS))
        rated = [d for d in problem.demands if d.requests_per_s is not None]
        if rated and rng.integers(2):
            demand = rated[rng.integers(len(rated))]
            planner.update(requests_per_s={demand.name: (demand.requests_per_s or 1.0) * factor})
            yield "demand"
        else:
            offer = problem.offers[rng.integers(len(problem.offers))]
            planner.update(usd_per_hour={offer.key: offer.usd_per_hour * factor})
            yield "price"


def small_steps(maker: FleetMaker, seed: int) -> Iterator[tuple[Planner, Replan]]:
    """What a planner answers to each, before it is adopted."""
    problem = of_services(maker(seed))
    if problem is None:
        return
    planner = Planner(problem, options=EXACT)
    try:
        planner.adopt(planner.replan())
    except InfeasibleError:
        return
    for _ in walk(planner, np.random.default_rng(seed)):
        try:
            found = planner.replan()
        except InfeasibleError:
            with pytest.raises(InfeasibleError):
                solve(planner.problem, options=EXACT)
            continue
        yield planner, found
        planner.adopt(found)


def assert_it_is_the_optimum(planner: Planner, found: Replan) -> None:
    """Cost and bound are those of a solve from nothing."""
    best = solve(planner.problem, options=EXACT).usd_per_hour
    assert found.plan.usd_per_hour == pytest.approx(best, rel=ROUNDING)
    assert found.plan.usd_per_hour_bound == pytest.approx(best, rel=2 * ROUNDING)


@pytest.mark.parametrize("kind", ["random_fleet", "limited_fleet"])
def test_bounds_that_carry_over_hold(
    kind: str, request: pytest.FixtureRequest, searches: list[int]
) -> None:
    answers = planners = 0
    for seed in range(400, 412):
        before = len(searches)
        for planner, found in small_steps(request.getfixturevalue(kind), seed):
            assert_it_is_the_optimum(planner, found)
            answers += 1
        planners += len(searches) > before  # its first plan is always searched
    assert len(searches) - planners < 0.8 * answers


def test_what_is_harder_and_what_is_not(random_fleet: FleetMaker) -> None:
    problem = random_fleet(7)
    assert harder(problem, problem) is not None
    more = problem.replace(confidence=0.7)
    assert harder(problem, more) is None
    fewer = problem.replace(offers=problem.offers[1:])
    assert harder(problem, fewer) is not None
    assert harder(fewer, problem) is None
    budget = problem.replace(budget=problem.budget.replace(usd_per_hour=9.0))
    assert harder(problem, budget) is not None
    assert harder(budget, problem) is None
    workload = next(w for w in problem.workloads if w.requests_per_s is not None)
    for factor, fell in ((2.0, False), (0.5, True)):
        rate = (workload.requests_per_s or 1.0) * factor
        others = tuple(
            w.replace(requests_per_s=rate) if w is workload else w for w in problem.workloads
        )
        found = harder(problem, problem.replace(workloads=others))
        assert found is not None
        assert [d.name for d in found.changed] == [workload.name]
        assert (workload.name in found.fallen) is fell
    looser = tuple(w.replace(target_utilization=1.0) for w in problem.workloads)
    assert harder(problem, problem.replace(workloads=looser)) is None


def test_only_the_same_objects_are_settled(random_fleet: FleetMaker) -> None:
    problem = random_fleet(7)
    plan = solve(problem)
    known = Precedent(problem, plan).alike(problem)
    services = {w.name for w in problem.workloads if w.job is None}
    assert settled(problem, plan, known) == services
    again = solve(problem)
    assert not settled(problem, again, known)
    other = problem.replace(confidence=0.7)
    assert not Precedent(problem, plan).alike(other)


def test_a_change_that_cannot_pay_for_itself_is_not_looked_for(searches: list[int]) -> None:
    import infersave

    problem = infersave.load_problem("example:two-workloads")
    problem = problem.replace(workloads=problem.workloads[:1])
    planner = Planner(problem, disturbance=COSTLY, options=EXACT)
    planner.adopt(planner.replan())
    first = len(searches)
    planner.update(requests_per_s={"chat": 11.9})
    assert planner.replan().kept
    assert len(searches) == first
