"""From a decision back to a plan; costs come from the prices, never from the solver."""

from __future__ import annotations

from ..models.outcome import Status
from ..models.plan import Assignment, FleetPlan, MeasuredRoute, Route
from .decision import Decision
from .describe import describe_order, describe_shifts
from .precedent import Precedent
from .renting import mean_usd_per_hour, rent_for_jobs, rent_shared
from .routing import route_all, routes_again
from .uses import limit_uses

BOUND_ROUNDING = 1e-6
"""A proved bound may exceed the plan's cost by rounding; by more, `verify` refuses it."""


def interpret(
    decision: Decision, status: Status, bound: float | None, precedent: Precedent | None = None
) -> FleetPlan:
    """The plan of a decision, with the bound that was proved for it [USD/h].

    Args:
        precedent: an earlier plan: routes that say the same are taken from it.
    """
    problem, market = decision.estate.problem, decision.estate.market
    routes: list[Route] = []
    known = {} if precedent is None else routes_again(precedent, decision)
    fresh = [one for one in decision.services if one.service.demand.name not in known]
    routes += [route for same in known.values() for route in same]
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
