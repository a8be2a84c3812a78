"""Result files of serving benchmarks as rows with the columns of measurements.

Read: `vllm bench serve` and `vllm bench latency` (JSON), SGLang's `bench_serving` (JSON lines,
which has the same names) and GenAI-Perf or AIPerf (`profile_export_*.json`). None of them says
which GPU ran, and the latency file not even which LLM: `infersave calibrate` has options that
fill in what a file does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

MS = 1e-3


def plain_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row under the names of measurements; a row of another kind as it is.

    >>> plain_row({"avg_latency": 2.0, "latencies": [2.0], "percentiles": {}})
    {'phase': 'e2e', 'seconds': 2.0, 'software': 'vLLM'}
    """
    for mark, convert in READERS.items():
        if mark in row:
            return convert(row)
    return row


def _serve(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """`vllm bench serve`, and SGLang's, which descends from it."""
    completed = row.get("completed") or 1
    sizes = {
        "input_tokens": row.get("total_input_tokens", 0) / completed,
        "output_tokens": round(row.get("total_output_tokens", 0) / completed),
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
    config = row.get("input_config") or {}
    names = config.get("model_names") or (config.get("endpoint") or {}).get("model_names") or [None]
    stimulus = (config.get("perf_analyzer") or {}).get("stimulus") or config.get("loadgen") or {}
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
    return next((row[key] * MS for key in keys if row.get(key)), None)


def _metric(row: Mapping[str, Any], name: str) -> float | None:
    """The mean of a metric [s, or what it counts]."""
    metric = row.get(name) or {}
    if metric.get("avg") is None:
        return None
    return float(metric["avg"]) * (MS if metric.get("unit") == "ms" else 1.0)


def _said(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}
