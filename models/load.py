"""What a request class asks of a replica, as numbers: one (floats) or many (arrays).

The mirror of `replica.Replica`: the formulas read these two and nothing else. Request classes
stacked together share one engine, whose parameters stay plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import ENGINES, Engine
from .shape import Change, Numbers, Shape
from .value import Real
from .workload import RequestClass, Workload


@dataclass(frozen=True, slots=True)
class Asked(Numbers):
    """A request class: its size, its SLOs and what the user fixed.

    Attributes:
        input_tokens, output_tokens: mean prompt and answer length.
        ttft_s, tpot_s, e2e_s: upper bounds; inf where absent.
        tokens_per_s: lower bound; 0 where absent.
        work_s: replica-seconds per request at which that just holds; inf where absent.
        percentile: part of the requests that the latency bounds must hold for, in a queue; 0
            where requests are taken not to queue.
        utilization: part of a replica's capacity that mean demand may use.
        may_offload: 1 where KV cache may live in host memory, else 0.
        least_batch, most_batch: batch sizes allowed.
    """

    input_tokens: Real
    output_tokens: Real
    ttft_s: Real
    tpot_s: Real
    e2e_s: Real
    tokens_per_s: Real
    work_s: Real
    percentile: Real
    utilization: Real
    may_offload: Real
    least_batch: Real
    most_batch: Real

    @classmethod
    def of(cls, workload: Workload, request: RequestClass) -> Asked:
        """One request class of a workload."""
        return cls(*_asked(workload, request))

    @classmethod
    def of_all(cls, demands: Sequence[tuple[Workload, RequestClass]]) -> Asked:
        """Many request classes, every array of shape [N]."""
        rows = [_asked(workload, request) for workload, request in demands]
        return cls(*np.array(rows, np.float64).T.copy())


def _asked(workload: Workload, request: RequestClass) -> tuple[float, ...]:
    """The numbers of `Asked`, in its order."""
    slo, (least, most) = workload.slo, batch_range(workload)
    return (
        float(request.input_tokens),
        float(request.output_tokens),
        np.inf if slo.ttft_s is None else slo.ttft_s,
        np.inf if slo.tpot_s is None else slo.tpot_s,
        np.inf if slo.e2e_s is None else slo.e2e_s,
        slo.tokens_per_s or 0.0,
        np.inf if slo.tokens_per_s is None else request.total_tokens / slo.tokens_per_s,
        slo.percentile or 0.0,
        workload.target_utilization,
        float(workload.may_offload),
        float(least),
        float(most),
    )


def batch_range(workload: Workload) -> tuple[int, int]:
    """Least and greatest batch allowed: by the user, else by the engine."""
    if workload.batch is not None:
        return workload.batch, workload.batch
    most = ENGINES[workload.engine].max_batch
    return 1, min(most, workload.max_batch or most)


@dataclass(frozen=True, slots=True)
class Load:
    """One request class (floats) or many under one engine (arrays of shape [N] or [N, 1])."""

    engine: Engine
    shape: Shape
    asked: Asked

    @classmethod
    def of(cls, workload: Workload, request: RequestClass) -> Load:
        """One request class of a workload."""
        shape = Shape.of(workload.architecture, workload.weight_precision, workload.kv_precision)
        return cls(ENGINES[workload.engine], shape, Asked.of(workload, request))

    @classmethod
    def stack(cls, demands: Sequence[tuple[Workload, RequestClass]]) -> Load:
        """Request classes of workloads under one engine, every array of shape [N]."""
        (engine,) = {workload.engine for workload, _ in demands}
        # Workloads share few architectures: by identity, as they live as long as this call.
        place: dict[tuple[int, str, str], int] = {}
        shapes: list[Shape] = []
        index = np.empty(len(demands), np.int64)
        for row, (workload, _) in enumerate(demands):
            architecture = workload.architecture
            kinds = workload.weight_precision, workload.kv_precision
            key = (id(architecture), *kinds)
            if key not in place:
                place[key] = len(shapes)
                shapes.append(Shape.of(architecture, *kinds))
            index[row] = place[key]
        stacked = Shape.stack(shapes).changed(lambda array: array[index])
        return cls(ENGINES[engine], stacked, Asked.of_all(demands))

    def take(self, index: NDArray[np.int64]) -> Load:
        """The loads at `index`, of a stack of shape [N]."""
        return self.changed(lambda array: array[index])

    def column(self) -> Load:
        """A stack of shape [N] as [N, 1], to broadcast against replicas of shape [K]."""
        return self.changed(lambda array: array[:, None])

    def changed(self, change: Change) -> Load:
        """Every array changed alike."""
        return Load(self.engine, self.shape.changed(change), self.asked.changed(change))
