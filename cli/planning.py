"""Solving on the command line: progress, a second opinion, and a file where answers contradict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from .bug_bundle import write_bundle
from .progress import bounds_in_words, working

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan
    from ..solver.program import SolveOptions

Formulation = Literal["auto", "candidates", "patterns", "layers"]


def plan_once(
    problem: FleetProblem, backend: str, formulation: Formulation, options: SolveOptions
) -> FleetPlan:
    """The plan, with a sign of life while it is computed."""
    from ..solver.backends.base import get_backend
    from ..solver.solve import solve
    from .words import plural

    name = get_backend(backend).name
    workloads = plural(len(problem.demands), "workload")
    offers = plural(len(problem.offers), "offer")
    with working(f"planning {workloads} on {offers} with {name}") as say:
        return solve(
            problem,
            backend=name,
            options=options,
            formulation=formulation,
            on_progress=lambda progress: say(bounds_in_words(progress)),
        )


def plan_checked(
    problem: FleetProblem,
    backend: str,
    formulation: Formulation,
    options: SolveOptions,
    other: str | None,
) -> FleetPlan:
    """The plan, with a second opinion where one is asked for."""
    from ..models.outcome import VerificationError
    from ..solver.backends.base import get_backend

    asked = None if other is None else get_backend(other).name
    try:
        plan = plan_once(problem, backend, formulation, options)
        if asked is not None:
            plan = with_opinion(problem, plan, asked, replace(options, native={}))
    except VerificationError as error:
        write_bundle(problem, options, error=str(error))
        raise
    if any(opinion.agrees is False for opinion in plan.opinions):
        write_bundle(problem, options, plan=plan)
    return plan


def with_opinion(
    problem: FleetProblem, plan: FleetPlan, backend: str, options: SolveOptions
) -> FleetPlan:
    """The plan with what another backend says of it."""
    from ..solver.second_opinion import second_opinion

    with working(f"asking {backend}, too"):
        return second_opinion(problem, plan, backend=backend, options=options)
