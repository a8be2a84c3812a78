"""What a plan has used up, or nearly: SLOs, memory, replicas, limits."""

from __future__ import annotations

from collections.abc import Iterator

from ...models.fleet import FleetProblem
from ...models.plan import Assignment, FleetPlan, Route
from ...models.reasons import Binding

NEARLY = 0.05
"""Unused part of a bound below which it is said to bind."""

EXACT = 1e-9


def binding(problem: FleetProblem, plan: FleetPlan) -> tuple[Binding, ...]:
    """What binds, tightest first; each bound of a workload once, where it is tightest."""
    found: dict[tuple[str, str], Binding] = {}
    for one in (*_of_routes(problem, plan), *_of_limits(plan)):
        key = one.subject, one.name
        if one.slack <= NEARLY and (key not in found or one.slack < found[key].slack):
            found[key] = one
    return tuple(sorted(found.values(), key=lambda b: (b.slack, b.subject, b.name)))


def _of_routes(problem: FleetProblem, plan: FleetPlan) -> Iterator[Binding]:
    demands = {demand.name: demand for demand in problem.demands}
    for route in plan.routes:
        if isinstance(route, Assignment):
            yield from _of_deployment(route)
    groups: dict[tuple[str, int, int | None], list[Route]] = {}
    for r in plan.routes:
        groups.setdefault((r.workload, r.request_class, r.period), []).append(r)
    for (name, _, _), routes in groups.items():
        if any(isinstance(r, Assignment) and r.job for r in routes):
            continue
        demand = demands[name]
        carried = sum(r.most_per_s(demand.target_utilization) * r.part for r in routes)
        asked = sum(_asked(r) for r in routes)
        if asked:
            slack = carried / asked - 1.0
            yield Binding(
                subject=name, name="replicas", used=asked, bound=carried, slack=max(slack, 0.0)
            )


def _asked(route: Route) -> float:
    return route.requests_per_s or 0.0


def _of_deployment(route: Assignment) -> Iterator[Binding]:
    """SLOs, memory and deadline of one deployment."""
    for check in route.slos:
        yield Binding(
            subject=route.workload,
            name=check.slo,
            used=check.predicted,
            bound=check.bound,
            slack=check.slack,
        )
    performance = route.performance
    for name, used, limit in (
        ("gpu_bytes", performance.gpu_bytes, performance.gpu_limit_bytes),
        ("host_bytes", performance.host_bytes, performance.host_limit_bytes),
    ):
        if limit > 0:
            yield Binding(
                subject=route.workload, name=name, used=used, bound=limit, slack=1.0 - used / limit
            )


def _of_limits(plan: FleetPlan) -> Iterator[Binding]:
    for use in plan.limits:
        slack = 1.0 - use.used / use.limit if use.limit > EXACT else 0.0
        yield Binding(subject=use.name, name=use.unit, used=use.used, bound=use.limit, slack=slack)
