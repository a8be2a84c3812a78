"""Read the catalogue's CSV tables into values; a broken row says where and why.

A table is read once and each GPU and VM type is built once: offers share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ..models.hardware import GPU, HostLink, Offer, PurchaseOption, VMType
from ..models.outcome import CatalogError, ProblemError
from .tables import Row, rows

GPU_COLUMNS = ("name", "memory_bytes", "flops_per_s", "memory_bytes_per_s", "source", "date")
GPU_OPTIONAL = ("fp8_flops_per_s", "paper_tflops", "note")

LINK_COLUMNS = (
    "h2d_bytes_per_s",
    "d2h_bytes_per_s",
    "gpus_per_uplink",
    "uplink_h2d_bytes_per_s",
    "uplink_d2h_bytes_per_s",
)
VM_COLUMNS = (
    *("provider", "vm_type", "family", "gpu", "n_gpus", "host_memory_bytes"),
    *LINK_COLUMNS,
    *("link_basis", "gpu_link_bytes_per_s", "source", "date"),
)
VM_OPTIONAL = ("gpu_share", "vcpus", "gpu_link_basis", "note")

OFFER_COLUMNS = (
    *("provider", "vm_type", "region", "purchase", "usd_per_hour"),
    *("source", "date"),
)
OFFER_OPTIONAL = ("note",)

VM_COLUMN_OF_FIELD = {"name": "vm_type"}
"""Where a column of vm_types.csv is not called as the field that it fills."""


def read_gpus(path: Path) -> dict[str, GPU]:
    """gpus.csv: name -> GPU."""
    gpus: dict[str, GPU] = {}
    for row in rows(path, GPU_COLUMNS, GPU_OPTIONAL):
        if row.text("name") in gpus:
            raise row.broken("name", "must be unique")
        fp8 = row.real("fp8_flops_per_s") if row.text("fp8_flops_per_s") else None
        values = [row.real(c) for c in ("memory_bytes", "flops_per_s", "memory_bytes_per_s")]
        try:
            gpus[row.text("name")] = GPU(
                name=row.text("name"),
                memory_bytes=values[0],
                flops_per_s=values[1],
                fp8_flops_per_s=fp8,
                memory_bytes_per_s=values[2],
                source=row.sourced(),
            )
        except ProblemError as error:
            raise row.wrong(error, {}) from None
    return gpus


def read_vm_types(path: Path, gpus: Mapping[str, GPU]) -> dict[str, VMType]:
    """vm_types.csv: `provider:name` -> VMType, its GPU being one of `gpus`."""
    vm_types: dict[str, VMType] = {}
    for row in rows(path, VM_COLUMNS, VM_OPTIONAL):
        try:
            vm_type = _vm_type(row, gpus)
        except ProblemError as error:
            raise row.wrong(error, VM_COLUMN_OF_FIELD) from None
        if vm_type.key in vm_types:
            raise row.broken("vm_type", "must be unique for its provider")
        vm_types[vm_type.key] = vm_type
    return vm_types


def _vm_type(row: Row, gpus: Mapping[str, GPU]) -> VMType:
    gpu = gpus.get(row.text("gpu"))
    if gpu is None:
        raise CatalogError.unknown("GPU", row.text("gpu"), gpus, row.place("gpu"))
    link = HostLink(
        h2d_bytes_per_s=row.real("h2d_bytes_per_s"),
        d2h_bytes_per_s=row.real("d2h_bytes_per_s"),
        gpus_per_uplink=row.whole("gpus_per_uplink"),
        uplink_h2d_bytes_per_s=row.real("uplink_h2d_bytes_per_s"),
        uplink_d2h_bytes_per_s=row.real("uplink_d2h_bytes_per_s"),
        basis=row.text("link_basis"),
    )
    return VMType(
        provider=row.text("provider"),
        name=row.text("vm_type"),
        family=row.text("family"),
        gpu=gpu,
        n_gpus=row.whole("n_gpus"),
        gpu_share=row.real("gpu_share") if row.text("gpu_share") else 1.0,
        vcpus=row.whole("vcpus") if row.text("vcpus") else None,
        host_memory_bytes=row.real("host_memory_bytes"),
        host_link=link,
        gpu_link_bytes_per_s=row.real("gpu_link_bytes_per_s"),
        source=f"{row.sourced()}; GPU link: {row.text('gpu_link_basis') or 'as given'}",
    )


def read_offers(path: Path, vm_types: Mapping[str, VMType]) -> tuple[Offer, ...]:
    """offers.csv, in the order of the file, each on one of `vm_types`."""
    offers: dict[str, Offer] = {}
    for row in rows(path, OFFER_COLUMNS, OFFER_OPTIONAL):
        key = f"{row.text('provider')}:{row.text('vm_type')}"
        if key not in vm_types:
            raise CatalogError.unknown("VM type", key, vm_types, row.place("vm_type"))
        try:
            offer = Offer(
                vm_type=vm_types[key],
                region=row.text("region"),
                purchase=cast(PurchaseOption, row.text("purchase")),  # Offer checks it
                usd_per_hour=row.real("usd_per_hour"),
                source=row.sourced(),
                date=row.text("date"),
            )
        except ProblemError as error:
            raise row.wrong(error, {}) from None
        if offer.key in offers:
            raise row.broken("region", f"must be unique: {offer.key} is there twice")
        offers[offer.key] = offer
    if not offers:
        raise CatalogError(f"{path}: has no offers")
    return tuple(offers.values())


def read_aliases(path: Path) -> dict[str, frozenset[str]]:
    """gpu_aliases.csv: short key of a price list -> the GPUs it may mean."""
    aliases: dict[str, frozenset[str]] = {}
    for row in rows(path, ("alias", "gpu"), ("note",)):
        alias = row.text("alias")
        aliases[alias] = aliases.get(alias, frozenset()) | {row.text("gpu")}
    return aliases
