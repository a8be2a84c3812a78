"""Demands and VMs at the edge: next to nothing asked, VMs that nothing uses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infersave import FleetProblem, RequestClass, Selection, solve

FleetMaker = Callable[[int], FleetProblem]


@pytest.mark.parametrize("rate", [1e-12, 1e-9, 1e-7, 1e-5])
@pytest.mark.parametrize("classes", [1, 2])
def test_the_least_demand_takes_one_replica(
    rate: float, classes: int, random_fleet: FleetMaker
) -> None:
    problem = random_fleet(2)
    first = problem.workloads[0].requests[0]
    requests: tuple[RequestClass, ...] = (first,)
    if classes == 2:
        requests = (first.replace(share=0.5), first.replace(share=0.5, input_tokens=64))
    tiny = problem.workloads[0].replace(requests_per_s=rate, job=None, requests=requests)
    plan = solve(problem.replace(workloads=(tiny,)))
    assert sum(vm.count for vm in plan.vms) == 1


def test_owned_vms_that_nothing_may_use(random_fleet: FleetMaker) -> None:
    problem = random_fleet(2)
    used, *_ = problem.offers
    mine = used.replace(vm_type=used.vm_type.replace(name="mine"), purchase="reserved", owned=2)
    kept_off = tuple(w.replace(forbid=Selection(vm_types=("mine",))) for w in problem.workloads)
    plan = solve(problem.replace(workloads=kept_off, offers=(*problem.offers, mine)))
    assert sum(vm.count for vm in plan.vms if vm.vm_type == "mine") == 2
