"""What a report says of a plan, in finished words."""

from __future__ import annotations

import shlex
from pathlib import PurePath

from ..models.fleet import FleetProblem
from ..models.outcome import Status
from ..models.plan import SCHEMA_VERSION, FleetPlan, LimitUse, VMCount
from ..models.reasons import Reasons
from ..solver.reasons.binding import binding
from .notes import RECOMPUTED, price_read
from .places import by_place, place_of
from .plan_hosts import host_lines
from .plan_limits import UNITS, limit_columns, reached
from .plan_periods import period_columns, rows_left_out, shifts_of
from .plan_routes import AT_THE_WORST, assignment_columns, measured_columns
from .plan_view import PROVED, good_to_know, money_in_words, verdict
from .plan_vms import most_vms, vm_columns
from .reasons_view import alternative_columns, binding_words, loser_lines, reason_notes
from .report_cards import cards
from .report_money import (
    HOURS_PER_MONTH,
    cost_bars,
    cost_table,
    costs_of_places,
    costs_of_workloads,
)
from .report_parts import Bar, Figure, Report, Step, Table, Why
from .source import STDIN
from .tables import Column, number_column, prose_column
from .words import percent, plural, usd


def report_of(
    problem: FleetProblem,
    plan: FleetPlan,
    *,
    source: str,
    plan_source: str,
    date: str,
    median: FleetPlan | None = None,
    why: Reasons | None = None,
) -> Report:
    """All that a page says.

    Args:
        source, plan_source: how the user named the problem and the plan.
        date: when the page is made.
        median: the plan on median times, to say what the margin costs.
        why: what asking for other fleets gave.
    """
    workloads = costs_of_workloads(problem, plan)
    horizon = problem.horizon is not None
    return Report(
        title=f"Fleet plan: {_title(source)}",
        made=f"InferSave {_version()}, {date}",
        verdict=verdict(plan),
        figures=(*_money_figures(problem, plan), _proof(plan), _size(plan)),
        money=tuple(money_in_words(problem, plan)),
        fleet=Table.of(*_fleet_columns(problem, plan)),
        steps=_steps(problem, plan) if horizon else (),
        periods=Table.of(*period_columns(problem, plan)) if horizon else Table(()),
        periods_note=rows_left_out(problem, plan) if horizon else "",
        by_place=cost_bars(costs_of_places(problem, plan), "VM type"),
        by_workload=cost_bars(workloads, "workload"),
        costs=cost_table(problem, plan, workloads),
        cards=cards(problem, plan, workloads),
        runs=_runs(problem, plan),
        runs_note=AT_THE_WORST if horizon and plan.assignments else "",
        limits=tuple(_limit_bar(use) for use in plan.limits),
        binds=tuple(binding_words(one) for one in binding(problem, plan)),
        why=None if why is None else _why(problem, why),
        hosts=tuple(host_lines(problem, plan, everything=True)),
        notes=tuple(good_to_know(problem, plan, median)),
        facts=_facts(plan),
        commands=_commands(source, plan_source),
        recomputed=RECOMPUTED,
    )


def _money_figures(problem: FleetProblem, plan: FleetPlan) -> tuple[Figure, Figure]:
    hourly, month = "all VMs together", f"{HOURS_PER_MONTH:g} hours"
    if problem.horizon is not None:
        hourly, month = "mean over the horizon", f"{month} like those of the horizon"
    elif any(a.job is not None for a in plan.assignments):
        hourly = "each job spread over its deadline"
        month = f"{month}; each job again once its deadline is over"
    return (
        Figure("per hour", f"USD {usd(plan.usd_per_hour)}", hourly),
        Figure("per month", f"USD {plan.usd_per_hour * HOURS_PER_MONTH:,.0f}", month),
    )


def _proof(plan: FleetPlan) -> Figure:
    """How good the plan is known to be, in two words and a line."""
    if plan.gap is None or plan.usd_per_hour_bound is None:
        return Figure("proof", "unknown", "no bound on the least cost is proved")
    bound = f"no plan costs less than USD {usd(plan.usd_per_hour_bound)} per hour"
    if plan.status is Status.OPTIMAL and plan.gap <= PROVED:
        return Figure("proof", "optimal", bound)
    return Figure("proof", f"within {percent(plan.gap)}", bound)


def _size(plan: FleetPlan) -> Figure:
    periods: dict[int | None, list[VMCount]] = {}
    for vm in plan.vms:
        periods.setdefault(vm.period, []).append(vm)
    most = max(periods.values(), key=lambda vms: sum(vm.gpus for vm in vms))
    used, rented = sum(vm.gpus_used for vm in most), sum(vm.gpus for vm in most)
    at_most, then = ("up to ", " when most run") if len(periods) > 1 else ("", "")
    vms = at_most + plural(most_vms(plan), "VM")
    return Figure("fleet", vms, f"{used:,} of {plural(rented, 'GPU')} in use{then}")


def _fleet_columns(problem: FleetProblem, plan: FleetPlan) -> tuple[list[Column], ...]:
    """The table of VMs, with their GPUs, the price of one [USD/h], and when that was read."""
    keys, rest = vm_columns(problem, plan)
    groups = by_place(plan.vms)
    offers = {(o.vm_type.key, o.region, o.purchase): o for o in problem.offers}
    rented = [offers[place_of(group[0])] for group in groups]
    gpus = prose_column("GPUs", (f"{o.vm_type.n_gpus} x {o.vm_type.gpu.name}" for o in rented))
    prices = [
        number_column("price\nof one", (usd(o.usd_per_hour) for o in rented)),
        prose_column("price read", (price_read(o.date, o.source) for o in rented)),
    ]
    return keys, [gpus, *prices], rest


def _steps(problem: FleetProblem, plan: FleetPlan) -> tuple[Step, ...]:
    """The cost of the VMs that run, over time."""
    shifts = shifts_of(problem, plan)
    costs = [sum(vm.usd_per_hour for vm in shift.vms) for shift in shifts]
    found, start = [], 0.0
    for shift, cost in zip(shifts, costs, strict=True):
        hours = sum(problem.hours[shift.first : shift.last + 1])
        title = f"hours {start:g}-{start + hours:g}: USD {usd(cost)} per hour"
        found.append(Step(title, hours, cost / max(costs)))
        start += hours
    return tuple(found)


def _runs(problem: FleetProblem, plan: FleetPlan) -> tuple[Table, ...]:
    """Who runs where: predicted, and measured."""
    predicted = [Table.of(*assignment_columns(problem, plan))] if plan.assignments else []
    measured = [Table.of(*measured_columns(problem, plan))] if plan.measured else []
    return (*predicted, *measured)


def _limit_bar(use: LimitUse) -> Bar:
    _, (used, of, *_) = limit_columns([use])
    unit = UNITS.get(use.unit, use.unit)
    full = ", reached" if reached(use) else ""
    part = min(use.used / use.limit, 1.0) if use.limit else 1.0
    value = f"{used.cells[0]} of {of.cells[0]} {unit}{full}"
    return Bar(use.name, value, part, tight=reached(use))


def _why(problem: FleetProblem, found: Reasons) -> Why:
    providers = {offer.vm_type.provider for offer in problem.offers}
    return Why(
        alternatives=Table.of(alternative_columns(found.alternatives, providers)),
        losers=tuple(loser_lines(found.losers, providers)),
        notes=tuple(reason_notes(found)),
    )


def _facts(plan: FleetPlan) -> tuple[str, ...]:
    return (
        f"Solved by {plan.backend} in {plan.seconds:.3g} s (formulation {plan.formulation}); a "
        f"gap of {100 * plan.relative_gap:.4g} % was asked for.",
        f"Status: {plan.status.sentence}",
        f"Format of the plan: version {SCHEMA_VERSION}.",
    )


def _title(source: str) -> str:
    """The problem by its name alone."""
    if source == STDIN:
        return "a problem from stdin"
    return source.partition(":")[2] if source.startswith("example:") else PurePath(source).stem


def _commands(source: str, plan_source: str) -> tuple[str, ...]:
    """How to make the plan and to check it."""
    problem = "PROBLEM" if source == STDIN else shlex.quote(source)
    plan = "PLAN.json" if plan_source == STDIN else shlex.quote(plan_source)
    return (
        f"infersave plan {problem} --out {plan}",
        f"infersave verify {problem} {plan}",
        f"infersave explain {problem}",
    )


def _version() -> str:
    from .. import __version__

    return __version__
