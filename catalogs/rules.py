"""Rules of a problem file as people write them: one name for a list of one, short GPU names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, Field

from ..models.limits import Selection
from ..models.outcome import CatalogError
from ..models.value import Name, Positive, Value
from .catalog import ALIASES
from .readers import read_aliases


def listed(value: object) -> object:
    """One name is a list of one: a union of both would name neither in its errors."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(listed)]
"""One name, or a list of them."""

MOST_PERIODS = 8784
"""Periods that `periods` may count: the hours of a leap year."""


class EvenPeriods(Value):
    """Periods of one length [h]."""

    periods: Annotated[int, Field(ge=1, le=MOST_PERIODS, strict=True)]
    hours: Positive = 1.0


def spelled_out(rule: object, path: str, gpus: Iterable[str]) -> object:
    """A selection or quota whose names are lists, and whose GPUs have their full names.

    Args:
        gpus: names of the GPUs on offer.

    Raises:
        CatalogError: a GPU that is not on offer under any of its names.
    """
    if not isinstance(rule, Mapping):
        return rule  # whose validation says what it must be
    fields = {k: listed(v) if k in Selection.model_fields else v for k, v in rule.items()}
    names: object = fields.get("gpus")
    if isinstance(names, list | tuple):
        fields["gpus"] = _full_names(names, f"{path}.gpus", sorted(set(gpus)))
    return fields


def with_rules(demand: object, path: str, gpus: Iterable[str]) -> object:
    """A workload, its `allow` and `forbid` spelled out."""
    if not isinstance(demand, Mapping):
        return demand
    rules = {
        field: spelled_out(demand[field], f"{path}.{field}", gpus)
        for field in ("allow", "forbid")
        if field in demand
    }
    return {**demand, **rules}


def with_throughput(demand: object) -> object:
    """A measured workload: one number of requests/s stands for a list of one."""
    if not isinstance(demand, Mapping) or not isinstance(demand.get("throughput"), list):
        return demand
    return {**demand, "throughput": [_one_class(entry) for entry in demand["throughput"]]}


def _one_class(entry: object) -> object:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("requests_per_s"), int | float):
        return entry
    return {**entry, "requests_per_s": [entry["requests_per_s"]]}


def with_hours(horizon: object) -> object:
    """A horizon, its hours counted out where it says `periods`.

    >>> with_hours({"periods": 3, "hours": 8, "startup_s": 60})
    {'startup_s': 60, 'hours': (8.0, 8.0, 8.0)}
    """
    if not isinstance(horizon, Mapping) or "periods" not in horizon:
        return horizon
    even = {field: horizon[field] for field in EvenPeriods.model_fields if field in horizon}
    periods = EvenPeriods.parse_at("horizon", even)
    rest = {field: value for field, value in horizon.items() if field not in even}
    return {**rest, "hours": (periods.hours,) * periods.periods}


@lru_cache(maxsize=1)
def _aliases() -> dict[str, frozenset[str]]:
    return read_aliases(ALIASES)


def _full_names(names: Iterable[object], path: str, offered: list[str]) -> list[object]:
    """Each name as the GPUs on offer it may mean."""
    full: list[object] = []
    for index, name in enumerate(names):
        if not isinstance(name, str):
            full.append(name)
            continue
        meant = [gpu for gpu in offered if gpu == name or gpu in _aliases().get(name, ())]
        if not meant:
            raise CatalogError.unknown("GPU", name, offered, f"{path}[{index}]")
        full += meant
    return full
