"""What can be bought where: the offers of a problem as arrays over places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..models.fleet import FleetProblem
from ..models.hardware import Offer, VMType
from ..models.value import FloatArray
from ..models.workload import Demand
from .machines import parallel_degrees
from .program import BoolArray, IntArray

OfferKey = tuple[str, str, str]
"""VM type key, region, purchase option."""
NOTHING: frozenset[OfferKey] = frozenset()


def offer_key(offer: Offer) -> OfferKey:
    """The key of an offer."""
    return offer.vm_type.key, offer.region, offer.purchase


class PlaceKey(NamedTuple):
    """Which place: VM type key, region, purchase option, zone."""

    vm_type: str
    region: str
    purchase: str
    zone: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """An offer, in one zone of its region where zones matter."""

    offer: Offer
    zone: int | None = None

    @property
    def key(self) -> PlaceKey:
        """Which place."""
        return PlaceKey(*offer_key(self.offer), self.zone)


@dataclass(frozen=True, slots=True)
class Market:
    """Places, shape [P], and the (VM type, GPUs per replica) pairs they hold, shape [K].

    Attributes:
        vm_types: each VM type once, in the order the offers name them.
        pair_type, pair_gpus: index into `vm_types` and tensor-parallel degree of a pair.
        type_of: index into `vm_types` of a place.
        price: USD/h of one VM.
        room: GPUs of one VM.
        owned: VMs paid for already.
        runs: places where something runs, which are never left out.
        spot, reserved: its purchase option.
        zone: number of the zone, over all regions; -1 where zones do not matter.
        weight: what one VM counts against each quota, shape [Q, P].
        pair, place: which pair fits which place, every combination, shape [J].
    """

    places: tuple[Place, ...]
    vm_types: tuple[VMType, ...]
    pair_type: IntArray
    pair_gpus: IntArray
    type_of: IntArray
    price: FloatArray
    room: IntArray
    owned: IntArray
    runs: BoolArray
    spot: BoolArray
    reserved: BoolArray
    zone: IntArray
    weight: FloatArray
    pair: IntArray
    place: IntArray

    @property
    def n_places(self) -> int:
        """P."""
        return len(self.places)

    @property
    def first_zone(self) -> BoolArray:
        """Places in the first zone, or in none: where zones are all the same, shape [P]."""
        return np.array([place.zone in (None, 0) for place in self.places], dtype=bool)

    @property
    def pair_room(self) -> IntArray:
        """GPUs of the VM type of each pair, shape [K]."""
        return np.array([v.n_gpus for v in self.vm_types], dtype=np.int64)[self.pair_type]

    def permitted(self, demand: Demand) -> BoolArray:
        """Places where a demand may run, shape [P]."""
        if not demand.restricted:
            return np.ones(self.n_places, bool)
        return np.array([demand.permits(place.offer) for place in self.places], dtype=bool)


def open_market(problem: FleetProblem, running: frozenset[OfferKey] = NOTHING) -> Market:
    """The places a plan of this problem may need, and those of the offers that run already."""
    vm_types = tuple({o.vm_type.key: o.vm_type for o in problem.offers}.values())
    number = {v.key: i for i, v in enumerate(vm_types)}
    pairs = [(i, g) for i, v in enumerate(vm_types) for g in parallel_degrees(v.n_gpus)]
    pair_type = np.array([i for i, _ in pairs], dtype=np.int64)
    places = _places(problem, running)
    offers = [place.offer for place in places]
    type_of = np.array([number[o.vm_type.key] for o in offers], dtype=np.int64)
    pair, place = np.nonzero(pair_type[:, None] == type_of[None, :])
    return Market(
        places=places,
        vm_types=vm_types,
        pair_type=pair_type,
        pair_gpus=np.array([g for _, g in pairs], dtype=np.int64),
        type_of=type_of,
        price=np.array([o.usd_per_hour for o in offers]),
        room=np.array([o.vm_type.n_gpus for o in offers], dtype=np.int64),
        # Where zones matter, what is owned stands in the first.
        owned=np.array([p.offer.owned * (p.zone in (None, 0)) for p in places], dtype=np.int64),
        runs=np.array([offer_key(o) in running for o in offers], dtype=bool),
        spot=np.array([o.purchase == "spot" for o in offers], dtype=bool),
        reserved=np.array([o.purchase == "reserved" for o in offers], dtype=bool),
        zone=_zone_numbers(places),
        weight=np.array(
            [[q.weight(o.vm_type) if q.matches(o) else 0 for o in offers] for q in problem.quotas],
            dtype=float,
        ).reshape(len(problem.quotas), len(offers)),
        pair=pair,
        place=place,
    )


def _places(problem: FleetProblem, running: frozenset[OfferKey]) -> tuple[Place, ...]:
    """The cheapest of the offers that no rule tells apart, in every zone where zones matter."""
    zoned = problem.zoned
    chosen = {id(offers[0]) for offers in alike_offers(problem)}
    kept = [o for o in problem.offers if id(o) in chosen or offer_key(o) in running]
    zones: Sequence[int | None] = range(problem.zones_per_region) if zoned else (None,)
    return tuple(Place(offer, zone) for offer in kept for zone in zones)


def alike_offers(problem: FleetProblem) -> list[list[Offer]]:
    """Offers in groups that no rule tells apart, the cheapest of each group first."""
    zoned = problem.zoned
    rules = {(d.allow, d.forbid): d for d in problem.demands if d.restricted}.values()
    groups: dict[tuple[object, ...], list[Offer]] = {}
    for offer in sorted(problem.offers, key=lambda o: (o.usd_per_hour, o.key)):
        alike = (
            offer.vm_type.key,
            # Reserved VMs are bought for the whole horizon, and owned ones stay owned.
            offer.key if offer.purchase == "reserved" else offer.purchase == "spot",
            offer.region if zoned else None,
            tuple(quota.matches(offer) for quota in problem.quotas),
            tuple(demand.permits(offer) for demand in rules),
        )
        groups.setdefault(alike, []).append(offer)
    return list(groups.values())


def _zone_numbers(places: tuple[Place, ...]) -> IntArray:
    numbers: dict[tuple[str, str, int], int] = {}
    found = []
    for place in places:
        if place.zone is None:
            found.append(-1)
            continue
        key = (place.offer.vm_type.provider, place.offer.region, place.zone)
        found.append(numbers.setdefault(key, len(numbers)))
    return np.array(found, dtype=np.int64)
