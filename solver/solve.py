"""From a problem to a checked plan."""

from __future__ import annotations

from time import perf_counter

from ..models.fleet import FleetPlan, FleetProblem
from ..models.outcome import InfeasibleError, NoPlanError, Status
from .backends.base import run
from .candidates import enumerate_streams
from .explain import require_candidates
from .formulation import Formulation, formulate
from .interpret import interpret
from .orders import draw_orders
from .program import Solution, SolveOptions
from .reduction import reduce_stream
from .verify import verify

DEFAULT_BACKEND = "ortools:highs"


def solve(
    problem: FleetProblem,
    *,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    formulation: Formulation = "candidates",
) -> FleetPlan:
    """The least-cost fleet that holds every SLO, re-checked by `verify`.

    Args:
        problem: workloads, offers, calibrations.
        backend: who solves the program; see `backend_names()`.
        options: time limit, gap, threads, seed.
        formulation: `candidates` (exact reduction) or `layers` (the definition).

    Raises:
        InfeasibleError: no plan exists; says which SLO or memory stands in the way.
        NoPlanError: the limit was reached before any plan was found.
        BackendError: the solver cannot answer, or failed.
        VerificationError: the answer contradicts the model. Never returned as a plan.
    """
    start, options = perf_counter(), options or SolveOptions()
    # Reduced also for `layers`: its own c'/y magnifies the solver's tolerance by 1/y.
    streams = tuple(reduce_stream(s, DEFAULT_BACKEND, options) for s in enumerate_streams(problem))
    require_candidates(streams)
    services = tuple(s for s in streams if s.workload.job is None)
    orders = tuple(
        draw_orders(s, problem.billing, DEFAULT_BACKEND, options)
        for s in streams
        if s.workload.job is not None
    )
    program, variables = formulate(problem, services, orders, formulation)
    solution = run(backend, program, options)
    if solution.values is None:
        raise _no_plan(solution)
    plan = interpret(problem, variables, solution, program.usd_scale)
    plan = plan.replace(
        formulation=formulation,
        relative_gap=options.relative_gap,
        seconds=perf_counter() - start,
    )
    verify(problem, plan)
    return plan


def _no_plan(solution: Solution) -> NoPlanError:
    if solution.status is Status.INFEASIBLE:
        return InfeasibleError(solution.status.sentence)
    return NoPlanError(solution.status.sentence)
