"""Routes that people read as one: alike but for zone and period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ..models.plan import Route
from .tables import Column, number_column
from .words import three_digits

R = TypeVar("R", bound=Route)

PART_ROUNDING = 1e-6
"""A part this near to all replicas is all of them."""


def grouped(routes: Iterable[R]) -> list[tuple[R, ...]]:
    """Routes of one class to replicas of one size on one offer, in order."""
    groups: dict[tuple[object, ...], list[R]] = {}
    for r in routes:
        key = (r.workload, r.request_class, r.vm_key, r.gpus_each, r.region, r.purchase)
        groups.setdefault(key, []).append(r)
    return [tuple(group) for group in groups.values()]


def peak(group: Sequence[Route]) -> tuple[int, float]:
    """Replicas, and replicas' worth kept for the class, in the period that has the most."""
    by_period: dict[int | None, list[Route]] = {}
    for route in group:
        by_period.setdefault(route.period, []).append(route)
    totals = [
        (sum(r.replicas for r in routes), sum(r.part for r in routes))
        for routes in by_period.values()
    ]
    return max(totals)


def shares_replicas(group: Sequence[Route]) -> bool:
    """Whether other classes use its replicas too."""
    return any(r.part < r.replicas * (1 - PART_ROUNDING) for r in group)


def replica_column(groups: Iterable[Sequence[Route]]) -> Column:
    """How many replicas; of shared ones, how many's worth."""
    cells = (f"{part_kept(group)}{peak(group)[0]:,}" for group in groups)
    return number_column("repli-\ncas", cells)


def part_kept(group: Sequence[Route]) -> str:
    """Before a count of replicas: how many's worth of them is kept; nothing when they all are."""
    replicas, part = peak(group)
    return f"{three_digits(part)} of " if part < replicas * (1 - PART_ROUNDING) else ""


def in_periods(groups: Iterable[Sequence[Route]]) -> bool:
    """Whether some route holds in one period only."""
    return any(route.period is not None for group in groups for route in group)
