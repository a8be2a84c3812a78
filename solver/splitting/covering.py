"""Covering demands with replicas that share whole VMs, in arrays.

Workload w is carried by whole replicas; item i = (workload, place, GPUs g_i, part a_i) is one
way to run one of them, and part a_i of the demand is what that replica carries. A place p is
a VM type under one purchase option in one region, with room for `room` GPUs. Its VMs stand in
zones, which are alike: n_pz of them in zone z, and n_p in all.

    min   sum_p price_p n_p
    s.t.  sum_(i of w) a_i x_i >= 1                                  cover
          sum_(i of w, place not spot) a_i x_i >= firm_w             firm: a cap on spot
          sum_(i of w, not in zone z) a_i x_i >= left_w              zones: when one is lost
          sum_(i on p, in z) g_i x_i <= room_p n_pz                  fit
          sum_p weight_qp n_p <= limit_q                             limits
          owned_p <= n_p <= most_p,  x, n integer

Items of workloads that ask for a share outside each zone are in a zone; the others float, and
stand wherever there is room (`zones.py`). Each g_i divides or is divided by the others of its
place and divides its room, so that replicas which fit in number fit in place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.outcome import ProblemError
from ...models.value import FloatArray
from ..program import BoolArray, IntArray

SHORTFALL = 1e-6
"""Most of a demand that a plan may leave unserved: the tolerance that plans are checked with
(`backends.finish.FEASIBILITY`). Bounds allow it too, so that they hold for every plan."""


LIMIT_SLACK = 1e-9
"""By how much a limit may be exceeded, relative: sums of weights that are no binary fractions."""


@dataclass(frozen=True, slots=True)
class Covering:
    """The problem. Items are grouped by workload; no two share workload, place and GPUs.

    Attributes:
        start: first item of each workload, shape [W + 1].
        place, n_gpus, part: of each item, shape [N]; part in (0, 1].
        zone: of each item that does not float, from 0, shape [N]; no matter for the others.
        price: of one VM, shape [P], in any money.
        room: GPUs of one VM, shape [P].
        spot: which places can be taken back, shape [P].
        home: zone of what is owned and of what floats, unless there is room elsewhere,
            shape [P].
        owned, most: least and most VMs, shape [P].
        firm: least share not on spot places, shape [W]; 0 asks nothing.
        left: least share outside any one zone, shape [W]; 0 asks nothing.
        weight: of one VM in each limit, shape [Q, P], not negative.
        limit: shape [Q].
    """

    start: IntArray
    place: IntArray
    n_gpus: IntArray
    part: FloatArray
    zone: IntArray
    price: FloatArray
    room: IntArray
    spot: BoolArray
    home: IntArray
    owned: IntArray
    most: IntArray
    firm: FloatArray
    left: FloatArray
    weight: FloatArray
    limit: FloatArray

    @property
    def n_workloads(self) -> int:
        """W."""
        return len(self.start) - 1

    @property
    def n_places(self) -> int:
        """P."""
        return len(self.price)

    @property
    def n_zones(self) -> int:
        """Zones that items or places lie in."""
        return int(max(self.zone.max(initial=0), self.home.max(initial=0))) + 1

    @property
    def workload(self) -> IntArray:
        """Workload of each item, shape [N]."""
        return np.repeat(np.arange(self.n_workloads), np.diff(self.start))

    @property
    def floating(self) -> BoolArray:
        """Items that may stand in any zone, shape [N]."""
        return np.asarray(self.left[self.workload] == 0)

    def gpus(self, replicas: IntArray | FloatArray, among: BoolArray | None = None) -> IntArray:
        """GPUs that the replicas of each item, or of some items, take on each place, shape [P]."""
        used = self.n_gpus * replicas if among is None else self.n_gpus * replicas * among
        return np.rint(np.bincount(self.place, used, minlength=self.n_places)).astype(np.int64)

    def cost(self, vms: IntArray) -> float:
        """What the VMs cost."""
        return float(self.price @ vms)

    def without_closed(self) -> tuple[Covering, IntArray]:
        """The same without items on places that admit no VM, and the items that are left.

        `most` shrinks to what the limits admit of one place by itself, in whole VMs.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            fits = np.where(self.weight > 0, self.limit[:, None] / self.weight, np.inf)
        alone = np.floor(fits.min(axis=0, initial=np.inf) * (1.0 + LIMIT_SLACK))
        most = np.minimum(self.most, alone).astype(np.int64)
        items = np.flatnonzero(most[self.place] >= 1)
        counts = np.bincount(self.workload[items], minlength=self.n_workloads)
        reduced = replace(
            self,
            start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            place=self.place[items],
            n_gpus=self.n_gpus[items],
            part=self.part[items],
            zone=self.zone[items],
            most=np.maximum(most, self.owned),
        )
        return reduced, items

    def check(self) -> None:
        """The gate before any arithmetic.

        Raises:
            ProblemError: an array has the wrong length or holds a number out of its range.
        """
        items, places = len(self.part), self.n_places
        shapes = {
            "start": len(self.start) > 0 and self.start[0] == 0 and self.start[-1] == items,
            "place": len(self.place) == len(self.n_gpus) == len(self.zone) == items,
            "room": len(self.room) == len(self.spot) == len(self.home) == places,
            "most": len(self.owned) == len(self.most) == places,
            "left": len(self.firm) == len(self.left) == self.n_workloads,
            "weight": self.weight.shape == (len(self.limit), places),
        }
        for name, holds in shapes.items():
            if not holds:
                raise ProblemError(f"covering.{name}", None, "has the wrong length")
        ranges = {
            "start": (np.diff(self.start) >= 0).all(),
            "place": ((self.place >= 0) & (self.place < places)).all(),
            "part": ((self.part > 0) & (self.part <= 1)).all(),
            "price": (np.isfinite(self.price) & (self.price >= 0)).all(),
            "n_gpus": (self.n_gpus >= 1).all() and self._degrees_divide(),
            "zone": (self.zone >= 0).all(),
            "home": (self.home >= 0).all(),
            "owned": ((self.owned >= 0) & (self.owned <= self.most)).all(),
            "firm": ((self.firm >= 0) & (self.firm <= 1)).all(),
            "left": ((self.left >= 0) & (self.left <= 1)).all(),
            "weight": (np.isfinite(self.weight) & (self.weight >= 0)).all(),
            "limit": (np.isfinite(self.limit) & (self.limit >= 0)).all(),
        }
        for name, holds in ranges.items():
            if not holds:
                raise ProblemError(f"covering.{name}", None, "holds a number out of its range")

    def _degrees_divide(self) -> bool:
        """Whether the GPUs of a place's replicas divide each other and the room of its VM."""
        base = int(self.n_gpus.max(initial=0)) + 1
        place, n_gpus = np.divmod(np.unique(self.place * base + self.n_gpus), base)
        last = np.append(np.diff(place) != 0, True)
        larger = np.where(last, self.room[place], np.append(n_gpus[1:], 1))
        return bool((larger % n_gpus == 0).all())
