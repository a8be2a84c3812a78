"""`infersave plan`: the cheapest fleet for a problem file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from ..models.outcome import ProblemError
from .filters import naming_flags
from .interrupt import Interruption, interruptible
from .numerals import Flag, Whole
from .output import JsonFlag, check_apart, check_writable, print_json, to_json, write_file
from .planning import Formulation, plan_checked, plan_once
from .report import REASONS_S, Names, check_report, write_report
from .source import Source, at_confidence, read_problem

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan
    from ..solver.program import NativeValue, SolveOptions

app = App(
    name="plan",
    help_epilogue="""Examples:
  infersave plan example:two-workloads
  infersave plan fleet.yaml --time-limit 300 --out plan.json
  infersave plan fleet.yaml --report plan.html
  infersave plan fleet.yaml --json | jq .usd_per_hour""",
)

FLAGS = {
    "options.time_limit_s": "--time-limit",
    "options.relative_gap": "--gap",
    "options.threads": "--threads",
    "options.seed": "--seed",
    "options.memory_limit_bytes": "--memory-limit",
    "options.native": "--native",
}
"""Fields of `SolveOptions` as this command spells them."""

FLAG_WORDS = {"true": True, "false": False}
GB = 1e9
Native = Annotated[tuple[str, ...], Parameter(negative_iterable=(), show_default=False)]


@app.default
def plan(
    problem: Source,
    /,
    *,
    backend: str = "ortools:highs",
    formulation: Formulation = "auto",
    time_limit: float = 60.0,
    gap: float = 1e-6,
    seed: Whole = 0,
    threads: Whole = 1,
    memory_limit: float | None = None,
    native: Native = (),
    second_opinion: str | None = None,
    confidence: float | None = None,
    hosts: Flag = False,
    json: JsonFlag = False,
    out: Path | None = None,
    report: Path | None = None,
    no_reasons: Flag = False,
) -> int:
    """The cheapest fleet that holds every SLO, re-checked before it is shown.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        backend: Who solves the program; infersave catalog list backends names them.
        formulation: candidates (one program), patterns (split by workload), layers (the
            definition), or auto: patterns for many services.
        time_limit: Longest time for the solver, in seconds.
        gap: Stop when this part of the cost is left unproved; 0 asks for a full proof.
        seed: Random seed of the solver.
        threads: Threads of the solver.
        memory_limit: Most memory that the solver may address, in GB (1e9 bytes).
        native: NAME=VALUE, an option of the backend by its own name; again for more.
        second_opinion: Another backend, such as ortools:scip, that solves the problem too and
            may refute the proof; it takes as long again.
        confidence: Plan on times that hold with this probability, from 0.5 (the median) to
            below 1; as the problem says when absent.
        hosts: Say of each replica on which VM it sits, however long the list.
        out: Also write the plan to this file, as JSON.
        report: Also write the plan to this file, as a page for people (HTML). What it says of
            other fleets takes up to 20 s more; infersave report may take longer.
        no_reasons: Leave that out of the report.
    """
    if out is not None:
        check_writable(out, "--out")
    if report is not None:
        check_report(report, "--report")
        if out is not None:
            check_apart(report, "--report", out, "--out")
    asked = at_confidence(read_problem(problem), confidence)
    with interruptible() as interrupted:
        options = _options(time_limit, gap, seed, threads, memory_limit, native, interrupted)
        found = plan_checked(asked, backend, formulation, options, second_opinion)
        if out is not None:
            write_file(out, to_json(found.model_dump(mode="json")), "--out")
        median = None
        if report is not None or not json:
            median = _on_median_times(asked, found, backend, formulation, options)
        if json:
            print_json(found.model_dump(mode="json"))
        else:
            from .plan_view import show_plan
            from .screen import Screen

            show_plan(Screen(), asked, found, hosts=hosts, median=median)
        if report is not None:
            names = Names("--report", problem, str(out or "plan.json"))
            most_s = min(time_limit, REASONS_S)
            ask = None if no_reasons else replace(options, time_limit_s=most_s)
            write_report(report, names, asked, found, options=ask, backend=backend, median=median)
    return interrupted.exit_status()


def _on_median_times(
    problem: FleetProblem,
    found: FleetPlan,
    backend: str,
    formulation: Formulation,
    options: SolveOptions,
) -> FleetPlan | None:
    """What the fleet would be without a margin; None where it has none, or after an interrupt."""
    from ..models.calibration import MEDIAN

    if options.deadline().cancelled or all(a.confidence <= MEDIAN for a in found.assignments):
        return None
    return plan_once(problem.at_median(), backend, formulation, options)


def _options(
    time_limit: float,
    gap: float,
    seed: int,
    threads: int,
    memory_limit: float | None,
    native: tuple[str, ...],
    cancel: Interruption,
) -> SolveOptions:
    from ..solver.program import SolveOptions

    with naming_flags(FLAGS):
        return SolveOptions(
            time_limit_s=time_limit,
            relative_gap=gap,
            threads=threads,
            seed=seed,
            memory_limit_bytes=None if memory_limit is None else memory_limit * GB,
            cancel=cancel,
            native=dict(map(_native, native)),
        )


def _native(given: str) -> tuple[str, NativeValue]:
    """NAME=VALUE, with the value as the type that it looks like.

    >>> _native("mip_detect_symmetry=false"), _native("presolve=off"), _native("mip_max_nodes=9")
    (('mip_detect_symmetry', False), ('presolve', 'off'), ('mip_max_nodes', 9))

    Raises:
        ProblemError: there is no `=`.
    """
    name, separator, text = given.partition("=")
    if not separator:
        raise ProblemError("--native", given, "must be NAME=VALUE")
    if text.casefold() in FLAG_WORDS:
        return name, FLAG_WORDS[text.casefold()]
    for kind in (int, float):
        with suppress(ValueError):
            return name, kind(text)
    return name, text
