"""A fleet plan on the screen: the money and its proof, the VMs, who runs where."""

from __future__ import annotations

from ..models.fleet import Assignment, FleetPlan, FleetProblem, VMCount
from ..models.outcome import Status
from .deployment_columns import prediction_columns, replica_columns, token_sizes
from .notes import idle_notes, offload_notes, prediction_notes, price_notes
from .screen import Screen
from .tables import Column, name_column, number_column, prose_column
from .words import NOTHING, about, duration, percent, place, usd

PROVED = 1e-6
"""A gap that rounding leaves: the plan is as good as proved."""


def show_plan(screen: Screen, problem: FleetProblem, plan: FleetPlan) -> None:
    """The whole plan."""
    screen.headline(verdict(plan))
    jobs = [a for a in plan.assignments if a.job is not None]
    if jobs:
        screen.paragraph(_money_of_jobs(problem, plan, jobs))
    screen.table(*_vm_columns(plan))
    _show_assignments(screen, problem, plan.assignments)
    screen.notes(
        "Good to know",
        [
            *offload_notes(plan.assignments),
            *idle_notes(plan.vms),
            *price_notes(plan.vms),
            *prediction_notes(problem, plan.assignments),
        ],
    )


def verdict(plan: FleetPlan) -> str:
    """Cost and proof in plain words."""
    cost = f"USD {usd(plan.usd_per_hour)} per hour"
    if plan.gap is None or plan.usd_per_hour_bound is None:
        return (
            f"{cost}; {plan.backend} proves no bound, so how far from the least cost "
            "this is stays unknown."
        )
    proof = f"(bound {usd(plan.usd_per_hour_bound)}, gap {percent(plan.gap)})"
    if plan.status is Status.OPTIMAL and plan.gap <= PROVED:
        return f"{cost}, proved optimal (bound {usd(plan.usd_per_hour_bound)}, gap 0 %)."
    if plan.status is Status.OPTIMAL:
        return f"{cost}, proved to be within the gap you asked for {proof}."
    limit = f"the {plan.limit or 'solver'} limit stopped the proof"
    return f"{cost}; the least cost is at most {percent(plan.gap)} lower {proof}; {limit}."


def _money_of_jobs(problem: FleetProblem, plan: FleetPlan, jobs: list[Assignment]) -> str:
    services = sum(vm.usd_per_hour for vm in plan.vms if vm.job is None)
    deadlines = {w.name: w.job.deadline_s for w in problem.workloads if w.job is not None}
    bills = dict.fromkeys(deadlines, 0.0)
    for a in jobs:
        bills[a.workload] += a.job.usd if a.job else 0.0
    runs = ", ".join(
        f"USD {usd(bill)} a run of {name}, spread over its deadline of {about(deadlines[name])}"
        for name, bill in bills.items()
    )
    return f"Services: USD {usd(services)} per hour. Jobs: {runs}."


def _vm_columns(plan: FleetPlan) -> tuple[list[Column], list[Column]]:
    vms = plan.vms
    keys = [
        number_column("VMs", (f"{vm.count:,}" for vm in vms)),
        name_column("VM type", (vm.vm_type for vm in vms)),
    ]
    return keys, [
        name_column("where", (place(vm.provider, vm.region) for vm in vms)),
        name_column("purchase", (vm.purchase.replace("_", " ") for vm in vms)),
        number_column("GPUs used", (f"{vm.gpus_used:,} of {vm.gpus:,}" for vm in vms)),
        number_column("USD/h", (usd(vm.usd_per_hour) for vm in vms)),
        prose_column("runs", (_runs(plan, vm) for vm in vms)),
    ]


def _runs(plan: FleetPlan, vm: VMCount) -> str:
    """What an offer's VMs run; of a job, for how long."""
    mine = [a for a in plan.assignments if _place(a) == _vm_place(vm)]
    if vm.job is None:
        return ", ".join(dict.fromkeys(a.workload for a in mine if a.job is None))
    times = [a.job.run_s for a in mine if a.job and a.workload == vm.job]
    return f"{vm.job}, {duration(max(times))} a run" if times else vm.job


def _place(a: Assignment) -> tuple[str, str, str]:
    return a.deployment.key, a.region, a.purchase


def _vm_place(vm: VMCount) -> tuple[str, str, str]:
    return f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase


def _show_assignments(screen: Screen, problem: FleetProblem, made: tuple[Assignment, ...]) -> None:
    """Who runs where, and how fast."""
    asked = {workload.name: workload for workload in problem.workloads}
    workloads = [asked[a.workload] for a in made]
    screen.table(
        [
            name_column("workload", (a.workload for a in made)),
            number_column("tokens\nin/out", token_sizes(made, workloads)),
            name_column("VM type", (a.deployment.vm_type for a in made)),
        ],
        [
            *replica_columns(made),
            number_column("USD\na run", (usd(a.job.usd) if a.job else NOTHING for a in made)),
        ],
        prediction_columns(made, workloads),
    )
