r"""The batch size of each candidate: the one with the least replica-seconds per request.

Time and memory only grow with b, so the largest feasible b is found by bisection. Time per
batch is convex in b (a maximum and sum of affine terms; reads of routed experts, which are
concave, only make T(b)/b fall faster), so replica-seconds per request, T(b)/b, fall to one
lowest point and rise after it, found by bisection on the sign of the next difference. The
breakpoints of the physics (largest batch without offload, with transfers hidden, within an
SLO or host memory) are where these two searches stop.

Memory and times are those of the least uniform offload. Where layers with KV cache differ,
`reduction.py` then finds the best schedule at the batch chosen here; another batch with a
schedule of its own might be better still.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..models.engine import ENGINES
from ..models.serving import Mask, Serving, Trial
from ..models.value import FloatArray
from ..models.workload import Workload

Test = Callable[[FloatArray], NDArray[np.bool_]]


def batch_range(workload: Workload) -> tuple[int, int]:
    """Least and greatest batch allowed: by the user, else by the engine."""
    if workload.batch is not None:
        return workload.batch, workload.batch
    most = ENGINES[workload.engine].max_batch
    return 1, min(most, workload.max_batch or most)


def last_true(test: Test, low: FloatArray, high: FloatArray) -> FloatArray:
    """Largest integer in [low, high] that passes a test that turns false once, per entry.

    `low` is taken to pass.
    """
    low, high = low.copy(), high + 1.0
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        passed = test(middle)
        low = np.where(passed, np.maximum(low, middle), low)
        high = np.where(passed, high, middle)
        high = np.maximum(high, low + 1)
    return low


def best_batches(serving: Serving) -> Trial:
    """Each candidate at its best batch; at the least one where even that misses an SLO."""
    least, most = batch_range(serving.workload)
    shape = np.shape(serving.replica.n_gpus)
    low, high = np.full(shape, float(least)), np.full(shape, float(most))

    def feasible(batch: FloatArray) -> Mask:
        trial = serving.at(batch)
        return trial.fits & serving.in_time(trial)

    def gains(batch: FloatArray) -> Mask:
        before = np.maximum(batch - 1.0, low)
        return serving.at(batch).work_s < serving.at(before).work_s

    best = last_true(feasible, low, high) if most > least else low
    if serving.workload.may_offload:  # otherwise T(b)/b only falls: every term of T(0) is positive
        best = last_true(gains, low, best)
    return serving.at(best)
