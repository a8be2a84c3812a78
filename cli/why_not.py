"""Why VM types cannot serve a workload, cheapest first: those are the ones one wonders about."""

from __future__ import annotations

from collections.abc import Collection

from ..models.fleet import FleetProblem
from ..solver.recommend import Recommendation
from .words import plural, usd, vm_name

NAMES_SHOWN = 3


def why_not(
    problem: FleetProblem, ranking: Recommendation, providers: Collection[str], lines: int | None
) -> list[str]:
    """One line for each reason, with the VM types it holds for.

    Args:
        providers: those among the problem's offers.
        lines: most lines; None means all of them.
    """
    cheapest: dict[str, float] = {}
    for offer in problem.offers:
        key = offer.vm_type.key
        cheapest[key] = min(cheapest.get(key, offer.usd_per_hour), offer.usd_per_hour)
    groups: dict[str, list[str]] = {}
    for rejected in ranking.rejected:
        groups.setdefault(rejected.reason, []).append(f"{rejected.provider}:{rejected.vm_type}")
    ordered = sorted(groups.items(), key=lambda group: min(cheapest[key] for key in group[1]))
    shown = [
        f"{_names(sorted(keys, key=cheapest.__getitem__), providers, lines is None)} "
        f"(USD {usd(min(cheapest[key] for key in keys))}/h): {reason}."
        for reason, keys in ordered[:lines]
    ]
    left = sum(len(keys) for _, keys in ordered[len(shown) :])
    if left:
        shown.append(f"{plural(left, 'more VM type')} cannot serve either; --all shows why.")
    return shown


def _names(keys: list[str], providers: Collection[str], everything: bool) -> str:
    names = [vm_name(key, providers) for key in keys]
    if everything or len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} more"
