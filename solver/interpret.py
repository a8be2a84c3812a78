"""From numbers back to a plan: rounds, drops what nothing needs, and prices again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..models.fleet import Assignment, FleetPlan, FleetProblem, VMCount
from ..models.hardware import Offer
from ..models.value import FloatArray
from .candidates import TIE
from .describe import describe, describe_order
from .program import IntArray, Solution
from .rightsize import rightsized
from .variables import JobColumns, ServiceColumns, Variables

BOUND_ROUNDING = 1e-6
"""A proved bound may exceed the plan's cost by rounding; by more, `verify` refuses it."""


def interpret(
    problem: FleetProblem, variables: Variables, solution: Solution, usd_scale: float
) -> FleetPlan:
    """The plan a solution stands for. Costs come from the prices, never from the solver."""
    assert solution.values is not None, "a solution without values is no plan"
    assignments: list[Assignment] = []
    for service in variables.services:
        assignments += _service(problem, service, variables, solution.values)
    vms = [*service_vms(assignments, variables.offers)]
    runs = [_job(problem, job, variables, solution.values) for job in variables.jobs]
    vms += job_vms(problem, runs, variables.offers)
    assignments += runs
    usd_per_hour = sum(vm.usd_per_hour for vm in vms)
    bound = None if solution.bound is None else max(solution.bound / usd_scale, 0.0)
    if bound is not None and usd_per_hour < bound <= usd_per_hour * (1 + BOUND_ROUNDING):
        bound = usd_per_hour
    return FleetPlan(
        status=solution.status,
        usd_per_hour=usd_per_hour,
        usd_per_hour_bound=bound,
        gap=None if bound is None else (usd_per_hour - bound) / usd_per_hour,
        vms=tuple(vms),
        assignments=tuple(assignments),
        backend=solution.backend,
        limit=solution.limit,
    )


def needed_replicas(coverage: FloatArray, replicas: IntArray) -> IntArray:
    """Replicas without those that full coverage does not need, smallest contribution first."""
    kept = replicas.copy()
    for j in np.argsort(coverage, kind="stable"):
        spare = float(coverage @ kept) - 1.0
        if kept[j] and spare > 0:
            kept[j] -= min(int(kept[j]), int(spare / coverage[j] + TIE))
    return kept


def _service(
    problem: FleetProblem, service: ServiceColumns, variables: Variables, values: FloatArray
) -> Iterator[Assignment]:
    stream, pair = service.stream, service.pair
    coverage = stream.coverage()[pair]
    replicas = needed_replicas(coverage, np.round(values[service.replicas]).astype(np.int64))
    chosen, rate = np.flatnonzero(replicas), stream.requests_per_s
    used = stream.take(pair[chosen])
    carries = used.carried(replicas[chosen].astype(float))
    total = float(carries.sum())
    sized = rightsized(used, np.full(len(chosen), total / (rate or total)))
    for place, count in enumerate(replicas[chosen]):
        offer = variables.offers[sized.machines.keys[place]]
        routed = None if rate is None else rate * float(carries[place]) / total
        yield describe(problem, sized, place, offer, int(count), routed)


def _job(
    problem: FleetProblem, job: JobColumns, variables: Variables, values: FloatArray
) -> Assignment:
    best = int(np.argmax(values[job.chosen]))
    offer = variables.offers[job.orders.stream.machines.keys[best]]
    return describe_order(problem, job.orders, best, offer)


def service_vms(assignments: list[Assignment], offers: dict[str, Offer]) -> Iterator[VMCount]:
    """VMs that hold the service replicas: whole VMs, shared between workloads."""
    used: dict[str, int] = {}
    for assignment in assignments:
        key = assignment.deployment.key
        used[key] = used.get(key, 0) + assignment.replicas * assignment.deployment.n_gpus
    for key, gpus in used.items():
        offer = offers[key]
        count = -(-gpus // offer.vm_type.n_gpus)
        yield vm_count(offer, count, gpus, offer.usd_per_hour * count)


def job_vms(
    problem: FleetProblem, runs: list[Assignment], offers: dict[str, Offer]
) -> Iterator[VMCount]:
    """The VMs of each job, at its bill spread over its deadline."""
    jobs = {w.name: w.job for w in problem.workloads}
    groups: dict[tuple[str, str], list[Assignment]] = {}
    for run in runs:
        groups.setdefault((run.workload, run.deployment.key), []).append(run)
    for (name, key), mine in groups.items():
        job = jobs[name]
        assert job is not None
        gpus = sum(a.replicas * a.deployment.n_gpus for a in mine)
        count = sum(a.job.n_vms for a in mine if a.job)
        usd = sum(a.job.usd for a in mine if a.job)
        yield vm_count(offers[key], count, gpus, usd / job.deadline_h, name)


def vm_count(
    offer: Offer, count: int, gpus_used: int, usd_per_hour: float, job: str | None = None
) -> VMCount:
    """`count` VMs of an offer."""
    return VMCount(
        provider=offer.vm_type.provider,
        vm_type=offer.vm_type.name,
        region=offer.region,
        purchase=offer.purchase,
        count=count,
        gpus=count * offer.vm_type.n_gpus,
        gpus_used=gpus_used,
        usd_per_hour=usd_per_hour,
        price_date=offer.date,
        job=job,
    )
