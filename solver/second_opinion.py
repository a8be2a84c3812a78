"""Another solver asked the same: whether its plan contradicts what the first one proved."""

from __future__ import annotations

from ..models.fleet import FleetProblem
from ..models.outcome import InfeasibleError, NoPlanError, Status
from ..models.plan import FleetPlan, Opinion
from .backends.finish import PROOF
from .logs import LOG
from .program import SolveOptions
from .refuting import REFUTED
from .solve import solve
from .verify import verify

TOLERANCE = 2 * PROOF
"""Relative difference between costs that two solvers' tolerances explain."""


def second_opinion(
    problem: FleetProblem, plan: FleetPlan, *, backend: str, options: SolveOptions | None = None
) -> FleetPlan:
    """The plan with what another backend says of it; the other's plan where that is cheaper.

    A proof that a cheaper plan contradicts is none: the status falls to feasible, `limit` says
    `refuted`, and there is no bound.

    Args:
        problem, plan: a plan of the problem, from anywhere.
        backend: who is asked; it gets the whole program and all the time again.
        options: as for `solve`.

    Raises:
        VerificationError: the plan contradicts the problem by itself.
        BackendError: the other cannot answer.
    """
    verify(problem, plan)
    try:
        other = solve(problem, backend=backend, options=options, formulation="candidates")
    except NoPlanError as error:
        none = isinstance(error, InfeasibleError)
        status, agrees = (Status.INFEASIBLE, False) if none else (Status.NO_PLAN, None)
        return _with(plan, Opinion(backend=backend, status=status, agrees=agrees))
    checked = compared(plan, other)
    verify(problem, checked)
    return checked


def compared(plan: FleetPlan, other: FleetPlan) -> FleetPlan:
    """`second_opinion`, once the other has a plan."""
    refuted = other.usd_per_hour < _least(plan) * (1 - TOLERANCE)
    itself = plan.usd_per_hour < _least(other) * (1 - TOLERANCE)
    said = Opinion(
        backend=other.backend,
        status=other.status,
        usd_per_hour=other.usd_per_hour,
        usd_per_hour_bound=other.usd_per_hour_bound,
        agrees=not (refuted or itself),
    )
    if refuted:
        LOG.info("%s found a cheaper plan than the proof allows: it is refuted", other.backend)
        unproved = other.replace(status=Status.FEASIBLE, usd_per_hour_bound=None, gap=None)
        return _with(unproved.replace(limit=REFUTED, opinions=plan.opinions), said)
    cheaper = other.usd_per_hour < plan.usd_per_hour * (1 - TOLERANCE)
    return _with(other.replace(opinions=plan.opinions) if cheaper else plan, said)


def _with(plan: FleetPlan, said: Opinion) -> FleetPlan:
    return plan.replace(opinions=(*plan.opinions, said))


def _least(plan: FleetPlan) -> float:
    """What the plan's solver says that no plan undercuts; 0 where it says nothing."""
    if plan.usd_per_hour_bound is None and plan.status is Status.OPTIMAL:
        return plan.usd_per_hour * (1 - plan.relative_gap)
    return plan.usd_per_hour_bound or 0.0
