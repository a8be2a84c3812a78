"""The smallest batches that still carry the demand: slack in every SLO, at no cost.

The program wants the most from each replica; whole replicas and whole VMs then leave some
of it unused. A smaller batch gives that back as latency. Where requests queue, their batch stays:
slots left free are what keeps their wait short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.serving import Serving, Trials
from ..models.value import FloatArray, Mask
from .batches import last_true
from .block import CHUNK, Block
from .candidates import Row, Stream, make_stream
from .program import IntArray
from .reduction import may_differ, to_reduce


def rightsized(stream: Stream, spare: FloatArray, least: FloatArray | float = 1.0) -> Stream:
    """The stream, each candidate at the smallest batch that will do.

    Args:
        stream: chosen candidates only, shape [J].
        spare: how many times its part of the demand each carries, shape [J].
        least: batches that each may run at although smaller ones would do, shape [J].
    """
    # Schedules solved for a batch hold for that batch only.
    if stream.requests_per_s is None or len(to_reduce(stream)):
        return stream
    serving = Serving(stream.workload, stream.request, stream.machines.replica)
    batch = smallest_batches(serving, stream.batch, stream.work_s * np.maximum(spare, 1.0))
    batch = np.minimum(np.maximum(batch, least), stream.batch)
    trial = serving.at(batch)
    return make_stream(stream.workload, stream.request, stream.index, stream.machines, trial)


def smallest_batches(trials: Trials, largest: FloatArray, work_s: FloatArray) -> FloatArray:
    """Smallest batches up to the largest at which a request takes at most `work_s`."""
    asked = trials.load.asked

    def too_small(batch: FloatArray) -> Mask:
        work = trials.work_s(batch)
        short: Mask = work > work_s
        return short | ~trials.enough(work)

    low = np.broadcast_to(np.asarray(asked.least_batch), largest.shape)
    batch = np.where(too_small(low), last_true(too_small, low, largest) + 1.0, low)
    return np.where(np.asarray(asked.percentile) > 0, largest, np.minimum(batch, largest))


@dataclass(frozen=True, slots=True)
class Sized:
    """Chosen candidates of a stream, decided.

    Attributes:
        batch: sequences held at once, shape [J].
        fractions: offloaded part of each layer group's KV, each of shape [J].
    """

    batch: IntArray
    fractions: tuple[FloatArray, ...]


def rightsize_many(
    streams: Sequence[Stream],
    pairs: Sequence[IntArray],
    spares: Sequence[FloatArray],
    least: Sequence[FloatArray] | None = None,
) -> list[Sized]:
    """`rightsized` of many streams at once.

    Args:
        streams: whole streams.
        pairs: the chosen candidates of each.
        spares: how many times its part of the demand each of those carries.
        least: batches that each may run at although smaller ones would do; as many at most as
            hold every SLO.
    """
    least = least or [np.ones(len(pair)) for pair in pairs]
    found: list[Sized | None] = [None] * len(streams)
    places: dict[int, list[int]] = {}
    rows: dict[int, Row] = {}
    for i, stream in enumerate(streams):
        if stream.row is None or stream.requests_per_s is None or may_differ(stream):
            alone = rightsized(stream.take(pairs[i]), spares[i], least[i])
            found[i] = Sized(alone.batch.astype(np.int64), alone.fractions)
        else:
            rows[i] = stream.row
            places.setdefault(id(stream.row.block), []).append(i)
    for mine in places.values():
        number = np.repeat([rows[i].number for i in mine], [len(pairs[i]) for i in mine])
        kind = np.concatenate([rows[i].kind[pairs[i]] for i in mine])
        spare = np.concatenate([spares[i] for i in mine])
        wanted = np.concatenate([least[i] for i in mine])
        sized = _sized(rows[mine[0]].block, number, kind, spare, wanted)
        ends = np.cumsum([len(pairs[i]) for i in mine])
        for i, end in zip(mine, ends.tolist(), strict=True):
            part = slice(end - len(pairs[i]), end)
            groups = sized.fractions[: len(streams[i].workload.architecture.groups)]
            found[i] = Sized(sized.batch[part], tuple(each[part] for each in groups))
    return [one for one in found if one is not None]


def _sized(
    block: Block, number: IntArray, kind: IntArray, spare: FloatArray, least: FloatArray
) -> Sized:
    """Rows of a block on kinds of replica, elementwise."""
    batch = np.empty(len(number), np.int64)
    fractions = tuple(np.zeros(len(number)) for _ in block.load.shape.groups)
    for start in range(0, len(number), CHUNK):
        part = slice(start, start + CHUNK)
        at = number[part], kind[part]
        trials = Trials(block.load.take(at[0]), block.replica.take(at[1]))
        allowed = block.work_s[at] * np.maximum(spare[part], 1.0)
        largest = block.batch[at].astype(np.float64)
        found = np.minimum(
            np.maximum(smallest_batches(trials, largest, allowed), least[part]), largest
        )
        batch[part] = found
        schedule, _ = trials.schedule(trials.memory.at(found))
        for all_of_group, mine in zip(fractions, schedule, strict=False):
            all_of_group[part] = mine
    return Sized(batch, fractions)
