"""The best prices of limits and owned VMs, by cutting planes in a box that moves and grows.

The bound of `prices.py` is concave in the prices, and the cheapest patterns at a point tell
its slope there: what they use less what is allowed. Each point gives a plane above the bound;
a linear program finds the highest point under all planes, near the best point so far.
Only what some cheapest patterns break gets a price at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...models.value import FloatArray
from ..deadline import Deadline
from ..program import BoolArray, IntArray
from .columns import Columns
from .covering import Covering
from .planes import Plane, highest
from .prices import Limits, Prices, constant, gpu_price
from .pricing import Priced, price_workloads

SAMPLE = 1_000
"""Workloads that the first prices are found on, where there are many more."""

FIRST_BOX = 0.5
"""Half-width of the first box, in typical prices of each limit."""

NEXT_BOX = 0.05
"""Half-width of the first box around prices that a sample gave."""

MOST_BOX = 64.0
"""Half-width of the largest box: a limit worth more than this is one that nothing meets."""

MOST_POINTS = 80
"""Points tried at most; 20 limits took up to 40."""

GOOD_STEP = 0.5
"""Share of the promised gain that makes the box grow."""

GROWTH = 4.0
"""Factor by which the box grows, and prices on the way to a proof that nothing is feasible."""

NUDGES = (1e-3, 1e-5)
"""By how much prices are raised to break ties, in typical prices."""

MOST_GROWTH = 24
"""Times that all prices grow, at most: a factor of 10^14."""


@dataclass(frozen=True, slots=True)
class Point:
    """The bound at some prices.

    Attributes:
        prices: where.
        plane: above the bound everywhere, and as high as the bound here.
        priced: the cheapest patterns here.
    """

    prices: Prices
    plane: Plane
    priced: Priced

    @property
    def value(self) -> float:
        """The bound, its rounding not yet taken off."""
        return self.plane.value


@dataclass
class Dual:
    """The bound as a function of the prices, of all workloads or of a sample of them.

    Attributes:
        workloads: looked at, shape [B].
        share: how many workloads each of them stands for.
        planes: of all points so far.
    """

    covering: Covering
    limits: Limits
    columns: Columns
    workloads: IntArray
    share: float = 1.0
    planes: list[Plane] = field(default_factory=list)

    def at(self, prices: Prices) -> Point:
        """Evaluate, and remember the plane."""
        covering, limits = self.covering, self.limits
        each = gpu_price(covering, limits, prices)
        priced = price_workloads(covering, self.columns, each, self.workloads)
        vms = self.share * priced.gpus(covering) / covering.room
        slope = np.concatenate([limits.weight @ vms - limits.limit, covering.owned - vms])
        value = self.share * float(priced.bound.sum()) + constant(covering, limits, prices)
        plane = Plane(np.concatenate([prices.limit, prices.owned]), value, slope)
        self.planes.append(plane)
        return Point(prices, plane, priced)

    def movable(self, point: Point) -> BoolArray:
        """Prices that may rise from 0 or are above it already, shape [R + P]."""
        relevant = np.append(np.ones(len(self.limits.limit), bool), self.covering.owned > 0)
        return np.asarray((point.plane.at > 0) | ((point.plane.slope > 0) & relevant))

    def units(self, point: Point) -> FloatArray:
        """A typical size of each price: what VMs cost by what they use of it, shape [R + P]."""
        covering, limits = self.covering, self.limits
        tiny = np.finfo(float).tiny
        vms = point.priced.gpus(covering) / covering.room
        used = limits.weight @ vms
        spent = (limits.weight > 0) @ (covering.price * vms)
        dearest = max(float(covering.price.max(initial=0.0)), tiny)
        return np.concatenate(
            [
                np.where(used > 0, spent / np.maximum(used, tiny), dearest),
                np.maximum(covering.price, dearest * 1e-3),
            ]
        )


def best_prices(
    covering: Covering, limits: Limits, columns: Columns, tolerance: float, deadline: Deadline
) -> Point:
    """Prices that bring the bound within a relative tolerance of its best, time allowing.

    Where some workload has no pattern at all, the point says so in `priced`.
    """
    everyone = np.arange(covering.n_workloads)
    dual = Dual(covering, limits, columns, everyone)
    best, box = dual.at(limits.no_prices()), FIRST_BOX
    if not np.isfinite(best.priced.cost).all() or not dual.movable(best).any():
        return best
    if len(everyone) > 2 * SAMPLE:
        some = everyone[:: len(everyone) // SAMPLE]
        sample = Dual(covering, limits, columns, some, len(everyone) / len(some))
        start = climb(sample, sample.at(limits.no_prices()), box, tolerance, deadline)
        best, box = max(best, dual.at(start.prices), key=lambda point: point.value), NEXT_BOX
    best = climb(dual, best, box, tolerance, deadline)
    return eased(dual, best, tolerance) if dual.movable(best).any() else best


def eased(dual: Dual, best: Point, tolerance: float) -> Point:
    """A point hardly lower, where what is too much in use costs a little more.

    Many patterns may cost the same at the best prices; this side of them keeps the limits.
    """
    n_limits = len(dual.limits.limit)
    over = np.where(best.plane.slope > 0, dual.units(best), 0.0)[:n_limits]
    for nudge in NUDGES:
        prices = Prices(best.prices.limit + nudge * over, best.prices.owned)
        point = dual.at(prices)
        if point.value >= best.value - tolerance * abs(best.value):
            return point
    return best


def climb(dual: Dual, best: Point, box: float, tolerance: float, deadline: Deadline) -> Point:
    """The highest point found from `best` on."""
    chosen, unit = dual.movable(best), dual.units(best)
    for _ in range(MOST_POINTS):
        if deadline.over:
            break
        covering, limits = dual.covering, dual.limits
        target = highest(dual.planes, best.plane, chosen, unit, box, covering, limits, deadline)
        if target is None:
            break
        promised = target.value - best.value
        if promised <= tolerance * abs(best.value):
            if target.inside or box >= MOST_BOX:
                break
            box *= GROWTH
            continue
        point = dual.at(target.prices)
        chosen |= dual.movable(point)
        gain = point.value - best.value
        if gain >= GOOD_STEP * promised:
            box = min(GROWTH * box, MOST_BOX)
        elif gain < 0:
            box /= GROWTH
        best = point if gain > 0 else best
    return best


def nothing_feasible(dual: Dual, best: Point, ceiling: float, deadline: Deadline) -> bool:
    """Whether growing prices prove that every plan costs more than a ceiling that none exceeds."""
    prices = best.prices
    for _ in range(MOST_GROWTH):
        if best.value > ceiling:
            return True
        prices = Prices(prices.limit * GROWTH, prices.owned)
        point = dual.at(prices)
        if point.value <= best.value or deadline.over:
            return False
        best = point
    return False
