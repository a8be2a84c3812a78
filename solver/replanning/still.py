"""Whether the running fleet is still as good as proved, before anything is searched.

Most of what changes from one minute to the next leaves the best fleet what it is. An old bound
holds for what is harder (`harder.py`) and often for a demand that fell (`reproof.py`); where the
running replicas still serve and cost no more than that bound allows, they stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...models.fleet import FleetProblem
from ...models.outcome import InfeasibleError, Status
from ...models.plan import Assignment, FleetPlan, MeasuredRoute, Route, VMCount
from ...models.workload import Demand
from ..backends.finish import PROOF
from ..canonical import in_order_of
from ..current import Current
from ..estate import survey
from ..market import offer_key
from ..precedent import Precedent
from ..program import SolveOptions
from ..routing import route_all
from ..solve import DEFAULT_BACKEND
from ..splitting.covering import LIMIT_SLACK
from ..uses import limit_uses
from ..variables import Estate
from .harder import harder
from .keeping import kept_services
from .reproof import Proof

MOST_FALLS = 20
"""Demands that may have fallen at once: each is looked into by itself, and a bound that has to
outlast many seldom does."""

DISTURBANCE = "disturbance"
"""The `limit` of a plan that is dearer than the cheapest because changes cost."""


@dataclass(frozen=True, slots=True)
class Still:
    """The running fleet as the plan of a new problem.

    Attributes:
        plan: not checked yet.
        fresh: those of its routes that are predicted anew.
        proof: of the new problem.
    """

    plan: FleetPlan
    fresh: tuple[Route, ...]
    proof: Proof

    @property
    def predicted(self) -> Iterator[Assignment]:
        """Those of the fresh routes that have a batch."""
        return (route for route in self.fresh if isinstance(route, Assignment))

    @property
    def most_saving(self) -> float:
        """No plan saves more [USD/h]."""
        return self.plan.usd_per_hour - self.proof.bound

    @property
    def proved(self) -> bool:
        """Whether none saves more than the gap that was asked for."""
        return self.plan.status is Status.OPTIMAL


def still(
    problem: FleetProblem,
    precedent: Precedent,
    proof: Proof,
    current: Current,
    backend: str,
    options: SolveOptions,
) -> Still | None:
    """The running fleet under a new problem; None where it does not serve or nothing is proved."""
    asked = harder(precedent.problem, problem)
    if asked is None or any(vms.job for vms in precedent.plan.vms):
        return None
    vms = _vms(problem, precedent.plan.vms)
    if vms is None:
        return None
    if asked.cheaper:
        after = proof.after_cheaper(asked.cheaper)
        if after is None:
            return None
        proof = after
    estate = _surveyed(problem, asked.changed, current, options)
    placed = None if estate is None else kept_services(estate, current, backend, options)
    if estate is None or placed is None or len(asked.fallen) > MOST_FALLS:
        return None
    for service in estate.services:
        before = asked.fallen.get(service.demand.name)
        if before is not None:
            now = proof.after_fall(replace(estate, services=(service,)), before)
            if now is None:
                return None
            proof = now
    fresh = route_all(estate, placed, current)
    plan = _plan(problem, precedent.plan, vms, fresh, proof.bound, options)
    return None if plan is None else Still(plan, tuple(fresh), proof)


def _surveyed(
    problem: FleetProblem, changed: Sequence[Demand], current: Current, options: SolveOptions
) -> Estate | None:
    """Some demands with their candidates; None where nothing can serve one of them."""
    names = {demand.name for demand in changed}
    those = problem.model_copy(
        update={
            "workloads": tuple(w for w in problem.workloads if w.name in names),
            "measured": tuple(m for m in problem.measured if m.name in names),
        }
    )
    try:
        return survey(those, DEFAULT_BACKEND, options, current.offers)
    except InfeasibleError:
        return None


def _vms(problem: FleetProblem, running: Sequence[VMCount]) -> tuple[VMCount, ...] | None:
    """The running VMs at their prices now; None where one is no longer on offer."""
    offers = {offer_key(offer): offer for offer in problem.offers}
    found = []
    for vms in running:
        offer = offers.get((f"{vms.provider}:{vms.vm_type}", vms.region, vms.purchase))
        if offer is None:
            return None
        usd = offer.usd_per_hour * vms.count
        same = usd == vms.usd_per_hour and offer.date == vms.price_date
        found.append(vms if same else vms.replace(usd_per_hour=usd, price_date=offer.date))
    return tuple(found)


def _plan(
    problem: FleetProblem,
    running: FleetPlan,
    vms: tuple[VMCount, ...],
    fresh: Sequence[Route],
    bound: float,
    options: SolveOptions,
) -> FleetPlan | None:
    """The running plan with some routes anew; None where it breaks a limit."""
    changed = {route.workload for route in fresh}
    usd = sum(one.usd_per_hour for one in vms)
    limits = tuple(limit_uses(problem, vms, usd))
    if any(use.used > use.limit * (1 + LIMIT_SLACK) for use in limits):
        return None
    bound = min(bound, usd)
    proved = usd - bound <= (options.relative_gap + PROOF) * usd
    kept = [route for route in running.routes if route.workload not in changed]
    routes = [*kept, *fresh]
    plan = running.model_copy(
        update={
            "status": Status.OPTIMAL if proved else Status.FEASIBLE,
            "usd_per_hour": usd,
            "usd_per_hour_bound": bound,
            "gap": (usd - bound) / usd,
            "relative_gap": options.relative_gap,
            "vms": vms,
            "assignments": tuple(r for r in routes if isinstance(r, Assignment)),
            "measured": tuple(r for r in routes if isinstance(r, MeasuredRoute)),
            "limits": limits,
            "opinions": (),
            "limit": "" if proved else DISTURBANCE,
        }
    )
    return in_order_of(problem, plan)
