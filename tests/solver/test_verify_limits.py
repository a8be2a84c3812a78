"""Plans under limits: every small lie about zones, periods, seats, parts and limits is caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from infersave import (
    GPU,
    Budget,
    FleetPlan,
    FleetProblem,
    Horizon,
    Host,
    InfeasibleError,
    InferSaveError,
    MeasuredWorkload,
    Offer,
    Quota,
    Selection,
    Survival,
    Throughput,
    VMType,
    solve,
    verify,
)
from infersave.models.plan import Seat
from infersave.solver.verify import find_violations

FleetMaker = Callable[[int], FleetProblem]
SEEDS = range(600, 632)
FREE = {
    # What says nothing of the fleet, or less than it could.
    "FleetPlan": {"backend", "formulation", "limit", "seconds", "status", "relative_gap"},
    "route": {"part"},
}


def other_values(value: object) -> list[object]:
    """A few values that are not this one."""
    if isinstance(value, bool) or value is None:
        return [0]
    if isinstance(value, int):
        return [value + 1, value - 1, None]
    if isinstance(value, float):
        return [value * 1.01 + 1e-3, value * 0.98 - 1e-3]
    if isinstance(value, str):
        return ["spot" if value == "on_demand" else "on_demand", value + "x"]
    return []


def lies_about(item: Any, skip: set[str]) -> Iterator[tuple[str, Any]]:
    """The item with one field changed."""
    for field in type(item).model_fields:
        if field in skip:
            continue
        for value in other_values(getattr(item, field)):
            try:
                yield f"{field} {value!r}", item.replace(**{field: value})
            except (ValidationError, InferSaveError):
                continue


def lies(plan: FleetPlan) -> Iterator[tuple[str, FleetPlan]]:
    """The plan with one field of one of its items changed, or one item gone or twice."""
    for what, lie in lies_about(plan, FREE["FleetPlan"]):
        yield what, lie
    for group in ("vms", "hosts", "assignments", "measured", "limits"):
        items: tuple[BaseModel, ...] = getattr(plan, group)
        for number in {0, len(items) - 1} if items else ():
            item, rest = items[number], (*items[:number], *items[number + 1 :])
            yield f"{group}: one gone", plan.replace(**{group: rest})
            yield f"{group}: one twice", plan.replace(**{group: (*items, item)})
            skip = FREE["route"] if group in ("assignments", "measured") else set[str]()
            for what, lie in lies_about(item, skip):
                yield f"{group}: {what}", plan.replace(**{group: (*rest, lie)})
    for number, host in enumerate(plan.hosts):
        for seat in host.seats[:1]:
            rest_of = host.seats[1:]
            for what, lie in lies_about(seat, set()):
                moved = host.replace(seats=(lie, *rest_of))
                hosts = (*plan.hosts[:number], moved, *plan.hosts[number + 1 :])
                yield f"seat: {what}", plan.replace(hosts=hosts)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_field_of_a_limited_plan_can_lie(seed: int, limited_fleet: FleetMaker) -> None:
    problem = limited_fleet(seed)
    try:
        plan = solve(problem)
    except InfeasibleError:
        pytest.skip("this fleet has no plan")
    verify(problem, FleetPlan.model_validate_json(plan.model_dump_json()))
    for what, lie in lies(plan):
        assert list(find_violations(problem, lie)), f"not caught: {what}"


# ---- lies that are consistent in themselves ----


def machine(name: str, n_gpus: int) -> VMType:
    return VMType(
        provider="cloud", name=name, family="family", gpu=GPU(name=f"gpu-{name}"), n_gpus=n_gpus
    )


PAIR, ONE = machine("pair", 2), machine("one", 1)


def offer(vm_type: VMType, usd_per_hour: float, **changes: Any) -> Offer:
    return Offer(vm_type=vm_type, region="here", usd_per_hour=usd_per_hour).replace(**changes)


def demand(rate: float, *rates: float, **rules: Any) -> MeasuredWorkload:
    """So many requests/s; a replica on one GPU of either VM type carries `rates` of each class."""
    tables = tuple(Throughput(vm_type=n, requests_per_s=rates or (1.0,)) for n in ("pair", "one"))
    return MeasuredWorkload(
        name="w", requests_per_s=rate, throughput=tables, target_utilization=1.0, **rules
    )


def solved(
    workload: MeasuredWorkload, *more: Offer, **rules: Any
) -> tuple[FleetProblem, FleetPlan]:
    offers = (offer(PAIR, 1.5), offer(ONE, 1.0), *more)
    problem = FleetProblem(measured=(workload,), offers=offers, **rules)
    plan = solve(problem)
    verify(problem, FleetPlan.model_validate_json(plan.model_dump_json()))
    return problem, plan


def everywhere(plan: FleetPlan, keep: Callable[[Any], bool], **changes: Any) -> FleetPlan:
    """The same change in every VM, host and route that `keep` names."""

    def changed(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item.replace(**changes) if keep(item) else item for item in items)

    return plan.replace(
        vms=changed(plan.vms), hosts=changed(plan.hosts), measured=changed(plan.measured)
    )


def caught(problem: FleetProblem, lie: FleetPlan, words: str) -> None:
    found = list(find_violations(problem, lie))
    assert any(words in text for text in found), found


def test_replicas_moved_into_one_zone_are_caught() -> None:
    problem, plan = solved(demand(4.0, survive=Survival(zone=0.5)), zones_per_region=2)
    zones = {vm.zone for vm in plan.vms}
    assert zones == {0, 1}
    # Zone 1 in a region of 2 zones becomes zone 1 of a region of 3: still survived.
    verify(problem.replace(zones_per_region=3), plan)
    lie = everywhere(plan, lambda item: item.zone == 0, zone=1)
    caught(problem, lie, "zone 1 of here")
    caught(problem, everywhere(plan, lambda item: item.zone == 1, zone=2), "zone 2 does not exist")


def test_replicas_seated_together_are_caught() -> None:
    # 2 requests/s on two VMs of two GPUs, half of which must survive the loss of one.
    problem, plan = solved(demand(2.0, survive=Survival(vm=0.5)), offer(PAIR, 0.5, region="there"))
    assert [(host.count, host.seats[0].replicas) for host in plan.hosts] == [(2, 1)]
    host = plan.hosts[0]
    full = host.replace(count=1, seats=(host.seats[0].replace(replicas=2),))
    empty = host.replace(first=2, count=1, seats=())
    caught(problem, plan.replace(hosts=(full, empty)), "without one VM")


def test_one_replica_as_two_routes_is_caught() -> None:
    # Each of two half routes would hide half of what a VM takes with it.
    problem, plan = solved(demand(2.0, survive=Survival(vm=0.5)), offer(PAIR, 0.5, region="there"))
    route = plan.measured[0]
    half = route.replace(part=route.part / 2, requests_per_s=(route.requests_per_s or 0.0) / 2)
    caught(problem, plan.replace(measured=(half, half)), "two routes")


def test_spot_beyond_its_share_is_caught() -> None:
    spot = (offer(PAIR, 2.0, purchase="spot"), offer(ONE, 2.0, purchase="spot"))
    problem, plan = solved(demand(4.0, max_spot_share=0.5), *spot)
    assert {vm.purchase for vm in plan.vms} == {"on_demand"}
    caught(problem, everywhere(plan, lambda item: True, purchase="spot"), "without spot")


def test_a_forbidden_offer_is_caught() -> None:
    there = offer(PAIR, 1.5, region="there")
    workload = demand(4.0, forbid=Selection(regions=("there",)))
    problem, plan = solved(workload, there)
    lie = everywhere(plan, lambda item: True, region="there")
    caught(problem, lie, "is not allowed")


def test_a_vm_type_too_many_is_caught() -> None:
    problem, plan = solved(demand(3.0))  # a pair and a one
    assert len(plan.vms) == 2
    few = problem.replace(measured=(problem.measured[0].replace(max_vm_types=1),))
    caught(few, plan, "uses 2 VM types, at most 1")


def test_a_quota_or_budget_exceeded_or_misstated_is_caught() -> None:
    quota, budget = Quota(name="q", unit="gpus", limit=4), Budget(usd_per_hour=3.0)
    problem, plan = solved(demand(4.0), quotas=(quota,), budget=budget)
    assert [use.used for use in plan.limits] == [4.0, 3.0]
    for number, (words, used) in enumerate((("q: 4", 3.0), ("budget: 3", 2.9))):
        use = plan.limits[number].replace(used=used)
        limits = (*plan.limits[:number], use, *plan.limits[number + 1 :])
        caught(problem, plan.replace(limits=limits), words)
    tight = problem.replace(quotas=(quota.replace(limit=3),))
    lie = plan.replace(limits=(plan.limits[0].replace(limit=3.0), plan.limits[1]))
    caught(tight, lie, "gpus are used, the limit is 3")


def test_parts_above_the_replicas_are_caught() -> None:
    problem, plan = solved(demand(4.0, 1.0, 2.0, shares=(0.5, 0.5)))
    first, second = plan.measured[0], plan.measured[1]
    raised = first.replace(part=first.part + 0.1)
    caught(problem, plan.replace(measured=(raised, second, *plan.measured[2:])), "keeps")


def over_time() -> tuple[FleetProblem, FleetPlan]:
    """1, 3, 1 requests/s over three hours; one VM owned, a start costs half an hour."""
    reserved = offer(ONE, 0.6, purchase="reserved", owned=1)
    horizon = Horizon(hours=(1.0, 1.0, 1.0), startup_s=1800.0)
    return solved(demand(1.0, profile=(1.0, 3.0, 1.0)), reserved, horizon=horizon)


def test_periods_swapped_are_caught() -> None:
    problem, plan = over_time()
    swap = {0: 1, 1: 0, 2: 2}

    def swapped(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item.replace(period=swap[item.period]) for item in items)

    lie = plan.replace(
        vms=swapped(plan.vms), hosts=swapped(plan.hosts), measured=swapped(plan.measured)
    )
    caught(problem, lie, "requests/s")


def test_a_start_left_out_is_caught() -> None:
    problem, plan = over_time()
    number = next(i for i, vm in enumerate(plan.vms) if vm.started)
    vm = plan.vms[number]
    vms = (*plan.vms[:number], vm.replace(started=0), *plan.vms[number + 1 :])
    saved = vm.started * vm.usd_per_hour / vm.count * 0.5 / 3.0
    cheaper = plan.usd_per_hour - saved
    lie = plan.replace(vms=vms, usd_per_hour=cheaper, usd_per_hour_bound=cheaper, gap=0.0)
    caught(problem, lie, "VMs start in period 1, the plan says 0")


def test_reserved_vms_that_come_and_go_are_caught() -> None:
    problem, plan = over_time()
    number = next(
        i for i, vm in enumerate(plan.vms) if vm.purchase == "reserved" and vm.period == 0
    )
    vm = plan.vms[number]
    two = vm.replace(count=2, gpus=2, usd_per_hour=2 * vm.usd_per_hour)
    vms = (*plan.vms[:number], two, *plan.vms[number + 1 :])
    idle = plan.hosts[0].replace(
        vm_type=vm.vm_type, purchase="reserved", period=0, first=2, count=1, seats=()
    )
    dearer = plan.usd_per_hour + vm.usd_per_hour / 3
    lie = plan.replace(vms=vms, hosts=(*plan.hosts, idle), usd_per_hour=dearer)
    caught(problem, lie, "reserved VMs change")
    fewer = tuple(v for v in plan.vms if v.purchase != "reserved")
    caught(problem, plan.replace(vms=fewer), "1 are owned and paid, the plan has 0")


def test_reserved_vms_that_change_zone_are_caught() -> None:
    # As many in each period, but in one zone, then in the other.
    reserved = offer(ONE, 0.1, purchase="reserved")
    workload = demand(2.0, survive=Survival(zone=0.5), profile=(1.0, 1.0))
    problem, plan = solved(
        workload, reserved, horizon=Horizon(hours=(1.0, 1.0)), zones_per_region=3
    )
    assert {vm.purchase for vm in plan.vms} == {"reserved"}
    gone = plan.vms[0].zone
    free = next(z for z in range(3) if z not in {vm.zone for vm in plan.vms})
    lie = everywhere(plan, lambda item: item.zone == gone and item.period == 1, zone=free)
    caught(problem, lie, "reserved VMs change")


def test_vms_returned_too_early_are_caught() -> None:
    workload = demand(1.0, profile=(1.0, 3.0, 1.0))
    problem, plan = solved(workload, horizon=Horizon(hours=(1.0, 1.0, 1.0)))
    kept = Horizon(hours=(1.0, 1.0, 1.0), min_up_periods=2)
    caught(problem.replace(horizon=kept), plan, "VMs stop before 2 periods")


def test_vms_that_stand_nowhere_are_caught() -> None:
    for problem, plan in (over_time(), solved(demand(1.0))):
        nowhere: list[dict[str, Any]] = [
            {"period": 9},
            {"job": "nobody"},
            {"job": "w"},
            {"zone": 5},
        ]
        for changes in nowhere:
            vms = (plan.vms[0].replace(**changes), *plan.vms[1:])
            assert list(find_violations(problem, plan.replace(vms=vms))), changes
            hosts: tuple[Host, ...] = (plan.hosts[0].replace(**changes), *plan.hosts[1:])
            assert list(find_violations(problem, plan.replace(hosts=hosts))), changes


def test_a_seat_on_another_vm_type_is_caught() -> None:
    problem, plan = solved(demand(3.0))
    full, single = plan.hosts
    seat = Seat(workload="w", n_gpus=1, replicas=2)
    hosts = (full.replace(seats=(seat.replace(replicas=1),)), single.replace(seats=(seat,)))
    caught(problem, plan.replace(hosts=hosts), "GPUs of replicas on 1")
