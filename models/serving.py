"""Batch sizes tried out: memory, schedule and phase times of replicas at a batch size.

What `deployment.evaluate` says of one decided replica, this says of many candidates at
once, before anything is decided: the schedule is the least uniform offload that fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .load import Load
from .memory import Footprint, MemoryBudget, footprint, host_bytes, least_uniform_offload
from .phases import Phase, PhaseTimes, decode_phase, prefill_phase
from .queueing import Queue
from .replica import Replica
from .timing import Timing, capacity_per_s, timing
from .value import FloatArray, Mask, Real
from .workload import RequestClass, Workload

LATENCY_SLOS = ("ttft_s", "tpot_s", "e2e_s")
"""SLOs that a larger batch can only make worse; throughput may gain or lose."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Replicas at a batch size, one entry per candidate: shape [K], or [N, K].

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


@dataclass(frozen=True)
class Trials:
    """A load on K candidate replicas: all that batch sizes have in common, worked out once.

    With N loads as a column, [N, 1], every load on every replica, shape [N, K]; with as
    many loads as replicas, both [M], each load on its own.
    """

    load: Load
    replica: Replica

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of every answer."""
        loads, replicas = np.shape(self.load.asked.input_tokens), np.shape(self.replica.n_gpus)
        return np.broadcast_shapes(loads, replicas)

    @cached_property
    def memory(self) -> Footprint:
        """Memory, as the batch grows."""
        return footprint(self.load, self.replica)

    @cached_property
    def prefill(self) -> Phase:
        """Prefill, as the batch grows."""
        return prefill_phase(self.load, self.replica)

    @cached_property
    def decode(self) -> Phase:
        """A decode step, as the batch grows."""
        return decode_phase(self.load, self.replica)

    @cached_property
    def may_offload(self) -> bool:
        """Whether any of the loads may."""
        return bool(np.any(self.load.asked.may_offload))

    def at(self, batch: Real) -> Trial:
        """Everything at `batch` (a number, or one per candidate)."""
        engine, asked = self.load.engine, self.load.asked
        sizes = np.broadcast_to(np.asarray(batch, float), self.shape)
        budget = self.memory.at(sizes)
        fractions, fits = self.schedule(budget)
        forms = timing(engine, asked, sizes)
        prefill = self.prefill.at(forms.prompts)
        decode = self.decode.at(sizes)
        return Trial(
            batch=sizes,
            budget=budget,
            prefill=prefill,
            decode=decode,
            fractions=fractions,
            prefill_s=np.asarray(prefill.total_s(fractions)),
            decode_s=np.asarray(decode.total_s(fractions)),
            forms=forms,
            fits=fits,
        )

    def feasible(self, batch: FloatArray) -> Mask:
        """Which candidates fit memory and keep the latency SLOs."""
        trial = self.at(batch)
        return trial.fits & self.in_time(trial)

    def resident(self, batch: FloatArray) -> Mask:
        """Which do so with all KV on the GPU; `feasible` where nothing may be offloaded."""
        budget = self.memory.at(batch)
        return np.asarray(budget.kv_total <= budget.free) & self.in_time_resident(batch)

    def offloadable(self, batch: FloatArray) -> Mask:
        """Which might do so with some KV in host memory: nothing but KV is in the way."""
        allowed = np.asarray(self.load.asked.may_offload) > 0
        room = np.asarray(self.memory.at(batch).free) > 0
        return np.asarray(allowed & room & self.in_time_resident(batch))

    def in_time_resident(self, batch: FloatArray) -> Mask:
        """Which keep the latency SLOs with all KV on the GPU, whether it fits or not."""
        seconds, forms = self._resident(batch)
        return self._within(forms, *seconds)

    def pick(self, chosen: Mask) -> Trials:
        """The candidates chosen, each with its own load, shape [M]."""
        place = np.nonzero(chosen)
        load = self.load.changed(lambda array: np.broadcast_to(array, self.shape)[place])
        return Trials(load, self.replica.take(place[-1]))

    def work_s(self, batch: FloatArray) -> FloatArray:
        """Replica-seconds per request at a batch."""
        if self.may_offload:
            return self.at(batch).work_s
        seconds, forms = self._resident(batch)
        return np.asarray(forms.work.of(*seconds))

    def slack_s(self, trial: Trial) -> FloatArray:
        """How long a request may wait before its prefill [s]; inf where nothing bounds it."""
        asked = self.load.asked
        return np.asarray(trial.forms.slack_s(asked, trial.prefill_s, trial.decode_s))

    def most_per_s(self, trial: Trial, slack_s: FloatArray | None = None) -> FloatArray:
        """Mean requests/s that one replica may be sent: of its capacity, what is to be used.

        Less where a part of the requests, arriving at random, would wait too long.

        Args:
            trial: replicas at a batch.
            slack_s: how long requests may wait, where it is not this class alone that says.
        """
        asked = self.load.asked
        most = np.asarray(capacity_per_s(asked.utilization, 1.0, trial.work_s))
        if not np.any(asked.percentile):
            return most
        queue = Queue.of(trial.forms, trial.prefill_s, trial.decode_s)
        slack_s = self.slack_s(trial) if slack_s is None else slack_s
        return np.asarray(queue.most_per_s(slack_s, asked.percentile, most))

    def waits(self, trial: Trial) -> Mask:
        """Which may be sent less than their capacity allows, as requests would wait too long."""
        asked = self.load.asked
        most = capacity_per_s(asked.utilization, 1.0, trial.work_s)
        queue = Queue.of(trial.forms, trial.prefill_s, trial.decode_s)
        return ~queue.in_time(most, self.slack_s(trial), asked.percentile)

    def kept_s(self, trial: Trial, slack_s: FloatArray | None = None) -> FloatArray:
        """Replica-seconds to keep per request: its work, and what must be idle for its wait.

        inf where no rate is low enough.
        """
        if not np.any(self.load.asked.percentile):
            return trial.work_s
        most = self.most_per_s(trial, slack_s)
        utilization = np.broadcast_to(np.asarray(self.load.asked.utilization), most.shape)
        kept = np.full(most.shape, np.inf)
        np.divide(utilization, most, out=kept, where=most > 0)
        return kept

    def holds(self, trial: Trial) -> Mask:
        """Which fit and keep every SLO, at a rate that is low enough."""
        kept = trial.fits & self.in_time(trial) & self.in_throughput(trial)
        return kept & (self.slack_s(trial) > 0) if np.any(self.load.asked.percentile) else kept

    def in_time(self, trial: Trial) -> Mask:
        """Which candidates keep the latency SLOs."""
        return self._within(trial.forms, trial.prefill_s, trial.decode_s)

    def in_throughput(self, trial: Trial) -> Mask:
        """Which candidates keep the throughput SLO."""
        return self.enough(trial.work_s)

    def enough(self, work_s: FloatArray) -> Mask:
        """Which keep the throughput SLO, a request taking so many replica-seconds."""
        asked = self.load.asked
        total = asked.input_tokens + asked.output_tokens
        return np.asarray(total / work_s >= asked.tokens_per_s)

    def schedule(self, budget: MemoryBudget) -> tuple[tuple[FloatArray, ...], Mask]:
        """The least uniform offload that fits, by layer group, and where there is one."""
        if not self.may_offload:
            none = np.zeros(self.shape)
            return (none,) * len(budget.kv), np.asarray(budget.kv_total <= budget.free)
        buffers = self.load.engine.stage_buffers
        fraction = np.asarray(least_uniform_offload(budget, buffers))
        fits = fraction <= self.load.asked.may_offload
        usable = np.where(fits, fraction, 0.0)
        fractions = tuple(usable * (np.asarray(size) > 0) for size in budget.kv)
        return fractions, fits & (np.asarray(host_bytes(budget, fractions)) <= budget.host)

    def _resident(self, batch: FloatArray) -> tuple[tuple[Real, Real], Timing]:
        """Phase times with all KV on the GPU, and the metrics made of them."""
        engine, asked = self.load.engine, self.load.asked
        forms = timing(engine, asked, batch)
        return (self.prefill.resident_s(forms.prompts), self.decode.resident_s(batch)), forms

    def _within(self, forms: Timing, prefill_s: Real, decode_s: Real) -> Mask:
        kept = np.ones(self.shape, bool)
        for name, form, bound in forms.bounds(self.load.asked):
            if name in LATENCY_SLOS:
                kept &= np.asarray(form.of(prefill_s, decode_s) <= bound)
        return kept


class Serving(Trials):
    """One request class of a workload on K candidate replicas."""

    def __init__(self, workload: Workload, request: RequestClass, replica: Replica) -> None:
        super().__init__(Load.of(workload, request), replica)
