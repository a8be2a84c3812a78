"""`infersave report`: a plan as one HTML file for people who were not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from ..models.outcome import ProblemError, VerificationError
from .filters import naming_flags
from .interrupt import interruptible
from .numerals import Flag
from .output import JsonFlag, check_writable, print_json, write_file
from .progress import working
from .source import STDIN, Source, read_plain, read_problem

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan
    from ..models.reasons import Reasons
    from ..solver.program import SolveOptions

app = App(
    name="report",
    help_epilogue="""Examples:
  infersave plan fleet.yaml --out plan.json
  infersave report fleet.yaml plan.json --out plan.html
  infersave plan fleet.yaml --report plan.html""",
)

ALTERNATIVES = 3
"""Next-best fleets that a report shows."""

REASONS_S = 20.0
"""Time to look for them and for why VM types lost, unless another is given [s]."""

CONTRADICTIONS = 8
"""Claims that do not hold of which an error speaks."""


@dataclass(frozen=True, slots=True)
class Names:
    """How the user named things: the option of the page's file, PROBLEM and PLAN."""

    field: str
    problem: str
    plan: str


@app.default
def report(
    problem: Source,
    plan: Source,
    /,
    *,
    out: Path,
    no_reasons: Flag = False,
    time_limit: float = REASONS_S,
    json: JsonFlag = False,
) -> int:
    """Write a plan as one HTML file that needs no explanation and no network.

    The plan is recomputed first, as infersave verify does: one that does not hold is refused.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        plan: The JSON that infersave plan writes: a file, or - for stdin.
        out: The file to write.
        no_reasons: Leave out the next-best fleets and why other VM types lost, for which
            programs are solved.
        time_limit: Longest time for those, in seconds.
    """
    from ..models.plan import SCHEMA_VERSION, FleetPlan
    from ..solver.program import SolveOptions
    from ..solver.verify import find_violations

    check_report(out, "--out")
    if problem == plan == STDIN:
        raise ProblemError("PLAN", STDIN, "PROBLEM and PLAN cannot both come from stdin")
    asked = read_problem(problem)
    claimed = FleetPlan.parse_at("plan", read_plain(plan))
    if violations := list(find_violations(asked, claimed)):
        shown, more = violations[:CONTRADICTIONS], len(violations) - CONTRADICTIONS
        rest = [f"... and {more} more: infersave verify shows all"] if more > 0 else []
        raise VerificationError([*shown, *rest])
    with interruptible() as interrupted:
        with naming_flags({"options.time_limit_s": "--time-limit"}):
            options = SolveOptions(time_limit_s=time_limit, cancel=interrupted)
        ask = None if no_reasons else options
        write_report(out, Names("--out", problem, plan), asked, claimed, options=ask)
    if json:
        data = {"status": "holds", "usd_per_hour": claimed.usd_per_hour, "out": str(out)}
        print_json({"schema_version": SCHEMA_VERSION, **data})
    else:
        _show(out)
    return interrupted.exit_status()


def check_report(path: Path, field: str) -> None:
    """Refuse early what could not be written at the end.

    Raises:
        ProblemError: no such file can be written, or jinja2 is not installed.
    """
    from .report_page import check_renderable

    check_renderable(field, path)
    check_writable(path, field)


def write_report(
    path: Path,
    names: Names,
    problem: FleetProblem,
    plan: FleetPlan,
    *,
    options: SolveOptions | None,
    backend: str = "ortools:highs",
    median: FleetPlan | None = None,
) -> None:
    """The page of a plan, into a file.

    Args:
        options: how to look for other fleets; None: not at all.
        backend: who solves for them.
        median: the plan on median times, to say what the margin costs.
    """
    from .report_content import report_of
    from .report_page import render

    why = None
    if options is not None and not options.deadline().cancelled:
        why = _reasons(problem, plan, options, backend)
    told = report_of(
        problem,
        plan,
        source=names.problem,
        plan_source=names.plan,
        date=date.today().isoformat(),
        median=median,
        why=why,
    )
    write_file(path, render(told), names.field)


def _reasons(
    problem: FleetProblem, plan: FleetPlan, options: SolveOptions, backend: str
) -> Reasons:
    """Why the plan, with a sign of life while other fleets are looked for."""
    from ..solver.backends.base import get_backend
    from ..solver.reasons.reasoning import reasons

    with working("looking for other fleets") as say:
        return reasons(
            problem,
            plan,
            backend=get_backend(backend).name,
            options=options,
            alternatives=ALTERNATIVES,
            on_solve=lambda solves: say(f"{solves} programs solved"),
        )


def _show(out: Path) -> None:
    from .screen import Screen

    size_kb = out.stat().st_size / 1e3
    Screen().headline(f"The plan holds; the report is in {out} ({size_kb:,.0f} kB).")
