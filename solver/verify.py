"""The independent check: a plan recomputed from the problem in plain scalar code.

Shares nothing with candidates, formulation or solvers beyond the formulas of `models/`.
Counting and money are exact (`fractions`); physics is compared within `PHYSICS`.
"""

from __future__ import annotations

import math

from ..models.billing import SECONDS_PER_HOUR
from ..models.calibration import Calibration, calibration_for
from ..models.deployment import check_slos, evaluate
from ..models.engine import ENGINES
from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.jobs import job_run_s
from ..models.measured import MeasuredWorkload
from ..models.memory import weight_bytes
from ..models.outcome import VerificationError
from ..models.plan import Assignment, FleetPlan, MeasuredRoute, Route
from ..models.timing import timing
from ..models.workload import Demand, Workload
from .verify_demand import check_demand, check_rate, check_shared
from .verify_limits import check_horizon, check_limits
from .verify_vms import (
    PHYSICS,
    OfferKey,
    Violations,
    check_money,
    check_places,
    check_vms,
    exact,
    offer_of,
    same,
)

SLACK = 1e-9
"""Absolute tolerance on a relative slack, which may be 0."""


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
    offers: dict[OfferKey, Offer] = {
        (o.vm_type.key, o.region, o.purchase): o for o in problem.offers
    }
    demands: dict[str, Demand] = {demand.name: demand for demand in problem.demands}
    zoned = any(demand.survive.zone is not None for demand in problem.demands)
    known: list[Route] = []
    for field, routes in (("assignments", plan.assignments), ("measured", plan.measured)):
        for number, route in enumerate(routes):
            where = f"{field}[{number}] ({route.workload})"
            demand, offer = demands.get(route.workload), offers.get(offer_of(route))
            if demand is None or offer is None:
                what = (
                    "the problem has no such workload"
                    if demand is None
                    else (f"no offer of {' '.join(offer_of(route))}")
                )
                yield f"{where}: {what}"
                continue
            wrong = list(_check_place(problem, demand, route, offer, zoned))
            if not wrong:
                known.append(route)
                wrong = list(_check_route(problem, demand, route, offer))
            for text in wrong:
                yield f"{where}: {text}"
    misplaced = list(check_places(problem, plan, zoned))
    yield from misplaced
    if misplaced:  # what stands nowhere cannot be added up
        return
    yield from check_shared(problem, known)
    yield from check_demand(problem, plan, known)
    yield from check_vms(problem, plan, known, offers)
    yield from check_limits(problem, plan, offers)
    if problem.horizon is not None:
        yield from check_horizon(problem.horizon, plan)
    yield from check_money(problem, plan)


def _check_place(
    problem: FleetProblem, demand: Demand, route: Route, offer: Offer, zoned: bool
) -> Violations:
    """Class, place, zone and period exist, and the workload may run there."""
    classes = len(demand.requests) if isinstance(demand, Workload) else 0
    if isinstance(demand, MeasuredWorkload):
        classes = len(demand.shares)
    if isinstance(demand, Workload) != isinstance(route, Assignment):
        yield "is measured in the problem or in the plan, but not in both"
    if route.request_class >= classes:
        yield f"request class {route.request_class} does not exist"
    if not demand.permits(offer):
        yield f"{offer.key} is not allowed"
    if (route.zone is not None) != zoned or (route.zone or 0) >= problem.zones_per_region:
        yield f"zone {route.zone} does not exist"
    own = isinstance(route, Assignment) and route.job is not None
    periods = len(problem.hours) if problem.horizon is not None else None
    if periods is None or own:
        if route.period is not None:
            yield f"period {route.period} does not exist"
    elif route.period is None or route.period >= periods:
        yield f"period {route.period} does not exist"


def _check_route(problem: FleetProblem, demand: Demand, route: Route, offer: Offer) -> Violations:
    """What one replica is said to do, and what is asked of it."""
    if isinstance(demand, Workload) and isinstance(route, Assignment):
        yield from _check_replica(problem, demand, route, offer)
        if demand.job is not None:
            if demand.max_spot_share < 1 and route.purchase == "spot":
                yield "a job that may not depend on spot runs on it"
            if problem.horizon is None:
                yield from _check_job(problem, demand, route, offer)
            elif route.job is not None:
                yield "a job in a horizon has no VMs of its own"
        else:
            yield from check_rate(demand, route)
            if route.job is not None:
                yield "a service has no job run"
    elif isinstance(demand, MeasuredWorkload) and isinstance(route, MeasuredRoute):
        yield from _check_measured(demand, route)
        yield from check_rate(demand, route)


def _check_measured(demand: MeasuredWorkload, route: MeasuredRoute) -> Violations:
    """The throughput is the one in the table."""
    measured = [
        entry.requests_per_s[route.request_class]
        for entry in demand.throughput
        if entry.vm_type in (route.vm_type, route.vm_key) and entry.n_gpus == route.n_gpus
    ]
    said = route.measured_requests_per_s
    if not any(math.isclose(said, value, rel_tol=PHYSICS) for value in measured):
        yield f"measured_requests_per_s {said:.6g} is in no table of the problem"


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
