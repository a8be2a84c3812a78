"""The independent check: a plan recomputed from the problem in plain scalar code.

Shares nothing with candidates, formulation or solvers beyond the formulas of `models/`.
Counting and money are exact (`fractions`); physics is compared within `PHYSICS`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from ..models.billing import SECONDS_PER_HOUR
from ..models.calibration import calibration_for
from ..models.deployment import check_slos, evaluate
from ..models.engine import ENGINES
from ..models.fleet import Assignment, FleetPlan, FleetProblem
from ..models.hardware import Offer
from ..models.jobs import job_run_s
from ..models.outcome import VerificationError
from ..models.timing import timing
from ..models.workload import RequestClass, Workload

PHYSICS = 1e-6
"""Relative tolerance on memory, times and SLOs: the solvers' own on the schedules."""
COVERAGE = Fraction(1, 10**6)
"""Part of a demand that may go unserved: the solvers' feasibility tolerance."""
MONEY = Fraction(1, 10**9)
"""Relative tolerance between costs added up here and there: rounding of sums of floats."""

Violations = Iterator[str]
Place = tuple[str, str, str]
"""VM type key, region, purchase option."""


def verify(problem: FleetProblem, plan: FleetPlan) -> None:
    """Check every claim of a plan against the problem.

    Raises:
        VerificationError: lists every contradiction.
    """
    violations = list(find_violations(problem, plan))
    if violations:
        raise VerificationError(violations)


def find_violations(problem: FleetProblem, plan: FleetPlan) -> Violations:
    """Every contradiction between plan and problem, in words."""
    offers: dict[Place, Offer] = {(o.vm_type.key, o.region, o.purchase): o for o in problem.offers}
    workloads = {workload.name: workload for workload in problem.workloads}
    known: list[Assignment] = []
    for number, assignment in enumerate(plan.assignments):
        where = f"assignments[{number}] ({assignment.workload})"
        workload = workloads.get(assignment.workload)
        place: Place = _place(assignment)
        if workload is None:
            yield f"{where}: the problem has no such workload"
        elif assignment.request_class >= len(workload.requests):
            yield f"{where}: request class {assignment.request_class} does not exist"
        elif place not in offers:
            yield f"{where}: no offer of {' '.join(place)}"
        else:
            known.append(assignment)
            for text in _check_replica(problem, workload, assignment, offers[place]):
                yield f"{where}: {text}"
    yield from _check_demand(problem, known)
    yield from _check_vms(problem, plan, known, offers)
    yield from _check_money(plan)


def _check_replica(
    problem: FleetProblem, workload: Workload, assignment: Assignment, offer: Offer
) -> Violations:
    """Limits, memory, predictions and SLOs of one deployment."""
    deployment, vm_type = assignment.deployment, offer.vm_type
    engine, g = ENGINES[workload.engine], deployment.n_gpus
    request = workload.requests[assignment.request_class]
    if vm_type.n_gpus % g or workload.architecture.heads % g:
        yield f"{g} GPUs do not divide the VM's {vm_type.n_gpus} and the LLM's heads"
    if workload.gpus_per_replica is not None and g not in workload.gpus_per_replica:
        yield f"{g} GPUs per replica are not allowed"
    most = workload.batch or min(engine.max_batch, workload.max_batch or engine.max_batch)
    if deployment.batch > most or (workload.batch or deployment.batch) != deployment.batch:
        yield f"batch {deployment.batch} is not allowed (limit {most})"
    if len(deployment.offload.fractions) != len(workload.architecture.groups):
        yield "the offload schedule does not match the architecture's layer groups"
        return
    streams = engine.streaming != "none" and workload.offload
    if max(deployment.offload.fractions, default=0.0) > 0 and not streams:
        yield "KV is offloaded, but the workload or its engine does not allow it"
    calibration = calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine)
    truth = evaluate(workload, request, vm_type, calibration, deployment)
    for name, value in truth:
        claimed = getattr(assignment.performance, name)
        if not math.isclose(value, claimed, rel_tol=PHYSICS, abs_tol=PHYSICS):
            yield f"{name} is {value:.6g}, the plan says {claimed:.6g}"
    if truth.gpu_bytes > truth.gpu_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.gpu_bytes:.6g} bytes of GPU memory, has {truth.gpu_limit_bytes:.6g}"
    if truth.host_bytes > truth.host_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.host_bytes:.6g} bytes of host memory, has {truth.host_limit_bytes:.6g}"
    for check in check_slos(workload, truth):
        if check.slack < -PHYSICS:
            yield f"{check.slo} is {check.predicted:.6g}, the SLO is {check.bound:.6g}"
    if workload.job is not None:
        yield from _check_job(problem, workload, request, assignment, offer)


def _check_job(
    problem: FleetProblem,
    workload: Workload,
    request: RequestClass,
    assignment: Assignment,
    offer: Offer,
) -> Violations:
    """Run time, deadline and bill of a job."""
    run, job, engine = assignment.job, workload.job, ENGINES[workload.engine]
    if run is None or job is None:
        yield "a job's run is missing"
        return
    deployment, performance = assignment.deployment, assignment.performance
    room = run.n_vms * (offer.vm_type.n_gpus // deployment.n_gpus)
    if assignment.replicas > room:
        yield f"{assignment.replicas} replicas do not fit {run.n_vms} VMs"
    run_s = job_run_s(
        engine,
        timing(engine, request, float(deployment.batch)),
        float(max(1, round(job.requests * request.share))),
        float(deployment.batch),
        float(assignment.replicas),
        performance.prefill_s,
        performance.decode_step_s,
    )
    if not math.isclose(float(run_s), run.run_s, rel_tol=PHYSICS):
        yield f"the run takes {run_s:.6g} s, the plan says {run.run_s:.6g}"
    if run.run_s > job.deadline_s * (1 + PHYSICS):
        yield f"the run takes {run.run_s:.6g} s, the deadline is {job.deadline_s:.6g}"
    billed_s = float(problem.billing.billed_s(run.run_s))
    if billed_s != run.billed_s:
        yield f"{billed_s:g} s are billed, the plan says {run.billed_s:g}"
    usd = _exact(offer.usd_per_hour) * run.n_vms * _exact(billed_s) / _exact(SECONDS_PER_HOUR)
    if not _same(usd, _exact(run.usd)):
        yield f"the bill is USD {float(usd):.6f}, the plan says {run.usd:.6f}"


def _check_demand(problem: FleetProblem, assignments: list[Assignment]) -> Violations:
    """Every request class is carried in full."""
    for workload in problem.workloads:
        for index, request in enumerate(workload.requests):
            mine = [
                a for a in assignments if (a.workload, a.request_class) == (workload.name, index)
            ]
            where = f"{workload.name}, request class {index}"
            if not mine:
                yield f"{where}: served by nothing"
            elif workload.requests_per_s is not None:
                demand = _exact(workload.requests_per_s) * _exact(request.share)
                utilization = _exact(workload.target_utilization)
                capacity = sum(
                    utilization * a.replicas * _exact(a.performance.requests_per_s) for a in mine
                )
                routed = sum(_exact(a.requests_per_s or 0.0) for a in mine)
                asked = f"{float(demand):.6g} requests/s"
                if capacity < demand * (1 - COVERAGE):
                    yield f"{where}: carries {float(capacity):.6g} of {asked}"
                if abs(routed - demand) > demand * COVERAGE:
                    yield f"{where}: routes {float(routed):.6g} of {asked}"
            elif workload.job is not None and len(mine) != 1:
                yield f"{where}: a job has one run, not {len(mine)}"


def _check_vms(
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
        groups.setdefault((_place(a), owner), []).append(a)
    for number, vm in enumerate(plan.vms):
        where = f"vms[{number}] ({vm.vm_type})"
        place: Place = (f"{vm.provider}:{vm.vm_type}", vm.region, vm.purchase)
        mine = groups.pop((place, vm.job), [])
        if place not in offers or not mine:
            yield f"{where}: {'nothing runs on it' if place in offers else 'no such offer'}"
            continue
        room, used = offers[place].vm_type.n_gpus, _gpus(mine)
        if (vm.gpus, vm.gpus_used) != (room * vm.count, used):
            yield f"{where}: {room * vm.count} GPUs, {used} used; the plan says otherwise"
        job = None if vm.job is None else jobs[vm.job]
        if job is None:
            if _vms_needed(room, mine) > vm.count:
                yield f"{where}: {used} GPUs of replicas do not fit {vm.count} VMs"
            due = _exact(offers[place].usd_per_hour) * vm.count
        else:
            if vm.count != sum(a.job.n_vms for a in mine if a.job):
                yield f"{where}: the job's runs take another number of VMs"
            bills = sum(_exact(a.job.usd) for a in mine if a.job)
            due = bills * _exact(SECONDS_PER_HOUR) / _exact(job.deadline_s)
        if not _same(due, _exact(vm.usd_per_hour)):
            yield f"{where}: costs USD {float(due):.6f}/h, the plan says {vm.usd_per_hour:.6f}"
    for (key, region, purchase), _ in groups:
        yield f"no VM holds the replicas on {key} {region} {purchase}"


def _place(assignment: Assignment) -> Place:
    return assignment.deployment.vm_type, assignment.region, assignment.purchase


def _gpus(assignments: list[Assignment]) -> int:
    return sum(a.replicas * a.deployment.n_gpus for a in assignments)


def _vms_needed(room: int, assignments: list[Assignment]) -> int:
    """VMs for these replicas when none crosses a VM: first fit, largest first."""
    sizes = [a.deployment.n_gpus for a in assignments for _ in range(a.replicas)]
    free: list[int] = []
    start = 0
    for size in sorted(sizes, reverse=True):
        while start < len(free) and free[start] == 0:
            start += 1
        place = next((i for i in range(start, len(free)) if free[i] >= size), None)
        if place is None:
            free.append(room)
            place = len(free) - 1
        free[place] -= size
    return len(free)


def _check_money(plan: FleetPlan) -> Violations:
    """The total, the bound and the gap agree."""
    total = sum((_exact(vm.usd_per_hour) for vm in plan.vms), Fraction(0))
    if not _same(total, _exact(plan.usd_per_hour)):
        yield f"the VMs cost USD {float(total):.6f}/h, the plan says {plan.usd_per_hour:.6f}"
    bound = plan.usd_per_hour_bound
    if bound is None:
        if plan.gap is not None:
            yield "a gap is given without a bound"
        return
    if bound > plan.usd_per_hour * (1 + PHYSICS):
        yield f"the bound {bound:.6f} is above the cost {plan.usd_per_hour:.6f}"
    gap = (plan.usd_per_hour - bound) / plan.usd_per_hour
    if plan.gap is None or not math.isclose(gap, plan.gap, abs_tol=PHYSICS):
        yield f"the gap is {gap:.6g}, the plan says {plan.gap}"


def _exact(value: float) -> Fraction:
    """The decimal a float was written as."""
    return Fraction(repr(float(value)))


def _same(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= MONEY * max(abs(left), abs(right))
