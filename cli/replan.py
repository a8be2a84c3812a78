"""`infersave replan`: from the fleet that runs to the next one, with as little change as pays."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from ..models.outcome import ProblemError
from .filters import naming_flags
from .interrupt import interruptible
from .numerals import Whole
from .output import JsonFlag, check_writable, print_json, to_json, write_file
from .progress import working
from .source import STDIN, Source, read_plain, read_problem

app = App(
    name="replan",
    help_epilogue="""Examples:
  infersave plan fleet.yaml --out running.json
  infersave replan fleet.yaml running.json --start-usd 0.2 --hours 4
  infersave replan fleet.yaml running.json --threshold 0.5
  infersave replan fleet.yaml running.json --most-changes 3 --out next.json
  infersave replan fleet.yaml running.json --sold-out aws:g6.xlarge@us-east-1/spot""",
)

FLAGS = {
    "start_usd": "--start-usd",
    "stop_usd": "--stop-usd",
    "move_usd": "--move-usd",
    "hours": "--hours",
    "most_changes": "--most-changes",
    "threshold_usd_per_hour": "--threshold",
    "sold_out": "--sold-out",
    "options.time_limit_s": "--time-limit",
    "options.relative_gap": "--gap",
    "running": "RUNNING",
}
"""Fields as this command spells them."""


@app.default
def replan(
    problem: Source,
    running: Source,
    /,
    *,
    start_usd: float = 0.0,
    stop_usd: float = 0.0,
    move_usd: float | None = None,
    hours: float = 1.0,
    most_changes: Whole | None = None,
    threshold: float = 0.0,
    sold_out: tuple[str, ...] | None = None,
    backend: str = "ortools:highs",
    time_limit: float = 60.0,
    gap: float = 1e-6,
    json: JsonFlag = False,
    out: Path | None = None,
) -> int:
    """The fleet to run next, what changes, and in which order; or to keep the one that runs.

    Args:
        problem: What is asked now: a .yaml, .toml or .json file, example:NAME, or - for stdin.
        running: The plan that runs: the JSON of infersave plan or of this command's --out.
        start_usd: What starting a replica costs, once.
        stop_usd: What stopping one costs.
        move_usd: What moving one costs, if less than a start and a stop.
        hours: Within how many hours changes must pay back.
        most_changes: Most replicas that may start, stop or move.
        threshold: Keep what runs unless the new fleet saves this many USD per hour.
        sold_out: An offer of which no more VMs can be had, as PROVIDER:VM_TYPE@REGION/PURCHASE.
        backend: Who solves the programs; infersave catalog list backends names them.
        time_limit: Longest time for the solver, in seconds.
        gap: Stop when this part of the cost is left unproved; 0 asks for a full proof.
        out: Also write the plan to run next to this file, as JSON.
    """
    from ..models.disturbance import Disturbance
    from ..models.plan import FleetPlan
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from ..solver.replanning.planner import Planner

    if problem == running == STDIN:
        raise ProblemError("RUNNING", STDIN, "PROBLEM and RUNNING cannot both come from stdin")
    if out is not None:
        check_writable(out, "--out")
    asked = read_problem(problem)
    runs = FleetPlan.parse_at("running", read_plain(running))
    with interruptible() as interrupted, naming_flags(FLAGS):
        planner = Planner(
            asked,
            running=runs,
            disturbance=Disturbance(
                start_usd=start_usd,
                stop_usd=stop_usd,
                move_usd=move_usd,
                hours=hours,
                most_changes=most_changes,
                threshold_usd_per_hour=threshold,
            ),
            backend=get_backend(backend).name,
            options=SolveOptions(time_limit_s=time_limit, relative_gap=gap, cancel=interrupted),
        )
        planner.update(sold_out=sold_out or ())
        with working("planning around what runs"):
            found = planner.replan()
    if out is not None:
        write_file(out, to_json(found.plan.model_dump(mode="json")), "--out")
    if json:
        print_json(found.model_dump(mode="json"))
    else:
        from .replan_view import show_replan
        from .screen import Screen

        show_replan(Screen(), asked, found)
    return interrupted.exit_status()
