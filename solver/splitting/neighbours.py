"""Patterns to choose from beside each workload's cheapest: all near it, and some far off.

A list of *all* patterns up to a regret proves what it does not hold. For a better plan, a
mixture does more: regrets up to delta of many workloads, up to multiples of it of fewer, and
patterns at prices under which VMs fill up (`slopes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray
from .columns import Columns
from .covering import Covering
from .incumbent import Incumbent
from .master import Setting
from .moves import CURRENT, WANTED, Moves, moves_of, undominated
from .multipliers import Dual, Point
from .patterns import Patterns, stacked
from .prices import Limits, Prices, constant, vm_price
from .pricing import Effort, near_patterns, price_workloads
from .slopes import settling
from .zones import vms_for

PROOF_STATES, PROOF_PATTERNS = 5_000, 300_000
"""Partial mixes of a workload on a level, and patterns in all, when all are listed."""

MIXED_STATES, MIXED_PATTERNS = 300, 60_000
"""The same when some are enough."""

SCALES = 3
"""Sizes of regret in a mixture."""

SCALE_REGRET, SCALE_WORKLOADS = 3.0, 5
"""From one size to the next: the factor of the regret, the divisor of the workloads."""

FEW = 40
"""Workloads that even the largest regrets are listed for."""

LITTLE = 1 / 64
"""Regret up to which all workloads may move where limits are active, in deltas."""

POOL_SHARE, LIST_SHARE = 0.2, 0.25
"""Shares of the time left that patterns at other prices, and a list of patterns, may take."""


@dataclass(frozen=True, slots=True)
class Base:
    """The point of departure: the bound's prices, and every workload on its cheapest pattern.

    Attributes:
        floor: the bound that the patterns' costs amount to; the excess of a plan is its cost
            less this.
        replicas: of each item, shape [N].
        gpus: in use on each place, shape [P].
        mean: price of a GPU in use.
    """

    covering: Covering
    columns: Columns
    limits: Limits
    point: Point
    floor: float
    replicas: IntArray
    gpus: IntArray
    mean: float

    @classmethod
    def of(cls, covering: Covering, columns: Columns, limits: Limits, point: Point) -> Base:
        """From the best prices."""
        priced = point.priced
        gpus = np.rint(priced.gpus(covering)).astype(np.int64)
        spent = float(covering.price @ (gpus / covering.room))
        return cls(
            covering=covering,
            columns=columns,
            limits=limits,
            point=point,
            floor=float(priced.cost.sum()) + constant(covering, limits, point.prices),
            replicas=priced.replicas(covering),
            gpus=gpus,
            mean=spent / max(int(gpus.sum()), 1),
        )

    def setting(self, best: Incumbent) -> Setting:
        """What masters are built on, with the limits that matter so far."""
        active = best.broken | (self.point.prices.limit > 0)
        return Setting(self.covering, self.limits, self.point.prices, active, self.gpus)

    def after(self, patterns: Patterns, moves: Moves, made: IntArray) -> IntArray:
        """Replicas of each item once these moves are made, shape [N]."""
        replicas = self.replicas.copy()
        for sign, rows in ((-1, moves.row[moves.first[made]]), (1, moves.row[made])):
            chosen = patterns.take(rows)
            np.add.at(replicas, chosen.item, sign * chosen.count)
        return replicas


def near(
    base: Base, setting: Setting, best: Incumbent, regret: FloatArray, *, proof: bool
) -> tuple[Patterns, float]:
    """Patterns up to a regret, shape [W] (negative: none), and the regret up to which none lacks.

    Args:
        proof: try hard to list all.
    """
    effort = Effort(
        states=PROOF_STATES if proof else MIXED_STATES,
        most=PROOF_PATTERNS if proof else max(MIXED_PATTERNS, 2 * base.covering.n_workloads),
        deadline=best.within(LIST_SHARE),
        proof=proof,
    )
    columns, priced = base.columns, base.point.priced
    full = base.covering.room[columns.place] == columns.n_gpus
    alone = setting.free[columns.place] & full
    patterns, missed = near_patterns(
        base.covering, columns, setting.gpu_price, priced, regret, alone, effort
    )
    reached = np.minimum(
        np.minimum(missed - priced.cost, regret), priced.bound - priced.cost + regret
    )
    return patterns, float(reached.min(initial=np.inf))


def mixed(base: Base, setting: Setting, best: Incumbent, delta: float, step: int) -> Patterns:
    """Patterns up to delta of every step-th workload, and up to more of fewer."""
    n = base.covering.n_workloads
    # A limit is met by many workloads together, each giving way a little.
    regret = np.full(n, delta * LITTLE if setting.active.any() else -1.0)
    for size in range(SCALES):
        every = max(1, min(step * SCALE_WORKLOADS**size, n // FEW))
        regret[::every] = delta * SCALE_REGRET**size
    return near(base, setting, best, regret, proof=False)[0]


def pool(base: Base, setting: Setting, best: Incumbent, step: int) -> list[Patterns]:
    """Patterns of every step-th workload at prices under which VMs fill up; each is a plan too."""
    covering = base.covering
    some = np.arange(0, covering.n_workloads, step)
    own = base.point.priced.patterns.take(some)
    mine = np.bincount(
        covering.place[own.item], own.count * covering.n_gpus[own.item], minlength=covering.n_places
    )
    price = vm_price(covering, base.limits, setting.prices)
    deadline = best.within(POOL_SHARE)
    found = []
    for priced in settling(
        covering, base.columns, price, setting.gpu_price, some, (base.gpus - mine).astype(float)
    ):
        taken = _repriced(setting, some, priced.patterns)
        found.append(taken)
        replicas = base.replicas.copy()
        np.add.at(replicas, own.item, -own.count)
        np.add.at(replicas, taken.item, taken.count)
        best.offer(replicas, taken)
        if best.finished or deadline.over:
            break
    return found


def raised(
    base: Base, setting: Setting, best: Incumbent, raises: Sequence[float]
) -> list[Patterns]:
    """The cheapest patterns at the least rise of limits' prices that makes a plan of them.

    Without such a plan, those of the last rise.
    """
    everyone = np.arange(base.covering.n_workloads)
    dual = Dual(base.covering, base.limits, base.columns, everyone)
    now = setting.prices
    unit = dual.units(base.point)[: len(now.limit)]
    found: list[Patterns] = []
    for rise in raises:
        more = np.where(setting.active, rise * (now.limit + unit), 0.0)
        priced = dual.at(Prices(now.limit + more, now.owned)).priced
        found = [_repriced(setting, everyone, priced.patterns)]
        best.offer(priced.replicas(base.covering), found[0])
        if best.replicas is not None or best.finished:
            break
    return found


def around(base: Base, setting: Setting, best: Incumbent, step: int) -> list[Patterns]:
    """Patterns of every step-th workload at prices that the best plan suggests."""
    if best.replicas is None:
        return []
    covering = base.covering
    some = np.arange(0, covering.n_workloads, step)
    return [
        _repriced(setting, some, price_workloads(covering, base.columns, price, some).patterns)
        for price in _suggested(setting, best.replicas)
    ]


def _suggested(setting: Setting, replicas: IntArray) -> Iterator[FloatArray]:
    """Prices of GPUs: whole VMs charged to those in use; none but open places; idle ones cheap."""
    covering, price = setting.covering, setting.gpu_price
    used = np.bincount(
        covering.place, covering.n_gpus * replicas, minlength=covering.n_places
    ).astype(np.int64)
    vms = vms_for(covering, replicas)
    whole = vm_price(covering, setting.limits, setting.prices)
    yield np.where(used > 0, np.maximum(whole * vms / np.maximum(used, 1), price), whole)
    yield np.where(used > 0, price, np.maximum(whole, price) * covering.room)
    yield np.where(vms * covering.room > used, price / 2.0, np.where(used > 0, price, whole))


def _repriced(setting: Setting, some: IntArray, patterns: Patterns) -> Patterns:
    """Patterns found at other prices and for some workloads, at the bound's prices."""
    covering = setting.covering
    each = setting.gpu_price[covering.place] * covering.n_gpus
    cost = np.bincount(
        patterns.row, each[patterns.item] * patterns.count, minlength=len(patterns.cost)
    )
    return replace(patterns, workload=some[patterns.workload], cost=cost.astype(np.float64))


def with_moves(
    base: Base,
    setting: Setting,
    best: Incumbent,
    listed: Patterns,
    others: Sequence[Patterns] = (),
) -> tuple[Patterns, Moves]:
    """These patterns with the cheapest ones leading, and the moves among them that may pay.

    Args:
        best: the plan whose patterns are marked as current.
        others: patterns whose moves are wanted whatever they cost.
    """
    leaders, last = base.point.priced.patterns, best.patterns
    together = stacked([leaders, listed, *others, last])
    n = len(together.cost)
    place = np.arange(n)
    mark = np.where(place >= len(leaders.cost) + len(listed.cost), WANTED, 0)
    mark[n - len(last.cost) :] = CURRENT
    follows = place >= len(leaders.cost)
    order = np.lexsort((together.cost, follows, together.workload))
    patterns = together.take(order)
    moves = moves_of(base.covering, patterns, setting.free, mark[order])
    return patterns, undominated(moves, setting.gpu_price)
