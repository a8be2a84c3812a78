"""What a plan's cost hangs on: against enumeration, and flips that two solves show."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from infersave import (
    BreakEven,
    Budget,
    CatalogError,
    FleetPlan,
    FleetProblem,
    InfeasibleError,
    SolveOptions,
    load_problem,
    parse_problem,
    sensitivity,
    solve,
)
from infersave.models.frontier import EXACT

MeasuredFleet = Callable[[int], tuple[FleetProblem, np.ndarray, np.ndarray]]
TYPES = ("g5.xlarge", "g6.xlarge", "g6e.xlarge", "g7e.2xlarge", "p5.4xlarge", "p6-b200.48xlarge")
AGREE = 3e-6


@pytest.fixture(scope="module")
def two() -> FleetProblem:
    """A service and a job on six VM types."""
    problem = load_problem("example:two-workloads")
    return problem.replace(offers=tuple(o for o in problem.offers if o.vm_type.name in TYPES))


def priced(problem: FleetProblem, name: str, usd: float) -> FleetProblem:
    """The problem with another price of one VM type."""
    offers = tuple(
        o.replace(usd_per_hour=usd) if o.vm_type.name == name else o for o in problem.offers
    )
    return problem.replace(offers=offers)


def rents(plan: FleetPlan) -> dict[str, int]:
    """VMs by type."""
    return {vm.vm_type: vm.count for vm in plan.vms}


@pytest.mark.parametrize("seed", range(8))
def test_break_even_prices_are_those_of_enumeration(
    seed: int, measured_fleet: MeasuredFleet
) -> None:
    problem, prices, rates = measured_fleet(seed)
    fleets = [n for n in map(np.array, product(range(9), repeat=3)) if n @ rates >= 3.7]
    best = min(fleets, key=lambda n: float(n @ prices))
    usd = float(best @ prices)
    found = prices_of(problem)
    for v, name in enumerate("abc"):
        price = found[name]
        assert price.in_plan == bool(best[v])
        if best[v]:
            fewer = [n for n in fleets if n[v] < best[v]]
            rest = [float(n @ prices) - n[v] * prices[v] for n in fewer]
            mine = usd - best[v] * prices[v]
            expected = min((r - mine) / (best[v] - n[v]) for r, n in zip(rest, fewer, strict=True))
        else:
            more = [n for n in fleets if n[v]]
            expected = max((usd - float(n @ prices) + n[v] * prices[v]) / n[v] for n in more)
        assert price.break_even_usd_per_hour == pytest.approx(expected, rel=1e-5)
        assert price.proved


def test_a_price_on_either_side_of_break_even_flips_the_fleet(two: FleetProblem) -> None:
    found = sensitivity(two)
    assert found.complete
    assert {p.vm_type for p in found.prices} == set(TYPES)
    before = rents(solve(two))
    for price in found.prices:
        even = price.break_even_usd_per_hour
        assert even is not None
        off = max(1e-4 * even, 5 * price.within_usd_per_hour)
        low, high = (rents(solve(priced(two, price.vm_type, even + d))) for d in (-off, off))
        if price.in_plan:
            assert low == before
            assert high.get(price.vm_type, 0) < low[price.vm_type]
        else:
            assert high == before
            assert low[price.vm_type] > 0
        after = high if price.in_plan else low
        assert {vm.vm_type for vm in price.vms} == set(after)


def test_steps_around_are_where_the_cost_changes(two: FleetProblem) -> None:
    found = sensitivity(two, vm_types=())
    usd = found.plan.usd_per_hour
    named = {one.field: one for one in found.fields}
    assert list(named) == [
        "workloads[chat].requests_per_s",
        "workloads[chat].slo.ttft_s",
        "workloads[chat].slo.tpot_s",
        "workloads[nightly-summaries].slo.tokens_per_s",
    ]
    demand, chat = named["workloads[chat].requests_per_s"], two.workloads[0]

    def at(rate: float) -> float:
        workloads = (chat.replace(requests_per_s=rate), *two.workloads[1:])
        return solve(two.replace(workloads=workloads)).usd_per_hour

    more, less = demand.more, demand.less
    assert more.at is not None
    assert less.at is not None
    assert more.exact
    assert less.exact
    assert at(more.at) == pytest.approx(usd, rel=AGREE)
    assert at(more.at * (1 + 2 * EXACT)) == pytest.approx(more.usd_per_hour, rel=AGREE)
    assert at(less.at) == pytest.approx(less.usd_per_hour, rel=AGREE)
    assert at(less.at * (1 + 2 * EXACT)) == pytest.approx(usd, rel=AGREE)
    rise = (usd - (less.usd_per_hour or 0.0)) / (more.at - less.at)
    assert less.usd_per_hour_per_unit == pytest.approx(rise, rel=AGREE)
    ttft = named["workloads[chat].slo.ttft_s"]
    assert (ttft.asks_more, ttft.less.at, ttft.less.looked_to) == ("lowered", None, None)


def small(**fields: object) -> FleetProblem:
    """Two requests/s on `a`, which carries 1 for USD 1; `b` 0.5 for 1, `c` 1.5 for 9; `d` none."""
    rates = {"a": 1.0, "b": 0.5, "c": 1.5, "d": 0.0}
    usd = {"a": 1.0, "b": 1.0, "c": 9.0, "d": 1.0}
    workload = {
        "name": "w",
        "requests_per_s": 2.0,
        "target_utilization": 1.0,
        "throughput": [{"vm_type": k, "requests_per_s": r} for k, r in rates.items()],
    }
    offers = [{"vm_type": k, "gpu": "gpu", "usd_per_hour": u} for k, u in usd.items()]
    return parse_problem({"measured": [workload], "offers": offers, **fields})


def prices_of(problem: FleetProblem) -> dict[str, BreakEven]:
    """Break-even prices by VM type."""
    return {price.vm_type: price for price in sensitivity(problem).prices}


def test_what_never_pays_says_why() -> None:
    found = prices_of(small(quotas=[{"name": "all", "limit": 2}]))
    assert found["b"].break_even_usd_per_hour is None
    assert "at no price" in found["b"].reason  # it takes a place, and `c` beside it costs 9
    assert found["d"].break_even_usd_per_hour is None
    assert "no workload may run on it" in found["d"].reason
    forbidden = prices_of(small(quotas=[{"name": "b", "vm_types": "b", "limit": 0}]))
    assert "quotas or the budget leave no such fleet" in forbidden["b"].reason


def test_what_nothing_replaces_stays_at_any_price() -> None:
    only = small().replace(offers=small().offers[:1])
    measured = only.measured[0].replace(throughput=only.measured[0].throughput[:1])
    (price,) = sensitivity(only.replace(measured=(measured,))).prices
    assert (price.in_plan, price.break_even_usd_per_hour) == (True, None)
    assert "at any price" in price.reason


def test_a_budget_ends_a_price_before_something_else_enters() -> None:
    problem = small(budget={"usd_per_hour": 2.2})
    found = prices_of(problem)
    assert found["a"].break_even_usd_per_hour == pytest.approx(1.1)
    assert "budget" in found["a"].reason
    assert solve(priced(problem, "a", 1.0999)).usd_per_hour == pytest.approx(2.1998)
    with pytest.raises(InfeasibleError):
        solve(priced(problem, "a", 1.1001))


def test_a_quota_and_a_budget_have_next_steps() -> None:
    problem = small(quotas=[{"name": "a", "vm_types": "a", "limit": 1}], budget={"usd_per_hour": 5})
    quota, budget = sensitivity(problem, vm_types=()).fields[1:]
    # One `a` and two `b` cost 3; two `a` would cost 2, and four `b` 4.
    assert (quota.more.at, quota.less.at) == (1.0, 2.0)
    assert quota.more.usd_per_hour == pytest.approx(4.0)
    assert quota.less.usd_per_hour == pytest.approx(2.0)
    assert budget.more.at == pytest.approx(3.0)
    assert budget.more.usd_per_hour is None
    assert "budget" in budget.more.reason
    assert budget.less.at is None


def test_the_same_vm_type_elsewhere_takes_over_at_its_price() -> None:
    problem = small()
    offers = (*problem.offers, problem.offers[0].replace(region="there", usd_per_hour=1.2))
    price = sensitivity(problem.replace(offers=offers), vm_types=["a"]).prices[0]
    assert price.break_even_usd_per_hour == pytest.approx(1.2)
    assert price.reason == "then a in there takes its place"


def test_a_vm_type_that_is_not_on_offer_is_refused() -> None:
    with pytest.raises(CatalogError, match="unknown VM type 'z'"):
        sensitivity(small(), vm_types=["z"])


def test_without_a_plan_there_is_nothing_to_ask() -> None:
    with pytest.raises(InfeasibleError):
        sensitivity(small().replace(budget=Budget(usd_per_hour=0.5)))


def test_out_of_time_it_says_so(two: FleetProblem) -> None:
    found = sensitivity(two, options=SolveOptions(time_limit_s=0.3))
    assert not found.complete
