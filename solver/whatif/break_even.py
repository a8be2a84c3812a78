r"""Break-even prices: the price of an offer at which the best fleet changes.

At the price p of one offer a fleet costs $A + n p$, where n counts the VMs rented there, so the
least cost over any set of fleets is concave and piecewise linear in p, and Newton's method ends at
the point where it meets a line. Each step asks for the best fleet at the price where the last one
met the line. An offer that is not in the plan meets the plan's cost, which does not hang on p, with
fleets that use it; one that is meets the plan's own line with fleets that use less of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...models.outcome import Status
from ...models.value import FloatArray
from ..program import BoolArray, IntArray, Program
from ..reasons.alternatives import replica_columns, using, vm_columns
from ..reasons.asking import Asking
from ..variables import Variables

STEPS = 30
"""Newton steps after which a price is given up: a few do."""

LATE = "not worked out in time"
"""Why there is no price where there may be one."""

Meets = Callable[["Line"], float]
"""The price at which a fleet's line meets what it is held against."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a fleet costs at any price of one offer.

    Attributes:
        fixed_usd: what does not hang on the price [USD/h].
        count: VMs that do, as parts of the time.
        values: the point of the program.
        proved: whether no fleet costs less at the price that it was found at.
    """

    fixed_usd: float
    count: float
    values: FloatArray
    proved: bool = True

    def at(self, price: float) -> float:
        """Cost [USD/h]."""
        return self.fixed_usd + self.count * price


@dataclass(frozen=True, slots=True)
class Met:
    """The end of a search.

    Attributes:
        price: None: none was found, for the reason.
        line: the fleet that takes over there.
    """

    price: float | None = None
    line: Line | None = None
    proved: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Priced:
    """A program in which one offer's price is free.

    Attributes:
        places: where the offer stands, shape [P].
        price: its price in the program [USD/h].
        columns: those whose cost is in proportion to it.
        tolerance: part of a cost that proofs leave open.
    """

    program: Program
    variables: Variables
    places: BoolArray
    price: float
    columns: IntArray
    tolerance: float

    @classmethod
    def of(
        cls, program: Program, variables: Variables, places: BoolArray, tolerance: float
    ) -> Priced:
        """The offer that stands at these places, shape [P], all at one price."""
        market = variables.estate.market
        found = [vm_columns(variables, places)]
        found += [columns[places & (columns >= 0)] for columns in variables.started]
        found += [job.chosen[places[job.place]] for job in variables.jobs]
        price = float(market.price[places][0])
        columns = np.unique(np.concatenate(found))
        return cls(program, variables, places, price, columns, tolerance)

    @property
    def usable(self) -> bool:
        """Whether anything may stand there."""
        return bool(replica_columns(self.variables, self.places).size)

    def line(self, values: FloatArray, *, proved: bool = True) -> Line:
        """What a fleet costs."""
        scale = self.program.usd_scale
        paid = float(self.program.cost[self.columns] @ values[self.columns]) / scale
        total = float(self.program.cost @ values[: self.program.n_columns]) / scale
        return Line(total - paid, paid / self.price, values, proved)

    def at(self, program: Program, price: float) -> Program:
        """A program, made of this one, at another price."""
        cost = program.cost.copy()
        cost[self.columns] *= price / self.price
        return replace(program, cost=cost)

    def best(self, asking: Asking, program: Program, price: float) -> Line | str:
        """The best fleet of a program at a price; or why there is none."""
        found = asking.solution(self.at(program, price))
        if found is None:
            return LATE
        if found.values is None:
            limits = "quotas or the budget leave no such fleet"
            return limits if found.status is Status.INFEASIBLE else LATE
        return self.line(found.values, proved=found.status is Status.OPTIMAL)


def enters_below(asking: Asking, priced: Priced, best_usd: float) -> Met:
    """The price below which some fleet that uses the offer costs less than the best without.

    Newton from the left: the line of any such fleet meets the best cost no later than the least
    cost of all of them does.
    """
    forced = using(priced.program, priced.variables, priced.places)
    if forced is None:
        return Met(proved=True)

    def meets(line: Line) -> float:
        return max((best_usd - line.fixed_usd) / line.count, 0.0)

    def beats(line: Line, price: float) -> bool:
        return line.at(price) < best_usd * (1.0 - priced.tolerance)

    found = priced.best(asking, forced, priced.price)
    met = found if isinstance(found, str) else _newton(asking, priced, forced, found, meets, beats)
    if isinstance(met, str):
        return Met(reason=met)
    if met.price == 0.0:
        return Met(proved=met.proved, reason="at no price: for nothing it would not pay")
    return met


def leaves_above(asking: Asking, priced: Priced, plan: Line) -> Met:
    """The price above which some fleet that rents less of the offer costs less than the plan.

    Newton from the right: a fleet with fewer of its VMs meets the plan's line no sooner than the
    least cost does.
    """

    def meets(line: Line) -> float:
        return (line.fixed_usd - plan.fixed_usd) / (plan.count - line.count)

    def beats(line: Line, price: float) -> bool:
        fewer = line.count < plan.count
        return fewer and line.at(price) < plan.at(price) * (1.0 - priced.tolerance)

    fewest = _fewest(asking, priced)
    if isinstance(fewest, str):
        return Met(reason=fewest)
    if fewest.count >= plan.count * (1.0 - priced.tolerance):
        return Met(proved=fewest.proved, reason="at any price: no fleet does with less of it")
    met = _newton(asking, priced, priced.program, fewest, meets, beats)
    return Met(reason=met) if isinstance(met, str) else met


def _fewest(asking: Asking, priced: Priced) -> Line | str:
    """The cheapest fleet without the offer; where there is none, one that rents least of it."""
    program = priced.program
    upper = program.upper.copy()
    vms = vm_columns(priced.variables, priced.places)
    upper[vms] = program.lower[vms]
    upper[replica_columns(priced.variables, priced.places)] = 0.0
    without = replace(program, upper=upper, hint=None)
    if not program.lower[vms].any():
        found = priced.best(asking, without, priced.price)
        if not isinstance(found, str) or asking.ends.over:
            return found
    cost = np.zeros(program.n_columns)
    cost[priced.columns] = program.cost[priced.columns]
    return priced.best(asking, replace(program, cost=cost), priced.price)


def _newton(
    asking: Asking,
    priced: Priced,
    program: Program,
    line: Line,
    meets: Meets,
    beats: Callable[[Line, float], bool],
) -> Met | str:
    """From the line of a fleet to the price where no fleet of a program is better than its own."""
    proved = line.proved
    for _ in range(STEPS):
        price = meets(line)
        found = priced.best(asking, program, price)
        if isinstance(found, str):
            return found
        proved = proved and found.proved
        if not beats(found, price):
            return Met(price, line, proved)
        line = found
    return "not worked out in so many steps"
