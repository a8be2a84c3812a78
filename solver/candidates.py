"""Candidates: deployments worth considering, with their physics done, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.serving import Mask, Serving, Trial
from ..models.timing import capacity_per_s
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

    def with_schedules(self, fractions: tuple[FloatArray, ...]) -> Stream:
        """The stream under other schedules, its phase times with them."""
        return replace(
            self,
            fractions=fractions,
            prefill_s=np.asarray(self.trial.prefill.total_s(fractions)),
            decode_s=np.asarray(self.trial.decode.total_s(fractions)),
        )

    @property
    def requests_per_s(self) -> float | None:
        """Mean demand of a service class; None for a job or where none is stated."""
        rate = self.workload.requests_per_s
        return None if rate is None else rate * self.request.share

    @property
    def job_requests(self) -> int:
        """Requests of a job class."""
        return self.workload.job_requests(self.index)

    def take(self, pair: IntArray) -> Stream:
        """The stream with these candidates only, under their schedules."""
        machines = self.machines.take(pair)
        serving = Serving(self.workload, self.request, machines.replica)
        trial = serving.at(self.trial.batch[pair])
        taken = make_stream(self.workload, self.request, self.index, machines, trial)
        kept = replace(taken, holds=self.holds[pair])
        return kept.with_schedules(tuple(fraction[pair] for fraction in self.fractions))

    def schedule(self, k: int) -> tuple[float, ...]:
        """Offloaded part of each layer group of pair k."""
        return tuple(float(fraction[k]) for fraction in self.fractions)

    def coverage(self) -> FloatArray:
        """Part of the demand one replica carries, at most 1, shape [K]."""
        rate = self.requests_per_s
        if rate is None:
            return np.ones(self.holds.shape)
        return np.minimum(self.carried(np.ones(self.holds.shape)) / rate, 1.0)

    def carried(self, replicas: FloatArray) -> FloatArray:
        """Requests/s that so many replicas of each pair carry, shape [K]."""
        utilization = self.workload.target_utilization
        return np.asarray(capacity_per_s(utilization, replicas, self.work_s))

    def replicas_needed(self) -> FloatArray:
        """Replicas of one pair that carry all demand alone, shape [K]."""
        return np.ceil(1.0 / self.coverage() - TIE)

    def useful(self) -> IntArray:
        """Pairs that hold every SLO, with a number of replicas a solver can count."""
        return np.flatnonzero(self.holds & (self.replicas_needed() <= INTEGER_LIMIT))


def allowed_degrees(workload: Workload, machines: Machines) -> Mask:
    """Pairs over whose GPUs the LLM splits and that the workload permits."""
    splits = {int(g): workload.architecture.splits_over(int(g)) for g in set(machines.n_gpus)}
    allowed: Mask = np.array([splits[int(g)] for g in machines.n_gpus])
    if workload.gpus_per_replica is not None:
        allowed = allowed & np.isin(machines.n_gpus, workload.gpus_per_replica)
    return allowed


def make_stream(
    workload: Workload,
    request: RequestClass,
    index: int,
    machines: Machines,
    trial: Trial | None = None,
) -> Stream:
    """One request class on every pair, at its best batch, or at the batches of a trial."""
    serving = Serving(workload, request, machines.replica)
    trial = trial or best_batches(serving)
    holds = trial.fits & serving.in_time(trial) & serving.in_throughput(trial)
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
