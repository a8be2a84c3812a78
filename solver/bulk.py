"""Estates that are coverings: many services, each with one request class, in one steady state."""

from __future__ import annotations

import numpy as np

from .attempt import BACKEND
from .constraints import parts
from .covering import Covering
from .decision import Decision, Placed
from .decomposition import solve_covering
from .program import INTEGER_LIMIT, IntArray, Solution, SolveOptions
from .services import Service
from .variables import Estate


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
    services = estate.services
    weight, limit = list(market.weight), [quota.limit for quota in estate.problem.quotas]
    if budget.usd_per_hour is not None:
        weight.append(market.price)
        limit.append(budget.usd_per_hour)
    shape = (len(limit), market.n_places)
    pair = np.concatenate([service.pair for service in services])
    return Covering(
        start=np.cumsum([0, *(len(service.pair) for service in services)]),
        place=np.concatenate([service.place for service in services]),
        n_gpus=market.pair_gpus[pair],
        part=np.concatenate([parts(s, s.scenarios[0], s.rate(0)) for s in services]),
        price=market.price,
        room=market.room,
        spot=market.spot,
        zone=np.maximum(market.zone, 0),
        owned=market.owned,
        most=np.full(market.n_places, int(INTEGER_LIMIT)),
        firm=np.array([1.0 - s.demand.max_spot_share for s in services]),
        left=np.array([s.demand.survive.zone or 0.0 for s in services]),
        weight=np.array(weight).reshape(shape),
        limit=np.array(limit),
    )


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
    solution = Solution(plan.status, plan.limit, None, plan.cost, plan.bound, BACKEND, plan.seconds)
    if plan.replicas is None or plan.vms is None:
        return None, solution
    ends = covering.start
    placed = tuple(
        _placed(service, plan.replicas[first:last])
        for service, first, last in zip(
            estate.services, ends[:-1].tolist(), ends[1:].tolist(), strict=True
        )
    )
    vms = plan.vms[None, :]
    return Decision(estate, placed, vms, np.zeros_like(vms)), solution


def _placed(service: Service, count: IntArray) -> Placed:
    item = np.flatnonzero(count)
    return Placed(service, 0, item, count[item])
