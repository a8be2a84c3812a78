"""`infersave catalog list`: rows of one kind, filtered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from cyclopts import App

from ..models.outcome import ProblemError
from .filters import Filters, flag, select_offers
from .output import JsonFlag, print_json

app = App(
    name="list",
    help_epilogue="""Examples:
  infersave catalog list --provider aws --region us-east-1 --purchase on_demand
  infersave catalog list vm-types --gpu H100-SXM --max-usd-per-hour 50
  infersave catalog list architectures --json""",
)

What = Literal[
    "offers",
    "vm-types",
    "gpus",
    "architectures",
    "calibrations",
    "providers",
    "regions",
    "backends",
    "examples",
]
UNPRICED = ("architectures", "backends", "calibrations", "examples")
"""What no offer belongs to, so no filter narrows it."""


@app.default
def list_(
    what: What = "offers",
    /,
    *,
    among: Filters = Filters(),  # noqa: B008 - frozen
    json: JsonFlag = False,
) -> int:
    """List one kind of thing.

    Args:
        what: What to list.
    """
    rows = _unpriced_rows(what, among) if what in UNPRICED else _priced_rows(what, among)
    if json:
        from ..models.plan import SCHEMA_VERSION

        print_json({"schema_version": SCHEMA_VERSION, "what": what, "items": rows})
        return 0
    from .catalog_columns import columns_of
    from .screen import Screen

    Screen().table(*columns_of(what, rows))
    return 0


def _priced_rows(what: What, among: Filters) -> list[dict[str, object]]:
    """Rows about offers."""
    from ..catalogs.calibrations import load_calibrations
    from . import catalog_rows as rows

    catalog = select_offers(among)
    if what == "offers":
        ordered = sorted(catalog.offers, key=lambda offer: (offer.usd_per_hour, offer.key))
        return [rows.offer_row(offer) for offer in ordered]
    if what == "vm-types":
        return [rows.vm_type_row(vm_type, catalog.offers) for vm_type in catalog.vm_types()]
    if what == "gpus":
        calibrations = load_calibrations()
        return [rows.gpu_row(gpu, catalog.offers, calibrations) for gpu in catalog.gpus()]
    return rows.provider_rows(catalog) if what == "providers" else rows.region_rows(catalog)


def _unpriced_rows(what: What, among: Filters) -> list[dict[str, object]]:
    """Rows that have nothing to do with offers."""
    from ..catalogs.architectures import architecture_names, load_architecture
    from ..catalogs.calibrations import load_calibrations
    from . import catalog_rows as rows

    for option, value in asdict(among).items():
        if value is not None:
            raise ProblemError(flag(option), None, f"narrows offers; {what} have none")
    if what == "architectures":
        return [rows.architecture_row(load_architecture(name)) for name in architecture_names()]
    if what == "calibrations":
        return [rows.calibration_row(c) for c in load_calibrations()]
    return _backend_rows() if what == "backends" else _example_rows()


def _backend_rows() -> list[dict[str, object]]:
    from ..solver.backends.base import backend_names
    from ..solver.backends.running import unusable

    reasons = {name: unusable(name) for name in backend_names()}
    return [{"backend": name, "state": why or "ready"} for name, why in reasons.items()]


def _example_rows() -> list[dict[str, object]]:
    from ..catalogs.problem_file import EXAMPLE_PREFIX, example_names, load_problem
    from .demand import demand

    names = [f"{EXAMPLE_PREFIX}{name}" for name in example_names()]
    return [
        {"example": name, "workload": asked.name, "asks": demand(asked)}
        for name in names
        for asked in load_problem(name).demands
    ]
