"""The steps to a fleet, within the limits at each of them, with the batches of what starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from ...models.hardware import PurchaseOption
from ...models.plan import Assignment, FleetPlan
from ...models.replan import Step
from ..current import Current, Spot, place_of_route
from ..decision import Decision
from ..market import PlaceKey
from ..splitting.covering import LIMIT_SLACK
from .contender import Contender
from .taking import taken
from .transition import in_steps

BySpot = dict[tuple[str, Spot], list[Assignment]]
"""By workload and spot, the routes there in the order of their classes."""


def stages(chosen: Contender, current: Current, plan: FleetPlan) -> tuple[Step, ...]:
    """The steps in order; what keeps running is set to its new batch before anything stops."""
    routes = _by_spot(plan.assignments)
    steps = [
        step.replace(batch=_batch(routes.get((step.workload, _spot(step)), [])))
        if step.action == "start" and step.workload is not None
        else step
        for step in in_steps(chosen.fleets, _room_for(chosen.decision))
    ]
    before = next((i for i, step in enumerate(steps) if step.action == "stop"), len(steps))
    return (*steps[:before], *set_batches(current, plan.assignments), *steps[before:])


def set_batches(current: Current, routes: Iterable[Assignment]) -> Iterator[Step]:
    """A step for each spot where replicas stay and get another batch."""
    for (workload, spot), mine in _by_spot(routes).items():
        before = current.batch.get((workload, spot), {})
        if not before or all(before.get(r.request_class) == r.deployment.batch for r in mine):
            continue
        provider, _, vm_type = spot.place.vm_type.partition(":")
        yield Step(
            action="set batch",
            provider=provider,
            vm_type=vm_type,
            region=spot.place.region,
            purchase=cast(PurchaseOption, spot.place.purchase),
            zone=spot.place.zone,
            workload=workload,
            n_gpus=spot.n_gpus,
            replicas=mine[0].replicas,
            batch=_batch(mine),
        )


def _by_spot(routes: Iterable[Assignment]) -> BySpot:
    found: BySpot = {}
    for route in routes:
        if route.job is None:
            spot = Spot(place_of_route(route), route.gpus_each)
            found.setdefault((route.workload, spot), []).append(route)
    return found


def _batch(routes: Sequence[Assignment]) -> tuple[int, ...]:
    return tuple(route.deployment.batch for route in routes)


def _spot(step: Step) -> Spot:
    place = PlaceKey(f"{step.provider}:{step.vm_type}", step.region, step.purchase, step.zone)
    return Spot(place, step.n_gpus or 0)


def _room_for(decision: Decision) -> Callable[[Mapping[PlaceKey, int]], bool]:
    """Whether quotas and the budget admit so many VMs at one time, beside the jobs."""
    market, budget = decision.estate.market, decision.estate.problem.budget.usd_per_hour
    number = {place.key: p for p, place in enumerate(market.places)}
    limits = np.array([quota.limit for quota in decision.estate.problem.quotas])

    def fits(running: Mapping[PlaceKey, int]) -> bool:
        vms = market.owned.copy()
        for key, count in running.items():
            if key in number:
                vms[number[key]] = max(count, vms[number[key]])
        use = taken(decision.estate, vms, decision.jobs)
        within = (use.quotas <= limits * (1 + LIMIT_SLACK)).all()
        return bool(within and (budget is None or use.usd_per_hour <= budget * (1 + LIMIT_SLACK)))

    return fits
