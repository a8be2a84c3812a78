"""What workloads ask of a pattern: their whole demand, a share off spot, a share in other zones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..program import BoolArray, IntArray
from .columns import Columns
from .covering import SHORTFALL, Covering


@dataclass(frozen=True, slots=True)
class Needs:
    """What the workloads of a group ask, one row a need.

    A group asks the same kinds of need: its whole demand, then its share off spot (or
    nothing), then its share outside each zone (or nothing).

    Attributes:
        workloads: of the group, ascending, shape [B].
        amount: shape [K, B], the shortfall that is allowed taken off.
        helps: which columns help a need, shape [K, C]; row 0 is all True.
        kind: columns of one kind help the same needs, shape [C].
        zoned: whether the rows from 2 on are zones; row 1 is then the share off spot.
    """

    workloads: IntArray
    amount: FloatArray
    helps: BoolArray
    kind: IntArray
    zoned: bool


def needs_of(covering: Covering, columns: Columns, workloads: IntArray) -> list[Needs]:
    """The workloads in groups that ask the same kinds of need."""
    firm, left = covering.firm[workloads] > 0, covering.left[workloads] > 0
    groups = []
    for zoned in (False, True):
        for off_spot in (False, True):
            members = workloads[(left == zoned) & (firm == off_spot)]
            if members.size:
                groups.append(_group(covering, columns, members, off_spot, zoned))
    return groups


def _group(
    covering: Covering, columns: Columns, members: IntArray, off_spot: bool, zoned: bool
) -> Needs:
    """One group; a zoned one always has the row of the share off spot, for a fixed order."""
    zones, spot = covering.n_zones, covering.spot[columns.place]
    whole = np.full(len(members), 1.0)
    rows = [np.ones(len(spot), bool)]
    amounts = [whole]
    kind = np.zeros(len(spot), np.int64)
    if off_spot or zoned:
        rows.append(~spot)
        amounts.append(covering.firm[members])
        kind = kind + (spot if off_spot else 0)
    if zoned:
        left = covering.left[members]
        rows += [columns.zone != z for z in range(zones)]
        amounts += [left] * zones
        kind = kind + 2 * columns.zone
        # Every zone can be lost: summed over zones, (Z - 1) total >= Z left.
        amounts[0] = np.maximum(whole, left * zones / max(zones - 1, 1))
    amount = np.maximum(np.array(amounts) - SHORTFALL, 0.0)
    return Needs(members, amount, np.array(rows), kind, zoned)


def blocks(needs: Needs, size: int) -> Iterator[Needs]:
    """A group cut into blocks of at most `size` workloads."""
    for first in range(0, len(needs.workloads), size):
        cut = slice(first, first + size)
        yield replace(needs, workloads=needs.workloads[cut], amount=needs.amount[:, cut])
