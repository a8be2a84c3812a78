"""Columns that every table of assignments shares: what runs, and what it is predicted to do."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.deployment import SLOCheck
from ..models.fleet import Assignment
from ..models.workload import Workload
from .tables import Column, name_column, number_column
from .words import NOTHING, SLO_WORDS, duration, percent, three_digits


def token_sizes(made: Sequence[Assignment], workloads: Sequence[Workload]) -> list[str]:
    """Tokens in and out of each assignment's request class."""
    pairs = zip(made, workloads, strict=True)
    classes = [workload.requests[a.request_class] for a, workload in pairs]
    return [f"{request.input_tokens}/{request.output_tokens}" for request in classes]


def replica_columns(made: Sequence[Assignment]) -> list[Column]:
    """What the replicas are."""
    offload = [a.performance.offloaded_fraction for a in made]
    return [
        number_column("repli-\ncas", (f"{a.replicas:,}" for a in made)),
        number_column("GPUs\neach", (str(a.deployment.n_gpus) for a in made)),
        number_column("batch", (f"{a.deployment.batch:,}" for a in made)),
        number_column("KV off-\nloaded", (percent(f) if f else NOTHING for f in offload)),
    ]


def prediction_columns(made: Sequence[Assignment], workloads: Sequence[Workload]) -> list[Column]:
    """What one replica is predicted to do, and what is left of its tightest SLO."""
    tpot = (duration(a.performance.tpot_s) if a.performance.tpot_s else NOTHING for a in made)
    slack = (_tightest(a, w) for a, w in zip(made, workloads, strict=True))
    return [
        number_column("TTFT", (duration(a.performance.ttft_s) for a in made)),
        number_column("TPOT", tpot),
        number_column("tokens/s\neach", (three_digits(a.performance.tokens_per_s) for a in made)),
        name_column("least SLO\nslack", slack),
    ]


def _tightest(assignment: Assignment, workload: Workload) -> str:
    """The bound that is nearest to breaking, with its slack; a deadline is one of them."""
    checks, run = list(assignment.slos), assignment.job
    if run is not None and workload.job is not None:
        bound = workload.job.deadline_s
        slack = 1.0 - run.run_s / bound
        checks.append(SLOCheck(slo="deadline_s", bound=bound, predicted=run.run_s, slack=slack))
    if not checks:
        return NOTHING
    least = min(checks, key=lambda check: check.slack)
    return f"{SLO_WORDS.get(least.slo, least.slo)} {percent(least.slack)}"
