"""What a workload asks, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

from ..models.measured import MeasuredWorkload
from ..models.workload import Demand, Workload
from .words import SLO_WORDS, about, percent, plural


def demand(asked: Demand) -> str:
    """What is asked, in one sentence."""
    parts: list[str] = []
    if isinstance(asked, Workload):
        parts += _predicted(asked)
    elif isinstance(asked, MeasuredWorkload):
        parts += [
            f"throughput measured in {plural(len(asked.throughput), 'table')} of "
            f"{plural(len(asked.shares), 'bucket')} of request sizes",
            f"{asked.requests_per_s or 0:,.6g} requests/s",
        ]
    return "; ".join([*parts, *_rules(asked)]) + "."


def _predicted(workload: Workload) -> Iterator[str]:
    """The LLM, its requests, how many of them, and the SLOs."""
    classes = " and ".join(
        f"{r.input_tokens:,} tokens in, {r.output_tokens:,} out"
        + (f" ({percent(r.share)})" if r.share < 1 else "")
        for r in workload.requests
    )
    yield f"{workload.architecture.name}: {classes}"
    yield f"engine {workload.engine}"
    if workload.requests_per_s is not None:
        yield f"{workload.requests_per_s:,.6g} requests/s"
    elif workload.job is not None:
        yield f"{workload.job.requests:,} requests within {about(workload.job.deadline_s)}"
    else:
        yield "one replica"
    for name, bound in workload.slo.bounds():
        if name == "tokens_per_s":
            yield f"at least {bound:,.6g} tokens/s"
        else:
            yield f"{SLO_WORDS[name]} at most {about(bound)}"
    if workload.slo.percentile is not None:
        yield f"for {percent(workload.slo.percentile)} of the requests"


def _rules(asked: Demand) -> Iterator[str]:
    """Over what time, on what, and what must be left after a loss."""
    if asked.profile is not None:
        low, high = min(asked.profile), max(asked.profile)
        yield f"{low:g} to {high:g} times that over {plural(len(asked.profile), 'period')}"
    if asked.restricted:
        yield "only where it may run"
    if asked.max_spot_share < 1:
        most = percent(asked.max_spot_share)
        yield f"at most {most} on spot" if asked.max_spot_share else "not on spot"
    for what, part in (("VM", asked.survive.vm), ("zone", asked.survive.zone)):
        if part is not None:
            yield f"{percent(part)} without any one {what}"
