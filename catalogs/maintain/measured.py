"""One measured time, and the work behind it as `infersave.models` counts it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from infersave.models.architecture import Architecture
from infersave.models.calibration import FEATURES, Features
from infersave.models.hardware import GPU, known
from infersave.models.latency import head_work, layer_work
from infersave.models.load import Load
from infersave.models.memory import memory_budget
from infersave.models.precision import PrecisionName
from infersave.models.replica import Replica
from infersave.models.value import FloatArray
from infersave.models.workload import RequestClass, Workload

Kind = Literal["prefill", "decode", "batch", "tpot"]
N_FEATURES = len(FEATURES)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured time.

    Attributes:
        kind: `prefill` (of the batch), `decode` (one step at `context_tokens`), `batch`
            (static batch, first prompt token to last output token) or `tpot` (continuous
            batching at a steady `batch`).
        layer_only: one layer was timed, without the output head.
        input_tokens, output_tokens: of a request; for `decode` the input is the context.
        series: runs made together, which share their mistakes.
    """

    source: str
    gpu: str
    architecture: Architecture
    n_gpus: int
    kind: Kind
    batch: float
    input_tokens: float
    output_tokens: int
    seconds: float
    precision: PrecisionName = "fp16"
    layer_only: bool = False
    series: str = ""

    @property
    def context_tokens(self) -> float:
        """Longest context the row has seen [tokens]."""
        return self.input_tokens + (self.output_tokens if self.kind in ("batch", "tpot") else 0)


def design_row(row: Row, gpu: GPU, link_bytes_per_s: float) -> FloatArray:
    """Features of prefill and of decode that add up to the measured time, shape [12].

    `batch`: P + (O - 1) D; `tpot`: D + b / (O - 1) P, as in `infersave.models.timing`.
    """
    load = _load(row.architecture, row.precision)
    replica = replica_of(gpu, row.n_gpus, link_bytes_per_s)
    none = np.zeros(N_FEATURES)
    steps = row.output_tokens - 1.0
    middle = row.input_tokens + row.output_tokens / 2.0

    def phase(batch: float, new_tokens: float, context: float) -> FloatArray:
        groups = load.shape.groups
        if row.layer_only:
            one = layer_work(load, groups[0], replica, new_tokens, context)
            return _vector(one.features(batch))
        total = _vector(head_work(load, replica).features(batch))
        for group in groups:
            one = layer_work(load, group, replica, new_tokens, context)
            total = total + group.count * _vector(one.features(batch))
        return total

    if row.kind == "prefill":
        return np.concatenate([phase(row.batch, row.input_tokens, row.input_tokens), none])
    if row.kind == "decode":
        return np.concatenate([none, phase(row.batch, 1.0, row.input_tokens)])
    decode = phase(row.batch, 1.0, middle)
    if row.kind == "batch":
        prefill = phase(row.batch, row.input_tokens, row.input_tokens)
        return np.concatenate([prefill, steps * decode])
    prefill = phase(1.0, row.input_tokens, row.input_tokens)
    return np.concatenate([row.batch / steps * prefill, decode])


def fits_memory(row: Row, gpu: GPU) -> bool:
    """Whether the batch's whole KV cache fits: otherwise the engine held fewer sequences."""
    if row.kind not in ("batch", "tpot"):
        return True
    request = RequestClass(input_tokens=int(row.input_tokens), output_tokens=row.output_tokens)
    load = _load(row.architecture, row.precision, request)
    budget = memory_budget(load, replica_of(gpu, row.n_gpus, 1.0), row.batch)
    return bool(budget.kv_total <= budget.free)


@cache
def replica_of(gpu: GPU, n_gpus: int, link_bytes_per_s: float) -> Replica:
    """The hardware a row was measured on; host memory and CTCF play no part here."""
    nothing = (0.0,) * N_FEATURES
    return Replica(
        n_gpus=float(n_gpus),
        memory_bytes=known(gpu.memory_bytes, gpu.name),
        flops_per_s=known(gpu.flops_per_s, gpu.name),
        fp8_flops_per_s=known(gpu.fp8_flops_per_s or gpu.flops_per_s, gpu.name),
        memory_bytes_per_s=known(gpu.memory_bytes_per_s, gpu.name),
        host_memory_bytes=0.0,
        h2d_bytes_per_s=1.0,
        d2h_bytes_per_s=1.0,
        gpu_link_bytes_per_s=link_bytes_per_s,
        prefill=nothing,
        decode=nothing,
    )


SMALLEST = RequestClass(input_tokens=1, output_tokens=1)


@cache
def _load(
    architecture: Architecture, precision: PrecisionName, request: RequestClass = SMALLEST
) -> Load:
    workload = Workload(
        name="measured",
        architecture=architecture,
        requests_per_s=1.0,
        requests=(SMALLEST,),
        precision=precision,
    )
    return Load.of(workload, request)


def _vector(features: Features) -> FloatArray:
    return np.array([float(getattr(features, name)) for name in FEATURES])
