r"""What completes a mix costs at least: integer covering on a coarse grid.

With needs \(r_0\) (the whole demand) and \(r_1\) (off spot) counted down to whole steps of a grid
and what replicas give counted up, the cheapest way to cover is a table,

\[ F(k_0, k_1) = \min_i c_i + F\bigl((k_0 - u_{0i})^+, (k_1 - u_{1i})^+\bigr),
   \qquad F(0, 0) = 0, \]

never more than any whole replicas cost that cover the needs. Ratios (`ratios.py`) know nothing
of whole replicas: with two needs they let thousands of mixes pass that no plan can use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.value import FloatArray
from ..program import IntArray
from .shortlist import NEVER, Shortlist

WHOLE_STEPS, FIRM_STEPS = 240, 120
"""Steps of the grid: parts of a few percent are told apart, and a table takes a millisecond."""

STEP_SLACK = 1e-9
"""Part of a step by which a need is counted down, for rounding."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The tables of some workloads.

    Attributes:
        step: size of a step of each need, shape [2, B].
        table: F, shape [B, WHOLE_STEPS + 1, FIRM_STEPS + 1] or, with one need, [B, ..., 1].
    """

    step: FloatArray
    table: FloatArray

    def at(self, workload: IntArray, needs: Sequence[FloatArray]) -> FloatArray:
        """Least cost of what meets these needs, shape as `workload`."""
        whole = needs[0]
        if len(needs) > 2:  # each replica helps all zones but one
            together = np.sum([np.maximum(zone, 0.0) for zone in needs[2:]], axis=0)
            whole = np.maximum(whole, together / max(len(needs) - 3, 1))
        k0 = _steps(whole, self.step[0, workload], WHOLE_STEPS)
        if self.table.shape[2] == 1:
            return np.asarray(self.table[workload, k0, 0])
        k1 = _steps(needs[1], self.step[1, workload], FIRM_STEPS)
        return np.asarray(self.table[workload, k0, k1])


def completion_of(lists: Shortlist) -> Completion:
    """The tables of these lists."""
    n, firm = lists.n_workloads, len(lists.gives) > 1
    step = np.ones((2, n))
    step[0] = np.maximum(lists.amount[0], NOTHING_ASKED) / WHOLE_STEPS
    if firm:
        step[1] = np.maximum(lists.amount[1], NOTHING_ASKED) / FIRM_STEPS
    cost, units = _useful(lists, step, firm)
    steps = FIRM_STEPS if firm else 0
    table = np.full((n, WHOLE_STEPS + 1, steps + 1), NEVER)
    table[:, 0, 0] = 0.0
    rows = np.arange(n)[:, None, None]
    left = np.maximum(np.arange(steps + 1)[None, None, :] - units[1][:, :, None], 0)
    for k1 in range(1, steps + 1):  # the whole is met, only firm items help
        with_one = table[rows[:, :, 0], 0, left[:, :, k1]]
        helped = np.where(units[1] > 0, cost + with_one, NEVER)
        table[:, 0, k1] = helped.min(axis=1)
    for k0 in range(1, WHOLE_STEPS + 1):
        before = np.maximum(k0 - units[0], 0)[:, :, None]
        table[:, k0, :] = (cost[:, :, None] + table[rows, before, left]).min(axis=1)
    return Completion(step, np.minimum(table, NEVER))


NOTHING_ASKED = 1e-12
"""Stands for a need of nothing, so that a step is never 0."""


def _steps(need: FloatArray, step: FloatArray, most: int) -> IntArray:
    down = np.floor(np.maximum(need, 0.0) / step - STEP_SLACK)
    return np.clip(down, 0, most).astype(np.int64)


def _useful(
    lists: Shortlist, step: FloatArray, firm: bool
) -> tuple[FloatArray, tuple[IntArray, IntArray]]:
    """Cost and units of the entries that no other outdoes, padded to one width; [B, I] each."""
    owner = np.repeat(np.arange(lists.n_workloads), np.diff(lists.start))
    u0 = np.minimum(np.ceil(lists.part / step[0, owner]), WHOLE_STEPS).astype(np.int64)
    u1 = np.zeros_like(u0)
    if firm:
        given = np.ceil(lists.gives[1] / step[1, owner])
        u1 = np.minimum(given, FIRM_STEPS).astype(np.int64)
    order = np.lexsort((-u1, -u0, lists.cost, owner))
    best: dict[int, list[int]] = {}
    kept: list[int] = []
    for i in order.tolist():
        mine = best.setdefault(int(owner[i]), [])
        if not any(u0[j] >= u0[i] and u1[j] >= u1[i] for j in mine):
            mine.append(i)
            kept.append(i)
    rows = np.array(kept, dtype=np.int64)
    counts = np.bincount(owner[rows], minlength=lists.n_workloads)
    width = max(int(counts.max(initial=0)), 1)
    seat = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    cost = np.full((lists.n_workloads, width), NEVER)
    units = np.ones((2, lists.n_workloads, width), np.int64)
    units[1] = 0
    cost[owner[rows], seat] = lists.cost[rows]
    units[0][owner[rows], seat], units[1][owner[rows], seat] = u0[rows], u1[rows]
    return cost, (units[0], units[1])
