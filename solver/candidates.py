"""Candidates: deployments worth considering, with their physics done, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.serving import Mask, Serving, Trial
from ..models.value import FloatArray
from ..models.workload import RequestClass, Workload
from .batches import best_batches
from .machines import Machines, enumerate_machines
from .program import INTEGER_LIMIT, IntArray

TIE = 1e-9
"""Demand that k replicas meet exactly must not ask for k + 1 for a rounding error."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One request class of one workload, and the candidates that could serve it.

    Attributes:
        workload, request: what is asked; `index` is the class's position.
        machines: all (VM type, GPUs) pairs, shape [K].
        trial: each pair at its best batch, shape [K].
        holds: which pairs hold every SLO, shape [K].
        fractions: offloaded part of each layer group's KV, each of shape [K].
        prefill_s, decode_s: phase times under them, shape [K].
    """

    workload: Workload
    request: RequestClass
    index: int
    machines: Machines
    trial: Trial
    holds: Mask
    fractions: tuple[FloatArray, ...]
    prefill_s: FloatArray
    decode_s: FloatArray

    @property
    def work_s(self) -> FloatArray:
        """Replica-seconds per request, shape [K]."""
        return np.asarray(self.trial.forms.work.of(self.prefill_s, self.decode_s))

    @property
    def requests_per_s(self) -> float | None:
        """Mean demand of a service class; None for a job or where none is stated."""
        rate = self.workload.requests_per_s
        return None if rate is None else rate * self.request.share

    @property
    def job_requests(self) -> int:
        """Requests of a job class, at least 1."""
        job = self.workload.job
        return 0 if job is None else max(1, round(job.requests * self.request.share))

    def schedule(self, k: int) -> tuple[float, ...]:
        """Offloaded part of each layer group of pair k."""
        return tuple(float(fraction[k]) for fraction in self.fractions)

    def coverage(self) -> FloatArray:
        """Part of the demand one replica carries, at most 1, shape [K]."""
        rate = self.requests_per_s
        if rate is None:
            return np.ones(self.holds.shape)
        return np.minimum(self.workload.target_utilization / (self.work_s * rate), 1.0)

    def replicas_needed(self) -> FloatArray:
        """Replicas of one pair that carry all demand alone, shape [K]."""
        return np.ceil(1.0 / self.coverage() - TIE)

    def useful(self) -> IntArray:
        """Pairs that hold every SLO, with a number of replicas a solver can count."""
        return np.flatnonzero(self.holds & (self.replicas_needed() <= INTEGER_LIMIT))


def allowed_degrees(workload: Workload, machines: Machines) -> Mask:
    """Pairs whose GPUs divide the LLM's heads and that the workload permits."""
    allowed: Mask = workload.architecture.heads % machines.n_gpus == 0
    if workload.gpus_per_replica is not None:
        allowed = allowed & np.isin(machines.n_gpus, workload.gpus_per_replica)
    return allowed


def make_stream(
    workload: Workload, request: RequestClass, index: int, machines: Machines
) -> Stream:
    """Evaluate every pair for one request class."""
    trial, holds = best_batches(Serving(workload, request, machines.replica))
    return Stream(
        workload=workload,
        request=request,
        index=index,
        machines=machines,
        trial=trial,
        holds=holds & allowed_degrees(workload, machines),
        fractions=trial.fractions,
        prefill_s=trial.prefill_s,
        decode_s=trial.decode_s,
    )


def enumerate_streams(problem: FleetProblem) -> tuple[Stream, ...]:
    """One stream per workload and request class, in the problem's order."""
    engines = {workload.engine for workload in problem.workloads}
    machines = {e: enumerate_machines(problem.offers, problem.calibrations, e) for e in engines}
    return tuple(
        make_stream(workload, request, index, machines[workload.engine])
        for workload in problem.workloads
        for index, request in enumerate(workload.requests)
    )


def cheapest_offers(offers: Sequence[Offer]) -> dict[str, Offer]:
    """The cheapest offer of each VM type key; ties by offer key.

    Offers of one VM type differ in nothing but price and place, so no other is needed.
    """
    best: dict[str, Offer] = {}
    for offer in sorted(offers, key=lambda o: (o.usd_per_hour, o.key)):
        best.setdefault(offer.vm_type.key, offer)
    return best
