"""The independent check of replicas: limits, memory, predictions, labels, a job's run and bill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from ...models.billing import QUANTUM_SLACK, SECONDS_PER_HOUR, Billing
from ...models.deployment import Deployment, Performance, SLOCheck, check_slos, evaluate
from ...models.engine import ENGINES
from ...models.fleet import FleetProblem
from ...models.hardware import Offer
from ...models.held import Held, HeldCalibrations
from ...models.jobs import job_run_s
from ...models.memory import weight_bytes
from ...models.plan import Assignment
from ...models.timing import timing
from ...models.value import Value
from ...models.workload import Workload
from .vms import PHYSICS, Violations, exact, same


class Truth(NamedTuple):
    """What the formulas of `models/` say of one deployment, one number at a time."""

    held: Held
    performance: Performance


class Truths:
    """Those of a problem's deployments, each worked out once, in scalar arithmetic."""

    def __init__(self, problem: FleetProblem) -> None:
        self._known = HeldCalibrations(problem)
        self._found: dict[tuple[str, int, str, Deployment], Truth] = {}

    def of(self, workload: Workload, assignment: Assignment, offer: Offer) -> Truth:
        """The truth about a deployment; its schedule must be sound."""
        deployment, index = assignment.deployment, assignment.request_class
        key = workload.name, index, offer.vm_type.key, deployment
        if key not in self._found:
            held = self._known.of(workload, offer.vm_type.gpu.name, deployment.n_gpus)
            request, calibration = workload.requests[index], held.calibration
            truth = evaluate(workload, request, offer.vm_type, calibration, deployment)
            self._found[key] = Truth(held, truth)
        return self._found[key]


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
    workload: Workload, assignment: Assignment, offer: Offer, known: Truth
) -> Violations:
    """Memory, predictions, SLOs and labels of one deployment."""
    truth = known.performance
    yield from _differences(truth, assignment.performance)
    if (workload.slo.percentile is None) != (assignment.queueing is None):
        yield f"the SLO's percentile is {workload.slo.percentile}, the plan says otherwise"
    if truth.gpu_bytes > truth.gpu_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.gpu_bytes:.6g} bytes of GPU memory, has {truth.gpu_limit_bytes:.6g}"
    if truth.host_bytes > truth.host_limit_bytes * (1 + PHYSICS):
        yield f"needs {truth.host_bytes:.6g} bytes of host memory, has {truth.host_limit_bytes:.6g}"
    checks = check_slos(workload, truth, assignment.wait_s)
    yield from _check_labels(workload, assignment, known.held, checks)
    for check in checks:
        if check.slack < -PHYSICS:
            yield f"{check.slo} is {check.predicted:.6g}, the SLO is {check.bound:.6g}"


def _differences(truth: Value, claimed: Value) -> Violations:
    """Numbers of a plan that are not the truth."""
    for name, value in truth:
        said = getattr(claimed, name)
        if not math.isclose(value, said, rel_tol=PHYSICS):
            yield f"{name} is {value:.6g}, the plan says {said:.6g}"


def _check_labels(
    workload: Workload, assignment: Assignment, held: Held, checks: Sequence[SLOCheck]
) -> Violations:
    """What the plan says of its engine, its SLOs and its calibration."""
    calibration = held.calibration
    request, deployment = workload.requests[assignment.request_class], assignment.deployment
    beyond = calibration.beyond(deployment.batch, request.total_tokens, deployment.n_gpus)
    for name, truth in (
        ("engine", workload.engine),
        ("offload_semantics", ENGINES[workload.engine].offload_semantics),
        ("calibration", calibration.kind),
        ("confidence", held.confidence),
        ("prefill_factor", held.prefill_factor),
        ("decode_factor", held.decode_factor),
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
    billed_s = _billed_s(problem.billing, exact(run.run_s))
    if not same(billed_s, exact(run.billed_s)):
        yield f"{float(billed_s):g} s are billed, the plan says {run.billed_s:g}"
    usd = exact(offer.usd_per_hour) * run.n_vms * billed_s / exact(SECONDS_PER_HOUR)
    if not same(usd, exact(run.usd)):
        yield f"the bill is USD {float(usd):.6f}, the plan says {run.usd:.6f}"


def _billed_s(billing: Billing, run_s: Fraction) -> Fraction:
    """Billed time of a run [s], whole quanta; what rounding adds to a whole number is none."""
    quantum = exact(billing.quantum_s)
    quanta = (run_s + exact(billing.idle_tail_s)) / quantum * (1 - exact(QUANTUM_SLACK))
    return max(math.ceil(quanta) * quantum, exact(billing.minimum_s))
