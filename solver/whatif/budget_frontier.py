"""What a budget pays for: the greatest factor on all demand, the cost of demand read backwards."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite

from ...models.fleet import FleetProblem
from ...models.frontier import FrontierPoint
from ...models.outcome import ProblemError, Status
from .curve import Curve, Pair
from .stretch import Stretch, stretches

BUDGET = "budget.usd_per_hour"

LEAST_FACTOR, MOST_FACTOR = 2.0**-10, 2.0**10
"""Factors on demand beyond which none is looked for."""


def budget_points(curve: Curve, low: float, high: float) -> tuple[FrontierPoint, ...]:
    """For budgets from `low` to `high` [USD/h], the factor that each pays for.

    Args:
        curve: of a factor on all demand, without the budget.

    Raises:
        ProblemError: the fleet changes over a horizon, where a budget caps each hour.
    """
    problem = curve.parameter.problem
    if problem.horizon is not None:
        rule = "needs one steady state; with a horizon look at demand"
        raise ProblemError(BUDGET, f"{low:g}:{high:g}", rule)
    _span(curve, low, high)

    def matters(pair: Pair) -> bool:
        return pair.first.outcome.usd <= high and pair.second.outcome.usd > low

    curve.refine(matters)
    return tuple(_backwards(problem, list(stretches(curve)), low, high))


def _span(curve: Curve, low: float, high: float) -> None:
    """Solve for factors that cost less than the least budget, and more than the greatest."""
    factor, usd = 1.0, curve.ask(1.0).outcome.usd
    while usd <= high and factor < MOST_FACTOR and not curve.attempts.over:
        factor *= 2.0
        usd = curve.ask(factor).outcome.usd
    factor, usd = 1.0, curve.ask(1.0).outcome.usd
    while usd > low and factor > LEAST_FACTOR and not curve.attempts.over:
        factor /= 2.0
        usd = curve.ask(factor).outcome.usd


def _backwards(
    problem: FleetProblem, found: list[Stretch], low: float, high: float
) -> Iterator[FrontierPoint]:
    """Stretches of demand as stretches of budget: each is paid for until the next one is."""
    least = found[0].outcome.usd
    if least > low:
        what = f"{found[0].starts:.2g} times the demand"
        reason = found[0].outcome.reason
        if isfinite(least):
            reason = f"the cheapest fleet that serves {what} costs USD {least:.3f} per hour"
        yield FrontierPoint(
            low=low,
            high=min(least, high),
            status=Status.INFEASIBLE,
            reason=reason,
            end="range" if least > high else "exact",
        )
    for number, stretch in enumerate(found):
        usd = stretch.outcome.usd
        last = number + 1 == len(found)
        dearer = inf if last else found[number + 1].outcome.usd
        if usd <= high and dearer > low:
            point = stretch.described(problem)
            yield point.replace(
                low=max(usd, low),
                high=min(dearer, high),
                demand_factor=stretch.holds_to,
                end="open" if last else stretch.end,  # what comes after the last is not known
            )
