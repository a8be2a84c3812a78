"""The independent check of VMs and money: seats on whole VMs, prices, sums in fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from ...models.billing import SECONDS_PER_HOUR
from ...models.fleet import FleetProblem
from ...models.hardware import Offer
from ...models.outcome import Status
from ...models.plan import SCHEMA_VERSION, Assignment, FleetPlan, Host, Route, VMCount

PHYSICS = 1e-6
"""Relative tolerance on memory, times and SLOs: the solvers' own on the schedules."""
MONEY = Fraction(1, 10**9)
"""Relative tolerance between costs added up here and there: rounding of sums of floats."""

Violations = Iterator[str]
OfferKey = tuple[str, str, str]
"""VM type key, region, purchase option."""
Group = tuple[str, int]
"""Workload and GPUs of one replica."""


class Spot(NamedTuple):
    """Where VMs stand: offer, zone, period, and the job that has them to itself."""

    offer: OfferKey
    zone: int | None
    period: int | None
    job: str | None


@lru_cache(maxsize=1 << 16)
def exact(value: float) -> Fraction:
    """The decimal a float was written as."""
    return Fraction(Decimal(repr(float(value))))


def same(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= MONEY * max(abs(left), abs(right))


def offer_of(route: Route) -> OfferKey:
    return route.vm_key, route.region, route.purchase


def spot_of(route: Route) -> Spot:
    own = isinstance(route, Assignment) and route.job is not None
    return Spot(offer_of(route), route.zone, route.period, route.workload if own else None)


def spot_of_vms(vms: VMCount | Host) -> Spot:
    offer = (f"{vms.provider}:{vms.vm_type}", vms.region, vms.purchase)
    return Spot(offer, vms.zone, vms.period, vms.job)


def check_places(problem: FleetProblem, plan: FleetPlan, zoned: bool) -> Violations:
    """VMs stand in a zone and a period that exist, for all or for a job that has its own."""
    jobs = {w.name for w in problem.workloads if w.job is not None and problem.horizon is None}
    every: tuple[VMCount | Host, ...] = (*plan.vms, *plan.hosts)
    for vms in every:
        where = f"VMs of {vms.vm_type}"
        if vms.job is not None and vms.job not in jobs:
            yield f"{where}: no job {vms.job} has VMs of its own"
        if (vms.zone is not None) != zoned or (vms.zone or 0) >= problem.zones_per_region:
            yield f"{where}: zone {vms.zone} does not exist"
        in_time = (vms.period is None) == (problem.horizon is None)
        if not in_time or (vms.period or 0) >= len(problem.hours):
            yield f"{where}: period {vms.period} does not exist"
    if problem.horizon is None and any(vms.started for vms in plan.vms):
        yield "VMs are started, but there is no horizon"


def check_vms(
    problem: FleetProblem,
    plan: FleetPlan,
    routes: Sequence[Route],
    offers: dict[OfferKey, Offer],
) -> Violations:
    """The VMs exist, hold their replicas, and cost what their offers say."""
    jobs = {w.name for w in problem.workloads if w.job is not None}
    standing: dict[Spot, dict[Group, int]] = {}
    for route in routes:
        groups, group = standing.setdefault(spot_of(route), {}), (route.workload, route.gpus_each)
        if route.workload in jobs:  # each class of a job has replicas of its own
            groups[group] = groups.get(group, 0) + route.replicas
        elif groups.setdefault(group, route.replicas) != route.replicas:
            yield f"routes of {route.workload} disagree on the replicas they share"
    hosts: dict[Spot, list[Host]] = {}
    for host in plan.hosts:
        hosts.setdefault(spot_of_vms(host), []).append(host)
    seen: set[Spot] = set()
    for number, vms in enumerate(plan.vms):
        where, spot = f"vms[{number}] ({vms.vm_type})", spot_of_vms(vms)
        offer = offers.get(spot.offer)
        if offer is None or spot in seen:
            yield f"{where}: {'no such offer' if offer is None else 'is listed twice'}"
            continue
        seen.add(spot)
        mine = standing.pop(spot, {})
        for text in _check_vm_count(problem, vms, offer, mine, plan.assignments):
            yield f"{where}: {text}"
        for text in _check_hosts(vms, offer, hosts.pop(spot, []), mine):
            yield f"{where}: {text}"
    for spot in standing:
        yield f"no VM holds the replicas on {' '.join(spot.offer)}"
    for spot in hosts:
        yield f"hosts on {' '.join(spot.offer)} belong to no VM that is rented"


def _check_vm_count(
    problem: FleetProblem,
    vms: VMCount,
    offer: Offer,
    standing: dict[Group, int],
    assignments: Sequence[Assignment],
) -> Violations:
    """GPUs, bill and date of the VMs of one place."""
    room, used = offer.vm_type.n_gpus, sum(g * count for (_, g), count in standing.items())
    if not used and not offer.owned and problem.horizon is None:
        yield "nothing runs on it"
    if (vms.gpus, vms.gpus_used) != (room * vms.count, used):
        yield (f"{room * vms.count} GPUs, {used} used; the plan says {vms.gpus}, {vms.gpus_used}")
    due = exact(offer.usd_per_hour) * vms.count
    if vms.job is not None:
        job = {w.name: w.job for w in problem.workloads}[vms.job]
        runs = [a.job for a in assignments if a.job and spot_of(a) == spot_of_vms(vms)]
        if vms.count != sum(run.n_vms for run in runs):
            yield "the job's runs take another number of VMs"
        assert job is not None, "only a job has VMs of its own"
        bills = sum((exact(run.usd) for run in runs), Fraction(0))
        due = bills * exact(SECONDS_PER_HOUR) / exact(job.deadline_s)
    if vms.price_date != offer.date:
        yield f"its price was read {offer.date}, not {vms.price_date}"
    if not same(due, exact(vms.usd_per_hour)):
        yield f"costs USD {float(due):.6f}/h, the plan says {vms.usd_per_hour:.6f}"


def _check_hosts(
    vms: VMCount, offer: Offer, hosts: Sequence[Host], standing: dict[Group, int]
) -> Violations:
    """Every VM is named once, no replica crosses one, and every replica has a seat."""
    expected, seated = 1, dict.fromkeys(standing, 0)
    for host in sorted(hosts, key=lambda h: h.first):
        if host.first != expected:
            yield f"VM {expected} is not the next one named, but {host.first}"
        expected = host.first + host.count
        used = sum(seat.n_gpus * seat.replicas for seat in host.seats)
        if used > offer.vm_type.n_gpus:
            yield f"VM {host.first} seats {used} GPUs of replicas on {offer.vm_type.n_gpus}"
        for seat in host.seats:
            group = (seat.workload, seat.n_gpus)
            seated[group] = seated.get(group, 0) + seat.replicas * host.count
    if expected - 1 != vms.count:
        yield f"{expected - 1} VMs are named, {vms.count} rented"
    for group, count in seated.items():
        if count != standing.get(group, 0):
            yield f"{count} replicas of {group[0]} have a seat, {standing.get(group, 0)} run"


def check_money(problem: FleetProblem, plan: FleetPlan) -> Violations:
    """Status, total, bound and gap agree."""
    if plan.schema_version != SCHEMA_VERSION:
        yield f"schema_version {plan.schema_version} is not {SCHEMA_VERSION}, the one known here"
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE):
        yield f"status {plan.status.value} is not the status of a plan"
    total = total_usd_per_hour(problem, plan)
    if not same(total, exact(plan.usd_per_hour)):
        yield f"the VMs cost USD {float(total):.6f}/h, the plan says {plan.usd_per_hour:.6f}"
    yield from _check_bound(plan)


def _check_bound(plan: FleetPlan) -> Violations:
    """The bound is below the cost, the gap is theirs, and the status no more than they prove."""
    cost, slack = exact(plan.usd_per_hour), exact(PHYSICS)
    costs = [o.usd_per_hour for o in plan.opinions if o.usd_per_hour is not None]
    cheapest = exact(min(costs, default=plan.usd_per_hour))
    least = cost * (1 - exact(plan.relative_gap) - 2 * slack)
    if plan.status is Status.OPTIMAL and cheapest < least:
        yield f"a second opinion knows a plan for {float(cheapest):.6f}: this one is not optimal"
    if plan.usd_per_hour_bound is None:
        if plan.gap is not None:
            yield "a gap is given without a bound"
        return
    bound = exact(plan.usd_per_hour_bound)
    if bound > cost * (1 + slack):
        yield f"the bound {float(bound):.6f} is above the cost {plan.usd_per_hour:.6f}"
    gap = (cost - bound) / cost
    if plan.status is Status.OPTIMAL and gap > exact(plan.relative_gap) + slack:
        yield f"a gap of {float(gap):.6g} is no proof within the {plan.relative_gap:.6g} asked for"
    if plan.status is Status.OPTIMAL and plan.limit:
        yield f"limit {plan.limit!r} stopped the proof that the status claims"
    if plan.gap is None or abs(gap - exact(plan.gap)) > slack:
        yield f"the gap is {float(gap):.6g}, the plan says {plan.gap}"


def total_usd_per_hour(problem: FleetProblem, plan: FleetPlan) -> Fraction:
    """What the VMs listed cost on average [USD/h], starts paid."""
    if problem.horizon is None:
        return sum((exact(vm.usd_per_hour) for vm in plan.vms), Fraction(0))
    hours = [exact(h) for h in problem.horizon.hours]
    startup_h = exact(problem.horizon.startup_s) / exact(SECONDS_PER_HOUR)
    usd = Fraction(0)
    for vm in plan.vms:
        each = exact(vm.usd_per_hour) / vm.count
        period = hours[vm.period] if vm.period is not None else sum(hours)
        usd += each * (vm.count * period + vm.started * startup_h)
    return usd / sum(hours)
