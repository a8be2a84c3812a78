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
from .backends.running import run
from .builder import ProgramBuilder
from .candidates import Stream
from .layers import Layers, add_form, add_layers
from .machines import allowed_degrees
from .program import IntArray, SolveOptions

SCHEDULE_LIMIT_S = 60.0
"""Wall time for the linear program of schedules [s]; it takes a fraction of a second."""

SERVED = 2.0
"""Worth of serving a candidate whole, in units of its work when everything is offloaded:
more than the work can cost, so no candidate is left unserved to save work."""
UNSERVED = 1e-6
"""A candidate served less than this short of whole is served: the solver's tolerance."""


def to_reduce(stream: Stream) -> IntArray:
    """Candidates whose layers with KV cache differ, and that offload or miss an SLO so far."""
    if not may_differ(stream):
        return np.zeros(0, np.int64)
    offloads = np.any([f > 0 for f in stream.fractions], axis=0)
    allowed = allowed_degrees(stream.workload, stream.machines)
    return np.flatnonzero(allowed & (offloads | ~stream.holds))


def may_differ(stream: Stream) -> bool:
    """Whether layers with KV cache differ and may be offloaded apart."""
    groups = [g for g in stream.workload.architecture.groups if g.kv_values_per_token]
    return len(groups) > 1 and stream.workload.may_offload


def reduce_stream(stream: Stream, backend: str, options: SolveOptions) -> Stream:
    """The stream with the best schedule of every candidate, at its batch size.

    A candidate that misses an SLO, or memory, under the uniform schedule may hold under
    its best one.

    Raises:
        BackendError: the linear program was not solved to the end.
    """
    pair = to_reduce(stream)
    if not len(pair):
        return stream
    builder = ProgramBuilder()
    layers = add_layers(builder, stream, pair)
    work = builder.columns(len(pair), cost=1.0)
    rows = builder.rows(len(pair), upper=0.0)
    everything = tuple(np.ones(stream.holds.shape) for _ in stream.fractions)
    most = stream.with_schedules(everything).work_s[pair]
    add_form(builder, rows, stream.trial.forms.work, layers, 1.0 / most)
    builder.entries(rows, work, -1.0)
    missed = builder.columns(len(pair), cost=SERVED)
    whole = builder.rows(len(pair), lower=1.0, upper=1.0)
    for columns in (layers.share, missed):
        builder.entries(whole, columns, 1.0)
    # Schedules come before the plan: the user's limit, which may be 0, is for the plan, and so are
    # native options, maybe of another solver.
    patient = replace(options, relative_gap=0.0, time_limit_s=SCHEDULE_LIMIT_S, native={})
    solution = run(backend, builder.build(), patient)
    if solution.status is not Status.OPTIMAL or solution.values is None:
        raise BackendError(f"{backend} did not solve the offload schedules: {solution.status}")
    fractions = tuple(f.copy() for f in stream.fractions)
    holds = stream.holds.copy()
    served = solution.values[missed] <= UNSERVED
    holds[pair] = served
    for mine, theirs in zip(fractions, schedules(layers, solution.values), strict=True):
        mine[pair] = np.where(served, theirs, mine[pair])
    return replace(stream.with_schedules(fractions), holds=holds)


def schedules(layers: Layers, values: FloatArray) -> tuple[FloatArray, ...]:
    """Offloaded part of each layer group, c = c' / y, each of shape [J]."""
    share = values[layers.share]
    safe = np.where(share > 0, share, 1.0)
    return tuple(
        np.clip(values[columns] / safe, 0.0, 1.0) if len(columns) else np.zeros(len(share))
        for columns in layers.offloaded
    )
