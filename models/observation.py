r"""What somebody measured, and the counted work behind it.

Every measured time here is $a P + d D$ with P one prefill and D one decode step, as in
`timing.py`, so one linear fit takes all kinds of row:

| kind | a | d | P of | D at a context of |
|---|---|---|---|---|
| `prefill` | 1 | 0 | the batch's prompts | |
| `decode` | 0 | 1 | | the row's |
| `batch` (static, first prompt to last answer token) | 1 | O - 1 | the batch | I + O / 2 |
| `serving` (time per token, b clients in a loop) | b / (O - 1) | 1 | one prompt | I + O / 2 |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .architecture import Architecture
from .calibration import FEATURES, Features
from .hardware import GPU, known
from .latency import LayerWork, head_work, layer_work, query_key_pairs
from .load import Load
from .memory import memory_budget
from .precision import PrecisionName
from .replica import Replica
from .value import FloatArray, Real
from .workload import RequestClass, Workload

Kind = Literal["prefill", "decode", "batch", "serving"]
N_TERMS = len(FEATURES)
FLOP_TERMS = [FEATURES.index("linear_s"), FEATURES.index("attention_s")]
"""The roofline's terms."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One use of a GPU, measured or to be predicted.

    Attributes:
        link_bytes_per_s: GPU to GPU.
        kind: see above.
        batch: sequences at once; clients of a closed loop.
        input_tokens: of one request; the context of a `decode` row.
        output_tokens: of one request; 1 where only a phase was timed.
        software: serving software that ran.
        layer_only: one layer was timed, without the output head.
        seconds: measured; None where it is asked for.
        ttft_s: measured time to first token, of a serving row.
        source: who measured.
    """

    gpu: GPU
    link_bytes_per_s: float
    n_gpus: int
    architecture: Architecture
    kind: Kind
    batch: float
    input_tokens: float
    output_tokens: int = 1
    precision: PrecisionName = "fp16"
    software: str = "any"
    layer_only: bool = False
    seconds: float | None = None
    ttft_s: float | None = None
    source: str = ""

    @property
    def context_tokens(self) -> float:
        """Longest context of the row [tokens]."""
        return self.input_tokens + (self.output_tokens if self.kind in ("batch", "serving") else 0)

    @property
    def steps(self) -> float:
        """Decode steps after the first token, at least 1."""
        return max(self.output_tokens - 1.0, 1.0)

    @property
    def shares(self) -> tuple[float, float]:
        """a and d of the table above."""
        if self.kind == "prefill":
            return 1.0, 0.0
        if self.kind == "decode":
            return 0.0, 1.0
        if self.kind == "batch":
            return 1.0, self.output_tokens - 1.0
        return self.batch / self.steps, 1.0


@dataclass(frozen=True, slots=True)
class Work:
    """Features of each row's prefill and decode step, each of shape [rows, `N_TERMS`].

    Beside them the bare FLOPs / peak of either, shape [rows]: the paper's one feature.
    """

    prefill: FloatArray
    decode: FloatArray
    prefill_flops_s: FloatArray
    decode_flops_s: FloatArray

    def take(self, rows: NDArray[np.bool_]) -> Work:
        """The rows where a mask holds."""
        flops = self.prefill_flops_s[rows], self.decode_flops_s[rows]
        return Work(self.prefill[rows], self.decode[rows], *flops)


def count_work(rows: Sequence[Observation]) -> Work:
    """The work of many rows, one pass for each LLM on each GPU."""
    prefill, decode = np.zeros((len(rows), N_TERMS)), np.zeros((len(rows), N_TERMS))
    flops = np.zeros((2, len(rows)))
    alike: dict[tuple[object, ...], list[int]] = {}
    for i, r in enumerate(rows):
        key = (id(r.architecture), r.precision, r.gpu.name, r.n_gpus, r.link_bytes_per_s)
        alike.setdefault((*key, r.layer_only), []).append(i)
    for places in alike.values():
        first = rows[places[0]]
        load = load_of(first.architecture, first.precision)
        replica = replica_of(first.gpu, first.n_gpus, first.link_bytes_per_s)
        mine = [rows[i] for i in places]
        prompts = np.array([1.0 if r.kind == "serving" else r.batch for r in mine])
        tokens = np.array([r.input_tokens for r in mine])
        middle = [
            r.input_tokens + (r.output_tokens / 2 if r.output_tokens > 1 else 0) for r in mine
        ]
        batch = np.array([r.batch for r in mine])
        parts = (load, replica, first.layer_only)
        prefill[places] = _features(*parts, prompts, tokens, tokens)
        decode[places] = _features(*parts, batch, 1.0, np.array(middle))
        flops[0, places] = prompts * _flops_s(*parts, tokens, tokens)
        flops[1, places] = batch * _flops_s(*parts, 1.0, np.array(middle))
    shares = np.array([r.shares for r in rows]).reshape(len(rows), 2)
    only = np.array([r.kind in ("prefill", "decode") for r in rows], dtype=bool)
    prefill[only & (shares[:, 0] == 0)] = 0.0
    decode[only & (shares[:, 1] == 0)] = 0.0
    return Work(prefill, decode, *flops)


def design_matrix(rows: Sequence[Observation], work: Work) -> FloatArray:
    """Features whose product with (prefill theta, decode theta) is the row's time.

    Returns:
        Shape [rows, 2 `N_TERMS`].
    """
    shares = np.array([r.shares for r in rows]).reshape(len(rows), 2)
    return np.hstack([work.prefill * shares[:, :1], work.decode * shares[:, 1:]])


def sequences_held(row: Observation) -> float:
    """Most sequences whose KV cache the GPUs hold at once, at most the batch; 0: none fits."""
    request = RequestClass(
        input_tokens=max(1, round(row.input_tokens)), output_tokens=row.output_tokens
    )
    load = load_of(row.architecture, row.precision, request)
    replica = replica_of(row.gpu, row.n_gpus, row.link_bytes_per_s)
    one = memory_budget(load, replica, 1.0)
    room = float(np.asarray(one.free)) / max(float(np.asarray(one.kv_total)), 1.0)
    return min(row.batch, float(np.floor(max(room, 0.0))))


@lru_cache(maxsize=1024)
def replica_of(gpu: GPU, n_gpus: int, link_bytes_per_s: float) -> Replica:
    """The hardware a row was measured on; host memory and CTCF play no part here."""
    nothing = (0.0,) * N_TERMS
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


@lru_cache(maxsize=4096)
def load_of(
    architecture: Architecture, precision: PrecisionName, request: RequestClass = SMALLEST
) -> Load:
    """An LLM in a precision, as numbers."""
    workload = Workload(
        name="measured",
        architecture=architecture,
        requests_per_s=1.0,
        requests=(request,),
        precision=precision,
    )
    return Load.of(workload, request)


def _features(
    load: Load, replica: Replica, layer_only: bool, batch: FloatArray, new: Real, context: Real
) -> FloatArray:
    """Features of all layers and the head, or of one layer, shape [rows, `N_TERMS`]."""
    groups = load.shape.groups[:1] if layer_only else load.shape.groups
    total = np.zeros((len(batch), N_TERMS))
    for group in groups:
        work = layer_work(load, group, replica, new, context)
        total += (1.0 if layer_only else group.count) * _stacked(work, batch)
    return total if layer_only else total + _stacked(head_work(load, replica), batch)


def _flops_s(
    load: Load, replica: Replica, layer_only: bool, new: Real, context: FloatArray
) -> Real:
    """FLOPs / peak of one sequence in all layers and the head, or in one layer [s]."""
    groups = load.shape.groups[:1] if layer_only else load.shape.groups
    total: Real = 0.0 if layer_only else head_work(load, replica).multiply_s
    for group in groups:
        work = layer_work(load, group, replica, new, context)
        scores = group.score_flops * query_key_pairs(group, new, context)
        one = work.multiply_s + scores / (replica.n_gpus * replica.flops_per_s)
        total = total + (1.0 if layer_only else group.count) * one
    return total


def _stacked(work: LayerWork, batch: FloatArray) -> FloatArray:
    features: Features = work.features(batch)
    columns = [np.broadcast_to(getattr(features, name), batch.shape) for name in FEATURES]
    return np.stack(columns, axis=1).astype(np.float64)
