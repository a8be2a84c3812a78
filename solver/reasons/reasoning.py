"""Why a plan is the best: every VM type that lost, and the plans that come next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...models.fleet import FleetProblem
from ...models.outcome import Status, VerificationError
from ...models.plan import FleetPlan
from ...models.reasons import Alternative, Loser, Reasons
from ...models.value import FloatArray
from ..candidates import Stream, enumerate_streams
from ..canonical import canonical, in_order_of
from ..decision import read_decision
from ..estate import survey
from ..explain import nearest_per_type
from ..formulation import formulate
from ..interpret import interpret
from ..program import Solution, SolveOptions
from ..reduction import reduce_stream
from ..solve import DEFAULT_BACKEND
from ..uses import vms_by_type
from ..variables import Estate, Variables
from ..verify import verify
from .alternatives import Counts, unlike, using
from .asking import Asking, OnSolve
from .binding import binding

MOST_ITEMS = 20_000
"""Candidates of services in a program up to which other plans are looked for."""


def reasons(
    problem: FleetProblem,
    plan: FleetPlan,
    *,
    backend: str,
    options: SolveOptions,
    alternatives: int,
    on_solve: OnSolve,
) -> Reasons:
    """Why the plan: what binds, the next-best plans, and why each other VM type lost.

    Args:
        options: the time limit is for all that is solved.
        alternatives: how many plans besides.
        on_solve: told how many programs were solved.
    """
    asking = Asking(backend, options, options.deadline(), on_solve)
    asked = canonical(problem)
    estate = survey(asked, DEFAULT_BACKEND, options)
    few = sum(len(service.pair) for service in estate.services) <= MOST_ITEMS
    asking.complete = few
    others = tuple(_alternatives(asking, problem, plan, estate, alternatives if few else 0))
    why = physics(reduce_stream(s, DEFAULT_BACKEND, options) for s in enumerate_streams(asked))
    losers = sorted(_losers(asking, plan, estate, why, compared=few), key=_nearness)
    return Reasons(
        plan=plan,
        binding=binding(problem, plan),
        alternatives=others,
        losers=tuple(losers),
        complete=asking.complete,
        solves=asking.solves,
    )


def _nearness(loser: Loser) -> tuple[bool, bool, float, str]:
    dearer = loser.dearer_usd_per_hour
    return bool(loser.reason), dearer is None, dearer or 0.0, f"{loser.provider}:{loser.vm_type}"


def _alternatives(
    asking: Asking, problem: FleetProblem, plan: FleetPlan, estate: Estate, count: int
) -> Iterator[Alternative]:
    """The next-best plans, one after the other."""
    if not count:
        return
    program, variables = formulate(estate, "candidates")  # the dominated may come next
    best = asking.solution(program)
    before = [] if best is None or best.values is None else [Counts(variables, best.values)]
    for _ in range(count if before else 0):
        found = asking.solution(unlike(program, variables, before))
        if found is None or found.values is None:
            return
        before.append(Counts(variables, found.values))
        other = _plan_of(problem, variables, found.values[: program.n_columns])
        if other is None:
            asking.complete = False
            return
        yield Alternative(
            usd_per_hour=other.usd_per_hour,
            dearer_usd_per_hour=max(other.usd_per_hour - plan.usd_per_hour, 0.0),
            proved=found.status is Status.OPTIMAL,
            vms=vms_by_type(problem, other),
        )


def _plan_of(problem: FleetProblem, variables: Variables, values: FloatArray) -> FleetPlan | None:
    """A point as a checked plan; None where it does not stand up."""
    plan = interpret(read_decision(variables, values), Status.FEASIBLE, None)
    plan = in_order_of(problem, plan)
    try:
        verify(problem, plan)
    except VerificationError:
        return None
    return plan


def _losers(
    asking: Asking, plan: FleetPlan, estate: Estate, why: dict[str, str], *, compared: bool
) -> Iterator[Loser]:
    """VM types on offer that the plan leaves out.

    Args:
        why: by VM type, why it serves nothing, where it does not.
        compared: whether to find what a fleet costs that uses one.
    """
    market = estate.market
    taken = {(vm.provider, vm.vm_type) for vm in plan.vms}
    program, variables = formulate(estate, "candidates")
    for number, vm_type in enumerate(market.vm_types):
        loser = Loser(provider=vm_type.provider, vm_type=vm_type.name)
        if (vm_type.provider, vm_type.name) in taken:
            continue
        forced = using(program, variables, market.type_of == number)
        if forced is None:
            reason = why.get(vm_type.key, "no workload may run on it, or none is measured there")
            yield loser.replace(reason=reason)
            continue
        found = asking.solution(forced) if compared else None
        if found is not None and found.status is Status.INFEASIBLE:
            yield loser.replace(reason="quotas or the budget leave no fleet that uses it")
            continue
        cost, at_least = _cost(found, program.usd_scale)
        dearer = None if cost is None else max(cost - plan.usd_per_hour, 0.0)
        yield loser.replace(dearer_usd_per_hour=dearer, at_least=at_least)


def _cost(found: Solution | None, scale: float) -> tuple[float | None, bool]:
    """Cost [USD/h] of a program's optimum, and whether it is only a bound."""
    if found is None:
        return None, False
    if found.status is Status.OPTIMAL and found.objective is not None:
        return found.objective / scale, False
    return (None, False) if found.bound is None else (found.bound / scale, True)


def physics(streams: Iterable[Stream]) -> dict[str, str]:
    """By VM type, why the workload that comes nearest cannot be served on it."""
    nearest: dict[str, tuple[tuple[float, float], str]] = {}
    for stream in streams:
        for key, rejection in nearest_per_type(stream).items():
            far = (-float(rejection.stage), rejection.miss)
            text = f"{stream.workload.name}: {rejection.text}"
            if key not in nearest or far < nearest[key][0]:
                nearest[key] = far, text
    return {key: text for key, (_, text) in nearest.items()}
