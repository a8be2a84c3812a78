"""The smallest batches that still carry the demand: slack in every SLO, at no cost.

The program wants the most from each replica; whole replicas and whole VMs then leave some
of it unused. A smaller batch gives that back as latency.
"""

from __future__ import annotations

import numpy as np

from ..models.serving import Mask, Serving
from ..models.value import FloatArray
from .batches import batch_range, last_true
from .candidates import Stream, make_stream
from .reduction import to_reduce


def rightsized(stream: Stream, spare: FloatArray) -> Stream:
    """The stream, each candidate at the smallest batch that will do.

    Args:
        stream: chosen candidates only, shape [J].
        spare: how many times its part of the demand each carries, shape [J].
    """
    least = float(batch_range(stream.workload)[0])
    # Schedules solved for a batch hold for that batch only.
    if stream.requests_per_s is None or len(to_reduce(stream)):
        return stream
    machines, largest = stream.machines, stream.trial.batch
    serving = Serving(stream.workload, stream.request, machines.replica)
    allowed = stream.work_s * np.maximum(spare, 1.0)

    def too_small(batch: FloatArray) -> Mask:
        trial = serving.at(batch)
        short: Mask = trial.work_s > allowed
        return short | ~serving.in_throughput(trial)

    low = np.full(largest.shape, least)
    batch = np.where(too_small(low), last_true(too_small, low, largest) + 1.0, low)
    trial = serving.at(np.minimum(batch, largest))
    return make_stream(stream.workload, stream.request, stream.index, machines, trial)
