"""Quotas and budgets with what a plan takes of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..models.plan import LimitUse
from .tables import Column, name_column, number_column
from .words import NOTHING, usd

UNITS = {
    "vms": "VMs",
    "gpus": "GPUs",
    "vcpus": "vCPUs",
    "usd_per_hour": "USD/h",
    "usd": "USD in all",
}
"""Units as tables call them."""

ROUNDING = 1e-9
"""What a sum may lie below a limit that it reaches."""


def limit_columns(limits: Sequence[LimitUse]) -> tuple[list[Column], list[Column]]:
    """(columns that name a row, the others)."""
    return [name_column("limit", (use.name for use in limits))], [
        number_column("used", (_amount(use, use.used) for use in limits)),
        number_column("of", (_amount(use, use.limit) for use in limits)),
        name_column("unit", (UNITS.get(use.unit, use.unit) for use in limits)),
        name_column("", ("reached" if reached(use) else NOTHING for use in limits)),
    ]


def reached(use: LimitUse) -> bool:
    """Whether nothing is left of it."""
    return use.used >= use.limit * (1 - ROUNDING)


def _amount(use: LimitUse, amount: float) -> str:
    return usd(amount) if use.unit.startswith("usd") else f"{amount:,.6g}"
