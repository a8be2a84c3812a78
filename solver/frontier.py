"""The least cost against one parameter: `infersave.frontier`."""

from __future__ import annotations

from time import perf_counter

from ..models.fleet import FleetProblem
from ..models.frontier import EXACT, Frontier, FrontierPoint
from ..models.outcome import ProblemError
from .attempts import Attempts, OnSolve
from .budget_frontier import BUDGET, budget_points
from .curve import Curve
from .parameter import Parameter, parameter_of
from .program import SolveOptions
from .solve import DEFAULT_BACKEND
from .stretch import stretches

TOLERANCE = 1e-3
"""Part of a value within which a step is looked for where it is not exact."""

MOST_SOLVES = 300
"""Plans looked for, unless more are allowed: at 0.1 s each half a minute."""

FRONTIER_TIME_S = 120.0
"""Time for all of them [s], unless options say otherwise."""


def frontier(
    problem: FleetProblem,
    over: str,
    low: float,
    high: float,
    *,
    tolerance: float = TOLERANCE,
    most_solves: int = MOST_SOLVES,
    backend: str = DEFAULT_BACKEND,
    options: SolveOptions | None = None,
    on_solve: OnSolve = lambda solves: None,
) -> Frontier:
    """The least cost for every value of one parameter from `low` to `high`.

    Args:
        over: the path of an SLO, a demand, a quota or the like, such as
            `workloads[chat].slo.tpot_s`; `demand`, a factor on the demand of all workloads;
            `confidence`; or `budget.usd_per_hour`, for the greatest factor that it pays for.
        low, high: in the unit of the field.
        tolerance: part of a value within which steps are looked for that are not exact.
        most_solves: plans looked for at most.
        backend, options: as for `solve`; the time limit, 120 s by default, is for all.
        on_solve: told how many plans were looked for.

    Returns:
        Points without a plan carry the reason; they are no errors.

    Raises:
        ProblemError: the field leads nowhere, its cost is no step function, or it may not have
            these values.
        BackendError, VerificationError: as `solve`.
    """
    start = perf_counter()
    options = options or SolveOptions(time_limit_s=FRONTIER_TIME_S)
    if not 0 <= low < high:
        raise ProblemError(over, f"{low:g}:{high:g}", "must be LOW:HIGH with 0 <= LOW < HIGH")
    if not EXACT <= tolerance < 1:
        raise ProblemError("tolerance", tolerance, f"must be at least {EXACT:g} and below 1")
    if most_solves < 2:
        raise ProblemError("most_solves", most_solves, "must be at least 2")
    attempts = Attempts(backend, options, options.deadline(), most_solves, on_solve)
    if over == BUDGET:
        points, complete = budget_points(problem, low, high, attempts, tolerance)
        field, rising = over, True
    else:
        parameter = parameter_of(problem, over)
        points, complete = _points(parameter, low, high, attempts, tolerance)
        field, rising = parameter.field, parameter.rising
    return Frontier(
        field=field,
        low=low,
        high=high,
        asks_more="raised" if rising else "lowered",
        tolerance=tolerance,
        relative_gap=options.relative_gap,
        points=points,
        complete=complete,
        solves=attempts.solves,
        seconds=perf_counter() - start,
    )


def _points(
    parameter: Parameter, low: float, high: float, attempts: Attempts, tolerance: float
) -> tuple[tuple[FrontierPoint, ...], bool]:
    """The stretches from `low` to `high`, by value; and whether all steps were found."""
    curve = Curve(parameter, attempts, tolerance)
    for value in (low, high):
        curve.ask(value)
    complete = curve.refine()
    found = [stretch.described(parameter.problem) for stretch in stretches(curve)]
    return tuple(found if parameter.rising else reversed(found)), complete
