r"""Services as arrays: what one replica carries of each request class, and where it may stand.

An *item* is one way to place replicas of a service: a (VM type, GPUs) pair k at a place p.
Where the loss of one VM must be survived, replicas are bought in *blocks* that share a VM,
and blocks of one service stand on VMs apart: what a VM takes with it is then one block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..models.measured import MeasuredWorkload
from ..models.outcome import ProblemError
from ..models.value import FloatArray
from ..models.workload import Demand
from .block import whole
from .candidates import Stream
from .machines import parallel_degrees
from .market import Market
from .program import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Served:
    """One request class of a service.

    Attributes:
        share: part of the service's requests.
        capacity: requests/s that one replica of each pair may carry, shape [K]; 0 where it
            cannot; infinite where it can and the demand states no rate.
        stream: the candidates behind it; None when the throughput was measured.
    """

    share: float
    capacity: FloatArray
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A part of the demand that must be carried by what is left, item by item.

    Attributes:
        share: part of the demand.
        left: items that still serve, shape [J].
        single_loss: besides, any one block may be gone.
    """

    share: float
    left: BoolArray
    single_loss: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """One service and its items, shape [J].

    Attributes:
        pair, place: where an item stands.
        block: replicas of one item that share a VM.
        scenarios: what must be carried, the whole demand by all items first.
    """

    demand: Demand
    classes: tuple[Served, ...]
    pair: IntArray
    place: IntArray
    block: IntArray
    scenarios: tuple[Scenario, ...]

    def on(self, kept: BoolArray) -> Service:
        """The same with these items only."""
        if kept.all():
            return self
        scenarios = tuple(replace(s, left=s.left[kept]) for s in self.scenarios)
        return replace(
            self,
            pair=self.pair[kept],
            place=self.place[kept],
            block=self.block[kept],
            scenarios=scenarios,
        )

    def peak(self, served: Served) -> float:
        """Greatest demand of a class in any period [requests/s]."""
        rate, profile = self.demand.requests_per_s, self.demand.profile
        assert rate is not None, "only a service with a rate has a peak"
        return rate * served.share * max(profile or (1.0,))

    def rate(self, period: int) -> float | None:
        """Mean demand of a period [requests/s]; None where none is stated."""
        return self.demand.rate_in(period)

    def capacity(self, served: Served) -> FloatArray:
        """Requests/s of a class that one item carries, shape [J]."""
        return np.asarray(served.capacity[self.pair] * self.block)

    def work(self, served: Served, routed: FloatArray, period: int) -> FloatArray:
        """Replicas' worth of work that a part of a class brings to each item, shape [J]."""
        rate, capacity = self.rate(period), self.capacity(served)
        asked = routed * served.share * (rate or 0.0)
        return np.divide(asked, capacity, out=np.zeros(len(capacity)), where=capacity > 0)

    def busy(self, period: int) -> FloatArray:
        """Items that carry the demand alone, as far as they can serve its classes, shape [J]."""
        rate, total = self.rate(period), np.zeros(len(self.pair))
        for served in self.classes:
            able = served.capacity[self.pair] > 0
            if rate is None:
                total = np.maximum(total, able)
            else:
                asked = np.full(len(total), rate * served.share)
                total += np.divide(
                    asked, self.capacity(served), out=np.zeros(len(total)), where=able
                )
        return total

    def most(self, period: int) -> FloatArray:
        """Items that are never worth exceeding, shape [J]."""
        spare = max(float(s.single_loss) for s in self.scenarios)
        return whole(self.busy(period)) + spare


def served_classes(streams: tuple[Stream, ...]) -> tuple[Served, ...]:
    """The request classes of a predicted service."""
    found = []
    for stream in streams:
        capacity = np.zeros(stream.holds.shape)
        useful = stream.useful()
        one = np.ones(stream.holds.shape)
        unlimited = stream.requests_per_s is None
        capacity[useful] = np.inf if unlimited else stream.carried(one)[useful]
        found.append(Served(stream.request.share, capacity, stream))
    return tuple(found)


def measured_classes(workload: MeasuredWorkload, path: str, market: Market) -> tuple[Served, ...]:
    """The request classes of a service whose throughput was measured.

    Raises:
        ProblemError: a VM type that is not on offer, or a number of GPUs it is not cut into.
    """
    capacity = np.zeros((len(workload.shares), len(market.pair_type)))
    for index, entry in enumerate(workload.throughput):
        field = f"{path}.throughput[{index}]"
        types = [i for i, v in enumerate(market.vm_types) if entry.vm_type in (v.name, v.key)]
        if not types:
            known = ", ".join(v.name for v in market.vm_types[:8])
            raise ProblemError(
                f"{field}.vm_type", entry.vm_type, f"is not on offer; known: {known}"
            )
        for t in types:
            degrees = parallel_degrees(market.vm_types[t].n_gpus)
            if entry.n_gpus not in degrees:
                rule = f"must be one of {', '.join(map(str, degrees))} on {entry.vm_type}"
                raise ProblemError(f"{field}.n_gpus", entry.n_gpus, rule)
            k = (market.pair_type == t) & (market.pair_gpus == entry.n_gpus)
            measured = workload.target_utilization * np.array(entry.requests_per_s)
            capacity[:, k] = measured[:, None]
    return tuple(Served(share, row) for share, row in zip(workload.shares, capacity, strict=True))


def make_service(demand: Demand, classes: tuple[Served, ...], market: Market) -> Service:
    """A service with every item it may use."""
    able = np.any([served.capacity > 0 for served in classes], axis=0)
    usable = able[market.pair]
    if demand.restricted:
        usable = usable & market.permitted(demand)[market.place]
    pair, place = market.pair[usable], market.place[usable]
    block = np.ones(len(pair), dtype=np.int64)
    if demand.survive.vm is not None:
        pair, place, block = _blocks(market, pair, place)
    return Service(demand, classes, pair, place, block, tuple(_scenarios(demand, market, place)))


def _blocks(market: Market, pair: IntArray, place: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Every item in blocks of as many replicas as one VM may hold."""
    found = [
        (k, p, count)
        for k, p, g in zip(pair.tolist(), place.tolist(), market.pair_gpus[pair], strict=True)
        for count in range(1, int(market.room[p]) // int(g) + 1)
    ]
    columns = np.array(found, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _scenarios(demand: Demand, market: Market, place: IntArray) -> Iterator[Scenario]:
    """The demand as it is, then what each loss must leave."""
    every = np.ones(len(place), bool)
    yield Scenario(1.0, every)
    if demand.max_spot_share < 1:
        yield Scenario(1.0 - demand.max_spot_share, ~market.spot[place])
    if demand.survive.vm is not None:
        yield Scenario(demand.survive.vm, every, single_loss=True)
    if demand.survive.zone is not None:
        for zone in np.unique(market.zone[place]):
            yield Scenario(demand.survive.zone, market.zone[place] != zone)
