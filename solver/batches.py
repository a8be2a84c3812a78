r"""The batch size of each candidate: the one with the least replica-seconds per request.

Time and memory only grow with b, so the largest feasible b is found by bisection. Time per
batch is convex in b (a maximum and sum of affine terms; reads of routed experts, which are
concave, only make T(b)/b fall faster), so replica-seconds per request, T(b)/b, fall to one
lowest point and rise after it, found by bisection on the sign of the next difference. The
breakpoints of the physics (largest batch without offload, with transfers hidden, within an
SLO or host memory) are where these searches stop.

Where requests queue, a smaller batch leaves more time to wait and carries less: the rate a replica
may be sent rises to one highest point and falls after it, found in the same way.

The first search keeps all KV on the GPU, where a trial costs least; only candidates that
memory then stops, and nothing else, are tried with offload.

Memory and times are those of the least uniform offload. Where layers with KV cache differ,
`reduction.py` then finds the best schedule at the batch chosen here; another batch with a
schedule of its own might be better still.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..models.serving import Trial, Trials
from ..models.value import FloatArray, Mask

Test = Callable[[FloatArray], NDArray[np.bool_]]


def last_true(test: Test, low: FloatArray, high: FloatArray) -> FloatArray:
    """Largest integer in [low, high] that passes a test that turns false once, per entry.

    `low` is taken to pass. Steps of falling powers of two are taken where they pass.
    """
    found = low.copy()
    most = int(np.max(high - low, initial=0.0))
    step = 2.0 ** (most.bit_length() - 1)
    while step >= 1.0:
        further = found + step
        found += step * (test(further) & (further <= high))
        step /= 2.0
    return found


def best_batches(trials: Trials) -> Trial:
    """Each candidate at its best batch; at the least one where even that misses an SLO."""
    asked = trials.load.asked
    low = np.broadcast_to(np.asarray(asked.least_batch), trials.shape)
    high = np.broadcast_to(np.asarray(asked.most_batch), trials.shape)
    # With all KV on the GPU T(b)/b only falls: every term of T(0) is positive.
    best = last_true(trials.resident, low, high)
    if trials.may_offload:
        more = best + 1.0
        chosen = trials.offloadable(more) & (more <= high)
        best[chosen] = _offloaded(trials.pick(chosen), best[chosen], high[chosen])
    trial = trials.at(best)
    if not np.any(asked.percentile):
        return trial
    chosen = trials.holds(trial) & trials.waits(trial) & (best > low)
    best[chosen] = _queued(trials.pick(chosen), low[chosen], best[chosen])
    return trials.at(best)


def _queued(trials: Trials, low: FloatArray, high: FloatArray) -> FloatArray:
    """The batches at which candidates may be sent the most, requests queueing, shape [M]."""

    def most_per_s(batch: FloatArray) -> FloatArray:
        return trials.most_per_s(trials.at(batch))

    def gains(batch: FloatArray) -> Mask:
        return most_per_s(batch) > most_per_s(batch - 1.0)

    return last_true(gains, low, high) if len(low) else low


def _offloaded(trials: Trials, low: FloatArray, high: FloatArray) -> FloatArray:
    """The best batches of candidates that need offload beyond `low`, each of shape [M]."""

    def gains(batch: FloatArray) -> Mask:
        return trials.work_s(batch) < trials.work_s(batch - 1.0)

    if not len(low):
        return low
    return last_true(gains, low, last_true(trials.feasible, low, high))
