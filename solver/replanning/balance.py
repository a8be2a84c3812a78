r"""Request classes routed over replicas that are given, all of them as lightly loaded as can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...models.outcome import Status
from ...models.value import FloatArray
from ..backends.running import run
from ..builder import ProgramBuilder
from ..decision import ROUNDING, Placed
from ..program import BoolArray, IntArray, SolveOptions
from ..services import Service

FULL = 1.0 + 1e-9
"""Load of a replica that counts as full: rounding of sums."""

MOST_SPREAD = 0.5
"""Part of a class's requests that may be spread over all replicas, for none to stand idle."""


def balanced(
    service: Service, item: IntArray, count: IntArray, backend: str, options: SolveOptions
) -> tuple[FloatArray, ...] | None:
    r"""By class, the part of its requests kept for each item in use, shape [U]; None: too few.

    $$ \min t \;\; \text{s.t.} \;\; \sum_c \text{work}_{ci} y_{ci} \le t\, x_i, \quad
       \sum_{i \text{ left}} y_{ci} \ge \text{share} \;\; \forall c, \text{scenarios} $$

    Where slack remains, a little of each class goes to every item that can serve it: replicas
    that run are used.

    Args:
        item: index into the service's items, shape [U].
        count: blocks of each, shape [U].
    """
    rate = service.rate(0)
    assert rate is not None, "classes are routed by their rates"
    able: BoolArray = np.array([c.capacity[service.pair[item]] > 0 for c in service.classes])
    work = (
        np.array(
            [
                np.divide(
                    rate * c.share,
                    service.capacity(c)[item],
                    out=np.zeros(len(item)),
                    where=able[n],
                )
                for n, c in enumerate(service.classes)
            ]
        )
        / count
    )
    if not able.any(axis=1).all():
        return None
    routed = _lightest(service, item, able, work, backend, options)
    if routed is None:
        return None
    load = (work * routed).sum(axis=0)
    if load.max() > FULL:
        return None
    evenly = np.where(able, 1.0 / work.clip(min=np.finfo(float).tiny), 0.0)
    evenly /= evenly.sum(axis=1, keepdims=True)
    spread = min(MOST_SPREAD, _room(load, (work * evenly).sum(axis=0), np.ones(len(item))))
    for scenario in service.scenarios:
        left, share = scenario.left[item], np.full(len(routed), scenario.share)
        gives = [-(one[:, left].sum(axis=1)) for one in (routed, evenly)]
        spread = min(spread, _room(gives[0], gives[1], -share))
    return tuple((1.0 - spread) * routed + spread * evenly)


def _room(now: FloatArray, then: FloatArray, most: FloatArray) -> float:
    """The part of the way from `now` to `then` that nothing exceeds `most` on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(then > now, (most - now) / (then - now), np.inf)
    return max(float(part.min(initial=np.inf)), 0.0)


def rebalanced(placed: Placed, backend: str, options: SolveOptions) -> Placed:
    """Request classes that share replicas, spread over those that they can use."""
    if not placed.routed:
        return placed
    routed = balanced(placed.service, placed.item, placed.count, backend, options)
    return in_use(replace(placed, routed=routed or placed.routed))


def in_use(placed: Placed) -> Placed:
    """Without shared replicas that no request class uses."""
    kept = np.max(placed.routed, axis=0) > ROUNDING
    routed = tuple(y[kept] for y in placed.routed)
    return replace(placed, item=placed.item[kept], count=placed.count[kept], routed=routed)


def _lightest(
    service: Service,
    item: IntArray,
    able: BoolArray,
    work: FloatArray,
    backend: str,
    options: SolveOptions,
) -> FloatArray | None:
    """y of the linear program, shape [C, U]; None where its answer is not one."""
    builder = ProgramBuilder()
    (load,) = builder.columns(1, cost=1.0, upper=max(float(work.sum()) * 2.0, 1.0))
    fill = builder.rows(len(item), upper=0.0)
    builder.entries(fill, load, -1.0)
    columns = []
    for mine, can in zip(work, able, strict=True):
        y = builder.columns(len(item), upper=can.astype(float))
        builder.entries(fill, y, mine)
        for scenario in service.scenarios:
            row = builder.rows(1, lower=1.0)
            builder.entries(row, y[scenario.left[item] & can], 1.0 / scenario.share)
        columns.append(y)
    answer = run(backend, builder.build(), options)
    if answer.status is not Status.OPTIMAL or answer.values is None:
        return None
    values = answer.values
    return np.array([np.clip(values[y], 0.0, 1.0) for y in columns])
