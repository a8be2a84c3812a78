"""From a problem to a checked plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from ..models.fleet import FleetProblem
from ..models.outcome import Status
from ..models.plan import FleetPlan, Opinion
from .backends.base import get_backend
from .backends.finish import PROOF
from .backends.pool import POOL
from .canonical import canonical, in_order_of
from .components import join, split
from .deadline import Deadline
from .decision import Decision
from .definition import require_definable
from .dominance import without_dominated
from .estate import survey
from .formulation import Formulation
from .interpret import interpret
from .logs import LOG, percent
from .parts import Part, decide_all
from .precedent import KnownRoutes
from .program import SolveOptions
from .progress import OnProgress
from .refuting import REFUTED, SEARCH
from .variables import Estate
from .verify import verify

DEFAULT_BACKEND = "ortools:highs"

AFTERWARDS = 5.5
"""Time that describing and checking a plan takes, in times of the survey: at 10,000 services 0.8 s
against 4.6 s. What of it goes beyond the grace below is kept of the time limit."""

GRACE_S, GRACE_SHARE = 0.3, 0.1
"""How long past the time limit an answer may come [s], and in shares of the limit."""


def solve(
    problem: FleetProblem,
    *,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    formulation: Formulation = "auto",
    on_progress: OnProgress | None = None,
) -> FleetPlan:
    """The least-cost fleet that holds every SLO, re-checked by `verify`.

    Args:
        problem: workloads, offers, calibrations, limits.
        backend: who solves the program; see `backend_names()`.
        options: time limit, gap, threads, seed.
        formulation: `candidates` (exact reduction, one program), `patterns` (the same, split
            by workload), `layers` (the definition), or `auto`: patterns for many services.
        on_progress: told the best plan's cost and the bound while the solve runs.

    Raises:
        InfeasibleError: no plan exists; says which SLO, memory or limit stands in the way.
        NoPlanError: the limit was reached before any plan was found.
        BackendError: the solver cannot answer, or failed.
        VerificationError: the answer contradicts the model. Never returned as a plan.
    """
    options = options or SolveOptions()
    return plan_and_decision(problem, backend, options, formulation, on_progress)[0]


def plan_and_decision(
    problem: FleetProblem,
    backend: str,
    options: SolveOptions,
    formulation: Formulation = "auto",
    on_progress: OnProgress | None = None,
) -> tuple[FleetPlan, Decision]:
    """`solve`, and what was decided: whole batches, before they are made as small as will do."""
    start = perf_counter()
    ends = options.deadline()
    counts = len(problem.demands), len(problem.offers)
    LOG.info("solve: workloads %d, offers %d, backend %s", *counts, backend)
    warm(backend)
    # Reduced also for `layers`: its own c'/y magnifies the solver's tolerance by 1/y.
    estate = survey(canonical(problem), DEFAULT_BACKEND, options)
    if formulation == "layers":
        require_definable(estate)
    within = replace(options, time_limit_s=time_for_search(ends, options, start))
    decided = decide_estate(without_dominated(estate), backend, within, formulation, on_progress)
    return checked(problem, decided, options, start), decided.decision


def warm(backend: str) -> None:
    """Start the processes that a solve will need."""
    for name in (DEFAULT_BACKEND, backend):
        POOL.warm(get_backend(name).library)


def time_for_search(ends: Deadline, options: SolveOptions, start: float) -> float:
    """Time left once the survey is done [s], less what describing and checking will take."""
    grace_s = GRACE_SHARE * options.time_limit_s + GRACE_S
    after_s = max(AFTERWARDS * (perf_counter() - start) - grace_s, 0.0)
    return max(ends.left_s - after_s, 0.0)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided, and how good it is proved to be.

    Attributes:
        bound: no plan of the estate costs less [USD/h]; None: unknown.
        limit: what stopped the search, or empty.
        backend, formulation: who decided, and how.
    """

    decision: Decision
    status: Status
    bound: float | None
    limit: str
    backend: str
    formulation: str

    @classmethod
    def of(cls, estate: Estate, parts: Sequence[Part]) -> Decided:
        """The parts of an estate as one."""
        proved = all(part.status is Status.OPTIMAL for part in parts)
        bounds = [part.bound for part in parts if part.bound is not None]
        return cls(
            decision=join(estate, [part.decision for part in parts]),
            status=Status.OPTIMAL if proved else Status.FEASIBLE,
            bound=sum(bounds) if len(bounds) == len(parts) else None,
            limit=", ".join(sorted({part.limit for part in parts if part.limit})),
            backend=parts[0].backend,
            formulation=", ".join(sorted({part.formulation for part in parts})),
        )


def decide_estate(
    estate: Estate,
    backend: str,
    options: SolveOptions,
    formulation: Formulation = "auto",
    on_progress: OnProgress | None = None,
) -> Decided:
    """Every independent part of an estate, decided.

    Raises:
        InfeasibleError, NoPlanError, BackendError: as `solve`.
    """
    parts = decide_all(split(estate), backend, options, formulation, on_progress)
    return Decided.of(estate, parts)


def checked(
    problem: FleetProblem,
    decided: Decided,
    options: SolveOptions,
    start: float,
    known: KnownRoutes | None = None,
) -> FleetPlan:
    """The plan of a decision, checked.

    Args:
        start: when the work on it began, on the clock of `perf_counter`.
        known: routes that were checked before: what they serve as they did is taken from them.

    Raises:
        VerificationError: the decision contradicts the model.
    """
    plan = interpret(decided.decision, decided.status, decided.bound, known or {})
    limit = decided.limit
    if plan.status is Status.OPTIMAL and (plan.gap or 0.0) > options.relative_gap + PROOF:
        # Seats that stand apart may have taken a VM more than the program counted.
        plan, limit = plan.replace(status=Status.FEASIBLE), "seats"
    plan = plan.replace(
        backend=decided.backend,
        formulation=decided.formulation,
        limit=limit,
        relative_gap=options.relative_gap,
        seconds=perf_counter() - start,
    )
    if REFUTED in limit:
        said = Opinion(
            backend=SEARCH, status=plan.status, usd_per_hour=plan.usd_per_hour, agrees=False
        )
        plan = plan.replace(opinions=(said,))
    plan = in_order_of(problem, plan)
    verify(problem, plan, known)
    what = plan.status.value, percent(plan.gap), plan.limit or "none", plan.seconds
    LOG.info("solved: %s, gap %s, limit %s, %.3f s", *what)
    return plan
