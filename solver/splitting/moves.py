"""Moves: what a workload's other patterns change, cut down to those that can pay.

With every workload on its cheapest pattern the only waste is in VMs that are partly idle and
in limits. A move puts one workload on another pattern: it costs a regret and changes the GPUs
in use on some places. A *free* place has no limit and no owned VMs: whole VMs there cost
exactly what their GPUs do, so that only the GPUs left over after whole VMs count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray
from .covering import Covering
from .patterns import Patterns

COMPARED = 4
"""Patterns of a workload, cheapest first, that each of its others is compared with."""

WANTED, CURRENT = 1, 2
"""Marks of moves: to be kept whatever they cost; and made in the best plan so far."""

TIE = 1e-12
"""Regrets this close count as equal [the problem's money]."""


@dataclass(frozen=True, slots=True)
class Moves:
    """What each pattern of a workload uses where it matters.

    Attributes:
        place: the places that matter, shape [C].
        period: GPUs that count as none, shape [C]: a VM's on a free place, else 0.
        workload, regret: of each pattern, shape [n]; a workload's first one is its cheapest.
        use: GPUs, less whole VMs on free places, shape [n, C].
        row: the pattern's row in the `Patterns` it came from, shape [n].
        mark: 0, or `WANTED` or `CURRENT`, shape [n].
    """

    place: IntArray
    period: IntArray
    workload: IntArray
    regret: FloatArray
    use: IntArray
    row: IntArray
    mark: IntArray

    def take(self, rows: IntArray) -> Moves:
        """Some of the patterns, ascending; they must hold each workload's first."""
        return Moves(
            self.place,
            self.period,
            self.workload[rows],
            self.regret[rows],
            self.use[rows],
            self.row[rows],
            self.mark[rows],
        )

    @property
    def count(self) -> int:
        """Patterns beside each workload's cheapest."""
        return len(self.workload) - len(np.unique(self.workload))

    @property
    def first(self) -> IntArray:
        """Row of the cheapest pattern of the workload of each row, shape [n]."""
        return np.searchsorted(self.workload, self.workload)

    def rows_of(self, row: int) -> IntArray:
        """All rows of the workload of one row."""
        workload = self.workload[row]
        first, last = np.searchsorted(self.workload, [workload, workload + 1])
        return np.arange(first, last)

    def wrapped(self, change: IntArray) -> IntArray:
        """Changes of use, on free places from 0 to less than a VM."""
        free = self.period > 0
        return np.where(free, change % np.where(free, self.period, 1), change)

    @property
    def current(self) -> IntArray:
        """Rows of the moves that the best plan makes, as far as they are here."""
        return np.flatnonzero((self.mark == CURRENT) & (self.first != np.arange(len(self.mark))))

    @property
    def change(self) -> IntArray:
        """Change of use from the workload's cheapest pattern, shape [n, C]."""
        return self.wrapped(self.use - self.use[self.first])


def moves_of(covering: Covering, patterns: Patterns, free: BoolArray, mark: IntArray) -> Moves:
    """The moves that these patterns allow; those of one workload that change the same, once.

    Args:
        patterns: by workload, the one it is on first.
        free: places where only GPUs left over after whole VMs count, shape [P].
        mark: of each pattern, as in `Moves`, shape [n].
    """
    several = np.bincount(patterns.workload, minlength=covering.n_workloads) > 1
    row = np.flatnonzero(several[patterns.workload])
    chosen = patterns.take(row)
    place = covering.place[chosen.item]
    # A VM of a free place with one GPU is never idle: its cost is in the pattern's.
    matters = ~(free & (covering.room == 1))
    inside = matters[place]
    places = np.unique(place[inside])
    use = np.zeros((len(row), len(places)), np.int64)
    gpus = covering.n_gpus[chosen.item] * chosen.count
    seat = np.searchsorted(places, place[inside])
    np.add.at(use, (chosen.row[inside], seat), gpus[inside])
    w = chosen.workload
    moves = Moves(
        place=places,
        period=np.where(free[places], covering.room[places], 0),
        workload=w,
        regret=np.maximum(chosen.cost - chosen.cost[np.searchsorted(w, w)], 0.0),
        use=use,
        row=row,
        mark=mark[row],
    )
    return _distinct(replace(moves, use=moves.wrapped(use)))


def _distinct(moves: Moves) -> Moves:
    """Moves without those whose use an earlier one of the workload has; the higher mark stays.

    Rows are sorted by a random key of their use, and equal neighbours compared in full.
    """
    factor = np.random.default_rng(0).integers(1, 2**62, moves.use.shape[1])
    key = moves.use @ factor  # wraps around, which does no harm
    order = np.lexsort((np.arange(len(key)), key, moves.workload))
    one, two = order[:-1], order[1:]
    same = np.zeros(len(order), bool)
    same[1:] = (moves.workload[one] == moves.workload[two]) & (key[one] == key[two])
    again = np.flatnonzero(same)
    same[again] = (moves.use[order[again]] == moves.use[order[again - 1]]).all(axis=1)
    group = np.cumsum(~same) - 1
    kept = order[~same]
    mark = np.zeros(len(kept), np.int64)
    np.maximum.at(mark, group, moves.mark[order])
    back = np.argsort(kept, kind="stable")
    return replace(moves.take(kept[back]), mark=mark[back])


def undominated(moves: Moves, gpu_price: FloatArray) -> Moves:
    """Moves that no cheaper pattern of the workload makes pointless.

    Pattern k may stand in for j if, the VMs elsewhere unchanged, the GPUs that it leaves idle
    at worst cost no more than it saves. Where VMs are not free it must not use more.
    """
    n = len(moves.regret)
    price = gpu_price[moves.place]
    counts = np.bincount(moves.workload)
    last = moves.first + counts[moves.workload] - 1
    alive = np.ones(n, bool)
    for step in range(COMPARED):
        other = np.minimum(moves.first + step, last)
        freed = moves.wrapped(moves.use - moves.use[other])
        worst = moves.regret[other] + np.maximum(freed, 0) @ price
        pointless = (freed >= 0).all(axis=1) & (worst <= moves.regret + TIE)
        alive &= ~(pointless & (other < np.arange(n)))
    return moves.take(np.flatnonzero(alive))


def affordable(moves: Moves, base: IntArray, gpu_price: FloatArray, budget: float) -> Moves:
    """Moves that a plan may hold whose excess over the bound is within the budget.

    A free place needs moves, or idle GPUs, that bring what is left over after whole VMs to
    none. The cheapest way is a shortest path over the GPUs left over; a move whose regret
    and the path after it exceed the budget is out. Repeated, as fewer moves lengthen paths.

    Args:
        base: GPUs in use on each of the moves' places when nothing moves, shape [C].
    """
    while True:
        change = moves.change
        regret = moves.regret
        keep = np.ones(len(regret), bool)
        for c in np.flatnonzero(moves.period > 0):
            room = int(moves.period[c])
            left = _cheapest_fill(change[:, c], regret, room, float(gpu_price[moves.place[c]]))
            keep &= regret + left[(base[c] + change[:, c]) % room] <= budget
        keep |= moves.first == np.arange(len(regret))
        if keep.all():
            return moves
        moves = moves.take(np.flatnonzero(keep))


def _cheapest_fill(change: IntArray, regret: FloatArray, room: int, price: float) -> FloatArray:
    """Least cost from each number of GPUs left over to none, by moves or idling; shape [room]."""
    over = np.arange(room)
    cost: FloatArray = price * ((-over) % room).astype(np.float64)
    step = np.full(room, np.inf)
    np.minimum.at(step, change % room, regret)
    reached = (over[:, None] + over[None, :]) % room
    for _ in range(room):
        cost = np.minimum(cost, (step[None, :] + cost[reached]).min(axis=1))
    return cost


def selected(moves: Moves, most: int, alike: int) -> Moves:
    """A choice of moves: the marked ones, and of the others the cheapest.

    Args:
        most: moves kept beside the marked ones.
        alike: moves kept of those that change the same GPUs, all on free places; a limit may
            take any number of like moves.
    """
    kept = np.union1d(moves.first, np.flatnonzero(moves.mark))
    rows = np.setdiff1d(np.arange(len(moves.regret)), kept)
    factor = np.random.default_rng(0).integers(1, 2**62, moves.use.shape[1])
    change: IntArray = np.asarray(moves.change[rows])
    key = change @ factor
    order = np.lexsort((moves.regret[rows], key))
    seat = np.arange(len(order)) - np.searchsorted(key[order], key[order])
    limited = np.flatnonzero(change[:, np.flatnonzero(moves.period == 0)].any(axis=1))
    rows = rows[np.union1d(order[seat < alike], limited)]
    rows = rows[np.argsort(moves.regret[rows], kind="stable")[:most]]
    return moves.take(np.union1d(kept, rows))
