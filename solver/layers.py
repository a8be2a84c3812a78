r"""The per-layer perspective of candidates: offload schedules as decisions.

For candidate k let y be the share of demand routed to it. Every row of one replica is
multiplied by y, so that $c' = y c$ is a column although $y c$ is a product:

$$ \sum_l m_l K_l (y - c'_l) + s u' \le F y, \quad u' \ge K_l c'_l, \quad
   g \sum_l m_l K_l c'_l \le H y, \quad 0 \le c'_l \le y $$
$$ p'_l \ge a_l y,\quad p'_l \ge \tau_l c'_l, \qquad
   \text{serial: } d'_l = a_l y + t_l c'_l,\quad
   \text{overlapped: } d'_l \ge a_l y,\; d'_l \ge t_l c'_l $$
$$ \text{each SLO: } \alpha P' + \beta D' \le \text{bound} \cdot y, \qquad
   P' = \sum_l m_l p'_l + p_{head} y $$

No big-M, and exact. Times are in units of the layer's own compute time, bytes in units of
the usable memory, so that coefficients stay near 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.engine import ENGINES
from ..models.phases import PhaseTimes
from ..models.timing import Linear
from ..models.value import FloatArray, Real
from .builder import ProgramBuilder
from .candidates import Stream
from .program import IntArray


@dataclass(frozen=True, slots=True)
class Time:
    """A phase time times y, as a linear expression: (columns, seconds) blocks, shape [J]."""

    blocks: tuple[tuple[IntArray, FloatArray], ...]


@dataclass(frozen=True, slots=True)
class Layers:
    """Columns of a stream's candidates, each of shape [J].

    Attributes:
        pair: candidate, as index into the stream's pairs.
        share: y.
        offloaded: c' by layer group; empty for a group that cannot offload.
        prefill, decode: P' and D'.
    """

    pair: IntArray
    share: IntArray
    offloaded: tuple[IntArray, ...]
    prefill: Time
    decode: Time


def add_layers(builder: ProgramBuilder, stream: Stream, pair: IntArray) -> Layers:
    """Add the rows and columns of the candidates `pair` of one stream."""
    streams = stream.workload.may_offload
    share = builder.columns(len(pair), upper=1.0)
    offloaded = tuple(
        builder.columns(len(pair) if streams and np.any(np.asarray(size) > 0) else 0, upper=1.0)
        for size in stream.trial.budget.kv
    )
    _hold_memory(builder, stream, pair, share, offloaded)
    prefill = _phase(builder, stream.trial.prefill, pair, share, offloaded)
    decode = _phase(builder, stream.trial.decode, pair, share, offloaded)
    layers = Layers(pair, share, offloaded, prefill, decode)
    for _, form, bound in stream.trial.forms.bounds(stream.load.asked):
        rows = builder.rows(len(pair), upper=0.0)
        add_form(builder, rows, form, layers, np.full(len(pair), 1.0 / bound))
        builder.entries(rows, share, -1.0)
    return layers


def add_form(
    builder: ProgramBuilder, rows: IntArray, form: Linear, layers: Layers, scale: FloatArray
) -> None:
    """Add scale * (form.prefill * P' + form.decode * D') to `rows`, all of shape [J]."""
    for coefficient, time in ((form.prefill, layers.prefill), (form.decode, layers.decode)):
        for columns, seconds in time.blocks:
            builder.entries(rows, columns, scale * _of(coefficient, layers.pair) * seconds)


def _of(value: Real, pair: IntArray) -> Real:
    """The candidates' entries of a quantity that may be one number for all."""
    return value[pair] if isinstance(value, np.ndarray) and value.ndim else value


def _hold_memory(
    builder: ProgramBuilder,
    stream: Stream,
    pair: IntArray,
    share: IntArray,
    offloaded: tuple[IntArray, ...],
) -> None:
    """GPU memory, host memory, and c' <= y."""
    budget, n = stream.trial.budget, len(pair)
    usable = np.asarray(budget.usable)[pair]
    gpu = builder.rows(n, upper=0.0)
    builder.entries(gpu, share, np.asarray(budget.kv_total - budget.free)[pair] / usable)
    if not any(len(columns) for columns in offloaded):
        return
    staged = builder.columns(n)
    builder.entries(gpu, staged, float(ENGINES[stream.workload.engine].stage_buffers))
    host = builder.rows(n, upper=0.0)
    builder.entries(host, share, -np.asarray(budget.host)[pair] / usable)
    for count, size, columns in zip(budget.counts, budget.kv, offloaded, strict=True):
        if not len(columns):
            continue
        layer = np.asarray(size)[pair] / usable
        builder.entries(gpu, columns, -count * layer)
        builder.entries(host, columns, np.asarray(budget.n_gpus)[pair] * count * layer)
        stage = builder.rows(n, upper=0.0)
        builder.entries(stage, columns, layer)
        builder.entries(stage, staged, -1.0)
        part = builder.rows(n, upper=0.0)
        builder.entries(part, columns, 1.0)
        builder.entries(part, share, -1.0)


def _phase(
    builder: ProgramBuilder,
    times: PhaseTimes,
    pair: IntArray,
    share: IntArray,
    offloaded: tuple[IntArray, ...],
) -> Time:
    """The phase time of every candidate, with the rows that define its layers."""
    fixed = np.asarray(times.head_s)[pair].copy()
    blocks: list[tuple[IntArray, FloatArray]] = []
    for group, columns in enumerate(offloaded):
        count = float(times.counts[group])
        compute = np.asarray(times.compute_s[group])[pair]
        transfer = np.asarray(times.transfer_s[group])[pair]
        if not len(columns):
            fixed += count * compute
        elif times.serial:
            fixed += count * compute
            blocks.append((columns, count * transfer))
        else:
            layer = builder.columns(len(pair))
            computes, copies = (
                builder.rows(len(pair), lower=0.0),
                builder.rows(len(pair), lower=0.0),
            )
            for rows in (computes, copies):
                builder.entries(rows, layer, 1.0)
            builder.entries(computes, share, -1.0)
            builder.entries(copies, columns, -transfer / compute)
            blocks.append((layer, count * compute))
    return Time(((share, fixed), *blocks))
