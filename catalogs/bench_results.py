"""Result files of serving benchmarks as rows with the columns of measurements.

Read: `vllm bench serve` and `vllm bench latency` (JSON), SGLang's `bench_serving` (JSON lines,
which has the same names) and GenAI-Perf or AIPerf (`profile_export_*.json`). None of them says
which GPU ran, and the latency file not even which LLM: `infersave calibrate` has options that
fill in what a file does not say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..models.outcome import ProblemError

MS = 1e-3


def plain_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row under the names of measurements; a row of another kind as it is.

    Raises:
        ProblemError: a value has not the form that its benchmark writes.

    >>> plain_row({"avg_latency": 2.0, "latencies": [2.0], "percentiles": {}})
    {'phase': 'e2e', 'seconds': 2.0, 'software': 'vLLM'}
    """
    for mark, convert in READERS.items():
        if mark in row:
            return convert(row)
    return row


def _serve(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """`vllm bench serve`, and SGLang's, which descends from it."""
    completed = max(_number(row, "completed") or 1.0, 1.0)
    sizes = {
        "input_tokens": (_number(row, "total_input_tokens") or 0.0) / completed,
        "output_tokens": round((_number(row, "total_output_tokens") or 0.0) / completed),
    }
    found = {
        "phase": "serving",
        "model": row.get("model_id") or row.get("model"),
        "software": row.get("backend"),
        "concurrency": row.get("max_concurrency"),
        "tpot_s": _first(row, "median_tpot_ms", "mean_tpot_ms"),
        "ttft_s": _first(row, "median_ttft_ms", "mean_ttft_ms"),
        **sizes,
    }
    return _said(found)


def _latency(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """`vllm bench latency`: one static batch, run again and again."""
    return {"phase": "e2e", "seconds": row["avg_latency"], "software": "vLLM"}


def _genai(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """GenAI-Perf and AIPerf: statistics by metric, each with its unit."""
    config = _table(row, "input_config")
    names = config.get("model_names") or _table(config, "endpoint").get("model_names") or [None]
    if not isinstance(names, list):
        raise ProblemError("model_names", names, "must be a list")
    stimulus = _table(_table(config, "perf_analyzer"), "stimulus") or _table(config, "loadgen")
    found = {
        "phase": "serving",
        "model": names[0],
        "concurrency": stimulus.get("concurrency"),
        "tpot_s": _metric(row, "inter_token_latency"),
        "ttft_s": _metric(row, "time_to_first_token"),
        "input_tokens": _metric(row, "input_sequence_length"),
        "output_tokens": round(_metric(row, "output_sequence_length") or 0) or None,
    }
    return _said(found)


READERS: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "median_ttft_ms": _serve,
    "avg_latency": _latency,
    "time_to_first_token": _genai,
}
"""By a key that only that format has."""


def _first(row: Mapping[str, Any], *keys: str) -> float | None:
    """The first of some milliseconds that is there [s]."""
    return next((ms * MS for key in keys if (ms := _number(row, key))), None)


def _metric(row: Mapping[str, Any], name: str) -> float | None:
    """The mean of a metric [s, or what it counts]."""
    metric = _table(row, name)
    mean = _number(metric, "avg", f"{name}.avg")
    return None if mean is None else mean * (MS if metric.get("unit") == "ms" else 1.0)


def _number(row: Mapping[str, Any], key: str, name: str = "") -> float | None:
    """A finite number; None where there is none."""
    value = row.get(key)
    try:
        found = math.nan if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        raise ProblemError(name or key, value, "must be a number") from None
    if math.isinf(found):
        raise ProblemError(name or key, value, "must be finite")
    return None if math.isnan(found) else found


def _table(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table; empty where there is none."""
    value = row.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise ProblemError(key, value, "must be a table")
    return value or {}


def _said(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}
