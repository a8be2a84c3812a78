"""The independent check of demand: every class carried, in every period, after every loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from ...models.billing import SECONDS_PER_HOUR
from ...models.engine import ENGINES
from ...models.fleet import FleetProblem
from ...models.jobs import shift_requests
from ...models.measured import MeasuredWorkload
from ...models.memory import weight_bytes
from ...models.plan import Assignment, FleetPlan, Route
from ...models.timing import timing
from ...models.workload import Demand, Workload
from .limits import COVERAGE, carried, check_losses, check_vm_types
from .vms import Spot, Violations, exact, spot_of

Key = tuple[str, int, int | None]
"""Workload, request class, period."""


def check_rate(demand: Demand, route: Route) -> Violations:
    """What is routed to replicas is what the part kept for the class carries."""
    routed = route.requests_per_s
    if (routed is None) != (demand.requests_per_s is None):
        yield f"routes {routed} requests/s, the workload asks for {demand.requests_per_s}"
    elif routed is not None and exact(routed) > carried(demand, route) * (1 + COVERAGE):
        most = float(carried(demand, route))
        yield f"routes {routed:.6g} requests/s to replicas that carry {most:.6g}"


def check_shared(problem: FleetProblem, routes: Sequence[Route]) -> Violations:
    """Classes that share replicas keep no more of them than there are, each named once."""
    named = Counter((r.workload, r.request_class, r.gpus_each, spot_of(r)) for r in routes)
    for (name, index, _, spot), routes_there in named.items():
        if routes_there > 1:
            yield f"{name}, request class {index}: two routes to {' '.join(spot.offer)}"
    alone = {w.name for w in problem.workloads if w.job is not None}
    alone |= {d.name for d in problem.demands if d.requests_per_s is None}
    kept: dict[tuple[str, int, Spot], Fraction] = {}
    replicas: dict[tuple[str, int, Spot], int] = {}
    for route in routes:
        key = (route.workload, route.gpus_each, spot_of(route))
        if route.workload in alone:
            if route.part != route.replicas:
                yield f"{route.workload}: keeps {route.part:g} of {route.replicas} replicas"
            continue
        kept[key] = kept.get(key, Fraction(0)) + exact(route.part)
        replicas[key] = route.replicas
    for key, part in kept.items():
        if part > replicas[key] * (1 + COVERAGE):
            yield f"{key[0]}: keeps {float(part):g} of {replicas[key]} replicas"


def check_demand(
    problem: FleetProblem,
    plan: FleetPlan,
    routes: Sequence[Route],
    known: frozenset[str] = frozenset(),
) -> Violations:
    """Every request class is carried in full, in every period, and survives its losses."""
    mine: dict[Key, list[Route]] = {}
    for route in routes:
        mine.setdefault((route.workload, route.request_class, route.period), []).append(route)
    periods: list[int | None] = [None]
    if problem.horizon is not None:
        periods = list(range(len(problem.hours)))
    for demand in problem.demands:
        if demand.name in known:
            continue
        job = demand.job if isinstance(demand, Workload) else None
        shares = _shares(demand)
        for index, share in enumerate(shares):
            of_class = [mine.get((demand.name, index, t), []) for t in periods]
            where = f"{demand.name}, request class {index}"
            if isinstance(demand, Workload) and job is not None:
                found = _check_job_done(problem, demand, index, of_class)
                yield from (f"{where}: {text}" for text in found)
                continue
            for t, there in zip(periods, of_class, strict=True):
                found = _check_class(problem, plan, demand, share, t, there)
                yield from (f"{where}: {text}" for text in found)
        if job is None:
            for t in periods:
                every = [r for c in range(len(shares)) for r in mine.get((demand.name, c, t), [])]
                yield from (f"{demand.name}: {text}" for text in check_vm_types(demand, every))


def _shares(demand: Demand) -> tuple[float, ...]:
    if isinstance(demand, Workload):
        return tuple(request.share for request in demand.requests)
    assert isinstance(demand, MeasuredWorkload), "a demand is predicted or measured"
    return demand.shares


def _check_class(
    problem: FleetProblem,
    plan: FleetPlan,
    demand: Demand,
    share: float,
    period: int | None,
    routes: Sequence[Route],
) -> Violations:
    """One request class of a service in one period."""
    if demand.requests_per_s is None:
        if not routes:
            yield "served by nothing"
        elif demand.max_spot_share < 1 and all(r.purchase == "spot" for r in routes):
            yield "without spot no replica is left"
        return
    asked = exact(demand.requests_per_s) * exact(share)
    if demand.profile is not None and period is not None:
        asked *= exact(demand.profile[period])
    if not asked:
        return
    if not routes:
        yield "served by nothing"
        return
    routed = sum((exact(r.requests_per_s or 0.0) for r in routes), Fraction(0))
    if abs(routed - asked) > asked * COVERAGE:
        yield f"routes {float(routed):.6g} of {float(asked):.6g} requests/s"
    yield from check_losses(problem, plan, demand, routes, asked)


def _check_job_done(
    problem: FleetProblem, workload: Workload, index: int, by_period: Sequence[Sequence[Route]]
) -> Violations:
    """One request class of a job: one run, or shifts that do it all before the deadline."""
    runs = [r for there in by_period for r in there if isinstance(r, Assignment)]
    if problem.horizon is None:
        if len(runs) != 1:
            yield f"a job has one run, not {len(runs)}"
        return
    requests = workload.job_requests(index)
    done = sum((_done_in_shift(problem, workload, r) for r in runs), Fraction(0))
    if done < requests * (1 - COVERAGE):
        yield f"{float(done):.6g} of {requests} requests are done by the deadline"
    rates = sum(
        (exact(r.requests_per_s or 0.0) * exact(problem.hours[r.period or 0]) for r in runs),
        Fraction(0),
    ) * exact(SECONDS_PER_HOUR)
    if abs(rates - requests) > requests * COVERAGE:
        yield f"routes {float(rates):.6g} of {requests} requests"


def _done_in_shift(problem: FleetProblem, workload: Workload, run: Assignment) -> Fraction:
    """Requests that the replicas of one period do before the deadline."""
    assert workload.job is not None, "only jobs work in shifts"
    assert run.period is not None, "checked with its place"
    start_s = sum(problem.hours[: run.period]) * SECONDS_PER_HOUR
    end_s = start_s + problem.hours[run.period] * SECONDS_PER_HOUR
    usable_s = max(min(end_s, workload.job.deadline_s) - start_s, 0.0)
    weights = weight_bytes(workload.architecture, workload.weight_precision)
    engine, batch = ENGINES[workload.engine], float(run.deployment.batch)
    each = shift_requests(
        engine,
        timing(engine, workload.requests[run.request_class], batch),
        max(usable_s - problem.billing.load_s(weights), 0.0),
        batch,
        run.performance.prefill_s,
        run.performance.decode_step_s,
    )
    return exact(float(each)) * run.replicas
