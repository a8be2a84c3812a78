"""The VMs of a plan as a table: one row for each offer, zones and periods together."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.fleet import FleetProblem
from ..models.plan import Assignment, FleetPlan, Route, VMCount
from .places import PlaceKey, by_place, place_of, purchase_name, span_name, zones_in_words
from .tables import Column, name_column, number_column, prose_column
from .words import duration, place, three_digits, usd

Group = tuple[VMCount, ...]


def vm_columns(problem: FleetProblem, plan: FleetPlan) -> tuple[list[Column], list[Column]]:
    """(columns that name a row, the others)."""
    groups = by_place(plan.vms)
    firsts, routes = [group[0] for group in groups], _routes_by_place(plan)
    keys = [
        number_column("VMs", (_count(group, len(problem.hours)) for group in groups)),
        name_column("VM type", (vm.vm_type for vm in firsts)),
    ]
    amounts = _over_time(problem, groups) if problem.horizon else _at_once(groups)
    return keys, [
        name_column("where", (place(vm.provider, vm.region) for vm in firsts)),
        name_column("zones", (zones_in_words(_one_period(group)) for group in groups)),
        name_column("purchase", (purchase_name(vm.purchase) for vm in firsts)),
        *amounts,
        prose_column("runs", (_runs(routes.get(place_of(vm), []), vm.job) for vm in firsts)),
    ]


def _at_once(groups: Sequence[Group]) -> list[Column]:
    """What they cost and how full they are."""
    used = [(sum(vm.gpus_used for vm in group), sum(vm.gpus for vm in group)) for group in groups]
    return [
        number_column("GPUs used", (f"{part:,} of {all_:,}" for part, all_ in used)),
        number_column("USD/h", (usd(sum(vm.usd_per_hour for vm in group)) for group in groups)),
    ]


def _over_time(problem: FleetProblem, groups: Sequence[Group]) -> list[Column]:
    """Hours they run, times they are started, and what they cost, over the horizon."""
    hours = problem.hours
    run = [sum(vm.count * hours[vm.period or 0] for vm in group) for group in groups]
    cost = [sum(vm.usd_per_hour * hours[vm.period or 0] for vm in group) for group in groups]
    return [
        number_column("VM-hours", map(three_digits, run)),
        number_column("starts", (f"{sum(vm.started for vm in group):,}" for group in groups)),
        number_column("USD", map(usd, cost)),
    ]


def _count(group: Group, periods: int) -> str:
    """VMs; over time from the fewest to the most."""
    by_period: dict[int | None, int] = {}
    for vm in group:
        by_period[vm.period] = by_period.get(vm.period, 0) + vm.count
    counts = list(by_period.values())
    if None not in by_period and len(counts) < periods:
        counts.append(0)
    return span_name(min(counts), max(counts))


def _one_period(group: Group) -> list[VMCount]:
    """Those of the period with the most VMs."""
    by_period: dict[int | None, list[VMCount]] = {}
    for vm in group:
        by_period.setdefault(vm.period, []).append(vm)
    return max(by_period.values(), key=lambda vms: sum(vm.count for vm in vms))


def _routes_by_place(plan: FleetPlan) -> dict[PlaceKey, list[Route]]:
    found: dict[PlaceKey, list[Route]] = {}
    for route in plan.routes:
        found.setdefault(place_of(route), []).append(route)
    return found


def _runs(mine: Sequence[Route], job: str | None) -> str:
    """What an offer's VMs run; of a job on VMs of its own, for how long."""
    own = [a for a in mine if isinstance(a, Assignment) and a.job is not None]
    if job is None:
        alone = {a.workload for a in own}
        names = dict.fromkeys(r.workload for r in mine if r.workload not in alone)
        return ", ".join(names) or "nothing"
    times = [a.job.run_s for a in own if a.job and a.workload == job]
    return f"{job}, {duration(max(times))} a run" if times else job


def most_vms(plan: FleetPlan) -> int:
    """VMs at one time."""
    periods = {vm.period for vm in plan.vms}
    return max(sum(vm.count for vm in plan.vms if vm.period == t) for t in periods)
