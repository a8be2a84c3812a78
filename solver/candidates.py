"""Candidates: deployments worth considering, with their physics done, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.load import Load
from ..models.serving import Serving, Trial
from ..models.timing import capacity_per_s
from ..models.value import FloatArray, Mask
from ..models.workload import RequestClass, Workload
from .batches import best_batches
from .block import TIE, Block, enumerate_blocks, part_carried, whole_replicas
from .machines import Machines, allowed_degrees
from .program import INTEGER_LIMIT, IntArray

__all__ = ["TIE", "Row", "Stream", "cheapest_offers", "enumerate_streams", "make_stream"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a block, at K of its candidates.

    Attributes:
        number: which row.
        kind: the block's column of each candidate, shape [K].
    """

    block: Block
    number: int
    kind: IntArray

    @property
    def batch(self) -> FloatArray:
        """Best batch of each candidate, shape [K]."""
        return np.asarray(self.block.batch[self.number, self.kind], np.float64)

    @property
    def work_s(self) -> FloatArray:
        """Replica-seconds kept per request at each candidate, shape [K]."""
        return np.asarray(self.block.work_s[self.number, self.kind])

    @property
    def countable(self) -> Mask:
        """Which candidates serve with a number of replicas a solver can count, shape [K]."""
        return np.asarray(self.block.useful[self.number, self.kind])


@dataclass(frozen=True, eq=False)
class Stream:
    """One request class of one workload, and the candidates that could serve it.

    Light: a view of a block's row. What the row does not keep (memory, phase times,
    schedules) is worked out when it is first asked for.

    Attributes:
        workload, request: what is asked; `index` is the class's position.
        machines: all (VM type, GPUs) pairs, shape [K].
        holds: which pairs hold every SLO, shape [K].
        row: where batches and work are kept; None when they were tried apart.
        tried: each pair at its batch, where that is known already.
        given: schedules, where they are not the least uniform offload.
    """

    workload: Workload
    request: RequestClass
    index: int
    machines: Machines
    holds: Mask
    row: Row | None = None
    tried: Trial | None = None
    given: tuple[FloatArray, ...] | None = None

    @cached_property
    def load(self) -> Load:
        """What the request class asks of a replica."""
        return Load.of(self.workload, self.request)

    @cached_property
    def serving(self) -> Serving:
        """The request class on every pair."""
        return Serving(self.workload, self.request, self.machines.replica)

    @cached_property
    def trial(self) -> Trial:
        """Each pair at its best batch, shape [K]."""
        return self.tried or self.serving.at(self.batch)

    @property
    def batch(self) -> FloatArray:
        """Best batch of each pair, shape [K]."""
        if self.row is None:
            return self.trial.batch
        return self.row.batch

    @property
    def fractions(self) -> tuple[FloatArray, ...]:
        """Offloaded part of each layer group's KV, each of shape [K]."""
        return self.trial.fractions if self.given is None else self.given

    @cached_property
    def prefill_s(self) -> FloatArray:
        """Prefill under the schedules, shape [K]."""
        return np.asarray(self.trial.prefill.total_s(self.fractions))

    @cached_property
    def decode_s(self) -> FloatArray:
        """A decode step under the schedules, shape [K]."""
        return np.asarray(self.trial.decode.total_s(self.fractions))

    @property
    def busy_s(self) -> FloatArray:
        """Replica-seconds of work per request under the schedules, shape [K]."""
        return np.asarray(self.trial.forms.work.of(self.prefill_s, self.decode_s))

    @property
    def work_s(self) -> FloatArray:
        """Replica-seconds kept per request, shape [K]: its work and what its wait needs idle."""
        if self.given is not None:  # engines that offload have no queue
            return self.busy_s
        return self.serving.kept_s(self.trial) if self.row is None else self.row.work_s

    def with_schedules(self, fractions: tuple[FloatArray, ...]) -> Stream:
        """The stream under other schedules, its phase times with them."""
        return replace(self, tried=self.trial, given=fractions)

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
        row, tried = self.row, None
        if row is not None:
            row = replace(row, kind=row.kind[pair])
        else:
            serving = Serving(self.workload, self.request, machines.replica)
            tried = serving.at(self.batch[pair])
        given = None if self.given is None else tuple(each[pair] for each in self.given)
        holds = self.holds[pair]
        return replace(self, machines=machines, holds=holds, row=row, tried=tried, given=given)

    def schedule(self, k: int) -> tuple[float, ...]:
        """Offloaded part of each layer group of pair k."""
        return tuple(float(fraction[k]) for fraction in self.fractions)

    def coverage(self) -> FloatArray:
        """Part of the demand one replica carries, at most 1, shape [K]."""
        carried = self.carried(np.ones(self.holds.shape))
        return part_carried(carried, self.requests_per_s or 0.0)

    def carried(self, replicas: FloatArray) -> FloatArray:
        """Requests/s that so many replicas of each pair carry, shape [K]."""
        utilization = self.workload.target_utilization
        return np.asarray(capacity_per_s(utilization, replicas, self.work_s))

    def replicas_needed(self) -> FloatArray:
        """Replicas of one pair that carry all demand alone, shape [K]."""
        return whole_replicas(self.coverage())

    def useful(self) -> IntArray:
        """Pairs that hold every SLO, with a number of replicas a solver can count."""
        if self.row is not None and self.given is None:
            countable = self.row.countable
        else:
            countable = self.replicas_needed() <= INTEGER_LIMIT
        return np.flatnonzero(self.holds & countable)


def make_stream(
    workload: Workload,
    request: RequestClass,
    index: int,
    machines: Machines,
    trial: Trial | None = None,
) -> Stream:
    """One request class on every pair, at its best batch, or at the batches of a trial."""
    serving = Serving(workload, request, machines.replica)
    tried = trial or best_batches(serving)
    holds = serving.holds(tried) & allowed_degrees(workload, machines)
    return Stream(workload, request, index, machines, holds, tried=tried)


def enumerate_streams(problem: FleetProblem) -> tuple[Stream, ...]:
    """One stream per workload and request class, in the problem's order."""
    found = [stream for block in enumerate_blocks(problem) for stream in streams(block)]
    place = {workload.name: i for i, workload in enumerate(problem.workloads)}
    return tuple(sorted(found, key=lambda stream: (place[stream.workload.name], stream.index)))


def streams(block: Block) -> Iterator[Stream]:
    """The rows of a block as streams, in order."""
    holds = block.holds[:, block.kind]
    demands = zip(block.workloads, block.requests, block.indices, strict=True)
    for number, (workload, request, index) in enumerate(demands):
        row = Row(block, number, block.kind)
        yield Stream(workload, request, index, block.machines, holds[number], row)


def cheapest_offers(offers: Sequence[Offer]) -> dict[str, Offer]:
    """The cheapest offer of each VM type key; ties by offer key.

    Offers of one VM type differ in nothing but price and place, so no other is needed.
    """
    best: dict[str, Offer] = {}
    for offer in sorted(offers, key=lambda o: (o.usd_per_hour, o.key)):
        best.setdefault(offer.vm_type.key, offer)
    return best
