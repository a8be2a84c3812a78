"""All facts about one VM type, GPU or LLM, as a row with lists of further rows."""

from __future__ import annotations

from collections.abc import Sequence

from ..catalogs.calibrations import load_calibrations
from ..catalogs.store import load_catalog
from ..models.architecture import Architecture
from ..models.hardware import GPU, Offer, VMType
from ..models.memory import weight_bytes
from ..models.precision import PRECISIONS
from . import catalog_rows as rows
from .catalog_rows import Row

Fact = tuple[str, Row]
"""What kind of thing it is, and its row; lists in the row are tables of their own."""


def about(thing: VMType | GPU | Architecture, catalog: str) -> Fact:
    """The facts about one thing, with prices of a catalogue."""
    if isinstance(thing, Architecture):
        return "architecture", _architecture(thing)
    offers = sorted(load_catalog(catalog).offers, key=lambda o: (o.usd_per_hour, o.key))
    if isinstance(thing, GPU):
        return "gpu", _gpu(thing, offers)
    return "vm_type", _vm_type(thing, offers)


def _vm_type(vm_type: VMType, offers: Sequence[Offer]) -> Row:
    link = vm_type.link
    return {
        **rows.vm_type_row(vm_type, offers),
        "h2d_bytes_per_s_one_gpu": link.h2d_bytes_per_s,
        "d2h_bytes_per_s_one_gpu": link.d2h_bytes_per_s,
        "offers": [rows.offer_row(o) for o in offers if o.vm_type.key == vm_type.key],
        "calibrations": _calibrations(vm_type.gpu),
    }


def _gpu(gpu: GPU, offers: Sequence[Offer]) -> Row:
    vm_types = {o.vm_type.key: o.vm_type for o in offers if o.vm_type.gpu.name == gpu.name}
    return {
        **rows.gpu_row(gpu, offers, load_calibrations()),
        "vm_types": [rows.vm_type_row(vm_type, offers) for vm_type in vm_types.values()],
        "calibrations": _calibrations(gpu),
    }


def _architecture(architecture: Architecture) -> Row:
    return {
        **rows.architecture_row(architecture),
        "hidden_size": architecture.hidden_size,
        "vocabulary": architecture.vocabulary,
        "heads": architecture.heads,
        "weight_bytes": {name: weight_bytes(architecture, name) for name in PRECISIONS},
        "groups": [
            {**group.model_dump(mode="json"), "params": group.params}
            for group in architecture.groups
        ],
    }


def _calibrations(gpu: GPU) -> list[Row]:
    return [rows.calibration_row(c) for c in load_calibrations() if c.gpu == gpu.name]
