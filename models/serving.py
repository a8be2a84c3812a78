"""Batch sizes tried out: memory, schedule and phase times of replicas at a batch size.

What `deployment.evaluate` says of one decided replica, this says of many candidates at
once, before anything is decided: the schedule is the least uniform offload that fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import ENGINES
from .latency import PhaseTimes, decode_times, prefill_times
from .memory import MemoryBudget, host_bytes, least_uniform_offload, memory_budget
from .replica import Replica
from .timing import Timing, prefill_batch, timing
from .value import FloatArray, Real
from .workload import RequestClass, Workload

Mask = NDArray[np.bool_]
LATENCY_SLOS = ("ttft_s", "tpot_s", "e2e_s")
"""SLOs that a larger batch can only make worse; throughput may gain or lose."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Replicas at a batch size, one entry per candidate, shape [K].

    Attributes:
        batch: sequences held at once.
        budget: memory of one GPU.
        prefill, decode: phase times by layer group.
        fractions: offloaded part of each layer group's KV.
        prefill_s, decode_s: phase times under that schedule.
        forms: service metrics as linear forms of the two.
        fits: whether GPU memory and host memory hold it.
    """

    batch: FloatArray
    budget: MemoryBudget
    prefill: PhaseTimes
    decode: PhaseTimes
    fractions: tuple[FloatArray, ...]
    prefill_s: FloatArray
    decode_s: FloatArray
    forms: Timing
    fits: Mask

    @property
    def work_s(self) -> FloatArray:
        """Replica-seconds per request."""
        return np.asarray(self.forms.work.of(self.prefill_s, self.decode_s))


@dataclass(frozen=True, slots=True)
class Serving:
    """One request class of a workload on K candidate replicas."""

    workload: Workload
    request: RequestClass
    replica: Replica

    def at(self, batch: Real) -> Trial:
        """Everything at `batch` (a number, or one per candidate)."""
        workload, request, replica = self.workload, self.request, self.replica
        engine = ENGINES[workload.engine]
        sizes = np.broadcast_to(np.asarray(batch, float), np.shape(replica.n_gpus))
        budget = memory_budget(workload, request, replica, sizes)
        fraction = np.asarray(least_uniform_offload(budget, engine.stage_buffers))
        fits = fraction <= (1.0 if workload.may_offload else 0.0)
        usable = np.where(fits, fraction, 0.0)
        fractions = tuple(usable * (np.asarray(size) > 0) for size in budget.kv)
        fits = fits & (np.asarray(host_bytes(budget, fractions)) <= budget.host)
        prompts = prefill_batch(engine, request, sizes)
        prefill = prefill_times(workload, request, replica, prompts)
        decode = decode_times(workload, request, replica, sizes, engine)
        return Trial(
            batch=sizes,
            budget=budget,
            prefill=prefill,
            decode=decode,
            fractions=fractions,
            prefill_s=np.asarray(prefill.total_s(fractions)),
            decode_s=np.asarray(decode.total_s(fractions)),
            forms=timing(engine, request, sizes),
            fits=fits,
        )

    def in_time(self, trial: Trial) -> Mask:
        """Which candidates keep the latency SLOs."""
        kept = np.ones(trial.batch.shape, bool)
        for name, form, bound in trial.forms.bounds(self.workload.slo, self.request):
            if name in LATENCY_SLOS:
                kept &= np.asarray(form.of(trial.prefill_s, trial.decode_s)) <= bound
        return kept

    def in_throughput(self, trial: Trial) -> Mask:
        """Which candidates keep the throughput SLO."""
        least = self.workload.slo.tokens_per_s
        if least is None:
            return np.ones(trial.batch.shape, bool)
        return np.asarray(self.request.total_tokens / trial.work_s >= least)
