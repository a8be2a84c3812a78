"""Facts on the screen: labelled values, then tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .catalog_columns import GIB, Shown, columns_of, whole
from .catalog_facts import Fact
from .screen import Screen
from .words import percent, three_digits, usd


def show_facts(screen: Screen, facts: Sequence[Fact]) -> None:
    """Each thing under its name."""
    for kind, row in facts:
        screen.gap()
        name = f"{row['provider']}:{row[kind]}" if kind == "vm_type" else str(row[kind])
        screen.headline(f"{name} ({WORDS[kind]})")
        screen.facts((f.title, f.text(row[f.field])) for f in FACTS[kind])
        for field, listing in TABLES:
            table = row.get(field)
            if isinstance(table, list) and table:
                screen.table(*columns_of(listing, table))


WORDS = {"vm_type": "VM type", "gpu": "GPU", "architecture": "LLM architecture"}
TABLES = (
    ("groups", "groups"),
    ("calibrations", "calibrations"),
    ("vm_types", "vm-types"),
    ("offers", "offers"),
)
"""Field of a row -> how its sub-rows are listed."""


def _in(unit: float, name: str) -> Callable[[float], str]:
    """A quantity with its unit."""
    return lambda value: f"{three_digits(value / unit)} {name}"


_GIB, _KIB = _in(GIB, "GiB"), _in(2.0**10, "KiB")
_GB_PER_S, _TB_PER_S = _in(1e9, "GB/s"), _in(1e12, "TB/s")
_TFLOP_PER_S = _in(1e12, "TFLOP/s")
_BILLIONS = _in(1e9, "billion")

FACTS: dict[str, tuple[Shown, ...]] = {
    "vm_type": (
        Shown("gpu", "GPU"),
        Shown("n_gpus", "GPUs", whole),
        Shown("gpu_share", "part of each GPU", percent),
        Shown("gpu_memory_bytes", "memory of each GPU", _GIB),
        Shown("vcpus", "vCPUs", whole),
        Shown("host_memory_bytes", "host memory", _GIB),
        Shown("h2d_bytes_per_s_one_gpu", "host to GPU, one copies", _GB_PER_S),
        Shown("h2d_bytes_per_s_all_gpus", "host to GPU, all copy", _GB_PER_S),
        Shown("d2h_bytes_per_s_one_gpu", "GPU to host, one copies", _GB_PER_S),
        Shown("d2h_bytes_per_s_all_gpus", "GPU to host, all copy", _GB_PER_S),
        Shown("link_basis", "host link known from"),
        Shown("gpu_link_bytes_per_s", "GPU to GPU", _GB_PER_S),
        Shown("family", "family"),
        Shown("source", "source"),
    ),
    "gpu": (
        Shown("memory_bytes", "memory", _GIB),
        Shown("memory_bytes_per_s", "memory bandwidth", _TB_PER_S),
        Shown("flops_per_s", "FP16, dense", _TFLOP_PER_S),
        Shown("fp8_flops_per_s", "FP8, dense", _TFLOP_PER_S),
        Shown("least_usd_per_gpu_hour", "least USD per GPU-hour", usd),
        Shown("source", "source"),
    ),
    "architecture": (
        Shown("params", "parameters", _BILLIONS),
        Shown("active_params", "used by a token", _BILLIONS),
        Shown("weight_bytes", "weights", _GIB),
        Shown("kv_bytes_per_token", "KV cache per token, fp16", _KIB),
        Shown("layers", "layers", whole),
        Shown("attention", "attention"),
        Shown("hidden_size", "hidden size", whole),
        Shown("heads", "attention heads", whole),
        Shown("vocabulary", "vocabulary", whole),
        Shown("max_context_tokens", "longest context, tokens", whole),
        Shown("native_precision", "published in"),
        Shown("source", "source"),
    ),
}
"""Kind -> what is said of it, in order."""
