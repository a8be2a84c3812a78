"""The highest point under planes, in a box: the linear program of `multipliers`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..attempt import attempt
from ..builder import ProgramBuilder
from ..deadline import Deadline
from ..program import BoolArray, IntArray, SolveOptions
from .covering import Covering
from .prices import Limits, Prices

MONEY = 2.0**10
"""The largest gain that a box allows is scaled to this."""

EDGE = 1e-6
"""A price this close to the box's side, in the box's width, lies on it."""


@dataclass(frozen=True, slots=True)
class Plane:
    """value + slope . (x - at) over all prices x, shape [R + P] each but the value."""

    at: FloatArray
    value: float
    slope: FloatArray

    def height(self, x: FloatArray) -> float:
        """The plane's value at x."""
        return self.value + float(self.slope @ (x - self.at))


@dataclass(frozen=True, slots=True)
class Peak:
    """Where all planes are highest.

    Attributes:
        prices: there.
        value: of the lowest plane.
        inside: whether the box did not hold it back.
    """

    prices: Prices
    value: float
    inside: bool


def highest(
    planes: Sequence[Plane],
    best: Plane,
    chosen: BoolArray,
    unit: FloatArray,
    box: float,
    covering: Covering,
    limits: Limits,
    deadline: Deadline,
) -> Peak | None:
    """The highest point under the planes within a box around the best one; None on failure.

    The columns are steps from the best point, in boxes, and the lack of height below what
    the best point's own plane could reach in the box.

    Args:
        chosen: prices that may change, shape [R + P].
        unit: a typical size of each, shape [R + P].
        box: half-width, in units.
    """
    moving = np.flatnonzero(chosen)
    width = box * unit[moving]
    reach = float(np.abs(best.slope[moving]) @ width)
    if not moving.size or reach <= 0:
        return None
    scale = MONEY / reach
    builder = ProgramBuilder()
    lower = np.maximum(-best.at[moving] / width, -1.0)
    step = builder.columns(len(moving), lower=lower, upper=1.0)
    lack = builder.columns(1, cost=1.0)
    heights = np.array([plane.height(best.at) for plane in planes])
    rows = builder.rows(len(planes), lower=MONEY - scale * (heights - best.value))
    builder.entries(rows, lack, 1.0)
    slopes = np.array([plane.slope[moving] for plane in planes])
    builder.entries(rows[:, None], step[None, :], scale * slopes * width)
    _cap_owned(builder, best, moving, width, step, covering, limits)
    answer = attempt(builder.build(), SolveOptions(deadline.left_s, 0.0, cancel=deadline.cancel))
    if answer is None or answer.values is None or answer.objective is None:
        return None
    taken = answer.values[step]
    x = best.at.copy()
    x[moving] = np.maximum(x[moving] + taken * width, 0.0)
    prices = _within(x, covering, limits)
    held = (taken >= 1.0 - EDGE) | ((taken <= -1.0 + EDGE) & (lower <= -1.0))
    return Peak(prices, best.value + (MONEY - answer.objective) / scale, not held.any())


def _cap_owned(
    builder: ProgramBuilder,
    best: Plane,
    moving: IntArray,
    width: FloatArray,
    step: IntArray,
    covering: Covering,
    limits: Limits,
) -> None:
    """Rows: the price of an owned VM is at most that VM's price with its limits."""
    n_limits = len(limits.limit)
    owned, rising = moving >= n_limits, moving < n_limits
    place = moving[owned] - n_limits
    if not place.size:
        return
    dear = covering.price[place] + best.at[:n_limits] @ limits.weight[:, place]
    unit = width[owned]
    rows = builder.rows(len(place), upper=(dear - best.at[moving[owned]]) / unit)
    builder.entries(rows, step[owned], 1.0)
    weight = limits.weight[moving[rising]][:, place].T * width[rising] / unit[:, None]
    builder.entries(rows[:, None], step[rising][None, :], -weight)


def _within(x: FloatArray, covering: Covering, limits: Limits) -> Prices:
    """The prices, rounding errors of the solver taken off."""
    n_limits = len(limits.limit)
    dear = covering.price + x[:n_limits] @ limits.weight
    return Prices(x[:n_limits], np.minimum(x[n_limits:], dear))
