"""A candidate in domain words: the assignment a plan or a recommendation shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.arrivals import Queueing, queueing
from ..models.billing import SECONDS_PER_HOUR
from ..models.deployment import (
    Case,
    Deployment,
    OffloadSchedule,
    Performance,
    check_slos,
    evaluate_many,
)
from ..models.engine import ENGINES
from ..models.fleet import FleetProblem
from ..models.held import Held, HeldCalibrations
from ..models.plan import Assignment, JobRun
from .candidates import Stream
from .market import Market, Place
from .orders import Orders
from .program import IntArray
from .shifts import Shifts


@dataclass(frozen=True, slots=True)
class Standing:
    """Where replicas stand, how many, what part of them a class keeps and what it sends."""

    place: Place
    replicas: int
    part: float
    requests_per_s: float | None = None
    period: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Candidate `pair` of a stream, decided: where it stands, its batch and schedule."""

    stream: Stream
    pair: int
    seat: Standing
    batch: int
    fractions: tuple[float, ...]
    job: JobRun | None = None


def describe(
    problem: FleetProblem, stream: Stream, k: int, seat: Standing, job: JobRun | None = None
) -> Assignment:
    """Candidate k of a stream in domain words, at the stream's batch and schedule."""
    chosen = Chosen(stream, k, seat, int(stream.batch[k]), stream.schedule(k), job)
    return describe_many(problem, [chosen])[0]


def describe_many(problem: FleetProblem, chosen: Sequence[Chosen]) -> list[Assignment]:
    """Candidates in domain words, predicted anew from what the words say."""
    known = HeldCalibrations(problem)
    held, cases = [], []
    for one in chosen:
        workload, machines = one.stream.workload, one.stream.machines
        vm_type = machines.vm_types[machines.type_of[one.pair]]
        request, n_gpus = one.stream.request, int(machines.n_gpus[one.pair])
        held.append(known.of(workload, vm_type.gpu.name, n_gpus))
        deployment = Deployment(
            provider=vm_type.provider,
            vm_type=vm_type.name,
            n_gpus=n_gpus,
            batch=one.batch,
            offload=OffloadSchedule.of(workload.architecture, one.fractions),
        )
        cases.append(Case(workload, request, vm_type, held[-1].calibration, deployment))
    performances = evaluate_many(cases)
    rates = [(one.seat.requests_per_s or 0.0) / one.seat.part for one in chosen]
    shared = [_replicas_of(*each) for each in zip(chosen, cases, strict=True)]
    queues = queueing(cases, performances, rates, shared)
    each = zip(chosen, cases, held, performances, queues, strict=True)
    return [_assignment(*one) for one in each]


def _replicas_of(chosen: Chosen, case: Case) -> tuple[object, ...]:
    """Which replicas a class is on: those that other classes of its workload may share."""
    place, deployment = chosen.seat.place, case.deployment
    where = place.offer.key, place.zone, chosen.seat.period
    return case.workload.name, deployment.n_gpus, *where


def _assignment(
    chosen: Chosen, case: Case, held: Held, performance: Performance, queue: Queueing | None
) -> Assignment:
    workload, seat, batch = case.workload, chosen.seat, case.deployment.batch
    calibration, tokens = held.calibration, case.request.total_tokens
    return Assignment(
        workload=workload.name,
        request_class=chosen.stream.index,
        region=seat.place.offer.region,
        purchase=seat.place.offer.purchase,
        zone=seat.place.zone,
        period=seat.period,
        replicas=seat.replicas,
        part=seat.part,
        requests_per_s=seat.requests_per_s,
        deployment=case.deployment,
        performance=performance,
        queueing=queue,
        slos=check_slos(workload, performance, queue.wait_s if queue else 0.0),
        engine=workload.engine,
        offload_semantics=ENGINES[workload.engine].offload_semantics,
        calibration=calibration.kind,
        confidence=held.confidence,
        prefill_factor=held.prefill_factor,
        decode_factor=held.decode_factor,
        prediction_error=calibration.residual,
        extrapolates=calibration.beyond(batch, tokens, case.deployment.n_gpus),
        job=chosen.job,
    )


def describe_order(problem: FleetProblem, orders: Orders, best: int, place: Place) -> Assignment:
    """Order `best` of a job in domain words."""
    stream, n_vms = orders.stream, int(orders.n_vms[best])
    job = stream.workload.job
    assert job is not None
    run = JobRun(
        n_vms=n_vms,
        run_s=float(orders.run_s[best]),
        billed_s=float(problem.billing.billed_s(float(orders.run_s[best]))),
        usd=place.offer.usd_per_hour * float(orders.vm_hours[best]),
    )
    replicas = n_vms * int(stream.machines.replicas_per_vm[best])
    rate = stream.job_requests / job.deadline_s
    return describe(problem, stream, best, Standing(place, replicas, float(replicas), rate), run)


def describe_shifts(
    problem: FleetProblem, market: Market, shifts: Shifts, replicas: IntArray
) -> Iterator[Assignment]:
    """The replicas of a job in each period, shape [T, J]; they do its requests in proportion."""
    stream, job = shifts.stream, shifts.stream.workload.job
    assert job is not None
    done = shifts.part * replicas
    period, item = np.nonzero(done)
    taken = stream.take(shifts.pair[item])
    requests = stream.job_requests * done[period, item] / done.sum()
    seconds = np.asarray(problem.hours)[period] * SECONDS_PER_HOUR
    for number, (t, j) in enumerate(zip(period.tolist(), item.tolist(), strict=True)):
        count = int(replicas[t, j])
        rate = float(requests[number] / seconds[number])
        place = market.places[shifts.place[j]]
        yield describe(problem, taken, number, Standing(place, count, float(count), rate, t))
