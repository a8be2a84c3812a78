r"""The work of one layer, in prefill and in one decode step, as ideal times.

One formula serves both phases. For a batch of b sequences, each with n new tokens whose
last sees x tokens of context (prefill: n = x = I; decode: n = 1), on g GPUs:

$$ \phi_1 = \max\left(\frac{2 P_a b n}{g F}, \frac{w\,P_r(b n)}{g B}\right) \quad
   \phi_2 = b \max\left(\frac{f\,\mathrm{pairs}}{g F}, \frac{\kappa\,x\,\sigma}{B}\right) $$

with $P_a$ the parameters a token passes through, $P_r$ those the batch reads, $w$ their
bytes, F and B the GPU's peak FLOP/s and bytes/s, f FLOPs per (query, key) pair, $\kappa$
KV bytes per token and $\sigma$ the part of them on one GPU. Sources: the roofline model
(Williams et al., 2009); eqs. 4-6 of arXiv:2504.11816; Pope et al., arXiv:2211.05102.

All of it is counted once per replica, for one sequence; `phases.py` adds layers up and lets
the batch grow.

The assumption that can fail: routed experts are chosen uniformly and independently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .calibration import Features
from .load import Load
from .memory import kv_sequence_bytes
from .precision import ACTIVATION_BYTES, EMBEDDING_BYTES
from .replica import Replica
from .shape import LayerLoad, WholeLoad
from .value import Real

FLOPS_PER_MULTIPLY_ADD = 2.0
ALL_REDUCES_PER_LAYER = 2.0
"""After attention and after the feed-forward (Megatron-LM, arXiv:1909.08053)."""


@dataclass(frozen=True, slots=True)
class LayerWork:
    r"""Ideal times of one layer [s], counted for one sequence of the batch.

    Matrix products take max(FLOPs / peak, weight bytes / bandwidth). The weights that a
    batch of b sequences reads, with E routed experts of which a token visits k:

    $$ P_r(t) = P_{shared} + E\,P_e \left(1 - (1 - k/E)^t\right), \qquad t = b n $$

    Attributes:
        multiply_s: the FLOPs of the matrix products, of one sequence.
        shared_s: reading the parameters that every token passes through.
        experts_s: reading all routed experts.
        routed: whether any layer here has routed experts.
        missed: chance that one token does not visit an expert; 0 without experts.
        new_tokens: n.
        attention_s, exchange_s: attention and tensor-parallel exchange of one sequence.
        exchanges: all-reduces of a layer, 0 on one GPU.
        cached_bytes: KV cache of one sequence on one GPU.
        activation_s: one pass over the activations of one sequence.
        logits: of one sequence.
        layers: 1, and 0 for the output head.
    """

    multiply_s: Real
    shared_s: Real
    experts_s: Real
    routed: bool
    missed: Real
    new_tokens: Real
    attention_s: Real
    exchange_s: Real
    exchanges: Real
    cached_bytes: Real
    activation_s: Real
    logits: Real
    layers: float

    def linear_s(self, batch: Real) -> Real:
        """The matrix products of a batch [s].

        >>> moe = LayerWork(0.0, 10.0, 800.0, True, 0.75, 1.0, *[0.0] * 6, 1.0)
        >>> round(float(moe.linear_s(1))), round(float(moe.linear_s(1000)))
        (210, 810)
        """
        read = self.shared_s
        if self.routed:
            read = read + self.experts_s * (1.0 - self.missed ** (batch * self.new_tokens))
        return np.maximum(batch * self.multiply_s, read)

    def scaled(self, factor: Real) -> LayerWork:
        """The matrix products of so many layers, or of slower ones; nothing else changes."""
        return LayerWork(
            factor * self.multiply_s,
            factor * self.shared_s,
            factor * self.experts_s,
            self.routed,
            self.missed,
            self.new_tokens,
            self.attention_s,
            self.exchange_s,
            self.exchanges,
            self.cached_bytes,
            self.activation_s,
            self.logits,
            self.layers,
        )

    def features(self, batch: Real) -> Features:
        """CTCF features of a batch."""
        return Features(
            linear_s=self.linear_s(batch),
            attention_s=batch * self.attention_s,
            layers=self.layers,
            sequences=batch * self.layers,
            exchange_s=batch * self.exchange_s,
            exchanges=self.exchanges,
            activation_s=batch * self.activation_s,
            logits=batch * self.logits,
        )


def missed_chance(group: LayerLoad) -> Real:
    """Chance that a token does not visit one routed expert, 1 - k / E; 0 without experts."""
    experts = np.maximum(group.n_experts, 1.0)
    return np.minimum(group.n_experts, 1.0) * (1.0 - group.experts_per_token / experts)


def query_key_pairs(group: LayerLoad, new_tokens: Real, context_tokens: Real) -> Real:
    """(query, key) pairs of one sequence: causal, inside the window.

    >>> from dataclasses import replace
    >>> from infersave.models.shape import NO_LAYERS
    >>> float(query_key_pairs(NO_LAYERS, 4, 4)), float(query_key_pairs(NO_LAYERS, 1, 100))
    (10.0, 100.0)
    >>> float(query_key_pairs(replace(NO_LAYERS, window_tokens=2.0), 4, 4))
    7.0
    """
    window = np.minimum(group.window_tokens, context_tokens)
    seen_before = context_tokens - new_tokens
    # Queries that see all so far.
    growing = np.minimum(np.maximum(window - seen_before, 0.0), new_tokens)
    pairs = growing * (seen_before + (growing + 1.0) / 2.0)
    return pairs + (new_tokens - growing) * window


def matmul_rate(whole: WholeLoad, replica: Replica) -> Real:
    """FLOP/s of the replica's matrix products: the FP8 rate for weights that allow it."""
    rate = np.where(whole.fp8, replica.fp8_flops_per_s, replica.flops_per_s)
    return replica.n_gpus * rate


def layer_work(
    load: Load, group: LayerLoad, replica: Replica, new_tokens: Real, context_tokens: Real
) -> LayerWork:
    """The work of one layer, `new_tokens` a sequence, the last of which sees the context."""
    whole, g = load.shape.whole, replica.n_gpus
    memory_rate = g * replica.memory_bytes_per_s
    pairs = query_key_pairs(group, new_tokens, context_tokens)
    cached = kv_sequence_bytes(group, g, context_tokens)
    parallel = np.minimum(g - 1.0, 1.0)
    # Ring all-reduce: each GPU sends 2 (g - 1) / g of the message.
    message = new_tokens * whole.hidden_size * ACTIVATION_BYTES
    sent = ALL_REDUCES_PER_LAYER * 2.0 * (g - 1.0) / g
    flops = FLOPS_PER_MULTIPLY_ADD * group.active_params * new_tokens
    experts = group.n_experts * group.expert_params
    routed = bool(np.asarray(experts).any())
    return LayerWork(
        multiply_s=flops / matmul_rate(whole, replica),
        shared_s=whole.weight_bytes * group.shared_params / memory_rate,
        experts_s=whole.weight_bytes * experts / memory_rate,
        routed=routed,
        missed=missed_chance(group) if routed else 0.0,
        new_tokens=new_tokens,
        attention_s=np.maximum(
            group.score_flops * pairs / (g * replica.flops_per_s),
            cached / replica.memory_bytes_per_s,
        ),
        exchange_s=message * (sent / replica.gpu_link_bytes_per_s),
        exchanges=parallel * ALL_REDUCES_PER_LAYER,
        cached_bytes=cached,
        activation_s=message / replica.memory_bytes_per_s,
        logits=0.0,
        layers=1.0,
    )


def head_work(load: Load, replica: Replica) -> LayerWork:
    """The output head as a layer without KV or exchange: one token per sequence, 16 bits."""
    params, g = load.shape.whole.head_params, replica.n_gpus
    return LayerWork(
        multiply_s=FLOPS_PER_MULTIPLY_ADD * params / (g * replica.flops_per_s),
        shared_s=EMBEDDING_BYTES * params / (g * replica.memory_bytes_per_s),
        experts_s=0.0,
        routed=False,
        missed=0.0,
        new_tokens=1.0,
        attention_s=0.0,
        exchange_s=0.0,
        exchanges=0.0,
        cached_bytes=0.0,
        activation_s=0.0,
        logits=load.shape.whole.vocabulary,
        layers=0.0,
    )
