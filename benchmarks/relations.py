"""Problems beside a problem whose optimum is known to be equal, or on one side of its own.

Every relation here is meant to be exact: what was feasible stays so, at the cost that is said.
Left out, because they do not hold: shorter requests (a static batch earns tokens/s by them),
a second region at the same price (more zones to lose make survival cheaper), fewer VM types
where names count (`max_vm_types`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from infersave import (
    Budget,
    FleetPlan,
    FleetProblem,
    Horizon,
    Offer,
    Quota,
    Selection,
    Survival,
    Throughput,
)
from infersave.models.workload import Demand, Workload

INF = float("inf")


@dataclass(frozen=True, slots=True)
class Related:
    """What a relation says: the costs of `others` add up to `least` to `most` times the base.

    Attributes:
        base: compared with; None: the problem itself.
    """

    others: tuple[FleetProblem, ...]
    least: float = 0.0
    most: float = 1.0
    base: FleetProblem | None = None


Relation = Callable[[FleetProblem, FleetPlan, np.random.Generator], Related | None]
"""From a problem and its optimum; None where the problem has nothing of the kind."""


def same(other: FleetProblem) -> Related:
    return Related((other,), 1.0, 1.0)


def demands_changed(
    problem: FleetProblem, change: Callable[[Demand], dict[str, object]]
) -> FleetProblem:
    """Fields of every workload changed."""
    return problem.replace(
        workloads=tuple(w.replace(**change(w)) for w in problem.workloads),
        measured=tuple(m.replace(**change(m)) for m in problem.measured),
    )


def changed(problem: FleetProblem, other: FleetProblem) -> Related | None:
    """At most as dear, unless nothing changed."""
    return None if other == problem else Related((other,))


def prices(problem: FleetProblem, factor: float) -> Related:
    limits = {k: v * factor for k, v in problem.budget if v is not None}
    offers = tuple(o.replace(usd_per_hour=o.usd_per_hour * factor) for o in problem.offers)
    return Related((problem.replace(offers=offers, budget=Budget(**limits)),), factor, factor)


def time_unit(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    return same(FleetProblem.parse(_slower(problem.model_dump(), 2.0)))


def _slower(value: Any, factor: float, name: str = "") -> Any:
    """Every second as `factor` seconds; fields say their unit in their name."""
    if isinstance(value, dict):
        return {key: _slower(inner, factor, key) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_slower(inner, factor, name) for inner in value)
    if not isinstance(value, float):
        return value
    if name.endswith("_per_s"):
        return value / factor
    return value * factor if name.endswith("_s") or name in ("hours", "usd") else value


def order(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    lists = ("workloads", "measured", "offers", "calibrations", "quotas")
    return same(problem.replace(**{name: getattr(problem, name)[::-1] for name in lists}))


def names(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    found = {demand.name for demand in problem.demands}
    for offer in problem.offers:
        vm_type = offer.vm_type
        found |= {vm_type.name, vm_type.gpu.name, vm_type.family, vm_type.provider, offer.region}
    found |= {calibration.gpu for calibration in problem.calibrations}
    new = {name: f"n{len(found) - i}" for i, name in enumerate(sorted(found))}  # sorted otherwise
    return same(FleetProblem.parse(_renamed(problem.model_dump(), new)))


def _renamed(value: Any, new: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, new) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_renamed(inner, new) for inner in value)
    return new.get(value, value) if isinstance(value, str) else value


def vm_type_added(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    first = problem.offers[0]
    n_gpus = first.vm_type.n_gpus * int(rng.choice([1, 2, 4]))
    vm_type = first.vm_type.replace(name="another", family="another", n_gpus=n_gpus)
    price = first.usd_per_hour * float(rng.uniform(0.3, 3.0))
    offer = Offer(vm_type=vm_type, region=first.region, usd_per_hour=price)
    return Related((problem.replace(offers=(*problem.offers, offer)),))


def cheaper(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    offers = list(problem.offers)
    one = int(rng.integers(len(offers)))
    offers[one] = offers[one].replace(usd_per_hour=offers[one].usd_per_hour * 0.8)
    return Related((problem.replace(offers=tuple(offers)),))


def better_gpu(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    names = sorted({offer.vm_type.gpu.name for offer in problem.offers})
    best = names[int(rng.integers(len(names)))]
    rates = ("flops_per_s", "memory_bytes_per_s", "memory_bytes")
    offers = []
    for offer in problem.offers:
        gpu = offer.vm_type.gpu
        if gpu.name == best:
            gpu = gpu.replace(**{name: getattr(gpu, name) * 1.25 for name in rates})
        offers.append(offer.replace(vm_type=offer.vm_type.replace(gpu=gpu)))
    return Related((problem.replace(offers=tuple(offers)),))


def slo(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    factor = float(rng.uniform(1.1, 3.0))

    def looser(workload: Workload) -> Workload:
        bounds = {
            name: bound / factor if name == "tokens_per_s" else bound * factor
            for name, bound in workload.slo.bounds()
        }
        return workload.replace(slo=workload.slo.replace(**bounds))

    return changed(problem, problem.replace(workloads=tuple(map(looser, problem.workloads))))


def quota(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    more = float(rng.choice([1.0, 2.0, 1000.0]))
    quotas = tuple(q.replace(limit=q.limit + more) for q in problem.quotas)
    return changed(problem, problem.replace(quotas=quotas))


def budget(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    return changed(problem, problem.replace(budget=Budget()))


def survival(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    return changed(problem, demands_changed(problem, lambda d: {"survive": Survival()}))


def spot(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    return changed(problem, demands_changed(problem, lambda d: {"max_spot_share": 1.0}))


def anywhere(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    free = {"allow": Selection(), "forbid": Selection(), "max_vm_types": None}
    return changed(problem, demands_changed(problem, lambda d: dict(free)))


def less_demand(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    part = float(rng.uniform(0.3, 0.95))

    def less(demand: Demand) -> dict[str, object]:
        if isinstance(demand, Workload) and demand.job is not None:
            requests = max(1, int(demand.job.requests * part))
            return {"job": demand.job.replace(requests=requests)}
        return {"requests_per_s": (demand.requests_per_s or 1.0) * part}

    return Related((demands_changed(problem, less),))


def deadline(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    def later(workload: Workload) -> Workload:
        job = workload.job
        return workload.replace(job=job and job.replace(deadline_s=job.deadline_s * 1.5))

    return changed(problem, problem.replace(workloads=tuple(map(later, problem.workloads))))


def idle_limits(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    wide = Quota(name="wide", unit="gpus", limit=1e6)
    rich = problem.budget
    if rich.usd_per_hour is None:
        rich = rich.replace(usd_per_hour=1e6)
    return same(problem.replace(quotas=(*problem.quotas, wide), budget=rich))


def unused(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    used = {vm.vm_type for vm in plan.vms}
    idle = sorted({o.vm_type.name for o in problem.offers} - used)
    if not idle:
        return None
    gone = (idle[0],)
    rest = problem.replace(
        quotas=tuple(q for q in problem.quotas if q.vm_types != gone),
        workloads=tuple(
            w.replace(forbid=Selection()) if w.forbid.vm_types == gone else w
            for w in problem.workloads
        ),
        measured=tuple(
            m.replace(throughput=tuple(t for t in m.throughput if t.vm_type not in gone))
            for m in problem.measured
        ),
        offers=tuple(o for o in problem.offers if o.vm_type.name not in gone),
    )
    return same(rest)


def twin(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related:
    first = problem.offers[int(rng.integers(len(problem.offers)))].vm_type
    both = (first.name, "twin")
    offers = tuple(
        o.replace(vm_type=first.replace(name="twin"), owned=0)
        for o in problem.offers
        if o.vm_type == first
    )

    def named(rule: Selection) -> Selection:
        return rule.replace(vm_types=both) if rule.vm_types == both[:1] else rule

    def tables(entries: tuple[Throughput, ...]) -> tuple[Throughput, ...]:
        return (*entries, *(t.replace(vm_type="twin") for t in entries if t.vm_type == first.name))

    return same(
        problem.replace(
            offers=(*problem.offers, *offers),
            quotas=tuple(named(q) for q in problem.quotas),
            workloads=tuple(w.replace(forbid=named(w.forbid)) for w in problem.workloads),
            measured=tuple(m.replace(throughput=tables(m.throughput)) for m in problem.measured),
        )
    )


def no_offload(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    if not any(w.may_offload for w in problem.workloads):
        return None
    held = tuple(w.replace(offload=False) for w in problem.workloads)
    return Related((problem.replace(workloads=held),), 1.0, INF)


def unlimited(problem: FleetProblem) -> FleetProblem:
    """Nothing that workloads could share but VMs."""
    offers = tuple(o.replace(owned=0) for o in problem.offers)
    return problem.replace(offers=offers, quotas=(), budget=Budget())


def apart(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    if len(problem.demands) < 2:
        return None
    free = unlimited(problem)
    first = free.replace(workloads=free.workloads[:1], measured=())
    rest = free.replace(workloads=free.workloads[1:])
    return Related((first, rest), 1.0, INF, base=free)


def doubled(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    services = tuple(w for w in problem.workloads if w.job is None)
    if not services and not problem.measured:
        return None
    free = unlimited(problem).replace(workloads=services)
    twice = demands_changed(free, lambda d: {"requests_per_s": (d.requests_per_s or 1.0) * 2})
    return Related((twice,), 0.0, 2.0, base=free)


def one_period(problem: FleetProblem, plan: FleetPlan, rng: np.random.Generator) -> Related | None:
    if problem.horizon is not None or any(w.job is not None for w in problem.workloads):
        return None
    return same(problem.replace(horizon=Horizon(hours=(float(rng.uniform(0.5, 9.0)),))))
