"""A fleet plan on the screen: the money and its proof, the VMs, who runs where."""

from __future__ import annotations

from ..models.fleet import Assignment, FleetPlan, FleetProblem, VMCount
from ..models.outcome import Status
from .notes import idle_notes, offload_notes, prediction_notes
from .screen import Screen
from .tables import Column, number_column, text_column
from .words import (
    NOTHING,
    all_checks,
    duration,
    percent,
    plural,
    three_digits,
    tightest,
    usd,
)

PROVED = 1e-6
"""A gap that rounding leaves: the plan is as good as proved."""


def show_plan(screen: Screen, problem: FleetProblem, plan: FleetPlan) -> None:
    """The whole plan."""
    screen.headline(verdict(plan))
    jobs = [a for a in plan.assignments if a.job is not None]
    if jobs:
        screen.paragraph(_money_of_jobs(plan, jobs))
    screen.table(_vm_columns(problem, plan), keys=2)
    screen.table(_assignment_columns(problem, plan), keys=2)
    screen.notes(
        "Good to know",
        [
            *offload_notes(plan.assignments),
            *idle_notes(plan.vms),
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
    return f"{cost}, at most {percent(plan.gap)} above the bound {proof}; {limit}."


def _money_of_jobs(plan: FleetPlan, jobs: list[Assignment]) -> str:
    services = sum(vm.usd_per_hour for vm in plan.vms if vm.job is None)
    bills: dict[str, float] = {}
    for a in jobs:
        bills[a.workload] = bills.get(a.workload, 0.0) + (a.job.usd if a.job else 0.0)
    billed = ", ".join(f"USD {usd(bill)} for {name}" for name, bill in bills.items())
    return (
        f"Services cost USD {usd(services)} per hour; a run of each job costs {billed}, "
        "counted per hour of its deadline."
    )


def _vm_columns(problem: FleetProblem, plan: FleetPlan) -> list[Column]:
    vms = plan.vms
    return [
        number_column("VMs", (f"{vm.count:,}" for vm in vms)),
        text_column("VM type", (vm.vm_type for vm in vms)),
        text_column("where", (f"{vm.provider} {vm.region}" for vm in vms)),
        text_column("purchase", (vm.purchase.replace("_", " ") for vm in vms)),
        number_column("GPUs used", (f"{vm.gpus_used:,} of {vm.gpus:,}" for vm in vms)),
        number_column("USD/h", (usd(vm.usd_per_hour) for vm in vms)),
        text_column("runs", (_runs(plan, vm) for vm in vms)),
    ]


def _runs(plan: FleetPlan, vm: VMCount) -> str:
    """What an offer's VMs run; of a job, for how long."""
    mine = [a for a in plan.assignments if _place(a) == _vm_place(vm)]
    if vm.job is None:
        return ", ".join(dict.fromkeys(a.workload for a in mine if a.job is None))
    times = [a.job.run_s for a in mine if a.job and a.workload == vm.job]
    return f"{vm.job}, {duration(max(times))} a run" if times else vm.job


def _place(a: Assignment) -> tuple[str, str, str]:
    return a.deployment.vm_type, a.region, a.purchase


def _vm_place(vm: VMCount) -> tuple[str, str, str]:
    return f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase


def _assignment_columns(problem: FleetProblem, plan: FleetPlan) -> list[Column]:
    made = plan.assignments
    requests = {w.name: w.requests for w in problem.workloads}
    deadlines = {w.name: w.job.deadline_s for w in problem.workloads if w.job is not None}
    classes = [requests[a.workload][a.request_class] for a in made]
    slack = (tightest(all_checks(a, deadlines.get(a.workload))) for a in made)
    return [
        text_column("workload", (a.workload for a in made)),
        number_column("tokens\nin/out", (f"{r.input_tokens}/{r.output_tokens}" for r in classes)),
        text_column("VM type", (a.deployment.vm_type.partition(":")[2] for a in made)),
        *deployment_columns(made),
        text_column("least slack", slack),
        number_column("USD a run", (usd(a.job.usd) if a.job else NOTHING for a in made)),
    ]


def deployment_columns(made: tuple[Assignment, ...]) -> list[Column]:
    """What each replica is and what it is predicted to do."""
    offload = [a.performance.offloaded_fraction for a in made]
    tpot = (duration(a.performance.tpot_s) if a.performance.tpot_s else NOTHING for a in made)
    return [
        number_column("repli-\ncas", (f"{a.replicas:,}" for a in made)),
        number_column("GPUs\neach", (str(a.deployment.n_gpus) for a in made)),
        number_column("batch", (str(a.deployment.batch) for a in made)),
        number_column("KV off-\nloaded", (percent(f) if f else NOTHING for f in offload)),
        number_column("TTFT", (duration(a.performance.ttft_s) for a in made)),
        number_column("TPOT", tpot),
        number_column("tokens/s\neach", (three_digits(a.performance.tokens_per_s) for a in made)),
    ]


