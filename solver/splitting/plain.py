"""The covering problem as one plain mixed-integer program: small problems, and the oracle.

It has a column for each item and each place, and the rows at the top of `covering.py`, each
divided by its own size: demands are shares already, GPUs are counted in VMs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.value import FloatArray
from ..builder import ProgramBuilder
from ..program import INTEGER_LIMIT, BoolArray, IntArray, Program
from .covering import Covering
from .zones import stand

MONEY_BITS = 10
"""Money is scaled so that a plan costs about 2^10."""


def plain_program(covering: Covering, cost: float | None = None) -> Program:
    """The program: columns x of every item, then n of every place in every zone it is used in.

    Args:
        cost: of some plan, for the scale of the money; the dearest VM's if none is known.
    """
    builder = ProgramBuilder()
    largest = cost or float(covering.price.max(initial=0.0)) or 1.0
    scale = float(2.0 ** (MONEY_BITS - np.ceil(np.log2(largest))))
    replicas = builder.columns(len(covering.part), upper=most_replicas(covering), integer=True)
    stands = Stands.of(covering)
    vms = builder.columns(
        len(stands.place),
        cost=scale * covering.price[stands.place],
        lower=np.where(stands.home, covering.owned[stands.place], 0).astype(float),
        upper=np.minimum(covering.most, INTEGER_LIMIT)[stands.place].astype(float),
        integer=True,
    )
    everything = np.ones(len(covering.part), bool)
    _add_share(builder, covering, replicas, np.ones(covering.n_workloads), everything)
    _add_share(builder, covering, replicas, covering.firm, ~covering.spot[covering.place])
    if (covering.left > 0).any():
        for zone in range(covering.n_zones):
            _add_share(builder, covering, replicas, covering.left, covering.zone != zone)
    _add_fit(builder, covering, replicas, stands, vms)
    _add_limits(builder, covering, stands, vms)
    return replace(builder.build(), usd_scale=scale)


def plain_point(covering: Covering, program: Program, replicas: IntArray) -> FloatArray:
    """The point of the plain program that these replicas are, on as few VMs as can be."""
    standing, stands = stand(covering, replicas), Stands.of(covering)
    vms = standing.vms[stands.zone, stands.place]
    moved = np.zeros(len(stands.size))
    size, place = covering.n_gpus[standing.item], covering.place[standing.item]
    cell = stands.cell_of(place, standing.zone, size)
    np.add.at(moved, cell, standing.count)
    point = np.concatenate([replicas, vms, moved]).astype(float)
    assert len(point) == program.n_columns
    return point


@dataclass(frozen=True, slots=True)
class Stands:
    """Where VMs may stand: at home, and where some item is bound to; and what may float there.

    Attributes:
        zone, place: of each stand, shape [S], by place and zone.
        home: whether it is the home of its place, shape [S].
        stand, size: of each way to float: a stand away from home, GPUs of a replica, shape [F].
    """

    zone: IntArray
    place: IntArray
    home: BoolArray
    stand: IntArray
    size: IntArray

    @classmethod
    def of(cls, covering: Covering) -> Stands:
        """The stands of a problem."""
        bound, zones = ~covering.floating, covering.n_zones
        home_keys = np.arange(covering.n_places) * zones + covering.home
        bound_keys = covering.place[bound] * zones + covering.zone[bound]
        place, zone = np.divmod(np.unique(np.concatenate([home_keys, bound_keys])), zones)
        home = zone == covering.home[place]
        base = int(covering.n_gpus.max(initial=0)) + 1
        sizes = np.unique(covering.place[~bound] * base + covering.n_gpus[~bound])
        away, size = np.nonzero(~home[:, None] & (place[:, None] == sizes // base))
        return cls(zone, place, home, away, sizes[size] % base)

    def at(self, place: IntArray, zone: IntArray) -> IntArray:
        """Number of the stand of each (place, zone)."""
        zones = int(max(self.zone.max(initial=0), zone.max(initial=0))) + 1
        return np.searchsorted(self.place * zones + self.zone, place * zones + zone)

    def cell_of(self, place: IntArray, zone: IntArray, size: IntArray) -> IntArray:
        """Number of each way to float."""
        base = int(max(self.size.max(initial=0), size.max(initial=0))) + 1
        return np.searchsorted(self.stand * base + self.size, self.at(place, zone) * base + size)


def most_replicas(covering: Covering) -> FloatArray:
    """As many replicas of an item as can be of use, shape [N]: each need met by it alone."""
    most = np.maximum(1.0, np.maximum(covering.firm, covering.left))
    zoned = covering.left[covering.workload] > 0
    # Two zones may each have to carry all that is left when the other is lost.
    return np.ceil(most[covering.workload] / covering.part) * np.where(zoned, 2.0, 1.0)


def _add_share(
    builder: ProgramBuilder,
    covering: Covering,
    replicas: IntArray,
    share: FloatArray,
    helps: BoolArray,
) -> None:
    """Replicas of the items that help carry at least a share of each demand.

    Divided by the share, and parts cut at it: exact, since replicas are whole.
    """
    asked = np.flatnonzero(share > 0)
    row = np.full(covering.n_workloads, -1)
    row[asked] = builder.rows(len(asked), lower=1.0)
    w = covering.workload
    item = np.flatnonzero(helps & (row[w] >= 0))
    part = np.minimum(covering.part[item] / share[w[item]], 1.0)
    builder.entries(row[w[item]], replicas[item], part)


def _add_fit(
    builder: ProgramBuilder, covering: Covering, replicas: IntArray, stands: Stands, vms: IntArray
) -> None:
    """VMs hold the replicas of their stand; what floats may stand away from home."""
    floating, room = covering.floating, covering.room
    zone = np.where(floating, covering.home[covering.place], covering.zone)
    fit = builder.rows(len(stands.place), upper=0.0)
    taken = covering.n_gpus / room[covering.place]
    builder.entries(fit[stands.at(covering.place, zone)], replicas, taken)
    builder.entries(fit, vms, -1.0)
    place = stands.place[stands.stand]
    away = builder.columns(len(place), upper=INTEGER_LIMIT, integer=True)
    home = stands.at(place, covering.home[place])
    builder.entries(fit[stands.stand], away, stands.size / room[place])
    builder.entries(fit[home], away, -stands.size / room[place])
    # No more floats away than there is.
    base = int(covering.n_gpus.max(initial=0)) + 1
    kind = place * base + stands.size
    kinds, row = np.unique(kind, return_inverse=True)
    rows = builder.rows(len(kinds), upper=0.0)
    builder.entries(rows[row], away, 1.0)
    item = np.flatnonzero(floating & np.isin(covering.place * base + covering.n_gpus, kinds))
    mine = np.searchsorted(kinds, covering.place[item] * base + covering.n_gpus[item])
    builder.entries(rows[mine], replicas[item], -1.0)


def _add_limits(builder: ProgramBuilder, covering: Covering, stands: Stands, vms: IntArray) -> None:
    """The limits, each divided by its largest weight, and the most VMs of a place in all zones."""
    several = np.flatnonzero(np.bincount(stands.place, minlength=covering.n_places) > 1)
    weight = np.concatenate([covering.weight, np.eye(covering.n_places)[several]])
    limit = np.concatenate([covering.limit, np.minimum(covering.most, INTEGER_LIMIT)[several]])
    used = weight.max(axis=1, initial=0.0) > 0
    weight, limit = weight[used], limit[used]
    unit = weight.max(axis=1, initial=0.0)
    rows = builder.rows(len(limit), upper=limit / unit)
    spread = (weight / unit[:, None])[:, stands.place]
    builder.entries(rows[:, None], vms[None, :], spread)
