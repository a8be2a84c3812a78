"""A running fleet: what stands where, at which batch, and who sits on which VM."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..models.outcome import ProblemError
from ..models.plan import Assignment, FleetPlan, Host, Route, VMCount
from .market import Market, OfferKey, PlaceKey
from .program import IntArray
from .seats import Seats
from .services import Service


class Spot(NamedTuple):
    """Replicas of one size in one place."""

    place: PlaceKey
    n_gpus: int

    @property
    def anywhere(self) -> Spot:
        """The same in no zone."""
        return Spot(self.place._replace(zone=None), self.n_gpus)


@dataclass(frozen=True, slots=True)
class Current:
    """The services of a running fleet; jobs end by themselves.

    Attributes:
        replicas: by workload, how many are where.
        batch: by workload and spot, of each request class.
        rooms: by place, the seats taken on each VM, in the order of their numbers.
    """

    replicas: Mapping[str, Mapping[Spot, int]]
    batch: Mapping[tuple[str, Spot], Mapping[int, int]]
    rooms: Mapping[PlaceKey, tuple[Seats, ...]]

    @classmethod
    def nothing(cls) -> Current:
        """No fleet at all."""
        return cls({}, {}, {})

    def vms_of(self, offer: OfferKey) -> int:
        """Running VMs of an offer, in every zone."""
        return sum(len(vms) for place, vms in self.rooms.items() if place[:3] == offer)

    def anywhere(self) -> Current:
        """The same where zones matter no more: VMs are numbered through all zones of a place."""
        replicas: dict[str, dict[Spot, int]] = {}
        batch: dict[tuple[str, Spot], Mapping[int, int]] = {}
        rooms: dict[PlaceKey, tuple[Seats, ...]] = {}
        for name, where in self.replicas.items():
            mine = replicas.setdefault(name, {})
            for spot, count in where.items():
                mine[spot.anywhere] = mine.get(spot.anywhere, 0) + count
        for (name, spot), sizes in self.batch.items():
            batch.setdefault((name, spot.anywhere), sizes)
        for place in sorted(self.rooms, key=lambda place: place.zone or 0):
            key = place._replace(zone=None)
            rooms[key] = (*rooms.get(key, ()), *self.rooms[place])
        return Current(replicas, batch, rooms)

    @property
    def offers(self) -> frozenset[OfferKey]:
        """What the running VMs were bought under."""
        return frozenset((p.vm_type, p.region, p.purchase) for p in self.rooms)

    def least_batch(self, workload: str, index: int, spot: Spot) -> float:
        """The batch that replicas of a request class run at; infinite where none run."""
        return self.batch.get((workload, spot), {}).get(index, np.inf)


def current_of(plan: FleetPlan) -> Current:
    """What a plan runs.

    Raises:
        ProblemError: a plan over a horizon, which is no one fleet.
    """
    if any(vms.period is not None for vms in plan.vms):
        raise ProblemError("running", "a plan over a horizon", "must be a plan of one steady state")
    replicas: dict[str, dict[Spot, int]] = {}
    batch: dict[tuple[str, Spot], dict[int, int]] = {}
    for route in plan.routes:
        if isinstance(route, Assignment) and route.job is not None:
            continue
        spot = Spot(place_of_route(route), route.gpus_each)
        replicas.setdefault(route.workload, {})[spot] = route.replicas
        if isinstance(route, Assignment):
            mine = batch.setdefault((route.workload, spot), {})
            mine[route.request_class] = route.deployment.batch
    rooms: dict[PlaceKey, list[Seats]] = {}
    for host in sorted(plan.hosts, key=lambda h: h.first):
        if host.job is None:
            seats = {(seat.workload, seat.n_gpus): seat.replicas for seat in host.seats}
            rooms.setdefault(place_of(host), []).extend([seats] * host.count)
    return Current(replicas, batch, {place: tuple(of) for place, of in rooms.items()})


def place_of(vms: VMCount | Host) -> PlaceKey:
    """Where VMs stand."""
    return PlaceKey(f"{vms.provider}:{vms.vm_type}", vms.region, vms.purchase, vms.zone)


def place_of_route(route: Route) -> PlaceKey:
    """Where a route's replicas stand."""
    return PlaceKey(route.vm_key, route.region, route.purchase, route.zone)


@dataclass(frozen=True, slots=True)
class Standing:
    """The running replicas of one service, as its items see them.

    Attributes:
        spot: of each item, the number of its spot, or -1 where none of its replicas run, shape [J].
        replicas: running on each spot, shape [S].
        homeless: running where no item is: they must go.
        blocks: running of each item, shape [J].
    """

    spot: IntArray
    replicas: IntArray
    homeless: int
    blocks: IntArray


class Atlas:
    """Where the spots of a running fleet are in a market: (pair, place) of each."""

    def __init__(self, current: Current, market: Market) -> None:
        places = {place.key: p for p, place in enumerate(market.places)}
        pairs = zip(market.pair_type.tolist(), market.pair_gpus.tolist(), strict=True)
        pair_of = {pair: k for k, pair in enumerate(pairs)}
        self.current, self.market = current, market
        self._found: dict[Spot, tuple[int, int]] = {}
        for spot in {spot for mine in current.replicas.values() for spot in mine}:
            p = places.get(spot.place, -1)
            k = pair_of.get((int(market.type_of[p]), spot.n_gpus), -1)
            if p >= 0 and k >= 0:
                self._found[spot] = k, p

    def standing(self, service: Service) -> Standing:
        """The running replicas of a service on its items."""
        name, apart = service.demand.name, service.demand.survive.vm is not None
        spot = np.full(len(service.pair), -1)
        blocks = np.zeros(len(service.pair), np.int64)
        replicas, homeless = list[int](), 0
        for where, running in self.current.replicas.get(name, {}).items():
            pair, place = self._found.get(where, (-1, -1))
            mine = np.flatnonzero((service.pair == pair) & (service.place == place))
            if not len(mine):
                homeless += running
                continue
            spot[mine] = len(replicas)
            replicas.append(running)
            if not apart:
                blocks[mine] = running
                continue
            for seats in self.current.rooms.get(where.place, ()):
                blocks[mine] += service.block[mine] == seats.get((name, where.n_gpus), 0)
        return Standing(spot, np.array(replicas, np.int64), homeless, blocks)
