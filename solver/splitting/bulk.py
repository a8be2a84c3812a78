"""Estates that are coverings: many services, each with one request class, in one steady state."""

from __future__ import annotations

import numpy as np

from ..attempt import BACKEND, SOLVERS
from ..constraints import parts
from ..decision import Decision, Placed
from ..program import INTEGER_LIMIT, BoolArray, IntArray, Solution, SolveOptions
from ..services import Service
from ..variables import Estate
from .covering import Covering
from .decomposition import solve_covering
from .zones import stand


def covers(estate: Estate) -> bool:
    """Whether the estate says nothing that a covering cannot."""
    return (
        estate.problem.horizon is None
        and not estate.orders
        and all(_plain(service) for service in estate.services)
    )


def _plain(service: Service) -> bool:
    demand = service.demand
    return len(service.classes) == 1 and demand.survive.vm is None and demand.max_vm_types is None


def covering_of(estate: Estate) -> Covering:
    """The estate in arrays."""
    market, budget = estate.market, estate.problem.budget
    services, at_home = estate.services, market.first_zone
    first, offer = np.flatnonzero(at_home), np.cumsum(at_home) - 1
    weight, limit = list(market.weight), [quota.limit for quota in estate.problem.quotas]
    if budget.usd_per_hour is not None:
        weight.append(market.price)
        limit.append(budget.usd_per_hour)
    shape = (len(limit), market.n_places)
    items = [_items(service, at_home) for service in services]
    place, pair = (
        np.concatenate([each[mine] for each, mine in zip(columns, items, strict=True)])
        for columns in ([s.place for s in services], [s.pair for s in services])
    )
    part = [parts(s, s.scenarios[0], s.rate(0))[i] for s, i in zip(services, items, strict=True)]
    return Covering(
        start=np.cumsum([0, *(len(mine) for mine in items)]),
        place=offer[place],
        n_gpus=market.pair_gpus[pair],
        part=np.concatenate(part),
        zone=np.maximum(market.zone[place], 0),
        price=market.price[first],
        room=market.room[first],
        spot=market.spot[first],
        home=np.maximum(market.zone[first], 0),
        owned=market.owned[first],
        most=np.full(len(first), int(INTEGER_LIMIT)),
        firm=np.array([1.0 - s.demand.max_spot_share for s in services]),
        left=np.array([s.demand.survive.zone or 0.0 for s in services]),
        weight=np.array(weight).reshape(shape)[:, first],
        limit=np.array(limit),
    )


def _items(service: Service, at_home: BoolArray) -> IntArray:
    """Items of a service; of those that may stand in any zone, the ones in the first.

    Args:
        at_home: places in the first zone of their region, shape [P].
    """
    if service.demand.survive.zone is not None:
        return np.arange(len(service.place))
    return np.flatnonzero(at_home[service.place])


def refusal(estate: Estate, backend: str) -> str | None:
    """Why an estate cannot be split by workload, or None."""
    if backend != BACKEND:
        return f"it runs on {BACKEND} only"
    if not covers(estate):
        return (
            "it takes services with one request class, one steady state, and neither "
            "survive.vm nor max_vm_types"
        )
    return None


def decide_in_bulk(estate: Estate, options: SolveOptions) -> tuple[Decision | None, Solution]:
    """The decision and how good it is proved to be; its money is USD/h."""
    covering = covering_of(estate)
    told = options.on_bounds
    heard = None if told is None else lambda best, bound, _: told(best, bound)
    plan = solve_covering(covering, options, heard)
    solution = Solution(plan.status, plan.limit, None, plan.cost, plan.bound, SOLVERS, plan.seconds)
    if plan.replicas is None or plan.vms is None:
        return None, solution
    return _decision(estate, covering, plan.replicas), solution


def _decision(estate: Estate, covering: Covering, replicas: IntArray) -> Decision:
    """Every replica and VM in the zone where it stands."""
    market, standing = estate.market, stand(covering, replicas)
    at_home = market.first_zone
    vms = standing.vms[np.maximum(market.zone, 0), np.cumsum(at_home) - 1]
    away: dict[int, list[int]] = {}
    for number, workload in enumerate(covering.workload[standing.item].tolist()):
        away.setdefault(workload, []).append(number)
    placed = []
    ends = covering.start.tolist()
    for w, (service, begin, end) in enumerate(zip(estate.services, ends, ends[1:], strict=False)):
        mine = _items(service, at_home)
        count = np.zeros(len(service.place), np.int64)
        count[mine] = replicas[begin:end]
        for number in away.get(w, ()):
            home = mine[standing.item[number] - begin]
            place = service.place[home] + standing.zone[number] - market.zone[service.place[home]]
            there = (service.place == place) & (service.pair == service.pair[home])
            count[home] -= standing.count[number]
            count[there] += standing.count[number]
        used = np.flatnonzero(count)
        placed.append(Placed(service, 0, used, count[used]))
    return Decision(estate, tuple(placed), vms[None, :], np.zeros_like(vms)[None, :])
