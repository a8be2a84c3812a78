"""What the catalogue commands list, as plain rows: the JSON, and what the tables show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ..catalogs.catalog import Catalog
from ..models.architecture import Architecture
from ..models.calibration import Calibration
from ..models.hardware import GPU, Offer, VMType
from ..models.precision import KV_BYTES
from ..models.topology import host_rates

Row = dict[str, object]
Key = TypeVar("Key", str, tuple[str, str])


def offer_row(offer: Offer) -> Row:
    """A price."""
    vm_type = offer.vm_type
    return {
        "provider": vm_type.provider,
        "vm_type": vm_type.name,
        "region": offer.region,
        "purchase": offer.purchase,
        "gpu": vm_type.gpu.name,
        "n_gpus": vm_type.n_gpus * vm_type.gpu_share,
        "usd_per_hour": offer.usd_per_hour,
        "date": offer.date,
        "source": offer.source,
    }


def vm_type_row(vm_type: VMType, offers: Iterable[Offer]) -> Row:
    """A machine, its host link when all its GPUs copy at once, and its cheapest price."""
    rates = host_rates(vm_type.n_gpus, vm_type.link)
    prices = [o.usd_per_hour for o in offers if o.vm_type.key == vm_type.key]
    return {
        "provider": vm_type.provider,
        "vm_type": vm_type.name,
        "family": vm_type.family,
        "gpu": vm_type.gpu.name,
        "n_gpus": vm_type.n_gpus,
        "gpu_share": vm_type.gpu_share,
        "gpu_memory_bytes": (vm_type.gpu.memory_bytes or 0.0) * vm_type.gpu_share,
        "vcpus": vm_type.vcpus,
        "host_memory_bytes": vm_type.host_memory_bytes,
        "h2d_bytes_per_s_all_gpus": rates.h2d_bytes_per_s,
        "d2h_bytes_per_s_all_gpus": rates.d2h_bytes_per_s,
        "gpu_link_bytes_per_s": vm_type.gpu_link_bytes_per_s,
        "least_usd_per_hour": min(prices, default=None),
        "link_basis": vm_type.link.basis,
        "source": vm_type.source,
    }


def gpu_row(gpu: GPU, offers: Iterable[Offer], calibrations: Iterable[Calibration]) -> Row:
    """An accelerator, how its times are predicted, and what it costs at least."""
    mine = [o for o in offers if o.vm_type.gpu.name == gpu.name]
    kinds = sorted({c.kind for c in calibrations if c.gpu == gpu.name})
    return {
        "gpu": gpu.name,
        "memory_bytes": gpu.memory_bytes,
        "memory_bytes_per_s": gpu.memory_bytes_per_s,
        "flops_per_s": gpu.flops_per_s,
        "fp8_flops_per_s": gpu.fp8_flops_per_s,
        "vm_types": len({o.vm_type.key for o in mine}),
        "least_usd_per_gpu_hour": min((_usd_per_gpu_hour(o) for o in mine), default=None),
        "calibration": " and ".join(kinds) or "none",
        "source": gpu.source,
    }


def _usd_per_gpu_hour(offer: Offer) -> float:
    return offer.usd_per_hour / (offer.vm_type.n_gpus * offer.vm_type.gpu_share)


def architecture_row(architecture: Architecture) -> Row:
    """An LLM's shape. `kv_bytes_per_token` is of one more token while no window is full."""
    groups = architecture.groups
    active = sum(group.count * group.active_params for group in groups)
    values = sum(group.count * group.kv_values_per_token for group in groups)
    return {
        "architecture": architecture.name,
        "params": architecture.params,
        "active_params": active + architecture.head_params,
        "layers": architecture.n_layers,
        "attention": " and ".join(dict.fromkeys(group.attention for group in groups)),
        "kv_bytes_per_token": values * KV_BYTES["fp16"],
        "max_context_tokens": architecture.max_context_tokens,
        "native_precision": architecture.native_precision,
        "source": architecture.source,
    }


def calibration_row(calibration: Calibration) -> Row:
    """How well the times of a GPU are known."""
    return calibration.model_dump(mode="json", exclude={"prefill", "decode"})


def provider_rows(catalog: Catalog) -> list[Row]:
    """One row for each provider."""
    groups = _grouped((o.vm_type.provider, o) for o in catalog.offers)
    return [{"provider": name, **_counts(mine)} for name, mine in groups.items()]


def region_rows(catalog: Catalog) -> list[Row]:
    """One row for each region of each provider."""
    groups = _grouped(((o.vm_type.provider, o.region), o) for o in catalog.offers)
    return [{"provider": p, "region": r, **_counts(mine)} for (p, r), mine in groups.items()]


def _grouped(pairs: Iterable[tuple[Key, Offer]]) -> dict[Key, list[Offer]]:
    """The offers of each key, keys in order."""
    groups: dict[Key, list[Offer]] = {}
    for key, offer in sorted(pairs, key=lambda pair: pair[0]):
        groups.setdefault(key, []).append(offer)
    return groups


def _counts(offers: list[Offer]) -> Row:
    return {
        "vm_types": len({o.vm_type.key for o in offers}),
        "gpus": len({o.vm_type.gpu.name for o in offers}),
        "regions": len({o.region for o in offers}),
        "on_demand_offers": sum(o.purchase == "on_demand" for o in offers),
        "spot_offers": sum(o.purchase == "spot" for o in offers),
        "dates": sorted({o.date for o in offers}),
    }
