"""Partial and complete mixes of replicas while knapsacks are searched, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...models.value import FloatArray
from ..program import IntArray


@dataclass(slots=True)
class States:
    """Partial mixes of one level, shape [S] each, and how they came about.

    Attributes:
        workload, at: whose it is, and the first entry that it may still use.
        origin: of the mix, a number of its own for each choice of entries that are not loose.
        cost: so far.
        needs: what is left of each need, K arrays.
        opened: highest zone number in use, -1 if none.
        parent, entry, count: the state of the level before, and what was added to it.
    """

    workload: IntArray
    at: IntArray
    origin: IntArray
    cost: FloatArray
    needs: list[FloatArray]
    opened: IntArray
    parent: IntArray
    entry: IntArray
    count: IntArray


@dataclass(slots=True)
class Leaves:
    """Complete mixes: the state each came from, and what completed it."""

    level: list[IntArray] = field(default_factory=list)
    workload: list[IntArray] = field(default_factory=list)
    origin: list[IntArray] = field(default_factory=list)
    cost: list[FloatArray] = field(default_factory=list)
    parent: list[IntArray] = field(default_factory=list)
    entry: list[IntArray] = field(default_factory=list)
    count: list[IntArray] = field(default_factory=list)
