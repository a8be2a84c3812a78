"""An architecture in a precision, as numbers: one (floats) or many (arrays).

Stacked shapes are padded to the most layer groups among them, with groups of no layers and
no work, which add exactly 0 everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Self

import numpy as np

from .architecture import Architecture, LayerGroup
from .precision import KV_BYTES, PRECISIONS
from .value import FloatArray, Real

SHAPES_KEPT = 1024
"""A plan is evaluated assignment by assignment, over few architectures."""
Change = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Fields that are all numbers, or all arrays of one shape."""

    @classmethod
    def stack(cls, items: Sequence[Self]) -> Self:
        """Many as one, each field an array of shape [len(items)]."""
        names = [field.name for field in fields(cls)]
        rows = [[getattr(item, name) for name in names] for item in items]
        return cls(*np.array(rows, np.float64).reshape(len(items), len(names)).T.copy())

    def changed(self, change: Change) -> Self:
        """Every array changed alike."""
        return type(self)(*(change(getattr(self, field.name)) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class LayerLoad(Numbers):
    """One layer of a group of `count`; see `architecture.LayerGroup`.

    Attributes:
        active_params: parameters a token passes through.
        shared_params: parameters every token passes through.
        expert_params: parameters of one routed expert.
        kv_token_bytes: KV cache of one token, over all heads.
        window_tokens: tokens the KV cache keeps; inf without a window.
        score_flops: FLOPs of attention per (query, key) pair.
    """

    count: Real
    active_params: Real
    shared_params: Real
    expert_params: Real
    n_experts: Real
    experts_per_token: Real
    kv_token_bytes: Real
    kv_heads: Real
    window_tokens: Real
    score_flops: Real

    @classmethod
    def of(cls, group: LayerGroup, kv_precision: str) -> LayerLoad:
        """A group of an architecture, its KV cache in a precision."""
        return cls(
            count=float(group.count),
            active_params=float(group.active_params),
            shared_params=float(group.shared_params),
            expert_params=float(group.expert_params),
            n_experts=float(group.n_experts),
            experts_per_token=float(group.experts_per_token),
            kv_token_bytes=group.kv_values_per_token * KV_BYTES[kv_precision],
            kv_heads=float(group.kv_heads),
            window_tokens=float(group.window_tokens or np.inf),
            score_flops=group.score_flops,
        )


NO_LAYERS = LayerLoad(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, float("inf"), 0.0)
"""The padding: a group of no layers. One head, since KV cache is divided by heads."""


@dataclass(frozen=True, slots=True)
class WholeLoad(Numbers):
    """An architecture in a precision, apart from its layer groups.

    Attributes:
        layer_params, other_params: parameters inside layers, and outside.
        weight_bytes: bytes per parameter inside layers.
        fp8: 1 where matrices multiply at the FP8 rate, else 0.
        state_values: numbers kept per sequence, by all layers.
        ffn_width: of the widest feed-forward layer.
        query_heads: of the layer with most.
    """

    hidden_size: Real
    vocabulary: Real
    head_params: Real
    layer_params: Real
    other_params: Real
    weight_bytes: Real
    fp8: Real
    state_values: Real
    ffn_width: Real
    query_heads: Real

    @classmethod
    def of(cls, architecture: Architecture, precision: str) -> WholeLoad:
        """An architecture with its layers' weights in a precision."""
        groups = architecture.groups
        layers = sum(group.count * group.params for group in groups)
        stored = PRECISIONS[precision]
        return cls(
            hidden_size=float(architecture.hidden_size),
            vocabulary=float(architecture.vocabulary),
            head_params=float(architecture.head_params),
            layer_params=float(layers),
            other_params=float(architecture.params - layers),
            weight_bytes=stored.weight_bytes,
            fp8=float(stored.fp8_compute),
            state_values=float(sum(group.count * group.state_values for group in groups)),
            ffn_width=float(max(group.ffn_width for group in groups)),
            query_heads=float(max(group.query_heads for group in groups)),
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """All of an architecture that the formulas read."""

    whole: WholeLoad
    groups: tuple[LayerLoad, ...]

    @staticmethod
    @lru_cache(maxsize=SHAPES_KEPT)
    def of(architecture: Architecture, precision: str, kv_precision: str) -> Shape:
        """An architecture in its precisions."""
        groups = tuple(LayerLoad.of(group, kv_precision) for group in architecture.groups)
        return Shape(WholeLoad.of(architecture, precision), groups)

    @classmethod
    def stack(cls, shapes: Sequence[Shape]) -> Shape:
        """Many shapes as one, padded to the most groups."""
        most = max(len(shape.groups) for shape in shapes)
        padded = [shape.groups + (NO_LAYERS,) * (most - len(shape.groups)) for shape in shapes]
        groups = tuple(LayerLoad.stack(place) for place in zip(*padded, strict=True))
        return cls(WholeLoad.stack([shape.whole for shape in shapes]), groups)

    def changed(self, change: Change) -> Shape:
        """Every array changed alike; groups that no load has are left out."""
        groups = tuple(group.changed(change) for group in self.groups)
        used = tuple(group for group in groups if np.any(group.count))
        return Shape(self.whole.changed(change), used)
