"""Why VM types cannot serve a workload, cheapest first: those are the ones one wonders about."""

from __future__ import annotations

from collections.abc import Collection

from ..models.fleet import FleetProblem
from ..solver.recommend import Recommendation
from .words import plural, usd, vm_name

NAMES_SHOWN = 3
TOO_SLOW = "no number of VMs ends the job by its deadline"


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
    for key, reason in _reasons(problem, ranking).items():
        groups.setdefault(reason, []).append(key)
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


def _reasons(problem: FleetProblem, ranking: Recommendation) -> dict[str, str]:
    """VM type key -> why it cannot serve, for each that is not ranked."""
    reasons: dict[str, str] = {}
    for rejected in ranking.rejected:
        reasons.setdefault(rejected.vm_type, rejected.reason)
    ranked = {f"{c.provider}:{c.vm_type}" for c in ranking.choices}
    for offer in problem.offers:
        if offer.vm_type.key not in ranked and offer.vm_type.key not in reasons:
            reasons[offer.vm_type.key] = TOO_SLOW
    return reasons


def _names(keys: list[str], providers: Collection[str], everything: bool) -> str:
    names = [vm_name(key, providers) for key in keys]
    if everything or len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} more"
