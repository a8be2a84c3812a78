r"""How long a prefill and a decode step take, as functions of the batch.

CTCF is linear in the features, so a layer at a batch of b sequences takes

$$ t(b) = \theta_1 \max(a\,b,\; r(b)) + s\,b + e $$

with a the FLOPs of its matrix products and r the reading of its weights (`latency.LayerWork`),
s what each sequence adds and e what the batch does not change. Everything but b is worked
out once per replica; trying a batch costs a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .latency import LayerWork, head_work, layer_work
from .load import Load
from .replica import Replica
from .value import Real


@dataclass(frozen=True, slots=True)
class LayerTime:
    """CTCF of one layer as a function of the batch [s].

    Attributes:
        work: its matrix products.
        linear: their CTCF coefficient.
        sequence_s: what each sequence adds besides.
        fixed_s: what the batch does not change.
    """

    work: LayerWork
    linear: Real
    sequence_s: Real
    fixed_s: Real

    @classmethod
    def of(cls, theta: tuple[Real, ...], work: LayerWork) -> LayerTime:
        """theta . phi, the features of the work taken apart by how they grow."""
        linear, attention, layer_s, sequence_s, exchange, sync_s, activation, logit_s = theta
        grows = attention * work.attention_s + exchange * work.exchange_s
        grows = grows + activation * work.activation_s + logit_s * work.logits
        return cls(
            work=work,
            linear=linear,
            sequence_s=grows + sequence_s * work.layers,
            fixed_s=layer_s * work.layers + sync_s * work.exchanges,
        )

    def at(self, batch: Real) -> Real:
        """Time at a batch [s]."""
        return self.linear * self.work.linear_s(batch) + batch * self.sequence_s + self.fixed_s


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
    counts: tuple[Real, ...]
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


@dataclass(frozen=True)
class Phase:
    """One phase as the batch grows: `at` a batch, its times.

    Attributes:
        layers: time of one layer, by group.
        moved_s: one layer's KV of one sequence on the host link, by group.
        counts, serial: as in the times.
        head: the output head.
    """

    layers: tuple[LayerTime, ...]
    moved_s: tuple[Real, ...]
    counts: tuple[Real, ...]
    head: LayerTime
    serial: bool

    def at(self, batch: Real) -> PhaseTimes:
        """Seconds of a batch, by part."""
        return PhaseTimes(
            compute_s=tuple(layer.at(batch) for layer in self.layers),
            transfer_s=tuple(batch * moved for moved in self.moved_s),
            counts=self.counts,
            head_s=self.head.at(batch),
            serial=self.serial,
        )

    @cached_property
    def whole(self) -> tuple[tuple[LayerWork, ...], Real, Real]:
        """All layers and the head: matrix products, what a sequence adds, what is fixed."""
        works = [self.head.work.scaled(self.head.linear)]
        sequence_s, fixed_s = self.head.sequence_s, self.head.fixed_s
        for count, layer in zip(self.counts, self.layers, strict=True):
            works.append(layer.work.scaled(count * layer.linear))
            sequence_s = sequence_s + count * layer.sequence_s
            fixed_s = fixed_s + count * layer.fixed_s
        return tuple(works), sequence_s, fixed_s

    def resident_s(self, batch: Real) -> Real:
        """Seconds of a batch with all KV on the GPU: `total_s` without transfers, faster."""
        works, sequence_s, fixed_s = self.whole
        total = batch * sequence_s + fixed_s
        for work in works:
            total = total + work.linear_s(batch)
        return total


def _phase(
    load: Load,
    replica: Replica,
    theta: tuple[Real, ...],
    new_tokens: Real,
    context_tokens: Real,
    link_bytes_per_s: Real,
    serial: bool,
) -> Phase:
    groups = load.shape.groups
    works = [layer_work(load, group, replica, new_tokens, context_tokens) for group in groups]
    return Phase(
        layers=tuple(LayerTime.of(theta, work) for work in works),
        moved_s=tuple(work.cached_bytes / link_bytes_per_s for work in works),
        counts=tuple(group.count for group in groups),
        head=LayerTime.of(theta, head_work(load, replica)),
        serial=serial,
    )


def prefill_phase(load: Load, replica: Replica) -> Phase:
    """One prefill; offloaded KV leaves while the layer computes (eq. 5)."""
    tokens = load.asked.input_tokens
    return _phase(
        load, replica, replica.prefill, tokens, tokens, replica.d2h_bytes_per_s, serial=False
    )


def decode_phase(load: Load, replica: Replica) -> Phase:
    """One decode step at the mean context I + O/2; offloaded KV is read from the host (eq. 6).

    Linear terms are exact at the mean; a window that fills up midway is overstated.
    """
    context = load.asked.input_tokens + load.asked.output_tokens / 2.0
    serial = load.engine.streaming == "serial"
    return _phase(load, replica, replica.decode, 1.0, context, replica.h2d_bytes_per_s, serial)
