"""A curve as stretches of one cost, each with what is known about where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...models.fleet import FleetProblem
from ...models.frontier import End, FrontierPoint
from ...models.outcome import Status
from ..uses import vms_by_type
from .attempts import Outcome
from .curve import Curve, Pair, Point


@dataclass(frozen=True, slots=True)
class Stretch:
    """Points of one cost, from the one that asks least.

    Attributes:
        holds_to: the last value that surely costs no more.
        end: how well it is known that it is the last.
    """

    points: tuple[Point, ...]
    holds_to: float
    end: End

    @property
    def starts(self) -> float:
        """The value that asks least."""
        return self.points[0].value

    @property
    def outcome(self) -> Outcome:
        """Of the value that asks most: its plan holds at all the others."""
        return self.points[-1].outcome

    @property
    def status(self) -> Status:
        """Proved where every value is, or the first by what costs no more at the last."""
        first, last = self.points[0].outcome, self.outcome
        carried = first.proved and last.usd <= first.usd
        proved = carried or all(point.outcome.proved for point in self.points)
        if last.plan is None:
            return last.status
        return Status.OPTIMAL if proved else Status.FEASIBLE

    @property
    def bound(self) -> float:
        """Of the value that asks least: what asks more does not cost less."""
        return self.points[0].outcome.bound

    def described(self, problem: FleetProblem) -> FrontierPoint:
        """In domain words."""
        plan, low, high = self.outcome.plan, *sorted((self.starts, self.holds_to))
        if plan is None:
            status, reason = self.outcome.status, self.outcome.reason
            return FrontierPoint(low=low, high=high, status=status, reason=reason, end=self.end)
        return FrontierPoint(
            low=low,
            high=high,
            status=self.status,
            usd_per_hour=plan.usd_per_hour,
            usd_per_hour_bound=min(self.bound, plan.usd_per_hour),
            vms=vms_by_type(problem, plan),
            end=self.end,
        )


def stretches(curve: Curve) -> Iterator[Stretch]:
    """The points of a curve in groups of one cost, from the least asked."""
    mine = curve.points[:1]
    for pair in curve.pairs():
        if not _one(pair):
            yield Stretch(tuple(mine), _last(curve, pair), curve.end(pair))
            mine = []
        mine.append(pair.second)
    yield Stretch(tuple(mine), mine[-1].value, "range")


def _one(pair: Pair) -> bool:
    """Whether two neighbours cost the same, or the one that asks more is known to cost less."""
    cheaper = pair.second.outcome.usd <= pair.first.outcome.usd
    return pair.change == "none" or (pair.change == "unknown" and cheaper)


def _last(curve: Curve, pair: Pair) -> float:
    """Where the first of two neighbours ends: its plan may hold beyond the second, dearer one."""
    held, other = pair.first.holds_to, pair.second.value
    return other if curve.parameter.asks_more(held, other) else held
