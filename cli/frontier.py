"""`infersave frontier`: the least cost against one parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from .filters import naming_flags
from .interrupt import interruptible
from .numerals import Whole
from .output import JsonFlag, print_json
from .plotting import check_plot
from .progress import working
from .source import Source, read_problem

app = App(
    name="frontier",
    help_epilogue="""Examples:
  infersave frontier example:two-workloads --over workloads[chat].requests_per_s=1:40
  infersave frontier fleet.yaml --over workloads[chat].slo.tpot_s=0.01:0.1 --plot tpot.png
  infersave frontier fleet.yaml --over demand=0.5:4
  infersave frontier fleet.yaml --over budget.usd_per_hour=3:12 --json | jq .points""",
)

FLAGS = {
    "options.time_limit_s": "--time-limit",
    "options.relative_gap": "--gap",
    "tolerance": "--tolerance",
    "resolution": "--resolution",
    "most_solves": "--solves",
}
OptionalPath = Annotated[Path | None, Parameter(show_default=False)]


@app.default
def frontier(
    problem: Source,
    /,
    *,
    over: str,
    backend: str = "ortools:highs",
    time_limit: float = 120.0,
    gap: float = 1e-6,
    tolerance: float = 1e-3,
    resolution: float = 5e-3,
    solves: Whole = 300,
    plot: OptionalPath = None,
    json: JsonFlag = False,
) -> int:
    """The least cost against an SLO, a demand, a quota, the confidence or the budget.

    The cost is a step function: each line is a stretch at which it stays the same, with the fleet.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        over: FIELD=LOW:HIGH; FIELD as for batch --vary, or demand, a factor on all demand. Of
            budget.usd_per_hour, the greatest factor on all demand that it pays for.
        backend: Who solves the programs; infersave catalog list backends names them.
        time_limit: Longest time for all that is solved, in seconds.
        gap: Stop each solve when this part of a cost is left unproved.
        tolerance: Part of a value within which steps are looked for that are not exact.
        resolution: Part of a cost below which steps are not told apart.
        solves: Most plans that are looked for.
        plot: Draw it, .png, .svg or .pdf (extra: plot).
    """
    from ..catalogs.variations import range_of
    from ..models.outcome import ProblemError
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from ..solver.whatif.frontier import frontier as find

    if plot is not None:
        check_plot(plot, "--plot")
    field, equals, values = over.partition("=")
    if not equals:
        raise ProblemError("--over", over, "must be FIELD=LOW:HIGH")
    low, high = range_of(values, f"--over {field}")
    asked = read_problem(problem)
    with (
        interruptible() as interrupted,
        working("looking for steps") as say,
        naming_flags({**FLAGS, field: f"--over {field}"}),
    ):
        options = SolveOptions(time_limit_s=time_limit, relative_gap=gap, cancel=interrupted)
        found = find(
            asked,
            field,
            low,
            high,
            tolerance=tolerance,
            resolution=resolution,
            most_solves=solves,
            backend=get_backend(backend).name,
            options=options,
            on_solve=lambda count: say(f"{count} plans solved"),
        )
    if plot is not None:
        from .frontier_plot import draw_frontier

        draw_frontier(asked, found, plot)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        from .frontier_view import show_frontier
        from .screen import Screen

        show_frontier(Screen(), asked, found)
    return interrupted.exit_status()
