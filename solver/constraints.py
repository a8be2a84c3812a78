"""The rows of the program, one constraint a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..models.limits import Horizon
from ..models.value import FloatArray
from .builder import ProgramBuilder
from .layers import Layers
from .machines import parallel_degrees
from .market import Market
from .program import IntArray
from .services import Scenario, Service

NO_COLUMNS: IntArray = np.zeros(0, dtype=np.int64)
"""Where a rule needs none of its own."""


class Items(NamedTuple):
    """Blocks of one workload: place, GPUs of each and column, shape [J]."""

    place: IntArray
    gpus: IntArray
    columns: IntArray


def cover_demand(builder: ProgramBuilder, replicas: IntArray, part: FloatArray) -> None:
    """Replicas carry all that is asked: sum_i a_i x_i >= 1."""
    row = builder.rows(1, lower=1.0)
    builder.entries(row, replicas, part)


def route_demand(builder: ProgramBuilder, layers: Layers) -> None:
    """All demand is routed: sum_k y_k = 1."""
    row = builder.rows(1, lower=1.0, upper=1.0)
    builder.entries(row, layers.share, 1.0)


def survive_one_loss(
    builder: ProgramBuilder, replicas: IntArray, part: FloatArray, most: FloatArray
) -> IntArray:
    """Without its largest block, the rest still carries: sum_i a_i x_i - m >= 1.

    m is at least a_i of every item in use. Exact with a_i cut at 1: what is left is a set
    of whole blocks, and one of them that carries all needs no more.

    Returns:
        The column m, then those that say which items are in use, shape [1 + J].
    """
    largest = builder.columns(1, upper=1.0)
    used = builder.columns(len(replicas), upper=1.0, integer=True)
    row = builder.rows(1, lower=1.0)
    builder.entries(row, replicas, part)
    builder.entries(row, largest, -1.0)
    links = builder.rows(len(replicas), upper=0.0)
    builder.entries(links, replicas, 1.0 / most)
    builder.entries(links, used, -1.0)
    losses = builder.rows(len(replicas), upper=0.0)
    builder.entries(losses, used, part)
    builder.entries(losses, largest, -1.0)
    return np.concatenate([largest, used])


def route_classes(
    builder: ProgramBuilder, service: Service, replicas: IntArray, rate: float
) -> tuple[IntArray, ...]:
    """Classes share replicas: sum_c (rate_c / capacity_ci) y_ci <= x_i, and every class is routed.

    Returns:
        By class, the columns y: part of its requests kept for each item, shape [J].
    """
    fill = builder.rows(len(replicas), upper=0.0)
    work = [
        np.where(service.capacity(c) > 0, rate * c.share / np.maximum(service.capacity(c), TINY), 0)
        for c in service.classes
    ]
    scale = 1.0 / np.maximum(1.0, np.max(work, axis=0))
    builder.entries(fill, replicas, -scale)
    routed = []
    for served, busy in zip(service.classes, work, strict=True):
        able = served.capacity[service.pair] > 0
        y = builder.columns(len(replicas), upper=able.astype(float))
        builder.entries(fill, y, busy * scale)
        # To a solver's tolerance so little work needs no replica at all.
        small = np.flatnonzero(able & (busy < LITTLE_WORK))
        links = builder.rows(len(small), upper=0.0)
        builder.entries(links, y[small], 1.0)
        builder.entries(links, replicas[small], -1.0)
        for scenario in service.scenarios:
            row = builder.rows(1, lower=1.0)
            builder.entries(row, y[scenario.left & able], 1.0 / scenario.share)
        routed.append(y)
    return tuple(routed)


LITTLE_WORK = 1e-3
"""Replicas' worth of work of a class, below which its routing to a replica is a rule of its own."""
TINY = 1e-300
"""Stands in for a capacity of 0 in a quotient that is not used."""


def hold_each(builder: ProgramBuilder, service: Service, replicas: IntArray) -> None:
    """Without a rate, each class is asked for one replica that can serve it, in every scenario."""
    for served in service.classes:
        able = np.asarray(served.capacity[service.pair] > 0, float)
        for scenario in service.scenarios:
            cover_demand(builder, replicas[scenario.left], able[scenario.left])


def carry_alone(
    builder: ProgramBuilder, service: Service, replicas: IntArray, period: int
) -> IntArray:
    """A service with one class: in every scenario, what is left carries its part.

    Returns:
        The columns of `survive_one_loss`; none where no single loss must be survived.
    """
    loss = NO_COLUMNS
    for scenario in service.scenarios:
        part = parts(service, scenario, service.rate(period))
        if scenario.single_loss:
            loss = survive_one_loss(builder, replicas, part, service.most(period))
        else:
            cover_demand(builder, replicas[scenario.left], part[scenario.left])
    return loss


def parts(service: Service, scenario: Scenario, rate: float | None) -> FloatArray:
    """Part of a scenario's demand that one item carries, at most 1, shape [J].

    Cut at 1, which is exact: an item that could carry more carries all, and x is integer.
    """
    capacity = service.capacity(service.classes[0])
    if rate is None:
        return np.asarray(capacity > 0, float)
    return np.minimum(capacity / (scenario.share * rate), 1.0)


def limit_vm_types(
    builder: ProgramBuilder, service: Service, market: Market, replicas: IntArray, period: int
) -> IntArray:
    """At most `max_vm_types` VM types: x_i <= most_i u_v, sum_v u_v <= limit.

    Returns:
        The columns u by VM type, in the order of the market; none without a limit.
    """
    limit = service.demand.max_vm_types
    if limit is None:
        return NO_COLUMNS
    types, of_item = np.unique(market.type_of[service.place], return_inverse=True)
    used = builder.columns(len(types), upper=1.0, integer=True)
    links = builder.rows(len(replicas), upper=0.0)
    builder.entries(links, replicas, 1.0 / service.most(period))
    builder.entries(links, used[of_item], -1.0)
    row = builder.rows(1, upper=1.0)
    builder.entries(row, used, 1.0 / limit)
    return used


def stand_apart(
    builder: ProgramBuilder,
    market: Market,
    vms: IntArray,
    own: Items,
    others: Sequence[Items],
) -> None:
    """Blocks of a service that survives the loss of a VM stand on VMs apart.

    A VM has G / g slots of g GPUs; a block spoils every slot it touches, and others fill what
    is left: sum_own ceil(g_i / g) x_i + sum_others floor(g_i / g) x_i <= (G / g) n, for every
    size g. Exact for one such service beside replicas whose sizes divide each other.
    """
    for place in np.unique(own.place):
        room = int(market.room[place])
        for size in parallel_degrees(room):
            row = builder.rows(1, upper=0.0)
            builder.entries(row, vms[place], -1.0)
            mine = own.place == place
            taken = np.ceil(own.gpus[mine] / size) * size / room
            builder.entries(row, own.columns[mine], taken)
            for other in others:
                large = (other.place == place) & (other.gpus >= size)
                filled = other.gpus[large] // size * size / room
                builder.entries(row, other.columns[large], filled)


def fit_gpus(
    builder: ProgramBuilder,
    market: Market,
    vms: IntArray,
    items: Sequence[Items],
) -> None:
    """Replicas of all workloads fit the VMs rented: sum_i (g_i / G_p) x_i <= n_p per place.

    Args:
        vms: column of n by place, -1 where none is needed, shape [P].
        items: those of each workload.
    """
    used = np.flatnonzero(vms >= 0)
    row_of = np.full(market.n_places, -1)
    row_of[used] = builder.rows(len(used), upper=0.0)
    builder.entries(row_of[used], vms[used], -1.0)
    for mine in items:
        builder.entries(row_of[mine.place], mine.columns, mine.gpus / market.room[mine.place])


def pick_order(builder: ProgramBuilder, usd_per_hour: FloatArray) -> IntArray:
    """A job places exactly one of its orders: sum_j z_j = 1."""
    chosen = builder.columns(len(usd_per_hour), cost=usd_per_hour, upper=1.0, integer=True)
    row = builder.rows(1, lower=1.0, upper=1.0)
    builder.entries(row, chosen, 1.0)
    return chosen


def keep_within(
    builder: ProgramBuilder,
    limit: float,
    terms: Sequence[tuple[IntArray, FloatArray]],
    scale: float,
    excess: IntArray | None = None,
) -> None:
    """A quota or a budget: sum_p weight_p n_p <= limit, divided by `scale`.

    Args:
        excess: a column that may exceed it, in units of `scale`; none for the rule itself.
    """
    row = builder.rows(1, upper=limit / scale)
    for columns, amount in terms:
        builder.entries(row, columns, amount / scale)
    if excess is not None:
        builder.entries(row, excess, -1.0)


def follow_demand(
    builder: ProgramBuilder, horizon: Horizon, vms: Sequence[IntArray], started: Sequence[IntArray]
) -> None:
    """VMs that were not there before were started: s_t >= n_t - n_(t-1).

    And what was started in the last `min_up_periods` is still there: sum s <= n_t.
    Starting from nothing unless the horizon is cyclic.
    """
    periods = len(vms)
    for t in range(periods):
        rows = builder.rows(len(vms[t]), lower=0.0)
        builder.entries(rows, started[t], 1.0)
        builder.entries(rows, vms[t], -1.0)
        if t > 0 or horizon.cyclic:
            builder.entries(rows, vms[t - 1], 1.0)
        kept = builder.rows(len(vms[t]), upper=0.0)
        builder.entries(kept, vms[t], -1.0)
        for back in range(horizon.min_up_periods):
            if t - back >= 0 or horizon.cyclic:
                builder.entries(kept, started[t - back], 1.0)
