"""Orders: how many VM-hours a job is billed on a candidate, over numbers of VMs.

A job runs on VMs of one type that it has to itself and gives back when it is done. Its
bill is a step function of the run time, so orders are drawn up before the program is
built and the program picks one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.billing import Billing, billed_vm_hours
from ..models.engine import ENGINES
from ..models.jobs import job_run_s
from ..models.outcome import InfeasibleError
from ..models.value import FloatArray
from .candidates import Stream
from .program import INTEGER_LIMIT, IntArray

SIZES = 64
"""Orders tried per candidate: the fewest VMs that meet the deadline, and up to 63 more."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The order with the fewest VM-hours of each candidate that meets the deadline, shape [J].

    Whatever the price of a VM-hour, the fewest are the cheapest.

    Attributes:
        pair: candidate, as index into the stream's pairs.
        n_vms: VMs ordered.
        run_s: time until the job is done [s].
        vm_hours: VM-hours billed.
    """

    pair: IntArray
    n_vms: IntArray
    run_s: FloatArray
    vm_hours: FloatArray


def draw_orders(stream: Stream, billing: Billing) -> Orders:
    """One order for every candidate that holds its SLOs and the deadline.

    Raises:
        InfeasibleError: no candidate meets the deadline with any number of VMs.
    """
    job = stream.workload.job
    assert job is not None, "only jobs are ordered"
    least = fewest_vms(stream, job.deadline_s)
    able = np.flatnonzero(stream.holds & np.isfinite(least))
    if not len(able):
        raise _too_slow(stream, job.deadline_s)
    sizes = np.stack([least[able] + more for more in range(SIZES)], axis=1)
    run = np.stack([run_seconds(stream, least + more)[able] for more in range(SIZES)], axis=1)
    hours = np.asarray(billed_vm_hours(sizes, run, billing))
    best, rows = hours.argmin(axis=1), np.arange(len(able))
    return Orders(
        pair=able,
        n_vms=sizes[rows, best].astype(np.int64),
        run_s=run[rows, best],
        vm_hours=hours[rows, best],
    )


def run_seconds(stream: Stream, n_vms: FloatArray) -> FloatArray:
    """Time of the job on `n_vms` VMs of each pair [s], shape [K]."""
    trial = stream.trial
    run = job_run_s(
        ENGINES[stream.workload.engine],
        trial.forms,
        float(stream.job_requests),
        trial.batch,
        stream.machines.replicas_per_vm * n_vms,
        stream.prefill_s,
        stream.decode_s,
    )
    return np.asarray(run)


def fewest_vms(stream: Stream, deadline_s: float) -> FloatArray:
    """Fewest VMs that meet the deadline, by bisection, shape [K]; NaN where none do."""
    low, high = np.zeros(stream.holds.shape), np.full(stream.holds.shape, INTEGER_LIMIT)
    reachable = run_seconds(stream, high) <= deadline_s
    while (high - low > 1).any():
        middle = np.maximum(np.floor((low + high) / 2), 1.0)
        met = run_seconds(stream, middle) <= deadline_s
        high, low = np.where(met, middle, high), np.where(met, low, middle)
    return np.where(reachable, high, np.nan)


def _too_slow(stream: Stream, deadline_s: float) -> InfeasibleError:
    run_s = np.where(stream.holds, run_seconds(stream, np.asarray(INTEGER_LIMIT)), np.inf)
    k = int(run_s.argmin())
    return InfeasibleError(
        f"job {stream.workload.name!r} cannot end within deadline_s {deadline_s:g}: one batch "
        f"takes {run_s[k]:.4g} s on the fastest, {stream.machines.keys[k]}"
    )
