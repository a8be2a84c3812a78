"""What the cost of the best plan hangs on: `infersave.sensitivity`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from time import perf_counter

from ...models.field_path import Key
from ...models.fleet import FleetProblem
from ...models.outcome import CatalogError
from ...models.relaxation import TOLERANCE
from ...models.sensitivity import FieldSensitivity, Sensitivity
from ..deadline import Deadline
from ..program import SolveOptions
from ..reasons.asking import Asking, OnSolve
from ..solve import DEFAULT_BACKEND, plan_and_decision
from .attempts import Attempts, Outcome
from .curve import Curve
from .nearby import asking_less, asking_more
from .offer_prices import offer_prices
from .parameter import parameter_at

SENSITIVITY_TIME_S = 120.0
"""Time for all that is solved [s], unless options say otherwise."""

FIELDS_SHARE = 0.6
"""Share of the time for parameters; prices have the rest."""


def sensitivity(
    problem: FleetProblem,
    *,
    vm_types: Collection[str] | None = None,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    on_solve: OnSolve = lambda solves: None,
) -> Sensitivity:
    """What each demand, SLO, quota and price does to the cost of the best plan.

    Args:
        vm_types: break-even prices for these only, `g6.xlarge` or `aws:g6.xlarge`; None: for all
            on offer.
        backend, options: as for `solve`; the time limit, 120 s by default, is for all.
        on_solve: told how many plans and programs were solved.

    Raises:
        InfeasibleError, NoPlanError: there is no plan to begin with.
        CatalogError: a VM type is not on offer.
        BackendError, VerificationError: as `solve`.
    """
    start = perf_counter()
    options = options or SolveOptions(time_limit_s=SENSITIVITY_TIME_S)
    known = {name for o in problem.offers for name in (o.vm_type.name, o.vm_type.key)}
    for name in vm_types or ():
        if name not in known:
            raise CatalogError.unknown("VM type", name, known, "vm_types")
    ends = options.deadline()
    plan, decision = plan_and_decision(problem, backend, options)
    now = Outcome(plan.status, plan, decision)
    attempts = Attempts(backend, options, ends, float("inf"), on_solve, solves=1)
    soon = Deadline.within(FIELDS_SHARE * ends.left_s, options.cancel)
    fields, left = [], list(_keys(problem))
    while left:  # each has as much of the time that is left
        attempts.ends = Deadline.within(soon.left_s / len(left), options.cancel)
        fields.append(_field(problem, left.pop(0), now, attempts))
    asking = Asking(backend, options, ends, on_solve, solves=attempts.solves)
    prices = tuple(offer_prices(problem, asking, vm_types))
    return Sensitivity(
        plan=plan,
        fields=tuple(fields),
        prices=tuple(sorted(prices, key=lambda p: (not p.in_plan, -p.ratio, p.reason, p.vm_type))),
        complete=asking.complete and all(f.more.in_time and f.less.in_time for f in fields),
        solves=asking.solves,
        seconds=perf_counter() - start,
    )


def _field(
    problem: FleetProblem, keys: tuple[Key, ...], outcome: Outcome, attempts: Attempts
) -> FieldSensitivity:
    """One parameter, both ways."""
    parameter = parameter_at(problem, keys)
    curve = Curve(parameter, attempts, TOLERANCE, resolution=0.0)
    value = parameter.now
    assert isinstance(value, (int, float)), "only numbers are asked about"
    now = curve.take(float(value), outcome)
    more = asking_more(curve, now)
    return FieldSensitivity(
        field=parameter.field,
        subject=parameter.subject,
        value=now.value,
        asks_more="raised" if parameter.rising else "lowered",
        more=more,
        less=asking_less(curve, now, more.at),
    )


def _keys(problem: FleetProblem) -> Iterator[tuple[Key, ...]]:
    """Demands, SLOs, quotas and budgets that are given."""
    for index, workload in enumerate(problem.workloads):
        if workload.requests_per_s is not None:
            yield "workloads", index, "requests_per_s"
        for name, _ in workload.slo.bounds():
            yield "workloads", index, "slo", name
    for index, measured in enumerate(problem.measured):
        if measured.requests_per_s is not None:
            yield "measured", index, "requests_per_s"
    for index in range(len(problem.quotas)):
        yield "quotas", index, "limit"
    for name in ("usd_per_hour", "usd"):
        if getattr(problem.budget, name) is not None:
            yield "budget", name
