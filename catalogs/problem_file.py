"""Problems as people write them: YAML, TOML or JSON, with names instead of values.

`load_problem` resolves the names (architectures, VM types, calibrations) and returns a
`FleetProblem` that needs no file any more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.calibration import ANY, Calibration
from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.outcome import CatalogError, ProblemError
from ..models.value import Positive, Value
from .architectures import load_architecture
from .calibrations import load_calibrations
from .melange import is_melange, parse_melange
from .plain_data import FORMATS, read_data
from .rules import Names, spelled_out, with_hours, with_rules, with_throughput
from .stated_offers import with_stated_offers
from .store import Catalog, load_catalog

EXAMPLES = Path(__file__).resolve().parent / "data" / "problems"
EXAMPLE_PREFIX = "example:"

DEMAND = ("workloads", "measured")
PLAIN = ("billing", "confidence", "quotas", "budget", "horizon", "zones_per_region")
"""Fields that a file spells as `FleetProblem` does."""
SUPPLY = ("catalog", "offers", "reserved", "calibrations")


class CatalogFilter(Value):
    """Which offers a problem may buy. Every field narrows; an absent one does not.

    Attributes:
        name: a shipped catalogue (`clouds`, `paper`), or a folder or CSV file of one's own.
        max_usd_per_hour: dearest price of one VM [USD/h].
    """

    name: str = "clouds"
    provider: Names | None = None
    regions: Names | None = None
    purchase: Names | None = ("on_demand",)
    gpus: Names | None = None
    vm_types: Names | None = None
    families: Names | None = None
    max_usd_per_hour: Positive | None = None

    def select(self) -> Catalog:
        """The offers that pass.

        Raises:
            CatalogError: a name is unknown, or nothing passes.
        """
        filters = {k: v for k, v in self if k != "name"}
        for field, value in filters.items():
            if isinstance(value, tuple) and len(value) == 1:  # `all` is no name among others
                filters[field] = value[0]
        return load_catalog(self.name).select(**filters)


def example_names() -> tuple[str, ...]:
    """Problems that ship with the package, for `load_problem("example:NAME")`."""
    return tuple(sorted(path.stem for path in EXAMPLES.iterdir() if path.suffix in FORMATS))


def load_problem(path: str | os.PathLike[str]) -> FleetProblem:
    """Read a problem file, or the shipped example `example:NAME`.

    Raises:
        ProblemError: the file cannot be read, is malformed (with its line), or a value
            breaks a rule (field, value, rule).
        CatalogError: a name is in no catalogue; offers the nearest.
    """
    name = os.fspath(path)
    if (data := example_data(name)) is not None:
        return parse_problem(data)
    return parse_problem(read_data(Path(name)), Path(name).parent)


def example_data(name: str) -> object:
    """The plain data of `example:NAME`; None where the name is none of an example.

    Raises:
        CatalogError: no example has that name.
    """
    if not name.startswith(EXAMPLE_PREFIX):
        return None
    return read_data(_example(name.removeprefix(EXAMPLE_PREFIX)))


def parse_problem(data: object, folder: Path | None = None) -> FleetProblem:
    """A problem from plain data, in the same words as the file.

    Args:
        data: what the file holds; or a whole `FleetProblem` as JSON, in which nothing is a name.
        folder: where paths in it start; the current folder unless given.

    Raises:
        ProblemError, CatalogError: as `load_problem`.
    """
    if not isinstance(data, Mapping):
        raise ProblemError("problem", data, "must be a table with the field workloads")
    if is_melange(data):
        return parse_melange(data)
    if isinstance(data.get("calibrations"), list):  # values, not names: `FleetProblem` as JSON
        return FleetProblem.parse(data)
    _check_fields(data)
    offers = _offers(data, folder)
    gpus = {offer.vm_type.gpu.name for offer in offers}
    fields: dict[str, Any] = {field: data[field] for field in PLAIN if field in data}
    fields["workloads"] = [
        with_rules(_with_architecture(w, i, folder), f"workloads[{i}]", gpus)
        for i, w in enumerate(data.get("workloads", ()))
    ]
    fields["measured"] = [
        with_throughput(with_rules(m, f"measured[{i}]", gpus))
        for i, m in enumerate(data.get("measured", ()))
    ]
    if isinstance(quotas := data.get("quotas"), list):
        fields["quotas"] = [spelled_out(q, f"quotas[{i}]", gpus) for i, q in enumerate(quotas)]
    if "horizon" in data:
        fields["horizon"] = with_hours(data["horizon"])
    calibrations = _calibrations(data, folder) if fields["workloads"] else ()
    return FleetProblem.parse({**fields, "offers": offers, "calibrations": calibrations})


def _calibrations(data: Mapping[str, Any], folder: Path | None) -> tuple[Calibration, ...]:
    """Those shipped that plans use; rows of the problem's own file come first."""
    found = {(c.gpu, c.engine): c for c in load_calibrations() if c.plans and c.gpu != ANY}
    if (name := data.get("calibrations")) is not None:
        if not isinstance(name, str):
            raise ProblemError("calibrations", name, "must be the path of a CSV file")
        path = str(folder / name) if folder else name
        own = [c for c in load_calibrations(path) if c.plans]
        # A GPU measured by the user keeps no shipped row under another engine.
        found = {key: c for key, c in found.items() if key[0] not in {c.gpu for c in own}}
        found |= {(c.gpu, c.engine): c for c in own}
    return tuple(found.values())


def _check_fields(data: Mapping[str, object]) -> None:
    """Refuse a problem without demand, and fields that nobody reads."""
    asked = [field for field in DEMAND if field in data] or ["workloads"]
    for field in asked:
        demand = data.get(field)
        if not isinstance(demand, list) or not demand:
            raise ProblemError(field, demand, "must be a list of at least one workload")
    unknown = set(data) - {*DEMAND, *PLAIN, *SUPPLY}
    if unknown:
        raise ProblemError(min(map(str, unknown)), None, "is not a known field")


def _offers(data: Mapping[str, object], folder: Path | None) -> tuple[Offer, ...]:
    """What may be bought: of a catalogue unless the file names offers alone, and as it says."""
    catalog, bought = None, tuple[Offer, ...]()
    if "catalog" in data or "offers" not in data:
        chosen = CatalogFilter.parse_at("catalog", data.get("catalog", {}))
        chosen = chosen.replace(name=_located(chosen.name, folder))
        catalog, bought = load_catalog(chosen.name), chosen.select().offers
    return with_stated_offers(bought, data.get("offers", []), data.get("reserved", []), catalog)


def _located(name: str, folder: Path | None) -> str:
    """A path as seen from `folder` where something lies there; else the name as it is."""
    path = Path(name) if folder is None else folder / name
    return str(path) if os.path.exists(path) else name  # noqa: PTH110 - a bad name is no error


def _with_architecture(workload: object, index: int, folder: Path | None) -> object:
    """The workload with its architecture's name replaced by the value."""
    if not isinstance(workload, Mapping):
        raise ProblemError(f"workloads[{index}]", workload, "must be a table")
    name = workload.get("architecture")
    if not isinstance(name, str):
        field = f"workloads[{index}].architecture"
        raise ProblemError(field, name, "must be the name of an LLM or the path of a config.json")
    try:
        return {**workload, "architecture": load_architecture(_located(name, folder))}
    except CatalogError as error:
        raise CatalogError(f"workloads[{index}].architecture: {error}") from None
    except ProblemError as error:
        field = f"workloads[{index}].architecture ({name}): {error.field}"
        raise ProblemError(field, error.value, error.rule) from None


def _example(name: str) -> Path:
    if name not in example_names():
        raise CatalogError.unknown("example", name, example_names())
    return next(p for p in EXAMPLES.iterdir() if p.stem == name and p.suffix in FORMATS)
