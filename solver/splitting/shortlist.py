"""Which items of a workload can matter at given prices: short lists for `patterns`.

Items of all workloads share few columns (a place and a number of GPUs), and the cost of an
item depends on its column alone. With the columns in order of cost, a running maximum over
a block of workloads finds every item that no cheaper one of its kind outdoes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray
from .columns import Columns
from .covering import Covering
from .needs import Needs, blocks

NEVER = 1e30
"""Cost per part where nothing helps: finite, so that 0 parts of it cost 0."""

ROUNDING = 1e-9
"""Slack when costs are compared, relative: more than sums of doubles can be off by."""

BLOCK_CELLS = 4_000_000
"""Workloads x columns held densely at once: 32 MB of doubles."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Items by workload, the loose ones last, then in order of cost per part.

    Attributes:
        start: first entry of each workload, shape [B + 1].
        item, cost, part: of each entry, shape [n].
        gives: what one replica gives to each need, shape [K, n]: its part, cut at what is
            asked (exact, since replicas are whole), or 0; row 0 is `part`.
        amount: shape [K, B], as in `Needs`.
        rank: number of the entry's zone where all zones are alike, else 0, shape [n].
        loose: entries of which only cost and needs matter, not where they are, shape [n];
            last in each list.
    """

    start: IntArray
    item: IntArray
    cost: FloatArray
    part: FloatArray
    gives: FloatArray
    amount: FloatArray
    rank: IntArray
    loose: BoolArray

    @property
    def n_workloads(self) -> int:
        """B."""
        return len(self.start) - 1

    def take(self, workloads: IntArray) -> Shortlist:
        """The lists of some workloads, ascending."""
        counts = np.diff(self.start)[workloads]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        rows = np.arange(start[-1]) + np.repeat(self.start[workloads] - start[:-1], counts)
        return Shortlist(
            start=start,
            item=self.item[rows],
            cost=self.cost[rows],
            part=self.part[rows],
            gives=self.gives[:, rows],
            amount=self.amount[:, workloads],
            rank=self.rank[rows],
            loose=self.loose[rows],
        )

    def between(self, first: int, last: int) -> Shortlist:
        """The lists of workloads first to last - 1."""
        cut = slice(int(self.start[first]), int(self.start[last]))
        return Shortlist(
            start=self.start[first : last + 1] - self.start[first],
            item=self.item[cut],
            cost=self.cost[cut],
            part=self.part[cut],
            gives=self.gives[:, cut],
            amount=self.amount[:, first:last],
            rank=self.rank[cut],
            loose=self.loose[cut],
        )


def cheapest_lists(
    covering: Covering, columns: Columns, gpu_price: FloatArray, needs: Needs
) -> Iterator[Shortlist]:
    """Items that no cheaper one of their kind outdoes: enough for each workload's cheapest pattern.

    Args:
        gpu_price: of a GPU for as long as a VM is, by place, shape [P].

    Yields:
        The lists of one block of the group's workloads after the other.
    """
    cost = gpu_price[columns.place] * columns.n_gpus
    for block in blocks(needs, max(1, BLOCK_CELLS // max(len(cost), 1))):
        where, keep = undominated(covering, columns, cost, block)
        item = where[keep]
        loose = np.ones(len(item), bool)
        yield make_list(
            covering, columns, item, cost[columns.of_item[item]], loose, block, needs.zoned
        )


def near_lists(
    covering: Covering,
    columns: Columns,
    gpu_price: FloatArray,
    needs: Needs,
    ceiling: FloatArray,
    alone: BoolArray,
) -> Shortlist:
    """Items that a pattern up to a ceiling may hold, of one block.

    Args:
        ceiling: of each workload, shape [B].
        alone: columns among which dominated items are left out, shape [C].
    """
    cost = gpu_price[columns.place] * columns.n_gpus
    where, keep = undominated(covering, columns, cost, needs, alone)
    item = where[keep]
    owner = np.searchsorted(needs.workloads, workload_of(covering, item))
    price, part = cost[columns.of_item[item]], covering.part[item]
    # With this item in, the rest costs at least the best cost per part of the workload.
    ratio = np.full(len(needs.workloads), NEVER)
    np.minimum.at(ratio, owner, price / part)
    rest = np.maximum(needs.amount[0][owner] - part, 0.0) * ratio[owner]
    inside = price + rest <= ceiling[owner] * (1.0 + ROUNDING)
    item = item[inside]
    loose = alone[columns.of_item[item]]
    return make_list(covering, columns, item, price[inside], loose, needs, needs.zoned)


def workload_of(covering: Covering, item: IntArray) -> IntArray:
    """Workload of each of these items."""
    return np.searchsorted(covering.start, item, side="right").astype(np.int64) - 1


def items_of(covering: Covering, workloads: IntArray) -> tuple[IntArray, IntArray]:
    """Items of these workloads, and the position of each one's workload among them."""
    counts = np.diff(covering.start)[workloads]
    owner = np.repeat(np.arange(len(workloads)), counts)
    first = covering.start[workloads] - (np.cumsum(counts) - counts)
    return np.arange(len(owner)) + first[owner], owner


def undominated(
    covering: Covering,
    columns: Columns,
    cost: FloatArray,
    needs: Needs,
    among: BoolArray | None = None,
) -> tuple[IntArray, BoolArray]:
    """Items of a block, and which of them no cheaper item of their kind outdoes.

    Args:
        cost: of each column, shape [C].
        among: columns that compete, shape [C]; the others are kept.
    """
    where, owner = items_of(covering, needs.workloads)
    column = columns.of_item[where]
    keep = np.zeros(len(where), bool) if among is None else ~among[column]
    present = np.zeros(len(cost), bool)
    present[column] = True
    for each in np.unique(needs.kind[present]):
        mine = present & (needs.kind == each)
        if among is not None:
            mine &= among
        order = np.flatnonzero(mine)
        order = order[np.lexsort((covering.room[columns.place[order]], cost[order]))]
        rank = np.full(len(cost), -1)
        rank[order] = np.arange(len(order))
        seat = rank[column]
        inside = seat >= 0
        dense = np.zeros((len(needs.workloads), len(order) + 1))
        dense[owner[inside], seat[inside] + 1] = covering.part[where[inside]]
        best = np.maximum.accumulate(dense, axis=1)
        keep[inside] = covering.part[where[inside]] > best[owner[inside], seat[inside]]
    return where, keep


def make_list(
    covering: Covering,
    columns: Columns,
    item: IntArray,
    cost: FloatArray,
    loose: BoolArray,
    needs: Needs,
    mirrored: bool = False,
) -> Shortlist:
    """The lists of these items, which are in order of workload.

    Args:
        cost, loose: of each item, shape as `item`.
        mirrored: number the zones where all are alike, so that mirror images are skipped.
    """
    local = np.searchsorted(needs.workloads, workload_of(covering, item))
    part, place = covering.part[item], covering.place[item]
    zone, spot = covering.zone[item], covering.spot[place]
    order = np.lexsort((zone, spot, part, cost / part, loose, local))
    counts = np.bincount(local, minlength=len(needs.workloads))
    found = Shortlist(
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        item=item[order],
        cost=cost[order],
        part=part[order],
        gives=np.where(
            needs.helps[:, columns.of_item[item[order]]],
            np.minimum(part, needs.amount[:, local])[:, order],
            0.0,
        ),
        amount=needs.amount,
        rank=np.zeros(len(order), np.int64),
        loose=loose[order],
    )
    if not mirrored:
        return found
    alike = _zones_alike(found, zone[order], spot[order], covering.n_zones)
    return replace(found, rank=np.where(alike, zone[order], 0))


def _zones_alike(lists: Shortlist, zone: IntArray, spot: BoolArray, n_zones: int) -> BoolArray:
    """Of each entry, whether its workload has the same entries in every zone, shape [n].

    The lists are sorted so that equal entries of all zones then stand side by side.
    """
    counts = np.diff(lists.start)
    owner = np.repeat(np.arange(len(counts)), counts)
    seat = np.arange(len(owner)) - lists.start[owner]
    twin = np.arange(len(owner)) - seat % n_zones
    same = (zone == seat % n_zones) & (spot == spot[twin])
    same &= (lists.cost == lists.cost[twin]) & (lists.part == lists.part[twin])
    wrong = np.bincount(owner, ~same, minlength=len(counts)) > 0
    return np.asarray(~(wrong | (counts % n_zones != 0))[owner])
