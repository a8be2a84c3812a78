"""`infersave explain`: why a plan is the best, or what would have to give where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from .failures import NO_PLAN
from .interrupt import interruptible
from .numerals import Flag, Whole
from .output import JsonFlag, print_json
from .progress import working
from .source import Source, read_problem

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.reasons import Reasons
    from ..models.relaxation import Explanation

app = App(
    name="explain",
    help_epilogue="""Examples:
  infersave explain example:five-teams
  infersave explain fleet.yaml --all
  infersave explain fleet.yaml --time-limit 300 --json | jq .relaxations""",
)


@app.default
def explain(
    problem: Source,
    /,
    *,
    backend: str = "ortools:highs",
    time_limit: float = 60.0,
    alternatives: Whole = 3,
    all: Flag = False,
    json: JsonFlag = False,
) -> int:
    """Why a plan is the best; or, where there is none, what would have to give, and its cost.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        backend: Who solves the programs; infersave catalog list backends names them.
        time_limit: Longest time for all that is tried, in seconds.
        alternatives: How many next-best plans are looked for.
        all: Say of every VM type why it lost, however long the list.
    """
    from ..models.reasons import Reasons
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from ..solver.reasons.relaxing import explain as find
    from .filters import naming_flags

    asked = read_problem(problem)
    with interruptible() as interrupted, working("looking for reasons") as say:
        with naming_flags({"options.time_limit_s": "--time-limit"}):
            options = SolveOptions(time_limit_s=time_limit, cancel=interrupted)
        found = find(
            asked,
            backend=get_backend(backend).name,
            options=options,
            alternatives=alternatives,
            on_solve=lambda solves: say(f"{solves} programs solved"),
        )
    if json:
        print_json(_as_data(found))
    else:
        _show(asked, found, everything=all)
    given = isinstance(found, Reasons) or bool(found.relaxations)
    return interrupted.exit_status(0 if given else NO_PLAN)


def _as_data(found: Explanation | Reasons) -> dict[str, object]:
    from ..models.relaxation import Explanation

    status = "infeasible" if isinstance(found, Explanation) else "feasible"
    return {"status": status, **found.model_dump(mode="json")}


def _show(problem: FleetProblem, found: Explanation | Reasons, *, everything: bool) -> None:
    from ..models.relaxation import Explanation
    from .reasons_view import show_reasons
    from .relaxations_view import show_relaxations
    from .screen import Screen

    if isinstance(found, Explanation):
        show_relaxations(Screen(), problem, found)
    else:
        show_reasons(Screen(), problem, found, everything=everything)
