"""Shapes of LLMs by name: `data/architectures.toml`, or the user's own config.json."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ..models.architecture import Architecture
from ..models.hf_config import architecture_from_config
from ..models.outcome import CatalogError, ProblemError

FILE = Path(__file__).resolve().parent / "data" / "architectures.toml"
ABOUT = ("like", "published_params", "source", "date")
"""Keys of a table that are not fields of its config.json."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The file, parsed once; a table becomes an Architecture when it is asked for.

    Attributes:
        tables: identifier -> keys of its table.
        names: every identifier and alias -> identifier.
        folded: the same names without case -> as they are written.
    """

    tables: dict[str, dict[str, Any]]
    names: dict[str, str]
    folded: dict[str, str]


def architecture_names() -> tuple[str, ...]:
    """Identifiers of the catalogued architectures, without their aliases."""
    return tuple(sorted(_shelf().tables, key=str.casefold))


def load_architecture(name: str) -> Architecture:
    """An architecture of the catalogue, or of a Hugging Face config.json.

    Args:
        name: an identifier or alias, in any case, such as `meta-llama/Llama-3.1-8B` or
            `opt-13b`; else a path that ends in `.json`, or a folder with a config.json.

    Raises:
        CatalogError: no such architecture; names the nearest.
        ProblemError: the config.json cannot be read as an architecture.

    >>> load_architecture("llama-3.1-8b").params
    8030261248
    """
    shelf = _shelf()
    if (known := shelf.folded.get(name.casefold())) is not None:
        return _build(known)
    # Not cached: the file may change.
    if name.endswith(".json") or (name and os.path.isdir(name)):  # noqa: PTH112 (never raises)
        return Architecture.from_hf_config(name)
    raise CatalogError.unknown("architecture", name, shelf.names)


@lru_cache(maxsize=1)
def _shelf() -> _Shelf:
    with FILE.open("rb") as stream:
        content = tomllib.load(stream)
    tables: dict[str, dict[str, Any]] = content["architectures"]
    names = {name: name for name in tables} | content["aliases"]
    return _Shelf(tables, names, {name.casefold(): name for name in names})


@cache
def _build(name: str) -> Architecture:
    """The architecture of a name; a full identifier keeps it, a short one takes the model's."""
    shelf = _shelf()
    key = shelf.names[name]
    table = shelf.tables[key]
    fields = {**shelf.tables.get(table.get("like", ""), {}), **table}
    config = {field: value for field, value in fields.items() if field not in ABOUT}
    source = f"{table['source']}, {table['date']}"
    try:
        return architecture_from_config(config, name if "/" in name else key, source)
    except ProblemError as error:
        raise CatalogError(f"{FILE.name}: {key}: {error}") from None
