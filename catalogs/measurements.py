"""Rows of measurements as `Observation`s: what each column means, whoever wrote the file.

catalogs/README.md lists the columns and their other names. Names of GPUs, LLMs and serving
software are resolved here; `models.observation` does the counting.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..models.observation import Kind, Observation
from ..models.precision import PrecisionName
from .measured_names import COPIES, find_architecture, find_gpu, parallelism
from .records import Record
from .software import software_name

BATCH = ("batch", "concurrency", "max_concurrency", "batch_size", "tokens_or_batch", "n_new")
INPUT = ("input_tokens", "mean_ctx_tokens", "context_tokens", "isl")
OUTPUT = ("output_tokens", "osl")
SECONDS: dict[str, tuple[str, ...]] = {
    "prefill": ("seconds", "prefill_p50_s", "prefill_s", "duration_s", "layer_time_s", "latency_s"),
    "decode": ("seconds", "decode_step_p50_s", "duration_p50_s", "layer_time_s", "latency_s"),
    "batch": ("seconds", "latency_s", "e2e_latency_s", "e2e_p50_s"),
    "serving": ("tpot_s", "seconds"),
}
MOST_SECONDS, MOST_TOKENS, MOST_BATCH = 1e6, 1e8, 1e6
"""Beyond these a cell is a slip of the pen, or in another unit."""
PHASES: dict[str, Kind] = {
    "prefill": "prefill",
    "decode": "decode",
    "decode_step": "decode",
    "batch": "batch",
    "e2e": "batch",
    "end-to-end": "batch",
    "end_to_end": "batch",
    "latency": "batch",
    "static": "batch",
    "serving": "serving",
    "online": "serving",
    "continuous": "serving",
    "tpot": "serving",
    "ttft": "serving",
}
PRECISIONS: dict[str, PrecisionName] = {
    "": "bf16",
    "fp16": "bf16",  # 16 bits either way
    "bf16": "bf16",
    "fp8": "fp8",
    "int8": "int8",
    "int4": "int4",
    "fp4": "nvfp4",
    "nvfp4": "nvfp4",
    "mxfp4": "mxfp4",
}
HELIX_CONTEXT_TOKENS = 870.0
"""Decode context of the files with `tokens_or_batch`: not documented there, inferred by the
compilers of the measurements from the trace those were made for."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of a file, and what it asks for.

    Attributes:
        observations: what the row times, by name: `latency`, or `prefill` and `decode`.
        kv_offloaded, weights_offloaded: parts of KV cache and weights in host memory.
        unstated: whether something is in host memory without the row saying how much.
        concurrent: whether the stated batch ran at once.
        suspect: what is odd about it; empty if nothing.
    """

    record: Record
    observations: dict[str, Observation] = field(default_factory=dict)
    kv_offloaded: float = 0.0
    weights_offloaded: float = 0.0
    unstated: bool = False
    concurrent: bool = True
    suspect: str = ""


def read_measured(record: Record) -> Measured:
    """What a row times.

    Raises:
        CatalogError: a value is missing, not a number or out of range (file, row, column,
            value, rule), or a name is unknown.
    """
    kinds = _kinds(record)
    common = _common(record)
    base = next(iter(kinds.values()))
    found: dict[str, Observation] = {}
    for name, kind in kinds.items():
        found[name] = _sized(record, replace(common, kind=kind), several=len(kinds) > 1)
    offload = {}
    for key in ("kv", "weights"):
        share = record.first((f"{key}_gpu_frac",))[1]
        offload[key] = 1.0 - record.share(f"{key}_gpu_frac") if share is not None else 0.0
    if record.has("kv_offload_frac"):
        offload["kv"] = record.share("kv_offload_frac")
    flags = [c for c in ("suspect", "derived") if record.truth(c)]
    return Measured(
        record,
        found,
        kv_offloaded=offload["kv"],
        weights_offloaded=offload["weights"],
        unstated=record.text(("lowest_tier",)) in ("cpu", "disk")
        and not (offload["kv"] or offload["weights"]),
        concurrent=record.truth("batch_is_concurrent") is not False or base != "batch",
        suspect=", ".join(flags),
    )


def _kinds(record: Record) -> dict[str, Kind]:
    """The times a row holds or asks for."""
    said = record.text(("phase", "kind")).casefold().replace(" ", "_")
    if record.has("kv_offload_frac"):
        return {"prefill": "prefill", "decode": "decode", "latency": "batch"}
    if said:
        kind = PHASES.get(said.removeprefix("layer_").removesuffix("_layer"))
        if kind is None:
            raise record.broken("phase", said, f"must be one of {', '.join(PHASES)}")
        return {"latency": kind}
    if record.has("sum_new_tokens"):
        return {"latency": "prefill"}
    if record.has("mean_ctx_tokens"):
        return {"latency": "decode"}
    if record.has("prefill_p50_s", "decode_step_p50_s") or "lowest_tier" in record.cells:
        return {"prefill": "prefill", "decode": "decode", "latency": "batch"}
    if record.first(("concurrency", "max_concurrency", "ttft_s", "tpot_s"))[0]:
        return {"latency": "serving"}
    if record.first(OUTPUT)[0]:
        return {"latency": "batch"}
    raise record.broken("phase", "", "is missing: the row does not say what it times")


def _common(record: Record) -> Observation:
    """Everything but kind and sizes."""
    gpu, link = find_gpu(record)
    text = record.text(("precision",)).casefold()
    precision = PRECISIONS.get(text.split("/")[0].split(" ")[0])
    if precision is None:
        raise record.broken("precision", text, f"must be one of {', '.join(PRECISIONS)}")
    n_gpus, way = parallelism(record)
    return Observation(
        gpu=gpu,
        link_bytes_per_s=link,
        n_gpus=n_gpus,
        architecture=find_architecture(record),
        kind="batch",
        batch=1.0,
        input_tokens=1.0,
        precision=precision,
        software=software_name(record) + way,
        layer_only=record.has("layer_time_s") or "layer" in record.text(("phase",)),
        source=record.text(("source", "source_tag")) or record.path.stem,
    )


def _sized(record: Record, base: Observation, several: bool) -> Observation:
    """The sizes and the measured time of one kind."""
    kind = base.kind
    output = int(record.number_of(OUTPUT, MOST_TOKENS, 1.0))
    if record.has("sum_new_tokens"):
        batch = record.number_of(("n_new", "batch"), MOST_BATCH, 1.0)
        tokens = record.number_of(("sum_new_tokens",), MOST_TOKENS) / batch
    elif record.has("tokens_or_batch"):
        size = record.number_of(("tokens_or_batch",), MOST_TOKENS)
        batch = 1.0 if kind == "prefill" else size
        tokens = size if kind == "prefill" else HELIX_CONTEXT_TOKENS
    else:
        columns: tuple[str, ...] = BATCH
        if kind == "serving" and not base.software.endswith(COPIES):
            # Beside a batch size, concurrency is that of several replicas.
            columns = ("batch_size", *BATCH)
        batch = record.number_of(columns, MOST_BATCH, 1.0 if kind == "prefill" else None)
        tokens = record.number_of(INPUT, MOST_TOKENS)
    if kind in ("batch", "serving") and not record.first(OUTPUT)[0]:
        raise record.broken("output_tokens", "", "is missing")
    timed = SECONDS[kind][1:] if several else SECONDS[kind]
    given = record.first(timed)[0]
    waited = record.first(("ttft_s",))[0] and kind == "serving"
    return replace(
        base,
        batch=batch,
        input_tokens=tokens,
        output_tokens=output if kind != "prefill" else 1,
        seconds=record.number_of(timed, MOST_SECONDS) if given else None,
        ttft_s=record.number_of(("ttft_s",), MOST_SECONDS) if waited else None,
    )
