"""Relations between optima that must hold whatever the optima are, on random fleets.

Nothing is known of a fleet's optimum, but a lot of what a change does to it:

    prices x 4, x 3.7  all prices and budgets: the cost takes the factor
    time unit          every second lasts two: the cost per hour stays
    order              of workloads, offers, calibrations and quotas: the cost stays
    names              of workloads, VM types, GPUs, regions: the cost stays
    twin               a VM type under a second name, with every rule on it: the cost stays
    unused             a VM type that the plan leaves out is gone: the cost stays
    idle limits        a quota and a budget far away: the cost stays
    one period         a horizon of one period, for services: the cost stays
    VM type added      the cost does not rise; nor in the next ten
    cheaper            one offer
    better GPU         one, with more FLOP/s, bandwidth and memory
    slo                every bound looser
    quota              every limit higher
    budget             dropped
    survival           rules dropped
    spot               caps dropped
    anywhere           allow, forbid and max_vm_types dropped
    less demand        every rate, every job; the batches stay allowed
    deadline           later; a job's bill is spread over it
    no offload         forbidden: the cost does not fall
    apart              workloads in two fleets do not cost less, where they share no limit
    doubled            demand: at most twice the cost, for services without limits

Only proved optima are compared.
"""

from __future__ import annotations

import numpy as np

import infersave
from infersave import FleetPlan, FleetProblem, InfeasibleError, Status
from infersave.benchmarks import relations
from infersave.benchmarks.optima import AGREE, EXACT, optimum
from infersave.benchmarks.relations import Related, Relation
from infersave.models.outcome import BackendError, NoPlanError

BACKEND = "ortools:highs"


def _prices(factor: float) -> Relation:
    return lambda problem, plan, rng: relations.prices(problem, factor)


RELATIONS: dict[str, Relation] = {
    "prices x 4": _prices(4.0),
    "prices x 3.7": _prices(3.7),
    "time unit": relations.time_unit,
    "order": relations.order,
    "names": relations.names,
    "twin": relations.twin,
    "unused": relations.unused,
    "idle limits": relations.idle_limits,
    "one period": relations.one_period,
    "VM type added": relations.vm_type_added,
    "cheaper": relations.cheaper,
    "better GPU": relations.better_gpu,
    "slo": relations.slo,
    "quota": relations.quota,
    "budget": relations.budget,
    "survival": relations.survival,
    "spot": relations.spot,
    "anywhere": relations.anywhere,
    "less demand": relations.less_demand,
    "deadline": relations.deadline,
    "no offload": relations.no_offload,
    "apart": relations.apart,
    "doubled": relations.doubled,
}


def violations(problem: FleetProblem, seed: int) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Relations compared on a problem, those that do not hold, and solvers' failures."""
    try:
        plan = infersave.solve(problem, backend=BACKEND, options=EXACT)
    except (InfeasibleError, NoPlanError):
        return 0, (), ()
    except BackendError as error:
        return 0, (), (str(error),)
    if plan.status is not Status.OPTIMAL:
        return 0, (), ()
    compared, wrong, failed = 0, [], []
    for index, (name, relation) in enumerate(RELATIONS.items()):
        related = relation(problem, plan, np.random.default_rng((seed, index)))
        if related is None:
            continue
        try:
            costs = _costs(problem, plan, related)
        except BackendError as error:
            failed.append(f"{name}: {error}")
            continue
        if costs is None:
            continue
        compared += 1
        base, other = costs
        least, most = related.least * base * (1 - AGREE), related.most * base * (1 + AGREE)
        if not least <= other <= most:
            wrong.append(f"{name}: {other} is not {related.least} to {related.most} x {base}")
    return compared, tuple(wrong), tuple(failed)


def _costs(problem: FleetProblem, plan: FleetPlan, related: Related) -> tuple[float, float] | None:
    """The cost of the base and of the others together; None without a proof, or a base."""
    base: float | None = plan.usd_per_hour
    if related.base is not None:
        base = optimum(related.base, BACKEND)
    others = [optimum(other, BACKEND) for other in related.others]
    proved = [cost for cost in others if cost is not None]
    if base is None or base == float("inf") or len(proved) < len(others):
        return None
    return base, sum(proved)
