"""From a problem to an estate: the physics of every demand, done once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..models.fleet import FleetProblem
from .candidates import Stream, enumerate_streams
from .explain import require_candidates, require_places
from .market import NOTHING, Market, OfferKey, open_market
from .orders import draw_orders
from .precedent import same_ground, same_objects
from .program import SolveOptions
from .reduction import reduce_stream
from .services import Service, make_service, measured_classes, served_classes
from .shifts import plan_shifts
from .variables import Estate


def survey(
    problem: FleetProblem,
    backend: str,
    options: SolveOptions,
    running: frozenset[OfferKey] = NOTHING,
    known: Estate | None = None,
) -> Estate:
    """Every demand with its candidates and the places where they may stand.

    Args:
        backend, options: for the linear programs of offload schedules.
        running: offers on which something runs already.
        known: an earlier survey: services asked for as then are taken from it.

    Raises:
        InfeasibleError: a demand that nothing on offer can serve, and why.
    """
    market = open_market(problem, running)
    before = {} if known is None else _still_true(known, problem, market)
    fresh = problem.model_copy(
        update={
            "workloads": tuple(w for w in problem.workloads if w.name not in before),
            "measured": tuple(m for m in problem.measured if m.name not in before),
        }
    )
    streams = tuple(reduce_stream(s, backend, options) for s in enumerate_streams(fresh))
    require_candidates(streams)
    jobs = [s for s in streams if s.workload.job is not None]
    in_shifts = problem.horizon is not None
    services = (*_predicted(streams, market), *_measured(fresh, market))
    require_places(services, jobs, market)
    found = before | {service.demand.name: service for service in services}
    return Estate(
        problem=problem,
        market=market,
        services=tuple(found[d.name] for d in problem.demands if d.name in found),
        orders=()
        if in_shifts
        else tuple(draw_orders(s, problem.billing, backend, options) for s in jobs),
        shifts=tuple(plan_shifts(s, problem, market) for s in jobs) if in_shifts else (),
    )


def _still_true(known: Estate, problem: FleetProblem, market: Market) -> dict[str, Service]:
    """Services of an earlier survey whose demand is the same, in a market of the same places."""
    places = [place.key for place in market.places]
    if (
        not same_ground(known.problem, problem)
        or not same_objects(known.market.vm_types, market.vm_types)
        or places != [place.key for place in known.market.places]
    ):
        return {}
    asked = {demand.name: demand for demand in problem.demands}
    return {s.demand.name: s for s in known.services if asked.get(s.demand.name) is s.demand}


def _predicted(streams: Sequence[Stream], market: Market) -> tuple[Service, ...]:
    """One service per workload that is no job, its streams in order of class."""
    found = []
    for _, mine in groupby(streams, key=lambda stream: stream.workload.name):
        classes = tuple(mine)
        if classes[0].workload.job is None:
            found.append(make_service(classes[0].workload, served_classes(classes), market))
    return tuple(found)


def _measured(problem: FleetProblem, market: Market) -> tuple[Service, ...]:
    return tuple(
        make_service(
            workload, measured_classes(workload, f"measured ({workload.name})", market), market
        )
        for workload in problem.measured
    )
