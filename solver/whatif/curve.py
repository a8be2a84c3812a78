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
from math import isfinite, log
from typing import Literal

from ...models.frontier import End
from .attempts import Attempts, Outcome
from .parameter import Parameter, apart

TOLERANCE = 1e-3
"""Part of a value within which a step is looked for where it is not exact."""

RESOLUTION = 5e-3
"""Part of a cost below which steps are not told apart: a job's bill has hundreds."""

COARSE = 0.2
"""Two points further apart than this, in value and in cost, have another between them first."""

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
    parameter: Parameter

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
        """Whether it is a step, and both sides of it are solved for."""
        return self.change == "step" and self.parameter.touch(*self.values)

    @property
    def rise(self) -> float:
        """By how much the cost changes, as a part of it."""
        first, second = self.first.outcome.usd, self.second.outcome.usd
        return 1.0 - first / second if isfinite(second) else 1.0

    @property
    def weight(self) -> float:
        """How much of the picture it hides: part of the cost, times orders of magnitude."""
        low, high = sorted((self.first.holds_to, self.second.value))
        return self.rise * (log(high / low) if low > 0 else 1.0 + high - low)


class Curve:
    """The points found so far, from the one that asks least to the one that asks most.

    Attributes:
        tolerance: width at which a step that is not exact is left alone, a part of the value.
        resolution: steps that together are no higher are left alone, a part of the cost.
    """

    def __init__(
        self,
        parameter: Parameter,
        attempts: Attempts,
        tolerance: float = TOLERANCE,
        resolution: float = RESOLUTION,
    ) -> None:
        self.parameter, self.attempts = parameter, attempts
        self.tolerance, self.resolution = tolerance, resolution
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
        found = Point(value, outcome, holds_to)
        if not outcome.proved and self.attempts.over and len(self.points) > 1:
            return found  # stopped in the middle: that says little about this value
        insort(self.points, found, key=lambda p: self._rank(p.value))
        number = next(i for i, p in enumerate(self.points) if p.value == value)
        if crept and number and self._pair(number - 1).change == "none":
            self.points[number] = replace(self.points[number], crept=True)
        for i in (number - 1, number):
            if 0 <= i < len(self.points) - 1:
                self._believe(self._pair(i), i)
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
        for number in range(len(self.points) - 1):
            yield self._pair(number)

    def _pair(self, number: int) -> Pair:
        return Pair(self.points[number], self.points[number + 1], self.parameter)

    def probe(self, pair: Pair) -> bool:
        """Solve for one more value between two neighbours; False where that is not needed."""
        if pair.change != "step" or pair.exact or pair.rise <= self.resolution:
            return False
        held, far = pair.first.holds_to, pair.second.value
        if self.parameter.touch(held, far):
            self.ask(held)  # where the plan ends, to be sure of it
        elif min(pair.width, pair.rise) > COARSE:
            self.ask(self.parameter.between(held, far))  # an even picture, if time is short
        elif self.parameter.holds is not None and not pair.first.crept:
            self.ask(self.parameter.beyond(held), crept=True)
        elif pair.width <= self.tolerance:
            return False
        else:
            self.ask(self.parameter.between(held, far))
        return True

    def end(self, pair: Pair) -> End:
        """How well the step between two neighbours is known."""
        if pair.exact:
            return "exact"
        if pair.change == "step" and pair.width <= self.tolerance:
            return "within tolerance"
        return "below resolution" if pair.rise <= self.resolution else "open"

    def refine(self, matters: Callable[[Pair], bool] = lambda pair: True) -> None:
        """Close in on every step, widest first, until all are known or the attempts are over."""
        done: set[tuple[float, float]] = set()
        while not self.attempts.over:
            left = [p for p in self.pairs() if p.values not in done and matters(p)]
            if not left:
                return
            pair = max(left, key=lambda p: p.weight)
            if not self.probe(pair):
                done.add(pair.values)
