"""Load catalogues of offers.

`clouds` holds real prices of nine clouds, `paper` the four VMs of the InferSave paper's
Table IV; a folder or a CSV file of offers in the same format is a catalogue too.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from ..models.hardware import GPU, VMType
from ..models.outcome import CatalogError
from .catalog import Catalog
from .readers import read_gpus, read_offers, read_vm_types

__all__ = ["Catalog", "load_catalog", "load_gpus", "load_vm_types"]

DATA = Path(__file__).resolve().parent / "data"
SHIPPED = {"clouds": DATA, "paper": DATA / "paper"}


def load_catalog(name: str | os.PathLike[str] = "clouds") -> Catalog:
    """A shipped catalogue by name, or one's own by path.

    A folder holds offers.csv, and vm_types.csv and gpus.csv for what the shipped `clouds`
    lack or say otherwise; a file is an offers.csv by itself. catalogs/README.md has the
    columns.

    >>> [offer.key for offer in load_catalog("paper").select(gpus="T4").offers]
    ['aws:g4dn.xlarge@us-east-1/on_demand']

    Raises:
        CatalogError: no such catalogue, or a row is broken (file, row, column, value, rule).
    """
    if isinstance(name, str) and name in SHIPPED:
        return _shipped(name)
    path = Path(name)
    try:
        if path.is_dir():
            return _own(path / "offers.csv", path / "vm_types.csv", path / "gpus.csv")
        if path.is_file():
            return _own(path, None, None)
    except OSError as error:  # such as a name too long for the file system
        raise CatalogError(f"{str(name)!r:.80} cannot be read: {error.strerror}") from None
    raise CatalogError.unknown("catalogue, nor a file or folder", str(name), SHIPPED)


def load_gpus(name: str = "clouds") -> tuple[GPU, ...]:
    """Every GPU that a shipped catalogue describes, on offer or not, by name."""
    return tuple(_gpus(_checked(name)).values())


def load_vm_types(name: str = "clouds") -> tuple[VMType, ...]:
    """Every VM type that a shipped catalogue describes, by provider and name."""
    return tuple(_vm_types(_checked(name)).values())


def _checked(name: str) -> str:
    if name not in SHIPPED:
        raise CatalogError.unknown("catalogue", name, SHIPPED)
    return name


@lru_cache(maxsize=len(SHIPPED))
def _gpus(name: str) -> dict[str, GPU]:
    return read_gpus(SHIPPED[name] / "gpus.csv")


@lru_cache(maxsize=len(SHIPPED))
def _vm_types(name: str) -> dict[str, VMType]:
    return read_vm_types(SHIPPED[name] / "vm_types.csv", _gpus(name))


@lru_cache(maxsize=len(SHIPPED))
def _shipped(name: str) -> Catalog:
    return Catalog(offers=read_offers(SHIPPED[name] / "offers.csv", _vm_types(name)), name=name)


def _own(offers: Path, vm_types: Path | None, gpus: Path | None) -> Catalog:
    """A user's catalogue: own rows first, the shipped ones for the rest."""
    known_gpus, known_vm_types = _gpus("clouds"), _vm_types("clouds")
    if gpus and gpus.exists():
        known_gpus = known_gpus | read_gpus(gpus)
        # The shipped VM types take the user's figures of their GPU too.
        known_vm_types = read_vm_types(SHIPPED["clouds"] / "vm_types.csv", known_gpus)
    if vm_types and vm_types.exists():
        known_vm_types = known_vm_types | read_vm_types(vm_types, known_gpus)
    return Catalog(offers=read_offers(offers, known_vm_types), name=str(offers))
