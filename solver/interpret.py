"""From a decision back to a plan; costs come from the prices, never from the solver."""

from __future__ import annotations

from types import MappingProxyType

from ..models.outcome import Status
from ..models.plan import Assignment, FleetPlan, MeasuredRoute, Route
from .decision import Decision
from .describe import describe_order, describe_shifts
from .precedent import KnownRoutes
from .renting import mean_usd_per_hour, rent_for_jobs, rent_shared
from .routing import route_all, routes_again
from .uses import limit_uses

BOUND_ROUNDING = 1e-6
"""A proved bound may exceed the plan's cost by rounding; by more, `verify` refuses it."""


def interpret(
    decision: Decision,
    status: Status,
    bound: float | None,
    known: KnownRoutes = MappingProxyType({}),
) -> FleetPlan:
    """The plan of a decision, with the bound that was proved for it [USD/h].

    Args:
        known: routes of the running fleet that hold where as many replicas stand as in them.
    """
    problem, market = decision.estate.problem, decision.estate.market
    routes: list[Route] = []
    again = routes_again(known, decision)
    fresh = [one for one in decision.services if one.service.demand.name not in again]
    routes += [route for same in again.values() for route in same]
    routes += route_all(decision.estate, fresh, decision.current)
    for shifts, replicas in decision.shifts:
        routes += describe_shifts(problem, market, shifts, replicas)
    runs = [
        (describe_order(problem, orders, j, market.places[p]), market.places[p])
        for orders, j, p in decision.jobs
    ]
    routes += [run for run, _ in runs]
    shared, own = rent_shared(decision), rent_for_jobs(problem, runs)
    vms = [*shared[0], *own[0]]
    usd_per_hour = mean_usd_per_hour(problem, vms)
    if bound is not None and usd_per_hour < bound <= usd_per_hour * (1 + BOUND_ROUNDING):
        bound = usd_per_hour
    return FleetPlan(
        status=status,
        usd_per_hour=usd_per_hour,
        usd_per_hour_bound=bound,
        gap=None if bound is None else (usd_per_hour - bound) / usd_per_hour,
        vms=tuple(vms),
        assignments=tuple(route for route in routes if isinstance(route, Assignment)),
        measured=tuple(route for route in routes if isinstance(route, MeasuredRoute)),
        hosts=(*shared[1], *own[1]),
        limits=tuple(limit_uses(problem, vms, usd_per_hour)),
    )
