r"""How long one layer takes, in prefill and in one decode step.

One formula serves both phases. For a batch of b sequences, each with n new tokens whose
last sees x tokens of context (prefill: n = x = I; decode: n = 1), on g GPUs:

$$ \phi_1 = \max\left(\frac{2 P_a b n}{g F}, \frac{w\,P_r(b n)}{g B}\right) \quad
   \phi_2 = \max\left(\frac{f\,b\,\mathrm{pairs}}{g F}, \frac{b\,\kappa\,x\,\sigma}{B}\right) $$

with $P_a$ the parameters a token passes through, $P_r$ those the batch reads, $w$ their
bytes, F and B the GPU's peak FLOP/s and bytes/s, f FLOPs per (query, key) pair, $\kappa$
KV bytes per token and $\sigma$ the part of them on one GPU. Sources: the roofline model
(Williams et al., 2009); eqs. 4-6 of arXiv:2504.11816; Pope et al., arXiv:2211.05102.

The assumption that can fail: routed experts are chosen uniformly and independently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .architecture import Architecture, LayerGroup
from .calibration import Features, apply_ctcf
from .engine import Engine
from .memory import kv_layer_bytes
from .precision import ACTIVATION_BYTES, EMBEDDING_BYTES, PRECISIONS
from .replica import Replica
from .value import Real
from .workload import RequestClass, Workload

FLOPS_PER_MULTIPLY_ADD = 2.0
ALL_REDUCES_PER_LAYER = 2.0
"""After attention and after the feed-forward (Megatron-LM, arXiv:1909.08053)."""


def params_read(group: LayerGroup, tokens: Real) -> Real:
    r"""Parameters of a layer that a batch of `tokens` reads.

    $$ P_r(t) = P_{shared} + E\,P_e \left(1 - (1 - k/E)^t\right) $$

    >>> from infersave.models.architecture import LayerGroup
    >>> moe = LayerGroup(count=1, shared_params=10, expert_params=100, n_experts=8,
    ...     experts_per_token=2, kv_values_per_token=0, score_flops=0, query_heads=0, ffn_width=1)
    >>> round(float(params_read(moe, 1)))
    210
    >>> round(float(params_read(moe, 1000)))
    810
    """
    if not group.n_experts:
        return float(group.shared_params)
    missed = (1.0 - group.experts_per_token / group.n_experts) ** np.asarray(tokens, float)
    return group.shared_params + group.n_experts * group.expert_params * (1.0 - missed)


def query_key_pairs(group: LayerGroup, new_tokens: float, context_tokens: float) -> float:
    """(query, key) pairs of one sequence: causal, inside the window.

    >>> from infersave.models.architecture import LayerGroup
    >>> full = LayerGroup(count=1, shared_params=1, kv_values_per_token=1, score_flops=1,
    ...     query_heads=1, ffn_width=1)
    >>> query_key_pairs(full, 4, 4), query_key_pairs(full, 1, 100)
    (10.0, 100.0)
    """
    window = float(group.window_tokens or context_tokens)
    seen_before = context_tokens - new_tokens
    growing = min(max(window - seen_before, 0.0), new_tokens)  # queries that see all so far
    pairs = growing * (seen_before + (growing + 1.0) / 2.0)
    return pairs + (new_tokens - growing) * window


def ideal_matmul_s(
    workload: Workload, replica: Replica, tokens: Real, active: Real, read: Real, fp8: bool
) -> Real:
    """max(FLOPs / peak, weight bytes / bandwidth) of one layer's matrix products [s]."""
    rate = replica.fp8_flops_per_s if fp8 else replica.flops_per_s
    flops = FLOPS_PER_MULTIPLY_ADD * active * tokens
    stored = PRECISIONS[workload.weight_precision].weight_bytes
    return np.maximum(
        flops / (replica.n_gpus * rate),
        stored * read / (replica.n_gpus * replica.memory_bytes_per_s),
    )


def layer_features(
    workload: Workload,
    group: LayerGroup,
    replica: Replica,
    batch: Real,
    new_tokens: float,
    context_tokens: float,
) -> Features:
    """CTCF features of one layer; floats, or arrays over candidates [K]."""
    tokens = batch * new_tokens
    fp8 = PRECISIONS[workload.weight_precision].fp8_compute
    pairs = query_key_pairs(group, new_tokens, context_tokens)
    kv_read = kv_layer_bytes(group, workload.kv_precision, replica.n_gpus, batch, context_tokens)
    attention = np.maximum(
        group.score_flops * batch * pairs / (replica.n_gpus * replica.flops_per_s),
        kv_read / replica.memory_bytes_per_s,
    )
    parallel = np.where(np.asarray(replica.n_gpus) > 1, 1.0, 0.0)
    # Ring all-reduce: each GPU sends 2 (g - 1) / g of the message.
    message = tokens * workload.architecture.hidden_size * ACTIVATION_BYTES
    sent = ALL_REDUCES_PER_LAYER * 2.0 * (replica.n_gpus - 1.0) / replica.n_gpus * message
    return Features(
        linear_s=ideal_matmul_s(
            workload, replica, tokens, group.active_params, params_read(group, tokens), fp8
        ),
        attention_s=attention,
        layers=1.0,
        sequences=batch,
        exchange_s=parallel * sent / replica.gpu_link_bytes_per_s,
        exchanges=parallel * ALL_REDUCES_PER_LAYER,
    )


def head_features(architecture: Architecture, replica: Replica, batch: Real) -> Features:
    """The output head as a layer without KV or exchange: one token per sequence, 16 bits."""
    flops = FLOPS_PER_MULTIPLY_ADD * architecture.head_params * batch
    read = EMBEDDING_BYTES * architecture.head_params
    linear = np.maximum(
        flops / (replica.n_gpus * replica.flops_per_s),
        read / (replica.n_gpus * replica.memory_bytes_per_s),
    )
    return Features(linear, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PhaseTimes:
    """Seconds of one phase (a prefill, or one decode step), by part.

    Attributes:
        compute_s: one layer's CTCF time, by layer group of the architecture.
        transfer_s: one layer's time on the host link if ALL its KV were offloaded, by the
            same groups; 0 for groups without KV.
        counts: layers in each group.
        head_s: the output head.
        serial: whether copy and compute add up; otherwise the longer one counts.
    """

    compute_s: tuple[Real, ...]
    transfer_s: tuple[Real, ...]
    counts: tuple[int, ...]
    head_s: Real
    serial: bool

    def total_s(self, fractions: tuple[Real, ...]) -> Real:
        """Seconds of the phase when `fractions` of each group's KV are offloaded."""
        total = self.head_s
        for count, compute, transfer, fraction in zip(
            self.counts, self.compute_s, self.transfer_s, fractions, strict=True
        ):
            moved = fraction * transfer
            layer = compute + moved if self.serial else np.maximum(compute, moved)
            total = total + count * layer
        return total


def _phase(
    workload: Workload,
    replica: Replica,
    theta: tuple[Real, ...],
    batch: Real,
    new_tokens: float,
    context_tokens: float,
    link_bytes_per_s: Real,
    serial: bool,
) -> PhaseTimes:
    architecture = workload.architecture
    compute, transfer = [], []
    for group in architecture.groups:
        features = layer_features(workload, group, replica, batch, new_tokens, context_tokens)
        compute.append(apply_ctcf(theta, features))
        cached = kv_layer_bytes(group, workload.kv_precision, replica.n_gpus, batch, context_tokens)
        transfer.append(cached / link_bytes_per_s)
    head = apply_ctcf(theta, head_features(architecture, replica, batch))
    counts = tuple(group.count for group in architecture.groups)
    return PhaseTimes(tuple(compute), tuple(transfer), counts, head, serial)


def prefill_times(
    workload: Workload, request: RequestClass, replica: Replica, batch: Real
) -> PhaseTimes:
    """One prefill of `batch` prompts; offloaded KV leaves while the layer computes (eq. 5)."""
    tokens = float(request.input_tokens)
    return _phase(
        workload, replica, replica.prefill, batch, tokens, tokens, replica.d2h_bytes_per_s, False
    )


def decode_times(
    workload: Workload, request: RequestClass, replica: Replica, batch: Real, engine: Engine
) -> PhaseTimes:
    """One decode step at the mean context I + O/2; offloaded KV is read from the host (eq. 6).

    Linear terms are exact at the mean; a window that fills up midway is overstated.
    """
    context = request.input_tokens + request.output_tokens / 2.0
    serial = engine.streaming == "serial"
    return _phase(
        workload, replica, replica.decode, batch, 1.0, context, replica.h2d_bytes_per_s, serial
    )
