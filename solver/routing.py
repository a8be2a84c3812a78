"""Who is served where: the routes of a plan, each replica at the smallest batch that will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..models.plan import Assignment, MeasuredRoute, Route
from ..models.value import FloatArray
from .current import Current, Spot
from .decision import Decision, Placed
from .describe import Chosen, Standing, describe_many
from .market import Market
from .precedent import KnownRoutes
from .program import IntArray
from .rightsize import rightsize_many
from .services import Served, Service
from .variables import Estate

UNUSED = 1e-9
"""Part of a class's requests below which a route is a solver's rounding."""


@dataclass(frozen=True, slots=True)
class Group:
    """One request class on the items in use, shape [U], before it is sized.

    Attributes:
        index: the class.
        pair: (VM type, GPUs) pair of each.
        seats: where each stands.
        spare: how many times what it must carry its capacity is.
    """

    service: Service
    index: int
    pair: IntArray
    seats: tuple[Standing, ...]
    spare: float


def route_all(
    estate: Estate, placed: Sequence[Placed], current: Current | None = None
) -> list[Route]:
    """The routes of every service, in order, their physics at once.

    Args:
        current: what runs already. Its batches stay where they will do, and what is new starts
            at the largest, so that more demand need not set it again.
    """
    groups = [group for one in placed for group in _groups(estate, one)]
    predicted = [g for g in groups if g.service.classes[g.index].stream is not None]
    found: list[Route] = list(_predicted(estate, predicted, current))
    for group in groups:
        if group.service.classes[group.index].stream is None:
            found += [
                _measured(group, k, seat, estate.market)
                for k, seat in zip(group.pair.tolist(), group.seats, strict=True)
            ]
    return found


def routes_again(known: KnownRoutes, decision: Decision) -> dict[str, tuple[Route, ...]]:
    """By workload, the routes of the running fleet that hold in a decision word for word.

    Those are of services asked for as before, on as many replicas in the same places.
    """
    market, current = decision.estate.market, decision.current
    if current is None or not known:
        return {}
    keys, gpus, found = [p.key for p in market.places], market.pair_gpus.tolist(), {}
    for placed in decision.services:
        service, item = placed.service, placed.item
        name = service.demand.name
        if name not in known or service.demand.survive.vm is not None:
            continue
        where = zip(service.place[item].tolist(), service.pair[item].tolist(), strict=True)
        stands = {
            Spot(keys[p], gpus[k]): n
            for (p, k), n in zip(where, placed.count.tolist(), strict=True)
        }
        if stands == current.replicas.get(name):
            found[name] = known[name]
    return found


def _predicted(
    estate: Estate, groups: Sequence[Group], current: Current | None
) -> Iterator[Assignment]:
    """Groups at the smallest batches that carry their part, predicted anew."""
    streams = [s for g in groups for s in [g.service.classes[g.index].stream] if s is not None]
    spares = [np.full(len(g.pair), g.spare) for g in groups]
    least = [_least_batches(estate.market, group, current) for group in groups]
    sizes = rightsize_many(streams, [g.pair for g in groups], spares, least)
    chosen = [
        Chosen(stream, k, seat, int(sized.batch[j]), tuple(float(f[j]) for f in sized.fractions))
        for stream, group, sized in zip(streams, groups, sizes, strict=True)
        for j, (k, seat) in enumerate(zip(group.pair.tolist(), group.seats, strict=True))
    ]
    yield from describe_many(estate.problem, chosen)


def _least_batches(market: Market, group: Group, current: Current | None) -> FloatArray:
    """Batches that each may as well run at, shape [U]."""
    if current is None:
        return np.ones(len(group.pair))
    spots = [
        Spot(seat.place.key, int(market.pair_gpus[pair]))
        for pair, seat in zip(group.pair.tolist(), group.seats, strict=True)
    ]
    name = group.service.demand.name
    return np.array([current.least_batch(name, group.index, spot) for spot in spots])


def _groups(estate: Estate, placed: Placed) -> Iterator[Group]:
    """The classes of one service in one period."""
    share = kept_parts(placed)
    for index, served in enumerate(placed.service.classes):
        mine = np.flatnonzero(share[index] > UNUSED)
        yield _group(estate, placed, index, served, mine, share[index][mine])


def kept_parts(placed: Placed) -> list[FloatArray]:
    """By class, replicas' worth of each item in use that are kept for it, shape [U].

    Shared replicas are divided by the work that each class brings, none left over.
    """
    service, item = placed.service, placed.item
    replicas = (placed.count * service.block[item]).astype(float)
    if not placed.routed:
        return [
            np.where(c.capacity[service.pair[item]] > 0, replicas, 0.0) for c in service.classes
        ]
    work = []
    for served, routed in zip(service.classes, placed.routed, strict=True):
        one = served.capacity[service.pair[item]]
        asked = routed * served.share
        work.append(
            np.divide(asked, one, out=np.zeros(len(item)), where=(one > 0) & (routed > UNUSED))
        )
    total = np.sum(work, axis=0)
    scale = np.divide(replicas, total, out=np.zeros(len(item)), where=total > 0)
    return [w * scale for w in work]


def _group(
    estate: Estate,
    placed: Placed,
    index: int,
    served: Served,
    mine: IntArray,
    part: FloatArray,
) -> Group:
    """One class on the items `mine`, of which it has `part` replicas."""
    service, market = placed.service, estate.market
    rate = service.rate(placed.period)
    rate = None if rate is None else rate * served.share
    carries = part * served.capacity[service.pair[placed.item[mine]]]
    spare = spare_capacity(placed, rate, mine, carries)
    pair, place, replicas, part = _merged(placed, mine, part)
    carries = part * served.capacity[pair]
    routed = [None] * len(pair) if rate is None else (rate * carries / carries.sum()).tolist()
    period = placed.period if estate.problem.horizon is not None else None
    columns = zip(place.tolist(), replicas.tolist(), part.tolist(), routed, strict=True)
    seats = tuple(Standing(market.places[p], n, kept, sent, period) for p, n, kept, sent in columns)
    return Group(service, index, pair, seats, spare)


def _merged(
    placed: Placed, mine: IntArray, part: FloatArray
) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """(pairs, places, replicas, parts): blocks of all sizes on one place together."""
    service, item = placed.service, placed.item[mine]
    if service.demand.survive.vm is None:  # no blocks
        return service.pair[item], service.place[item], placed.count[mine], part
    both = np.stack([service.pair[item], service.place[item]])
    unique, group = np.unique(both, axis=1, return_inverse=True)
    replicas = np.bincount(group, placed.count[mine] * service.block[item]).astype(np.int64)
    return unique[0], unique[1], replicas, np.bincount(group, part).astype(np.float64)


def spare_capacity(
    placed: Placed, rate: float | None, mine: IntArray, carries: FloatArray
) -> float:
    """How many times what it must carry the capacity is, in the tightest scenario."""
    if rate is None:
        return 1.0
    spares = []
    for scenario in placed.service.scenarios:
        left = scenario.left[placed.item[mine]]
        carried = float(carries[left].sum())
        if scenario.single_loss:
            carried -= float((carries / placed.count[mine]).max(initial=0.0))
        spares.append(carried / (scenario.share * rate))
    return min(spares)


def _measured(group: Group, pair: int, seat: Standing, market: Market) -> MeasuredRoute:
    demand, served = group.service.demand, group.service.classes[group.index]
    offer = seat.place.offer
    return MeasuredRoute(
        workload=demand.name,
        request_class=group.index,
        region=offer.region,
        purchase=offer.purchase,
        zone=seat.place.zone,
        period=seat.period,
        replicas=seat.replicas,
        part=seat.part,
        requests_per_s=seat.requests_per_s,
        provider=offer.vm_type.provider,
        vm_type=offer.vm_type.name,
        n_gpus=int(market.pair_gpus[pair]),
        measured_requests_per_s=float(served.capacity[pair]) / demand.target_utilization,
    )
