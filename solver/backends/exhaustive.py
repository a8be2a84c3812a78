"""The oracle: small pure-integer programs by enumeration, with no solver and no LP.

Depth first over the columns. At each node the rows tighten the bounds (interval
propagation), two arguments cut the tree, and the rest is tried, value by value:

- *Cost.* Costs are not negative, so `cost . lower` is a bound; the incumbent is one more row.
- *Idle columns.* A column whose increase helps no row that could still be broken stays at
  its lower bound: in any feasible completion it can be lowered, and no row breaks and no
  cost rises.

It is meant to be obviously right rather than fast, and to share nothing with the solvers
that it judges.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Event

import numpy as np

from ...models.outcome import Status
from ..deadline import Deadline
from ..program import Program, SolveOptions
from ..progress import OnBounds
from .finish import Answer, crossed, whole_bounds

NAME = "exhaustive"

TOLERANCE = 1e-9
"""A row holds if it is short by at most this, relative to its side where that exceeds 1."""

MAX_POINTS = 1e24
"""Most points inside the tightened bounds that are tried: past it the tree outlives the day."""


@dataclass(frozen=True, slots=True)
class Exhaustive:
    """Enumeration with bounds."""

    name: str = NAME
    library: str = "python"

    def version(self) -> str:
        """None of its own."""
        return ""

    def available(self) -> str | None:
        """Always: it needs nothing."""
        return None

    def loadable(self) -> str | None:
        """Always."""
        return None

    def refusal(self, program: Program, options: SolveOptions) -> str | None:
        """It wants few points, all of them integer, and one thread."""
        if not program.pure_integer:
            return "it enumerates integers; the program has real columns"
        if options.threads > 1:
            return "it runs on 1 thread"
        if options.native:
            return "it has no native options"
        points = _points(program)
        if points > MAX_POINTS:
            return f"it would enumerate {points:.0e} points, more than {MAX_POINTS:.0e}"
        return None

    def answer(self, program: Program, options: SolveOptions, say: OnBounds, stop: Event) -> Answer:
        """The cheapest point; the first found of those that cost the same to `TOLERANCE`."""
        search = _Search.of(program, Deadline.within(options.time_limit_s, stop))
        finished = search.run(*_box(program), range(len(search.rows)))
        best = None if search.best is None else np.array(search.best, float)
        if not finished:
            claim = Status.NO_PLAN if best is None else Status.FEASIBLE
            return Answer(claim, best, None, search.deadline.reason)
        if best is None:
            return Answer(Status.INFEASIBLE)
        return Answer(Status.OPTIMAL, best, float(program.cost @ best))


def _box(program: Program) -> tuple[list[int], list[int]]:
    """The bounds of each column in whole numbers."""
    low, high = whole_bounds(program)
    return low.astype(int).tolist(), high.astype(int).tolist()


def _points(program: Program) -> float:
    """Integer points inside the bounds that propagation leaves."""
    search, (low, high) = _Search.of(program, Deadline()), _box(program)
    if crossed(program) or not search.tighten(low, high, range(len(search.rows))):
        return 0.0
    digits = sum(math.log10(h - w + 1) for w, h in zip(low, high, strict=True))
    return 10.0 ** min(digits, 300.0)


@dataclass
class _Search:
    """The tree. Every condition is a row `sum a_j x_j >= b`; row 0 asks to beat the incumbent.

    Attributes:
        rows: entries (j, a) of each row.
        sides: b of each row, loosened by `TOLERANCE`.
        touching: the rows that each column is in.
        hurts: in how many rows, cost aside, raising the column does harm.
        deadline: when to give up.
        best: the incumbent.
    """

    rows: list[list[tuple[int, float]]]
    sides: list[float]
    touching: list[list[int]]
    hurts: list[int]
    deadline: Deadline
    best: list[int] | None = None

    @classmethod
    def of(cls, program: Program, deadline: Deadline) -> _Search:
        """The search before its first node."""
        rows = [[(j, -c) for j, c in enumerate(program.cost.tolist()) if c != 0.0]]
        sides = [-math.inf]
        for i in range(program.n_rows):
            part = slice(program.indptr[i], program.indptr[i + 1])
            pairs = zip(program.indices[part].tolist(), program.data[part].tolist(), strict=True)
            entries = [(j, a) for j, a in pairs if a != 0.0]
            for sign, side in ((1.0, program.row_lower[i]), (-1.0, program.row_upper[i])):
                if math.isfinite(side):
                    rows.append([(j, sign * a) for j, a in entries])
                    sides.append(sign * float(side) - TOLERANCE * max(1.0, abs(side)))
        touching: list[list[int]] = [[] for _ in range(program.n_columns)]
        hurts = [0] * program.n_columns
        for number, row in enumerate(rows):
            for j, a in row:
                touching[j].append(number)
                hurts[j] += a < 0 and number > 0
        return cls(rows, sides, touching, hurts, deadline)

    def run(self, low: list[int], high: list[int], dirty: Iterable[int]) -> bool:
        """Search inside these bounds, which it uses up; False when time cut it short."""
        if self.deadline.over:
            return False
        if not self.tighten(low, high, dirty):
            return True
        column = self.settle(low, high)
        if column is None:
            self.best = low
            cost = -sum(a * low[j] for j, a in self.rows[0])
            self.sides[0] = (TOLERANCE * abs(cost) or math.ulp(0.0)) - cost
            return True
        for value in range(low[column], high[column] + 1):
            below, above = low.copy(), high.copy()
            below[column] = above[column] = value
            if not self.run(below, above, [0, *self.touching[column]]):
                return False
        return True

    def tighten(self, low: list[int], high: list[int], dirty: Iterable[int]) -> bool:
        """Shrink the bounds to what each row leaves; False when a row cannot hold."""
        queue = dict.fromkeys(dirty)
        while queue:
            number, _ = queue.popitem()
            row = self.rows[number]
            spare = sum(a * (high[j] if a > 0 else low[j]) for j, a in row) - self.sides[number]
            if spare < 0:
                return False
            for j, a in row:
                if abs(a) * (high[j] - low[j]) <= spare:
                    continue
                # TOLERANCE keeps a value that rounding would cost; the row itself decides.
                if a > 0:
                    value = math.ceil(high[j] - spare / a - TOLERANCE)
                    changed, low[j] = value > low[j], max(value, low[j])
                else:
                    value = math.floor(low[j] - spare / a + TOLERANCE)
                    changed, high[j] = value < high[j], min(value, high[j])
                if changed:
                    queue.update(dict.fromkeys(self.touching[j]))
        return True

    def settle(self, low: list[int], high: list[int]) -> int | None:
        """Fix idle columns at their lower bounds; the column to branch on, None at a leaf.

        Columns that others pay for, which hurt no row, come last: the rows then fix them.
        """
        while True:
            choice: tuple[bool, int, float, int] | None = None
            helpful: set[int] = set()
            for row, side in zip(self.rows, self.sides, strict=True):
                least = sum(a * (low[j] if a > 0 else high[j]) for j, a in row)
                helpers = [(j, a) for j, a in row if a > 0 and low[j] < high[j]]
                if least >= side or not helpers:
                    continue
                helpful.update(j for j, _ in helpers)
                for j, a in helpers:
                    key = (self.hurts[j] == 0, len(helpers), -a, j)
                    choice = key if choice is None else min(choice, key)
            idle = [j for j, w in enumerate(low) if w < high[j] and j not in helpful]
            if not idle:
                return None if choice is None else choice[-1]
            for j in idle:
                high[j] = low[j]
