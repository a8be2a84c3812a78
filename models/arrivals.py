"""Requests that arrive at random at decided replicas: how busy they are, how long some wait."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from .deployment import Case, Performance
from .engine import ENGINES
from .load import Asked
from .queueing import FOREVER_S, Queue
from .timing import capacity_per_s, timing
from .value import FloatArray, NonNegative, Share, Value

IntArray = NDArray[np.int64]


class Queueing(Value):
    """What random arrivals do to one replica.

    Attributes:
        percentile: part of the requests that what follows holds for.
        requests_per_s: mean rate that the replica is sent.
        most_requests_per_s: largest rate at which the bounds on time hold, up to what
            `target_utilization` leaves of its capacity.
        utilization: part of its capacity that is used.
        full: probability that a request finds all slots taken.
        wait_s: what that part of the requests waits at most before its prefill; of classes that
            share replicas, the longest.
    """

    percentile: Share
    requests_per_s: NonNegative
    most_requests_per_s: NonNegative
    utilization: NonNegative
    full: NonNegative
    wait_s: NonNegative


def queueing(
    cases: Sequence[Case],
    performances: Sequence[Performance],
    rates: Sequence[float],
    shared: Sequence[Hashable],
) -> list[Queueing | None]:
    """Of each replica at the rate it is sent; None where no percentile is asked.

    Args:
        cases: replicas, decided.
        performances: what is predicted of each.
        rates: what one replica would be sent of its class alone [requests/s].
        shared: equal for cases that stand for the same replicas, each keeping a part.
    """
    found: list[Queueing | None] = [None] * len(cases)
    number = {key: n for n, key in enumerate(dict.fromkeys(shared))}
    asking = [i for i, case in enumerate(cases) if case.workload.slo.percentile is not None]
    by_engine: dict[str, list[int]] = {}
    for i in asking:
        by_engine.setdefault(cases[i].workload.engine, []).append(i)
    for engine, places in by_engine.items():
        mine = [cases[i] for i in places]
        seconds = [(performances[i].prefill_s, performances[i].decode_step_s) for i in places]
        rate = np.array([rates[i] for i in places])
        _, group = np.unique([number[shared[i]] for i in places], return_inverse=True)
        columns = _columns(engine, mine, np.array(seconds), rate, group)
        for i, row in zip(places, zip(*columns.values(), strict=True), strict=True):
            found[i] = Queueing(**dict(zip(columns, row, strict=True)))
    return found


def _columns(
    engine: str, cases: list[Case], seconds: FloatArray, rate: FloatArray, group: IntArray
) -> dict[str, list[float]]:
    """The fields of `Queueing` of replicas under one engine; those of a group are the same."""
    asked = Asked.of_all([(case.workload, case.request) for case in cases])
    batch = np.array([case.deployment.batch for case in cases], np.float64)
    forms = timing(ENGINES[engine], asked, batch)
    prefill_s, decode_s = seconds.T
    queue = Queue.of(forms, prefill_s, decode_s)
    most = capacity_per_s(asked.utilization, 1.0, queue.work_s)
    slack_s = np.full(len(cases), np.inf)
    np.minimum.at(slack_s, group, forms.slack_s(asked, prefill_s, decode_s))
    wait_s = np.zeros(len(cases))
    waits_s = np.minimum(queue.wait_s(rate, asked.percentile), FOREVER_S)
    np.maximum.at(wait_s, group, waits_s)
    values = {
        "percentile": asked.percentile,
        "requests_per_s": rate,
        "most_requests_per_s": queue.most_per_s(slack_s[group], asked.percentile, most),
        "utilization": rate * queue.work_s,
        "full": queue.full(rate),
        "wait_s": wait_s[group],
    }
    return {name: np.asarray(value).tolist() for name, value in values.items()}
