"""`infersave explain`: what would have to give where a problem has no plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from .failures import NO_PLAN
from .output import JsonFlag, print_json
from .progress import working
from .source import Source, read_problem

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan
    from ..models.relaxation import Explanation

app = App(
    name="explain",
    help_epilogue="""Examples:
  infersave explain fleet.yaml
  infersave explain fleet.yaml --time-limit 300 --json | jq .relaxations""",
)


@app.default
def explain(
    problem: Source,
    /,
    *,
    backend: str = "ortools:highs",
    time_limit: float = 60.0,
    json: JsonFlag = False,
) -> int:
    """What would have to give where a problem has no plan: the least changes, and their cost.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        backend: Who solves the programs; infersave catalog list backends names them.
        time_limit: Longest time for all that is tried, in seconds.
    """
    from ..models.plan import FleetPlan
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from ..solver.relaxing import explain as find
    from .filters import naming_flags

    with naming_flags({"options.time_limit_s": "--time-limit"}):
        options = SolveOptions(time_limit_s=time_limit)
    asked = read_problem(problem)
    with working("looking for what would have to give") as say:
        found = find(
            asked,
            backend=get_backend(backend).name,
            options=options,
            on_solve=lambda solves: say(f"{solves} plans tried"),
        )
    if json:
        print_json(_as_data(found))
    elif isinstance(found, FleetPlan):
        _show_plan(found)
    else:
        _show(asked, found)
    if isinstance(found, FleetPlan):
        return 0
    return 0 if found.relaxations else NO_PLAN


def _as_data(found: Explanation | FleetPlan) -> dict[str, object]:
    from ..models.plan import SCHEMA_VERSION, FleetPlan

    if isinstance(found, FleetPlan):
        status, data = "feasible", {"usd_per_hour": found.usd_per_hour}
    else:
        status, data = "infeasible", found.model_dump(mode="json")
    return {"schema_version": SCHEMA_VERSION, "status": status, **data}


def _show_plan(plan: FleetPlan) -> None:
    from .screen import Screen
    from .words import usd

    screen = Screen()
    screen.headline(f"There is a plan, for USD {usd(plan.usd_per_hour)} per hour.")
    screen.paragraph("infersave plan shows it: nothing has to give.")


def _show(problem: FleetProblem, found: Explanation) -> None:
    from .change_words import change_in_words
    from .screen import Screen
    from .tables import Column, number_column
    from .words import percent, plural, usd

    screen = Screen()
    screen.headline("There is no plan.")
    screen.notes("What stands in the way", found.reasons)
    if found.relaxations:
        texts = [
            "; and ".join(change_in_words(problem, change) for change in way.changes)
            for way in found.relaxations
        ]
        costs = (usd(way.usd_per_hour) for way in found.relaxations)
        screen.paragraph("Any one of these lines is enough; the fleet then costs so much:")
        screen.table([number_column("USD/h", costs), Column("change", tuple(texts), "prose")])
    notes = [f"{plural(found.solves, 'plan')} tried."]
    if not found.relaxations and found.complete:
        notes.append("Nothing that is asked can give way so that there is one: offer other GPUs.")
    if found.relaxations and all(way.minimal for way in found.relaxations):
        notes.append("Numbers are the least that do, proved to within 1 % or one unit.")
    elif found.relaxations:
        notes.append("Some plans were not ruled out in time: less may be enough.")
    if not found.complete:
        notes.append("The time was over before all was tried: --time-limit gives more.")
    if worst := max((way.gap or 0.0 for way in found.relaxations), default=0.0):
        notes.append(f"Costs are proved to within {percent(worst)}.")
    screen.notes("Good to know", notes)
