"""Many request classes at once on every candidate: the physics of a fleet, as arrays.

Request classes under one engine are evaluated together, and pairs (VM type, GPUs) that the
engine cannot tell apart only once, as one *kind* of replica. What is kept of each class is
its best batch on each kind, what a request then takes, and whether every SLO holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ..models.calibration import Calibration
from ..models.fleet import FleetProblem
from ..models.held import HeldCalibrations
from ..models.load import Load
from ..models.replica import Replica
from ..models.serving import Trials
from ..models.timing import capacity_per_s
from ..models.value import FloatArray, Mask, Real
from ..models.workload import RequestClass, Workload
from .batches import best_batches
from .machines import Machines, allowed_gpus, enumerate_machines
from .precedent import same_objects
from .program import INTEGER_LIMIT, IntArray

TIE = 1e-9
"""Demand that k replicas meet exactly must not ask for k + 1 for a rounding error."""
GROUNDS = 8
"""Machines remembered: engines and confidences of a few catalogues."""
CHUNK = 16384
"""Candidates evaluated at once: their arrays stay in the processor's cache."""


@dataclass(frozen=True)
class Block:
    """N request classes under one engine on U kinds of replica, each at its best batch.

    Attributes:
        workloads, requests, indices: the request classes, N of them, in the problem's order.
        machines: all (VM type, GPUs) pairs, K of them.
        kind: kind of each pair, shape [K]; `array[:, kind]` is an [N, U] array as [N, K].
        n_gpus: GPUs of a replica of each kind, shape [U].
        replica: the hardware of each kind, as far as the engine can see, shape [U].
        load: what the request classes ask, shape [N].
        batch: best batch, shape [N, U].
        work_s: replica-seconds kept per request, shape [N, U].
        holds: whether every SLO holds, shape [N, U].
        rate: mean demand [requests/s], shape [N]; 0 for a job or where none is stated.
    """

    workloads: tuple[Workload, ...]
    requests: tuple[RequestClass, ...]
    indices: tuple[int, ...]
    machines: Machines
    kind: IntArray
    n_gpus: IntArray
    replica: Replica
    load: Load
    batch: NDArray[np.int32]
    work_s: FloatArray
    holds: Mask
    rate: FloatArray

    def carried(self) -> FloatArray:
        """Requests/s that one replica carries, shape [N, U]."""
        utilization = np.asarray(self.load.asked.utilization)[:, None]
        return np.asarray(capacity_per_s(utilization, 1.0, self.work_s))

    def coverage(self) -> FloatArray:
        """Part of the demand one replica carries, at most 1, shape [N, U]."""
        return part_carried(self.carried(), self.rate[:, None])

    @cached_property
    def useful(self) -> Mask:
        """Where every SLO holds with a number of replicas a solver can count, shape [N, U]."""
        return np.asarray(self.holds & (whole_replicas(self.coverage()) <= INTEGER_LIMIT))


def part_carried(carried: FloatArray, rate: Real) -> FloatArray:
    """Part of a demand that so many requests/s are, at most 1; all of it where rate is 0."""
    asked = np.where(np.asarray(rate) > 0, rate, carried)
    return np.minimum(carried / asked, 1.0)


def whole(amount: FloatArray) -> FloatArray:
    """So many whole ones carry an amount: rounded up, and one for the least of it.

    >>> whole(np.array([0.0, 1e-12, 2.0 + 1e-12, 2.1])).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    return np.maximum(np.ceil(amount - TIE), np.asarray(amount) > 0)


def whole_replicas(coverage: FloatArray) -> FloatArray:
    """Replicas of one candidate that carry all demand alone; inf of one that carries nothing."""
    with np.errstate(divide="ignore"):
        return np.ceil(1.0 / coverage - TIE)


def enumerate_blocks(problem: FleetProblem) -> tuple[Block, ...]:
    """One block per engine and confidence, over every request class of its workloads."""
    held = HeldCalibrations(problem)
    found: dict[object, list[tuple[Workload, int]]] = {}
    for workload in problem.workloads:
        classes = [(workload, index) for index in range(len(workload.requests))]
        found.setdefault(held.kind_of(workload), []).extend(classes)
    return tuple(_block(problem, held, classes) for classes in found.values())


def _block(
    problem: FleetProblem, held: HeldCalibrations, classes: Sequence[tuple[Workload, int]]
) -> Block:
    """Request classes of one kind on every pair."""
    workload = classes[0][0]
    return evaluate_block(classes, _machines(Ground(problem, held, workload)))


class Ground:
    """What machines follow from; equal where VM types, calibrations and kind are the very same.

    Batches of problems share them, and so do the answers of a planner.
    """

    def __init__(self, problem: FleetProblem, held: HeldCalibrations, workload: Workload) -> None:
        self.offers, self._held, self._workload = problem.offers, held, workload
        self._kind = held.kind_of(workload)
        vm_types = (offer.vm_type for offer in problem.offers)
        self._same = (*vm_types, *problem.calibrations)

    def calibration_of(self, gpu: str, n_gpus: int) -> Calibration:
        """A GPU's calibration under the engine and confidence of the kind."""
        return self._held.of(self._workload, gpu, n_gpus).calibration

    def __hash__(self) -> int:
        return hash((self._kind, *map(id, self._same)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ground)
            and self._kind == other._kind
            and same_objects(self._same, other._same)
        )


@lru_cache(maxsize=GROUNDS)
def _machines(ground: Ground) -> Machines:
    return enumerate_machines(ground.offers, ground.calibration_of)


def evaluate_block(classes: Sequence[tuple[Workload, int]], machines: Machines) -> Block:
    """Request classes (workload, position) under one engine on every pair."""
    workloads = tuple(workload for workload, _ in classes)
    requests = tuple(workload.requests[index] for workload, index in classes)
    load = Load.stack(list(zip(workloads, requests, strict=True)))
    first, kind = machines.replica.alike(load.engine)
    replica, n_gpus = machines.replica.take(first), machines.n_gpus[first]
    shape = len(classes), len(first)
    batch, work_s = np.empty(shape, np.int32), np.empty(shape)
    holds = _allowed(workloads, n_gpus)
    for rows in _chunks(load, len(first)):
        trials = Trials(load.take(rows).column(), replica)
        trial = best_batches(trials)
        batch[rows], work_s[rows] = trial.batch, trials.kept_s(trial)
        holds[rows] &= trials.holds(trial)
    for rows in _sharing(workloads):
        trials = Trials(load.take(rows).column(), replica)
        trial = trials.at(batch[rows].astype(np.float64))
        # Classes in one replica wait as long as the slowest, within the slack of the tightest.
        slack_s = np.where(holds[rows], trials.slack_s(trial), np.inf).min(axis=0)
        work_s[rows] = trials.kept_s(trial, slack_s)
    rates = [w.requests_per_s or 0.0 for w in workloads]
    return Block(
        workloads=workloads,
        requests=requests,
        indices=tuple(index for _, index in classes),
        machines=machines,
        kind=kind,
        n_gpus=n_gpus,
        replica=replica,
        load=load,
        batch=batch,
        work_s=work_s,
        holds=holds,
        rate=np.array(rates) * np.array([request.share for request in requests]),
    )


def _chunks(load: Load, width: int) -> Iterator[IntArray]:
    """Rows to evaluate together: few enough for the cache, alike in what they need.

    Padded groups, experts and offload cost time wherever one row of a chunk has them.
    """
    groups = load.shape.groups
    n_groups = np.sum([np.asarray(group.count) > 0 for group in groups], axis=0)
    experts = np.any([np.asarray(group.n_experts) > 0 for group in groups], axis=0)
    order = np.lexsort((experts, n_groups, np.asarray(load.asked.may_offload)))
    size = max(1, CHUNK // width)
    for start in range(0, len(order), size):
        yield np.sort(order[start : start + size])


def _sharing(workloads: tuple[Workload, ...]) -> Iterator[IntArray]:
    """Rows of each workload whose classes queue for the same replicas."""
    rows: dict[str, list[int]] = {}
    for row, workload in enumerate(workloads):
        if workload.slo.percentile is not None and len(workload.requests) > 1:
            rows.setdefault(workload.name, []).append(row)
    return (np.array(mine, np.int64) for mine in rows.values())


def _allowed(workloads: tuple[Workload, ...], n_gpus: IntArray) -> Mask:
    """Kinds over whose GPUs each LLM splits and that the workload permits, shape [N, U]."""
    place: dict[tuple[int, tuple[int, ...] | None], int] = {}
    masks: list[Mask] = []
    index = np.empty(len(workloads), np.int64)
    for row, workload in enumerate(workloads):
        key = (id(workload.architecture), workload.gpus_per_replica)
        if key not in place:
            place[key] = len(masks)
            masks.append(allowed_gpus(workload, n_gpus))
        index[row] = place[key]
    return np.array(masks)[index]
