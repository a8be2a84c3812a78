r"""Request classes routed over replicas that are given, all of them as lightly loaded as can be."""

from __future__ import annotations

import numpy as np

from ...models.outcome import Status
from ...models.value import FloatArray
from ..backends.running import run
from ..builder import ProgramBuilder
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
    evenly = able / work.clip(min=np.finfo(float).tiny)
    evenly = np.where(able, evenly, 0.0)
    evenly /= evenly.sum(axis=1, keepdims=True)
    more = (work * evenly).sum(axis=0) - load
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(more > 0, (1.0 - load) / more, np.inf)
    spread = float(np.clip(room.min(), 0.0, MOST_SPREAD)) if len(service.scenarios) == 1 else 0.0
    return tuple((1.0 - spread) * routed + spread * evenly)


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
