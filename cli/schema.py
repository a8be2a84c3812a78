"""`infersave schema`: the JSON of problems, plans and results, for programs in any language."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from .output import print_json

app = App(
    name="schema",
    help_epilogue="""Examples:
  infersave schema plan > plan.schema.json
  infersave schema problem | jq '.properties | keys'""",
)

What = Literal[
    "problem",
    "plan",
    "result",
    "replan",
    "reasons",
    "explanation",
    "recommendation",
    "frontier",
    "sensitivity",
]


@app.default
def schema(what: What, /) -> int:
    """Print a JSON Schema.

    Args:
        what: problem (spelled out, as FleetProblem; files may use names instead), plan, result
            (of solve_many), replan, reasons or explanation (of explain), recommendation, frontier
            or sensitivity.
    """
    from ..models.fleet import FleetProblem
    from ..models.frontier import Frontier
    from ..models.plan import SCHEMA_VERSION, FleetPlan
    from ..models.reasons import Reasons
    from ..models.relaxation import Explanation
    from ..models.replan import Replan
    from ..models.result import Result
    from ..models.sensitivity import Sensitivity
    from ..models.value import Value
    from ..solver.recommend import Recommendation

    values: dict[str, type[Value]] = {
        "problem": FleetProblem,
        "plan": FleetPlan,
        "result": Result,
        "replan": Replan,
        "reasons": Reasons,
        "explanation": Explanation,
        "recommendation": Recommendation,
        "frontier": Frontier,
        "sensitivity": Sensitivity,
    }
    described = values[what].model_json_schema(
        mode="validation" if what == "problem" else "serialization"
    )
    print_json({"$id": f"infersave/{what}/{SCHEMA_VERSION}", **described})
    return 0
