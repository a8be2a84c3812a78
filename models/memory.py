r"""What must fit: the memory of one GPU, and the replica's share of host memory.

Per GPU, with $c_l$ the offloaded fraction of layer $l$'s KV cache and $K_l$ its bytes:

$$ W + A + S + \sum_l m_l (1 - c_l) K_l + s \max_l c_l K_l \le M $$

weights $W$, activations $A$ (with attention scores and per-sequence states), usable
memory $M$, and $s$ stage buffers for the layer in use. In host memory, with g GPUs:

$$ g \sum_l m_l c_l K_l \le H $$

Every term is affine in the batch size b, up to the prompt tokens an engine keeps in flight:
`Footprint` counts one sequence once, `MemoryBudget` is its value at a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .architecture import Architecture
from .load import Load
from .precision import ACTIVATION_BYTES, EMBEDDING_BYTES
from .replica import Replica
from .shape import LayerLoad, WholeLoad
from .value import Real

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
    counts: tuple[Real, ...]
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


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes on one GPU as the batch grows: `at` a batch, the budget.

    Attributes:
        usable: what the engine may take.
        weights: weights, divided over the replica's GPUs.
        fixed: activations whatever the batch.
        per_sequence: activations, logits, attention scores and states of one sequence.
        per_token: activations of one prompt token in flight.
        input_tokens: prompt tokens of a sequence.
        most_tokens: most prompt tokens in flight; inf where the whole batch is.
        kv: KV cache of one sequence in one layer, by layer group.
        counts, n_gpus, host: as in the budget.
    """

    usable: Real
    weights: Real
    fixed: Real
    per_sequence: Real
    per_token: Real
    input_tokens: Real
    most_tokens: float
    kv: tuple[Real, ...]
    counts: tuple[Real, ...]
    n_gpus: Real
    host: Real

    def activations(self, batch: Real) -> Real:
        """Activations, logits, scores and states of a batch [bytes]."""
        in_flight = np.minimum(batch * self.input_tokens, self.most_tokens)
        return self.fixed + batch * self.per_sequence + in_flight * self.per_token

    def at(self, batch: Real) -> MemoryBudget:
        """The budget of a batch [bytes]."""
        return MemoryBudget(
            usable=self.usable,
            weights=self.weights,
            activations=self.activations(batch),
            kv=tuple(batch * size for size in self.kv),
            counts=self.counts,
            n_gpus=self.n_gpus,
            host=self.host,
        )


def weight_bytes(architecture: Architecture, precision: str) -> float:
    """All weights [bytes]: layers at the given precision, embeddings in 16 bits.

    >>> from infersave.catalogs import load_architecture
    >>> weight_bytes(load_architecture("facebook/opt-2.7b"), "fp16") == 2 * 2_651_596_800
    True
    """
    return float(stored_bytes(WholeLoad.of(architecture, precision)))


def stored_bytes(whole: WholeLoad) -> Real:
    """`weight_bytes` of a load [bytes]."""
    return whole.layer_params * whole.weight_bytes + whole.other_params * EMBEDDING_BYTES


def kv_shard(group: LayerLoad, n_gpus: Real) -> Real:
    """Part of a layer's KV cache on each of g GPUs: heads divide, one head does not.

    With more GPUs than KV heads each head is held by several GPUs; the compressed
    vectors of MLA are held whole by all (DeepSeek-V3, arXiv:2412.19437; vLLM).
    """
    return 1.0 / np.minimum(n_gpus, group.kv_heads)


def kv_sequence_bytes(group: LayerLoad, n_gpus: Real, context_tokens: Real) -> Real:
    """KV cache of one sequence in one layer on one GPU [bytes]; a window keeps its last tokens.

    A batch takes as many times that as it has sequences.
    """
    kept = np.minimum(context_tokens, group.window_tokens)
    return kept * group.kv_token_bytes * kv_shard(group, n_gpus)


def footprint(load: Load, replica: Replica) -> Footprint:
    """What one GPU holds, as the batch grows [bytes].

    An engine that states activations as a part of the weights keeps that; otherwise
    each prompt token in flight holds the residual stream twice and its share of the
    widest feed-forward layer. Assumes activations are freed layer by layer.
    """
    engine, asked, whole, g = load.engine, load.asked, load.shape.whole, replica.n_gpus
    weights = stored_bytes(whole)
    context = asked.input_tokens + asked.output_tokens
    scores = whole.query_heads * asked.input_tokens * context
    kept = whole.state_values * EMBEDDING_BYTES
    kept = kept + engine.score_bytes * engine.score_margin * scores
    fixed: Real = 0.0
    per_token: Real = 0.0
    if engine.activations_per_weight is not None:
        fixed = engine.activations_per_weight * weights / g
    else:
        per_token = ACTIVATION_BYTES * (2 * whole.hidden_size + whole.ffn_width / g)
        kept = kept + LOGIT_BYTES * whole.vocabulary
    return Footprint(
        usable=engine.usable_memory * replica.memory_bytes,
        weights=weights / g,
        fixed=fixed,
        per_sequence=kept / g,
        per_token=per_token,
        input_tokens=asked.input_tokens,
        most_tokens=float(engine.prefill_chunk_tokens or np.inf),
        kv=tuple(kv_sequence_bytes(group, g, context) for group in load.shape.groups),
        counts=tuple(group.count for group in load.shape.groups),
        n_gpus=g,
        host=replica.host_memory_bytes,
    )


def memory_budget(load: Load, replica: Replica, batch: Real) -> MemoryBudget:
    """The budget of one GPU for a batch [bytes]."""
    return footprint(load, replica).at(batch)


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
