"""The independent check of limits: what is survived, quotas, budgets, VMs over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from ...models.fleet import FleetProblem
from ...models.hardware import Offer
from ...models.limits import Horizon
from ...models.plan import Assignment, FleetPlan, Route, VMCount
from ...models.workload import Demand
from .vms import (
    MONEY,
    OfferKey,
    Spot,
    Violations,
    exact,
    offer_of,
    spot_of,
    spot_of_vms,
    total_usd_per_hour,
)

COVERAGE = Fraction(1, 10**6)
"""Part of a demand that may go unserved: the solvers' feasibility tolerance."""


def carried(demand: Demand, route: Route) -> Fraction:
    """Requests/s of its class that a route's part of its replicas may carry."""
    if isinstance(route, Assignment) and route.queueing is not None:
        return exact(route.queueing.most_requests_per_s) * exact(route.part)
    return exact(demand.target_utilization) * exact(route.capacity_per_s) * exact(route.part)


def check_losses(
    problem: FleetProblem, plan: FleetPlan, demand: Demand, routes: Sequence[Route], asked: Fraction
) -> Violations:
    """One class of a service in one period: what is left after each loss carries its part."""
    zones = {(offer_of(r)[0].split(":")[0], r.region, r.zone) for r in routes}

    def short(share: float, left: Callable[[Route], bool], loss: str) -> Violations:
        rest = sum((carried(demand, r) for r in routes if left(r)), Fraction(0))
        needed = exact(share) * asked
        if rest < needed * (1 - COVERAGE):
            yield f"without {loss} {float(rest):.6g} of {float(needed):.6g} requests/s are left"

    if demand.max_spot_share < 1:
        firm = float(1 - exact(demand.max_spot_share))
        yield from short(firm, lambda r: r.purchase != "spot", "spot")
    if demand.survive.zone is not None:
        for provider, region, zone in sorted(zones, key=str):
            gone = (provider, region, zone)

            def elsewhere(r: Route, gone: tuple[str, str, int | None] = gone) -> bool:
                return (r.vm_key.split(":")[0], r.region, r.zone) != gone

            yield from short(demand.survive.zone, elsewhere, f"zone {zone} of {region}")
    if demand.survive.vm is not None:
        rest = sum((carried(demand, r) for r in routes), Fraction(0))
        rest -= _worst_vm(plan, demand, routes)
        needed = exact(demand.survive.vm) * asked
        if rest < needed * (1 - COVERAGE):
            yield f"without one VM {float(rest):.6g} of {float(needed):.6g} requests/s are left"


def _worst_vm(plan: FleetPlan, demand: Demand, routes: Sequence[Route]) -> Fraction:
    """The most requests/s of a service that one VM carries."""
    each = {(spot_of(r), r.gpus_each): carried(demand, r) / r.replicas for r in routes}
    worst = Fraction(0)
    for host in plan.hosts:
        seats = [seat for seat in host.seats if seat.workload == demand.name]
        lost = sum(
            (each.get((spot_of_vms(host), s.n_gpus), Fraction(0)) * s.replicas for s in seats),
            Fraction(0),
        )
        worst = max(worst, lost)
    return worst


def check_vm_types(demand: Demand, routes: Sequence[Route]) -> Violations:
    """A service uses few enough VM types."""
    used = sorted({route.vm_key for route in routes})
    if demand.max_vm_types is not None and len(used) > demand.max_vm_types:
        yield f"uses {len(used)} VM types, at most {demand.max_vm_types}: {', '.join(used)}"


def check_one_size(problem: FleetProblem, plan: FleetPlan) -> Violations:
    """On a VM whose loss a workload survives, its replicas are of one size."""
    apart = {demand.name for demand in problem.demands if demand.survive.vm is not None}
    for host in plan.hosts:
        names = [seat.workload for seat in host.seats if seat.workload in apart]
        if len(set(names)) < len(names):
            yield f"{host.vm_type} {host.first} seats two sizes of a workload that may lose it"


def check_limits(
    problem: FleetProblem, plan: FleetPlan, offers: dict[OfferKey, Offer]
) -> Violations:
    """Quotas, budgets and owned VMs, and what the plan says of them."""
    known = [
        (vm, offers[spot_of_vms(vm).offer]) for vm in plan.vms if spot_of_vms(vm).offer in offers
    ]
    truth: list[tuple[str, str, Fraction, float]] = []
    for quota in problem.quotas:
        taken = [
            (vm, Fraction(vm.count * quota.weight(o.vm_type)))
            for vm, o in known
            if quota.matches(o)
        ]
        truth.append((quota.name, quota.unit, _worst_time(problem, taken), quota.limit))
    if problem.budget.usd_per_hour is not None:
        spent = [(vm, exact(vm.usd_per_hour)) for vm, _ in known]
        limit = problem.budget.usd_per_hour
        truth.append(("budget", "usd_per_hour", _worst_time(problem, spent), limit))
    if problem.budget.usd is not None:
        hours = sum((exact(h) for h in problem.hours), Fraction(0))
        usd = total_usd_per_hour(problem, plan) * hours
        truth.append(("budget", "usd", usd, problem.budget.usd))
    for name, unit, used, limit in truth:
        if used > exact(limit) * (1 + COVERAGE):
            yield f"{name}: {float(used):.6g} {unit} are used, the limit is {limit:g}"
    said = [(use.name, use.unit, use.limit) for use in plan.limits]
    if said != [(name, unit, limit) for name, unit, _, limit in truth]:
        yield "the limits listed are not the problem's"
        return
    for use, (name, _, used, _) in zip(plan.limits, truth, strict=True):
        if abs(exact(use.used) - used) > MONEY * max(used, Fraction(1)):
            yield f"{name}: {float(used):.6g} is used, the plan says {use.used:.6g}"
    yield from _check_owned(problem, plan)


def _worst_time(problem: FleetProblem, taken: Sequence[tuple[VMCount, Fraction]]) -> Fraction:
    sums = [Fraction(0)] * len(problem.hours)
    for vm, amount in taken:
        for t in range(len(sums)) if vm.period is None else (vm.period,):
            sums[t] += amount
    return max(sums)


def _check_owned(problem: FleetProblem, plan: FleetPlan) -> Violations:
    """VMs that are owned are there, in every period, used or not."""
    periods = [None] if problem.horizon is None else list(range(len(problem.hours)))
    rented: dict[OfferKey, dict[int | None, list[int]]] = {}
    for vm in plan.vms:
        counts = rented.setdefault(spot_of_vms(vm).offer, {}).setdefault(
            vm.zone, [0] * len(periods)
        )
        counts[vm.period or 0] += vm.count
    for offer in problem.offers:
        if offer.purchase != "reserved":
            continue
        zones = rented.get((offer.vm_type.key, offer.region, offer.purchase), {})
        there = min((sum(at) for at in zip(*zones.values(), strict=True)), default=0)
        if there < offer.owned:
            yield f"{offer.key}: {offer.owned} are owned and paid, the plan has {there}"
        if any(len(set(counts)) > 1 for counts in zones.values()):
            yield f"{offer.key}: reserved VMs change over the horizon"


def check_horizon(horizon: Horizon, plan: FleetPlan) -> Violations:
    """VMs start before they are there, and stay as long as they must."""
    periods = len(horizon.hours)
    count: dict[Spot, list[int]] = {}
    started: dict[Spot, list[int]] = {}
    for vm in plan.vms:
        if vm.period is None:
            continue
        if vm.purchase == "reserved":
            if vm.started:
                yield f"{vm.vm_type}: reserved VMs are always there, the plan starts {vm.started}"
            continue
        spot = spot_of_vms(vm)._replace(period=None)
        count.setdefault(spot, [0] * periods)[vm.period] = vm.count
        started.setdefault(spot, [0] * periods)[vm.period] = vm.started
    for spot, there in count.items():
        for t in range(periods):
            before = there[t - 1] if t or horizon.cyclic else 0
            new = max(there[t] - before, 0)
            if started[spot][t] != new:
                said = f"the plan says {started[spot][t]}"
                yield f"{' '.join(spot.offer)}: {new} VMs start in period {t}, {said}"
            recent = [t - b for b in range(horizon.min_up_periods) if t - b >= 0 or horizon.cyclic]
            if sum(started[spot][r] for r in recent) > there[t]:
                yield f"{' '.join(spot.offer)}: VMs stop before {horizon.min_up_periods} periods"
