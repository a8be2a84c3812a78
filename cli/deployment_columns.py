"""Columns that every table of assignments shares: what runs, and what it is predicted to do.

A row is a group of assignments, alike but for zone and period; of numbers that differ it
shows the range or the worst.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..models.deployment import SLOCheck
from ..models.plan import Assignment
from ..models.workload import Workload
from .places import span_name
from .route_groups import replica_column
from .tables import Column, name_column, number_column
from .words import NOTHING, SLO_WORDS, duration, percent, three_digits

Group = Sequence[Assignment]


def token_sizes(groups: Sequence[Group], workloads: Sequence[Workload]) -> list[str]:
    """Tokens in and out of each row's request class."""
    pairs = zip(groups, workloads, strict=True)
    classes = [workload.requests[group[0].request_class] for group, workload in pairs]
    return [f"{request.input_tokens}/{request.output_tokens}" for request in classes]


def replica_columns(groups: Sequence[Group]) -> list[Column]:
    """What the replicas are."""
    return [
        replica_column(groups),
        number_column("GPUs\neach", (str(group[0].gpus_each) for group in groups)),
        number_column("batch", (_batches(group) for group in groups)),
        number_column("KV off-\nloaded", (_offloaded(group) for group in groups)),
    ]


def prediction_columns(groups: Sequence[Group], workloads: Sequence[Workload]) -> list[Column]:
    """What one replica is predicted to do, and what is left of its tightest SLO."""
    performances = [[a.performance for a in group] for group in groups]
    tpot = [max(p.tpot_s for p in each) for each in performances]
    slack = (_tightest(group, w) for group, w in zip(groups, workloads, strict=True))
    tokens = (three_digits(min(p.tokens_per_s for p in each)) for each in performances)
    return [
        number_column("TTFT", (duration(max(a.ttft_s for a in group)) for group in groups)),
        number_column("TPOT", (duration(seconds) if seconds else NOTHING for seconds in tpot)),
        number_column("tokens/s\neach", tokens),
        name_column("least SLO\nslack", slack),
    ]


def _batches(group: Group) -> str:
    batches = [a.deployment.batch for a in group]
    return span_name(min(batches), max(batches))


def _offloaded(group: Group) -> str:
    most = max(a.performance.offloaded_fraction for a in group)
    return percent(most) if most else NOTHING


def _tightest(group: Group, workload: Workload) -> str:
    """The bound that is nearest to breaking, with its slack; a deadline is one of them."""
    checks = slo_checks(group, workload)
    if not checks:
        return NOTHING
    least = min(checks, key=lambda check: check.slack)
    return f"{SLO_WORDS.get(least.slo, least.slo)} {percent(least.slack)}"


def slo_checks(group: Group, workload: Workload) -> list[SLOCheck]:
    """Each bound where it is nearest to breaking; a deadline is one of them."""
    checks = [check for a in group for check in a.slos]
    if workload.job is not None:
        bound = workload.job.deadline_s
        for run in (a.job for a in group if a.job is not None):
            slack = 1.0 - run.run_s / bound
            checks.append(SLOCheck(slo="deadline_s", bound=bound, predicted=run.run_s, slack=slack))
    tightest: dict[str, SLOCheck] = {}
    for check in checks:
        if check.slo not in tightest or check.slack < tightest[check.slo].slack:
            tightest[check.slo] = check
    return list(tightest.values())
