"""The independent check: a plan recomputed from the problem, replica by replica.

Shares nothing with candidates, formulation or solvers beyond the formulas of `models/`, which it
evaluates one number at a time. Counting and money are exact (`fractions`); physics is compared
within `PHYSICS`.
"""

from __future__ import annotations

import math

from ..models.fleet import FleetProblem
from ..models.hardware import Offer
from ..models.measured import MeasuredWorkload
from ..models.outcome import VerificationError
from ..models.plan import Assignment, FleetPlan, MeasuredRoute, Route
from ..models.workload import Demand, Workload
from .checks.demand import check_demand, check_rate, check_shared
from .checks.limits import check_horizon, check_limits, check_one_size
from .checks.queueing import Sent, check_waits
from .checks.replica import Truths, check_deployment, check_job, check_prediction
from .checks.vms import (
    PHYSICS,
    OfferKey,
    Spot,
    Violations,
    check_money,
    check_places,
    check_vms,
    offer_of,
    spot_of,
)
from .precedent import KnownRoutes, settled


def verify(problem: FleetProblem, plan: FleetPlan, known: KnownRoutes | None = None) -> None:
    """Check every claim of a plan against the problem.

    Args:
        known: what stood up before: routes that are the same are not worked out again.

    Raises:
        VerificationError: lists every contradiction.
    """
    violations = list(find_violations(problem, plan, settled(problem, plan, known or {})))
    if violations:
        raise VerificationError(violations)


def find_violations(
    problem: FleetProblem, plan: FleetPlan, known: frozenset[str] = frozenset()
) -> Violations:
    """Every contradiction between plan and problem, in words.

    Args:
        known: workloads that are known to be served as asked, by these very routes.
    """
    offers: dict[OfferKey, Offer] = {
        (o.vm_type.key, o.region, o.purchase): o for o in problem.offers
    }
    demands: dict[str, Demand] = {demand.name: demand for demand in problem.demands}
    zoned = problem.zoned
    standing: list[Route] = []
    truths, queued = Truths(problem), dict[tuple[str, int, Spot], list[Sent]]()
    for field, routes in (("assignments", plan.assignments), ("measured", plan.measured)):
        for number, route in enumerate(routes):
            if route.workload in known:
                standing.append(route)
                continue
            where = f"{field}[{number}] ({route.workload})"
            demand, offer = demands.get(route.workload), offers.get(offer_of(route))
            if demand is None or offer is None:
                offered = f"no offer of {' '.join(offer_of(route))}"
                yield f"{where}: {'the problem has no such workload' if offer else offered}"
                continue
            wrong = list(_check_place(problem, demand, route, offer, zoned))
            if not wrong:
                standing.append(route)
                wrong = list(_check_route(problem, demand, route, offer))
                if not wrong and isinstance(demand, Workload) and isinstance(route, Assignment):
                    truth = truths.of(demand, route, offer)
                    wrong = list(check_prediction(demand, route, offer, truth))
                    if demand.slo.percentile is not None:
                        sent = Sent(where, demand, route, truth.performance)
                        key = route.workload, route.gpus_each, spot_of(route)
                        queued.setdefault(key, []).append(sent)
            for text in wrong:
                yield f"{where}: {text}"
    for sharing in queued.values():
        yield from check_waits(sharing)
    misplaced = list(check_places(problem, plan, zoned))
    yield from misplaced
    if misplaced:  # what stands nowhere cannot be added up
        return
    fresh = [route for route in standing if route.workload not in known]
    yield from check_shared(problem, fresh)
    yield from check_demand(problem, plan, fresh, known)
    yield from check_vms(problem, plan, standing, offers)
    yield from check_limits(problem, plan, offers)
    yield from check_one_size(problem, plan)
    if problem.horizon is not None:
        yield from check_horizon(problem.horizon, plan)
    yield from check_money(problem, plan)


def _check_place(
    problem: FleetProblem, demand: Demand, route: Route, offer: Offer, zoned: bool
) -> Violations:
    """Class, place, zone and period exist, and the workload may run there."""
    classes = len(demand.requests) if isinstance(demand, Workload) else 0
    if isinstance(demand, MeasuredWorkload):
        classes = len(demand.shares)
    if isinstance(demand, Workload) != isinstance(route, Assignment):
        yield "is measured in the problem or in the plan, but not in both"
    if route.request_class >= classes:
        yield f"request class {route.request_class} does not exist"
    if not demand.permits(offer):
        yield f"{offer.key} is not allowed"
    if (route.zone is not None) != zoned or (route.zone or 0) >= problem.zones_per_region:
        yield f"zone {route.zone} does not exist"
    own = isinstance(route, Assignment) and route.job is not None
    periods = len(problem.hours) if problem.horizon is not None else None
    if periods is None or own:
        if route.period is not None:
            yield f"period {route.period} does not exist"
    elif route.period is None or route.period >= periods:
        yield f"period {route.period} does not exist"


def _check_route(problem: FleetProblem, demand: Demand, route: Route, offer: Offer) -> Violations:
    """What one replica is said to do, and what is asked of it."""
    if isinstance(demand, Workload) and isinstance(route, Assignment):
        yield from check_deployment(demand, route, offer)
        if demand.job is not None:
            if demand.max_spot_share < 1 and route.purchase == "spot":
                yield "a job that may not depend on spot runs on it"
            if problem.horizon is None:
                yield from check_job(problem, demand, route, offer)
            elif route.job is not None:
                yield "a job in a horizon has no VMs of its own"
        else:
            yield from check_rate(demand, route)
            if route.job is not None:
                yield "a service has no job run"
    elif isinstance(demand, MeasuredWorkload) and isinstance(route, MeasuredRoute):
        yield from _check_measured(demand, route)
        yield from check_rate(demand, route)


def _check_measured(demand: MeasuredWorkload, route: MeasuredRoute) -> Violations:
    """The throughput is the one in the table."""
    measured = [
        entry.requests_per_s[route.request_class]
        for entry in demand.throughput
        if entry.vm_type in (route.vm_type, route.vm_key) and entry.n_gpus == route.n_gpus
    ]
    said = route.measured_requests_per_s
    if not any(math.isclose(said, value, rel_tol=PHYSICS) for value in measured):
        yield f"measured_requests_per_s {said:.6g} is in no table of the problem"
