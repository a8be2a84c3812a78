"""Whether a running fleet still serves as it is, and what is wrong where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..backends.finish import FEASIBILITY
from ..constraints import parts
from ..current import Atlas, Current
from ..decision import Decision, JobOrder, Placed
from ..market import Market
from ..orders import order_places
from ..precedent import KnownRoutes
from ..program import IntArray, SolveOptions
from ..services import Scenario, Service
from ..splitting.covering import LIMIT_SLACK
from ..variables import Estate
from .balance import balanced, in_use
from .taking import taken


@dataclass(frozen=True)
class Kept:
    """A running fleet, held against a problem.

    Attributes:
        vms: of each place, shape [P]: those on which anything asked for runs, or owned.
        jobs: ordered anew beside them.
        broken: what it does not hold, in words.
        placed: services that were looked at.
    """

    estate: Estate
    current: Current
    vms: IntArray
    jobs: tuple[JobOrder, ...]
    broken: tuple[str, ...]
    placed: Mapping[str, Placed]

    @property
    def usd_per_hour(self) -> float:
        """What it costs."""
        return taken(self.estate, self.vms, self.jobs).usd_per_hour

    @cached_property
    def decision(self) -> Decision:
        """The fleet as it is, where nothing is broken."""
        atlas, placed = Atlas(self.current, self.estate.market), list[Placed]()
        for service in self.estate.services:
            mine = self.placed.get(service.demand.name)
            if mine is None:
                count = atlas.standing(service).blocks
                item = np.flatnonzero(count)
                mine = Placed(service, 0, item, count[item])
            placed.append(mine)
        return Decision(
            estate=self.estate,
            services=tuple(placed),
            vms=self.vms[None, :],
            started=np.zeros_like(self.vms)[None, :],
            jobs=self.jobs,
            current=self.current,
        )


def keep(
    estate: Estate,
    current: Current,
    known: KnownRoutes,
    backend: str,
    options: SolveOptions,
) -> Kept:
    """The running replicas where they are; VMs that hold none of them are given back.

    Jobs end by themselves and disturb nothing: each is ordered anew beside what runs.

    Args:
        known: the routes of services that are served as they are asked for now.
        backend, options: for the routing of request classes that share replicas.
    """
    placed, broken = dict[str, Placed](), list[str]()
    atlas = Atlas(current, estate.market)
    for service in estate.services:
        name = service.demand.name
        if name in known and len(service.classes) == 1:
            continue
        one, wrong = _service(service, atlas, backend, options)
        broken += wrong
        if one is not None:
            placed[name] = one
    vms = np.maximum(_vms(estate, current), estate.market.owned)
    jobs = tuple(_ordered(estate, vms))
    broken += _over_limits(estate, vms, jobs)
    return Kept(estate, current, vms, jobs, tuple(broken), placed)


def kept_services(
    estate: Estate, current: Current, backend: str, options: SolveOptions
) -> list[Placed] | None:
    """The running replicas of every service; None where some do not serve."""
    atlas, found = Atlas(current, estate.market), list[Placed]()
    for service in estate.services:
        placed, wrong = _service(service, atlas, backend, options)
        if wrong or placed is None:
            return None
        found.append(placed)
    return found


def _service(
    service: Service, atlas: Atlas, backend: str, options: SolveOptions
) -> tuple[Placed | None, list[str]]:
    """The running replicas of one service, and what is wrong with them."""
    standing = atlas.standing(service)
    demand, count = service.demand, standing.blocks
    item = np.flatnonzero(count)
    if standing.homeless or (count * service.block).sum() != standing.replicas.sum():
        return None, [f"{demand.name}: replicas run where they can no longer serve"]
    if not len(item):
        return None, [f"{demand.name}: nothing runs"] if service.rate(0) != 0 else []
    wrong = list(_too_many_types(service, item, atlas.market))
    if len(service.classes) > 1 and service.rate(0) is not None:
        routed = balanced(service, item, count[item], backend, options)
        if routed is None:
            wrong.append(f"{demand.name}: its replicas no longer carry all request classes")
            return None, wrong
        return in_use(Placed(service, 0, item, count[item], routed)), wrong
    wrong += _short(service, count)
    return Placed(service, 0, item, count[item]), wrong


def _too_many_types(service: Service, item: IntArray, market: Market) -> Iterator[str]:
    """A service on more VM types than it may use."""
    most = service.demand.max_vm_types
    used = len(np.unique(market.type_of[service.place[item]]))
    if most is not None and used > most:
        yield f"{service.demand.name}: runs on {used} VM types, {most} are allowed"


def _short(service: Service, count: IntArray) -> list[str]:
    """Scenarios in which a service without shared replicas carries too little."""
    for scenario in service.scenarios:
        for part in _part_left(service, scenario, count):
            if part < 1.0 - FEASIBILITY:
                share = f"{100 * part * scenario.share:.3g} %"
                after = " after a loss" if scenario.share < 1 or scenario.single_loss else ""
                return [f"{service.demand.name}: its replicas carry {share} of its demand{after}"]
    return []


def _part_left(service: Service, scenario: Scenario, count: IntArray) -> Iterator[float]:
    """What a scenario leaves, as a part of what it asks; of each class where no rate is stated."""
    for served in service.classes:
        alone = replace(service, classes=(served,))
        part = parts(alone, scenario, service.rate(0))
        left = part * count * scenario.left
        lost = float(part[count > 0].max(initial=0.0)) if scenario.single_loss else 0.0
        yield float(left.sum()) - lost


def _vms(estate: Estate, current: Current) -> IntArray:
    """VMs of each place on which anything runs that is still asked for, shape [P]."""
    names = {service.demand.name for service in estate.services}
    return np.array(
        [
            sum(any(name in names for name, _ in seats) for seats in current.rooms.get(p.key, ()))
            for p in estate.market.places
        ],
        np.int64,
    )


def _ordered(estate: Estate, vms: IntArray) -> list[JobOrder]:
    """The cheapest order of each job, one after the other, that limits leave room for.

    The cheapest of all where they leave none.
    """
    market, found = estate.market, list[JobOrder]()
    for orders in estate.orders:
        places = order_places(orders, market)
        type_of = orders.stream.machines.type_of
        choices = [
            (orders, j, p)
            for p in places.tolist()
            for j in np.flatnonzero(type_of == market.type_of[p]).tolist()
        ]
        choices.sort(key=lambda one: market.price[one[2]] * orders.vm_hours[one[1]])
        fits = (one for one in choices if not any(_over_limits(estate, vms, [*found, one])))
        found.append(next(fits, choices[0]))
    return found


def _over_limits(estate: Estate, vms: IntArray, jobs: Sequence[JobOrder]) -> Iterator[str]:
    """Quotas and budgets that the VMs and jobs exceed."""
    use, budget = taken(estate, vms, jobs), estate.problem.budget.usd_per_hour
    for quota, used in zip(estate.problem.quotas, use.quotas.tolist(), strict=True):
        if used > quota.limit * (1 + LIMIT_SLACK):
            yield f"quota {quota.name}: {used:g} {quota.unit} of {quota.limit:g}"
    if budget is not None and use.usd_per_hour > budget * (1 + LIMIT_SLACK):
        yield f"budget: USD {use.usd_per_hour:.3f} per hour of {budget:.3f}"
