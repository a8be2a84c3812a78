"""The cheapest pattern of every workload at given GPU prices, and all that come near it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...models.value import FloatArray
from ..deadline import Deadline
from ..program import BoolArray, IntArray
from .columns import Columns
from .covering import Covering
from .knapsack import search
from .needs import blocks, needs_of
from .patterns import Patterns, joined
from .quick import quick_cost
from .shortlist import Shortlist, cheapest_lists, near_lists

FIRST_STATES = 1_000
"""Partial mixes a level at the first try: enough for all but a few workloads in a thousand."""

MORE_STATES = 400_000
"""Partial mixes a level at the second try, for those that the first left unproved: of 1,000
workloads under spot caps and zones it completes the lists of all but a few."""

NEAR_BLOCK, HARD_BLOCK = 64, 4
"""Workloads between two looks at how many were listed and at the clock."""

TOUCH = 1e-6
"""How far above a known pattern the search starts, relative, so that it finds one again."""


@dataclass(frozen=True, slots=True)
class Priced:
    """What each workload costs at some GPU prices.

    Attributes:
        cost: of its cheapest pattern found, shape [W]; inf where it has none at all.
        bound: proved to be no more than its cheapest pattern costs, shape [W].
        patterns: one a workload, in order; none where the cost is inf.
    """

    cost: FloatArray
    bound: FloatArray
    patterns: Patterns

    def replicas(self, covering: Covering) -> IntArray:
        """Replicas of each item when every workload takes its pattern, shape [N]."""
        found = np.bincount(self.patterns.item, self.patterns.count, minlength=len(covering.part))
        return found.astype(np.int64)

    def gpus(self, covering: Covering) -> FloatArray:
        """GPUs that the patterns take on each place, shape [P]."""
        used = self.patterns.count * covering.n_gpus[self.patterns.item]
        place = covering.place[self.patterns.item]
        return np.bincount(place, used, minlength=covering.n_places).astype(np.float64)


def price_workloads(
    covering: Covering, columns: Columns, gpu_price: FloatArray, workloads: IntArray
) -> Priced:
    """The cheapest pattern of each of these workloads, in their order.

    Args:
        gpu_price: of a GPU for as long as a VM is, by place, shape [P].
        workloads: ascending, shape [B]; the answer's arrays follow it.
    """
    cost = np.full(len(workloads), np.inf)
    bound = np.full(len(workloads), np.inf)
    found = []
    for needs in needs_of(covering, columns, workloads):
        seats = np.searchsorted(workloads, needs.workloads)
        done = 0
        for lists in cheapest_lists(covering, columns, gpu_price, needs):
            seat = seats[done : done + lists.n_workloads]
            done += lists.n_workloads
            patterns, missed = _cheapest(lists)
            cost[seat[patterns.workload]] = patterns.cost
            bound[seat] = np.minimum(cost[seat], missed)
            found.append(replace(patterns, workload=seat[patterns.workload]))
    return Priced(cost, bound, joined(found))


def _cheapest(lists: Shortlist) -> tuple[Patterns, FloatArray]:
    """The cheapest patterns of these lists, and what may have been missed, shape [B]."""
    ceiling = quick_cost(lists) * (1.0 + TOUCH)
    solvable = np.isfinite(ceiling)
    ceiling = np.where(solvable, ceiling, -1.0)
    first = search(lists, ceiling, FIRST_STATES)
    cost = np.full(lists.n_workloads, np.inf)
    cost[first.patterns.workload] = first.patterns.cost
    again = np.flatnonzero(first.missed < cost)
    if not again.size:
        return first.patterns, first.missed
    ceiling[again] = np.minimum(ceiling[again], cost[again] * (1.0 + TOUCH))
    second = search(lists.take(again), ceiling[again], MORE_STATES, hard=True)
    settled = np.flatnonzero(~np.isin(first.patterns.workload, again))
    moved = replace(second.patterns, workload=again[second.patterns.workload])
    missed = first.missed.copy()
    missed[again] = second.missed
    return joined([first.patterns.take(settled), moved]), missed


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to list.

    Attributes:
        states: partial mixes of a workload on a level.
        most: patterns in all, beside one a workload; past it, or soon after, no more are listed.
        deadline: when to stop.
        proof: whether what a first pass cuts short is tried once more, and harder.
    """

    states: int
    most: int
    deadline: Deadline = field(default_factory=Deadline)
    proof: bool = False


def near_patterns(
    covering: Covering,
    columns: Columns,
    gpu_price: FloatArray,
    priced: Priced,
    regret: FloatArray,
    alone: BoolArray,
    effort: Effort,
) -> tuple[Patterns, FloatArray]:
    """All patterns of each workload up to a regret, and what may have been missed, shape [W].

    Args:
        priced: at the same prices, of all workloads.
        regret: what a pattern may cost beyond the cheapest, shape [W]; negative leaves the
            workload out.
        alone: columns whose replicas fill whole VMs that nothing else speaks of, shape [C]:
            of those the dominated are left out.
    """
    missed = np.where(regret >= 0, -np.inf, priced.cost)
    ceiling = priced.cost + regret
    found: list[Patterns] = []
    total = 0
    asked = np.flatnonzero(regret >= 0)
    for hard in (False, True) if effort.proof else (False,):
        states, size = (MORE_STATES, HARD_BLOCK) if hard else (effort.states, NEAR_BLOCK)
        for needs in needs_of(covering, columns, asked):
            for block in blocks(needs, size):
                if total > effort.most or effort.deadline.over:
                    return joined(found), missed
                members = block.workloads
                lists = near_lists(covering, columns, gpu_price, block, ceiling[members], alone)
                near = search(lists, ceiling[members], states, hard=hard)
                missed[members] = near.missed
                total += len(near.patterns.cost) - len(members)
                found.append(replace(near.patterns, workload=members[near.patterns.workload]))
        asked = asked[missed[asked] < ceiling[asked]]
    return joined(found), missed
