"""The independent check of VMs and money: whole VMs, packed replicas, sums in fractions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from ..models.billing import SECONDS_PER_HOUR
from ..models.fleet import SCHEMA_VERSION, Assignment, FleetPlan, FleetProblem
from ..models.hardware import Offer
from ..models.outcome import Status

PHYSICS = 1e-6
"""Relative tolerance on memory, times and SLOs: the solvers' own on the schedules."""
MONEY = Fraction(1, 10**9)
"""Relative tolerance between costs added up here and there: rounding of sums of floats."""

Violations = Iterator[str]
Place = tuple[str, str, str]
"""VM type key, region, purchase option."""


def exact(value: float) -> Fraction:
    """The decimal a float was written as."""
    return Fraction(repr(float(value)))


def same(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= MONEY * max(abs(left), abs(right))


def check_vms(
    problem: FleetProblem,
    plan: FleetPlan,
    assignments: list[Assignment],
    offers: dict[Place, Offer],
) -> Violations:
    """The VMs exist, hold their replicas, and cost what their offers say."""
    jobs = {w.name: w.job for w in problem.workloads if w.job is not None}
    groups: dict[tuple[Place, str | None], list[Assignment]] = {}
    for a in assignments:
        owner = a.workload if a.workload in jobs else None
        groups.setdefault((place_of(a), owner), []).append(a)
    for number, vm in enumerate(plan.vms):
        where = f"vms[{number}] ({vm.vm_type})"
        place: Place = (f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase)
        mine = groups.pop((place, vm.job), [])
        if place not in offers or not mine:
            yield f"{where}: {'nothing runs on it' if place in offers else 'no such offer'}"
            continue
        room, used = offers[place].vm_type.n_gpus, _gpus(mine)
        if (vm.gpus, vm.gpus_used) != (room * vm.count, used):
            yield (
                f"{where}: {room * vm.count} GPUs, {used} used; "
                f"the plan says {vm.gpus}, {vm.gpus_used}"
            )
        job = None if vm.job is None else jobs[vm.job]
        if job is None:
            if vms_needed(room, mine) > vm.count:
                yield f"{where}: {used} GPUs of replicas do not fit {vm.count} VMs"
            due = exact(offers[place].usd_per_hour) * vm.count
        else:
            if vm.count != sum(a.job.n_vms for a in mine if a.job):
                yield f"{where}: the job's runs take another number of VMs"
            bills = sum(exact(a.job.usd) for a in mine if a.job)
            due = bills * exact(SECONDS_PER_HOUR) / exact(job.deadline_s)
        if vm.price_date != offers[place].date:
            yield f"{where}: its price was read {offers[place].date}, not {vm.price_date}"
        if not same(due, exact(vm.usd_per_hour)):
            yield f"{where}: costs USD {float(due):.6f}/h, the plan says {vm.usd_per_hour:.6f}"
    for (key, region, purchase), _ in groups:
        yield f"no VM holds the replicas on {key} {region} {purchase}"


def place_of(assignment: Assignment) -> Place:
    return assignment.deployment.key, assignment.region, assignment.purchase


def _gpus(assignments: list[Assignment]) -> int:
    return sum(a.replicas * a.deployment.n_gpus for a in assignments)


def vms_needed(room: int, assignments: list[Assignment]) -> int:
    """VMs for these replicas when none crosses a VM: largest first, tightest VM first.

    Counts VMs alike instead of listing replicas, so no number in a plan costs memory.
    """
    vms_with: dict[int, int] = {}  # GPUs left -> VMs that have so many left
    needed = 0
    sizes = sorted(((a.deployment.n_gpus, a.replicas) for a in assignments), reverse=True)
    for size, replicas in sizes:
        for left in sorted(vms_with):
            replicas -= _place_on(vms_with, left, vms_with[left], size, replicas)
        fresh = -(-replicas // max(room // size, 1))
        needed += fresh
        vms_with[room] = vms_with.get(room, 0) + fresh
        _place_on(vms_with, room, fresh, size, replicas)
    return needed


def _place_on(vms_with: dict[int, int], left: int, vms: int, size: int, replicas: int) -> int:
    """Place replicas on `vms` VMs that have `left` GPUs left; returns how many found place."""
    each = left // size
    placed = min(replicas, vms * each)
    if placed:
        full, rest = divmod(placed, each)
        vms_with[left] -= full + bool(rest)
        vms_with[left - each * size] = vms_with.get(left - each * size, 0) + full
        if rest:
            vms_with[left - rest * size] = vms_with.get(left - rest * size, 0) + 1
    return placed


def check_money(plan: FleetPlan) -> Violations:
    """Status, total, bound and gap agree."""
    if plan.schema_version != SCHEMA_VERSION:
        yield f"schema_version {plan.schema_version} is not {SCHEMA_VERSION}, the one known here"
    if plan.status not in (Status.OPTIMAL, Status.FEASIBLE):
        yield f"status {plan.status.value} is not the status of a plan"
    total = sum((exact(vm.usd_per_hour) for vm in plan.vms), Fraction(0))
    if not same(total, exact(plan.usd_per_hour)):
        yield f"the VMs cost USD {float(total):.6f}/h, the plan says {plan.usd_per_hour:.6f}"
    bound = plan.usd_per_hour_bound
    if bound is None:
        if plan.gap is not None:
            yield "a gap is given without a bound"
        return
    if bound > plan.usd_per_hour * (1 + PHYSICS):
        yield f"the bound {bound:.6f} is above the cost {plan.usd_per_hour:.6f}"
    gap = (plan.usd_per_hour - bound) / plan.usd_per_hour
    if plan.status is Status.OPTIMAL and gap > plan.relative_gap + PHYSICS:
        yield f"a gap of {gap:.6g} is no proof within the {plan.relative_gap:.6g} asked for"
    if plan.gap is None or not math.isclose(gap, plan.gap, abs_tol=PHYSICS):
        yield f"the gap is {gap:.6g}, the plan says {plan.gap}"
