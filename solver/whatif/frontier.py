"""The least cost against one parameter: `infersave.frontier`."""

from __future__ import annotations

from time import perf_counter

from ...models.fleet import FleetProblem
from ...models.frontier import EXACT, Frontier, FrontierPoint
from ...models.limits import Budget
from ...models.outcome import ProblemError
from ..program import SolveOptions
from ..reasons.asking import OnSolve
from ..solve import DEFAULT_BACKEND
from .attempts import Attempts
from .budget_frontier import BUDGET, budget_points
from .curve import RESOLUTION, TOLERANCE, Curve
from .parameter import DEMAND, parameter_of
from .stretch import stretches

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
    resolution: float = RESOLUTION,
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
        resolution: part of a cost below which steps are not told apart.
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
    if not 0 <= resolution < 1:
        raise ProblemError("resolution", resolution, "must be at least 0 and below 1")
    if most_solves < 2:
        raise ProblemError("most_solves", most_solves, "must be at least 2")
    attempts = Attempts(backend, options, options.deadline(), most_solves, on_solve)
    asked, field = (DEMAND, over) if over == BUDGET else (over, "")
    free = problem.replace(budget=Budget()) if over == BUDGET else problem
    curve = Curve(parameter_of(free, asked), attempts, tolerance, resolution)
    points = (budget_points if over == BUDGET else _points)(curve, low, high)
    return Frontier(
        field=field or curve.parameter.field,
        low=low,
        high=high,
        asks_more="raised" if curve.parameter.rising else "lowered",
        tolerance=tolerance,
        resolution=resolution,
        relative_gap=options.relative_gap,
        points=points,
        complete=all(point.end != "open" for point in points),
        solves=attempts.solves,
        seconds=perf_counter() - start,
    )


def _points(curve: Curve, low: float, high: float) -> tuple[FrontierPoint, ...]:
    """The stretches from `low` to `high`, by value."""
    for value in (low, high):
        curve.ask(value)
    curve.refine()
    found = [stretch.described(curve.parameter.problem) for stretch in stretches(curve)]
    return tuple(found if curve.parameter.rising else reversed(found))
