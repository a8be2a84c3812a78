r"""What must fit: the memory of one GPU, and the replica's share of host memory.

Per GPU, with $c_l$ the offloaded fraction of layer $l$'s KV cache and $K_l$ its bytes:

$$ W + A + S + \sum_l m_l (1 - c_l) K_l + s \max_l c_l K_l \le M $$

weights $W$, activations $A$ (with attention scores and per-sequence states), usable
memory $M$, and $s$ stage buffers for the layer in use. In host memory, with g GPUs:

$$ g \sum_l m_l c_l K_l \le H $$

Every term is affine in the batch size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .architecture import Architecture, LayerGroup
from .engine import ENGINES
from .precision import ACTIVATION_BYTES, EMBEDDING_BYTES, KV_BYTES, PRECISIONS
from .replica import Replica
from .value import Real
from .workload import RequestClass, Workload

LOGIT_BYTES = 4.0
"""Sampling works on float32 logits (vLLM, Hugging Face transformers)."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Bytes on one GPU, at the batch's longest context.

    Attributes:
        usable: what the engine may take.
        weights: weights, divided over the replica's GPUs.
        activations: activations, logits, attention scores and per-sequence states.
        kv: KV cache of one layer, by layer group; 0 for a group that caches none.
        counts: layers in each group.
        n_gpus: GPUs of the replica.
        host: the replica's share of host memory.
    """

    usable: Real
    weights: Real
    activations: Real
    kv: tuple[Real, ...]
    counts: tuple[int, ...]
    n_gpus: Real
    host: Real

    @property
    def free(self) -> Real:
        """Bytes left for KV cache; negative when not even the weights fit."""
        return self.usable - self.weights - self.activations

    @property
    def kv_total(self) -> Real:
        """KV cache of all layers on one GPU."""
        total: Real = 0.0
        for count, size in zip(self.counts, self.kv, strict=True):
            total = total + count * size
        return total

    @property
    def kv_largest(self) -> Real:
        """KV cache of the largest layer on one GPU."""
        largest: Real = 0.0
        for size in self.kv:
            largest = np.maximum(largest, size)
        return largest


def weight_bytes(architecture: Architecture, precision: str) -> float:
    """All weights [bytes]: layers at the given precision, embeddings in 16 bits.

    >>> from infersave.catalogs import load_architecture
    >>> weight_bytes(load_architecture("facebook/opt-2.7b"), "fp16") == 2 * 2_651_596_800
    True
    """
    layers = sum(group.count * group.params for group in architecture.groups)
    rest = architecture.params - layers
    return layers * PRECISIONS[precision].weight_bytes + rest * EMBEDDING_BYTES


def kv_shard(group: LayerGroup, n_gpus: Real) -> Real:
    """Part of a layer's KV cache on each of g GPUs: heads divide, one head does not.

    With more GPUs than KV heads each head is held by several GPUs; the compressed
    vectors of MLA are held whole by all (DeepSeek-V3, arXiv:2412.19437; vLLM).
    """
    return 1.0 / np.minimum(n_gpus, float(group.kv_heads))


def kv_layer_bytes(
    group: LayerGroup, kv_precision: str, n_gpus: Real, batch: Real, context_tokens: float
) -> Real:
    """KV cache of one layer on one GPU [bytes]; a window keeps its last tokens only."""
    kept = min(context_tokens, group.window_tokens or context_tokens)
    per_token = group.kv_values_per_token * KV_BYTES[kv_precision]
    return batch * kept * per_token * kv_shard(group, n_gpus)


def activation_bytes(
    workload: Workload, request: RequestClass, replica: Replica, batch: Real
) -> Real:
    """Activations, logits, scores and states on one GPU [bytes].

    An engine that states activations as a part of the weights keeps that; otherwise
    each prompt token in flight holds the residual stream twice and its share of the
    widest feed-forward layer. Assumes activations are freed layer by layer.
    """
    architecture, engine = workload.architecture, ENGINES[workload.engine]
    groups, g = architecture.groups, replica.n_gpus
    states = sum(x.count * x.state_values for x in groups) * EMBEDDING_BYTES * batch / g
    if engine.activations_per_weight is not None:
        weights = weight_bytes(architecture, workload.weight_precision)
        total = states + engine.activations_per_weight * weights / g
    else:
        in_flight = batch * float(request.input_tokens)
        if engine.prefill_chunk_tokens is not None:
            in_flight = np.minimum(in_flight, float(engine.prefill_chunk_tokens))
        widest = max(x.ffn_width for x in groups)
        per_token = ACTIVATION_BYTES * (2 * architecture.hidden_size + widest / g)
        total = states + in_flight * per_token + LOGIT_BYTES * batch * architecture.vocabulary / g
    heads = max(x.query_heads for x in groups)
    pairs = float(request.input_tokens) * request.total_tokens
    return total + engine.score_bytes * engine.score_margin * batch * heads * pairs / g


def memory_budget(
    workload: Workload, request: RequestClass, replica: Replica, batch: Real
) -> MemoryBudget:
    """The budget of one GPU for a batch [bytes]."""
    groups = workload.architecture.groups
    return MemoryBudget(
        usable=ENGINES[workload.engine].usable_memory * replica.memory_bytes,
        weights=weight_bytes(workload.architecture, workload.weight_precision) / replica.n_gpus,
        activations=activation_bytes(workload, request, replica, batch),
        kv=tuple(
            kv_layer_bytes(x, workload.kv_precision, replica.n_gpus, batch, request.total_tokens)
            for x in groups
        ),
        counts=tuple(x.count for x in groups),
        n_gpus=replica.n_gpus,
        host=replica.host_memory_bytes,
    )


def least_uniform_offload(budget: MemoryBudget, stage_buffers: int) -> Real:
    r"""Smallest fraction, the same for every layer, that fits GPU memory [-].

    $$ c = \frac{\sum_l m_l K_l - F}{\sum_l m_l K_l - s \max_l K_l} $$

    with F the free bytes. 0 when all fits; above 1 when nothing helps. The best schedule
    when all layers with KV cache are alike; otherwise a feasible one.
    """
    missing = budget.kv_total - budget.free
    relief = budget.kv_total - stage_buffers * budget.kv_largest
    safe = np.where(relief > 0, relief, 1.0)
    fraction = np.where(relief > 0, missing / safe, np.inf)
    return np.where(missing <= 0, 0.0, fraction)


def gpu_bytes(budget: MemoryBudget, fractions: tuple[Real, ...], stage_buffers: int) -> Real:
    """Bytes taken on one GPU under a schedule, stage buffers included."""
    taken = budget.weights + budget.activations
    staged: Real = 0.0
    for count, size, fraction in zip(budget.counts, budget.kv, fractions, strict=True):
        taken = taken + count * (1.0 - fraction) * size
        staged = np.maximum(staged, fraction * size)
    return taken + stage_buffers * staged


def host_bytes(budget: MemoryBudget, fractions: tuple[Real, ...]) -> Real:
    """Host memory the offloaded KV cache of the replica takes [bytes]."""
    total: Real = 0.0
    for count, size, fraction in zip(budget.counts, budget.kv, fractions, strict=True):
        total = total + budget.n_gpus * count * fraction * size
    return total
