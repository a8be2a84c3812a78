"""An earlier problem and its checked plan: what is asked and served alike holds as it did.

Values are immutable, so the same object says the same: a demand, a calibration, a VM type or a
route that an earlier check has seen need not be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..models.fleet import FleetProblem
from ..models.hardware import VMType
from ..models.plan import FleetPlan, Route
from ..models.workload import Demand, Workload

KnownRoutes = Mapping[str, tuple[Route, ...]]
"""By workload, routes that have been checked for what is asked now."""


@dataclass(frozen=True)
class Precedent:
    """A plan that stood up, and the problem that it answers."""

    problem: FleetProblem
    plan: FleetPlan

    @cached_property
    def routes(self) -> dict[str, tuple[Route, ...]]:
        """By workload."""
        return by_workload(self.plan.routes)

    @cached_property
    def _demands(self) -> dict[str, Demand]:
        return {demand.name: demand for demand in self.problem.demands}

    def alike(self, problem: FleetProblem) -> KnownRoutes:
        """The routes of services that a problem asks for in the same words: they say what they did.

        None where it stands on other ground: calibrations, confidence, zones, a horizon.
        """
        if not same_ground(self.problem, problem):
            return {}
        before, now = _vm_types(self.problem), _vm_types(problem)
        same = {key for key, vm_type in now.items() if before.get(key) is vm_type}
        return {
            demand.name: mine
            for demand in problem.demands
            if self._demands.get(demand.name) is demand
            and not (isinstance(demand, Workload) and demand.job is not None)
            for mine in [self.routes.get(demand.name, ())]
            if all((r.vm_key, r.region, r.purchase) in same for r in mine)
        }


def settled(problem: FleetProblem, plan: FleetPlan, known: KnownRoutes) -> frozenset[str]:
    """Services that a plan serves by the very routes that stood up before.

    Not those that survive the loss of a VM: who else sits on it matters to them.
    """
    now = by_workload(plan.routes)
    return frozenset(
        demand.name
        for demand in problem.demands
        if demand.name in known
        and demand.survive.vm is None
        and same_objects(known[demand.name], now.get(demand.name, ()))
    )


def same_ground(one: FleetProblem, other: FleetProblem) -> bool:
    """Whether two problems predict alike and stand in one steady state with the same zones."""
    return (
        one.horizon is None
        and other.horizon is None
        and one.confidence == other.confidence
        and one.zones_per_region == other.zones_per_region
        and one.zoned == other.zoned
        and same_objects(one.calibrations, other.calibrations)
    )


def by_workload(routes: Iterable[Route]) -> dict[str, tuple[Route, ...]]:
    """The routes of each workload, in their order."""
    found: dict[str, list[Route]] = {}
    for route in routes:
        found.setdefault(route.workload, []).append(route)
    return {name: tuple(mine) for name, mine in found.items()}


def same_objects(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether two sequences hold the same objects."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _vm_types(problem: FleetProblem) -> dict[tuple[str, str, str], VMType]:
    return {(o.vm_type.key, o.region, o.purchase): o.vm_type for o in problem.offers}
