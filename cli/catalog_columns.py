"""Which fields of a row a catalogue table shows, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .catalog_rows import Row
from .tables import Column, name_column, number_column, prose_column
from .words import NOTHING, percent, three_digits, usd

GIB = 2.0**30


@dataclass(frozen=True, slots=True)
class Shown:
    """One field as a column.

    Attributes:
        field: of the row.
        title: of the column, with the unit.
        show: number to text; None for names and prose.
        prose: whether it may be wrapped between words.
    """

    field: str
    title: str
    show: Callable[[float], str] | None = None
    prose: bool = False

    def column(self, rows: Sequence[Row]) -> Column:
        """The column of these rows."""
        cells = tuple(self.text(row[self.field]) for row in rows)
        if self.show is not None:
            return number_column(self.title, cells)
        return prose_column(self.title, cells) if self.prose else name_column(self.title, cells)

    def text(self, value: object) -> str:
        """A value as people read it."""
        if value is None or value == "":
            return NOTHING
        if self.show is not None and isinstance(value, int | float):
            return self.show(value)
        if isinstance(value, dict):
            return ", ".join(f"{self.text(each)} in {name}" for name, each in value.items())
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def columns_of(what: str, rows: Sequence[Row]) -> tuple[list[Column], list[Column]]:
    """Key columns, then the others."""
    n_keys, shown = LISTINGS[what]
    columns = [field.column(rows) for field in shown]
    return columns[:n_keys], columns[n_keys:]


def whole(value: float) -> str:
    """A count."""
    return f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}"


def scaled(unit: float) -> Callable[[float], str]:
    """A quantity in a larger unit.

    >>> scaled(1e9)(6226760000.0)
    '6.23'
    """
    return lambda value: three_digits(value / unit)


_OFFERS = (
    Shown("vm_type", "VM type"),
    Shown("provider", "provider"),
    Shown("region", "region"),
    Shown("purchase", "purchase"),
    Shown("n_gpus", "GPUs", whole),
    Shown("gpu", "GPU"),
    Shown("usd_per_hour", "USD/h", usd),
    Shown("date", "price of"),
)
_VM_TYPES = (
    Shown("vm_type", "VM type"),
    Shown("provider", "provider"),
    Shown("n_gpus", "GPUs", whole),
    Shown("gpu", "GPU"),
    Shown("gpu_memory_bytes", "GiB\neach", scaled(GIB)),
    Shown("host_memory_bytes", "host\nGiB", scaled(GIB)),
    Shown("h2d_bytes_per_s_all_gpus", "host to GPU,\nGB/s each", scaled(1e9)),
    Shown("least_usd_per_hour", "least\nUSD/h", usd),
)
_GPUS = (
    Shown("gpu", "GPU"),
    Shown("memory_bytes", "GiB", scaled(GIB)),
    Shown("memory_bytes_per_s", "TB/s", scaled(1e12)),
    Shown("flops_per_s", "FP16\nTFLOP/s", scaled(1e12)),
    Shown("fp8_flops_per_s", "FP8\nTFLOP/s", scaled(1e12)),
    Shown("vm_types", "VM\ntypes", whole),
    Shown("least_usd_per_gpu_hour", "least USD\nper GPU-h", usd),
    Shown("calibration", "calibration"),
)
_ARCHITECTURES = (
    Shown("architecture", "architecture"),
    Shown("params", "params,\nbillions", scaled(1e9)),
    Shown("active_params", "active,\nbillions", scaled(1e9)),
    Shown("layers", "layers", whole),
    Shown("kv_bytes_per_token", "KV KiB\nper token", scaled(2.0**10)),
    Shown("max_context_tokens", "longest\ncontext", whole),
    Shown("attention", "attention", prose=True),
)
_CALIBRATIONS = (
    Shown("gpu", "GPU"),
    Shown("engine", "engine"),
    Shown("kind", "kind"),
    Shown("prefill_residual", "prefill\nwithin", percent),
    Shown("decode_residual", "decode\nwithin", percent),
    Shown("rows", "rows", whole),
    Shown("max_batch", "batch\nto", whole),
    Shown("max_context_tokens", "context\nto", whole),
    Shown("max_gpus", "GPUs\nto", whole),
)
_GROUPS = (
    Shown("count", "layers", whole),
    Shown("attention", "attention", prose=True),
    Shown("window_tokens", "window,\ntokens", whole),
    Shown("params", "params each,\nmillions", scaled(1e6)),
    Shown("n_experts", "experts", whole),
    Shown("experts_per_token", "per\ntoken", whole),
    Shown("kv_values_per_token", "KV values\nper token", whole),
    Shown("query_heads", "query\nheads", whole),
    Shown("kv_heads", "KV\nheads", whole),
)
_EXAMPLES = (
    Shown("example", "example"),
    Shown("workload", "workload"),
    Shown("asks", "asks", prose=True),
)
_COUNTS = (
    Shown("vm_types", "VM types", whole),
    Shown("gpus", "GPUs", whole),
    Shown("on_demand_offers", "on\ndemand", whole),
    Shown("spot_offers", "spot", whole),
    Shown("dates", "prices of", prose=True),
)
LISTINGS: dict[str, tuple[int, tuple[Shown, ...]]] = {
    "offers": (1, _OFFERS),
    "vm-types": (1, _VM_TYPES),
    "gpus": (1, _GPUS),
    "architectures": (1, _ARCHITECTURES),
    "calibrations": (2, _CALIBRATIONS),
    "providers": (1, (Shown("provider", "provider"), Shown("regions", "regions", whole), *_COUNTS)),
    "regions": (2, (Shown("provider", "provider"), Shown("region", "region"), *_COUNTS)),
    "groups": (1, _GROUPS),
    "backends": (1, (Shown("backend", "backend"), Shown("state", "state", prose=True))),
    "examples": (2, _EXAMPLES),
}
"""What is listed -> its number of key columns, and its columns."""
