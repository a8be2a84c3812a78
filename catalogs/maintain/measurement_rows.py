"""Readers of the measurement files.

The files are described in the README beside them. A reader keeps only rows whose meaning
is certain; what it leaves out, and why, is in its docstring.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from infersave.catalogs.architectures import load_architecture
from infersave.models.architecture import Architecture
from infersave.models.outcome import CatalogError
from infersave.models.precision import PrecisionName
from measured import Row

GPU_OF_FILE = {
    "T4": "T4",
    "L4": "L4",
    "A10": "A10",
    "V100-16GB": "V100-SXM2-16GB",
    "A100-40GB": "A100-SXM4-40GB",
    "A100-80GB": "A100-SXM4-80GB",
    "H100-80GB": "H100-SXM5-80GB",
    "H200-141GB": "H200-SXM-141GB",
    "B200": "B200-SXM-180GB",
    "GB200": "GB200",
    "MI300X": "MI300X",
}
"""Measured name -> catalogue name. Others (GH200, MI250, Gaudi2, ...) have no spec here."""

PRECISION_OF_FILE: dict[str, PrecisionName] = {"fp8": "fp8", "bf16": "bf16", "": "bf16"}

HELIX_CONTEXT_TOKENS = 870.0
"""Undocumented; inferred by the compilers of the file from the trace it was made for."""
HELIX_MAX_ROUNDING = 0.1
"""Times are rounded to `resolution_s`; rows where that is more than this part are left out."""
LEAST_STEPS = 20
LEAST_REPEATS = 3
MOST_WAITING = 0.25
"""Part of a request's time before its first token; above it the engine's decode batch was
far below the stated concurrency."""
MOST_GPUS = 8
"""Above one machine the published degrees mix data and tensor parallelism."""


def read_rows(folder: Path) -> tuple[list[Row], list[str]]:
    """All usable rows, and the architectures that no catalogue entry describes."""
    unknown: set[str] = set()
    rows = [
        row
        for reader in (_llmpilot_decode, _llmpilot_prefill, _splitwise, _helix, _argonne, _silicon)
        for row in reader(folder, unknown)
    ]
    return rows, sorted(unknown)


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)


def _architecture(name: str, unknown: set[str]) -> Architecture | None:
    try:
        return load_architecture(name)
    except CatalogError:
        unknown.add(name)
        return None


def _llmpilot_decode(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """Median step times; steps seen fewer than `LEAST_STEPS` times are left out."""
    for r in _records(folder / "phase_llmpilot_decode.csv"):
        shape = _architecture(r["model"], unknown)
        if shape is None or int(r["n_steps"]) < LEAST_STEPS:
            continue
        yield Row(
            "LLM-Pilot",
            GPU_OF_FILE[r["gpu"]],
            shape,
            int(r["n_gpus"]),
            "decode",
            float(r["batch"]),
            float(r["mean_ctx_tokens"]),
            1,
            float(r["duration_p50_s"]),
            series=f"LLM-Pilot decode {r['gpu']} {r['model']} TP{r['n_gpus']}",
        )


def _llmpilot_prefill(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """Median over equal single prompts that arrived at an idle engine."""
    table = pq.read_table(folder / "phase_llmpilot_prefill.parquet").to_pylist()
    same: dict[tuple[str, int, str, int], list[float]] = defaultdict(list)
    for r in table:
        if r["start_kind"] == "idle" and r["n_new"] == 1:
            key = (r["gpu"], int(r["n_gpus"]), r["model"], int(r["sum_new_tokens"]))
            same[key].append(float(r["duration_s"]))
    for (gpu, n_gpus, model, tokens), seconds in sorted(same.items()):
        shape = _architecture(model, unknown)
        if shape is None or len(seconds) < LEAST_REPEATS:
            continue
        yield Row(
            "LLM-Pilot",
            GPU_OF_FILE[gpu],
            shape,
            n_gpus,
            "prefill",
            1.0,
            float(tokens),
            1,
            median(seconds),
            series=f"LLM-Pilot prefill {gpu} {model} TP{n_gpus}",
        )


def _splitwise(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """Both phases of each run; the decode step is taken at the middle of the answer."""
    for r in _records(folder / "phase_splitwise.csv"):
        shape = _architecture(r["model"], unknown)
        if shape is None or r["derived"] == "True" or r["suspect"] == "True":
            continue
        gpu, g, batch = GPU_OF_FILE[r["gpu"]], int(r["tensor_parallel"]), float(r["batch_size"])
        tokens, middle = float(r["input_tokens"]), int(r["output_tokens"]) / 2.0
        prefill, decode = float(r["prefill_p50_s"]), float(r["decode_step_p50_s"])
        series = f"Splitwise {gpu} {r['model']} TP{g}"
        yield Row("Splitwise", gpu, shape, g, "prefill", batch, tokens, 1, prefill, series=series)
        yield Row(
            "Splitwise", gpu, shape, g, "decode", batch, tokens + middle, 1, decode, series=series
        )


def _helix(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """Single layers; a prefill of n tokens is taken as one prompt of n tokens.

    Its attention is at most 5 % of the FLOPs at 3,000 tokens, so the split into prompts,
    which the file does not state, hardly matters.
    """
    for r in _records(folder / "phase_helix_layer.csv"):
        shape = _architecture(r["model"], unknown)
        seconds = float(r["layer_time_s"])
        if shape is None or float(r["resolution_s"]) / seconds > HELIX_MAX_ROUNDING:
            continue
        size, prefill = float(r["tokens_or_batch"]), r["phase"] == "prefill"
        yield Row(
            "Helix",
            GPU_OF_FILE[r["gpu"]],
            shape,
            int(r["n_gpus"]),
            "prefill" if prefill else "decode",
            1.0 if prefill else size,
            size if prefill else HELIX_CONTEXT_TOKENS,
            1,
            seconds,
            layer_only=True,
            series=f"Helix {r['gpu']} {r['phase']} x{r['n_gpus']}",
        )


def _argonne(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """Static batches of vLLM and TensorRT-LLM; llama.cpp and DeepSpeed-MII are left out
    (GGUF precision unstated; batches not held together)."""
    for r in _records(folder / "e2e_argonne.csv"):
        usable = r["batch_is_concurrent"] == "True" and r["suspect"] != "True"
        if not usable or r["framework"] not in ("vLLM", "TensorRT-LLM"):
            continue
        gpu = GPU_OF_FILE.get(r["gpu"])
        shape = _architecture(r["model"], unknown) if gpu else None
        if gpu is None or shape is None:
            continue
        yield Row(
            "LLM-Inference-Bench",
            gpu,
            shape,
            int(r["n_gpus"]),
            "batch",
            float(r["batch"]),
            float(r["input_tokens"]),
            int(r["output_tokens"]),
            float(r["latency_s"]),
            series=f"{r['framework']} {r['gpu']} {r['model']} TP{r['n_gpus']}",
        )


def _silicon(folder: Path, unknown: set[str]) -> Iterator[Row]:
    """TPOT at steady concurrency, 16-bit and FP8.

    Left out: data-parallel attention, pipeline stages, more than one machine, experts
    spread otherwise than over the tensor-parallel GPUs, batch other than concurrency, long
    queues, NVFP4 (its rate is not in the catalogue), and every TTFT (it holds queueing).
    A model without a stated precision has 16 bits.
    """
    for r in _records(folder / "e2e_aic_silicon.csv"):
        g, gpu = int(r["tensor_parallel"]), GPU_OF_FILE.get(r["gpu"])
        experts = int(float(r["moe_tp_size"] or 0)) * int(float(r["moe_ep_size"] or 0))
        together = (
            float(r["attention_dp_size"] or 0) <= 1
            and int(r["pp_size"]) == 1
            and g <= MOST_GPUS
            and r["concurrency"] != ""
            and float(r["batch_size"]) == float(r["concurrency"])
        )
        precision = PRECISION_OF_FILE.get(r["precision"])
        if not together or gpu is None or precision is None or _waiting(r) > MOST_WAITING:
            continue
        shape = _architecture(r["model"], unknown)
        if shape is None or (any(x.n_experts for x in shape.groups) and experts != g):
            continue
        yield Row(
            "aiconfigurator silicon",
            gpu,
            shape,
            g,
            "tpot",
            float(r["batch_size"]),
            float(r["input_tokens"]),
            int(r["output_tokens"]),
            float(r["tpot_s"]),
            precision,
            series=f"{r['source_tag']} {r['gpu']} {r['backend']} {r['model']} {precision}",
        )


def _waiting(record: dict[str, str]) -> float:
    ttft_s, steps = float(record["ttft_s"]), int(record["output_tokens"]) - 1
    return ttft_s / (ttft_s + steps * float(record["tpot_s"]))
