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
def verify(problem: Source, plan: Source, /, *, json: JsonFlag = False) -> int:
    """Recompute a plan from its problem and check every claim.

    Args:
        problem: A .yaml, .toml or .json file, example:NAME, or - for stdin.
        plan: The JSON that infersave plan writes: a file, or - for stdin.
    """
    from ..models.plan import FleetPlan
    from ..solver.verify import find_violations

    if problem == plan == STDIN:
        raise ProblemError("PLAN", STDIN, "PROBLEM and PLAN cannot both come from stdin")
    asked = read_problem(problem)
    claimed = FleetPlan.parse_at("plan", read_plain(plan))
    violations = tuple(find_violations(asked, claimed))
    if json:
        print_json(_as_data(claimed, violations))
    else:
        _show(asked, claimed, violations)
    return NO_PLAN if violations else 0


def _as_data(plan: FleetPlan, violations: tuple[str, ...]) -> dict[str, object]:
    from ..models.plan import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "status": "violated" if violations else "holds",
        "usd_per_hour": plan.usd_per_hour,
        "violations": list(violations),
    }


def _show(problem: FleetProblem, plan: FleetPlan, violations: tuple[str, ...]) -> None:
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
    vms = most + plural(_most_vms(plan), "VM")
    screen.headline(f"holds: {workloads} on {vms} for USD {usd(plan.usd_per_hour)} per hour.")
    screen.paragraph(
        "Recomputed from the problem: GPU and host memory, predicted times, SLOs, demand carried, "
        "replicas per VM, what a loss leaves, quotas and budgets, run times and bills of jobs, "
        "every cost and their sum. The bound is the solver's proof and was only checked to lie "
        "below the cost."
    )


def _most_vms(plan: FleetPlan) -> int:
    """VMs at one time."""
    periods = {vm.period for vm in plan.vms}
    return max(sum(vm.count for vm in plan.vms if vm.period == t) for t in periods)
