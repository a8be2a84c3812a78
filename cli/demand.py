"""What a workload asks, in one sentence."""

from __future__ import annotations

from ..models.workload import Workload
from .words import SLO_WORDS, about, percent


def demand(workload: Workload) -> str:
    """What is asked, in one sentence."""
    classes = " and ".join(
        f"{r.input_tokens:,} tokens in, {r.output_tokens:,} out"
        + (f" ({percent(r.share)})" if r.share < 1 else "")
        for r in workload.requests
    )
    parts = [f"{workload.architecture.name}: {classes}", f"engine {workload.engine}"]
    if workload.requests_per_s is not None:
        parts.append(f"{workload.requests_per_s:,.6g} requests/s")
    elif workload.job is not None:
        parts.append(f"{workload.job.requests:,} requests within {about(workload.job.deadline_s)}")
    else:
        parts.append("one replica")
    for name, bound in workload.slo:
        if bound is not None and name == "tokens_per_s":
            parts.append(f"at least {bound:,.6g} tokens/s")
        elif bound is not None:
            parts.append(f"{SLO_WORDS[name]} at most {about(bound)}")
    return "; ".join(parts) + "."
