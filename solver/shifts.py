"""Jobs in a horizon: work that can wait, done on VMs that services leave idle, or on more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..models.billing import SECONDS_PER_HOUR
from ..models.engine import ENGINES
from ..models.fleet import FleetProblem
from ..models.jobs import shift_requests
from ..models.memory import weight_bytes
from ..models.outcome import InfeasibleError
from ..models.value import FloatArray
from .candidates import Stream
from .market import Market
from .program import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Shifts:
    """One request class of a job and its items, shape [J].

    Attributes:
        stream: the class and its candidates.
        pair, place: where an item stands.
        part: part of the job that one replica does in each period, shape [T, J]; 0 after
            the deadline.
    """

    stream: Stream
    pair: IntArray
    place: IntArray
    part: FloatArray

    def on(self, kept: BoolArray) -> Shifts:
        """The same with these items only."""
        return replace(self, pair=self.pair[kept], place=self.place[kept], part=self.part[:, kept])


def shift_seconds(hours: tuple[float, ...], deadline_s: float) -> FloatArray:
    """Seconds of each period before the deadline, shape [T]."""
    ends = np.cumsum(np.asarray(hours) * SECONDS_PER_HOUR)
    starts = np.concatenate([[0.0], ends[:-1]])
    return np.asarray(np.clip(deadline_s - starts, 0.0, ends - starts))


def plan_shifts(stream: Stream, problem: FleetProblem, market: Market) -> Shifts:
    """What a replica of each candidate does of the job in each period.

    Raises:
        InfeasibleError: no period before the deadline is long enough for a batch.
    """
    workload, job = stream.workload, stream.workload.job
    assert job is not None, "only jobs work in shifts"
    able = np.zeros(stream.holds.shape, bool)
    able[stream.useful()] = True
    usable = able[market.pair] & market.permitted(workload)[market.place]
    if workload.max_spot_share < 1:
        usable = usable & ~market.spot[market.place]
    pair, place = market.pair[usable], market.place[usable]
    weights = weight_bytes(workload.architecture, workload.weight_precision)
    load_s = problem.billing.load_s(weights)
    seconds = shift_seconds(problem.hours, job.deadline_s)
    done = [
        shift_requests(
            ENGINES[workload.engine],
            stream.trial.forms,
            max(float(s) - load_s, 0.0),
            stream.trial.batch,
            stream.prefill_s,
            stream.decode_s,
        )
        for s in seconds
    ]
    part = np.minimum(np.array(done)[:, pair] / stream.job_requests, 1.0)
    if not part.any():
        raise InfeasibleError(
            f"job {workload.name!r}: no replica finishes a batch in any period that ends "
            f"before deadline_s {job.deadline_s:g}"
        )
    return Shifts(stream, pair, place, part)
