"""A fleet plan on the screen: the money and its proof, the VMs, who runs where."""

from __future__ import annotations

from ..models.billing import SECONDS_PER_HOUR
from ..models.fleet import FleetProblem
from ..models.outcome import Status
from ..models.plan import Assignment, FleetPlan
from .assumptions import assumptions
from .notes import idle_notes, offload_notes, opinion_notes, prediction_notes, price_notes
from .plan_hosts import host_lines, worth_telling
from .plan_limits import limit_columns
from .plan_periods import period_columns, rows_left_out
from .plan_routes import show_assignments, show_measured
from .plan_vms import vm_columns
from .screen import Screen
from .words import about, percent, usd

PROVED = 1e-6
"""A gap that rounding leaves: the plan is as good as proved."""

STOPPED = {
    "time": "the time limit stopped the proof",
    "interrupted": "it was interrupted before the proof",
    "native": "a native option of the solver stopped the proof",
    "gap": "the search ended before a proof",
    "disturbance": "changing what runs to the cheapest fleet would not pay",
    "seats": "replicas that stand apart need a VM more than the proof counts",
    "crashed": "the solver crashed, and a first plan stands in for its answer",
    "refuted": "a cheaper plan than the solver's proof allows was found, so there is no proof",
    "contradicted": "the solver's claim did not stand up, and a checked plan stands in for it",
}
"""Each `limit` of a plan, for people."""


def show_plan(
    screen: Screen,
    problem: FleetProblem,
    plan: FleetPlan,
    *,
    hosts: bool = False,
    median: FleetPlan | None = None,
) -> None:
    """The whole plan.

    Args:
        hosts: say on which VM each replica sits, however long the list.
        median: the plan of the same problem on median times, to say what the margin costs.
    """
    screen.headline(verdict(plan))
    for text in money_in_words(problem, plan):
        screen.paragraph(text)
    screen.table(*vm_columns(problem, plan))
    if problem.horizon is not None:
        screen.table(*period_columns(problem, plan))
        screen.notes("", [text] if (text := rows_left_out(problem, plan)) else [])
    show_assignments(screen, problem, plan)
    show_measured(screen, problem, plan)
    if hosts or worth_telling(plan):
        screen.notes("Who sits on which VM", host_lines(problem, plan, hosts))
    if plan.limits:
        screen.table(*limit_columns(plan.limits))
    screen.notes("Good to know", good_to_know(problem, plan, median))


def good_to_know(
    problem: FleetProblem, plan: FleetPlan, median: FleetPlan | None = None
) -> list[str]:
    """What a reader should know before trusting the plan."""
    return [
        *offload_notes(plan.assignments),
        *idle_notes(plan.vms, problem.horizon.hours if problem.horizon else ()),
        *assumptions(problem, plan),
        *price_notes(plan.vms, problem),
        *prediction_notes(problem, plan.assignments),
        *opinion_notes(plan.opinions),
        *([] if median is None else [_margin(plan, median)]),
    ]


def _margin(plan: FleetPlan, median: FleetPlan) -> str:
    """What it costs to plan on times that hold more often than the median."""
    cost = plan.usd_per_hour - median.usd_per_hour
    text = (
        f"That margin costs USD {usd(max(cost, 0.0))} per hour: on median times the fleet costs "
        f"USD {usd(median.usd_per_hour)}"
    )
    if plan.usd_per_hour_bound is None or median.usd_per_hour_bound is None:
        return f"{text}."
    low = max(plan.usd_per_hour_bound - median.usd_per_hour, 0.0)
    high = plan.usd_per_hour - median.usd_per_hour_bound
    if high - low <= PROVED * plan.usd_per_hour:
        return f"{text}, proved as this plan is."
    return f"{text}; by the proved bounds it is between USD {usd(low)} and {usd(high)}."


def verdict(plan: FleetPlan) -> str:
    """Cost and proof in plain words."""
    cost = f"USD {usd(plan.usd_per_hour)} per hour"
    if plan.gap is None or plan.usd_per_hour_bound is None:
        why = f"{plan.backend} proves no bound"
        if plan.status is Status.FEASIBLE:
            why = stopped_by(plan)
        return f"{cost}; how far from the least cost this is stays unknown: {why}."
    proof = f"(bound {usd(plan.usd_per_hour_bound)}, gap {percent(plan.gap)})"
    if plan.status is Status.OPTIMAL and plan.gap <= PROVED:
        return f"{cost}, proved optimal (bound {usd(plan.usd_per_hour_bound)}, gap 0 %)."
    if plan.status is Status.OPTIMAL:
        return f"{cost}, proved to be within the gap you asked for {proof}."
    why = stopped_by(plan)
    return f"{cost}; the least cost is at most {percent(plan.gap)} lower {proof}; {why}."


def stopped_by(plan: FleetPlan) -> str:
    """Why there is no proof, in words."""
    limits = [limit for limit in plan.limit.split(", ") if limit]
    return "; ".join(STOPPED.get(limit, f"limit: {limit}") for limit in limits) or "no proof"


def money_in_words(problem: FleetProblem, plan: FleetPlan) -> list[str]:
    """What the cost per hour stands for, where that has to be said."""
    texts = (_money_over_time(problem, plan), _money_of_jobs(problem, plan))
    return [text for text in texts if text]


def _money_over_time(problem: FleetProblem, plan: FleetPlan) -> str:
    """The cost of the whole horizon; empty where there is none."""
    if problem.horizon is None:
        return ""
    hours = problem.horizon.total_hours
    running = sum(vm.usd_per_hour * problem.hours[vm.period or 0] for vm in plan.vms)
    total = plan.usd_per_hour * hours
    starts = f", USD {usd(total - running)} of it for starts" if total > running else ""
    return f"On average over {about(hours * SECONDS_PER_HOUR)}: USD {usd(total)} in all{starts}."


def _money_of_jobs(problem: FleetProblem, plan: FleetPlan) -> str:
    """The bill of each job that runs on VMs of its own; empty where there is none."""
    jobs = [a for a in plan.assignments if a.job is not None]
    if not jobs:
        return ""
    services = sum(vm.usd_per_hour for vm in plan.vms if vm.job is None)
    deadlines = {w.name: w.job.deadline_s for w in problem.workloads if w.job is not None}
    runs = ", ".join(
        f"USD {usd(_bill(jobs, name))} a run of {name}, spread over its deadline of "
        f"{about(deadline)}"
        for name, deadline in deadlines.items()
    )
    return f"Services: USD {usd(services)} per hour. Jobs: {runs}."


def _bill(jobs: list[Assignment], name: str) -> float:
    return sum(a.job.usd for a in jobs if a.job is not None and a.workload == name)
