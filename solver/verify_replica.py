"""The independent check of replicas: limits, memory, predictions, labels, a job's run and bill."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..models.billing import SECONDS_PER_HOUR
from ..models.calibration import Calibration, calibration_for
from ..models.deployment import Case, Performance, SLOCheck, check_slos, evaluate_many
from ..models.engine import ENGINES
from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.jobs import job_run_s
from ..models.memory import weight_bytes
from ..models.plan import Assignment
from ..models.timing import timing
from ..models.workload import Workload
from .verify_vms import PHYSICS, Violations, exact, same

Replica = tuple[Workload, Assignment, Offer]


def predict(problem: FleetProblem, replicas: Sequence[Replica]) -> list[Performance]:
    """What the formulas of `models/` say of each deployment; its schedule must be sound."""
    found: dict[tuple[str, str], Calibration] = {}
    cases = []
    for workload, assignment, offer in replicas:
        key = offer.vm_type.gpu.name, workload.engine
        if key not in found:
            found[key] = calibration_for(problem.calibrations, *key).at(problem.confidence)
        request = workload.requests[assignment.request_class]
        cases.append(Case(workload, request, offer.vm_type, found[key], assignment.deployment))
    return evaluate_many(cases)


def check_deployment(workload: Workload, assignment: Assignment, offer: Offer) -> Violations:
    """GPUs, batch and schedule are ones that the workload, its engine and the VM allow."""
    deployment, vm_type = assignment.deployment, offer.vm_type
    engine, g = ENGINES[workload.engine], deployment.n_gpus
    if not vm_type.specified:
        yield f"{vm_type.key} has no specification: nothing can be predicted on it"
    if vm_type.n_gpus % g or not workload.architecture.splits_over(g):
        yield f"{g} GPUs do not divide the VM's {vm_type.n_gpus}, or the LLM's heads"
    if workload.gpus_per_replica is not None and g not in workload.gpus_per_replica:
        yield f"{g} GPUs per replica are not allowed"
    most = workload.batch or min(engine.max_batch, workload.max_batch or engine.max_batch)
    if deployment.batch > most or (workload.batch or deployment.batch) != deployment.batch:
        yield f"batch {deployment.batch} is not allowed (limit {most})"
    counts = tuple(group.count for group in workload.architecture.groups)
    schedule = deployment.offload
    if schedule.layers != counts or len(schedule.fractions) != len(counts):
        yield "the offload schedule does not match the architecture's layer groups"
    if max(schedule.fractions, default=0.0) > 0 and not workload.may_offload:
        yield "KV is offloaded, but the workload or its engine does not allow it"


def check_prediction(
    problem: FleetProblem,
    workload: Workload,
    assignment: Assignment,
    offer: Offer,
    truth: Performance,
) -> Violations:
    """Memory, predictions, SLOs and labels of one deployment."""
    for name, value in truth:
        claimed = getattr(assignment.performance, name)
        if not math.isclose(value, claimed, rel_tol=PHYSICS):
            yield f"{name} is {value:.6g}, the plan says {claimed:.6g}"
    if truth.gpu_bytes > truth.gpu_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.gpu_bytes:.6g} bytes of GPU memory, has {truth.gpu_limit_bytes:.6g}"
    if truth.host_bytes > truth.host_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.host_bytes:.6g} bytes of host memory, has {truth.host_limit_bytes:.6g}"
    calibration = calibration_for(problem.calibrations, offer.vm_type.gpu.name, workload.engine)
    checks = check_slos(workload, truth)
    yield from _check_labels(workload, assignment, calibration, checks)
    for check in checks:
        if check.slack < -PHYSICS:
            yield f"{check.slo} is {check.predicted:.6g}, the SLO is {check.bound:.6g}"


def _check_labels(
    workload: Workload,
    assignment: Assignment,
    calibration: Calibration,
    checks: Sequence[SLOCheck],
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
    if [check.slo for check in checks] != [check.slo for check in assignment.slos]:
        yield "the SLOs listed are not the workload's"
        return
    for check, claimed in zip(checks, assignment.slos, strict=True):
        for name in ("bound", "predicted", "slack"):
            value, said = getattr(check, name), getattr(claimed, name)
            if not math.isclose(value, said, rel_tol=PHYSICS, abs_tol=PHYSICS):
                yield f"{check.slo}: {name} is {value:.6g}, the plan says {said:.6g}"


def check_job(
    problem: FleetProblem, workload: Workload, assignment: Assignment, offer: Offer
) -> Violations:
    """Run time, deadline and bill of a job on VMs of its own."""
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
        assignment.performance.prefill_s,
        assignment.performance.decode_step_s,
    )
    run_s = float(run_s) + problem.billing.ready_s(
        weight_bytes(workload.architecture, workload.weight_precision)
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
