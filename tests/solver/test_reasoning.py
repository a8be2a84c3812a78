"""Why a plan: next-best fleets and losers against enumeration, and what binds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from infersave import (
    GPU,
    FleetProblem,
    HostLink,
    MeasuredWorkload,
    Offer,
    Quota,
    Reasons,
    SolveOptions,
    Throughput,
    VMType,
    explain,
    load_problem,
)

EXACT = SolveOptions(relative_gap=0.0)
MOST = 7
"""More VMs of a type than any of these fleets needs."""
TYPES = ("a", "b", "c")
FleetMaker = Callable[[int], FleetProblem]


def offer(name: str, usd: float) -> Offer:
    gpu = GPU(name="gpu", memory_bytes=8e10, flops_per_s=1e15, memory_bytes_per_s=2e12)
    link = HostLink(
        h2d_bytes_per_s=2e10,
        d2h_bytes_per_s=2e10,
        gpus_per_uplink=1,
        uplink_h2d_bytes_per_s=2e10,
        uplink_d2h_bytes_per_s=2e10,
    )
    vm_type = VMType(
        provider="cloud",
        name=name,
        family="f",
        gpu=gpu,
        n_gpus=1,
        host_memory_bytes=1e11,
        host_link=link,
        gpu_link_bytes_per_s=1e11,
    )
    return Offer(vm_type=vm_type, region="here", usd_per_hour=usd)


def drawn(seed: int) -> tuple[FleetProblem, np.ndarray, np.ndarray]:
    """One measured workload on three VM types of one GPU; its prices and throughputs."""
    rng = np.random.default_rng(seed)
    prices, rates = rng.uniform(1.0, 4.0, 3).round(3), rng.uniform(0.8, 3.0, 3).round(3)
    tables = tuple(
        Throughput(vm_type=name, requests_per_s=(float(rate),))
        for name, rate in zip(TYPES, rates, strict=True)
    )
    workload = MeasuredWorkload(
        name="w", requests_per_s=3.7, throughput=tables, target_utilization=1.0
    )
    offers = tuple(offer(name, float(usd)) for name, usd in zip(TYPES, prices, strict=True))
    return FleetProblem(measured=(workload,), offers=offers), prices, rates


def fleets(prices: np.ndarray, rates: np.ndarray) -> list[tuple[float, tuple[int, ...]]]:
    """Every fleet that serves it, cheapest first."""
    counts = [n for n in product(range(MOST), repeat=3) if np.dot(n, rates) >= 3.7 * (1 - 1e-9)]
    return sorted((float(np.dot(n, prices)), n) for n in counts)


@pytest.mark.parametrize("seed", range(25))
def test_the_next_best_fleets_are_those_of_enumeration(seed: int) -> None:
    problem, prices, rates = drawn(seed)
    every = fleets(prices, rates)
    expected = [every[0]]
    for cost, count in every:  # each with fewer of some type than all before
        if all(any(x < y for x, y in zip(count, n, strict=True)) for _, n in expected):
            expected.append((cost, count))
    found = explain(problem, options=EXACT, alternatives=3)
    assert isinstance(found, Reasons)
    costs = [found.plan.usd_per_hour, *(a.usd_per_hour for a in found.alternatives)]
    assert costs == pytest.approx([cost for cost, _ in expected[: len(costs)]], rel=1e-9)
    assert len(costs) == min(4, len(expected))
    assert all(a.proved for a in found.alternatives)


@pytest.mark.parametrize("seed", range(25))
def test_what_a_loser_costs_is_what_enumeration_finds(seed: int) -> None:
    problem, prices, rates = drawn(seed)
    every = fleets(prices, rates)
    found = explain(problem, options=EXACT, alternatives=0)
    assert isinstance(found, Reasons)
    assert found.complete
    used = {vm.vm_type for vm in found.plan.vms}
    assert {loser.vm_type for loser in found.losers} == set(TYPES) - used
    for loser in found.losers:
        number = TYPES.index(loser.vm_type)
        cost = next(cost for cost, count in every if count[number])
        assert loser.dearer_usd_per_hour == pytest.approx(cost - every[0][0], abs=1e-9)
        assert not loser.at_least


@pytest.mark.parametrize("seed", range(12))
def test_random_fleets_under_limits(seed: int, limited_fleet: FleetMaker) -> None:
    found = explain(limited_fleet(seed), options=EXACT, alternatives=2)
    if not isinstance(found, Reasons):
        return
    costs = [a.usd_per_hour for a in found.alternatives]
    assert costs == sorted(costs)
    assert all(cost >= found.plan.usd_per_hour * (1 - 1e-6) for cost in costs)
    for loser in found.losers:
        assert bool(loser.reason) == (loser.dearer_usd_per_hour is None)
    assert all(one.slack <= 0.05 for one in found.binding)


def test_a_quota_that_keeps_a_type_out_is_named() -> None:
    problem, _, _ = drawn(0)
    quota = Quota(name="none of c", vm_types=("c",), unit="vms", limit=0)
    found = explain(problem.replace(quotas=(quota,)), options=EXACT)
    assert isinstance(found, Reasons)
    (loser,) = [one for one in found.losers if one.vm_type == "c"]
    assert loser.reason == "quotas or the budget leave no fleet that uses it"
    first = found.binding[0]
    assert (first.subject, first.name) == ("none of c", "vms")


def test_time_that_is_over_is_told() -> None:
    found = explain(load_problem("example:two-workloads"), options=SolveOptions(time_limit_s=0.0))
    assert isinstance(found, Reasons)
    assert not found.complete
    assert found.alternatives == ()
