r"""Covering knapsacks: the cheapest pattern, or all near it, for many workloads at once.

At item costs \(c_i\) every workload is a covering knapsack of its own,

\[ \min \sum_i c_i x_i \quad \text{s.t.} \quad \sum_i a_i h_{ki} x_i \ge d_k
   \;\; \forall k, \qquad x_i \in \mathbb{Z}_{\ge 0}, \]

with one need for the whole demand and, where asked, one for the share off spot and one for
the share outside each zone; \(h_{ki} \in \{0, 1\}\). A state is a partial mix; it grows by m
replicas of one item further down its list. The states of all workloads grow together, one
numpy pass a level, and those whose bound exceeds their ceiling are dropped.

Of some items only the cost matters (*loose* ones, last in each list). Mixes that agree in all
others share an *origin*, and of an origin only the cheapest is wanted: what completes it
lowers its ceiling. With all items loose, that is each workload's cheapest pattern.
The bound of a state of cost c with needs r left is

\[ c + \max\Bigl(r_1 \rho_1 + (r_* - r_1)^+ \rho_0,\; s \bar\rho,\;
   \max_{k \ge 1} r_k \bar\rho_k\Bigr), \qquad
   s = \tfrac{1}{Z - 1} \textstyle\sum_z r_z, \quad r_* = \max(r_0, s), \]

where \(\rho_k\) is the least \(c_i / a_i\) further down the list among items that help need k,
and \(\bar\rho_k\) the same with parts cut at \(d_k\), which is exact for whole replicas.
Replicas off spot count for the whole demand too; one replica helps Z - 1 of Z zone needs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray
from .completion import Completion, completion_of
from .patterns import Patterns, joined, nothing
from .ranges import ranges
from .ratios import ratios_of, state_bound
from .shortlist import NEVER, ROUNDING, Shortlist
from .states import Leaves, States

NOTHING = 1e-12
"""A need this small is met: what rounding leaves of 1 when replicas carry exactly 1."""

MAX_ROWS = 1_000_000
"""States of one level: past it the workloads are searched in two halves."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        patterns: with workloads numbered within the lists.
        missed: no pattern that was left out for want of room costs less than this, shape
            [B]; inf where none was.
    """

    patterns: Patterns
    missed: FloatArray


def search(lists: Shortlist, ceiling: FloatArray, max_states: int, *, hard: bool = False) -> Found:
    """The cheapest pattern of each origin of each workload, up to the workload's ceiling.

    Args:
        hard: bound what completes a mix by a table of whole replicas too (`completion.py`):
            worth its time for workloads that a first search left unproved.
        ceiling: patterns that cost more do not matter, shape [B].
        max_states: partial mixes of one workload on one level; past it they are dropped
            and count as `missed`.
    """
    completion = completion_of(lists) if hard else None
    return _Search(lists, ceiling, max_states, completion).run()


class _Search:
    """One search, level by level.

    Attributes:
        top: ceiling of each workload, shape [B].
        ceiling: of each origin, those of the workloads' empty mixes first.
    """

    def __init__(
        self,
        lists: Shortlist,
        top: FloatArray,
        max_states: int,
        completion: Completion | None = None,
    ) -> None:
        self.lists, self.top, self.max_states = lists, top, max_states
        self.completion = completion
        self.ceiling = top * (1.0 + ROUNDING)
        self.ratio = ratios_of(lists)
        self.missed = np.full(len(top), np.inf)
        self.levels: list[tuple[IntArray, IntArray, IntArray]] = []
        self.leaves = Leaves()

    def run(self) -> Found:
        states: States | None = self.roots()
        while states is not None and len(states.workload):
            self.levels.append((states.parent, states.entry, states.count))
            states = self.grow(states)
        if states is None:
            return self.halves()
        return Found(self.collect(), self.missed)

    def halves(self) -> Found:
        """The search in two halves, one after the other."""
        n = len(self.top)
        found = [
            search(
                self.lists.between(first, last),
                self.top[first:last],
                self.max_states,
                hard=self.completion is not None,
            )
            for first, last in ((0, n // 2), (n // 2, n))
        ]
        second = found[1].patterns
        moved = replace(second, workload=second.workload + n // 2)
        missed = np.concatenate([each.missed for each in found])
        return Found(joined([found[0].patterns, moved]), missed)

    def roots(self) -> States:
        """The empty mix of each workload that has items."""
        lists = self.lists
        w = np.flatnonzero(np.diff(lists.start))
        none = np.full(len(w), -1)
        needs = [amount[w] for amount in lists.amount]
        return States(w, lists.start[w], w, np.zeros(len(w)), needs, none, none, none, none)

    def begun(self, workload: IntArray) -> IntArray:
        """New origins, one for each of these workloads."""
        first = len(self.ceiling)
        self.ceiling = np.append(self.ceiling, self.top[workload] * (1.0 + ROUNDING))
        return np.arange(first, len(self.ceiling))

    def grow(self, s: States) -> States | None:
        """The next level; None when it would not fit."""
        lists = self.lists
        # Every entry that a state may still use.
        stop = lists.start[s.workload + 1]
        if (stop - s.at).sum() > MAX_ROWS and len(self.top) > 1:
            return None
        parent, i = ranges(s.at, stop)
        low = state_bound(s.cost[parent], [r[parent] for r in s.needs], self.ratio.at(i))
        if self.completion is not None:
            alone = s.cost + self.completion.at(s.workload, s.needs)
            low = np.maximum(low, alone[parent])
        ceiling = self.ceilings(s, parent, i)
        keep = (low <= ceiling) & (lists.rank[i] <= s.opened[parent] + 1)
        parent, i, low = parent[keep], i[keep], low[keep]
        one = self.capped(s.workload[parent], low, np.ones(len(low))) > 0
        parent, i, low = parent[one], i[one], low[one]
        w, cost, needs = s.workload[parent], s.cost[parent], [r[parent] for r in s.needs]
        most, done = self.completing(i, needs)
        self.note(s, parent, i, most, cost + most * lists.cost[i], done)
        # Fewer than complete it, as far down as the ceiling allows.
        fewest = self.fewest(w, i, cost, needs[0], self.ceilings(s, parent, i))
        last = i + 1 >= lists.start[w + 1]
        span = np.where(last, 0.0, np.maximum(most - done - fewest + 1, 0.0))
        span = self.capped(w, low, span).astype(np.int64)
        if span.sum() > MAX_ROWS and len(self.top) > 1:
            return None
        grown, more = ranges(np.zeros(len(span), np.int64), span)
        count = fewest[grown].astype(np.int64) + more
        return self.pushed(s, parent[grown], i[grown], count)

    def ceilings(self, s: States, parent: IntArray, i: IntArray) -> FloatArray:
        """What a mix may cost once entry i is added: a loose one leaves it in its origin."""
        top = self.top[s.workload[parent]] * (1.0 + ROUNDING)
        return np.where(self.lists.loose[i], self.ceiling[s.origin[parent]], top)

    def completing(self, i: IntArray, needs: list[FloatArray]) -> tuple[FloatArray, BoolArray]:
        """The count of entry i that meets all that it helps, and whether nothing is then left."""
        most = np.zeros(len(i))
        given = [gives[i] for gives in self.lists.gives]
        for need, each in zip(needs, given, strict=True):
            wanted = np.ceil(need / np.where(each > 0, each, 1.0))
            np.maximum(most, np.where(each > 0, wanted, 0.0), out=most)
        done = most > 0
        for need, each in zip(needs, given, strict=True):
            done &= need - most * each <= NOTHING
        return most, done

    def note(
        self,
        s: States,
        parent: IntArray,
        i: IntArray,
        count: FloatArray,
        cost: FloatArray,
        done: BoolArray,
    ) -> None:
        """Record complete mixes; one that ends in a loose entry lowers its origin's ceiling."""
        rows = np.flatnonzero(done & (cost <= self.ceilings(s, parent, i)))
        loose = self.lists.loose[i[rows]]
        origin = s.origin[parent[rows]].copy()
        np.minimum.at(self.ceiling, origin[loose], cost[rows][loose] * (1.0 - ROUNDING))
        origin[~loose] = self.begun(s.workload[parent[rows]][~loose])
        leaves = self.leaves
        leaves.level.append(np.full(len(rows), len(self.levels) - 1))
        leaves.workload.append(s.workload[parent[rows]])
        leaves.origin.append(origin)
        leaves.cost.append(cost[rows])
        leaves.parent.append(parent[rows])
        leaves.entry.append(i[rows])
        leaves.count.append(count[rows].astype(np.int64))

    def fewest(
        self, w: IntArray, i: IntArray, cost: FloatArray, need: FloatArray, ceiling: FloatArray
    ) -> FloatArray:
        """Least count m of entry i with cost + m c_i + (need - m a_i) rho below the ceiling."""
        lists = self.lists
        following = i + 1 < lists.start[w + 1]
        rho = np.where(following, self.ratio.whole[i + 1], NEVER)
        slope = lists.part[i] * rho - lists.cost[i]
        excess = cost + np.maximum(need, 0.0) * rho - ceiling
        least = np.ceil(excess / np.where(slope > 0, slope, 1.0) - ROUNDING)
        return np.maximum(np.where(slope > 0, least, 1.0), 1.0)

    def capped(self, w: IntArray, low: FloatArray, span: FloatArray) -> FloatArray:
        """The spans, without the least promising ones of workloads that ask for too many."""
        over = np.bincount(w, span, minlength=len(self.top)) > self.max_states
        if not over.any():
            return span
        rows = np.flatnonzero(over[w] & (span > 0))
        rows = rows[np.lexsort((low[rows], w[rows]))]
        running = np.cumsum(span[rows])
        first = np.searchsorted(w[rows], w[rows])
        before = running[first] - span[rows][first]
        cut = rows[running - before > self.max_states]
        np.minimum.at(self.missed, w[cut], low[cut])
        kept = span.copy()
        kept[cut] = 0.0
        return kept

    def pushed(self, s: States, parent: IntArray, i: IntArray, count: IntArray) -> States:
        """The states that adding `count` of entry i makes, those that can matter."""
        lists = self.lists
        cost = s.cost[parent] + count * lists.cost[i]
        needs = [
            need[parent] - count * gives[i]
            for need, gives in zip(s.needs, lists.gives, strict=True)
        ]
        low = state_bound(cost, needs, self.ratio.at(i + 1))
        if self.completion is not None:
            low = np.maximum(low, cost + self.completion.at(s.workload[parent], needs))
        keep = low <= self.ceilings(s, parent, i)
        parent, i = parent[keep], i[keep]
        origin, bound = s.origin[parent].copy(), ~lists.loose[i]
        origin[bound] = self.begun(s.workload[parent][bound])
        return States(
            workload=s.workload[parent],
            at=i + 1,
            origin=origin,
            cost=cost[keep],
            needs=[need[keep] for need in needs],
            opened=np.maximum(s.opened[parent], lists.rank[i]),
            parent=parent,
            entry=i,
            count=count[keep],
        )

    def collect(self) -> Patterns:
        """The complete mixes that matter, written out."""
        leaves = self.leaves
        if not leaves.cost:
            return nothing()
        w, cost = np.concatenate(leaves.workload), np.concatenate(leaves.cost)
        origin = np.concatenate(leaves.origin)
        order = np.lexsort((cost, origin))
        order = order[np.diff(origin[order], prepend=-1) > 0]
        order = order[np.lexsort((cost[order], w[order]))]
        level = np.concatenate(leaves.level)[order]
        state = np.concatenate(leaves.parent)[order]
        rows = [np.arange(len(order))]
        entries, counts = (
            [np.concatenate(leaves.entry)[order]],
            [np.concatenate(leaves.count)[order]],
        )
        for number in range(len(self.levels) - 1, 0, -1):
            parent, entry, count = self.levels[number]
            here = np.flatnonzero(level == number)
            rows.append(here)
            entries.append(entry[state[here]])
            counts.append(count[state[here]])
            state[here], level[here] = parent[state[here]], number - 1
        row, entry, count = np.concatenate(rows), np.concatenate(entries), np.concatenate(counts)
        by_row = np.lexsort((entry, row))
        lengths = np.bincount(row, minlength=len(order))
        start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Patterns(w[order], cost[order], start, self.lists.item[entry[by_row]], count[by_row])
