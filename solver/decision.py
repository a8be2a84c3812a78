"""What was decided, in whole numbers: the same whoever decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.value import FloatArray
from .candidates import TIE
from .constraints import parts
from .current import Current
from .orders import Orders
from .program import IntArray
from .seats import Room
from .services import Service
from .shifts import Shifts
from .variables import Estate, ServiceColumns, Variables

ROUNDING = 1e-6
"""Work of a replica, or part of a class, below which it is a solver's rounding: its feasibility
tolerance."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A service in one period: the items in use, how many of each, and who uses them.

    Attributes:
        item: index into the service's items, shape [U].
        count: blocks of each, shape [U].
        routed: by class, part of its requests kept for each, shape [U]; empty where one
            class has the replicas to itself.
    """

    service: Service
    period: int
    item: IntArray
    count: IntArray
    routed: tuple[FloatArray, ...] = ()


JobOrder = tuple[Orders, int, int]
"""A job's orders, the number of the one taken, and its place."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything a plan is made of.

    Attributes:
        vms, started: VMs rented and VMs started, by period and place, shape [T, P].
        jobs: the order of each job's request class.
        shifts: replicas of each job's items by period, shape [T, J].
        current: what runs already: its batches stay where they will do.
        rooms: by place, who sits on which VM, where that is decided already.
    """

    estate: Estate
    services: tuple[Placed, ...]
    vms: IntArray
    started: IntArray
    jobs: tuple[JobOrder, ...] = ()
    shifts: tuple[tuple[Shifts, IntArray], ...] = ()
    current: Current | None = None
    rooms: Mapping[int, Sequence[Room]] | None = None


def read_decision(variables: Variables, values: FloatArray, *, trim: bool = True) -> Decision:
    """The decision that a point of the program stands for.

    Args:
        trim: without replicas that nothing needs.
    """
    whole = np.round(values).astype(np.int64)
    vms = np.zeros((len(variables.vms), variables.estate.market.n_places), np.int64)
    for t, mine in enumerate(variables.vms):
        vms[t, mine >= 0] = whole[mine[mine >= 0]]
    return Decision(
        estate=variables.estate,
        services=tuple(_placed(one, whole, values, trim) for one in variables.services),
        vms=vms,
        started=starts_of(variables.estate, vms),
        jobs=tuple(
            (j.orders, int(j.order[best]), int(j.place[best]))
            for j in variables.jobs
            for best in [int(np.argmax(values[j.chosen]))]
        ),
        shifts=tuple(
            (s.shifts, _needed_shifts(s.shifts.part, np.array([whole[c] for c in s.replicas])))
            for s in variables.shifts
        ),
    )


def starts_of(estate: Estate, vms: IntArray) -> IntArray:
    """VMs that were not there the period before, shape [T, P]: never more than must start.

    What is reserved is always there, and so is everything without a horizon.
    """
    horizon = estate.problem.horizon
    if horizon is None:
        return np.zeros_like(vms)
    before = np.roll(vms, 1, axis=0)
    if not horizon.cyclic:
        before[0] = 0
    started: IntArray = np.maximum(vms - before, 0)
    return np.where(estate.market.reserved, 0, started)


def _placed(columns: ServiceColumns, whole: IntArray, values: FloatArray, trim: bool) -> Placed:
    service, count = columns.service, whole[columns.replicas]
    if trim and len(service.scenarios) == len(service.classes) == 1:
        part = parts(service, service.scenarios[0], service.rate(columns.period))
        count = needed_replicas(part, count)
    routed = [_routed(y, count, values) for y in columns.routed]
    if trim and routed:
        busy = np.sum(
            [
                service.work(c, y, columns.period)
                for c, y in zip(service.classes, routed, strict=True)
            ],
            axis=0,
        )
        used = np.max(routed, axis=0) > ROUNDING
        count = np.minimum(count, np.maximum(np.ceil(busy - ROUNDING), used).astype(np.int64))
    item = np.flatnonzero(count)
    return Placed(service, columns.period, item, count[item], tuple(y[item] for y in routed))


def _routed(column: IntArray, count: IntArray, values: FloatArray) -> FloatArray:
    """Part of a class's requests kept for each item; items with one column divide its value."""
    sharing = np.zeros(len(values))
    there = column >= 0
    np.add.at(sharing, column[there], count[there])
    mine = np.where(there, column, 0)
    part = np.divide(count, sharing[mine], out=np.zeros(len(count)), where=sharing[mine] > 0)
    return np.where(there, np.clip(values[mine], 0.0, 1.0) * part, 0.0)


def needed_replicas(coverage: FloatArray, replicas: IntArray) -> IntArray:
    """Replicas without those that full coverage does not need, smallest contribution first."""
    kept = replicas.copy()
    for j in np.argsort(coverage, kind="stable"):
        spare = float(coverage @ kept) - 1.0
        if kept[j] and spare > 0:
            kept[j] -= min(int(kept[j]), int(spare / coverage[j] + TIE))
    return kept


def _needed_shifts(part: FloatArray, replicas: IntArray) -> IntArray:
    """A job's replicas without those it does not need, shape [T, J]."""
    return needed_replicas(part.ravel(), replicas.ravel()).reshape(replicas.shape)
