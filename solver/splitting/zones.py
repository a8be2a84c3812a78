"""Where replicas and VMs stand: in which zone of their place.

Replicas of workloads that survive the loss of a zone are in the zone their item names. What
floats fills the VMs that those leave partly idle, the largest first, which wastes least as
sizes divide each other; the rest stands at home. So a place needs as few VMs as can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..program import BoolArray, IntArray
from .covering import Covering


@dataclass(frozen=True, slots=True)
class Standing:
    """VMs by zone, and what floats away from home.

    Attributes:
        vms: shape [Z, P].
        item, zone, count: so many replicas of a floating item stand in a zone that is not
            the home of its place, shape [F] each.
    """

    vms: IntArray
    item: IntArray
    zone: IntArray
    count: IntArray


def vms_for(covering: Covering, replicas: IntArray) -> IntArray:
    """Fewest VMs of each place that hold the replicas of each item, shape [P]."""
    if not (covering.left > 0).any():
        whole = -(-covering.gpus(replicas) // covering.room)
        return np.asarray(np.maximum(whole, covering.owned))
    return np.asarray(stand(covering, replicas).vms.sum(axis=0))


def stand(covering: Covering, replicas: IntArray) -> Standing:
    """The zone of every replica and VM, with the fewest VMs for these items."""
    room, places = covering.room, np.arange(covering.n_places)
    floating = covering.floating
    bound = np.zeros((covering.n_zones, covering.n_places), np.int64)
    for zone in range(covering.n_zones):
        bound[zone] = covering.gpus(replicas, ~floating & (covering.zone == zone))
    vms = -(-bound // room)
    spare = vms * room - bound
    spare[covering.home, places] = 0
    open_to: BoolArray = np.asarray(spare.any(axis=0))
    rows = np.flatnonzero(floating & (replicas > 0) & open_to[covering.place])
    rows = rows[np.lexsort((rows, -covering.n_gpus[rows], covering.place[rows]))]
    away: list[tuple[int, int, int]] = []
    for item in rows.tolist():
        place, left = covering.place[item], int(replicas[item])
        for zone in np.flatnonzero(spare[:, place] >= covering.n_gpus[item]).tolist():
            count = min(left, int(spare[zone, place] // covering.n_gpus[item]))
            if count:
                away.append((item, zone, count))
                spare[zone, place] -= count * covering.n_gpus[item]
                left -= count
    moved = np.array(away, dtype=np.int64).reshape(-1, 3)
    kept = replicas.copy()
    np.subtract.at(kept, moved[:, 0], moved[:, 2])
    at_home = bound[covering.home, places] + covering.gpus(kept, floating)
    vms[covering.home, places] = np.maximum(-(-at_home // room), covering.owned)
    return Standing(vms, moved[:, 0], moved[:, 1], moved[:, 2])
