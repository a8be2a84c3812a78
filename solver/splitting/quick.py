"""A pattern for each workload at once: the ceiling that the exact search starts from."""

from __future__ import annotations

import numpy as np

from ...models.value import FloatArray
from .knapsack import NOTHING
from .ranges import ranges
from .shortlist import Shortlist


def quick_cost(lists: Shortlist) -> FloatArray:
    """Cost of a pattern built replica by replica, cheapest per useful part first; shape [B].

    Useful is what still lowers a need, summed over the needs. As many replicas are
    added at once as are useful in full. inf where nothing helps some need: every need is
    helped or not whatever else is chosen, so that workload has no pattern at all.
    """
    needs = lists.amount.copy()
    spent = np.zeros(needs.shape[1])
    open_ = np.flatnonzero((needs > NOTHING).any(axis=0))
    while open_.size:
        owner, i = ranges(lists.start[open_], lists.start[open_ + 1])
        useful = np.minimum(np.maximum(needs[:, open_][:, owner], 0.0), lists.gives[:, i])
        worth = useful.sum(axis=0)
        score = np.where(worth > NOTHING, lists.cost[i] / np.maximum(worth, NOTHING), np.inf)
        order = np.lexsort((score, owner))
        first = order[np.diff(owner[order], prepend=-1) > 0]
        stuck = np.ones(len(open_), bool)
        stuck[owner[first]] = ~np.isfinite(score[first])
        spent[open_[stuck]] = np.inf
        first = first[np.isfinite(score[first])]
        w, chosen = open_[owner[first]], i[first]
        gives = lists.gives[:, chosen]
        helped = (gives > 0) & (needs[:, w] > NOTHING)
        full = np.where(helped, needs[:, w] / np.where(helped, gives, 1.0), np.inf)
        count = np.maximum(np.floor(full.min(axis=0)), 1.0)
        needs[:, w] -= count * gives
        spent[w] += count * lists.cost[chosen]
        open_ = w[(needs[:, w] > NOTHING).any(axis=0)]
    return spent
