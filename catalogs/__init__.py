"""Facts about the world, each with a source and a date: prices, GPUs, VM types, LLM shapes.

Names are loaded when first used: looking up a price reads no architecture.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .architectures import architecture_names, load_architecture
    from .calibrations import load_calibrations
    from .problem_file import example_names, load_problem, parse_problem
    from .store import Catalog, load_catalog, load_gpus, load_vm_types

__all__ = [
    "Catalog",
    "architecture_names",
    "example_names",
    "load_architecture",
    "load_calibrations",
    "load_catalog",
    "load_gpus",
    "load_problem",
    "load_vm_types",
    "parse_problem",
]

_HOME = {
    "architectures": ("architecture_names", "load_architecture"),
    "calibrations": ("load_calibrations",),
    "problem_file": ("example_names", "load_problem", "parse_problem"),
    "store": ("Catalog", "load_catalog", "load_gpus", "load_vm_types"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value
