"""Patterns: integer mixes of replicas that carry one workload each, many in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray


@dataclass(frozen=True, slots=True)
class Patterns:
    """Mixes of replicas in compressed rows, by workload, each one's cheapest first.

    Attributes:
        workload, cost: of each pattern, shape [n].
        start: first entry of each pattern, shape [n + 1].
        item, count: of each entry, shape [nnz].
    """

    workload: IntArray
    cost: FloatArray
    start: IntArray
    item: IntArray
    count: IntArray

    def take(self, rows: IntArray) -> Patterns:
        """Some of the patterns, in the order given."""
        counts = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        entries = np.arange(start[-1]) + np.repeat(self.start[rows] - start[:-1], counts)
        return Patterns(
            self.workload[rows], self.cost[rows], start, self.item[entries], self.count[entries]
        )

    @property
    def row(self) -> IntArray:
        """Pattern of each entry, shape [nnz]."""
        return np.repeat(np.arange(len(self.cost)), np.diff(self.start))


def nothing() -> Patterns:
    """No patterns."""
    none = np.zeros(0, np.int64)
    return Patterns(none, np.zeros(0), np.zeros(1, np.int64), none, none)


def joined(blocks: Sequence[Patterns]) -> Patterns:
    """Patterns of several blocks in order of workload, and of cost within one."""
    together = stacked(blocks)
    return together.take(np.lexsort((together.cost, together.workload)))


def stacked(blocks: Sequence[Patterns]) -> Patterns:
    """Patterns of several blocks, one block after the other."""
    if not blocks:
        return nothing()
    lengths = np.concatenate([np.diff(block.start) for block in blocks])
    return Patterns(
        workload=np.concatenate([block.workload for block in blocks]),
        cost=np.concatenate([block.cost for block in blocks]),
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        item=np.concatenate([block.item for block in blocks]),
        count=np.concatenate([block.count for block in blocks]),
    )
