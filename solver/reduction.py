"""The exact reduction: each candidate's best offload schedule, before the program is built.

When all layers with KV cache are alike, the least uniform offload is best in every
metric and is already there. When they differ (windows beside full attention, dense
layers beside experts), the schedules of all candidates are one linear program: the
per-layer rows of `layers.py`, block by block, each candidate on its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..models.outcome import BackendError, Status
from ..models.value import FloatArray
from .backends.base import run
from .builder import ProgramBuilder
from .candidates import Stream
from .layers import Layers, add_form, add_layers
from .program import IntArray, SolveOptions

SERVED = 2.0
"""Worth of serving a candidate whole, in units of its work under the uniform schedule:
more than the work can cost, so no candidate is left unserved to save work."""


def needs_reduction(stream: Stream) -> bool:
    """Whether some useful candidate offloads and its layers with KV cache differ."""
    groups = [g for g in stream.workload.architecture.groups if g.kv_values_per_token]
    used = stream.useful()
    return len(groups) > 1 and any(bool((f[used] > 0).any()) for f in stream.fractions)


def reduce_stream(stream: Stream, backend: str, options: SolveOptions) -> Stream:
    """The stream with the best schedule of every useful candidate.

    Raises:
        BackendError: the linear program was not solved to the end.
    """
    if not needs_reduction(stream):
        return stream
    used = stream.useful()
    offloads = np.any([f[used] > 0 for f in stream.fractions], axis=0)
    pair = used[offloads]
    builder = ProgramBuilder()
    layers = add_layers(builder, stream, pair)
    work = builder.columns(len(pair), cost=1.0)
    rows = builder.rows(len(pair), upper=0.0)
    add_form(builder, rows, stream.trial.forms.work, layers, 1.0 / stream.work_s[pair])
    builder.entries(rows, work, -1.0)
    missed = builder.columns(len(pair), cost=SERVED)
    served = builder.rows(len(pair), lower=1.0, upper=1.0)
    for columns in (layers.share, missed):
        builder.entries(served, columns, 1.0)
    solution = run(backend, builder.build(), replace(options, relative_gap=0.0))
    if solution.status is not Status.OPTIMAL or solution.values is None:
        raise BackendError(f"{backend} did not solve the offload schedules: {solution.status}")
    return _with_schedules(stream, pair, schedules(layers, solution.values))


def schedules(layers: Layers, values: FloatArray) -> tuple[FloatArray, ...]:
    """Offloaded part of each layer group, c = c' / y, each of shape [J]."""
    share = values[layers.share]
    safe = np.where(share > 0, share, 1.0)
    return tuple(
        np.clip(values[columns] / safe, 0.0, 1.0) if len(columns) else np.zeros(len(share))
        for columns in layers.offloaded
    )


def _with_schedules(stream: Stream, pair: IntArray, found: tuple[FloatArray, ...]) -> Stream:
    fractions = tuple(f.copy() for f in stream.fractions)
    for mine, theirs in zip(fractions, found, strict=True):
        mine[pair] = theirs
    return replace(
        stream,
        fractions=fractions,
        prefill_s=np.asarray(stream.trial.prefill.total_s(fractions)),
        decode_s=np.asarray(stream.trial.decode.total_s(fractions)),
    )
