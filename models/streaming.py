r"""KV cache and weights read from host memory at every step, of a measured or asked row.

$$ D' = D + \frac{c\,K + w\,W}{r}, \qquad
   P' = \max\left(P, \frac{c\,K_I}{r}\right) + \frac{w\,W}{r} $$

with c and w the parts of KV cache K and weights W in host memory and r the rate at which
FlexGen-like software was seen to stream, which is below the link's nominal rate. It is the
paper's eqs. 5 and 6 (copy, then compute) for a whole model instead of one layer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .memory import kv_sequence_bytes, stored_bytes
from .observation import Observation, load_of
from .prediction import Estimate

RATE_ERROR = 0.2
"""Relative error of r: two of the three measured streams lie within this of the middle one
(8.9, 12.9 and 13.0 GB/s)."""


def streamed(
    row: Observation, estimate: Estimate, kv: float, weights: float, bytes_per_s: float
) -> Estimate:
    """An estimate of a `prefill` or a `decode` row, with what it waits for the host link.

    Args:
        kv, weights: parts in host memory.
        bytes_per_s: r.
    """
    load, g = load_of(row.architecture, row.precision), float(row.n_gpus)
    context = row.input_tokens
    if row.kind == "decode" and row.output_tokens > 1:
        context += row.output_tokens / 2.0
    cache = sum(
        np.asarray(group.count) * np.asarray(kv_sequence_bytes(group, g, context))
        for group in load.shape.groups
    )
    cache_s = kv * row.batch * float(cache) / bytes_per_s
    weights_s = weights * float(np.asarray(stored_bytes(load.shape.whole))) / g / bytes_per_s

    def longer(value: float, wait: float) -> float:
        if row.kind == "prefill":
            return max(value, cache_s * wait) + weights_s * wait
        return value + (cache_s + weights_s) * wait

    return replace(
        estimate,
        value=longer(estimate.value, 1.0),
        low=longer(estimate.low, 1.0 - RATE_ERROR),
        high=longer(estimate.high, 1.0 + RATE_ERROR),
    )
