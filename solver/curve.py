"""The least cost as a step function of one parameter, found with few solves.

A plan holds from the value it was made for up to where its own capacity, latency or use of a limit
ends, and between two values of one proved cost the cost is that one. So a step between two solved
values is closed in on by asking just beyond where the nearer plan ends, which often is the step
itself, and by bisection where the same cost still carries more.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite, log, sqrt
from typing import Literal

from ..models.frontier import EXACT, End
from .attempts import Attempts, Outcome
from .parameter import Parameter

CLOSE = EXACT * (1.0 + 1e-3)
"""`EXACT` with room for the rounding of one product."""

Change = Literal["none", "step", "unknown"]


@dataclass(frozen=True, slots=True)
class Point:
    """A value that was solved for.

    Attributes:
        holds_to: the value up to which its plan surely holds; of no plan, its own.
        crept: it was asked just beyond the plan before, and cost the same.
    """

    value: float
    outcome: Outcome
    holds_to: float
    crept: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two neighbours among the points; the first asks less."""

    first: Point
    second: Point

    @property
    def values(self) -> tuple[float, float]:
        """The two values."""
        return self.first.value, self.second.value

    @property
    def change(self) -> Change:
        """Whether the cost rises from one to the other, as far as the proofs tell."""
        first, second = self.first.outcome, self.second.outcome
        if second.bound > first.usd:
            return "step"
        return "none" if first.proved and second.proved else "unknown"

    @property
    def width(self) -> float:
        """Part of the value within which the step lies."""
        return apart(self.first.holds_to, self.second.value)

    @property
    def exact(self) -> bool:
        """Whether both sides of the step are solved for, no further apart than `EXACT`."""
        return apart(self.first.value, self.second.value) <= CLOSE

    def end(self, tolerance: float) -> End:
        """How well the step is known."""
        if self.exact and self.change == "step":
            return "exact"
        return "within tolerance" if self.width <= tolerance else "open"

    @property
    def weight(self) -> float:
        """How much of the picture it hides: part of the cost, times orders of magnitude."""
        low, high = sorted((self.first.holds_to, self.second.value))
        jump = 1.0
        if isfinite(self.second.outcome.usd):
            jump = 1.0 - self.first.outcome.usd / self.second.outcome.usd
        return jump * (log(high / low) if low > 0 else 1.0 + high - low)


def apart(one: float, other: float) -> float:
    """How far two values are from each other, as a part of the larger."""
    largest = max(one, other)
    return abs(one - other) / largest if largest > 0 else 0.0


class Curve:
    """The points found so far, from the one that asks least to the one that asks most.

    Attributes:
        tolerance: width at which a step that is not exact is left alone.
    """

    def __init__(self, parameter: Parameter, attempts: Attempts, tolerance: float) -> None:
        self.parameter, self.attempts, self.tolerance = parameter, attempts, tolerance
        self.points: list[Point] = []

    def ask(self, value: float, *, crept: bool = False) -> Point:
        """Solve for a value, unless that was done.

        Raises:
            ProblemError: the parameter may not have it.
        """
        for point in self.points:
            if point.value == value:
                return point
        outcome = self.attempts.solve(self.parameter.at(value))
        return self.take(value, outcome, crept=crept)

    def take(self, value: float, outcome: Outcome, *, crept: bool = False) -> Point:
        """A value that somebody solved for."""
        holds_to = value
        if outcome.plan is not None and outcome.decision is not None:
            holds_to = self.parameter.holds_to(value, outcome.plan, outcome.decision)
        insort(self.points, Point(value, outcome, holds_to), key=lambda p: self._rank(p.value))
        number = next(i for i, p in enumerate(self.points) if p.value == value)
        if crept and number and Pair(*self.points[number - 1 : number + 1]).change == "none":
            self.points[number] = replace(self.points[number], crept=True)
        for i in (number - 1, number):
            if 0 <= i < len(self.points) - 1:
                self._believe(Pair(*self.points[i : i + 2]), i)
        return self.points[number]

    def _believe(self, pair: Pair, number: int) -> None:
        """Where it costs more although the plan before should hold, the solver is right."""
        held = pair.first.holds_to
        if pair.change == "step" and not self.parameter.asks_more(pair.second.value, held):
            self.points[number] = replace(pair.first, holds_to=pair.first.value)

    def _rank(self, value: float) -> float:
        return value if self.parameter.rising else -value

    def pairs(self) -> Iterator[Pair]:
        """Neighbours, from the least asked."""
        for first, second in zip(self.points, self.points[1:], strict=False):
            yield Pair(first, second)

    def probe(self, pair: Pair) -> bool:
        """Solve for one more value between two neighbours; False where nothing is to be found."""
        if pair.change != "step" or pair.exact:
            return False
        held, far = pair.first.holds_to, pair.second.value
        if pair.width <= CLOSE:
            self.ask(held)  # where the plan ends, to be sure of it
        elif self.parameter.holds is not None and not pair.first.crept:
            self.ask(self.parameter.harder(held, EXACT), crept=True)
        elif pair.width <= self.tolerance:
            return False
        else:
            low, high = sorted((held, far))
            self.ask(sqrt(low * high) if low > 0 else (low + high) / 2.0)
        return True

    def refine(self, matters: Callable[[Pair], bool] = lambda pair: True) -> bool:
        """Close in on every step, widest first; whether that was done before attempts were over."""
        done: set[tuple[float, float]] = set()
        while True:
            left = [p for p in self.pairs() if p.values not in done and matters(p)]
            if not left:
                return True
            if self.attempts.over:
                return False
            pair = max(left, key=lambda p: p.weight)
            if not self.probe(pair):
                done.add(pair.values)
