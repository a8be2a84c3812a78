"""A candidate in domain words: the assignment a plan or a recommendation shows."""

from __future__ import annotations

from ..models.calibration import calibration_for
from ..models.deployment import Deployment, OffloadSchedule, check_slos, evaluate
from ..models.engine import ENGINES
from ..models.fleet import Assignment, FleetProblem, JobRun
from ..models.hardware import Offer
from .candidates import Stream
from .orders import Orders


def describe(
    problem: FleetProblem,
    stream: Stream,
    k: int,
    offer: Offer,
    replicas: int,
    requests_per_s: float | None,
    job: JobRun | None = None,
) -> Assignment:
    """Candidate k of a stream in domain words, predicted anew in scalar arithmetic."""
    workload, request, machines = stream.workload, stream.request, stream.machines
    vm_type = machines.vm_types[machines.type_of[k]]
    deployment = Deployment(
        provider=vm_type.provider,
        vm_type=vm_type.name,
        n_gpus=int(machines.n_gpus[k]),
        batch=int(stream.trial.batch[k]),
        offload=OffloadSchedule.of(workload.architecture, stream.schedule(k)),
    )
    calibration = calibration_for(problem.calibrations, vm_type.gpu.name, workload.engine)
    performance = evaluate(workload, request, vm_type, calibration, deployment)
    return Assignment(
        workload=workload.name,
        request_class=stream.index,
        region=offer.region,
        purchase=offer.purchase,
        deployment=deployment,
        replicas=replicas,
        requests_per_s=requests_per_s,
        performance=performance,
        slos=check_slos(workload, performance),
        engine=workload.engine,
        offload_semantics=ENGINES[workload.engine].offload_semantics,
        calibration=calibration.kind,
        prediction_error=calibration.residual,
        extrapolates=calibration.beyond(deployment.batch, request.total_tokens, deployment.n_gpus),
        job=job,
    )


def describe_order(problem: FleetProblem, orders: Orders, best: int, offer: Offer) -> Assignment:
    """Order `best` of a job in domain words."""
    stream, n_vms = orders.stream, int(orders.n_vms[best])
    job = stream.workload.job
    assert job is not None
    run = JobRun(
        n_vms=n_vms,
        run_s=float(orders.run_s[best]),
        billed_s=float(problem.billing.billed_s(float(orders.run_s[best]))),
        usd=offer.usd_per_hour * float(orders.vm_hours[best]),
    )
    replicas = n_vms * int(stream.machines.replicas_per_vm[best])
    rate = stream.job_requests / job.deadline_s
    return describe(problem, stream, best, offer, replicas, rate, run)
