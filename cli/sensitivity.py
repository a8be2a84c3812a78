"""`infersave sensitivity`: what the cost of the best plan hangs on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from .filters import naming_flags
from .interrupt import interruptible
from .numerals import Flag, Whole
from .output import JsonFlag, print_json
from .plotting import check_plot
from .progress import working
from .source import Source, read_problem

app = App(
    name="sensitivity",
    help_epilogue="""Examples:
  infersave sensitivity example:two-workloads
  infersave sensitivity fleet.yaml --vm-type p5.4xlarge --vm-type g6e.xlarge
  infersave sensitivity fleet.yaml --plot prices.png --json | jq .prices""",
)

FLAGS = {
    "options.time_limit_s": "--time-limit",
    "options.relative_gap": "--gap",
    "vm_types": "--vm-type",
}
Names = Annotated[tuple[str, ...], Parameter(negative_iterable=(), show_default=False)]
OptionalPath = Annotated[Path | None, Parameter(show_default=False)]


@app.default
def sensitivity(
    problem: Source,
    /,
    *,
    backend: str = "ortools:highs",
    time_limit: float = 120.0,
    gap: float = 1e-6,
    vm_type: Names = (),
    top: Whole = 12,
    all: Flag = False,
    plot: OptionalPath = None,
    json: JsonFlag = False,
) -> int:
    """How far each demand, SLO, quota and price can move before the best fleet changes.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        backend: Who solves the programs; infersave catalog list backends names them.
        time_limit: Longest time for all that is solved, in seconds.
        gap: Stop each solve when this part of a cost is left unproved.
        vm_type: Break-even prices of this VM type only; again for more. All when absent.
        top: How many offers that are not in the plan are shown, nearest to entering first.
        all: Show every offer, and why some never enter.
        plot: Draw it, .png, .svg or .pdf (extra: plot).
    """
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from ..solver.whatif.sensitivity import sensitivity as find

    if plot is not None:
        check_plot(plot, "--plot")
    asked = read_problem(problem)
    with (
        interruptible() as interrupted,
        working("moving demands, SLOs and prices") as say,
        naming_flags(FLAGS),
    ):
        options = SolveOptions(time_limit_s=time_limit, relative_gap=gap, cancel=interrupted)
        found = find(
            asked,
            vm_types=vm_type or None,
            backend=get_backend(backend).name,
            options=options,
            on_solve=lambda count: say(f"{count} solved"),
        )
    if plot is not None:
        from .sensitivity_plot import draw_sensitivity

        draw_sensitivity(asked, found, plot, top)
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        from .screen import Screen
        from .sensitivity_view import show_sensitivity

        show_sensitivity(Screen(), asked, found, len(found.prices) if all else top, reasons=all)
    return interrupted.exit_status()
