"""What the rest of a pattern costs at least: the bound of `knapsack`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray
from .shortlist import NEVER, Shortlist


@dataclass(frozen=True, slots=True)
class Ratios:
    """Least cost per part from each entry on; shape [n + 1] each, NEVER where none is left.

    A state never looks past its own list: `grow` stops before.

    Attributes:
        whole, firm: per part, of all entries and of those off spot.
        cut: per part cut at what need k asks, of those that help it, for k from 1 on.
        zones: per part cut at what must be left when a zone is lost, of all entries.
    """

    whole: FloatArray
    firm: FloatArray
    cut: list[FloatArray]
    zones: FloatArray

    def at(self, i: IntArray) -> Ratios:
        """The ratios from the entries i on."""
        if not self.cut:
            return Ratios(self.whole[i], self.firm, [], self.zones)
        return Ratios(self.whole[i], self.firm[i], [x[i] for x in self.cut], self.zones[i])


def ratios_of(lists: Shortlist) -> Ratios:
    """The ratios of these lists."""
    per_part = _least(lists, lists.part)
    if len(lists.gives) == 1:
        return Ratios(per_part, per_part, [], per_part)
    firm = np.where(lists.gives[1] > 0, lists.part, 0.0)
    zones = lists.gives[2:].max(axis=0) if len(lists.gives) > 2 else lists.part
    cut = [_least(lists, gives) for gives in lists.gives[1:]]
    return Ratios(per_part, _least(lists, firm), cut, _least(lists, zones))


def _least(lists: Shortlist, gives: FloatArray) -> FloatArray:
    """Least cost per unit given, from each entry to the end of its list; shape [n + 1]."""
    n = len(lists.cost)
    ratio = np.full(n + 1, NEVER)
    np.divide(lists.cost, gives, out=ratio[:n], where=gives > 0)
    # A running minimum from the back, restarted in each list: costs are ranked, and an
    # earlier list's ranks all lie below a later one's.
    owner = np.repeat(np.arange(len(lists.start) - 1), np.diff(lists.start))
    order = np.lexsort((ratio[:n], owner))
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    stop = lists.start[1:][owner]
    least = np.minimum.accumulate(rank[::-1])[::-1]
    assert bool((least < stop).all())
    ratio[:n] = ratio[order[least]]
    return ratio


def state_bound(cost: FloatArray, needs: Sequence[FloatArray], ratio: Ratios) -> FloatArray:
    """cost plus the least that the needs can cost; the formula at the top of this file."""
    left = [np.maximum(need, 0.0) for need in needs]
    whole = left[0]
    if len(left) == 1:
        return np.asarray(cost + whole * ratio.whole)
    firm, zones = left[1], left[2:]
    together = np.sum(zones, axis=0) / max(len(zones) - 1, 1) if zones else np.zeros_like(whole)
    rest = np.maximum(np.maximum(whole, together) - firm, 0.0)
    more = np.maximum(firm * ratio.firm + rest * ratio.whole, together * ratio.zones)
    for need, each in zip(left[1:], ratio.cut, strict=True):
        more = np.maximum(more, need * each)
    return np.asarray(cost + more)
