"""The options that describe one workload, and how they become a problem."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cyclopts import Group, Parameter

from ..models.engine import EngineName
from ..models.outcome import ProblemError
from ..models.precision import KVPrecisionName, PrecisionName
from .filters import FLAG_OF_FIELD, Filters, flag, naming_flags
from .numerals import Flag, Whole

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem


@Parameter(name="*", group=Group("The workload", sort_key=1))
@dataclass(frozen=True, kw_only=True)
class WorkloadOptions:
    """One workload. With neither a rate nor a job, one replica that holds the SLOs is asked for.

    Attributes:
        architecture: The LLM, such as meta-llama/Llama-3.1-8B, or a Hugging Face config.json.
        input_tokens: Mean length of a prompt, in tokens.
        output_tokens: Mean length of an answer, in tokens.
        requests_per_s: A service: mean requests per second.
        job_requests: A job: requests in all.
        deadline_s: A job: seconds from its start to its end.
        engine: How requests are batched; continuous when absent.
        tokens_per_s: SLO: least tokens per second of a replica, input and output.
        ttft_s: SLO: longest time to the first token, in seconds.
        tpot_s: SLO: longest time per output token after the first, in seconds.
        e2e_s: SLO: longest time from request to last token, in seconds.
        percentile: SLO: part of requests that its times hold for; no queueing when absent.
        batch: Sequences in a batch; chosen for you when absent.
        max_batch: Most sequences in a batch; 256 when absent.
        no_offload: Keep all KV cache in GPU memory.
        precision: Format of the weights; the one they are published in when absent.
        kv_precision: Format of the KV cache; fp16 when absent.
        gpus_per_replica: GPUs that may share one replica, such as 1,2; any when absent.
        target_utilization: Part of capacity that mean demand may use, 0 to 1; 0.8 when absent.
    """

    architecture: str | None = None
    input_tokens: Whole | None = None
    output_tokens: Whole | None = None
    requests_per_s: float | None = None
    job_requests: Whole | None = None
    deadline_s: float | None = None
    engine: EngineName | None = None
    tokens_per_s: float | None = None
    ttft_s: float | None = None
    tpot_s: float | None = None
    e2e_s: float | None = None
    percentile: float | None = None
    batch: Whole | None = None
    max_batch: Whole | None = None
    no_offload: Flag = False
    precision: PrecisionName | None = None
    kv_precision: KVPrecisionName | None = None
    gpus_per_replica: str | None = None
    target_utilization: float | None = None

    def given(self) -> dict[str, object]:
        """The options that were given."""
        return {k: v for k, v in asdict(self).items() if v is not None and v is not False}


def flags_given(workload: WorkloadOptions, filters: Filters) -> list[str]:
    """The flags on the command line that describe a workload or its offers."""
    chosen = {k: v for k, v in asdict(filters).items() if v is not None}
    return [flag(option) for option in (*workload.given(), *chosen)]


def problem_from_flags(workload: WorkloadOptions, filters: Filters) -> FleetProblem:
    """The problem that a problem file with these values would hold.

    Raises:
        ProblemError, CatalogError: as for a file, naming flags where it would name fields.
    """
    from ..catalogs.problem_file import parse_problem

    data = _as_data(workload.given())
    with naming_flags(FLAGS):
        return parse_problem({"catalog": filters.given(), "workloads": [data]})


def _as_data(given: dict[str, object]) -> dict[str, object]:
    """The workload as a problem file spells it."""
    for required in ("architecture", *SIZES):
        if required not in given:
            raise ProblemError(flag(required), None, "is required without a PROBLEM")
    data: dict[str, object] = {k: given[k] for k in PLAIN if k in given}
    data["name"] = _name(str(given["architecture"]))
    data["requests"] = [{k: given[k] for k in SIZES}]
    data["slo"] = {k: given[k] for k in SLOS if k in given}
    job = {field: given[option] for option, field in JOB.items() if option in given}
    if job:
        data["job"] = job
    if "no_offload" in given:
        data["offload"] = False
    if "gpus_per_replica" in given:
        data["gpus_per_replica"] = _whole_list(str(given["gpus_per_replica"]))
    return data


def _name(architecture: str) -> str:
    """What tables and messages call the workload: the LLM without its publisher."""
    last = architecture.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w.+-]", "_", last)[:128] or "workload"


def _whole_list(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        rule = "must be whole numbers with commas between them, such as 1,2"
        raise ProblemError("--gpus-per-replica", text, rule) from None


PLAIN = (
    *("architecture", "engine", "requests_per_s", "batch", "max_batch"),
    *("precision", "kv_precision", "target_utilization"),
)
SLOS = ("tokens_per_s", "ttft_s", "tpot_s", "e2e_s", "percentile")
SIZES = ("input_tokens", "output_tokens")
JOB = {"job_requests": "requests", "deadline_s": "deadline_s"}
"""Option -> field of `job`."""

WORKLOAD = "workloads[0]."
FLAGS = {
    **{f"{WORKLOAD}{option}": flag(option) for option in (*PLAIN, "gpus_per_replica")},
    **{f"{WORKLOAD}slo.{option}": flag(option) for option in SLOS},
    **{f"{WORKLOAD}requests[0].{option}": flag(option) for option in SIZES},
    **{f"{WORKLOAD}job.{field}": flag(option) for option, field in JOB.items()},
    f"{WORKLOAD}requests": "--input-tokens + --output-tokens",
    f"{WORKLOAD}job": "--job-requests",
    **FLAG_OF_FIELD,
}
"""Field of the problem -> the flag that sets it."""
