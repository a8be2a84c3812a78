"""The independent check: a plan recomputed from the problem in plain scalar code.

Shares nothing with candidates, formulation or solvers beyond the formulas of `models/`.
Counting and money are exact (`fractions`); physics is compared within `PHYSICS`.
"""

from __future__ import annotations

import math
from fractions import Fraction

from ..models.billing import SECONDS_PER_HOUR
from ..models.calibration import Calibration, calibration_for
from ..models.deployment import Performance, check_slos, evaluate
from ..models.engine import ENGINES
from ..models.fleet import Assignment, FleetPlan, FleetProblem
from ..models.hardware import Offer
from ..models.jobs import job_run_s
from ..models.outcome import VerificationError
from ..models.timing import timing
from ..models.workload import Workload
from .verify_vms import PHYSICS, Place, Violations, check_money, check_vms, exact, place_of, same

SLACK = 1e-9
"""Absolute tolerance on a relative slack, which may be 0."""
COVERAGE = Fraction(1, 10**6)
"""Part of a demand that may go unserved: the solvers' feasibility tolerance."""


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
        place: Place = place_of(assignment)
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
    yield from check_vms(problem, plan, known, offers)
    yield from check_money(plan)


def _check_replica(
    problem: FleetProblem, workload: Workload, assignment: Assignment, offer: Offer
) -> Violations:
    """Limits, memory, predictions and SLOs of one deployment."""
    deployment, vm_type = assignment.deployment, offer.vm_type
    engine, g = ENGINES[workload.engine], deployment.n_gpus
    request = workload.requests[assignment.request_class]
    if vm_type.n_gpus % g or not workload.architecture.splits_over(g):
        yield f"{g} GPUs do not divide the VM's {vm_type.n_gpus}, or the LLM's heads"
    if workload.gpus_per_replica is not None and g not in workload.gpus_per_replica:
        yield f"{g} GPUs per replica are not allowed"
    most = workload.batch or min(engine.max_batch, workload.max_batch or engine.max_batch)
    if deployment.batch > most or (workload.batch or deployment.batch) != deployment.batch:
        yield f"batch {deployment.batch} is not allowed (limit {most})"
        return
    counts = tuple(group.count for group in workload.architecture.groups)
    schedule = deployment.offload
    if schedule.layers != counts or len(schedule.fractions) != len(counts):
        yield "the offload schedule does not match the architecture's layer groups"
        return
    if max(deployment.offload.fractions, default=0.0) > 0 and not workload.may_offload:
        yield "KV is offloaded, but the workload or its engine does not allow it"
    calibration = calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine)
    truth = evaluate(workload, request, vm_type, calibration, deployment)
    for name, value in truth:
        claimed = getattr(assignment.performance, name)
        if not math.isclose(value, claimed, rel_tol=PHYSICS):
            yield f"{name} is {value:.6g}, the plan says {claimed:.6g}"
    if truth.gpu_bytes > truth.gpu_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.gpu_bytes:.6g} bytes of GPU memory, has {truth.gpu_limit_bytes:.6g}"
    if truth.host_bytes > truth.host_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.host_bytes:.6g} bytes of host memory, has {truth.host_limit_bytes:.6g}"
    yield from _check_labels(workload, assignment, calibration)
    for check in check_slos(workload, truth):
        if check.slack < -PHYSICS:
            yield f"{check.slo} is {check.predicted:.6g}, the SLO is {check.bound:.6g}"
    if workload.job is not None:
        yield from _check_job(problem, workload, assignment, offer, truth)
    else:
        yield from _check_rate(workload, assignment, truth)


def _check_labels(
    workload: Workload, assignment: Assignment, calibration: Calibration
) -> Violations:
    """What the plan says of its engine, its SLOs and its calibration."""
    request, deployment = workload.requests[assignment.request_class], assignment.deployment
    beyond = calibration.beyond(deployment.batch, request.total_tokens, deployment.n_gpus)
    for name, truth in (
        ("engine", workload.engine),
        ("offload_semantics", ENGINES[workload.engine].offload_semantics),
        ("calibration", calibration.kind),
        ("prediction_error", calibration.residual),
        ("extrapolates", beyond),
    ):
        if getattr(assignment, name) != truth:
            yield f"{name} is {truth!r}, the plan says {getattr(assignment, name)!r}"
    checks = check_slos(workload, assignment.performance)
    if [check.slo for check in checks] != [check.slo for check in assignment.slos]:
        yield "the SLOs listed are not the workload's"
        return
    for check, claimed in zip(checks, assignment.slos, strict=True):
        for name in ("bound", "predicted", "slack"):
            value, said = getattr(check, name), getattr(claimed, name)
            if not math.isclose(value, said, rel_tol=PHYSICS, abs_tol=SLACK):
                yield f"{check.slo}: {name} is {value:.6g}, the plan says {said:.6g}"


def _check_job(
    problem: FleetProblem,
    workload: Workload,
    assignment: Assignment,
    offer: Offer,
    truth: Performance,
) -> Violations:
    """Run time, deadline and bill of a job."""
    request = workload.requests[assignment.request_class]
    run, job, engine = assignment.job, workload.job, ENGINES[workload.engine]
    if run is None or job is None:
        yield "a job's run is missing"
        return
    deployment, requests = assignment.deployment, workload.job_requests(assignment.request_class)
    rate = requests / job.deadline_s
    if not math.isclose(assignment.requests_per_s or 0.0, rate, rel_tol=PHYSICS):
        yield f"the job asks for {rate:.6g} requests/s, the plan says {assignment.requests_per_s}"
    room = run.n_vms * (offer.vm_type.n_gpus // deployment.n_gpus)
    if assignment.replicas > room:
        yield f"{assignment.replicas} replicas do not fit {run.n_vms} VMs"
    run_s = job_run_s(
        engine,
        timing(engine, request, float(deployment.batch)),
        float(requests),
        float(deployment.batch),
        float(assignment.replicas),
        truth.prefill_s,
        truth.decode_step_s,
    )
    if not math.isclose(float(run_s), run.run_s, rel_tol=PHYSICS):
        yield f"the run takes {run_s:.6g} s, the plan says {run.run_s:.6g}"
    if run.run_s > job.deadline_s * (1 + PHYSICS):
        yield f"the run takes {run.run_s:.6g} s, the deadline is {job.deadline_s:.6g}"
    billed_s = float(problem.billing.billed_s(run.run_s))
    if billed_s != run.billed_s:
        yield f"{billed_s:g} s are billed, the plan says {run.billed_s:g}"
    usd = exact(offer.usd_per_hour) * run.n_vms * exact(billed_s) / exact(SECONDS_PER_HOUR)
    if not same(usd, exact(run.usd)):
        yield f"the bill is USD {float(usd):.6f}, the plan says {run.usd:.6f}"


def _check_rate(workload: Workload, assignment: Assignment, truth: Performance) -> Violations:
    """What is routed to one deployment of a service is what its replicas carry."""
    if assignment.job is not None:
        yield "a service has no job run"
    routed = assignment.requests_per_s
    if (routed is None) != (workload.requests_per_s is None):
        yield f"routes {routed} requests/s, the workload asks for {workload.requests_per_s}"
    if routed is not None:
        capacity = exact(workload.target_utilization) * exact(truth.requests_per_s)
        if exact(routed) > capacity * assignment.replicas * (1 + COVERAGE):
            yield f"routes {routed:.6g} requests/s to {float(capacity):.6g} of each replica"


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
                demand = exact(workload.requests_per_s) * exact(request.share)
                routed = sum(exact(a.requests_per_s or 0.0) for a in mine)
                asked = f"{float(demand):.6g} requests/s"
                if abs(routed - demand) > demand * COVERAGE:
                    yield f"{where}: routes {float(routed):.6g} of {asked}"
            elif workload.job is not None and len(mine) != 1:
                yield f"{where}: a job has one run, not {len(mine)}"
