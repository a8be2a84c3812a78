"""`infersave verify`: recompute a plan from its problem and check every claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from ..models.outcome import ProblemError
from .failures import NO_PLAN
from .output import JsonFlag, print_json
from .source import STDIN, Source, read_plain, read_problem

if TYPE_CHECKING:
    from ..models.fleet import FleetProblem
    from ..models.plan import FleetPlan

app = App(
    name="verify",
    help_epilogue="""Examples:
  infersave plan fleet.yaml --out plan.json
  infersave verify fleet.yaml plan.json
  infersave plan fleet.yaml --json | infersave verify fleet.yaml -""",
)


@app.default
def verify(
    problem: Source,
    plan: Source,
    /,
    *,
    second_opinion: str | None = None,
    time_limit: float = 60.0,
    json: JsonFlag = False,
) -> int:
    """Recompute a plan from its problem and check every claim.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        plan: The JSON that infersave plan writes: a file, or - for stdin.
        second_opinion: Also solve the problem with this backend, such as ortools:scip, and see
            whether it contradicts what the plan claims to be proved.
        time_limit: Longest time for that, in seconds.
    """
    from ..models.plan import FleetPlan
    from ..solver.verify import find_violations

    if problem == plan == STDIN:
        raise ProblemError("PLAN", STDIN, "PROBLEM and PLAN cannot both come from stdin")
    asked = read_problem(problem)
    claimed = FleetPlan.parse_at("plan", read_plain(plan))
    violations = tuple(find_violations(asked, claimed))
    if second_opinion is not None and not violations:
        violations, claimed = _refutations(asked, claimed, second_opinion, time_limit)
    if json:
        print_json(_as_data(claimed, violations))
    else:
        _show(asked, claimed, violations)
    return NO_PLAN if violations else 0


def _refutations(
    problem: FleetProblem, plan: FleetPlan, backend: str, time_limit: float
) -> tuple[tuple[str, ...], FleetPlan]:
    """What another backend contradicts, and the plan with its opinion."""
    from ..solver.backends.base import get_backend
    from ..solver.program import SolveOptions
    from .filters import naming_flags
    from .notes import opinion_notes
    from .planning import with_opinion

    with naming_flags({"options.time_limit_s": "--time-limit"}):
        options = SolveOptions(time_limit_s=time_limit)
    checked = with_opinion(problem, plan, get_backend(backend).name, options)
    contradicts = [opinion for opinion in checked.opinions if opinion.agrees is False]
    return tuple(opinion_notes(contradicts)), plan.replace(opinions=checked.opinions)


def _as_data(plan: FleetPlan, violations: tuple[str, ...]) -> dict[str, object]:
    from ..models.plan import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "status": "violated" if violations else "holds",
        "usd_per_hour": plan.usd_per_hour,
        "violations": list(violations),
        "opinions": [opinion.model_dump(mode="json") for opinion in plan.opinions],
    }


def _show(problem: FleetProblem, plan: FleetPlan, violations: tuple[str, ...]) -> None:
    from .notes import RECOMPUTED, opinion_notes
    from .plan_vms import most_vms
    from .screen import Screen
    from .words import plural, usd

    screen = Screen()
    if violations:
        claims = plural(len(violations), "claim")
        screen.headline(f"does not hold: recomputing the plan contradicts {claims}.")
        screen.notes("Contradictions", violations)
        return
    workloads = plural(len(problem.demands), "workload")
    most = "up to " if problem.horizon else ""
    vms = most + plural(most_vms(plan), "VM")
    screen.headline(f"holds: {workloads} on {vms} for USD {usd(plan.usd_per_hour)} per hour.")
    screen.paragraph(RECOMPUTED)
    screen.notes("", opinion_notes(plan.opinions))
