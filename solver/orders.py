"""Orders: how many VM-hours a job is billed, over batch sizes and numbers of VMs.

A job runs on VMs of one type that it has to itself and gives back when it is done. Its
bill is a step function of the run time, so orders are drawn up before the program is
built and the program picks one. The batch that gives most requests per second need not be
best: a small job never fills it, and a tight deadline wants a shorter batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.billing import Billing, billed_vm_hours
from ..models.engine import ENGINES
from ..models.jobs import job_run_s
from ..models.load import batch_range
from ..models.memory import weight_bytes
from ..models.outcome import InfeasibleError
from ..models.serving import Serving
from ..models.value import FloatArray
from .candidates import Stream, make_stream
from .market import Market
from .program import INTEGER_LIMIT, IntArray, SolveOptions
from .reduction import reduce_stream

SIZES = 64
"""Numbers of VMs tried: the fewest that meet the deadline, and up to 63 more."""


@dataclass(frozen=True, slots=True)
class Orders:
    """The order with the fewest VM-hours tried, of each VM type that can run the job.

    Whatever the price of a VM-hour, the fewest are the cheapest.

    Attributes:
        stream: the job with one candidate per order, shape [J].
        n_vms: VMs ordered.
        run_s: time until the job is done [s].
        vm_hours: VM-hours billed.
    """

    stream: Stream
    n_vms: IntArray
    run_s: FloatArray
    vm_hours: FloatArray


def draw_orders(stream: Stream, billing: Billing, backend: str, options: SolveOptions) -> Orders:
    """The best order on each VM type.

    Where layers with KV cache differ, the batch is chosen under the uniform schedule and
    the schedule solved for that batch.

    Raises:
        InfeasibleError: no candidate meets the deadline with any number of VMs.
    """
    every = at_every_batch(stream)
    chosen = _best_of_each_type(every, billing)
    if not len(chosen):  # an SLO may hold only under the schedules already solved
        every = stream.take(stream.useful())
        chosen = _best_of_each_type(every, billing)
    if not len(chosen):
        raise _too_slow(every, billing)
    best = reduce_stream(every.take(chosen), backend, options)
    n_vms, run_s, vm_hours = _cheapest_size(best, billing)
    return Orders(best, n_vms.astype(np.int64), run_s, vm_hours)


def at_every_batch(stream: Stream) -> Stream:
    """The stream with a candidate for each pair and each batch size it could use."""
    least, most = batch_range(stream.workload)
    sizes = np.arange(least, max(least, min(most, stream.job_requests)) + 1, dtype=float)
    pair = np.repeat(stream.useful(), len(sizes))
    machines = stream.machines.take(pair)
    batch = np.tile(sizes, len(pair) // len(sizes))
    trial = Serving(stream.workload, stream.request, machines.replica).at(batch)
    return make_stream(stream.workload, stream.request, stream.index, machines, trial)


def run_seconds(stream: Stream, n_vms: FloatArray, billing: Billing) -> FloatArray:
    """From the order of `n_vms` VMs of each candidate to the last token [s], shape [K]."""
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
    workload = stream.workload
    weights = weight_bytes(workload.architecture, workload.weight_precision)
    return np.asarray(run) + billing.ready_s(weights)


def fewest_vms(stream: Stream, billing: Billing) -> FloatArray:
    """Fewest VMs that meet the deadline, by bisection, shape [K]; NaN where none do."""
    job = stream.workload.job
    assert job is not None, "only jobs are ordered"
    low, high = np.zeros(stream.holds.shape), np.full(stream.holds.shape, INTEGER_LIMIT)
    reachable = stream.holds & (run_seconds(stream, high, billing) <= job.deadline_s)
    while (high - low > 1).any():
        middle = np.maximum(np.floor((low + high) / 2), 1.0)
        met = run_seconds(stream, middle, billing) <= job.deadline_s
        high, low = np.where(met, middle, high), np.where(met, low, middle)
    return np.where(reachable, high, np.nan)


def _cheapest_size(stream: Stream, billing: Billing) -> tuple[FloatArray, FloatArray, FloatArray]:
    """VMs, run time and VM-hours of the best size tried, shape [K]; VM-hours inf where none."""
    least = fewest_vms(stream, billing)
    best_vms, best_run = least, np.full(least.shape, np.inf)
    best_hours = np.full(least.shape, np.inf)
    for more in range(SIZES):
        n_vms = least + more
        run = run_seconds(stream, n_vms, billing)
        hours = np.asarray(billed_vm_hours(n_vms, run, billing))
        better = hours < best_hours  # never where least is NaN
        best_vms = np.where(better, n_vms, best_vms)
        best_run = np.where(better, run, best_run)
        best_hours = np.where(better, hours, best_hours)
    return best_vms, best_run, best_hours


def _best_of_each_type(stream: Stream, billing: Billing) -> IntArray:
    """The candidate with the fewest VM-hours on each VM type that has one."""
    _, _, hours = _cheapest_size(stream, billing)
    order = np.lexsort((stream.trial.batch, hours, stream.machines.type_of))
    order = order[np.isfinite(hours[order])]
    _, first = np.unique(stream.machines.type_of[order], return_index=True)
    return order[first]


def order_places(orders: Orders, market: Market) -> IntArray:
    """Places where a job may order VMs of its own: sold by the second, in one zone of each."""
    workload = orders.stream.workload
    open_to = market.permitted(workload) & ~market.reserved & market.first_zone
    if workload.max_spot_share < 1:
        open_to &= ~market.spot
    return np.flatnonzero(open_to & np.isin(market.type_of, orders.stream.machines.type_of))


def _too_slow(stream: Stream, billing: Billing) -> InfeasibleError:
    fastest = run_seconds(stream, np.asarray(INTEGER_LIMIT), billing)
    run_s = np.where(stream.holds, fastest, np.inf)
    k, job = int(run_s.argmin()), stream.workload.job
    assert job is not None
    return InfeasibleError(
        f"job {stream.workload.name!r} cannot end within deadline_s {job.deadline_s:g}: with any "
        f"number of VMs it takes {run_s[k]:.4g} s on the fastest, {stream.machines.keys[k]}"
    )
