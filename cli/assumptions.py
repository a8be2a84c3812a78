"""What a plan takes for granted, in sentences, each only where it matters."""

from __future__ import annotations

from collections.abc import Iterator

from ..models.fleet import FleetProblem
from ..models.plan import FleetPlan, Route
from ..models.workload import Demand
from .places import PlaceKey, by_place, place_labels, place_of, zone_name
from .route_groups import shares_replicas
from .words import about, percent, plural, usd


def assumptions(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    """Every one that this plan rests on."""
    yield from _shared(plan)
    yield from _spot(problem, plan)
    yield from _losses(problem, plan)
    yield from _reserved(problem, plan)
    yield from _starts(problem, plan)
    yield from _job_times(problem)
    yield from _measured(problem, plan)


def _shared(plan: FleetPlan) -> Iterator[str]:
    if any(shares_replicas([route]) for route in plan.routes):
        yield (
            "Request classes of a workload share replicas: 0.6 of 1 means that the work of the "
            "class fills 0.6 of a replica, and other classes use the rest."
        )


def _spot(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    """What is left of each workload when every spot VM is gone."""
    left: list[str] = []
    for demand in problem.demands:
        routes = [route for route in plan.routes if route.workload == demand.name]
        if all(route.purchase != "spot" for route in routes):
            continue
        carried = 0.0 if demand.requests_per_s is None else carried_without_spot(demand, routes)
        left.append(f"{demand.name} {percent(carried)}")
    if left:
        yield (
            "All spot VMs may vanish at once. The part of the demand that the rest then carries: "
            f"{', '.join(left)}; max_spot_share bounds what may be lost."
        )


def carried_without_spot(demand: Demand, routes: list[Route]) -> float:
    """Least part of a class in a period that the other replicas carry as they are divided."""
    asked: dict[tuple[int, int | None], float] = {}
    carried: dict[tuple[int, int | None], float] = {}
    for route in routes:
        key = route.request_class, route.period
        asked[key] = asked.get(key, 0.0) + (route.requests_per_s or 0.0)
        if route.purchase != "spot":
            capacity = route.part * route.most_per_s(demand.target_utilization)
            carried[key] = carried.get(key, 0.0) + capacity
    parts = (min(carried.get(key, 0.0) / rate, 1.0) for key, rate in asked.items() if rate)
    # Classes may divide what is left anew, and the plan holds what was asked for.
    return max(min(parts, default=0.0), 1.0 - demand.max_spot_share)


def _losses(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    promises = [
        f"{demand.name} {percent(part)} without any one {what}"
        for demand in problem.demands
        for what, part in (("VM", demand.survive.vm), ("zone", demand.survive.zone))
        if part is not None
    ]
    if promises:
        yield f"Still carried after a loss, within every SLO: {', '.join(promises)}."
    if any(vm.zone is not None for vm in plan.vms):
        names = ", ".join(zone_name(zone) for zone in range(problem.zones_per_region))
        yield (
            f"Zones {names} stand for any {problem.zones_per_region} of a region; each is taken "
            "to sell every VM type at the same price."
        )


def _reserved(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    """What reserved VMs cost, and how many of them are new."""
    reserved = [group for group in by_place(plan.vms) if group[0].purchase == "reserved"]
    if not reserved:
        return
    labels = place_labels(plan)
    owned: dict[PlaceKey, int] = {
        (offer.vm_type.key, offer.region, offer.purchase): offer.owned for offer in problem.offers
    }
    at_once = [[vm for vm in group if vm.period == group[0].period] for group in reserved]
    cost = sum(vm.usd_per_hour for vms in at_once for vm in vms)
    yield f"Reserved VMs are paid for in every hour, used or not: USD {usd(cost)} per hour."
    for vms in at_once:
        count, mine = sum(vm.count for vm in vms), place_of(vms[0])
        if count > owned.get(mine, 0):
            new = plural(count - owned.get(mine, 0), "VM")
            yield f"To be reserved besides those you own: {new} of {labels[mine]}."


def _starts(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    """What starting a VM takes, in a horizon."""
    if problem.horizon is None:
        return
    started = sum(vm.started for vm in plan.vms)
    if started:
        yield f"(+1): so many of the VMs start with the row's first period; {started:,} in all."
    if problem.horizon.startup_s:
        wait = about(problem.horizon.startup_s)
        yield f"A VM serves {wait} after its start, and is paid for them."
    elif started:
        yield "Starting a VM takes no time here; horizon.startup_s says how long it takes."


def _job_times(problem: FleetProblem) -> Iterator[str]:
    """What of the time around a job's work is counted."""
    if all(workload.job is None for workload in problem.workloads):
        return
    billing, rate = problem.billing, problem.billing.load_bytes_per_s
    load = "" if rate is None else f"weights loaded at {rate / 1e9:.3g} GB/s"
    if problem.horizon is not None:
        loaded = f"{load} in each period anew" if load else "weights there at once"
        yield f"Replicas of jobs: {loaded} (billing.load_bytes_per_s)."
        return
    times = {
        "billing.boot_s": f"{about(billing.boot_s)} to boot" if billing.boot_s else "",
        "billing.load_bytes_per_s": load,
        "billing.idle_tail_s": (
            f"{about(billing.idle_tail_s)} idle at the end" if billing.idle_tail_s else ""
        ),
    }
    if given := [words for words in times.values() if words]:
        yield f"A job's VMs are billed for {', '.join(given)}."
    if absent := [field for field, words in times.items() if not words]:
        yield f"Taken as zero for the VMs of jobs, until you give it: {', '.join(absent)}."


def _measured(problem: FleetProblem, plan: FleetPlan) -> Iterator[str]:
    used = {route.workload for route in plan.measured}
    parts: dict[float, list[str]] = {}
    for demand in problem.measured:
        if demand.name in used:
            parts.setdefault(demand.target_utilization, []).append(demand.name)
    for part, names in parts.items():
        yield (
            f"Throughput of {', '.join(names)} is as the problem gives it, not predicted; at most "
            f"{percent(part)} of it is used (target_utilization)."
        )
