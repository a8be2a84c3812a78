"""The independent check of waits: each claim is held against what defines it, not found anew.

A wait is the least that so large a part of the requests does not exceed: at it few enough are
late, a little below it too many. A largest rate likewise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ...models.arrivals import Queueing
from ...models.deployment import Performance
from ...models.engine import ENGINES
from ...models.plan import Assignment
from ...models.queueing import FOREVER_S, Queue
from ...models.timing import capacity_per_s, timing
from ...models.workload import Workload
from .vms import PHYSICS, Violations

ROUNDING = 1e-12
"""Probabilities and waits as small as this are rounding, to a relative check nothing but noise."""

SURE = 1e-9
"""Part of the requests by which a probability computed twice may differ."""


class Sent(NamedTuple):
    """A request class of a workload on replicas, and what is predicted of one of them."""

    where: str
    workload: Workload
    assignment: Assignment
    performance: Performance


def check_waits(sharing: Sequence[Sent]) -> Violations:
    """What random arrivals do to replicas that classes of one workload share.

    Each class is checked as if it had its part to itself; the wait is that of the slowest,
    within the tightest slack.
    """
    slack_s = min(_slack_s(sent) for sent in sharing)
    claims = [(sent, sent.assignment.queueing) for sent in sharing]
    for sent, claim in claims:
        for text in [] if claim is None else _check(sent, claim, slack_s):
            yield f"{sent.where}: {text}"
    waits = {claim.wait_s for _, claim in claims if claim is not None}
    if len(waits) > 1:
        yield f"{sharing[0].where}: wait_s differs among classes that share replicas"
    for wait_s in waits if len(waits) == 1 else ():
        below = wait_s * (1 - PHYSICS) - ROUNDING
        enough = [_late(sent, below) <= _allowed(sent) - SURE for sent in sharing]
        if below > 0 and wait_s < FOREVER_S and all(enough):
            yield f"{sharing[0].where}: wait_s is less than the plan's {wait_s:.6g}"


def _check(sent: Sent, claim: Queueing, slack_s: float) -> Violations:
    """The claims of one class; `slack_s` is the tightest of those it shares replicas with."""
    queue, rate = _queue(sent), sent.assignment.each_per_s
    truths = {
        "percentile": sent.workload.slo.percentile or 0.0,
        "requests_per_s": rate,
        "utilization": rate * float(queue.work_s),
        "full": float(queue.full(rate)),
    }
    for name, truth in truths.items():
        said = getattr(claim, name)
        if not math.isclose(truth, said, rel_tol=PHYSICS, abs_tol=ROUNDING):
            yield f"{name} is {truth:.6g}, the plan says {said:.6g}"
    if claim.wait_s < FOREVER_S and _late(sent, claim.wait_s) > _allowed(sent) + SURE:
        yield f"more requests wait longer than the plan's wait_s {claim.wait_s:.6g}"
    most, said = _capacity(sent), claim.most_requests_per_s
    if said > most * (1 + PHYSICS):
        yield f"most_requests_per_s is {most:.6g} at most, the plan says {said:.6g}"
    elif float(queue.late(said, slack_s)) > _allowed(sent) + SURE:
        yield f"too many wait too long at the plan's most_requests_per_s {said:.6g}"
    elif said < most * (1 - PHYSICS):
        above = said * (1 + PHYSICS) + ROUNDING
        if slack_s > 0 and float(queue.late(above, slack_s)) <= _allowed(sent) - SURE:
            yield f"most_requests_per_s is more than the plan's {said:.6g}"


def _queue(sent: Sent) -> Queue:
    """The replica as a queue."""
    a = sent.assignment
    forms = timing(
        ENGINES[sent.workload.engine],
        sent.workload.requests[a.request_class],
        float(a.deployment.batch),
    )
    return Queue.of(forms, sent.performance.prefill_s, sent.performance.decode_step_s)


def _late(sent: Sent, wait_s: float) -> float:
    return float(_queue(sent).late(sent.assignment.each_per_s, wait_s))


def _allowed(sent: Sent) -> float:
    """Part of the requests that may be late."""
    return 1.0 - (sent.workload.slo.percentile or 0.0)


def _capacity(sent: Sent) -> float:
    """Requests/s of one replica, as much as `target_utilization` uses of it."""
    work_s = 1.0 / sent.performance.requests_per_s
    return float(capacity_per_s(sent.workload.target_utilization, 1.0, work_s))


def _slack_s(sent: Sent) -> float:
    """How long a request may wait before its prefill [s]."""
    slo, performance = sent.workload.slo, sent.performance
    ttft, e2e = slo.ttft_s or math.inf, slo.e2e_s or math.inf
    return min(ttft - performance.ttft_s, e2e - performance.e2e_s)
